"""A file of borders is looked at before a run begins, and what is wrong with it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.job import Job
from flows.workspace import Workspace
from survey.errors import AnxinError
from survey.survey_yaml.borders import MOST_BYTES
from tests.small_survey import YAML, write

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
MAP = "  area: district\n  map: {geojson: {file: towns.geojson, code: 代码}}\n"


def plan(root: Path, content: bytes | None) -> Job:
    folder = write(root, YAML.replace("  area: district\n", MAP))
    if content is not None:
        (folder / "towns.geojson").write_bytes(content)
    return Job.plan(Workspace(root), "small-town", None, None, None, root / "public")


def whole() -> str:
    areas = [
        {"type": "Feature", "properties": {"代码": code}, "geometry": {"type": "Polygon", "coordinates": [SQUARE]}}
        for code in ("1", "2", "3")
    ]
    return json.dumps({"type": "FeatureCollection", "name": "各区", "features": areas}, ensure_ascii=False)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_borders_are_read_with_and_without_a_byte_order_mark(tmp_path: Path, mark: str) -> None:
    found = plan(tmp_path, (mark + whole()).encode()).shapes()
    assert found is not None
    assert [code for code, _ in found.areas] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("content", "where", "told"),
    [
        (None, "report.map.geojson.file", "is not there"),
        (whole().encode("gb18030"), "towns.geojson byte", "UTF-8"),
        (b"\x00\x01", "towns.geojson", "JSON"),
        (b"\xff" * (MOST_BYTES + 1), "towns.geojson", "10 MB"),
        (whole().replace('"3"', '"<script>alert(1)</script>"').encode(), "feature 3", "<script>"),
    ],
)
def test_a_file_that_cannot_be_used_stops_before_anything_is_made(
    tmp_path: Path, content: bytes | None, where: str, told: str
) -> None:
    with pytest.raises(AnxinError) as caught:
        plan(tmp_path, content)
    assert where in caught.value.parts()["where"]
    assert "data/raw/small-town/" in caught.value.parts()["where"]
    assert told in caught.value.describe()
    assert str(tmp_path) not in caught.value.describe()
    assert not (tmp_path / "public").exists()
