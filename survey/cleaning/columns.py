"""The rows of a wave, and delivered columns under the names of the codebook."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import pandas as pd

from survey.codebook import Codebook, Wave
from survey.errors import DataError, masked


def of_wave(delivered: pd.DataFrame, wave: Wave) -> pd.DataFrame:
    """The rows of a wave, where its file holds several waves.   Raises: DataError: there are none."""
    inside = pd.Series(True, index=delivered.index)
    for column, codes in wave.rows.items():
        if column not in delivered.columns:
            raise DataError(
                "{file} has no column {column} to tell its waves by",
                where="{file} line 1",
                expected="a column {column}",
                got="{count} others",
                file=wave.file,
                column=column,
                count=delivered.shape[1],
            )
        inside &= delivered[column].str.strip().isin(codes)
    if not inside.any():
        raise DataError(
            "{file} has no row of this wave",
            where="{file}, columns {columns}",
            expected="rows with the codes under `rows`",
            got="none",
            file=wave.file,
            columns=", ".join(wave.rows),
        )
    return delivered if inside.all() else delivered.loc[inside]


def rename(delivered: pd.DataFrame, book: Codebook, wave: Wave) -> pd.DataFrame:
    """Delivered columns under the names of the codebook, in its order; every column must be declared or ignored.

    The columns that a multiple item is spread over come last, as `item=code` or `item#place`.
    """
    spread_item = {name: item for item, own in wave.multiple.items() for name in own.sources(item).values()}
    spread = {column: name for item, own in wave.multiple.items() for column, name in own.sources(item).items()}
    known = {**wave.columns, **spread}
    names = {column: known.get(str(column).strip(), str(column).strip()) for column in delivered.columns}
    ignored = {column for column in delivered.columns if str(column).strip() in wave.ignore}
    for position, (column, name) in enumerate(names.items(), start=1):
        if column not in ignored and name not in book.items and name not in spread_item:
            raise _unknown_column(str(column), position, list(names.values()), book, wave)
    named = delivered.drop(columns=list(ignored)).rename(columns=names)
    doubled = named.columns[named.columns.duplicated()]
    needed = [
        *(name for name in book.items if name not in wave.multiple and _is_needed(name, book, wave)),
        *(name for name, item in spread_item.items() if item not in wave.not_asked),
    ]
    lacking = [name for name in needed if name not in named.columns]
    if len(doubled) or lacking:
        raise DataError(
            "{file} has two columns for {item}" if len(doubled) else "{file} has no column for {item}",
            where="{file} line 1",
            expected="one column for every item",
            got="{count} such items: {items}",
            hint="map the delivered name under `columns`, or list the item under `not_asked`",
            file=wave.file,
            item=[*doubled, *lacking][0],
            count=len([*doubled, *lacking]),
            items=", ".join([*doubled, *lacking][:6]),
        )
    return named[[name for name in (*book.items, *spread_item) if name in named.columns]]


def _is_needed(name: str, book: Codebook, wave: Wave) -> bool:
    return name not in wave.not_asked and book.items[name].kind not in ("identifier", "text", "time")


def _unknown_column(column: str, position: int, names: Sequence[str], book: Codebook, wave: Wave) -> DataError:
    """What to do about a column; its name is told only where most are known: the line may be a resident's."""
    known = sum(name in book.items or name in wave.ignore for name in names)
    near = difflib.get_close_matches(column, list(book.items), n=1)
    return DataError(
        "{file} has a column that survey.yaml does not know",
        where="{file} line 1, column {position}",
        expected="an item, a name under `columns` of the wave, or one under `ignore`",
        got="{column}",
        hint="did you mean {near}?"
        if near
        else "map it to an item, or add it to `ignore`; is the first line a header?",
        file=wave.file,
        column=column if 2 * known > len(names) and len(column) <= 80 else masked(column),
        position=position,
        near=near[0] if near else "",
    )
