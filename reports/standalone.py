"""Every chart of a report as a picture of its own: title, drawing, source and number of respondents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from reports.canvas import EDGE, WIDTH, Canvas, cut, shortened, text_width
from reports.city import city
from reports.drivers import adjusted_head
from reports.language import Language
from reports.map_svg import map_svg
from reports.method import methods
from reports.picture import About, begin, end, legend
from reports.scene import Scene
from reports.view import Answers, Cell, Drawn, Drivers, FunnelChart, League, Question, TrendChart

LEFT, RIGHT = 330.0, WIDTH - 240.0
PLOT_LEFT, PLOT_RIGHT = EDGE + 56.0, WIDTH - EDGE - 16.0
ROW, BAR = 34.0, 30.0
SIZE = re.compile(r"n\s=\s([\d,]+)")  # of rows that are questions of their own


@dataclass(frozen=True)
class Line:
    """One row of intervals: what it is, its drawing, its number in words; a head has only a label."""

    label: str
    drawn: Drawn | None = None
    text: str = ""
    head: bool = False


def charts(scene: Scene) -> dict[str, bytes]:
    """Stand-alone SVGs of all charts of a wave by name, in the order of the report."""
    return dict(_charts(scene))


def _charts(scene: Scene) -> Iterator[tuple[str, bytes]]:
    lang, book, page = scene.lang, scene.book, city(scene)
    about = About(lang.say(book.title), scene.wave, lang.say(book.publisher), book.simulated)
    for number, chart in enumerate(page.trends.charts if page.trends else (), 1):
        yield f"trend-{number}", trend_svg(about, lang, chart)
    for number, chapter in enumerate(page.residents.chapters if page.residents else (), 1):
        for inner, figure in enumerate(chapter.figures, 1):
            draw = stack_svg if figure.stacked else answers_svg
            yield f"answers-{number}-{inner}", draw(about, lang, chapter.title, figure)
    for name, block in (("areas", page.areas), ("groups", page.groups)):
        for number, league in enumerate([block.first, *block.others] if block else (), 1):
            title = block.finding if block and number == 1 else ""
            if block and block.map and number == 1:
                yield "map-1", map_svg(about, lang, block.map)
            yield f"{name}-{number}", league_svg(about, lang, league, block.head if block else "", title)
    if page.drivers:
        yield from _drivers(page.drivers, about, scene)
    for number, funnel in enumerate([each for part in methods(scene).sections for each in part.funnels], 1):
        yield f"funnel-{number}", funnel_svg(about, lang, funnel)


def _drivers(drivers: Drivers, about: About, scene: Scene) -> Iterator[tuple[str, bytes]]:
    lang, otherwise = scene.lang, adjusted_head(scene)
    if drivers.practices:
        lines: list[Line] = []
        for practice in drivers.practices:
            lines.append(Line(practice.label, head=True))
            shares = [
                (kind, row) for kind, row in practice.cells if kind != otherwise
            ]  # the rest is drawn around nought
            lines += [Line(kind, row.drawn, _value(row.value, row.interval)) for kind, row in shares]
        title = lang.t("Who knows, met and is satisfied with each area of work")
        yield "practices", rows_svg(about, lang, title, "", lines, ("0%", "100%"))
    for number, model in enumerate(drivers.models, 1):
        lines = [
            Line(f"{row.label}{' · ' if row.against else ''}{row.against}", row.drawn, _value(row.effect, row.interval))
            for row in model.rows
        ]
        note = f"{model.effect_head} · {lang.t('Association is not causation.')}"
        yield f"model-{number}", rows_svg(about, lang, model.label, note, lines, model.ends)


def _value(cell: Cell, interval: str = "", n: str = "") -> str:
    """A number with its interval, or the mark in its place."""
    if cell.mark:
        return f"[{cell.mark}]"
    return f"{cell.text}{'!' if cell.caution else ''}{f' ({interval})' if interval else ''}{f'  n = {n}' if n else ''}"


def trend_svg(about: About, lang: Language, chart: TrendChart) -> bytes:
    """One indicator over the waves, with its band."""
    canvas = begin(about, lang, chart.title, lang.t("share and its 95%% interval"))
    top, tall = canvas.y + 14, 1.35

    def at(x: str) -> float:
        return PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * float(x) / 100

    def corners(path: str) -> list[tuple[float, float]]:
        pairs = (corner.split(",") for corner in path.split())
        return [(at(x), top + tall * float(y)) for x, y in pairs]

    for y, text in chart.ticks:
        canvas.line(PLOT_LEFT, top + tall * float(y), PLOT_RIGHT, top + tall * float(y), "line")
        canvas.text(PLOT_LEFT - 10, top + tall * float(y) + 5, text, 14, "soft", "end")
    for band in chart.shape.bands:
        canvas.shape(corners(band), "band", closed=True)
    for line in chart.shape.lines:
        canvas.shape(corners(line), "accent", closed=False)
    for dot in chart.shape.dots:
        canvas.dot(at(dot.x), top + tall * float(dot.y), 5, "accent")
    for x, y, text in dict.fromkeys((chart.first, chart.last)):
        canvas.text(at(x), top + tall * float(y), text, 18, anchor=_anchor(x), bold=True)
    bottom = top + tall * chart.shape.height
    for x, text, _ in chart.waves:
        if text:
            canvas.text(at(x), bottom + 18, text, 14, "soft", _anchor(x))
    canvas.y = bottom + 24
    n = next((row.n for row in reversed(chart.rows) if row.n), "")
    return end(about, lang, canvas, chart.title, chart.text, n)


def _anchor(x: str) -> str:
    return {"0": "start", "100": "end"}.get(x, "middle")


def stack_svg(about: About, lang: Language, title: str, figure: Answers) -> bytes:
    """Questions of one scale as bars of 100 %."""
    canvas = begin(about, lang, title, lang.t("shares of answers in per cent"))
    legend(canvas, [(label, partial(_swatch, canvas, tone)) for tone, label in figure.legend])
    for question in figure.questions:
        canvas.lines(_asked(question), 15, bold=True)
        canvas.y += 5
        _bar(canvas, question)
        canvas.y += BAR + 12
    told = lang.t("; ").join(f"{question.label}: {question.spoken}" for question in figure.questions)
    return end(about, lang, canvas, title, told)


def _swatch(canvas: Canvas, tone: str, x: float, y: float) -> None:
    canvas.rect(x, y, 14, 14, tone)


def _asked(question: Question) -> str:
    return f"{question.label} (n = {question.n})" if question.n else question.label


def _bar(canvas: Canvas, question: Question) -> None:
    wide = (WIDTH - 2 * EDGE) / 100
    if not question.segments:
        canvas.text(EDGE, canvas.y + 20, question.note or "[x]", 15, "soft")
    for part in question.segments:
        canvas.rect(EDGE + wide * float(part.x), canvas.y, wide * float(part.width) - 1.5, BAR, part.tone)
        dark = part.tone in ("p1", "m1", "s1")
        tone = "on-dark" if dark else "on-mid"
        canvas.text(EDGE + wide * float(part.middle), canvas.y + 20, part.label, 14, tone, "middle", bold=True)


def answers_svg(about: About, lang: Language, title: str, figure: Answers) -> bytes:
    """Answers that are no scale, each with its interval."""
    question = figure.questions[0]
    sizes = [SIZE.search(row.detail) for row in question.rows]
    lines = [
        Line(row.label, row.drawn, _value(row.value, row.interval, size[1] if size else ""))
        for row, size in zip(question.rows, sizes, strict=True)
    ]
    return rows_svg(about, lang, question.label, question.text or title, lines, figure.ends, question.n)


def league_svg(about: About, lang: Language, league: League, head: str, finding: str = "") -> bytes:
    """One indicator by area or by group, the whole as a thin line; titled by what was found, where that is told."""
    lines: list[Line] = []
    for title, rows in league.sections:
        if len(league.sections) > 1:
            lines.append(Line(title, head=True))
        lines += [Line(row.label, row.drawn, _value(row.value, row.interval, row.n)) for row in rows]
    overall = lang.t("overall %(share)s (thin line)", share=league.overall) if league.overall else ""
    what = f"{league.label} · {head}"
    parts = (what if finding else "", league.remark, overall)
    return rows_svg(about, lang, finding or what, " · ".join(part for part in parts if part), lines, league.ends)


def rows_svg(
    about: About, lang: Language, title: str, note: str, lines: Sequence[Line], ends: tuple[str, str], n: str = ""
) -> bytes:
    """Rows of intervals on one axis, as dots with their ranges."""
    canvas = begin(about, lang, title, note)
    canvas.text(LEFT, canvas.y + 6, ends[0], 14, "soft", "middle")
    canvas.text(RIGHT, canvas.y + 6, ends[1], 14, "soft", "middle")
    canvas.y += 16
    for line in lines:
        _row(canvas, line)
        canvas.y += ROW
    told = lang.t("; ").join(f"{line.label}: {line.text}" for line in lines if not line.head)
    return end(about, lang, canvas, title, told, n)


def _row(canvas: Canvas, line: Line) -> None:
    middle, wide = canvas.y + ROW / 2, (RIGHT - LEFT) / 100
    room = WIDTH - 2 * EDGE if line.head else LEFT - EDGE - 16
    fits = line.head or text_width(line.label, 15) <= room
    texts = [cut(line.label, 15, room)] if fits else shortened(line.label, 13, room, 2)
    for number, text in enumerate(texts):
        up = middle + 5 if len(texts) == 1 else middle - 3 + 15 * number
        canvas.text(EDGE, up, text, 15 if fits else 13, "accent" if line.head else "ink", bold=line.head)
    if line.head:
        return
    canvas.rect(LEFT, middle - 2, RIGHT - LEFT, 4, "rail")
    if line.drawn is not None:
        at, tone = line.drawn.at, "bad" if line.drawn.tone == "bad" else "accent"
        if at.reference:
            canvas.rect(LEFT + wide * float(at.reference) - 0.75, middle - ROW / 2, 1.5, ROW, "ink")
        canvas.rect(LEFT + wide * float(at.low), middle - 3, wide * float(at.width), 6, tone, 3)
        for end in (float(at.low), float(at.low) + float(at.width)):  # seen beside the dot however near they are
            canvas.rect(LEFT + wide * end - 1, middle - 8, 2, 16, tone)
        canvas.dot(LEFT + wide * float(at.dot), middle, 5, tone, hollow=line.drawn.tone == "bad")
    canvas.text(RIGHT + 18, middle + 5, line.text, 14)


def funnel_svg(about: About, lang: Language, chart: FunnelChart) -> bytes:
    """A pattern by cluster against what is usual; the points bear no name."""
    canvas = begin(about, lang, chart.label, "")
    top, tall, shape = canvas.y + 6, 1.4, chart.shape

    def at(x: str, y: str) -> tuple[float, float]:
        return PLOT_LEFT + (PLOT_RIGHT - PLOT_LEFT) * float(x) / 100, top + tall * float(y)

    for path, opacity in ((shape.outer, 0.45), (shape.inner, 1.0)):
        points = [at(*corner.split(",")) for corner in path.split()]
        canvas.shape(points, "band", closed=True, opacity=opacity)
    for y, text in zip(shape.ticks, chart.up, strict=True):
        canvas.line(PLOT_LEFT, at("0", y)[1], PLOT_RIGHT, at("0", y)[1], "line")
        canvas.text(PLOT_LEFT - 10, at("0", y)[1] + 5, text, 14, "soft", "end")
    canvas.line(PLOT_LEFT, at("0", shape.usual)[1], PLOT_RIGHT, at("0", shape.usual)[1], "accent", 1.5)
    for dot, marked in shape.dots:
        canvas.dot(*at(dot.x, dot.y), 6 if marked else 4, "bad" if marked else "accent", hollow=marked)
    canvas.y = top + tall * shape.height
    for x, text in chart.across:
        canvas.text(at(x, "0")[0], canvas.y + 18, text, 14, "soft", _anchor(x))
    canvas.y += 24
    return end(about, lang, canvas, chart.label, chart.text)
