"""Who lives in the fictional city: districts, communities and villages, households, adults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Mask = npt.NDArray[np.bool_]

URBAN, RURAL = 1, 2
TOWN_COMMUNITIES = (64, 58, 46, 38, 36, 34, 30, 26, 20, 18, 14)
VILLAGES = (0, 0, 0, 20, 22, 18, 24, 26, 32, 34, 40)
"""Number by district; the first three districts are all town."""
AGE_BANDS = (16, 30, 45, 60)
"""Youngest age of each band."""
TOWN_ADULTS = (0.26, 0.46, 0.18, 0.08, 0.02)
VILLAGE_ADULTS = (0.21, 0.43, 0.20, 0.12, 0.04)
"""Share of households with one, two, … adults."""
LEARNING = (-1.4, -0.2, 0.75, 1.5)
"""Where the score of learning is cut into five levels of education."""


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


def places() -> tuple[Ints, Ints, Ints]:
    """District, area and stratum of each community; a stratum is an area of a district.

    >>> district, area, stratum = places()
    >>> len(district), int(stratum.max()) + 1
    (600, 19)
    """
    cells = [
        (district, area, count)
        for district, counts in enumerate(zip(TOWN_COMMUNITIES, VILLAGES, strict=True), start=1)
        for area, count in zip((URBAN, RURAL), counts, strict=True)
        if count
    ]
    counts = [count for *_, count in cells]
    district, area = (np.repeat([cell[part] for cell in cells], counts) for part in (0, 1))
    return district, area, np.repeat(np.arange(len(cells)), counts)


def sizes(rng: np.random.Generator, communities: int) -> tuple[Ints, Ints, Ints]:
    """Addresses, households, and where the households begin, by community."""
    households = np.clip(np.rint(rng.lognormal(np.log(152), 0.36, communities)), 70, 360).astype(np.int64)
    return households + rng.binomial(households, 0.055), households, np.cumsum(households) - households


def residents(rng: np.random.Generator, communities: Community) -> tuple[Household, Person]:
    """Households of the communities and the adults who live in them."""
    community = np.repeat(np.arange(len(communities.area)), communities.households)
    in_town = communities.area[community] == URBAN
    draw = rng.random(len(community))
    town, village = (np.searchsorted(np.cumsum(shares)[:-1], draw) for shares in (TOWN_ADULTS, VILLAGE_ADULTS))
    adults = 1 + np.where(in_town, town, village)
    first = np.cumsum(adults) - adults
    household = np.repeat(np.arange(len(adults)), adults)
    sex, age = _sex_and_age(rng, household, np.arange(len(household)) - first[household], in_town)
    traits = {
        "district": communities.district[community[household]],
        "area": communities.area[community[household]],
        "sex": sex,
        "age": age,
        "age_band": np.searchsorted(AGE_BANDS, age, side="right"),
        "education": _education(rng, household, age, in_town),
        "residence": 1 + (rng.random(len(adults)) < np.where(in_town, 0.22, 0.06))[household],
    }
    mode = _mode(rng, np.maximum.reduceat(age, first), in_town)
    people = Person(household, community[household], **{name: trait.astype(np.int8) for name, trait in traits.items()})
    return Household(community, adults, first, mode), people


def _education(rng: np.random.Generator, household: Ints, age: Ints, in_town: Mask) -> Ints:
    """Higher in town and among the young, alike within a household; the very young have not finished yet."""
    band = np.searchsorted(AGE_BANDS, age, side="right")
    score = 0.9 * in_town[household] - 0.55 * (band - 2.5) + rng.standard_normal(len(age))
    score += 0.6 * rng.standard_normal(len(in_town))[household]
    highest = np.select([age < 18, age < 21], [3, 4], 5)
    return np.asarray(np.minimum(1 + np.searchsorted(LEARNING, score), highest))


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
