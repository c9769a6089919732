"""The page "What changed": every indicator by area and group, against last wave and the same season last year."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts import Axis, axis, whisker
from reports.control import ControlChart, control_charts
from reports.figures import Figure
from reports.leagues import group_name
from reports.scene import Scene
from reports.view import Cell, Drawn
from reports.words import within
from survey.changes import compared

IN_TABLE = "change_in_table"


@dataclass(frozen=True)
class ChangeRow:
    """One change: of what and where, how large, how sure, what may be said of it, and where the figure stands now."""

    label: str
    since: str
    value: Cell
    interval: str
    drawn: Drawn | None
    verdict: str
    now: str


@dataclass(frozen=True)
class ChangeTable:
    """Changes drawn over one axis."""

    caption: str
    head: str
    ends: tuple[str, str]
    sections: tuple[tuple[str, tuple[ChangeRow, ...]], ...]


@dataclass(frozen=True)
class Changes:
    """The page in one language."""

    finding: str
    lead: str
    alerts: ChangeTable | None
    clear: ChangeTable | None
    control: tuple[ControlChart, ...]
    control_finding: str
    indicators: tuple[tuple[str, tuple[ChangeTable, ...]], ...]
    notes: tuple[str, ...]
    cautions: bool
    remarks: tuple[str, ...] = ()


def changes(scene: Scene) -> Changes | None:
    """The page's view model; None when nothing was compared or may be told."""
    rows = changed(scene)
    if not rows:
        return None
    alarming, clear = alerts(scene), clearly(scene)
    charts, other = control_charts(scene), scene.lang.t("Other clear changes")
    return Changes(
        finding=finding(scene, alarming, clear),
        lead=_lead(scene, rows),
        alerts=_listed(scene, alarming, scene.lang.t("Alerts")) if alarming else None,
        clear=_listed(scene, clear, other if alarming else scene.lang.t("Clear changes")) if clear else None,
        control=charts,
        control_finding=_control_finding(scene, charts),
        indicators=tuple(_indicator(scene, name, rows) for name in dict.fromkeys(row.item for row in rows)),
        notes=tuple(_notes(scene)),
        cautions=any(_cautious(scene, row) for row in rows),
    )


def changed(scene: Scene) -> list[Figure]:
    """Every change of the table that may be shown, in the order of indicators, breakdowns and groups."""
    return [row for row in scene.figures.block(scene.wave, "changes", IN_TABLE) if row.bounded]


def worsening(scene: Scene, row: Figure) -> float:
    """By how much an indicator has become worse, in points; negative where it has become better."""
    return 100 * row.estimate * (-1 if scene.book.indicators[row.item].better == "higher" else 1)


def named(scene: Scene, row: Figure) -> bool:
    """Whether a change is named: its q is below the plan's."""
    return math.isfinite(row.q) and row.q < scene.book.report.alerts.q


def alerts(scene: Scene) -> list[Figure]:
    """Changes that are named and for the worse by the plan's size or more, the largest first."""
    least = scene.book.report.alerts.fall
    found = [row for row in changed(scene) if named(scene, row) and round(worsening(scene, row), 9) >= least]
    return sorted(found, key=_by_size)


def clearly(scene: Scene) -> list[Figure]:
    """Changes that are named and no alerts, the largest first."""
    alarming = alerts(scene)
    return sorted((row for row in changed(scene) if named(scene, row) and row not in alarming), key=_by_size)


def _by_size(row: Figure) -> tuple[float, str, str, str]:
    return -abs(row.estimate), row.item, row.by, row.group


def place(scene: Scene, row: Figure) -> str:
    """Of whom a change is: everybody, an area or a group."""
    return group_name(scene, row.by, row.group) if row.by else scene.lang.t("All residents")


def subject(scene: Scene, row: Figure) -> str:
    """Indicator and place in one name."""
    if not row.by:
        return scene.label(row.item)
    return scene.lang.t("%(label)s (%(group)s)", label=scene.label(row.item), group=place(scene, row))


def finding(scene: Scene, alarming: Sequence[Figure], clear: Sequence[Figure]) -> str:
    """The page in a sentence: what worsened beyond the plan's size, then what became better."""
    t, size = scene.lang.t, _number(scene, scene.book.report.alerts.fall)
    better = [row for row in clear if worsening(scene, row) < 0]
    if alarming:
        text = t("Clearly worse by %(size)s points or more: %(names)s", size=size, names=told(scene, alarming, 2))
    else:
        text = t("No worsening of %(size)s points or more could be shown", size=size)
    if not better:
        return text
    return t("%(finding)s. Clearly better: %(better)s", finding=text, better=told(scene, better, 3))


def told(scene: Scene, rows: Sequence[Figure], most: int, whose: bool = True) -> str:
    """Names with sizes and the wave compared with, that wave once where it is the same; the surplus counted.

    Args: whose: name the area or the group too.
    """
    t, lang = scene.lang.t, scene.lang
    waves = list(dict.fromkeys(row.level for row in rows[:most]))
    names = [_sized(scene, row, whose) for row in rows[:most]]
    if len(waves) > 1:
        sized = zip(names, rows, strict=False)
        names = [t("%(name)s since %(wave)s", name=name, wave=lang.wave(row.level)) for name, row in sized]
    if len(rows) > most:
        names.append(lang.nt("%(n)s more", "%(n)s more", len(rows) - most))
    listed = lang.listed(names)
    return listed if len(waves) > 1 else t("since %(wave)s %(names)s", wave=lang.wave(waves[0]), names=listed)


def _sized(scene: Scene, row: Figure, whose: bool) -> str:
    """A change with its size in points."""
    t, lang = scene.lang.t, scene.lang
    values = {"label": lang.inner(scene.label(row.item)), "points": lang.points(row.estimate)}
    if whose and row.by:
        return t("%(label)s (%(group)s, %(points)s points)", **values, group=place(scene, row))
    return t("%(label)s (%(points)s points)", **values)


def _lead(scene: Scene, rows: Sequence[Figure]) -> str:
    """What was compared with what, and how chance was held off."""
    lang = scene.lang
    waves = [lang.wave(wave) for wave in compared(scene.book, scene.wave).values()]
    return lang.nt(
        "%(n)s comparison with %(waves)s: every indicator, overall, by area and by group, where both figures may "
        "be published. Were the survey repeated often, on average at most %(q)s of the changes named would be chance.",
        "%(n)s comparisons with %(waves)s: every indicator, overall, by area and by group, where both figures may "
        "be published. Were the survey repeated often, on average at most %(q)s of the changes named would be chance.",
        len(rows),
        waves=lang.listed(waves),
        q=lang.percent(scene.book.report.alerts.q, 0),
    )


def _notes(scene: Scene) -> list[str]:
    """How to read the page."""
    t, lang, rule = scene.lang.t, scene.lang, scene.book.report.alerts
    waves = compared(scene.book, scene.wave)
    notes = [
        t(
            "An alert is a change for the worse of %(size)s points or more in the estimate whose q is below %(q)s; q "
            "is the p-value corrected over the whole table (false discovery rate, Benjamini and Hochberg).",
            size=_number(scene, rule.fall),
            q=lang.decimal(rule.q, 2),
        ),
        t("The intervals are 95%% intervals of each change on its own and are not corrected; the words are."),
        t("A cell that may not be published in either wave is not in the table, and takes no part in the correction."),
        t("“Better” and “worse” are said of a change of any size whose q is below %(q)s.", q=lang.decimal(rule.q, 2)),
        t("Differences are taken before rounding, so that they can deviate by 0.1 from the figures shown."),
    ]
    if "year" in waves:
        notes.append(
            t(
                "%(year)s is the same season a year earlier, so that what comes back every year does not count as a "
                "change.",
                year=lang.wave(waves["year"]),
            )
        )
    margin = scene.book.report.equivalence
    if margin is None:
        notes.append(t("No margin was fixed within which a change does not matter: nothing is called unchanged here."))
    else:
        notes.append(
            t(
                "“Practically unchanged” means that two one-sided tests, corrected for the number of comparisons too, "
                "show the change to be smaller than %(margin)s points, a margin fixed beforehand; “no change shown” "
                "means that neither a change nor its smallness could be shown, even where the interval, which is not "
                "corrected, lies within that margin.",
                margin=_number(scene, margin),
            )
        )
    return notes


def _number(scene: Scene, points: float) -> str:
    """Points of the plan, without a needless place."""
    return scene.lang.decimal(points, 0 if points == int(points) else 1)


def _listed(scene: Scene, rows: Sequence[Figure], caption: str) -> ChangeTable:
    """Changes of several indicators in one list, each named in full with the wave it is compared with."""
    scale = _around_zero(rows)
    since = {row.level: scene.lang.t("since %(wave)s", wave=scene.lang.wave(row.level)) for row in rows}
    made = tuple(_row(scene, row, scale, subject(scene, row), since[row.level]) for row in rows)
    return ChangeTable(caption, scene.lang.t("Figure"), _ends(scene, scale), (("", made),))


def _indicator(scene: Scene, name: str, rows: Sequence[Figure]) -> tuple[str, tuple[ChangeTable, ...]]:
    """All changes of one indicator, a table for each earlier wave, drawn over one axis."""
    own = [row for row in rows if row.item == name]
    scale = _around_zero(own)
    tables = []
    for wave in compared(scene.book, scene.wave).values():
        part = [row for row in own if row.level == wave]
        if part:
            caption = scene.lang.t(
                "%(label)s: change since %(wave)s, in points", label=scene.label(name), wave=scene.lang.wave(wave)
            )
            tables.append(
                ChangeTable(caption, scene.lang.t("Group"), _ends(scene, scale), _sections(scene, part, scale))
            )
    return scene.label(name), tuple(tables)


def _sections(scene: Scene, rows: Sequence[Figure], scale: Axis) -> tuple[tuple[str, tuple[ChangeRow, ...]], ...]:
    """Everybody, then each breakdown with its groups in the order of their scale."""
    found = []
    for by in dict.fromkeys(row.by for row in rows):
        part = {row.group: row for row in rows if row.by == by}
        order = scene.levels(by, list(part)) if by else list(part)
        title = scene.label(by) if by else ""
        found.append((title, tuple(_row(scene, part[group], scale, place(scene, part[group])) for group in order)))
    return tuple(found)


def _row(scene: Scene, row: Figure, scale: Axis, label: str, since: str = "") -> ChangeRow:
    lang, now = scene.lang, scene.figures.one(scene.wave, row.item, "mean", "", row.by, row.group)
    worse = worsening(scene, row)
    tone = ("bad" if worse > 0 else "good" if worse < 0 else "") if named(scene, row) else ""
    return ChangeRow(
        label=label,
        since=since,
        value=Cell(lang.points(row.estimate), caution=_cautious(scene, row), revised=row.revised),
        interval=lang.points_interval(row.low, row.high),
        drawn=Drawn(whisker(scale, row.estimate, row.low, row.high, 0.0), tone),
        verdict=_verdict(scene, row, tone),
        now=scene.cell(now).text,
    )


def _verdict(scene: Scene, row: Figure, tone: str) -> str:
    """What may be said of a change: three states, the first with its direction and q."""
    t = scene.lang.t
    if tone:
        q = scene.lang.p_value(row.q)
        sign = "" if q.startswith("<") else "= "
        return t("worse, q %(q)s", q=sign + q) if tone == "bad" else t("better, q %(q)s", q=sign + q)
    if math.isfinite(row.within):
        return t("practically unchanged (%(margin)s)", margin=within(scene.lang, row))
    return t("no change shown")


def _cautious(scene: Scene, row: Figure) -> bool:
    """Whether one of the two figures compared is to be read with caution."""
    pair = (scene.figures.one(wave, row.item, "mean", "", row.by, row.group) for wave in (row.wave, row.level))
    return any(figure is not None and figure.caution for figure in pair)


def _around_zero(rows: Sequence[Figure]) -> Axis:
    """An axis that holds all intervals, nought in its middle."""
    reach = max([abs(end) for row in rows for end in (row.low, row.high)], default=0.0) or 0.01
    return axis([-reach, reach], floor=-1.0, ceiling=1.0)


def _ends(scene: Scene, scale: Axis) -> tuple[str, str]:
    return scene.lang.points(scale.low, 0), scene.lang.points(scale.high, 0)


def _control_finding(scene: Scene, charts: Sequence[ControlChart]) -> str:
    """Which indicators left the limits their own past sets, in this wave."""
    out = [chart.label for chart in charts if chart.signal]
    if out:
        return scene.lang.t("Outside the limits of its own past: %(names)s", names=scene.lang.listed(out))
    return scene.lang.t("No headline figure is outside the limits of its own past")
