"""Comparisons against hand calculation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey import compare, estimate
from survey.design import SurveyDesign
from survey.equivalence import pairwise
from survey.errors import EstimationError
from survey.estimation import multiplicity


def wave(y: list[float], w: list[float]) -> SurveyDesign:
    frame = pd.DataFrame({"y": y, "psu": [1, 1, 2, 2, 3, 3], "g": ["a", "b"] * 3, "w": w})
    return SurveyDesign(frame, "w", psu="psu")


A = wave([1, 0, 0, 1, 1, 0], [1.0, 2, 1, 1, 2, 1])
B = wave([1, 1, 0, 1, 1, 0], [1.0, 1, 2, 1, 1, 2])


def influence(d: SurveyDesign) -> np.ndarray:
    p = (d.weights * d.frame["y"]).sum() / d.weights.sum()
    z = d.weights * (d.frame["y"] - p) / d.weights.sum()
    return np.asarray(z.groupby(d.frame["psu"]).sum())


def test_change_uses_the_units_drawn_in_both_waves() -> None:
    out = compare.change(A, B, "y").iloc[0]
    z = influence(B) - influence(A)
    assert out["statistic"] == "change"
    assert out["estimate"] == pytest.approx(4 / 8 - 4 / 8)
    assert out["se"] ** 2 == pytest.approx(3 / 2 * ((z - z.mean()) ** 2).sum())
    assert out["df"] == 1


def test_change_of_independent_samples_adds_the_variances() -> None:
    out = compare.change(A, B, "y", shared_psus=False).iloc[0]
    apart = [estimate.proportion(d, "y")["se"].iloc[0] ** 2 for d in (A, B)]
    assert out["se"] ** 2 == pytest.approx(sum(apart))
    assert out["df"] == 3


def test_change_by_group_of_a_categorical_item() -> None:
    levels = {d: d.assign(q=pd.Categorical(np.where(d.frame["y"] == 1, "safe", "unsafe"))) for d in (A, B)}
    out = compare.change(levels[A], levels[B], "q", by="g")
    assert out[["group", "level"]].values.tolist() == [["a", "safe"], ["a", "unsafe"], ["b", "safe"], ["b", "unsafe"]]
    assert out["estimate"].iloc[0] == pytest.approx(2 / 4 - 3 / 4)
    assert out["by"].tolist() == ["g"] * 4


def test_each_group_against_the_rest_is_the_difference_of_domains() -> None:
    out = compare.against_rest(A, "y", "g").set_index("group")
    t = compare.ttest(A, "y", "g").iloc[0]
    assert out.loc["b", "estimate"] == pytest.approx(1 / 4 - 3 / 4)
    assert out.loc["a", "estimate"] == pytest.approx(0.5)
    assert out.loc["b", "se"] == pytest.approx(t["se"])
    assert out.loc["b", "p"] == pytest.approx(t["p"])
    assert out["q"].tolist() == pytest.approx((2 * out["p"]).clip(upper=1).tolist())


def test_contrast_of_two_groups_has_their_covariance() -> None:
    by = estimate.mean(A, "y", by="g")
    out = compare.contrast(by, {"b": 1, "a": -1}).iloc[0]
    assert out["se"] == pytest.approx(compare.ttest(A, "y", "g")["se"].iloc[0])
    with pytest.raises(EstimationError, match="island"):
        compare.contrast(by, {"island": 1})


def test_rao_scott_of_a_two_by_two_table_by_hand() -> None:
    """15, 5 / 5, 15: X² = 40·(15·15 − 5·5)²/20⁴ = 10.

    With equal weights and no clusters V = (diag p − ppᵀ)/(n − 1), so Δ = n/(n − 1) and F = 10·39/40 on 1 and 39.
    """
    frame = pd.DataFrame({"a": [0] * 20 + [1] * 20, "b": [0] * 15 + [1] * 5 + [0] * 5 + [1] * 15, "w": 1.0})
    out = compare.rao_scott(SurveyDesign(frame, "w"), "a", "b")
    assert out.attrs["test"]["x2"] == pytest.approx(10)
    assert out["estimate"].iloc[0] == pytest.approx(9.75)


def test_adjustment_for_multiplicity() -> None:
    frame = compare.against_rest(A, "y", "g", adjust="bh")
    assert (frame["q"] >= frame["p"]).all()


def test_holm_is_that_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(1).uniform(0, 0.1, 20)
    assert multiplicity.holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_waves_drawn_apart_from_finite_populations_keep_their_own() -> None:
    """√(½(s²a + s²b)/500): each wave drew 500 of its own 1,000; pooled they would be all of them."""
    chance = np.random.default_rng(1)
    a, b = (pd.DataFrame({"y": chance.normal(0, 1, 500), "N": 1000.0}) for _ in range(2))
    row = compare.change(SurveyDesign(a, fpc="N"), SurveyDesign(b, fpc="N"), "y").iloc[0]
    assert row["se"] == pytest.approx(np.sqrt(0.5 * (a["y"].var() + b["y"].var()) / 500), rel=1e-9)


def test_waves_that_share_units_still_draw_anew_inside_them() -> None:
    """Half of the persons of each unit in each wave: the second stage does not count as a census."""
    chance = np.random.default_rng(2)
    unit = np.repeat(np.arange(10), 20)
    waves = [
        pd.DataFrame({"u": unit, "p": np.arange(200) + 1000 * k, "y": chance.normal(unit / 5, 1), "N": 10.0, "M": 40.0})
        for k in range(2)
    ]  # every unit of the population: only the persons' sampling is left
    a, b = (SurveyDesign(wave, psu=["u", "p"], fpc=["N", "M"]) for wave in waves)
    within = [wave.groupby("u")["y"].var().mean() / 20 * (1 - 20 / 40) / 10 for wave in waves]
    assert compare.change(a, b, "y")["se"].iloc[0] == pytest.approx(np.sqrt(sum(within)), rel=1e-9)


def test_two_groups_of_a_domain_where_the_frame_has_three() -> None:
    """R: d <- svydesign(~psu, weights=~w, data=f); svyttest(y ~ g, subset(d, g != "b"))."""
    i = np.arange(24)
    frame = pd.DataFrame({"y": (i * 7) % 11, "g": np.array(["a", "b", "c"])[i % 3], "psu": i // 4, "w": 1.0 + i % 5})
    row = compare.ttest(SurveyDesign(frame, "w", psu="psu").domain("g != 'b'"), "y", "g").iloc[0]
    assert row["group"] == "c - a"
    expected = [-1.389328063241108, 2.3944170355158643, 4, 0.5928717988265971]
    assert [row["estimate"], row["se"], row["df"], row["p"]] == pytest.approx(expected, rel=1e-9)


def test_a_difference_of_rounding_is_no_finding() -> None:
    frame = pd.DataFrame({"y": [0.1, 0.1, 0.1, 0.1] * 3, "g": ["a", "b", "b", "b"] * 3, "w": [0.3, 0.7, 1.1] * 4})
    d = SurveyDesign(frame, "w")
    moved = d.assign(y=d.frame["y"] + 4e-16)
    by = estimate.mean(d, "y", "g")
    for row in (
        compare.change(d, moved, "y"), compare.against_rest(moved, "y", "g"), compare.ttest(moved, "y", "g"),
        compare.ttest(moved, "y", mu=0.1), compare.contrast(by, {"b": 1, "a": -1}), pairwise(by),
    ):  # fmt: skip
        assert row["p"].isna().all()
        assert (row["reason"] == "the standard error is 0: no test").all()


def one_unit() -> SurveyDesign:
    i = np.arange(24)
    frame = pd.DataFrame({"y": (i * 7) % 11, "q": i * 5 % 7 % 3, "g": i % 4, "psu": i // 8, "w": 1.0})
    return SurveyDesign(frame, "w", psu="psu")


def test_a_covariance_of_too_low_rank_gives_no_test() -> None:
    d = one_unit()
    wald, adjusted = (compare.rao_scott(d, "q", "g", kind).iloc[0] for kind in ("wald", "adj_wald"))
    ranks = compare.rank_test(d, "y", "g", "KruskalWallis").iloc[0]
    for row, reason in ((wald, "full rank"), (adjusted, "degrees of freedom"), (ranks, "degrees of freedom")):
        assert np.isnan(row["estimate"])
        assert np.isnan(row["p"])
        assert reason in row["reason"]


def test_one_sampling_unit_gives_no_test_but_a_reason() -> None:
    alone = one_unit().domain("psu == 1")
    rows = [compare.rao_scott(alone, "q", "g", kind) for kind in ("F", "chi2", "wald", "lincom")]  # type: ignore[arg-type]
    rows += [compare.goodness_of_fit(alone, "q", [1, 2, 1]), compare.rank_test(alone, "y", "g")]
    apart = one_unit().assign(side=np.where(one_unit().frame["psu"] == 0, "one", "two"))
    rows.append(compare.rank_test(apart, "y", "side"))
    for row in rows:
        assert row["p"].isna().all()
        assert row["reason"].tolist() == ["one sampling unit in this group: no interval"]


def test_what_has_no_value_is_refused_with_words() -> None:
    d = one_unit()
    means = estimate.mean(d, ["y", "q", "g"])
    for call in (
        lambda: compare.goodness_of_fit(d, "q", [1, 1, 0]), lambda: estimate.alpha(d, ["y"]),
        lambda: compare.contrast(means, "y/(q-q)"), lambda: compare.contrast(means, [1, -1]),
        lambda: compare.contrast(means, "1 - 2"), lambda: compare.contrast(means, "(-y) ** 0.5"),
        lambda: compare.adjusted(means, "bonferroni"),  # type: ignore[arg-type]
        lambda: compare.rao_scott(d, "q", "g", "G2"),  # type: ignore[arg-type]
    ):  # fmt: skip
        with pytest.raises(EstimationError):
            call()


def test_a_group_of_one_unit_has_a_difference_and_no_test() -> None:
    """Its unit deviates by 0 from its own mean whatever it is, so R's p leaves its part of the variance out.

    ttest alone keeps R's p, beside the reason against it.
    """
    frame = pd.DataFrame({"y": [1.0, 2, 4, 8, 3, 5, 7, 9], "psu": [1, 1, 2, 2, 3, 3, 4, 4], "w": 1.0})
    frame["g"] = np.where(frame["psu"] == 1, "a", "b")
    d, swapped = (SurveyDesign(f, "w", psu="psu") for f in (frame, frame.replace({"g": {"a": "b", "b": "a"}})))
    means = estimate.mean(d, "y", by="g")
    for rows in (
        compare.ttest(d, "y", "g").assign(p=np.nan), compare.ttest(swapped, "y", "g").assign(p=np.nan),
        compare.against_rest(d, "y", "g"),
        compare.change(d, d.assign(y=frame["y"] ** 2), "y", by="g").iloc[:1],
        compare.change(d, d.domain("psu < 2"), "y"), compare.change(d.domain("psu < 2"), d, "y"),
        compare.contrast(means, {"a": -1, "b": 1}, df=3), compare.contrast(means, "b - a", df=3),
    ):  # fmt: skip
        assert rows["estimate"].notna().all()
        assert rows[["p", "ci_low", "ci_high"]].isna().all(axis=None)
        assert rows["reason"].str.contains("one sampling unit").all()
    assert compare.contrast(means, {"b": 1})["p"].notna().all()
    three = d.assign(g=np.where(frame["psu"] == 2, "c", frame["g"]))
    assert compare.against_rest(three, "y", "g", df=3).set_index("group")["p"].notna().to_dict() == {
        "a": False, "b": True, "c": False,
    }  # fmt: skip
