"""Rubin's rules by hand."""

from __future__ import annotations

import numpy as np
import pytest

from survey.imputation import combine
from survey.tidy import results


def test_imputations_that_agree_have_the_designs_degrees_of_freedom() -> None:
    """B = 0: ν = ν_c (ν_c + 1)/(ν_c + 3), 20·21/23, and not ∞ (Barnard & Rubin 1999)."""
    part = results([{"item": "y", "estimate": 1.0, "se": 0.5, "df": 20}])
    assert combine([part] * 3)["df"].iloc[0] == pytest.approx(20 * 21 / 23)
    assert combine([part] * 3, df_complete=10)["df"].iloc[0] == pytest.approx(10 * 11 / 13)
    assert np.isinf(combine([part] * 3, df_complete=np.inf)["df"].iloc[0])
    assert np.isinf(combine([part] * 3, df_complete=np.inf, rule="mitools")["df"].iloc[0])


def test_each_row_combines_with_its_own_degrees_of_freedom() -> None:
    parts = [
        results([{"item": "a", "estimate": e, "se": 1.0, "df": 20}, {"item": "b", "estimate": e, "se": 1.0, "df": 0}])
        for e in (1.0, 2.0)
    ]
    rows = combine(parts)
    rubin, observed = (1 + 1 / 0.75) ** 2, 20 * 21 / 23 / 1.75
    assert rows["df"].iloc[0] == pytest.approx(1 / (1 / rubin + 1 / observed))
    assert rows.loc[1, ["df", "ci_low", "p"]].isna().all()


def test_a_cell_empty_in_one_imputation_says_why() -> None:
    full = results([{"item": "y", "estimate": 1.0, "se": 0.5, "df": 20}])
    empty = results([{"item": "y", "df": 0, "reason": "no answers in this group"}])
    row = combine([full, empty, full]).iloc[0]
    assert np.isnan(row["estimate"])
    assert row["reason"] == "no answers in this group"
