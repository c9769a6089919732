"""Multiple items, delivered as one cell, as one yes/no column a level, or as columns that hold one code each."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from survey.codebook import Codebook, Item, Wave, choice, number_code
from survey.levels import CODE_OF, Coded, explain, reason_codes, recoded, recoded_texts, said, unknown_levels
from survey.problems import Notes, shown
from survey.rules import RECODED

BETWEEN = ";,、，；|/"  # whatever vendors put between the codes of one cell
Chosen = tuple[dict[str, pd.Series], pd.Series]


def multiple(cases: pd.DataFrame, name: str, item: Item, book: Codebook, wave: Wave, notes: Notes) -> Chosen:
    """One 0/1 column a level, NaN where the question has no answer; and the reason by row why it has none."""
    spread = wave.multiple.get(name)
    if spread is None:
        cells = cases[name] if name in cases else pd.Series("", index=cases.index, dtype="str")
        return _one_cell(cells, name, item, book, wave, notes)
    if isinstance(spread.columns, dict):
        return _yes_no(cases, name, item, book, wave, notes)
    return _codes(cases, name, item, book, wave, notes)


def _levels(name: str, book: Codebook) -> list[str]:
    scale = book.scale_of(name)
    return list(scale.levels) if scale else []


def _one_cell(cells: pd.Series, name: str, item: Item, book: Codebook, wave: Wave, notes: Notes) -> Chosen:
    levels = _levels(name, book)
    positions, uniques = pd.factorize(cells)
    split = re.compile(rf"\s*(?:{re.escape(item.separator)}|[{BETWEEN}])\s*")
    parts = [[part for part in split.split(text.strip()) if part] for text in uniques]
    level_of, reason_of = explain(sorted({part for some in parts for part in some}), name, item, book, wave)
    chosen = np.array([[float(level in {level_of.get(part) for part in some}) for level in levels] for some in parts])
    why = []
    for row, some in enumerate(parts):
        known = any(part in level_of for part in some)
        why.append("answered" if known else reason_of[some[0]] if some else "lost")
        if not known:
            chosen[row, :] = np.nan
    strange = np.array([any(reason_of.get(part) == "invalid" for part in some) for some in parts])[positions]
    notes.add(cells.index[strange], name, "unknown_level", "set_missing", said(cells[strange], shown))
    if name in wave.recode or name in wave.reverse:
        new = np.array([recoded_texts(some, name, book, wave).any() for some in parts], dtype=bool)[positions]
        notes.add(cells.index[new], name, RECODED, RECODED, said(cells[new], shown))
    by_level = {level: np.ascontiguousarray(chosen[:, place])[positions] for place, level in enumerate(levels)}
    return _columns(by_level, name, cells.index), pd.Series(reason_codes(why)[positions], cells.index)


def _columns(chosen: dict[str, np.ndarray], name: str, rows: pd.Index) -> dict[str, pd.Series]:
    return {choice(name, level): pd.Series(column, index=rows, copy=False) for level, column in chosen.items()}


def _yes_no(cases: pd.DataFrame, name: str, item: Item, book: Codebook, wave: Wave, notes: Notes) -> Chosen:
    """Answered where at least one column says yes or no; then a blank is a no, and a missing code stays missing."""
    # A level without a column was not offered.
    chosen = {level: np.full(len(cases), np.nan) for level in _levels(name, book)}
    why, answered = np.full(len(cases), CODE_OF["lost"], dtype=np.int8), np.zeros(len(cases), dtype=bool)
    for column in wave.multiple[name].sources(name).values():
        cells = cases[column]
        positions, uniques = pd.factorize(cells)
        said = [_said(text, name, item, book, wave) for text in uniques]
        reasons = reason_codes([reason for _, reason in said])[positions]
        chosen[column.partition("=")[2]] = np.array([value for value, _ in said], dtype=float)[positions]
        answered |= reasons == CODE_OF["answered"]
        why = np.where(why == CODE_OF["lost"], reasons, why)
        unknown_levels(cells, pd.Series(reasons, index=cells.index), name, notes)
    return _answered(chosen, answered, why, name, cases.index)


def _said(text: str, name: str, item: Item, book: Codebook, wave: Wave) -> tuple[float, str]:
    """What a yes/no cell says about its level (1, 0, NaN), and the reason where it says nothing."""
    spread = wave.multiple[name]
    code = number_code(text)
    for codes, value in ((spread.chosen, 1.0), (spread.not_chosen, 0.0)):
        if code in codes or text.strip() in codes:
            return value, "answered"
    reason = explain([text], name, item, book, wave)[1].get(text, "invalid")  # a level's own code is no yes
    return (0.0 if reason == "lost" else np.nan), reason


def _codes(cases: pd.DataFrame, name: str, item: Item, book: Codebook, wave: Wave, notes: Notes) -> Chosen:
    """Answered where at least one column holds a level; the first reason given counts where none does."""
    chosen = {level: np.zeros(len(cases)) for level in _levels(name, book)}
    why, answered = np.full(len(cases), CODE_OF["lost"], dtype=np.int8), np.zeros(len(cases), dtype=bool)
    for column in wave.multiple[name].sources(name).values():
        cells = cases[column]
        positions, uniques = pd.factorize(cells)
        level_of, reason_of = explain(list(uniques), name, item, book, wave)
        reasons = reason_codes([reason_of.get(text, "answered") for text in uniques])[positions]
        for level, own in chosen.items():
            own[np.array([level_of.get(text) == level for text in uniques], dtype=bool)[positions]] = 1.0
        answered |= reasons == CODE_OF["answered"]
        why = np.where(why == CODE_OF["lost"], reasons, why)
        unknown_levels(cells, pd.Series(reasons, index=cells.index), name, notes)
        recoded(cells, Coded(positions, list(uniques)), name, book, wave, notes)
    return _answered(chosen, answered, why, name, cases.index)


def _answered(
    chosen: dict[str, np.ndarray], answered: np.ndarray, why: np.ndarray, name: str, rows: pd.Index
) -> Chosen:
    for column in chosen.values():
        column[~answered] = np.nan
    why = np.where(answered, CODE_OF["answered"], why).astype(np.int8)
    return _columns(chosen, name, rows), pd.Series(why, index=rows)
