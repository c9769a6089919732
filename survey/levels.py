"""What a delivered text stands for: a level, a number, or the reason why there is no answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.codebook import Codebook, Item, Wave, filled_codes, number_code
from survey.numerals import COMMA, shape
from survey.problems import Merged, Notes, Strange, shown, shown_number
from survey.rules import RECODED

REASONS = ("answered", "refused", "dont_know", "not_applicable", "not_asked", "lost", "invalid", "filter")
CODE_OF = {reason: code for code, reason in enumerate(REASONS)}


def explain(
    uniques: Sequence[str], name: str, item: Item, book: Codebook, wave: Wave
) -> tuple[dict[str, str], dict[str, str]]:
    """For the distinct texts of a column: its level, or the reason why there is none ("invalid": nothing explains it).

    Levels win over missing codes, those of the item over those of the wave, and those over the scale's.
    """
    scale = book.scale_of(name)
    levels = list(scale.levels) if scale else []
    by_label = {words: code for code in levels for words in (scale.levels[code].values() if scale else ())}
    missing: Mapping[str, str] = {**(scale.missing if scale else {}), **wave.missing, **item.missing}
    recode = wave.recode.get(name, {})
    mirrored = dict(zip(levels, reversed(levels), strict=True)) if name in wave.reverse else {}
    level_of, reason_of = {}, {}
    for text in uniques:
        code = number_code(text)
        code = recode.get(text.strip(), recode.get(code, code))
        if code in levels:
            level_of[text] = mirrored.get(code, code)
        elif code in missing:
            reason_of[text] = missing[code]
        elif code in by_label:
            level_of[text] = by_label[code]
        else:
            reason_of[text] = "invalid" if code not in ("", ".") else "lost"
    return level_of, reason_of


class Coded(NamedTuple):
    """A column of cells as the number of each cell's text (n,) and the distinct texts."""

    code: NDArray[Any]
    texts: list[str]


def coded(cells: pd.Series) -> Coded:
    """Cells as numbers of their texts, in the smallest integers that hold them: many columns are held at once.

    >>> coded(pd.Series(["2", "1", "2"]))
    Coded(code=array([0, 1, 0], dtype=int8), texts=['2', '1'])
    """
    code, texts = pd.factorize(cells)
    return Coded(code.astype(np.min_scalar_type(-max(len(texts), 1))), list(texts))


def said(cells: pd.Series, say: Callable[[str], str]) -> list[str]:
    """What is said of each cell, put into words once for each distinct text."""
    code, texts = coded(cells)
    words = np.array([say(text) for text in texts], dtype=object)
    return list(words[code])


def reason_codes(reasons: Sequence[str]) -> np.ndarray:
    """Reasons as the small numbers that the frame of reasons holds."""
    return np.array([CODE_OF[reason] for reason in reasons], dtype=np.int8)


def unknown_levels(cells: pd.Series, reasons: pd.Series, name: str, notes: Notes) -> None:
    """Note the answers that no level explains, and how many they are: many mean a wrong codebook."""
    invalid = reasons == CODE_OF["invalid"]
    if not invalid.any():
        return
    bad = cells[invalid]
    notes.add(bad.index, name, "unknown_level", "set_missing", said(bad, shown))
    given = int((reasons == CODE_OF["answered"]).sum()) + len(bad)
    notes.strange.append(Strange(name, bad.index[0], len(bad), given))


def unreadable(bad: pd.Series, given: int, name: str, notes: Notes, say: Callable[[str], str] = shown_number) -> None:
    """Note the cells that are no number or no time where one belongs, and what most of them look like."""
    if bad.empty:
        return
    notes.add(bad.index, name, "type", "set_missing", said(bad, say))
    shapes = pd.Series(said(bad, shape)).value_counts(sort=False)
    common = shapes.index[int(shapes.to_numpy().argmax())]
    comma = bool(bad.str.strip().str.fullmatch(COMMA).mean() > 0.5)
    notes.strange.append(Strange(name, bad.index[0], len(bad), given, common, comma))


def recoded_texts(texts: Sequence[str], name: str, book: Codebook, wave: Wave) -> NDArray[np.bool_]:
    """Which distinct texts of a column `recode` or `reverse` turns into another code than the delivered one."""
    recode, scale = wave.recode.get(name, {}), book.scale_of(name)
    levels = list(scale.levels) if scale else []
    mirrored = dict(zip(levels, reversed(levels), strict=True)) if name in wave.reverse else {}
    changed = []
    for text in texts:
        code = number_code(text)
        new = recode.get(text.strip(), recode.get(code, code))
        changed.append(mirrored.get(new, new) != code)
    return np.array(changed, dtype=bool)


def recoded(
    cells: pd.Series, codes: Coded, name: str, book: Codebook, wave: Wave, notes: Notes,
    say: Callable[[str], str] = shown,
) -> None:  # fmt: skip
    """Note the cells that `recode` or `reverse` changed, and the codes that a recode fills and leaves out."""
    if name not in wave.recode and name not in wave.reverse:
        return
    number, texts = codes
    changed = recoded_texts(texts, name, book, wave)
    place = np.flatnonzero(changed[number]) if len(texts) else np.array([], dtype=int)
    told = pd.Categorical([say(text) for text, is_new in zip(texts, changed, strict=True) if is_new])
    own = (np.cumsum(changed) - 1)[number[place]]
    notes.add(cells.index[place], name, RECODED, RECODED, told[own])
    for code in filled_codes(wave.recode.get(name, {}), book.scale_of(name)):
        same = [position for position, text in enumerate(texts) if number_code(text) == code]
        if same:
            notes.merged.append(Merged(name, cells.index[np.isin(number, same)][0], code))
