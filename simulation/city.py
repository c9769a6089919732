"""A finite population of a fictional city whose every answer is known: 11 districts, 600 communities, 220,000 adults.

People, households and communities stay the same over the six waves; answers move with modest trends, with shocks of
communities, and with a programme that reaches communities in staggered waves. Everything follows from the seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from simulation.questionnaire import BY_NAME, HEADLINES, PRACTICES, QUESTIONS, VICTIMISATION, WAVES, Headline, Question

SEED = 20260501
NEVER = len(WAVES)
URBAN, RURAL = 1, 2

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Mask = npt.NDArray[np.bool_]

# Communities in town and in the country, by district; the first three districts are towns without villages.
COMMUNITIES = (
    (64, 0),
    (58, 0),
    (46, 0),
    (38, 20),
    (36, 22),
    (34, 18),
    (30, 24),
    (26, 26),
    (20, 32),
    (18, 34),
    (14, 40),
)
PROPENSITIES = ("security", "trust", "engagement")
TRENDS = {
    "security": (0.0, 0.02, 0.04, -0.02, 0.03, 0.05),
    "trust": (0.0, 0.03, 0.05, 0.02, 0.06, 0.07),
    "engagement": (0.0, 0.04, 0.09, 0.10, 0.13, 0.14),
}
COMMUNITY_SPREAD = {"security": 0.42, "trust": 0.26, "engagement": 0.34}
SPREAD = {"district": 0.13, "household": 0.45, "person": 0.79, "community and wave": 0.10}
COHORTS = (2, 3, 4, 5, NEVER)  # first wave with the programme
COHORT_SHARES = (0.20, 0.20, 0.15, 0.10, 0.35)
FIRST_WAVE_DOSE = 0.6  # in the wave of its arrival the programme has this part of its full effect
AGE_BANDS = (16, 30, 45, 60)


@dataclass(frozen=True)
class Community:
    """Communities and villages, one value a community."""

    district: Ints
    area: Ints
    stratum: Ints
    listings: Ints
    """Addresses on the list, lived in or not."""
    households: Ints
    first_household: Ints
    cohort: Ints
    """Index of the first wave with the programme, NEVER without."""


@dataclass(frozen=True)
class Household:
    """Households, one value a household, in the order of their communities."""

    community: Ints
    adults: Ints
    first_person: Ints
    mode: Codes
    """How the household can be reached: 1 mobile phone, 2 landline, 3 face to face."""


@dataclass(frozen=True)
class Person:
    """Adults, one value a person, in the order of their households."""

    household: Ints
    community: Ints
    district: Codes
    area: Codes
    sex: Codes
    age: Codes
    age_band: Codes
    education: Codes
    residence: Codes

    @property
    def size(self) -> int:
        """Number of adults."""
        return len(self.sex)


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
        """What the programme did to the share that feels safe, by cohort and wave, exactly, against the city without it.

        Columns cohort (first wave with the programme), wave, effect (difference of shares), n (adults).
        """
        cohort = self.communities.cohort[self.people.community]
        rows = []
        for arrival in COHORTS[:-1]:
            member = cohort == arrival
            for wave in WAVES[arrival:]:
                with_it, without = (
                    self.answers(wave, programme)["a1_safe_now"][member] <= 2 for programme in (True, False)
                )
                effect = float(with_it.mean() - without.mean())
                rows.append((WAVES[arrival], wave, effect, int(member.sum())))
        return pd.DataFrame(rows, columns=["cohort", "wave", "effect", "n"])


def headline(answers: Mapping[str, Codes], one: Headline) -> Floats:
    """Each person's value of a headline indicator when every question is answered."""
    hits = np.stack([np.isin(answers[item], one.levels) for item in one.items])
    return hits.any(axis=0).astype(float) if one.any_of else hits.mean(axis=0)


def build(seed: int = SEED) -> City:
    """The city of a seed; the answers of the first wave are made at once, since they fix where scores are cut."""
    rng = np.random.default_rng([seed, 0])
    district, area, stratum = _places()
    standing = {name: COMMUNITY_SPREAD[name] * rng.standard_normal(len(area)) for name in PROPENSITIES}
    occupied = np.clip(np.rint(rng.lognormal(np.log(152), 0.36, len(area))), 70, 360).astype(np.int64)
    listings = occupied + rng.binomial(occupied, 0.055)
    cohort = _cohorts(rng, area, standing["security"])
    first = np.concatenate([[0], np.cumsum(occupied)[:-1]])
    communities = Community(district, area, stratum, listings, occupied, first, cohort)
    households, people = _residents(rng, communities)
    propensity = _propensities(rng, communities, people, standing)
    city = City(seed, communities, households, people, propensity)
    city.answers(WAVES[0])
    return city


def _places() -> tuple[Ints, Ints, Ints]:
    """District, area and stratum of each community; a stratum is an area of a district."""
    cells = [
        (d, a, n) for d, row in enumerate(COMMUNITIES, start=1) for a, n in zip((URBAN, RURAL), row, strict=True) if n
    ]
    counts = [n for *_, n in cells]
    district, area = (np.repeat([cell[part] for cell in cells], counts) for part in (0, 1))
    return district, area, np.repeat(np.arange(len(cells)), counts)


def _cohorts(rng: np.random.Generator, area: Ints, security: Floats) -> Ints:
    """Towns and communities that feel less safe get the programme somewhat earlier."""
    readiness = -0.35 * security / security.std() + 0.4 * (area == URBAN) + rng.standard_normal(len(area))
    order = np.argsort(np.argsort(-readiness)) / len(area)
    return np.asarray(COHORTS)[np.searchsorted(np.cumsum(COHORT_SHARES)[:-1], order, side="right")]


def _residents(rng: np.random.Generator, communities: Community) -> tuple[Household, Person]:
    community = np.repeat(np.arange(len(communities.area)), communities.households)
    area = communities.area[community]
    town = np.array([0.26, 0.46, 0.18, 0.08, 0.02]).cumsum()
    country = np.array([0.21, 0.43, 0.20, 0.12, 0.04]).cumsum()
    draw = rng.random(len(area))
    in_town = area == URBAN
    adults = 1 + np.where(in_town, np.searchsorted(town[:-1], draw), np.searchsorted(country[:-1], draw))
    first = np.concatenate([[0], np.cumsum(adults)[:-1]])
    household = np.repeat(np.arange(len(adults)), adults)
    position = np.arange(len(household)) - first[household]
    sex, age = _sex_and_age(rng, household, position, in_town)
    age_band = np.searchsorted(AGE_BANDS, age, side="right")
    urban = in_town[household]
    learning = 0.9 * urban - 0.55 * (age_band - 2.5) + 0.6 * rng.standard_normal(len(adults))[household]
    learning += rng.standard_normal(len(age))
    education = np.minimum(
        1 + np.searchsorted([-1.4, -0.2, 0.75, 1.5], learning), np.select([age < 18, age < 21], [3, 4], 5)
    )
    migrant = rng.random(len(adults)) < np.where(in_town, 0.22, 0.06)
    oldest = np.maximum.reduceat(age, first)
    mode = _mode(rng, oldest, in_town)
    places = community[household]
    small = {
        "district": communities.district[places],
        "area": communities.area[places],
        "sex": sex,
        "age": age,
        "age_band": age_band,
        "education": education,
        "residence": 1 + migrant[household],
    }
    people = Person(household, places, **{name: values.astype(np.int8) for name, values in small.items()})
    return Household(community, adults, first, mode), people


def _sex_and_age(rng: np.random.Generator, household: Ints, position: Ints, in_town: Mask) -> tuple[Ints, Ints]:
    """A person of reference, mostly with a partner of like age; further adults a generation up or down."""
    n = len(in_town)
    reference_age = np.clip(rng.normal(np.where(in_town, 45, 51), 15.5), 19, 92)
    reference_sex = rng.integers(1, 3, n)
    size = len(household)
    near = reference_age[household] + np.where(position == 1, rng.normal(0, 3.5, size), 0.0)
    generation = np.where((rng.random(size) < 0.3) & (near < 66), 26.0, -26.0)
    far = reference_age[household] + generation + rng.normal(0, 3, size)
    age = np.clip(np.rint(np.where(position <= 1, near, far)), 16, 94).astype(np.int64)
    opposite = (position == 1) & (rng.random(size) < 0.92)
    own = np.where(position == 0, reference_sex[household], rng.integers(1, 3, size))
    return np.where(opposite, 3 - reference_sex[household], own), age


def _mode(rng: np.random.Generator, oldest: Ints, in_town: Mask) -> Codes:
    landline = np.clip(0.06 + 0.010 * (oldest - 40), 0.04, 0.42)
    visit = np.where(in_town, 0.12, 0.30)
    draw = rng.random(len(oldest))
    return np.where(draw < visit, 3, np.where(draw < visit + (1 - visit) * landline, 2, 1)).astype(np.int8)


def _propensities(
    rng: np.random.Generator, communities: Community, people: Person, standing: Mapping[str, Floats]
) -> dict[str, Floats]:
    """District, community, household and person parts; the three propensities share some of each person's part."""
    shared = rng.standard_normal(people.size)
    households = int(communities.households.sum())
    result = {}
    for name in PROPENSITIES:
        by_district = SPREAD["district"] * rng.standard_normal(len(COMMUNITIES))
        by_household = SPREAD["household"] * rng.standard_normal(households)
        own = 0.5 * shared + 0.75**0.5 * rng.standard_normal(people.size)
        places = by_district[communities.district - 1] + standing[name]
        result[name] = places[people.community] + by_household[people.household] + SPREAD["person"] * own
    return result


def _answer_all(city: City, index: int, programme: bool) -> dict[str, Codes]:
    drivers = _drivers(city, index, programme)
    answers: dict[str, Codes] = {}
    for number, question in enumerate(QUESTIONS):
        score = sum((weight * drivers[name] for name, weight in question.drivers.items()), np.zeros(city.people.size))
        rng = np.random.default_rng([city.seed, 2, index, number])
        answers[question.name] = _choose(city, question, score, rng)
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


def _choose(city: City, question: Question, score: Floats, rng: np.random.Generator) -> Codes:
    """Codes of scores plus noise; the cuts are those that give the written shares in the first wave."""
    if not question.multiple:
        noisy = score + rng.standard_normal(len(score))
        if question.name not in city.cuts:
            city.cuts[question.name] = np.quantile(noisy, 1 - np.cumsum(question.shares)[:-1])
        below = noisy[:, None] < city.cuts[question.name]
        return np.asarray(1 + below.sum(axis=1, dtype=np.int8))
    noisy = score[:, None] + rng.standard_normal((len(score), len(question.shares)))
    if question.name not in city.cuts:
        quantiles = [np.quantile(column, 1 - share) for column, share in zip(noisy.T, question.shares, strict=True)]
        city.cuts[question.name] = np.array(quantiles)
    chosen = noisy >= city.cuts[question.name]
    chosen[:, -1] |= ~chosen.any(axis=1)  # whoever finds nothing on the list says "other"
    return chosen.astype(np.int8)


def levels_of(name: str) -> int:
    """Number of levels (or options) of a question.

    >>> levels_of("a1_safe_now")
    4
    """
    return len(BY_NAME[name].shares)
