"""What a drafted survey.yaml leaves to a person: values marked TODO, each told with what belongs there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from survey.survey_yaml.references import Mistake, Path

TODO = "TODO"
MARK = re.compile(r"TODO\b")
ANY_DAY = "2000-01-01"
# What belongs in a place, by its key.
WANTED = {
    "title": "the survey's title",
    "publisher": "who publishes the report",
    "population": "whom the figures speak of",
    "method": "mode, frame and selection of the interviews in a sentence",
    "start": "the first day of interviewing, such as 2026-04-01",
    "end": "the last day of interviewing, such as 2026-05-01",
    "definition": "how the figure is computed, in a sentence",
    "label": "two to six words for tables and charts",
    "levels": "the wording of {codes}",
    "counted": "the codes that count as yes",
    "of": "the item, or the items, it is made from",
    "recode": "which level {codes} is",
    "groups": "the codes of the item that mean complete, partial, refusal and so on",
}
HINTS = {
    "levels": "the questionnaire has it; a code that is no answer goes under `missing`",
    "start": "the field report has it",
    "end": "the field report has it",
}


def todos(content: Any) -> Iterator[Mistake]:
    """A mistake for each place that holds TODO; the codes of one scale, or of one item, together.

    >>> [(mistake.path, mistake.expected) for mistake in todos({"title": "TODO", "publisher": "City"})]
    [(('title',), "the survey's title")]
    """
    for path, codes in _places(content, ()).items():
        key = next((str(part) for part in reversed(path) if str(part) in WANTED), "")
        key = "counted" if path[0] in ("indicators", "derived") and key == "levels" else key
        yield Mistake(
            path,
            expected=WANTED.get(key, "a value that only a person can know"),
            got="TODO",
            hint=HINTS.get(key, "write it in the place of TODO"),
            codes=", ".join(codes),
        )


def filled(content: Any) -> Any:
    """The settings with something harmless in the place of each date to come, so that the rest can be looked at."""
    if isinstance(content, dict):
        return {
            key: ANY_DAY if key in ("start", "end") and _is_open(value) else filled(value)
            for key, value in content.items()
        }
    return [filled(value) for value in content] if isinstance(content, list) else content


def _is_open(value: Any) -> bool:
    return isinstance(value, str) and MARK.match(value) is not None


def _places(node: Any, path: Path) -> dict[Path, list[str]]:
    """Path → the codes that are open there; only `levels` and `recode` have codes."""
    if _is_open(node):
        within = "levels" in path[-2:-1] or "recode" in path[:-2] or isinstance(path[-1] if path else "", int)
        return {path[:-1]: [str(path[-1])]} if within else {path: []}
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    found: dict[Path, list[str]] = {}
    for key, child in children:
        for place, codes in _places(child, (*path, key)).items():
            found.setdefault(place, []).extend(codes)
    return found
