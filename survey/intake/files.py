"""Workbooks, statistical files and Parquet: cells as text, and the labels such files carry."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from survey.codebook import Wave, number_code
from survey.errors import DataError
from survey.intake.text import Table, checked_header, named_only
from survey.source import Part, nothing
from survey.source.cells import as_text, cell_text

STATISTICAL = {
    ".sav": "read_sav", ".zsav": "read_sav", ".por": "read_por", ".dta": "read_dta", ".sas7bdat": "read_sas7bdat",
    ".xpt": "read_xport",
}  # fmt: skip


@dataclass(frozen=True)
class Dictionary:
    """What a file says about its columns: wording by column, wording by code, codes declared as missing."""

    labels: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)


def read_binary(part: Part, wave: Wave) -> Table:
    """Cells of a file that is not plain text, and the sheet they stand on.

    Raises: DataError: it is damaged, or is not what its ending says.
    """
    try:
        frame, sheet = READERS[PurePosixPath(part.name).suffix.lower()](part, wave)
    except DataError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # each reader has exceptions of its own, whose texts may quote cells
        raise _damaged(part.name, error) from None
    checked_header(list(map(str, frame.columns)), part.name)
    frame, blank = named_only(frame, part.name)
    return Table(frame, blank=blank, sheet=sheet)


def read_dictionary(part: Part) -> Dictionary:
    """The labels a statistical file carries; nothing for other formats."""
    if PurePosixPath(part.name).suffix.lower() not in STATISTICAL:
        return Dictionary()
    try:
        _, meta = _pyreadstat(part, metadataonly=True)
    except Exception as error:
        raise _damaged(part.name, error) from None
    labels = {name: label for name, label in meta.column_names_to_labels.items() if label}
    values = {
        name: {number_code(cell_text(code)): str(label) for code, label in codes.items()}
        for name, codes in meta.variable_value_labels.items()
    }
    missing = {
        name: [number_code(cell_text(part["lo"])) for part in ranges if part["lo"] == part["hi"]]
        for name, ranges in (getattr(meta, "missing_ranges", None) or {}).items()
    }
    return Dictionary(labels, values, missing)


def _damaged(name: str, error: Exception) -> DataError:
    return DataError(
        "{file} cannot be read as {kind}",
        where="{file}",
        expected="a whole {kind} file",
        got="{kind_of_error} from the reader",
        hint="the file may be cut off or damaged: compare its size and checksum with the sender's",
        file=name,
        kind=PurePosixPath(name).suffix[1:],
        kind_of_error=type(error).__name__,
    )


def _workbook(part: Part, wave: Wave) -> tuple[pd.DataFrame, str]:
    from python_calamine import CalamineWorkbook

    workbook = CalamineWorkbook.from_filelike(io.BytesIO(part.content))
    sheet = wave.sheet or workbook.sheet_names[0]
    if sheet not in workbook.sheet_names:
        raise DataError(
            "{file} has no sheet {sheet}",
            where="{file}",
            expected="one of {sheets}",
            file=part.name,
            sheet=sheet,
            sheets=", ".join(workbook.sheet_names),
        )
    rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    if len(rows) < 2:
        raise nothing(part.name)
    header = [cell_text(cell).strip() for cell in rows[0]]
    header = checked_header(header, part.name)
    columns = zip(*rows[1:], strict=True)
    texts = {name: list(map(cell_text, cells)) for name, cells in zip(header, columns, strict=True)}
    names = workbook.sheet_names
    return pd.DataFrame(texts, dtype="str"), sheet if len(
        names
    ) == 1 else f"{sheet} ({names.index(sheet) + 1}/{len(names)})"


def _pyreadstat(part: Part, **options: Any) -> tuple[pd.DataFrame, Any]:
    import pyreadstat

    ending = PurePosixPath(part.name).suffix.lower()
    if ending in (".sav", ".zsav", ".dta", ".sas7bdat"):
        options |= {"user_missing": True}
    found: tuple[pd.DataFrame, Any] = getattr(pyreadstat, STATISTICAL[ending])(io.BytesIO(part.content), **options)
    return found


def _statistical(part: Part, wave: Wave) -> tuple[pd.DataFrame, str]:
    return as_text(_pyreadstat(part)[0]), ""


def _parquet(part: Part, wave: Wave) -> tuple[pd.DataFrame, str]:
    return as_text(pd.read_parquet(io.BytesIO(part.content))), ""


READERS: dict[str, Callable[[Part, Wave], tuple[pd.DataFrame, str]]] = {
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".ods"), _workbook),
    **dict.fromkeys(STATISTICAL, _statistical),
    ".parquet": _parquet,
}
