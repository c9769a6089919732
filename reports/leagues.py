"""Blocks 5 and 6: where and who, as rows with their interval drawn, told against everyone else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reports import words
from reports.blocks import headline_names
from reports.charts import Axis
from reports.figures import Figure
from reports.scene import Scene, area_stem, shares_axis
from reports.view import League, LeagueRow, Leagues

Contrast = tuple[str, words.Named]


def areas(scene: Scene) -> Leagues | None:
    """Block 5: the areas in the order of their codes: an order by estimates would be a ranking."""
    by = scene.book.report.area
    names = _names(scene, [by]) if by else []
    if by is None or not names:
        return None
    contrasts = [pair for _, pair in _contrasts(scene, names[0], [by])]
    finding = words.contrast_finding(scene.lang, scene.label(names[0]), contrasts)
    return _leagues(scene, names, [by], finding, scene.label(by))


def groups(scene: Scene) -> Leagues | None:
    """Block 6: the groups of people, in the order of their scales."""
    breakdowns = scene.book.report.groups
    names = _names(scene, breakdowns)
    if not names:
        return None
    finding = words.group_finding(scene.lang, scene.label(names[0]), _contrasts(scene, names[0], breakdowns))
    return _leagues(scene, names, breakdowns, finding, scene.lang.t("Group"))


def _names(scene: Scene, breakdowns: Sequence[str]) -> list[str]:
    """Headline indicators that have figures by these breakdowns."""
    found = headline_names(scene)
    return [name for name in found if any(scene.figures.all(scene.wave, name, "mean", by) for by in breakdowns)]


def _leagues(scene: Scene, names: Sequence[str], breakdowns: Sequence[str], finding: str, head: str) -> Leagues:
    """One table for each indicator."""
    leagues = [_league(scene, name, breakdowns, name == names[0]) for name in names]
    return Leagues(finding, head, leagues[0], tuple(leagues[1:]))


def _contrasts(scene: Scene, name: str, breakdowns: Sequence[str]) -> list[Contrast]:
    """Differences from the rest, with the names of breakdown and group, where the figure itself is shown."""
    return [
        (scene.label(by), (group_name(scene, by, row.group), row))
        for by in breakdowns
        for row in scene.figures.all(scene.wave, name, "difference", by)
        if (mean := scene.figures.one(scene.wave, name, "mean", "", by, row.group)) is not None and mean.shown
    ]


def group_name(scene: Scene, by: str, group: str) -> str:
    """Name of a group in a sentence; a yes or no needs its variable."""
    level = scene.level(by, group)
    if scene.book.scale_of(by) is not None:
        return level
    return scene.lang.t("%(level)s (%(variable)s)", level=level, variable=scene.label(by))


def _league(scene: Scene, name: str, breakdowns: Sequence[str], first: bool) -> League:
    overall = scene.figures.one(scene.wave, name, "mean")
    figures = [row for by in breakdowns for row in scene.figures.all(scene.wave, name, "mean", by)]
    scale = shares_axis([overall, *figures])
    reference = overall.estimate if overall is not None and overall.shown else None
    sections = tuple(
        (scene.label(by), tuple(_rows(scene, name, by, scale, reference, first)))
        for by in breakdowns
        if scene.figures.all(scene.wave, name, "mean", by)
    )
    everybody, remark = scene.cell(overall).text, scene.averaged(name)
    return League(scene.label(name), everybody, scene.axis_words(scale), sections, marks_of(figures), remark)


def marks_of(figures: Sequence[Figure]) -> tuple[str, ...]:
    """Marks that stand in a table and have to be explained below it."""
    return tuple(
        sorted(
            {row.mark for row in figures if row.mark}
            | {"!" for row in figures if row.caution}
            | {"r" for row in figures if row.revised}
        )
    )


def _rows(scene: Scene, name: str, by: str, scale: Axis, reference: float | None, first: bool) -> list[LeagueRow]:
    """The groups of one breakdown; areas of the first table lead to their pages."""
    found = {row.group: row for row in scene.figures.all(scene.wave, name, "mean", by)}
    order = scene.levels(by, list(found))
    rows = [_row(scene, name, by, found[group], scale, reference) for group in order]
    if by != scene.book.report.area or not first:
        return rows
    return [
        replace(row, href=scene.file(area_stem(group))) if group in scene.areas else row
        for row, group in zip(rows, order, strict=True)
    ]


def _row(scene: Scene, name: str, by: str, figure: Figure, scale: Axis, reference: float | None) -> LeagueRow:
    difference = scene.figures.one(scene.wave, name, "difference", None, by, figure.group) if figure.shown else None
    return LeagueRow(
        label=scene.level(by, figure.group),
        value=scene.cell(figure),
        interval=scene.interval(figure),
        n=scene.size(figure),
        versus=words.against_rest(scene.lang, difference),
        drawn=scene.drawn(
            figure, scale, reference, words.news(words.state(difference), scene.book.indicators[name].better)
        ),
    )
