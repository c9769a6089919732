"""The published tree of the shipped city: valid HTML, links and anchors that lead somewhere, nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import html5lib
import pytest

from tests.shipped import Shipped

# The checker's list of CSS properties ends before SVG 2, which lets a style sheet set these (SVG 2, 7.1 and 13.7).
KNOWN_TO_SVG_2 = re.compile(r"CSS: “(?:x|y|rx|cy|r|paint-order)”: Property “[a-z-]+” doesn't exist\.")
CHECKER = (
    "The Nu HTML Checker did not run: it needs java, and its vnu.jar (`make test` fetches it where npm is; ANXIN_VNU "
    "names another)"
)


class Marks(HTMLParser):
    """Targets of links and ids of a page, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        for name, value in attrs:
            if name == "href" and value is not None:
                self.links.append(value)
            elif name == "id" and value is not None:
                self.ids.append(value)


@cache
def marks(page: Path) -> Marks:
    return Marks(page.read_text(encoding="utf-8"))


def files(shipped: Shipped) -> set[Path]:
    """Every published file under the path that people see; a wave is a link to one of its versions."""
    folders = os.walk(shipped.public, followlinks=True)
    return {Path(folder) / name for folder, _, names in folders if ".versions" not in folder for name in names}


def pages(shipped: Shipped) -> list[Path]:
    found = sorted(path for path in files(shipped) if path.suffix == ".html")
    assert len(found) > 60
    return found


def led(page: Path, link: str) -> Path:
    """Where a relative link of a page leads, before any symbolic link."""
    path = unquote(urlsplit(link).path)
    return Path(os.path.normpath(page.parent / path)) if path else page


def test_every_link_and_anchor_leads_somewhere(shipped: Shipped) -> None:
    dead = []
    for page in pages(shipped):
        for link in marks(page).links:
            parts = urlsplit(link)
            aim = led(page, link)
            reached = aim.is_file() and aim.is_relative_to(shipped.public) and not (parts.scheme or parts.netloc)
            if not reached or (parts.fragment and parts.fragment not in marks(aim).ids):
                dead.append(f"{page.relative_to(shipped.public)}: {link}")
    assert dead == []


def test_the_switch_of_language_keeps_the_page(shipped: Shipped) -> None:
    other = {"zh": "en", "en": "zh"}
    for page in pages(shipped):
        if page.stem != "index":
            assert marks(page).links.count(other[page.name[:2]] + page.name[2:]) == 1, page


def test_every_file_is_reached_from_the_list_of_surveys(shipped: Shipped) -> None:
    start = shipped.public / "index.html"
    reached, waiting = {start}, [start]
    while waiting:
        page = waiting.pop()
        for link in marks(page).links:
            aim = led(page, link)
            if aim not in reached:
                reached.add(aim)
                if aim.suffix == ".html":
                    waiting.append(aim)
    left = {path.name for path in files(shipped) - reached}
    # A folder's own page; what describes another file and lies where its reader looks for it; the machine's notes.
    assert left <= {"index.html", "about.json", "manifest.json", "csv-metadata.json", "results.schema.json"}


def test_ids_are_unique(shipped: Shipped) -> None:
    for page in pages(shipped):
        ids = marks(page).ids
        assert len(set(ids)) == len(ids), page.name
        assert "main" in ids, page.name


def test_every_page_of_the_newest_wave_is_valid_small_and_bare(shipped: Shipped) -> None:
    lists = [shipped.page(name) for name in ("list of waves", "list of surveys")]
    for page in [*shipped.page("index").parent.glob("*.html"), *lists]:
        text = page.read_text(encoding="utf-8")
        html5lib.HTMLParser(strict=True).parse(text)
        assert len(text.encode()) < (150_000 if page.name in ("zh.html", "en.html") else 300_000), page.name
        for forbidden in (
            "<script",
            " style=",
            "javascript:",
            "http://",
            "https://",
            "url(",
            "<img",
            "<link",
            "<iframe",
        ):
            assert forbidden not in text, (page.name, forbidden)
        assert "default-src &#39;none&#39;; style-src &#39;sha256-" in text, page.name


def test_the_nu_html_checker_finds_nothing(shipped: Shipped) -> None:
    java, jar = shutil.which("java"), os.environ.get("ANXIN_VNU") or ".venv/vnu.jar"
    if not java or not Path(jar).exists():
        pytest.xfail(CHECKER)
    there = [str(page) for page in pages(shipped)]
    run = [java, "-Xss8m", "-jar", jar, "--format", "json", "--also-check-css", "--also-check-svg", *there]
    told = subprocess.run(run, capture_output=True, text=True, timeout=300, check=False).stderr
    objections = {
        f"{Path(each['url']).name}:{each.get('lastLine')}: {each['message']}" for each in json.loads(told)["messages"]
        if not KNOWN_TO_SVG_2.fullmatch(each["message"])
    }  # fmt: skip
    assert objections == set()
