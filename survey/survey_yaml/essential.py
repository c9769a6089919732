"""Items without which a wave has no place in the survey, listed as not asked in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from survey.codebook import Codebook
from survey.survey_yaml.references import Mistake

Likely = Callable[[Codebook, str, str], str]
"""Codebook, wave, item → the delivered column of that wave that looks like the item, "" where nobody can tell."""


def unknown(book: Codebook, wave: str, item: str) -> str:
    """No column: nobody has looked at the deliveries."""
    return ""


def unasked(book: Codebook, likely: Likely = unknown) -> Iterator[Mistake]:
    """Items that design, weighting, dispositions or the respondent's id need and a wave lists under `not_asked`.

    A derived variable is there as long as one of the items that it is made from is asked.
    """
    for wave, settings in book.waves.items():
        told = set[str]()
        for variable, key in book.essentials().items():
            if book.asks(variable, wave):
                continue
            for item in (item for item in settings.not_asked if item in book.sources(variable) - told):
                told.add(item)
                near = likely(book, wave, item)
                yield Mistake(
                    ("waves", wave, "not_asked", settings.not_asked.index(item)),
                    expected="{item} in wave {wave}: `{key}` needs it",
                    got="an item that was not asked",
                    hint="map it under `columns`: `{near}` looks like it" if near
                    else "map it under `columns` of the wave, or take it out of `{key}`",
                    item=item,
                    wave=wave,
                    key=key,
                    near=near,
                )  # fmt: skip
