"""Text of survey.yaml → Codebook; every mistake is told with its line, what was expected, what was found and a hint."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from survey.codebook import Codebook, Recipe
from survey.errors import CodebookError
from survey.survey_yaml.cleaning import cleaning_mistakes
from survey.survey_yaml.essential import Likely, unasked, unknown
from survey.survey_yaml.microdata import microdata_mistakes
from survey.survey_yaml.overrides import overridden
from survey.survey_yaml.places import place_mistakes
from survey.survey_yaml.references import Mistake, Path, nearest, references
from survey.survey_yaml.times import time_mistakes
from survey.survey_yaml.todo import filled, todos
from survey.survey_yaml.unwritable import unreadable, unwritable
from survey.survey_yaml.weights import weights
from survey.survey_yaml.words import unworded

# What pydantic wanted, by the type of its error, in words that a catalogue can translate.
WANTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "date_from_datetime_parsing": "a date such as 2026-04-01",
    "date_parsing": "a date such as 2026-04-01",
    "date_type": "a date such as 2026-04-01",
    "dict_type": "keys with values",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of {ge} or more",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than_equal": "a number of {le} or less",
    "literal_error": "one of {known}",
    "model_type": "keys with values",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "string_type": "a text",
    "too_long": "at most {max_length} values",
    "tuple_type": "a list",
    "value_error": "a last day that is not before the first",
}

RECIPES = get_args(Recipe.model_fields["recipe"].annotation)


def parse(
    text: str, name: str = "survey.yaml", likely: Likely = unknown, overrides: Mapping[str, Any] | None = None
) -> Codebook:
    """Codebook of the text of a survey.yaml.

    Args: text: YAML 1.2.   name: file name for messages.   likely: finds the delivered column of an item that a wave
    lacks, for hints.   overrides: keys joined by dots → value that stands in place of the file's, for one run.
    Raises: CodebookError: not YAML, a control character, a key twice, an unknown key, a wrong value, a name that
    nothing defines, a wording that a language lacks, an item that a wave cannot do without, or a TODO left open;
    `others` holds all but the first of them.
    """
    try:
        content = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        raise _syntax(error, name) from None
    except (YAMLError, ValueError) as error:
        raise unreadable(error, text, name) from None
    if not isinstance(content, dict):
        raise CodebookError("{name} is empty", where="{name}", expected="a survey's settings", name=name)
    content = overridden(content, overrides or {})
    unwritten = list(unwritable(content))
    if unwritten:
        raise _told(unwritten, text, name)
    mistakes = list(todos(content))
    left_open = {mistake.path for mistake in mistakes}
    try:
        book = Codebook.model_validate(filled(content))
        found = [*references(book), *cleaning_mistakes(book), *weights(book), *unworded(book)]
        found += [*microdata_mistakes(book), *place_mistakes(book), *time_mistakes(book)]
        found += unasked(book, likely) if not found else ()  # what nothing defines cannot be sought
    except ValidationError as error:
        found = [_from_pydantic(detail) for detail in error.errors()]
    mistakes += [mistake for mistake in found if left_open.isdisjoint(_above(mistake.path))]
    if mistakes:
        raise _told(mistakes, text, name)
    return book


def _above(path: Path) -> list[Path]:
    return [path[:length] for length in range(len(path) + 1)]


def _syntax(error: MarkedYAMLError, name: str) -> CodebookError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    twice = isinstance(error, DuplicateKeyError)
    return CodebookError(
        "{name} is not as it should be",
        where="{name} line {line}, column {column}",
        expected="every key once" if twice else "valid YAML",
        got="{found}",
        hint="rename or delete one of the two"
        if twice
        else "look at the indentation; inside {{ }} quote a text that holds , : ? or quotes",
        name=name,
        line=line,
        column=column,
        found=str(error.problem or error.context).split("\n")[0],
    )


def _told(mistakes: Sequence[Mistake], text: str, name: str) -> CodebookError:
    """One fault that holds all mistakes in the order of the file, each with its line."""
    root = YAML(typ="rt").load(text)
    lines = {mistake: _line(root, mistake.path) for mistake in mistakes}
    first, *others = [_fault(mistake, lines, name) for mistake in sorted(mistakes, key=lambda each: lines[each])]
    first.others = tuple(others)
    return first


def _fault(mistake: Mistake, lines: dict[Mistake, int], name: str) -> CodebookError:
    values = {"name": name, "count": len(lines), "line": lines[mistake]}
    return CodebookError(
        "{name} is not as it should be: {count} to mend",
        where="{name} line {line}, {path}" if mistake.path else "{name} line {line}",
        expected=mistake.expected,
        got=mistake.got,
        hint=mistake.hint,
        path=".".join(map(str, mistake.path)),
        **{**mistake.values, **values},
    )


def _line(node: Any, path: Path) -> int:
    """Line (from 1) of the place that a path of keys names; of its nearest parent when it is not there."""
    line = 0
    for key in path:
        matching = next((own for own in node if str(own) == str(key)), None) if hasattr(node, "keys") else key
        try:
            line = node.lc.key(matching)[0] if hasattr(node, "keys") else node.lc.item(matching)[0]
            node = node[matching]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return int(line) + 1


def _from_pydantic(detail: Any) -> Mistake:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), _keys_beside(path), n=1)
        hint = "did you mean {near}?" if near else "delete it, or see `anxin schema` for the keys there are"
        return Mistake(
            path, expected="a known key", got="the unknown key {key}", hint=hint, key=path[-1], near=nearest(near)
        )
    if kind == "missing" and isinstance(path[-1], int):
        hint = "`anxin schema` explains every key"
        return Mistake(path[:-1], expected="more values in this list", got="only {count}", hint=hint, count=path[-1])
    if kind == "missing":
        hint = "add it; `anxin schema` explains every key"
        return Mistake(path, expected="the key {key}", got="nothing", hint=hint, key=path[-1])
    if kind == "literal_error" and path[0] == "indicators" and path[-1] == "recipe" and detail["input"] in RECIPES:
        return Mistake(
            path,
            expected="share or any: a headline figure is a share, told in percent and points",
            got="{found}",
            hint="put it under `derived`, where a model can take it as its outcome; a headline counts levels of items",
            found=detail["input"],
        )
    return Mistake(
        path,
        expected=WANTED.get(kind, "{said}"),
        got="{found}",
        hint="`anxin schema` explains every key",
        found=f"{detail['input']!r}"[:80],
        said=detail["msg"],
        known=str(context.get("expected")).replace(" or ", ", "),
        **{limit: context.get(limit) for limit in ("gt", "ge", "le", "pattern", "max_length")},
    )


def _keys_beside(path: Path) -> list[str]:
    """The keys that are allowed where an unknown one was found, from the JSON Schema."""
    schema = Codebook.model_json_schema()
    node: Any = schema
    for part in path[:-1]:
        node = _resolve(node, schema)
        named = next(iter(node.get("patternProperties", {}).values()), None)
        node = (
            node.get("properties", {}).get(part) or named or node.get("additionalProperties") or node.get("items") or {}
        )
    return list(_resolve(node, schema).get("properties", {})) if isinstance(node, dict) else []


def _resolve(node: Any, schema: dict[str, Any]) -> Any:
    for option in [node, *node.get("anyOf", [])] if isinstance(node, dict) else []:
        if "$ref" in option:
            return schema["$defs"][option["$ref"].rsplit("/", 1)[-1]]
    return node
