"""A stratified two-stage sample of the city, wave after wave, with the nonresponse that surveys meet.

Strata: district × urban/rural. First stage: communities, systematically with probability proportional to their list of
addresses, the same in all waves. Second stage: addresses, a fixed number a community, fresh ones each wave while the
list lasts. Then one adult of the household. The base weight of an interview is adults / (p_psu · p_household).

Whether somebody takes part depends on age band, sex, area and mode, so that raking to sex × age band and to
district × area repairs nearly all of it, and unweighted shares are visibly wrong.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulation.city import City
from simulation.population import AGE_BANDS, Codes, Floats, Ints, Mask
from simulation.questionnaire import QUESTIONS, WAVES

ADDRESSES_A_COMMUNITY = 41
COMMUNITIES_SAMPLED = 168
FEWEST_IN_STRATUM = 4
INTERVIEWERS = 48
COMPLETE, PARTIAL, REFUSAL, NONCONTACT, OTHER, UNKNOWN, INELIGIBLE = 110, 120, 210, 220, 230, 310, 410
BLANK, NOT_APPLICABLE, DONT_KNOW, REFUSED = 0, -7, -8, -9
FIELDWORK_DAYS = 35
FIELDWORK = {
    "2023H2": dt.date(2023, 10, 9),
    "2024H1": dt.date(2024, 4, 8),
    "2024H2": dt.date(2024, 10, 14),
    "2025H1": dt.date(2025, 4, 7),
    "2025H2": dt.date(2025, 10, 13),
    "2026H1": dt.date(2026, 4, 6),
}
TAKES_PART = {
    "age_band": (-0.74, -0.40, 0.03, 0.52),
    "sex": (-0.10, 0.10),
    "area": (-0.26, 0.22),
    "mode": (-0.12, 0.06, 0.26),
}
"""Log odds of an interview by code, added to the odds of an even chance."""
NONRESPONSE = {PARTIAL: 0.03, REFUSAL: 0.43, NONCONTACT: 0.32, OTHER: 0.07, UNKNOWN: 0.15}


@dataclass(frozen=True)
class Clusters:
    """The communities of a sample and their addresses in the order in which the waves use them."""

    community: Ints
    p_psu: Floats
    order: Ints
    """Positions on the communities' lists of addresses, community after community, shuffled within each."""
    start: Ints
    """Where each community's list begins in `order`."""


@dataclass(frozen=True)
class Cases:
    """All sampled addresses of a wave; arrays of one value a case, -1 or 0 where nothing is known."""

    wave: str
    community: Ints
    person: Ints
    """The adult chosen; -1 where nobody lives at the address."""
    p_psu: Floats
    p_household: Floats
    mode: Codes
    disposition: Ints
    calls: Ints
    interviewer: Ints
    started: np.ndarray[tuple[int], np.dtype[np.datetime64]]
    duration: Floats
    answers: dict[str, Codes]
    """Question → code, or why there is none (0 not asked, -7 not applicable, -8 don't know, -9 refused)."""

    @property
    def complete(self) -> Mask:
        """The interviews."""
        return np.asarray(self.disposition == COMPLETE)


def draw_clusters(city: City, seed: int) -> Clusters:
    """The communities of all waves of a sample, and the order of their addresses."""
    rng = np.random.default_rng([city.seed, 3, seed])
    places = city.communities
    chosen, probabilities = [], []
    counts = allocation(city)
    for stratum, count in enumerate(counts):
        members = rng.permutation(np.flatnonzero(places.stratum == stratum))
        p = count * places.listings[members] / places.listings[members].sum()
        ticks = np.floor(np.cumsum(p) - rng.random())
        taken = np.diff(ticks, prepend=-1.0) > 0
        chosen.append(members[taken])
        probabilities.append(p[taken])
    community, p_psu = np.concatenate(chosen), np.concatenate(probabilities)
    listings = places.listings[community]
    cluster = np.repeat(np.arange(len(community)), listings)
    start = np.cumsum(listings) - listings
    position = np.arange(len(cluster)) - start[cluster]
    return Clusters(community, p_psu, position[np.lexsort((rng.random(len(cluster)), cluster))], start)


def allocation(city: City) -> Ints:
    """Number of communities by stratum: a little more than their share for small strata, never under four.

    Raises: ValueError: a community would be taken with certainty.
    """
    places = city.communities
    listings = np.bincount(places.stratum, places.listings)
    size = listings**0.75
    counts: Ints = np.maximum(np.rint(COMMUNITIES_SAMPLED * size / size.sum()), FEWEST_IN_STRATUM).astype(np.int64)
    if (counts[places.stratum] * places.listings / listings[places.stratum]).max() >= 1:
        raise ValueError("a community is so large that it would be in every sample")
    return counts


def draw(city: City, wave: str, seed: int, response: bool = True) -> Cases:
    """All sampled addresses of a wave and what came of them.

    Args: seed: of the sample; waves of one seed share their communities.   response: False lets everybody take part
    and answer everything, for the tests of the design.
    """
    index = WAVES.index(wave)
    clusters = draw_clusters(city, seed)
    rng = np.random.default_rng([city.seed, 4, seed, index])
    community, person, p_household = _addresses(city, clusters, index, rng)
    lived_in = person >= 0
    mode = np.where(lived_in, city.households.mode[city.people.household[person]], 1 + rng.integers(0, 3, len(person)))
    disposition = _dispositions(city, person, mode, rng)
    if not response:
        disposition = np.where(lived_in, COMPLETE, INELIGIBLE)
    spoke = np.isin(disposition, (COMPLETE, PARTIAL))
    answers = _interview(city, wave, person, spoke, rng, response)
    started, duration, calls = _paradata(city, wave, person, disposition, mode, rng)
    team = rng.integers(0, 2, len(person)) * (INTERVIEWERS // 2)
    interviewer = (
        1 + (np.repeat(np.arange(len(clusters.community)), ADDRESSES_A_COMMUNITY) % (INTERVIEWERS // 2)) + team
    )
    p_psu = np.repeat(clusters.p_psu, ADDRESSES_A_COMMUNITY)
    return Cases(
        wave,
        community,
        person,
        p_psu,
        p_household,
        mode.astype(np.int8),
        disposition,
        calls,
        np.where(spoke | (disposition == REFUSAL), interviewer, 0),
        started,
        duration,
        answers,
    )


def _addresses(city: City, clusters: Clusters, index: int, rng: np.random.Generator) -> tuple[Ints, Ints, Floats]:
    """Community, chosen adult (-1: nobody lives there) and household probability of each sampled address."""
    places, take = city.communities, ADDRESSES_A_COMMUNITY
    community = np.repeat(clusters.community, take)
    listings = places.listings[community]
    turn = (index * take + np.tile(np.arange(take), len(clusters.community))) % listings
    position = clusters.order[np.repeat(clusters.start, take) + turn]
    lived_in = position < places.households[community]
    household = np.where(lived_in, places.first_household[community] + position, 0)
    adult = np.floor(rng.random(len(household)) * city.households.adults[household]).astype(np.int64)
    return community, np.where(lived_in, city.households.first_person[household] + adult, -1), take / listings


def _dispositions(city: City, person: Ints, mode: Ints, rng: np.random.Generator) -> Ints:
    people, lived_in = city.people, person >= 0
    odds = np.asarray(TAKES_PART["mode"])[mode - 1]
    for name in ("age_band", "sex", "area"):
        odds = odds + np.asarray(TAKES_PART[name])[getattr(people, name)[person] - 1]
    takes_part = rng.random(len(person)) < 1 / (1 + np.exp(-odds))
    why = rng.choice(list(NONRESPONSE), size=len(person), p=list(NONRESPONSE.values()))
    empty = np.where(rng.random(len(person)) < 0.7, INELIGIBLE, UNKNOWN)
    return np.where(lived_in, np.where(takes_part, COMPLETE, why), empty)


def _interview(
    city: City, wave: str, person: Ints, spoke: Mask, rng: np.random.Generator, response: bool
) -> dict[str, Codes]:
    """Answers of those who spoke: routing followed, some questions not answered; a broken-off interview stops early."""
    truth = city.answers(wave)
    who = person[spoke]
    hesitant = np.where(city.people.age_band[who] == len(AGE_BANDS), 1.6, 0.85)
    draws = rng.random((len(QUESTIONS), len(who)))
    result: dict[str, Codes] = {}
    for question, uniform in zip(QUESTIONS, draws, strict=True):
        given = truth[question.name][who]
        if response and not question.multiple:
            silent = np.cumsum([question.dont_know, question.refused, question.not_applicable])
            kind = np.searchsorted(silent, uniform / hesitant, side="right")
            given = np.where(kind < 3, np.array([DONT_KNOW, REFUSED, NOT_APPLICABLE, 0], dtype=np.int8)[kind], given)
        if question.asked_if is not None:
            source, codes = question.asked_if
            asked = np.isin(result[source][spoke], codes)
            given = np.where(asked.reshape(-1, *[1] * (given.ndim - 1)), given, 0)
        everyone = np.zeros((len(person), *given.shape[1:]), dtype=np.int8)
        everyone[spoke] = given
        result[question.name] = everyone
    return result


def _paradata(
    city: City, wave: str, person: Ints, disposition: Ints, mode: Ints, rng: np.random.Generator
) -> tuple[np.ndarray[tuple[int], np.dtype[np.datetime64]], Floats, Ints]:
    """Start, minutes (0 where nobody spoke) and number of attempts."""
    n = len(person)
    minute = (
        rng.integers(0, FIELDWORK_DAYS, n) * 1440 + 9 * 60 + np.floor(rng.beta(2.2, 1.7, n) * 12 * 60).astype(np.int64)
    )
    started = np.datetime64(FIELDWORK[wave], "m") + minute.astype("timedelta64[m]")
    older = (city.people.age_band[person] == len(AGE_BANDS)) & (person >= 0)
    minutes = np.clip(
        rng.lognormal(np.log(17.5), 0.26, n) * np.where(older, 1.15, 1.0) * np.where(mode == 3, 1.2, 1.0), 7, 70
    )
    duration = np.select([disposition == COMPLETE, disposition == PARTIAL], [minutes, 0.35 * minutes], 0.0)
    few = np.minimum(rng.geometric(0.45, n), 8)
    many = 4 + rng.integers(0, 5, n)
    return started, np.round(duration, 1), np.where(np.isin(disposition, (NONCONTACT, UNKNOWN)), many, few)


def sample_frame(city: City, wave: str, seed: int, response: bool = True) -> pd.DataFrame:
    """Complete interviews of one sample of one wave, as cleaning would leave them, without going through files.

    Columns: respondent, district, area, community, p_psu, p_household, adults, smart_community, mode, interviewer,
    calls, started, duration, sex, age, age_band, education, residence, then every question that takes one answer, under
    the names of survey.yaml. Codes are categories of text ("1"), missing where there is no answer for any reason;
    p_psu, p_household, adults, age, calls and duration are numbers. Base weight: adults / (p_psu · p_household).
    """
    return interviews(city, draw(city, wave, seed, response))


def interviews(city: City, cases: Cases) -> pd.DataFrame:
    """The complete interviews among the cases, in their order, as `sample_frame` describes them."""
    done, wave = cases.complete, cases.wave
    who, people, place = cases.person[done], city.people, cases.community[done]
    columns: dict[str, object] = {
        "respondent": np.flatnonzero(done),
        "district": _codes(people.district[who], 11),
        "area": _codes(people.area[who], 2),
        "community": place,
        "p_psu": cases.p_psu[done],
        "p_household": cases.p_household[done],
        "adults": city.households.adults[people.household[who]],
        "smart_community": _codes(np.where(city.treated(wave)[place], 1, 2), 2),
        "mode": _codes(cases.mode[done], 3),
        "interviewer": cases.interviewer[done],
        "calls": cases.calls[done],
        "started": cases.started[done].astype("datetime64[s]"),
        "duration": cases.duration[done],
        "age": people.age[who],
    }
    for name, levels in (("sex", 2), ("age_band", len(AGE_BANDS)), ("education", 5), ("residence", 2)):
        columns[name] = _codes(getattr(people, name)[who], levels)
    for question in QUESTIONS:
        if not question.multiple:
            columns[question.name] = _codes(cases.answers[question.name][done], len(question.shares))
    return pd.DataFrame(columns)


def _codes(values: Codes | Ints, levels: int) -> pd.Categorical[str]:
    """Positive codes as categories "1", "2", …; anything else is missing."""
    categories = pd.Index([str(code) for code in range(1, levels + 1)])
    return pd.Categorical.from_codes(
        np.where(values > 0, values - 1, -1).astype(np.int8).tolist(), categories, ordered=True
    )
