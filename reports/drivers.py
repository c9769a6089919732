"""Block 7: what goes with it: the practice areas as residents meet them, and the regressions."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

from reports import words
from reports.blocks import EVERYBODY, WHOLE, Domain
from reports.charts import Axis, axis, whisker
from reports.figures import Figure
from reports.programmes import programmes_told
from reports.quadrant import quadrant_chart
from reports.scene import Scene
from reports.view import Cell, Drawn, Drivers, LevelRow, ModelRow, ModelTable, PracticeRow
from survey.codebook import Model

YEARS = re.compile(r"\byears?\b|岁|年数", re.IGNORECASE)


def drivers(scene: Scene) -> Drivers | None:
    """Block 7; None when the survey has neither practice areas nor regressions."""
    t = scene.lang.t
    practices, used = practice_rows(scene)
    models = tuple(_models(scene))
    programmes = programmes_told(scene)
    if not practices and not models and not programmes:
        return None
    finding = models[0].finding if models else t("Who knows, meets and values the city’s security work")
    told = t(
        "The last column: by how many points more of the satisfied than of the others count under %(outcome)s, with "
        "everything else in the regression held constant; drawn around zero.",
        outcome=scene.lang.inner(scene.label(scene.book.report.headline[0])),
    )
    note = told if adjusted_head(scene) in used else ""
    return Drivers(finding, practices, used, models, note, quadrant_chart(scene), programmes)


def adjusted_head(scene: Scene) -> str:
    """Head of the column of adjusted differences."""
    return scene.lang.t("%(outcome)s, in points", outcome=scene.label(scene.book.report.headline[0]))


def _adjusted(scene: Scene) -> dict[str, Figure]:
    """Average marginal effect on the first headline figure, by term, in the first model of it that tells any."""
    for name, model in scene.book.report.models.items():
        margins = scene.figures.block(scene.wave, f"model_{name}", "margin")
        if model.outcome == scene.book.report.headline[0] and model.family == "binomial" and margins:
            terms = scene.figures.block(scene.wave, f"model_{name}", "coefficient")
            return {row.item: _margin(row, margins) for row in terms if not row.level}
    return {}


def practice_rows(scene: Scene, domain: Domain = EVERYBODY) -> tuple[tuple[PracticeRow, ...], tuple[str, ...]]:
    """Who knows, meets and values each area of work, and the heads of the columns there are.

    Args: domain: breakdown and group, such as one district; its intervals are drawn against the share of everybody,
    and it has no column of adjusted differences, which are estimated for everybody alone.
    """
    t = scene.lang.t
    kinds = {"aware": t("Know of it"), "met": t("Met it"), "satisfied": t("Satisfied with it")}
    rows = tuple(_practices(scene, kinds, domain))
    heads = (*kinds.values(), adjusted_head(scene))
    return rows, tuple(word for word in heads if any(word == kind for row in rows for kind, _ in row.cells))


def _practices(scene: Scene, kinds: dict[str, str], domain: Domain) -> Iterator[PracticeRow]:
    effects = _adjusted(scene) if domain == EVERYBODY else {}
    scale = _around_zero([effects[name] for area in scene.book.report.practices.values() if (name := area.satisfied)
                          in effects])  # fmt: skip
    for practice in scene.book.report.practices.values():
        cells = []
        for kind, word in kinds.items():
            variable = getattr(practice, kind)
            figure = scene.figures.one(scene.wave, variable, "mean", None, *domain) if variable else None
            if figure is not None:
                cells.append((word, _practice_cell(scene, word, figure, domain)))
        if (effect := effects.get(practice.satisfied or "")) is not None:
            cells.append((adjusted_head(scene), _adjusted_cell(scene, effect, scale)))
        if cells:
            yield PracticeRow(scene.lang.say(practice.label, 60), tuple(cells))


def _practice_cell(scene: Scene, word: str, figure: Figure, domain: Domain) -> LevelRow:
    """A share of an area of work; that of a domain is drawn against everybody's."""
    everybody = scene.figures.one(scene.wave, figure.item, "mean", None)
    compared = domain != EVERYBODY and everybody is not None and everybody.shown
    reference = everybody.estimate if compared and everybody is not None else None
    return LevelRow(word, scene.cell(figure), scene.interval(figure), scene.drawn(figure, WHOLE, reference))


def _points_cell(scene: Scene, effect: Figure) -> Cell:
    if not effect.shown:
        return Cell("", mark=effect.mark)
    return Cell(scene.lang.points(effect.estimate), caution=effect.caution, revised=effect.revised)


def _adjusted_cell(scene: Scene, effect: Figure, scale: Axis) -> LevelRow:
    """An adjusted difference in points as a cell of the practice areas."""
    head, lang = adjusted_head(scene), scene.lang
    cell = _points_cell(scene, effect)
    if not effect.bounded:
        return LevelRow(head, cell, "", None)
    tone = words.news(words.state(effect), scene.book.indicators[scene.book.report.headline[0]].better)
    drawn = Drawn(whisker(scale, effect.estimate, effect.low, effect.high, 0.0), tone)
    return LevelRow(head, cell, lang.points_interval(effect.low, effect.high), drawn)


def _models(scene: Scene) -> Iterator[ModelTable]:
    for name, model in scene.book.report.models.items():
        coefficients = scene.figures.block(scene.wave, f"model_{name}", "coefficient")
        if coefficients:
            margins = scene.figures.block(scene.wave, f"model_{name}", "margin")
            yield _model(scene, model, coefficients, margins)


def _model(scene: Scene, model: Model, coefficients: list[Figure], margins: list[Figure]) -> ModelTable:
    """One regression: marginal effects where there are any, coefficients otherwise; ratios for logit and log links."""
    t = scene.lang.t
    terms = [row for row in coefficients if row.item != "intercept"]
    points = bool(margins) and model.family == "binomial"
    shown = [_margin(row, margins) if points else row for row in terms]
    scale = _around_zero(shown)
    outcome = scene.label(model.outcome)
    told = [(_term(scene, row), effect) for row, effect in zip(terms, shown, strict=True)]
    ratio = {"binomial": t("Odds ratio"), "poisson": t("Rate ratio")}.get(model.family, "")
    indicator = scene.book.indicators.get(model.outcome)
    better = indicator.better if indicator is not None else "higher"
    sizes = [row.n for row in coefficients if math.isfinite(row.n)]
    notes = [t("Design-based regression; every row holds the other rows constant.")]
    corrected = any(math.isfinite(row.q) for row in shown)
    if corrected:
        notes.append(t("p is corrected for the number of rows, and so are words and colours; the intervals are not."))
    if sizes:
        notes.append(_rows_used(scene, int(max(sizes))))
    return ModelTable(
        label=scene.lang.say(model.label, 200),
        outcome=outcome,
        finding=words.model_finding(scene.lang, outcome, told, points),
        point=words.model_finding(scene.lang, outcome, told, points, intervals=True),
        effect_head=t("Difference in points") if points else t("Coefficient"),
        p_head=t("Corrected p") if corrected else "p",
        ratio_head=ratio,
        ends=(_end(scene, scale.low, points), _end(scene, scale.high, points)),
        rows=tuple(
            _row(scene, row, effect, points, bool(ratio), scale, better)
            for row, effect in zip(terms, shown, strict=True)
        ),
        notes=tuple(notes),
    )


def _rows_used(scene: Scene, n: int) -> str:
    """How many respondents a regression rests on, and why not on the others."""
    total = int(scene.used or 0)
    if total <= n:
        return scene.lang.nt("%(n)s respondent.", "%(n)s respondents.", n)
    count = scene.lang.count
    return scene.lang.t(
        "%(n)s of %(all)s respondents; the other %(rest)s left a question unanswered.",
        n=count(n),
        all=count(total),
        rest=count(total - n),
    )


def _margin(term: Figure, margins: list[Figure]) -> Figure:
    """The marginal effect of a term, that of a 0/1 variable being at its level 1; not available where there is none."""
    found = [row for row in margins if row.item == term.item and (row.level == term.level or not term.level)]
    return found[0] if len(found) == 1 else replace(term, flag="not_asked")


def _around_zero(figures: list[Figure]) -> Axis:
    """An axis that holds all intervals and nought."""
    ends = [value for row in figures if row.bounded for value in (row.low, row.high)]
    reach = max([abs(value) for value in ends], default=0.0) or 1.0
    return axis([0.0, *ends], floor=-reach, ceiling=reach)


def _exp(scene: Scene, value: float) -> str:
    """A ratio from its logarithm; beyond a thousand it is only told to be so."""
    return scene.lang.decimal(math.exp(value)) if value < math.log(1000) else "> " + scene.lang.count(1000)


def _size(scene: Scene, value: float, points: bool) -> str:
    return scene.lang.points(value) if points else scene.lang.decimal(value, 3)


def _bound(scene: Scene, value: float, points: bool) -> str:
    return scene.lang.bound(value) if points else scene.lang.decimal(value, 3)


def _end(scene: Scene, value: float, points: bool) -> str:
    """One end of the axis, without needless places."""
    return scene.lang.points(value, 0) if points else scene.lang.decimal(value, 1)


def _term(scene: Scene, row: Figure) -> str:
    """Name of a term in a sentence."""
    if not row.level:
        return scene.label(row.item)
    return scene.lang.t(
        "%(level)s (%(variable)s)", level=scene.level(row.item, row.level), variable=scene.label(row.item)
    )


def _against(scene: Scene, row: Figure) -> str:
    """What the row is compared with: the first level of a category, or one unit less."""
    if not row.level:
        recipe = scene.book.recipes().get(row.item)
        if recipe is not None and (recipe.recipe == "any" or (recipe.recipe == "share" and len(recipe.of) == 1)):
            return scene.lang.t("yes against no")
        if recipe is not None and recipe.recipe == "share":
            return scene.lang.t("from none to all")
        labels = (scene.book.label(row.item, code) for code in scene.book.languages)
        years = any(YEARS.search(label) for label in labels)
        return scene.lang.t("for each year more") if years else scene.lang.t("for each unit more")
    scale = scene.book.scale_of(row.item)
    reference = next(iter(scale.levels), "") if scale else ""
    return scene.lang.t("against %(reference)s", reference=scene.level(row.item, reference)) if reference else ""


def _row(scene: Scene, row: Figure, effect: Figure, points: bool, ratio: bool, scale: Axis, better: str) -> ModelRow:
    ratio_cell, ratio_interval = Cell("", mark=row.mark), ""
    if ratio and row.shown:
        ratio_cell = Cell(_exp(scene, row.estimate), caution=row.caution, revised=row.revised)
        if row.bounded:
            ratio_interval = scene.lang.t("%(low)s to %(high)s", low=_exp(scene, row.low), high=_exp(scene, row.high))
    cell = (
        Cell(_size(scene, effect.estimate, points), caution=effect.caution, revised=effect.revised)
        if effect.shown
        else Cell("", mark=effect.mark)
    )
    interval = ""
    if effect.bounded:
        ends = _bound(scene, effect.low, points), _bound(scene, effect.high, points)
        interval = scene.lang.t("%(low)s to %(high)s", low=ends[0], high=ends[1])
    tone = words.news(words.state(effect), better)
    drawn = Drawn(whisker(scale, effect.estimate, effect.low, effect.high, 0.0), tone) if effect.bounded else None
    p = scene.lang.p_value(effect.tested) if effect.shown and math.isfinite(effect.tested) else ""
    return ModelRow(_term(scene, row), _against(scene, row), cell, interval, drawn, ratio_cell, ratio_interval, p)
