"""The map of the block "where": what the tests found, area by area, on tiles or inside borders.

The colour follows the corrected test and never the size of a share, so that areas that could not be shown to differ
look alike, whatever their estimates. Every colour has a mark beside it, and what is withheld is hatched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reports import words
from reports.blocks import headline_names
from reports.figures import Figure
from reports.language import Language
from reports.outlines import outlines
from reports.places import Layout, Spot, in_borders, on_tiles, tile_place
from reports.scene import Scene
from reports.view import Leagues

SMALL_WIDTH, SMALL_HEIGHT, SMALL_BUDGET = 144, 120, 1400


@dataclass(frozen=True)
class MapChart:
    """A map with all its words.

    title: the finding.   caption: what it shows, in numbers of areas.   text: for those who do not see it.
    legend: class, mark, words and span of shares of each kind of area there is.   n: respondents.
    """

    title: str
    caption: str
    text: str
    legend: tuple[tuple[str, str, str, str], ...]
    notes: tuple[str, ...]
    n: str
    layout: Layout


def with_map(scene: Scene, where: Leagues | None) -> Leagues | None:
    """The block "where" with the map of its first indicator."""
    if where is None or scene.book.report.area is None:
        return where
    by = scene.book.report.area
    names = (name for name in headline_names(scene) if scene.figures.all(scene.wave, name, "mean", by))
    return replace(where, map=area_map(scene, next(names), where.finding))


def area_map(scene: Scene, name: str, finding: str) -> MapChart | None:
    """The map of an indicator by area; None where survey.yaml does not say where the areas lie."""
    plan, by = scene.book.report.map, scene.book.report.area
    scale = scene.book.scale_of(by) if by else None
    if plan is None or by is None or scale is None or (plan.geojson and scene.shapes is None):
        return None
    found = {row.group: row for row in scene.figures.all(scene.wave, name, "mean", by)}
    spots = {code: _spot(scene, name, by, code, found.get(code)) for code in scale.levels}
    layout = in_borders(scene.shapes, spots) if scene.shapes is not None else on_tiles(plan.grid, spots)
    listed, drawn = list(spots.values()), _drawn(scene)
    return MapChart(
        title=finding,
        caption=_caption(scene.lang, scene.label(name), listed),
        text=scene.lang.gap.join([drawn, *_spoken(scene.lang, listed)]),
        legend=tuple(_legend(scene.lang, listed, found)),
        notes=tuple(_notes(scene.lang, listed, drawn, layout.whole)),
        n=scene.size(scene.figures.one(scene.wave, name, "mean")),
        layout=layout,
    )


def _drawn(scene: Scene) -> str:
    """How the areas are drawn."""
    t = scene.lang.t
    return t("Borders are simplified.") if scene.shapes else t("Tiles of one size, placed roughly as the areas lie.")


def _notes(lang: Language, spots: Sequence[Spot], drawn: str, whole: bool) -> Iterator[str]:
    if any(spot.sign for spot in spots):
        yield lang.t(
            "The colour follows the test of an area against everybody outside it (p < 0.05, corrected for all areas), "
            "not the size of the share; areas without colour may differ by less than this sample can show."
        )
    else:
        yield lang.t(
            "An area is coloured only where it differs from everybody outside it by the test (p < 0.05, corrected for "
            "all areas); areas without colour may differ by less than this sample can show."
        )
    yield drawn
    if not whole:
        yield lang.t("What has no room inside its borders stands in the table.")


def _spot(scene: Scene, name: str, by: str, code: str, figure: Figure | None) -> Spot:
    label, cell = scene.level(by, code), scene.cell(figure)
    if figure is None or cell.mark:
        return Spot(code, label, "held", "held", f"[{cell.mark}]")
    state = words.state(scene.figures.one(scene.wave, name, "difference", None, by, code))
    finding = {"none": "alone", "still": "same"}.get(state, state)
    tone = {"good": "p1", "bad": "m2"}.get(words.news(state, scene.book.indicators[name].better), "same")
    return Spot(code, label, finding, tone, cell.text, cell.caution)


def _caption(lang: Language, label: str, spots: Sequence[Spot]) -> str:
    """In how many of the areas that could be compared the test found something."""
    t, counts = lang.t, {each: sum(spot.finding == each for spot in spots) for each in ("up", "down", "same")}
    values = {key: lang.count(number) for key, number in counts.items()}
    values |= {"label": label, "all": lang.count(sum(counts.values()))}
    if not sum(counts.values()):
        return t("%(label)s: no area could be compared with elsewhere", **values)
    if counts["up"] and counts["down"]:
        return t("%(label)s: of %(all)s areas compared, %(up)s higher than elsewhere and %(down)s lower", **values)
    if counts["up"]:
        return t("%(label)s: of %(all)s areas compared, %(up)s higher than elsewhere", **values)
    if counts["down"]:
        return t("%(label)s: of %(all)s areas compared, %(down)s lower than elsewhere", **values)
    return t("%(label)s: of %(all)s areas compared, none could be shown to differ from elsewhere", **values)


def _headings(lang: Language) -> dict[str, str]:
    """What each finding is called."""
    return {
        "up": lang.t("higher than elsewhere"),
        "down": lang.t("lower than elsewhere"),
        "same": lang.t("no difference could be shown"),
        "alone": lang.t("not compared"),
    }


def _spoken(lang: Language, spots: Sequence[Spot]) -> Iterator[str]:
    """The findings with their areas and shares, a sentence a finding."""
    for finding, heading in {**_headings(lang), "held": lang.t("not published")}.items():
        careful = {True: " " + lang.t("(caution)"), False: ""}
        named = [f"{spot.name} {spot.share}{careful[spot.caution]}" for spot in spots if spot.finding == finding]
        if named:
            yield lang.t("%(heading)s: %(areas)s.", heading=heading[:1].upper() + heading[1:], areas=lang.listed(named))


def _legend(lang: Language, spots: Sequence[Spot], found: Mapping[str, Figure]) -> Iterator[tuple[str, str, str, str]]:
    """Each finding there is with the span of its shares, then the marks of what is withheld."""
    for finding, heading in _headings(lang).items():
        own = [spot for spot in spots if spot.finding == finding]
        if own:
            shares = [found[spot.code].estimate for spot in own]
            low, high = min(shares), max(shares)
            span = lang.percent(low) if lang.percent(low) == lang.percent(high) else lang.span(low, high) + "%"
            yield own[0].tone, own[0].sign, heading, lang.t("(%(span)s)", span=span)
    marks = {"c": lang.t("withheld for confidentiality"), "u": lang.t("too imprecise"), "x": lang.t("not available")}
    held = {spot.value[1] for spot in spots if spot.finding == "held"}
    for mark, meaning in marks.items():
        if mark in held:
            yield "held", f"[{mark}]", meaning, ""
    if any(spot.caution for spot in spots):
        yield "careful", "!", lang.t("read it with its interval: few respondents, or a share close to all"), ""


@dataclass(frozen=True)
class Locator:
    """A small drawing of all areas in which one stands out; positions in its own units."""

    title: str
    text: str
    width: int
    height: int
    others: str
    here: str


def locator(scene: Scene, code: str) -> Locator | None:
    """Where one area lies among all; None where survey.yaml does not say where the areas lie."""
    plan, by = scene.book.report.map, scene.book.report.area
    if plan is None or by is None or (plan.geojson and scene.shapes is None):
        return None
    if scene.shapes is not None:
        drawing = outlines(scene.shapes, SMALL_WIDTH, SMALL_HEIGHT, SMALL_BUDGET)
        paths, size = {each.code: each.path for each in drawing.areas}, (drawing.width, drawing.height)
    else:
        places = {each: tile_place(tile, plan.grid) for each, tile in plan.grid.items()}
        paths = {each: f"M{24 * x + 1} {18 * y + 1}h22v16h-22z" for each, (x, y) in places.items()}
        size = 24 * (1 + max(x for x, _ in places.values())), 18 * (1 + max(y for _, y in places.values()))
    if code not in paths:
        return None
    others = "".join(path for each, path in paths.items() if each != code)
    title = scene.lang.t("Where %(area)s lies", area=scene.level(by, code))
    return Locator(title, _drawn(scene), *size, others, paths[code])
