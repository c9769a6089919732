"""Which delivered column of a wave is likely an item that survey.yaml does not find there; names only, never cells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from survey.errors import AnxinError

if TYPE_CHECKING:
    from survey.codebook import Codebook, Wave
    from survey.draft import Column
    from survey.survey_yaml.essential import Likely


def likely(source: Path) -> Likely:
    """A search among the deliveries in a folder, which are read when something is sought, each once."""

    known: dict[str, tuple[Column, ...]] = {}

    def columns(book: Codebook, wave: str) -> tuple[Column, ...]:
        if wave not in known:
            known[wave] = _columns(source, book.waves[wave])
        return known[wave]

    def column(book: Codebook, wave: str, item: str) -> str:
        asking = [other for other in book.waves if other != wave and book.asks(item, other)]
        for other in reversed(asking):
            found = _renamed(columns(book, other), columns(book, wave), book.waves[other].columns)
            if item in found:
                return found[item]
        return ""

    return column


def _columns(source: Path, wave: Wave) -> tuple[Column, ...]:
    """The columns of a delivery; none where it cannot be read, for that is told where it is needed."""
    from survey.draft import columns_of
    from survey.intake import dictionary, read

    path = source / wave.file
    try:
        frame, _ = read(path, wave)
        return tuple(columns_of(frame, dictionary(path, wave)))
    except AnxinError:
        return ()


def _renamed(one: tuple[Column, ...], two: tuple[Column, ...], names: Mapping[str, str]) -> dict[str, str]:
    """Item → the delivered column of the second delivery that looks like it under another name."""
    from survey.differences import differences

    pairs = differences(one, two).renamed
    return {names.get(pair.one.name, pair.one.name): pair.two.name for pair in pairs}
