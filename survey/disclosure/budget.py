"""Differential privacy of the numbers of respondents: discrete Laplace noise by OpenDP, paid for from a budget.

Adding or removing one respondent changes one cell of each table (an item by a breakdown) by one. A wave's budget ε is
split evenly over its tables, and composes by addition (Dwork & Roth 2014, sec. 3.3 and 3.5). OpenDP takes its noise
from the system and has no seed: a second draw would let anybody average, and would cost as much again. So every number
is drawn once and kept; what was drawn for a table holds for every later publication.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from survey.errors import GateError, UsageError
from survey.released import Drawn

Key = tuple[str, str, str, str]
Draw = Callable[[Sequence[int], float], list[int]]
BEYOND = 1e-3  # chance that noise exceeds the bound an outsider is taken to reckon with
LEAST = 1e-3  # smallest budget of a table: below it noise is of the size of cities


def drawn_counts(
    counts: Mapping[Key, float],
    before: Iterable[Drawn],
    epsilon: float,
    draw: Draw | None = None,
    accounted: Iterable[Drawn] | None = None,
) -> tuple[dict[Key, float], list[Drawn], dict[str, Any]]:
    """Numbers with noise: those drawn before as they are, those of new tables for what is left of the wave's budget.

    A group that a table did not have when it was drawn is told nowhere (NaN).

    Args: counts: true numbers.   before: everything drawn for the survey.   epsilon: budget of a wave.   draw: numbers
    and ε → numbers with noise; OpenDP's discrete Laplace when left out.   accounted: of `before`, what the accounting
    of this release is to speak of; all of it when left out.
    Returns: told numbers; what was drawn now; the accounting (dearest wave).   Raises: GateError: a budget is spent.
    """
    kept = {each[:4]: each for each in before}
    paid = _bills(kept.values())
    told, new, widest = dict.fromkeys(counts, math.nan), [], 0.0
    for wave in dict.fromkeys(key[0] for key in counts):
        tables: dict[tuple[str, str], list[Key]] = {}
        for key in counts:
            if key[0] == wave:
                tables.setdefault(key[1:3], []).append(key)
        own = paid.setdefault(wave, {})
        fresh = sorted(name for name in tables if name not in own)
        share = (epsilon - math.fsum(own.values())) / len(fresh) if fresh else 0.0
        if fresh and share < LEAST:
            raise _spent(wave, len(fresh))
        for name in fresh:
            keys = sorted(tables[name])
            noisy = (draw or laplace)([round(counts[key]) for key in keys], share)
            new += [Drawn(*key, float(max(n, 0)), share) for key, n in zip(keys, noisy, strict=True)]
            own[name] = share
        widest = max([widest, *(1 / own[name] for name in tables)])
    told |= {key: kept[key].told for key in counts if key in kept}
    told |= {each[:4]: each.told for each in new}
    own_waves, past = {key[0] for key in counts}, kept.values() if accounted is None else accounted
    bills = _bills(each for each in (*past, *new) if each.wave in own_waves)
    spent = max((math.fsum(bill.values()) for bill in bills.values()), default=0.0)
    most = max(map(len, bills.values()), default=0)
    facts = {"epsilon": epsilon, "spent": round(spent, 6), "tables": most, "scale": round(widest, 3)}
    return told, new, facts


def _bills(drawn: Iterable[Drawn]) -> dict[str, dict[tuple[str, str], float]]:
    """Wave → table → what it cost."""
    bills: dict[str, dict[tuple[str, str], float]] = {}
    for each in drawn:
        bills.setdefault(each.wave, {})[each.item, each.by] = each.epsilon
    return bills


def bound(scale: float, beyond: float = BEYOND) -> float:
    """What discrete Laplace noise of a scale exceeds with a chance of at most `beyond`: s·ln(1/beyond) + 1, rounded up.

    >>> bound(10.0)
    71.0
    """
    return float(math.ceil(scale * math.log(1 / beyond) + 1))


def laplace(counts: Sequence[int], epsilon: float) -> list[int]:
    """Counts with discrete Laplace noise, ε-differentially private for one respondent more or less in one of them.

    Raises: UsageError: OpenDP is not installed.
    """
    try:
        import opendp.prelude as dp
    except ImportError:
        raise UsageError(
            "The package opendp is not installed",
            where="disclosure: counts",
            hint="pip install anxin[private], or take another method",
        ) from None
    dp.enable_features("contrib")
    make: Any = dp.m.make_laplace
    measurement = make(dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int), scale=1 / epsilon)
    if measurement.map(1) > epsilon * (1 + 1e-9):  # OpenDP's own accounting of what a release costs
        raise GateError(
            "Noise costs more than its budget",
            where="disclosure: counts",
            hint="this is a fault of the program: report the lines above; nothing was published",
        )
    return [int(n) for n in measurement(list(counts))]


def _spent(wave: str, tables: int) -> GateError:
    return GateError(
        "The privacy budget of wave {wave} is spent",
        where="disclosure: counts: epsilon",
        expected="a budget that leaves something for {tables} tables that were not published before",
        got="nothing left",
        hint="publish the breakdowns that were published before, or declare a larger epsilon and say why",
        wave=wave,
        tables=tables,
    )
