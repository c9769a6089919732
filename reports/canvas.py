"""A drawing that stands alone: one SVG with its own colours, positions in pixels, text as text.

Colours and fonts are attributes, because slides and word processors know neither classes nor custom properties.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path

from markupsafe import escape

from reports.charts import place
from reports.language import Language, clear

STYLE = Path(__file__).parent / "templates" / "style.css"
FONTS = {
    "zh": "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif",
    "en": "'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Noto Sans', sans-serif",
}
WIDTH, EDGE = 960, 32
MOST_LINES = 6
LETTER = 0.54  # mean width of a Latin letter of these fonts, in their size; a Chinese one is as wide as high


@lru_cache(maxsize=1)
def palette() -> dict[str, str]:
    """The light colours of the pages by name, read from their style sheet.

    >>> sorted(palette())[:3], palette()["paper"]
    (['accent', 'bad', 'band'], '#ffffff')
    """
    light = STYLE.read_text(encoding="utf-8").split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", light))


def text_width(text: str, size: float) -> float:
    """About how wide a text is, in pixels.

    >>> text_width("安全", 10), text_width("ab", 10)
    (20.0, 10.8)
    """
    return float(sum(size if unicodedata.east_asian_width(letter) in "WF" else size * LETTER for letter in text))


def cut(text: str, size: float, width: float) -> str:
    """As much of a text as fits, with an ellipsis where it is not all of it.

    >>> cut("one two three", 10, 45), cut("one", 10, 45)
    ('one two…', 'one')
    """
    if text_width(text, size) <= width:
        return text
    kept = text
    while kept and text_width(kept + "…", size) > width:
        kept = kept[: min(len(kept) - 1, max(int(len(kept) * width / text_width(kept + "…", size)) + 1, 0))]
    return kept.rstrip() + "…"


def shortened(text: str, size: float, width: float, most: int) -> list[str]:
    """At most so many lines of a text; the last one ends with an ellipsis where the text goes on.

    >>> shortened("one two three four", 10, 45, 2)
    ['one two', 'three f…']
    """
    lines = list(islice(wrapped(text, size, width), most + 1))
    return lines if len(lines) <= most else [*lines[: most - 1], cut(f"{lines[most - 1]} {lines[most]}", size, width)]


def wrapped(text: str, size: float, width: float, split: bool = True) -> Iterator[str]:
    """Lines of a text no wider than the width: between words, between Chinese letters, or inside of a word too wide.

    split: whether a word that is too wide is broken; else it has a line that is too long.

    >>> list(wrapped("one two three", 10, 45)), list(wrapped("onetwothree", 10, 45))
    (['one two', 'three'], ['onetwoth', 'ree'])
    """
    line, fits = "", max(1, int(width / size / LETTER))  # of Latin letters; Chinese ones stand alone
    words = re.findall(r"[\u2e80-\uffef][，。：；、！？）”]*|[^\s\u2e80-\uffef]+\s*|\s+", text)
    for word in (piece for each in words for piece in _pieces(each, size, width, fits if split else 0)):
        if line and text_width((line + word).rstrip(), size) > width:
            yield line.rstrip()
            line = word.lstrip()
        else:
            line += word
    if line.strip():
        yield line.rstrip()


def _pieces(word: str, size: float, width: float, fits: int) -> list[str]:
    """A word, in pieces of so many letters where it is too wide; 0 never breaks it."""
    if not fits or text_width(word.rstrip(), size) <= width:
        return [word]
    return [word[start : start + fits] for start in range(0, len(word), fits)]


class Canvas:
    """Elements from top to bottom; y is how far the drawing has come."""

    def __init__(self, lang: Language) -> None:
        self.lang, self.parts, self.y = lang, list[str](), float(EDGE)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 15,
        tone: str = "ink",
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """A line of text at its baseline."""
        weight = ' font-weight="700"' if bold else ""
        turned = f' text-anchor="{anchor}"' if anchor != "start" else ""
        words = escape(clear(text))
        self.parts.append(
            f'<text x="{place(x)}" y="{place(y)}" font-size="{place(size)}" fill="{self.colour(tone)}"{turned}{weight}>'
            f"{words}</text>"
        )

    def lines(self, text: str, size: float, tone: str = "ink", bold: bool = False) -> None:
        """A paragraph below what is there; of a very long one the beginning, the whole stands in the report."""
        for line in shortened(clear(text), size, WIDTH - 2 * EDGE, MOST_LINES):
            self.y += size * 1.4
            self.text(EDGE, self.y - size * 0.3, line, size, tone, bold=bold)

    def rect(self, x: float, y: float, width: float, height: float, tone: str, round_: float = 0) -> None:
        """A filled rectangle."""
        corner = f' rx="{place(round_)}"' if round_ else ""
        self.parts.append(
            f'<rect x="{place(x)}" y="{place(y)}" width="{place(max(width, 0))}" height="{place(height)}"'
            f'{corner} fill="{self.colour(tone)}"/>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, tone: str, width: float = 1) -> None:
        """A straight line."""
        self.parts.append(
            f'<line x1="{place(x1)}" y1="{place(y1)}" x2="{place(x2)}" y2="{place(y2)}" stroke="{self.colour(tone)}"'
            f' stroke-width="{place(width)}"/>'
        )

    def dot(self, x: float, y: float, radius: float, tone: str, hollow: bool = False) -> None:
        """A round mark; a hollow one has a thick edge, so that it is known without its colour."""
        fill, edge = (self.colour("paper"), self.colour(tone)) if hollow else (self.colour(tone), self.colour("paper"))
        self.parts.append(
            f'<circle cx="{place(x)}" cy="{place(y)}" r="{place(radius)}" fill="{fill}" stroke="{edge}"'
            f' stroke-width="{"2.5" if hollow else "1.5"}"/>'
        )

    def shape(self, points: Sequence[tuple[float, float]], tone: str, closed: bool, opacity: float = 1) -> None:
        """A filled polygon, or a line through points."""
        corners = " ".join(f"{place(x)},{place(y)}" for x, y in points)
        thin = f' fill-opacity="{place(opacity)}"' if opacity < 1 else ""
        if closed:
            self.parts.append(f'<polygon points="{corners}" fill="{self.colour(tone)}"{thin}/>')
        else:
            self.parts.append(
                f'<polyline points="{corners}" fill="none" stroke="{self.colour(tone)}" stroke-width="2.5"'
                ' stroke-linejoin="round"/>'
            )

    def area(self, rings: Sequence[Sequence[tuple[float, float]]], tone: str, edge: str, width: float) -> None:
        """A filled shape of several rings, those inside others being holes."""
        corners = ("L".join(f"{place(x)} {place(y)}" for x, y in ring) for ring in rings)
        self.parts.append(
            f'<path d="{"".join(f"M{path}z" for path in corners)}" fill="{self.colour(tone)}" fill-rule="evenodd"'
            f' stroke="{self.colour(edge)}" stroke-width="{place(width)}" stroke-linejoin="round"/>'
        )

    def colour(self, tone: str) -> str:
        """Colour of a name of the palette."""
        return palette()[tone]

    def svg(self, title: str, description: str) -> bytes:
        """The finished drawing with its title and description for those who do not see it."""
        height = str(round(self.y + EDGE))
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
            f' role="img" aria-labelledby="t d" xml:lang="{self.lang.tag}"'
            f' font-family="{FONTS.get(self.lang.code, FONTS["en"])}">'
        )
        told = f'<title id="t">{escape(clear(title))}</title><desc id="d">{escape(clear(description))}</desc>'
        ground = f'<rect width="{WIDTH}" height="{height}" fill="{self.colour("paper")}"/>'
        return "\n".join([head, told, ground, *self.parts, "</svg>\n"]).encode()
