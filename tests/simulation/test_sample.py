"""The sample: known probabilities, unbiased weights without nonresponse, and nonresponse that raking repairs."""

from __future__ import annotations

import numpy as np
import pytest

from simulation.city import City, headline
from simulation.population import Floats, Ints
from simulation.questionnaire import BY_NAME, HEADLINES, QUESTIONS
from simulation.sample import (
    ADDRESSES_A_COMMUNITY,
    COMPLETE,
    INELIGIBLE,
    UNKNOWN,
    Cases,
    allocation,
    draw,
    draw_clusters,
    sample_frame,
)

WAVE = "2026H1"
DRAWS = 150


def base_weights(city: City, cases: Cases) -> tuple[Ints, Floats]:
    """Persons interviewed and their base weights."""
    who = cases.person[cases.complete]
    adults = city.households.adults[city.people.household[who]]
    return who, adults / (cases.p_psu * cases.p_household)[cases.complete]


def raked(weights: Floats, groups: list[tuple[Ints, Ints]]) -> Floats:
    """Weights that meet the totals of each grouping: (group of each person, totals)."""
    for _ in range(25):
        for group, totals in groups:
            found = np.bincount(group, weights, len(totals))
            weights = weights * np.divide(totals, found, out=np.zeros(len(totals)), where=found > 0)[group]
    return weights


def test_every_stratum_has_at_least_two_communities(city: City) -> None:
    counts = allocation(city)
    assert len(counts) == 19
    assert counts.min() >= 2
    assert 150 <= counts.sum() <= 200


def test_communities_are_drawn_with_the_stated_probability(city: City) -> None:
    drawn = np.zeros(len(city.communities.area))
    stated = np.zeros_like(drawn)
    for seed in range(400):
        clusters = draw_clusters(city, seed)
        drawn[clusters.community] += 1
        stated[clusters.community] = clusters.p_psu
        assert len(np.unique(clusters.community)) == len(clusters.community) == allocation(city).sum()
    z = (drawn - 400 * stated) / np.sqrt(400 * stated * (1 - stated))
    assert np.abs(z).max() < 4.5
    assert z.std() == pytest.approx(1, abs=0.15)


def test_weights_are_unbiased_when_everybody_takes_part(city: City) -> None:
    """Horvitz–Thompson totals against the truth, within four Monte Carlo errors."""
    people, answers = city.people, city.answers(WAVE)
    measures = {"adults": np.ones(people.size), "women": people.sex == 2, "old": people.age_band == 4}
    measures |= {f"district {code}": people.district == code for code in (1, 6, 11)}
    measures |= {name: headline(answers, one) for name, one in HEADLINES.items()}
    values = np.stack([measure.astype(float) for measure in measures.values()])
    totals = []
    for seed in range(DRAWS):
        who, weights = base_weights(city, draw(city, WAVE, seed, response=False))
        totals.append(values[:, who] @ weights)
    error = np.std(totals, axis=0, ddof=1) / np.sqrt(DRAWS)
    z = (np.mean(totals, axis=0) - values.sum(axis=1)) / error
    assert dict(zip(measures, z.round(1), strict=True)) == {name: pytest.approx(0, abs=4) for name in measures}
    assert (error / values.sum(axis=1)).max() < 0.01


def test_nonresponse_biases_and_raking_repairs(city: City) -> None:
    people, answers = city.people, city.answers(WAVE)
    truth = np.array([headline(answers, one).mean() for one in HEADLINES.values()])
    values = np.stack([headline(answers, one) for one in HEADLINES.values()])
    cells = (people.sex * 5 + people.age_band).astype(np.int64), (people.district * 3 + people.area).astype(np.int64)
    plain, repaired, old = [], [], []
    for seed in range(60):
        who, weights = base_weights(city, draw(city, WAVE, seed))
        weights = raked(weights, [(cell[who], np.bincount(cell)) for cell in cells])
        plain.append(values[:, who].mean(axis=1))
        repaired.append(values[:, who] @ weights / weights.sum())
        old.append((people.age_band[who] == 4).mean())
    error = np.std(repaired, axis=0, ddof=1) / np.sqrt(60)
    assert np.abs(np.mean(repaired, axis=0) - truth).max() < 0.002 + 4 * error.max()
    biased = np.abs(np.mean(plain, axis=0) - truth)
    assert (biased > 0.005).sum() >= 3
    assert biased.max() > 0.01
    assert np.mean(old) > (people.age_band == 4).mean() + 0.05


def test_a_wave_has_the_size_and_response_of_a_real_one(city: City) -> None:
    cases = draw(city, WAVE, 3)
    count = {code: int((cases.disposition == code).sum()) for code in np.unique(cases.disposition)}
    eligible = 1 - count[INELIGIBLE] / (len(cases.person) - count[UNKNOWN])
    rr3 = count[COMPLETE] / (len(cases.person) - count[INELIGIBLE] - (1 - eligible) * count[UNKNOWN])
    assert 0.42 < rr3 < 0.48
    assert 2700 < count[COMPLETE] < 3200
    assert (cases.disposition[cases.person < 0] != COMPLETE).all()
    assert (cases.duration[cases.complete] >= 7).all()
    assert (cases.duration[~np.isin(cases.disposition, (COMPLETE, 120))] == 0).all()


def test_waves_share_communities_and_not_households(city: City) -> None:
    first, second = (draw(city, wave, 5) for wave in ("2025H2", "2026H1"))
    assert (first.community == second.community).all()
    listings = city.communities.listings[first.community]
    long_list = listings >= 6 * ADDRESSES_A_COMMUNITY
    homes = [set(city.people.household[cases.person[long_list & (cases.person >= 0)]]) for cases in (first, second)]
    assert len(homes[0]) > 500
    assert not homes[0] & homes[1]


def test_frame_holds_answers_of_the_truth_and_follows_the_routing(city: City) -> None:
    frame = sample_frame(city, WAVE, 7)
    cases = draw(city, WAVE, 7)
    who, truth = cases.person[cases.complete], city.answers(WAVE)
    assert len(frame) == len(who)
    for question in QUESTIONS:
        if question.multiple:
            continue
        given = frame[question.name].cat.codes.to_numpy() + 1
        assert (given[given > 0] == truth[question.name][who][given > 0]).all()
        if question.asked_if is None:
            assert 0.85 < (given > 0).mean() < 1
        else:
            source, codes = question.asked_if
            assert frame.loc[given > 0, source].isin([str(code) for code in codes]).all()
    assert (frame["p_psu"] * frame["p_household"]).between(0, 1, inclusive="neither").all()
    assert frame["smart_community"].nunique() == 2


def test_everybody_answers_everything_without_nonresponse(city: City) -> None:
    frame = sample_frame(city, WAVE, 7, response=False)
    asked = [question.name for question in BY_NAME.values() if not question.multiple and question.asked_if is None]
    assert frame[asked].notna().all(axis=None)


def test_a_seed_gives_one_sample(city: City) -> None:
    assert sample_frame(city, WAVE, 11).equals(sample_frame(city, WAVE, 11))
    assert not sample_frame(city, WAVE, 11).equals(sample_frame(city, WAVE, 12))
