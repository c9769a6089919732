"""The simulated city with what the samples are judged by: every truth counted over all residents with numpy alone.

Beside its answers each resident gets an income (lognormal, somewhat alike in a community), what is spent of it, a rent
(very alike in a community), and groups that
have nothing to do with the answers: within each cell of answer × sex × age band × area residents are ranked by a score
that communities share, and cut into equal parts. Groups are then clustered as the answers are, and yet the hypothesis
of no difference holds in the population to the last resident, for shares, means, ranks and regression alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulation.city import COHORTS, NEVER, City, build, headline
from simulation.population import URBAN
from simulation.questionnaire import HEADLINES, WAVES

Floats = npt.NDArray[np.float64]
NOW, BEFORE = WAVES[-1], WAVES[-2]
SEED = 20261125
GROUPS = {"pair": 2, "third": 3, "fifth": 5}
RARE, RARER = "b4_vandalism", "b3_violence"
FAR, THIN = 11, (11, URBAN)
"""The district with fewest residents in town, and its town stratum, of which five communities are drawn."""


@dataclass(frozen=True)
class Known:
    """The city, columns for the samples (one value a resident; those of waves by wave), and the truths by label."""

    city: City
    columns: dict[str, npt.NDArray[np.generic]]
    parallel: dict[str, Floats]
    """By wave, feeling safe with the cohorts' means shifted so that they move exactly as those never reached."""
    truth: dict[str, float]


def known(city: City | None = None) -> Known:
    """All that is known of the city."""
    city = build() if city is None else city
    rng = np.random.default_rng(SEED)
    columns: dict[str, npt.NDArray[np.generic]] = {**_money(city, rng), **_groups(city, rng)}
    columns["cohort"] = np.array([*WAVES, "never"], dtype=object)[city.communities.cohort][city.people.community]
    return Known(city, columns, _parallel(city), _truth(city, columns))


def safe(city: City, wave: str) -> Floats:
    """1 for residents who feel safe or fairly safe."""
    return (city.answers(wave)["a1_safe_now"] <= 2).astype(float)


def _money(city: City, rng: np.random.Generator) -> dict[str, npt.NDArray[np.generic]]:
    people = city.people
    score = 0.4 * city.propensity["security"] + 0.15 * people.education + 0.05 * (people.sex == 1)
    log_income = 7.5 + score + 0.35 * rng.standard_normal(people.size)
    part = 0.55 + 0.1 * np.tanh(city.propensity["trust"] + rng.standard_normal(people.size))
    income = np.exp(log_income)
    place = 0.6 * rng.standard_normal(len(city.communities.area))[people.community]
    rent = np.exp(6 + place + 0.3 * rng.standard_normal(people.size))
    return {"log_income": log_income, "income": income, "spent": income * part, "rent": rent}


def _groups(city: City, rng: np.random.Generator) -> dict[str, npt.NDArray[np.generic]]:
    people = city.people
    score = 0.7 * rng.standard_normal(len(city.communities.area))[people.community] + rng.standard_normal(people.size)
    cell = np.zeros(people.size, dtype=np.int64)
    for part in (city.answers(NOW)["a1_safe_now"], people.sex, people.age_band, people.area):
        cell = cell * 8 + part
    order = np.lexsort((score, cell))
    sizes = np.unique(cell, return_counts=True)[1]
    place = (np.arange(people.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)) / np.repeat(sizes, sizes)
    rank = np.empty(people.size)
    rank[order] = place
    return {name: np.array(list("abcde"))[np.floor(rank * parts).astype(int)] for name, parts in GROUPS.items()}


def _parallel(city: City) -> dict[str, Floats]:
    cohort = city.communities.cohort[city.people.community]
    answers = {wave: safe(city, wave) for wave in WAVES}
    shifted = {wave: y.copy() for wave, y in answers.items()}
    for wave, y in answers.items():
        for arrival in COHORTS[:-1]:
            member, base = cohort == arrival, answers[WAVES[arrival - 1]]
            gap = base[member].mean() - base[cohort == NEVER].mean()
            shifted[wave][member] -= y[member].mean() - y[cohort == NEVER].mean() - gap
    return shifted


def _truth(city: City, columns: dict[str, npt.NDArray[np.generic]]) -> dict[str, float]:
    income, spent = (np.asarray(columns[name], dtype=float) for name in ("income", "spent"))
    people, answers = city.people, city.answers(NOW)
    rare, rarer, now = answers[RARE] == 1, answers[RARER] == 1, safe(city, NOW)
    elderly, far = (people.sex == 2) & (people.age_band == 4), people.district == FAR
    thin = (people.district == THIN[0]) & (people.area == THIN[1])
    found = {
        "mean income": income.mean(),
        "mean of change in safety (1–5)": answers["a8_change"].mean(),
        "mean rent": np.asarray(columns["rent"], dtype=float).mean(),
        "total income": income.sum(),
        "number of victims of vandalism": rare.sum(),
        "spent / income": spent.sum() / income.sum(),
        "feels safe": now.mean(),
        "victim of vandalism": rare.mean(),
        "victim of violence": rarer.mean(),
        "median income": np.quantile(income, 0.5, method="inverted_cdf"),
        "95 % quantile of income": np.quantile(income, 0.95, method="inverted_cdf"),
        "income of women of 60 and more": income[elderly].mean(),
        "feels safe, one district": now[far].mean(),
        "feels safe, stratum of five units": now[thin].mean(),
        "change of feeling safe": now.mean() - safe(city, BEFORE).mean(),
        "change, one district": now[far].mean() - safe(city, BEFORE)[far].mean(),
    }
    found |= {spoken(name): headline(answers, one).mean() for name, one in HEADLINES.items()}
    known = {label: float(value) for label, value in found.items()}
    return {**known, **_areas(city), **_slopes(city, columns), **_effects(city)}


def spoken(name: str) -> str:
    """Label of an indicator.

    >>> spoken("sense_of_security")
    'sense of security'
    """
    return name.replace("_", " ")


def _areas(city: City) -> dict[str, float]:
    """Each district's share that feels safe less that of all others."""
    y, district = safe(city, NOW), city.people.district
    return {f"district {k}": float(y[district == k].mean() - y[district != k].mean()) for k in np.unique(district)}


def _slopes(city: City, columns: dict[str, npt.NDArray[np.generic]]) -> dict[str, float]:
    """Coefficients of the census regressions: least squares, and Newton steps for the logistic one."""
    people, y = city.people, np.asarray(columns["log_income"], dtype=float)
    woman, rural, age = people.sex == 2, people.area == 2, people.age.astype(float)
    X = np.column_stack([np.ones(people.size), woman, rural, age / 10])
    linear = np.linalg.lstsq(X, y, rcond=None)[0]
    Z, hit = np.column_stack([np.ones(people.size), woman, rural, y]), safe(city, NOW)
    b = np.zeros(Z.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-Z @ b))
        b = b + np.linalg.solve(Z.T @ (Z * (p * (1 - p))[:, None]), Z.T @ (hit - p))
    return {
        "linear: women": float(linear[1]), "linear: rural": float(linear[2]), "linear: ten years": float(linear[3]),
        "logistic: women": float(b[1]), "logistic: rural": float(b[2]), "logistic: log income": float(b[3]),
    }  # fmt: skip


def _effects(city: City) -> dict[str, float]:
    """Differences of changes of population means: cohorts against those never reached."""
    cohort = city.communities.cohort[city.people.community]
    answers = {wave: safe(city, wave) for wave in WAVES}

    def effect(arrival: int, t: int) -> float:
        member, never, base = cohort == arrival, cohort == NEVER, answers[WAVES[arrival - 1]]
        after = answers[WAVES[t]]
        return float(after[member].mean() - base[member].mean() - after[never].mean() + base[never].mean())

    arrivals = COHORTS[:-1]
    size = np.array([(cohort == arrival).sum() for arrival in arrivals])
    own = [np.mean([effect(arrival, t) for t in range(arrival, len(WAVES))]) for arrival in arrivals]
    late = [k for k, arrival in enumerate(arrivals) if arrival + 1 < len(WAVES)]
    second = np.array([effect(arrivals[k], arrivals[k] + 1) for k in late])
    return {
        "programme effect, overall": float(size @ np.array(own) / size.sum()),
        "programme effect, second wave": float(size[late] @ second / size[late].sum()),
        "programme effect, first cohort in the last wave": effect(arrivals[0], len(WAVES) - 1),
    }
