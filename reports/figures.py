"""Tidy results as figures that can be looked up, each knowing whether it may be shown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from survey.changes import margin_of
from survey.tidy import COLUMNS

MARKS = {"suppressed_primary": "c", "suppressed_secondary": "c", "unreliable": "u", "not_asked": "x", "break": "b"}
SIGNIFICANT = 0.05
TEXTS = ("wave", "block", "item", "statistic", "level", "by", "group", "flag", "reason")
# Fields of a figure → columns of the results.
NUMBERS = {"estimate": "estimate", "se": "se", "low": "ci_low", "high": "ci_high", "df": "df", "n": "n",
           "n_eff": "n_eff", "deff": "deff", "p": "p", "q": "q"}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One row of the results."""

    wave: str
    block: str
    item: str
    statistic: str
    level: str
    by: str
    group: str
    estimate: float
    se: float
    low: float
    high: float
    n: float
    deff: float
    p: float
    flag: str
    q: float = math.nan
    df: float = math.nan
    n_eff: float = math.nan
    reason: str = ""
    within: float = math.nan
    """Of a change: the margin in points it was shown to lie within, NaN where it was not."""
    revised: bool = False
    """Whether it differs, as printed, from the version of the report that this one takes the place of."""

    @cached_property
    def mark(self) -> str:
        """Letter that stands in place of the number; "" when the number may be shown."""
        return MARKS.get(self.flag, "") or ("" if math.isfinite(self.estimate) else "x")

    @cached_property
    def shown(self) -> bool:
        """Whether the number itself may be printed, drawn and talked about."""
        return not self.mark

    @property
    def caution(self) -> bool:
        """Whether the number needs a warning sign."""
        return self.flag == "caution"

    @cached_property
    def bounded(self) -> bool:
        """Whether the number is shown and has an interval."""
        return self.shown and math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def tested(self) -> float:
        """The p-value that decides: the one corrected for multiplicity where there is one."""
        return self.q if math.isfinite(self.q) else self.p

    @property
    def significant(self) -> bool:
        """Whether the test says the figure differs from nothing; False when there is no test to ask."""
        if not self.shown:
            return False
        if math.isfinite(self.tested):
            return self.tested < SIGNIFICANT
        return self.bounded and (self.low > 0 or self.high < 0)


class Figures:
    """The results of a release by their keys; the order of rows within a key is that of the frame."""

    def __init__(self, results: pd.DataFrame) -> None:
        self._fill(_bounded(_figures(results.reindex(columns=COLUMNS))))

    def replaced(self, rows: list[Figure]) -> Figures:
        """The same with other rows."""
        other = Figures.__new__(Figures)
        other._fill(rows)
        return other

    def _fill(self, rows: list[Figure]) -> None:
        self.rows = rows
        self._index: dict[tuple[str, ...], list[Figure]] = {}
        self._blocks: dict[tuple[str, ...], list[Figure]] = {}
        for row in self.rows:
            self._index.setdefault((row.wave, row.item, row.statistic, row.by), []).append(row)
            self._blocks.setdefault((row.wave, row.block, row.statistic), []).append(row)

    def all(self, wave: str, item: str, statistic: str, by: str = "") -> list[Figure]:
        """Every figure of an item: one for each level and group."""
        return self._index.get((wave, item, statistic, by), [])

    def one(
        self, wave: str, item: str, statistic: str, level: str | None = "", by: str = "", group: str = ""
    ) -> Figure | None:
        """The figure with exactly these keys, None when there is none; level None takes any level."""
        rows = self.all(wave, item, statistic, by)
        return next((row for row in rows if row.group == group and level in (None, row.level)), None)

    def block(self, wave: str, block: str, statistic: str) -> list[Figure]:
        """Figures of one block and statistic, as models have them."""
        return self._blocks.get((wave, block, statistic), [])

    def groups(self, wave: str, by: str) -> Iterator[str]:
        """Codes a breakdown has in the results, first seen first."""
        yield from dict.fromkeys(row.group for row in self.rows if row.wave == wave and row.by == by)


def _guarded(rows: list[Figure]) -> list[Figure]:
    """The rows, a difference being as secret as the figure it is a difference of."""
    secret = {(row.wave, row.item, row.by, row.group) for row in rows if row.statistic == "mean" and row.mark == "c"}
    compared = ("change", "change_in_table", "equivalence", "difference")
    return [
        replace(row, flag="suppressed_secondary")
        if row.statistic in compared
        and {(wave, row.item, row.by, row.group) for wave in (row.wave, row.level)} & secret
        else row
        for row in rows
    ]


def _bounded(rows: list[Figure]) -> list[Figure]:
    """The rows, changes that were shown to lie within the margin of the report plan knowing so."""

    def key(row: Figure) -> tuple[str, ...]:
        return row.wave, row.item, row.by, row.group, row.level

    tests = [row for row in rows if row.statistic == "equivalence" and row.shown and row.tested < SIGNIFICANT]
    small = {key(row): margin_of(row.reason) for row in tests}
    changes = ("change", "change_in_table")
    return _guarded(
        [
            replace(row, within=small[key(row)]) if row.statistic in changes and key(row) in small else row
            for row in rows
        ]
    )


def _figures(frame: pd.DataFrame) -> list[Figure]:
    """The rows of a frame as figures, column by column: a frame is slow to walk row by row."""
    columns: dict[str, Sequence[str | float]] = {name: _texts(frame[name]) for name in TEXTS}
    columns |= {name: _numbers(frame[column]) for name, column in NUMBERS.items()}
    rows: Iterable[tuple[Any, ...]] = zip(*columns.values(), strict=True)
    return [Figure(**dict(zip(columns, row, strict=True))) for row in rows]


def _texts(column: pd.Series) -> list[str]:
    """Cells as text, "" where there is none."""
    pairs = zip(column.to_numpy(dtype=object).tolist(), column.isna().tolist(), strict=True)
    return ["" if missing else str(value) for value, missing in pairs]


def _numbers(column: pd.Series) -> list[float]:
    """Cells as numbers, NaN where there is none."""
    return [float(value) for value in column.to_numpy(dtype=float, na_value=math.nan).tolist()]
