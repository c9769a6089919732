"""Rubin's rules by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey import estimate
from survey.design import SurveyDesign
from survey.imputation import combine, combined_covariance
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


def test_a_difference_of_combined_estimates_is_the_combined_difference() -> None:
    """c'(W + (1 + 1/m)B)c by Rubin's rules on the differences themselves, whose covariances no formula here knows."""
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"psu": np.repeat(range(12), 10), "w": rng.uniform(1, 3, 120), "g": np.tile([0, 1], 60)})
    parts, differences = [], []
    for _ in range(4):
        d = SurveyDesign(frame.assign(y=rng.normal(size=120) + frame["psu"] / 5), "w", psu="psu")
        parts.append(estimate.mean(d, "y", by="g"))
        sizes = [d.weights[frame["g"] == group].sum() for group in (0, 1)]
        means = parts[-1]["estimate"].to_numpy()
        second, apart = frame["g"] == 1, d.frame["y"] - means[frame["g"]]
        scores = d.weights * np.where(second, apart / sizes[1], -apart / sizes[0])
        units = np.bincount(frame["psu"], weights=scores)
        differences.append((means[1] - means[0], 12 / 11 * ((units - units.mean()) ** 2).sum()))
    values, variances = np.array(differences).T
    expected = variances.mean() + (1 + 1 / 4) * values.var(ddof=1)
    covariance = combined_covariance(parts)
    assert np.array([-1, 1]) @ covariance @ np.array([-1, 1]) == pytest.approx(expected, rel=1e-10)
    assert np.sqrt(np.diag(covariance)) == pytest.approx(combine(parts)["se"].to_numpy(), rel=1e-12)
