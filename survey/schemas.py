"""What the frames between the stages must look like; one that does not is a fault of the program, told without values.

delivered → cleaned → protected → weighted → results. pandera is loaded when the first frame is guarded, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types

from survey.codebook import Codebook, Recipe, choice
from survey.errors import AnxinError
from survey.privacy import RECORD_KEY
from survey.quality import FLAGGED
from survey.selection import BASE
from survey.tidy import COLUMNS, FLAGS, KEYS, NUMBERS
from survey.weighting import FINAL

if TYPE_CHECKING:
    from pandera.pandas import Check, Column, DataFrameSchema

Stage = Literal["delivered", "cleaned", "protected", "weighted", "results"]


class FrameError(AnxinError):
    """A stage handed on a frame that it should not have."""


def guard(frame: pd.DataFrame, stage: Stage, book: Codebook) -> pd.DataFrame:
    """The frame as it is, if it is as the stage should leave it.

    Raises: FrameError: it is not; names the column and what it should hold, and no value of it.
    """
    from pandera.errors import SchemaErrors

    try:
        _schema(stage, book).validate(frame, lazy=True, inplace=True)
    except SchemaErrors as error:
        first = error.failure_cases.iloc[0]
        cells = int((error.failure_cases["check"] == first["check"]).sum())
        column = str(first["column"]) if first["schema_context"] == "Column" else ""
        check = str(first["check"]) if str(first["check"]) in EXPECTED else "the columns of this stage"
    else:
        return frame
    raise FrameError(
        "The frame after a stage is not as it should be",
        where="{frame}, column {column}" if column in book.items or column in COLUMNS else "{frame}",
        expected="{check}",
        got="{cells} cells or columns that are not",
        hint="this is a fault of the program: report the lines above; they hold no answer of a resident",
        frame=stage,
        column=column,
        check=check,
        cells=cells,
    )


EXPECTED = (
    "text",
    "a level of the scale",
    "a number in the range of the item",
    "0, 1 or nothing",
    "a moment",
    "a weight of zero or more",
    "a known flag",
    "a number",
    "an interval whose ends are in order",
    "rows counted anew, so that none tells of the delivery",
    "the columns of this stage",
)


def _schema(stage: Stage, book: Codebook) -> DataFrameSchema:
    from pandera.pandas import Column, DataFrameSchema, Index

    if stage == "delivered":
        cells = {".+": Column(checks=_text(), regex=True)}
        return DataFrameSchema(cells, index=Index(unique=True), unique_column_names=True)
    if stage == "results":
        return _results()
    answers = _answers(book)
    if stage == "cleaned":
        return DataFrameSchema(answers, strict=True, index=Index(unique=True))
    hidden = {name for name, item in book.items.items() if item.kind in ("identifier", "text", "time")}
    kept = {name: _optional(column) for name, column in answers.items() if name not in hidden}
    kept |= {name: Column(checks=_text(), required=False) for name in book.privacy.pseudonyms}
    kept[FLAGGED] = Column(bool, required=False)
    kept[RECORD_KEY] = Column("int64", required=False)
    weights = {BASE: Column(checks=_weight(), nullable=True)}
    if stage == "weighted":
        weights |= {FINAL: Column(checks=_weight())}
    return DataFrameSchema(kept | weights, strict=stage == "protected", checks=_renumbered())


def _optional(column: Column) -> Column:
    column.required = False
    return column


def _answers(book: Codebook) -> dict[str, Column]:
    """Columns of a cleaned wave: items, one 0/1 column a level of a multiple item, derived variables, indicators."""
    from pandera.pandas import Column

    columns: dict[str, Column] = {}
    for name, item in book.items.items():
        if item.kind == "multiple":
            levels = book.scales[item.scale or ""].levels
            columns |= {choice(name, level): Column(checks=_yes_no(), nullable=True) for level in levels}
        elif item.kind == "single":
            columns[name] = Column(checks=_level(list(book.scales[item.scale or ""].levels)), nullable=True)
        elif item.kind == "number":
            columns[name] = Column(checks=_between(*(item.range or (-np.inf, np.inf))), nullable=True)
        else:
            columns[name] = Column(checks=_moment() if item.kind == "time" else _text(), nullable=item.kind == "time")
    for name, recipe in book.recipes().items():
        if recipe.themes:
            columns |= {choice(name, theme): Column(checks=_yes_no(), nullable=True) for theme in recipe.themes}
        else:
            columns[name] = Column(checks=_made(recipe, book), nullable=True)
    return columns


def _made(recipe: Recipe, book: Codebook) -> Check:
    if recipe.scale:
        return _level(list(book.scales[recipe.scale].levels))
    return _between(0, 100 if recipe.recipe == "index" else 1)


def _results() -> DataFrameSchema:
    from pandera.pandas import Check, Column, DataFrameSchema

    def enclosed(rows: pd.DataFrame) -> bool:
        low, high = rows["ci_low"].to_numpy(float), rows["ci_high"].to_numpy(float)
        return bool(np.all(~(low > high + 1e-9 * (1 + np.abs(high)))))

    columns = {name: Column(checks=_text()) for name in [*KEYS, "reason"]}
    columns |= {name: Column(checks=_number(), nullable=True) for name in NUMBERS}
    columns["flag"] = Column(checks=Check.isin(FLAGS, error="a known flag"))
    checks = [Check(enclosed, error="an interval whose ends are in order")]
    return DataFrameSchema({name: columns[name] for name in COLUMNS}, checks=checks, strict=True, ordered=True)


def _check(fits: Any, expected: str) -> Check:
    from pandera.pandas import Check

    return Check(fits, error=expected, ignore_na=False)


def _text() -> Check:
    return _check(lambda cells: bool(types.is_string_dtype(cells.dtype) or types.is_object_dtype(cells.dtype)), "text")


def _number() -> Check:
    return _check(lambda cells: bool(types.is_float_dtype(cells.dtype)), "a number")


def _moment() -> Check:
    return _check(lambda cells: bool(types.is_datetime64_any_dtype(cells.dtype)), "a moment")


def _level(levels: list[str]) -> Check:
    return _check(
        lambda cells: isinstance(cells.dtype, pd.CategoricalDtype) and list(cells.dtype.categories) == levels,
        "a level of the scale",
    )


def _between(low: float, high: float) -> Check:
    def fits(cells: pd.Series) -> bool:
        values = cells.to_numpy(float)
        return not bool(np.any((values < low - 1e-9) | (values > high + 1e-9)))

    return _check(fits, "a number in the range of the item")


def _yes_no() -> Check:
    def fits(cells: pd.Series) -> bool:
        values = cells.to_numpy(float)
        return bool(np.all((values == 0) | (values == 1) | np.isnan(values)))

    return _check(fits, "0, 1 or nothing")


def _weight() -> Check:
    def fits(cells: pd.Series) -> bool:
        values = cells.to_numpy(float)
        return not bool(np.any((values < 0) | np.isinf(values)))

    return _check(fits, "a weight of zero or more")


def _renumbered() -> Check:
    return _check(
        lambda frame: bool((frame.index == pd.RangeIndex(len(frame))).all()),
        "rows counted anew, so that none tells of the delivery",
    )
