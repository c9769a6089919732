"""The map says what the tests found: colours by its tests, nothing of what is withheld, borders without gaps."""

from __future__ import annotations

import random
import re

import pytest

from reports.canvas import text_width
from reports.figures import Figures
from reports.language import Language
from reports.map import MapChart, area_map, locator
from reports.outlines import area, outlines
from reports.render import render
from reports.scene import Scene
from survey.survey_yaml.borders import Position, Shapes
from tests.reports.sample import AREAS, GRID, WAVES, city

NOW, BY, ITEM = WAVES[-1], "district", "security"


def scene(code: str = "en") -> Scene:
    release, book = city()
    return Scene(Figures(release.results), release.facts, book, NOW, Language(code))


def chart(code: str = "en") -> MapChart:
    found = area_map(scene(code), ITEM, "What was found")
    assert found is not None
    return found


def expected() -> dict[str, str]:
    """By area what the released rows allow to be said, read from the rows themselves."""
    rows = city()[0].results
    own = rows[(rows["wave"] == NOW) & (rows["item"] == ITEM) & (rows["by"] == BY)]
    means = own[own["statistic"] == "mean"].set_index("group")
    differences = own[own["statistic"] == "difference"].set_index("group")
    said = {}
    for code in AREAS:
        if means.loc[code, "flag"] not in ("released", "caution"):
            said[code] = "held"
            continue
        row = differences.loc[code]
        p = row["q"] if row["q"] == row["q"] else row["p"]
        said[code] = ("up" if row["estimate"] > 0 else "down") if p < 0.05 else "same"
    return said


def test_every_area_is_on_its_tile_with_what_its_test_found() -> None:
    drawn = chart()
    tiles = {tile.spot.code: tile for tile in drawn.layout.tiles}
    assert {code: tile.spot.finding for code, tile in tiles.items()} == expected()
    assert {"up", "down", "same", "held"} <= set(expected().values())
    least = [min(place[side] for place in GRID.values()) for side in (0, 1)]
    places = {code: (tile.column, tile.row) for code, tile in tiles.items()}
    assert places == {code: (x - least[0], y - least[1]) for code, (x, y) in GRID.items()}


def test_the_colour_is_that_of_the_test_and_never_of_the_share() -> None:
    tones = {tile.spot.finding: set[str]() for tile in chart().layout.tiles}
    for tile in chart().layout.tiles:
        tones[tile.spot.finding].add(tile.spot.tone)
    assert tones == {"up": {"p1"}, "down": {"m2"}, "same": {"same"}, "held": {"held"}}
    signs = {tile.spot.finding: tile.spot.sign for tile in chart().layout.tiles}
    assert (signs["up"], signs["down"], signs["same"]) == ("▲", "▼", "")


@pytest.mark.parametrize("code", ["zh", "en"])
def test_what_is_withheld_shows_its_mark_and_no_number(code: str) -> None:
    held = [tile.spot for tile in chart(code).layout.tiles if tile.spot.finding == "held"]
    assert {spot.share for spot in held} <= {"[c]", "[u]", "[x]"}
    assert not any(re.search(r"\d", spot.share) for spot in held)
    release, book = city()
    body = render(release, book, NOW, (code,))[f"{code}.html"].decode()
    figure = re.search(r'<svg class="map[^>]*>.*?</svg>', body, re.S) or re.search(r'class="map.*?</svg>', body, re.S)
    assert figure is not None
    assert 'role="img"' in figure[0]
    assert "<title" in figure[0]
    assert "<desc" in figure[0]


@pytest.mark.parametrize("code", ["zh", "en"])
def test_words_have_room_on_their_tiles(code: str) -> None:
    layout = chart(code).layout
    wide = 480 / (1 + max(tile.column for tile in layout.tiles))
    for tile in layout.tiles:
        for line in tile.spot.name.split():
            assert text_width(line, 11.5) < 2 * wide, line


def shapes(jagged: int = 60) -> Shapes:
    """Four fields in a square; their common borders run in teeth, and one lies like a lake within another."""
    chance = random.Random(3)
    teeth = [(0.5 + chance.uniform(-0.02, 0.02), k / jagged) for k in range(1, jagged)]
    middle: list[Position] = [(0.5, 0.0), *teeth, (0.5, 1.0)]
    lake: list[Position] = [(0.7, 0.4), (0.8, 0.45), (0.85, 0.6), (0.7, 0.6), (0.7, 0.4)]
    west = (*middle, (0.0, 1.0), (0.0, 0.0), middle[0])
    east = (*middle[::-1], (1.0, 0.0), (1.0, 1.0), middle[-1])
    return Shapes((("1", ((west,),)), ("2", ((east, tuple(lake[::-1])),)), ("3", ((tuple(lake),),))), planar=True)


@pytest.mark.parametrize("budget", [200, 600, 100_000])
def test_simplified_neighbours_leave_no_gap_and_do_not_overlap(budget: int) -> None:
    drawn = outlines(shapes(), 400, 400, budget)
    sizes = {each.code: [abs(area(ring)) for ring in each.rings] for each in drawn.areas}
    lake = sizes["3"][0]
    assert sizes["2"][1] == lake, "the hole is the lake"
    assert sizes["1"][0] + sizes["2"][0] == (drawn.width - 2) * (drawn.height - 2), "together they are the square"
    assert sum(len(each.path) for each in drawn.areas) <= max(budget, 160)


def test_the_same_borders_give_the_same_drawing_in_any_order() -> None:
    one, other = shapes(), shapes()
    turned = Shapes(other.areas[::-1], planar=True)
    paths = [{each.code: each.path for each in outlines(each, 400, 400, 600).areas} for each in (one, turned)]
    assert paths[0] == paths[1]


def test_each_areas_page_shows_where_it_lies() -> None:
    for code in AREAS:
        found = locator(scene(), code)
        assert found is not None
        assert AREAS[code][1] in found.title
        assert found.here.count("M") == 1
        assert found.others.count("M") == len(AREAS) - 1
        assert found.here not in found.others
