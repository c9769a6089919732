"""The first samples of docs/validation.md, within exact binomial limits; and a wrong engine outside them.

A limit with tail 0.0005 a side is crossed once in a thousand honest figures; the seeds are fixed, so a figure that
holds today holds until the numbers change.
"""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from tests.validation import figures, hypotheses
from tests.validation.known import Known, known, spoken
from tests.validation.page import page
from tests.validation.run import Runs, run
from tests.validation.samples import book
from tests.validation.summary import ALPHA, LEVEL, coverage, limits, rejections

SAMPLES, HEADLINES, TAIL = 100, 300, 0.0005


@pytest.fixture(scope="module")
def world() -> Known:
    return known()


@pytest.fixture(scope="module")
def runs() -> Runs:
    return run(SAMPLES, HEADLINES - SAMPLES, processes=min(2, os.cpu_count() or 1))


@pytest.fixture(scope="module")
def covered(runs: Runs, world: Known) -> pd.DataFrame:
    """All figures over the samples taken in full."""
    return coverage(Runs(runs.estimates[runs.estimates["sample"] < SAMPLES], runs.p), world)


@pytest.fixture(scope="module")
def headline(runs: Runs, world: Known) -> pd.DataFrame:
    """The headline over all samples."""
    rows = runs.estimates
    return coverage(Runs(rows[rows["part"].isin(list(figures.HEADLINE))], runs.p), world)


def indicators() -> list[str]:
    return [spoken(name) for name in book().report.headline]


def test_every_headline_indicator_has_a_truth(world: Known) -> None:
    truth = pd.Series(world.truth)[indicators()]
    assert len(truth) == 5
    assert truth.between(0.02, 0.98).all()


def test_intervals_of_the_headline_cover_the_truth_as_often_as_they_say(headline: pd.DataFrame) -> None:
    assert headline.loc[indicators(), "coverage"].between(0.92, 0.98).all(), headline


def test_standard_errors_of_the_headline_are_the_spread_of_the_estimates(headline: pd.DataFrame) -> None:
    # The Monte Carlo error of a standard deviation over 300 samples is 1/√600 ≈ 4 %: three of them.
    assert headline.loc[indicators(), "ratio"].between(0.88, 1.12).all(), headline


def test_weighting_removes_a_bias_that_is_there(headline: pd.DataFrame) -> None:
    assert (headline.loc[indicators(), "bias"].abs() < 0.35).all(), headline
    assert (headline.loc[[figures.NAIVE + name for name in indicators()], "bias"].abs() > 1).any(), headline


def test_an_area_is_called_different_no_more_often_than_said(covered: pd.DataFrame) -> None:
    """Each district against the rest: intervals cover the true difference, few as a district's sampling units are."""
    areas = covered[covered["part"] == "Districts against the rest"]
    assert len(areas) == 11
    # 1,100 intervals that share samples: Monte Carlo error about 1 point.
    assert 0.92 <= areas["coverage"].mean() <= 0.98, areas


def test_every_interval_covers_within_exact_limits(covered: pd.DataFrame) -> None:
    low, _ = limits(LEVEL, SAMPLES, TAIL)
    honest = covered[~covered["part"].isin(figures.CONTRAST)]
    assert len(honest) >= 40
    assert (honest["coverage"] >= low).all(), honest[honest["coverage"] < low]
    # Intervals that always cover are no achievement: together they must miss.
    assert 0.94 <= honest["coverage"].mean() <= 0.975, honest["coverage"].mean()


def test_standard_errors_are_the_spread(covered: pd.DataFrame) -> None:
    honest = covered[~covered["part"].isin(figures.CONTRAST)]
    off = (honest["ratio"] - 1) / honest["ratio_error"]
    assert (off > -3.5).all(), honest[off <= -3.5]
    # Without the finite population correction that systematic selection does not allow they may be too large:
    # by √(1/(1 − 0.28)) = 1.18 at most.
    assert (honest["ratio"] - 3.5 * honest["ratio_error"] < 1.2).all(), honest
    assert 0.97 < honest["ratio"].median() < 1.1


def test_tests_err_no_more_often_than_they_say(runs: Runs) -> None:
    found = rejections(runs).drop(index=hypotheses.POWER)
    _, high = limits(ALPHA, SAMPLES, TAIL)
    assert len(found) >= 15
    assert (found["rate"] <= high).all(), found
    assert 0.025 <= found["rate"].mean() <= 0.07, found


def test_p_values_of_true_hypotheses_are_spread_evenly(runs: Runs) -> None:
    """Nearly so: the deciles of all p together; corrected ones and equivalence are cautious by construction."""
    left_out = [name for name in runs.p if "Holm" in name or "TOST" in name]
    p = runs.p.drop(columns=left_out).to_numpy()
    assert 0.44 < p.mean() < 0.56
    deciles = np.histogram(p, bins=10, range=(0, 1))[0] / p.size
    assert (np.abs(deciles - 0.1) < 0.05).all(), deciles


def test_equivalence_has_the_power_that_its_standard_error_promises(runs: Runs) -> None:
    row = rejections(runs).loc[hypotheses.POWER]
    low, high = limits(row["expected"], SAMPLES, TAIL)
    assert low <= row["rate"] <= high, row


def test_an_engine_that_ignores_sampling_units_would_be_caught(covered: pd.DataFrame) -> None:
    """The same checks on the naive standard errors: what this file is for."""
    low, _ = limits(LEVEL, SAMPLES, TAIL)
    naive = covered.loc[figures.NAIVE + "mean rent"]
    assert naive["coverage"] < low - 0.1
    assert naive["ratio"] + 3.5 * naive["ratio_error"] < 0.8
    assert covered.loc["mean rent", "coverage"] >= low


def test_the_page_is_the_same_bytes_each_time(covered: pd.DataFrame, runs: Runs) -> None:
    text = page(SAMPLES, covered, rejections(runs))
    assert text == page(SAMPLES, covered, rejections(runs))
    for label in covered.index:
        assert f"| {label} |" in text
    assert "nan" not in text
