"""Block 8: how it was done, so that a statistician finds everything needed to doubt the figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from reports import words
from reports.answers import item_names
from reports.cells import count_cell, number, text_cell
from reports.diagnostics import precision, quality, sample
from reports.glossary import glossary, marks
from reports.integrity import integrity
from reports.language import plain
from reports.scene import Scene
from reports.view import Method, Section, Table
from reports.weights import weighting

Terms = Iterator[tuple[str, str]]


def method(scene: Scene) -> Method:
    """Block 8; a part whose facts are missing is left out."""
    rate = number(scene.fact("sample", "rates", "RR3"))
    parts = (
        _population,
        sample,
        weighting,
        precision,
        quality,
        integrity,
        _privacy,
        _disclosure,
        _indicators,
        _wording,
        _glossary,
        _marks,
        _provenance,
    )
    sections = (part(scene) for part in parts)
    return Method(words.method_finding(scene.lang, scene.used, rate), tuple(part for part in sections if _filled(part)))


def _filled(section: Section) -> bool:
    return bool(section.text or section.terms or any(table.rows for table in section.tables))


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


def _privacy(scene: Scene) -> Section:
    t, lang, facts = scene.lang.t, scene.lang, scene.fact("privacy") or {}

    def terms() -> Terms:
        if (dropped := number(facts.get("dropped"))) is not None:
            yield t("Columns with personal details removed before analysis"), lang.count(dropped)
        if (free := number(facts.get("free_text"))) is not None:
            yield t("Free-text columns removed"), lang.count(free)
        yield from _scrubbed(scene)
        if names := facts.get("pseudonymised"):
            yield t("Replaced by keyed pseudonyms"), lang.listed([scene.label(name) for name in names])
        if coarser := facts.get("generalised"):
            pairs = [t("%(fine)s → %(coarse)s", fine=scene.label(a), coarse=scene.label(b)) for a, b in coarser.items()]
            yield t("Made coarser"), lang.listed(pairs)
        if names := facts.get("quasi_identifiers"):
            yield t("Watched in combination"), lang.listed([scene.label(name) for name in names])
        if (k := number(facts.get("k"))) is not None:
            yield t("Smallest group sharing one combination (k)"), lang.count(k)
        if (uniques := number(facts.get("uniques"))) is not None:
            yield t("Records alone in their combination"), lang.count(uniques)
        yield from _risk(scene)

    found = tuple(terms())
    plan = scene.book.privacy.microdata
    leaves = (
        t("Only tables leave the team; the records themselves are not published.")
        if plan is None
        else t(
            "These figures speak of the records as they are analysed; they stay with the team. What leaves it are"
            " tables,"
            " and a public-use file in which at least %(k)s persons share each combination.",
            k=lang.count(plan.k),
        )
    )
    text = (leaves, *_plainly(scene)) if found else ()
    return Section(t("Privacy"), "privacy", text=text, terms=found)


def _plainly(scene: Scene) -> Iterator[str]:
    """What was collected, removed and withheld, and which risk is left, to a resident who took part."""
    t, lang = scene.lang.t, scene.lang
    privacy, disclosure = scene.fact("privacy") or {}, scene.fact("disclosure") or {}
    if (dropped := number(privacy.get("dropped"))) is not None:
        yield t(
            "If you took part: your answers were separated from whatever tells who you are before anybody computed"
            " anything; %(dropped)s columns were left behind there.",
            dropped=lang.count(dropped),
        )
    if (cells := number(disclosure.get("cells"))) is not None:
        hidden = sum(number(disclosure.get(name)) or 0.0 for name in ("cells_primary", "cells_secondary"))
        yield t(
            "Of %(cells)s results for a group of people %(hidden)s are withheld, so that nobody can work out how a"
            " few people answered. No protection is complete: somebody who already knows your answer to a question"
            " may recognise you among the few who gave a rare one.",
            cells=lang.count(cells),
            hidden=lang.count(hidden),
        )


def _scrubbed(scene: Scene) -> Terms:
    """How many texts held which kinds of identifiers, question by question."""
    t, lang = scene.lang.t, scene.lang
    for name, found in (scene.fact("quality", "texts") or {}).items():
        if counts := found["scrubbed"]:
            kinds = [t("%(kind)s %(n)s", kind=_kinds(t)[kind], n=lang.count(n)) for kind, n in counts.items()]
            told = t("%(kinds)s (of %(n)s)", kinds=lang.listed(kinds), n=lang.count(found["written"]))
            yield t("Texts of “%(question)s” with personal details, replaced", question=scene.label(name)), told


def _risk(scene: Scene) -> Terms:
    """What is expected of somebody who looks for persons among the records."""
    t, lang, risk = scene.lang.t, scene.lang, scene.fact("privacy", "risk") or {}
    if (alone := number(risk.get("population_uniques"))) is not None:
        yield t("Of these, expected to be alone in the population too"), lang.decimal(alone, 1)
    if (expected := number(risk.get("expected"))) is not None:
        yield t("Right matches to be expected if everybody were looked for"), lang.decimal(expected, 1)


def _kinds(t: Callable[..., str]) -> dict[str, str]:
    """Words for the kinds of identifiers that scrubbing tells apart."""
    return {
        "id number": t("identity numbers"),
        "bank card": t("bank cards"),
        "phone": t("telephone numbers"),
        "plate": t("number plates"),
        "email": t("e-mail addresses"),
        "account": t("WeChat, QQ and other accounts"),
        "network": t("network addresses"),
        "coordinates": t("coordinates"),
        "name": t("names"),
        "address": t("postal addresses"),
    }


def _disclosure(scene: Scene) -> Section:
    t, lang, facts = scene.lang.t, scene.lang, scene.fact("disclosure") or {}
    labels = {
        "figures": t("Figures checked"),
        "suppressed_primary": t("Withheld for too few respondents [c]"),
        "suppressed_secondary": t("Withheld to protect the others [c]"),
        "cells": t("Cells, each an item and a group in a wave"),
        "cells_primary": t("Cells withheld for themselves"),
        "cells_secondary": t("Cells withheld to protect others"),
        "unreliable": t("Withheld as unreliable [u]"),
        "break": t("Not compared, for the series is broken [b]"),
        "caution": t("Shown with a caution sign"),
    }
    terms = tuple(
        (label, lang.count(known)) for key, label in labels.items() if (known := number(facts.get(key))) is not None
    )
    rules = scene.book.disclosure
    attacked = t(
        "Before publication an attacker who sees only what is published, and knows the size of every group, tries to "
        "work out what is withheld: no number of respondents may follow to within fewer than %(width)s.",
        width=lang.count(rules.width),
    )
    text = (
        t(
            "A figure that rests on fewer than %(least)s respondents or fewer than %(psus)s sampling units is "
            "withheld; one that rests on fewer than %(caution)s, has fewer than 8 degrees of freedom or whose "
            "complement would be unreliable carries a caution sign.",
            least=lang.count(rules.min_n),
            psus=lang.count(rules.min_psus),
            caution=lang.count(rules.caution_n),
        ),
        t(
            "[u] stands for a share with an effective sample under 30, an interval 30 points or wider, or one wider "
            "than 5 points and over 130%% of the share, after NCHS (2017). A comparison is [u] when one of its figures "
            "is withheld or has fewer than five answers on one side."
        ),
        *((attacked,) if "cells" in facts else ()),
        *_numbers(scene),
    )
    return Section(t("Disclosure control"), "disclosure", text=text, terms=terms)


def _numbers(scene: Scene) -> Iterator[str]:
    """How exactly numbers of respondents are told, and what a privacy budget was spent on."""
    t, lang, told = scene.lang.t, scene.lang, scene.fact("disclosure", "counts") or {}
    method = told.get("method")
    if method == "rounded":
        yield t(
            "Numbers of respondents are rounded to multiples of %(base)s, all of them together so that groups still add"
            " up; none is off by more than %(slack)s.",
            base=lang.count(told["base"]),
            slack=lang.count(told["slack"]),
        )
    elif method == "cell_key":
        yield t(
            "Numbers of respondents carry a little noise, at most %(most)s up or down: the same persons get the same"
            " noise in every table, so that nothing is gained by comparing tables. Groups need not add up exactly.",
            most=lang.count(told["most"]),
        )
    elif method == "private":
        yield t(
            "Numbers of respondents carry random noise (differential privacy): of a budget ε of %(epsilon)s the wave"
            " has used %(spent)s, over %(tables)s tables; a number may be off by about %(scale)s, seldom by more than"
            " %(slack)s. The budget covers these numbers, not the shares and their intervals.",
            epsilon=lang.decimal(told["epsilon"], 2),
            spent=lang.decimal(told["spent"], 2),
            tables=lang.count(told["tables"]),
            scale=lang.count(math.ceil(told["scale"])),
            slack=lang.count(told["slack"]),
        )
    if method and method != "private":
        yield t("Standard errors and intervals are given as those of the numbers that are told.")


def _indicators(scene: Scene) -> Section:
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
    t, terms, shown = scene.lang.t, [], item_names(scene)
    for name, item in scene.book.items.items():
        asked = scene.lang.say(item.text)
        told = name in shown or name in scene.book.waves[scene.wave].not_asked
        if not asked or told or item.kind in ("identifier", "code", "time"):
            continue
        scale = scene.book.scale_of(name)
        answers = " / ".join(scene.level(name, code) for code in scale.levels) if scale else ""
        terms.append((scene.label(name), f"{asked} [{answers}]" if answers else asked))
    text = (
        (t("Most questions stand word for word beside their answers above; these are the others."),)
        if shown and terms
        else ()
    )
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
