"""One pass over the rows must give what the single calls give, on every kind of item, breakdown and design."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey import estimate
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation import battery
from survey.estimation.groups import grouped

BREAKDOWNS = [None, "sex", "area", ["sex", "area"]]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    chance = np.random.default_rng(7)
    n = 900
    psu = chance.integers(0, 40, n)
    answer = chance.integers(0, 4, n)
    return pd.DataFrame({
        "psu": psu, "h": psu // 10, "w": np.where(chance.random(n) < 0.03, 0.0, chance.uniform(0.5, 3, n)),
        "sex": pd.Categorical.from_codes(chance.integers(-1, 2, n), ["f", "m"]),
        "area": chance.choice(["east", "north", "west"], n),
        "likert": pd.Categorical.from_codes(np.where(answer == 2, 1, answer - (chance.random(n) < 0.1) * (answer == 0)),
                                            [1, 2, 3, 4, 5], ordered=True),
        "yes": np.where(chance.random(n) < 0.1, np.nan, chance.integers(0, 2, n)),
        "flag": chance.random(n) < 0.4, "score": chance.integers(1, 8, n),
        "never": pd.Categorical.from_codes(np.full(n, -1), [1, 2]), "word": chance.choice(["a", "b"], n),
    })  # fmt: skip


def single(d: SurveyDesign, items: list[str], statistic: str) -> pd.DataFrame:
    one = estimate.proportion if statistic == "share" else estimate.mean
    parts = [one(d, items, by) for by in BREAKDOWNS]
    for part in parts:
        part.attrs = {}
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("weights", ["w", None])
@pytest.mark.parametrize("statistic", ["share", "mean"])
def test_a_battery_equals_its_single_calls(frame: pd.DataFrame, statistic: str, weights: str | None) -> None:
    d = SurveyDesign(frame, weights, "h", "psu").domain(frame["score"] > 1)
    items = ["likert", "yes", "flag", "score", "never", *(["word"] if statistic == "share" else [])]
    assert battery.suited(d, 12)
    found = estimate.battery(d, items, BREAKDOWNS, statistics=[statistic])  # type: ignore[list-item]
    pd.testing.assert_frame_equal(found, single(d, items, statistic), rtol=1e-11, atol=1e-14)


def test_a_table_too_large_to_hold_is_taken_in_parts(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    d = SurveyDesign(frame, "w", "h", "psu")
    whole = estimate.battery(d, ["likert", "yes", "score"], BREAKDOWNS)
    monkeypatch.setattr(battery, "TABLE", 60)
    pd.testing.assert_frame_equal(estimate.battery(d, ["likert", "yes", "score"], BREAKDOWNS), whole, check_exact=True)


def test_tables_of_parts_of_the_rows_add_up(frame: pd.DataFrame) -> None:
    """What a cluster of machines relies on: whole = sum of the tables of any split of the rows."""
    d = SurveyDesign(frame, "w", "h", "psu")
    groups = [grouped(frame, by) for by in BREAKDOWNS]
    scales = [battery.scale_of(frame[item]) for item in ("likert", "yes")]
    part = np.arange(len(frame)) % 3

    def table(of: SurveyDesign) -> tuple[np.ndarray, np.ndarray]:
        rows = battery.Rows.of(of, groups)
        return battery.unit_table(rows, *battery._answers(rows, scales), slice(0, len(groups)))

    tables, whole = [table(d.domain(part == k)) for k in range(3)], table(d)
    np.testing.assert_allclose(sum(table for table, _ in tables), whole[0], rtol=1e-12)
    np.testing.assert_array_equal(sum(count for _, count in tables), whole[1])


def test_the_order_of_the_rows_changes_no_figure(frame: pd.DataFrame) -> None:
    shuffled = frame.sample(frac=1, random_state=3).reset_index(drop=True)
    a, b = (
        estimate.battery(SurveyDesign(f, "w", "h", "psu"), ["likert", "yes"], BREAKDOWNS) for f in (frame, shuffled)
    )
    pd.testing.assert_frame_equal(a, b, rtol=1e-10)


def test_designs_whose_variance_is_more_than_a_sum_take_the_single_calls(frame: pd.DataFrame) -> None:
    alone = frame.assign(h=frame["h"].where(frame["psu"] != 0, 99))
    d = SurveyDesign(alone, "w", "h", "psu", lonely_psu="adjust")
    assert not battery.suited(d, 12)
    found = estimate.battery(d, ["likert", "yes"], BREAKDOWNS, statistics=["share"])
    pd.testing.assert_frame_equal(found, single(d, ["likert", "yes"], "share"), check_exact=True)


def test_a_mean_of_words_is_refused(frame: pd.DataFrame) -> None:
    with pytest.raises(EstimationError, match="not numbers"):
        estimate.battery(SurveyDesign(frame, "w", "h", "psu"), "word", [None], statistics=["mean"])
