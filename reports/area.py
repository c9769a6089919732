"""The page of one area: its own figures, against everybody outside it, against the wave before, its own concerns."""

from __future__ import annotations

import math
from collections.abc import Iterator

from reports import area_words, changes, words
from reports.blocks import WHOLE, Domain, card, change_of, headline_names, trends
from reports.drivers import practice_rows
from reports.figures import Figure
from reports.glossary import marks
from reports.leagues import marks_of
from reports.map import locator
from reports.scene import Scene, area_stem
from reports.view import AreaPage, Link, OwnRow, Section


def area_pages(scene: Scene) -> Iterator[tuple[str, str, AreaPage]]:
    """Stem of the file, name and view model of every area there are rows of; a withheld one has its page too."""
    by = scene.book.report.area
    if by is None:
        return
    for code in scene.areas:
        yield area_stem(code), scene.level(by, code), _page(scene, (by, code))


def _page(scene: Scene, domain: Domain) -> AreaPage:
    name, names, lang = scene.level(*domain), headline_names(scene), scene.lang
    own = [scene.figures.one(scene.wave, indicator, "mean", "", *domain) for indicator in names]
    shown = any(row is not None and row.shown for row in own)
    against, moved = _against(scene, domain, names), _moved(scene, domain, names)
    wave = lang.wave(change_of(scene, names[0], *domain)[1])
    practices, kinds = practice_rows(scene, domain) if shown else ((), ())
    sentences = [
        *area_words.concerns(lang, against, moved, wave),
        _named(scene, domain),
        area_words.least_satisfied(lang, _satisfied(scene, domain)),
    ]
    return AreaPage(
        name=name,
        finding=_finding(scene, domain, names[0], own[0]) if shown else _nothing(scene, name),
        card=card(scene, names[0], domain) if own[0] is not None and own[0].shown else None,
        rows=tuple(_row(scene, indicator, domain) for indicator in names),
        ends=scene.axis_words(WHOLE),
        marks=marks_of([row for row in own if row is not None]),
        trends=trends(scene, domain),
        concern=area_words.concern_finding(lang, name, against, moved, wave, len(names)) if shown else "",
        concerns=tuple(sentence for sentence in sentences if sentence) if shown else (),
        practices=practices,
        kinds=kinds,
        practice_marks=marks_of(list(_practice_figures(scene, domain))) if shown else (),
        sample=_sample(scene, names, domain, shown),
        legend=Section(lang.t("Marks"), "marks", terms=marks(lang, scene.revision is not None)),
        others=tuple(
            Link(scene.level(domain[0], code), scene.file(area_stem(code)) if code != domain[1] else "")
            for code in scene.areas
        ),
        locator=locator(scene, domain[1]),
    )


def _named(scene: Scene, domain: Domain) -> str:
    """What the page "What changed" names in this area; "" when it names nothing."""
    rows = [row for row in changes.alerts(scene) + changes.clearly(scene) if (row.by, row.group) == domain]
    if not rows:
        return ""
    named = changes.told(scene, rows, len(rows), whose=False)
    return scene.lang.t("“What changed” names here: %(names)s.", names=named)


def _finding(scene: Scene, domain: Domain, name: str, figure: Figure | None) -> str:
    change, since = change_of(scene, name, *domain)
    area, label, wave = scene.level(*domain), scene.label(name), scene.lang.wave(since)
    return area_words.area_finding(scene.lang, area, label, figure, _difference(scene, name, domain), change, wave)


def _nothing(scene: Scene, area: str) -> str:
    return scene.lang.t("%(area)s: no figure can be published for this wave", area=area)


def _difference(scene: Scene, name: str, domain: Domain) -> Figure | None:
    """An area against everybody outside it, where its own figure is shown."""
    mean = scene.figures.one(scene.wave, name, "mean", "", *domain)
    return scene.figures.one(scene.wave, name, "difference", None, *domain) if mean is not None and mean.shown else None


def _against(scene: Scene, domain: Domain, names: list[str]) -> list[area_words.Judged]:
    """Every headline indicator against everybody outside it."""
    pairs = ((name, _difference(scene, name, domain)) for name in names)
    return [(scene.label(name), row, scene.book.indicators[name].better) for name, row in pairs if row is not None]


def _moved(scene: Scene, domain: Domain, names: list[str]) -> list[area_words.Judged]:
    """Every headline indicator against the wave before, where both were compared."""
    pairs = ((name, change_of(scene, name, *domain)[0]) for name in names)
    return [(scene.label(name), row, scene.book.indicators[name].better) for name, row in pairs if row is not None]


def _practice_figures(scene: Scene, domain: Domain) -> Iterator[Figure]:
    for practice in scene.book.report.practices.values():
        for variable in (practice.aware, practice.met, practice.satisfied):
            row = scene.figures.one(scene.wave, variable, "mean", None, *domain) if variable else None
            if row is not None:
                yield row


def _satisfied(scene: Scene, domain: Domain) -> list[words.Named]:
    """The share of satisfied residents by area of work."""
    pairs = (
        (scene.lang.say(practice.label, 60), scene.figures.one(scene.wave, practice.satisfied, "mean", None, *domain))
        for practice in scene.book.report.practices.values()
        if practice.satisfied
    )
    return [(label, row) for label, row in pairs if row is not None]


def _row(scene: Scene, name: str, domain: Domain) -> OwnRow:
    figure = scene.figures.one(scene.wave, name, "mean", "", *domain)
    everybody = scene.figures.one(scene.wave, name, "mean")
    difference, change = _difference(scene, name, domain), change_of(scene, name, *domain)[0]
    shown, better = figure is not None and figure.shown, scene.book.indicators[name].better
    known = everybody is not None and everybody.shown
    tone = words.news(words.state(difference), better)
    return OwnRow(
        label=scene.label(name),
        everybody=scene.lang.t("overall %(share)s", share=scene.lang.percent(everybody.estimate))
        if everybody is not None and known
        else "",
        value=scene.cell(figure),
        interval=scene.interval(figure),
        drawn=scene.drawn(figure, WHOLE, everybody.estimate if everybody is not None and known else None, tone),
        versus=words.against_rest(scene.lang, difference),
        versus_tone=tone,
        change=area_words.moved(scene.lang, change) if shown else "",
        change_tone=words.news(words.state(change), better) if shown else "",
        n=scene.size(figure),
    )


def _sample(scene: Scene, names: list[str], domain: Domain, shown: bool) -> Section:
    """How much the page rests on, and how to read it."""
    t, lang = scene.lang.t, scene.lang
    own = scene.figures.one(scene.wave, names[0], "mean", "", *domain)
    terms = []
    if own is not None and own.shown:
        terms.append((t("Respondents behind “%(label)s”", label=scene.label(names[0])), scene.size(own)))
        if own.bounded:
            down, up = (lang.decimal(100 * reach, 1) for reach in (own.estimate - own.low, own.high - own.estimate))
            terms.append((t("Its interval reaches"), t("%(down)s points down, %(up)s points up", down=down, up=up)))
        if math.isfinite(own.deff):
            terms.append((t("Design effect"), lang.decimal(own.deff, 2)))
    text = list(_cautions(scene, own, scene.figures.one(scene.wave, names[0], "mean")))
    if shown:
        text.append(
            t(
                "“Higher”, “lower”, “risen” and “fallen” are said only where p < 0.05 after correction for all areas "
                "of an indicator; the intervals are not corrected."
            )
        )
        text.append(t("Differences are taken before rounding, so that they can deviate by 0.1 from the figures shown."))
    return Section(t("Sample and cautions"), "sample", text=tuple(text), terms=tuple(terms))


def _cautions(scene: Scene, own: Figure | None, everybody: Figure | None) -> Iterator[str]:
    """What to mind about the figure of an area, or why there is none."""
    t, lang = scene.lang.t, scene.lang
    if own is None or not own.shown:
        yield t(
            "Why a figure is missing is told by its mark. Where others would give it away by subtraction, they are "
            "withheld too."
        )
        return
    if own.bounded and everybody is not None and everybody.bounded and everybody.high > everybody.low:
        ratio = (own.high - own.low) / (everybody.high - everybody.low)
        if ratio > 1:
            yield t(
                "The interval is %(times)s times as wide as that of everybody together, so that only large "
                "differences can be seen.",
                times=lang.decimal(ratio, 1),
            )
    if own.caution:
        yield t(
            "This figure carries a caution sign: it rests on few respondents or sampling units, or is close to all."
        )
