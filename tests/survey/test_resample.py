"""Replicate weights made from a design give the linearized variance of linear statistics exactly."""

from __future__ import annotations

from itertools import combinations

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


@pytest.mark.parametrize(("method", "fay"), [("BRR", 0.0), ("Fay", 0.4), ("JKn", 0.0)])
def test_finite_populations_reach_the_variance_of_a_total(frame: pd.DataFrame, method: str, fay: float) -> None:
    d = SurveyDesign(frame.assign(N=frame["h"].map({1: 3, 2: 10, 3: 2})), "w", strata="h", psu="psu", fpc="N")
    made = as_replicates(d, method, fay=fay)  # type: ignore[arg-type]
    assert estimate.total(made, "y")["se"].iloc[0] == pytest.approx(estimate.total(d, "y")["se"].iloc[0], rel=1e-10)
    assert (made.replicates.weights >= 0).all()  # type: ignore[union-attr]


@pytest.mark.parametrize("method", ["BRR", "bootstrap", "SDR"])
def test_over_all_samples_the_mean_variance_of_a_total_is_the_true_one(method: str) -> None:
    """All 6 samples of 2 of 4: with replacement twice the truth would come out."""
    y = np.array([1.0, 4, 2, 9])
    totals, variances = [], []
    for pick in combinations(range(4), 2):
        frame = pd.DataFrame({"y": y[list(pick)], "N": 4.0, "h": 1})
        made = as_replicates(SurveyDesign(frame, strata="h", fpc="N"), method, count=6000)  # type: ignore[arg-type]
        row = estimate.total(made, "y").iloc[0]
        totals.append(row["estimate"])
        variances.append(row["se"] ** 2)
    assert np.mean(variances) == pytest.approx(np.var(totals), rel=0.03 if method == "bootstrap" else 1e-10)


def test_with_two_stages_the_jackknife_takes_the_fpc_as_r_does_and_the_others_leave_it_out() -> None:
    """Half of the units and a tenth of their persons; R's as.svrepdesign: rscales 1 − f of the first stage."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"u": np.repeat(range(6), 4), "p": range(24), "N": 12.0, "M": 40.0})
    frame["y"] = frame["u"] + rng.normal(size=24)
    d = SurveyDesign(frame, psu=["u", "p"], fpc=["N", "M"])
    plain = SurveyDesign(frame, d.weights, psu="u")
    for method, kept in (("JK1", np.sqrt(0.5)), ("bootstrap", 1.0), ("SDR", 1.0)):
        own, other = (estimate.total(as_replicates(each, method), "y")["se"].iloc[0] for each in (d, plain))  # type: ignore[arg-type]
        assert own == pytest.approx(kept * other, rel=1e-12)


def test_unequal_probabilities_have_no_replicates() -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 4], "pi": [0.2, 0.5, 0.4]})
    with pytest.raises(DesignError, match="leave pps and fpc out"):
        as_replicates(SurveyDesign(frame, fpc="pi", pps="brewer"), "JK1")
