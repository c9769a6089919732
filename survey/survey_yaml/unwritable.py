"""Characters that nobody writes and that no report can show, in the text of a YAML file and in its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ruamel.yaml.reader import ReaderError

from survey.characters import FORBIDDEN, code_point
from survey.errors import CodebookError
from survey.survey_yaml.references import Mistake, Path

EXPECTED = "text without control characters"
HINT = "delete it; it may have come along when the text was copied"
DELIVERED = {"columns", "ignore", "rows", "recode", "missing", "multiple", "delimiter", "separator", "sheet", "member"}
"""Keys that quote a delivery as it is; the report shows none of them."""


def unreadable(error: Exception, text: str, name: str) -> CodebookError:
    """The fault of a file that is no YAML at all, with the line of a character that may not stand in one."""
    if not isinstance(error, ReaderError):
        return CodebookError("{name} cannot be read", where="{name}", got="{found}", name=name, found=str(error)[:200])
    line = text.count("\n", 0, text.find(chr(error.character))) + 1
    return CodebookError(
        "{name} cannot be read", where="{name} line {line}", expected=EXPECTED, got="{found}", hint=HINT,
        name=name, line=line, found=code_point(chr(error.character)),
    )  # fmt: skip


def unwritable(node: Any, path: Path = ()) -> Iterator[Mistake]:
    r"""Keys and values that hold a character which YAML lets in only as an escape, such as "\0" or "\ud800".

    >>> [found.values["found"] for found in unwritable({"title": {"en": "a\x1b[31m", "zh": "b\tc"}})]
    ['U+001B']
    """
    if len(path) == 3 and path[0] in ("waves", "items", "scales") and path[2] in DELIVERED:
        return
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _faults(key, (*path, key))
            yield from unwritable(value, (*path, key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from unwritable(value, (*path, place))
    else:
        yield from _faults(node, path)


def _faults(text: Any, path: Path) -> Iterator[Mistake]:
    if isinstance(text, str) and (bad := FORBIDDEN.search(text)):
        yield Mistake(path, expected=EXPECTED, got="{found}", hint=HINT, found=code_point(bad[0]))
