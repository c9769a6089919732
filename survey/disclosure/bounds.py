"""How far a withheld value can be narrowed down: linear programs over everything that is shown.

The chooser's own view, with the true values at hand; the outsider's is survey.attacker, which shares nothing with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

from survey.errors import EstimationError

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]
SOLVE: Any = linprog  # its stubs know no sparse matrix
BATCH = 3000  # variables of one linear program; many small ones in a call, as a call costs more than its arithmetic


@dataclass(frozen=True)
class Table:
    """Linear relations between quantities, all of which hold for the true values: relations @ value = 0.

    relations: sparse (relations × quantities).   value, lower, upper: (quantities,), what everybody knows of each.
    cell: the cell that shows or hides a quantity, −1 for one that is published nowhere.
    """

    relations: sparse.csr_array
    value: Floats
    lower: Floats
    upper: Floats
    cell: Ints

    def hidden(self, cells: Bools) -> Bools:
        """Which quantities nobody sees when these cells are hidden."""
        return np.where(self.cell >= 0, cells[self.cell], True) if len(cells) else self.cell < 0


class Range(NamedTuple):
    """What follows for one quantity, and the multipliers of the relations that prove either end."""

    low: float
    high: float
    low_proof: Floats
    high_proof: Floats


def ranges(table: Table, cells: Bools, targets: Sequence[int]) -> list[Range]:
    """Smallest and largest value of each target that agree with all that is shown (Fischetti & Salazar 2000, sec. 3).

    min and max x_p subject to relations @ x = 0, lower ≤ x ≤ upper, x = value where shown; a target that is shown has a
    range of nothing.

    Args: cells: shape (cells,), which are hidden.   targets: quantities.
    """
    if not targets:
        return []
    hidden = table.hidden(cells)
    rows = np.flatnonzero(np.diff(table.relations[:, hidden].indptr) > 0)
    part, members = _parts(table, hidden, rows)
    blocks = []
    for target in targets:
        own = members.get(int(part[target])) if hidden[target] else None
        blocks += [(target, sign, own) for sign in (1.0, -1.0)]
    solved = _solve(table, blocks)
    return [Range(low[0], -high[0], low[1], high[1]) for low, high in zip(solved[::2], solved[1::2], strict=True)]


def _parts(table: Table, hidden: Bools, rows: Ints) -> tuple[Ints, dict[int, tuple[Ints, Ints]]]:
    """Number of the part that each quantity belongs to, and of each part its relations and its hidden quantities."""
    columns = np.flatnonzero(hidden)
    inner = table.relations[rows][:, columns]
    graph: Any = sparse.block_array([[None, inner], [inner.T, None]], format="csr")
    label = connected_components(graph, directed=False)[1]
    part = np.full(len(hidden), -1, dtype=np.intp)
    part[columns] = label[len(rows) :]
    members: dict[int, tuple[Ints, Ints]] = {}
    row_order, column_order = np.argsort(label[: len(rows)], kind="stable"), np.argsort(part[columns], kind="stable")
    row_label, column_label = label[: len(rows)][row_order], part[columns][column_order]
    for number in np.unique(column_label):
        own_rows = row_order[slice(*np.searchsorted(row_label, [number, number + 1]))]
        own_columns = column_order[slice(*np.searchsorted(column_label, [number, number + 1]))]
        members[int(number)] = (rows[np.sort(own_rows)], columns[np.sort(own_columns)])
    return part, members


Block = tuple[int, float, tuple[Ints, Ints] | None]


def _solve(table: Table, blocks: Sequence[Block]) -> list[tuple[float, Floats]]:
    """Minimum of sign · target in each block, with the multipliers of all relations, many blocks to a program."""
    answers: list[tuple[float, Floats]] = []
    batch: list[Block] = []
    size = 0
    for block in blocks:
        own = len(block[2][1]) if block[2] else 0
        if batch and size + own > BATCH:
            answers += _batch(table, batch)
            batch, size = [], 0
        batch.append(block)
        size += own
    return answers + _batch(table, batch)


def _batch(table: Table, blocks: Sequence[Block]) -> list[tuple[float, Floats]]:
    parts, goals, right, low, high = [], [], [], [], []
    for target, sign, own in blocks:
        if own is None:
            continue
        rows, columns = own
        inner = table.relations[rows][:, columns]
        parts.append(inner)
        right.append(inner @ table.value[columns])
        goals.append(np.where(columns == target, sign, 0.0))
        low.append(table.lower[columns])
        high.append(table.upper[columns])
    if parts:
        found = SOLVE(
            np.concatenate(goals),
            A_eq=sparse.block_diag(parts, format="csr"),
            b_eq=np.concatenate(right),
            bounds=np.column_stack([np.concatenate(low), np.concatenate(high)]),
            method="highs",
        )
        if found.status != 0:
            raise EstimationError(
                "The figures contradict one another",
                where="disclosure",
                expected="totals that are the sums of their parts",
                got="{status}",
                status=found.message.split("(")[0].strip(),
            )
    answers, at_row, at_column = [], 0, 0
    for target, sign, own in blocks:
        proof = np.zeros(table.relations.shape[0])
        if own is None:
            answers.append((sign * float(table.value[target]), proof))
            continue
        rows, columns = own
        proof[rows] = found.eqlin.marginals[at_row : at_row + len(rows)]
        x = found.x[at_column : at_column + len(columns)]
        answers.append((sign * float(x[columns == target][0]), proof))
        at_row, at_column = at_row + len(rows), at_column + len(columns)
    return answers


def room(table: Table, target: int, sign: float, proof: Floats) -> Floats:
    """How much each quantity can add to the distance of a target from its true value: of use only where it is hidden.

    For any multipliers γ and d = sign·e − relationsᵀγ the target moves by at most Σ (d⁻·(upper − value) + d⁺·(value −
    lower)) over the hidden quantities (weak duality; Fischetti & Salazar 2000, eq. 9).   Returns: shape (quantities,).
    """
    rest = -(table.relations.T @ proof)
    rest[target] += sign
    rest[np.abs(rest) < 1e-9] = 0.0
    up, down = table.upper - table.value, table.value - table.lower
    return np.asarray(np.maximum(-rest, 0) * up + np.maximum(rest, 0) * down)
