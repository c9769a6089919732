"""Figures that are made of the same answers: where one of them hides a group, all hide it.

Indicators of one question add up (very safe + fairly safe = safe), item by item within a group, with no total between
them: hidden for one indicator, a group would follow from the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from survey.codebook import Codebook
from survey.disclosure.system import Key


def families(book: Codebook, items: Iterable[str]) -> dict[str, str]:
    """The question each figure is made of, for the figures that are made of a single one; a question is its own."""
    made = book.recipes()
    found = {}
    for item in dict.fromkeys(items):
        questions = [name for name in book.sources(item) if name not in made]
        found[item] = questions[0] if len(questions) == 1 else item
    return found


def siblings(hidden: Collection[Key], keys: Iterable[Key], family: dict[str, str]) -> set[Key]:
    """The cells of groups that another figure of the same question hides, by wave and breakdown.

    >>> both = {"very": "safe", "fairly": "safe"}
    >>> siblings([("w1", "very", "area", "6")], [("w1", "fairly", "area", "6"), ("w1", "fairly", "area", "5")], both)
    {('w1', 'fairly', 'area', '6')}
    """
    places = {(wave, family[item], by, group) for wave, item, by, group in hidden if by}
    return {key for key in keys if (key[0], family[key[1]], key[2], key[3]) in places} - set(hidden)
