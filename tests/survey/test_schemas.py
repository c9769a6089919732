"""Frames that a stage should not have handed on are stopped, and told without a value."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pandas as pd
import pytest

from survey.privacy import protect
from survey.schemas import FrameError, Stage, guard
from survey.survey_yaml import parse
from survey.tidy import results
from tests.survey.test_cleaning import YAML, cleaned
from tests.survey.test_rules import row

BOOK = parse(YAML.replace("required: true", "required: false"))
Change = Callable[[pd.DataFrame], pd.DataFrame]


def frames() -> dict[Stage, pd.DataFrame]:
    clean = cleaned([row(), row(id="b", age="40")])
    protected = protect(clean, BOOK, "w1", bytes(range(32))).frame
    return {
        "delivered": pd.DataFrame({"A": ["1", ""], "名": ["王芳", "李"]}, dtype="str"),
        "cleaned": clean.frame,
        "protected": protected,
        "weighted": protected.assign(weight=1.0),
        "results": results([{"item": "safe", "estimate": 0.5, "ci_low": 0.4, "ci_high": 0.6}]),
    }


def test_what_the_stages_hand_on_is_as_it_should_be() -> None:
    for stage, frame in frames().items():
        assert guard(frame, stage, BOOK) is frame


@pytest.mark.parametrize(
    ("stage", "change", "expected"),
    [
        ("delivered", lambda frame: frame.assign(A=[1.5, 2.5]), "text"),
        ("cleaned", lambda frame: frame.assign(age=[30.0, 999.0]), "a number in the range"),
        ("cleaned", lambda frame: frame.assign(safe=["1", "王芳"]), "a level of the scale"),
        ("cleaned", lambda frame: frame.assign(**{"worry=1": [0.0, 2.0]}), "0, 1 or nothing"),
        ("cleaned", lambda frame: frame.drop(columns="victim"), "the columns of this stage"),
        ("cleaned", lambda frame: frame.assign(started="2026-01-05"), "a moment"),
        ("protected", lambda frame: frame.assign(phone="13800138000"), "the columns of this stage"),
        ("protected", lambda frame: frame.assign(started=pd.Timestamp(2026, 1, 5)), "the columns of this stage"),
        ("protected", lambda frame: frame.set_index(pd.Index([7, 9])), "rows counted anew"),
        ("weighted", lambda frame: frame.assign(weight=[-1.0, 1.0]), "a weight of zero"),
        ("weighted", lambda frame: frame.drop(columns="weight"), "the columns of this stage"),
        ("results", lambda frame: frame.assign(flag="fine"), "a known flag"),
        ("results", lambda frame: frame.assign(ci_low=0.9), "an interval whose ends"),
        ("results", lambda frame: frame.assign(estimate="0.5"), "a number"),
    ],
)
def test_another_frame_is_stopped_without_its_values(stage: Stage, change: Change, expected: str) -> None:
    with pytest.raises(FrameError) as stop:
        guard(change(frames()[stage]), stage, BOOK)
    told = stop.value.describe()
    assert f"expected: {expected}" in told
    assert stop.value.__context__ is None
    for secret in ("13800138000", "王芳", "999", "2026-01-05"):
        assert secret not in told


def test_pandera_is_not_loaded_before_a_frame_is_guarded() -> None:
    script = (
        "import sys, survey.schemas, survey.cleaning\nassert not [m for m in sys.modules if m.startswith('pandera')]"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)
