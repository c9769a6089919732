"""One sample of the city: drawn, with its nonresponse, weighted and raked by the pipeline's own stages."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from simulation.questionnaire import WAVES
from simulation.sample import Cases, draw, interviews
from survey import compare
from survey.codebook import Codebook
from survey.design import SurveyDesign
from survey.figures import design_of
from survey.privacy import Protected
from survey.recipes import derive
from survey.selection import BASE, base_weights
from survey.survey_yaml import parse
from survey.weighting import Margins, read_margins, weigh
from tests.validation.known import BEFORE, NOW, Known

FOLDER = Path(__file__).parents[2] / "data" / "raw" / "example-city"
DESIGN = ["district", "area", "community", "sex", "age_band", "stratum_", "base_weight", "weight"]


@dataclass(frozen=True)
class Sample:
    """The last wave in full, the six waves with what the programme's effect needs."""

    now: SurveyDesign
    waves: dict[str, SurveyDesign]

    @cached_property
    def last_two(self) -> SurveyDesign:
        """The wave before the last and the last, stacked."""
        return compare.two_waves(self.waves[BEFORE], self.waves[NOW])

    @cached_property
    def change(self) -> pd.DataFrame:
        """Change of the share that feels safe, one row."""
        return compare.change_within(self.last_two, "safe")


@cache
def book() -> Codebook:
    """The city's survey.yaml."""
    return parse((FOLDER / "survey.yaml").read_text(encoding="utf-8"))


@cache
def margins() -> Margins:
    """The population totals of the last wave."""
    return read_margins((FOLDER / "margins.csv").read_text(encoding="utf-8"), NOW)


def sample(world: Known, seed: int, names: Sequence[str] = WAVES) -> Sample:
    """The waves of one sample, the last among them; they share their communities."""
    now, waves = None, {}
    for wave in names:
        cases = draw(world.city, wave, seed)
        who = cases.person[cases.complete]
        frame = derive(interviews(world.city, cases), book()) if wave == NOW else _short(world, cases)
        answer = cases.answers["a1_safe_now"][cases.complete]
        known = answer > 0
        extra = {name: column[who] for name, column in world.columns.items()}
        extra["safe"] = np.where(known, answer <= 2, np.nan)
        extra["worry"] = np.where(known, answer, np.nan)
        extra["parallel"] = np.where(known, world.parallel[wave][who], np.nan)
        d = weighted(frame.assign(**extra))
        now = d if wave == NOW else None
        waves[wave] = narrow(d, [*DESIGN, "safe", "parallel", "cohort"])
    assert now is not None
    return Sample(now, waves)


def weighted(frame: pd.DataFrame) -> SurveyDesign:
    """The design of an unweighted wave after the pipeline's weighting."""
    frame = frame.assign(**{BASE: base_weights(frame, book().weighting)})
    raked = weigh(Protected(frame, pd.DataFrame(index=frame.index), {}), book(), margins())[0]
    return design_of(raked, book())


def narrow(d: SurveyDesign, columns: Sequence[str]) -> SurveyDesign:
    """The same design with fewer columns: stacking waves is then quicker."""
    slim = copy.copy(d)
    slim.frame = d.frame[list(columns)]
    return slim


def _short(world: Known, cases: Cases) -> pd.DataFrame:
    """Of an earlier wave only what weights and design need."""
    done, people = cases.complete, world.city.people
    who = cases.person[done]
    codes = {name: pd.Categorical(getattr(people, name)[who].astype(str)) for name in _TRAITS}
    adults = world.city.households.adults[people.household[who]]
    return pd.DataFrame({**codes, "community": cases.community[done], "p_psu": cases.p_psu[done],
                         "p_household": cases.p_household[done], "adults": adults})  # fmt: skip


_TRAITS = ("district", "area", "sex", "age_band")
