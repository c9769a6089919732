"""The whole report: bytes, size, validity, hostile wording, missing parts, marks."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import html5lib
import pytest

from reports.render import render
from survey.codebook import Codebook
from survey.disclosure import Releasable
from tests.reports.sample import WAVES, city, plain_survey

ROOT = Path(__file__).parents[2]
HOSTILE = '<script>alert(1)</script>]]>\u202e\u200f=HYPERLINK("x")' + "长" * 5000
CODE = (
    "import hashlib, sys; sys.path.insert(0, sys.argv[1]);"
    "from tests.reports.sample import city; from reports.render import render;"
    "release, book = city(); files = render(release, book, '2026H1', ['zh', 'en']);"
    "print(hashlib.sha256(b''.join(name.encode() + body for name, body in files.items())).hexdigest())"
)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    release, book = city()
    return render(release, book, WAVES[-1], ["zh", "en"])


def rows(body: bytes) -> list[list[str]]:
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_every_file_is_there(files: dict[str, bytes]) -> None:
    tables = {"headline", "trend", "items", "areas", "groups", "practices", "models", "method"}
    assert set(files) == {"index.html", "zh.html", "en.html", *(f"tables/{name}.csv" for name in tables)}
    assert max(map(len, files.values())) < 150_000


@pytest.mark.parametrize("name", ["index.html", "zh.html", "en.html"])
def test_pages_are_valid_and_carry_no_script_style_or_address(files: dict[str, bytes], name: str) -> None:
    text = files[name].decode()
    html5lib.HTMLParser(strict=True).parse(text)
    for forbidden in ("<script", " style=", "javascript:", "http://", "https://", "url("):
        assert forbidden not in text
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in text


@pytest.mark.parametrize("code", ["zh", "en"])
def test_all_eight_blocks_are_there_in_order_and_links_resolve(files: dict[str, bytes], code: str) -> None:
    tree = html5lib.parse(files[f"{code}.html"].decode(), namespaceHTMLElements=False)
    blocks = [section.get("id") for section in tree.findall(".//main/section")]
    assert blocks == ["headline", "points", "trend", "answers", "areas", "groups", "drivers", "method"]
    known = [element.get("id") for element in tree.iter() if isinstance(element.tag, str) and element.get("id")]
    assert len(known) == len(set(known))
    for link in tree.iter("a"):
        target = link.get("href")
        assert target[1:] in known if target.startswith("#") else target in files
    levels = [int(element.tag[1]) for element in tree.iter() if element.tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_simulated_is_said_on_every_page(files: dict[str, bytes]) -> None:
    assert "Simulated data." in files["en.html"].decode()
    assert "模拟数据。" in files["zh.html"].decode()
    assert "模拟数据 · Simulated data" in files["index.html"].decode()


def test_the_same_bytes_come_from_every_process() -> None:
    release, book = city()
    here = render(release, book, WAVES[-1], ["zh", "en"])
    expected = hashlib.sha256(b"".join(name.encode() + body for name, body in here.items())).hexdigest()
    for seed, locale in (("1", "C"), ("2", "de_DE.UTF-8")):
        run = [sys.executable, "-c", CODE, str(ROOT)]
        told = subprocess.run(
            run, env=os.environ | {"PYTHONHASHSEED": seed, "LC_ALL": locale}, capture_output=True, text=True, check=True
        )
        assert told.stdout.strip() == expected


def hostile_city() -> tuple[Releasable, Codebook]:
    """The city with hostile wording wherever a codebook has words."""
    release, book = city()
    text = book.model_dump_json()
    for word in (
        "Dongcheng",
        "Overall sense of security",
        "All in all, how safe do you feel nowadays?",
        "Rather safe",
        "Sense of security",
    ):
        text = text.replace(f'"{word}"', '"HOSTILE"')
    bad = HOSTILE.replace("\\", "\\\\").replace('"', '\\"')
    return release, Codebook.model_validate_json(text.replace('"HOSTILE"', f'"{bad}"'))


def test_hostile_wording_comes_out_inert() -> None:
    release, book = hostile_city()
    files = render(release, book, WAVES[-1], ["en"])
    text = files["en.html"].decode()
    html5lib.HTMLParser(strict=True).parse(text)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    for body in files.values():
        assert not any(mark in body.decode() for mark in "\u202e\u200f")


def test_cells_are_no_formulas() -> None:
    release, book = city()
    text = book.model_dump_json().replace('"Dongcheng"', '"=HYPERLINK(1)"').replace('"Xiguan"', '"@cmd"')
    tables = render(release, Codebook.model_validate_json(text), WAVES[-1], ["en"])
    cells = {cell for name, body in tables.items() if name.endswith(".csv") for row in rows(body) for cell in row}
    assert "'=HYPERLINK(1)" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    assert all(float(cell) <= 0 for cell in cells if cell.startswith("-"))


def test_withheld_figures_show_their_mark_and_nothing_else(files: dict[str, bytes]) -> None:
    head, *body = rows(files["tables/areas.csv"])
    mark, group, estimate = (head.index(name) for name in ("mark", "group", "estimate"))
    assert {row[mark] for row in body if row[group] == "8"} == {"[c]"}
    assert {row[mark] for row in body if row[group] == "9"} == {"[u]"}
    numbers = slice(estimate, mark)
    assert all(not any(row[numbers]) for row in body if row[mark].startswith("["))
    tree = html5lib.parse(files["en.html"].decode(), namespaceHTMLElements=False)
    told = [["".join(cell.itertext()) for cell in row] for row in tree.findall(".//section[@id='areas']//tr")]
    assert ["Qingshi", "[c]", "", "", "", ""] in told
    assert ["Yunling", "[u]", "", "", "", ""] in told


def test_numbers_of_the_csv_are_the_results(files: dict[str, bytes]) -> None:
    head, *body = rows(files["tables/headline.csv"])
    row = next(row for row in body if row[head.index("item")] == "security" and row[head.index("statistic")] == "mean")
    assert row[head.index("estimate")] == "0.92"
    assert row[head.index("item_zh")] == "安全感"


def test_a_plain_survey_leaves_out_what_it_has_not() -> None:
    release, book = plain_survey()
    files = render(release, book, "2007-08", ["en"])
    tree = html5lib.parse(files["en.html"].decode(), namespaceHTMLElements=False)
    assert [section.get("id") for section in tree.findall(".//main/section")] == ["headline", "answers", "method"]
    text = files["en.html"].decode()
    assert "First wave: nothing to compare with yet" in text
    assert "<aside" not in text
    assert "33.3%" in text
