"""The design: variances calculated by hand, degrees of freedom, domains, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey.design import Calibration, SurveyDesign, stack
from survey.errors import DesignError


def test_stratified_total_by_hand() -> None:
    """Σ_h n/(n−1) Σ(z−z̄)²: stratum 1 z = 10, 20 → 2·50 = 100; stratum 2 z = 60, 80, 100 → 3/2·800 = 1200."""
    frame = pd.DataFrame({"y": [1.0, 2, 3, 4, 5], "h": [1, 1, 2, 2, 2], "w": [10.0, 10, 20, 20, 20]})
    d = SurveyDesign(frame, "w", strata="h")
    assert d.variance(d.weights * frame["y"])[0, 0] == pytest.approx(1300)
    assert d.degf() == 3


def test_finite_population_correction_by_counts_and_fractions() -> None:
    """n = 4 of N = 10: (1 − 0.4)·(4/3)·Σ(z−z̄)² with z = 2.5·(1,2,3,6), Σ(z−z̄)² = 6.25·14 = 87.5 → 70."""
    frame = pd.DataFrame({"y": [1.0, 2, 3, 6], "N": 10, "f": 0.4})
    for fpc in ("N", "f"):
        d = SurveyDesign(frame, fpc=fpc)
        assert d.weights.tolist() == [2.5] * 4
        assert d.variance(d.weights * frame["y"])[0, 0] == pytest.approx(70)


def test_two_stages_by_hand() -> None:
    """Two of 4 units (totals 6w, 14w, w = 4·(4/2)/2 = 4): stage 1 (1−½)·2·(2·16²) = 512;

    stage 2 in each unit: ½·(1−½)·2·Σ(z−z̄)²: z = 8, 16 → Σ 32 → 16; z = 24, 32 → Σ 32 → 16; together 544.
    """
    frame = pd.DataFrame({"y": [2.0, 4, 6, 8], "psu": [1, 1, 2, 2], "ssu": [1, 2, 1, 2], "N1": 4, "N2": 4})
    d = SurveyDesign(frame, psu=["psu", "ssu"], fpc=["N1", "N2"])
    assert d.weights.tolist() == [4.0] * 4
    assert d.variance(d.weights * frame["y"])[0, 0] == pytest.approx(544)


def test_domain_keeps_the_units_outside_it() -> None:
    """Domain total of y in {1}: z = 1, 0, 0 over n = 3 units: 3/2·(1 − 1/3) = 1."""
    frame = pd.DataFrame({"y": [1.0, 2, 3], "w": 1.0})
    d = SurveyDesign(frame, "w").domain("y == 1")
    assert d.variance(d.weights * frame["y"])[0, 0] == pytest.approx(1)
    assert d.n == 1
    assert d.degf() == 0
    assert SurveyDesign(frame, "w").domain(pd.Series([True, None, False])).n == 1


@pytest.mark.parametrize(
    ("policy", "variance"),
    [("remove", 2.0), ("certainty", 2.0), ("adjust", 2 + (5 - (7 + np.sqrt(2)) / 3) ** 2), ("average", 4.0)],
)
def test_a_stratum_with_one_unit(policy: str, variance: float) -> None:
    """Stratum 1: 2·(√2)²/2 = 2; the lone stratum adds nothing, (5 − mean of all)² (adjust) or 2 again (average)."""
    frame = pd.DataFrame({"y": [1.0, 1 + np.sqrt(2), 5.0], "h": [1, 1, 2], "w": 1.0})
    d = SurveyDesign(frame, "w", strata="h", lonely_psu=policy)  # type: ignore[arg-type]
    assert d.variance(d.weights * frame["y"])[0, 0] == pytest.approx(variance)


def test_a_stratum_with_one_unit_fails_with_its_name() -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 5], "h": ["a", "a", "north"], "w": 1.0})
    with pytest.raises(DesignError, match="north"):
        SurveyDesign(frame, "w", strata="h").variance(frame["y"])


def test_post_stratified_variance_uses_residuals() -> None:
    """Post-strata explain y fully, so the calibrated total has no variance; without calibration it has."""
    frame = pd.DataFrame({"y": [1.0, 1, 5, 5], "g": ["a", "a", "b", "b"], "w": 2.0})
    step = Calibration.of_margins([frame["g"]], frame["w"].to_numpy(), frame["w"].to_numpy())
    plain, calibrated = SurveyDesign(frame, "w"), SurveyDesign(frame, "w", calibration=[step])
    pair = SurveyDesign(frame, "w", calibration=[(pd.get_dummies(frame["g"]), frame["w"])])
    assert plain.variance(plain.weights * frame["y"])[0, 0] == pytest.approx(4 / 3 * 4 * 16)
    assert calibrated.variance(calibrated.weights * frame["y"])[0, 0] == pytest.approx(0, abs=1e-9)
    assert pair.variance(pair.weights * frame["y"])[0, 0] == pytest.approx(0, abs=1e-9)


def test_jackknife_of_a_mean_by_hand() -> None:
    """JK1 of the mean of 1, 2, 6: replicate means 4, 3.5, 1.5; (2/3)·Σ(θ−3)² = (2/3)·3.5 = s²/n = 7/3."""
    frame = pd.DataFrame({"y": [1.0, 2, 6], "w": 1.0, "r1": [0, 1.5, 1.5], "r2": [1.5, 0, 1.5], "r3": [1.5, 1.5, 0]})
    d = SurveyDesign(frame, "w", replicates=["r1", "r2", "r3"], method="JK1")
    assert d.degf() == 2
    z = d.weights * (frame["y"] - 3) / 3
    assert d.variance(z)[0, 0] == pytest.approx(7 / 3)


@pytest.mark.parametrize(
    ("column", "values", "text"),
    [
        ("w", [1.0, -1, 1], "negative"),
        ("w", [1.0, np.nan, 1], "missing"),
        ("w", [0.0, 0, 0], "All weights are zero"),
        ("h", [1, None, 2], "no value"),
        ("N", [5.0, 5, 2], "smaller than its sample"),
        ("N", [5.0, 0.5, 5], "mix"),
        ("N", [5.0, -3, 5], "not positive"),
    ],
)
def test_faults_of_the_columns_are_named(column: str, values: list[float], text: str) -> None:
    frame = pd.DataFrame({"w": [1.0, 1, 1], "h": [1, 1, 1], "N": [5.0, 5, 5]}).assign(**{column: values})
    with pytest.raises(DesignError, match=text):
        SurveyDesign(frame, "w", strata="h", fpc="N")


def test_unit_numbers_reused_in_strata_need_nest() -> None:
    frame = pd.DataFrame({"w": 1.0, "h": [1, 1, 2, 2], "psu": [1, 2, 1, 2]})
    with pytest.raises(DesignError, match="nest=True"):
        SurveyDesign(frame, "w", strata="h", psu="psu")
    assert SurveyDesign(frame, "w", strata="h", psu="psu", nest=True).degf() == 2


def test_the_frame_is_not_changed() -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 3], "w": [1.0, 0, 2]})
    before = frame.copy(deep=True)
    d = SurveyDesign(frame, "w").domain("y > 1").assign(z=1)
    d.variance(d.weights * frame["y"])
    pd.testing.assert_frame_equal(frame, before)


def test_stacked_waves_share_units_unless_told_otherwise() -> None:
    frame = pd.DataFrame({"y": [1.0, 2, 3, 5], "psu": [1, 2, 3, 4], "w": 1.0})
    one, two = SurveyDesign(frame, "w", psu="psu"), SurveyDesign(frame, "w", psu="psu")
    assert stack({"1": one, "2": two}).degf() == 3
    assert stack({"1": one, "2": two}, shared_psus=False).degf() == 6


@pytest.fixture
def named() -> SurveyDesign:
    frame = pd.DataFrame({"y": [1.0, 2, 3, 4], "w": [1.0, 2, 3, 4]}, index=list("abcd"))
    return SurveyDesign(frame, "w")


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_a_series_is_taken_by_its_labels(named: SurveyDesign, order: list[int]) -> None:
    moved = named.frame.iloc[order]
    assert named.domain(moved["y"] > 2).mask.tolist() == [False, False, True, True]
    assert SurveyDesign(named.frame, moved["w"]).weights.tolist() == [1, 2, 3, 4]
    assert named.domain((moved["y"] > 2).astype("boolean").where(moved["y"] != 4)).mask.tolist() == [0, 0, 1, 0]


def test_a_series_of_other_rows_is_refused(named: SurveyDesign) -> None:
    inside = pd.Series([True, False, True, False], index=list("abcx"))
    with pytest.raises(DesignError, match=r"1 labels missing[\s\S]*to_numpy"):
        named.domain(inside)
    with pytest.raises(DesignError, match="1 labels missing"):
        SurveyDesign(named.frame, inside.astype(float))
    with pytest.raises(DesignError, match="another length"):
        named.domain(inside.iloc[:3])
    with pytest.raises(DesignError, match="twice"):
        named.domain(inside.set_axis(list("abca")))
    assert named.domain(inside.to_numpy()).n == 2
    twice = SurveyDesign(named.frame.set_axis(list("aabb")), "w")
    assert twice.domain(twice.frame["y"] > 2).n == 2


@pytest.mark.parametrize(
    ("rscales", "text"),
    [([0.5, 0.5, 0.5], r"4 rscales[\s\S]*got: 3[\s\S]*n_h"), ([0.5] * 5, "got: 5"),
     ([0.5, np.nan, 0.5, 0.5], "0 or more"), ([-1.0], "0 or more"), (np.ones((2, 4)), "got: 8")],
)  # fmt: skip
def test_scales_of_another_number_than_the_replicates_are_refused(rscales: Any, text: str) -> None:
    matrix = np.array([[0.0, 2, 1, 1], [2, 0, 1, 1], [1, 1, 0, 2], [1, 1, 2, 0]])
    frame = pd.DataFrame({"y": [1.0, 4, 2, 3], "w": 1.0})
    with pytest.raises(DesignError, match=text):
        SurveyDesign(frame, "w", replicates=matrix, method="JKn", rscales=rscales)
    d = SurveyDesign(frame, "w", replicates=matrix, method="JKn", rscales=0.5)
    assert d.variance(frame["y"])[0, 0] == pytest.approx(2 * (9 / 2 + 1 / 2))  # Σ n_h s²_h
    other = SurveyDesign(frame, "w", replicates=matrix, method="JKn", rscales=[0.5, 0.5, 0.4, 0.4])
    with pytest.raises(DesignError, match="scaled differently"):
        stack({"1": d, "2": other})
