"""Calibrated designs: margins are hit, and the variance knows it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey import calibrate, estimate
from survey.design import SurveyDesign
from survey.errors import EstimationError


@pytest.fixture
def d() -> SurveyDesign:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame(
        {"a": rng.integers(0, 2, 60), "b": rng.integers(0, 3, 60), "x": rng.uniform(1, 5, 60), "w": 10.0}
    )
    return SurveyDesign(frame.assign(y=frame["a"] + frame["x"]), "w")


def test_raking_hits_both_margins(d: SurveyDesign) -> None:
    raked = calibrate.raked(d, [(d.frame["a"], [350, 250]), (d.frame["b"], [100, 200, 300])])
    assert raked.frame.assign(w=raked.weights).groupby("a")["w"].sum().tolist() == pytest.approx([350, 250])
    assert raked.frame.assign(w=raked.weights).groupby("b")["w"].sum().tolist() == pytest.approx([100, 200, 300])
    assert d.weights.tolist() == [10.0] * 60


@pytest.mark.parametrize("distance", ["linear", "raking", "logit"])
def test_calibration_hits_its_totals(d: SurveyDesign, distance: str) -> None:
    model = np.column_stack([np.ones(60), d.frame["x"]])
    done = calibrate.calibrated(d, model, [600, 1850], distance, bounds=(0.3, 3) if distance == "logit" else None)  # type: ignore[arg-type]
    assert done.weights @ model == pytest.approx([600, 1850])


def test_the_total_of_a_calibrated_variable_has_no_variance(d: SurveyDesign) -> None:
    done = calibrate.calibrated(d, np.column_stack([np.ones(60), d.frame["x"]]), [600, 1850])
    assert estimate.total(done, "x")["se"].iloc[0] == pytest.approx(0, abs=1e-6)
    assert estimate.total(d, "x")["se"].iloc[0] > 1


def test_the_ratio_calibration_is_the_ratio_estimator(d: SurveyDesign) -> None:
    done = calibrate.calibrated(d, d.frame[["x"]], [1850], variance=d.frame["x"])
    ratio = estimate.ratio(d, "y", "x").iloc[0]
    row = estimate.total(done, "y").iloc[0]
    assert row["estimate"] == pytest.approx(1850 * ratio["estimate"])
    assert row["se"] == pytest.approx(1850 * ratio["se"])


def test_totals_that_cannot_be_met_are_refused(d: SurveyDesign) -> None:
    with pytest.raises(EstimationError, match="cannot be met"):
        calibrate.calibrated(d, d.frame[["x"]], [1e6], bounds=(0.5, 2))
    with pytest.raises(EstimationError, match="no respondent"):
        calibrate.poststratified(d, np.zeros(60), [10, 20])


def test_trimming_keeps_the_sum_and_the_limits(d: SurveyDesign) -> None:
    uneven = d.reweighted(np.linspace(1, 30, 60))
    cut = calibrate.trimmed(uneven, upper=20, lower=3, strict=True)
    assert cut.weights.sum() == pytest.approx(uneven.weights.sum())
    assert cut.weights.max() <= 20
    assert cut.weights.min() >= 3


def test_a_domain_is_calibrated_for_itself() -> None:
    """As R's calibrate(subset(...)): the totals are met inside the domain."""
    frame = pd.DataFrame({"w": [1.0, 2, 3, 4, 5, 6], "g": list("uuuvvv"), "sex": [0, 1, 0, 1, 0, 1]})
    d = calibrate.poststratified(SurveyDesign(frame, "w").domain("g == 'u'"), frame["sex"].to_numpy(), [100, 50])
    inside = frame["g"] == "u"
    assert d.weights[~inside].tolist() == [0, 0, 0]
    sums = pd.Series(d.weights[inside]).groupby(frame.loc[inside, "sex"].to_numpy()).sum()
    assert sums.tolist() == pytest.approx([100, 50])
