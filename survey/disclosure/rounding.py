"""Controlled rounding: numbers of respondents as multiples of a base that still add up, as near as can be.

An integer program over the relations of survey.disclosure.system (Cox 1987; Salazar-González 2005).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import connected_components

from survey.disclosure.bounds import Floats, Ints, Table
from survey.disclosure.system import Built, Key
from survey.errors import EstimationError

WIDEST = 3  # multiples beyond the adjacent ones that are tried where groups of many breakdowns overlap


def nearest(n: float, base: int) -> float:
    """The nearest multiple, the lower of two equally near.

    >>> nearest(12, 5), nearest(13, 5), nearest(15, 10)
    (10.0, 15.0, 10.0)
    """
    return base * float(np.ceil(n / base - 0.5))


def rounded(built: Built, base: int) -> tuple[dict[Key, float], float]:
    """Every cell's respondents as a multiple of the base, so that groups add up to what they are parts of.

    min Σ |r − n| subject to relations @ r = 0, r one of the two multiples beside n, n itself where it is one. The
    figure for everybody is always the nearest multiple, so that a publication with other breakdowns tells the same one.

    Returns: key → told number, and the largest distance that was allowed: base − 1, more only where no choice adds up.
    Raises: EstimationError: nothing within a few multiples adds up.
    """
    quantity, relations = _counts(built)
    value = built.table.value[quantity]
    whole = np.zeros(len(quantity), dtype=bool)
    place = {int(at): k for k, at in enumerate(quantity)}
    for key, at in built.counts.items():
        whole[place[at]] = not key[2]
    told, widest = np.zeros(len(quantity)), 0
    for members, rows in _parts(relations):
        own, extra = _part(relations[rows][:, members], value[members], whole[members], base)
        told[members], widest = own, max(widest, extra)
    return {key: float(told[place[at]]) for key, at in built.counts.items()}, float(base - 1 + widest * base)


def _counts(built: Built) -> tuple[Ints, sparse.csr_array]:
    """Quantities that are counts, remainders among them, and the relations between counts only."""
    table: Table = built.table
    is_count = np.zeros(len(table.value), dtype=bool)
    is_count[list(built.counts.values())] = True
    foreign = ~is_count & (table.cell >= 0)
    rows = np.flatnonzero(
        (np.diff(table.relations[:, foreign].indptr) == 0) & (np.diff(table.relations[:, is_count].indptr) > 0)
    )
    kept = is_count.copy()
    kept[np.unique(table.relations[rows].indices)] = True
    quantity = np.flatnonzero(kept).astype(np.intp)
    return quantity, sparse.csr_array(table.relations[rows][:, quantity])


def _parts(relations: sparse.csr_array) -> list[tuple[Ints, Ints]]:
    """Quantities and relations of each part that nothing joins to another."""
    graph: Any = sparse.block_array([[None, relations], [relations.T, None]], format="csr")
    _, label = connected_components(graph, directed=False)
    of_row, of_quantity = label[: relations.shape[0]], label[relations.shape[0] :]
    order, rows = np.argsort(of_quantity, kind="stable"), np.argsort(of_row, kind="stable")
    found = []
    for number in np.unique(of_quantity):
        own = order[slice(*np.searchsorted(of_quantity[order], [number, number + 1]))]
        lines = rows[slice(*np.searchsorted(of_row[rows], [number, number + 1]))]
        found.append((np.sort(own).astype(np.intp), np.sort(lines).astype(np.intp)))
    return found


def _part(relations: sparse.csr_array, value: Floats, whole: np.ndarray, base: int) -> tuple[Floats, int]:
    """The nearest multiples that add up, and how many multiples beyond the adjacent ones it took."""
    below, above = np.floor(value / base), np.ceil(value / base)
    fixed = np.array([nearest(n, base) / base for n in value])
    # Unit costs are kept apart, so that which of two equally near choices is taken does not hang on the solver.
    apart = 1 + 1e-6 * (np.arange(len(value)) * 7919 % 10007) / 10007
    for extra in range(WIDEST + 1):
        low = np.where(whole, fixed, np.maximum(below - extra, 0.0))
        high = np.where(whole, fixed, above + extra)
        if not relations.shape[0]:
            return np.where(whole, fixed, np.array([nearest(n, base) / base for n in value])) * base, 0
        found = _solved(relations, value / base, low, high, apart)
        if found is not None:
            return np.round(found) * base, extra
    raise EstimationError(
        "Numbers of respondents cannot be rounded so that they add up",
        where="disclosure: counts",
        expected="groups that add up to what they are parts of, in multiples of {base}",
        got="none within {widest} multiples",
        hint="take a smaller base, or the method cell_key",
        base=base,
        widest=WIDEST,
    )


def _solved(relations: sparse.csr_array, value: Floats, low: Floats, high: Floats, apart: Floats) -> Floats | None:
    """Multiples r and distances d ≥ |r − n| of least sum; None where nothing adds up."""
    count = len(value)
    unit: Any = sparse.identity(count, format="csr")
    adding: Any = sparse.hstack([relations, sparse.csr_array(relations.shape)], format="csr")
    apart_rows: Any = sparse.block_array([[unit, -unit], [-unit, -unit]], format="csr")
    found = milp(
        np.concatenate([np.zeros(count), apart]),
        integrality=np.concatenate([np.ones(count), np.zeros(count)]),
        bounds=Bounds(np.concatenate([low, np.zeros(count)]), np.concatenate([high, np.full(count, np.inf)])),
        constraints=[
            LinearConstraint(adding, 0.0, 0.0),
            LinearConstraint(apart_rows, -np.inf, np.concatenate([value, -value])),
        ],
        options={"mip_rel_gap": 0.0},
    )
    return None if found.x is None else np.asarray(found.x[:count])
