"""Infinite numbers are bad input everywhere: no level, no group, no missing answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey import compare, estimate, model
from survey.design import SurveyDesign
from survey.errors import EstimationError

FRAME = pd.DataFrame({
    "y": [1.0, 2, 3, 4, np.inf, 2], "b": [0, 1, 1, 0, -np.inf, np.nan], "g": ["a", "b"] * 3, "x": [0.0, 2, 1, 5, 3, 2],
})  # fmt: skip
FRAME = FRAME.assign(o=FRAME["y"].astype(object), c=pd.Categorical(FRAME["y"]), n=FRAME["y"].astype("Float64"))
D = SurveyDesign(FRAME.assign(w=1.0), "w")


@pytest.mark.parametrize("item", ["y", "b", "o", "c", "n"])
@pytest.mark.parametrize("call", [
    lambda item: estimate.proportion(D, item), lambda item: estimate.mean(D, item),
    lambda item: estimate.total(D, item), lambda item: estimate.quantile(D, item),
    lambda item: estimate.ratio(D, "x", item),
    lambda item: estimate.mean(D, "x", by=item), lambda item: estimate.battery(D, item, [None, "g"]),
    lambda item: compare.ttest(D, item, "g"), lambda item: compare.rao_scott(D, "g", item),
])  # fmt: skip
def test_an_infinite_value_is_refused_with_its_mend(call: Callable[[str], Any], item: str) -> None:
    with pytest.raises(EstimationError, match=rf"infinite values[\s\S]*where: {item}[\s\S]*set them to missing"):
        call(item)


@pytest.mark.parametrize("formula", ["y ~ x", "x ~ y", "x ~ np.log(x)", "x ~ g + offset(y)"])
def test_an_infinite_term_of_a_model_is_refused(formula: str) -> None:
    with np.errstate(divide="ignore"), pytest.raises(EstimationError, match="infinite values"):
        model.fit(D, formula)


def test_a_missing_value_in_its_place_is_left_out() -> None:
    d = D.assign(y=FRAME["y"].replace(np.inf, np.nan))
    assert estimate.mean(d, "y")[["estimate", "n"]].values.tolist() == [[2.4, 5.0]]
