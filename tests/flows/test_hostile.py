"""Hostile text in every place where a user may write one, through the whole way, comes out as text."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from itertools import cycle, repeat
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import cli
from flows.charts import computed
from flows.job import Job
from flows.workspace import Workspace
from reports.figures import Figures
from reports.language import Language
from reports.render import render
from reports.scene import Scene
from reports.standalone import charts
from survey.characters import FORBIDDEN, UNSEEN
from survey.codebook import Codebook
from survey.disclosure import Releasable
from survey.errors import AnxinError, CodebookError
from survey.pairs import BANNER
from survey.survey_yaml import parse
from survey.survey_yaml.notes import read_notes
from tests import hostile_survey, inert, small_survey
from tests.hostile_survey import PAYLOADS, RECORD_CODES, TALL, WIDE, plan, reworded

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ESCAPES = ("\x1b[31mred", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x07", "\x9b2J", "\u202eright", "a\r\nFORGED", "\u2066x")
LONGEST_PAGE = 500_000
"""Bytes of a page whose every wording has 5,000 Chinese letters."""


def call(root: Path, *arguments: str, language: str = "en") -> int:
    """Exit code of the command line, called in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("ANXIN_LANG", language)
        patch.setattr(sys, "argv", ["anxin", *arguments])
        with pytest.raises(SystemExit) as stop:
            cli.main()
    return int(stop.value.code or 0)


def contents(folder: Path) -> dict[str, bytes]:
    """Files below a folder as a reader finds them: publications are links to hidden folders."""
    places = ((Path(place), names) for place, _, names in os.walk(folder, followlinks=True))
    shown = (path for place, names in places for path in map(place.joinpath, names))
    named = {path.relative_to(folder).as_posix(): path for path in shown}
    return {name: path.read_bytes() for name, path in named.items() if not re.search(r"(^|/)\.", name)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the hostile survey was published, with its charts."""
    root = tmp_path_factory.mktemp("hostile")
    hostile_survey.write(root)
    assert call(root, "run", "small-town") == 0
    assert call(root, "charts", "small-town") == 0
    return root


@lru_cache(maxsize=1)
def release(root: Path) -> Releasable:
    """What passed the release boundary, read back from the store."""
    job = Job.plan(Workspace(root), "small-town", None, None, None, root / "public")
    artefact = job.store.load(computed(job)["w3"].released)
    return Releasable(artefact.frames["results"], artefact.facts)


def told(root: Path, texts: Iterator[str], languages: tuple[str, ...] = ("zh", "en")) -> dict[str, bytes]:
    """Report and charts of the same figures with other wording."""
    released, book = release(root), Codebook.model_validate(reworded(plan(), texts))
    files = render(released, book, "w3", languages)
    figures = Figures(released.results[released.results["block"] != BANNER])
    for code in languages:
        scene = Scene(figures, released.facts, book, "w3", Language(code))
        files |= {f"charts/{code}/{name}.svg": drawn for name, drawn in charts(scene).items()}
    return files


def test_a_run_makes_inert_files_only(root: Path) -> None:
    files = contents(root / "public") | contents(root / "exports")
    inert.check(files, PAYLOADS)
    assert {"banner-zh.xlsx", "en-changes.html", "results.json"} <= {name.rpartition("/")[2] for name in files}
    assert sum(name.endswith(".svg") for name in files) >= 16
    page = files["small-town/w3/en.html"].decode()
    assert "&lt;script&gt;alert()&lt;/script&gt;" in files["small-town/w3/zh.html"].decode()  # the reviewer's
    assert "%(n)s %s" in page
    assert "{{7*7}} {% raw %}" in "".join(body.decode() for name, body in files.items() if name.endswith(".html"))
    assert "'=HYPERLINK" in files["small-town/w3/tables/areas.csv"].decode()


def test_a_file_of_records_is_inert_in_every_format(tmp_path: Path) -> None:
    hostile_survey.write(tmp_path, RECORD_CODES)
    assert call(tmp_path, "puf", "small-town") == 0
    files = contents(tmp_path / "public")
    inert.check(files)
    assert {name.rpartition(".")[2] for name in files} == {"csv", "parquet", "sav", "xml", "json", "md"}
    rows = pd.read_csv(tmp_path / "public/small-town/w3-puf/small-town-w3.csv")
    assert set(rows["district"].dropna()) == set(RECORD_CODES)


def test_a_code_of_the_records_may_be_no_formula() -> None:
    tame = small_survey.YAML.replace("quasi_identifiers: [sex, district]}",
                                     "quasi_identifiers: [sex, district], microdata: {k: 5}}")  # fmt: skip
    parse(tame.replace("3: {zh: 北区", "-3: {zh: 北区"))
    with pytest.raises(CodebookError) as caught:
        parse(tame.replace("3: {zh: 北区", "=3: {zh: 北区"))
    assert caught.value.parts()["where"].endswith("scales.district.levels.=3")
    assert caught.value.parts()["got"] == "=3"


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda text: ascii(text)[:24])
def test_each_text_is_inert_in_every_place(root: Path, payload: str) -> None:
    files = told(root, repeat(payload))
    inert.check(files, [payload])
    assert max(len(body) for name, body in files.items() if name.endswith(".html")) < LONGEST_PAGE


LETTERS = st.characters(codec="utf-8")  # with control characters and noncharacters, as a frame may be made in Python
TEXTS = st.one_of(
    st.text(LETTERS, min_size=1, max_size=40),
    st.lists(st.sampled_from([*PAYLOADS[:-3], *"=+-@'\"<>&[]{}%|", "12.3", "שלום"]), min_size=1, max_size=4).map(
        "".join
    ),
)


@settings(max_examples=30, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=8), language=st.sampled_from(["zh", "en"]))
def test_any_text_is_inert(root: Path, texts: list[str], language: str) -> None:
    inert.check(told(root, cycle(texts), (language,)), texts)


def test_right_to_left_labels_leave_figures_in_their_places(root: Path) -> None:
    files = told(root, repeat("שלום"), ("en",))
    inert.check(files, ["שלום"])
    assert "\u2068שלום\u2069" in files["en.html"].decode()


@pytest.mark.parametrize("width", [1280, 320])
def test_a_browser_finds_text_only(root: Path, tmp_path: Path, browser: Browser, width: int) -> None:
    pages = {f"run/{name}": body for name, body in contents(root / "public").items() if name.endswith(".html")}
    for number, payload in enumerate((TALL, WIDE, "n" * 300, "שלום 12.3% עולם")):
        made = told(root, repeat(payload), ("en",))
        pages |= {f"{number}/{name}": body for name, body in made.items() if name.endswith((".html", ".svg"))}
    heard: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: (heard.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: heard.append(request.url))
    for name, body in pages.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        page.goto(file.as_uri())
        assert heard == [file.as_uri()]
        heard.clear()
        if name.endswith(".html"):
            page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert page.evaluate("getComputedStyle(document.body).margin") == "0px"  # the policy let the style in
    context.close()


# --- the terminal -----------------------------------------------------------------------------------------------------


def quiet(text: str) -> None:
    """Lines in which a terminal finds nothing to obey."""
    found = UNSEEN.search(text.replace("\n", ""))
    assert found is None, ascii(text)
    assert "\nFORGED" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "small-town"), ("list",), ("check", "small-town"), ("charts", "small-town"), ("open", "none"),
        ("diff", "small-town", "w1", "w3"), ("run", ESCAPES[0]), ("run", "small-town", "--wave", ESCAPES[1]),
        ("run", "small-town", "--lang", ESCAPES[2]), ("run", "small-town", "--source", ESCAPES[4]), (ESCAPES[3],),
        ("diff", "small-town", "w1", ESCAPES[5]), ("check", "small-town", "--problems", f"{ESCAPES[0]}/x.csv"),
        ("run", "--wrong" + ESCAPES[0]), ("run", "small-town", "--set", f"title.en={ESCAPES[0]}"), ("history",),
        ("run", "small-town", "--set", f"{ESCAPES[1]}=1"), ("status", "small-town"), ("explain", "1", ESCAPES[4]),
        ("explain", "1", "feels_safe"), ("rollback", "small-town", "--to", ESCAPES[3]),
    ],
    ids=ascii,
)  # fmt: skip
def test_no_command_lets_a_text_speak_to_the_terminal(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    call(root, *arguments)
    shown = capsys.readouterr()
    assert shown.out + shown.err
    quiet(shown.out)
    quiet(shown.err)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_files_and_columns_that_speak_to_the_terminal_are_told_by_their_escapes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    """Columns of a Parquet file may have any name; its draft is read back, up to what only a person can know."""
    rows = small_survey.frame().assign(**{f"note {text}": "x" for text in ESCAPES})
    rows = rows.rename(columns={"safe": "safe\x1b[31m", "lights": "lights\u202e"})
    name = "town \x1b[31m\u202e.parquet"
    rows.to_parquet(tmp_path / name)
    small_survey.write(tmp_path)
    assert call(tmp_path, "init", name, "--survey", "town", language=language) == 0
    assert call(tmp_path, "check", "town", "--source", ".", language=language) == 2
    assert call(tmp_path, "diff", "small-town", "w1", name, language=language) == 0
    shown = capsys.readouterr()
    quiet(shown.out)
    quiet(shown.err)
    assert "\\x1b[31m" in shown.out
    drafted = (tmp_path / "data/raw/town/survey.yaml").read_text(encoding="utf-8")
    assert not FORBIDDEN.search(drafted)
    (tmp_path / name).rename(tmp_path / "town.parquet")
    mended = re.sub(r'file: ".*?"', "file: town.parquet", drafted)
    with pytest.raises(CodebookError) as caught:
        parse(mended.replace("\\e", "\\x1b"), "survey.yaml")
    faults = (caught.value, *caught.value.others)
    assert not [fault for fault in faults if "control" in fault.expected]


def test_an_exception_shows_values_by_their_escapes() -> None:
    fault = AnxinError("Column {c} is missing", where="{f}", c="\x1b[31mq\u202e", f="a\nb\ud800")
    assert str(fault) == "Column \\x1b[31mq\\u202e is missing\n  where: a\\nb\\ud800"


# --- what survey.yaml refuses -----------------------------------------------------------------------------------------

TITLE = "title: {zh: 小城调查, en: Small town survey}"


@pytest.mark.parametrize("code", [0x00, 0x01, 0x08, 0x0B, 0x1B, 0x1F, 0x7F, 0x9B, 0xFFFE, 0xFDD0, 0x1FFFF])
@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "raw"])
def test_control_characters_are_refused_with_their_line(code: int, escaped: bool) -> None:
    letter = f"\\U{code:08X}" if escaped else chr(code)
    text = small_survey.YAML.replace(TITLE, f'title: {{zh: 小城调查, en: "Small {letter} town"}}')
    with pytest.raises(CodebookError) as caught:
        parse(text)
    parts = caught.value.parts()
    assert parts["where"].startswith("survey.yaml line 2")
    assert parts["expected"] == "text without control characters"
    assert parts["got"] == f"U+{code:04X}"
    assert parts["hint"]


def test_control_characters_are_refused_in_codes_and_notes() -> None:
    with pytest.raises(CodebookError, match=r"U\+001B"):
        parse(small_survey.YAML.replace("3: {zh: 北区", '"\\e": {zh: 北区'))
    with pytest.raises(CodebookError, match=r"notes.yaml line 2(.|\n)*U\+001B"):
        read_notes('headline:\n  finding: {zh: "a\\eb", en: "a"}', parse(small_survey.YAML))
    with pytest.raises(CodebookError, match=r"notes.yaml line 2(.|\n)*U\+0007"):
        read_notes('headline:\n  finding: {zh: "a\ab", en: "a"}', parse(small_survey.YAML))


def test_a_lone_surrogate_is_no_yaml() -> None:
    with pytest.raises(CodebookError, match="line 2"):
        parse(small_survey.YAML.replace(TITLE, 'title: {zh: 小城调查, en: "Small \\ud800 town"}'))


def test_names_as_delivered_may_hold_what_no_report_shows() -> None:
    column = 'waves:\n  w1:\n    columns: {"sa\\efe": safe}'
    assert "sa\x1bfe" in parse(small_survey.YAML.replace("waves:\n  w1:", column)).waves["w1"].columns


def test_a_wording_that_shows_nothing_is_none() -> None:
    with pytest.raises(CodebookError) as caught:
        parse(small_survey.YAML.replace(TITLE, 'title: {zh: 小城调查, en: "\\u200b\\u2060 "}'))
    assert caught.value.parts()["got"] == "none in en"
