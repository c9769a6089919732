"""Control charts: each headline figure against the limits that its own past and its sampling error set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reports.blocks import moment, wave_labels
from reports.charts import Dot, Trend, axis, place, trend
from reports.figures import Figure
from reports.scene import Scene
from reports.view import Cell

HEIGHT, PAD = 180, 10
Known = tuple[str, Figure, Figure]


@dataclass(frozen=True)
class ControlRow:
    """One wave against its limits."""

    wave: str
    value: Cell
    limits: str
    signal: str


@dataclass(frozen=True)
class ControlChart:
    """One indicator over its waves; `out` marks the dots that signal, signal the newest one."""

    label: str
    title: str
    text: str
    shape: Trend
    centre: str
    dots: tuple[tuple[Dot, bool], ...]
    ticks: tuple[tuple[str, str], ...]
    waves: tuple[tuple[str, str, str], ...]
    rows: tuple[ControlRow, ...]
    signal: bool


def control_charts(scene: Scene) -> tuple[ControlChart, ...]:
    """A chart for each headline indicator with limits, which need eight comparable waves."""
    return tuple(_charts(scene))


def _charts(scene: Scene) -> Iterator[ControlChart]:
    for name in scene.book.report.headline:
        pairs = ((wave, scene.figures.one(wave, name, "mean"), scene.figures.one(wave, name, "control"))
                 for wave in scene.waves)  # fmt: skip
        known = [(wave, mean, limit) for wave, mean, limit in pairs if mean and limit and mean.shown and limit.bounded]
        if known:
            yield _chart(scene, name, known)


def _chart(scene: Scene, name: str, known: list[Known]) -> ControlChart:
    lang, label = scene.lang, scene.label(name)
    scale = axis([value for _, mean, limit in known for value in (mean.estimate, limit.low, limit.high)])
    points = [(mean.estimate, limit.low, limit.high) for _, mean, limit in known]
    shape = trend(points, [moment(scene, wave) for wave, _, _ in known], scale, HEIGHT, PAD)
    centre = known[-1][2].estimate
    rows = tuple(_row(scene, *each) for each in known)
    return ControlChart(
        label=label,
        title=lang.t("%(label)s against its limits over %(n)s waves", label=label, n=len(known)),
        text=scene.lang.t("; ").join(
            lang.t("%(wave)s: %(share)s (limits %(limits)s)", wave=row.wave, share=row.value.text, limits=row.limits)
            for row in rows
        ),
        shape=shape,
        centre=place(PAD + (HEIGHT - 2 * PAD) * (1 - scale.at(centre) / 100)),
        dots=tuple((dot, bool(row.signal)) for dot, row in zip(shape.dots, rows, strict=True)),
        ticks=tuple((tick.at, lang.percent(tick.value, 0)) for tick in shape.ticks),
        waves=tuple(wave_labels([lang.wave(wave) for wave, _, _ in known], shape.waves)),
        rows=rows,
        signal=bool(rows[-1].signal),
    )


def _row(scene: Scene, wave: str, mean: Figure, limit: Figure) -> ControlRow:
    t, outside = scene.lang.t, not limit.low <= mean.estimate <= limit.high
    signal = t("outside") if outside else t("eight in a row on one side") if limit.reason else ""
    return ControlRow(scene.lang.wave(wave), scene.cell(mean), scene.lang.span(limit.low, limit.high), signal)
