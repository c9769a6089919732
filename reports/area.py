"""The page of one area: its own figures, against everybody outside it, against the wave before, its own concerns."""

from __future__ import annotations

from collections.abc import Iterator

from reports import area_words, words
from reports.blocks import WHOLE, Domain, card, change_of, headline_names, trends
from reports.drivers import practice_rows
from reports.figures import Figure
from reports.glossary import marks
from reports.leagues import marks_of
from reports.scene import Scene, area_stem
from reports.view import AreaPage, Link, OwnRow, Section


def area_pages(scene: Scene) -> Iterator[tuple[str, str, AreaPage]]:
    """Stem of the file, name and view model of every area there are rows of; a withheld one has its page too."""
    by = scene.book.report.area
    for code in scene.areas if by else ():
        yield area_stem(code), scene.level(by or "", code), _page(scene, (by or "", code))


def _page(scene: Scene, domain: Domain) -> AreaPage:
    name, names = scene.level(*domain), headline_names(scene)
    own = {indicator: scene.figures.one(scene.wave, indicator, "mean", "", *domain) for indicator in names}
    change, since = change_of(scene, names[0], *domain)
    wave = scene.lang.wave(since)
    figure = own[names[0]]
    shown = any(row is not None and row.shown for row in own.values())
    against, moved = _against(scene, domain, names), _moved(scene, domain, names)
    practices, kinds = practice_rows(scene, domain) if shown else ((), ())
    lowest = area_words.lowest(scene.lang, _satisfied(scene, domain)) if shown else ""
    found = area_words.concerns(scene.lang, against, moved, wave)
    return AreaPage(
        name=name,
        finding=area_words.area_finding(
            scene.lang, name, scene.label(names[0]), figure, _difference(scene, names[0], domain), change, wave
        )
        if shown
        else scene.lang.t("%(area)s: no figure can be published for this wave", area=name),
        card=card(scene, names[0], domain) if figure is not None and figure.shown else None,
        rows=tuple(_row(scene, indicator, domain) for indicator in names),
        ends=scene.axis_words(WHOLE),
        marks=marks_of([row for row in own.values() if row is not None]),
        trends=trends(scene, domain),
        concern=area_words.concern_finding(scene.lang, name, against, moved, wave) if shown else "",
        concerns=tuple([*found, lowest] if lowest else found) if shown else (),
        practices=practices,
        kinds=kinds,
        practice_marks=marks_of(list(_practice_figures(scene, domain))) if shown else (),
        sample=_sample(scene, names, domain),
        legend=Section(scene.lang.t("Marks"), "marks", terms=marks(scene.lang)),
        others=tuple(
            Link(scene.level(domain[0], code), scene.file(area_stem(code)) if code != domain[1] else "")
            for code in scene.areas
        ),
    )


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
        everybody=scene.lang.t("everybody %(share)s", share=scene.lang.percent(everybody.estimate))
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


def _sample(scene: Scene, names: list[str], domain: Domain) -> Section:
    """How much the page rests on, and how to read it."""
    t, lang = scene.lang.t, scene.lang
    own = scene.figures.one(scene.wave, names[0], "mean", "", *domain)
    everybody = scene.figures.one(scene.wave, names[0], "mean")
    terms, text = [], []
    if own is not None and own.shown:
        terms.append((t("Respondents behind “%(label)s”", label=scene.label(names[0])), scene.size(own)))
        if own.bounded:
            half = lang.decimal(50 * (own.high - own.low), 1)
            terms.append((t("Half of its interval"), t("%(size)s points", size=half)))
        if own.deff == own.deff:
            terms.append((t("Design effect"), lang.decimal(own.deff, 2)))
        if own.bounded and everybody is not None and everybody.bounded and everybody.high > everybody.low:
            ratio = (own.high - own.low) / (everybody.high - everybody.low)
            if ratio > 1:
                text.append(
                    t(
                        "The interval is %(times)s times as wide as that of everybody together, so that only large "
                        "differences can be seen.",
                        times=lang.decimal(ratio, 1),
                    )
                )
        if own.caution:
            text.append(t("This figure carries a caution sign: it rests on few respondents or sampling units, or is close to all."))
    else:
        text.append(
            t(
                "Why a figure is missing is told by its mark. Where others would give it away by subtraction, they are "
                "withheld too."
            )
        )
        return Section(t("Sample and cautions"), "sample", text=tuple(text))
    text.append(
        t(
            "“Higher”, “lower”, “risen” and “fallen” are said only where p < 0.05 after correction for all areas of an "
            "indicator; the intervals are not corrected."
        )
    )
    return Section(t("Sample and cautions"), "sample", text=tuple(text), terms=tuple(terms))
