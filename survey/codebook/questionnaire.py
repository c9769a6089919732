"""The questionnaire: scales, items, what is derived from them, and what became of each case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from survey.codebook.base import Code, DataWords, Name, Reason, Strict, Words, number_code


class Scale(Strict):
    """The answers one question offers, in their order."""

    levels: dict[Code, DataWords]
    """Code → wording by language, in the order of the questionnaire; a delivery may hold the one or the other."""
    missing: dict[Code, Reason] = {}
    """Code → why there is no answer."""
    ordered: bool = True
    """Whether the order of the levels means more or less of something (drawn as a Likert bar)."""
    positive: tuple[Code, ...] = ()
    """The levels that count as a good answer (top-two-box); colours and stacking follow them."""


class Item(Strict):
    """One question, or one column of paradata, design or identity."""

    kind: Literal["single", "multiple", "number", "code", "time", "text", "identifier"] = "single"
    """single: one level of a scale; multiple: several levels in one cell; number; code: an id that may be
    pseudonymised; time: a moment; text: free text, never kept; identifier: names, numbers, addresses, never kept."""
    block: Name = "other"
    """The chapter of the questionnaire; blocks are worded under `blocks`."""
    scale: Name | None = None
    """Name of the scale of a single or multiple item."""
    text: Words = {}
    """The question as it was asked."""
    label: Words = {}
    """Two to six words for tables and charts."""
    range: tuple[float, float] | None = None
    """Smallest and largest plausible number, both allowed."""
    missing: dict[Code, Reason] = {}
    """Missing codes of a number, or further ones of this item."""
    separator: str = ";"
    """What stands between the codes of a multiple item."""
    asked_if: dict[Name, tuple[Code, ...]] = {}
    """Routing: asked only of those whose answer to each named item is among the codes."""
    unasked: tuple[Code, ...] = ()
    """Codes that the delivery holds where routing left the question out, such as a 0 for the other sex."""
    required: bool = False
    """An interview that did not come to this question is partial and is quarantined (`cleaning.min_complete`)."""


class Theme(Strict):
    """What free texts may touch on."""

    label: Words
    """Two to six words for tables and charts."""
    words: tuple[str, ...] = ()
    """A text that holds one of them touches the theme; none: the texts that touch no other theme."""


class Recipe(Strict):
    """A variable made from others by one of a closed set of recipes."""

    recipe: Literal["band", "collapse", "share", "any", "coalesce", "index", "themes"]
    """band: a number cut at `edges`; collapse: levels of one item joined by `to`; share: proportion of the answered
    items whose answer is among `levels`; any: 1 if one of the items is among `levels`; coalesce: the first answered;
    index: mean of the answered items' `scores`, moved to 0-100 so that the lowest score is 0 and the highest 100;
    themes: a question with several answers made from a free text, whose levels are `themes`."""
    of: Annotated[tuple[Name, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]
    """The item or items it is made from."""
    levels: tuple[Code, ...] = ()
    """share, any: the codes that count."""
    edges: tuple[float, ...] = ()
    """band: lower bounds of the bands, ascending; the last band is open."""
    to: dict[Code, tuple[Code, ...]] = {}
    """collapse: new code → old codes."""
    scores: dict[Code, float] = {}
    """index: code → score; a level without one counts as no answer."""
    themes: dict[Name, Theme] = {}
    """themes: what the texts are counted under, in the order of tables; the text itself never passes."""
    scale: Name | None = None
    """band, collapse, coalesce: the scale that words the result."""
    min_answered: Annotated[int, Field(ge=1)] | None = None
    """Fewest answers among the items for a result; left out, share and index need one, and any needs all of them to
    say no."""
    label: Words = {}
    """Two to six words for tables and charts."""


class Indicator(Recipe):
    """A headline figure: the mean of a share or any recipe, with its definition in words."""

    recipe: Literal["share", "any"]
    definition: Words
    """How it is computed, printed in the report, because the same word is computed differently from city to city."""
    better: Literal["higher", "lower"] = "higher"
    """Which direction is good news."""
    weight: Name | None = None
    """Number item with the ready weight of this figure, where it speaks of another unit than persons (households)."""


AAPOR = {
    "complete": "1.1",
    "partial": "1.2",
    "refusal": "2.1",
    "noncontact": "2.2",
    "other": "2.3",
    "unknown": "3",
    "ineligible": "4",
}
"""Our groups of final dispositions and AAPOR's codes of them."""


class Disposition(Strict):
    """Paradata from which response rates follow."""

    item: Name
    """Item with the final disposition of each case; a case counted as complete is an interview."""
    groups: dict[
        Literal["complete", "partial", "refusal", "noncontact", "other", "unknown", "ineligible"], tuple[Code, ...]
    ]
    """AAPOR group → codes of the item."""
    eligibility: Annotated[float, Field(ge=0, le=1)] | None = None
    """e of RR3; estimated from the resolved cases when left out."""


def filled_codes(recode: Mapping[str, str], scale: Scale | None) -> list[str]:
    """Levels that a recode makes of another number and does not list: delivered, they would be mixed with that one.

    Words may become the code that stands beside them; that cannot be a slip of the numbering.
    """
    made = {new for old, new in recode.items() if _is_number(old) and number_code(old) != new}
    return [level for level in scale.levels if level in made and level not in recode] if scale else []


def _is_number(text: str) -> bool:
    return text.strip().lstrip("-").replace(".", "", 1).isdecimal()
