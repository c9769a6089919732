"""Text of survey.yaml → Codebook; every mistake is told with its line, what was expected, what was found and a hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from survey.codebook import Codebook, Recipe
from survey.errors import CodebookError

Path = tuple[str | int, ...]
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
    "tuple_type": "a list",
    "value_error": "a last day that is not before the first",
}


class Mistake:
    """What is wrong at one place of survey.yaml: templates, and the values that fill them."""

    def __init__(self, path: Path, *, expected: str, got: str, hint: str, **values: object) -> None:
        self.path, self.expected, self.got, self.hint, self.values = path, expected, got, hint, values


def parse(text: str, name: str = "survey.yaml") -> Codebook:
    """Codebook of the text of a survey.yaml.

    Args: text: YAML 1.2.   name: file name for messages.   Raises: CodebookError: not YAML, a key twice, an unknown
    key, a wrong value, or a name that nothing defines.
    """
    try:
        content = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        raise _syntax(error, name) from None
    except (YAMLError, ValueError) as error:
        raise CodebookError(
            "{name} cannot be read", where="{name}", got="{found}", name=name, found=str(error)[:200]
        ) from None
    if not isinstance(content, dict):
        raise CodebookError("{name} is empty", where="{name}", expected="a survey's settings", name=name)
    try:
        book = Codebook.model_validate(content)
    except ValidationError as error:
        mistakes = [_from_pydantic(detail) for detail in error.errors()]
        raise _first(mistakes, text, name) from None
    mistakes = list(_references(book))
    if mistakes:
        raise _first(mistakes, text, name)
    return book


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


def _first(mistakes: Sequence[Mistake], text: str, name: str) -> CodebookError:
    first = mistakes[0]
    values = {"name": name, "count": len(mistakes), "line": line_of(text, first.path)}
    return CodebookError(
        "{name} is not as it should be ({count} to mend, this is the first)",
        where="{name} line {line}, {path}" if first.path else "{name} line {line}",
        expected=first.expected,
        got=first.got,
        hint=first.hint,
        path=".".join(map(str, first.path)),
        **{**first.values, **values},
    )


def line_of(text: str, path: Path) -> int:
    """Line (from 1) of the place in a YAML text that a path of keys names; of its nearest parent when it is not there.

    >>> line_of("a:\\n  b: 1\\n  c: [1,\\n   2]\\n", ("a", "c"))
    3
    """
    node = YAML(typ="rt").load(text)
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
            path, expected="a known key", got="the unknown key {key}", hint=hint, key=path[-1], near=_one(near)
        )
    if kind == "missing":
        hint = "add it; `anxin schema` explains every key"
        return Mistake(path, expected="the key {key}", got="nothing", hint=hint, key=path[-1])
    return Mistake(
        path,
        expected=WANTED.get(kind, "{said}"),
        got="{found}",
        hint="`anxin schema` explains every key",
        found=f"{detail['input']!r}"[:80],
        said=detail["msg"],
        known=str(context.get("expected")).replace(" or ", ", "),
        **{limit: context.get(limit) for limit in ("gt", "ge", "le", "pattern")},
    )


def _one(names: Sequence[str]) -> str:
    return names[0] if names else ""


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


def _references(book: Codebook) -> Iterator[Mistake]:
    """Names that nothing defines and words that a language lacks."""
    yield from _questionnaire(book)
    yield from _recipes(book)
    yield from _plan(book)
    yield from _waves(book)
    yield from _words(book)


def _unknown(path: Path, name: str, known: Sequence[str], expected: str, variable: str = "") -> Iterator[Mistake]:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = "did you mean {near}?" if near else "define it, or use one of: {known}"
        yield Mistake(
            path,
            expected=expected,
            got="{found}",
            hint=hint,
            found=name,
            near=_one(near),
            known=", ".join(list(known)[:8]),
            variable=variable,
        )


def _questionnaire(book: Codebook) -> Iterator[Mistake]:
    for name, item in book.items.items():
        place: Path = ("items", name)
        if item.kind in ("single", "multiple") and item.scale is None:
            yield Mistake(place, expected="a scale", got="none", hint="add `scale:` with a name from `scales`")
        if item.scale is not None:
            yield from _unknown((*place, "scale"), item.scale, list(book.scales), "the name of a scale")
        if item.block != "other":
            yield from _unknown((*place, "block"), item.block, list(book.blocks), "the name of a block")
        for other, codes in item.asked_if.items():
            yield from _unknown((*place, "asked_if", other), other, list(book.items), "the name of an item")
            yield from _levels(book, (*place, "asked_if", other), other, codes)
    for name, scale in book.scales.items():
        for code in scale.positive:
            yield from _unknown(
                ("scales", name, "positive"), code, list(scale.levels), "the name of a level of this scale"
            )
        for code in scale.missing:
            if code in scale.levels:
                yield Mistake(
                    ("scales", name, "missing", code),
                    expected="a code that is no level",
                    got="{code}",
                    hint="delete it here or there",
                    code=code,
                )


def _levels(book: Codebook, path: Path, variable: str, codes: Sequence[str]) -> Iterator[Mistake]:
    scale = book.scale_of(variable)
    for code in codes if scale else ():
        assert scale is not None
        yield from _unknown(path, code, list(scale.levels), "the name of a level of {variable}", variable)


def _recipes(book: Codebook) -> Iterator[Mistake]:
    known = list(book.items)
    for section, recipes in (("derived", book.derived), ("indicators", book.indicators)):
        for name, recipe in recipes.items():
            place: Path = (section, name)
            if name in known:
                yield Mistake(place, expected="a name that is not taken", got="{taken}", hint="rename it", taken=name)
            for source in recipe.of:
                yield from _unknown((*place, "of"), source, known, "the name of an item, or a variable derived above")
                yield from _levels(book, (*place, "levels"), source, recipe.levels)
            yield from _recipe_needs(recipe, place)
            kinds = [book.items[source].kind for source in recipe.of if source in book.items]
            if recipe.recipe == "band" and set(kinds) - {"number"}:
                yield Mistake(place, expected="a number to cut into bands", got="another kind", hint="use `collapse`")
            if recipe.scale is not None:
                yield from _unknown((*place, "scale"), recipe.scale, list(book.scales), "the name of a scale")
            known.append(name)


def _recipe_needs(recipe: Recipe, place: Path) -> Iterator[Mistake]:
    needs = {"band": ("edges", "scale"), "collapse": ("to", "scale"), "share": ("levels",), "any": ("levels",)}
    for key in needs.get(recipe.recipe, ("scale",)):
        if not getattr(recipe, key):
            yield Mistake(
                place,
                expected="`{key}` in a {recipe} recipe",
                got="none",
                hint="add `{key}:`",
                key=key,
                recipe=recipe.recipe,
            )
    if list(recipe.edges) != sorted(set(recipe.edges)):
        yield Mistake(
            (*place, "edges"), expected="ascending edges", got="{edges}", hint="sort them", edges=recipe.edges
        )


def _plan(book: Codebook) -> Iterator[Mistake]:
    """Names used by design, weighting, privacy, dispositions and the report."""
    variables = list(book.items) + list(book.recipes())
    places: list[tuple[Path, Sequence[str]]] = [
        (("design", "strata"), book.design.strata),
        (("design", "psu"), book.design.psu),
        (("design", "fpc"), book.design.fpc),
        (("weighting", "inverse"), book.weighting.inverse),
        (("weighting", "times"), book.weighting.times),
        (("weighting", "base"), [book.weighting.base] if book.weighting.base else []),
        (("weighting", "rake"), [part for margin in book.weighting.rake for part in margin.split(":")]),
        (("privacy", "pseudonyms"), book.privacy.pseudonyms),
        (("privacy", "generalise"), [*book.privacy.generalise, *book.privacy.generalise.values()]),
        (("privacy", "quasi_identifiers"), book.privacy.quasi_identifiers),
        (("privacy", "exact"), list(book.privacy.exact)),
        (("dispositions", "item"), [book.dispositions.item] if book.dispositions else []),
        (("report", "items"), book.report.items),
        (("report", "groups"), book.report.groups),
        (("report", "area"), [book.report.area] if book.report.area else []),
    ]
    for field in ("respondent", "interviewer", "duration", "started"):
        value = getattr(book, field)
        places.append(((field,), [value] if value else []))
    for name, practice in book.report.practices.items():
        parts = [part for part in (practice.aware, practice.met, practice.satisfied) if part]
        places.append((("report", "practices", name), parts))
    for name, model in book.report.models.items():
        places.append((("report", "models", name), [model.outcome, *model.terms]))
    for path, names in places:
        for name in names:
            yield from _unknown(path, name, variables, "the name of an item or a derived variable")
    for name in book.report.headline:
        yield from _unknown(("report", "headline"), name, list(book.indicators), "the name of an indicator")
    yield from _boundary(book)
    for name in [*book.report.groups, *([book.report.area] if book.report.area else [])]:
        if name in variables and book.scale_of(name) is None:
            yield Mistake(
                ("report",),
                expected="a breakdown with a scale",
                got="{found}",
                hint="give it a scale, or band it first",
                found=name,
            )


def _boundary(book: Codebook) -> Iterator[Mistake]:
    """What passes the identity boundary must be bounded numbers, worded answers or pseudonyms."""
    weights = [*book.weighting.inverse, *book.weighting.times, *([book.weighting.base] if book.weighting.base else [])]
    for name in dict.fromkeys([*book.privacy.exact, *book.design.fpc, *weights]):
        item = book.items.get(name)
        if item is not None and item.kind == "number" and item.range is None:
            yield Mistake(
                ("items", name),
                expected="a range of plausible values for a number that passes the identity boundary",
                got="none",
                hint="add `range: [smallest, largest]`, so that a phone number in this column cannot pass",
            )
    for name in dict.fromkeys([*book.design.strata, *book.design.psu, *book.privacy.exact]):
        item = book.items.get(name)
        if item is not None and item.kind not in ("single", "number") and name not in book.privacy.pseudonyms:
            yield Mistake(
                ("items", name),
                expected="a pseudonym for an id that the design keeps",
                got="none",
                hint="add it to `privacy.pseudonyms`",
            )


def _waves(book: Codebook) -> Iterator[Mistake]:
    items = list(book.items)
    for name, wave in book.waves.items():
        place: Path = ("waves", name)
        targets = list(wave.columns.values())
        for column, item in wave.columns.items():
            yield from _unknown((*place, "columns", column), item, items, "the name of an item")
            if targets.count(item) > 1:
                yield Mistake(
                    (*place, "columns", column),
                    expected="every item once",
                    got="{item}",
                    hint="two columns are mapped to it",
                    item=item,
                )
        for key, names in (("recode", wave.recode), ("reverse", wave.reverse), ("not_asked", wave.not_asked)):
            for item in names:
                yield from _unknown((*place, key), item, items, "the name of an item")
        for item, codes in wave.recode.items():
            scale = book.scale_of(item)
            known = [*scale.levels, *scale.missing, *book.items[item].missing, *wave.missing] if scale else []
            for code in codes.values() if scale else ():
                yield from _unknown(
                    (*place, "recode", item), code, known, "the name of a level or missing code of {variable}", item
                )
        if wave.sha256 is None and wave.available_from is not None:
            yield Mistake(
                place,
                expected="sha256 beside available_from",
                got="none",
                hint="write the checksum of the file you mean",
            )


def _words(book: Codebook) -> Iterator[Mistake]:
    """Wordings that lack one of the survey's languages."""
    content = book.model_dump(mode="python")
    wording = {"title", "publisher", "population", "method", "source", "limits", "label", "text", "definition"}
    stack: list[tuple[Path, Any]] = [((), content)]
    while stack:
        path, node = stack.pop()
        if not isinstance(node, dict):
            continue
        worded = path and (path[-1] in wording or (len(path) > 1 and path[-2] in ("levels", "blocks", "exact")))
        if worded and node and all(isinstance(value, str) for value in node.values()) and path[-1] != "levels":
            lacking = [language for language in book.languages if language not in node and "" not in node]
            if lacking:
                yield Mistake(
                    path,
                    expected="wording in {languages}",
                    got="none in {lacking}",
                    hint="add it",
                    languages=", ".join(book.languages),
                    lacking=", ".join(lacking),
                )
        else:
            stack.extend(((*path, key), value) for key, value in node.items())
