"""The privacy page: what was done so that nobody can be recognised, and what is withheld.

Add a part by a line in `PARTS`: a function from a scene to a section; one without text, terms and rows is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from reports.cells import number
from reports.glossary import marks
from reports.scene import Scene
from reports.view import Method, Section

Terms = Iterator[tuple[str, str]]


def privacy(scene: Scene) -> Method:
    """The whole page."""
    sections = (part(scene) for part in PARTS)
    return Method(
        scene.lang.t("What was removed and what is withheld, so that nobody is recognised"),
        tuple(section for section in sections if filled(section)),
    )


def filled(section: Section) -> bool:
    """Whether a section has anything to tell."""
    return bool(section.text or section.terms or any(table.rows for table in section.tables))


def _identity(scene: Scene) -> Section:
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
    text = (_leaving(scene), *_plainly(scene)) if found else ()
    return Section(t("Personal details"), "personal", text=text, terms=found)


def _leaving(scene: Scene) -> str:
    """What leaves the team."""
    t, plan = scene.lang.t, scene.book.privacy.microdata
    if plan is None:
        return t("Only tables leave the team; the records themselves are not published.")
    return t(
        "These figures speak of the records as they are analysed; they stay with the team. What leaves it are tables,"
        " and a public-use file in which at least %(k)s persons share each combination.",
        k=scene.lang.count(plan.k),
    )


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
    return Section(t("Disclosure control"), "disclosure", text=tuple(_rules(scene)), terms=terms)


def _rules(scene: Scene) -> Iterator[str]:
    """By which rules figures are withheld or marked, and against whom they hold."""
    t, lang, rules = scene.lang.t, scene.lang, scene.book.disclosure
    yield t(
        "A figure that rests on fewer than %(least)s respondents or fewer than %(psus)s sampling units is "
        "withheld; one that rests on fewer than %(caution)s, has fewer than 8 degrees of freedom or whose "
        "complement would be unreliable carries a caution sign.",
        least=lang.count(rules.min_n),
        psus=lang.count(rules.min_psus),
        caution=lang.count(rules.caution_n),
    )
    yield t(
        "[u] stands for a share with an effective sample under 30, an interval 30 points or wider, or one wider "
        "than 5 points and over 130%% of the share, after NCHS (2017). A comparison is [u] when one of its figures "
        "is withheld or has fewer than five answers on one side."
    )
    if "cells" in (scene.fact("disclosure") or {}):
        yield t(
            "Before publication an attacker who sees only what is published, and knows the size of every group, tries "
            "to work out what is withheld: no number of respondents may follow to within fewer than %(width)s.",
            width=lang.count(rules.width),
        )
    yield from _numbers(scene)


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


def _marks(scene: Scene) -> Section:
    return Section(scene.lang.t("Marks"), "marks", terms=marks(scene.lang, scene.revision is not None))


PARTS: tuple[Callable[[Scene], Section], ...] = (_identity, _disclosure, _marks)
