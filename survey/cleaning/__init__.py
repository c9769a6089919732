"""Cleaning: frame as delivered + codebook → typed frame, why each answer is missing, problems, quarantine.

Nothing is fixed silently: a cell that the codebook cannot explain becomes missing and a row of the problems table, a
case that cannot be used goes to the quarantine, both with the row of the delivered file. A reviewer can put a case
back, or leave another one out, by a line of decisions.csv.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.answers import typed
from survey.cases import known_of_all
from survey.cleaning.checks import complete, consistent, within_fieldwork
from survey.cleaning.columns import item_names, of_wave
from survey.cleaning.decisions import Decisions, applied, read_decisions, untied
from survey.cleaning.duplicates import near_duplicates, once
from survey.cleaning.gates import estimable, passed, placed, weighable
from survey.cleaning.shifted import shifted
from survey.codebook import Codebook, number_code
from survey.errors import AnxinError, DataError, masked, together
from survey.identifiers import undeclared
from survey.problems import Notes
from survey.recipes import derived

__all__ = ["Cleaned", "Decisions", "clean", "examined", "item_names", "read_decisions"]

NONE = Decisions()


@dataclass(frozen=True)
class Cleaned:
    """One wave, typed. Rows keep the row of the delivered file as their index until the identity boundary.

    frame: complete interviews. reasons: why an answer is missing, the items that have a scale. problems: one row a rule
    that fired. quarantine: the row and rule of each case left out. dispositions: AAPOR group of every case, each once.
    """

    frame: pd.DataFrame
    reasons: pd.DataFrame
    problems: pd.DataFrame
    quarantine: pd.DataFrame
    dispositions: pd.Series
    counts: dict[str, int]
    cases: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What is known of every case, interviewed or not, where the nonresponse adjustment needs it."""


def clean(
    delivered: pd.DataFrame, book: Codebook, wave_name: str, decisions: Decisions = NONE, sha256: str = ""
) -> Cleaned:
    """Apply the codebook and the deltas of one wave to a frame as delivered, and what reviewers decided about its rows.

    Args: delivered: text cells, one row a case.   sha256: checksum of the delivery, to which decisions are tied.
    Raises: DataError: a column nobody declared, or a declared one that is not there; a decision about another delivery
    or about nothing.   GateError: a threshold of `gates` is passed, or a column
    looks like an identifier and is not declared as one. `others` holds what else is wrong.
    """
    cleaned, stops = examined(delivered, book, wave_name, decisions, sha256)
    if stops:
        raise together(stops)
    return cleaned


def examined(
    delivered: pd.DataFrame, book: Codebook, wave_name: str, decisions: Decisions = NONE, sha256: str = ""
) -> tuple[Cleaned, list[AnxinError]]:
    """The wave as `clean` gives it, and everything that stops it; with a stop it is there only to be looked at.

    Raises: DataError: the columns are not those of the codebook, so that nothing can be looked at.
    """
    wave = book.waves[wave_name]
    notes = Notes(wave_name, wave.file)
    cells = of_wave(delivered, book, wave)
    stops: list[AnxinError] = [*untied(decisions, book, wave_name, sha256)]
    if stops:  # the rows they speak of are another delivery's
        decisions = NONE
    stops += undeclared(cells, book, wave)
    cases, contradicted = once(cells, book, notes, decisions.rows(True, "conflicting_duplicate"))
    is_interview, dispositions = _interviews(cases, book)
    usable = cases.loc[is_interview & ~contradicted]
    columns, whys = typed(usable, book, wave, notes)
    consistent(columns, whys, book, notes)
    within_fieldwork(columns, usable, book, wave, notes)
    near_duplicates(columns, book, wave, notes)
    complete(columns, whys, book, notes)
    stops += applied(decisions, notes, cells[book.respondent].str.strip() if book.respondent else None)
    problems = notes.table()
    quarantine = _quarantine(problems, decisions)
    aside = usable.index.isin(quarantine["row"])
    frame, reasons = _frame(columns | derived(columns, book, list(book.recipes())), ~aside), _frame(whys, ~aside)
    counts = {
        "delivered": len(cells),
        "duplicates": int(problems["rule"].isin(["duplicate", "conflicting_duplicate"]).sum()),
        "partial": (partial := int(usable.index[aside].isin(notes.fired("partial")).sum())),
        "set_aside": int(aside.sum()) - partial + int((is_interview & contradicted).sum()),
        "quarantined": len(quarantine),
        "completes": len(frame),
    } | ({"restored": len(decisions.rows(True)), "excluded": len(decisions.rows(False))} if decisions.made else {})
    stops += [*_unknown_outcome(cases, dispositions, book), *passed(counts, notes, book, wave)]
    stops += [*weighable(frame, book, wave), *placed(frame, book, wave), *estimable(frame, book, wave)]
    if stops and (moved := shifted(cells[_interviews(cells, book)[0]], delivered, book, wave)) is not None:
        stops = [moved]  # whatever else was found follows from it
    known = known_of_all(cases, dispositions, book, wave_name)
    return Cleaned(frame, reasons, problems, quarantine, dispositions, counts, known), stops


def _frame(columns: dict[str, pd.Series], keep: NDArray[np.bool_]) -> pd.DataFrame:
    """Columns as a frame, not copied, for they may be many millions of cells."""
    frame = pd.DataFrame(columns, copy=False)
    return frame if keep.all() else frame.loc[keep]


def _quarantine(problems: pd.DataFrame, decisions: Decisions) -> pd.DataFrame:
    """Wave, row and rule of each case left out: put in quarantine and not restored, or excluded by a reviewer."""
    acts = [problems["action"] == action for action in ("quarantined", "excluded")]  # the rule that fired comes first
    out = pd.concat([problems.loc[act, ["wave", "row", "rule"]] for act in acts])
    restored = decisions.pairs()
    if restored:
        pairs = zip(out["row"], out["rule"], strict=True)
        out = out[np.array([pair not in restored for pair in pairs], dtype=bool)]
    return out.drop_duplicates("row").sort_values("row")


def _interviews(cases: pd.DataFrame, book: Codebook) -> tuple[pd.Series, pd.Series]:
    """Which cases are interviews by their final disposition, and its AAPOR group; all of them where none is delivered.

    A case of an unknown outcome stops the wave; until then it is looked at as an interview.
    """
    if book.dispositions is None or book.dispositions.item not in cases:
        return pd.Series(True, index=cases.index), pd.Series("complete", index=cases.index)
    delivered = cases[book.dispositions.item]
    codes = delivered.map({text: number_code(text) for text in delivered.unique()})
    groups = codes.map({code: group for group, known in book.dispositions.groups.items() for code in known})
    return (groups == "complete") | groups.isna(), groups


def _unknown_outcome(cases: pd.DataFrame, groups: pd.Series, book: Codebook) -> Iterator[DataError]:
    if book.dispositions is None or not groups.isna().any():
        return
    row = groups.index[groups.isna()][0]
    yield DataError(
        "A case has a final disposition that survey.yaml does not know",
        where="row {row}, column {item}",
        expected="one of {known}",
        got="another value, {shape}",
        hint="add the code to a group of `dispositions`",
        row=row,
        item=book.dispositions.item,
        known=", ".join(sorted(code for codes in book.dispositions.groups.values() for code in codes)),
        shape=masked(cases[book.dispositions.item][row]),
    )
