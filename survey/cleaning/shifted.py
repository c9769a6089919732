"""Answers that stand under the wrong headers: one finding with its own mend, not one a column."""

from __future__ import annotations

import pandas as pd

from survey.answers import Unread, unread
from survey.cleaning.columns import item_names
from survey.codebook import Codebook, Wave
from survey.errors import DataError

FEWEST = 3
"""Fewer columns with values that are not their levels are told one by one."""
MOVES = (-1, 1, -2, 2, -3, 3)
"""Columns by which a header may be off."""
NAMED = 8


def shifted(cells: pd.DataFrame, delivered: pd.DataFrame, book: Codebook, wave: Wave) -> DataError | None:
    """What to say of a delivery in which many columns hold what is not theirs; None where a few levels are unknown.

    Either the answers fit when they are moved by a few columns, or half of all columns do not fit and no one code, such
    as a missing code that nobody declared, explains it.

    Args: cells: of the interviews, under the names of the codebook.   delivered: the columns in their delivered order.
    """
    names = list(item_names(delivered, wave).values())
    coded = [name for name, item in book.items.items() if item.kind in ("single", "number") and name in cells]
    found = unread(cells[coded], book, wave)
    wrong = [name for name in coded if _does_not_fit(found[name], book)]
    if len(wrong) < FEWEST:
        return None
    by = _move(cells, names, coded, wrong, book, wave)
    codes = frozenset[str]().union(*(found[name].codes for name in wrong))
    if not by and (2 * len(wrong) < len(coded) or len(codes) == 1):
        return None
    fits = "answers that fit the header {by} to the left" if by < 0 else "answers that fit the header {by} to the right"
    return DataError(
        "{count} of {total} columns hold values that are not their levels: columns may be shifted",
        where="{file} line 1, columns {columns}",
        expected="every answer under its own header",
        got=fits if by else "answers that fit no header nearby",
        hint="compare the header with the rows below it: a column too many, too few, or another order; add no level",
        file=wave.file,
        count=len(wrong),
        total=len(coded),
        columns=", ".join(wrong[:NAMED]) + (" …" if len(wrong) > NAMED else ""),
        by=abs(by),
    )


def _does_not_fit(found: Unread, book: Codebook) -> bool:
    return found.bad > book.gates.max_unknown_levels * found.given


def _move(cells: pd.DataFrame, names: list[str], coded: list[str], wrong: list[str], book: Codebook, wave: Wave) -> int:
    """By how many columns (to the right above zero) most of the wrong ones fit; 0 where no move makes them fit."""
    for by in MOVES:
        places = [(name, names.index(name) + by) for name in wrong]
        pairs = {names[to]: cells[name] for name, to in places if 0 <= to < len(names) and names[to] in coded}
        if len(pairs) < FEWEST - 1:
            continue
        found = unread(pd.DataFrame(pairs), book, wave)
        fit = sum(each.given > 0 and not _does_not_fit(each, book) for each in found.values())
        if 3 * fit > 2 * len(pairs):
            return by
    return 0
