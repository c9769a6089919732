"""Coaching planted in the simulated city: how much of it is found, and how seldom honest interviewers stand out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from simulation.city import City
from simulation.questionnaire import WAVES
from simulation.sample import sample_frame
from survey.codebook import Codebook
from survey.quality import screen
from survey.quality.integrity import opinion_items

COACHED = (5, 11, 17)
SAMPLES = 50


def waves(city: City) -> list[pd.DataFrame]:
    return [sample_frame(city, WAVES[seed % len(WAVES)], seed) for seed in range(SAMPLES)]


def coach(frame: pd.DataFrame, book: Codebook, share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Three interviewers bring home the best answer to everything in a share of their interviews."""
    rows = frame["interviewer"].isin(COACHED) & (rng.random(len(frame)) < share)
    best = opinion_items(frame, book)
    return frame.assign(
        **{item: frame[item].mask(rows, frame[item].cat.categories[place]) for item, place in best.items()}
    )


def interviewers_flagged(frame: pd.DataFrame, book: Codebook) -> tuple[set[int], int]:
    """Interviewers that stand out, and how many sampling units do."""
    screened, _ = screen(frame, book)
    names = pd.unique(frame["interviewer"])
    sizes = np.bincount(pd.factorize(frame["interviewer"])[0])
    kept = names[sizes >= book.quality.min_interviews]
    own = [each.flagged for each in screened if each.unit == "interviewers"]
    units = [each.flagged for each in screened if each.unit == "units"]
    return set(kept[np.logical_or.reduce(own)].tolist()), int(np.logical_or.reduce(units).sum())


@pytest.fixture(scope="module")
def honest(city: City) -> list[pd.DataFrame]:
    return waves(city)


def test_honest_waves_are_left_alone(honest: list[pd.DataFrame], book: Codebook) -> None:
    """All flags are false here, so the false discovery rate is the share of waves with any: at most 5 %, ± 2.5 SE."""
    any_flag = []
    for frame in honest:
        who, units = interviewers_flagged(frame, book)
        any_flag.append(bool(who) or units > 0)
    assert np.mean(any_flag) <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / SAMPLES)


@pytest.mark.parametrize(("share", "sensitivity"), [(0.15, 0.6), (0.25, 0.95), (0.5, 1.0)])
def test_coached_interviewers_are_found_and_few_others(
    honest: list[pd.DataFrame], book: Codebook, share: float, sensitivity: float
) -> None:
    rng = np.random.default_rng(20261125)
    found, false = [], []
    for frame in honest:
        who, _ = interviewers_flagged(coach(frame, book, share, rng), book)
        found.append(len(who & set(COACHED)) / len(COACHED))
        false.append(len(who - set(COACHED)) / max(len(who), 1))
    assert np.mean(found) >= sensitivity
    assert np.mean(false) <= 0.05 + 2.5 * np.std(false, ddof=1) / np.sqrt(SAMPLES)


def test_an_interview_is_marked_by_its_cluster(honest: list[pd.DataFrame], book: Codebook) -> None:
    frame = coach(honest[0], book, 0.5, np.random.default_rng(1))
    _, flagged = screen(frame, book)
    assert flagged[frame["interviewer"].isin(COACHED)].all()
    assert flagged.mean() < 0.2
