"""Borders as a drawing of few bytes: projected, simplified border by border, so that no two neighbours come apart.

Areas that touch share the positions of their common border. Rings are therefore cut where three areas, or two and the
outside, meet (as TopoJSON does); each stretch is simplified once (Visvalingam & Whyatt 1993: the corner that spans the
smallest triangle goes first) and both neighbours take the same stretch. Simplifying ring by ring would open gaps;
only rounding to a grid would keep a corner in every step of it.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from survey.survey_yaml.borders import Shapes

Point = tuple[int, int]
Line = tuple[Point, ...]
Floats = npt.NDArray[np.float64]
FINE = 64
"""Steps of a unit of the drawing on which positions count as the same."""
SPECK = 4.0
"""Square units below which an island is left out, unless it is all there is of its area."""
FLAT = 2.2
"""How many times wider than high a label is."""


@dataclass(frozen=True)
class Outline:
    """One area: its rings in whole units, where a label stands best, and half the width of what has room there."""

    code: str
    rings: tuple[Line, ...]
    at: Point
    room: float

    @property
    def path(self) -> str:
        """The rings as SVG writes them."""
        return "".join(map(_written, self.rings))


@dataclass(frozen=True)
class Outlines:
    """All areas in the order they are drawn, the largest first, in a drawing of this size."""

    width: int
    height: int
    areas: tuple[Outline, ...]


@lru_cache(maxsize=8)
def outlines(shapes: Shapes, width: int, tallest: int, budget: int) -> Outlines:
    """The areas inside a drawing, in at most `budget` bytes of paths wherever corners can be left out for it.

    Args: width, tallest: the largest size in units.   budget: bytes of all paths together.
    """
    rings, size = _projected(shapes, width, tallest)
    arcs, parts = _cut({key: ring for key, ring in rings.items() if len(ring) > 2})
    places = {code: rings[code, 0, 0][0] for code, _ in shapes.areas}
    # Corners of less than half a square unit cannot be seen, whatever the budget.
    seen = {
        arc: [pair for pair in zip(arc, _weights(arc, arc in parts.needed), strict=True) if pair[1] >= FINE * FINE / 2]
        for arc in arcs
    }
    known = sorted({weight for corners in seen.values() for _, weight in corners if math.isfinite(weight)})

    def drawn(least: float) -> dict[str, tuple[Line, ...]]:
        thin = {arc: tuple(point for point, weight in corners if weight >= least) for arc, corners in seen.items()}
        return parts.joined(thin, places)

    def fits(place: int) -> bool:
        return sum(len(_written(ring)) for each in drawn(known[place]).values() for ring in each) <= budget

    found = bisect_left(range(len(known)), True, key=fits)
    made = drawn(known[found] if found < len(known) else math.inf)
    areas = sorted(made.items(), key=lambda pair: -_size(pair[1]))
    return Outlines(*size, tuple(Outline(code, each, *_label(each)) for code, each in areas))


def _projected(shapes: Shapes, width: int, tallest: int) -> tuple[dict[tuple[str, int, int], Line], tuple[int, int]]:
    """Open rings by code, polygon and ring on the fine grid, y downwards; the size of the drawing in units.

    Degrees are drawn equirectangular, with lengths true along the middle latitude: over a city or a province nothing
    else can be told apart.
    """
    positions = [p for _, polygons in shapes.areas for polygon in polygons for ring in polygon for p in ring]
    west, east = min(x for x, _ in positions), max(x for x, _ in positions)
    south, north = min(y for _, y in positions), max(y for _, y in positions)
    narrow = 1.0 if shapes.planar else max(0.01, math.cos(math.radians((south + north) / 2)))
    across, up = narrow * (east - west), north - south
    # A unit is left free on every side, so that no stroke is cut off.
    scale = min((width - 2) / across, (tallest - 2) / up)

    def placed(x: float, y: float) -> Point:
        return round(FINE * (1 + scale * narrow * (x - west))), round(FINE * (1 + scale * (north - y)))

    rings = {
        (code, number, inner): _open(placed(*position) for position in ring)
        for code, polygons in shapes.areas
        for number, polygon in enumerate(polygons)
        for inner, ring in enumerate(polygon)
    }
    return rings, (round(scale * across) + 2, round(scale * up) + 2)


def _open(points: Iterable[Point]) -> Line:
    """A ring without repeated points, the closing one included."""
    kept: list[Point] = []
    for point in points:
        if not kept or kept[-1] != point:
            kept.append(point)
    while len(kept) > 1 and kept[0] == kept[-1]:
        kept.pop()
    return tuple(kept)


@dataclass(frozen=True)
class _Parts:
    """Which stretches, forwards or backwards, make each ring."""

    rings: dict[tuple[str, int, int], tuple[tuple[Line, bool], ...]]
    needed: frozenset[Line]
    """Stretches of rings of one or two: without a corner between their ends such a ring would be a line."""

    def joined(self, thin: dict[Line, Line], places: dict[str, Point]) -> dict[str, tuple[Line, ...]]:
        """Rings of each area in whole units, specks left out; an area smaller than a step has no ring but its place."""
        made: dict[str, list[tuple[Line, bool]]] = {code: [] for code in places}
        for (code, _, inner), arcs in self.rings.items():
            points = (point for arc, forth in arcs for point in (thin[arc] if forth else thin[arc][::-1]))
            made[code].append((_open(map(_whole, points)), inner > 0))
        return {code: _seen(rings or [((_whole(places[code]),), False)]) for code, rings in made.items()}


def _whole(point: Point) -> Point:
    """A position of the fine grid in whole units."""
    return round(point[0] / FINE), round(point[1] / FINE)


def _seen(rings: list[tuple[Line, bool]]) -> tuple[Line, ...]:
    """The rings that can be seen, holes however small; of an area that is smaller than that, a square in its place."""
    kept = tuple(ring for ring, hole in rings if abs(area(ring)) >= SPECK or (hole and len(ring) > 2))
    if kept:
        return kept
    x, y = max((ring for ring, _ in rings), key=lambda ring: abs(area(ring)))[0]
    return (((x - 1, y - 1), (x + 2, y - 1), (x + 2, y + 2), (x - 1, y + 2)),)


def _cut(rings: dict[tuple[str, int, int], Line]) -> tuple[tuple[Line, ...], _Parts]:
    """Rings cut at the points where borders meet or part; a stretch that two rings share is one, in one direction.

    A ring that only touches itself, as a long narrow bay does on the fine grid, is not cut: every cut is a corner that
    has to stay.
    """
    beside: dict[Point, dict[tuple[str, int, int], set[frozenset[Point]]]] = {}
    for key, ring in rings.items():
        for before, point, after in zip((ring[-1], *ring), ring, (*ring[1:], ring[0]), strict=False):
            beside.setdefault(point, {}).setdefault(key, set()).add(frozenset((before, after)))
    meeting = {point for point, each in beside.items() if len({frozenset(pairs) for pairs in each.values()}) > 1}
    made = {key: tuple(_arcs(ring, [point in meeting for point in ring])) for key, ring in rings.items()}
    needed = frozenset(arc for arcs in made.values() if len(arcs) < 3 for arc, _ in arcs)
    return tuple(dict.fromkeys(arc for arcs in made.values() for arc, _ in arcs)), _Parts(made, needed)


def _arcs(ring: Line, meets: Sequence[bool]) -> Iterator[tuple[Line, bool]]:
    """Stretches of a ring from one meeting point to the next; the whole from its first point by order without one."""
    cuts = [place for place, meeting in enumerate(meets) if meeting] or [_first(ring)]
    turned = ring[cuts[0] :] + ring[: cuts[0] + 1]
    ends = [place - cuts[0] for place in cuts] + [len(ring)]
    for start, end in pairwise(ends):
        arc = turned[start : end + 1]
        key = min(arc, arc[::-1])
        yield key, key == arc


def _first(ring: Line) -> int:
    """The place where a ring begins, the same in both directions, and where it passes its least point twice."""
    least, last = min(ring), len(ring) - 1
    places = (place for place, point in enumerate(ring) if point == least)
    return min(places, key=lambda place: sorted((ring[place - 1], ring[place + 1 if place < last else 0])))


def _weights(arc: Line, needed: bool) -> tuple[float, ...]:
    """Size of the triangle that goes with each corner when the smallest go first; corners that have to stay: infinite.

    needed: the ring would vanish without a corner inside the stretch; one that is closed keeps two.
    """
    last = len(arc) - 1
    before, after = list(range(-1, last)), list(range(1, last + 2))
    found = [math.inf] * len(arc)
    heap = [(_triangle(*arc[place - 1 : place + 2]), place) for place in range(1, last)]
    heapq.heapify(heap)
    current = {place: size for size, place in heap}
    most = 0.0
    order: list[int] = []
    while heap:
        size, place = heapq.heappop(heap)
        if current.get(place) != size:
            continue
        most = max(most, size)
        found[place] = most
        order.append(place)
        del current[place]
        low, high = before[place], after[place]
        after[low], before[high] = high, low
        for near in (low, high):
            if 0 < near < last:
                current[near] = _triangle(arc[before[near]], arc[near], arc[after[near]])
                heapq.heappush(heap, (current[near], near))
    for place in order[-2 if arc[0] == arc[-1] else -1 :] if needed else ():
        found[place] = math.inf
    return tuple(found)


def _triangle(a: Point, b: Point, c: Point) -> float:
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2


def area(ring: Line) -> float:
    """Signed area of an open ring (shoelace).

    >>> area(((0, 0), (4, 0), (4, 3)))
    6.0
    """
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise((*ring, ring[0]))) / 2


def _size(rings: Sequence[Line]) -> float:
    return max((abs(area(ring)) for ring in rings), default=0.0)


def _written(ring: Line) -> str:
    """A ring as SVG writes it: the first corner, then steps.

    >>> _written(((10, 5), (13, 5), (12, 2)))
    'M10 5l3 0-1-3z'
    """
    steps = ((x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in pairwise(ring))
    path = "".join(f"{' ' if x >= 0 else ''}{x}{' ' if y >= 0 else ''}{y}" for x, y in steps)
    return f"M{ring[0][0]} {ring[0][1]}l{path.lstrip()}z"


def _label(rings: Sequence[Line]) -> tuple[Point, float]:
    """The point inside that is farthest from every border, in a drawing pulled upwards as labels are wide."""
    edges = np.array([(*one, *other) for ring in rings for one, other in pairwise((*ring, ring[0]))], dtype=float)
    edges[:, 1::2] *= FLAT
    low, high = edges[:, :2].min(axis=0), edges[:, :2].max(axis=0)
    best, room = (low + high) / 2, 0.0
    for _ in range(3):
        xs, ys = (np.linspace(low[k], high[k], 25) for k in (0, 1))
        points = np.array([(x, y) for y in ys for x in xs])
        far = _far(points, edges)
        if far.max() > room:
            best, room = points[int(far.argmax())], float(far.max())
        step = (high - low) / 12
        low, high = best - step, best + step
    return (round(float(best[0])), round(float(best[1] / FLAT))), room


def _far(points: Floats, edges: Floats) -> Floats:
    """Distance of each point to the nearest edge, negative outside (even-odd rule)."""
    px, py = points[:, :1], points[:, 1:]
    x1, y1, x2, y2 = edges.T
    along = (px - x1) * (x2 - x1) + (py - y1) * (y2 - y1)
    part = np.clip(along / np.maximum((x2 - x1) ** 2 + (y2 - y1) ** 2, 1e-12), 0, 1)
    near = np.sqrt((x1 + part * (x2 - x1) - px) ** 2 + (y1 + part * (y2 - y1) - py) ** 2).min(axis=1)
    crossed = ((y1 > py) != (y2 > py)) & (px < (x2 - x1) * (py - y1) / np.where(y2 == y1, 1, y2 - y1) + x1)
    found: Floats = np.where(crossed.sum(axis=1) % 2 == 1, near, -near)
    return found


def hatch(rings: Sequence[Line], gap: int = 9) -> tuple[tuple[Point, Point], ...]:
    """Slanting lines inside the rings (even-odd rule), `gap` units apart along each axis.

    >>> hatch((((0, 0), (10, 0), (10, 10), (0, 10)),), 10)
    (((0, 10), (10, 0)),)
    """
    edges = [edge for ring in rings for edge in pairwise((*ring, ring[0]))]
    sums = [x + y for ring in rings for x, y in ring]
    lines = []
    for level in range(math.ceil((min(sums) + 1) / gap) * gap, max(sums), gap):
        xs = []
        for (x1, y1), (x2, y2) in edges:
            one, other = x1 + y1 - level, x2 + y2 - level
            if (one > 0) != (other > 0):
                xs.append(x1 + (x2 - x1) * one / (one - other))
        xs.sort()
        ends = zip(xs[::2], xs[1::2], strict=True)
        lines += [((round(a), level - round(a)), (round(b), level - round(b))) for a, b in ends if b - a >= 1]
    return tuple(lines)
