"""Which column weights the answers: a ready weight by a stated rule, else what a base weight is made of."""

from __future__ import annotations

import re
from collections.abc import Mapping

from survey.draft.evidence import NOTHING, Because, Noted
from survey.draft.match import Column

HOUSEHOLD = re.compile(r"hog|house|hh|户|家庭")
PART = re.compile(r"com$|commune|comuna|replicate|bs\d+$")
DROPOUTS = re.compile(r"nr(?![a-z])|non_?resp|attrition|drop_?out|无应答|流失|脱落")
PANEL = re.compile(r"panel|pan(nr)?\d|longit|wave|追踪|跟踪|面板|第.[期轮波]")
ADULTS = re.compile(r"adult|岁以上.*人|成年|numadult|^crs\b", re.I)


def weights(columns: Mapping[str, Column]) -> tuple[Noted, Noted, Noted]:
    """The ready weight; or else the probabilities of selection, and what multiplies the base weight made of them."""
    guesses = {item: column.guess for item, column in columns.items()}
    found = [item for item, guess in guesses.items() if guess.role == "weight" and guess.kind == "number"]
    if found:
        best, *others = sorted(found, key=lambda item: preference(columns[item]))
        because = guesses[best].because
        if others:
            because += (
                Because(
                    "one of {count}, by this rule: persons before households, the whole before a part, corrected for "
                    "dropouts before not, of a panel the newest wave, then the fewest blanks",
                    count=len(found),
                ),
                Because("decide whether another is the right one: {columns}", columns=", ".join(others)),
            )
        return Noted((best,), because, tuple(others)), NOTHING, NOTHING
    inverse = [item for item, guess in guesses.items() if guess.role == "probability"]
    if not inverse:
        return NOTHING, NOTHING, NOTHING
    adults = [item for item, column in columns.items() if _counts_adults(column)]
    times = Noted(tuple(adults[:1]), (Because("one adult of a household answers"),)) if adults else NOTHING
    return NOTHING, Noted(tuple(inverse), guesses[inverse[0]].because), times


def preference(column: Column) -> tuple[bool, bool, bool, int, float, int]:
    """The order among weights, the smallest first: the rule that the evidence tells.

    Weights of a panel end in the waves that they are for (12, 123) or in the year of the newest: the larger number is
    the newer wave. Elsewhere a number at the end tells replicates or versions apart, and says nothing of the kind.
    """
    name = f"{column.profile.name} {column.profile.label}".strip().casefold()
    waves = re.search(r"\d+$", column.profile.name) if PANEL.search(name) else None
    return (
        HOUSEHOLD.search(name) is not None,
        PART.search(name) is not None,
        DROPOUTS.search(name) is None,
        -int(waves.group()) if waves else 0,
        round(1 - column.profile.answered / max(column.profile.rows, 1), 1),
        column.profile.position,
    )


def _counts_adults(column: Column) -> bool:
    named = ADULTS.search(f"{column.profile.name} {column.profile.label}".strip())
    return column.guess.kind == "number" and named is not None
