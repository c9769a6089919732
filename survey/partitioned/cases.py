"""A part of the rows as a model sees it: its distinct cases with their weights, in columns all parts share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from survey.design import SurveyDesign
from survey.estimation.groups import item_column
from survey.partitioned.axes import Axis, axis_of, same_units, united, units_of
from survey.partitioned.sample import Sample
from survey.regression.formulas import Read, named_columns, read_terms, sides
from survey.regression.glm import family_of, first_step
from survey.sampling.linearized import Floats, Ints, weighted_counts

LEVELS = 200
"""Values of a number that may be levels of a model: a code in C(…), an outcome of 0 and 1."""


class Variable(NamedTuple):
    """What all parts know of a variable: its levels and which of them occur, or (no levels) the sum of its values."""

    axis: Axis | None
    present: tuple[Any, ...]
    total: float
    n: int


@dataclass(frozen=True)
class Look:
    """First look at the rows of a model: variables, sampling units, weights above 0 inside the domain and all rows."""

    variables: dict[str, Variable]
    units: pd.DataFrame
    weight: float
    positive: int
    rows: int

    def scale(self, sample: Sample) -> float:
        """What weights are divided by in the likelihood (`SurveyDesign.likelihood_scale`)."""
        count = self.positive if sample.raked is None else self.rows
        return self.weight / count if count else float("nan")


def look(frame: pd.DataFrame, sample: Sample, names: Sequence[str]) -> Look:
    """What one part has to tell before a model can be read."""
    _, units = units_of(frame, sample.roles)
    w = sample.inside(frame, sample.weighted(frame))
    known = (w != 0) & frame[list(names)].notna().all(axis=1).to_numpy()
    variables = {name: _variable(frame[known], frame, name) for name in names}
    return Look(variables, units, float(w.sum()), int(np.count_nonzero(w)), len(frame))


def _variable(rows: pd.DataFrame, frame: pd.DataFrame, name: str) -> Variable:
    column = item_column(frame, name)
    if column.dtype.kind in "iuf" and rows[name].nunique() > LEVELS:
        return Variable(None, (), float(rows[name].sum()), len(rows))
    code, axis = axis_of(rows, name)
    present = tuple(axis.values[k] for k in np.unique(code[code >= 0]))
    total = float(rows[name].sum()) if column.dtype.kind in "iuf" else 0.0
    return Variable(axis, present, total, len(rows))


def looked(one: Look, two: Look) -> Look:
    """What two parts have to tell.   Raises: DataError: they know different categories of a variable."""
    variables = {name: _both(name, each, two.variables[name]) for name, each in one.variables.items()}
    units, _, _ = same_units(one.units, two.units)
    return Look(variables, units, one.weight + two.weight, one.positive + two.positive, one.rows + two.rows)


def _both(name: str, one: Variable, two: Variable) -> Variable:
    n, total = one.n + two.n, one.total + two.total
    if one.axis is None or two.axis is None:
        return Variable(None, (), total, n)
    axis = united(name, one.axis, two.axis)
    present = {*one.present, *two.present}
    if not axis.closed and len(present) > LEVELS and all(isinstance(value, (int, float)) for value in present):
        return Variable(None, (), total, n)
    return Variable(axis, tuple(value for value in axis.values if value in present), total, n)


@dataclass(frozen=True)
class Model:
    """What is asked of every part: formula, family and link, and the variables as the look at all parts found them."""

    sample: Sample
    formula: str
    family: str
    link: str
    look: Look

    def examples(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows without a respondent in which every level occurs, so that all parts read the formula into one matrix."""
        known = self.look.variables
        size = max((len(each.present) for each in known.values()), default=1)
        made: dict[str, Any] = {}
        for name, each in known.items():
            values = each.present or (each.total / max(each.n, 1),)
            column = [values[k % len(values)] for k in range(max(size, 1))]
            made[name] = pd.Series(column).astype(frame[name].dtype if each.present else float)
        return pd.DataFrame(made)


@dataclass(frozen=True)
class Cases:
    """The distinct cases of a part.

    y (c,), X (c, K), offset (c,), w (c,): their weights on the likelihood's scale; n (c,): rows; first: working weights
    and responses to start from; by_unit, rows_by_unit (U, c): weights and rows of each unit; by_cell (C, c): those of
    the residuals' regression by cell of the raking; names: column of X → term; outside, missing: rows left out.
    """

    y: Floats
    X: Floats
    offset: Floats
    w: Floats
    n: Floats
    first: tuple[Floats, Floats]
    units: pd.DataFrame
    by_unit: sparse.csr_matrix
    rows_by_unit: sparse.csr_matrix
    by_cell: sparse.csr_matrix
    effects: Floats
    names: dict[int, str]
    outside: int
    missing: int


def cases(frame: pd.DataFrame, model: Model) -> Cases:
    """The cases of one part.   Raises: EstimationError: the formula cannot be read."""
    sample = model.sample
    unit, units = units_of(frame, sample.roles)
    every = sample.weighted(frame)
    w = sample.inside(frame, every)
    inside = w != 0
    rows, examples = frame.loc[inside, list(model.look.variables)], model.examples(frame)
    read = _read(pd.concat([examples, rows], ignore_index=True), model)
    used, first, own = read.used[len(examples) :], int(read.used[: len(examples)].sum()), len(read.y)
    case = (np.arange(first, own) if read.terms.case is None else read.terms.case[first:]).astype(np.intp)
    seen, case = np.unique(case, return_inverse=True)
    y, offset, X = read.y[seen], read.offset[seen], np.zeros((len(seen), len(read.terms.kept)))
    X[:, read.terms.kept] = read.X[seen]
    scaled = w[inside][used] / model.look.scale(sample)
    total = weighted_counts(case, scaled, len(seen))
    kind, _ = family_of(model.family, model.link)
    behind = None if read.terms.case is None else (case, scaled)
    place = unit[inside][used]
    at, regressed = place, scaled
    if sample.raked is not None:
        cell = sample.raked.cell(frame)
        at, regressed = (
            each[inside][used] for each in (cell, sample.raked.regressed(w, cell) / model.look.scale(sample))
        )
    columns = dict(zip(np.flatnonzero(read.terms.kept).tolist(), read.terms.names, strict=True))
    once, size = np.ones(len(case)), len(seen)
    cells = 0 if sample.raked is None else len(sample.raked.cells)
    return Cases(
        y, X, offset, total, weighted_counts(case, once, size),
        first_step(y, total, offset, kind, model.family, behind), units, _sums(place, len(units), case, scaled, size),
        _sums(place, len(units), case, once, size), _sums(at, cells, case, regressed, size),
        sample.effects(frame, unit, len(units), every), columns, int((~inside).sum()), int(inside.sum() - used.sum()),
    )  # fmt: skip


def _read(rows: pd.DataFrame, model: Model) -> Read:
    return read_terms(SurveyDesign(rows), model.formula, binary=model.family == "binomial", distinct=True)


def _sums(row: Ints, rows: int, case: Ints, weights: Floats, size: int) -> sparse.csr_matrix:
    """Weights added up by row (unit or cell) and case."""
    if not rows:
        return sparse.csr_matrix((0, size))
    return sparse.csr_matrix(sparse.coo_matrix((weights, (row, case)), shape=(rows, size)))


def variables(names: Sequence[str], formula: str) -> list[str]:
    """The columns a formula names, of those there are."""
    left, right, offsets = sides(formula)
    return named_columns(pd.DataFrame(columns=list(names), dtype=float), " ".join([left, right, *offsets]))[1]
