"""Where the areas lie: a file of borders and a grid of tiles, each mistake told where it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from survey.errors import CodebookError
from survey.survey_yaml import parse
from survey.survey_yaml.borders import MOST_BYTES, read_borders
from tests.small_survey import YAML

SQUARE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
HOLE = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6], [0.4, 0.4]]


def with_map(text: str) -> str:
    return YAML.replace("  area: district\n", f"  area: district\n  map: {text}\n")


BOOK = parse(with_map("{geojson: {file: towns.geojson, code: no}}"))


def feature(code: Any, rings: Any = None, kind: str = "Polygon", **more: Any) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": [SQUARE] if rings is None else rings}
    return {"type": "Feature", "properties": {"no": code, **more}, "geometry": geometry}


def collection(*features: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


def test_polygons_are_read_by_code_and_nothing_else_of_the_file() -> None:
    island = [[[2.0, 0.0], [3.0, 0.0], [3.0, 1.0], [2.0, 0.0]]]
    several = feature("3", [[SQUARE, HOLE], island], "MultiPolygon", owner="张三 13800138000")
    found = read_borders(collection(several, feature(2), feature("1")), BOOK)
    assert found is not None
    assert [code for code, _ in found.areas] == ["1", "2", "3"]
    parts = dict(found.areas)["3"]
    assert [[len(ring) for ring in polygon] for polygon in parts] == [[5, 5], [4]]
    assert "张三" not in repr(found)


OPEN = SQUARE[:-1]
FLAT = [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("{", "towns.geojson", "JSON"),
        ("[" * 100_000, "towns.geojson", ""),
        (json.dumps(feature("1")), "towns.geojson", "a FeatureCollection"),
        (collection(feature("1"), feature("2")), "towns.geojson", "none for 3"),
        (collection(feature("1"), feature("2"), feature("9")), "feature 3", "got: 9"),
        (collection(feature("1"), feature("2"), feature("<script>")), "feature 3", "<script>"),
        (collection(feature("1"), feature("1")), "feature 2", "1 again"),
        (collection(feature(None)), "feature 1", "property no"),
        (collection(feature(True)), "feature 1", "property no"),
        (collection("a feature"), "feature 1", "property no"),
        (collection(feature("1", [0.0, 0.0], "Point")), "feature 1", "Point"),
        (collection(feature("1", [])), "feature 1", "rings of positions"),
        (collection(feature("1", [OPEN])), "feature 1", "the last the same as the first"),
        (collection(feature("1", [FLAT])), "feature 1", "around an area"),
        (collection(feature("1", [[*SQUARE[:2], ["x", 1.0], *SQUARE[3:]]])), "feature 1", "two finite numbers"),
        (collection(feature("1", [[*SQUARE[:2], [181.0, 1.0], *SQUARE[3:]]])), "feature 1", "planar: true"),
        (collection(feature("1")).replace("1.0", "NaN"), "feature 1", "two finite numbers"),
        (collection(feature("1")).replace("1.0", "1e999"), "feature 1", "two finite numbers"),
        (collection(feature("1")).replace("1.0", "true"), "feature 1", "two finite numbers"),
        (collection(feature("1", [[*SQUARE[:2], [1.0], *SQUARE[3:]]])), "feature 1", "two finite numbers"),
        (collection(feature("1", [[*SQUARE[:2], [1.0, -91.0], *SQUARE[3:]]])), "feature 1", "longitude first"),
        (collection(feature("1", [[*SQUARE[:2], [5e5, 3.4e6], *SQUARE[3:]]])), "feature 1", "planar: true"),
        (collection(feature("1", [SQUARE, HOLE[:-1]])), "feature 1", "the last the same as the first"),
        (collection(feature("1", [[SQUARE], []], "MultiPolygon")), "feature 1", "rings of positions"),
        (collection(feature("1", "POLYGON ((0 0, 1 0))")), "feature 1", "rings"),
        (collection({**feature("1"), "geometry": None}), "feature 1", "a Polygon or a MultiPolygon"),
        ('{"type": "FeatureCollection", "features": {}}', "towns.geojson", "a FeatureCollection"),
        (collection(), "towns.geojson", "none for 1, 2, 3"),
    ],
)
def test_what_is_no_border_is_told_with_its_feature(text: str, where: str, told: str) -> None:
    with pytest.raises(CodebookError) as caught:
        read_borders(text, BOOK, "towns.geojson")
    assert where in caught.value.parts()["where"]
    assert told in caught.value.describe()
    assert {"where", "expected", "got", "hint"} <= caught.value.parts().keys()


def test_heights_and_written_numbers_are_no_mistake() -> None:
    """What exports really hold: a height as third number, codes as 1.0 or with a zero before them, whole degrees."""
    high = [[x, y, 12.5] for x, y in SQUARE]
    found = read_borders(collection(feature(1.0, [high]), feature("02"), feature(3)).replace("1.0,", "1,"), BOOK)
    assert found is not None
    assert dict(found.areas)["1"][0][0] == tuple((x, y) for x, y in SQUARE)
    assert len(found.areas) == 3


def test_the_example_of_the_readme_is_read() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    section = readme[readme.index("### A map of the areas") :]
    told = re.search(r"geojson: (\{.*?\})", section)
    example = re.search(r'    (\{"type": "FeatureCollection".*?\]\]\]\}\}), …\]\}', section, re.S)
    assert told
    assert example
    book = parse(with_map(f"{{geojson: {told[1]}}}"))
    others = [json.dumps(feature(code)) for code in (2, 3)]
    found = read_borders(f"{example[1]}, {', '.join(others)}]}}", book)
    assert found is not None
    assert dict(found.areas)["1"][0][0][0] == (120.1, 30.2)
    tiles = re.search(r"grid: (\{.*?\})", section)
    assert tiles
    assert parse(with_map(f"{{grid: {tiles[1]}}}")).report.map is not None


def test_a_plane_has_no_degrees_but_an_end() -> None:
    plane = parse(with_map("{geojson: {file: towns.geojson, code: no, planar: true}}"))
    metres = [[500_000 + 1000 * x, 3_400_000 + 1000 * y] for x, y in SQUARE]
    found = read_borders(collection(*(feature(code, [metres]) for code in "123")), plane)
    assert found is not None
    assert found.planar
    with pytest.raises(CodebookError, match="use metres"):
        read_borders(collection(feature("1", [[[1e12 * x, y] for x, y in SQUARE]])), plane)


def test_more_positions_than_a_map_could_show_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    three = collection(*(feature(code) for code in "123"))
    monkeypatch.setattr("survey.survey_yaml.borders.MOST_POSITIONS", 3 * len(SQUARE))
    assert read_borders(three, BOOK) is not None
    monkeypatch.setattr("survey.survey_yaml.borders.MOST_POSITIONS", 3 * len(SQUARE) - 1)
    with pytest.raises(CodebookError, match="at most 14 positions"):
        read_borders(three, BOOK)


def test_every_faulty_feature_is_told_at_once() -> None:
    with pytest.raises(CodebookError) as caught:
        read_borders(collection(feature("1", [OPEN]), feature("9"), feature("2")), BOOK, "towns.geojson")
    assert [fault.parts()["where"][-1] for fault in (caught.value, *caught.value.others)] == ["1", "2"]


def test_a_file_that_no_page_could_hold_is_refused_before_it_is_read() -> None:
    with pytest.raises(CodebookError, match="at most 10 MB"):
        read_borders(" " * (MOST_BYTES + 1), BOOK)
