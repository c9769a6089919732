"""The rows of a wave, and delivered columns under the names of the codebook."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

import pandas as pd

from survey.codebook import Codebook, Wave
from survey.errors import DataError, masked, together


def of_wave(delivered: pd.DataFrame, book: Codebook, wave: Wave) -> pd.DataFrame:
    """The rows of a wave with delivered columns under the names of the codebook, in its order.

    The columns that a multiple item is spread over come last, as `item=code` or `item#place`.

    Raises: DataError: everything that is wrong with the columns, `others` holds all but the first; no row of this wave.
    """
    faults = [*_rows_lacking(delivered, wave), *_faults(delivered, book, wave)]
    if faults:
        raise together(faults)
    if wave.rows:
        delivered = delivered.loc[_inside(delivered, wave)]
    ignored = [column for column in delivered.columns if str(column).strip() in wave.ignore]
    named = delivered.drop(columns=ignored).rename(columns=item_names(delivered, wave))
    return named[[name for name in (*book.items, *_spread(wave)) if name in named.columns]]


def item_names(delivered: pd.DataFrame, wave: Wave) -> dict[str, str]:
    """Delivered column → what it is called in the codebook, or its own name where the wave does not map it."""
    spread = {column: name for item, own in wave.multiple.items() for column, name in own.sources(item).items()}
    known = {**wave.columns, **spread}
    return {column: known.get(str(column).strip(), str(column).strip()) for column in delivered.columns}


def _spread(wave: Wave) -> dict[str, str]:
    """Column of a multiple item that is spread over several → the item."""
    return {name: item for item, own in wave.multiple.items() for name in own.sources(item).values()}


def _inside(delivered: pd.DataFrame, wave: Wave) -> pd.Series:
    inside = pd.Series(True, index=delivered.index)
    for column, codes in wave.rows.items():
        inside &= delivered[column].str.strip().isin(codes)
    return inside


def _rows_lacking(delivered: pd.DataFrame, wave: Wave) -> Iterator[DataError]:
    """What keeps the rows of a wave from being told apart, where its file holds several waves."""
    lacking = [column for column in wave.rows if column not in delivered.columns]
    for column in lacking:
        yield DataError(
            "{file} has no column {column} to tell its waves by",
            where="{file} line 1",
            expected="a column {column}",
            got="{count} others",
            file=wave.file,
            column=column,
            count=delivered.shape[1],
        )
    if not lacking and not _inside(delivered, wave).any():
        yield DataError(
            "{file} has no row of this wave",
            where="{file}, columns {columns}",
            expected="rows with the codes under `rows`",
            got="none",
            file=wave.file,
            columns=", ".join(wave.rows),
        )


def _faults(delivered: pd.DataFrame, book: Codebook, wave: Wave) -> Iterator[DataError]:
    """Columns that nobody declared, items with two columns, items without one."""
    names, spread = item_names(delivered, wave), _spread(wave)
    own = {column: name for column, name in names.items() if str(column).strip() not in wave.ignore}
    is_header = 2 * sum(name in book.items or name in wave.ignore for name in names.values()) > len(names)
    for position, (column, name) in enumerate(names.items(), start=1):
        if column in own and name not in book.items and name not in spread:
            yield _unknown_column(str(column), position, is_header, book, wave)
            if not is_header:  # a line of answers: what it lacks would be every item
                return
    found = list(own.values())
    doubled = [name for name in dict.fromkeys(found) if found.count(name) > 1]
    needed = [
        *(name for name in book.items if name not in wave.multiple and _is_needed(name, book, wave)),
        *(name for name, item in spread.items() if item not in wave.not_asked),
    ]
    lacking = [name for name in needed if name not in found]
    if doubled:
        yield _not_one_each(doubled, True, wave)
    if lacking:
        yield _not_one_each(lacking, False, wave)


def _not_one_each(items: Sequence[str], twice: bool, wave: Wave) -> DataError:
    return DataError(
        "{file} has two columns for {item}" if twice else "{file} has no column for {item}",
        where="{file} line 1",
        expected="one column for every item",
        got="{count} such items: {items}",
        hint="map the delivered name under `columns`, or list the item under `not_asked`",
        file=wave.file,
        item=items[0],
        count=len(items),
        items=", ".join(items),
    )


def _is_needed(name: str, book: Codebook, wave: Wave) -> bool:
    may_lack = book.items[name].kind in ("identifier", "text", "time") and name not in book.essentials()
    return name not in wave.not_asked and not may_lack


def _unknown_column(column: str, position: int, is_header: bool, book: Codebook, wave: Wave) -> DataError:
    """What to do about a column; its name is told only where most are known: the line may be a resident's."""
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
        column=column if is_header and len(column) <= 80 else masked(column),
        position=position,
        near=near[0] if near else "",
    )
