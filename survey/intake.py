"""Intake: a delivered file of any format → frame as delivered (text cells) + provenance.

Nothing is interpreted here: leading zeros, long ids, " " and "." stay as they are until the codebook speaks.
The index is the row of the file as a person sees it in an editor or a spreadsheet (the header is row 1).
"""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import hashlib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from survey.codebook import Wave
from survey.errors import DataError

TEXT = (".csv", ".tsv", ".tab", ".txt")
DELIMITERS = "\t;,|"
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
GB2312_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
BINARY = re.compile("[\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Provenance:
    """Which bytes were read, and how: enough to repeat it."""

    file: str
    sha256: str
    reader: str
    encoding: str
    rows: int
    columns: int

    def as_dict(self) -> dict[str, Any]:
        """The fields as a plain mapping, for the ledger and the report."""
        return asdict(self)


def read(path: Path, wave: Wave) -> tuple[pd.DataFrame, Provenance]:
    """Cells of a delivered file as text, one row a case.

    Args: path: the file.   wave: its settings (encoding, delimiter, sheet, sha256; each detected when absent).
    Returns: frame of str ("" for an empty cell), provenance.   Raises: DataError: the file is missing, empty, has
    another checksum, cannot be read as what its name says, or names a column twice.
    """
    content = _content(path, wave)
    suffix = path.suffix.lower()
    if suffix in TEXT:
        frame, encoding = _text(content, path, wave)
    elif suffix in READERS:
        frame, encoding = _binary(content, path, wave), "utf-8"
    else:
        raise DataError(
            "{file} is in a format that is not read",
            where="{file}",
            expected="csv, tsv, tab, txt, xlsx, xls, ods, sav, dta or parquet",
            got="{suffix}",
            file=path.name,
            suffix=suffix or "no ending",
        )
    if frame.empty:
        raise _empty(path)
    frame.index = pd.RangeIndex(2, 2 + len(frame), name="row")
    digest = hashlib.sha256(content).hexdigest()
    return frame, Provenance(path.name, digest, suffix[1:], encoding, len(frame), frame.shape[1])


def _content(path: Path, wave: Wave) -> bytes:
    if not path.is_file():
        hint = "get it from {place} and name its folder with --source" if wave.available_from else "deliver the file"
        raise DataError(
            "The delivered file {file} is not there",
            where="{folder}",
            expected="a file {file}",
            got="no such file",
            hint=hint,
            file=path.name,
            folder=path.parent,
            place=wave.available_from,
        )
    content = path.read_bytes()
    if not content.strip():
        raise _empty(path)
    digest = hashlib.sha256(content).hexdigest()
    if wave.sha256 is not None and digest != wave.sha256:
        raise DataError(
            "{file} is not the file that survey.yaml names",
            where="{file}",
            expected="sha256 {expected_digest}",
            got="sha256 {digest}",
            hint="deliver the right file, or write the new checksum into survey.yaml after looking at what changed",
            file=path.name,
            expected_digest=wave.sha256,
            digest=digest,
        )
    return content


def _empty(path: Path) -> DataError:
    return DataError(
        "{file} is empty",
        where="{file} line 1",
        expected="a header and at least one case",
        got="nothing",
        file=path.name,
    )


def _text(content: bytes, path: Path, wave: Wave) -> tuple[pd.DataFrame, str]:
    encoding = wave.encoding or detect_encoding(content)
    try:
        text = content.decode(encoding)
    except LookupError:
        raise DataError(
            "{encoding} is no encoding", where="{file}", hint="try utf-8 or gb18030", encoding=encoding, file=path.name
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            "{file} is not written in {encoding}",
            where="{file} line {line}",
            expected="text in {encoding}",
            got="byte {position} that is none",
            hint="leave `encoding` out of survey.yaml to have it detected",
            file=path.name,
            encoding=encoding,
            line=content.count(b"\n", 0, error.start) + 1,
            position=error.start,
        ) from None
    found = BINARY.search(text)
    if found:
        raise DataError(
            "{file} is not a text file",
            where="{file} line {line}",
            expected="text with a header line",
            got="binary data at character {position}",
            hint="was a workbook or an archive given a .csv name?",
            file=path.name,
            line=text.count("\n", 0, found.start()) + 1,
            position=found.start(),
        )
    return _split(text.removeprefix("\ufeff"), path, wave), encoding


def detect_encoding(content: bytes) -> str:
    """Encoding of a text by its byte order mark, else UTF-8 if it is, else the likeliest of the legacy ones.

    >>> detect_encoding("安全".encode()), detect_encoding(("安全感,年龄" * 20).encode("gb18030"))
    ('utf-8', 'gb18030')
    """
    for mark, encoding in BOMS:
        if content.startswith(mark):
            return encoding
    try:
        content.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        pass
    # Nearly all Chinese of GB18030 lies in the two-byte block of GB2312, where Western letters hardly ever stand in
    # pairs; general detectors take short Chinese headers for other code pages.
    high = len(content) - len(content.translate(None, bytes(range(128, 256))))
    if 2 * len(GB2312_PAIR.findall(content)) >= 0.9 * high and _decodes(content, "gb18030"):
        return "gb18030"
    from charset_normalizer import from_bytes  # slow to import, and seldom needed

    best = from_bytes(content[:200_000]).best()
    return best.encoding if best is not None else "latin-1"


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _split(text: str, path: Path, wave: Wave) -> pd.DataFrame:
    from pyarrow import ArrowInvalid, string
    from pyarrow import csv as arrow_csv

    first = text[: text.find("\n")] if "\n" in text else text
    delimiter = wave.delimiter or max(DELIMITERS, key=first.count)
    header = next(csv.reader([first.rstrip("\r")], delimiter=delimiter))
    _check_header(header, path)
    short: list[tuple[int, int]] = []

    def remember(row: Any) -> str:
        short.append((row.number or 0, row.actual_columns))
        return "error"

    body = text[len(first) + 1 :]
    if not body.strip():
        raise _empty(path)
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(body.encode()),
            read_options=arrow_csv.ReadOptions(column_names=header, use_threads=False, block_size=1 << 24),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values='"' in body, invalid_row_handler=remember
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, string()), strings_can_be_null=False
            ),
        )
    except ArrowInvalid:
        raise _not_cells(path, header, short) from None
    return pd.DataFrame(table.to_pandas())


def _not_cells(path: Path, header: Sequence[str], short: Sequence[tuple[int, int]]) -> DataError:
    """Why a text could not be cut into cells: a line of another length, or quotes that do not close."""
    if not short:
        return DataError(
            "{file} cannot be cut into cells",
            where="{file}",
            expected="cells between delimiters, quotes in pairs",
            hint="look for a quotation mark that is not closed",
            file=path.name,
        )
    line, cells = short[-1]
    return DataError(
        "A line of {file} has another number of cells than the header",
        where="{file} line {line}",
        expected="{expected_cells} cells",
        got="{cells} cells",
        hint="the file may be cut off, or a cell holds the delimiter without quotes",
        file=path.name,
        line=line + 1,
        expected_cells=len(header),
        cells=cells,
    )


def _check_header(header: Sequence[str], path: Path) -> None:
    names = [name.strip() for name in header]
    for position, name in enumerate(names, start=1):
        if not name or names.index(name) + 1 < position:
            raise DataError(
                "{file} has a column name twice" if name else "{file} has a column without a name",
                where="{file} line 1, column {position}",
                expected="every column once, with a name",
                got="the name of column {first} again" if name else "nothing",
                hint="ask for a delivery with one of the two renamed",
                file=path.name,
                first=names.index(name) + 1,
                position=position,
            )


def _binary(content: bytes, path: Path, wave: Wave) -> pd.DataFrame:
    try:
        frame = READERS[path.suffix.lower()](content, path, wave)
    except DataError:
        raise
    except Exception as error:  # each reader has exceptions of its own, whose texts may quote cells
        raise DataError(
            "{file} cannot be read as {kind}",
            where="{file}",
            expected="a whole {kind} file",
            got="{kind_of_error} from the reader",
            hint="the file may be cut off or damaged: compare its size and checksum with the sender's",
            file=path.name,
            kind=path.suffix[1:],
            kind_of_error=type(error).__name__,
        ) from None
    _check_header(list(map(str, frame.columns)), path)
    return frame


def _workbook(content: bytes, path: Path, wave: Wave) -> pd.DataFrame:
    from python_calamine import CalamineWorkbook

    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    sheet = wave.sheet or workbook.sheet_names[0]
    if sheet not in workbook.sheet_names:
        raise DataError(
            "{file} has no sheet {sheet}",
            where="{file}",
            expected="one of {sheets}",
            file=path.name,
            sheet=sheet,
            sheets=", ".join(workbook.sheet_names),
        )
    rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    if len(rows) < 2:
        raise _empty(path)
    header = [cell_text(cell).strip() for cell in rows[0]]
    _check_header(header, path)
    columns = zip(*rows[1:], strict=True)
    return pd.DataFrame(
        {name: list(map(cell_text, cells)) for name, cells in zip(header, columns, strict=True)}, dtype="str"
    )


def cell_text(cell: object) -> str:
    """Text of a typed cell as a person reads it.

    >>> [cell_text(cell) for cell in (1.0, 1.5, "01", None, True, dt.date(2026, 5, 1), dt.datetime(2026, 5, 1, 9, 30))]
    ['1', '1.5', '01', '', '1', '2026-05-01', '2026-05-01 09:30:00']
    """
    if isinstance(cell, str):
        return cell
    if cell is None or cell is pd.NaT or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, bool | int | float):
        return f"{cell:.15g}"
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    return str(cell)


def _labelled(content: bytes, path: Path, wave: Wave) -> pd.DataFrame:
    import pyreadstat

    reader = pyreadstat.read_sav if path.suffix.lower() == ".sav" else pyreadstat.read_dta
    frame, _ = reader(str(path), user_missing=True, apply_value_formats=False)
    return _as_text(frame)


def _parquet(content: bytes, path: Path, wave: Wave) -> pd.DataFrame:
    return _as_text(pd.read_parquet(io.BytesIO(content)))


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    texts = {}
    for name, column in frame.items():
        values = column.unique()  # few distinct codes a column: each is put into words once
        texts[name] = column.map(dict(zip(values, map(cell_text, values.tolist()), strict=True))).fillna("")
    return pd.DataFrame(texts, dtype="str")


READERS: dict[str, Callable[[bytes, Path, Wave], pd.DataFrame]] = {
    ".xlsx": _workbook,
    ".xlsm": _workbook,
    ".xls": _workbook,
    ".ods": _workbook,
    ".sav": _labelled,
    ".dta": _labelled,
    ".parquet": _parquet,
}
