"""One wave: its delivery, and how it differs from the codebook."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from survey.codebook.base import Code, Name, Reason, Strict, Words
from survey.codebook.cleaning import Spread


class Fieldwork(Strict):
    """First and last day of interviewing."""

    start: dt.date
    end: dt.date

    def middle(self) -> float:
        """The middle of the fieldwork, in days."""
        return (self.start.toordinal() + self.end.toordinal()) / 2

    @model_validator(mode="after")
    def _ordered(self) -> Fieldwork:
        if self.end < self.start:
            raise ValueError("fieldwork ends before it starts")
        return self


class Wave(Strict):
    """One delivery, and how it differs from the codebook."""

    file: str
    """File, archive (.gz, .zip) or folder of part files inside the survey's folder, or inside --source, which a path
    may not leave (a link in it may); what a `query` is called."""
    fieldwork: Fieldwork
    """First and last day of interviewing."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Checksum the delivered file must have."""
    available_from: str | None = None
    """Where to get the file when it is not kept with the survey."""
    encoding: str | None = None
    """Encoding of a text file; detected when left out."""
    delimiter: str | None = None
    """Delimiter of a text file; detected when left out."""
    decimal: Literal[".", ","] = "."
    """Decimal sign of the numbers; spaces between thousands are read in any case."""
    sheet: str | None = None
    """Sheet of a workbook; the first when left out."""
    member: str | None = None
    """File inside a .zip; when left out all that can be read, as parts of one delivery."""
    query: str | None = None
    """SQL whose answer is the delivery; the environment variable ANXIN_DATABASE holds the database's address."""
    rows: dict[str, tuple[Code, ...]] = {}
    """Delivered column → its codes in this wave, where one file holds several waves; other rows are not this wave's."""
    columns: dict[str, Name] = {}
    """Delivered column name → item."""
    ignore: tuple[str, ...] = ()
    """Delivered columns that are not used."""
    multiple: dict[Name, Spread] = {}
    """Multiple item → the delivered columns it is spread over, where it is not one cell."""
    recode: dict[Name, dict[Code, Code]] = {}
    """Item → delivered code → code of the codebook; several delivered codes may become one."""
    reverse: tuple[Name, ...] = ()
    """Items delivered with their scale the other way round."""
    missing: dict[Code, Reason] = {}
    """Missing codes of this wave, for every item."""
    not_asked: tuple[Name, ...] = ()
    """Items this wave did not ask."""
    breaks: dict[Name, Words] = {}
    """Item, derived variable or indicator → why its figures from this wave on cannot be compared with those before;
    what is made from it is broken as well."""
    revision_note: Words = {}
    """Why the delivery was corrected, as a sentence: a report that is published again from it says so near its head."""
