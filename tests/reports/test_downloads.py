"""The files to take away: workbooks hold what the tables hold, JSON obeys its schema, metadata fit the CSVs."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from jsonschema import Draft202012Validator
from python_calamine import CalamineWorkbook

from reports.metadata import schema
from reports.render import render
from reports.tables import NUMBERS
from survey import tidy
from survey.disclosure import Releasable
from survey.pairs import PAIR
from tests.reports.sample import WAVES, city, city_rows, plain_survey, share, withheld

HOSTILE = (
    '=HYPERLINK("http://x.invalid","安全")',
    "+1+1",
    "-cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "<b>]]>",
    "\u202eabc",
)


def banner_rows() -> list[dict[str, Any]]:
    """One question by age: the second group is small and withheld, the fourth is above the first and the third."""
    keys = {"item": "home_night", "by": "age_band", "block": "banner", "statistic": "share"}
    rows = []
    for level, base in (("1", 0.3), ("2", 0.7)):
        for group in "1234":
            row = share("home_night", base + 0.05 * int(group) * (1 if level == "1" else -1), n=700)
            row |= keys | {"level": level, "group": group}
            rows.append(withheld(row, "suppressed_primary") if group == "2" else row)
    for pair, gap, q in (("4 - 1", 0.15, 0.004), ("4 - 3", 0.05, 0.03)):
        rows.append(share("home_night", gap, n=700) | keys | {"statistic": PAIR, "group": pair, "level": "1", "q": q})
    return rows


def release() -> tuple[Releasable, Any]:
    released, book = city()
    rows = tidy.results([*city_rows(), *banner_rows()])
    return Releasable(rows, released.facts), book


@cache
def files() -> dict[str, bytes]:
    released, book = release()
    return render(released, book, WAVES[-1], ["zh", "en"])


def opened(name: str) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(files()[name]))


def lines(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files()[f"tables/{name}.csv"].decode("utf-8-sig"))))


def table(sheet: Any) -> pd.DataFrame:
    """The one named table of a sheet."""
    (found,) = sheet.tables.values()
    head, *rows = sheet[found.ref]
    return pd.DataFrame([[cell.value for cell in row] for row in rows], columns=[cell.value for cell in head])


@pytest.mark.parametrize("name", ["tables-en.xlsx", "tables-zh.xlsx", "banner-en.xlsx", "banner-zh.xlsx"])
def test_every_sheet_follows_the_guidance(name: str) -> None:
    book = opened(name)
    cover, contents, notes, *sheets = book.worksheets
    assert len(sheets) >= 1
    assert cover["A1"].value
    for sheet in (contents, notes, *sheets):
        assert sheet["A1"].value, sheet.title
        assert list(sheet.merged_cells.ranges) == []
        assert len(sheet.tables) == 1
        (found,) = sheet.tables.values()
        first = int("".join(letter for letter in found.ref.split(":")[0] if letter.isdigit()))
        assert sheet.freeze_panes.endswith(str(first + 1))
        rows = table(sheet)
        assert rows.columns.is_unique
        assert not rows.isna().any(axis=None)
        assert not (rows == "").any(axis=None)
        assert sheet.sheet_state == "visible"
    listed = table(contents)
    assert listed.iloc[:, 0].tolist() == [sheet.title for sheet in sheets]
    assert listed.iloc[:, 2].tolist() == [len(table(sheet)) for sheet in sheets]
    links = [cell.hyperlink.location for cell in contents["A"] if cell.hyperlink]
    assert links == [f"'{sheet.title}'!A1" for sheet in sheets]
    assert {"[c]", "[u]", "[x]", "[z]", "[b]"} <= set(table(notes).iloc[:, 0])
    assert book.properties.title
    assert book.properties.creator


@pytest.mark.parametrize("name", ["headline", "trend", "items", "areas", "groups", "practices"])
def test_the_workbook_holds_the_numbers_of_the_csv(name: str) -> None:
    """Shares and differences are in per cent and points; the order within what is so and what is compared is kept."""
    sheet = next(sheet for sheet in opened("tables-en.xlsx") if name in sheet.tables)
    rows = table(sheet)
    compared = [line for line in lines(name) if line["statistic"] in ("change", "difference")]
    expected = [line for line in lines(name) if line not in compared] + compared
    assert len(rows) == len(expected)
    for column, source, factor in (
        ("Estimate", "estimate", 100),
        ("Lower bound", "ci_low", 100),
        ("Upper bound", "ci_high", 100),
        ("Standard error", "se", 100),
        ("Respondents", "n", 1),
    ):
        for value, line in zip(rows[column], expected, strict=True):
            if line["mark"].startswith("["):
                assert value == line["mark"]
            else:
                assert value == pytest.approx(factor * float(line[source]), abs=2e-4), (column, line)
    assert set(rows["Unit"]) <= {"%", "percentage points"}


def test_numbers_have_formats_and_withheld_ones_are_nowhere() -> None:
    sheet = next(sheet for sheet in opened("tables-en.xlsx") if "areas" in sheet.tables)
    rows = table(sheet)
    hidden = rows[rows["Estimate"] == "[c]"]
    assert len(hidden) == 3 * 5  # the figure, its difference and its change, of five indicators
    for name in ("Lower bound", "Upper bound", "Standard error", "Respondents", "Effective sample", "Design effect"):
        assert set(hidden[name]) == {"[c]"}
    formats = {cell.number_format for row in sheet.iter_rows() for cell in row if isinstance(cell.value, float)}
    assert {"#,##0.0", "#,##0.000"} <= formats
    assert "General" not in formats


def test_the_banner_has_letters_for_the_groups_that_are_smaller() -> None:
    for code, base in (("en", "Respondents"), ("zh", "受访人数")):
        rows = table(opened(f"banner-{code}.xlsx")["Age group" if code == "en" else "年龄段"])
        assert rows.iloc[:, 1].tolist()[0] == base
        signs = [name.split()[0] for name in rows.columns[3::2]]
        assert signs == ["A", "B", "C", "D"]
        first, second = rows.iloc[1], rows.iloc[2]
        assert first.iloc[3::2].tolist() == [pytest.approx(35), "[c]", pytest.approx(45), pytest.approx(50)]
        assert first.iloc[4::2].tolist() == ["–", "–", "–", "A c"]
        assert second.iloc[4::2].tolist() == ["–"] * 4
        assert rows.iloc[0, 3::2].tolist() == [700, "[c]", 700, 700]


def test_without_banner_figures_there_is_no_banner() -> None:
    released, book = city()
    made = render(released, book, WAVES[-1], ["en"])
    assert not [name for name in made if "banner" in name]
    assert b"banner-en" not in made["en.html"]
    assert b'href="banner-en.xlsx"' in files()["en.html"]
    assert b'href="tables-zh.xlsx"' in files()["zh.html"]


def test_the_page_and_its_tables_show_no_banner_figure() -> None:
    released, book = city()
    without = render(released, book, WAVES[-1], ["zh", "en"])
    for name in without:
        if name.startswith("tables/"):
            assert files()[name] == without[name], name


@pytest.mark.parametrize("sample", [release, plain_survey])
def test_the_json_is_valid_under_its_schema_and_whole(sample: Any) -> None:
    released, book = sample()
    wave = list(book.waves)[-1]
    made = render(released, book, wave, list(book.languages))
    content = json.loads(made["results.json"])
    Draft202012Validator.check_schema(json.loads(made["results.schema.json"]))
    Draft202012Validator(json.loads(made["results.schema.json"])).validate(content)
    back = tidy.results(content["results"]).assign(survey=released.results["survey"])
    pd.testing.assert_frame_equal(back, released.results, rtol=1e-8, check_dtype=False)
    assert content["wave"] == wave


@pytest.mark.parametrize(
    "change",
    [
        {"flag": "secret"},
        {"p": 1.2},
        {"estimate": "0.5"},
        {"name": "张三"},
        {"n": -1},
        {"flag": "suppressed_primary"},
        {"item": ""},
    ],
)
def test_the_schema_refuses(change: dict[str, Any]) -> None:
    content = json.loads(files()["results.json"])
    good = next(row for row in content["results"] if row["flag"] == "released")
    validator = Draft202012Validator(schema())
    assert validator.is_valid(content | {"results": [good]})
    assert not validator.is_valid(content | {"results": [good | change]})


def test_csvw_describes_every_column_of_every_table() -> None:
    about = json.loads(files()["tables/csv-metadata.json"])
    assert about["@context"][0] == "http://www.w3.org/ns/csvw"
    tables = {entry["url"]: entry["tableSchema"]["columns"] for entry in about["tables"]}
    assert {f"tables/{url}" for url in tables} == {name for name in files() if name.endswith(".csv")}
    for url, columns in tables.items():
        head, *rows = csv.reader(io.StringIO(files()[f"tables/{url}"].decode("utf-8-sig")))
        assert [column["name"] for column in columns] == head
        for place, column in enumerate(columns):
            assert column["name"] in column["titles"]["en"]
            assert column["titles"]["zh"][0]
            if column["datatype"] == "number":
                [float(row[place]) for row in rows if row[place]]
    numbers = {column["name"] for column in tables["headline.csv"] if column["datatype"] == "number"}
    assert numbers == set(NUMBERS.values())


def hostile() -> tuple[Releasable, Any]:
    """The city with formulas for a title, a label, an answer, a breakdown and a fact."""
    released, book = release()
    content = book.model_dump(mode="json")
    for name, text in zip(("home_night", "overall", "sex", "age_band"), HOSTILE, strict=False):
        part = content["items"] if name in content["items"] else content["derived"]
        part[name]["label"] = {"zh": text, "en": text}
    for scale in content["scales"].values():
        for number, level in enumerate(scale["levels"]):
            text = HOSTILE[number % len(HOSTILE)]
            scale["levels"][level] = {"zh": text, "en": text}
    content["title"] = {"zh": HOSTILE[0], "en": HOSTILE[0]}
    content["publisher"] = {"zh": HOSTILE[4], "en": HOSTILE[4]}
    facts = {**released.facts, "version": HOSTILE[0]}
    return Releasable(released.results, facts), type(book).model_validate(content)


def test_formulas_come_out_as_text() -> None:
    released, book = hostile()
    made = render(released, book, WAVES[-1], ["zh", "en"])
    workbooks = [name for name in made if name.endswith(".xlsx")]
    assert len(workbooks) == 4
    seen = set()
    for name in workbooks:
        for sheet in openpyxl.load_workbook(io.BytesIO(made[name])):
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.data_type != "f", (name, sheet.title, cell.coordinate)
                    if isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@")):
                        seen.add(cell.value)
                    if cell.hyperlink is not None:
                        assert cell.hyperlink.target is None
        with CalamineWorkbook.from_filelike(io.BytesIO(made[name])) as other:
            texts = {cell for title in other.sheet_names for row in other.get_sheet_by_name(title).to_python()
                     for cell in row if isinstance(cell, str)}  # fmt: skip
            assert any("HYPERLINK" in text for text in texts)
    assert {HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[3]} <= seen
    for name in made:
        if name.endswith(".csv"):
            for row in csv.reader(io.StringIO(made[name].decode("utf-8-sig"))):
                for value in row:
                    assert not value.startswith(("=", "+", "@", "\t")), value
                    if value.startswith("-"):
                        float(value)


def test_same_bytes_in_another_process_with_another_hash_seed() -> None:
    code = (
        "import hashlib,sys; from tests.reports.test_downloads import files; "
        "sys.stdout.write(repr({n: hashlib.sha256(c).hexdigest() for n, c in sorted(files().items())}))"
    )
    root = Path(__file__).parents[2]
    found = []
    for seed, zone in (("1", "UTC"), ("77", "Asia/Shanghai")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(root)}
        done = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, check=True)
        found.append(done.stdout)
    assert found[0] == found[1]
    assert b"tables-zh.xlsx" in found[0]
