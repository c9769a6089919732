"""The Fay–Herriot model against published results, a grid of the likelihood, and a simulation of its errors."""

from __future__ import annotations

import doctest
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulation.city import build
from simulation.sample import sample_frame
from survey import estimate, smallarea
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.tidy import results

ITEM = "a1_safe_now"

# Expenditure on fresh milk in 43 areas (Arora & Lahiri 1997; major areas of You & Chapman 2006; data "milk" of R's
# sae): direct estimate, its standard error, major area; then EBLUP and MSE by mseFH(yi ~ factor(MajorArea), SD^2), REML
# at its default precision of 1e-4, as the tests of samplics give them.
MILK = pd.read_csv(StringIO("""y sd major eblup mse
1.099 0.163 1 1.0219703 0.013460220
1.075 0.080 1 1.0476018 0.005372876
1.105 0.083 1 1.0679513 0.005701990
0.628 0.109 1 0.7608170 0.008541740
0.753 0.119 1 0.8461574 0.009579594
0.981 0.141 1 0.9743727 0.011670632
1.257 0.202 1 1.0584523 0.015926137
1.095 0.127 2 1.0977762 0.010586518
1.405 0.168 2 1.2215449 0.014184043
1.356 0.178 2 1.1951455 0.014901472
0.615 0.100 2 0.7852155 0.007694262
1.460 0.201 2 1.2139456 0.016336469
1.338 0.148 2 1.2096593 0.012562726
0.854 0.143 2 0.9834967 0.012117378
1.176 0.149 3 1.1864247 0.012031229
1.111 0.145 3 1.1556982 0.011709147
1.257 0.135 3 1.2263411 0.010859780
1.430 0.172 3 1.2856486 0.013690860
1.278 0.137 3 1.2363247 0.011034674
1.292 0.163 3 1.2349600 0.013079686
1.002 0.125 3 1.0903019 0.009948636
1.183 0.247 3 1.1923057 0.017243977
1.044 0.140 3 1.1216470 0.011292325
1.267 0.171 3 1.2230296 0.013625297
1.193 0.106 3 1.1938054 0.008065787
0.791 0.121 4 0.7627195 0.009205133
0.795 0.121 4 0.7649550 0.009205133
0.759 0.259 4 0.7338443 0.016476912
0.796 0.106 4 0.7699294 0.007800626
0.565 0.089 4 0.6134418 0.006098668
0.886 0.225 4 0.7695558 0.015441564
0.952 0.205 4 0.7958250 0.014657866
0.807 0.119 4 0.7723187 0.009024699
0.582 0.067 4 0.6102302 0.003870786
0.684 0.106 4 0.7001782 0.007800626
0.787 0.126 4 0.7592787 0.009646139
0.440 0.092 4 0.5298867 0.006404335
0.759 0.132 4 0.7434466 0.010155645
0.770 0.100 4 0.7548996 0.007209937
0.800 0.113 4 0.7701918 0.008470277
0.756 0.083 4 0.7481164 0.005484860
0.865 0.121 4 0.8040773 0.009205133
0.640 0.129 4 0.6810870 0.009903626
"""), sep=" ")  # fmt: skip


def milk() -> smallarea.AreaModel:
    x = np.column_stack([np.ones(43), *[MILK["major"] == k for k in (2, 3, 4)]])
    return smallarea.fit(MILK["y"], MILK["sd"] ** 2, x)


def test_milk_expenditure_equals_the_published_results() -> None:
    model = milk()
    assert model.beta == pytest.approx([0.9681890, 0.1327801, 0.2269462, -0.2413011], abs=5e-5)
    assert np.sqrt(np.diag(model.covariance)) == pytest.approx(
        [0.06936208, 0.10300072, 0.09232981, 0.08161707], abs=2e-5
    )
    # sae stops its scoring at 1e-4; this fit goes on to the maximum.
    assert model.eblup == pytest.approx(MILK["eblup"].to_numpy(), abs=1e-4)
    assert model.mse == pytest.approx(MILK["mse"].to_numpy(), rel=1e-3)


def restricted_loglik(a: float, y: np.ndarray, psi: np.ndarray, x: np.ndarray) -> float:
    """Density of the residual contrasts K'y, written with an orthonormal basis of the residual space."""
    left = np.linalg.svd(x, full_matrices=True)[0][:, x.shape[1] :]
    v = left.T @ np.diag(a + psi) @ left
    gap = left.T @ y
    return float(-0.5 * (np.linalg.slogdet(v)[1] + gap @ np.linalg.solve(v, gap)))


@pytest.mark.parametrize("seed", range(6))
def test_no_other_variance_has_a_greater_restricted_likelihood(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m = int(rng.integers(6, 25))
    psi, x = rng.uniform(0.2, 3, m), np.column_stack([np.ones(m), rng.normal(size=m)])
    y = x @ [1, 2] + rng.normal(size=m) * np.sqrt(psi + rng.choice([0.0, 1.0]))
    model = smallarea.fit(y, psi, x)
    best = restricted_loglik(model.variance, y, psi, x)
    others = [restricted_loglik(a, y, psi, x) for a in np.linspace(0, 4 * model.variance + 2, 2001)]
    assert best >= max(others) - 1e-12
    near = smallarea.fit(y, psi, x * [1, 1000])
    assert near.variance == pytest.approx(model.variance, rel=1e-9, abs=1e-12)


def test_a_variance_is_zero_or_well_above_rounding() -> None:
    rng, found = np.random.default_rng(1), []
    for _ in range(300):
        psi = rng.uniform(3e-4, 2e-3, 11)
        y = 0.85 + rng.normal(size=11) * np.sqrt(psi)
        found.append(smallarea.fit(y, psi, np.column_stack([np.ones(11), np.linspace(0, 1, 11)])).variance)
    zero = np.array(found) == 0
    assert 0.4 < zero.mean() < 0.8
    assert np.array(found)[~zero].min() > 1e-9


def test_the_stated_error_is_the_true_one() -> None:
    rng, m, true = np.random.default_rng(8), 40, 1.0
    psi, x = np.tile([0.3, 0.6, 1.0, 2.0], 10), np.column_stack([np.ones(m), np.linspace(-1, 1, m)])
    share = np.full(m, 1 / m)
    error, said, moved, said_moved, covered = [], [], [], [], []
    for _ in range(2000):
        theta = x @ [5, 1] + rng.normal(size=m) * true
        y = theta + rng.normal(size=m) * np.sqrt(psi)
        model = smallarea.fit(y, psi, x)
        gap = share @ (y - model.eblup)
        error.append((model.eblup - theta) ** 2)
        moved.append((model.eblup + gap - theta) ** 2)
        said.append(model.mse)
        said_moved.append(model.mse + model.adjustment_variance(share))
        covered.append(np.abs(model.eblup - theta) <= 2.024 * np.sqrt(model.mse))  # t, 38 degrees of freedom
    true_mse, stated = (np.mean(each, axis=0).reshape(10, 4).mean(axis=0) for each in (error, said))
    assert stated / true_mse == pytest.approx(np.ones(4), abs=0.04)
    assert true_mse[3] < 0.45 * 2.0  # an area with a variance of 2 gains more than half
    assert np.mean(said_moved) / np.mean(moved) == pytest.approx(1, abs=0.03)
    assert 0.94 <= np.mean(covered) <= 0.96


def districts(shares: bool = False) -> tuple[SurveyDesign, pd.DataFrame]:
    rng = np.random.default_rng(3)
    size = np.array([12, 25, 40, 60, 90, 15, 30, 45])
    district = np.repeat(np.arange(8), size)
    rich = np.linspace(0, 1, 8)
    safe = (rng.uniform(size=len(district)) < (0.4 + 0.4 * rich)[district]).astype(int)
    frame = pd.DataFrame({"district": district, "safe": safe, "w": rng.uniform(1, 3, len(district))})
    return SurveyDesign(frame, "w"), pd.DataFrame({"rich": rich, "people": 10.0 * size}, index=range(8))


def test_model_rows_stand_under_the_direct_ones_and_average_to_the_city() -> None:
    d, areas = districts()
    direct = estimate.proportion(d, "safe", by="district")
    for benchmark in ("difference", "ratio"):
        rows = smallarea.fay_herriot(direct, areas, "rich", benchmark=benchmark)
        assert rows.iloc[:8]["estimate"].tolist() == direct["estimate"].tolist()
        modelled = rows.iloc[8:]
        assert (modelled["statistic"] == "fay_herriot").all()
        assert modelled["group"].tolist() == direct["group"].tolist()
        average = np.average(modelled["estimate"], weights=modelled["n_weighted"])
        assert average == pytest.approx(estimate.proportion(d, "safe")["estimate"].iloc[0])
        assert modelled["se"].iloc[0] < direct["se"].iloc[0]
        assert (modelled["df"] == 6).all()
    plain = smallarea.fay_herriot(direct, areas, "rich", benchmark="").iloc[8:]
    model = smallarea.fit(direct["estimate"], direct["se"] ** 2, np.column_stack([np.ones(8), areas["rich"]]))
    assert plain["estimate"].to_numpy() == pytest.approx(model.eblup)
    assert plain["se"].to_numpy() == pytest.approx(np.sqrt(model.mse))


def test_register_populations_and_the_citys_own_figure_may_be_given() -> None:
    d, areas = districts()
    direct = estimate.mean(d, "safe", by="district")
    city = estimate.mean(d, "safe").assign(estimate=0.6)
    rows = smallarea.fay_herriot(direct, areas, "rich", shares="people", city=city).iloc[8:]
    assert np.average(rows["estimate"], weights=areas["people"]) == pytest.approx(0.6)


def test_an_area_without_a_usable_direct_estimate_is_predicted() -> None:
    d, areas = districts()
    direct = estimate.proportion(d, "safe", by="district")
    direct.loc[2, ["estimate", "se", "n_weighted"]] = [np.nan, np.nan, 0.0]
    direct.loc[5, ["estimate", "se"]] = [1.0, 0.0]
    rows = smallarea.fay_herriot(direct, areas, "rich", benchmark="").iloc[8:].reset_index(drop=True)
    kept = [0, 1, 3, 4, 6, 7]
    x = np.column_stack([np.ones(8), areas["rich"]])
    model = smallarea.fit(direct["estimate"].iloc[kept], direct["se"].iloc[kept] ** 2, x[kept])
    assert rows["estimate"].iloc[[2, 5]].tolist() == pytest.approx((x[[2, 5]] @ model.beta).tolist())
    assert rows["reason"].iloc[[2, 5]].str.contains("predicted").all()
    benchmarked = smallarea.fay_herriot(direct, areas, "rich").iloc[8:]
    assert np.isfinite(benchmarked["estimate"]).all()


def test_without_variance_between_areas_the_reason_says_so() -> None:
    given = {"item": "q", "statistic": "mean", "by": "area", "se": 1.0, "n_weighted": 1.0}
    direct = results([given | {"group": str(k), "estimate": 2 + 0.1 * k} for k in range(5)])
    rows = smallarea.fay_herriot(direct, pd.DataFrame(index=range(5))).iloc[5:]
    assert rows["estimate"].tolist() == pytest.approx([2.2] * 5)
    assert rows["reason"].str.contains("no variance between areas").all()


def test_what_cannot_be_fitted_is_refused() -> None:
    d, areas = districts()
    direct = estimate.proportion(d, "safe", by="district")
    for frame, covariates, words in (
        (areas.drop(index=3), "rich", "no covariates"),
        (areas, "poor", "not in the area frame"),
        (areas.assign(one=1.0), ["rich", "one"], "not independent"),
        (pd.concat([areas, areas]), "rich", "stands twice"),
    ):
        with pytest.raises(EstimationError, match=words):
            smallarea.fay_herriot(direct, frame, covariates)
    with pytest.raises(EstimationError, match="too few areas"):
        smallarea.fay_herriot(direct.iloc[:3], areas, ["rich", "people"])
    with pytest.raises(EstimationError, match="no estimate to benchmark to"):
        smallarea.fay_herriot(direct, areas, "rich", city=direct)


def test_districts_of_the_simulated_city_come_closer_to_the_truth() -> None:
    city, wave, codes = build(), "2026H1", np.arange(1, 12)
    people, safe = city.people, city.answers("2026H1")["a1_safe_now"] <= 2
    truth = np.array([safe[people.district == k].mean() for k in codes])
    areas = pd.DataFrame({"urban": [(people.area[people.district == k] == 1).mean() for k in codes]}, index=codes)
    error, covered = [], []
    for seed in range(40):
        frame = sample_frame(city, wave, seed)[
            ["district", "area", "community", "adults", "p_psu", "p_household", ITEM]
        ]
        answer = pd.Series(frame[ITEM].cat.codes)
        frame = frame.assign(
            safe=(answer <= 1).astype(float).where(answer >= 0),
            w=frame["adults"] / (frame["p_psu"] * frame["p_household"]),
            stratum=frame["district"].astype(str) + frame["area"].astype(str),
        )
        direct = estimate.mean(SurveyDesign(frame, "w", strata="stratum", psu="community"), "safe", by="district")
        rows = smallarea.fay_herriot(direct, areas, "urban")
        value, low, high = (rows[name].to_numpy().reshape(2, 11) for name in ("estimate", "ci_low", "ci_high"))
        error.append(value - truth)
        covered.append((low <= truth) & (truth <= high))
    direct_error, model_error = np.sqrt(np.mean(np.square(error), axis=(0, 2)))
    assert model_error < 0.8 * direct_error
    assert 0.92 <= np.mean(covered, axis=(0, 2))[1] <= 1


def test_the_worked_example_of_the_methods_page_holds() -> None:
    page = Path(__file__).parents[2] / "docs" / "methods" / "smallarea.md"
    assert doctest.testfile(str(page), module_relative=False).failed == 0


def test_areas_without_any_variance_are_refused() -> None:
    direct = results([{"item": "y", "statistic": "mean", "by": "a", "se": 0.0, "n_weighted": 1.0}] * 4)
    with pytest.raises(EstimationError, match="two sampling units"):
        smallarea.fay_herriot(direct.assign(group=list("abcd"), estimate=[1.0, 2, 3, 4]), pd.DataFrame(index=[*"abcd"]))
