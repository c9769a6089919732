"""Nonresponse of the city depends on area and mode, which the list tells of every case: adjusting removes that bias."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from simulation.city import City
from simulation.sample import COMPLETE, INELIGIBLE, UNKNOWN, draw
from survey.codebook import Nonresponse
from survey.nonresponse import responded

WAVE, SAMPLES = "2026H1", 100
BY = ("district", "area", "mode")
PLANS = {
    "classes": Nonresponse(by=BY),
    "quintiles": Nonresponse(by=BY, method="propensity"),
    "propensity": Nonresponse(by=BY, method="propensity", quantiles=None),
}


def errors(city: City, seed: int, truth: dict[str, float]) -> dict[tuple[str, str], float]:
    """Estimate less truth of each variable, by base weights and by each adjustment."""
    cases = draw(city, WAVE, seed)
    unknown, out = cases.disposition == UNKNOWN, cases.disposition == INELIGIBLE
    e = 1 - out.sum() / (~unknown).sum()
    eligible = np.where(unknown, e, np.where(out, 0.0, 1.0))
    kept = eligible > 0
    place = city.communities
    known = pd.DataFrame({"district": place.district[cases.community], "area": place.area[cases.community]})
    known = known.assign(mode=cases.mode).astype(str)[kept]
    took_part, who = (cases.disposition == COMPLETE)[kept], cases.person[cases.complete]
    address = 1 / (cases.p_psu * cases.p_household)[kept]
    household = city.people.household[who]
    values = {"rural": city.people.area[who] == 2, "mobile": city.households.mode[household] == 1}
    factors = {"base": np.ones(len(known))}
    factors |= {name: responded(known, took_part, address * eligible[kept], plan)[0] for name, plan in PLANS.items()}
    found = {}
    for name, factor in factors.items():
        w = (address * factor)[took_part] * city.households.adults[household]
        found |= {(name, of): float(w @ value / w.sum()) - truth[of] for of, value in values.items()}
    return found


@pytest.fixture(scope="module")
def bias(city: City) -> pd.Series:
    mode = city.households.mode[city.people.household]
    truth = {"rural": float((city.people.area == 2).mean()), "mobile": float((mode == 1).mean())}
    return pd.DataFrame([errors(city, seed, truth) for seed in range(SAMPLES)]).mean()


@pytest.mark.parametrize("method", PLANS)
@pytest.mark.parametrize("of", ["rural", "mobile"])
def test_the_bias_of_what_response_depends_on_falls(bias: pd.Series, method: str, of: str) -> None:
    assert abs(bias["base", of]) > 0.05
    assert abs(bias[method, of]) < abs(bias["base", of]) / 5
