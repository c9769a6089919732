"""Weighted totals of cells: the sufficient statistics of shares, means, ratios and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from survey.sampling.linearized import Floats, Ints


class Totals(NamedTuple):
    """Totals of C cells: over everybody (C,), and by sampling unit (U, C) or by replicate (R, C)."""

    whole: Floats
    rows: Floats


def indicator(code: Ints, cells: int, data: Floats) -> sparse.csr_matrix:
    """Sparse (cells, n) matrix with data_i at (code_i, i); code −1 leaves a row out."""
    there = np.flatnonzero(code >= 0)
    return sparse.csr_matrix((data[there], (code[there], there)), shape=(cells, len(code)))


def cell_sums(
    weights: Floats,
    code: Ints,
    cells: int,
    values: Sequence[Floats | None],
    unit: Ints | None = None,
    units: int = 0,
) -> Floats:
    """Σ w·v by cell, for each value v (None: 1): (C·k,); by unit too: (U, C·k); for replicate weights (n, R): (R, C·k).

    >>> cell_sums(np.array([1.0, 2.0]), np.array([1, 1]), 2, [None, np.array([5.0, 6.0])]).tolist()
    [0.0, 3.0, 0.0, 17.0]
    """
    if weights.ndim == 2:
        ones = np.ones(len(code))
        return np.hstack([(indicator(code, cells, ones if v is None else v) @ weights).T for v in values])
    there = code >= 0
    everywhere = bool(there.all())
    place = code if everywhere else code[there]
    if unit is not None:
        place = (unit if everywhere else unit[there]) * cells + place
    size = cells * (units if unit is not None else 1)
    blocks = []
    for value in values:
        data = weights if value is None else weights * value
        block = np.bincount(place, weights=data if everywhere else data[there], minlength=size)
        blocks.append(block.reshape(units, cells) if unit is not None else block)
    return np.concatenate(blocks, axis=-1)
