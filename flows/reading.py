"""How a delivery was read, in lines: its delimiter, its sheet, the tables inside it, the columns left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flows.words import t, word

if TYPE_CHECKING:
    from survey.intake import Provenance

MARKS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def as_read(wave: str, provenance: Provenance) -> Iterator[str]:
    """What was detected of a delivery, so that a wrong guess is seen before its figures are."""
    yield t(
        "{wave}: {file}, {rows:,} rows, {columns} columns, {encoding}",
        wave=wave,
        file=provenance.file,
        rows=provenance.rows,
        columns=provenance.columns,
        encoding=provenance.encoding,
    )
    if provenance.delimiter:
        marks = ", ".join(word("mark", MARKS.get(mark, mark)) for mark in provenance.delimiter)
        yield "  " + t("delimiter: {mark}", mark=marks)
    for sheet in provenance.sheets:
        yield "  " + t("sheet: {sheet}", sheet=sheet)
    if len(provenance.parts) > 1:
        yield "  " + t(
            "{count} tables with the same columns, read as parts of one delivery; `member` names one of an archive:",
            count=len(provenance.parts),
        )
    if [name for name, _ in provenance.parts] != [provenance.file]:
        yield from ("    " + t("{member}, {rows:,} rows", member=name, rows=rows) for name, rows in provenance.parts)
    if provenance.blank:
        places = ", ".join(map(str, provenance.blank))
        yield "  " + t("columns with neither a name nor a cell, left out: {places}", places=places)
