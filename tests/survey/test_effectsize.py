"""Effect sizes against pingouin where weights are equal, and against the jackknife where they are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pingouin
import pytest

from survey.compare import effect_size
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.resample import as_replicates


@pytest.fixture
def people() -> pd.DataFrame:
    chance = np.random.default_rng(5)
    group = chance.integers(0, 2, 240)
    frame = pd.DataFrame({"g": group, "y": chance.normal(0.4 * group, 1.3), "w": chance.uniform(1, 3, 240)})
    return frame.assign(psu=np.arange(240) // 4, h=np.arange(240) // 40)


@pytest.mark.parametrize(("row", "name"), [(0, "cohen"), (1, "hedges")])
def test_pingouin_without_weights(people: pd.DataFrame, row: int, name: str) -> None:
    ours = effect_size(SurveyDesign(people.assign(w=2.5), "w"), "y", "g")["estimate"].iloc[row]
    one, two = (people.loc[people["g"] == g, "y"] for g in (1, 0))
    assert ours == pytest.approx(pingouin.compute_effsize(one, two, eftype=name), rel=1e-12)


def test_linearization_and_jackknife_agree(people: pd.DataFrame) -> None:
    d = SurveyDesign(people, "w", strata="h", psu="psu")
    ours = effect_size(d, "y", "g")
    again = effect_size(as_replicates(d, "JKn"), "y", "g")
    assert again["estimate"].tolist() == pytest.approx(ours["estimate"].tolist(), rel=1e-12)
    assert again["se"].tolist() == pytest.approx(ours["se"].tolist(), rel=0.02)
    assert ours["se"].iloc[0] > 0.05


def test_weights_missing_answers_and_domains_count(people: pd.DataFrame) -> None:
    odd = people.assign(y=people["y"].where(people.index % 7 > 0))
    ours = effect_size(SurveyDesign(odd, "w").domain(odd["h"] < 4), "y", "g").iloc[0]
    rest = odd[(odd["h"] < 4) & odd["y"].notna()]
    means, spread = {}, 0.0
    for g, part in rest.groupby("g"):
        means[g] = np.average(part["y"], weights=part["w"])
        spread += float((part["w"] * (part["y"] - means[g]) ** 2).sum())
    expected = (means[1] - means[0]) / np.sqrt(spread / rest["w"].sum() * len(rest) / (len(rest) - 2))
    assert ours["estimate"] == pytest.approx(expected, rel=1e-12)
    assert ours["n"] == len(rest)


def test_two_groups_only(people: pd.DataFrame) -> None:
    with pytest.raises(EstimationError):
        effect_size(SurveyDesign(people, "w"), "y", "h")
