"""Intake: a delivery of any format → frame as delivered (text cells) + provenance.

Nothing is interpreted here: leading zeros, long ids, " " and "." stay as they are until the codebook speaks. The index
is the row of the file as a person sees it in an editor or a spreadsheet (the header is row 1); of a delivery in several
parts the rows are counted on from part to part.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from survey.codebook import Wave
from survey.errors import DataError
from survey.intake.encoding import detect_encoding
from survey.intake.files import READERS, Dictionary, read_binary, read_dictionary
from survey.intake.text import Table, read_text
from survey.source import ENDINGS, Part, checksum, nothing, parts

__all__ = ["Dictionary", "Provenance", "detect_encoding", "dictionary", "read"]


@dataclass(frozen=True)
class Provenance:
    """Which bytes were read, and how: enough to repeat it.

    parts: name and rows of each table of the delivery.   blank: places of columns with neither a name nor a cell, which
    are left out.   sheets: of a workbook, with its place where there are several.
    """

    file: str
    sha256: str
    reader: str
    encoding: str
    rows: int
    columns: int
    delimiter: str = ""
    parts: tuple[tuple[str, int], ...] = ()
    blank: tuple[int, ...] = ()
    sheets: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The fields as a plain mapping, for the ledger and the report."""
        return asdict(self)


def read(path: Path, wave: Wave, environ: Mapping[str, str] = os.environ) -> tuple[pd.DataFrame, Provenance]:
    """Cells of a delivery as text, one row a case.

    Args: path: the file, archive (.gz, .zip) or folder of part files; a wave with a `query` asks the database instead.
    wave: its settings (encoding, delimiter, sheet, member, sha256; each detected when absent).
    Returns: frame of str ("" for an empty cell), provenance.   Raises: DataError: the delivery is missing, empty, has
    another checksum, cannot be read as what its name says, or names a column twice.
    """
    tables = parts(path, wave, environ)
    digest = checksum(path, wave, environ)
    _expected(wave, digest, path.name)
    found = [_table(part, wave) for part in tables]
    first, row = found[0], found[0].first
    for part, table in zip(tables, found, strict=True):
        table.frame.index = pd.RangeIndex(row, row + len(table.frame), name="row")
        row += len(table.frame)
        _alike(table.frame, first.frame, part.name, tables[0].name)
    whole = first.frame if len(found) == 1 else pd.concat([table.frame[first.frame.columns] for table in found])
    return whole, Provenance(
        file=wave.file if wave.query is not None else path.name,
        sha256=digest,
        reader="query" if wave.query is not None else PurePosixPath(tables[0].name).suffix[1:].lower(),
        encoding=", ".join(dict.fromkeys(table.encoding for table in found)),
        rows=len(whole),
        columns=whole.shape[1],
        delimiter="".join(dict.fromkeys(table.delimiter for table in found)),
        parts=tuple((part.name, len(table.frame)) for part, table in zip(tables, found, strict=True)),
        blank=tuple(dict.fromkeys(place for table in found for place in table.blank)),
        sheets=tuple(dict.fromkeys(table.sheet for table in found if table.sheet)),
    )


def dictionary(path: Path, wave: Wave) -> Dictionary:
    """Labels, wordings of codes and missing codes that the delivered file itself carries (SPSS, Stata, SAS)."""
    return read_dictionary(parts(path, wave)[0])


def _table(part: Part, wave: Wave) -> Table:
    suffix = PurePosixPath(part.name).suffix.lower()
    if suffix not in ENDINGS:
        raise DataError(
            "{file} is in a format that is not read",
            where="{file}",
            expected="one of {endings}, or these in .gz or .zip",
            got="{suffix}",
            file=part.name,
            suffix=suffix or "no ending",
            endings=", ".join(ending[1:] for ending in ENDINGS),
        )
    table = read_binary(part, wave) if suffix in READERS else read_text(part, wave)
    if table.frame.empty:
        raise nothing(part.name)
    return table


def _expected(wave: Wave, digest: str, name: str) -> None:
    if wave.sha256 is not None and digest != wave.sha256:
        raise DataError(
            "{file} is not the file that survey.yaml names",
            where="{file}",
            expected="sha256 {expected_digest}",
            got="sha256 {digest}",
            hint="deliver the right file, or write the new checksum into survey.yaml after looking at what changed",
            file=name,
            expected_digest=wave.sha256,
            digest=digest,
        )


def _alike(frame: pd.DataFrame, first: pd.DataFrame, name: str, first_name: str) -> None:
    """Raise where a further part has other columns than the first one."""
    if set(frame.columns) != set(first.columns):
        raise DataError(
            "The parts of the delivery have different columns",
            where="{file} line 1",
            expected="the {count} columns of {first_file}",
            got="{more} others, {fewer} lacking",
            hint="deliver them as waves of their own, or mend the header",
            file=name,
            first_file=first_name,
            count=first.shape[1],
            more=len(set(frame.columns) - set(first.columns)),
            fewer=len(set(first.columns) - set(frame.columns)),
        )
