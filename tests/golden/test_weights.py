"""Weights by every method against R's survey package, and the variance that knows of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey import estimate
from survey.codebook import Codebook
from survey.figures import design_of
from survey.privacy import Protected
from survey.survey_yaml import parse
from survey.weighting import Margins, calibrate, cut, poststratify, rake, weigh
from tests.golden.calls import HERE
from tests.small_survey import YAML

GOLDEN: dict[str, Any] = json.loads((HERE / "weights.json").read_text())
SEX = {"1": 3000.0, "2": 3300.0}
DISTRICT = {"1": 2400.0, "2": 2100.0, "3": 1800.0}
CELLS = {"1:1": 1200.0, "2:1": 1200.0, "1:2": 1000.0, "2:2": 1100.0, "1:3": 800.0, "2:3": 1000.0}
TOTALS: dict[str, Any] = {"sex": SEX, "district": DISTRICT, "adults": 13500.0}


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    frame = pd.read_csv(HERE / "weights.csv")
    return frame.assign(**{name: pd.Categorical(frame[name].astype(str)) for name in ("sex", "district")})


def read_only(frame: pd.DataFrame) -> np.ndarray:
    base = frame["w"].to_numpy().copy()
    base.flags.writeable = False
    return base


METHODS: dict[str, Any] = {
    "poststratify": lambda f, w: poststratify(f, w, "sex:district", CELLS),
    "rake": lambda f, w: rake(f, w, {"sex": SEX, "district": DISTRICT}, 1e-13)[0],
    "linear": lambda f, w: calibrate(f, w, TOTALS),
    "raking": lambda f, w: calibrate(f, w, TOTALS, distance="raking"),
    "logit": lambda f, w: calibrate(f, w, TOTALS, (0.6, 2.2), "logit"),
    "linear_bounded": lambda f, w: calibrate(f, w, TOTALS, (0.95, 1.55)),
    "raking_bounded": lambda f, w: calibrate(f, w, TOTALS, (0.95, 1.55), "raking"),
    "trimmed_strict": lambda f, w: cut(w, 8, 45, "even"),
}


@pytest.mark.parametrize("method", METHODS)
def test_weights_as_r_gives_them(people: pd.DataFrame, method: str) -> None:
    before = people.copy()
    weights = METHODS[method](people, read_only(people))
    assert weights[:24] == pytest.approx(GOLDEN[method]["weights"], rel=1e-8)
    assert [weights.sum(), (weights**2).sum()] == pytest.approx(GOLDEN[method]["sums"], rel=1e-8)
    pd.testing.assert_frame_equal(people, before)


SETTINGS: dict[str, dict[str, Any]] = {
    "poststratify": {"poststratify": "sex:district"},
    "linear": {"calibrate": {"to": ["sex", "district", "adults"]}},
    "raking": {"calibrate": {"to": ["sex", "district", "adults"], "distance": "raking"}},
    "logit": {"calibrate": {"to": ["sex", "district", "adults"], "distance": "logit", "bounds": [0.6, 2.2]}},
    "linear_bounded": {"calibrate": {"to": ["sex", "district", "adults"], "bounds": [0.95, 1.55]}},
}


def book(weighting: dict[str, Any]) -> Codebook:
    yaml = YAML.replace("  weight_in:", "  adults: {kind: number, range: [1, 9]}\n  weight_in:")
    yaml = yaml.replace("privacy: {", "privacy: {exact: {adults: {zh: 校准, en: calibration}}, ")
    return parse(yaml.replace("weighting: {base: weight_in, rake: [sex, district]}", f"weighting: {weighting}"))


@pytest.mark.parametrize("method", SETTINGS)
def test_the_variance_knows_the_method(people: pd.DataFrame, method: str) -> None:
    frame = people.rename(columns={"w": "base_weight"})
    margins = Margins({"sex": SEX, "district": DISTRICT, "sex:district": CELLS, "adults": {"": 13500.0}})
    settings = book(SETTINGS[method])
    weighted, facts = weigh(Protected(frame, pd.DataFrame(index=frame.index), {}), settings, margins)
    row = estimate.mean(design_of(weighted, settings), "safe").iloc[0]
    assert [row["estimate"], row["se"]] == pytest.approx(GOLDEN[method]["mean"], rel=1e-8)
    assert json.loads(json.dumps(facts)) == facts


def test_the_answers_name_their_source() -> None:
    assert GOLDEN["r"].startswith("R version")
    assert GOLDEN["survey"] == "4.1.1"
