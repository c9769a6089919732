"""The published city-wide shares against the truth of the simulated city: 95 % intervals must cover it as such."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulation.city import City, build, headline
from simulation.questionnaire import HEADLINES
from simulation.sample import sample_frame
from survey import compare
from survey.codebook import Codebook
from survey.figures import design_of, shares
from survey.privacy import Protected
from survey.recipes import derive
from survey.selection import BASE, base_weights
from survey.survey_yaml import parse
from survey.weighting import read_margins, weigh

FOLDER = Path(__file__).parent.parent / "data" / "raw" / "example-city"
WAVE, SAMPLES = "2026H1", 300


@pytest.fixture(scope="module")
def book() -> Codebook:
    return parse((FOLDER / "survey.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def city() -> City:
    return build()


@pytest.fixture(scope="module")
def truth(city: City, book: Codebook) -> pd.Series:
    """Population shares of the headline indicators, counted over every resident."""
    table = city.truth(WAVE)
    return table[table["item"].isin(book.report.headline)].set_index("item")["share"]


def weighted_sample(city: City, book: Codebook, seed: int) -> Protected:
    """One sample after the stages down to weighting."""
    margins = read_margins((FOLDER / "margins.csv").read_text(encoding="utf-8"), WAVE)
    frame = derive(sample_frame(city, WAVE, seed), book)
    frame[BASE] = base_weights(frame, book.weighting)
    return weigh(Protected(frame, pd.DataFrame(index=frame.index), {}), book, margins)[0]


@pytest.fixture(scope="module")
def estimates(city: City, book: Codebook) -> pd.DataFrame:
    """Headline estimates of 300 samples, each weighted and estimated by the stages of the pipeline."""
    parts = []
    for seed in range(SAMPLES):
        weighted = weighted_sample(city, book, seed)
        rows = shares(design_of(weighted, book), list(book.report.headline), None)
        unweighted = rows["item"].map(weighted.frame[list(book.report.headline)].mean())
        parts.append(rows.assign(sample=seed, unweighted=unweighted))
    return pd.concat(parts, ignore_index=True)


def test_every_headline_indicator_has_a_truth(truth: pd.Series, book: Codebook) -> None:
    assert sorted(truth.index) == sorted(book.report.headline)
    assert len(truth) == 5
    assert truth.between(0.02, 0.98).all()


def test_intervals_cover_the_truth_as_often_as_they_say(estimates: pd.DataFrame, truth: pd.Series) -> None:
    value = estimates["item"].map(truth)
    covered = (estimates["ci_low"] <= value) & (value <= estimates["ci_high"])
    coverage = covered.groupby(estimates["item"]).mean()
    print(f"\nCoverage of nominal 95 % intervals over {SAMPLES} samples:\n{coverage.round(3).to_string()}")
    assert coverage.between(0.92, 0.98).all(), coverage


def test_standard_errors_are_the_spread_of_the_estimates(estimates: pd.DataFrame) -> None:
    spread = estimates.groupby("item")["estimate"].std()
    said = estimates.groupby("item")["se"].apply(lambda se: np.sqrt((se**2).mean()))
    # The Monte Carlo error of a standard deviation over 300 samples is 1/√600 ≈ 4 %: three of them.
    assert (said / spread).between(0.88, 1.12).all(), said / spread


def test_weighting_removes_a_bias_that_is_there(estimates: pd.DataFrame, truth: pd.Series) -> None:
    mean = estimates.groupby("item")[["estimate", "unweighted"]].mean()
    spread = estimates.groupby("item")["estimate"].std()
    bias = mean.sub(truth, axis=0).abs().div(spread, axis=0)
    assert (bias["estimate"] < 0.35).all(), bias
    assert (bias["unweighted"] > 1).any(), bias


def test_an_area_is_called_different_no_more_often_than_said(city: City, book: Codebook) -> None:
    """Each district against the rest: intervals cover the true difference, few as a district's sampling units are."""
    value = headline(city.answers(WAVE), HEADLINES["sense_of_security"])
    inside = pd.Series(value).groupby(city.people.district).agg(["sum", "count"])
    rest = (inside["sum"].sum() - inside["sum"]) / (inside["count"].sum() - inside["count"])
    difference = inside["sum"] / inside["count"] - rest
    covered = []
    for seed in range(100):
        d = design_of(weighted_sample(city, book, seed), book)
        rows = compare.against_rest(d, "sense_of_security", "district", measure="mean", adjust="")
        true = rows["group"].astype(int).map(difference)
        covered += list((rows["ci_low"] <= true) & (true <= rows["ci_high"]))
    # 1,100 intervals that share samples: Monte Carlo error about 1 point.
    assert 0.92 <= np.mean(covered) <= 0.98, np.mean(covered)
