"""YAML text as a person would write it: short values on one line, comments above what they speak of."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from survey.characters import visible

HAN = re.compile("[\u4e00-\u9fff]")
WIDTH = 116


def dumped(root: CommentedMap) -> str:
    """YAML text of a mapping with its comments."""
    yaml = YAML()
    yaml.width, yaml.allow_unicode = 118, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(root, stream)
    return stream.getvalue()


def flow(value: Any) -> Any:
    """A value on one line, texts that YAML or a reader may take for something else in quotes."""
    if isinstance(value, Mapping):
        mapping = CommentedMap({plain(key): flow(child) for key, child in value.items()})
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list | tuple):
        sequence = CommentedSeq([flow(child) for child in value])
        sequence.fa.set_flow_style()
        return sequence
    return plain(value)


def plain(value: Any) -> Any:
    """Codes that are whole numbers as numbers, other texts quoted where they need it."""
    if isinstance(value, str) and value.lstrip("-").isdigit() and str(int(value)) == value:
        return int(value)
    if isinstance(value, str) and value.casefold() in ("yes", "no", "on", "off", "y", "n"):
        return DoubleQuotedScalarString(value)
    return value


def note(mapping: CommentedMap, key: str, text: str, indent: int) -> None:
    """A comment above a key."""
    if text:
        mapping.yaml_set_comment_before_after_key(key, before=wrapped(text, WIDTH - indent), indent=indent)


def wrapped(text: str, width: int) -> str:
    """A text on lines of a width; Chinese stays on one, for it has no blanks to break at.

    >>> wrapped("one of four, by this rule", 14)
    'one of four,\\nby this rule'
    """
    bare = visible(" ".join(text.split()))  # a file or a label may hold what YAML refuses, in a comment too
    return bare if HAN.search(bare) else "\n".join(textwrap.wrap(bare, width, break_long_words=False))
