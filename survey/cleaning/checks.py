"""Answers that contradict each other, interviews on the wrong day, interviews that broke off."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.answers import CODE_OF, own_columns
from survey.codebook import Codebook, Wave
from survey.errors import masked
from survey.problems import Notes, shown
from survey.recipes import Columns, derived, holds

Mask = NDArray[np.bool_]


def consistent(columns: Columns, whys: dict[str, pd.Series], book: Codebook, notes: Notes) -> None:
    """Note the answers that the `checks` of survey.yaml find at odds; what a check sets missing is set in place."""
    for check in book.checks.values():
        known = {**columns, **derived(columns, book, [*check.if_, *check.then])}
        wrong = np.all([holds(known, name, codes)[1] for name, codes in check.if_.items()], axis=0)
        given = [holds(known, name, codes) for name, codes in check.then.items()]
        wrong &= np.any([answered & ~held for answered, held in given], axis=0)
        doubtful = check.doubtful
        rows = whys[doubtful].index if doubtful in whys else next(iter(columns.values())).index
        coded = doubtful in columns and isinstance(columns[doubtful].dtype, pd.CategoricalDtype)
        values = [shown(str(value)) for value in columns[doubtful][wrong].astype(object).fillna("")] if coded else []
        notes.add(rows[wrong], doubtful, "inconsistent", check.action, values, check.text)
        if check.action == "set_missing":
            for column in own_columns(columns, doubtful):
                columns[column] = columns[column].where(~wrong)
            whys[doubtful] = whys[doubtful].mask(wrong, CODE_OF["invalid"]).astype(np.int8)


def within_fieldwork(columns: Columns, cases: pd.DataFrame, book: Codebook, wave: Wave, notes: Notes) -> None:
    """Note the interviews that began on a day outside the fieldwork."""
    if book.started is None or book.started not in cases:
        return
    began = columns[book.started]
    first = pd.Timestamp(wave.fieldwork.start, tz="UTC")
    after = pd.Timestamp(wave.fieldwork.end + dt.timedelta(days=1), tz="UTC")
    wrong = (began < first) | (began >= after)
    values = list(map(masked, cases.loc[began.index, book.started][wrong]))
    notes.add(began.index[wrong], book.started, "outside_fieldwork", book.cleaning.outside_fieldwork, values)


REACHED = [CODE_OF[reason] for reason in ("answered", "refused", "dont_know")]
"""What a person said to a question, the refusal of an answer included: the interview had come that far."""
IDLE = [CODE_OF[reason] for reason in ("not_applicable", "not_asked", "filter")]


def complete(columns: Columns, whys: dict[str, pd.Series], book: Codebook, notes: Notes) -> None:
    """Note interviews that broke off before enough required questions, and finished ones that cannot be used.

    Completeness is the share of the required questions that applied to a person which the interview reached: refused
    and don't know are said to the interviewer and count, a blank does not (AAPOR 2023, complete and partial by the
    share of the applicable questions). Without an answer to an item of the design or the weighting no interview has a
    place, whatever the share.
    """
    names = [name for name, item in book.items.items() if item.required and own_columns(columns, name)]
    if not names:
        return
    rows = next(iter(columns.values())).index
    why = np.column_stack([_why(columns, whys, name) for name in names])
    applies, reached = ~np.isin(why, IDLE), np.isin(why, REACHED)
    lost, invalid = why == CODE_OF["lost"], why == CODE_OF["invalid"]
    needed = np.isin(names, list(_essential(book)))
    # Written as counts: a share of 0.8 of five answers must not fail for the last bit.
    few = (applies & reached).sum(axis=1) < book.cleaning.min_complete * applies.sum(axis=1) - 1e-9
    partial = (few & lost.any(axis=1)) | (lost & needed).any(axis=1)
    useless = (few[:, None] & invalid) | (needed & applies & (why != CODE_OF["answered"]))
    first = lost.argmax(axis=1)
    for place, name in enumerate(names):
        notes.add(rows[partial & (first == place)], name, "partial", "quarantined")
        notes.add(rows[~partial & useless[:, place]], name, "unusable", "quarantined")
        if not book.items[name].asked_if:  # routing has told of those already
            notes.add(rows[~partial & lost[:, place]], name, "unanswered", "kept")


def _why(columns: Columns, whys: dict[str, pd.Series], name: str) -> NDArray[np.int8]:
    """Why an item has no answer, by row; an id or a moment that is blank is lost."""
    if name in whys:
        return whys[name].to_numpy(dtype=np.int8)
    return np.where(_is_empty(columns[name]), CODE_OF["lost"], CODE_OF["answered"]).astype(np.int8)


def _is_empty(column: pd.Series) -> Mask:
    empty: Mask = (column.isna() | (column == "")).to_numpy(dtype=bool)
    return empty


def _essential(book: Codebook) -> set[str]:
    """Items without which an interview has no place in the design and no weight."""
    weights = [*book.weighting.inverse, *book.weighting.times, *([book.weighting.base] if book.weighting.base else [])]
    margins = [part for margin in book.weighting.rake for part in margin.split(":")]
    names = [*book.design.strata, *book.design.psu, *book.design.fpc, *weights, *margins]
    return set().union(*(book.sources(name) for name in names))
