"""Text cells of one wave → typed answers, why each missing one is missing, a note of every cell nothing explains."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd

from survey.codebook import Codebook, Item, Wave, choice, number_code
from survey.errors import masked
from survey.identifiers import scrub
from survey.levels import (
    CODE_OF,
    REASONS,
    Coded,
    coded,
    explain,
    reason_codes,
    recoded,
    said,
    unknown_levels,
    unreadable,
)
from survey.multiple import multiple
from survey.numerals import plain_numbers
from survey.problems import Notes, shown
from survey.recipes import Columns, holds

__all__ = ["CODE_OF", "REASONS", "Unread", "own_columns", "typed", "unread"]

UNREAD = ("unknown_level", "range", "type")
"""Rules that fire where a cell says nothing that the codebook knows."""
OFFSET = r"(?<=:\d\d)\s*(?:Z|[+-]\d\d:?\d\d)$"


def typed(cases: pd.DataFrame, book: Codebook, wave: Wave, notes: Notes) -> tuple[Columns, dict[str, pd.Series]]:
    """Columns of typed answers by name, and for the items that can go unanswered the reason by row."""
    columns: Columns = {}
    reasons: dict[str, pd.Series] = {}
    codes = _coded(cases, [name for name, item in book.items.items() if item.kind in ("single", "number")])
    for name, item in book.items.items():
        if item.kind == "multiple":
            chosen, reasons[name] = multiple(cases, name, item, book, wave, notes)
            columns.update(chosen)
            continue
        cells = cases[name] if name in cases else pd.Series("", index=cases.index, dtype="str")
        if item.kind == "single":
            columns[name], reasons[name] = _single(cells, codes[name], name, item, book, wave, notes)
        elif item.kind == "number":
            columns[name], reasons[name] = _number(cells, codes[name], name, item, wave, notes)
            recoded(cells, codes[name], name, book, wave, notes, masked)  # a number may be an exact age
        elif item.kind == "time":
            columns[name] = _time(cells, name, item, notes)
        else:
            columns[name] = scrub(cells.str.strip())[0] if item.kind == "text" else cells.str.strip()
    for name in _filters_first(book):
        if name in reasons:
            unasked = book.items[name].unasked
            idle = cases[name].str.strip().isin(unasked) if unasked and name in cases else None
            reasons[name] = _routed(columns, reasons, name, idle, book, wave, notes)
    return columns, reasons


class Unread(NamedTuple):
    """Cells of an item that nothing explains, out of how many that hold an answer; their codes, longer ones masked."""

    bad: int
    given: int
    codes: frozenset[str]


def unread(cells: pd.DataFrame, book: Codebook, wave: Wave) -> dict[str, Unread]:
    """What cannot be read of each item that the cells hold, in the order of the codebook; routing is left aside.

    Args: cells: text under the names of the codebook; a multiple item that is spread over columns with all of them.
    """
    names = {str(column).partition("=")[0].partition("#")[0] for column in cells}
    items = {name: item.model_copy(update={"asked_if": {}}) for name, item in book.items.items() if name in names}
    notes = Notes("", wave.file)
    _, reasons = typed(cells, book.model_copy(update={"items": items}), wave, notes)
    table = notes.table()
    found = {}
    for name in items:
        own = table[(table["item"] == name) & table["rule"].isin(UNREAD)]
        given = reasons[name].isin([CODE_OF["answered"], CODE_OF["invalid"]]) if name in reasons else cells[name] != ""
        found[name] = Unread(own["row"].nunique(), int(given.sum()), frozenset(own["value"]))
    return found


def own_columns(columns: Mapping[str, pd.Series], name: str) -> list[str]:
    """Names of the typed columns of an item: its own, or one a level of a multiple item."""
    return [name] if name in columns else [key for key in columns if key.startswith(choice(name, ""))]


def _filters_first(book: Codebook, names: Iterable[str] | None = None, seen: set[str] | None = None) -> list[str]:
    """Items in an order in which whoever is asked by the answer to another comes after it."""
    seen, order = set() if seen is None else seen, []
    for name in book.items if names is None else names:
        if name in book.items and name not in seen:
            seen.add(name)
            order += [*_filters_first(book, book.items[name].asked_if, seen), name]
    return order


def _coded(cases: pd.DataFrame, names: list[str]) -> dict[str, Coded]:
    """Columns as numbers of their texts, several at a time: most of the time of cleaning goes here."""

    def one(name: str) -> Coded:
        return coded(cases[name] if name in cases else pd.Series("", index=cases.index, dtype="str"))

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))


def _single(
    cells: pd.Series, codes: Coded, name: str, item: Item, book: Codebook, wave: Wave, notes: Notes
) -> tuple[pd.Series, pd.Series]:
    positions, uniques = codes
    level_of, reason_of = explain(uniques, name, item, book, wave)
    scale = book.scale_of(name)
    dtype = pd.CategoricalDtype(list(scale.levels) if scale else [], ordered=False)
    index_of = {level: position for position, level in enumerate(dtype.categories)}
    levels = np.array([index_of[level_of[text]] if text in level_of else -1 for text in uniques], dtype=np.int16)
    why = reason_codes([reason_of.get(text, "answered") for text in uniques])
    answers = pd.Series(pd.Categorical.from_codes(levels[positions], dtype=dtype), index=cells.index)
    reasons = pd.Series(why[positions], index=cells.index)
    unknown_levels(cells, reasons, name, notes)
    recoded(cells, codes, name, book, wave, notes)
    return answers, reasons


def _number(
    cells: pd.Series, codes: Coded, name: str, item: Item, wave: Wave, notes: Notes
) -> tuple[pd.Series, pd.Series]:
    positions, uniques = codes
    missing: Mapping[str, str] = {**wave.missing, **item.missing}
    low, high = item.range or (-np.inf, np.inf)
    values = np.full(len(uniques), np.nan)
    why: list[str] = []
    recode = wave.recode.get(name, {})
    plain = plain_numbers([text for text in uniques if text.strip() not in recode], wave.decimal)
    for place, text in enumerate(uniques):
        code = number_code(plain.get(text, text))
        code = recode.get(text.strip(), recode.get(code, code))
        inside = _float(code)
        if code in item.missing:
            why.append(item.missing[code])
        elif inside is not None and low <= inside <= high:
            values[place] = inside
            why.append("answered")
        elif code in missing:  # a wave's missing code is a number only where it is no plausible one
            why.append(missing[code])
        else:
            why.append("lost" if code in ("", ".") else "invalid")
    reasons = pd.Series(reason_codes(why)[positions], index=cells.index)
    bad = cells[reasons == CODE_OF["invalid"]]
    numeric = np.array([_float(plain.get(text, text)) is not None for text in bad], dtype=bool)
    outside, none = bad[numeric], bad[~numeric]
    notes.add(outside.index, name, "range", "set_missing", said(outside, masked))  # it may be an exact age
    unreadable(none, int((reasons == CODE_OF["answered"]).sum()) + len(bad), name, notes)
    return pd.Series(values[positions], index=cells.index), reasons


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _time(cells: pd.Series, name: str, item: Item, notes: Notes) -> pd.Series:
    """Moments by the clock of the place of interview: an offset from UTC is read over, so that no day shifts."""
    positions, uniques = pd.factorize(cells)
    texts = pd.Series(uniques, dtype="str").str.strip()
    local = texts.str.replace(OFFSET, "", regex=True) if texts.str.contains(OFFSET, regex=True).any() else texts
    moments = pd.to_datetime(local, errors="coerce", format="mixed", utc=True)
    strange = (moments.isna() & ~texts.isin(["", ".", *item.missing])).to_numpy()[positions]
    unreadable(cells[strange], int((texts != "").to_numpy()[positions].sum()), name, notes, masked)
    return pd.Series(moments.array[positions], index=cells.index)


def _routed(
    columns: Columns, whys: Mapping[str, pd.Series], name: str, idle: pd.Series | None, book: Codebook, wave: Wave,
    notes: Notes,
) -> pd.Series:  # fmt: skip
    """Reasons after routing: not applicable where the filter says so, "filter" where the filter has no answer.

    An answer of somebody who should not have been asked is noted and set missing; no answer of somebody who should
    have been is noted and stays. idle: cells that hold a code which stands where nothing was asked.
    """
    reasons, item = whys[name], book.items[name]
    if name in wave.not_asked:
        return pd.Series(np.int8(CODE_OF["not_asked"]), index=reasons.index)
    if not item.asked_if:
        return reasons
    skipped, unknown = (pd.Series(False, index=reasons.index) for _ in range(2))
    for other, codes in item.asked_if.items():
        answered, held = holds(columns, other, codes)
        skipped |= answered & ~held
        if other in whys:  # whoever was not asked the filter question for a reason was not asked this one either
            skipped |= whys[other] == CODE_OF["not_applicable"]
        unknown |= ~answered
    own = own_columns(columns, name)
    wrong = skipped & (reasons == CODE_OF["answered"])
    if idle is not None:
        wrong &= ~idle
    given = list(columns[name][wrong]) if item.kind == "single" else []
    notes.add(reasons.index[wrong], name, "routing", "set_missing", [shown(level) for level in given])
    for column in own:
        columns[column] = columns[column].where(~skipped)
    lost = (reasons == CODE_OF["lost"]) & ~skipped
    notes.add(reasons.index[lost & ~unknown], name, "unanswered", "kept")
    routed = reasons.mask(skipped, CODE_OF["not_applicable"]).mask(lost & unknown, CODE_OF["filter"])
    return routed.astype(np.int8)
