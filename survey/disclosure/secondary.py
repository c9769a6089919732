"""Which further cells have to be hidden, at the least cost, so that nobody can work out those that must be.

Cell suppression as an integer program solved by cuts (Fischetti & Salazar 2000; 2001): hide the cheapest cells, ask by
linear programs how far each secret can still be narrowed down, add the inequality that a proof of too narrow a range
yields, and so on until no range is too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import connected_components

from survey.disclosure.bounds import Bools, Floats, Ints, Range, Table, ranges, room

SLACK = 1e-6  # of the width that is asked for: the solvers' tolerance


class Demand(NamedTuple):
    """The range of a quantity must be this wide, and reach up to here; when its cell is hidden, or always (cell −1)."""

    quantity: int
    width: float
    reach: float
    cell: int = -1


class Cells(NamedTuple):
    """What hiding each cell costs, which are hidden already and which cannot be hidden any more."""

    cost: Floats
    hidden: Bools
    fixed: Bools


Cut = tuple[Floats, float]


def met(found: Range, demand: Demand) -> bool:
    """Whether a range is as wide as demanded."""
    least = demand.width * (1 - SLACK)
    return found.high - found.low >= least and found.high >= demand.reach - SLACK * max(demand.width, 1.0)


def possible(table: Table, cells: Cells, demands: Sequence[Demand]) -> list[Demand]:
    """The demands, cut down to what hiding every cell that may be hidden would give."""
    most = ranges(table, cells.hidden | ~cells.fixed, [demand.quantity for demand in demands])
    return [
        demand._replace(
            width=min(demand.width, (found.high - found.low) * (1 - SLACK)), reach=min(demand.reach, found.high)
        )
        for demand, found in zip(demands, most, strict=True)
    ]


def choose(table: Table, cells: Cells, demands: Sequence[Demand]) -> Bools | None:
    """The hidden cells, those that were hidden included; None where no choice meets the demands.

    Parts of the system that nothing joins are solved on their own, and asked about together.

    Args: table: the linear relations.   cells: shape (cells,) each.   demands: of secrets without a cell, and of what
    may become hidden with its cell.   Returns: shape (cells,).
    """
    hidden = cells.hidden.copy()
    part = _parts(table, len(hidden))
    inside = _members(part, table.cell)
    cuts: dict[int, list[Cut]] = {}
    for demand in demands:
        if _due(demand, hidden):
            cuts.setdefault(int(part[demand.quantity]), []).extend(_first(table, demand, len(hidden)))
    stale = set(cuts)
    while stale:
        for number in sorted(stale):
            chosen = _cheapest(cells, cuts[number], inside[number])
            if chosen is None:
                return None
            hidden[inside[number]] = chosen
        due = [demand for demand in demands if int(part[demand.quantity]) in stale and _due(demand, hidden)]
        stale = set()
        for demand, got in zip(due, ranges(table, hidden, [each.quantity for each in due]), strict=True):
            if not met(got, demand):
                number = int(part[demand.quantity])
                cuts[number] += _cuts(table, demand, got, len(hidden))
                stale.add(number)
    return hidden


def _members(part: Ints, cell: Ints) -> dict[int, Ints]:
    """Cells of each part."""
    owned = cell >= 0
    pairs = np.unique(np.column_stack([part[owned], cell[owned]]), axis=0)
    found = {int(number): pairs[pairs[:, 0] == number, 1] for number in np.unique(pairs[:, 0])}
    return {int(number): found.get(int(number), np.zeros(0, dtype=np.intp)) for number in np.unique(part)}


def _due(demand: Demand, hidden: Bools) -> bool:
    return demand.cell < 0 or bool(hidden[demand.cell])


def _parts(table: Table, cells: int) -> Ints:
    """Number of the part of the system that each quantity belongs to: no relation and no cell joins two parts."""
    count = len(table.value)
    owned = np.flatnonzero(table.cell >= 0)
    owner = sparse.csr_array((np.ones(len(owned)), (table.cell[owned], owned)), shape=(cells, count))
    joins = sparse.vstack([table.relations, owner], format="csr")
    _, label = connected_components(sparse.block_array([[None, joins], [joins.T, None]], format="csr"), directed=False)
    return label[joins.shape[0] :].astype(np.intp)


def _first(table: Table, demand: Demand, cells: int) -> list[Cut]:
    """What each relation of a secret asks for on its own: the others in it must have room for the secret to move."""
    cuts = []
    column = table.relations[:, [demand.quantity]].tocoo()
    for row, factor in zip(column.row, column.data, strict=True):
        proof = np.zeros(table.relations.shape[0])
        proof[row] = 1.0 / factor
        nothing = np.zeros_like(proof)
        up, down = (room(table, demand.quantity, sign, -sign * each) for sign, each in ((-1.0, -proof), (1.0, -proof)))
        own_up, own_down = room(table, demand.quantity, -1.0, nothing), room(table, demand.quantity, 1.0, nothing)
        for held in (up + own_down, own_up + down, up + down):
            cuts.append(_cut(table, demand, held, demand.width, cells))  # noqa: PERF401
    return cuts


def _cuts(table: Table, demand: Demand, found: Range, cells: int) -> list[Cut]:
    """Inequalities that every good choice meets and this one does not: a(y) ≥ b."""
    at, cuts = demand.quantity, []
    up = room(table, at, -1.0, found.high_proof)
    down = room(table, at, 1.0, found.low_proof)
    for held, reach, short in (
        (up + down, demand.width, found.high - found.low < demand.width * (1 - SLACK)),
        (up, demand.reach - table.value[at], found.high < demand.reach - SLACK * max(demand.width, 1.0)),
    ):
        if short:
            cuts.append(_cut(table, demand, held, reach, cells))
    return cuts


def _cut(table: Table, demand: Demand, held: Floats, reach: float, cells: int) -> Cut:
    """Σ room of the hidden cells ≥ reach, each counted for no more than is needed."""
    free = table.cell < 0
    needed = reach - float(held[free].sum())
    weight = np.bincount(table.cell[~free], weights=held[~free], minlength=cells)
    weight = np.minimum(weight, max(needed, 0.0))
    if demand.cell >= 0:  # only when the cell itself is hidden
        weight[demand.cell] -= needed
        needed = 0.0
    scale = max(reach, 1e-12)
    return np.where(np.abs(weight) < 1e-9 * scale, 0.0, weight / scale), needed / scale


def _cheapest(cells: Cells, cuts: Sequence[Cut], inside: Ints) -> Bools | None:
    """The cheapest cells that meet the cuts; of equally cheap ones always the same."""
    # A prime step per place keeps sums apart, so that ties do not hang on the solver.
    cost = cells.cost[inside] * (1 + 1e-7 * (np.arange(len(inside)) * 7919 % 10007))
    fixed, must = cells.fixed[inside] & ~cells.hidden[inside], cells.hidden[inside]
    if not len(inside):
        return must if all(cut[1] <= SLACK for cut in cuts) else None
    if not cuts:  # the secret stands in no relation: its own cell is all there is to hide
        return must
    weights = np.array([cut[0][inside] for cut in cuts])
    rows = LinearConstraint(sparse.csr_array(weights), np.array([cut[1] for cut in cuts]) * (1 - SLACK), np.inf)
    found = milp(
        cost,
        integrality=np.ones(len(inside), dtype=np.intp),
        bounds=Bounds(must.astype(float), 1.0 - fixed.astype(float)),
        constraints=rows,
        options={"mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None
    return np.asarray(found.x > 0.5)
