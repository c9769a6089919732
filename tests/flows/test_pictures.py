"""Charts and pages as files: SVG that stands alone, PNG and tagged PDF by a real Chromium, and a clear word without."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pypdf import PdfReader

from flows import cli
from flows import run as runs
from flows.chromium import Browser
from flows.job import Job
from flows.pdf import pages
from flows.workspace import Workspace
from reports.canvas import palette, text_width, wrapped
from reports.language import Language
from reports.scene import Scene
from reports.standalone import charts
from survey.disclosure import Releasable
from survey.errors import UsageError
from tests.flows.test_run import run
from tests.reports.sample import WAVES, city
from tests.small_survey import YAML, write

SVG = "{http://www.w3.org/2000/svg}"
BANNER = YAML.replace("  groups: [sex]\n", "  groups: [sex]\n  banner: true\n")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a published report."""
    place = tmp_path_factory.mktemp("pictures")
    write(place, BANNER)
    run(place)
    return place


def command(root: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.chdir(root)
    monkeypatch.setattr("sys.argv", ["anxin", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def drawn(code: str, release: Releasable | None = None) -> dict[str, bytes]:
    released, book = city()
    released = release or released
    from reports.figures import Figures

    scene = Scene(Figures(released.results), released.facts, book, WAVES[-1], Language(code))
    return charts(scene)


@pytest.mark.parametrize("code", ["zh", "en"])
def test_every_chart_stands_alone(code: str) -> None:
    found = drawn(code)
    kinds = {re.sub(r"-\d.*", "", name) for name in found}
    assert kinds == {"trend", "answers", "areas", "groups", "practices", "model", "funnel", "map"}
    for name, content in found.items():
        tree = ElementTree.fromstring(content)
        title, description = tree.find(f"{SVG}title"), tree.find(f"{SVG}desc")
        assert title is not None, name
        assert description is not None, name
        assert title.text, name
        assert description.text, name
        text = content.decode()
        for foreign in ("var(", "class=", "style=", "href", "<script", "<style", "url("):
            assert foreign not in text, (name, foreign)
        texts = [element.text or "" for element in tree.iter(f"{SVG}text")]
        words = " ".join(texts)
        assert ("来源" if code == "zh" else "Source") in words, name
        assert ("模拟数据" if code == "zh" else "Simulated data") in words, name
        assert ("n = " in words) or name.startswith(("practices", "model", "funnel")), name
        width, height = float(tree.get("width", 0)), float(tree.get("height", 0))
        for element in tree.iter(f"{SVG}text"):
            assert float(element.get("font-size", 0)) >= 11
            assert 0 <= float(element.get("x", -1)) <= width
            assert 0 <= float(element.get("y", -1)) <= height


def test_a_withheld_figure_is_a_mark_that_is_explained() -> None:
    text = drawn("en")["areas-1"].decode()
    assert re.search(r">\[c\]<", text)
    assert "[c] Confidential" in text
    assert "[u] Unreliable" in text
    assert "[b]" not in text


def test_colours_are_those_of_the_pages() -> None:
    used = set(re.findall(r"#[0-9a-f]{6}", "".join(content.decode() for content in drawn("en").values())))
    assert used <= set(palette().values())


def test_lines_are_broken_where_each_language_breaks_them() -> None:
    text = "各项工作的知晓、接触与满意情况，以及居民的安全感受和对执法的满意程度。"
    for line in wrapped(text, 20, 200):
        assert text_width(line, 20) <= 220
        assert not line.startswith(("，", "。", "、"))
    assert "".join(wrapped(text, 20, 200)) == text
    assert " ".join(wrapped("one two three four", 10, 60)) == "one two three four"


def test_the_command_writes_svgs_twice_the_same(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("a", "b"):
        assert command(root, monkeypatch, "charts", "small-town", "--to", str(tmp_path / place)) == 0
    ledger = root / "data" / "work" / "released" / "small-town.jsonl"
    assert len(ledger.read_bytes().splitlines()) == 1, "what slides show is a publication, told once"
    folder = tmp_path / "a" / "small-town" / "w1" / "charts"
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.svg"))
    assert {"zh/areas-1.svg", "en/areas-1.svg", "en/answers-1-1.svg"} <= set(names)
    for name in names:
        other = tmp_path / "b" / "small-town" / "w1" / "charts" / name
        assert (folder / name).read_bytes() == other.read_bytes()


def test_png_has_twice_the_size_of_the_drawing(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = command(root, monkeypatch, "charts", "small-town", "--format", "png", "--lang", "zh", "--to", str(tmp_path))
    assert done == 0
    assert command(root, monkeypatch, "charts", "small-town", "--lang", "zh", "--to", str(tmp_path)) == 0
    folder = tmp_path / "small-town" / "w1" / "charts" / "zh"
    pictures = sorted(folder.glob("*.png"))
    assert len(pictures) == len(list(folder.glob("*.svg"))) > 2
    for picture in pictures:
        content = picture.read_bytes()
        assert content.startswith(b"\x89PNG")
        drawing = ElementTree.parse(picture.with_suffix(".svg")).getroot()
        size = tuple(2 * int(drawing.get(name, "0")) for name in ("width", "height"))
        assert struct.unpack(">II", content[16:24]) == size


def test_the_pdf_is_tagged_numbered_searchable_and_repeatable(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(root, monkeypatch, "pdf", "small-town", "--to", str(tmp_path / "a")) == 0
    some = ("--pages", "report,area-2", "--to", str(tmp_path / "b"))
    assert command(root, monkeypatch, "pdf", "small-town", *some) == 0
    first, second = (
        {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / place).rglob("*.pdf")}
        for place in ("a", "b")
    )
    published = {path.stem for path in (root / "public" / "small-town" / "w1").glob("*.html")}
    assert set(first) == published - {"index"}
    assert set(second) == {"en", "en-area-2", "zh", "zh-area-2"}
    assert second.items() <= first.items()
    for code, words in (("zh", ("小城调查", "感到安全", "模拟数据")), ("en", ("Small town survey", "Feels safe"))):
        made = PdfReader(io.BytesIO((tmp_path / "a" / "small-town" / "w1" / f"{code}.pdf").read_bytes()))
        assert len(made.pages) >= 2
        catalogue = made.trailer["/Root"]
        assert catalogue["/MarkInfo"]["/Marked"]
        assert catalogue["/StructTreeRoot"]["/K"]
        assert str(catalogue["/Lang"]).startswith(code)
        assert made.outline
        # Fonts share a drawing between 小 and its radical ⼩; readers search by the normal form.
        texts = [re.sub(r"\s+", " ", unicodedata.normalize("NFKC", each.extract_text())) for each in made.pages]
        for word in words:
            assert word in re.sub(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])", "", " ".join(texts)), word
        for number, text in enumerate(texts, 1):
            assert f"{number} / {len(texts)}" in text
        assert made.metadata is not None
        assert str(made.metadata["/CreationDate"]).startswith("D:20260430000000")
        width, height = (float(made.pages[0].mediabox[k]) for k in (2, 3))
        assert (round(width), round(height)) == (595, 842)


def test_pages_are_printed_by_kind_or_by_name(tmp_path: Path) -> None:
    stems = ["zh", "zh-area-9", "zh-area-10", "zh-methods", "zh-glossary"]
    for name in ("index", "en", "en-methods", *stems):
        (tmp_path / f"{name}.html").touch()
    assert [page.stem for page in pages(tmp_path, "zh")] == stems
    assert [page.stem for page in pages(tmp_path, "zh", ["area", "report"])] == stems[:3]
    assert [page.stem for page in pages(tmp_path, "zh", ["area-10"])] == ["zh-area-10"]
    assert [page.stem for page in pages(tmp_path, "en")] == ["en", "en-methods"]
    with pytest.raises(UsageError, match="There is no such page"):
        pages(tmp_path, "en", ["methods", "area"])


@pytest.mark.parametrize("arguments", [("pdf", "small-town"), ("charts", "small-town", "--format", "png")])
def test_without_a_browser_the_hint_is_one_command(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("ANXIN_CHROMIUM", raising=False)
    assert command(root, monkeypatch, *arguments, "--to", str(tmp_path / "to")) == 2
    told = capsys.readouterr().err
    assert "No Chromium is found" in told
    assert "apt-get install -y chromium" in told
    assert not list(tmp_path.rglob("*.p*"))


def test_a_browser_is_told_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spy, seen = tmp_path / "chromium", tmp_path / "seen"
    spy.write_text(f"#!/bin/sh\nenv > {seen}\n")
    spy.chmod(0o755)
    secrets = {"ANXIN_KEY": "k-7431", "ANXIN_NOTIFY": "json://n-7431", "PGPASSWORD": "p-7431"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    page = tmp_path / "page.html"
    page.touch()
    Browser(str(spy), tmp_path).open(page)
    assert "PATH=" in seen.read_text()
    assert "7431" not in seen.read_text()


def test_a_browser_that_fails_is_told(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("ANXIN_CHROMIUM", str(broken))
    assert command(root, monkeypatch, "pdf", "small-town", "--to", str(tmp_path)) == 2
    assert "exit code 3" in capsys.readouterr().err
    broken.write_text("#!/bin/sh\nexit 0\n")
    assert command(root, monkeypatch, "pdf", "small-town", "--to", str(tmp_path)) == 2
    assert "printed no PDF of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("pdf", "small-town", "--wave", "w9"), "There is no such report"),
        (("pdf", "small-town", "--out", "nowhere"), "There is no such report"),
        (("pdf", "small-town", "--pages", "report,area-9"), "There is no such page"),
        (("charts", "small-town", "--format", "gif"), "There is no such format"),
        (("charts", "small-town", "--wave", "w9"), "There is no wave w9"),
    ],
)
def test_misuse_is_told(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    part: str,
) -> None:
    assert command(root, monkeypatch, *arguments) == 2
    assert part in capsys.readouterr().err


def test_the_banner_is_a_stage_that_is_asked_for(root: Path, tmp_path: Path) -> None:
    published = {path.name for path in (root / "public" / "small-town" / "w1").iterdir()}
    assert {"banner-zh.xlsx", "banner-en.xlsx", "tables-zh.xlsx", "results.json"} <= published
    write(tmp_path)
    _, lines = run(tmp_path)
    assert "banner" not in [line.stage for line in lines]
    write(tmp_path, BANNER)
    told: list[runs.Line] = []
    job = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public")
    runs.pipeline(job, runs.Told(told.append))
    assert "banner" in [line.stage for line in told]
    assert "privacy" not in [line.stage for line in told]
