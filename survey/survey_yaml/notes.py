"""notes.<wave>.yaml: sentences of a reviewer, in every language of the report, that hold figures only by reference.

    headline:
      finding: {zh: …, en: "{sense_of_security} stands at {sense_of_security.share}."}   # takes the place of the rule's
      add:
        - {zh: …, en: "In {district=3} it is {sense_of_security.share@district=3}."}     # stands below the finding

A reference is {wave}, {previous} or {year_before}; {variable}, its name; {variable=code}, an answer's or area's name;
{indicator.figure} or {indicator.figure@variable=code} with a figure of `FIGURES`. What is typed as a number drifts
from the figures with the next correction, so digits and Chinese percentages are refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from survey.codebook import Codebook
from survey.codebook.base import Strict, Words
from survey.survey_yaml import _from_pydantic, _syntax, _told
from survey.survey_yaml.references import Mistake, Path, _unknown
from survey.survey_yaml.unwritable import unreadable, unwritable

Block = Literal["headline", "points", "trend", "answers", "areas", "groups", "drivers", "changes", "method"]
FIGURES = (
    "share", "interval", "change", "change_interval", "change_told", "year_change", "year_change_interval",
    "year_change_told", "difference", "difference_interval",
)  # fmt: skip
MOMENTS = ("wave", "previous", "year_before")
REFERENCE = re.compile(r"\{([^{}]*)\}")
PARTS = re.compile(r"(?P<name>[a-z][a-z0-9_]*)(?:\.(?P<figure>\w+))?(?:@(?P<by>[a-z][a-z0-9_]*)=(?P<group>[^{}@]+))?")
LEVEL = re.compile(r"(?P<name>[a-z][a-z0-9_]*)=(?P<level>[^{}@]+)")
SPELT = re.compile("百分之|[〇零一二三四五六七八九十百千万亿两几]+(?:成(?![群立])|个百分点|个点|%|％)")


class Note(Strict):
    """What a reviewer says about one block."""

    finding: Words = Field(default_factory=dict)
    """Takes the place of the block's finding."""
    add: tuple[Words, ...] = ()
    """Sentences below the finding; of `points`, points that come first."""


@dataclass(frozen=True)
class Notes:
    """The notes on one wave, and the name of their file for messages."""

    blocks: dict[str, Note]
    name: str = "notes.yaml"


@dataclass(frozen=True)
class Reference:
    """What one pair of braces stands for: a figure, a name, a level's name, or a wave."""

    name: str
    figure: str = ""
    by: str = ""
    group: str = ""
    level: str = ""


def reference(text: str) -> Reference | None:
    """The parts of a reference, without its braces; None where it has another form.

    >>> reference("safe.share@district=3")
    Reference(name='safe', figure='share', by='district', group='3', level='')
    >>> reference("district=3").level, reference("87 %")
    ('3', None)
    """
    found = LEVEL.fullmatch(text.strip()) or PARTS.fullmatch(text.strip())
    return Reference(**{key: value or "" for key, value in found.groupdict().items()}) if found else None


def read_notes(text: str, book: Codebook, name: str = "notes.yaml") -> Notes:
    """Notes of the text of a notes.<wave>.yaml; empty text gives none.

    Raises: CodebookError: not YAML, a control character, an unknown block or key, a language missing, a number typed
    literally, or a reference to something that survey.yaml does not define; `others` holds all but the first of them.
    """
    try:
        content = YAML(typ="safe").load(text) if text.strip() else None
    except MarkedYAMLError as error:
        raise _syntax(error, name) from None
    except (YAMLError, ValueError) as error:
        raise unreadable(error, text, name) from None
    if content is None:
        return Notes({}, name)
    unwritten = list(unwritable(content))
    if unwritten:
        raise _told(unwritten, text, name)
    try:
        blocks: dict[str, Note] = TypeAdapter(dict[Block, Note]).validate_python(content)  # type: ignore[assignment]
    except ValidationError as error:
        raise _told([_from_pydantic(detail) for detail in error.errors()], text, name) from None
    mistakes = [fault for path, words in _sentences(blocks) for fault in _faults(path, words, book)]
    if mistakes:
        raise _told(mistakes, text, name)
    return Notes(blocks, name)


def _sentences(blocks: dict[str, Note]) -> Iterator[tuple[Path, dict[str, str]]]:
    for block, note in blocks.items():
        if note.finding:
            yield (block, "finding"), note.finding
        yield from (((block, "add", number), words) for number, words in enumerate(note.add))


def _faults(path: Path, words: dict[str, str], book: Codebook) -> Iterator[Mistake]:
    """What is wrong with one sentence."""
    lacking = [language for language in book.languages if not words.get(language, "").strip()]
    if lacking:
        yield Mistake(path, expected="wording in {languages}", got="none in {lacking}", hint="add it",
                      languages=", ".join(book.languages), lacking=", ".join(lacking))  # fmt: skip
    if path == ("points", "finding"):
        yield Mistake(path, expected="`add:`", got="`finding:`", hint="the points have no finding of their own")
    for language, text in words.items():
        place = (*path, language)
        literal = REFERENCE.sub(" ", text)
        typed = "".join(char for char in literal if unicodedata.category(char).startswith("N"))
        spelt = SPELT.findall(literal)
        if typed or spelt:
            yield Mistake(
                place,
                expected="every number by reference, such as {{{example}}}",
                got="{found}",
                hint="a number typed here would not move with the figures; write the reference instead",
                found=typed or spelt[0],
                example=f"{next(iter(book.indicators))}.share",
            )
        if "{" in literal or "}" in literal:
            yield Mistake(place, expected="braces in pairs", got="a single one", hint="close the reference")
        for inside in REFERENCE.findall(text):
            yield from _reference(place, inside, book)


def _reference(path: Path, text: str, book: Codebook) -> Iterator[Mistake]:
    """What is wrong with one reference."""
    found = reference(text)
    if found is None:
        yield Mistake(
            path,
            expected="a reference such as {{{example}}}",
            got="{{{found}}}",
            hint="docs/methods/changes.md lists the forms there are",
            found=text,
            example=f"{next(iter(book.indicators))}.share",
        )
        return
    variables = [*book.items, *book.recipes()]
    if found.figure:
        shares = [*book.indicators, *book.derived]
        yield from _unknown(path, found.name, shares, "the name of an indicator or a derived variable")
        yield from _unknown(path, found.figure, FIGURES, "one of the figures")
    elif found.name not in MOMENTS:
        yield from _unknown(path, found.name, variables, "the name of a variable")
    for variable, code in ((found.by, found.group), (found.name, found.level)):
        if code:
            yield from _unknown(path, variable, variables, "the name of a variable")
            scale: Any = book.scale_of(variable)
            yield from _unknown(path, code, list(scale.levels) if scale else ["0", "1"],
                                "the name of a level of {variable}", variable)  # fmt: skip
