"""Wordings that lack one of the survey's languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from survey.characters import INVISIBLE
from survey.codebook import Codebook
from survey.survey_yaml.references import Mistake, Path

WORD = re.compile(r"[^\W\d_]{2}|[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff]")
"""Two letters in a row, or one character of a script that writes a word with it."""


class Wording:
    """A wording in a dump; no mapping, which pydantic would make a plain one of."""

    def __init__(self, words: dict[str, str]) -> None:
        self.words = words


def unworded(book: Codebook) -> Iterator[Mistake]:
    """Wordings that lack a language, and words given once where several languages are declared."""
    stack: list[tuple[Path, Any]] = [((), book.model_dump(context={"words": Wording, "data": Wording}))]
    while stack:
        path, node = stack.pop()
        if isinstance(node, Wording):
            yield from _lacking(path, node.words, book.languages) if node.words else ()
        elif isinstance(node, dict | tuple):
            inner = node.items() if isinstance(node, dict) else enumerate(node)
            stack.extend(((*path, key), value) for key, value in inner)


def _lacking(path: Path, words: dict[str, str], languages: tuple[str, ...]) -> Iterator[Mistake]:
    if "" in words:
        if len(languages) > 1 and not same_in_every_language(words[""]):
            yield Mistake(
                path,
                expected="wording in {languages}",
                got="one text for all of them",
                hint="write {{zh: …, en: …}}; only numbers and signs such as 18–29 or 2026H1 may stand alone",
                languages=", ".join(languages),
            )
        return
    lacking = [language for language in languages if not INVISIBLE.sub("", words.get(language, "")).strip()]
    if lacking:
        yield Mistake(
            path,
            expected="wording in {languages}",
            got="none in {lacking}",
            hint="add it",
            languages=", ".join(languages),
            lacking=", ".join(lacking),
        )


def same_in_every_language(text: str) -> bool:
    """Whether a text holds no word that a reader of another language would miss.

    >>> [same_in_every_language(text) for text in ("18–29", "2026H1", "≥ 5", "C", "16 to 29", "是", "Yes")]
    [True, True, True, True, False, False, False]
    """
    return WORD.search(text) is None
