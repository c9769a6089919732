"""Borders of the areas from a GeoJSON file (RFC 7946) beside survey.yaml: polygons by code, and nothing else of it.

Only coordinates and the one property that holds the code are kept; whatever else a delivered file tells of an area, or
of whoever drew it, stays in the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from survey.codebook import Borders, Codebook, number_code
from survey.errors import CodebookError, together
from survey.survey_yaml.references import Mistake

MOST_BYTES, MOST_POSITIONS = 10_000_000, 200_000
FARTHEST = 1e9  # of a plane's units from its origin

Position = tuple[float, float]
Ring = tuple[Position, ...]
Polygon = tuple[Ring, ...]


@dataclass(frozen=True)
class Shapes:
    """Polygons of each area by code, in the order of the scale; the first ring of a polygon is its outer one.

    Rings are closed: the last position is the first.
    """

    areas: tuple[tuple[str, tuple[Polygon, ...]], ...]
    planar: bool = False


class _Fault(Exception):
    """What is wrong with one feature."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__()
        self.mistake = mistake


def read_borders(text: str, book: Codebook, name: str = "borders.geojson") -> Shapes | None:
    """Shapes of the text of the file that `report.map.geojson` names; None where survey.yaml names none.

    Raises: CodebookError: no GeoJSON; a geometry that is no polygon, is not closed or has a position that is no pair of
    finite numbers; an area twice, missing or unknown; too large a file. `others` holds all but the first.
    """
    plan = book.report.map.geojson if book.report.map else None
    scale = book.scale_of(book.report.area) if book.report.area else None
    if plan is None or scale is None:
        return None
    try:
        features = _features(text)
    except _Fault as stop:
        raise _told([stop.mistake], name) from None
    found: dict[str, tuple[Polygon, ...]] = {}
    mistakes: list[Mistake] = []
    for number, feature in enumerate(features, 1):
        try:
            code = _code(feature, plan, list(scale.levels), found)
            found[code] = ()  # known, even where its geometry is at fault
            found[code] = _polygons(feature, plan.planar)
        except _Fault as stop:
            stop.mistake.path = (number,)
            mistakes.append(stop.mistake)
    if not mistakes:
        mistakes += _whole(found, list(scale.levels), plan.code)
    if mistakes:
        raise _told(mistakes, name)
    return Shapes(tuple((code, found[code]) for code in scale.levels), plan.planar)


def _told(mistakes: Sequence[Mistake], name: str) -> CodebookError:
    """One fault that holds all mistakes, those of a feature with its number."""
    faults = [
        CodebookError(
            "{name} cannot be used as borders of the areas",
            where="{name}, feature {number}" if mistake.path else "{name}",
            expected=mistake.expected,
            got=mistake.got,
            hint=mistake.hint,
            **{"name": name, "number": mistake.path[0] if mistake.path else "", **mistake.values},
        )
        for mistake in mistakes
    ]
    return together(faults)  # type: ignore[return-value]


def _features(text: str) -> list[Any]:
    """The features of a collection, not looked at yet."""
    if len(text) > MOST_BYTES:
        raise _Fault(
            Mistake(
                (),
                expected="a file of at most {most} MB",
                got="a larger one",
                hint="simplify it first: a map on a page shows some hundred positions",
                most=MOST_BYTES // 1_000_000,
            )
        )
    try:
        content = json.loads(text, parse_int=float)
    except json.JSONDecodeError as error:
        raise _Fault(
            Mistake(
                (),
                expected="JSON",
                got="{said} in line {line}, column {column}",
                hint="export it again as GeoJSON",
                said=error.msg,
                line=error.lineno,
                column=error.colno,
            )
        ) from None
    except RecursionError:
        content = None
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or content.get("type") != "FeatureCollection":
        raise _Fault(
            Mistake(
                (),
                expected="a FeatureCollection with features",
                got="something else",
                hint="export it again as GeoJSON",
            )
        )
    return features


def _whole(found: Mapping[str, tuple[Polygon, ...]], codes: Sequence[str], key: str) -> Iterator[Mistake]:
    """What is wrong with the features together."""
    lacking = [code for code in codes if code not in found]
    if lacking:
        yield Mistake(
            (),
            expected="a feature for every area",
            got="none for {lacking}",
            hint="look at the property {key}, which holds the code of the area",
            lacking=", ".join(lacking),
            key=key,
        )
    positions = sum(len(ring) for polygons in found.values() for polygon in polygons for ring in polygon)
    if positions > MOST_POSITIONS:
        yield Mistake(
            (),
            expected="at most {most} positions",
            got="{positions}",
            hint="simplify it first: a map on a page shows some hundred positions",
            most=MOST_POSITIONS,
            positions=positions,
        )


def _code(feature: Any, plan: Borders, known: Sequence[str], found: Mapping[str, object]) -> str:
    """The code of a feature's area."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    value = properties.get(plan.code) if isinstance(properties, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | float):
        raise _Fault(
            Mistake(
                (),
                expected="the code of an area as its property {key}",
                got="none",
                hint="name the property that holds it under `report.map.geojson.code`",
                key=plan.code,
            )
        )
    code = value if isinstance(value, str) and value in known else number_code(str(value))
    if code not in known:
        raise _Fault(
            Mistake(
                (),
                expected="one of {known} as its property {key}",
                got="{found}",
                hint="write the code of the area there, or leave the feature out",
                known=", ".join(known[:12]),
                key=plan.code,
                found=code[:40],
            )
        )
    if code in found:
        raise _Fault(
            Mistake(
                (),
                expected="every area once",
                got="{found} again",
                hint="join its parts to one MultiPolygon",
                found=code,
            )
        )
    return code


def _polygons(feature: Mapping[str, Any], planar: bool) -> tuple[Polygon, ...]:
    geometry = feature.get("geometry")
    kind, parts = (geometry.get("type"), geometry.get("coordinates")) if isinstance(geometry, dict) else (None, None)
    if kind not in ("Polygon", "MultiPolygon"):
        raise _Fault(
            Mistake(
                (),
                expected="a Polygon or a MultiPolygon",
                got="{found}",
                hint="an area needs a border, not a point or a line",
                found=str(kind)[:40],
            )
        )
    several = parts if kind == "MultiPolygon" else [parts]
    if not isinstance(several, list) or not several or not all(isinstance(each, list) and each for each in several):
        raise _Fault(Mistake((), expected="rings of positions", got="none", hint="export it again as GeoJSON"))
    return tuple(tuple(_ring(ring, planar) for ring in rings) for rings in several)


def _ring(ring: Any, planar: bool) -> Ring:
    positions = tuple(_position(each, planar) for each in ring) if isinstance(ring, list) else ()
    if len(positions) < 4 or positions[0] != positions[-1] or not any(_corners(positions)):
        raise _Fault(
            Mistake(
                (),
                expected="rings of four positions or more around an area, the last the same as the first",
                got="one of {count} that is not",
                hint="close it, or delete it",
                count=len(positions),
            )
        )
    return positions


def _corners(ring: Ring) -> Iterator[bool]:
    """Whether each two neighbours lie off a line through the first position."""
    (x, y), *rest = ring
    for (x1, y1), (x2, y2) in pairwise(rest):
        yield (x1 - x) * (y2 - y) != (x2 - x) * (y1 - y)


def _position(found: Any, planar: bool) -> Position:
    pair = found[:2] if isinstance(found, list) else []
    numbers = [each for each in pair if isinstance(each, float) and math.isfinite(each)]
    if len(numbers) != 2:
        raise _Fault(
            Mistake((), expected="positions of two finite numbers", got="another", hint="export it again as GeoJSON")
        )
    x, y = numbers
    if not planar and (abs(x) > 180 or abs(y) > 90):
        raise _Fault(
            Mistake(
                (),
                expected="longitudes within ±180 and latitudes within ±90 degrees",
                got="{found}",
                hint="write the longitude first"
                if abs(x) <= 90 < abs(y) <= 180
                else "write `planar: true` under `report.map.geojson` where these are metres of a plane",
                found=f"{x:.6g}, {y:.6g}",
            )
        )
    if max(abs(x), abs(y)) > FARTHEST:
        raise _Fault(
            Mistake(
                (),
                expected="positions within ±1,000,000,000",
                got="{found}",
                hint="use metres",
                found=f"{x:.6g}, {y:.6g}",
            )
        )
    return x, y
