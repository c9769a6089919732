"""Catalogues: every message translated, none fuzzy or left over, values kept, Chinese punctuation full-width."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from reports.language import LOCALES
from reports.render import TEMPLATES

VALUES = re.compile(r"%\((\w+)\)s|%%")
HAN = "[\u4e00-\u9fff]"


def messages() -> set[str]:
    """Every message of the code and the templates; of a plural pair the plural."""
    return {found if isinstance(found, str) else [part for part in found if part][-1] for found in _extracted()}


def _extracted() -> Iterator[str | tuple[str, ...]]:
    for path in sorted(TEMPLATES.parent.glob("*.py")):
        for _, _, found, _ in extract_python(io.BytesIO(path.read_bytes()), {"t": None, "nt": (1, 2)}, [], {}):
            yield found
    options = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
    for path in sorted(TEMPLATES.glob("*.html")):
        for _, _, found, _ in babel_extract(io.BytesIO(path.read_bytes()), {"_": None}, [], options):
            yield found


def translations(code: str) -> dict[str, str]:
    """Plural or only message → translation; fails on fuzzy ones."""
    pairs = {}
    for message in read_po(io.BytesIO((LOCALES / code / "LC_MESSAGES" / "anxin.po").read_bytes()), locale=code):
        if message.id:
            assert not message.fuzzy, message.id
            key = message.id if isinstance(message.id, str) else message.id[-1]
            pairs[key] = message.string if isinstance(message.string, str) else message.string[-1]
    return pairs


LANGUAGES = sorted(path.name for path in LOCALES.iterdir() if path.is_dir())


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_message_is_translated_and_none_is_left_over(code: str) -> None:
    found = translations(code)
    assert set(found) == messages()
    assert [key for key, text in found.items() if not text.strip()] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_value_is_kept(code: str) -> None:
    for key, text in translations(code).items():
        assert set(VALUES.findall(text)) - {""} == set(VALUES.findall(key)) - {""}, key
        assert "%" not in VALUES.sub("", text), key


def test_chinese_punctuation_is_full_width() -> None:
    for text in translations("zh").values():
        assert not re.search(rf"{HAN}[,;:?!()]|[,;:?!()]{HAN}", text), text
