"""The words of the command line in the language of the terminal.

The messages are English templates with {named} values; other languages are gettext catalogues in flows/locale, read
as text (.po) when the first sentence is printed: English costs nothing, and no compiled file has to be kept in step.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from survey.errors import AnxinError

LOCALES = Path(__file__).parent / "locale"
# Words of ours that stand in tables or fill a template, by kind; any other value is the user's own and stays as it is.
WORDS: dict[str, tuple[str, ...]] = {
    "stage": (
        *("intake", "cleaning", "quality", "privacy", "weighting", "estimate"),
        *("compare", "model", "banner", "disclosure", "tables", "report", "publication"),
    ),
    "state": ("fresh", "stale", "missing"),
    "status": ("published", "tried", "stopped", "forgotten", "rolled back", "taken"),
    "arrival": ("taken", "already taken", "superseded", "waiting", "left alone"),
    "waiting": (
        "it went away while it was looked at",
        "its files are not those that its checksums name",
        "a part of it is lacking",
        "it was written to just now, and nothing beside it says that it is whole",
        "it is empty so far",
        "it is not yet what the checksum beside it speaks of",
        "it was written to while it was read",
    ),
    "stray": ("hidden", "link", "unknown"),
    "sound": (
        "one file of that name",
        "a file",
        "files alone",
        "a file with rows",
        "a checksum as sha256sum writes it",
        "the content that the checksum beside it speaks of",
        "the checksum that survey.yaml gives",
        "what lies in data/raw: a file or a folder",
    ),
    "found": (
        "several, in folders of their own",
        "a folder",
        "a link",
        "a folder or a link among them",
        "an empty file",
        "a file of checksums without that of this one",
        "another content",
        "another checksum",
        "a link or a device",
        "the other kind",
    ),
    "explained": (
        *("run", "version", "mean", "answers", "weights", "sampling units", "made again"),
        *("sample", "delivery", "rules", "artefacts"),
    ),
    "count": (
        *("delivered", "duplicates", "partial", "set_aside", "quarantined", "completes"),
        *("restored", "excluded"),
    ),
    "problem": (
        "duplicate",
        "conflicting_duplicate",
        "partial",
        "unusable",
        "unknown_level",
        "range",
        "type",
        "routing",
        "unanswered",
        "inconsistent",
        "outside_fieldwork",
        "near_duplicate",
        "reviewed",
        "recoded",
    ),
    "action": ("dropped", "quarantined", "set_missing", "kept", "recoded", "restored", "excluded"),
    "part": ("where", "expected", "got", "hint"),
    "what": ("wave", "language"),
    "rule": (
        *("is negative", "is negative or infinite", "is zero", "is zero for everybody"),
        *("is blank", "is blank or no number"),
    ),
    "role": (
        *("weight", "probability", "stratum", "psu", "interviewer", "disposition", "respondent", "count", "sex", "age"),
        *("district",),
        *("phone", "email", "address", "coordinates", "name", "birth", "id_number"),
    ),
    "likeness": (
        *("id number", "bank card", "phone", "plate", "email", "account", "network", "coordinates", "name", "address"),
    ),
    "frame": ("delivered", "cleaned", "protected", "weighted", "results"),
    "check": (
        *("text", "a level of the scale", "a number in the range of the item", "0, 1 or nothing", "a moment"),
        *("a weight of zero or more", "a known flag", "a number", "an interval whose ends are in order"),
        *("rows counted anew, so that none tells of the delivery", "the columns of this stage"),
    ),
    "known": ("none", "none yet"),
    "suffix": ("no ending",),
    "likely": ("no encoding",),
    "mark": ("comma", "semicolon", "tab", "bar"),
}


def terminal_language(environ: Mapping[str, str]) -> str:
    """zh or en: what ANXIN_LANG says, else the first of LC_ALL, LC_MESSAGES and LANG that is set.

    >>> terminal_language({"LANG": "zh_CN.UTF-8"}), terminal_language({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"})
    ('zh', 'en')
    """
    named = (environ.get(name, "") for name in ("ANXIN_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, named), "").lower().startswith("zh") else "en"


@lru_cache(maxsize=4)
def catalogue(language: str) -> Mapping[str, str]:
    """Message → translation of a language; empty for English, which the messages are written in."""
    path = LOCALES / language / "LC_MESSAGES" / "anxin.po"
    if not path.is_file():
        return {}
    from babel.messages.pofile import read_po

    with path.open("rb") as stream:
        messages = [message for message in read_po(stream) if message.id and message.string and not message.fuzzy]
    return {str(message.id): str(message.string) for message in messages}


def translator(language: str) -> Callable[[str], str]:
    """Translates a template into a language; one that the catalogue lacks stays English."""
    return lambda message: catalogue(language).get(message, message) if message else ""


def t(message: str, **values: object) -> str:
    """The sentence in the terminal's language, with its values.

    >>> t("{count} of what no catalogue knows", count=3)
    '3 of what no catalogue knows'
    """
    template = translator(terminal_language(os.environ))(message)
    return template.format(**values) if values else template


def word(kind: str, value: str) -> str:
    """A value in the terminal's language when it is one of our own words of that kind, else as it is.

    >>> word("count", "weighting")
    'weighting'
    """
    return t(value) if value in WORDS.get(kind, ()) else value


def told(fault: AnxinError) -> list[str]:
    """The lines of a fault in the terminal's language, the title first; then what else is wrong."""
    title, *lines = _lines(fault)
    for other in fault.others:
        own, *more = _lines(other)
        lines += ["", *([own] if own != title else []), *more]
    return [title, *lines]


def _lines(fault: AnxinError) -> list[str]:
    fault.values = {name: word(name, value) for name, value in fault.values.items()}
    parts = fault.parts(t)
    title = parts.pop("title")
    return [title, *("  " + t("{part}: {text}", part=t(part), text=text) for part, text in parts.items())]


def padded(text: str, columns: int, right: bool = False) -> str:
    """Text filled up to a number of terminal columns, where a Chinese character takes two.

    >>> padded("清洗", 6) + "|", padded("rows", 6, right=True)
    ('清洗  |', '  rows')
    """
    taken = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    gap = " " * (columns - taken)
    return gap + text if right else text + gap
