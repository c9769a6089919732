"""Quantiles, distribution functions and rank tests by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey import compare, estimate
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import vcov

Y = [1.0, 2, 3, 4]


@pytest.mark.parametrize(
    ("rule", "median"), [("math", 2), ("school", 2.5), ("hf1", 2), ("hf2", 2.5), ("hf4", 2), ("hf7", 2.5), ("hf6", 2.5)]
)
def test_the_median_of_four_by_rule(rule: str, median: float) -> None:
    d = SurveyDesign(pd.DataFrame({"y": Y, "w": 1.0}), "w")
    assert estimate.quantile(d, "y", 0.5, qrule=rule)["estimate"].tolist() == [median]  # type: ignore[arg-type]


def test_a_weight_of_two_counts_as_two_rows() -> None:
    one = SurveyDesign(pd.DataFrame({"y": Y, "w": [1.0, 1, 2, 1]}), "w")
    two = SurveyDesign(pd.DataFrame({"y": [1.0, 2, 3, 3, 4], "w": 1.0}), "w")
    for p in (0.1, 0.3, 0.5, 0.7, 0.95):
        assert estimate.quantile(one, "y", p)["estimate"].iloc[0] == estimate.quantile(two, "y", p)["estimate"].iloc[0]


def test_woodruff_inverts_the_interval_of_the_share() -> None:
    """101 values 0…100: F(50) = 51/101, its interval ± t·se read back as values."""
    d = SurveyDesign(pd.DataFrame({"y": np.arange(101.0), "w": 1.0}), "w")
    row = estimate.quantile(d, "y", 0.5).iloc[0]
    p = 51 / 101
    half = 1.9839715185235518 * np.sqrt(p * (1 - p) / 100)
    assert row["estimate"] == 50
    assert [row["ci_low"], row["ci_high"]] == [np.ceil(101 * (p - half)) - 1, np.ceil(101 * (p + half)) - 1]


def test_the_quantile_interval_needs_replicates() -> None:
    d = SurveyDesign(pd.DataFrame({"y": Y, "w": 1.0}), "w")
    with pytest.raises(EstimationError, match="replicate"):
        estimate.quantile(d, "y", 0.5, interval="quantile")


def test_rank_tests_do_not_depend_on_the_order_of_tied_rows() -> None:
    frame = pd.DataFrame({"y": [1, 1, 2, 2, 3, 3, 1, 2], "g": list("abababba"), "w": [1.0, 3, 2, 1, 1, 2, 2, 1]})
    shuffled = frame.sample(frac=1, random_state=5)
    tests = [compare.rank_test(SurveyDesign(f, "w"), "y", "g").iloc[0] for f in (frame, shuffled)]
    assert tests[0]["p"] == pytest.approx(tests[1]["p"])


def test_a_rank_test_of_three_groups_is_a_wald_test() -> None:
    frame = pd.DataFrame({"y": np.arange(30) % 7, "g": list("abc") * 10, "w": 1.0})
    out = compare.rank_test(SurveyDesign(frame, "w"), "y", "g", "KruskalWallis")
    assert out.attrs["test"]["ndf"] == 2
    assert out["df"].iloc[0] == 27


@pytest.mark.parametrize("qrule", ["math", "school", "hf3", "hf4"])
def test_below_the_first_step_is_the_least_value(qrule: Any) -> None:
    d = SurveyDesign(pd.DataFrame({"y": [1.0, 2.0], "w": [3.0, 1.0]}), "w")
    assert estimate.quantile(d, "y", 0.5, qrule=qrule)["estimate"].tolist() == [1.0]


def test_quantiles_say_that_they_have_no_covariance() -> None:
    d = SurveyDesign(pd.DataFrame({"y": [1.0, 2, 3, 4, 5], "w": 1.0}), "w")
    rows = estimate.quantile(d, "y", [0.25, 0.5])
    for ask in (
        lambda: vcov(rows), lambda: compare.contrast(rows, {"0.25": -1, "0.5": 1}),
        lambda: compare.contrast(rows, [1, -1]), lambda: vcov(estimate.cdf(d, "y", [2, 3])),
    ):  # fmt: skip
        with pytest.raises(EstimationError, match=r"no covariance[\s\S]*hint: compare the shares at or below"):
            ask()
    lost = pd.concat([estimate.mean(d, "y")])
    lost.attrs = {}
    with pytest.raises(EstimationError, match="before renaming or joining"):
        vcov(lost)
