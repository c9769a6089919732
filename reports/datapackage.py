"""The description of a public-use file as a Frictionless data package."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from reports.ddi import Described
from survey.microdata.dictionary import Variable


def datapackage(of: Described, files: Mapping[str, bytes]) -> bytes:
    """datapackage.json (Data Package v1, tabular): schema, sizes and hashes of the CSV files.

    `title` and `description` are worded in the survey's first language; `titles`, `questions` and `labels` hold every
    language. Coded answers are whole numbers with their codes as `enum`.

    Args: files: content of the CSV files by name; the first holds the records, others the same columns or fewer.
    """
    book, first = of.book, of.languages[0]
    package = {
        "profile": "tabular-data-package",
        "name": of.name.lower(),
        "title": first.wording(book.title),
        "titles": {lang.code: lang.wording(book.title) for lang in of.languages},
        "description": first.wording(book.population),
        "sources": [{"title": first.wording(book.publisher)}],
        "resources": [_resource(name, content, of) for name, content in files.items()],
    }
    return (json.dumps(package, ensure_ascii=False, indent=1) + "\n").encode()


def _resource(name: str, content: bytes, of: Described) -> dict[str, Any]:
    header = content.split(b"\n", 1)[0].decode("utf-8").strip().split(",")
    known = {own.name: own for own in of.variables}
    return {
        "name": name.removesuffix(".csv").lower(),
        "path": name,
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "schema": {"fields": [_field(known[column], of) for column in header], "missingValues": [""]},
    }


def _field(variable: Variable, of: Described) -> dict[str, Any]:
    first = of.languages[0]
    field: dict[str, Any] = {"name": variable.name, "type": variable.stored, "title": first.wording(variable.label)}
    field["titles"] = {lang.code: lang.wording(variable.label) for lang in of.languages}
    if variable.text:
        field["description"] = first.wording(variable.text)
        field["questions"] = {lang.code: lang.wording(variable.text) for lang in of.languages}
    if variable.levels:
        codes = [int(code) if field["type"] == "integer" else code for code in variable.levels]
        field["constraints"] = {"enum": codes}
        field["labels"] = {
            code: {lang.code: lang.wording(words) for lang in of.languages} for code, words in variable.levels.items()
        }
    return field
