"""The published pages as people open them: a real Chromium, from file://, at every width, light, dark and for paper."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe

from reports.render import TEMPLATES, render
from survey.changes import told
from tests.browser import arguments, find_chromium
from tests.reports.sample import WAVES, city, plain_survey
from tests.shipped import LISTS, PAGES, STEMS, Shipped

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTHS = (1280, 768, 390, 320)
SCHEMES = ("light", "dark", "print")
LOOKS = (Path(__file__).parent / "looks.js").read_text(encoding="utf-8")
# Axe knows these by the colours alone; all others do without them, and colours are asked about in every state.
COLOURS = ("color-contrast",)


@dataclass(repr=False)
class Opened:
    """A page that was loaded once, and all it said and asked for since."""

    page: Page
    url: str
    heard: list[str] = field(default_factory=list)

    def show(self, width: int, scheme: str = "light", *, folds: bool = True, **media: Any) -> None:
        """Make the page as wide as a window, a phone or a sheet, in one of the schemes, its folds open or not."""
        screen: Literal["print", "screen"] = "print" if scheme == "print" else "screen"
        colours: Literal["dark", "light"] = "dark" if scheme == "dark" else "light"
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(media=screen, color_scheme=colours, **media)
        self.page.evaluate("how => looks.open(how)", folds)

    def ask(self, what: str) -> Any:
        """The answer of one of the functions in looks.js."""
        return self.page.evaluate(f"looks.{what}()")


def visit(browser: Browser, file: Path) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    opened = Opened(page, file.as_uri())
    page.on("console", lambda message: opened.heard.append(message.text))
    page.on("pageerror", lambda error: opened.heard.append(str(error)))
    page.on("request", lambda request: opened.heard.append(request.url))
    page.goto(opened.url)
    page.evaluate(LOOKS)
    yield opened
    context.close()


@pytest.fixture(scope="module", params=PAGES)
def name(request: pytest.FixtureRequest) -> str:
    """One page of every kind in every language, and the lists."""
    return str(request.param)


@pytest.fixture(scope="module")
def opened(browser: Browser, shipped: Shipped, name: str) -> Iterator[Opened]:
    yield from visit(browser, shipped.page(name))


@pytest.fixture(scope="module")
def magnified(browser: Browser) -> Iterator[Browser]:
    """The browser of a reader who set letters to twice their size, and left everything else."""
    large = browser.browser_type.launch(
        executable_path=find_chromium(), args=[*arguments(), "--blink-settings=defaultFontSize=32"]
    )
    yield large
    large.close()


def axe(page: Page, options: str, context: str = "document") -> list[str]:
    """What axe-core objects to, a line for each rule."""
    found = page.evaluate(f"axe.run({context}, {{resultTypes: ['violations'], {options}}})")
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found["violations"]]


def test_every_kind_of_page_is_looked_at(shipped: Shipped) -> None:
    published = {re.sub(r"-area-.*", "-area-3", path.stem) for path in shipped.page("index").parent.glob("*.html")}
    assert published == {*PAGES} - set(LISTS[1:])


def test_it_opens_without_a_word_or_a_request(opened: Opened) -> None:
    assert opened.heard == [opened.url]
    assert opened.page.evaluate("getComputedStyle(document.body).margin") == "0px"  # the policy let the style in


def test_axe_finds_nothing_and_nothing_scrolls_sideways(opened: Opened, name: str) -> None:
    opened.page.evaluate(Axe().axe_script)
    failures = []
    for width, scheme in product(WIDTHS, SCHEMES):
        opened.show(width, scheme)
        found = axe(opened.page, f"runOnly: {list(COLOURS)}", "{include: looks.samples()}")
        if scheme == "light" or (scheme, width) == ("print", 1280):  # dark is other colours, as the next test holds
            rules = ", ".join(f"'{rule}': {{enabled: false}}" for rule in COLOURS)
            found += axe(opened.page, f"rules: {{{rules}}}")
        if (excess := opened.ask("excess")) > 0:
            found.append(f"scrolls sideways by {excess} px")
        failures += [f"{name} at {width} px, {scheme}: {each}" for each in found]
    assert not failures, "\n".join(failures)
    assert opened.heard == [opened.url]


def test_dark_is_other_colours_and_nothing_else() -> None:
    text = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    dark = re.findall(r"prefers-color-scheme: dark\) \{\s*:root \{([^}]*)\}\s*\}", text)
    assert len(dark) == text.count("prefers-color-scheme") == 1
    assert {line.strip().split(":")[0][:2] for line in dark[0].split(";") if line.strip()} == {"--"}


@pytest.mark.parametrize("width", [390, 320])
def test_text_in_charts_keeps_its_size_on_a_phone(opened: Opened, name: str, width: int) -> None:
    opened.show(width)
    drawn = opened.ask("charts")
    assert drawn > 0 or not name.endswith(("zh", "en", "-area-3", "-methods"))
    if drawn:
        assert opened.ask("smallest") >= 11, (name, width)
    assert opened.ask("cut") == [], (name, width)


@pytest.mark.parametrize("width", [1280, 640, 390, 320])
def test_nothing_is_lost_or_overlaps_on_a_narrow_or_magnified_page(opened: Opened, name: str, width: int) -> None:
    """640 px is what a window of 1280 px shows at 200 %, 320 px what it shows at 400 % (WCAG 1.4.4, 1.4.10)."""
    opened.show(1280)
    words = Counter(opened.ask("words"))
    opened.show(width)
    assert opened.ask("excess") <= 0, (name, width)
    assert words - Counter(opened.ask("words")) == Counter(), (name, width)
    assert opened.ask("overlaps") == [], (name, width)


def test_letters_of_twice_the_size_fit_in(opened: Opened, magnified: Browser, name: str) -> None:
    opened.show(1280)
    words = Counter(opened.ask("words"))
    for large in visit(magnified, Path(opened.url.removeprefix("file://"))):
        large.show(1280)
        assert large.page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
        assert large.ask("excess") <= 0, name
        assert words - Counter(large.ask("words")) == Counter(), name
        assert large.ask("overlaps") == [], name


def walk(page: Page) -> tuple[list[str], list[dict[str, Any]], list[dict[str, Any]]]:
    """Every stop in the order of the document, where each is, and where the tab key went from the top of the page."""
    page.evaluate("looks.top()")
    stops = page.evaluate_handle("looks.stops()")
    names = page.evaluate("stops => stops.map(each => each.outerHTML.slice(0, 90))", stops)
    places = page.evaluate("stops => looks.places(stops)", stops)
    went = []
    for _ in names:
        page.keyboard.press("Tab")
        went.append(page.evaluate("stops => looks.focus(stops)", stops))
    return names, places, went


def nameless(page: Page) -> list[str]:
    """Roles of what takes the focus and has no name in the accessibility tree."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    return [
        node["role"]["value"]
        for node in nodes
        if any(each["name"] == "focusable" and each["value"]["value"] for each in node.get("properties", ()))
        and node["role"]["value"] != "RootWebArea"
        and not node.get("name", {}).get("value", "").strip()
    ]


@pytest.mark.parametrize(("width", "folds"), [(1280, True), (390, False)])
def test_the_tab_key_goes_through_the_page_as_a_reader_does(opened: Opened, name: str, width: int, folds: bool) -> None:
    opened.show(width, folds=folds)
    names, places, went = walk(opened.page)
    assert [names[stop["at"]] for stop in went] == names, (name, width)
    assert [stop["name"] for stop in went if not stop["marked"] or stop["clipped"]] == [], (name, width)
    assert nameless(opened.page) == [], (name, width)
    for one, two in pairwise(places[1:]):
        if one["region"] == two["region"]:
            further = two["left"] >= one["right"] - 1  # to the right, in a row or at the top of the next column
            lower = two["start"] > one["end"] + 1
            assert further or lower, (name, width, one, two)


def test_the_skip_link_comes_first_and_leads_to_the_content(opened: Opened, name: str) -> None:
    page = opened.page
    opened.show(1280, folds=False)
    opened.ask("top")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip", name
    box = page.locator(".skip").bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main", name
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main, footer') !== null"), name
    page.evaluate("history.replaceState(null, '', location.pathname)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_stay_visible_in_forced_colours(opened: Opened, name: str, scheme: str) -> None:
    opened.show(1280, scheme, forced_colors="active")
    assert opened.page.evaluate("matchMedia('(forced-colors: active)').matches")
    pale = opened.ask("pale")
    opened.show(1280, forced_colors="none")
    assert pale == [], name


def test_nothing_moves_for_who_asked_for_stillness(opened: Opened, name: str) -> None:
    opened.show(1280, reduced_motion="no-preference")
    assert opened.ask("moving") == 1, name  # the page glides to a heading for whoever did not ask
    opened.show(1280, reduced_motion="reduce")
    assert opened.ask("moving") == 0, name


def test_a_printed_page_is_light_and_says_that_it_is_simulated(opened: Opened) -> None:
    opened.page.emulate_media(media="print", color_scheme="dark")
    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert opened.page.locator(".banner").is_visible()


@pytest.mark.parametrize("which", ["a withheld area, zh", "a withheld area, en", "a plain survey"])
def test_what_the_shipped_city_has_not_looks_right_too(browser: Browser, tmp_path: Path, which: str) -> None:
    plain = which.startswith("a plain")
    (release, book), wave = (plain_survey(), "2007-08") if plain else (city(), WAVES[-1])
    code = "en" if plain else which[-2:]
    stem = "" if plain else "-area-8"
    file = tmp_path / "page.html"
    file.write_bytes(render(told(release, book, wave), book, wave, [code])[f"{code}{stem}.html"])
    for page in visit(browser, file):
        page.page.evaluate(Axe().axe_script)
        for width, scheme in product((1280, 320), SCHEMES):
            page.show(width, scheme)
            assert axe(page.page, "") == [], (width, scheme)
            assert page.ask("excess") <= 0, (width, scheme)
            assert page.ask("overlaps") == [], (width, scheme)
        assert page.heard == [page.url]


def test_stems_are_those_of_the_kinds() -> None:
    from reports.site import KINDS

    assert [stem.removeprefix("-").partition("-")[0] for stem in STEMS] == [kind.name for kind in KINDS]
