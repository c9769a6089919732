"""Workbooks as the UK Government Analysis Function asks for: cover, contents, notes, then one table a sheet.

Every table starts below its title at A1, bears a name, has one header row that stays in sight, no merged and no empty
cell, real numbers, and marks in brackets where there is none. Text is written as text, whatever it looks like.
"""

from __future__ import annotations

import datetime as dt
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import xlsxwriter

from reports.language import Language, plain
from survey.codebook import Codebook

LONGEST = 2_000
HEAD_LENGTH = 200
TAB_LENGTH = 31
RESERVED = ("history",)  # Excel keeps this name for itself
PROPERTY_LENGTH = 255
NARROW, WIDE = 11, 46


class Number(NamedTuple):
    """A number and how a spreadsheet shows it."""

    value: float
    form: str = "#,##0.0"


Value: TypeAlias = str | Number


@dataclass(frozen=True)
class Sheet:
    """One table with its title and notes; key names the table, heads are unique, fixed columns stay in sight."""

    key: str
    name: str
    title: str
    notes: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    fixed: int = 1


def marks(lang: Language, revised: bool = False) -> tuple[tuple[str, str], ...]:
    """The shorthand of the tables and what it stands for."""
    t = lang.t
    return (
        ("[c]", t("Confidential: so few respondents or sampling units that a person might be found out.")),
        ("[u]", t("Unreliable: too imprecise to be published.")),
        ("[x]", t("Not available.")),
        ("[z]", t("Not applicable.")),
        ("[b]", t("Break in the series: the two figures cannot be compared.")),
        *(
            [("[r]", t("Revised: differs from the earlier report, made before the data were corrected."))]
            if revised
            else []
        ),
    )


def cover(book: Codebook, wave: str, lang: Language, what: str) -> list[str]:
    """Lines of the first sheet: what this is, of whom it speaks, who made it."""
    t, days = lang.t, book.waves[wave].fieldwork
    lines = [
        f"{lang.say(book.title)}{lang.t(' · ')}{lang.wave(wave)}",
        what,
        *([t("Simulated data.") + lang.gap + t("No figure describes a real place.")] if book.simulated else []),
        t("Publisher: %(name)s", name=lang.say(book.publisher)),
        t("Fieldwork: %(start)s to %(end)s", start=lang.date(days.start), end=lang.date(days.end)),
        t("Population: %(text)s", text=lang.say(book.population)),
        t("Method: %(text)s", text=lang.say(book.method)),
        *([t("Source: %(text)s", text=lang.say(book.source))] if lang.say(book.source) else []),
        t("The sheet “%(name)s” lists the tables; “%(notes)s” explains marks and terms.", **_names(lang)),
    ]
    return [plain(line, LONGEST) for line in lines]


def _names(lang: Language) -> dict[str, str]:
    return {"name": lang.t("Contents"), "notes": lang.t("Notes")}


def workbook(
    book: Codebook,
    wave: str,
    lang: Language,
    what: str,
    notes: Sequence[tuple[str, str]],
    sheets: Sequence[Sheet],
    revised: bool = False,
) -> bytes:
    """The file; its only date is the last day of fieldwork, so that the same figures give the same bytes.

    Args: what: a sentence about the workbook.   notes: terms and their meaning, after the marks.
    revised: whether tables have marks of a revision.
    """
    stream = io.BytesIO()
    options = {"in_memory": True, "default_format_properties": {"font_name": "Arial", "font_size": 12}}
    made = xlsxwriter.Workbook(stream, options)
    title = f"{lang.say(book.title)} {lang.wave(wave)}"
    day = dt.datetime.combine(book.waves[wave].fieldwork.end, dt.time(), dt.UTC)
    about = {"title": title, "subject": what, "author": lang.say(book.publisher)}
    made.set_properties({**{key: plain(text, PROPERTY_LENGTH) for key, text in about.items()}, "created": day})
    pen = Pen(made, lang)
    pen.cover(cover(book, wave, lang, what))
    names = _tabs([lang.t("Cover"), lang.t("Contents"), lang.t("Notes"), *(sheet.name for sheet in sheets)])[3:]
    sheets = [replace(sheet, name=name) for sheet, name in zip(sheets, names, strict=True)]
    listed = tuple((sheet.name, sheet.title, Number(len(sheet.rows), "#,##0")) for sheet in sheets)
    heads = (lang.t("Sheet"), lang.t("Table"), lang.t("Rows"))
    pen.table(Sheet("contents", lang.t("Contents"), lang.t("Contents"), (), heads, listed), linked=True)
    told = (*marks(lang, revised), *notes)
    explained = Sheet("notes", lang.t("Notes"), lang.t("Notes"), (), (lang.t("Mark or term"), lang.t("Meaning")), told)
    for sheet in (explained, *sheets):
        pen.table(sheet)
    made.close()
    return stream.getvalue()


class Pen:
    """Writes sheets into an open workbook."""

    def __init__(self, made: Any, lang: Language) -> None:
        self.made, self.lang = made, lang
        self.title = made.add_format({"bold": True, "font_size": 16})
        self.text = made.add_format({"text_wrap": True, "valign": "top"})
        self.head = made.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 2})
        self.mark = made.add_format({"align": "right", "valign": "top"})
        self.link = made.add_format({"font_color": "#0b5566", "underline": 1, "valign": "top"})
        self.forms: dict[str, Any] = {}

    def form(self, code: str) -> Any:
        """The format of a kind of number."""
        if code not in self.forms:
            self.forms[code] = self.made.add_format({"num_format": code, "valign": "top"})
        return self.forms[code]

    def cover(self, lines: Sequence[str]) -> None:
        """The first sheet: one column of lines, the first one large."""
        sheet = self.made.add_worksheet(self.lang.t("Cover"))
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 100)
        for row, line in enumerate(lines):
            sheet.write_string(row, 0, line, self.title if row == 0 else self.text)

    def table(self, sheet: Sheet, linked: bool = False) -> None:
        """One sheet: title, notes, way back to the contents, table."""
        made = self.made.add_worksheet(sheet.name)
        made.write_string(0, 0, plain(sheet.title, LONGEST), self.title)
        lines = [self.lang.t("This sheet holds one table."), *sheet.notes]
        for row, note in enumerate(lines, 1):
            made.write_string(row, 0, plain(note, LONGEST))
        first = len(lines) + 1
        if not linked:
            made.write_url(first, 0, _inside(self.lang.t("Contents")), self.link, self.lang.t("Back to the contents"))
            first += 1
        self._cells(made, sheet, first + 1, linked)
        columns = [{"header": head, "header_format": self.head} for head in _heads(sheet.heads)]
        end = (first + max(len(sheet.rows), 1), len(sheet.heads) - 1)
        made.add_table(first, 0, *end, {"name": sheet.key, "columns": columns, "style": None, "autofilter": False})
        made.freeze_panes(first + 1, sheet.fixed)
        made.repeat_rows(first)
        made.set_landscape()
        made.set_paper(9)
        made.fit_to_pages(1, 0)

    def _cells(self, made: Any, sheet: Sheet, first: int, linked: bool) -> None:
        for row, values in enumerate(sheet.rows, first):
            for column, value in enumerate(values):
                if isinstance(value, Number):
                    made.write_number(row, column, value.value, self.form(value.form))
                elif linked and column == 0:
                    made.write_url(row, column, _inside(value), self.link, value)
                else:
                    made.write_string(row, column, _clean(value), self.mark if _is_mark(value) else self.text)
        for column, width in enumerate(_widths(sheet)):
            made.set_column(column, column, width)


@lru_cache(maxsize=4096)
def _clean(text: str) -> str:
    """A cell's text made harmless; the same few words fill most cells."""
    return plain(text, LONGEST)


def _is_mark(value: str) -> bool:
    return len(value) == 3 and value.startswith("[")


def _inside(name: str) -> str:
    """Link to the first cell of a sheet."""
    quoted = name.replace("'", "''")
    return f"internal:'{quoted}'!A1"


def _heads(heads: Sequence[str]) -> list[str]:
    """Heads that a spreadsheet accepts: short, and unique whatever their case."""
    return _unique([plain(head, HEAD_LENGTH) for head in heads], HEAD_LENGTH)


def _tabs(names: Sequence[str]) -> list[str]:
    """Names of sheets: at most 31 letters, none that a spreadsheet refuses, unique.

    >>> _tabs(["Notes", "Notes", "Ages: [16/30]", "History"])
    ['Notes', 'Notes (2)', 'Ages 1630', 'History (2)']
    """
    kept = ["".join(letter for letter in plain(name) if letter not in "[]:*?/\\'").strip() for name in names]
    return _unique([name or "–" for name in kept], TAB_LENGTH, taken=RESERVED)


def _unique(names: Sequence[str], length: int, taken: Iterable[str] = ()) -> list[str]:
    """Names of at most so many UTF-16 units, which is what Excel counts, each other than those before it."""
    seen = set(taken)
    out = []
    for name in names:
        new, number = _first(name, length), 2
        while new.lower() in seen:
            end = f" ({number})"
            new, number = _first(name, length - len(end)) + end, number + 1
        seen.add(new.lower())
        out.append(new)
    return out


def _first(text: str, units: int) -> str:
    """The beginning of a text, no letter split.

    >>> _first("ab\U0001f600c", 3), _first("ab\U0001f600c", 4)
    ('ab', 'ab😀')
    """
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", errors="ignore")


def _widths(sheet: Sheet) -> Iterator[int]:
    """Width of each column: numbers narrow, text as long as most of it."""
    for column, head in enumerate(sheet.heads):
        texts = sorted(_width(value) for row in sheet.rows if isinstance(value := row[column], str))
        usual = texts[int(0.9 * (len(texts) - 1))] if texts else 0
        yield min(WIDE, max(NARROW, usual + 2, min(_width(head), 24) // 2 + 4))


@lru_cache(maxsize=4096)
def _width(text: str) -> int:
    """Columns of a fixed-width font that a text takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
