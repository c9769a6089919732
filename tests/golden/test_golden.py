"""Every golden number of R's survey package against this project's engine, to 8 significant digits."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from survey.design import SurveyDesign
from tests.golden.calls import CALLS, DESIGNS, HERE
from tests.oracle.check import relative_error

GOLDEN: dict[str, Any] = json.loads((HERE / "golden.json").read_text())
CASES: dict[str, dict[str, Any]] = {case["name"]: case for case in GOLDEN["cases"]}


@cache
def design(name: str) -> SurveyDesign:
    return DESIGNS[name]()


DIFFERENT = {
    "lonely_adjust: total of victim": "survey 4.1 centres a lonely total at zero, 4.5 (our reference) at the mean",
}
MARKED = [
    pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=DIFFERENT[name])) if name in DIFFERENT else name
    for name in CASES
]


@pytest.mark.parametrize("name", MARKED)
def test_as_r_answers(name: str) -> None:
    of, _, what = name.partition(": ")
    got, expected = CALLS[what](design(of)), CASES[name]["values"]
    for key, wanted in expected.items():
        wanted = [np.nan if value is None else value for value in wanted]
        off = relative_error(got[key], wanted)
        assert off <= 1e-8, f"{key} is off by {off:.2g}: {np.ravel(got[key])}, not {wanted}; {CASES[name]['call']}"


def test_at_least_400_numbers_are_compared() -> None:
    numbers = [v for case in CASES.values() for values in case["values"].values() for v in values if v is not None]
    assert len(numbers) >= 400
    assert len(CASES) == len(GOLDEN["cases"])


def test_every_question_has_an_answer_of_r() -> None:
    asked = [name.partition(": ") for name in CASES]
    assert {what for _, _, what in asked} == set(CALLS)
    assert {of for of, _, _ in asked} == set(DESIGNS)


def test_the_answers_name_their_source() -> None:
    assert re.match(r"R version \d+\.\d+\.\d+", GOLDEN["r"])
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?", GOLDEN["survey"])
