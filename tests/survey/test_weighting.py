"""Raking, trimming and base weights against hand calculation and properties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.codebook import Weighting
from survey.errors import CodebookError, DataError, EstimationError
from survey.selection import base_weights
from survey.weighting import diagnostics, rake, read_margins, trim, trim_and_rake

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
