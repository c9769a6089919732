"""One delivered column in figures: how many answers, which codes, which shapes; the base of every guess about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.characters import written
from survey.codebook import number_code
from survey.identifiers import is_identity, is_name, kind_of
from survey.numerals import is_decimal_comma, is_thousands, plain_numbers

LONGEST_CODE = 40
MOST_CODES = 60
LOOKED_AT = 2_000
"""Distinct cells whose shape is looked at: enough to tell phone numbers from remarks."""

# Province of the first two digits (GB/T 2260), then the date of birth. Nobody who is asked was born after 2015: later
# dates in such a number are days of interview, and it is the number of a questionnaire.
PERSON_NUMBER = re.compile(
    r"(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])\d{4}"
    r"(19\d\d|200\d|201[0-5])(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
)
SET_APART = str.maketrans("", "", " \t'’`-\u00a0")
"""What keeps a spreadsheet from taking a long number for a number, or a reader from losing the place in it."""
MOMENT = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?([ T]\d{1,2}[:：时].*)?|\d{1,2}/\d{1,2}/\d{4}( .*)?")
SPLIT = re.compile(r"\s*[;,、，；|/]\s*")
CODE = re.compile(r"-?\d{1,3}")


@dataclass(frozen=True)
class Profile:
    """Figures of one column. `counts` holds cells of residents and is never shown; codes of few short values may be.

    name, label: as delivered.   values: code → wording the file carries.   declared: missing codes of the file.
    rows: cells.   counts: distinct cell (trimmed, numbers in one form) → how often, blanks left out.
    """

    name: str
    label: str
    values: Mapping[str, str]
    declared: tuple[str, ...]
    rows: int
    counts: Mapping[str, int] = field(repr=False)
    position: int = 0
    marked: str = ""
    """"," where its numbers have a decimal comma, " " where blanks mark thousands; `counts` is without them."""

    @cached_property
    def answered(self) -> int:
        """Cells that are not blank."""
        return sum(self.counts.values())

    @property
    def distinct(self) -> int:
        """Different cells."""
        return len(self.counts)

    @cached_property
    def numbers(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The distinct cells that are numbers, ascending, and how often each occurs."""
        pairs = sorted((value, count) for text, count in self.counts.items() if (value := number(text)) is not None)
        table = np.array(pairs, dtype=float).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    @cached_property
    def numeric(self) -> float:
        """Share of the answers that are numbers."""
        return float(self.numbers[1].sum()) / self.answered if self.answered else 0.0

    @cached_property
    def whole(self) -> bool:
        """Whether every number is a whole one."""
        return bool((self.numbers[0] % 1 == 0).all())

    @cached_property
    def moments(self) -> tuple[float, float]:
        """Mean and coefficient of variation of the numbers."""
        values, counts = self.numbers
        mean = float(np.average(values, weights=counts))
        spread = float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))
        return mean, spread / abs(mean) if mean else float("inf")

    @cached_property
    def sample(self) -> tuple[str, ...]:
        """Distinct cells whose shape is looked at."""
        return tuple(list(self.counts)[:LOOKED_AT])

    def share(self, pattern: re.Pattern[str]) -> float:
        """Share of the looked-at cells that are wholly of a shape."""
        return sum(pattern.fullmatch(cell) is not None for cell in self.sample) / max(len(self.sample), 1)

    @cached_property
    def shape(self) -> str:
        """The direct identifier that most cells look like, "" for none."""
        if not self.sample:
            return ""
        size = len(self.sample)
        if self.identity[0] > 0.5:
            return "id_number"
        kinds = Counter(map(kind_of, self.sample))
        for shape in ("phone", "email", "address"):
            if kinds[shape] > size / 2:
                return shape
        named = sum(map(is_name, self.sample))
        return "name" if named > 0.6 * size and self.distinct > max(20, self.answered / 20) else ""

    @cached_property
    def identity(self) -> tuple[float, float]:
        """Share of the looked-at cells that have the form of identity numbers, and that have a right check digit too.

        The check digit alone is no measure: a spreadsheet that took the number for a number has lost its last digits.
        """
        bare = [cell.translate(SET_APART) for cell in self.sample]
        formed = [cell for cell in bare if PERSON_NUMBER.fullmatch(cell)]
        size = max(len(bare), 1)
        return len(formed) / size, sum(map(is_identity, formed)) / size

    @cached_property
    def length(self) -> float:
        """Mean length of the looked-at cells."""
        return sum(map(len, self.sample)) / max(len(self.sample), 1)

    @cached_property
    def chosen(self) -> dict[str, int]:
        """Codes of a cell that holds several (1;4;7) → how often; empty where cells hold one thing."""
        cells = {text: SPLIT.split(text.strip(" ;,、，；|/")) for text in self.counts}
        several = sum(count for text, count in self.counts.items() if len(cells[text]) > 1)
        if several < max(0.02 * self.answered, 3) or self.share(MOMENT) > 0.1:
            return {}
        codes: dict[str, int] = {}
        for text, count in self.counts.items():
            for part in cells[text]:
                codes[number_code(part)] = codes.get(number_code(part), 0) + count
        coded = sum(count for code, count in codes.items() if CODE.fullmatch(code))
        longest = max(map(len, cells.values()))
        return codes if len(codes) <= MOST_CODES and coded > 0.9 * sum(codes.values()) and longest > 2 else {}


def profile(cells: pd.Series, name: str, label: str, values: Mapping[str, str], declared: tuple[str, ...]) -> Profile:
    """The figures of a column of text cells.

    >>> profile(pd.Series(["1", " 2", "", "1.0"]), "q1", "", {}, ()).counts
    {'1': 2, '2': 1}
    """
    counts: dict[str, int] = {}
    found = cells.value_counts()
    comma = is_decimal_comma(found.index)
    plain = plain_numbers(found.index, "," if comma else ".") if comma or is_thousands(found.index) else {}
    for delivered, count in found.items():
        text = plain.get(str(delivered), str(delivered))
        code = number_code(text) if len(text) <= 15 else text.strip()  # a longer one would lose digits
        if code not in ("", "."):
            counts[code] = counts.get(code, 0) + int(count)
    words = {code: written(wording) for code, wording in values.items()}
    marked = "," if comma else " " if plain else ""
    return Profile(name.strip(), written(label), words, declared, len(cells), counts, marked=marked)


def number(text: str) -> float | None:
    """A cell as a number, None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
