"""Scales shared by items: the same codes and wordings make one scale, named by what its wordings speak of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from survey.draft.evidence import Guess
from survey.draft.lexicon import polarity
from survey.draft.profile import number

NAMES = (
    ("safety", r"安全|\bsafe"),
    ("satisfied", r"满意|satisf"),
    ("worry", r"担心|worr"),
    ("change", r"变好|变差|better|worse|more crime"),
    ("ease", r"方便|easy"),
    ("agree", r"同意|agree"),
    ("trust", r"信任|trust"),
    ("common", r"common"),
    ("heard", r"听说|heard"),
)
YES_NO = {"是", "否", "yes", "no", "有", "没有", "sí", "si"}
RANKED = ("education", "age", "income")


@dataclass(frozen=True)
class Scale:
    """Levels in their order, the missing codes met with them, and the items that use them.

    positive: the levels whose wording is good news, () where the wordings do not tell.
    """

    name: str
    levels: dict[str, str]
    missing: dict[str, str]
    ordered: bool
    positive: tuple[str, ...]
    items: tuple[str, ...]

    @property
    def worded(self) -> bool:
        """Whether every level has a wording."""
        return all(self.levels.values())


def scales(guesses: Mapping[str, Guess]) -> dict[str, Scale]:
    """The scales of single and multiple items, by name.

    Args: guesses: item name → guess, in the order of the file.
    """
    groups: dict[tuple[object, ...], list[str]] = {}
    for item, guess in guesses.items():
        if guess.kind in ("single", "multiple"):
            role = guess.role if guess.role not in ("", "other", "mode") or any(guess.levels.values()) else ""
            own = role if role and not any(guess.levels.values()) else guess.kind == "multiple"
            levels = sorted((code, _bare(words)) for code, words in guess.levels.items())
            groups.setdefault((own, *levels), []).append(item)
    found: dict[str, Scale] = {}
    for items in groups.values():
        scale = _scale(items, guesses, found)
        found[scale.name] = scale
    return found


def _bare(words: str) -> str:
    """A wording without what typists vary: case, signs, an "or" before the last one."""
    return re.sub(r"\W+", "", re.sub(r"^(or|and) ", "", words.strip().casefold()))


def _scale(items: list[str], guesses: Mapping[str, Guess], taken: Mapping[str, Scale]) -> Scale:
    levels = guesses[items[0]].levels
    missing: dict[str, str] = {}
    for item in items:
        missing |= {code: reason for code, reason in guesses[item].missing.items() if code not in levels}
    roles = {guesses[item].role for item in items}
    signs = {code: polarity(words) for code, words in levels.items()}
    both = {1, -1} <= set(signs.values()) and len(levels) > 2
    coded = all(number(code) is not None for code in levels)  # words come in no order but how often they are said
    name = _name(items, guesses, levels, both)
    while name in taken:
        stem, _, end = name.rpartition("_")
        name = f"{stem}_{int(end) + 1}" if stem and end.isdigit() and not name.startswith("codes") else f"{name}_2"
    return Scale(
        name=name,
        levels=levels,
        missing=missing,
        ordered=coded
        and guesses[items[0]].kind == "single"
        and (both or bool(roles & set(RANKED)) or _ranked(levels, roles)),
        positive=tuple(code for code, sign in signs.items() if sign > 0) if both else (),
        items=tuple(items),
    )


def _ranked(levels: Mapping[str, str], roles: set[str]) -> bool:
    """Codes without wording in an unbroken row of three to seven may be steps; wordings without a direction are not."""
    if any(levels.values()):
        return False
    return not roles - {""} and 3 <= len(levels) <= 7


def _name(items: list[str], guesses: Mapping[str, Guess], levels: Mapping[str, str], both: bool) -> str:
    wording = " ".join(levels.values())
    if levels and {words.casefold() for words in levels.values()} <= YES_NO:
        return "yes_no"
    role = guesses[items[0]].role
    if role and role != "other" and len({guesses[item].role for item in items}) == 1 and not both:
        return role
    for name, pattern in NAMES if both or len(items) > 1 else ():
        if re.search(pattern, wording, re.IGNORECASE):
            return name
    if len(items) == 1:
        return items[0]
    if any(levels.values()):
        return f"{items[0]}_scale"
    codes = list(levels)
    return f"codes_{re.sub('[^0-9a-z]+', '', codes[0].casefold())}_{re.sub('[^0-9a-z]+', '', codes[-1].casefold())}"
