"""Intake reads every format as delivered; expected cells are written out by hand or by another library."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from survey.codebook import Fieldwork, Wave
from survey.errors import DataError
from survey.intake import detect_encoding, read

WAVE = Wave(file="x", fieldwork=Fieldwork(start="2026-01-01", end="2026-02-01"))  # type: ignore[arg-type]
CELLS = [["007", "张三", "1;4;7", ""], ["8", "李四", ".", " "]]
HEADER = ["编号", "姓名", "问题", "备注"]


def as_csv(delimiter: str) -> str:
    return "".join(delimiter.join(row) + "\r\n" for row in [HEADER, *CELLS])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", "|"])
def test_text_keeps_every_cell_as_delivered(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "wave.csv"
    path.write_bytes(as_csv(delimiter).encode(encoding))
    frame, provenance = read(path, WAVE)
    assert list(frame.columns) == HEADER
    assert frame.to_numpy().tolist() == CELLS
    assert (provenance.rows, provenance.columns, provenance.encoding) == (2, 4, encoding)
    assert frame.index.tolist() == [2, 3]  # the lines of the file


def test_quoted_delimiters_and_line_breaks_stay_in_their_cell(tmp_path: Path) -> None:
    path = tmp_path / "wave.csv"
    path.write_text('a,b\n"x, y","line 1\nline 2"\n3,4\n')
    frame, _ = read(path, WAVE)
    assert frame.to_numpy().tolist() == [["x, y", "line 1\nline 2"], ["3", "4"]]


def test_workbook_gives_the_text_a_person_sees(tmp_path: Path) -> None:
    path = tmp_path / "wave.xlsx"
    table = pd.DataFrame({"id": ["007", "8"], "age": [30.0, 41.5], "day": pd.to_datetime(["2026-01-05", "2026-01-06"])})
    table.to_excel(path, index=False, engine="xlsxwriter")
    frame, _ = read(path, WAVE)
    assert frame.to_numpy().tolist() == [["007", "30", "2026-01-05"], ["8", "41.5", "2026-01-06"]]


@pytest.mark.parametrize("kind", ["sav", "dta"])
def test_statistical_files_give_codes_not_labels(tmp_path: Path, kind: str) -> None:
    table = pd.DataFrame({"safe": [1.0, 2.0, float("nan")], "name": ["a", "b", "c"]})
    path = tmp_path / f"wave.{kind}"
    if kind == "sav":
        pyreadstat.write_sav(table, str(path), variable_value_labels={"safe": {1: "Safe", 2: "Unsafe"}})
    else:
        pyreadstat.write_dta(table, str(path), variable_value_labels={"safe": {1: "Safe", 2: "Unsafe"}})
    frame, _ = read(path, WAVE)
    assert frame.to_numpy().tolist() == [["1", "a"], ["2", "b"], ["", "c"]]


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "wave.parquet"
    pd.DataFrame({"safe": [1, 2], "w": [0.5, 1.25]}).to_parquet(path)
    assert read(path, WAVE)[0].to_numpy().tolist() == [["1", "0.5"], ["2", "1.25"]]


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("cut.xlsx", b"PK\x03\x04 and then nothing", "cannot be read as xlsx"),
        ("cut.sav", b"$FL2@(#) SPSS DATA FILE", "cannot be read as sav"),
        ("wave.csv", b"a,b\n1\n", "wave.csv line 2"),
        ("wave.csv", b"a,b\n1,2,3\n", "wave.csv line 2"),
        ("wave.csv", b"a,,c\n1,2,3\n", "line 1, column 2"),
        ("wave.pdf", b"%PDF", "format that is not read"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, name: str, content: bytes, part: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=part):
        read(path, WAVE)


def test_a_declared_encoding_that_is_wrong_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "wave.csv"
    path.write_bytes("a,b\n1,2\n安,3\n".encode("gb18030"))
    with pytest.raises(DataError, match="line 3"):
        read(path, WAVE.model_copy(update={"encoding": "utf-8"}))


def test_western_text_is_not_taken_for_chinese() -> None:
    assert detect_encoding(("género;años;está;comisaría\n" * 30).encode("cp1252")) not in ("gb18030", "utf-8")
