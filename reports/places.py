"""Where each area and its words stand on a map: tiles of equal size, or borders with what has room inside them.

Tiles are placed in per cent across and in pixels down, as all charts, so that their text keeps its size. Borders keep
their shape only in units that shrink with the page; their letters grow on a phone instead (style.css).
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reports.canvas import text_width, wrapped
from reports.charts import place
from reports.outlines import FLAT, Outline, Point, hatch, outlines
from survey.survey_yaml.borders import Shapes

WIDTH, TALLEST, WIDEST = 480, 460, 132
"""Largest size on a page in pixels, and the widest tile; borders are drawn in these units at every size."""
PHONE = 288
"""Width that a screen of 320 pixels leaves."""
BUDGET = 3400
"""Bytes of all borders together."""
TEXT, PHONE_TEXT, LINE = 12.5, 11.5, 15
LATIN = 1.15
"""How much wider than usual the Latin letters of the widest fonts are that readers have."""
BOLD = 1.1
"""How much wider bold letters are."""
ROOM = 1.15
"""How far the corners of a label may leave the ellipse inside the borders, as a square of its radius."""
SIGNS = {"up": "▲", "down": "▼"}


@dataclass(frozen=True)
class Spot:
    """What a map says of one area.

    finding: up, down, same, alone (shown but not compared) or held (withheld).   tone: class of its colour.
    """

    code: str
    name: str
    finding: str
    tone: str
    share: str
    caution: bool = False

    @property
    def value(self) -> str:
        """The share or the mark in its place, with its warning sign."""
        return self.share + ("!" if self.caution else "")

    @property
    def sign(self) -> str:
        """The mark beside the colour."""
        return SIGNS.get(self.finding, "")

    @property
    def text(self) -> str:
        """Mark and value."""
        return f"{self.sign} {self.value}".lstrip()


@dataclass(frozen=True)
class Said:
    """A line of text on a map, `dy` lines of letters below the middle.   kind: inner or narrow, where only a wide page
    or only a phone has it.
    """

    words: str
    dy: str
    kind: str = ""
    bold: bool = False


@dataclass(frozen=True)
class Tile:
    """An area as a tile: its place in per cent and pixels; name and value in lines."""

    spot: Spot
    column: int
    row: int
    x: str
    y: int
    texts: tuple[Said, ...]


@dataclass(frozen=True)
class Piece:
    """An area inside its borders, with what has room there."""

    spot: Spot
    outline: Outline
    lines: tuple[tuple[Point, Point], ...]
    texts: tuple[Said, ...]

    @property
    def path(self) -> str:
        """The borders as SVG writes them."""
        return self.outline.path

    @property
    def at(self) -> Point:
        """Where its texts stand."""
        return self.outline.at

    @property
    def loud(self) -> bool:
        """Whether the test found something here."""
        return self.spot.tone in ("p1", "m2")

    @property
    def hatching(self) -> str:
        """The slanting lines as SVG writes them."""
        return "".join(f"M{x1} {y1}L{x2} {y2}" for (x1, y1), (x2, y2) in self.lines)


@dataclass(frozen=True)
class Layout:
    """A drawing of either tiles or pieces.

    across, step: width of a tile in per cent, height of a row in pixels.   hatching: slanting lines of a tile.
    left: where the drawing of borders begins, so that it stands in the middle.   whole: every figure has room.
    """

    width: int
    height: int
    tiles: tuple[Tile, ...] = ()
    across: str = "100"
    step: int = 0
    hatching: str = ""
    pieces: tuple[Piece, ...] = ()
    left: int = 0
    whole: bool = True


def tile_place(tile: tuple[int, int], grid: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Column and row of a tile from 0, empty ones before the first left out.

    >>> tile_place((3, 2), {"1": (3, 2), "2": (2, 4)})
    (1, 0)
    """
    return tile[0] - min(x for x, _ in grid.values()), tile[1] - min(y for _, y in grid.values())


def on_tiles(grid: Mapping[str, tuple[int, int]], spots: Mapping[str, Spot]) -> Layout:
    """Areas on their tiles, row by row."""
    places = {code: tile_place(tile, grid) for code, tile in grid.items()}
    columns, rows = 1 + max(x for x, _ in places.values()), 1 + max(y for _, y in places.values())
    width = min(WIDTH, WIDEST * columns)
    wide, narrow = width / columns - 10, min(width, PHONE) / columns - 4
    texts = {
        code: _variants(
            _rows(lines(spot.name, wide), spot, wide),
            _rows(lines(spot.name, narrow, PHONE_TEXT), spot, narrow, PHONE_TEXT),
        )
        for code, spot in spots.items()
    }
    step = 20 + LINE * max(1 + sum(said.kind != "narrow" for said in each) for each in texts.values())
    tiles = tuple(
        Tile(spots[code], x, y, place(100 * x / columns), y * step, texts[code])
        for code, (x, y) in sorted(places.items(), key=lambda pair: pair[1][::-1])
    )
    slant = "".join(f"M{x} 0l-{step} {step}" for x in range(8, width // columns + step, 9))
    return Layout(width, step * rows, tiles, place(100 / columns), step, slant)


def _rows(name: Sequence[str], spot: Spot, width: float = math.inf, size: float = TEXT) -> tuple[tuple[str, bool], ...]:
    """Lines of text, those of the figure in bold; its marks have a line of their own where there is no room for all."""
    signs = f"{spot.sign}{'!' if spot.caution else ''}"
    fits = not signs or text_width(spot.text, size * LATIN * BOLD) <= width
    return (
        *((line, False) for line in name),
        *((line, True) for line in ([spot.text] if fits else [spot.share, signs])),
    )


def _variants(wide: Sequence[tuple[str, bool]], narrow: Sequence[tuple[str, bool]]) -> tuple[Said, ...]:
    """Lines around the middle; once where a phone has the same as a wide page."""

    def stacked(rows: Sequence[tuple[str, bool]], kind: str) -> Iterator[Said]:
        for number, (text, bold) in enumerate(rows):
            yield Said(text, place(0.35 + 1.2 * (number - (len(rows) - 1) / 2)), kind, bold)

    if tuple(wide) == tuple(narrow):
        return tuple(stacked(wide, ""))
    return (*stacked(wide, "inner"), *stacked(narrow, "narrow"))


def lines(name: str, width: float, size: float = TEXT, most: int = 2) -> tuple[str, ...]:
    """A name in at most two lines; a word that is too long for its line ends in an ellipsis.

    >>> lines("高新技术产业开发区", 80), lines("High-tech Zone", 72), lines("Development", 40)
    (('高新技术产业', '开发区'), ('High-tech', 'Zone'), ('Deve…',))
    """
    size *= _stretch(name)
    found = list(wrapped(name, size, width, split=False))
    if len(found) > most:
        found = [*found[: most - 1], found[most - 1] + "…"]
    return tuple(_cut(line, size, width) for line in found)


def _stretch(text: str) -> float:
    return 1 if any(unicodedata.east_asian_width(letter) in "WF" for letter in text) else LATIN


def _cut(line: str, size: float, width: float) -> str:
    if text_width(line, size) <= width:
        return line
    kept = line.removesuffix("…")
    while len(kept) > 1 and text_width(kept + "…", size) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def in_borders(shapes: Shapes, spots: Mapping[str, Spot]) -> Layout:
    """Areas inside their borders, those painted last in which the test found something, so that their edge is whole."""
    drawing = outlines(shapes, WIDTH, TALLEST, BUDGET)
    pieces = sorted((_piece(spots[each.code], each) for each in drawing.areas), key=lambda each: each.loud)
    whole = all(any(said.words == piece.spot.text and said.kind != "inner" for said in piece.texts) for piece in pieces)
    return Layout(WIDTH, drawing.height, pieces=tuple(pieces), left=(drawing.width - WIDTH) // 2, whole=whole)


def _piece(spot: Spot, outline: Outline) -> Piece:
    held = hatch(outline.rings) if spot.tone == "held" else ()

    def fitting(scale: float) -> tuple[tuple[str, bool], ...]:
        """What has room in the ellipse around the label's place when a unit is `scale` pixels; at least the mark."""
        for name in ((spot.name,), ()):
            rows = _rows(name, spot)
            half, across = scale * outline.room, max(text_width(text, TEXT * _stretch(text)) for text, _ in rows) / 2
            if half and (across / half) ** 2 + (FLAT * len(rows) * LINE / 2 / half) ** 2 <= ROOM:
                return rows
        return ((spot.sign, True),) if spot.sign else ()

    return Piece(spot, outline, held, _variants(fitting(1.0), fitting(PHONE / WIDTH)))
