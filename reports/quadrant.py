"""The practice areas by how much feeling safe goes with them and how satisfied residents are, with both intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.charts import Axis, axis, place
from reports.figures import Figure
from reports.scene import Scene
from reports.view import Cell

HEIGHT, PAD = 320, 12
CLEAR = 0.05


@dataclass(frozen=True)
class Mark:
    """One area in the drawing: its number, dot and both intervals, in per cent across and pixels down."""

    number: str
    x: str
    y: str
    left: str
    right: str
    top: str
    bottom: str


@dataclass(frozen=True)
class QuadrantRow:
    """One area in the table beside the drawing."""

    number: str
    label: str
    importance: Cell
    importance_interval: str
    performance: Cell
    performance_interval: str
    where: str


@dataclass(frozen=True)
class QuadrantChart:
    """The quadrant with its two lines, and everything it says in words."""

    finding: str
    title: str
    text: str
    height: int
    marks: tuple[Mark, ...]
    across: str
    down: str
    x_ticks: tuple[tuple[str, str], ...]
    y_ticks: tuple[tuple[str, str], ...]
    rows: tuple[QuadrantRow, ...]
    outcome: str
    respondents: str


Pair = tuple[str, Figure, Figure]


def quadrant_chart(scene: Scene) -> QuadrantChart | None:
    """The quadrant of the plan's practice areas; None when fewer than two may be shown."""
    found = pairs(scene)
    if len(found) < 2:
        return None
    lang, outcome = scene.lang, scene.label(scene.book.report.headline[0])
    wide = axis([end for _, _, each in found for end in (each.low, each.high)])
    tall = axis([0.0, *(end for _, each, _ in found for end in (each.low, each.high))])
    fair = 1 / len(found)
    usual = sum(each.estimate for _, _, each in found) / len(found)
    rows = tuple(_row(scene, str(number), *pair) for number, pair in enumerate(found, 1))
    n = found[0][1].n  # withheld where counts are not told as they are
    return QuadrantChart(
        finding=finding(scene, found),
        title=lang.t("What goes with %(outcome)s, and how satisfied residents are", outcome=lang.inner(outcome)),
        text=lang.t("; ").join(_spoken(scene, row) for row in rows),
        height=HEIGHT,
        marks=tuple(_mark(row.number, one, two, wide, tall) for row, (_, one, two) in zip(rows, found, strict=True)),
        across=place(_down(fair, tall)),
        down=place(wide.at(usual)),
        x_ticks=tuple((place(wide.at(tick)), lang.percent(tick, 0)) for tick in wide.ticks),
        y_ticks=tuple((place(_down(tick, tall)), lang.percent(tick, 0)) for tick in tall.ticks),
        rows=rows,
        outcome=outcome,
        respondents=lang.nt("%(n)s respondent.", "%(n)s respondents.", int(n)) if n == n else "",
    )


def pairs(scene: Scene) -> list[Pair]:
    """Label, importance and performance of the areas that may be shown with their satisfaction, in the plan's order."""
    found = []
    for area in scene.book.report.practices.values():
        if area.satisfied:
            keys = (scene.wave, area.satisfied)
            one = next(iter(scene.figures.all(*keys, "importance_share", "quadrant")), None)
            two = next(iter(scene.figures.all(*keys, "performance", "quadrant")), None)
            mean = scene.figures.one(*keys, "mean")
            if one and two and mean and one.bounded and two.bounded and mean.shown:
                found.append((scene.lang.say(area.label, 60), one, two))
    return found


def finding(scene: Scene, found: Sequence[Pair]) -> str:
    """Which areas lie clearly where acting would be looked at first; said only where both tests are clear."""
    t, lang = scene.lang.t, scene.lang
    outcome = lang.inner(scene.label(scene.book.report.headline[0]))
    clear = [
        lang.inner(label) for label, one, two in found if _clear(one) and _clear(two) and one.group == "concentrate"
    ]
    if clear:
        return t(
            "Going strongly with %(outcome)s and rated below the average: %(names)s", outcome=outcome,
            names=lang.listed(clear),
        )  # fmt: skip
    below = [label for label, _, two in found if _clear(two) and two.group in ("concentrate", "low_priority")]
    if below:
        return t(
            "Rated below the average: %(names)s; which of the areas goes most with %(outcome)s is not clear enough to "
            "say",
            names=lang.listed([lang.inner(label) for label in below]), outcome=outcome,
        )  # fmt: skip
    return t("No area can be told from the others in both respects: the intervals are too wide")


def _clear(figure: Figure) -> bool:
    """Whether a distance from its line is more than chance."""
    return figure.p < CLEAR


def _down(value: float, scale: Axis) -> float:
    return PAD + (HEIGHT - 2 * PAD) * (1 - scale.at(value) / 100)


def _mark(number: str, one: Figure, two: Figure, wide: Axis, tall: Axis) -> Mark:
    return Mark(
        number,
        x=place(wide.at(two.estimate)),
        y=place(_down(one.estimate, tall)),
        left=place(wide.at(two.low)),
        right=place(wide.at(two.high)),
        top=place(_down(one.high, tall)),
        bottom=place(_down(one.low, tall)),
    )


def _row(scene: Scene, number: str, label: str, one: Figure, two: Figure) -> QuadrantRow:
    t = scene.lang.t
    part = {True: t("more than an equal part"), False: t("less than an equal part")}
    rated = {True: t("rated above the mean"), False: t("rated below the mean")}
    told = (
        part[one.group in ("concentrate", "keep_up")] if _clear(one) else t("no clear difference from an equal part"),
        rated[two.group in ("keep_up", "overkill")] if _clear(two) else t("no clear difference from the mean rating"),
    )
    cells = (scene.cell(one, 0), scene.interval(one), scene.cell(two), scene.interval(two))
    return QuadrantRow(number, label, *cells, t("; ").join(told))


def _spoken(scene: Scene, row: QuadrantRow) -> str:
    return scene.lang.t(
        "%(number)s %(label)s: %(importance)s of what goes with it, %(performance)s satisfied",
        number=row.number,
        label=row.label,
        importance=row.importance.text,
        performance=row.performance.text,
    )
