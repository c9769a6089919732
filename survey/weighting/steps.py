"""The weighting of one wave: each step of survey.yaml in its order, and what it did to the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey.codebook import Codebook, Weighting
from survey.errors import CodebookError, DataError, GateError
from survey.nonresponse import FACTOR
from survey.privacy import Protected
from survey.sampling.linearized import Floats
from survey.selection import BASE
from survey.weighting.calibration import calibrated_to, poststratified_to
from survey.weighting.diagnostics import diagnostics, margin_table
from survey.weighting.margins import NUMBER, Margin, Margins, coded, number, thickened, wanted
from survey.weighting.raking import raked
from survey.weighting.trimming import trim, trimmed_and_met

FINAL = "weight"
POPULATION = "population"


@dataclass(frozen=True)
class Known:
    """What the weights are to meet: margins, and totals of numbers."""

    margins: list[Margin]
    numbers: dict[str, Floats]
    totals: dict[str, float]
    merged: dict[str, dict[str, str]]
    """Margin → level → the merged level it became."""


def weigh(protected: Protected, book: Codebook, margins: Margins, wave: str = "") -> tuple[Protected, dict[str, Any]]:
    """Final weights beside the answers of one wave, and the diagnostics of each step; people without a base weight go.

    Args: wave: its name, for messages.   Raises: DataError: a margin has no respondent.   EstimationError: totals that
    cannot be met.   GateError: the final weights' design effect is above `gates.max_deff`.
    """
    settings = book.weighting
    keep = protected.frame[BASE].notna()
    frame, reasons = (part[keep].reset_index(drop=True) for part in (protected.frame, protected.reasons))
    steps = {"base": frame[BASE].to_numpy(float)}
    steps |= {"nonresponse": before_totals(frame)} if FACTOR in frame else {}
    before = list(steps.values())[-1]
    known = _known(frame, settings, margins, before)
    rounds = 0
    if settings.margins():
        final, rounds = _met(known, settings, before)
        steps["raked" if settings.rake else "poststratified" if settings.poststratify else "calibrated"] = final
    if settings.trim is not None:
        last = list(steps.values())[-1]
        steps["trimmed"] = (
            trimmed_and_met(last, settings.trim, lambda w: _met(known, settings, w)[0]) if settings.margins()
            else trim(last, settings.trim.max_ratio, settings.trim.min_ratio, settings.trim.spread)
        )  # fmt: skip
    if settings.normalise is not None:
        steps["normalised"] = _normalised(list(steps.values())[-1], settings, margins)
    final = list(steps.values())[-1]
    facts: dict[str, Any] = {
        "steps": [diagnostics(step, weights) for step, weights in steps.items()],
        "iterations": rounds,
        "without_base": int((~keep).sum()),
        "merged": known.merged,
        "numbers": list(known.numbers),
        "margins": margin_table(
            known.margins,
            {"before": steps["base"]} | ({"adjusted": before} if FACTOR in frame else {}) | {"after": final},
        ),
    }
    _gate(facts["steps"][-1]["deff"], book.gates.max_deff, wave)
    weighted = Protected(frame, reasons, {**protected.facts, "weighting": facts})
    return weighted.with_weights(pd.DataFrame({FINAL: final})), {"weighting": facts}


def before_totals(frame: pd.DataFrame) -> Floats:
    """The weights that meet known totals next: base weights, adjusted for nonresponse where survey.yaml says so."""
    base = frame[BASE].to_numpy(float)
    return base * frame[FACTOR].to_numpy(float) if FACTOR in frame else base


def _known(frame: pd.DataFrame, settings: Weighting, margins: Margins, base: Floats) -> Known:
    known = Known([], {}, {}, {})
    for name in settings.margins():
        levels = wanted(name, margins)
        if set(levels) == {NUMBER}:
            known.numbers[name], known.totals[name] = number(frame, name), levels[NUMBER]
            continue
        margin = coded(frame, name, levels, base, may_lack=True)
        if settings.min_cell:
            margin, renamed = thickened(margin, settings.min_cell, settings.merge)
            known.merged.update({name: renamed} if renamed else {})
        _populated(margin, base, margins)
        known.margins.append(margin)
    if known.numbers and not settings.calibrate:
        raise CodebookError(
            "The margin {margin} is the total of a number",
            where="survey.yaml, weighting",
            expected="levels with a total each",
            got="a total with a blank level",
            hint="use `calibrate` for totals of numbers",
            margin=next(iter(known.numbers)),
        )
    return known


def _populated(margin: Margin, base: Floats, margins: Margins) -> None:
    """Raise where a level of a margin has people in the population and nobody in the sample."""
    empty = (margin.sums(base) <= 0) & (margin.totals > 0)
    if empty.any():
        level = margin.levels[int(np.argmax(empty))]
        raise DataError(
            "A level of {margin} has no respondent",
            where="{file} line {line}, {margin} level {level}",
            expected="a respondent in each level",
            got="nobody",
            hint="merge this level with a neighbour: `min_cell` does it here and in {file}",
            file=margins.name,
            line=margins.lines.get((margin.name, level.split("+")[0]), 0),
            margin=margin.name,
            level=level,
        )


def _met(known: Known, settings: Weighting, weights: Floats) -> tuple[Floats, int]:
    """Weights that meet the totals by the method of survey.yaml, and the rounds it took."""
    if settings.rake:
        return raked(known.margins, weights, settings.tolerance, settings.max_iterations)
    if settings.poststratify:
        return poststratified_to(known.margins[0], weights), 1
    plan = settings.calibrate
    assert plan is not None
    return calibrated_to(known.margins, known.numbers, known.totals, weights, plan.bounds, plan.distance), 1


def _normalised(weights: Floats, settings: Weighting, margins: Margins) -> Floats:
    """Weights scaled to add up to the population or to the number of respondents."""
    if settings.normalise == "respondents":
        return np.asarray(weights * (len(weights) / weights.sum()))
    people = [levels for name, levels in margins.totals.items() if name == POPULATION or set(levels) != {NUMBER}]
    own: Mapping[str, float] | None = margins.totals.get(POPULATION, people[0] if people else None)
    if own is None:
        raise CodebookError(
            "{file} does not say how large the population is",
            where="survey.yaml, weighting.normalise",
            expected="a line with the margin `population` and a blank level, or any margin of persons",
            got="none",
            hint="add its total",
            file=margins.name,
        )
    return np.asarray(weights * (sum(own.values()) / weights.sum()))


def _gate(deff: float, limit: float, wave: str) -> None:
    if deff > limit:
        raise GateError(
            "The weights vary too much to publish",
            where="wave {wave}" if wave else "",
            expected="a design effect of at most {limit} (gates.max_deff)",
            got="{found}",
            hint="trim harder, rake to fewer margins, or look for an extreme base weight",
            wave=wave,
            limit=limit,
            found=f"{deff:.2f}",
        )
