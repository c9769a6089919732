"""Text cells of one wave → typed answers, why each missing one is missing, a note of every cell nothing explains."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from survey.codebook import Codebook, Item, Wave, choice, number_code
from survey.errors import GateError, masked

REASONS = ("answered", "refused", "dont_know", "not_applicable", "not_asked", "lost", "invalid", "filter")
CODE_OF = {reason: code for code, reason in enumerate(REASONS)}
PROBLEM_COLUMNS = ["wave", "row", "item", "rule", "severity", "value", "action"]
CODE = re.compile(r"[0-9]{1,2}")
SPLIT = re.compile(r"\s*[;,、，；|/]\s*")  # whatever vendors put between the codes of one cell


@dataclass
class Notes:
    """Problems as they are found, for one file."""

    wave: str
    file: str
    frames: list[pd.DataFrame] = field(default_factory=list)

    def add(self, rows: pd.Index, item: str, rule: str, action: str, values: Sequence[str] = ()) -> None:
        """Note a rule that fired in these rows, with what may be kept of the delivered values."""
        if len(rows):
            texts = list(values) or [""] * len(rows)
            severity = "error" if action == "quarantined" else "warning"
            note = {"wave": self.wave, "row": rows, "item": item, "rule": rule, "severity": severity}
            self.frames.append(pd.DataFrame({**note, "value": texts, "action": action}))

    def table(self) -> pd.DataFrame:
        """All notes in the order of the file."""
        if not self.frames:
            return pd.DataFrame(columns=PROBLEM_COLUMNS)
        return pd.concat(self.frames).sort_values(["row", "item", "rule"], ignore_index=True)[PROBLEM_COLUMNS]


def shown(value: str) -> str:
    """A delivered value as the problems table may keep it: a code of one or two digits, else its length.

    >>> shown("7"), shown("王芳"), shown("203")
    ('7', '…(2)', '…(3)')
    """
    return value if CODE.fullmatch(value.strip()) else masked(value)


def typed(
    cases: pd.DataFrame, book: Codebook, wave: Wave, notes: Notes
) -> tuple[dict[str, pd.Series], dict[str, pd.Series]]:
    """Columns of typed answers by name, and for the items that can go unanswered the reason by row."""
    columns: dict[str, pd.Series] = {}
    reasons: dict[str, pd.Series] = {}
    for name, item in book.items.items():
        cells = cases[name] if name in cases else pd.Series("", index=cases.index, dtype="str")
        if item.kind == "single":
            columns[name], why = _single(cells, name, item, book, wave, notes)
        elif item.kind == "multiple":
            chosen, why = _multiple(cells, name, item, book, wave, notes)
            columns.update(chosen)
        elif item.kind == "number":
            columns[name], why = _number(cells, name, item, wave, notes)
        elif item.kind == "time":
            columns[name], why = pd.to_datetime(cells.str.strip(), errors="coerce", format="mixed", utc=True), None
        else:
            columns[name], why = cells.str.strip(), None
        if why is not None:
            reasons[name] = _routed(columns, reasons, name, item, why, cells, wave, notes)
    return columns, reasons


def _explain(
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


def _single(
    cells: pd.Series, name: str, item: Item, book: Codebook, wave: Wave, notes: Notes
) -> tuple[pd.Series, pd.Series]:
    positions, uniques = pd.factorize(cells)
    level_of, reason_of = _explain(list(uniques), name, item, book, wave)
    scale = book.scale_of(name)
    dtype = pd.CategoricalDtype(list(scale.levels) if scale else [], ordered=False)
    index_of = {level: position for position, level in enumerate(dtype.categories)}
    codes = np.array([index_of[level_of[text]] if text in level_of else -1 for text in uniques], dtype=np.int16)
    why = np.array([CODE_OF[reason_of.get(text, "answered")] for text in uniques], dtype=np.int8)
    answers = pd.Series(pd.Categorical.from_codes(codes[positions], dtype=dtype), index=cells.index)
    reasons = pd.Series(why[positions], index=cells.index)
    _unknown_levels(cells, reasons, name, book, wave, notes)
    return answers, reasons


def _unknown_levels(cells: pd.Series, reasons: pd.Series, name: str, book: Codebook, wave: Wave, notes: Notes) -> None:
    """Note the answers that no level explains; many of them mean a wrong codebook, and stop the wave."""
    invalid = reasons == CODE_OF["invalid"]
    bad = cells[invalid]
    notes.add(bad.index, name, "unknown_level", "set_missing", list(map(shown, bad)))
    given = int((reasons == CODE_OF["answered"]).sum()) + len(bad)
    if given and len(bad) / given > book.gates.max_unknown_levels:
        raise GateError(
            "{share} of the answers to {item} are levels that its scale does not define",
            where="{file} row {row}, column {item}",
            expected="at most {limit} (gates.max_unknown_levels)",
            got="{share}; this is the first",
            hint="add the level to the scale, or a `recode` to the wave",
            item=name,
            file=wave.file,
            row=bad.index[0],
            share=f"{len(bad) / given:.1%}",
            limit=f"{book.gates.max_unknown_levels:.1%}",
        )


def _multiple(
    cells: pd.Series, name: str, item: Item, book: Codebook, wave: Wave, notes: Notes
) -> tuple[dict[str, pd.Series], pd.Series]:
    """One 0/1 column a level, NaN where the question has no answer at all."""
    scale = book.scale_of(name)
    levels = list(scale.levels) if scale else []
    positions, uniques = pd.factorize(cells)
    parts = [[part for part in SPLIT.split(text.strip()) if part] for text in uniques]
    level_of, reason_of = _explain(sorted({part for some in parts for part in some}), name, item, book, wave)
    chosen = np.array([[float(level in {level_of.get(part) for part in some}) for level in levels] for some in parts])
    why = []
    for row, some in enumerate(parts):
        known = any(part in level_of for part in some)
        why.append("answered" if known else reason_of[some[0]] if some else "lost")
        if not known:
            chosen[row, :] = np.nan
    reasons = pd.Series(np.array([CODE_OF[reason] for reason in why], dtype=np.int8)[positions], index=cells.index)
    strange = np.array([any(reason_of.get(part) == "invalid" for part in some) for some in parts])[positions]
    notes.add(cells.index[strange], name, "unknown_level", "set_missing", list(map(shown, cells[strange])))
    columns = {
        choice(name, level): pd.Series(chosen[positions, place], index=cells.index)
        for place, level in enumerate(levels)
    }
    return columns, reasons


def _number(cells: pd.Series, name: str, item: Item, wave: Wave, notes: Notes) -> tuple[pd.Series, pd.Series]:
    positions, uniques = pd.factorize(cells)
    missing: Mapping[str, str] = {**wave.missing, **item.missing}
    low, high = item.range or (-np.inf, np.inf)
    values = np.full(len(uniques), np.nan)
    why: list[str] = []
    recode = wave.recode.get(name, {})
    for place, text in enumerate(uniques):
        code = number_code(text)
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
    reasons = pd.Series(np.array([CODE_OF[reason] for reason in why], dtype=np.int8)[positions], index=cells.index)
    bad = cells[reasons == CODE_OF["invalid"]]
    numeric = np.array([_float(text) is not None for text in bad], dtype=bool)
    for rule, rows in (("range", bad[numeric]), ("type", bad[~numeric])):
        notes.add(rows.index, name, rule, "set_missing", list(map(masked, rows)))  # a number may be an exact age
    return pd.Series(values[positions], index=cells.index), reasons


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _routed(
    columns: dict[str, pd.Series],
    whys: Mapping[str, pd.Series],
    name: str,
    item: Item,
    reasons: pd.Series,
    cells: pd.Series,
    wave: Wave,
    notes: Notes,
) -> pd.Series:
    """Reasons after routing: not applicable where the filter says so, "filter" where the filter has no answer.

    An answer of somebody who should not have been asked is noted and set missing.
    """
    if name in wave.not_asked:
        return pd.Series(np.int8(CODE_OF["not_asked"]), index=reasons.index)
    for other, codes in item.asked_if.items():
        answered = columns[other].notna()
        skipped = answered & ~columns[other].isin(list(codes))
        if other in whys:  # whoever was not asked the filter question for a reason was not asked this one either
            skipped |= whys[other] == CODE_OF["not_applicable"]
        wrong = skipped & (reasons == CODE_OF["answered"])
        if item.unasked:
            wrong &= ~cells.str.strip().isin(item.unasked)
        notes.add(reasons.index[wrong], name, "routing", "set_missing")
        for column in [key for key in columns if key == name or key.startswith(choice(name, ""))]:
            columns[column] = columns[column].where(~skipped)
        unknown = ~answered & ~skipped & (reasons == CODE_OF["lost"])
        reasons = reasons.mask(skipped, CODE_OF["not_applicable"]).mask(unknown, CODE_OF["filter"]).astype(np.int8)
    return reasons
