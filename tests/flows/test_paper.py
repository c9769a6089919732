"""The published pages on paper: real PDFs of every kind, read back page by page and tag by tag."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import html5lib
import pytest
from pypdf import PdfReader

from flows import cli
from tests.shipped import STEMS, SURVEY, Shipped

NAMES = [f"{code}{stem}" for code in ("zh", "en") for stem in STEMS]
HEADINGS = ("/H1", "/H2", "/H3", "/Caption")  # the higher first


@dataclass
class Tag:
    """An element of the structure: its kind and the pages its content stands on, in the order of reading."""

    kind: str
    inner: list[Tag] = field(default_factory=list)
    own: list[int] = field(default_factory=list)

    def each(self) -> Iterator[Tag]:
        """The element and all below it, in the order of reading."""
        yield self
        for tag in self.inner:
            yield from tag.each()

    @property
    def pages(self) -> set[int]:
        """Pages its content stands on."""
        return {page for tag in self.each() for page in tag.own}


def structure(made: PdfReader) -> Tag:
    """The tags of a PDF."""
    numbers = {page.indirect_reference.idnum: at for at, page in enumerate(made.pages) if page.indirect_reference}

    def read(element: Any, page: int) -> Tag:
        element = element.get_object()
        if "/Pg" in element:
            page = numbers[element.raw_get("/Pg").idnum]
        tag = Tag(str(element.get("/S", "")))
        kids = element.get("/K", [])
        for kid in kids if isinstance(kids, list) else [kids]:
            inner = kid.get_object()
            if isinstance(inner, int):
                tag.inner.append(Tag("", own=[page]))
            elif inner.get("/Type") == "/MCR":
                tag.inner.append(Tag("", own=[numbers[inner.raw_get("/Pg").idnum] if "/Pg" in inner else page]))
            elif inner.get("/Type") != "/OBJR":
                tag.inner.append(read(inner, page))
        return tag

    return read(made.trailer["/Root"]["/StructTreeRoot"]["/K"], 0)


def told(text: str) -> str:
    """Text without blanks; a PDF has blanks of its own, and fonts share a drawing between 小 and its radical ⼩."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


@dataclass
class Printed:
    """A page of the report on paper."""

    made: PdfReader
    texts: list[str]
    tags: Tag
    html: Any


@pytest.fixture(scope="module")
def folder(shipped: Shipped, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of page of the shipped city, printed by the command."""
    place = tmp_path_factory.mktemp("paper")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shipped.root)
        kinds = ",".join(stem.removeprefix("-") or "report" for stem in STEMS)
        patch.setattr("sys.argv", ["anxin", "pdf", SURVEY, "--pages", kinds, "--to", str(place)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
    assert not stop.value.code
    return place / SURVEY / shipped.wave


@pytest.fixture(scope="module", params=NAMES)
def printed(request: pytest.FixtureRequest, folder: Path, shipped: Shipped) -> Printed:
    made = PdfReader(folder / f"{request.param}.pdf")
    html = html5lib.parse(shipped.page(request.param).read_text(encoding="utf-8"), namespaceHTMLElements=False)
    return Printed(made, [told(page.extract_text()) for page in made.pages], structure(made), html)


def test_each_pdf_is_tagged_named_and_dated(printed: Printed) -> None:
    root, about = printed.made.trailer["/Root"], printed.made.metadata
    assert root["/MarkInfo"]["/Marked"]
    assert str(root["/Lang"]) == printed.html.get("lang")
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert about is not None
    assert about.title == printed.html.findtext(".//title")
    assert {str(about[name]) for name in ("/CreationDate", "/ModDate")} == {"D:20260510000000+00'00'"}


def outlined(items: list[Any]) -> list[str]:
    """Every entry of an outline, outer before inner."""
    return [
        text
        for item in items
        for text in (outlined(item) if isinstance(item, list) else [unicodedata.normalize("NFKC", str(item.title))])
    ]


def test_the_outline_is_the_headings_with_their_blanks(printed: Printed) -> None:
    headings = [
        " ".join("".join(each.itertext()).split())
        for each in printed.html.iter()
        if each.tag in ("h1", "h2", "h3") and each.get("id") != "others-h"  # links to other files are left out on paper
    ]
    assert outlined(printed.made.outline) == [unicodedata.normalize("NFKC", text) for text in headings]


def test_each_sheet_is_a4_numbered_and_not_empty(printed: Printed) -> None:
    for number, (page, text) in enumerate(zip(printed.made.pages, printed.texts, strict=True), 1):
        assert [round(float(page.mediabox[side])) for side in (2, 3)] == [595, 842]
        assert f"{number}/{len(printed.texts)}" in text
        assert told("模拟数据 · Simulated data") in text
        said = len(text) + len(re.findall("[\u4e00-\u9fff]", text))  # a Chinese sign says what two letters do
        assert said > 100, (number, text)


def test_rows_stay_whole_and_heads_come_again_on_every_sheet(printed: Printed) -> None:
    for table in (tag for tag in printed.tags.each() if tag.kind == "/Table"):
        head, *rows = (tag for tag in table.each() if tag.kind == "/TR")
        assert [row.pages for row in rows if len(row.pages) > 1] == []
        assert head.pages == {page for row in rows for page in row.pages}


def test_some_table_is_longer_than_a_sheet(folder: Path) -> None:
    tags = structure(PdfReader(folder / "en-changes.pdf"))
    assert max(len(tag.pages) for tag in tags.each() if tag.kind == "/Table") > 1


def reading(tag: Tag, heading: Tag | None = None) -> Iterator[tuple[Tag | None, int]]:
    """Every piece of content in the order of reading: the heading it is part of, if any, and its page."""
    heading = tag if tag.kind in HEADINGS else heading
    yield from ((heading, page) for page in tag.own)
    for inner in tag.inner:
        yield from reading(inner, heading)


def test_no_heading_stays_behind_or_stands_over_nothing(printed: Printed) -> None:
    content = list(reading(printed.tags))
    assert content[-1][0] is None
    for (heading, page), (following, after) in pairwise(content):
        if heading is not None:
            assert page == after, (heading.kind, page + 1)
            if following is not None and following is not heading:  # only a heading of a lower level may follow at once
                assert HEADINGS.index(following.kind) > HEADINGS.index(heading.kind), (
                    heading.kind,
                    following.kind,
                    page + 1,
                )
