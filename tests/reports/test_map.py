"""The map says what the tests found: colours by its tests, nothing of what is withheld, borders without gaps."""

from __future__ import annotations

import itertools
import math
import random
import re
import unicodedata
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from reports.canvas import palette, text_width
from reports.figures import Figures
from reports.language import Language
from reports.map import MapChart, area_map, locator
from reports.map_svg import map_svg
from reports.outlines import Line, area, outlines
from reports.picture import About
from reports.places import PHONE, PHONE_TEXT, TEXT, Piece, Spot, in_borders, lines, on_tiles
from reports.render import render
from reports.scene import Scene
from survey.codebook import Codebook
from survey.survey_yaml.borders import Position, Ring, Shapes
from tests.reports.sample import AREAS, GRID, WAVES, city

NOW, BY, ITEM = WAVES[-1], "district", "security"
SVG = "{http://www.w3.org/2000/svg}"


def scene(code: str = "en", results: pd.DataFrame | None = None, borders: Shapes | None = None) -> Scene:
    release, book = city()
    rows = release.results if results is None else results
    return Scene(Figures(rows), release.facts, bordered(book) if borders else book, NOW, Language(code), shapes=borders)


def bordered(book: Codebook) -> Codebook:
    """The city with borders in place of tiles."""
    content = book.model_dump(by_alias=True)
    content["report"]["map"] = {"geojson": {"file": "city.geojson", "code": "no"}}
    return Codebook.model_validate(content)


def chart(code: str = "en", results: pd.DataFrame | None = None, borders: Shapes | None = None) -> MapChart:
    found = area_map(scene(code, results, borders), ITEM, "What was found")
    assert found is not None
    return found


def changed(statistic: str, group: str, **values: Any) -> pd.DataFrame:
    """The city's results with other values in one area's row."""
    rows = city()[0].results.copy()
    chosen = (rows["wave"] == NOW) & (rows["item"] == ITEM) & (rows["by"] == BY) & (rows["group"] == group)
    chosen &= rows["statistic"] == statistic
    assert chosen.sum() == 1
    for column, value in values.items():
        rows.loc[chosen, column] = value
    return rows


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


def test_areas_of_the_same_share_differ_only_by_their_test() -> None:
    """Two areas of one estimate: a colour for that whose test found something, none for the other, however far off."""
    rows = changed("mean", "1", estimate=0.5)
    first = {tile.spot.code: tile.spot for tile in chart(results=rows).layout.tiles}["1"]
    found = {tile.spot.code: tile.spot for tile in chart(results=changed("difference", "1", p=0.9, q=0.9)).layout.tiles}
    assert (first.share, first.finding, first.tone) == ("50.0%", "down", "m2")
    assert (found["1"].finding, found["1"].tone, found["1"].sign) == ("same", "same", "")


def test_where_less_is_better_the_colours_change_sides_and_the_marks_do_not() -> None:
    release, book = city()
    content = book.model_dump(by_alias=True)
    content["indicators"][ITEM]["better"] = "lower"
    turned = Scene(Figures(release.results), release.facts, Codebook.model_validate(content), NOW, Language("en"))
    drawn = area_map(turned, ITEM, "")
    assert drawn is not None
    looks = {tile.spot.finding: (tile.spot.tone, tile.spot.sign) for tile in drawn.layout.tiles}
    assert (looks["up"], looks["down"]) == (("m2", "▲"), ("p1", "▼"))


def test_a_withheld_test_leaves_the_share_without_a_colour() -> None:
    """The sign of a difference that is not published must not be told by a colour."""
    assert expected()["1"] == "down"
    spot = {
        tile.spot.code: tile.spot
        for tile in chart(results=changed("difference", "1", flag="suppressed_primary")).layout.tiles
    }["1"]
    assert (spot.finding, spot.tone, spot.sign) == ("alone", "same", "")


def test_a_withheld_share_leaves_no_colour_of_its_published_test() -> None:
    gone = chart(results=changed("mean", "1", flag="suppressed_secondary"))
    spot = {tile.spot.code: tile.spot for tile in gone.layout.tiles}["1"]
    assert (spot.finding, spot.tone, spot.text) == ("held", "held", "[c]")
    shown = [each for each in expected() if expected()[each] == "down" and each != "1"]
    assert f"{len(shown)} lower" in gone.caption


@pytest.mark.parametrize("code", ["zh", "en"])
def test_no_number_of_a_withheld_area_is_in_words_or_legend(code: str) -> None:
    """Whatever its estimate would be: with another one nothing of the map is another."""
    plain = chart(code, changed("mean", "8", estimate=0.111, ci_low=0.1, ci_high=0.2))
    assert plain == chart(code, changed("mean", "8", estimate=0.999, ci_low=0.9, ci_high=1.0))
    everything = [plain.title, plain.caption, plain.text, *plain.notes, *itertools.chain(*plain.legend)]
    assert not any("11.1" in text for text in everything)


def test_the_legend_spans_the_shares_of_its_areas() -> None:
    """Each kind there is, once; its lowest and highest published share."""
    rows = city()[0].results
    own = rows[(rows["wave"] == NOW) & (rows["item"] == ITEM) & (rows["by"] == BY) & (rows["statistic"] == "mean")]
    shares = own.set_index("group")["estimate"]
    signs = {sign: span for tone, sign, _, span in chart().legend if tone in ("p1", "m2", "same")}
    for finding, sign in (("up", "▲"), ("down", "▼"), ("same", "")):
        values = [100 * shares[each] for each, kind in expected().items() if kind == finding]
        low, high = f"{min(values):.1f}", f"{max(values):.1f}"
        assert signs[sign] == (f"({low}%)" if low == high else f"({low}–{high}%)")
    assert [sign for tone, sign, _, _ in chart().legend if tone in ("held", "careful")] == ["[c]", "[u]", "!"]


def drawn_map(code: str, borders: Shapes | None = None) -> tuple[ElementTree.Element, str]:
    """The map on the rendered page, and what follows it."""
    release, book = city()
    page = render(release, bordered(book) if borders else book, NOW, (code,), shapes=borders)[f"{code}.html"].decode()
    found = re.search(r'<svg class="map".*?</svg>(?=\s*<p class="note">)', page, re.S)
    assert found is not None
    return ElementTree.fromstring(found[0]), page[found.end() :]


def spoken_of(root: ElementTree.Element) -> tuple[str, str]:
    """Title and description to which a drawing's label points."""
    ids = {each.get("id"): each.text or "" for each in root}
    title, description = (root.get("aria-labelledby") or "").split()
    return ids[title], ids[description]


@pytest.mark.parametrize("code", ["zh", "en"])
def test_the_page_draws_each_area_once_in_the_class_of_its_finding(code: str) -> None:
    root, after = drawn_map(code)
    assert root.get("role") == "img"
    classes = {"up": "p1", "down": "m2", "same": "same", "held": "held"}
    least = [min(place[side] for place in GRID.values()) for side in (0, 1)]
    areas = {(x - least[0], y - least[1]): each for each, (x, y) in GRID.items()}
    seen = []
    for tile in root.findall("svg"):
        across, high = float((tile.get("width") or "").rstrip("%")), float(tile.get("height") or "")
        column, row = float((tile.get("x") or "").rstrip("%")) / across, float(tile.get("y") or "") / high
        each = areas[round(column), round(row)]
        seen.append(each)
        wide = [text.text or "" for text in tile.findall("text") if "narrow" not in (text.get("class") or "")]
        assert AREAS[each][code == "en"].startswith(wide[0].rstrip("…"))
        assert tile.get("class") == classes[expected()[each]]
        assert bool(re.search(r"\d", "".join(wide))) == (expected()[each] != "held")
        assert len(tile.findall("path")) == (expected()[each] == "held"), "slanting lines mark what is withheld"
    assert sorted(seen) == sorted(AREAS)
    title, description = spoken_of(root)
    assert title
    for each in AREAS:
        assert AREAS[each][code == "en"] in description
    section = after[: after.index("</section>")]
    assert "<table" in section, "the table stands below the map"


@pytest.mark.parametrize("code", ["zh", "en"])
def test_what_is_withheld_shows_its_mark_and_no_number(code: str) -> None:
    held = [tile.spot for tile in chart(code).layout.tiles if tile.spot.finding == "held"]
    assert {spot.share for spot in held} == {"[c]", "[u]"}
    assert {spot.code for spot in held} == {each for each, kind in expected().items() if kind == "held"}


def room(text: str, size: float) -> float:
    """Width of a text in the widest fonts of readers; Chinese letters are as wide in all."""
    return text_width(text, size) * (1 if any(unicodedata.east_asian_width(each) in "WF" for each in text) else 1.15)


def spots(name: str, share: str = "99.9%", count: int = 7) -> dict[str, Spot]:
    return {str(k): Spot(str(k), name, "up", "p1", share, caution=True) for k in range(1, count + 1)}


@pytest.mark.parametrize(
    "name", ["东城区", "高新技术产业开发区", "High-tech Development Zone", "Xishuangbanna", "A", "白鹭 Bailu"]
)
@pytest.mark.parametrize("columns", range(1, 8))
def test_words_have_room_on_their_tiles_on_wide_pages_and_on_phones(name: str, columns: int) -> None:
    layout = on_tiles({str(k): (k, 1) for k in range(1, columns + 1)}, spots(name, count=columns))
    for tile in layout.tiles:
        for kind, width, size in (("narrow", layout.width, TEXT), ("inner", min(layout.width, PHONE), PHONE_TEXT)):
            texts = [said for said in tile.texts if said.kind != kind]
            for said in texts:
                assert room(said.words, size) * (1.1 if said.bold else 1) <= width / columns, said
            ends = [layout.step / 2 + size * float(said.dy) for said in texts]
            assert 0.7 * size <= min(ends), "the first line is inside the tile"
            assert max(ends) <= layout.step - 0.2 * size, "and so is the last"
            assert all(later - line >= size for line, later in itertools.pairwise(ends))
            assert "▲ 99.9%!" in " ".join(said.words for said in texts) or [said.words for said in texts[-2:]] == [
                "99.9%",
                "▲!",
            ]


def test_a_long_name_is_cut_with_an_ellipsis_and_whole_in_the_description() -> None:
    long = "Xishuangbanna Dai Autonomous Prefecture"
    found = lines(long, 60)
    assert len(found) == 2
    assert all(room(line, TEXT) <= 60 for line in found)
    assert found[0].endswith("…")
    assert long.startswith(found[0].rstrip("…"))
    for code in ("zh", "en"):
        assert AREAS["5"][code == "en"] in chart(code).text


ABOUT = About("Sample City survey", NOW, "Office", simulated=True)


@pytest.mark.parametrize("code", ["zh", "en"])
@pytest.mark.parametrize("borders", [False, True])
def test_the_picture_that_stands_alone_says_the_same(code: str, borders: bool) -> None:
    drawn = chart(code, borders=quilt() if borders else None)
    root = ElementTree.fromstring(map_svg(ABOUT, Language(code), drawn))
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title") is not None
    assert root.find(f"{SVG}desc") is not None
    colours = palette()
    fills = [path.get("fill") for path in root.iter(f"{SVG}path")]
    # One shape an area, and one for each of the two colours in the legend.
    for finding, tone in (("up", "p1"), ("down", "m2")):
        assert fills.count(colours[tone]) == 1 + sum(kind == finding for kind in expected().values())
    texts = [text.text or "" for text in root.iter(f"{SVG}text")]
    written = {each.spot.text for each in drawn.layout.tiles}
    written |= {said.words for piece in drawn.layout.pieces for said in piece.texts if said.kind != "narrow"}
    assert len(written) >= len(AREAS) - 1
    assert written <= set(texts)
    across = float(root.get("viewBox", "").split()[2])
    for text in root.iter(f"{SVG}text"):
        wide, x = text_width(text.text or "", float(text.get("font-size", "0"))), float(text.get("x", "0"))
        left = x - wide / 2 if text.get("text-anchor") == "middle" else x
        assert left >= 0
        assert left + wide <= across


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


def box(x: float, y: float, wide: float = 1.0, high: float = 1.0) -> Ring:
    return ((x, y), (x + wide, y), (x + wide, y + high), (x, y + high), (x, y))


def quilt() -> Shapes:
    """The sample's areas: three columns of boxes; one has an island, one a hole in which another lies."""
    places = {code: box(k % 3, k // 3) for k, code in enumerate(AREAS)}
    holes = {"5": (box(1.3, 1.3, 0.4, 0.4),)}
    islands = {"2": (((box(4, 0, 0.5, 0.5),)),)}
    found = {code: ((ring, *holes.get(code, ())), *islands.get(code, ())) for code, ring in places.items()}
    found["11"] = ((box(1.3, 1.3, 0.4, 0.4),),)
    return Shapes(tuple(found.items()), planar=True)


def inside(x: float, y: float, rings: tuple[Line, ...]) -> bool:
    """Even-odd rule, one ray to the right."""
    crossed = 0
    for ring in rings:
        for (x1, y1), (x2, y2) in itertools.pairwise((*ring, ring[0])):
            crossed += (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1)
    return crossed % 2 == 1


def test_islands_and_holes_are_drawn_and_no_label_stands_in_a_hole() -> None:
    pieces = {piece.spot.code: piece for piece in chart(borders=quilt()).layout.pieces}
    assert sorted(pieces) == sorted(AREAS)
    assert {code: len(piece.outline.rings) for code, piece in pieces.items() if len(piece.outline.rings) > 1} == {
        "2": 2,
        "5": 2,
    }
    assert set(map(tuple, pieces["5"].outline.rings[1])) == set(map(tuple, pieces["11"].outline.rings[0]))
    for piece in pieces.values():
        assert inside(piece.at[0] + 0.5, piece.at[1] + 0.5, piece.outline.rings), piece.spot.code


def sides(piece: Piece, kind: str, scale: float) -> list[tuple[float, float]]:
    """Left and right ends of a label's lines at half their height, in units of the drawing."""
    found = []
    for said in piece.texts:
        if said.kind != kind:
            half = room(said.words, TEXT) / 2 / scale
            y = piece.at[1] + TEXT * (float(said.dy) - 0.35) / scale
            found += [(piece.at[0] - half, y), (piece.at[0] + half, y)]
    return found


@pytest.mark.parametrize("code", ["zh", "en"])
def test_what_is_written_inside_borders_stays_inside_them(code: str) -> None:
    drawn = chart(code, borders=quilt())
    for piece in drawn.layout.pieces:
        for kind, scale in (("narrow", 1.0), ("inner", PHONE / 480)):
            for x, y in sides(piece, kind, scale):
                assert inside(x, y, piece.outline.rings), (piece.spot.code, kind, x, y)
    assert any(said.words == AREAS["1"][code == "en"] for piece in drawn.layout.pieces for said in piece.texts)
    assert drawn.layout.whole == all(
        any(said.words == piece.spot.text and said.kind != "inner" for said in piece.texts)
        for piece in drawn.layout.pieces
    )


@pytest.mark.parametrize("code", ["zh", "en"])
def test_the_page_draws_borders_in_the_class_of_their_finding(code: str) -> None:
    root, after = drawn_map(code, quilt())
    assert root.get("viewBox")
    paths = [path for path in root.findall("path") if path.get("class") != "lines"]
    classes = {"up": "p1", "down": "m2", "same": "same", "held": "held"}
    assert sorted(path.get("class") or "" for path in paths) == sorted(classes[kind] for kind in expected().values())
    assert len(root.findall("path")) - len(paths) == sum(kind == "held" for kind in expected().values())
    assert all(spoken_of(root))
    assert "<table" in after[: after.index("</section>")]
    release, book = city()
    page = render(release, bordered(book), NOW, (code,), shapes=quilt())[f"{code}.html"]
    assert len(page) < 150_000


def test_an_area_too_small_to_be_seen_is_a_square_and_stops_nothing() -> None:
    speck = Shapes((("1", ((box(0, 0, 1e6, 1e6),),)), ("2", ((box(2e6, 0),),))), planar=True)
    drawn = {each.code: each for each in outlines(speck, 400, 400, 600).areas}
    assert [abs(area(ring)) for ring in drawn["2"].rings] == [9]
    assert all(each.path for each in drawn.values())
    found = in_borders(speck, {"1": Spot("1", "A", "same", "same", "50%"), "2": Spot("2", "B", "up", "p1", "60%")})
    assert not found.whole
    assert [said.words for piece in found.pieces for said in piece.texts] == ["A", "50%", "▲"]


def test_borders_that_touch_themselves_keep_to_the_budget() -> None:
    """Detail finer than a step comes back to its own points; were each a corner that stays, no page could hold it."""
    chance = random.Random(5)
    turns = [2 * math.pi * k / 6000 for k in range(6000)]
    radius = [1 + 0.05 * chance.random() for _ in turns]
    ring = tuple((r * math.cos(turn), r * math.sin(turn)) for r, turn in zip(radius, turns, strict=True))
    lake = Shapes((("1", ((box(-2, -2, 4, 4), (*ring, ring[0])),)), ("2", (((*ring[::-1], ring[-1]),),))), planar=True)
    drawn = {each.code: each.rings for each in outlines(lake, 60, 60, 400).areas}
    assert sum(len(each.path) for each in outlines(lake, 60, 60, 400).areas) <= 400
    assert set(drawn["1"][1]) == set(drawn["2"][0]), "the lake fills its hole"


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
