"""What is left to somebody who reads more than the answers: weights, which tell the cells of calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from survey.anonymity.classes import Bools, Floats, Ints

ROUNDS = 200
RATIOS = np.log(np.unique([a / b for a in range(1, 7) for b in range(1, 7)]))


@dataclass(frozen=True)
class Reading:
    """How well a value that the file no longer holds is read from the weights.

    records: of which it is hidden.   right: share read rightly.   guess: share right by naming the most frequent value
    among those left, without looking at the weight.
    """

    variable: str
    records: int
    right: float
    guess: float


def cell_factors(weights: Floats, before: Floats, unit: Ints, cell: Ints) -> Floats:
    """Factor (C,) by which calibration moved the weights of each cell, beside what it did to whole units.

    Median polish of log(weight / weight before) by unit and cell (Tukey 1977): raking multiplies, trimming is robustly
    passed over.
    """
    moved = np.log(weights / before)
    factor, shift = np.zeros(int(cell.max()) + 1), np.zeros(int(unit.max()) + 1)
    for _ in range(ROUNDS):
        shift = _medians(moved - factor[cell], unit)
        last, factor = factor, _medians(moved - shift[unit], cell)
        if np.abs(factor - last).max() < 1e-12:
            break
    return np.exp(factor)


def read_cells(weights: Floats, unit: Ints, cell: Ints, factors: Floats, possible: Bools) -> Ints:
    """The calibration cell (n,) that each record's weight speaks for, to somebody who knows the factors of the cells.

    Inside a unit the selection probability is common, so that weights divided by the right factors stand to each
    other as small whole numbers (adults of a household): each possible cell is tried against the other records of the
    unit, and the one that fits most of them is taken; where several fit, the most frequent among the records. The
    attacker is granted the cells of all other records, which makes this an upper bound of what a stranger can do.

    Args: possible: (n, C) cells that the released values leave open.
    """
    usual = np.bincount(cell, minlength=len(factors)) / len(cell)
    found = np.zeros(len(cell), dtype=np.intp)
    base = np.log(weights) - np.log(factors)[cell]
    for own in np.unique(unit):
        rows = np.flatnonzero(unit == own)
        tried = np.log(weights[rows])[:, None] - np.log(factors)[None, :]
        gap = tried[:, :, None] - base[rows][None, None, :]
        fits = np.abs(gap[..., None] - RATIOS).min(axis=-1) < 1e-7
        fits[np.arange(len(rows)), :, np.arange(len(rows))] = False
        score = fits.sum(axis=2) + usual[None, :]
        found[rows] = np.argmax(np.where(possible[rows], score, -1.0), axis=1)
    return found


def guessed(true: Ints, open_class: Ints) -> Bools:
    """Whether the most frequent value among the records that look the same (n,) is the right one."""
    table = np.zeros((int(open_class.max()) + 1, int(true.max()) + 1))
    np.add.at(table, (open_class, true), 1)
    return np.asarray(table.argmax(axis=1)[open_class] == true)


def _medians(values: Floats, group: Ints) -> Floats:
    return np.array([np.median(values[group == own]) for own in range(int(group.max()) + 1)])
