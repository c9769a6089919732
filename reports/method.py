"""Block 8: how it was done, so that a statistician finds everything needed to doubt the figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports import words
from reports.answers import item_names
from reports.glossary import glossary, marks, problem_words, rate_words, step_words
from reports.language import plain
from reports.scene import Scene
from reports.view import Cell, Method, Section, Table

DISPOSITIONS = ("complete", "partial", "refusal", "noncontact", "other", "unknown", "ineligible")
RATES = ("RR1", "RR3", "COOP1", "REF1", "CON1")
Terms = Iterator[tuple[str, str]]


def method(scene: Scene) -> Method:
    """Block 8; a part whose facts are missing is left out."""
    completes = _number(scene.fact("sample", "completes"))
    rate = _number(scene.fact("sample", "rates", "RR3"))
    parts = (
        _population, _sample, _weighting, _precision, _quality, _privacy, _disclosure,
        _indicators, _wording, _glossary, _marks, _provenance,
    )
    sections = (part(scene) for part in parts)
    return Method(words.method_finding(scene.lang, completes, rate), tuple(part for part in sections if _filled(part)))


def _filled(section: Section) -> bool:
    return bool(section.text or section.terms or any(table.rows for table in section.tables))


def _number(value: Any) -> float | None:
    """A finite number, None for anything else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _text(value: str) -> Cell:
    return Cell(plain(value), number=False)


def _counted(scene: Scene, value: Any) -> Cell:
    number = _number(value)
    return Cell("", mark="x") if number is None else Cell(scene.lang.count(number))


def _share(scene: Scene, value: Any) -> Cell:
    number = _number(value)
    return Cell("", mark="x") if number is None else Cell(scene.lang.percent(number))


def _decimal(scene: Scene, value: Any, places: int = 2) -> Cell:
    number = _number(value)
    return Cell("", mark="x") if number is None else Cell(scene.lang.decimal(number, places))


def _population(scene: Scene) -> Section:
    t, book = scene.lang.t, scene.book

    def terms() -> Terms:
        fieldwork = book.waves[scene.wave].fieldwork
        yield t("Population"), scene.lang.say(book.population)
        yield t("Method"), scene.lang.say(book.method)
        yield t("Fieldwork"), t("%(start)s to %(end)s", start=scene.lang.date(fieldwork.start), end=scene.lang.date(fieldwork.end))
        yield t("Published by"), scene.lang.say(book.publisher)
        yield t("Source"), scene.lang.say(book.source)
        yield t("Limits"), scene.lang.say(book.limits)

    return Section(t("Population and method"), "population", terms=tuple(pair for pair in terms() if pair[1]))


def _sample(scene: Scene) -> Section:
    t, sample = scene.lang.t, scene.fact("sample") or {}
    labels = {
        "delivered": t("Cases delivered"), "duplicates": t("Duplicates removed"), "quarantined": t("Set aside as unusable"),
        "partial": t("Broken off"), "completes": t("Completed interviews, used here"),
    }
    terms = [(label, scene.lang.count(number)) for key, label in labels.items() if (number := _number(sample.get(key))) is not None]
    if (eligible := _number(sample.get("eligibility"))) is not None:
        terms.append((t("Cases of unknown eligibility counted as eligible (e)"), scene.lang.percent(eligible)))
    cases = {
        "complete": t("Complete interview"), "partial": t("Partial interview"), "refusal": t("Refusal or break-off"),
        "noncontact": t("Nobody reached"), "other": t("Other, eligible"), "unknown": t("Eligibility unknown"),
        "ineligible": t("Not eligible"),
    }
    counts = sample.get("dispositions") or {}
    rows = tuple((_text(cases[key]), _counted(scene, counts[key])) for key in DISPOSITIONS if key in counts)
    rates = sample.get("rates") or {}
    names = rate_words(scene.lang)
    rated = tuple((_text(names[key]), _share(scene, rates[key])) for key in RATES if key in rates)
    tables = (
        Table(t("What became of the cases"), (t("Result"), t("Cases")), rows),
        Table(t("Response rates by AAPOR’s standard definitions"), (t("Rate"), t("Share")), rated),
    )
    return Section(t("Sample and response"), "sample", terms=tuple(terms), tables=tables)


def _weighting(scene: Scene) -> Section:
    t, names = scene.lang.t, step_words(scene.lang)
    steps = tuple(
        (
            _text(names.get(str(step.get("step")), str(step.get("step", "")))),
            _counted(scene, step.get("n")),
            _decimal(scene, step.get("min")),
            _decimal(scene, step.get("max")),
            _decimal(scene, step.get("deff")),
            _counted(scene, step.get("n_eff")),
        )
        for step in scene.fact("weighting", "steps") or ()
    )
    margins = tuple(
        (_text(_margin(scene, row)), _share(scene, row.get("before")), _share(scene, row.get("after")), _share(scene, row.get("target")))
        for row in scene.fact("weighting", "margins") or ()
    )
    rake = [_joined(scene, margin) for margin in scene.book.weighting.rake]
    text = [t("The weights make the sample match known totals of %(margins)s.", margins=scene.lang.listed(rake))] if rake else []
    heads = (t("Step"), t("Persons"), t("Smallest"), t("Largest"), t("Design effect"), t("Effective sample"))
    before = (t("Group"), t("Before"), t("After"), t("Known"))
    return Section(
        t("Weighting"), "weighting", text=tuple(text),
        tables=(Table(t("The weights, step by step"), heads, steps),
                Table(t("Shares of the sample before and after weighting, against the known shares"), before, margins, folded=True)),
    )


def _joined(scene: Scene, margin: str) -> str:
    return " × ".join(scene.label(variable) for variable in margin.split(":"))


def _margin(scene: Scene, row: Mapping[str, Any]) -> str:
    """Name of one cell of a margin."""
    variables, codes = str(row.get("margin", "")).split(":"), str(row.get("level", "")).split(":")
    if len(variables) != len(codes):
        return str(row.get("level", ""))
    return " × ".join(scene.level(variable, code) for variable, code in zip(variables, codes, strict=True))


def _precision(scene: Scene) -> Section:
    t, lang = scene.lang.t, scene.lang
    labels = {"strata": t("Strata"), "psus": t("Primary sampling units"), "df": t("Degrees of freedom")}
    design = scene.fact("design") or {}
    terms = [(label, lang.count(number)) for key, label in labels.items() if (number := _number(design.get(key))) is not None]
    rows = tuple(
        (_text(scene.label(name)), _share(scene, (row.high - row.low) / 2 if row.bounded else None), _decimal(scene, row.deff), _counted(scene, row.n))
        for name in scene.book.report.headline
        if (row := scene.figures.one(scene.wave, name, "mean")) is not None and row.shown
    )
    heads = (t("Indicator"), t("Half the interval"), t("Design effect"), t("Respondents"))
    text = (
        t("Intervals are 95%% confidence intervals that take strata, sampling units and weights into account; differences are "
          "called differences when p < 0.05 after correction for the number of comparisons in the table."),
    )
    return Section(t("Precision"), "precision", text=text, terms=tuple(terms), tables=(Table(t("Precision of the headline figures"), heads, rows),))


def _quality(scene: Scene) -> Section:
    t, rules = scene.lang.t, problem_words(scene.lang)
    minutes = _number(scene.fact("quality", "median_minutes"))
    terms = ((t("Median length of an interview"), t("%(n)s minutes", n=scene.lang.decimal(minutes, 1))),) if minutes is not None else ()
    totals: dict[str, dict[str, float]] = {}
    for row in scene.fact("quality", "problems") or ():
        rule, item = str(row.get("rule", "")), str(row.get("item", ""))
        found = totals.setdefault(rule, {})
        found[item] = found.get(item, 0) + (_number(row.get("n")) or 0)
    rows = tuple(
        (_text(rules.get(rule, rule)), _text(_few(scene, list(items))), _counted(scene, sum(items.values())))
        for rule, items in sorted(totals.items())
    )
    table = Table(t("Problems found in the delivered data"), (t("Problem"), t("Questions"), t("Cases")), rows,
                  note=t("Nothing is mended silently: an unusable answer becomes missing, an unusable interview is set aside."))
    return Section(t("Data quality"), "quality", terms=terms, tables=(table,))


def _few(scene: Scene, items: Sequence[str], most: int = 3) -> str:
    """Labels of the first items, the surplus counted."""
    names = [scene.label(item) for item in items[:most] if item]
    if len(items) > most:
        names.append(scene.lang.nt("%(n)s more", "%(n)s more", len(items) - most))
    return scene.lang.listed(names) if names else ""


def _privacy(scene: Scene) -> Section:
    t, lang, facts = scene.lang.t, scene.lang, scene.fact("privacy") or {}

    def terms() -> Terms:
        if (dropped := _number(facts.get("dropped"))) is not None:
            yield t("Columns with personal details removed before analysis"), lang.count(dropped)
        if (free := _number(facts.get("free_text"))) is not None:
            yield t("Free-text columns removed"), lang.count(free)
        if names := facts.get("pseudonymised"):
            yield t("Replaced by keyed pseudonyms"), lang.listed([scene.label(name) for name in names])
        if coarser := facts.get("generalised"):
            pairs = [t("%(fine)s → %(coarse)s", fine=scene.label(a), coarse=scene.label(b)) for a, b in coarser.items()]
            yield t("Made coarser"), lang.listed(pairs)
        if names := facts.get("quasi_identifiers"):
            yield t("Watched in combination"), lang.listed([scene.label(name) for name in names])
        if (k := _number(facts.get("k"))) is not None:
            yield t("Smallest group sharing one combination (k)"), lang.count(k)
        if (uniques := _number(facts.get("uniques"))) is not None:
            yield t("Records alone in their combination"), lang.count(uniques)

    found = tuple(terms())
    text = (t("Only tables leave the team; the records themselves are not published."),) if found else ()
    return Section(t("Privacy"), "privacy", text=text, terms=found)


def _disclosure(scene: Scene) -> Section:
    t, lang, facts = scene.lang.t, scene.lang, scene.fact("disclosure") or {}
    labels = {
        "figures": t("Figures checked"), "suppressed_primary": t("Withheld for too few respondents [c]"),
        "suppressed_secondary": t("Withheld to protect the others [c]"), "unreliable": t("Withheld as unreliable [u]"),
        "caution": t("Shown with a caution sign"),
    }
    terms = tuple((label, lang.count(number)) for key, label in labels.items() if (number := _number(facts.get(key))) is not None)
    rules = scene.book.disclosure
    text = (
        t("A figure that rests on fewer than %(least)s respondents or fewer than %(psus)s sampling units is withheld; one that rests on "
          "fewer than %(caution)s carries a caution sign.",
          least=lang.count(rules.min_n), psus=lang.count(rules.min_psus), caution=lang.count(rules.caution_n)),
    )
    return Section(t("Disclosure control"), "disclosure", text=text, terms=terms)


def _indicators(scene: Scene) -> Section:
    t = scene.lang.t
    terms = tuple((scene.label(name), scene.lang.say(recipe.definition)) for name, recipe in scene.book.indicators.items())
    text = (t("The same word is computed differently from city to city; this is how it is computed here."),)
    return Section(t("How the indicators are computed"), "indicators", text=text, terms=terms)


def _wording(scene: Scene) -> Section:
    t, terms, shown = scene.lang.t, [], item_names(scene)
    for name, item in scene.book.items.items():
        asked = scene.lang.say(item.text)
        told = name in shown or name in scene.book.waves[scene.wave].not_asked
        if not asked or told or item.kind in ("identifier", "code", "time"):
            continue
        scale = scene.book.scale_of(name)
        answers = " / ".join(scene.level(name, code) for code in scale.levels) if scale else ""
        terms.append((scene.label(name), f"{asked} [{answers}]" if answers else asked))
    text = (t("Most questions stand word for word beside their answers above; these are the others."),) if shown and terms else ()
    return Section(t("The questions as they were asked"), "wording", text=text, terms=tuple(terms), folded=True)


def _glossary(scene: Scene) -> Section:
    return Section(scene.lang.t("Terms"), "glossary", terms=glossary(scene.lang), folded=True)


def _marks(scene: Scene) -> Section:
    return Section(scene.lang.t("Marks"), "marks", terms=marks(scene.lang))


def _provenance(scene: Scene) -> Section:
    t = scene.lang.t
    found = scene.fact("provenance") or ()
    files = [row for row in ([found] if isinstance(found, Mapping) else found) if isinstance(row, Mapping)]
    rows = tuple(
        (_text(str(row.get("wave", ""))), _text(str(row.get("file", ""))), _text(str(row.get("sha256", ""))),
         _counted(scene, row.get("rows")), _counted(scene, row.get("columns")), _text(str(row.get("encoding") or row.get("reader") or "")))
        for row in files
    )
    version = scene.fact("version")
    terms = ((t("Version of Anxin"), plain(str(version))),) if version else ()
    heads = (t("Wave"), t("File"), "SHA-256", t("Rows"), t("Columns"), t("Read as"))
    return Section(t("Where the data came from"), "provenance", terms=terms, tables=(Table(t("Delivered files"), heads, rows, folded=True),))
