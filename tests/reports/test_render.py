"""The whole report: bytes, size, validity, hostile wording, missing parts, marks."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from zipfile import ZipFile

import html5lib
import pytest
from jinja2 import Environment, FileSystemLoader

from reports.render import Compiled, render
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
    beside = {"tables-zh.xlsx", "tables-en.xlsx", "results.json", "results.schema.json", "tables/csv-metadata.json"}
    assert {name for name in files if not name.endswith(".html")} == {
        "about.json",
        *beside,
        *(f"tables/{name}.csv" for name in tables),
    }
    assert {"index.html", "zh.html", "en.html"} <= set(files)


@pytest.mark.parametrize("code", ["zh", "en"])
def test_all_eight_blocks_are_there_in_order(files: dict[str, bytes], code: str) -> None:
    tree = html5lib.parse(files[f"{code}.html"].decode(), namespaceHTMLElements=False)
    blocks = [section.get("id") for section in tree.findall(".//main/section")]
    assert blocks == ["headline", "points", "trend", "answers", "areas", "groups", "drivers", "method"]
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


def templated(folder: Path, cache: Path, text: str) -> Compiled:
    """The cache that a new process has, after it set a page of a template."""
    (folder / "page.html").write_text(text, encoding="utf-8")
    compiled = Compiled(cache)
    page = Environment(loader=FileSystemLoader(folder), autoescape=True, bytecode_cache=compiled)
    assert page.get_template("page.html").render() == text
    return compiled


def test_templates_are_compiled_once_for_all_processes_and_anew_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    cache = tmp_path / "__pycache__"
    assert templated(tmp_path, cache, "one").known
    assert not templated(tmp_path, cache, "one").known  # read from the disk
    assert templated(tmp_path, cache, "two").known
    (kept,) = cache.iterdir()
    kept.write_bytes(b"no code")
    assert templated(tmp_path, cache, "two").known


def test_templates_are_compiled_in_memory_where_nobody_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "file").touch()
    assert templated(tmp_path, tmp_path / "file" / "__pycache__", "one").known
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert templated(tmp_path, tmp_path / "__pycache__", "one").known
    assert not (tmp_path / "__pycache__").exists()


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


def zipped(content: bytes) -> list[str]:
    """The texts of a workbook."""
    with ZipFile(io.BytesIO(content)) as parts:
        return [parts.read(name).decode() for name in parts.namelist()]


def test_hostile_wording_comes_out_inert() -> None:
    release, book = hostile_city()
    files = render(release, book, WAVES[-1], ["en"])
    text = files["en.html"].decode()
    html5lib.HTMLParser(strict=True).parse(text)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    for name, body in files.items():
        texts = zipped(body) if name.endswith(".xlsx") else [body.decode()]
        assert not any(mark in text for text in texts for mark in "\u202e\u200f"), name


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


def test_p_and_q_are_both_told_and_never_as_nought(files: dict[str, bytes]) -> None:
    head, *body = rows(files["tables/models.csv"])
    assert head[-11:] == ["estimate", "se", "ci_low", "ci_high", "df", "n", "n_eff", "deff", "p", "q", "mark"]
    told = [(row[head.index("p")], row[head.index("q")]) for row in body if row[head.index("item")] == "intercept"]
    assert told == [("1.25e-11", "1.25e-11")]


def test_colours_and_words_of_a_regression_follow_the_corrected_p() -> None:
    release, book = city()
    term = release.results["item"].eq("patrol_satisfied") & release.results["block"].eq("model_safe")
    frame = release.results.assign(q=release.results["q"].mask(term, 0.2))
    text = render(Releasable(frame, release.facts), book, WAVES[-1], ["en"])["en.html"].decode()
    found = {
        "".join(row[0].itertext()): row
        for row in html5lib.parse(text, namespaceHTMLElements=False).findall(".//table[@class='rows model']/tbody/tr")
    }
    row = next(row for name, row in found.items() if "atrols" in name)
    assert row.find(".//{http://www.w3.org/2000/svg}svg").get("class") == "iv"
    assert "Corrected p 0.200" in ["".join(cell.itertext()) for cell in row]


TOLD = {
    "en": (
        ("Completed interviews, used here", "3,012"),
        ("Complete, but could not be used", "12"),
        ("Without a weight", "3"),
        "3,012 completed interviews; response rate (AAPOR RR3) 74.8%",
        "take strata, sampling units, weights and raking into account.",
        "2,431 of 3,012 respondents; the other 581 left a question unanswered.",
        "various reasons 14 and filter question not answered 19",
        "Asked of those who answered “Rather unsafe” or “Unsafe” to",
        "Awareness (mean share of items)",
        "an interval 30 points or wider, or one wider than 5 points and over 130% of the share, after NCHS (2017)",
        "&lt;10",
        "for each year more",
        "for each unit more",
        "The intervals are not corrected for the number of comparisons",
        "Stood out: 1 of 40 interviewers and 0 of 180 sampling units, with 2.1% of all interviews.",
        "A pattern does not prove anything about anybody",
        "Interviewers: the best answer to every question of opinion",
        "40 points, 1 of them marked; usual share 10.0%",
        "Every figure of this report keeps all interviews",
        "−1.3",
    ),
    "zh": (
        ("无权数", "3"),
        ("完成但未用于分析", "12"),
        "3,012名受访者中使用2,431名",
        "各种原因14人",
        "前置题未作答19人",
        "回答“不太安全”或“不安全”的受访者",
        "参照NCHS",
        "少于10",
        "每增加1年",
        "平均满意项占比",
        "区间未作多重比较校正",
        "突出者：40名访问员中的1名和180个抽样单元中的0个，涉及全部访问的2.1%。",
        "答题模式不能证明任何人做过什么",
        "剔除突出者后的主要指标",
    ),
}


@pytest.mark.parametrize("code", ["en", "zh"])
def test_the_method_tells_what_was_left_out_and_how_it_was_judged(files: dict[str, bytes], code: str) -> None:
    pages = b"".join(files[f"{code}{stem}.html"] for stem in ("", "-methods", "-privacy"))
    text = re.sub(r'<span class="nb">([^<]*)</span>', r"\1", pages.decode())
    for told in TOLD[code]:
        wanted = told if isinstance(told, str) else f"<dt>{told[0]}<dd>{told[1]}<"
        assert wanted in text, wanted
    for gone in ("Largest", "not different", "cannot be ranked", "overlap", ">=<", "other things equal"):
        assert gone not in text, gone


def test_a_funnel_has_points_and_no_names(files: dict[str, bytes]) -> None:
    tree = html5lib.parse(files["en-methods.html"].decode(), namespaceHTMLElements=False)
    chart = next(svg for svg in tree.iter("{http://www.w3.org/2000/svg}svg") if svg.get("class") == "plot funnel")
    circles = list(chart.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == 40
    assert [circle.get("class") for circle in circles].count("dot out") == 1
    assert all(not len(circle) and set(circle.keys()) == {"class", "cx", "cy", "r"} for circle in circles)


def test_nothing_stood_out_is_said_without_a_table() -> None:
    release, book = city()
    quiet = release.facts["integrity"] | {"flagged": 0}
    rows = release.results[release.results["by"] != "in_flagged_cluster"]
    facts = release.facts | {"integrity": quiet}
    text = render(Releasable(rows, facts), book, WAVES[-1], ["en"])["en-methods.html"].decode()
    assert "None of 40 interviewers and 180 sampling units stood out." in text
    assert "without what stood out" not in text


def test_small_counts_are_summed_as_ranges_and_old_steps_keep_their_ends() -> None:
    release, book = city()
    facts = release.facts | {
        "weighting": {"steps": [{"step": "base", "n": 9, "min": 0.5, "max": 2.0, "deff": 1.1, "n_eff": 8}]},
        "quality": {"problems": [{"rule": "range", "item": "age", "n": n} for n in (None, None, 20)]},
    }
    delivered = book.model_copy(update={"weighting": book.weighting.model_copy(update={"base": "age"})})
    text = render(Releasable(release.results, facts), delivered, WAVES[-1], ["en"])["en-methods.html"].decode()
    assert "22–38" in text
    assert "Smallest" in text
    assert "Weight as delivered" in text


def test_a_plain_survey_leaves_out_what_it_has_not() -> None:
    release, book = plain_survey()
    files = render(release, book, "2007-08", ["en"])
    tree = html5lib.parse(files["en.html"].decode(), namespaceHTMLElements=False)
    assert [section.get("id") for section in tree.findall(".//main/section")] == ["headline", "answers", "method"]
    text = files["en.html"].decode()
    assert "Only one wave here" in text
    assert "First wave" not in text
    assert "take only weights into account; strata and sampling units are not known" in text
    assert "<aside" not in text
    assert "33.3%" in text
