"""What machines read: all figures of a release as JSON with its JSON Schema, and CSV on the Web for the tables."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from reports.files import RESULTS
from reports.language import Language, plain
from reports.revisions import Key, Revision
from survey.codebook import Codebook
from survey.tidy import COLUMNS, FLAGS, KEYS, MARKS, NUMBERS

SCHEMA = "results.schema.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
COUNTS = ("n", "missing", "psus")
FIGURE_KEYS = [name for name in KEYS if name != "survey"]


def results_json(
    results: pd.DataFrame, book: Codebook, wave: str, languages: Sequence[str], revision: Revision | None = None
) -> dict[str, bytes]:
    """results.json and its schema; a key of a figure that has no value is left out.

    One figure a line, in the order of the results, so that two releases can be compared line by line; nine significant
    digits, so that it stays small. A revision says so, and each figure it changed.
    """
    about = {
        "$schema": SCHEMA,
        "survey": book.survey,
        "wave": wave,
        "title": {code: Language(code).wording(book.title) for code in languages},
        "publisher": {code: Language(code).wording(book.publisher) for code in languages},
        "simulated": book.simulated,
        "variables": _variables(results, book, languages),
        **({"revision": revision.number} if revision else {}),
    }
    head = json.dumps(about, ensure_ascii=False, indent=1)[:-2]
    records = list(_records(results, revision.keys if revision else frozenset()))
    written = json.dumps(records, ensure_ascii=False, separators=(",", ":"))[1:-1]
    lines = written.replace('},{"', '},\n{"')  # never inside of a text, where a quote stands behind a backslash
    text = f'{head},\n "results": [\n{lines}\n]\n}}\n'
    return {RESULTS: text.encode(), SCHEMA: (json.dumps(schema(revision is not None), indent=1) + "\n").encode()}


def _records(results: pd.DataFrame, revised: Collection[Key]) -> Iterator[dict[str, Any]]:
    """A mapping for each figure; whole columns first, as a frame is slow to walk row by row."""
    told: dict[str, Callable[[Any], str | float | None]] = dict.fromkeys([*FIGURE_KEYS, *MARKS], _text)
    told |= {name: _count if name in COUNTS else _number for name in NUMBERS}
    told = {name: told[name] for name in COLUMNS if name in told}
    columns = (map(tell, results[name].to_numpy(dtype=object).tolist()) for name, tell in told.items())
    for row in zip(*columns, strict=True):
        record = {name: value for name, value in zip(told, row, strict=True) if value is not None}
        changed = revised and tuple(record.get(name, "") for name in FIGURE_KEYS) in revised
        yield record | ({"revised": True} if changed else {})


def _text(value: Any) -> str | None:
    return str(value) if value else None


def _number(value: float) -> float | None:
    return float(f"{value:.9g}") if math.isfinite(value) else None


def _count(value: float) -> float | int | None:
    return int(value) if value.is_integer() else _number(value)


def _variables(results: pd.DataFrame, book: Codebook, languages: Sequence[str]) -> dict[str, Any]:
    """Wording of every variable and level that the figures name."""
    named = dict.fromkeys([*results["item"], *(part for by in results["by"] for part in by.split(":") if part)])
    known = [name for name in named if name in book.items or name in book.recipes()]
    out: dict[str, Any] = {}
    for name in known:
        scale = book.scale_of(name)
        labels = {code: plain(book.label(name, code)) for code in languages}
        levels = {key: {code: plain(book.level_label(name, key, code)) for code in languages} for key in scale.levels} \
            if scale else {}  # fmt: skip
        out[name] = {"label": labels, **({"levels": levels} if levels else {})}
    return out


def schema(revised: bool = False) -> dict[str, Any]:
    """JSON Schema of results.json.   Args: revised: of a revision."""
    words = {"type": "object", "additionalProperties": {"type": "string"}}
    text, number = {"type": "string", "minLength": 1}, {"type": "number"}
    share = {"type": "number", "minimum": 0, "maximum": 1}
    figure = {name: dict(text) for name in [*FIGURE_KEYS, "reason"]}
    figure |= {name: dict(number) for name in NUMBERS}
    figure |= {name: dict(share) for name in ("p", "q")}
    figure |= {name: {"type": "number", "minimum": 0} for name in ("se", "n", "missing", "psus", "n_weighted", "n_eff")}
    figure["flag"] = {"enum": list(FLAGS)}
    if revised:
        figure["revised"] = {"const": True}
    withheld = [flag for flag in FLAGS if flag not in ("released", "caution")]
    hidden = {"if": {"properties": {"flag": {"enum": withheld}}},
              "then": {"not": {"anyOf": [{"required": [name]} for name in NUMBERS]}}}  # fmt: skip
    row = {"type": "object", "properties": figure, "additionalProperties": False, **hidden,
           "required": ["wave", "item", "statistic", "flag"]}  # fmt: skip
    variable = {"type": "object", "properties": {"label": words, "levels": {"type": "object",
                "additionalProperties": words}}, "required": ["label"], "additionalProperties": False}  # fmt: skip
    properties = {
        "$schema": {"const": SCHEMA},
        "survey": text,
        "wave": text,
        "title": words,
        "publisher": words,
        "simulated": {"type": "boolean"},
        "variables": {"type": "object", "additionalProperties": variable},
        **({"revision": {"type": "integer", "minimum": 2}} if revised else {}),
        "results": {"type": "array", "items": {"$ref": "#/$defs/figure"}},
    }
    return {
        "$schema": DIALECT,
        "title": "Released figures of one wave of a survey, with those of the waves before",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "$defs": {"figure": row},
    }


def csvw(files: Mapping[str, bytes], book: Codebook, wave: str, languages: Sequence[str]) -> dict[str, bytes]:
    """tables/csv-metadata.json: columns of every CSV with titles by language and datatypes (W3C CSV on the Web).

    Args: files: the publication's files by name, of which those in tables/ are described.
    """
    tables = [_table(name, content) for name, content in sorted(files.items()) if name.endswith(".csv")]
    if not tables:
        return {}
    about = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": languages[0]}],
        "dc:title": {code: f"{Language(code).wording(book.title)} {Language(code).wave(wave)}" for code in languages},
        "dc:publisher": {code: Language(code).wording(book.publisher) for code in languages},
        "dc:description": {code: _apostrophes(Language(code)) for code in languages},
        "dialect": {"encoding": "utf-8", "lineTerminators": ["\r\n"]},
        "tables": tables,
    }
    return {"tables/csv-metadata.json": (json.dumps(about, ensure_ascii=False, indent=1) + "\n").encode()}


def _apostrophes(lang: Language) -> str:
    return lang.t(
        "An apostrophe before a text that begins with =, +, - or @ keeps spreadsheets from taking it for a formula; it"
        " is no part of the text. Numbers have none, and results.json has the texts as they are."
    )


def _table(name: str, content: bytes) -> dict[str, Any]:
    heads = next(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    return {"url": name.removeprefix("tables/"), "tableSchema": {"columns": [_column(head) for head in heads]}}


def _column(head: str) -> dict[str, Any]:
    """A column: its head is one of its English titles, so that a validator finds it."""
    datatype = "number" if head in NUMBERS else "string"
    titles = {code: [*([head] if code == "en" else []), text] for code in ("en", "zh") if (text := _title(head, code))}
    return {"name": head, "titles": titles or head, "datatype": datatype}


def _title(head: str, code: str) -> str:
    """What a column is called in a language, "" where it has no words of ours."""
    name, _, language = head.partition("_")
    t = Language(code).t
    words = {
        "wave": t("Wave"),
        "block": t("Part of the questionnaire"),
        "item": t("Variable"),
        "statistic": t("Kind of figure"),
        "level": t("Answer or comparison"),
        "by": t("Breakdown"),
        "group": t("Group"),
        "estimate": t("Estimate"),
        "se": t("Standard error"),
        "ci_low": t("Lower bound"),
        "ci_high": t("Upper bound"),
        "df": t("Degrees of freedom"),
        "n": t("Respondents"),
        "n_eff": t("Effective sample"),
        "deff": t("Design effect"),
        "p": t("p"),
        "q": t("p corrected"),
        "mark": t("Mark"),
        "section": t("Section"),
        "key": t("Key"),
        "value": t("Value"),
    }
    if head in words:
        return words[head]
    worded = name in ("item", "level", "group") and language in ("zh", "en")
    return t("%(column)s in words (%(language)s)", column=words[name], language=language) if worded else ""
