"""Replicate weights made from a design give the linearized variance of linear statistics exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey import estimate
from survey.design import SurveyDesign
from survey.errors import DesignError
from survey.resample import as_replicates


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    return pd.DataFrame(
        {"y": rng.normal(size=24), "h": np.repeat([1, 2, 3], 8), "psu": np.repeat(np.arange(6), 4), "w": 2.0}
    )


@pytest.mark.parametrize(("method", "fay"), [("JKn", 0.0), ("BRR", 0.0), ("Fay", 0.4)])
def test_the_variance_of_a_total_is_the_linearized_one(frame: pd.DataFrame, method: str, fay: float) -> None:
    d = SurveyDesign(frame, "w", strata="h", psu="psu")
    made = as_replicates(d, method, fay=fay)  # type: ignore[arg-type]
    assert estimate.total(made, "y")["se"].iloc[0] == pytest.approx(estimate.total(d, "y")["se"].iloc[0])
    assert made.degf() == d.degf() == 3


def test_jackknife_with_a_finite_population(frame: pd.DataFrame) -> None:
    d = SurveyDesign(frame.assign(N=24), "w", psu="psu", fpc="N")
    made = as_replicates(d, "JK1")
    assert estimate.total(made, "y")["se"].iloc[0] == pytest.approx(estimate.total(d, "y")["se"].iloc[0])


def test_the_bootstrap_is_near_and_repeats_from_its_seed(frame: pd.DataFrame) -> None:
    d = SurveyDesign(frame.assign(psu=np.arange(24)), "w", strata="h", psu="psu")
    one, two = (as_replicates(d, "bootstrap", count=2000, seed=9) for _ in range(2))
    assert estimate.mean(one, "y")["se"].iloc[0] == estimate.mean(two, "y")["se"].iloc[0]
    assert estimate.mean(one, "y")["se"].iloc[0] == pytest.approx(estimate.mean(d, "y")["se"].iloc[0], rel=0.06)


def test_methods_that_do_not_fit_say_why(frame: pd.DataFrame) -> None:
    d = SurveyDesign(frame, "w", strata="h", psu="psu")
    with pytest.raises(DesignError, match="JKn"):
        as_replicates(d, "JK1")
    with pytest.raises(DesignError, match="two units"):
        as_replicates(SurveyDesign(frame, "w", strata="h"), "BRR")


def test_successive_differences_follow_the_file_and_not_the_names() -> None:
    frame = pd.DataFrame({"y": np.arange(24.0) % 7, "psu": np.arange(24), "w": 1.0})
    other = frame.assign(psu=np.random.default_rng(4).permutation(24))
    a, b = (
        estimate.mean(as_replicates(SurveyDesign(f, "w", psu="psu"), "SDR"), "y")["se"].iloc[0] for f in (frame, other)
    )
    assert a == pytest.approx(b, rel=1e-12)
