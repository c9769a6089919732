"""Raking, trimming and base weights against hand calculation and properties."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import estimate
from survey.calibrate import calibrated, weight_diagnostics
from survey.codebook import Design, Weighting
from survey.design import SurveyDesign
from survey.errors import CodebookError, DataError, EstimationError
from survey.figures import design_of
from survey.privacy import Protected
from survey.sampling.calibrated import Calibration
from survey.selection import base_weights
from survey.survey_yaml import parse
from survey.weighting import (
    Margins,
    calibrate,
    cut,
    diagnostics,
    poststratify,
    rake,
    read_margins,
    trim,
    trim_and_rake,
    weigh,
)  # fmt: skip
from tests.small_survey import YAML

FRAME = pd.DataFrame({"sex": list("112212"), "area": list("121212")})


def sums(frame: pd.DataFrame, weights: np.ndarray, margin: str) -> dict[str, float]:
    return pd.Series(weights).groupby(frame[margin].to_numpy()).sum().to_dict()


def test_post_stratification_by_hand() -> None:
    weights, _ = rake(FRAME, np.ones(6), {"sex": {"1": 30.0, "2": 60.0}})
    assert weights.tolist() == [10.0, 10.0, 20.0, 20.0, 10.0, 20.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 5.0))
def test_raking_hits_every_margin_and_keeps_odds_ratios(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": rng.integers(0, 3, 200).astype(str), "b": rng.integers(0, 4, 200).astype(str)})
    base = rng.uniform(0.5, 3, 200)
    totals = rng.uniform(50, 100, 3)
    other = rng.uniform(50, 100, 4)
    margins = {
        "a": dict(zip("012", totals * 1000 / totals.sum(), strict=True)),
        "b": dict(zip("0123", other * 1000 / other.sum(), strict=True)),
    }
    weights, _ = rake(frame, base * scale, margins)
    for name, levels in margins.items():
        assert sums(frame, weights, name) == pytest.approx(levels, rel=1e-8)
    # IPF multiplies by a factor of each level, so that within a cell weights stay proportional to the base.
    factor = pd.Series(weights / base).groupby([frame["a"], frame["b"]]).agg(["min", "max"])
    assert factor["max"].to_numpy() == pytest.approx(factor["min"].to_numpy(), rel=1e-9)
    assert weights == pytest.approx(rake(frame, base, margins)[0], rel=1e-6)  # the scale of the base does not matter
    order = rng.permutation(200)
    shuffled, _ = rake(frame.iloc[order].reset_index(drop=True), base[order], margins)
    assert shuffled == pytest.approx(rake(frame, base, margins)[0][order], rel=1e-6)


def test_trimming_keeps_the_sum_and_the_bound() -> None:
    weights = np.random.default_rng(1).lognormal(0, 1, 500)
    trimmed = trim(weights, 4.0)
    assert trimmed.sum() == pytest.approx(weights.sum())
    assert trimmed.max() <= 4.0 * np.median(weights) * (1 + 1e-9)


def test_trimmed_weights_hit_the_margins_again() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"sex": rng.integers(1, 3, 400).astype(str)})
    margins = {"sex": {"1": 480.0, "2": 520.0}}
    weights, _ = rake(frame, rng.lognormal(0, 1, 400), margins)
    settings_ = Weighting.model_validate({"rake": ["sex"], "trim": {"max_ratio": 3.0}})
    final = trim_and_rake(frame, weights, margins, settings_)
    assert sums(frame, final, "sex") == pytest.approx(margins["sex"])
    assert final.max() / np.median(final) < 3.05 < weights.max() / np.median(weights)


def test_base_weight_is_adults_over_selection_probability() -> None:
    frame = pd.DataFrame({"p1": [0.1, 0.2], "p2": [0.5, 0.5], "adults": [2, 3]})
    weights = base_weights(frame, Weighting(inverse=("p1", "p2"), times=("adults",)))
    assert weights.tolist() == pytest.approx([40.0, 30.0])


@pytest.mark.parametrize(
    ("margins", "part"),
    [
        ({"sex": {"1": 30.0}}, "no level of the margin"),
        ({"sex": {"1": 30.0, "2": 30.0, "3": 30.0}}, "has no respondent"),
        ({"sex": {"1": 30.0, "2": 30.0}, "area": {"1": 30.0, "2": 40.0}}, "same population"),
    ],
)
def test_margins_that_cannot_be_hit_are_refused(margins: dict[str, dict[str, float]], part: str) -> None:
    with pytest.raises(DataError, match=part):
        rake(FRAME, np.ones(6), margins)


def test_contradicting_margins_do_not_converge() -> None:
    frame = pd.DataFrame({"a": list("1122"), "b": list("1122")})
    with pytest.raises(EstimationError, match="did not converge"):
        rake(frame, np.ones(4), {"a": {"1": 50.0, "2": 50.0}, "b": {"1": 60.0, "2": 40.0}})


def test_a_level_twice_is_refused_with_its_line() -> None:
    with pytest.raises(CodebookError, match="line 3"):
        read_margins("wave,margin,level,total\n,sex,1,10\n,sex,1.0,10\n", "w")


def test_kish_design_effect_by_hand() -> None:
    found = diagnostics("x", np.array([1.0, 1.0, 1.0, 3.0]))
    assert (found["deff"], found["n_eff"]) == pytest.approx((4 * 12 / 36, 3.0))


def test_weights_of_zero_change_neither_design_effect_nor_effective_size() -> None:
    """Kish: n_eff = (Σw)²/Σw², deff = 1 + CV² of those who take part; one definition for both ways to ask."""
    weights = np.random.default_rng(6).uniform(1, 5, 40)
    of_steps, of_design = diagnostics("x", np.append(weights, np.zeros(9))), weight_diagnostics(np.append(0.0, weights))
    for found, deff, size in ((of_steps, "deff", "n_eff"), (of_design, "kish_deff", "ess")):
        assert found[size] == pytest.approx(weights.sum() ** 2 / (weights**2).sum(), rel=1e-12)
        assert found[deff] == pytest.approx(1 + weights.var() / weights.mean() ** 2, rel=1e-12)
    assert (of_steps["n"], of_design["n"]) == (49, 40)


@pytest.fixture
def homes() -> pd.DataFrame:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"sex": rng.integers(1, 3, 200).astype(str), "area": rng.integers(1, 4, 200).astype(str)})
    return frame.assign(rooms=rng.integers(1, 6, 200).astype(float), w=rng.uniform(5, 15, 200))


TOTALS = {"sex": {"1": 1000.0, "2": 1100.0}, "area": {"1": 700.0, "2": 800.0, "3": 600.0}, "rooms": 6600.0}


@pytest.mark.parametrize(
    ("distance", "bounds"),
    [
        ("linear", None),
        ("raking", None),
        ("logit", (0.5, 2.0)),
        ("linear", (0.6, 1.6)),
        ("raking", (0.6, 1.6)),
    ],
)
def test_calibration_meets_totals_as_the_design_does(homes: pd.DataFrame, distance: str, bounds: Any) -> None:
    base = homes["w"].to_numpy()
    base.flags.writeable = False
    weights = calibrate(homes, base, TOTALS, bounds, distance)  # type: ignore[arg-type]
    for name in ("sex", "area"):
        assert sums(homes, weights, name) == pytest.approx(TOTALS[name])
    assert weights @ homes["rooms"] == pytest.approx(6600)
    low, high = bounds or (-np.inf, np.inf)
    assert ((weights / base > low - 1e-12) & (weights / base < high + 1e-12)).all()
    model = np.column_stack([pd.get_dummies(homes[["sex", "area"]]).to_numpy(dtype=float), homes["rooms"]])
    wanted = [1000, 1100, 700, 800, 600, 6600]
    whole = calibrated(SurveyDesign(homes, "w"), model, wanted, distance, bounds)  # type: ignore[arg-type]
    assert whole.weights == pytest.approx(weights, rel=1e-8)


def test_linear_calibration_is_the_regression_estimator(homes: pd.DataFrame) -> None:
    """Σ w y = ŷ_HT + (X − X̂_HT)·B with B the weighted least-squares coefficients."""
    w, y = homes["w"].to_numpy(), homes["rooms"].to_numpy() ** 2
    X = np.column_stack([homes["sex"] == "1", homes["sex"] == "2", homes["rooms"]]).astype(float)
    wanted = np.array([1000.0, 1100.0, 6600.0])
    B = np.linalg.solve(X.T @ (X * w[:, None]), X.T @ (w * y))
    weights = calibrate(homes, w, {"sex": TOTALS["sex"], "rooms": 6600.0})
    assert weights @ y == pytest.approx(w @ y + (wanted - X.T @ w) @ B)


def test_raking_distance_is_raking(homes: pd.DataFrame) -> None:
    margins = {"sex": TOTALS["sex"], "area": TOTALS["area"]}
    weights = calibrate(homes, homes["w"].to_numpy(), margins, distance="raking")  # type: ignore[arg-type]
    assert weights == pytest.approx(rake(homes, homes["w"].to_numpy(), margins, 1e-13)[0], rel=1e-9)  # type: ignore[arg-type]


def test_post_stratification_of_a_crossing(homes: pd.DataFrame) -> None:
    totals = {f"{s}:{a}": 100.0 * s + 10 * a for s in (1, 2) for a in (1, 2, 3)}
    weights = poststratify(homes, homes["w"].to_numpy(), "sex:area", totals)
    assert sums(homes.assign(c=homes["sex"] + ":" + homes["area"]), weights, "c") == pytest.approx(totals)
    one = calibrate(homes, homes["w"].to_numpy(), {"sex:area": totals})
    assert one == pytest.approx(weights)


def test_calibration_that_cannot_be_done_says_why(homes: pd.DataFrame) -> None:
    w = homes["w"].to_numpy()
    for error, match, call in [
        (EstimationError, "cannot be met", lambda: calibrate(homes, w, {"rooms": 1e6}, (0.5, 2))),
        (EstimationError, "not known", lambda: calibrate(homes, w, {"rooms": 6600.0}, distance="logit")),
        (EstimationError, "not known", lambda: calibrate(homes, w, {"rooms": 6600.0}, (2, 1))),
        (DataError, "gaps", lambda: calibrate(homes.assign(rooms=np.nan), w, {"rooms": 6600.0})),
        (DataError, "not in the data", lambda: calibrate(homes, w, {"age": 1.0})),
        (DataError, "same population", lambda: calibrate(homes, w, {"sex": TOTALS["sex"], "area": {"1": 1.0}})),
        (DataError, "no level", lambda: poststratify(homes, w, "sex", {"1": 1.0})),
        (DataError, "has no respondent", lambda: poststratify(homes, w, "sex", {"1": 1.0, "2": 2.0, "3": 1.0})),
    ]:
        with pytest.raises(error, match=match):
            call()


def weighted(frame: pd.DataFrame, weighting: dict[str, Any], margins: dict[str, dict[str, float]]) -> Any:
    """The weights and the facts of the whole step, of frames that may not be written to."""
    book = parse(YAML).model_copy(update={"weighting": Weighting.model_validate(weighting)})
    base = frame.assign(base_weight=frame["w"])
    for name in base:
        if base[name].dtype == float:
            base[name].to_numpy().flags.writeable = False
    before = base.copy()
    done, facts = weigh(Protected(base, pd.DataFrame(index=frame.index), {}), book, Margins(margins))
    pd.testing.assert_frame_equal(base, before)
    return done, facts["weighting"], book


@pytest.fixture
def ages(homes: pd.DataFrame) -> pd.DataFrame:
    band = np.repeat(["1", "2", "3", "4"], [80, 70, 47, 3])
    return homes.assign(age=np.random.default_rng(6).permutation(band))


AGES = {"1": 700.0, "2": 600.0, "3": 500.0, "4": 300.0}


def test_a_thin_level_is_merged_in_the_sample_and_in_the_totals(ages: pd.DataFrame) -> None:
    done, facts, book = weighted(ages, {"rake": ["sex", "age"], "min_cell": 30}, {"sex": TOTALS["sex"], "age": AGES})
    assert facts["merged"] == {"age": {"3": "3+4", "4": "3+4"}}
    weights = done.frame["weight"].to_numpy()
    joined = ages.assign(age=ages["age"].replace({"4": "3"}))
    assert sums(joined, weights, "age") == pytest.approx({"1": 700, "2": 600, "3": 800})
    step = Calibration.of_margins([ages["sex"], joined["age"]], ages["w"], weights)  # type: ignore[arg-type]
    by_hand = SurveyDesign(done.frame, "weight", calibration=[step])
    made = design_of(done, book.model_copy(update={"design": Design()}))
    assert estimate.mean(made, "rooms")["se"][0] == pytest.approx(estimate.mean(by_hand, "rooms")["se"][0])
    assert [row["n"] for row in facts["margins"] if row["margin"] == "age"] == [80, 70, 50]


def test_a_thin_level_goes_where_survey_yaml_says(ages: pd.DataFrame) -> None:
    plan = {"rake": ["age"], "min_cell": 30, "merge": {"age": {"4": "1"}}}
    assert weighted(ages, plan, {"age": AGES})[1]["merged"] == {"age": {"1": "1+4", "4": "1+4"}}
    nobody = {"age": AGES | {"5": 10.0}}
    assert weighted(ages, {"rake": ["age"], "min_cell": 2}, nobody)[1]["merged"] == {"age": {"4": "4+5", "5": "4+5"}}
    with pytest.raises(DataError, match="level 5"):
        weighted(ages, {"rake": ["age"]}, nobody)


def test_numbers_and_normalisation(homes: pd.DataFrame) -> None:
    margins: dict[str, dict[str, float]] = {"sex": TOTALS["sex"], "rooms": {"": 6600.0}, "population": {"": 99.0}}
    plan = {"calibrate": {"to": ["sex", "rooms"]}, "trim": {"max_ratio": 1.8, "min_ratio": 0.3}}
    weights = weighted(homes, plan, margins)[0].frame["weight"].to_numpy()
    assert weights @ homes["rooms"] == pytest.approx(6600)
    assert weights.max() <= 1.8 * 1.02 * np.median(weights)
    done, facts, _ = weighted(homes, plan | {"normalise": "respondents"}, margins)
    assert done.frame["weight"].sum() == pytest.approx(200)
    assert [step["step"] for step in facts["steps"]] == ["base", "calibrated", "trimmed", "normalised"]
    assert weighted(homes, {"normalise": "population"}, margins)[0].frame["weight"].sum() == pytest.approx(99)
    with pytest.raises(CodebookError, match="how large the population"):
        weighted(homes, {"normalise": "population"}, {})
    with pytest.raises(CodebookError, match="total of a number"):
        weighted(homes, {"rake": ["rooms"]}, margins)


def test_narrow_bounds_are_told_with_the_nearest_that_would_do(homes: pd.DataFrame) -> None:
    w = homes["w"].to_numpy()
    far = {"sex": {"1": 500.0, "2": 2000.0}}
    with pytest.raises(EstimationError, match=r"within the bounds[\s\S]*sex level . \(\d+ respondents\)") as told:
        calibrate(homes, w, far, (0.9, 1.1))
    offered = re.findall(r"\[([\d.]+), ([\d.]+)\]", told.value.parts()["hint"])
    assert offered
    for low, high in offered:
        assert sums(homes, calibrate(homes, w, far, (float(low), float(high))), "sex") == pytest.approx(far["sex"])
        with pytest.raises(EstimationError):  # a little narrower is too narrow
            calibrate(homes, w, far, (float(low) + 0.003, float(high) - 0.003))


def test_contradicting_totals_are_told_with_the_level() -> None:
    frame = pd.DataFrame({"a": list("1122"), "b": list("1122")})
    margins = {"a": {"1": 50.0, "2": 50.0}, "b": {"1": 60.0, "2": 40.0}}
    with pytest.raises(EstimationError, match=r"contradict each other[^€]*respondents"):
        calibrate(frame, np.ones(4), margins)
    with pytest.raises(EstimationError, match=r"a level \d \(2 respondents\)[^€]*40 persons|60 persons"):
        rake(frame, np.ones(4), margins)


@pytest.mark.parametrize("spread", ["proportion", "even"])
def test_cut_weights_stay_inside_and_keep_the_sum(spread: Any) -> None:
    weights = np.random.default_rng(8).lognormal(0, 1, 300)
    weights.flags.writeable = False
    after = cut(weights, 0.4, 3.0, spread)
    assert after.sum() == pytest.approx(weights.sum())
    assert after.min() >= 0.4 * (1 - 1e-9)
    assert after.max() <= 3 * (1 + 1e-9)


def test_the_largest_hundredth_by_hand() -> None:
    weights = np.append(np.ones(198), [5.0, 7.0])
    assert diagnostics("x", weights)["top1"] == pytest.approx(12 / 210)
