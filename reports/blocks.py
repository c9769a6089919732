"""Blocks 1 to 3: the headline, the three points, the trend."""

from __future__ import annotations

from collections.abc import Iterator

from reports import words
from reports.charts import Axis, Dot, axis, place, trend
from reports.figures import Figure
from reports.scene import Scene, shares_axis
from reports.view import Card, Headline, TrendChart, Trends, WaveRow

Domain = tuple[str, str]
EVERYBODY: Domain = ("", "")
WHOLE = Axis(0.0, 1.0, (0.0, 0.5, 1.0))
TALL, SMALL = 220, 130
WIDEST = 0.1
"""Beyond this width of its interval a share is not told as so many in ten."""


def change_of(scene: Scene, item: str, by: str = "", group: str = "") -> tuple[Figure | None, str]:
    """The change of an indicator and the wave it is compared with: the latest earlier one that was compared."""
    rows = [row for row in scene.figures.all(scene.wave, item, "change", by) if row.group == group]
    for wave in reversed(scene.waves[:-1]):
        for row in rows:
            if row.level == wave:
                return row, wave
    return None, scene.waves[-2] if len(scene.waves) > 1 else ""


def headline_names(scene: Scene) -> list[str]:
    """Headline indicators this wave has a row for; the first of the plan when it has none."""
    found = [name for name in scene.book.report.headline if scene.figures.one(scene.wave, name, "mean")]
    return found or list(scene.book.report.headline[:1])


def headline(scene: Scene) -> Headline:
    """Block 1: each headline indicator with its interval and what became of it."""
    names = headline_names(scene)
    change, since = change_of(scene, names[0])
    finding = words.headline_finding(
        scene.lang,
        scene.label(names[0]),
        scene.figures.one(scene.wave, names[0], "mean"),
        change,
        scene.lang.wave(since),
    )
    return Headline(finding, tuple(card(scene, name) for name in names))


def card(scene: Scene, name: str, domain: Domain = EVERYBODY) -> Card:
    """One headline figure, of everybody or of a domain."""
    figure = scene.figures.one(scene.wave, name, "mean", "", *domain)
    change, since = change_of(scene, name, *domain)
    direction = words.state(change)
    recipe = scene.book.indicators[name]
    shown, alone = figure is not None and figure.shown, len(scene.waves) == 1
    told = not alone or name == scene.book.report.headline[0]
    return Card(
        label=scene.label(name),
        value=scene.cell(figure),
        interval=scene.lang.interval(figure.low, figure.high) if figure is not None and figure.bounded else "",
        plainly=_plainly(scene, name, figure),
        change=words.change_words(scene.lang, change, scene.lang.wave(since), alone, len(scene.book.waves) == 1)
        if shown and told
        else "",
        state=direction if shown else "none",
        news=words.news(direction, recipe.better) if shown else "",
        drawn=scene.drawn(figure, WHOLE),
        ends=scene.axis_words(WHOLE),
    )


def _plainly(scene: Scene, name: str, figure: Figure | None) -> str:
    """A share in small whole numbers, where it is one of people and sure enough to be told so."""
    recipe = scene.book.indicators[name]
    if figure is None or not figure.shown or (recipe.recipe != "any" and len(recipe.of) > 1):
        return scene.averaged(name)
    sure = figure.bounded and not figure.caution and figure.high - figure.low <= WIDEST
    return words.plainly(scene.lang, figure.estimate) if sure else ""


def key_points(scene: Scene, candidates: Iterator[str]) -> tuple[str, ...]:
    """Block 2: the first three sentences there are: change first, then what the other blocks found."""
    names, since = headline_names(scene), change_of(scene, headline_names(scene)[0])[1]
    changes = [(scene.label(name), figure) for name in names if (figure := change_of(scene, name)[0]) is not None]
    since = since if len(scene.waves) > 1 else ""
    first = words.changes_point(scene.lang, changes, scene.lang.wave(since)) if since else ""
    points = [first, *(scene.lang.t("%(finding)s.", finding=finding) for finding in candidates if finding)]
    return tuple([point for point in points if point][:3])


def trends(scene: Scene, domain: Domain = EVERYBODY) -> Trends | None:
    """Block 3: the headline indicators over the waves, all drawn over the same stretch; None with a single wave.

    Args: domain: breakdown and group, such as one district; its charts show the figures of everybody beside its own.
    """
    if len(scene.waves) < 2:
        return None
    names = [name for name in headline_names(scene) if len(_known(scene, name, domain)) > 1]
    if not names:
        return None
    span = max(axis_.high - axis_.low for axis_ in (shares_axis(_drawn(scene, name, domain)) for name in names))
    charts = tuple(
        _chart(scene, name, domain, span, TALL if number == 0 else SMALL) for number, name in enumerate(names)
    )
    known = _known(scene, names[0], domain)
    tested = scene.figures.one(scene.wave, names[0], "change", known[0].wave, *domain)
    tested = tested if known[-1].wave == scene.wave else None
    finding = (
        words.trend_finding(scene.lang, scene.label(names[0]), known[0], known[-1], tested)
        if domain == EVERYBODY
        else charts[0].title
    )
    caption = "".join(_caption(scene, names, span, domain))
    return Trends(finding, caption, charts)


def _caption(scene: Scene, names: list[str], span: float, domain: Domain) -> Iterator[str]:
    """How to read the charts, and why a line is broken where one is."""
    yield scene.lang.t(
        "Every chart spans %(points)s points, so that slopes can be compared; the band is the 95%% interval.",
        points=scene.lang.count(100 * span),
    )
    if domain != EVERYBODY:
        yield scene.lang.gap + scene.lang.t(
            "The dashed line stands for everybody. An area’s change over all waves is not tested: rises and falls of "
            "the line may be chance."
        )
    for name in names:
        for wave in _breaks(scene, name):
            before = scene.waves[scene.waves.index(wave) - 1]
            for reason in scene.book.breaks(name, before, wave):
                yield scene.lang.t(
                    " [b] Break in the series of %(label)s in %(wave)s: %(reason)s",
                    label=scene.label(name),
                    wave=scene.lang.wave(wave),
                    reason=scene.lang.say(reason),
                )


def _breaks(scene: Scene, name: str) -> list[str]:
    """Waves whose figure of an indicator cannot be compared with the wave before."""
    pairs = zip(scene.waves, scene.waves[1:], strict=False)
    return [later for earlier, later in pairs if scene.book.breaks(name, earlier, later)]


def _known(scene: Scene, name: str, domain: Domain = EVERYBODY) -> list[Figure]:
    """The indicator in the waves where it may be shown with its interval."""
    rows = (scene.figures.one(wave, name, "mean", "", *domain) for wave in scene.waves)
    return [row for row in rows if row is not None and row.bounded]


def _drawn(scene: Scene, name: str, domain: Domain) -> list[Figure]:
    """All figures of a chart: those of the domain, and those of everybody it is drawn beside."""
    own = _known(scene, name, domain)
    return own if domain == EVERYBODY else own + _known(scene, name)


def _points(rows: list[Figure | None]) -> list[tuple[float, float, float] | None]:
    return [(row.estimate, row.low, row.high) if row is not None and row.bounded else None for row in rows]


def _chart(scene: Scene, name: str, domain: Domain, span: float, height: int) -> TrendChart:
    rows = [scene.figures.one(wave, name, "mean", "", *domain) for wave in scene.waves]
    scale = _window(_drawn(scene, name, domain), span)
    points = _points(rows)
    when = [moment(scene, wave) for wave in scene.waves]
    broken = _breaks(scene, name)
    stops = [scene.waves.index(wave) for wave in broken]
    shape = trend(points, when, scale, height, breaks=stops)
    whole = _points([scene.figures.one(wave, name, "mean") for wave in scene.waves])
    everybody = trend(whole, when, scale, height, breaks=stops).lines if domain != EVERYBODY else ()
    known = [number for number, point in enumerate(points) if point is not None]
    ends = [_end(scene, rows[known[which]], shape.ends[which]) for which in (0, -1)]
    label = scene.label(name)
    return TrendChart(
        label=label,
        shape=shape,
        title=scene.lang.t("%(label)s over %(n)s waves", label=label, n=len(scene.waves)),
        text=_spoken(scene, [row for row in rows if row is not None]),
        ticks=tuple((tick.at, scene.lang.percent(tick.value, 0)) for tick in shape.ticks),
        waves=tuple(wave_labels([scene.lang.wave(wave) for wave in scene.waves], shape.waves)),
        first=ends[0],
        last=ends[1],
        rows=tuple(
            WaveRow(
                scene.lang.wave(wave) + " [b]" * (wave in broken), scene.cell(row), scene.interval(row), scene.size(row)
            )
            for wave, row in zip(scene.waves, rows, strict=True)
        ),
        everybody=everybody,
    )


def _window(known: list[Figure], span: float) -> Axis:
    """An axis of exactly `span` (where it fits) around the figures, its ends on fives."""
    low, high = min(row.low for row in known), max(row.high for row in known)
    start = round((low + high - span) / 2 / 0.05) * 0.05
    start = min(max(0.0, start), max(0.0, 1.0 - span))
    if start > low or start + span < high:
        return axis([low, high], span=span)
    step = next(
        step for step in (0.05, 0.1, 0.2, 0.25, span) if span / step < 4.5 and abs(span / step % 1 - 0.5) > 0.499
    )
    return Axis(
        start, start + span, tuple(round(start + step * number, 10) for number in range(round(span / step) + 1))
    )


def moment(scene: Scene, wave: str) -> float:
    """Middle of the fieldwork, in days."""
    fieldwork = scene.book.waves[wave].fieldwork
    return (fieldwork.start.toordinal() + fieldwork.end.toordinal()) / 2


def _end(scene: Scene, figure: Figure | None, end: Dot) -> tuple[str, str, str]:
    """Where the first or last figure is written and what it is."""
    return end.x, end.y, scene.cell(figure).text


def _spoken(scene: Scene, rows: list[Figure]) -> str:
    """The line in words, for those who do not see it."""
    told = [
        scene.lang.t("%(wave)s: %(share)s", wave=scene.lang.wave(row.wave), share=scene.lang.percent(row.estimate))
        for row in rows
        if row.shown
    ]
    return scene.lang.t("; ").join(told)


def wave_labels(waves: list[str], places: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Position, name and rank (edge or inner) of the waves; narrow drawings leave out the inner ones."""
    last = len(waves) - 1
    every = max(1, -(-len(waves) // 7))
    for number, (wave, at) in enumerate(zip(waves, places, strict=True)):
        if number in (0, last):
            yield at, wave, "edge"
        elif number % every == 0 and last - number >= every:
            yield at, wave, "inner"
        else:
            yield place(float(at)), "", "inner"
