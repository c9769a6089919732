"""Measures and felt security: which practice areas matter and do badly, and what a rolled-out programme changed.

The plan of the report names the practice areas (`report.practices`) and the roll-outs (`report.programmes`); the
statistics are those of `survey.drivers` and `survey.effects`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from survey import drivers, effects
from survey.codebook import Codebook, Programme
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.groups import text
from survey.figures import design_for, numbered
from survey.privacy import Protected
from survey.tidy import results, settled

HAS, COHORT = "_has_programme", "_cohort"


def quadrant(wave: Protected, book: Codebook, name: str) -> pd.DataFrame:
    """Importance for the first headline figure and performance of every practice area residents rate; block "drivers".

    Rows "importance_share" and "performance" as `survey.drivers.quadrants` gives them. An area of which fewer than
    min_n respondents are satisfied, or dissatisfied, is left out: its row holds that number as n and no figure, so that
    the release boundary withholds it; one that nobody rated, or that follows from the others, says so in its reason.
    """
    rated = [area.satisfied for area in book.report.practices.values() if area.satisfied]
    outcome, rated = book.report.headline[0], [each for each in dict.fromkeys(rated) if each != book.report.headline[0]]
    if len(rated) < 2:
        return results([])
    d = design_for(numbered({name: wave}, book)[name], book, outcome)
    asked = [each for each in rated if d.frame[each].notna().any()]
    left = {each: 0 for each in rated if each not in asked}
    known = d.frame[[outcome, *asked]].notna().all(axis=1)
    sides = {each: _smaller_side(d.frame.loc[known, each]) for each in [outcome, *asked]}
    thin = {each: n for each, n in sides.items() if n < book.disclosure.min_n}
    left |= {each: n for each, n in thin.items() if each != outcome}
    used = [each for each in asked if each not in left]
    parts = [results([_left_out(each, outcome, n) for each, n in left.items()])]
    if outcome not in thin and len(used) > 1:
        parts.append(_quadrants(d, outcome, used))
    rows = pd.concat(parts, ignore_index=True).assign(survey=book.survey, wave=name, block="drivers")
    return settled(results(rows))


def _smaller_side(column: pd.Series) -> int:
    """Respondents on the smaller side of one half, of a variable between 0 and 1."""
    high = int((column >= 0.5).sum())
    return min(high, len(column) - high)


def _left_out(driver: str, outcome: str, n: int) -> dict[str, Any]:
    return {"item": driver, "statistic": "importance_share", "level": outcome, "n": float(n)}


def _quadrants(d: SurveyDesign, outcome: str, used: list[str]) -> pd.DataFrame:
    """The drivers' rows; a reason in place of figures where they cannot be told apart."""
    try:
        return drivers.quadrants(d, outcome, used, dict.fromkeys(used, (0.0, 1.0)))
    except EstimationError as error:
        reason = {"flag": "not_asked", "reason": error.parts()["title"]}
        return results([_left_out(name, outcome, 0) | reason for name in used])


def programmes(waves: Mapping[str, Protected], book: Codebook) -> pd.DataFrame:
    """Effect of every roll-out of the plan on its outcomes, by difference in differences; block "programme_<name>".

    Waves before a break in an outcome's series are not used. Cohorts of which a cell has fewer than min_n answers or
    min_psus sampling units are left out before anything is computed, so that no figure of theirs can be had by
    subtraction. Where nothing can be compared yet, one row says why.

    Args: waves: in the order of time, the last one the report's.   Raises: EstimationError: a community had the
    programme and then not, or both in one wave.
    """
    waves, last = numbered(waves, book), list(waves)[-1]
    parts = []
    for label, plan in book.report.programmes.items():
        for outcome in plan.outcomes or book.report.headline[:1]:
            used = {
                name: design_for(wave, book, outcome)
                for name, wave in waves.items()
                if not book.breaks(outcome, name, last) and wave.frame[outcome].notna().any()
            }
            rows = _effect(_with_cohort(used, plan, book), outcome, plan, book)
            parts.append(rows.assign(block=f"programme_{label}"))
    if not parts:
        return results([])
    return settled(results(pd.concat(parts, ignore_index=True).assign(survey=book.survey, wave=last)))


def _with_cohort(waves: Mapping[str, SurveyDesign], plan: Programme, book: Codebook) -> dict[str, SurveyDesign]:
    """The designs with the first wave of the programme in the respondent's place, or "never"."""
    if plan.treated:
        unit = plan.unit or book.design.psu[0]
        flagged = {name: d.assign(**{HAS: _has(d.frame[plan.treated], plan)}) for name, d in waves.items()}
        return effects.first_treated(flagged, HAS, unit, 1, COHORT) if flagged else {}
    order = book.earlier(max(book.waves, key=lambda name: (book.waves[name].fieldwork.start, name)))
    since = {code: wave for wave, codes in plan.arrival.items() for code in codes}
    first, after = next(iter(waves), ""), order[order.index(list(waves)[-1]) + 1 :] if waves else []

    def cohort(code: Any) -> str:
        wave = since.get(text(code), effects.NEVER)
        return wave if wave in waves else effects.NEVER if wave in (effects.NEVER, *after) else first

    return {
        name: d.assign(**{COHORT: d.frame[plan.place].astype(object).map(cohort, na_action="ignore")})
        for name, d in waves.items()
    }


def _has(column: pd.Series, plan: Programme) -> Any:
    """1 where the respondent's community has the programme, 0 where not, missing where it is not known."""
    return column.map(text, na_action="ignore").isin(plan.levels).astype(float).where(column.notna()).to_numpy()


def _effect(waves: dict[str, SurveyDesign], outcome: str, plan: Programme, book: Codebook) -> pd.DataFrame:
    """All figures of one programme and outcome, or the reason there are none."""
    for _ in range(2):  # once more without the cohorts that turned out thin
        seen = set[str]().union(*(set(d.frame[COHORT].dropna()) for d in waves.values())) if waves else set[str]()
        late = [name for name in list(waves)[1:] if name in seen]
        if not late or (plan.control == "never" and effects.NEVER not in seen):
            return _nothing(outcome)
        try:
            found = effects.group_time(
                waves, outcome, COHORT, control=plan.control, shared_psus=book.design.shared_psus
            )
        except EstimationError:  # cohorts are there, but none beside controls
            return _nothing(outcome)
        cells = found.tidy()
        few = (cells["n"] < book.disclosure.min_n) | (cells["psus"] < book.disclosure.min_psus)
        thin = set(cells.loc[few, "group"])
        if not thin:
            return effects.programme(
                waves, outcome, COHORT, control=plan.control, shared_psus=book.design.shared_psus
            )  # fmt: skip
        waves = {
            name: d.assign(**{COHORT: d.frame[COHORT].astype(object).mask(d.frame[COHORT].isin(thin), np.nan)})
            for name, d in waves.items()
        }
    return _nothing(outcome)


def _nothing(outcome: str) -> pd.DataFrame:
    reason = "no place has waves before and after it beside places without it"
    return results([{"item": outcome, "statistic": "att_overall", "flag": "not_asked", "reason": reason}])
