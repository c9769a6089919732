"""What went with a roll-out: difference in differences and its pre-trend, association and effect kept apart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from reports.charts import Axis, axis, whisker
from reports.figures import Figure
from reports.scene import Scene
from reports.view import Cell, Drawn
from reports.words import news, state
from survey.codebook import Programme

LEVEL = 0.05


@dataclass(frozen=True)
class EffectRow:
    """The difference some waves before or after arrival."""

    label: str
    value: Cell
    interval: str
    drawn: Drawn | None


@dataclass(frozen=True)
class ProgrammeTold:
    """One programme and one outcome."""

    label: str
    finding: str
    texts: tuple[str, ...]
    caption: str
    ends: tuple[str, str]
    rows: tuple[EffectRow, ...]


def programmes_told(scene: Scene) -> tuple[ProgrammeTold, ...]:
    """Every programme of the plan whose effect may be told."""
    return tuple(_told(scene))


def _told(scene: Scene) -> Iterator[ProgrammeTold]:
    for name, plan in scene.book.report.programmes.items():
        for overall in scene.figures.block(scene.wave, f"programme_{name}", "att_overall"):
            if overall.bounded:
                yield _programme(scene, name, plan, overall)


def _programme(scene: Scene, name: str, plan: Programme, overall: Figure) -> ProgrammeTold:
    t, lang = scene.lang.t, scene.lang
    label, outcome = lang.say(plan.label), scene.label(overall.item)
    block = f"programme_{name}"
    steps = [row for row in scene.figures.block(scene.wave, block, "att_event") if row.item == overall.item]
    known = [row for row in steps if row.bounded]
    test = next((row for row in scene.figures.block(scene.wave, block, "pretrend") if row.item == overall.item), None)
    scale = _around_zero([overall, *known])
    better = scene.book.indicators[overall.item].better
    rows = [_row(scene, t("All waves with it"), overall, scale, better)]
    rows += [_row(scene, when(scene, int(row.group)), row, scale, better) for row in known]
    return ProgrammeTold(
        label=label,
        finding=finding(scene, label, outcome, overall, test),
        texts=(pretrend(scene, test), *_reading(scene, plan)),
        caption=t("%(outcome)s: change where it came, less the change where it did not, in points", outcome=outcome),
        ends=(lang.points(scale.low, 0), lang.points(scale.high, 0)),
        rows=tuple(rows),
    )


def finding(scene: Scene, label: str, outcome: str, overall: Figure, test: Figure | None) -> str:
    """The difference in a sentence; it is called an effect nowhere, and least where trends differed before."""
    t, lang, direction = scene.lang.t, scene.lang, state(overall)
    values = {
        "programme": label,
        "outcome": lang.inner(outcome),
        "points": lang.points(overall.estimate),
        "interval": lang.points_interval(overall.low, overall.high),
    }
    if differed(test):
        return t(
            "%(programme)s: places with and without it already moved apart in %(outcome)s before it came, so that no "
            "effect can be read off",
            **values,
        )
    if direction in ("up", "down"):
        return t(
            "%(programme)s: the change in %(outcome)s in places with it, less that in places without it, is %(points)s "
            "points (95%% interval %(interval)s); this alone does not show an effect of the programme",
            **values,
        )
    return t(
        "%(programme)s: no difference in how %(outcome)s changed could be shown (95%% interval %(interval)s points)",
        **values,
    )


def differed(test: Figure | None) -> bool:
    """Whether trends before the programme are shown to have differed."""
    return test is not None and test.shown and test.p < LEVEL


def pretrend(scene: Scene, test: Figure | None) -> str:
    """What the test of the trends before arrival allows to be said."""
    t = scene.lang.t
    if test is None or not test.shown or not math.isfinite(test.p):
        return t("The trends before it came could not be compared: there are too few waves or communities.")
    p = scene.lang.p_value(test.p)
    p = p if p.startswith("<") else "= " + p
    if differed(test):
        return t("Before it came the trends differed by more than chance (joint test, p %(p)s).", p=p)
    return t(
        "Before it came no difference in the trends could be shown (joint test, p %(p)s), which does not prove that "
        "there was none.",
        p=p,
    )


def _reading(scene: Scene, plan: Programme) -> Iterator[str]:
    t = scene.lang.t
    if plan.control == "never":
        yield t("Compared are places that never got it, in the same waves.")
    else:
        yield t("Compared are places that never got it or had not yet got it, in the same waves.")
    yield t(
        "It may be read as the programme’s effect only if, without it, both kinds of places would have changed alike. "
        "The places were not drawn by lot, so the survey cannot make sure of that."
    )


def when(scene: Scene, step: int) -> str:
    """Waves before or after a programme came."""
    if step == 0:
        return scene.lang.t("The wave it came")
    if step > 0:
        return scene.lang.nt("%(n)s wave after", "%(n)s waves after", step)
    return scene.lang.nt("%(n)s wave before it came", "%(n)s waves before it came", -step)


def _row(scene: Scene, label: str, row: Figure, scale: Axis, better: str) -> EffectRow:
    tone = news(state(row), better)
    return EffectRow(
        label=label,
        value=Cell(scene.lang.points(row.estimate), revised=row.revised),
        interval=scene.lang.points_interval(row.low, row.high),
        drawn=Drawn(whisker(scale, row.estimate, row.low, row.high, 0.0), tone),
    )


def _around_zero(rows: list[Figure]) -> Axis:
    """An axis with nought in its middle."""
    reach = max(abs(end) for row in rows for end in (row.low, row.high))
    return axis([-reach, reach], floor=-1.0, ceiling=1.0)
