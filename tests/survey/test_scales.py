"""Indices and reliability against R, pingouin at equal weights, jackknife replicates and numeric derivatives."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.words import translator
from survey import compare, estimate, scales
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.factor import omega_of, omega_slope, one_factor
from survey.resample import as_replicates
from tests.oracle.check import relative_error

HERE = Path(__file__).parents[1] / "golden"
GOLDEN = json.loads((HERE / "scales.json").read_text())
ITEMS = [f"q{k}" for k in range(1, 6)]


@pytest.fixture(scope="module")
def d() -> SurveyDesign:
    frame = pd.read_csv(HERE / "scales.csv")
    return SurveyDesign(frame.assign(area=frame["psu"] % 3), "w", "stratum", "psu")


def test_every_number_is_the_one_of_r(d: SurveyDesign) -> None:
    found = {
        "index": scales.index(d, ITEMS, ends=(1, 5)), "index_by_area": scales.index(d, ITEMS, "area", ends=(1, 5)),
        "alpha": scales.alpha(d, ITEMS), "svycralpha": scales.alpha(d, ITEMS), "item_rest": scales.item_rest(d, ITEMS),
        "omega": scales.omega(d, ITEMS),
    }  # fmt: skip
    assert set(found) == set(GOLDEN) - {"r", "survey"}
    for name, rows in found.items():
        for key, column in (("est", "estimate"), ("se", "se")):
            if key in GOLDEN[name]:  # factanal stops at 1e-9
                assert relative_error(rows[column], GOLDEN[name][key]) < (1e-8 if name != "omega" else 1e-7), name


def test_alpha_at_equal_weights_is_that_of_pingouin_and_near_its_interval(d: SurveyDesign) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pingouin

    value, (low, high) = pingouin.cronbach_alpha(d.frame[ITEMS], nan_policy="listwise")
    row = scales.alpha(SurveyDesign(d.frame), ITEMS).iloc[0]
    assert row["estimate"] == pytest.approx(value, rel=1e-12)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), abs=0.01)  # Feldt's takes normal answers


def test_omega_is_that_of_statsmodels_factor(d: SurveyDesign) -> None:
    from statsmodels.multivariate.factor import Factor

    full = d.frame[ITEMS].dropna()
    S = np.cov(full, rowvar=False)
    scale = np.sqrt(np.diag(S))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = Factor(corr=np.corrcoef(full, rowvar=False), n_factor=1, method="ml", nobs=len(full)).fit()
    common = float((scale * fit.loadings[:, 0]).sum()) ** 2
    row = scales.omega(SurveyDesign(d.frame), ITEMS)
    assert row["estimate"].iloc[0] == pytest.approx(common / (common + (scale**2 * fit.uniqueness).sum()), abs=1e-5)
    assert np.abs(fit.loadings[:, 0]) == pytest.approx(row.attrs["loadings"], abs=1e-4)


def test_the_slope_of_omega_is_its_numeric_derivative(d: SurveyDesign) -> None:
    S = np.cov(d.frame[ITEMS].dropna(), rowvar=False)
    slope = omega_slope(S, one_factor(S)).reshape(5, 5)
    for i, j in [(0, 0), (0, 1), (2, 4), (3, 3)]:
        move = np.zeros((5, 5))
        move[i, j] = move[j, i] = 1e-5
        numeric = (omega_of(one_factor(S + move)) - omega_of(one_factor(S - move))) / 2e-5
        assert (slope * (move > 0)).sum() == pytest.approx(numeric, rel=1e-6)


@pytest.mark.parametrize("statistic", [scales.alpha, scales.omega, scales.item_rest])
def test_the_jackknife_agrees_with_the_linearized_error(d: SurveyDesign, statistic) -> None:  # type: ignore[no-untyped-def]
    direct, replicated = statistic(d, ITEMS), statistic(as_replicates(d, "JKn"), ITEMS)
    assert replicated["estimate"].to_numpy() == pytest.approx(direct["estimate"].to_numpy(), rel=1e-10)
    assert replicated["se"].to_numpy() == pytest.approx(direct["se"].to_numpy(), rel=0.03)


def test_equal_items_measure_alike_by_alpha_and_omega() -> None:
    """Tau-equivalent items: alpha is omega; loadings .8, .7, .6 have ω = 2.1²/(2.1² + 1.51)."""
    parallel = np.full((4, 4), 0.5) + 0.5 * np.eye(4)
    assert omega_of(one_factor(parallel)) == pytest.approx(4 / 3 * (1 - 4 / parallel.sum()))
    loadings = np.array([0.8, 0.7, 0.6])
    congeneric = np.outer(loadings, loadings) + np.diag(1 - loadings**2)
    assert omega_of(one_factor(congeneric)) == pytest.approx(2.1**2 / (2.1**2 + 1.51))


def test_a_reversed_item_counts_the_other_way(d: SurveyDesign) -> None:
    turned = d.assign(q2=6 - d.frame["q2"])
    for same in (scales.alpha, scales.omega, scales.item_rest):
        straight, back = same(d, ITEMS), same(turned, ITEMS, reverse=["q2"])
        assert back[["estimate", "se"]].to_numpy() == pytest.approx(straight[["estimate", "se"]].to_numpy())
    assert scales.item_rest(turned, ITEMS)["estimate"].iloc[1] < 0
    both = [scales.index(each, ITEMS, ends=(1, 5), reverse=r)["estimate"] for each, r in ((d, []), (turned, ["q2"]))]
    assert both[0].tolist() == pytest.approx(both[1].tolist())


def test_the_rule_for_partial_answers() -> None:
    frame = pd.DataFrame({"a": [1, 1, 1, np.nan], "b": [5, 5, np.nan, np.nan], "c": [5, np.nan, np.nan, np.nan]})
    half = scales.scored(frame, ["a", "b", "c"], ends=(1, 5))
    assert half.tolist() == pytest.approx([200 / 3, 50, np.nan, np.nan], nan_ok=True)
    assert scales.scored(frame, ["a", "b", "c"], ends=(1, 5), minimum=1).notna().tolist() == [True, False, False, False]
    assert scales.scored(frame, ["a", "b", "c"], ends=(1, 5), minimum=0).notna().tolist() == [True, True, True, False]


def test_categories_know_their_ends_although_nobody_chose_them() -> None:
    codes = pd.Series(pd.Categorical(["2", "3"], categories=list("12345")))
    words = pd.Series(pd.Categorical(["low", "mid"], categories=["low", "mid", "high"], ordered=True))
    frame = pd.DataFrame({"codes": codes, "words": words})
    assert scales.scored(frame, ["codes"]).tolist() == [25, 50]
    assert scales.scored(frame, ["words"]).tolist() == [0, 50]


def test_a_domain_keeps_the_design_and_an_empty_one_is_labelled(d: SurveyDesign) -> None:
    inside = scales.index(d.domain(d.frame["area"] == 1), ITEMS, ends=(1, 5)).iloc[0]
    by_group = scales.index(d, ITEMS, "area", ends=(1, 5)).iloc[1]
    assert (inside["estimate"], inside["se"]) == pytest.approx((by_group["estimate"], by_group["se"]))
    empty = scales.index(d.assign(**dict.fromkeys(ITEMS, np.nan)), ITEMS, ends=(1, 5)).iloc[0]
    assert np.isnan(empty["estimate"])
    assert empty["reason"] == "no answers in this group"


def test_the_change_of_an_index_is_a_change_of_means(d: SurveyDesign) -> None:
    safe = d.assign(sense=scales.scored(d.frame, ITEMS, ends=(1, 5)))
    change = compare.change(safe, safe.assign(sense=safe.frame["sense"] + 1), "sense").iloc[0]
    assert (change["estimate"], change["se"]) == pytest.approx((1.0, 0.0), abs=1e-9)
    assert estimate.mean(safe, "sense")["estimate"].iloc[0] == pytest.approx(GOLDEN["index"]["est"][0])


def test_what_is_no_scale_is_refused(d: SurveyDesign) -> None:
    for match, call in {
        "ends": lambda: scales.index(d, ITEMS),
        "beyond": lambda: scales.index(d, ITEMS, ends=(1, 4)),
        "reverses": lambda: scales.alpha(d, ITEMS, reverse=["other"]),
        "too few": lambda: scales.omega(d, ITEMS[:2]),
        "does not vary": lambda: scales.alpha(d.assign(q1=3.0), ITEMS),
        "One factor": lambda: scales.omega(d.assign(q2=d.frame["q1"]), ITEMS),
        "not in the data": lambda: scales.alpha(d, ["q1", "nothing"]),
    }.items():
        with pytest.raises(EstimationError, match=match):
            call()


def test_items_that_cancel_are_refused_with_a_hint() -> None:
    x = np.arange(10.0) % 5
    d = SurveyDesign(pd.DataFrame({"x": x, "back": -x, "c": (np.arange(10.0) ** 2) % 7, "w": 1.0}), "w")
    with pytest.raises(EstimationError, match="reverse the items") as refused:
        scales.alpha(d, ["x", "back"])
    assert refused.value.describe(translator("zh")).startswith("各题目之和没有变化")
    assert scales.alpha(d, ["x", "back"], reverse=["back"])["estimate"].iloc[0] == pytest.approx(1)
    with pytest.raises(EstimationError) as refused:
        scales.omega(d, ["x", "back", "c"])
    assert "题目之间线性相关" in refused.value.describe(translator("zh"))
    rows = scales.item_rest(d, ["x", "back", "c"])
    assert rows["estimate"].isna().tolist() == [False, False, True]
    assert rows["reason"].tolist() == ["", "", "the other items' sum does not vary"]
