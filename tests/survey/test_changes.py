"""What changed: few findings of the table are false, withheld cells leave no trace, charts keep their limits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey import changes
from survey.cleaning import clean
from survey.codebook import Codebook
from survey.disclosure import Releasable, release
from survey.figures import comparisons, levels
from survey.privacy import Protected, protect
from survey.survey_yaml import parse
from survey.tidy import results
from survey.weighting import read_margins, weigh
from tests.small_survey import MARGINS, YAML, frame

MORE = "".join(
    f"  w{k}:\n    file: w{k}.csv\n    fieldwork: {{start: {day}-01, end: {day}-30}}\n"
    for k in range(2, 11)
    for day in [f"{2025 + (k + 1) // 2}-{'04' if k % 2 else '10'}"]
)


def book(**report: Any) -> Codebook:
    """Ten waves, w1 in spring, half a year apart."""
    found = parse(YAML + MORE)
    return found.model_copy(update={"report": found.report.model_copy(update=report)})


def change(p: float, estimate: float = 0.01, **keys: Any) -> dict[str, Any]:
    row = {"survey": "small-town", "wave": "w5", "item": "feels_safe", "statistic": "change", "level": "w4"}
    return row | {"estimate": estimate, "se": 0.01, "df": 60.0, "n": 300.0, "p": p} | keys


def test_the_same_season_a_year_earlier_is_found_by_the_fieldwork() -> None:
    assert (book().year_before("w5"), book().year_before("w4"), book().year_before("w2")) == ("w3", "w2", None)
    assert changes.compared(book(), "w5") == {"before": "w4", "year": "w3"}
    yearly = SimpleNamespace(earlier=lambda _: ["a", "b"], year_before=lambda _: "a")
    assert changes.compared(yearly, "b") == {"before": "a"}  # type: ignore[arg-type]
    assert changes.compared(book(), "w1") == {}


def test_false_findings_are_one_in_twenty_of_all_findings() -> None:
    """200 unchanged cells and 25 that changed, 150 times over: Benjamini & Hochberg promise 5 % × 200/225 at most."""
    rng, rate, power = np.random.default_rng(7), [], []
    for _ in range(150):
        z = np.append(rng.normal(size=200), rng.normal(4.0, 1, 25))
        p = 2 * stats.norm.sf(np.abs(z))
        rows = results([change(each, group=str(k), by="district") for k, each in enumerate(p)])
        found = changes.table(rows, book(), "w5")["q"].to_numpy() < 0.05
        rate.append(found[:200].sum() / max(found.sum(), 1))
        power.append(found[200:].mean())
    assert np.mean(rate) == pytest.approx(0.05 * 200 / 225, abs=0.015)
    assert np.mean(power) > 0.8


@pytest.mark.parametrize("flag", ["suppressed_primary", "suppressed_secondary", "unreliable", "not_asked", "break"])
def test_a_withheld_cell_is_in_no_row_and_moves_no_q(flag: str) -> None:
    plain = [change(0.02), change(0.03, by="sex", group="1")]
    hidden = change(1e-9, -0.4, by="sex", group="2", flag=flag)
    rows = [changes.told(Releasable(results(part), {}), book(equivalence=3.0), "w5").results
            for part in (plain, [*plain, hidden])]  # fmt: skip
    new = [part[part["block"] == "changes"].reset_index(drop=True) for part in rows]
    assert len(new[0]) == 4
    pd.testing.assert_frame_equal(new[0], new[1])


def test_smallness_is_said_only_with_a_margin_and_only_where_the_test_shows_it() -> None:
    rows = results([change(0.9, 0.001), change(0.9, 0.001, by="sex", group="1", se=0.03), change(0.9, 0.0, wave="w4")])
    assert changes.unchanged(rows, book(), "w5").empty
    found = changes.unchanged(rows, book(equivalence=3.0), "w5")
    assert found["by"].tolist() == ["", "sex"]
    assert found["p"].iloc[0] < 0.005 < 0.15 < found["p"].iloc[1]
    assert [changes.margin_of(reason) for reason in found["reason"]] == [3.0, 3.0]


def weighted(plan: Codebook, wave: str, seed: int, n: int, safe: np.ndarray | None = None) -> Protected:
    community = np.arange(n) % 120
    delivery = frame(n=n, seed=seed).assign(community=community.astype(str), district=(community // 40 + 1).astype(str))
    if safe is not None:
        delivery["safe"] = safe
    protected = protect(clean(delivery, plan, wave), plan, wave, bytes(range(32)))
    return weigh(protected, plan, read_margins(MARGINS, wave, "margins.csv"))[0]


def test_a_planted_fall_is_found_and_a_stable_series_stays_quiet() -> None:
    """District East loses 30 points between w4 and w5, the others nothing; then nobody loses anything."""
    plan, quiet = book(), 0
    for seed in range(10):
        # Answers that do not cluster, so that every fall is the planted one.
        rng = np.random.default_rng(1000 + seed)
        waves = {name: weighted(plan, name, 10 * seed + k, 900, np.where(rng.random(900) < 0.75, "1", "2"))
                 for k, name in enumerate(("w3", "w4", "w5"))}  # fmt: skip
        found = _table(waves, plan)
        quiet += int((found["q"] < 0.05).any())
        if seed < 3:
            where = np.arange(900) % 120 < 40
            safe = np.where(rng.random(900) < np.where(where, 0.45, 0.75), "1", "2")
            fallen = _table(waves | {"w5": weighted(plan, "w5", seed, 900, safe)}, plan)
            clear = fallen[(fallen["q"] < 0.05) & (fallen["by"] == "district")]
            assert sorted(zip(clear["group"], clear["level"], strict=True)) == [("1", "w3"), ("1", "w4")]
            assert (clear["estimate"] < -0.15).all()
    assert quiet <= 3  # under no change any finding is a false one: 5 % of 10 expected, 3 or fewer in 99.9 %


def _table(waves: dict[str, Protected], plan: Codebook) -> pd.DataFrame:
    rows = [comparisons(waves, plan), *(levels(wave, plan, name) for name, wave in waves.items())]
    told = changes.told(release(pd.concat(rows, ignore_index=True), {}, plan), plan, "w5").results
    return told[told["statistic"] == "change_in_table"]


def series(values: Any, se: float = 0.01) -> pd.DataFrame:
    keys = {"item": "feels_safe", "statistic": "mean", "se": se, "n": 900.0}
    return results([keys | {"wave": f"w{k}", "estimate": value} for k, value in enumerate(values, 1)])


def test_a_chart_needs_eight_comparable_waves() -> None:
    assert changes.control(series([0.8] * 7), book(), "w7").empty
    assert len(changes.control(series([0.8] * 8), book(), "w8")) == 8
    plan = book()
    waves = plan.waves | {"w3": plan.waves["w3"].model_copy(update={"breaks": {"safe": {"en": "x", "zh": "x"}}})}
    broken = plan.model_copy(update={"waves": waves})
    assert broken.breaks("feels_safe", "w2", "w8")
    assert changes.control(series([0.8] * 9), broken, "w9").empty
    assert changes.control(series([0.8] * 10), broken, "w10")["wave"].tolist() == [f"w{k}" for k in range(3, 11)]


def test_a_chart_of_a_stable_series_seldom_signals_and_of_a_shifted_one_does() -> None:
    rng, false, true, spread = np.random.default_rng(3), 0, 0, 0
    for _ in range(400):
        stable = 0.8 + rng.normal(0, 0.01, 9)
        false += _signals(stable)
        true += _signals(np.append(stable[:8], 0.8 - 0.06))
        spread += _signals(0.8 + rng.normal(0, 0.03, 9))  # waves differ by three times their sampling error
    assert (
        false <= 8
    )  # 0.27 % of normal values lie beyond 3 SE; a centre of eight waves and a clipped spread allow more
    assert true > 380
    assert spread <= 40  # a plain p-chart would signal in 34 % of them


def _signals(values: Any) -> bool:
    low, high = changes.limits(values, [0.01] * len(values))[1][-1]
    return bool(values[-1] < low or values[-1] > high)


def test_eight_waves_in_a_row_on_one_side_are_named() -> None:
    found = changes.control(series([0.70, 0.83, 0.83, 0.83, 0.83, 0.83, 0.83, 0.83, 0.835], se=0.06), book(), "w9")
    assert found["reason"].tolist() == [""] * 8 + [changes.ONE_SIDED]
