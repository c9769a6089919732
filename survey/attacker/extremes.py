"""Least and most of many quantities under linear constraints, many small programs to a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Piece = tuple[NDArray[np.intp], Any, Floats, Any, Floats]
SOLVE: Any = linprog  # its stubs know no sparse matrix
AT_ONCE = 3000  # variables


@dataclass
class Constraints:
    """Unknowns between bounds; sums of them that equal, or do not exceed, a number."""

    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    equal: list[tuple[dict[int, float], float]] = field(default_factory=list)
    most: list[tuple[dict[int, float], float]] = field(default_factory=list)

    def unknown(self, low: float = 0.0, high: float = np.inf) -> int:
        """A new unknown."""
        self.low.append(low)
        self.high.append(high)
        return len(self.low) - 1


def extremes(system: Constraints, targets: Sequence[int]) -> list[tuple[float, float]]:
    """Least and most of each target that the constraints allow; an empty range where they contradict one another.

    >>> two = Constraints(); a, b = two.unknown(), two.unknown(); two.equal.append(({a: 1.0, b: 1.0}, 7.0))
    >>> extremes(two, [a])
    [(0.0, 7.0)]
    """
    if not targets:
        return []
    count = len(system.low)
    equal, most = (_matrix(rows, count) for rows in (system.equal, system.most))
    right, limit = (np.array([value for _, value in rows]) for rows in (system.equal, system.most))
    joined = sparse.vstack([equal, most], format="csr")
    graph = sparse.block_array([[None, joined], [joined.T, None]], format="csr")
    _, label = connected_components(graph, directed=False)
    of_row, of_unknown = label[: joined.shape[0]], label[joined.shape[0] :]
    pieces = {}
    for number in np.unique(of_unknown[list(targets)]):
        inside = np.flatnonzero(of_unknown == number)
        first = np.flatnonzero(of_row[: equal.shape[0]] == number)
        second = np.flatnonzero(of_row[equal.shape[0] :] == number)
        pieces[int(number)] = (inside, equal[first][:, inside], right[first], most[second][:, inside], limit[second])
    found: list[tuple[float, float]] = []
    batch: list[int] = []
    size = 0
    for target in targets:
        own = len(pieces[of_unknown[target]][0])
        if batch and size + 2 * own > AT_ONCE:
            found += _together(system, pieces, of_unknown, batch)
            batch, size = [], 0
        batch.append(target)
        size += 2 * own
    return found + _together(system, pieces, of_unknown, batch)


def _matrix(rows: Sequence[tuple[dict[int, float], float]], count: int) -> sparse.csr_array:
    entries = [(k, at, factor) for k, (terms, _) in enumerate(rows) for at, factor in terms.items()]
    row, column, factor = zip(*entries, strict=True) if entries else ((), (), ())
    return sparse.csr_array((np.array(factor, dtype=float), (row, column)), shape=(len(rows), count))


def _together(
    system: Constraints, pieces: dict[int, Piece], of_unknown: NDArray[Any], targets: Sequence[int]
) -> list[tuple[float, float]]:
    """One program that holds the pieces of all targets twice: once for the least, once for the most."""
    low, high = np.array(system.low), np.array(system.high)
    chosen = [(target, sign, pieces[of_unknown[target]]) for target in targets for sign in (1.0, -1.0)]
    goal = np.concatenate([np.where(piece[0] == target, sign, 0.0) for target, sign, piece in chosen])
    owned = np.concatenate([piece[0] for _, _, piece in chosen])
    solved = SOLVE(
        goal,
        A_eq=sparse.block_diag([piece[1] for _, _, piece in chosen], format="csr"),
        b_eq=np.concatenate([piece[2] for _, _, piece in chosen]),
        A_ub=sparse.block_diag([piece[3] for _, _, piece in chosen], format="csr"),
        b_ub=np.concatenate([piece[4] for _, _, piece in chosen]),
        bounds=np.column_stack([low[owned], high[owned]]),
        method="highs",
    )
    if solved.status != 0:
        if len(targets) > 1:  # one of them has no bound or no solution: find out which
            return [pair for target in targets for pair in _together(system, pieces, of_unknown, [target])]
        return [_alone(system, pieces[of_unknown[targets[0]]], targets[0])]
    value = np.where(goal != 0, solved.x, 0.0)
    ends = np.cumsum([len(piece[0]) for _, _, piece in chosen])[:-1]
    each = [float(part.sum()) for part in np.split(value, ends)]
    return list(zip(each[::2], each[1::2], strict=True))


def _alone(system: Constraints, piece: Piece, target: int) -> tuple[float, float]:
    """The range of one target when an end of it is infinite or nothing fits."""
    own, equal, right, most, limit = piece
    ends = []
    for sign in (1.0, -1.0):
        solved = SOLVE(
            np.where(own == target, sign, 0.0), A_eq=equal, b_eq=right, A_ub=most, b_ub=limit,
            bounds=np.column_stack([np.array(system.low)[own], np.array(system.high)[own]]), method="highs",
        )  # fmt: skip
        ends.append(
            float(sign * solved.fun) if solved.status == 0 else (-sign * np.inf if solved.status == 3 else np.nan)
        )
    return ends[0], ends[1]
