"""The tables of the report as a workbook in one language: the figures of the CSV files, worded, with their units."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from reports.figures import Figure, Figures
from reports.language import Language
from reports.programmes import when
from reports.scene import Scene
from reports.sheets import Number, Sheet, Value, workbook
from reports.tables import choices, fact_rows
from survey.codebook import Codebook

PERCENT, POINTS, PLAIN, SMALL = "#,##0.0", "+#,##0.0;-#,##0.0;0.0", "#,##0.000", "0.0000"
NOTHING = "[z]"
SINCE = ("change", "change_in_table", "equivalence")
"""Figures whose level is the wave they are compared with."""
PROGRAMME = "programme_"
Measured: TypeAlias = tuple[Figure, str, tuple[Value, ...]]
"""A figure, its unit and its numbers."""


def tables_workbook(
    figures: Figures,
    facts: Mapping[str, Any],
    book: Codebook,
    wave: str,
    languages: Sequence[str],
    revised: bool = False,
) -> dict[str, bytes]:
    """Workbook of every language by file name, tables-zh.xlsx and so on.   revised: whether it is a revision."""
    files, measured = {}, dict(_measured(figures, book, wave))
    for code in languages:
        scene = Scene(figures, facts, book, wave, Language(code))
        what = scene.lang.t("All figures of the report as tables.")
        made = workbook(book, wave, scene.lang, what, terms(scene.lang), list(_sheets(scene, measured)), revised)
        files[f"tables-{code}.xlsx"] = made
    return files


def terms(lang: Language) -> tuple[tuple[str, str], ...]:
    """What the columns mean."""
    t = lang.t
    return (
        (t("Estimate"), t("Weighted figure of the population, in the unit of its row.")),
        (t("Lower bound"), t("Lower end of the 95%% confidence interval.")),
        (t("Upper bound"), t("Upper end of the 95%% confidence interval.")),
        (t("Standard error"), t("Of the estimate, with strata, sampling units and weights taken into account.")),
        (t("Respondents"), t("Interviews behind the figure, not weighted.")),
        (t("Effective sample"), t("The size of a simple random sample that would be as precise.")),
        (t("p corrected"), t("p-value of the difference, corrected for the number of comparisons in its table.")),
        (t("caution"), t("Few respondents or sampling units, or a share close to all; read it with its interval.")),
    )


def sheet_names(lang: Language) -> dict[str, tuple[str, str]]:
    """Name and title of each table."""
    t = lang.t
    return {
        "headline": (t("Headline"), t("Headline figures and how they changed")),
        "trend": (t("Trend"), t("Headline figures of every wave")),
        "items": (t("Answers"), t("What residents answered")),
        "areas": (t("Areas"), t("Figures by area")),
        "groups": (t("Groups"), t("Figures by group")),
        "practices": (t("Areas of work"), t("Who knows, met and is satisfied with each area of work")),
        "models": (t("Regressions"), t("What goes with it: regressions")),
        "changes": (t("Changes"), t("What changed")),
        "measures": (
            t("Measures"),
            t("What goes with it by area of work, and the effects of programmes"),
        ),
        "method": (t("Method"), t("How it was done: counts and diagnostics")),
    }


def _measured(figures: Figures, book: Codebook, wave: str) -> Iterator[tuple[str, list[Measured]]]:
    """Figures of each table with their numbers, which are the same in every language."""
    for key, wanted in choices(book, wave).items():
        rows = [row for row in figures.rows if wanted(row)]
        rows.sort(key=lambda row: row.statistic in ("change", "difference"))  # what is so comes before how it compares
        if rows:
            units = ((row, *unit(book, row)) for row in rows)
            yield key, [(row, name, _numbers(row, factor, form)) for row, name, factor, form in units]


def _sheets(scene: Scene, measured: Mapping[str, Sequence[Measured]]) -> Iterator[Sheet]:
    named = sheet_names(scene.lang)
    for key, lines in measured.items():
        yield _figures(scene, key, *named[key], lines)
    facts = [(section, key or NOTHING, _fact(value)) for section, key, value in fact_rows(scene.facts)]
    if facts:
        heads = (scene.lang.t("Section"), scene.lang.t("Key"), scene.lang.t("Value"))
        yield Sheet("method", *named["method"], (), heads, tuple(facts), fixed=2)


def _fact(value: str) -> Value:
    """A number as one; codes such as 08 stay text."""
    try:
        number = float(value)
    except ValueError:
        return value or NOTHING
    return Number(number, "General") if math.isfinite(number) and repr(number).removesuffix(".0") == value else value


def _figures(scene: Scene, key: str, name: str, title: str, lines: Sequence[Measured]) -> Sheet:
    """A row a figure; columns that say nothing in this table are left out."""
    t = scene.lang.t
    heads = (
        *(t("Wave"), t("Figure of"), t("Kind"), t("Answer or comparison"), t("Breakdown"), t("Group")),
        *(t("Estimate"), t("Lower bound"), t("Upper bound"), t("Unit"), t("Standard error"), t("Respondents")),
        *(t("Effective sample"), t("Design effect"), t("p"), t("p corrected"), t("Remark")),
    )
    units = _units(scene.lang)
    cells = [
        (*_words(scene, row), *numbers[:3], units[name], *numbers[3:], _remark(scene, row))
        for row, name, numbers in lines
    ]
    kept = [place for place in range(len(heads)) if place < 3 or any(line[place] != NOTHING for line in cells)]
    notes = [
        t(
            "Source: %(text)s",
            text=scene.lang.t(" · ").join((scene.lang.say(scene.book.publisher), scene.lang.say(scene.book.title))),
        )
    ]
    table = tuple(tuple(line[place] for place in kept) for line in cells)
    return Sheet(key, name, title, tuple(notes), tuple(heads[place] for place in kept), table, fixed=2)


def _remark(scene: Scene, row: Figure) -> str:
    told = [scene.lang.t("caution")] if row.shown and row.caution else []
    return " ".join([*told, *(["[r]"] if row.revised else [])]) or NOTHING


def scaled(value: float, times: float) -> float:
    """A product in nine significant digits, as in results.json: where others are lost by subtraction, the twelfth
    depends on the processor.

    >>> scaled(0.07, 100), scaled(-0.00412012212524, 1)
    (7.0, -0.00412012213)
    """
    return float(f"{value * times:.9g}")


def _words(scene: Scene, row: Figure) -> tuple[str, ...]:
    """Wave, variable, kind of figure, answer or comparison, breakdown and group."""
    item = scene.lang.t("Constant") if row.item == "intercept" else scene.label(row.item)
    return scene.lang.wave(row.wave), item, kind(scene, row), _level(scene, row), *_group(scene, row)


def _level(scene: Scene, row: Figure) -> str:
    """The answer, or what the figure is compared with."""
    if row.statistic == "difference":
        return scene.lang.t("the rest")
    if not row.level or row.statistic == "pretrend":  # its level is a number of tests
        return NOTHING
    if row.block == "drivers":
        return scene.label(row.level)
    in_wave = row.statistic in SINCE or row.block.startswith(PROGRAMME)
    return scene.lang.wave(row.level) if in_wave else scene.level(row.item, row.level)


def _group(scene: Scene, row: Figure) -> tuple[str, str]:
    """Breakdown and group; of a programme its name, and the places it came to in a wave or so many waves ago."""
    everybody = scene.lang.t("All residents")
    if row.block.startswith(PROGRAMME):
        plan = scene.book.report.programmes[row.block.removeprefix(PROGRAMME)]
        came = {"event": lambda: when(scene, int(row.group)), "cohort": lambda: scene.lang.wave(row.group)}
        return scene.lang.say(plan.label), came.get(row.by, lambda: everybody)()
    if not row.by or row.block == "drivers":  # the quadrant is a reading of the two figures
        return NOTHING, everybody
    return scene.label(row.by), scene.level(row.by, row.group)


def kind(scene: Scene, row: Figure) -> str:
    """What a statistic is called."""
    name = "score" if row.statistic == "mean" and _scored(scene.book, row) else row.statistic
    return _kinds(scene.lang).get(name, name)


@lru_cache(maxsize=8)
def _kinds(lang: Language) -> Mapping[str, str]:
    """Statistic → what it is called."""
    t = lang.t
    return {
        "share": t("Share"),
        "mean": t("Share"),
        "score": t("Score"),
        "change": t("Change"),
        "difference": t("Difference"),
        "coefficient": t("Coefficient"),
        "margin": t("Average marginal effect"),
        "change_in_table": t("Change, p corrected over the table"),
        "equivalence": t("Change, tested for being practically none"),
        "importance_share": t("Part of what goes with it"),
        "performance": t("Satisfied"),
        "att_overall": t("Effect"),
        "att_event": t("Effect by waves since it came"),
        "att_cohort": t("Effect by the wave it came"),
        "att": t("Effect in a wave by the wave it came"),
        "att_pre": t("Difference before it came"),
        "pretrend": t("Test of the trends before it came"),
    }


def _scored(book: Codebook, row: Figure) -> bool:
    recipe = book.indicators.get(row.item) or book.derived.get(row.item)
    return recipe is not None and recipe.recipe == "index"


def _units(lang: Language) -> Mapping[str, str]:
    """Unit → what it is called."""
    t = lang.t
    return {"": NOTHING, "outcome": t("unit of the outcome"), "points": t("percentage points"),
            "score": t("points of the score"), "%": "%"}  # fmt: skip


def unit(book: Codebook, row: Figure) -> tuple[str, float, str]:
    """Unit of a figure, what to multiply it by, and its format."""
    if row.statistic in ("coefficient", "pretrend"):
        return "", 1.0, PLAIN
    if row.statistic == "margin":
        model = book.report.models.get(row.block.removeprefix("model_"))
        whole = model is not None and model.family != "binomial"
        return ("outcome", 1.0, PLAIN) if whole else ("points", 100.0, POINTS)
    if _scored(book, row):
        return "score", 1.0, PERCENT
    if row.statistic in (*SINCE, "difference") or row.block.startswith(PROGRAMME):
        return "points", 100.0, POINTS
    return "%", 100.0, PERCENT


def _numbers(row: Figure, factor: float, form: str) -> tuple[Value, ...]:
    """Estimate and interval, then error, sizes and p; a mark in the place of every number that is withheld."""
    if not row.shown:
        return (f"[{row.mark}]",) * 9

    def put(value: float, code: str, times: float = 1.0) -> Value:
        return Number(scaled(value, times), code) if math.isfinite(value) else NOTHING

    return (
        *(put(value, form, factor) for value in (row.estimate, row.low, row.high)),
        put(row.se, PLAIN, factor),
        *(put(value, "#,##0") for value in (row.n, row.n_eff)),
        put(row.deff, "0.00"),
        *(put(value, SMALL) for value in (row.p, row.q)),
    )
