"""Draft: delivered files → what survey.yaml would say of them, each guess with its evidence.

Pure: frames and the files' own labels in, a `Draft` out; flows writes it down. A guess is a proposal to a person, who
knows the questionnaire; what only a person can know is left open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from survey.draft.evidence import Because, Guess, Noted
from survey.draft.kinds import guess
from survey.draft.lexicon import ROLES
from survey.draft.match import Column, Match, match
from survey.draft.plan import Plan, plan
from survey.draft.profile import profile
from survey.draft.scales import Scale, scales
from survey.draft.waves import WaveDraft, codes, days, long_form
from survey.intake import Dictionary, Provenance

__all__ = [
    "Because",
    "Column",
    "Delivery",
    "Draft",
    "Guess",
    "Match",
    "Noted",
    "Plan",
    "Scale",
    "WaveDraft",
    "columns_of",
    "draft",
]

NAME = re.compile(r"[a-z][a-z0-9_]*")
HAN = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Delivery:
    """One delivered file as intake read it, and how. `sheet`: of a workbook, when it is not the first."""

    wave: str
    file: str
    frame: pd.DataFrame
    dictionary: Dictionary = field(default_factory=Dictionary)
    sheet: str | None = None
    provenance: Provenance | None = None


@dataclass(frozen=True)
class Draft:
    """All that is guessed of a survey. `items`: item → the column that its guess rests on."""

    language: str
    items: dict[str, Column]
    scales: dict[str, Scale]
    plan: Plan
    waves: dict[str, WaveDraft]
    sets: dict[str, tuple[str, ...]]
    """Common beginning of the names → 0/1 items that belong together."""


def draft(deliveries: Sequence[Delivery]) -> Draft:
    """The draft of a survey from its deliveries, the oldest first."""
    columns = {delivery.wave: columns_of(delivery.frame, delivery.dictionary) for delivery in deliveries}
    main = max(deliveries, key=lambda delivery: _telling(columns[delivery.wave]))
    items = {name: column for name, column in _named(columns[main.wave], {}).items() if column.guess.kind != "ignore"}
    waves: dict[str, WaveDraft] = {}
    for delivery in [main, *(other for other in reversed(deliveries) if other is not main)]:
        waves[delivery.wave] = _wave(delivery, columns[delivery.wave], items)
    for wave in waves.values():
        delivered = set(wave.columns.values())
        wave.not_asked = [item for item in items if item not in delivered]
    inside, several = long_form(main.frame, waves[main.wave], items) if len(deliveries) == 1 else ("", {})
    items.pop(inside, None)
    found = scales({item: column.guess for item, column in items.items()})
    for delivery in deliveries:
        codes(waves[delivery.wave], {c.name: c for c in columns[delivery.wave]}, items, found)
    own = {item: items[item] for item in waves[main.wave].columns.values() if item in items}
    planned = plan(items, own, main.frame.rename(columns=str.strip), found)
    words = "".join(
        f"{column.name}{column.profile.label}{''.join(column.guess.levels.values())}" for column in items.values()
    )
    language = "zh" if HAN.search(words) else "en"
    ordered = {delivery.wave: waves[delivery.wave] for delivery in deliveries}
    for delivery in deliveries:
        ordered[delivery.wave].fieldwork = days(delivery.frame, ordered[delivery.wave], planned)
    return Draft(language, items, found, planned, several or ordered, _sets(items))


def columns_of(frame: pd.DataFrame, dictionary: Dictionary) -> list[Column]:
    """Every column of a frame as delivered, with what it is taken for."""
    found = []
    for place, name in enumerate(map(str, frame.columns)):
        figures = profile(
            frame[name], name, dictionary.labels.get(name, ""), dictionary.values.get(name, {}),
            tuple(dictionary.missing.get(name, ())),
        )  # fmt: skip
        figures.__dict__["position"] = place
        found.append(Column(figures, guess(figures)))
    return found


def _telling(columns: Sequence[Column]) -> tuple[bool, int, int]:
    """How much a delivery tells by itself: labels of codes, names that may stay, columns in use."""
    labelled = sum(bool(column.profile.values) for column in columns) > len(columns) / 4
    used = [column for column in columns if column.guess.kind != "ignore"]
    readable = sum(NAME.fullmatch(column.name) is not None for column in used)
    return labelled, readable, len(used)


def _named(columns: Sequence[Column], taken: Mapping[str, Column]) -> dict[str, Column]:
    """Columns under names that survey.yaml allows: their own, else what they are about, else their place."""
    named: dict[str, Column] = {}
    for column in columns:
        name = re.sub(r"[^a-z0-9]+", "_", column.name.casefold()).strip("_")
        if HAN.search(column.name):
            role = column.guess.role
            name = (
                role
                if role in ROLES and role not in ("count", "other", "comment")
                else f"q{column.profile.position + 1}"
            )
        elif not name or not name[0].isalpha():
            name = f"q_{name}".rstrip("_")
        free, number_of = name, 2
        while free in named or free in taken:
            free, number_of = f"{name}_{number_of}", number_of + 1
        named[free] = column
    return named


def _wave(delivery: Delivery, columns: Sequence[Column], items: dict[str, Column]) -> WaveDraft:
    """The renames of a delivery; what no item is like becomes an item of its own."""
    wave = WaveDraft(
        delivery.file, delivery.sheet, "," if any(column.profile.marked == "," for column in columns) else "."
    )
    wave.ignore = {column.name: column.guess.because for column in columns if column.guess.kind == "ignore"}
    used = [column for column in columns if column.guess.kind != "ignore"]
    item_of = {id(column): item for item, column in items.items()}
    for pair in match(list(items.values()), columns):
        item = item_of[id(pair.one)]
        wave.columns[pair.two.name] = item
        wave.ignore.pop(pair.two.name, None)
        if pair.because:
            wave.why[pair.two.name] = pair.because
    fresh = _named([column for column in used if column.name not in wave.columns], items)
    for item, column in fresh.items():
        items[item] = column
        wave.columns[column.name] = item
    return wave


def _sets(items: Mapping[str, Column]) -> dict[str, tuple[str, ...]]:
    """0/1 items whose names begin alike: the answers of one question, a column each."""
    groups: dict[str, list[str]] = {}
    for item, column in items.items():
        if set(column.guess.levels) == {"0", "1"} and not column.guess.role:
            stem = re.sub(r"_?\d+$", "", item) if item[-1].isdigit() else item.rpartition("_")[0]
            while stem.count("_") > 1:
                stem = stem.rpartition("_")[0]
            if stem:
                groups.setdefault(stem, []).append(item)
    return {stem: tuple(group) for stem, group in groups.items() if len(group) > 2}
