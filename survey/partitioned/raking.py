"""Raking of rows in parts: the weights of the crossed margins' cells suffice, and rows of a cell share a factor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from survey.partitioned.parts import Parts
from survey.sampling import columns
from survey.sampling.calibrated import Calibration
from survey.sampling.linearized import Floats, Ints
from survey.weighting.margins import Margin, Totals, coded, refuse_gaps
from survey.weighting.raking import raked

Levels = tuple[tuple[str, tuple[str, ...]], ...]
Residuals = Literal["regression", "r"]


@dataclass(frozen=True)
class Raked:
    """Raked weights: the base weights times a factor for each cell of the crossed margins.

    levels: margin → its levels; cells: numbers of the crossing that occur, ascending (C,); before, after, people:
    weight and respondents in each cell (C,); rounds: of the margins; residuals: as `rake`.
    """

    weights: str
    levels: Levels
    cells: Ints
    before: Floats
    after: Floats
    people: Floats
    rounds: int
    residuals: Residuals = "regression"

    @property
    def factor(self) -> Floats:
        """What the base weights of a cell are multiplied by (C,)."""
        return np.divide(self.after, self.before, out=np.ones_like(self.before), where=self.before > 0)

    @property
    def items(self) -> list[str]:
        """Columns of the data that the margins are made of."""
        return [item for name, _ in self.levels for item in name.split(":")]

    @property
    def model(self) -> Floats:
        """The margins' levels as 0/1 columns (C, M)."""
        sizes = [len(levels) for _, levels in self.levels]
        codes = np.unravel_index(self.cells, sizes)
        return np.hstack([np.eye(size)[code] for size, code in zip(sizes, codes, strict=True)])

    @property
    def solver(self) -> Floats:
        """M of β = M Xᵀ z, the residuals' regression (`survey.sampling.calibrated.Calibration`)."""
        if self.residuals == "regression":
            return Calibration(self.model, self.before, self.after).solver()
        blocks = tuple(len(levels) for _, levels in self.levels)
        return Calibration(self.model, self.people, self.after, blocks).solver()

    def regressed(self, weights: Floats, cell: Ints) -> Floats:
        """Weights of rows in the residuals' regression (n,), from their raked ones, 0 outside a domain."""
        if self.residuals == "r":
            return np.asarray(weights != 0, dtype=float)
        factor = self.factor
        return np.asarray(weights / np.where(factor > 0, factor, 1.0)[cell])

    def cell(self, frame: pd.DataFrame) -> Ints:
        """Position of each row's cell (n,).   Raises: DataError: a respondent without a level."""
        return np.searchsorted(self.cells, _crossing(frame, self.levels, np.ones(len(frame))))

    def explained(self, by_cell: Floats, effects: Floats) -> Floats:
        """What the margins explain of influences (units, p), from their sums by cell (C, p).

        effects: raked weight by unit and level (units, M).
        """
        return np.asarray(effects @ (self.solver @ (self.model.T @ by_cell)))


class Cells(NamedTuple):
    """Numbers of cells that occur, the base weight and the respondents in each."""

    number: Ints
    weight: Floats
    people: Floats


def rake(
    parts: Parts, weights: str, margins: Totals, tolerance: float = 1e-9, max_iterations: int = 200,
    residuals: Residuals = "regression",
) -> Raked:  # fmt: skip
    """Raked weights of rows in parts: `survey.weighting.raking.rake`, from one pass over them.

    Args:
        weights: column of the base weights.
        margins: name → level → total, in persons.
        residuals: of variances after it: those of the regression on the margins with the base weights (Deville &
            Särndal 1992), as `anxin run` takes them; "r": margin by margin without weights, as R does after rake.
    Returns: what `Sample(raked=…)` takes, and `with_weights`.
    Raises: DataError, EstimationError: as `survey.weighting.raking.rake`.

    >>> from survey.partitioned.parts import cut
    >>> frame = pd.DataFrame({"sex": ["1", "1", "2"], "w": 1.0})
    >>> rake(cut(frame, 2), "w", {"sex": {"1": 50.0, "2": 50.0}}).factor.tolist()
    [25.0, 50.0]
    """
    levels: Levels = tuple((name, tuple(totals)) for name, totals in margins.items())
    wanted = {weights, *(item for name, _ in levels for item in name.split(":"))}
    chosen = parts.columns([name for name in parts.names if name in wanted])
    whole = chosen.reduce(partial(cells, weights=weights, levels=levels), merged)
    codes = np.unravel_index(whole.number, [len(names) for _, names in levels])
    inside = [
        Margin(name, np.asarray(code, dtype=np.intp), names, np.array(list(margins[name].values()), dtype=float))
        for (name, names), code in zip(levels, codes, strict=True)
    ]
    for margin in inside:
        refuse_gaps(margin, whole.weight)
    after, rounds = raked(inside, whole.weight, tolerance, max_iterations, whole.people)
    return Raked(weights, levels, whole.number, whole.weight, after, whole.people, rounds, residuals)


def cells(frame: pd.DataFrame, weights: str, levels: Levels) -> Cells:
    """Weight and respondents in each cell of a part.   Raises: DataError: a respondent without a level."""
    base = columns.weights(frame, weights, implied=None)
    number, row = np.unique(_crossing(frame, levels, base), return_inverse=True)
    return Cells(number, np.bincount(row, base).astype(float), np.bincount(row).astype(float))


def merged(one: Cells, two: Cells) -> Cells:
    """The cells of two parts."""
    number, row = np.unique(np.concatenate([one.number, two.number]), return_inverse=True)
    size = len(one.number)
    weight, people = np.zeros(len(number)), np.zeros(len(number))
    for part, at in ((one, row[:size]), (two, row[size:])):
        weight[at] += part.weight
        people[at] += part.people
    return Cells(number, weight, people)


def _crossing(frame: pd.DataFrame, levels: Levels, base: Floats) -> Ints:
    """Number of each row's cell in the crossing of all levels."""
    number = np.zeros(len(frame), dtype=np.intp)
    for name, names in levels:
        number = number * len(names) + coded(frame, name, dict.fromkeys(names, 0.0), base, may_lack=True).codes
    return number


def with_weights(frame: pd.DataFrame, raked: Raked, name: str) -> pd.DataFrame:
    """A part with its raked weights in a column."""
    base = columns.weights(frame, raked.weights, implied=None)
    return frame.assign(**{name: base * raked.factor[raked.cell(frame)]})
