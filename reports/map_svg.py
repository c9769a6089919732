"""The map as a picture of its own: tiles or borders in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from reports.canvas import EDGE, WIDTH, Canvas, text_width
from reports.language import Language
from reports.map import MapChart
from reports.outlines import hatch
from reports.picture import About, begin, end, legend
from reports.places import Layout, lines

HIGH, WIDEST = 80.0, 160.0
LETTERS, PITCH = 15.0, 19.0


def map_svg(about: About, lang: Language, chart: MapChart) -> bytes:
    """Areas as tiles or inside their borders, coloured by what the tests found."""
    canvas = begin(about, lang, chart.title, chart.caption)
    entries = [
        (
            f"{'' if tone == 'careful' else sign} {words}{lang.gap if span else ''}{span}".lstrip(),
            partial(_swatch, canvas, tone),
        )
        for tone, sign, words, span in chart.legend
    ]
    legend(canvas, entries)
    if chart.layout.tiles:
        _tiles(canvas, chart.layout)
    else:
        _pieces(canvas, chart.layout)
    canvas.y += 8
    for note in chart.notes:
        canvas.lines(note, 14, "soft")
    return end(about, lang, canvas, chart.title, chart.text, chart.n)


def _swatch(canvas: Canvas, tone: str, x: float, y: float) -> None:
    if tone == "careful":
        canvas.text(x + 7, y + 12.5, "!", 15, anchor="middle", bold=True)
    else:
        _shape(canvas, [_box(x, y, 14, 14)], tone, 5)


def _box(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _shape(canvas: Canvas, rings: Sequence[Sequence[tuple[float, float]]], tone: str, gap: int = 11) -> None:
    """An area in its colour; only what the test found has one, and what is withheld has slanting lines."""
    if tone in ("same", "held"):
        canvas.area(rings, "paper", "soft", 1)
    else:
        canvas.area(rings, tone, "paper", 2)
    if tone == "held":
        whole = [tuple((round(x), round(y)) for x, y in ring) for ring in rings]
        for (x1, y1), (x2, y2) in hatch(whole, gap):
            canvas.line(x1, y1, x2, y2, "soft")


def _tiles(canvas: Canvas, drawn: Layout) -> None:
    columns, rows = (1 + max(getattr(tile, side) for tile in drawn.tiles) for side in ("column", "row"))
    wide = min(WIDEST, (WIDTH - 2 * EDGE) / columns)
    for tile in drawn.tiles:
        x, y = (WIDTH - wide * columns) / 2 + wide * tile.column, canvas.y + HIGH * tile.row
        _shape(canvas, [_box(x, y, wide - 5, HIGH - 5)], tile.spot.tone)
        name = lines(tile.spot.name, wide - 20, LETTERS)
        _said(canvas, (x + (wide - 5) / 2, y + (HIGH - 5) / 2), [*name, tile.spot.text], tile.spot.tone)
    canvas.y += HIGH * rows


def _pieces(canvas: Canvas, drawn: Layout) -> None:
    scale = min((WIDTH - 2 * EDGE) / drawn.width, 560 / drawn.height)
    left, top = (WIDTH - scale * drawn.width) / 2 - scale * drawn.left, canvas.y

    def at(point: tuple[int, int]) -> tuple[float, float]:
        return left + scale * point[0], top + scale * point[1]

    for piece in drawn.pieces:
        _shape(canvas, [[at(point) for point in ring] for ring in piece.outline.rings], piece.spot.tone)
    for piece in drawn.pieces:
        texts = [said.words for said in piece.texts if said.kind != "narrow"]
        _said(canvas, at(piece.at), texts, piece.spot.tone)
    canvas.y += scale * drawn.height


def _said(canvas: Canvas, middle: tuple[float, float], texts: Sequence[str], tone: str) -> None:
    """Lines around a middle, the last in bold; between slanting lines on paper of their own."""
    ink = {"p1": "on-dark", "m2": "on-mid"}.get(tone, "ink")
    for number, text in enumerate(texts):
        y = middle[1] + PITCH * (number - (len(texts) - 1) / 2)
        if tone == "held":
            wide = text_width(text, LETTERS)
            canvas.rect(middle[0] - wide / 2 - 3, y - PITCH / 2, wide + 6, PITCH, "paper")
        canvas.text(middle[0], y + 0.35 * LETTERS, text, LETTERS, ink, "middle", bold=number == len(texts) - 1)
