"""Gaps, runs, straight lines, heaping by hand; interviewer variance against pingouin and statsmodels."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from survey.answers import CODE_OF
from survey.quality import interviewer_effect
from survey.quality.answers import (
    item_nonresponse,
    longest_runs,
    myers,
    rounded,
    speeders,
    straight_lines,
    whipple,
)

A, R, DK, NA = (CODE_OF[reason] for reason in ("answered", "refused", "dont_know", "not_applicable"))


def test_item_nonresponse_leaves_out_whoever_was_not_to_answer() -> None:
    table = item_nonresponse(pd.DataFrame({"a": [A, A, DK, R], "b": [NA, NA, NA, A], "c": [NA] * 4}))
    assert table["rate"].tolist()[:2] == [0.5, 0.0]
    assert math.isnan(table["rate"].iloc[2])
    assert table.loc["a", ["refused", "dont_know", "asked"]].tolist() == [1, 1, 4]


def test_a_run_passes_over_questions_that_do_not_apply_and_ends_at_an_answer() -> None:
    rows = pd.DataFrame([[DK, DK, NA, DK, A], [DK, DK, A, DK, DK], [A] * 5], columns=list("abcde"))
    assert longest_runs(rows).tolist() == [3, 2, 0]


def test_straight_lines_by_hand() -> None:
    codes = np.array([[2, 2, 2, 2], [2, 2, 2, 1], [2, -1, -1, 2], [3, 3, 3, -1]], dtype=np.int16)
    same, judged = straight_lines(codes)
    assert same.tolist() == [True, False, False, True]
    assert judged.tolist() == [True, True, False, True]


def test_speeders_by_a_stated_share_of_the_median() -> None:
    minutes = [10.0, 20.0, 20.0, 20.0, 7.9]
    assert speeders(minutes).tolist() == [False, False, False, False, True]
    assert speeders(minutes, 0.6).tolist() == [True, False, False, False, True]
    assert not speeders([float("nan")] * 2).any()


def test_heaping_indices_at_their_ends_and_between() -> None:
    assert whipple(np.arange(23, 63)) == 100
    assert whipple([25, 30, 35, 60]) == 500
    # 40 persons, one of each age, and 40 more aged 30: 48 of 80 end in 0 or 5, 500 · 48/80.
    assert whipple([*range(23, 63), *[30] * 40]) == pytest.approx(300)
    # Ages 20–79 once and 50 more aged 40, whom both sums hold: T_0 = 1·55 + 9·55, the nine others 10·5 each.
    assert myers([*range(20, 80), *[40] * 50]) == pytest.approx(50 * (550 / 1000 - 0.1 + 9 * (0.1 - 50 / 1000)))
    assert math.isnan(myers([18]))


def test_lengths_told_in_tenths_hit_a_multiple_of_five_less_often() -> None:
    assert rounded([10, 15, 21, 22]) == (0.5, 0.2)
    assert rounded([10.0, 15.3, 21.0, 22.0]) == (0.25, 0.02)


def crossed(seed: int, interviewers: int, interviews: int, sd: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(interviewers), interviews)
    effect = rng.normal(0, sd, interviewers)
    return pd.DataFrame({"who": who, "target": np.tile(np.arange(interviews), interviewers)}).assign(
        y=effect[who] + rng.normal(0, 1, len(who))
    )


def test_the_intraclass_correlation_is_pingouins() -> None:
    data = crossed(1, 12, 8, 0.6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pingouin

        table = pingouin.intraclass_corr(data, targets="who", raters="target", ratings="y")
    expected = table.iloc[0]  # ICC1: one-way random effects, single answers
    found = interviewer_effect(data["y"], data["who"])
    assert found.rho == pytest.approx(expected["ICC"], rel=1e-10)
    assert found.f == pytest.approx(expected["F"], rel=1e-10)
    assert found.deff == pytest.approx(1 + 7 * expected["ICC"], rel=1e-10)


@pytest.mark.parametrize("blocks", [1, 6])
def test_the_variance_components_are_those_of_a_mixed_model(blocks: int) -> None:
    """Balanced data: analysis of variance and REML agree; with blocks every interviewer works in all of them."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    data = crossed(2, 10, 12, 0.5)
    data["block"] = data["target"] % blocks
    data["y"] += 0.8 * data["block"]
    design = pd.get_dummies(data["block"], dtype=float)
    fit = MixedLM(data["y"], design, groups=data["who"]).fit(reml=True)
    among, within = float(np.asarray(fit.cov_re)[0, 0]), float(fit.scale)
    found = interviewer_effect(data["y"], data["who"], data["block"])
    assert found.rho == pytest.approx(among / (among + within), abs=2e-5)


def test_an_interviewer_with_a_block_of_his_own_cannot_be_told_from_it() -> None:
    found = interviewer_effect([1.0, 2, 3, 4], [1, 1, 2, 2], [1, 1, 2, 2])
    assert math.isnan(found.rho)


def test_the_sums_of_squares_are_those_of_least_squares_when_unbalanced() -> None:
    rng = np.random.default_rng(3)
    who, block, y = rng.integers(0, 6, 90), rng.integers(0, 5, 90), rng.normal(size=90)
    blocks = np.eye(5)[block]
    whole = np.column_stack([blocks, np.eye(6)[who]])

    def rest(X: np.ndarray) -> float:
        return float(((y - X @ np.linalg.lstsq(X, y, rcond=None)[0]) ** 2).sum())

    found = interviewer_effect(y, who, block)
    expected = (rest(blocks) - rest(whole)) / 5 / (rest(whole) / 80)
    assert (found.df1, found.df2) == (5, 80)
    assert found.f == pytest.approx(expected, rel=1e-10)
