"""How deliveries differ from the items: renames, missing codes, reversed scales, days, waves in one file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from survey.draft.evidence import Because
from survey.draft.lexicon import reason_of
from survey.draft.match import Column, is_reversed
from survey.draft.plan import Plan
from survey.draft.profile import number
from survey.draft.scales import Scale

FEWEST_A_DAY = 3
FEWEST_WITH_WORDS, LONGEST_WORDS = 3, 24
"""Words of fewer people, or longer ones, may be somebody's own and are not written down."""


@dataclass
class WaveDraft:
    """How a delivery differs from the items: as in the codebook; `why`: delivered column → evidence of a rename."""

    file: str
    sheet: str | None = None
    decimal: str = "."
    """Decimal sign of its numbers."""
    rows: dict[str, str] = field(default_factory=dict)
    """Column → its code in this wave, where one file holds several."""
    fieldwork: tuple[str, str] | None = None
    """First and last day with three interviews or more."""
    columns: dict[str, str] = field(default_factory=dict)
    why: dict[str, tuple[Because, ...]] = field(default_factory=dict)
    ignore: dict[str, tuple[Because, ...]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    recode: dict[str, dict[str, str]] = field(default_factory=dict)
    """Item → words of this wave that no level of the scale is worded by, or that stand among numbers → code, "" for
    one that only a person can know."""
    reverse: list[str] = field(default_factory=list)
    not_asked: list[str] = field(default_factory=list)


def codes(
    wave: WaveDraft, delivered: Mapping[str, Column], items: Mapping[str, Column], found: Mapping[str, Scale]
) -> None:
    """Missing codes, words and reversed scales of a delivery that differ from the items'."""
    scale_of = {item: scale for scale in found.values() for item in scale.items}
    for name, item in wave.columns.items():
        column, scale = delivered[name], scale_of.get(item)
        if item in items and items[item].guess.kind == "number" and (spoken := _spoken(column)):
            wave.recode[item] = spoken
        if scale is None or column is items[item]:
            continue
        further = {
            code: why for code, why in column.guess.missing.items() if code not in {**scale.missing, **scale.levels}
        }
        wave.missing |= {
            code: why for code, why in further.items() if code in column.profile.counts or code in column.profile.chosen
        }
        known = {words.casefold() for words in scale.levels.values()} | set(scale.levels)
        words = [code for code in column.guess.levels if code.casefold() not in known and number(code) is None]
        if words and column.guess.kind == "single":
            wave.recode[item] = dict.fromkeys(words, "")
        if scale.ordered and is_reversed(items[item], column):
            wave.reverse.append(item)


def _spoken(column: Column) -> dict[str, str]:
    """Words that several people have among the numbers of an item, such as 89 or older → the number in them."""
    return {
        words: found[0] if len(found := re.findall(r"\d+", words)) == 1 else ""
        for words, count in column.profile.counts.items()
        if number(words) is None and count >= FEWEST_WITH_WORDS and len(words) <= LONGEST_WORDS and not reason_of(words)
    }


def days(frame: pd.DataFrame, wave: WaveDraft, plan: Plan) -> tuple[str, str] | None:
    """First and last day on which several interviews began, None where the delivery does not say."""
    started = [column for column, item in wave.columns.items() if item in plan.single["started"].names]
    if not started:
        return None
    cells = frame[next(name for name in frame if str(name).strip() == started[0])].str.strip()
    moments = pd.to_datetime(cells[cells != ""], errors="coerce", format="mixed")
    counts = moments.dt.strftime("%Y-%m-%d").value_counts()
    busy = sorted(str(day) for day in counts.index[counts >= FEWEST_A_DAY])
    return (busy[0], busy[-1]) if busy else None


def long_form(frame: pd.DataFrame, wave: WaveDraft, items: Mapping[str, Column]) -> tuple[str, dict[str, WaveDraft]]:
    """The item that tells the waves of a file with a row a person and wave, and these waves.

    Returns: ("", {}) where each person stands once.
    """
    names = {item: column for column, item in wave.columns.items()}
    ids = [item for item, column in items.items() if (column.guess.kind, column.guess.role) == ("code", "respondent")]
    if not ids or items[ids[0]].profile.distinct > 0.98 * items[ids[0]].profile.answered:
        return "", {}
    by_name = {str(name).strip(): name for name in frame}
    for item, column in items.items():
        few = column.guess.role == "wave" and column.profile.answered == column.profile.rows
        if few and not frame.duplicated([by_name[names[ids[0]]], by_name[names[item]]]).any():
            because = (Because("with {respondent} it tells every row apart", respondent=ids[0]),)
            rest = {name: own for name, own in wave.columns.items() if own != item}
            ignore = {**wave.ignore, names[item]: because}
            return item, {
                code: replace(wave, rows={names[item]: code}, columns=rest, ignore=ignore)
                for code in sorted(column.profile.counts)
            }
    return "", {}
