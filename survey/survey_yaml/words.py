"""Wordings that lack one of the survey's languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from survey.characters import INVISIBLE
from survey.codebook import Codebook
from survey.survey_yaml.references import Mistake, Path

WORDING = {"title", "publisher", "population", "method", "source", "limits", "label", "text", "definition"}
WORDING |= {"revision_note"}
WORDED = ("levels", "blocks", "exact", "breaks", "not_identifiers")
"""Keys under which every value is a wording."""
WORD = re.compile(r"[^\W\d_]{2}|[\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff]")
"""Two letters in a row, or one character of a script that writes a word with it."""


def unworded(book: Codebook) -> Iterator[Mistake]:
    """Wordings that lack a language, and words given once where several languages are declared."""
    stack: list[tuple[Path, Any]] = [((), book.model_dump(mode="python"))]
    while stack:
        path, node = stack.pop()
        if not isinstance(node, dict):
            continue
        worded = path and (path[-1] in WORDING or (len(path) > 1 and path[-2] in WORDED))
        if worded and node and path[-1] != "levels" and all(isinstance(value, str) for value in node.values()):
            yield from _lacking(path, node, book.languages)
        else:
            stack.extend(((*path, key), value) for key, value in node.items())


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
