"""The tables beside the report as CSV: one row a figure, UTF-8 with BOM so that spreadsheets read Chinese."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from reports.figures import Figure, Figures
from reports.language import Language, plain
from survey.characters import is_formula
from survey.codebook import Codebook

NUMBERS = {
    "estimate": "estimate",
    "se": "se",
    "low": "ci_low",
    "high": "ci_high",
    "df": "df",
    "n": "n",
    "n_eff": "n_eff",
    "deff": "deff",
    "p": "p",
    "q": "q",
}
TESTS = ("p", "q")
DRAWN = ("points", "limits")  # coordinates of charts, no facts
NAMES = ("headline", "trend", "items", "areas", "groups", "practices", "models", "changes", "measures", "method")


def tables(
    figures: Figures, facts: Mapping[str, Any], book: Codebook, wave: str, languages: Sequence[str]
) -> dict[str, bytes]:
    """Every table by file name; a table without rows is left out."""
    files = {}
    for name, wanted in choices(book, wave).items():
        rows = [row for row in figures.rows if wanted(row)]
        if rows:
            files[f"tables/{name}.csv"] = _csv(_figure_rows(rows, book, languages))
    method = [["section", "key", "value"], *fact_rows(facts)]
    if len(method) > 1:
        files["tables/method.csv"] = _csv(method)
    return files


def choices(book: Codebook, wave: str) -> dict[str, Callable[[Figure], bool]]:
    """Which figures belong into which table."""
    report, practices, asked = book.report, _practice_variables(book), book.questions()

    def now(row: Figure) -> bool:
        return row.wave == wave and not row.block.startswith(("model_", "programme_", "changes", "drivers"))

    return {
        "headline": lambda row: now(row) and row.item in report.headline and not row.by,
        "trend": lambda row: row.item in report.headline and row.statistic == "mean" and not row.by,
        "items": lambda row: now(row) and row.item in asked and row.statistic == "share" and not row.by,
        "areas": lambda row: (
            now(row) and bool(row.by) and row.by == report.area and row.item not in practices - set(report.headline)
        ),
        "groups": lambda row: (
            now(row)
            and row.by in report.groups
            and row.by != report.area
            and row.item not in practices - set(report.headline)
        ),
        "practices": lambda row: now(row) and row.item in practices and row.statistic == "mean",
        "models": lambda row: row.wave == wave and row.block.startswith("model_"),
        "changes": lambda row: row.block == "changes",
        "measures": lambda row: row.block == "drivers" or row.block.startswith("programme_"),
    }


def _practice_variables(book: Codebook) -> set[str]:
    practices = book.report.practices.values()
    return {name for practice in practices for name in (practice.aware, practice.met, practice.satisfied) if name}


def _figure_rows(rows: Sequence[Figure], book: Codebook, languages: Sequence[str]) -> Iterator[list[str]]:
    """Head and lines of figures; codes first, then their wording in each language, then the numbers."""
    yield [
        "wave",
        "block",
        "item",
        "statistic",
        "level",
        "by",
        "group",
        *(f"{key}_{code}" for code in languages for key in ("item", "level", "group")),
        *NUMBERS.values(),
        "mark",
    ]
    spoken, worded = [Language(code) for code in languages], dict[tuple[str, ...], list[str]]()
    for row in rows:
        key = (row.item, row.level, row.by, row.group)
        if key not in worded:  # a figure of several statistics and waves is worded once
            worded[key] = [text for lang in spoken for text in _wording(row, book, lang)]
        numbers = [_number(getattr(row, key), key in TESTS) if row.shown else "" for key in NUMBERS]
        mark = f"[{row.mark}]" if row.mark else " ".join(["caution"] * row.caution + ["[r]"] * row.revised)
        yield [row.wave, row.block, row.item, row.statistic, row.level, row.by, row.group, *worded[key], *numbers, mark]


def _wording(row: Figure, book: Codebook, lang: Language) -> list[str]:
    """Labels of item, level and group."""
    level = book.level_label(row.item, row.level, lang.code) if row.level else ""
    group = book.level_label(row.by, row.group, lang.code) if row.by else ""
    return [plain(book.label(row.item, lang.code)), plain(level), plain(group)]


def _number(value: float, small: bool = False) -> str:
    """A number with at most six places, or six digits however small it is; "" when there is none.

    >>> _number(0.5), _number(float("nan")), _number(3012.0), _number(1.5e-9, small=True)
    ('0.5', '', '3012', '1.5e-09')
    """
    if not math.isfinite(value):
        return ""
    if small and 0 < abs(value) < 1e-4:
        return f"{value:.6g}"
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def fact_rows(facts: Mapping[str, Any]) -> Iterator[list[str]]:
    """Facts as section, dotted key and value."""
    for section, content in facts.items():
        for key, value in _leaves(content):
            yield [str(section), key, value]


def _leaves(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping | list | tuple):
        pairs = content.items() if isinstance(content, Mapping) else enumerate(content, 1)
        for key, value in pairs:
            if key in DRAWN:
                continue
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(content, float):
        yield path, _number(content)
    elif content is not None:
        yield path, content if isinstance(content, str) else json.dumps(content)


@lru_cache(maxsize=1 << 15)
def inert(text: str) -> str:
    """A cell that no spreadsheet runs as a formula, by an apostrophe before its text (OWASP); numbers stay numbers.

    >>> inert("=HYPERLINK(1)"), inert("-0.5"), inert("-cmd"), inert("安全")
    ("'=HYPERLINK(1)", '-0.5', "'-cmd", '安全')
    """
    text = plain(text)
    return "'" + text if is_formula(text) else text


def _csv(rows: Sequence[Sequence[str]] | Iterator[list[str]]) -> bytes:
    """Lines as a spreadsheet takes them."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([inert(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")
