"""Respondents delivered more than once, and interviews that are nearly copies of one another."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.codebook import Codebook, Wave, choice
from survey.problems import Notes
from survey.recipes import Columns

NEIGHBOURS = 8  # how many of those who share a stretch of answers each is compared with
PIECE = 250_000  # pairs compared at once
PRIME = 32_749  # the largest below 2 ** 15

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def once(
    cells: pd.DataFrame, book: Codebook, notes: Notes, restored: pd.Index | None = None
) -> tuple[pd.DataFrame, pd.Series]:
    """Each respondent once, and whose rows contradict: a repetition is dropped, a contradiction set aside.

    Args: restored: rows that a reviewer took for the true one of several that contradict.
    """
    contradicted = pd.Series(False, index=cells.index)
    if book.respondent is None:
        return cells, contradicted
    key = cells[book.respondent].str.strip()
    later = key.duplicated() & (key != "")
    if not later.any():
        return cells, contradicted
    again = key.isin(key[later])
    same = cells[again].duplicated()
    contradicted |= key.isin(key[later & ~same])
    dropped = same[same & ~contradicted[again]].index
    notes.add(dropped, book.respondent, "duplicate", "dropped")
    notes.add(cells.index[contradicted], book.respondent, "conflicting_duplicate", "quarantined")
    kept = ~later
    chosen = cells.index[contradicted].intersection([] if restored is None else restored)
    kept &= ~key.isin(key[chosen])
    kept[chosen], contradicted[chosen] = True, False
    return cells.loc[kept], contradicted.loc[kept]


def near_duplicates(columns: Columns, book: Codebook, wave: Wave, notes: Notes) -> None:
    """Note interviews that share nearly all answers with another, each with the row of the other.

    Two interviews are alike when they differ in at most 1 − share of the items that either answered and give at least
    min_items answers alike. So they agree wholly on one of ⌊(1 − share) · items⌋ + 1 stretches of items: only those who
    share a stretch are compared, each with the next 8 in the order of their other answers (all, where few share it).
    """
    settings = book.cleaning.near_duplicates
    names = [name for name in book.compared() if name not in wave.not_asked]
    if settings is None or len(names) < settings.min_items:
        return
    answers = _answers(columns, names, book)
    other = np.full(len(answers), -1)
    for first, second in _candidates(answers, int((1 - settings.share) * len(names) + 1e-9) + 1):
        a, b = answers[first], answers[second]
        either, equal = ((a >= 0) | (b >= 0)).sum(axis=1), ((a == b) & (a >= 0)).sum(axis=1)
        alike = (equal >= settings.min_items) & (equal >= settings.share * either - 1e-9)
        other[first[alike]], other[second[alike]] = second[alike], first[alike]
    rows = next(iter(columns.values())).index
    found = other >= 0
    seen = [f"#{row}" for row in rows[other[found]]]
    notes.add(rows[found], book.respondent or "", "near_duplicate", settings.action, seen)


def _answers(columns: Columns, names: list[str], book: Codebook) -> NDArray[np.int16]:
    """Answers as small numbers, −1 for none: shape (persons, items)."""
    answers = np.empty((len(next(iter(columns.values()))), len(names)), dtype=np.int16)
    for place, name in enumerate(names):
        if name in columns:
            answers[:, place] = columns[name].cat.codes
            continue
        levels = [columns[choice(name, level)].to_numpy() for level in book.scales[book.items[name].scale or ""].levels]
        chosen = sum((np.nan_to_num(level) * 2.0 ** (k % 50) for k, level in enumerate(levels)), np.zeros(len(answers)))
        answers[:, place] = np.where(np.all([np.isnan(level) for level in levels], axis=0), -1, chosen % PRIME)
    return answers


def _candidates(answers: NDArray[np.int16], stretches: int) -> Iterator[Pairs]:
    """Pairs of persons who agree wholly on a stretch of items; items that tell most are dealt out evenly."""
    telling = np.argsort([np.bincount(column + 1).max() for column in answers.T], kind="stable")
    whole = _hash(answers)
    for place in range(stretches):
        stretch = _hash(answers[:, np.sort(telling[place::stretches])])
        order = np.lexsort([whole, stretch])
        sorted_ = stretch[order]
        for step in range(1, NEIGHBOURS + 1):
            start = np.flatnonzero(sorted_[step:] == sorted_[:-step])
            for cut in range(0, len(start), PIECE):
                some = start[cut : cut + PIECE]
                yield order[some], order[some + step]


def _hash(answers: NDArray[np.int16]) -> NDArray[np.uint64]:
    total = np.full(len(answers), 14_695_981_039_346_656_037, dtype=np.uint64)
    for column in answers.T:
        total = (total ^ column.astype(np.uint64)) * np.uint64(1_099_511_628_211)
    return total
