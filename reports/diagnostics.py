"""How well it was done: sample and response, precision, data quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.answering import answering, behaviour
from reports.cells import count_cell, decimal_cell, number, share_cell, text_cell
from reports.glossary import problem_words, rate_words
from reports.scene import Scene
from reports.view import Cell, Section, Table
from survey.codebook.questionnaire import AAPOR
from survey.rules import RECODED

DISPOSITIONS = ("complete", "partial", "refusal", "noncontact", "other", "unknown", "ineligible")
RATES = ("RR1", "RR3", "COOP1", "REF1", "CON1")


def sample(scene: Scene) -> Section:
    """What became of the cases, and the response rates."""
    t, sample = scene.lang.t, scene.fact("sample") or {}
    labels = {
        "delivered": t("Cases delivered"),
        "duplicates": t("Duplicates removed"),
        "quarantined": t("Interviews set aside"),
        "partial": t("Of these, a required answer missing"),
    }
    lost = {
        t("Complete, but could not be used"): number(sample.get("set_aside")),
        t("Without a weight"): number(scene.fact("weighting", "without_base")),
    }
    terms = [
        (label, scene.lang.count(known))
        for key, label in labels.items()
        if (known := number(sample.get(key))) is not None
    ]
    terms += [(label, scene.lang.count(n)) for label, n in lost.items() if n]
    if scene.used is not None:
        terms.append((t("Completed interviews, used here"), scene.lang.count(scene.used)))
    if (eligible := number(sample.get("eligibility"))) is not None:
        terms.append((t("Cases of unknown eligibility counted as eligible (e)"), scene.lang.percent(eligible)))
    cases = {
        "complete": t("Complete interview"),
        "partial": t("Partial interview"),
        "refusal": t("Refusal or break-off"),
        "noncontact": t("Nobody reached"),
        "other": t("Other, eligible"),
        "unknown": t("Eligibility unknown"),
        "ineligible": t("Not eligible"),
    }
    counts = sample.get("dispositions") or {}
    rows = tuple(
        (text_cell(t("%(label)s (%(remark)s)", label=cases[key], remark=AAPOR[key])), count_cell(scene, counts[key]))
        for key in DISPOSITIONS
        if key in counts
    )
    rates = sample.get("rates") or {}
    names = rate_words(scene.lang)
    rated = tuple((text_cell(names[key]), share_cell(scene, rates[key])) for key in RATES if key in rates)
    tables = (
        Table(t("What became of the cases"), (t("Result"), t("Cases")), rows),
        Table(t("Response rates by AAPOR’s standard definitions"), (t("Rate"), t("Share")), rated),
        _all_rates(scene, rates),
    )
    return Section(t("Sample and response"), "sample", terms=tuple(terms), tables=tables)


def _all_rates(scene: Scene, rates: Mapping[str, Any]) -> Table:
    """All sixteen rates: a row a family, a column a number."""
    t = scene.lang.t
    families = {"RR": t("Response"), "COOP": t("Cooperation"), "REF": t("Refusal"), "CON": t("Contact")}
    rows = tuple(
        (
            text_cell(t("%(label)s (%(remark)s)", label=name, remark=code)),
            *(
                share_cell(scene, rates[f"{code}{place}"]) if f"{code}{place}" in rates else Cell("")
                for place in range(1, 7)
            ),
        )
        for code, name in families.items()
    )
    heads = (t("Rate"), *map(str, range(1, 7)))
    return Table(t("All sixteen outcome rates"), heads, rows if "RR6" in rates else (), folded=True)


def precision(scene: Scene) -> Section:
    """Design, half intervals and design effects of the headline figures."""
    t, lang = scene.lang.t, scene.lang
    labels = {"strata": t("Strata"), "psus": t("Primary sampling units"), "df": t("Degrees of freedom")}
    design = scene.fact("design") or {}
    terms = [
        (label, lang.count(known)) for key, label in labels.items() if (known := number(design.get(key))) is not None
    ]
    rows = tuple(
        (
            text_cell(scene.label(name)),
            decimal_cell(scene, 50 * (row.high - row.low) if row.bounded else None, 1),
            decimal_cell(scene, row.deff),
            count_cell(scene, row.n),
        )
        for name in scene.book.report.headline
        if (row := scene.figures.one(scene.wave, name, "mean")) is not None and row.shown
    )
    heads = (t("Indicator"), t("Half the interval, in points"), t("Design effect"), t("Respondents"))
    text = (
        _accounted(scene, design),
        t(
            "Differences are called differences when p < 0.05 after correction for the number of comparisons: changes "
            "over the headline indicators, areas and groups over their whole table, regressions over their terms."
        ),
    )
    return Section(
        t("Precision"),
        "precision",
        text=text,
        terms=tuple(terms),
        tables=(Table(t("Precision of the headline figures"), heads, rows),),
    )


def _accounted(scene: Scene, design: Mapping[str, Any]) -> str:
    """What the intervals take into account."""
    t, lang = scene.lang.t, scene.lang
    parts = {"strata": t("strata"), "psus": t("sampling units")}
    known = [word for key, word in parts.items() if number(design.get(key)) is not None]
    unknown = [word for word in parts.values() if word not in known]
    known += [t("weights"), *_known_totals(scene)]
    if not unknown:
        return t("Intervals are 95%% confidence intervals that take %(parts)s into account.", parts=lang.listed(known))
    return t(
        "Intervals are 95%% confidence intervals that take only %(parts)s into account; %(unknown)s are not known.",
        parts=lang.listed(known),
        unknown=lang.listed(unknown),
    )


def _known_totals(scene: Scene) -> list[str]:
    """The method by which the weights meet known totals, where they do."""
    t, plan = scene.lang.t, scene.book.weighting
    method = t("raking") if plan.rake else t("post-stratification") if plan.poststratify else t("calibration")
    return [method] if plan.margins() else []


def quality(scene: Scene) -> Section:
    """Problems of the delivered data by kind."""
    t, rules = scene.lang.t, problem_words(scene.lang)
    totals: dict[str, dict[str, list[float | None]]] = {}
    found = scene.fact("quality", "problems") or ()
    declared = [n for row in found if row.get("rule") == RECODED and (n := number(row.get("n"))) is not None]
    for row in (row for row in found if row.get("rule") != RECODED):
        rule, item = str(row.get("rule", "")), str(row.get("item", ""))
        totals.setdefault(rule, {}).setdefault(item, []).append(number(row.get("n")))
    rows = tuple(
        (
            text_cell(rules.get(rule, rule)),
            text_cell(_few(scene, list(items))),
            _total_cell(scene, [n for counts in items.values() for n in counts]),
        )
        for rule, items in sorted(totals.items())
    )
    table = Table(
        t("Problems found in the delivered data"),
        (t("Problem"), t("Questions"), t("Cases")),
        rows,
        note=t("Nothing is mended silently: an unusable answer becomes missing, an unusable interview is set aside."),
    )
    tables = (table, *answering(scene))
    terms = [*([(rules[RECODED], _recoded(scene, declared))] if declared else []), *behaviour(scene)]
    return Section(t("Data quality"), "quality", terms=tuple(terms), tables=tables)


def _recoded(scene: Scene, counts: Sequence[float]) -> str:
    """How many answers were put into other codes; of questions with few of them nothing is told."""
    return scene.lang.t(
        "Answers: %(n)s; questions: %(questions)s. This delivery numbers their answers otherwise.",
        n=scene.lang.count(sum(counts)),
        questions=scene.lang.count(len(counts)),
    )


def _total_cell(scene: Scene, counts: Sequence[float | None]) -> Cell:
    """A sum, of which the parts that are too small to be told are known only to be so."""
    known, hidden, least = sum(n for n in counts if n is not None), counts.count(None), scene.book.disclosure.min_n
    if not hidden:
        return count_cell(scene, known)
    if hidden == len(counts) == 1:
        return Cell(scene.lang.t("<%(n)s", n=scene.lang.count(least)))
    ends = (scene.lang.count(known + hidden * each) for each in (1, least - 1))
    return Cell("\N{EN DASH}".join(ends))


def _few(scene: Scene, items: Sequence[str], most: int = 3) -> str:
    """Labels of the first items, the surplus counted."""
    names = [scene.label(item) for item in items[:most] if item]
    if len(items) > most:
        names.append(scene.lang.nt("%(n)s more", "%(n)s more", len(items) - most))
    return scene.lang.listed(names) if names else ""
