"""What must hold of every file that leaves the house, whatever was typed into survey.yaml or delivered."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

import html5lib
import jsonschema
import openpyxl

from reports.canvas import WIDTH, text_width
from reports.language import RIGHT_TO_LEFT, plain
from reports.stylesheet import Rule, rules, selectors
from reports.stylesheet import sheet as style_rules
from survey.characters import INVISIBLE, is_formula
from survey.tidy import NUMBERS

ISOLATED = re.compile("\u2068[^\u2068\u2069]*\u2069")
"""What the report itself puts around a right-to-left label."""
ELEMENTS = {
    "html", "head", "meta", "title", "style", "body", "a", "abbr", "article", "aside", "caption", "dd", "details",
    "div", "dl", "dt", "em", "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "header", "li", "main", "nav",
    "ol", "p", "section", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead",
    "tr", "ul", "svg", "circle", "desc", "line", "polygon", "polyline", "rect", "text",
}  # fmt: skip
ATTRIBUTES = {
    "aria-current", "aria-hidden", "aria-label", "aria-labelledby", "charset", "class", "colspan", "content", "cx",
    "cy", "data-version", "dy", "height", "href", "hreflang", "http-equiv", "id", "lang", "name", "points",
    "preserveAspectRatio", "r", "role", "rx", "scope", "tabindex", "text-anchor", "vector-effect", "viewBox", "width",
    "x", "x1", "x2", "y", "y1", "y2",
}  # fmt: skip
DRAWN = {"circle", "desc", "line", "polygon", "polyline", "rect", "svg", "text", "title"}
HREF = re.compile(r"(\.\./)?([\w.-]+/)*[\w-]+(\.\w+)+(#[\w-]+)?|#[\w-]+")
SHEET_LENGTH, CELL_LENGTH = 31, 32_767


def _flat(found: tuple[Rule, ...], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Groups a rule stands in, one of its selectors, and what it sets."""
    for rule in found:
        if rule.inner:
            yield from _flat(rule.inner, (*above, rule.head))
        else:
            yield from ((above, selector, rule.body) for selector in selectors(rule.head))


def check(files: Mapping[str, bytes], texts: Iterable[str] = ()) -> None:
    """Every file by its ending; an ending that nothing is known of fails.   texts: what was typed or delivered."""
    typed = [plain(text) for text in texts]
    for name, content in files.items():
        CHECKS[name.rpartition(".")[2]](name, content)
        for sentence in filter(RIGHT_TO_LEFT.search, SENTENCES.get(name.rpartition(".")[2], lambda _: ())(content)):
            beside(name, sentence, typed)
    for name, content in files.items():
        if f"{name.removesuffix('.json')}.schema.json" in files and not name.endswith(".schema.json"):
            schema = json.loads(files[f"{name.removesuffix('.json')}.schema.json"])
            jsonschema.Draft202012Validator.check_schema(schema)
            jsonschema.validate(json.loads(content), schema)


def clean(name: str, text: str) -> None:
    """No control character, no direction mark but our own isolates, no character without width."""
    bare = ISOLATED.sub(lambda found: found[0][1:-1], text)
    found = INVISIBLE.search(bare)
    assert found is None, (name, ascii(bare[max(0, found.start() - 30) : found.end() + 30]) if found else "")


def html(name: str, content: bytes) -> None:
    """Strict HTML of known elements and attributes, its only style and its policy ours, its links inside the site."""
    text = content.decode()
    clean(name, text)
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    for element in tree.iter():
        assert isinstance(element.tag, str), (name, element)  # a comment
        tag = element.tag.rpartition("}")[2]
        assert tag in ELEMENTS, (name, tag)
        assert set(element.attrib) <= ATTRIBUTES, (name, tag, element.attrib)
        if "href" in element.attrib:
            assert HREF.fullmatch(element.attrib["href"]), (name, element.attrib["href"])
    (css,) = [element.text or "" for element in tree.iter("style")]
    assert set(_flat(tuple(rules(css)))) <= set(_flat(style_rules())), name
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    ours = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    policies = [each.attrib["content"] for each in tree.iter("meta") if "http-equiv" in each.attrib]
    assert policies == [ours], name


def _paragraphs(content: bytes) -> Iterator[str]:
    """What the browser lays out as one paragraph: the text of elements that hold a letter of their own."""
    for element in html5lib.parse(content.decode(), namespaceHTMLElements=False).iter():
        own = (element.text or "", *(child.tail or "" for child in element))
        if element.tag not in ("style", "title") and any(map(str.strip, own)):
            yield "".join(element.itertext())


def beside(name: str, sentence: str, typed: Sequence[str]) -> None:
    """A right-to-left text has no figure of ours beside it, unless it is isolated."""
    rest = ISOLATED.sub("", sentence)
    if RIGHT_TO_LEFT.search(rest) and not any(rest.strip(" …") in text for text in typed):
        for text in sorted(typed, key=len, reverse=True):
            rest = rest.replace(text, "")
        assert not re.search(r"\d", rest), (name, sentence)


def svg(name: str, content: bytes) -> None:
    """Well-formed, of known elements without a reference or handler, every text inside the picture."""
    clean(name, content.decode())
    root = ET.fromstring(content)
    for element in root.iter():
        assert element.tag.rpartition("}")[2] in DRAWN, (name, element.tag)
        assert not [key for key in element.attrib if "href" in key or key.startswith("on") or key == "style"], name
        if element.tag.endswith("}text"):
            left, right = _reach(element)
            assert left >= 0, (name, element.text)
            assert right <= WIDTH, (name, element.text)


def _lines(content: bytes) -> Iterator[str]:
    """The texts of a drawing; each has a direction of its own."""
    return (element.text or "" for element in ET.fromstring(content).iter() if element.tag.endswith("}text"))


def _reach(text: ET.Element) -> tuple[float, float]:
    x, wide = float(text.get("x", "0")), text_width(text.text or "", float(text.get("font-size", "15")))
    start = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[text.get("text-anchor", "start")] * wide
    return start, start + wide


def xlsx(name: str, content: bytes) -> None:
    """No formula, no link that leaves the workbook, sheet names that a spreadsheet takes."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    names = [sheet.title for sheet in book]
    assert len({title.lower() for title in names}) == len(names), names
    for sheet in book:
        title = sheet.title
        assert 0 < len(title.encode("utf-16-le")) // 2 <= SHEET_LENGTH, title
        assert not re.search(r"[\[\]:*?/\\]|^'|'$|^history$", title, re.IGNORECASE), title
        clean(name, title)
        for cell in (cell for row in sheet.iter_rows() for cell in row):
            assert cell.data_type in ("s", "n"), (name, title, cell.coordinate)
            assert cell.hyperlink is None or (cell.hyperlink.target is None and cell.hyperlink.location), (
                cell.coordinate
            )
            if isinstance(cell.value, str):
                clean(name, cell.value)
                assert len(cell.value) <= CELL_LENGTH, (name, title, cell.coordinate)
    assert not list(book.defined_names.values()) or all("Print_Titles" in key for key in book.defined_names), name


def table(name: str, content: bytes) -> None:
    """Rows of one length, no cell a formula, every number still one."""
    text = content.decode("utf-8-sig")
    clean(name, text)
    head, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    for row in rows:
        assert len(row) == len(head), (name, row)
        for column, cell in zip(head, row, strict=True):
            assert not is_formula(cell), (name, column, cell)
            if column in NUMBERS and cell:
                float(cell)


def jsons(name: str, content: bytes) -> None:
    """JSON, without a character that would not be seen."""
    clean(name, content.decode())
    json.loads(content)


def xml(name: str, content: bytes) -> None:
    """Well-formed."""
    clean(name, content.decode())
    ET.fromstring(content)


def markdown(name: str, content: bytes) -> None:
    """No HTML, no link, tables of whole rows."""
    text = content.decode()
    clean(name, text)
    assert not re.search(r"(?<!\\)[<\[]|(?<!\\)://", text), name
    for part in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in part.splitlines()}) == 1, part


def data(name: str, content: bytes) -> None:
    """Files that statistical software reads hold codes as they are; their readers obey no text."""
    assert content, name


CHECKS: dict[str, Callable[[str, bytes], None]] = {
    "html": html, "svg": svg, "xlsx": xlsx, "csv": table, "json": jsons, "xml": xml, "md": markdown, "parquet": data,
    "sav": data,
}  # fmt: skip
SENTENCES: dict[str, Callable[[bytes], Iterable[str]]] = {"html": _paragraphs, "svg": _lines}
