"""Geometry of the charts: numbers in, positions out; nothing here knows a font, a colour or a language.

Horizontal positions are per cent of the drawing's width and vertical ones are pixels, so that a drawing may take any
width while its text keeps its size. Text of the same line and the area shapes live in two layers of one SVG.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Axis:
    """A stretch of numbers and the ticks on it."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Position of a number in per cent, held inside the axis."""
        span = self.high - self.low
        return min(100.0, max(0.0, 100 * (value - self.low) / span))


def axis(values: Sequence[float], floor: float = 0.0, ceiling: float = 1.0, span: float = 0.0, parts: int = 4) -> Axis:
    """The tightest axis with round ends that holds the values, at least `span` long.

    >>> axis([0.62, 0.88]).ticks
    (0.6, 0.7, 0.8, 0.9)
    """
    known = [value for value in values if math.isfinite(value)] or [floor, ceiling]
    low, high = max(floor, min(known)), min(ceiling, max(known))
    if high < low:
        low, high = floor, ceiling
    missing = max(0.0, max(span, (ceiling - floor) / 50) - (high - low))
    low, high = low - missing / 2, high + missing / 2
    low, high = (low - max(0.0, high - ceiling), min(high, ceiling)) if high > ceiling else (low, high)
    low, high = (max(low, floor), high + max(0.0, floor - low)) if low < floor else (low, high)
    step = next((step for step in STEPS if (high - low) / step <= parts + 1e-9), None) or _round_up(
        (high - low) / parts
    )
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    ticks = tuple(round(number * step, 10) for number in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 × a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value - 1e-12)


def place(value: float, places: int = 2) -> str:
    """A position as it is written into SVG.

    >>> place(12.5), place(40.0), place(-0.001)
    ('12.5', '40', '0')
    """
    text = f"{value:.{places}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


@dataclass(frozen=True)
class Whisker:
    """An interval in a table row: the line, the dot and the line all rows are read against."""

    low: str
    width: str
    dot: str
    reference: str


def whisker(scale: Axis, estimate: float, low: float, high: float, reference: float | None = None) -> Whisker:
    """Positions of an interval on an axis shared by the rows of a table."""
    start, end = scale.at(low), scale.at(high)
    return Whisker(
        low=place(start, 1),
        width=place(end - start, 1),
        dot=place(scale.at(estimate), 1),
        reference="" if reference is None else place(scale.at(reference), 1),
    )


@dataclass(frozen=True)
class Segment:
    """One answer in a stacked bar."""

    x: str
    width: str
    middle: str
    tone: str
    label: str


def stacked(shares: Sequence[float], tones: Sequence[str], smallest: float = 0.05) -> tuple[Segment, ...]:
    """Segments of a bar of 100 %; a segment too narrow for its number goes without one."""
    segments, start = [], 0.0
    for share, tone in zip(shares, tones, strict=True):
        width = 100 * max(0.0, min(share, 1.0 - start / 100))
        label = f"{100 * share:.0f}" if share >= smallest else ""
        segments.append(Segment(place(start, 1), place(width, 1), place(start + width / 2, 1), tone, label))
        start += width
    return tuple(segments)


def tones(levels: Sequence[str], positive: Sequence[str]) -> tuple[str, ...]:
    """Tone of each level: p1 best … n neutral … m1 worst; s1… where nothing is good or bad.

    >>> tones(["1", "2", "3", "4"], ["1", "2"])
    ('p1', 'p2', 'm2', 'm1')
    >>> tones(["1", "2", "3", "4", "5"], ["4", "5"])
    ('m1', 'm2', 'n', 'p2', 'p1')
    """
    good = [level for level in levels if level in positive]
    if not good or len(good) == len(levels):
        return tuple(f"s{1 + number % 4}" for number, _ in enumerate(levels))
    best_first = levels[0] in positive
    ordered = list(levels) if best_first else list(reversed(levels))
    rest = [level for level in ordered if level not in positive]
    tone = {level: f"p{min(number, 3)}" for number, level in enumerate([lv for lv in ordered if lv in positive], 1)}
    if len(rest) == len(good) + 1 and len(levels) > 2:
        tone[rest.pop(0)] = "n"
    tone |= {level: f"m{min(number, 3)}" for number, level in enumerate(reversed(rest), 1)}
    return tuple(tone[level] for level in levels)


@dataclass(frozen=True)
class Dot:
    """One wave of a trend: where it stands, in per cent and pixels."""

    x: str
    y: str


@dataclass(frozen=True)
class Tick:
    """A grid line: where it stands and which number it is."""

    at: str
    value: float


@dataclass(frozen=True)
class Trend:
    """A line with its band, broken where a wave has no figure."""

    height: int
    bands: tuple[str, ...]
    lines: tuple[str, ...]
    dots: tuple[Dot, ...]
    ends: tuple[Dot, ...]
    """Where the figures of the first and the last dot are written: the ends of their base lines."""
    ticks: tuple[Tick, ...]
    waves: tuple[str, ...]


Point = tuple[float, float, float] | None
# What a figure beside a dot takes, in pixels; its width in per cent of a narrow drawing.
FIGURE_HEIGHT, FIGURE_WIDTH, DOT, GAP = 11.0, 18.0, 4.0, 6.0


def trend(
    points: Sequence[Point], when: Sequence[float], scale: Axis, height: int, pad: int = 10, breaks: Sequence[int] = ()
) -> Trend:
    """Geometry of (estimate, low, high) at moments; None is a wave without a figure.

    Args: breaks: waves, counted from 0, before which the line stops because the series is broken.
    """
    first, last = when[0], when[-1]
    xs = [100 * (moment - first) / (last - first) if last > first else 50.0 for moment in when]

    def y(value: float) -> float:
        return pad + (height - 2 * pad) * (1 - scale.at(value) / 100)

    known = [(x, *point) for x, point in zip(xs, points, strict=True) if point is not None]
    corners = [(x, *(y(value) for value in point)) for x, *point in known]
    ends = tuple(_clear(corners, end, height) for end in (0, -1)) if corners else ()
    bands, lines, run = [], [], list[tuple[float, float, float, float]]()
    for wave, (x, point) in enumerate([*zip(xs, points, strict=True), (0.0, None)]):
        if run and (point is None or wave in breaks):
            edge = [(px, y(low)) for px, _, low, _ in run] + [(px, y(high)) for px, _, _, high in reversed(run)]
            bands.append(_path(edge))
            lines.append(_path([(px, y(value)) for px, value, _, _ in run]))
            run = []
        if point is not None:
            run.append((x, *point))
    dots = tuple(Dot(place(x), place(at)) for x, at, *_ in corners)
    ticks = tuple(Tick(place(y(value)), value) for value in scale.ticks)
    return Trend(height, tuple(bands), tuple(lines), dots, ends, ticks, tuple(place(x) for x in xs))


def _clear(corners: Sequence[tuple[float, ...]], end: int, height: int) -> Dot:
    """Where the figure of an end is written, so that it hides nothing of the interval: above the band or below it.

    Args: corners: x in per cent; estimate, low and high in pixels.
    """
    at, dot, *_ = corners[end]
    xs, _, lows, highs = zip(*corners, strict=True)
    beside = [at - FIGURE_WIDTH, *(x for x in xs if abs(x - at) < FIGURE_WIDTH), at + FIGURE_WIDTH]
    above = min(dot - DOT, *np.interp(beside, xs, highs)) - GAP
    below = max(dot + DOT, *np.interp(beside, xs, lows)) + GAP + FIGURE_HEIGHT
    # Below only where that is plainly nearer: figures that all stand on one side read more easily.
    nearer = below - FIGURE_HEIGHT - dot + GAP < dot - above
    is_below = below <= height and (nearer or above < FIGURE_HEIGHT)
    return Dot(place(at), place(below if is_below else max(above, FIGURE_HEIGHT)))


@dataclass(frozen=True)
class Funnel:
    """Points by size and share, the limits that narrow with size, and the usual share."""

    height: int
    outer: str
    inner: str
    usual: str
    dots: tuple[tuple[Dot, bool], ...]
    ticks: tuple[str, ...]


Limit = tuple[float, float, float, float, float]


def funnel(
    points: Sequence[tuple[float, float, bool]],
    limits: Sequence[Limit],
    usual: float,
    across: Axis,
    up: Axis,
    height: int,
    pad: int = 8,
) -> Funnel:
    """Geometry of a funnel plot (Spiegelhalter 2005).

    Args: points: size, share, marked.   limits: size, then the outer low, inner low, inner high and outer high share.
    usual: the share all are compared with.

    >>> scale = Axis(0, 1, (0, 1))
    >>> shape = funnel([(1, 0.5, True)], [(0, 0, 0.4, 0.6, 1), (1, 0, 0.4, 0.6, 1)], 0.5, scale, scale, 116)
    >>> shape.usual, shape.dots[0][0], shape.inner
    ('58', Dot(x='100', y='58'), '0,68 100,68 100,48 0,48')
    """

    def y(value: float) -> float:
        return pad + (height - 2 * pad) * (1 - up.at(value) / 100)

    def band(low: int, high: int) -> str:
        edge = [(across.at(row[0]), y(row[low])) for row in limits]
        return _path(edge + [(across.at(row[0]), y(row[high])) for row in reversed(limits)])

    # Marked points are drawn last, so that none is hidden.
    ordered = sorted(points, key=lambda point: point[2])
    dots = tuple((Dot(place(across.at(n)), place(y(share))), marked) for n, share, marked in ordered)
    return Funnel(height, band(1, 4), band(2, 3), place(y(usual)), dots, tuple(place(y(tick)) for tick in up.ticks))


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Corner points as SVG writes them."""
    return " ".join(f"{place(x)},{place(y)}" for x, y in points)
