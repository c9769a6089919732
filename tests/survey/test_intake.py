"""Intake reads every format as delivered; expected cells are written out by hand or by another library."""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
import zipfile
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest

from survey.codebook import Fieldwork, Wave
from survey.errors import DataError
from survey.intake import Dictionary, detect_encoding, dictionary, read
from survey.source import DATABASE, checksum

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


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_quotation_mark_that_swallows_respondents_is_refused(tmp_path: Path, place: int, end: str) -> None:
    path = tmp_path / "wave.csv"
    rows = [[f"P{number}", "1", "a remark", "2", "3"] for number in range(2, 903)]
    rows[5][2] = '"two\nlines, and commas"'  # makes rows and lines differ before the fault
    for row in (101, 111):
        rows[row - 3][place] = '"' + rows[row - 3][place]
    path.write_bytes(end.join(["id,a,remark,b,c", *map(",".join, rows), ""]).encode())
    with pytest.raises(DataError, match="line 101 to line 111") as refused:
        read(path, WAVE)
    assert "quotation mark is not closed" in str(refused.value)
    assert "P10" not in str(refused.value)


def test_remarks_of_several_lines_are_no_swallowed_rows(tmp_path: Path) -> None:
    path = tmp_path / "wave.csv"
    remarks = ["dark, noisy\nand cold", "a, b, c\nd, e, f", "1,2,3\n4,5,6", "\n\n", ",,,,\n,,,,"]
    pd.DataFrame({"id": range(5), "a": 1, "remark": remarks, "b": 2, "c": 3}).to_csv(path, index=False)
    assert read(path, WAVE)[0]["remark"].tolist() == remarks


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


def test_legacy_western_and_cyrillic_text_keeps_its_letters(tmp_path: Path) -> None:
    """Bytes of both code pages mean letters in each other; only the language tells them apart."""
    for encoding, line in {
        "cp1252": "1;género;años en el barrio;está\n",
        "cp1251": "1;Чувствуете ли;вы себя;да\n",
    }.items():
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(("id;a;b;c\n" + "2;x;y;z\n" * 20_000 + line * 30).encode(encoding))
        assert read(path, WAVE)[0].iloc[-1].tolist() == line.strip().split(";")


def test_a_byte_out_of_the_ordinary_late_in_a_long_file(tmp_path: Path) -> None:
    path = tmp_path / "wave.csv"
    path.write_bytes(b"a,b\n" + b"1,plain\n" * 50_000 + "2,caf\u00e9\n".encode("latin-1"))
    assert read(path, WAVE)[0]["b"].iloc[-1].startswith("caf")


@pytest.mark.parametrize(
    ("main", "line", "parts"),
    [
        ("utf-8", "9,王芳,很安全\n".encode("gb18030"), ["in UTF-8 except", "line 101, byte 3 ", "like GB18030"]),
        ("utf-8-sig", "9,王芳,很安全\n".encode("gb18030"), ["in UTF-8 except", "line 101", "like GB18030"]),
        ("utf-8", "9,Zoé,ok\n".encode("cp1252"), ["in UTF-8 except", "line 101, byte 5 ", "like Windows-1252"]),
        (
            "utf-8",
            "9,王芳,很安全\n".encode().replace(b"\x8b", b"\x0b", 1),  # a bit turned
            ["in UTF-8 except", "line 101, byte 3 ", "like no encoding"],
        ),
        ("gb18030", "9,王芳,很安全\n".encode(), ["in GB18030 except", "line 101, byte ", "like UTF-8"]),
    ],
)
def test_a_line_in_another_encoding_is_named(tmp_path: Path, main: str, line: bytes, parts: list[str]) -> None:
    """Read in one legacy encoding, all other lines would become mojibake and be published as wordings."""
    path = tmp_path / "wave.csv"
    rows = [f"{number},李强,比较安全，没有意见\n".encode(main.removesuffix("-sig")) for number in range(2, 901)]
    path.write_bytes("编号,姓名,感受\n".encode(main) + b"".join([*rows[:99], line, *rows[99:]]))
    with pytest.raises(DataError) as refused:
        read(path, WAVE)
    for part in parts:
        assert part in str(refused.value)
    assert "王芳" not in str(refused.value)


def test_a_header_and_one_answer_in_two_encodings_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "wave.csv"
    path.write_bytes("编号,姓名\n".encode() + b"1,\n" * 50 + "2,王芳\n".encode("gb18030"))
    with pytest.raises(DataError, match="line 52, byte 3 "):
        read(path, WAVE)


def test_rare_characters_of_gb18030_are_no_other_encoding(tmp_path: Path) -> None:
    path = tmp_path / "wave.csv"
    path.write_bytes(("编号,姓名\n" + "1,李强\n" * 300 + "2,朱镕基喆堃\n" * 9).encode("gb18030"))
    frame, provenance = read(path, WAVE)
    assert (frame["姓名"].iloc[-1], provenance.encoding) == ("朱镕基喆堃", "gb18030")


@pytest.mark.parametrize("kind", ["gz", "zip"])
def test_archives_are_read_and_summed_as_they_came(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"wave.csv.{kind}"
    content = as_csv(",").encode()
    if kind == "gz":
        path.write_bytes(gzip.compress(content))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("__MACOSX/._wave.csv", b"noise")
            archive.writestr("reading.pdf", b"%PDF")
            archive.writestr("in/wave.csv", content)
    frame, provenance = read(path, WAVE)
    assert frame.to_numpy().tolist() == CELLS
    assert provenance.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() == checksum(path, WAVE)
    assert provenance.parts == (("wave.csv", 2),)


def test_a_folder_of_parts_is_one_delivery(tmp_path: Path) -> None:
    folder = tmp_path / "wave"
    folder.mkdir()
    (folder / "1-north.csv").write_text("id,safe\n1,a\n2,b\n")
    (folder / "2-south.csv").write_text("safe;id\nc;3\n")
    (folder / ".DS_Store").write_text("noise")
    frame, provenance = read(folder, WAVE)
    assert frame.to_numpy().tolist() == [["1", "a"], ["2", "b"], ["3", "c"]]
    assert frame.index.tolist() == [2, 3, 4]
    assert provenance.parts == (("1-north.csv", 2), ("2-south.csv", 1))
    (folder / "3-west.csv").write_text("id,afraid\n4,d\n")
    with pytest.raises(DataError, match="3-west"):
        read(folder, WAVE)


def test_a_query_is_a_delivery(tmp_path: Path) -> None:
    path = tmp_path / "cases.db"
    with sqlite3.connect(path) as database:
        database.execute("create table cases (id text, safe integer, w real)")
        database.executemany("insert into cases values (?, ?, ?)", [("02", 1, 0.5), ("01", None, 2.0)])
    environ = {DATABASE: f"sqlite:///{path}"}
    wave = WAVE.model_copy(update={"query": "select id, safe, w from cases"})
    frame, provenance = read(tmp_path / "x", wave, environ)
    assert frame.to_numpy().tolist() == [["01", "", "2"], ["02", "1", "0.5"]]
    assert provenance.reader == "query"
    assert provenance.sha256 == checksum(tmp_path / "x", wave, environ)
    read(
        tmp_path / "x", wave.model_copy(update={"query": "insert into cases values ('03', 1, 1) returning id"}), environ
    )
    assert len(read(tmp_path / "x", wave, environ)[0]) == 2  # what a query writes is taken back
    with pytest.raises(DataError) as caught:
        read(tmp_path / "x", wave.model_copy(update={"query": "select '13800138000' from nowhere"}), environ)
    assert "13800138000" not in str(caught.value)
    with pytest.raises(DataError, match=DATABASE):
        read(tmp_path / "x", wave, {})


def test_what_a_statistical_file_says_about_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "wave.sav"
    pyreadstat.write_sav(
        pd.DataFrame({"safe": [1.0, 9.0]}), str(path), column_labels={"safe": "How safe"},
        variable_value_labels={"safe": {1: "Safe", 9: "Refused"}}, missing_ranges={"safe": [9]},
    )  # fmt: skip
    found = dictionary(path, WAVE)
    assert found == Dictionary({"safe": "How safe"}, {"safe": {"1": "Safe", "9": "Refused"}}, {"safe": ["9"]})
    assert read(path, WAVE)[0]["safe"].tolist() == ["1", "9"]  # codes declared as missing are still delivered


def test_sas_transport(tmp_path: Path) -> None:
    path = tmp_path / "wave.xpt"
    pyreadstat.write_xport(pd.DataFrame({"safe": [1.0, 2.0], "name": ["a", "b"]}), str(path))
    assert read(path, WAVE)[0].to_numpy().tolist() == [["1", "a"], ["2", "b"]]


def test_long_numbers_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "wave.parquet"
    pd.DataFrame({"id": [110101199003078515]}).to_parquet(path)
    assert read(path, WAVE)[0].iloc[0, 0] == "110101199003078515"


def test_an_archive_that_claims_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("survey.source.LARGEST", 1000)
    path = tmp_path / "wave.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1000))
    with pytest.raises(DataError, match="unpacks to more"):
        read(path, WAVE)


@pytest.mark.parametrize("name", ["wave.csv.gz", "wave.zip"])
def test_a_damaged_archive(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("wave.csv", as_csv(","))
    else:
        path.write_bytes(gzip.compress(as_csv(",").encode()))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="cannot be unpacked"):
        read(path, WAVE)


@pytest.mark.parametrize(
    "cell", ["13800138000", "访谈张三13800138000", "110101199003078515", "11010119900307851X", "2026-05-01", "100234"]
)
def test_a_first_line_that_is_no_header_is_refused_without_its_words(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "wave.csv"
    path.write_text(f"id,{cell},safe\n1,2,3\n", encoding="utf-8")
    with pytest.raises(DataError, match="column 2") as caught:
        read(path, WAVE)
    assert cell not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "place", "parts"),
    [
        ("P1,2,1,2\nP2,1,1,3\n", "column 4", ["the name of column 2 again", "the file has no header"]),
        ("id,,safe\nP1,1,2\n", "column 2", ["without a name", "above the header line"]),
    ],
)
def test_a_name_twice_or_none_is_refused_with_what_may_be_the_cause(
    tmp_path: Path, lines: str, place: str, parts: list[str]
) -> None:
    file = tmp_path / "w.csv"
    file.write_text(lines, encoding="utf-8")
    with pytest.raises(DataError) as refused:
        read(file, WAVE)
    for part in (place, *parts):
        assert part in str(refused.value)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_columns_with_neither_name_nor_cell_are_left_out_and_told(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"wave.{kind}"
    table = pd.DataFrame([["P1", "", "2", " ", ""], ["P2", "", "1", "", ""]], columns=["id", "", "safe", " ", ""])
    if kind == "csv":
        table.to_csv(path, sep=";", index=False)
    else:
        table.to_excel(path, index=False, engine="xlsxwriter")
    frame, provenance = read(path, WAVE)
    assert frame.to_dict("list") == {"id": ["P1", "P2"], "safe": ["2", "1"]}
    assert (provenance.columns, provenance.blank) == (2, (2, 4, 5) if kind == "csv" else (2, 4))
