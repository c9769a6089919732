"""The table of the rules of cleaning that fired: one row for each row of a delivery and each rule.

Its columns: wave, row of the delivered file, item, rule, severity, the delivered value as far as it may be kept, what
was done (kept, set_missing, recoded, dropped, quarantined, restored, excluded), and the sentence in both languages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from survey.errors import masked
from survey.numerals import looks_like_a_number
from survey.rules import RULES

COLUMNS = ["wave", "row", "item", "rule", "severity", "value", "action", "message_zh", "message_en"]
CODE = re.compile(r"[0-9]{1,2}")


@dataclass(frozen=True)
class _Note:
    """One rule that fired in some rows of one item."""

    rows: np.ndarray
    item: str
    rule: str
    action: str
    values: Sequence[str] | pd.Categorical
    words: Mapping[str, str]


class Strange(NamedTuple):
    """Answers to an item that no level explains: the first row, how many they are, and of how many that were given.

    shape: for a number or a time, what most of the unreadable cells look like.   comma: whether that is a number with a
    decimal comma.
    """

    item: str
    row: int
    bad: int
    given: int
    shape: str = ""
    comma: bool = False


class Merged(NamedTuple):
    """A delivered code of an item that `recode` does not list, although it turns another code into this one."""

    item: str
    row: int
    code: str


@dataclass
class Notes:
    """Problems as they are found, for one file."""

    wave: str
    file: str
    found: list[_Note] = field(default_factory=list)
    strange: list[Strange] = field(default_factory=list)
    """One a column with answers that no level explains."""
    merged: list[Merged] = field(default_factory=list)
    """One a column and code that `recode` leaves out and fills."""

    def add(
        self,
        rows: pd.Index,
        item: str,
        rule: str,
        action: str,
        values: Sequence[str] | pd.Categorical = (),
        words: Mapping[str, str] | None = None,
    ) -> None:
        """Note a rule that fired in these rows, with what may be kept of the delivered values.

        Args: values: one a row, masked by the caller.   words: the sentence by language, if not the rule's own.
        """
        if len(rows):
            self.found.append(_Note(rows.to_numpy(), item, rule, action, values, words or {}))

    def fired(self, rule: str) -> np.ndarray:
        """Rows in which a rule fired, each once."""
        rows = [note.rows for note in self.found if note.rule == rule]
        return np.unique(np.concatenate(rows)) if rows else np.array([], dtype=int)

    def fired_in(self, row: int, rule: str, action: str | None = None) -> bool:
        """Whether a rule fired in a row, leading to that action if one is named."""
        found = (note for note in self.found if note.rule == rule and action in (None, note.action))
        return any((note.rows == row).any() for note in found)

    def table(self) -> pd.DataFrame:
        """All notes in the order of the file; texts are categories, so that a million notes stay small."""
        if not self.found:
            return pd.DataFrame(columns=COLUMNS)
        sizes = np.array([len(note.rows) for note in self.found])
        rows = np.concatenate([note.rows for note in self.found])
        texts = {name: [_texts(self.wave, note)[name] for note in self.found] for name in COLUMNS if name not in OWN}
        # One whole number a note, by row, item and rule: runs that are in order already sort in next to no time.
        ranks = [_dense(texts[name]) for name in ("item", "rule")]
        rank = np.repeat(ranks[0] * len(self.found) + ranks[1], sizes)
        order = np.argsort(rows.astype(np.int64) * len(self.found) ** 2 + rank, kind="stable")
        columns: dict[str, Any] = {name: _repeated(texts[name], sizes, order) for name in texts}
        columns |= {"row": rows[order], "value": _joined([_values(note) for note in self.found])[order]}
        return pd.DataFrame({name: columns[name] for name in COLUMNS})


OWN = ("row", "value")  # differ within a note


def _texts(wave: str, note: _Note) -> dict[str, str]:
    rule = RULES[note.rule]
    said = {language: note.words.get(language, note.words.get("", "")) for language in ("zh", "en")}
    return {
        "wave": wave,
        "item": note.item,
        "rule": note.rule,
        "severity": "error" if note.action == "quarantined" else rule.severity,
        "action": note.action,
        "message_zh": said["zh"] or rule.zh,
        "message_en": said["en"] or rule.en,
    }


def _dense(texts: Sequence[str]) -> np.ndarray:
    return np.unique(texts, return_inverse=True)[1].astype(np.int64)


def _repeated(texts: Sequence[str], sizes: np.ndarray, order: np.ndarray) -> pd.Categorical:
    categories, codes = np.unique(texts, return_inverse=True)
    return pd.Categorical.from_codes(np.repeat(codes, sizes)[order], categories=pd.Index(categories, dtype="str"))


def _values(note: _Note) -> pd.Categorical:
    if isinstance(note.values, pd.Categorical):
        return note.values
    return pd.Categorical(np.array(list(note.values) or [""] * len(note.rows), dtype=object))


def _joined(parts: Sequence[pd.Categorical]) -> pd.Categorical:
    """Values of all notes; without a detour over as many texts as there are notes."""
    words = sorted(set[str]().union(*(part.categories for part in parts)))
    place = {text: code for code, text in enumerate(words)}
    codes = [np.array([place[text] for text in part.categories], dtype=np.int32)[part.codes] for part in parts]
    return pd.Categorical.from_codes(np.concatenate(codes), categories=pd.Index(words, dtype=object))


def shown_number(value: str) -> str:
    """A cell that is no number where one belongs, as the table may keep it: only what is written like a small number.

    >>> shown_number("25 071"), shown_number("13800138000"), shown_number("王芳")
    ('25 071', '…(11)', '…(2)')
    """
    return value.strip() if looks_like_a_number(value) else masked(value)


def shown(value: str) -> str:
    """A delivered value as the problems table may keep it: a code of one or two digits, else its length.

    >>> shown("7"), shown("王芳"), shown("203")
    ('7', '…(2)', '…(3)')
    """
    return value if CODE.fullmatch(value.strip()) else masked(value)
