"""Block 8: how it was done, so that a statistician finds everything needed to doubt the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reports import words
from reports.answers import item_names
from reports.cells import count_cell, number, text_cell
from reports.diagnostics import precision, quality, sample
from reports.glossary import glossary, marks
from reports.integrity import integrity
from reports.language import plain
from reports.privacy import filled
from reports.scene import Scene
from reports.view import Method, Section, Table
from reports.weights import weighting

Terms = Iterator[tuple[str, str]]


def method(scene: Scene) -> Method:
    """Block 8 of the city report: the short of it; the pages on methods and privacy tell the rest."""
    rate = number(scene.fact("sample", "rates", "RR3"))
    patterns = integrity(scene)
    parts = (
        _population(scene),
        replace(precision(scene), terms=(), tables=()),
        replace(patterns, text=patterns.text[:1], tables=(), funnels=()),
        _marks(scene),
    )
    return Method(words.method_finding(scene.lang, scene.used, rate), tuple(part for part in parts if filled(part)))


def methods(scene: Scene) -> Method:
    """The page on methods; a part whose facts are missing is left out."""
    rate = number(scene.fact("sample", "rates", "RR3"))
    parts = (
        _population,
        sample,
        weighting,
        precision,
        quality,
        integrity,
        indicators,
        _wording,
        _marks,
        _provenance,
    )
    sections = (part(scene) for part in parts)
    return Method(words.method_finding(scene.lang, scene.used, rate), tuple(part for part in sections if filled(part)))


def terms_page(scene: Scene) -> Method:
    """The glossary: terms, marks, and what the indicators of this survey mean."""
    t = scene.lang.t
    parts = (Section(t("Terms"), "terms", terms=glossary(scene.lang)), _marks(scene), indicators(scene))
    return Method(t("The words and marks of this report"), tuple(part for part in parts if filled(part)))


def _population(scene: Scene) -> Section:
    t, book = scene.lang.t, scene.book

    def terms() -> Terms:
        fieldwork = book.waves[scene.wave].fieldwork
        yield t("Population"), scene.lang.say(book.population)
        yield t("Method"), scene.lang.say(book.method)
        yield (
            t("Fieldwork"),
            t("%(start)s to %(end)s", start=scene.lang.date(fieldwork.start), end=scene.lang.date(fieldwork.end)),
        )
        yield t("Published by"), scene.lang.say(book.publisher)
        yield t("Source"), scene.lang.say(book.source)
        yield t("Limits"), scene.lang.say(book.limits)

    return Section(t("Population and method"), "population", terms=tuple(pair for pair in terms() if pair[1]))


def indicators(scene: Scene) -> Section:
    """How each indicator is computed here."""
    t = scene.lang.t
    terms = tuple(
        (_named(scene, name), scene.lang.say(recipe.definition)) for name, recipe in scene.book.indicators.items()
    )
    text = (t("The same word is computed differently from city to city; this is how it is computed here."),)
    return Section(t("How the indicators are computed"), "indicators", text=text, terms=terms)


def _named(scene: Scene, name: str) -> str:
    """An indicator's name, with a remark where it averages several items."""
    label, remark = scene.label(name), scene.averaged(name)
    return scene.lang.t("%(label)s (%(remark)s)", label=label, remark=remark) if remark else label


def _wording(scene: Scene) -> Section:
    """Every question of this wave word for word, with the answers that were offered."""
    t, terms = scene.lang.t, []
    for name, item in scene.book.items.items():
        asked = scene.lang.say(item.text)
        if not asked or name in scene.book.waves[scene.wave].not_asked or item.kind in ("identifier", "code", "time"):
            continue
        scale = scene.book.scale_of(name)
        answers = " / ".join(scene.level(name, code) for code in scale.levels) if scale else ""
        terms.append((scene.label(name), f"{asked} [{answers}]" if answers else asked))
    text = (t("How residents answered stands in the report, question by question."),) if item_names(scene) else ()
    return Section(
        t("The questions as they were asked"),
        "wording",
        text=text if terms else (),
        terms=tuple(terms),
        folded=True,
    )


def _marks(scene: Scene) -> Section:
    return Section(scene.lang.t("Marks"), "marks", terms=marks(scene.lang, scene.revision is not None))


def _provenance(scene: Scene) -> Section:
    t = scene.lang.t
    found = scene.fact("provenance") or ()
    files = [row for row in ([found] if isinstance(found, Mapping) else found) if isinstance(row, Mapping)]
    rows = tuple(
        (
            text_cell(str(row.get("wave", ""))),
            text_cell(str(row.get("file", ""))),
            text_cell(str(row.get("sha256", ""))),
            count_cell(scene, row.get("rows")),
            count_cell(scene, row.get("columns")),
            text_cell(str(row.get("encoding") or row.get("reader") or "")),
        )
        for row in files
    )
    version = scene.fact("version")
    terms = ((t("Version of Anxin"), plain(str(version))),) if version else ()
    heads = (t("Wave"), t("File"), "SHA-256", t("Rows"), t("Columns"), t("Read as"))
    return Section(
        t("Where the data came from"),
        "provenance",
        terms=terms,
        tables=(Table(t("Delivered files"), heads, rows, folded=True),),
    )
