"""Where the areas lie on a grid of tiles: each mistake told where it stands in survey.yaml."""

from __future__ import annotations

import pytest

from survey.errors import CodebookError
from survey.survey_yaml import parse
from tests.small_survey import YAML

GRID = "{1: [1, 1], 2: [2, 1], 3: [3, 2]}"


def with_map(text: str) -> str:
    return YAML.replace("  area: district\n", f"  area: district\n  map: {text}\n")


def test_a_grid_is_read_by_code() -> None:
    plan = parse(with_map(f"{{grid: {GRID}}}")).report.map
    assert plan is not None
    assert plan.grid == {"1": (1, 1), "2": (2, 1), "3": (3, 2)}


@pytest.mark.parametrize(
    ("grid", "where", "told"),
    [
        ("{1: [1, 1], 2: [2, 1]}", "report.map", "none for 3"),
        ("{1: [1, 1]}", "report.map", "none for 2, 3"),
        ("{1: [1, 1], 2: [2, 1], 3: [1, 1]}", "report.map.grid.3", "column 1, row 1, where 1 lies already"),
        ("{1: [1, 1], 2: [2, 1], 3: [3, 1], 4: [1, 2]}", "report.map.grid.4", "got: 4"),
        ("{1: [1, 1], 2: [2, 1], three: [3, 1]}", "report.map.grid.three", "got: three"),
        ("{1: [0, 1], 2: [2, 1], 3: [3, 1]}", "report.map.grid.1", "1 or more"),
        ("{1: [1, 1], 2: [2, -1], 3: [3, 1]}", "report.map.grid.2", "1 or more"),
        ("{1: [8, 1], 2: [2, 1], 3: [3, 1]}", "report.map.grid.1", "7 or less"),
        ("{1: [1, 17], 2: [2, 1], 3: [3, 1]}", "report.map.grid.1", "16 or less"),
        ("{1: [1.5, 1], 2: [2, 1], 3: [3, 1]}", "report.map.grid.1", "1.5"),
        ("{1: [1], 2: [2, 1], 3: [3, 1]}", "report.map.grid.1", "got"),
        ("{1: [1, 1, 1], 2: [2, 1], 3: [3, 1]}", "report.map.grid.1", "got"),
        ("{1: [1, 1], 2: [2, 1], 3: [3, 1], 1: [1, 2]}", "line", "1"),
    ],
)
def test_a_grid_that_cannot_be_drawn_is_told_at_its_area(grid: str, where: str, told: str) -> None:
    with pytest.raises(CodebookError) as caught:
        parse(with_map(f"{{grid: {grid}}}"))
    parts = caught.value.parts()
    assert where in parts["where"]
    assert told in caught.value.describe()
    assert {"expected", "got"} <= parts.keys()


def test_every_mistake_of_a_grid_is_told_at_once() -> None:
    with pytest.raises(CodebookError) as caught:
        parse(with_map("{grid: {1: [1, 1], 2: [1, 1], 4: [2, 2]}}"))
    told = [fault.parts()["got"] for fault in (caught.value, *caught.value.others)]
    assert told == ["column 1, row 1, where 1 lies already", "4", "none for 3"]


def test_a_map_says_in_one_way_where_the_areas_lie() -> None:
    for both in ("{}", f"{{grid: {GRID}, geojson: {{file: a.geojson, code: no}}}}"):
        with pytest.raises(CodebookError, match="`grid` or `geojson`"):
            parse(with_map(both))


def test_a_map_without_areas_is_told() -> None:
    with pytest.raises(CodebookError, match=r"`report\.area`, whose places these are"):
        parse(with_map(f"{{grid: {GRID}}}").replace("  area: district\n", ""))


@pytest.mark.parametrize(
    "name", ["../towns.geojson", "/etc/towns.geojson", ".towns.geojson", "towns.json", "a/b.geojson"]
)
def test_borders_lie_beside_survey_yaml_and_nowhere_else(name: str) -> None:
    with pytest.raises(CodebookError) as caught:
        parse(with_map(f"{{geojson: {{file: {name}, code: no}}}}"))
    assert "report.map.geojson.file" in caught.value.parts()["where"]
