"""How much the answers depend on who asks: interviewer variance, and what it costs in precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, stats
from scipy.sparse.csgraph import connected_components

from survey.codebook import Codebook

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Effect:
    """The part of one answer's variance that goes with the interviewer.

    rho: intraclass correlation; an estimate, so it may fall below zero.   deff: 1 + (m − 1)·max(ρ, 0).   f, df1, df2,
    p: test that there is no such part.   n: interviews.   groups: interviewers.   size: m = Σm_j²/Σm_j, the interviews
    made by the interviewer of an average interview.
    """

    rho: float
    deff: float
    f: float
    df1: int
    df2: int
    p: float
    n: int
    groups: int
    size: float


def interviewer_effect(y: ArrayLike, interviewer: ArrayLike, block: ArrayLike | None = None) -> Effect:
    """Intraclass correlation of the interviewer in a crossed sample, by Henderson's third method (1953).

    Model: y = block + interviewer + rest, blocks fixed (the sampling units two interviewers share, so that their
    residents are not taken for their effect). With S the sum of squares of the interviewers after the blocks, r its
    degrees of freedom and C the interviewers' table of cases less what the blocks explain:
    σ²_e = SSE/(n − df),  σ²_a = (S − r·σ²_e)/tr C,  ρ = σ²_a/(σ²_a + σ²_e). Without blocks this is one-way analysis of
    variance: ρ = (MSB − MSW)/(MSB + (m₀ − 1)·MSW) with m₀ = (n − Σm²/n)/(k − 1). Design effect after Kish (1962).

    Args: y: numbers, rows with NaN are left out.   interviewer, block: codes of the same length.
    Returns: NaN for ρ where no interviewer can be told from the blocks, or nobody has a second interview.

    >>> effect = interviewer_effect([1, 2, 3, 4, 5, 6], [1, 1, 2, 2, 3, 3])   # MSB 8, MSW 0.5, m₀ 2
    >>> round(effect.rho, 4), round(effect.deff, 4), round(effect.f, 4)
    (0.8824, 1.8824, 16.0)
    """
    values = np.asarray(y, dtype=float)
    known = np.isfinite(values)
    values = values[known]
    who, k = _codes(np.asarray(interviewer)[known])
    where, b = _codes(np.zeros(len(values)) if block is None else np.asarray(block)[known])
    sizes = np.bincount(who, minlength=k)
    size = float((sizes**2).sum() / max(len(values), 1))
    table, parts, part_of = _shared(who, k, where, b)
    df1, df2 = k - parts, len(values) - (b + k - parts)
    if df1 < 1 or df2 < 1:
        nan = float("nan")
        return Effect(nan, nan, nan, df1, df2, nan, len(values), k, size)
    in_block = np.bincount(where, minlength=b).astype(float)
    mean = np.bincount(where, values, minlength=b) / in_block
    rest = values - mean[where]
    C = np.diag(sizes.astype(float)) - (table.T @ sparse.diags_array(1 / in_block) @ table).toarray()
    between = _explained(C, np.bincount(who, rest, minlength=k).astype(float), part_of)
    within = max(float(rest @ rest) - between, 0.0) / df2
    among = (between - df1 * within) / float(np.trace(C))
    spread = among + within
    rho = among / spread if spread > 0 else float("nan")
    f = between / df1 / within if within > 0 else float("inf")
    deff = 1 + (size - 1) * max(rho, 0.0)
    return Effect(rho, deff, f, df1, df2, float(stats.f.sf(f, df1, df2)), len(values), k, size)


def _codes(values: NDArray[Any]) -> tuple[Ints, int]:
    codes, uniques = pd.factorize(values)
    return np.asarray(codes, dtype=np.int64), len(uniques)


def _shared(who: Ints, k: int, where: Ints, b: int) -> tuple[Any, int, Ints]:
    """Cases by block and interviewer, how many parts share no block with another, and the part of each interviewer."""
    table = sparse.csr_array((np.ones(len(who)), (where, who)), shape=(b, k))
    parts, part_of = connected_components(sparse.csr_array(table.T @ table), directed=False)
    return table, int(parts), np.asarray(part_of, dtype=np.int64)


def _explained(C: Floats, totals: Floats, part_of: Ints) -> float:
    """tᵀC⁻t: C is the Laplacian of who shares blocks with whom, regular once one of each connected part is left out."""
    first = np.unique(part_of, return_index=True)[1]
    kept = np.setdiff1d(np.arange(len(C)), first)
    return float(totals[kept] @ np.linalg.solve(C[np.ix_(kept, kept)], totals[kept]))


def interviewer_facts(frame: pd.DataFrame, book: Codebook) -> dict[str, Any] | None:
    """Interviewer effects of the indicators for the report; None where fewer than two are delivered.

    Within sampling units where half of the differences can be seen there; else their areas differ too.
    """
    if book.interviewer is None or book.interviewer not in frame:
        return None
    given = (frame[book.interviewer] != "").to_numpy()
    rows = frame.loc[given]
    who, k = _codes(rows[book.interviewer].to_numpy())
    if k < 2:
        return None
    units = units_of(rows, book)
    shared = units is not None and _overlap(who, k, units)
    effects = []
    for name in book.indicators:
        effect = interviewer_effect(rows[name].to_numpy(dtype=float), who, units if shared else None)
        if np.isfinite(effect.rho):
            effects.append({"item": name, "rho": effect.rho, "deff": effect.deff, "p": effect.p, "n": effect.n})
    return {"interviewers": k, "interviews": len(rows), "within_units": shared, "effects": effects}


def units_of(frame: pd.DataFrame, book: Codebook) -> Ints | None:
    """Codes of the first-stage units, nested in their strata; None where the design has none."""
    if not book.design.psu:
        return None
    named = frame[[*book.design.strata, book.design.psu[0]]]
    return np.asarray(named.groupby(list(named), observed=True, sort=False, dropna=False).ngroup(), dtype=np.int64)


def _overlap(who: Ints, k: int, units: Ints) -> bool:
    """Whether at least half of the interviewers' differences can be seen within sampling units they share."""
    _, parts, _ = _shared(who, k, units, int(units.max()) + 1)
    return 2 * parts <= k
