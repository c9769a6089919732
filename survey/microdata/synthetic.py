"""A synthetic file for teaching: invented persons with the margins of the real ones, and about their correlations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from survey.anonymity.classes import Floats, Ints, levels_of
from survey.microdata.dictionary import Variable

SEED = 20_260_401
PLACES = 3


def synthetic(frame: pd.DataFrame, variables: Sequence[Variable], rows: int | None = None) -> pd.DataFrame:
    """Invented records with the columns of a public-use file, none of them a copy of a person.

    Gaussian copula: each variable's levels (missing among them) become intervals of a normal score as wide as their
    weighted shares; persons are drawn from a normal distribution with the scores' correlations and each variable is
    cut at its shares again, so that the counts of every margin are the weighted shares of the file times `rows`,
    rounded by largest remainders (what the strata tell follows from theirs). What three variables do together, which
    answers belong together by routing, and who lives with whom is lost on purpose. Weights are all alike; units are
    numbered anew and hold about equally many.

    Args: frame: columns as `variables` says; numbers are cut at their own values.   rows: as many as the file if None.
    """
    count = len(frame) if rows is None else rows
    weight = next(own.name for own in variables if own.part == "weight")
    weights = frame[weight].to_numpy(float)
    stratum = next((own.name for own in variables if own.part == "stratum"), "")
    told = [own for own in variables if stratum and own.part == "quasi_identifier" and _told(frame, own.name, stratum)]
    drawn = [own for own in variables if own.part in ("stratum", "quasi_identifier", "answer") and own not in told]
    levels = [levels_of(frame[own.name]) for own in drawn]
    latent = _latent([_scores(level, weights) for level in levels], weights, count)
    made: dict[str, Any] = {weight: np.full(count, round(weights.sum() / count, 6))}
    for own, level, order in zip(drawn, levels, latent.T, strict=True):
        made[own.name] = _cut(frame[own.name], level, weights, order)
    for own in told:  # what the strata tell must agree with them
        made[own.name] = made[stratum].map(frame.drop_duplicates(stratum).set_index(stratum)[own.name])
    made |= _units(frame, variables, made, count)
    return pd.DataFrame({own.name: made[own.name] for own in variables if own.name in made})


def _told(frame: pd.DataFrame, name: str, stratum: str) -> bool:
    """Whether a column is the same within every stratum."""
    return bool((frame.groupby(stratum)[name].nunique(dropna=False) == 1).all())


def shares_to_counts(shares: Floats, total: int) -> Ints:
    """Whole numbers that add up to a total and are nearest to its shares, by largest remainders (Hamilton).

    >>> shares_to_counts(np.array([0.5, 0.3, 0.2]), 4).tolist()
    [2, 1, 1]
    """
    wanted = shares / shares.sum() * total
    counts: Ints = np.floor(wanted + 1e-9).astype(np.intp)
    first = np.argsort(-(wanted - counts), kind="stable")
    counts[first[: total - counts.sum()]] += 1
    return counts


def _scores(level: Ints, weights: Floats) -> Floats:
    """Mean (n,) of a standard normal within each level's interval."""
    share = np.bincount(level, weights) / weights.sum()
    edges = special.ndtri(np.concatenate([[0.0], np.clip(np.cumsum(share), 0, 1)[:-1], [1.0]]))
    density = np.exp(-(edges**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(((density[:-1] - density[1:]) / np.where(share > 0, share, 1))[level])


def _latent(scores: Sequence[Floats], weights: Floats, count: int) -> Floats:
    """Draws (count, variables) whose scores, once cut, correlate about as those of the file.

    Of normal variables with correlation ρ the scores have covariance ρ Var(s) Var(s'), to first order in ρ.
    """
    table = np.column_stack(scores)
    centred = table - np.average(table, axis=0, weights=weights)
    covariance = (centred * weights[:, None]).T @ centred / weights.sum()
    spread = np.diag(covariance).copy()
    spread[spread == 0] = 1.0
    correlation = np.clip(covariance / np.outer(spread, spread), -0.99, 0.99)
    correlation = np.round(correlation, PLACES)  # so that the draws are the same on every machine
    np.fill_diagonal(correlation, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    # The symmetric root does not depend on the signs and order in which a machine gives the vectors.
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    noise = np.random.Generator(np.random.PCG64(SEED)).standard_normal((count, len(scores)))
    return np.asarray(noise @ (root / np.sqrt((root**2).sum(axis=0))))


def _cut(values: pd.Series, level: Ints, weights: Floats, latent: Floats) -> pd.Series:
    """A column whose levels are as frequent as their weighted shares, given out in the order of the latent draws."""
    counts = shares_to_counts(np.asarray(np.bincount(level, weights), dtype=float), len(latent))
    first = np.unique(level, return_index=True)[1]
    own = np.empty(len(latent), dtype=np.intp)
    own[np.argsort(latent, kind="stable")] = np.repeat(np.arange(len(counts)), counts)
    return values.iloc[first[own]].reset_index(drop=True)


def _units(
    frame: pd.DataFrame, variables: Sequence[Variable], made: dict[str, Any], count: int
) -> dict[str, Ints]:  # fmt: skip
    """First-stage units of each stratum, dealt out in turn."""
    unit = next((own.name for own in variables if own.part == "unit"), None)
    if unit is None:
        return {}
    stratum = next((own.name for own in variables if own.part == "stratum"), None)
    own = np.zeros(count, dtype=np.intp) if stratum is None else np.asarray(made[stratum], dtype=np.intp)
    real = np.zeros(len(frame), dtype=np.intp) if stratum is None else frame[stratum].to_numpy(dtype=np.intp)
    labels = np.zeros(count, dtype=np.intp)
    begun = 0
    for value in np.unique(real):
        units = frame.loc[real == value, unit].nunique()
        inside = np.flatnonzero(own == value)
        labels[inside] = begun + 1 + np.arange(len(inside)) % units
        begun += units
    return {unit: labels}
