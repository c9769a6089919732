"""A finite population of a fictional city whose every answer is known: 11 districts, 600 communities, 220,000 adults.

People, households and communities stay the same over the six waves; answers move with modest trends, with shocks of
communities, and with a programme that reaches communities in staggered waves. Everything follows from the seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from simulation.population import (
    TOWN_COMMUNITIES,
    URBAN,
    Codes,
    Community,
    Floats,
    Household,
    Ints,
    Mask,
    Person,
    places,
    residents,
    sizes,
)
from simulation.questionnaire import HEADLINES, PRACTICES, QUESTIONS, VICTIMISATION, WAVES, Headline, Question

SEED = 20260501
NEVER = len(WAVES)

PROPENSITIES = ("security", "trust", "engagement")
TRENDS = {
    "security": (0.0, 0.02, 0.04, -0.02, 0.03, 0.05),
    "trust": (0.0, 0.03, 0.05, 0.02, 0.06, 0.07),
    "engagement": (0.0, 0.04, 0.09, 0.10, 0.13, 0.14),
}
COMMUNITY_SPREAD = {"security": 0.42, "trust": 0.22, "engagement": 0.34}
SPREAD = {"district": 0.13, "household": 0.45, "person": 0.79, "community and wave": 0.10}
COHORTS = (2, 3, 4, 5, NEVER)  # first wave with the programme
COHORT_SHARES = (0.20, 0.20, 0.15, 0.10, 0.35)
FIRST_WAVE_DOSE = 0.6  # in the wave of its arrival the programme has this part of its full effect
STANDING_NOISE, FRESH_NOISE = 0.8, 0.6  # what a person's answer keeps from wave to wave, and what is of the moment


@dataclass
class City:
    """The population; answers of a wave are made when first asked for, then kept."""

    seed: int
    communities: Community
    households: Household
    people: Person
    propensity: Mapping[str, Floats]
    """Standing propensities of each person, without trend and shocks."""
    cuts: dict[str, Floats] = field(default_factory=dict)
    kept: dict[tuple[int, bool], dict[str, Codes]] = field(default_factory=dict)

    def answers(self, wave: str, programme: bool = True) -> dict[str, Codes]:
        """What every adult would answer, asked or not: question → code from 1 up, or 0/1 by option (n × options).

        Args: wave: name of a wave.   programme: False for the city in which the programme never came.
        """
        key = WAVES.index(wave), programme
        if key not in self.kept:
            self.kept[key] = _answer_all(self, *key)
        return self.kept[key]

    def asked(self, question: Question, wave: str) -> Mask:
        """Whom the routing of a question leads to it."""
        if question.asked_if is None:
            return np.ones(self.people.size, dtype=bool)
        source, codes = question.asked_if
        return np.isin(self.answers(wave)[source], codes)

    def treated(self, wave: str) -> Mask:
        """Communities that have the programme in a wave."""
        return np.asarray(self.communities.cohort <= WAVES.index(wave))

    def truth(self, wave: str) -> pd.DataFrame:
        """Population shares of a wave: columns item, level, share, n (adults it speaks of).

        One row a level of each question, among those its routing leads to; then one row a headline indicator, level "".
        """
        answers = self.answers(wave)
        rows: list[tuple[str, str, float, int]] = []
        for question in QUESTIONS:
            asked = self.asked(question, wave)
            given, n = answers[question.name][asked], int(asked.sum())
            if question.multiple:
                shares = given.mean(axis=0)
            else:
                shares = np.bincount(given, minlength=len(question.shares) + 1)[1:] / n
            rows += [(question.name, str(code), float(share), n) for code, share in enumerate(shares, start=1)]
        rows += [(name, "", float(headline(answers, one).mean()), self.people.size) for name, one in HEADLINES.items()]
        return pd.DataFrame(rows, columns=["item", "level", "share", "n"])

    def programme_effect(self) -> pd.DataFrame:
        """What the programme did to the share that feels safe, by cohort and wave.

        Columns cohort (first wave with the programme), wave, effect (difference of shares from the same city without
        the programme: the cause), did (change since the wave before arrival, less that of the communities the programme
        never reached: what samples estimate without bias, within 0.01 of effect), n (adults of the cohort).
        """
        cohort = self.communities.cohort[self.people.community]
        safe = {wave: self.answers(wave)["a1_safe_now"] <= 2 for wave in WAVES}
        rows = []
        for arrival in COHORTS[:-1]:
            member, before = cohort == arrival, safe[WAVES[arrival - 1]]
            for wave in WAVES[arrival:]:
                without = self.answers(wave, programme=False)["a1_safe_now"][member] <= 2
                effect = safe[wave][member].mean() - without.mean()
                did = _change(before, safe[wave], member) - _change(before, safe[wave], cohort == NEVER)
                rows.append((WAVES[arrival], wave, float(effect), did, int(member.sum())))
        return pd.DataFrame(rows, columns=["cohort", "wave", "effect", "did", "n"])


def _change(before: Mask, after: Mask, member: Mask) -> float:
    return float(after[member].mean() - before[member].mean())


def headline(answers: Mapping[str, Codes], one: Headline) -> Floats:
    """Each person's value of a headline indicator when every question is answered."""
    hits = np.stack([np.isin(answers[item], one.levels) for item in one.items])
    return hits.any(axis=0).astype(float) if one.any_of else hits.mean(axis=0)


def build(seed: int = SEED) -> City:
    """The city of a seed; the answers of the first wave are made at once, since they fix where scores are cut."""
    rng = np.random.default_rng([seed, 0])
    district, area, stratum = places()
    standing = {name: COMMUNITY_SPREAD[name] * rng.standard_normal(len(area)) for name in PROPENSITIES}
    communities = Community(
        district, area, stratum, *sizes(rng, len(area)), cohort=_cohorts(rng, area, standing["security"])
    )
    households, people = residents(rng, communities)
    propensity = _propensities(rng, communities, people, standing)
    city = City(seed, communities, households, people, propensity)
    city.answers(WAVES[0])
    return city


def _cohorts(rng: np.random.Generator, area: Ints, security: Floats) -> Ints:
    """Towns and communities that feel less safe get the programme somewhat earlier."""
    readiness = -0.35 * security / security.std() + 0.4 * (area == URBAN) + rng.standard_normal(len(area))
    order = np.argsort(np.argsort(-readiness)) / len(area)
    return np.asarray(COHORTS)[np.searchsorted(np.cumsum(COHORT_SHARES)[:-1], order, side="right")]


def _propensities(
    rng: np.random.Generator, communities: Community, people: Person, standing: Mapping[str, Floats]
) -> dict[str, Floats]:
    """District, community, household and person parts; the three propensities share some of each person's part."""
    shared = rng.standard_normal(people.size)
    households = int(communities.households.sum())
    result = {}
    for name in PROPENSITIES:
        by_district = SPREAD["district"] * rng.standard_normal(len(TOWN_COMMUNITIES))
        by_household = SPREAD["household"] * rng.standard_normal(households)
        own = 0.5 * shared + 0.75**0.5 * rng.standard_normal(people.size)
        by_place = by_district[communities.district - 1] + standing[name]
        result[name] = by_place[people.community] + by_household[people.household] + SPREAD["person"] * own
    return result


def _answer_all(city: City, index: int, programme: bool) -> dict[str, Codes]:
    drivers = _drivers(city, index, programme)
    answers: dict[str, Codes] = {}
    for number, question in enumerate(QUESTIONS):
        score = sum((weight * drivers[name] for name, weight in question.drivers.items()), np.zeros(city.people.size))
        answers[question.name] = _choose(city, number, score, index)
        if question.name == VICTIMISATION[-1]:
            drivers["fraud"] = (answers["b2_fraud"] == 1).astype(float)
            drivers["victim"] = np.any([answers[name] == 1 for name in VICTIMISATION], axis=0).astype(float)
        code, _, part = question.name.partition("_")
        if part == "satisfied" and code in PRACTICES:
            drivers[f"good:{code}"] = (answers[question.name] <= 2).astype(float)
    return answers


def _drivers(city: City, index: int, programme: bool) -> dict[str, Floats]:
    people = city.people
    rng = np.random.default_rng([city.seed, 1, index])
    shocks = SPREAD["community and wave"] * rng.standard_normal((len(PROPENSITIES), len(city.communities.area)))
    since = index - city.communities.cohort
    dose = np.where(since > 0, 1.0, np.where(since == 0, FIRST_WAVE_DOSE, 0.0)) * programme
    drivers = {
        name: city.propensity[name] + TRENDS[name][index] + shock[people.community]
        for name, shock in zip(PROPENSITIES, shocks, strict=True)
    }
    return drivers | {
        "programme": dose[people.community],
        "trend": np.full(people.size, index / (len(WAVES) - 1)),
        "female": (people.sex == 2).astype(float),
        "age": people.age_band - 2.5,
        "urban": (people.area == URBAN).astype(float),
        "migrant": (people.residence == 2).astype(float),
        "edu": people.education - 3.0,
    }


def _choose(city: City, number: int, score: Floats, index: int) -> Codes:
    """Codes of scores plus noise; the cuts are those that give the written shares in the first wave."""
    question = QUESTIONS[number]
    fresh = np.random.default_rng([city.seed, 2, index, number])
    if question.multiple:
        noisy = score[:, None] + fresh.standard_normal((len(score), len(question.shares)))
        if question.name not in city.cuts:
            pairs = zip(noisy.T, question.shares, strict=True)
            city.cuts[question.name] = np.array([np.quantile(column, 1 - share) for column, share in pairs])
        chosen = noisy >= city.cuts[question.name]
        chosen[:, -1] |= ~chosen.any(axis=1)  # whoever finds nothing on the list says "other"
        return chosen.astype(np.int8)
    standing = np.random.default_rng([city.seed, 7, number]).standard_normal(len(score))
    noisy = score + STANDING_NOISE * standing + FRESH_NOISE * fresh.standard_normal(len(score))
    if question.name not in city.cuts:
        city.cuts[question.name] = np.quantile(noisy, 1 - np.cumsum(question.shares)[:-1])
    codes = np.ones(len(score), dtype=np.int8)
    for cut in city.cuts[question.name]:
        codes += noisy < cut
    return codes
