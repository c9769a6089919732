"""Delimited text: encoding and delimiter detected, every cell as it stands."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from survey.codebook import Wave
from survey.errors import DataError, masked
from survey.intake.encoding import detect_encoding
from survey.source import Part, nothing

DELIMITERS = "\t;,|"
BINARY = re.compile(b"[\x00-\x08\x0e-\x1f\x7f]")
# A date, or so many digits in a row that they number a person; what stands in a header is written into survey.yaml.
PERSONAL = re.compile(
    r"(?<!\d)(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}|\d{9,})|\d{15,}|(?<!\d)1[3-9]\d{9}(?!\d)|^\s*\d{5,}\s*$"
)
LINE_END = re.compile(rb"\r\n|\r|\n")
UNNAMED = "\0"
"""What the stand-in for the name of a column without one begins with; no text that is read holds it."""
LONGEST_HEADER = 16 << 20
TELLING = 8
"""Delimiters in a cell from which on their agreement with the columns is no chance."""


class Table(NamedTuple):
    """Cells of one table, how they were found, and the row of the first case in the file."""

    frame: pd.DataFrame
    encoding: str = "utf-8"
    delimiter: str = ""
    first: int = 2
    blank: tuple[int, ...] = ()
    """Places of the columns that have neither a name nor a cell, and are left out."""
    sheet: str = ""


def read_text(part: Part, wave: Wave) -> Table:
    """Cells of a text.

    Raises: DataError: it is no text of this encoding, or of several, or cannot be cut into cells.
    """
    encoding = wave.encoding or detect_encoding(part.content, part.name)
    content = _utf8(part, encoding, checked=wave.encoding is None)
    header, delimiter, start, lines = _header(content, part.name, wave)
    frame, blank = named_only(_split(content[start:], header, delimiter, part.name, lines), part.name)
    return Table(frame, encoding, delimiter, lines + 1, blank)


def _utf8(part: Part, encoding: str, checked: bool) -> memoryview:
    """The text in UTF-8 without a byte order mark; as it came where it is that, and has been looked through."""
    content = part.content
    if not checked or encoding not in ("utf-8", "utf-8-sig"):
        content = _decoded(part, encoding).encode("utf-8", "surrogatepass")
    found = BINARY.search(content)
    if found:
        raise DataError(
            "{file} is not a text file",
            where="{file} line {line}",
            expected="text with a header line",
            got="binary data at character {position}",
            hint="was a workbook or an archive given a .csv name?",
            file=part.name,
            line=content.count(b"\n", 0, found.start()) + 1,
            position=len(content[: found.start()].decode("utf-8", "replace")),
        )
    return memoryview(content)[3 if content.startswith(codecs.BOM_UTF8) else 0 :]


def _decoded(part: Part, encoding: str) -> str:
    try:
        return part.content.decode(encoding)
    except LookupError:
        raise DataError(
            "{encoding} is no encoding", where="{file}", hint="try utf-8 or gb18030", encoding=encoding, file=part.name
        ) from None
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        raise DataError(
            "{file} is not written in {encoding}",
            where="{file} line {line}",
            expected="text in {encoding}",
            got="byte {position} that is none",
            hint="leave `encoding` out of survey.yaml to have it detected",
            file=part.name,
            encoding=encoding,
            line=part.content.count(b"\n", 0, start) + 1,
            position=start,
        ) from None


def _header(content: memoryview, name: str, wave: Wave) -> tuple[list[str], str, int, int]:
    """Column names, the delimiter, where the cases begin, and how many lines the header took."""
    head = bytes(content[:LONGEST_HEADER])
    text = head.decode("utf-8", "ignore")
    first = re.sub(r'"[^"]*"', "", re.split(r"[\r\n]", text, maxsplit=1)[0])
    delimiter = wave.delimiter or max(DELIMITERS, key=first.count)
    limit = csv.field_size_limit(LONGEST_HEADER)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        header = next(reader)
    except (csv.Error, StopIteration, TypeError):
        raise _not_cells(name, [], []) from None
    finally:
        csv.field_size_limit(limit)
    end = 0
    for _ in range(reader.line_num):
        found = LINE_END.search(head, end)
        end = found.end() if found else len(head)
    return checked_header(header, name), delimiter, end, reader.line_num


def _split(body: memoryview, header: list[str], delimiter: str, name: str, lines: int) -> pd.DataFrame:
    """Cells of the cases; read by all processors, and once more by one if a line is wrong, to find it."""
    from pyarrow import ArrowException, large_string, py_buffer
    from pyarrow import csv as arrow_csv

    short: list[tuple[int, int]] = []

    def remember(row: Any) -> str:
        short.append(((row.number or 0) + lines, row.actual_columns))
        return "error"

    def cells(threads: bool) -> Any:
        return arrow_csv.read_csv(
            py_buffer(body),
            read_options=arrow_csv.ReadOptions(column_names=header, use_threads=threads, block_size=1 << 24),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=quoted, invalid_row_handler=None if threads else remember
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, large_string()), strings_can_be_null=False
            ),
        )

    if re.search(rb"\S", body) is None:
        raise nothing(name)
    quoted = re.search(b'"', body) is not None
    try:
        table = cells(threads=True)
    except (ArrowException, UnicodeError):
        try:
            table = cells(threads=False)
        except (ArrowException, UnicodeError):
            raise _not_cells(name, header, short) from None
    if quoted:
        _whole_rows(table, delimiter, name, lines)
    return pd.DataFrame(table.to_pandas())


def _whole_rows(table: Any, delimiter: str, name: str, lines: int) -> None:
    """Raise where a cell holds whole rows, because a quotation mark in it is closed only by one in a later row.

    Such a cell ends its first line, fills lines and begins its last one with exactly the delimiters that the cells to
    its right, a row, and the cells to its left would have; remarks of several lines do not.

    Args: lines: those of the header, to count the file's from.
    """
    import pyarrow.compute as pc

    swallowed = []
    for place, column in enumerate(table.columns):
        if pc.any(pc.match_substring(column, "\n")).as_py() or pc.any(pc.match_substring(column, "\r")).as_py():
            cells = column.to_pylist()
            swallowed += [(row, cell) for row, cell in enumerate(cells) if _holds_rows(cell, place, table, delimiter)]
    if not swallowed:
        return
    row, cell = min(swallowed)
    before = table.slice(0, row).to_pydict()
    first = lines + 1 + row + sum(_line_ends(each) for cells in before.values() for each in cells)
    raise DataError(
        "A cell of {file} holds whole lines of other respondents: a quotation mark is not closed",
        where="{file} line {line} to line {last}",
        expected="quotation marks in pairs within a cell",
        got="{count} cells that swallow other lines; this is the first, with {lines} line ends",
        hint="double or remove the quotation mark that opens the cell in the first of these lines and in the last",
        file=name,
        line=first,
        last=first + _line_ends(cell),
        lines=_line_ends(cell),
        count=len(swallowed),
    )


def _holds_rows(cell: str, place: int, table: Any, delimiter: str) -> bool:
    pieces = [piece.count(delimiter) for piece in re.split(r"\r\n|\r|\n", cell)]
    full = table.num_columns - 1
    wanted = [full - place, *[full] * (len(pieces) - 2), place]
    return len(pieces) > 1 and pieces == wanted and sum(pieces) >= TELLING


def _line_ends(cell: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", cell))


def _not_cells(name: str, header: Sequence[str], short: Sequence[tuple[int, int]]) -> DataError:
    """Why a text could not be cut into cells: a line of another length, or quotes that do not close."""
    if not short:
        return DataError(
            "{file} cannot be cut into cells",
            where="{file}",
            expected="cells between delimiters, quotes in pairs",
            hint="look for a quotation mark that is not closed",
            file=name,
        )
    line, cells = short[-1]
    return DataError(
        "A line of {file} has another number of cells than the header",
        where="{file} line {line}",
        expected="{expected_cells} cells",
        got="{cells} cells",
        hint="the file may be cut off, or a cell holds the delimiter without quotes",
        file=name,
        line=line,
        expected_cells=len(header),
        cells=cells,
    )


def checked_header(header: Sequence[str], name: str) -> list[str]:
    """The names of the columns, with a stand-in for a blank one, which `named_only` judges by its cells.

    Raises: DataError: a column has the name of another one, or what should be names are somebody's answers.
    """
    for position, column in enumerate(header, start=1):
        if PERSONAL.search(column):
            raise DataError(
                "The first line of {file} looks like somebody's answers, not like column names",
                where="{file} line 1, column {position}",
                expected="a header line",
                got="{shape}, of the form of a date, a telephone or an identity number",
                hint="put a header line above the cases, or rename that column",
                file=name,
                position=position,
                shape=masked(column),
            )
    seen: dict[str, int] = {}
    for position, column in enumerate((column.strip() for column in header), start=1):
        if column and column in seen:
            raise DataError(
                "{file} has a column name twice",
                where="{file} line 1, column {position}",
                expected="every column once, with a name",
                got="the name of column {first} again",
                hint="rename one of the two; if the first line holds answers, the file has no header: put one above",
                file=name,
                first=seen[column],
                position=position,
            )
        seen[column] = position
    return [column if column.strip() else f"{UNNAMED}{position}" for position, column in enumerate(header, start=1)]


def named_only(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, tuple[int, ...]]:
    """The columns that have a name, and the places of those without one, which programs leave at the end of a line.

    Raises: DataError: a column without a name holds something.
    """
    blank = [place for place, column in enumerate(frame.columns) if str(column).startswith(UNNAMED)]
    for place in blank:
        if (frame.iloc[:, place].str.strip() != "").any():
            raise DataError(
                "{file} has a column without a name",
                where="{file} line 1, column {position}",
                expected="every column once, with a name",
                got="nothing",
                hint="give it a name, or remove what stands above the header line",
                file=name,
                position=place + 1,
            )
    kept = frame.drop(columns=[frame.columns[place] for place in blank]) if blank else frame
    return kept, tuple(place + 1 for place in blank)
