"""Programme effects against hand calculation, a cluster-robust regression, replicates, and the simulated city."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from simulation.city import City, build
from simulation.questionnaire import WAVES
from simulation.sample import sample_frame
from survey import effects
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import vcov

PSUS = 24
FIRST = ["w2"] * 6 + ["w3"] * 6 + ["w4"] * 4 + ["never"] * 8


def staggered(noise: float = 1.0, copies: int = 1) -> pd.DataFrame:
    """Four waves, eight answers a community; effect 1 on arrival and 1 more each wave, in cohort w4 twice that."""
    rng, psus = np.random.default_rng(1), PSUS * copies
    rows = pd.DataFrame([(t, c, k) for t in range(4) for c in range(psus) for k in range(8)], columns=["t", "psu", "k"])
    start = np.array([{"w2": 1, "w3": 2, "w4": 3, "never": 9}[f] for f in FIRST * copies])[rows["psu"]]
    effect = np.maximum(rows["t"] - start + 1, 0) * np.where(start == 3, 2.0, 1.0)
    place = noise * (rng.normal(size=psus)[rows["psu"]] + rng.normal(size=(4, psus))[rows["t"], rows["psu"]])
    y = 3.0 + start + 0.5 * rows["t"] + effect + place + noise * rng.normal(size=len(rows))
    w = 1 + noise * rng.uniform(size=len(rows))
    return rows.assign(y=y, first=np.array(FIRST * copies)[rows["psu"]], w=w, wave="w" + (rows["t"] + 1).astype(str))


def designs(rows: pd.DataFrame) -> dict[str, SurveyDesign]:
    return {str(wave): SurveyDesign(part, "w", psu="psu") for wave, part in rows.groupby("wave")}


def test_two_groups_and_two_waves_by_hand() -> None:
    before = pd.DataFrame({"psu": [1, 2, 3, 4], "first": ["b", "b", "never", "never"], "y": [1.0, 3, 2, 2], "w": 1.0})
    after = before.assign(y=[4.0, 8, 3, 5], w=[1.0, 3, 1, 1])
    waves = {name: SurveyDesign(frame, "w", psu="psu") for name, frame in (("a", before), ("b", after))}
    row = effects.group_time(waves, "y", "first").tidy().iloc[0]
    # Means: cohort 2 → (4 + 3·8)/4 = 7, controls 2 → 4; units' influences: the two waves' shares of each mean's error.
    z = np.array([(4 - 7) / 4 - (1 - 2) / 2, 3 * (8 - 7) / 4 - (3 - 2) / 2, -(3 - 4) / 2, -(5 - 4) / 2])
    assert row["estimate"] == pytest.approx((7 - 2) - (4 - 2))
    assert row["se"] ** 2 == pytest.approx(4 / 3 * (z**2).sum())
    assert (row["df"], row["n"], row["psus"], row["level"], row["group"]) == (2, 2, 2, "b", "b")


def test_each_effect_is_the_interaction_of_a_cluster_robust_regression() -> None:
    rows = staggered()
    found = effects.group_time(designs(rows), "y", "first").tidy().set_index(["group", "level"])
    for cohort, wave, base in (("w2", "w4", "w1"), ("w4", "w1", "w3")):
        part = rows[rows["first"].isin([cohort, "never"]) & rows["wave"].isin([wave, base])]
        part = part.assign(d=(part["first"] == cohort) * 1.0, post=(part["wave"] == wave) * 1.0)
        fit = smf.wls("y ~ d * post", part, weights=part["w"]).fit(
            cov_type="cluster", cov_kwds={"groups": part["psu"], "use_correction": False}
        )
        row = found.xs((cohort, wave))
        assert row["estimate"] == pytest.approx(fit.params["d:post"])
        # The engine also counts the units of other cohorts, whose influence is zero: n/(n − 1) with n = all units.
        assert row["se"] == pytest.approx(fit.bse["d:post"] * (PSUS / (PSUS - 1)) ** 0.5)


def test_effects_that_differ_by_cohort_and_grow_are_recovered_exactly() -> None:
    waves = designs(staggered(noise=0.0))
    for control in ("never", "not_yet"):
        found = effects.group_time(waves, "y", "first", control=control)
        att = found.tidy()
        assert att[att["statistic"] == "att"]["estimate"].tolist() == pytest.approx([1, 2, 3, 1, 2, 2])
        assert att[att["statistic"] == "att_pre"]["estimate"].tolist() == pytest.approx([0, 0, 0])
        # Cohorts of 6, 6 and 4 communities: 2, 1.5 and 2 on average.
        assert found.overall()["estimate"].iloc[0] == pytest.approx((6 * 2 + 6 * 1.5 + 4 * 2) / 16)
        assert found.overall("simple")["estimate"].iloc[0] == pytest.approx((6 * 6 + 6 * 3 + 4 * 2) / (18 + 12 + 4))
        events = found.events().set_index("group")["estimate"]
        assert events["1"] == pytest.approx(2)
        assert events["0"] == pytest.approx((6 + 6 + 4 * 2) / 16)
        assert found.cohorts()["estimate"].tolist() == pytest.approx([2, 1.5, 2])


def test_cohorts_treated_later_serve_as_controls_until_then() -> None:
    rows = staggered()
    found = effects.group_time(designs(rows), "y", "first", control="not_yet").tidy().set_index(["group", "level"])

    def mean(cohorts: list[str], wave: str) -> float:
        part = rows[rows["first"].isin(cohorts) & (rows["wave"] == wave)]
        return float(np.average(part["y"], weights=part["w"]))

    late = ["w4", "never"]
    by_hand = mean(["w2"], "w3") - mean(["w2"], "w1") - mean(late, "w3") + mean(late, "w1")
    assert found.loc[("w2", "w3"), "estimate"] == pytest.approx(by_hand)
    before = mean(["w3"], "w1") - mean(["w3"], "w2") - mean(late, "w1") + mean(late, "w2")
    assert found.loc[("w3", "w1"), "estimate"] == pytest.approx(before)


def test_the_joint_test_of_pre_trends_does_not_depend_on_the_base_wave() -> None:
    waves = designs(staggered())
    tests = [effects.group_time(waves, "y", "first", base=base).pretrend().iloc[0] for base in ("universal", "varying")]
    assert tests[0]["estimate"] == pytest.approx(tests[1]["estimate"])
    assert tests[0]["level"] == "3"
    found = effects.group_time(waves, "y", "first")
    v = vcov(found.tidy())
    pre = np.flatnonzero(found.tidy()["statistic"] == "att_pre")
    wald = found.estimate[pre] @ np.linalg.solve(v[np.ix_(pre, pre)], found.estimate[pre])
    nu = 4 + 8 - 1 - 1  # units of w4, the smallest cohort, and never; one stratum; two groups of changes
    assert tests[0]["estimate"] == pytest.approx((nu - 2) / (3 * nu) * wald)


def jackknife(rows: pd.DataFrame) -> dict[str, SurveyDesign]:
    """The waves with JK1 replicate weights: one community left out of all waves in each."""
    psus = rows["psu"].nunique()
    keep = (rows["psu"].to_numpy()[:, None] != np.arange(psus)) * psus / (psus - 1)
    names = [f"r{c}" for c in range(psus)]
    columns = pd.DataFrame(keep * rows[["w"]].to_numpy(), columns=names, index=rows.index)
    parts = pd.concat([rows, columns], axis=1).groupby("wave")
    return {str(wave): SurveyDesign(part, "w", replicates=names, method="JK1") for wave, part in parts}


def figures(waves: dict[str, SurveyDesign]) -> pd.DataFrame:
    found = effects.group_time(waves, "y", "first")
    return pd.concat([found.overall(), found.events(), found.cohorts(), found.tidy()], ignore_index=True)


def test_linearized_variance_is_that_of_the_jackknife() -> None:
    rows = staggered(copies=5)
    a, b = (figures(waves) for waves in (designs(rows), jackknife(rows)))
    assert a["estimate"].tolist() == pytest.approx(b["estimate"].tolist())
    assert (a["se"] / b["se"]).between(0.95, 1.03).all(), a["se"] / b["se"]


def test_replicate_weights_repeat_every_estimate() -> None:
    rows = staggered()
    se = figures(jackknife(rows))["se"]
    left_out = [figures(designs(rows[rows["psu"] != c]))["estimate"] for c in range(PSUS)]
    assert (se**2).tolist() == pytest.approx(((PSUS - 1) * np.var(np.array(left_out), axis=0)).tolist())


def test_all_figures_of_a_programme_are_corrected_within_their_statistic() -> None:
    rows = effects.programme(designs(staggered()), "y", "first")
    events = rows[rows["statistic"] == "att_event"]
    assert (events["q"] >= events["p"]).all()
    assert events["q"].max() <= 1
    assert rows["statistic"].value_counts().to_dict() == {
        "att": 6, "att_event": 5, "att_pre": 3, "att_cohort": 3, "att_overall": 1, "pretrend": 1,
    }  # fmt: skip


def test_one_treated_community_has_an_effect_without_an_interval() -> None:
    rows = staggered()
    rows["first"] = np.where(rows["psu"] == 0, "w3", "never")
    row = effects.group_time(designs(rows), "y", "first").overall().iloc[0]
    assert np.isfinite(row["estimate"])
    assert np.isnan(row["se"])
    assert "one sampling unit" in row["reason"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first": "w9"}, "not one of the waves"),
        ({"first": "w1"}, "No cohort can be compared"),
        ({"y": "x"}, "not numbers"),
    ],
)
def test_what_cannot_be_compared_is_refused(change: dict[str, str], words: str) -> None:
    with pytest.raises(EstimationError, match=words):
        effects.group_time(designs(staggered().assign(**change)), "y", "first")


def test_cohorts_follow_from_the_programme_status_of_the_waves() -> None:
    def wave(units: list[str], has: list[str]) -> SurveyDesign:
        return SurveyDesign(pd.DataFrame({"unit": units, "has": has, "w": 1.0}), "w")

    waves = {"1": wave(["a", "b", "c"], ["2", "2", "1"]), "2": wave(["a", "b", "c"], ["1", "2", "1"])}
    out = effects.first_treated(waves, "has", "unit")
    assert out["1"].frame["cohort"].tolist() == ["2", "never", "1"]
    for bad, words in (
        (wave(["a", "b", "c"], ["1", "2", "2"]), "and then not"),
        (wave(["a", "a", "b", "c"], ["1", "2", "2", "1"]), "both has and has not"),
        (wave(["a", "b", "c", "d"], ["1", "2", "1", "1"]), "not seen in the wave before"),
    ):
        with pytest.raises(EstimationError, match=words):
            effects.first_treated(waves | {"2": bad}, "has", "unit")


# -- the simulated city -----------------------------------------------------------------------------------------------

SAMPLES = 60
COLUMNS = ["district", "area", "community", "p_psu", "p_household", "adults", "smart_community", "a1_safe_now"]


def sampled(city: City, seed: int) -> dict[str, SurveyDesign]:
    """The six waves of a sample, base weights, with the cohort read from the communities' programme status."""
    waves = {}
    for wave in WAVES:
        frame = sample_frame(city, wave, seed)[COLUMNS]
        answer = pd.Series(frame["a1_safe_now"].cat.codes)
        waves[wave] = SurveyDesign(
            frame.assign(
                safe=(answer <= 1).astype(float).where(answer >= 0),
                stratum=frame["district"].astype(str) + ":" + frame["area"].astype(str),
                w=frame["adults"] / (frame["p_psu"] * frame["p_household"]),
            ),
            weights="w", strata="stratum", psu="community",
        )  # fmt: skip
    return effects.first_treated(waves, "smart_community", "community")


@pytest.fixture(scope="module")
def city() -> City:
    return build()


@pytest.fixture(scope="module")
def estimates(city: City) -> pd.DataFrame:
    parts = []
    for seed in range(SAMPLES):
        found = effects.group_time(sampled(city, seed), "safe", "cohort")
        parts.append(pd.concat([found.tidy(), found.overall("simple"), found.pretrend()]).assign(sample=seed))
    return pd.concat(parts, ignore_index=True)


def test_intervals_cover_the_known_effect_of_the_programme(city: City, estimates: pd.DataFrame) -> None:
    truth = city.programme_effect().rename(columns={"cohort": "group", "wave": "level"})
    att = estimates[estimates["statistic"] == "att"].drop(columns="n").merge(truth, on=["group", "level"])
    assert len(att) == 10 * SAMPLES
    covered = (att["ci_low"] <= att["did"]) & (att["did"] <= att["ci_high"])
    assert 0.90 <= covered.mean() <= 0.99, covered.groupby([att["group"], att["level"]]).mean()
    assert (att["estimate"] - att["did"]).mean() == pytest.approx(0, abs=0.006)
    spread = (att.groupby(["group", "level"])["estimate"].std() ** 2).mean()
    assert (att["se"] ** 2).mean() / spread == pytest.approx(1, abs=0.25)
    overall = estimates[estimates["statistic"] == "att_overall"]
    known = np.average(truth["did"], weights=truth["n"])
    inside = (overall["ci_low"] <= known) & (known <= overall["ci_high"])
    assert inside.mean() >= 0.90
    assert overall["estimate"].mean() == pytest.approx(known, abs=0.006)


def test_a_city_with_parallel_trends_seldom_fails_the_pre_trend_test(estimates: pd.DataFrame) -> None:
    tests = estimates[estimates["statistic"] == "pretrend"]
    assert (tests["level"] == "10").all()
    assert (tests["p"] < 0.05).mean() <= 0.15


def test_the_worked_example_of_the_methods_page_holds() -> None:
    page = Path(__file__).parents[2] / "docs" / "methods" / "effects.md"
    assert doctest.testfile(str(page), module_relative=False).failed == 0


@pytest.mark.parametrize("few", ["never", "w4"])
@pytest.mark.parametrize("replicated", [False, True])
def test_one_community_gives_no_interval_to_what_rests_on_it(few: str, replicated: bool) -> None:
    """A cohort or controls of one community have a scatter nobody knows, which would count as 0."""
    rows = staggered()
    rows = rows[(rows["first"] != few) | (rows["psu"] == rows.loc[rows["first"] == few, "psu"].min())]
    found = effects.group_time(jackknifed(rows) if replicated else designs(rows), "y", "first")
    cohorts = found.cohorts().set_index("group")
    alone = ["w2", "w3", "w4"] if few == "never" else ["w4"]
    assert cohorts.loc[alone, ["se", "ci_low", "p"]].isna().all(axis=None)
    assert cohorts.loc[alone, "reason"].str.contains("one sampling unit").all()
    assert cohorts["se"].notna().sum() == 3 - len(alone)
    assert found.overall()[["se", "p"]].isna().all(axis=None)
    assert found.events().set_index("group").loc["0", ["se", "p"]].isna().all()
    tidy = found.tidy().set_index("group")
    assert tidy.loc[alone, "se"].isna().all()
    assert tidy.loc[tidy.index.difference(alone), "se"].notna().all()


def jackknifed(rows: pd.DataFrame) -> dict[str, SurveyDesign]:
    units = rows["psu"].unique()
    keep = (rows["psu"].to_numpy()[:, None] != units) * len(units) / (len(units) - 1)
    names = [f"r{unit}" for unit in units]
    frame = pd.concat([rows, pd.DataFrame(keep, columns=names, index=rows.index)], axis=1)
    return {
        str(wave): SurveyDesign(part, "w", replicates=names, method="JK1", combined=False)
        for wave, part in frame.groupby("wave")
    }
