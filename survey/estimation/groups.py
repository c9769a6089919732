"""Codes and labels of breakdown groups and of answer levels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from survey.errors import EstimationError
from survey.sampling.columns import names
from survey.sampling.linearized import Bools, Floats, Ints


class Groups(NamedTuple):
    """Codes 0…k−1 of the rows (−1: missing) and the k labels; `by` names the columns they come from."""

    code: Ints
    labels: list[str]
    by: str


def text(value: Any) -> str:
    """A code as users write it: 1 for 1.0, 1 and 0 for true and false.

    >>> text(2.0), text(True), text("urban")
    ('2', '1', 'urban')
    """
    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def item_column(frame: pd.DataFrame, item: str) -> pd.Series:
    """The column of an item.   Raises: EstimationError: it is not there, or some of its numbers are infinite."""
    if item not in frame.columns:
        raise EstimationError(
            "The item is not in the data", where="{item}", expected="a column of the frame",
            got="{count} other columns", item=item, count=len(frame.columns),
        )  # fmt: skip
    found = frame[item]
    if found.dtype.kind == "f":
        refuse_infinite(found.to_numpy(dtype=float, na_value=np.nan), item)
    return found


def refuse_infinite(values: Floats, item: str) -> None:
    """Infinite numbers are a fault of the data, neither a level nor a missing answer.

    Raises: EstimationError: there are some.
    """
    infinite = np.isinf(values)
    if infinite.any():
        raise EstimationError(
            "The item has infinite values", where="{item}", expected="finite numbers, or missing where there is none",
            got="{count} infinite", item=item, count=int(infinite.sum()),
            hint="set them to missing if they stand for no answer; a division by 0 or the logarithm of 0 gives them",
        )  # fmt: skip


def coded(column: pd.Series) -> tuple[Ints, list[str]]:
    """Codes and labels of a column: all categories of a Categorical, else the sorted values that occur.

    >>> coded(pd.Series(["b", None, "a"]))[1]
    ['a', 'b']
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        _finite_levels(column.cat.categories, str(column.name))
        return column.cat.codes.to_numpy().astype(np.intp), [text(value) for value in column.cat.categories]
    codes, values = pd.factorize(column, sort=True)
    _finite_levels(values, str(column.name))
    return np.asarray(codes, dtype=np.intp), [text(value) for value in values]


def _finite_levels(values: Any, item: str) -> None:
    if getattr(values, "dtype", np.dtype(object)).kind in "fO":
        refuse_infinite(np.array([value for value in values if isinstance(value, float)], dtype=float), item)


def grouped(frame: pd.DataFrame, by: str | Sequence[str] | None) -> Groups:
    """Groups of one or several crossed columns; every combination of levels is a group, also one nobody is in."""
    code, labels = np.zeros(len(frame), dtype=np.intp), [""]
    for k, name in enumerate(names(by)):
        inner, inner_labels = coded(item_column(frame, name))
        code = np.where((code < 0) | (inner < 0), -1, code * len(inner_labels) + inner)
        labels = inner_labels if k == 0 else [f"{outer}:{label}" for outer in labels for label in inner_labels]
    return Groups(code, labels, ":".join(names(by)))


def numeric(column: pd.Series, item: str) -> Floats:
    """A column as floats, missing as NaN.

    Raises: EstimationError: it holds text, categories without numbers, or infinite numbers.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    try:
        values = np.asarray(pd.to_numeric(column).to_numpy(dtype=float, na_value=np.nan))
    except (ValueError, TypeError):
        raise EstimationError(
            "The item has values that are not numbers", where="{item}", expected="numbers",
            got="text", hint="ask for its shares, or give each answer a score first", item=item,
        ) from None  # fmt: skip
    refuse_infinite(values, item)
    return values


def share_levels(column: pd.Series) -> tuple[Ints, list[str], list[int]]:
    """Level codes, labels, and which levels are reported: all of a categorical item, only 1 of a 0/1 item."""
    binary = column.dtype.kind in "biuf" if not isinstance(column.dtype, pd.CategoricalDtype) else False
    if binary:
        values = pd.to_numeric(column).to_numpy(dtype=float, na_value=np.nan)
        present = np.isfinite(values)
        if np.isin(values[present], (0.0, 1.0)).all():
            return np.where(present, values == 1.0, -1).astype(np.intp), ["0", "1"], [1]
    codes, labels = coded(column)
    return codes, labels, list(range(len(labels)))


def complete(frame: pd.DataFrame, items: Sequence[str]) -> Bools:
    """Rows with an answer to every one of the items."""
    return np.asarray(np.logical_and.reduce([item_column(frame, item).notna().to_numpy() for item in items]))
