"""Levels and sampling units of several parts brought onto common axes, so that their tables add up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.errors import DataError, EstimationError
from survey.estimation.groups import Groups, coded, item_column, text
from survey.sampling import columns
from survey.sampling.linearized import Ints, codes_of, first_of

MOST = 10_000
"""Values of a column that is no Categorical which still count as levels."""


class Axis(NamedTuple):
    """The levels of a column in their order; closed: the categories of a Categorical, else the values that occur."""

    values: tuple[Any, ...]
    closed: bool

    @property
    def labels(self) -> list[str]:
        """The levels as users write them."""
        return [text(value) for value in self.values]

    @property
    def binary(self) -> bool:
        """Whether the levels are 0 and 1 (or one of them) of a column of numbers, of which only 1 is reported."""
        numbers = all(isinstance(value, (bool, int, float)) for value in self.values)
        return not self.closed and numbers and {float(value) for value in self.values} <= {0.0, 1.0}


def axis_of(frame: pd.DataFrame, name: str) -> tuple[Ints, Axis]:
    """Codes of a column (−1: missing) and its levels.

    Raises: EstimationError: the column is not there, has infinite values, or too many to be levels.

    >>> axis_of(pd.DataFrame({"q": [2, 1, 2]}), "q")[1]
    Axis(values=(1, 2), closed=False)
    """
    column = item_column(frame, name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        return coded(column)[0], Axis(tuple(column.cat.categories.tolist()), True)
    codes, values = pd.factorize(column, sort=True)
    if len(values) > MOST:
        raise EstimationError(
            "The column has too many values to be levels", where="{item}", expected="{most} at the most",
            got="{count}", hint="ask for its mean, or band it first", item=name, most=MOST, count=len(values),
        )  # fmt: skip
    return np.asarray(codes, dtype=np.intp), Axis(tuple(values.tolist()), False)


def united(name: str, one: Axis, two: Axis) -> Axis:
    """The levels of both parts.   Raises: DataError: they are categories and differ.

    >>> united("q", Axis((1, 3), False), Axis((2,), False)).values
    (1, 2, 3)
    """
    if one == two:
        return one
    if one.closed or two.closed:
        raise DataError(
            "The parts of the data know different categories of a column", where="{column}",
            expected="the same categories in the same order in every part", got="{one} and {two} categories",
            hint="write all parts with the categories of the questionnaire, whoever answered", column=name,
            one=len(one.values), two=len(two.values),
        )  # fmt: skip
    return Axis(tuple(sorted({*one.values, *two.values})), False)


def crossed(frame: pd.DataFrame, by: Sequence[str], axes: dict[str, Axis]) -> Ints:
    """Codes of the rows (−1: missing) in the crossing of columns, whose levels are noted in `axes`."""
    code = np.zeros(len(frame), dtype=np.intp)
    for name in by:
        inner, axes[name] = axis_of(frame, name)
        code = np.where((code < 0) | (inner < 0), -1, code * len(axes[name].values) + inner)
    return code


def groups_of(by: Sequence[str], axes: dict[str, Axis], code: Ints) -> Groups:
    """The crossing of columns as `survey.estimation.groups.grouped` gives it."""
    labels = [""]
    for k, name in enumerate(by):
        inner = axes[name].labels
        labels = inner if k == 0 else [f"{outer}:{label}" for outer in labels for label in inner]
    return Groups(code, labels, ":".join(by))


def place(old: Sequence[Axis], new: Sequence[Axis]) -> Ints:
    """Where the cells of a crossing of old axes lie in that of the new ones.

    >>> place([Axis((2,), False), Axis(("a", "b"), True)], [Axis((1, 2), False), Axis(("a", "b"), True)]).tolist()
    [2, 3]
    """
    at = np.zeros(1, dtype=np.intp)
    for one, two in zip(old, new, strict=True):
        index = {value: k for k, value in enumerate(two.values)}
        inner = np.array([index[value] for value in one.values], dtype=np.intp)
        at = (at[:, None] * len(two.values) + inner).ravel()
    return at


def spread(values: NDArray[Any], axis: int, at: Ints, size: int) -> NDArray[Any]:
    """Values moved along an axis to their places on a longer one, 0 elsewhere.

    >>> spread(np.array([5, 6]), 0, np.array([2, 0]), 3).tolist()
    [6, 0, 5]
    """
    if size == values.shape[axis] and np.array_equal(at, np.arange(size)):
        return values
    wider = np.zeros((*values.shape[:axis], size, *values.shape[axis + 1 :]), dtype=values.dtype)
    np.moveaxis(wider, axis, 0)[at] = np.moveaxis(values, axis, 0)
    return wider


def units_of(frame: pd.DataFrame, roles: Sequence[tuple[str, str]]) -> tuple[Ints, pd.DataFrame]:
    """Number of each row's sampling unit, and the units' keys in sorted order.

    Args: roles: column → what it is to the design, of all columns that tell units apart.
    Raises: DesignError: a column is not there, or has gaps.
    """
    keys = [columns.key(frame, name, role) for name, role in roles]
    code = codes_of(*keys) if keys else np.zeros(len(frame), dtype=np.intp)
    first = first_of(code, int(code.max(initial=-1)) + 1)
    return code, pd.DataFrame({name: key[first] for (name, _), key in zip(roles, keys, strict=True)})


def same_units(one: pd.DataFrame, two: pd.DataFrame) -> tuple[pd.DataFrame, Ints, Ints]:
    """The units of both parts in sorted order, and where those of each stand among them."""
    if one.equals(two):
        return one, np.arange(len(one)), np.arange(len(two))
    both = pd.concat([one, two], ignore_index=True)
    code = codes_of(*(both[name].to_numpy() for name in both))
    whole = both.iloc[first_of(code, int(code.max()) + 1)].reset_index(drop=True)
    return whole, code[: len(one)], code[len(one) :]
