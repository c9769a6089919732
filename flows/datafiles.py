"""A public-use file as CSV, Parquet and SPSS, the same bytes on every run and machine."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from survey.codebook import say

if TYPE_CHECKING:
    import pandas as pd

    from survey.microdata.dictionary import Variable

# Where an SPSS file says when it was made (PSPP developers' guide, file header record): 9 characters of day, 8 of time.
STAMP = slice(92, 109)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
VARIABLE_LABEL, VALUE_LABEL = 255, 120


def csv_bytes(frame: pd.DataFrame, variables: Sequence[Variable]) -> bytes:
    """UTF-8, commas, a line feed a row, numbers with all their digits, missing as nothing."""
    columns = [[own.name, *_texts(frame[own.name], own)] for own in variables if own.name in frame]
    return ("\n".join(",".join(map(_quoted, row)) for row in zip(*columns, strict=True)) + "\n").encode()


def parquet_bytes(frame: pd.DataFrame, variables: Sequence[Variable]) -> bytes:
    """Whole numbers, numbers and words; each column carries its wording by language as metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"integer": pa.int32(), "number": pa.float64(), "string": pa.string()}
    arrays, fields = [], []
    for own in variables:
        arrays.append(pa.array(_values(frame[own.name], own), type=types[own.stored]))
        about = {"label": dict(own.label), "levels": {code: dict(words) for code, words in own.levels.items()}}
        text = json.dumps(about, ensure_ascii=False, sort_keys=True)
        fields.append(pa.field(own.name, types[own.stored], metadata={"dictionary": text}))
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), sink, compression="snappy")
    return bytes(sink.getvalue().to_pybytes())


def sav_bytes(frame: pd.DataFrame, variables: Sequence[Variable], language: str, title: str, day: dt.date) -> bytes:
    """An SPSS file with labels in one language; `day` stands where the day of its making would."""
    import numpy as np
    import pandas as pd
    import pyreadstat

    content: dict[str, Any] = {}
    for own in variables:
        values = _values(frame[own.name], own)
        if own.stored == "string":
            content[own.name] = ["" if value is None else value for value in values]
        else:
            content[own.name] = np.array([np.nan if value is None else value for value in values], dtype=float)
    labels: dict[str, dict[int | float, str]] = {
        own.name: {
            float(code): _cut(say(dict(words), language) or code, VALUE_LABEL) for code, words in own.levels.items()
        }
        for own in variables
        if own.levels and own.stored == "integer"
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.sav"
        pyreadstat.write_sav(
            pd.DataFrame(content), str(path), file_label=_cut(title, 64), row_compress=True,
            column_labels={own.name: _cut(say(dict(own.label), language) or own.name, VARIABLE_LABEL) for own in
            variables}, variable_value_labels=labels, variable_measure={own.name: own.measured for own in variables},
            variable_format={own.name: "F12.0" for own in variables if own.stored == "integer"},
        )  # fmt: skip
        made = bytearray(path.read_bytes())
    made[STAMP] = f"{day.day:02d} {MONTHS[day.month - 1]} {day.year % 100:02d}00:00:00".encode()
    return bytes(made)


def _values(values: pd.Series, variable: Variable) -> list[Any]:
    """Values as they are stored, None where there is none."""
    gone = values.isna().tolist()
    makers: dict[str, Callable[[Any], Any]] = {
        "integer": lambda value: int(float(value)),
        "number": float,
        "string": str,
    }
    make = makers[variable.stored]
    return [None if blank else make(value) for value, blank in zip(values.tolist(), gone, strict=True)]


def _texts(values: pd.Series, variable: Variable) -> list[str]:
    return [
        "" if value is None else value if isinstance(value, str) else repr(value) for value in _values(values, variable)
    ]


def _quoted(text: str) -> str:
    special = any(mark in text for mark in ',"\n\r')
    return '"' + text.replace('"', '""') + '"' if special else text


def _cut(text: str, most: int) -> str:
    """As much of a text as fits into some bytes of UTF-8.

    >>> _cut("安全感", 7)
    '安全'
    """
    return text.encode()[:most].decode(errors="ignore")
