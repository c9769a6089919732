"""The pages as people open them: a real Chromium, from file://, wide and narrow, light and dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.render import index, render
from survey.changes import told
from tests.reports.sample import WAVES, city, plain_survey

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (1280, 768, 390, 320)
STEMS = ("", "-area-3", "-area-8", "-changes", "-methods", "-privacy", "-glossary")
PAGES = (
    *("index.html", "city/index.html", "city/2026H1/index.html", "plain/2007-08/en.html"),
    *(f"city/2026H1/{code}{stem}.html" for code in ("zh", "en") for stem in STEMS),
)
SMALLEST = """() => Math.min(...[...document.querySelectorAll('svg text')]
    .filter(text => text.getClientRects().length).map(text => {
        const matrix = text.getScreenCTM();
        return parseFloat(getComputedStyle(text).fontSize) * Math.min(matrix.a, matrix.d);
    }))"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both sample reports and their lists as files."""
    folder, entries = tmp_path_factory.mktemp("site"), []
    for name, (release, book), wave in (("city", city(), WAVES[-1]), ("plain", plain_survey(), "2007-08")):
        files = render(told(release, book, wave), book, wave, book.languages)
        for path, body in files.items():
            file = folder / name / wave / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
        entries.append((name, {**json.loads(files["about.json"]), "version": "v1"}))
        lists = [{**entries[-1][1], "folder": f"{wave}/"}]
        (folder / name / "index.html").write_bytes(index(lists, "../index.html"))
    everything = [{**about, "folder": f"{name}/{about['wave']}/"} for name, about in entries]
    (folder / "index.html").write_bytes(index(everything))
    return folder


@pytest.fixture
def heard() -> list[str]:
    """What a page said on its console, and what it asked for."""
    return []


@pytest.fixture
def page(browser: Browser, heard: list[str]) -> Iterator[Page]:
    """A page that listens."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    yield page
    context.close()


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")


@pytest.mark.parametrize("name", PAGES)
def test_it_opens_without_a_word_or_a_request(page: Page, heard: list[str], site: Path, name: str) -> None:
    page.goto((site / name).as_uri())
    assert heard == [(site / name).as_uri()]
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px"  # the policy let the style in


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(page: Page, site: Path, name: str) -> None:
    page.goto((site / name).as_uri())
    open_all(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


@pytest.mark.parametrize(
    "name", ["city/2026H1/zh.html", "city/2026H1/en.html", "city/2026H1/en-area-3.html", "city/2026H1/zh-methods.html"]
)
def test_text_in_charts_keeps_its_size_on_a_phone(page: Page, site: Path, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto((site / name).as_uri())
    assert page.evaluate(SMALLEST) >= 11


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(page: Page, site: Path, name: str, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto((site / name).as_uri())
    open_all(page)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_the_skip_link_comes_first(page: Page, site: Path) -> None:
    page.goto((site / "city/2026H1/en.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"


def test_a_printed_page_is_light_and_says_that_it_is_simulated(page: Page, site: Path) -> None:
    page.emulate_media(media="print", color_scheme="dark")
    page.goto((site / "city/2026H1/zh.html").as_uri())
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".banner").is_visible()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@pytest.mark.parametrize(("name", "shown"), [("city/2026H1/en-methods.html", True), ("city/2026H1/en.html", False)])
def test_paper_shows_the_folds_of_the_methods_and_leaves_out_those_of_the_report(
    page: Page, site: Path, name: str, shown: bool
) -> None:
    page.emulate_media(media="print")
    page.goto((site / name).as_uri())
    tables = page.locator("details table")
    assert tables.count() > 2
    assert {table.bounding_box() is not None for table in tables.all()} == {shown}
    for navigation in ("pages", "crumbs", "languages"):
        assert not page.locator(f"nav.{navigation}").is_visible()
