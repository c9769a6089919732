"""Stacked waves: each keeps its own variance, and shared units give the covariance that theory and R give."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from survey import compare, estimate, resample
from survey.design import SurveyDesign, stack
from survey.errors import DesignError
from survey.sampling import pps

CHANCE = np.random.default_rng(7)
POPULATION = pd.DataFrame({"u": range(6), "a": [3.0, 1, 4, 1, 5, 9], "b": [2.0, 7, 1, 8, 2, 8]})


def drawn(units: list[int], y: str, **given: object) -> SurveyDesign:
    frame = POPULATION.iloc[units].assign(y=POPULATION[y], N=6.0)
    return SurveyDesign(frame, psu="u", fpc="N", **given)


def test_the_variance_of_a_rotating_panel_is_unbiased() -> None:
    """All 180 ways to draw 2 + 1 + 1 of 6 units: the mean estimate is the variance of the change over them."""
    changes, variances = [], []
    for kept in combinations(range(6), 2):
        rest = [u for u in range(6) if u not in kept]
        for out in rest:
            for new in (u for u in rest if u != out):
                row = compare.change(drawn([*kept, out], "a"), drawn([*kept, new], "b"), "y").iloc[0]
                changes.append(row["estimate"])
                variances.append(row["se"] ** 2)
    assert np.mean(variances) == pytest.approx(np.var(changes), rel=1e-10)


def test_the_change_of_a_panel_is_the_mean_of_its_members_changes() -> None:
    h = np.repeat([1, 2], [4, 6])
    y = CHANCE.normal(0, 1, (2, 10))
    frame = pd.DataFrame({"h": h, "u": range(10), "N": np.where(h == 1, 9.0, 20.0), "d": y[1] - y[0]})
    waves = [SurveyDesign(frame.assign(y=values), strata="h", psu="u", fpc="N") for values in y]
    row = compare.change(*waves, "y").iloc[0]
    one = estimate.mean(SurveyDesign(frame, strata="h", psu="u", fpc="N"), "d").iloc[0]
    assert row[["estimate", "se"]].tolist() == pytest.approx(one[["estimate", "se"]].tolist(), rel=1e-10)
    assert row["df"] == one["df"] - 1


def test_a_panel_drawn_with_unequal_probabilities_keeps_them() -> None:
    y, pi = CHANCE.normal(0, 1, (2, 8)), CHANCE.uniform(0.2, 0.9, 8)
    frame = pd.DataFrame({"u": range(8), "pi": pi, "d": y[1] - y[0], "w": 1 / pi})
    waves = [SurveyDesign(frame.assign(y=values), "w", psu="u", fpc="pi", pps="brewer") for values in y]
    one = estimate.mean(SurveyDesign(frame, "w", psu="u", fpc="pi", pps="brewer"), "d").iloc[0]
    assert compare.change(*waves, "y")["se"].iloc[0] == pytest.approx(one["se"], rel=1e-10)


RENEWED = [pd.DataFrame({
    "h": np.repeat([1, 2, 3], 8), "u": np.repeat([*range(4), *range(10 + 40 * k, 14 + 40 * k), *range(20, 24)], 2),
    "y": (np.arange(24) * (7 + 2 * k)) % 11 / 1.0, "w": 1.0 + np.arange(24) % (3 + k),
    "N": np.repeat([8.0, 12 + 8 * k, 40], 8),
}) for k in range(2)]  # fmt: skip
"""Strata 1 and 3 keep their units, stratum 2 draws anew from a population that has grown."""


def test_a_stratum_drawn_anew_is_a_stratum_of_its_own() -> None:
    """R: f$s <- ifelse(f$h == 2, paste(f$h, f$wave), f$h)
    d <- svydesign(~u, strata = ~s, fpc = ~N, weights = ~w, data = f)
    svycontrast(svyby(~y, ~wave, d, svymean, covmat = TRUE), c(-1, 1)); degf(d)
    """
    waves = [SurveyDesign(frame, "w", strata="h", psu="u", fpc="N") for frame in RENEWED]
    row = compare.change(*waves, "y").iloc[0]
    both = stack({"1": waves[0], "2": waves[1]})
    assert row["estimate"] == pytest.approx(0.4625, rel=1e-8)
    assert row["se"] == pytest.approx(0.884053195245, rel=1e-10)
    assert both.degf() == 12
    assert row["df"] == 11
    for label, wave in zip("12", waves, strict=True):
        inside = both.domain(both.frame["wave"] == label)
        assert estimate.total(inside, "y")["se"].iloc[0] == pytest.approx(estimate.total(wave, "y")["se"].iloc[0])
        assert inside.degf() == wave.degf()


def test_waves_without_a_common_unit_are_independent() -> None:
    a, b = (SurveyDesign(f[f["h"] == 2], "w", strata="h", psu="u", fpc="N") for f in RENEWED)
    together, apart = (compare.change(a, b, "y", shared_psus=shared).iloc[0] for shared in (True, False))
    assert together[["se", "df"]].tolist() == pytest.approx(apart[["se", "df"]].tolist(), rel=1e-12)
    assert together["df"] == 2 * 3 - 1


def test_three_waves_have_the_covariances_of_each_two() -> None:
    waves = {"1": drawn([0, 1, 2], "a"), "2": drawn([1, 2, 3], "b"), "3": drawn([1, 2, 4], "a")}
    means = estimate.mean(stack(waves), "y", by="wave")
    for x, y in combinations("123", 2):
        pair = compare.change(waves[x], waves[y], "y")["se"].iloc[0]
        assert compare.contrast(means, {x: -1, y: 1})["se"].iloc[0] == pytest.approx(pair, rel=1e-10)


@pytest.mark.parametrize("lonely", ["adjust", "average", "remove"])
def test_a_lonely_unit_is_treated_as_in_its_own_wave(lonely: str) -> None:
    frames = [
        pd.DataFrame({"h": [1, 1, 1, 2], "u": [1, 2, 3, 4 + k], "y": [5.0, 1, 3, 8 + k], "w": 2.0}) for k in (0, 1)
    ]
    waves = {str(k): SurveyDesign(f, "w", strata="h", psu="u", lonely_psu=lonely) for k, f in enumerate(frames)}  # type: ignore[arg-type]
    both = estimate.total(stack(waves), "y", by="wave")
    assert both["se"].tolist() == pytest.approx([estimate.total(d, "y")["se"].iloc[0] for d in waves.values()])


def test_shared_persons_of_two_waves_may_have_other_types_of_numbers() -> None:
    a, b = (SurveyDesign(RENEWED[0].astype({"u": kind}), "w", strata="h", psu="u") for kind in ("int64", "float64"))
    assert stack({"a": a, "b": b}).degf() == a.degf()


def test_joint_probabilities_serve_for_independent_waves_only() -> None:
    frames = [POPULATION.iloc[k : k + 4].assign(y=POPULATION["a"], w=2.0) for k in (0, 2)]
    waves = [SurveyDesign(f, "w", pps=pps.overton(np.full(4, 0.5))) for f in frames]
    row = compare.change(*waves, "y").iloc[0]
    assert row["se"] ** 2 == pytest.approx(sum(estimate.mean(d, "y")["se"].iloc[0] ** 2 for d in waves), rel=1e-10)
    linked = [SurveyDesign(f, "w", psu="u", pps=pps.overton(np.full(4, 0.5))) for f in frames]
    with pytest.raises(DesignError, match="shared_psus=False"):
        stack({"a": linked[0], "b": linked[1]})
    with pytest.raises(DesignError, match="different kinds"):
        stack({"a": waves[0], "b": SurveyDesign(frames[1], "w")})


def test_a_unit_that_moves_to_another_stratum_is_refused() -> None:
    a, b = (
        SurveyDesign(RENEWED[0].assign(h=h), "w", strata="h", psu="u") for h in (RENEWED[0]["h"], RENEWED[0]["u"] % 2)
    )
    with pytest.raises(DesignError, match="more than one stratum"):
        stack({"a": a, "b": b})


def test_replicates_are_made_of_stacked_waves_only_where_they_share_all_units() -> None:
    a, b = (SurveyDesign(f, "w", strata="h", psu="u", fpc="N") for f in RENEWED)
    with pytest.raises(DesignError, match="before stacking"):
        resample.as_replicates(stack({"a": drawn([0, 1, 2], "a"), "b": drawn([1, 2, 3], "b")}), "JK1")
    means = estimate.mean(
        resample.as_replicates(stack({"a": a, "b": a.assign(y=a.frame["y"] ** 2)}), "JKn"), "y", by="wave"
    )
    there = compare.contrast(means, {"a": -1, "b": 1})["se"].iloc[0]
    assert there == pytest.approx(compare.change(a, a.assign(y=a.frame["y"] ** 2), "y")["se"].iloc[0], rel=0.02)
    assert resample.as_replicates(stack({"a": a, "b": b}), "JKn").degf() == 12
