"""Relative importance against all orders of entry by statsmodels, numerical derivatives, jackknife and simulation."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from survey import drivers, estimate
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import KEY, vcov

X = ["a", "b", "c", "g"]


def answers(seed: int = 1, psus: int = 60, each: int = 8) -> pd.DataFrame:
    """Answers in communities of two strata; a and b are correlated, g has three unordered categories."""
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(psus), each)
    n = len(psu)
    a = rng.normal(size=n) + 0.5 * rng.normal(size=psus)[psu]
    b = 0.6 * a + rng.normal(size=n)
    c = (rng.uniform(size=n) < 0.4).astype(float)
    g = rng.integers(0, 3, n)
    y = (
        a
        + 0.5 * b
        + 0.8 * c
        + np.array([0.0, 0.5, -0.5])[g]
        + 0.4 * rng.normal(size=psus)[psu]
        + 1.5 * rng.normal(size=n)
    )
    return pd.DataFrame({
        "y": y, "a": a, "b": b, "c": c, "g": np.array(["x", "y", "z"])[g], "psu": psu, "h": psu % 2,
        "w": rng.uniform(1, 4, n),
    })  # fmt: skip


def test_parts_are_the_mean_gain_over_all_orders_of_entry() -> None:
    frame = answers()
    r2: dict[frozenset[str], float] = {frozenset(): 0.0}

    def fitted(chosen: frozenset[str]) -> float:
        if chosen not in r2:
            r2[chosen] = smf.wls("y ~ " + " + ".join(chosen), frame, weights=frame["w"]).fit().rsquared
        return r2[chosen]

    orders = list(permutations(X))
    gain = dict.fromkeys(X, 0.0)
    for order in orders:
        for k, name in enumerate(order):
            before = frozenset(order[:k])
            gain[name] += (fitted(before | {name}) - fitted(before)) / len(orders)
    rows = drivers.importance(SurveyDesign(frame, "w", psu="psu"), "y", X).set_index(["statistic", "item"])["estimate"]
    assert rows["importance"].to_dict() == pytest.approx(gain)
    assert rows[("r2", "y")] == pytest.approx(fitted(frozenset(X)))
    assert rows["importance"].sum() == pytest.approx(rows[("r2", "y")])
    assert rows["importance_share"].sum() == pytest.approx(1)


def test_influences_are_the_derivatives_by_each_weight() -> None:
    frame = answers(psus=10, each=4)
    table = drivers.importance(SurveyDesign(frame, "w"), "y", X).attrs[KEY].table

    def at(w: pd.Series) -> np.ndarray:
        return drivers.importance(SurveyDesign(frame.assign(w=w), "w"), "y", X)["estimate"].to_numpy()

    for row in (0, 7, 25):
        step = 1e-5 * (np.arange(len(frame)) == row)
        slope = (at(frame["w"] * (1 + step)) - at(frame["w"] * (1 - step))) / 2e-5
        assert table[row] == pytest.approx(slope, abs=1e-8)
    assert table.sum(axis=0) == pytest.approx(np.zeros(9), abs=1e-12)


def test_standard_errors_are_those_of_the_jackknife() -> None:
    frame = answers(psus=60)
    d = SurveyDesign(frame, "w", strata="h", psu="psu")
    rows = drivers.importance(d, "y", X)

    def without(psu: int) -> np.ndarray:
        rest = frame[frame["psu"] != psu]
        return drivers.importance(SurveyDesign(rest, "w", strata="h", psu="psu"), "y", X)["estimate"].to_numpy()

    left_out = np.array([without(psu) for psu in range(60)])
    variance = sum(29 / 30 * ((left_out[h::2] - left_out[h::2].mean(axis=0)) ** 2).sum(axis=0) for h in (0, 1))
    assert rows["se"].to_numpy() / np.sqrt(variance) == pytest.approx(np.ones(9), abs=0.08)
    assert rows["df"].tolist() == [58.0] * 9
    assert rows["psus"].tolist() == [60.0] * 9
    assert vcov(rows).diagonal() == pytest.approx((rows["se"] ** 2).to_numpy())


def test_replicate_weights_repeat_the_estimate() -> None:
    frame = answers(psus=12)
    factors = (frame["psu"].to_numpy()[:, None] != np.arange(12)) * 12 / 11
    d = SurveyDesign(frame, "w", replicates=factors, method="JK1", combined=False)
    se = drivers.importance(d, "y", ["a", "b"])["se"]
    parts = [SurveyDesign(frame[frame["psu"] != k], "w") for k in range(12)]
    left_out = np.array([drivers.importance(part, "y", ["a", "b"])["estimate"] for part in parts])
    assert (se**2).tolist() == pytest.approx((11 * left_out.var(axis=0)).tolist())


def test_intervals_cover_the_population() -> None:
    people = answers(seed=5, psus=4000)
    truth = drivers.importance(SurveyDesign(people.assign(w=1.0), "w"), "y", X)["estimate"].to_numpy()
    rng, covered = np.random.default_rng(6), []
    place = np.arange(len(people)).reshape(4000, 8)
    for _ in range(200):
        drawn = people.iloc[place[rng.choice(4000, 80, replace=False)].ravel()].assign(w=1.0)
        rows = drivers.importance(SurveyDesign(drawn, "w", psu="psu"), "y", X)
        covered.append((rows["ci_low"] <= truth) & (truth <= rows["ci_high"]))
    # Nine figures of 200 samples: the Monte Carlo error of their mean is about 1 %.
    assert 0.92 <= np.mean(covered) <= 0.975, np.mean(covered, axis=0)


def test_a_driver_without_any_part_is_marked() -> None:
    rng, p = np.random.default_rng(8), []
    for seed in range(100):
        frame = answers(seed=seed).assign(noise=rng.normal(size=480))
        rows = drivers.importance(SurveyDesign(frame, "w", psu="psu"), "y", ["a", "g", "noise"])
        strong, weak = rows.iloc[1], rows.iloc[3]
        assert strong["reason"] == ""
        assert (weak["reason"] != "") == (weak["p"] >= 0.05)
        p.append(weak["p"])
    assert np.mean(np.array(p) < 0.05) <= 0.12
    frame = answers()
    d = SurveyDesign(frame, "w", psu="psu")
    row = drivers.importance(d, "y", ["a", "c"]).iloc[2]
    r = estimate.correlation(d, ["y", "c"]).iloc[1]
    t = r["estimate"] / r["se"]
    assert row["p"] == pytest.approx(2 * stats.t.sf(abs(t), 59))


def test_twelve_drivers_are_shared_out_exactly() -> None:
    rng = np.random.default_rng(2)
    half = rng.normal(size=(13, 40))
    r = np.asarray(np.corrcoef(half))
    found = drivers.lmg(r)
    assert found.parts.sum() == pytest.approx(found.r2)
    assert found.r2 == pytest.approx(1 - 1 / np.linalg.inv(r)[0, 0])
    apart = np.eye(13)
    apart[0, 1:] = apart[1:, 0] = 0.2
    assert drivers.lmg(apart).parts == pytest.approx(np.full(12, 0.04))


def test_a_domain_keeps_the_design() -> None:
    frame = answers()
    d = SurveyDesign(frame, "w", strata="h", psu="psu")
    inside = drivers.importance(d.domain("c == 1"), "y", ["a", "b"])
    alone = drivers.importance(SurveyDesign(frame[frame["c"] == 1], "w", strata="h", psu="psu"), "y", ["a", "b"])
    assert inside["estimate"].tolist() == pytest.approx(alone["estimate"].tolist())
    gaps = frame.assign(a=frame["a"].where(frame["c"] == 1))
    missing = drivers.importance(SurveyDesign(gaps, "w", strata="h", psu="psu"), "y", ["a", "b"])
    assert missing["se"].tolist() == pytest.approx(inside["se"].tolist())


def test_the_table_says_where_acting_would_pay() -> None:
    rng = np.random.default_rng(4)
    n = 3000
    a, b = rng.integers(1, 6, n), rng.integers(0, 2, n)
    y = 5.0 - a + 0.2 * b + rng.normal(size=n)
    frame = pd.DataFrame({"y": y, "a": np.maximum(a, 3), "b": b, "w": 1.0})
    frame["a"] = pd.Categorical(frame["a"].astype(str), ordered=True)
    rows = drivers.quadrants(SurveyDesign(frame, "w"), "y", ["a", "b"], {"a": (5, 1)})
    assert rows["item"].tolist() == ["a", "b", "a", "b"]
    assert rows["group"].tolist() == ["concentrate", "overkill"] * 2
    score = frame["a"].astype(int)
    assert rows["estimate"].iloc[2] == pytest.approx((5 - score.mean()) / 4)
    assert (rows["p"] < 0.05).all()
    assert (rows["reason"] == "").all()
    few = drivers.quadrants(SurveyDesign(frame.head(12), "w"), "y", ["a", "b"], {"a": (5, 1)})
    assert few["reason"].str.contains("not clearly").any()


@pytest.mark.parametrize(
    ("change", "x", "words"),
    [
        (lambda frame: frame.assign(b=2 * frame["a"]), ["a", "b"], "not independent"),
        (lambda frame: frame.assign(b=1.0), ["a", "b"], "does not vary"),
        (lambda frame: frame.assign(g="x"), ["a", "g"], "does not vary"),
        (lambda frame: frame.assign(a=frame["a"].where(frame.index < 3)), ["a", "b"], "Too few respondents"),
        (lambda frame: frame, ["a", "nothing"], "not in the data"),
        (
            lambda frame: frame.assign(**{f"x{k}": frame["a"] for k in range(15)}),
            [f"x{k}" for k in range(15)],
            "too many",
        ),
    ],
)
def test_what_has_no_parts_is_refused(change: Callable[[pd.DataFrame], pd.DataFrame], x: list[str], words: str) -> None:
    with pytest.raises(EstimationError, match=words):
        drivers.importance(SurveyDesign(change(answers()), "w"), "y", x)


def test_a_driver_without_a_range_has_no_performance() -> None:
    with pytest.raises(EstimationError, match="worst and the best"):
        drivers.quadrants(SurveyDesign(answers(), "w"), "y", ["a", "c"])


def test_the_worked_example_of_the_methods_page_holds() -> None:
    page = Path(__file__).parents[2] / "docs" / "methods" / "drivers.md"
    assert doctest.testfile(str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0


@pytest.mark.parametrize(("x", "text"), [(["y", "a"], "among its drivers"), ([], "no drivers")])
def test_the_outcome_is_no_driver_of_itself(x: list[str], text: str) -> None:
    d = SurveyDesign(pd.DataFrame({"y": [1.0, 2, 3, 5], "a": [0, 0, 1, 1], "w": 1.0}), "w")
    with pytest.raises(EstimationError, match=text):
        drivers.importance(d, "y", x)
