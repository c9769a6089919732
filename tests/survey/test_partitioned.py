"""Rows in parts have the figures they would have in one frame, to 1e-12, and R's golden numbers to eight digits."""

from __future__ import annotations

import json
import pickle
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey import estimate, model
from survey.design import SurveyDesign
from survey.errors import AnxinError, DataError, DesignError, EstimationError
from survey.partitioned import Ask, Frames, PartitionedFit, Raked, Sample, cut, figures, fit, rake, with_weights
from survey.sampling.calibrated import Calibration
from survey.weighting import raking
from tests.golden import calls
from tests.oracle.check import relative_error
from tests.partitions import ASKS, EXACT, MODEL, SAMPLE, design, distance, in_memory, rows


@cache
def frame() -> pd.DataFrame:
    return rows(30_000)


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_figures_are_those_of_one_frame(parts: int) -> None:
    got = figures(cut(frame(), parts), SAMPLE, ASKS)
    assert distance(got, pd.concat(in_memory(design(frame())))) <= EXACT


def test_the_covariance_of_figures_is_kept() -> None:
    got, wanted = figures(cut(frame(), 3), SAMPLE, ASKS[:1]), estimate.proportion(design(frame()), ["q1", "q40"], "g6")
    one, two = (estimate.joined([each]).attrs["covariance"] for each in (got, wanted))
    assert np.allclose(one.covariance(one.table), two.covariance(two.table), rtol=1e-9, atol=1e-18)


def test_a_domain_keeps_the_units_outside_it() -> None:
    sample = Sample("w", "psu", "stratum", domain="g5 == 2 & income > 2000")
    got = figures(cut(frame(), 4), sample, ASKS)
    assert distance(got, pd.concat(in_memory(design(frame()).domain("g5 == 2 & income > 2000")))) <= EXACT


def test_the_order_of_the_rows_and_unequal_parts_do_not_matter() -> None:
    mixed = frame().sample(frac=1, random_state=3)
    parts = Frames([mixed.iloc[:10], mixed.iloc[10:20_000], mixed.iloc[20_000:]])
    assert distance(figures(parts, SAMPLE, ASKS), pd.concat(in_memory(design(frame())))) <= EXACT


def test_levels_that_a_part_lacks() -> None:
    """Codes that are no Categoricals: parts know different levels of items and groups, one of them no group at all."""
    whole = frame().assign(area=frame()["g3"].astype(float), grade=frame()["q1"].astype(float), odd=0)
    whole = whole.sort_values(["area", "grade"]).reset_index(drop=True)
    whole.loc[:9, "area"] = np.nan
    whole.loc[20_000:, "odd"] = 1
    parts = Frames([whole.iloc[:10], whole.iloc[10:9000], whole.iloc[9000:]])
    asks = [Ask("share", ["grade", "odd", "q2"], by="area"), Ask("mean", "grade", by="area")]
    d = design(whole)
    wanted = [estimate.proportion(d, ["grade", "odd", "q2"], "area"), estimate.mean(d, "grade", "area")]
    assert distance(figures(parts, SAMPLE, asks), pd.concat(wanted)) <= EXACT


def test_a_group_of_nobody_and_one_of_a_single_unit_say_so() -> None:
    whole = frame().assign(few=pd.Categorical(np.where(frame()["psu"] == 5, "one", "rest"), ["none", "one", "rest"]))
    got = figures(cut(whole, 3), SAMPLE, [Ask("mean", "income", by="few")])
    assert distance(got, estimate.mean(design(whole), "income", "few")) <= EXACT
    assert got["reason"].tolist()[:2] == [
        "no respondents in this group",
        "one sampling unit in this group: no interval",
    ]


def test_weights_of_zero_count_as_in_memory() -> None:
    whole = frame().assign(w=frame()["w"].where(frame().index % 3 > 0, 0.0))
    parts = Frames([whole[whole["w"] == 0], whole[whole["w"] > 0]])
    assert distance(figures(parts, SAMPLE, ASKS), pd.concat(in_memory(design(whole)))) <= EXACT


@pytest.mark.parametrize("rule", ["adjust", "average", "remove", "certainty"])
def test_lonely_units(rule: Any) -> None:
    whole = frame().assign(stratum=np.where(frame()["psu"] == 5, 999, frame()["stratum"]))
    got = figures(cut(whole, 3), Sample("w", "psu", "stratum", lonely_psu=rule), ASKS)
    assert distance(got, pd.concat(in_memory(SurveyDesign(whole, "w", "stratum", "psu", lonely_psu=rule)))) <= EXACT


# -- R ----------------------------------------------------------------------------------------------------------------

PER_AREA, PER_SEX = ({"area": dict(zip(("new", "old", "village"), map(float, calls.PER_AREA), strict=True))},
                     {"sex": dict(zip(("man", "woman"), map(float, calls.PER_SEX), strict=True))})  # fmt: skip


def raked() -> Raked:
    return rake(cut(calls.people(), 5), "w", PER_AREA | PER_SEX, 1e-14, residuals="r")


SAMPLES = {
    "strata": lambda: Sample("w", "psu", "stratum", nest=True),
    "one_stage": lambda: Sample("w", "psu", "stratum", "fpc1", nest=True),
    "two_stage": lambda: Sample("w", ["psu", "household"], "stratum", ["fpc1", "fpc2"], nest=True),
    "domain": lambda: Sample("w", "psu", "stratum", nest=True, domain="age >= 40 & income > 2000"),
    "lonely_average": lambda: Sample("w", "psu", "alone", nest=True, lonely_psu="average"),
    "raked": lambda: Sample("w", "psu", "stratum", nest=True, raked=raked()),
    "raked_one_stage": lambda: Sample("w", "psu", "stratum", "fpc1", nest=True, raked=raked()),
    "raked_domain": lambda: Sample("w", "psu", "stratum", nest=True, raked=raked(), domain="age >= 40"),
}
QUESTIONS: dict[str, Ask | tuple[str, str]] = {
    "shares of safe": Ask("share", "safe", ci="wald"),
    "total of victim": Ask("total", "victim"),
    "ratio of spent to income": Ask("ratio", "spent", denominator="income"),
    "deff of mean income": Ask("mean", ["income", "age"]),
    "deff with replacement": Ask("mean", ["income", "age"], deff="replace"),
    "logistic model": (calls.LOGISTIC, "binomial"),
    "linear model": ("income ~ age * sex + spent", "gaussian"),
}
GOLDEN = {
    case["name"]: case for case in json.loads((calls.HERE / "golden.json").read_text())["cases"]
    if case["name"].partition(": ")[0] in SAMPLES and case["name"].partition(": ")[2] in QUESTIONS
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_numbers_of_r_through_parts(name: str) -> None:
    of, _, what = name.partition(": ")
    question, parts = QUESTIONS[what], cut(calls.people(), 5)
    if isinstance(question, Ask):
        got = calls.stat(figures(parts, SAMPLES[of](), [question]))
    else:
        got = answered(fit(parts, SAMPLES[of](), *question))
    for key, wanted in GOLDEN[name]["values"].items():
        wanted = [np.nan if value is None else value for value in wanted]
        assert relative_error(got[key], wanted) <= 1e-8, f"{key}: {np.ravel(got[key])}, not {wanted}"


def answered(m: PartitionedFit) -> dict[str, Any]:
    """As `tests.golden.calls.fitted`."""
    place = sorted(range(len(m.names)), key=lambda k: (m.names[k].count(":"), calls._position(m.formula, m.names[k])))
    out = m.tidy().iloc[place]
    return {**calls.stat(out), "p": out["p"], "df": m.df}


def test_many_golden_numbers_are_compared() -> None:
    assert len(GOLDEN) >= 30
    assert {name.partition(": ")[0] for name in GOLDEN} == set(SAMPLES)
    assert {name.partition(": ")[2] for name in GOLDEN} == set(QUESTIONS)


# -- raking -----------------------------------------------------------------------------------------------------------

MARGINS = {
    "g3": {"1": 9000.0, "2": 11000.0, "3": 10000.0},
    "g2:g5": {f"{a}:{b}": 2500.0 + 100 * a * b for a in (1, 2) for b in (1, 2, 3, 4, 5)},
}
MARGINS["g3"] = {level: total * sum(MARGINS["g2:g5"].values()) / 30000 for level, total in MARGINS["g3"].items()}


def test_raked_weights_are_those_of_one_frame() -> None:
    got = rake(cut(frame(), 6), "w", MARGINS)
    wanted, rounds = raking.rake(frame(), frame()["w"].to_numpy(), MARGINS)
    assert got.rounds == rounds
    assert np.abs(with_weights(frame(), got, "raked")["raked"] / wanted - 1).max() <= EXACT


@pytest.mark.parametrize("residuals", ["regression", "r"])
def test_variance_after_raking_uses_the_residuals_of_the_margins(residuals: Any) -> None:
    found = rake(cut(frame(), 6), "w", MARGINS, residuals=residuals)
    weights = with_weights(frame(), found, "raked")["raked"].to_numpy()
    crossing = [frame()["g3"].cat.codes, frame()["g2"].cat.codes * 5 + frame()["g5"].cat.codes]
    dummies = np.hstack([np.eye(size)[code] for code, size in zip(crossing, (3, 10), strict=True)])
    base = frame()["w"].to_numpy()
    step = Calibration(dummies, base, weights)
    if residuals == "r":
        step = Calibration(dummies, np.ones(len(base)), weights, (3, 10))
    d = SurveyDesign(frame(), weights, "stratum", "psu", calibration=[step])
    sample = Sample("w", "psu", "stratum", raked=found)
    assert distance(figures(cut(frame(), 3), sample, ASKS), pd.concat(in_memory(d))) <= EXACT
    assert alike(fit(cut(frame(), 3), sample, MODEL), model.fit(d, MODEL, "binomial")) <= EXACT


@pytest.mark.parametrize(
    ("margins", "told"),
    [
        ({"g2": {"1": 1.0}}, "A respondent has no level of the margin g2"),
        ({"g2": {"1": 1.0, "2": 1.0, "3": 1.0}}, "A level of g2 has no respondent"),
        ({"g2": {"1": 1.0, "2": 1.0}, "g3": {"1": 1.0, "2": 1.0, "3": 1.0}}, "do not add up"),
    ],
)
def test_margins_that_cannot_be_met(margins: dict[str, dict[str, float]], told: str) -> None:
    with pytest.raises(DataError, match=told):
        rake(cut(frame(), 2), "w", margins)


def test_raking_that_does_not_converge_counts_respondents_not_cells() -> None:
    thin = pd.DataFrame({"a": ["1"] * 5 + ["2"] * 4, "b": ["1"] * 5 + ["2"] * 4, "w": 1.0})
    with pytest.raises(EstimationError, match=r"level \d \((5|4) respondents\)"):
        rake(cut(thin, 2), "w", {"a": {"1": 4.0, "2": 6.0}, "b": {"1": 6.0, "2": 4.0}})


# -- models -----------------------------------------------------------------------------------------------------------


def alike(got: PartitionedFit, wanted: Any) -> float:
    """Greatest difference of coefficients and covariances on the scale of the errors, and of these as they are."""
    assert (got.df, got.dropped, got.aliased, got.n) == (wanted.df, wanted.dropped, wanted.aliased, wanted.n)
    se = wanted.se.to_numpy()
    off = np.abs(got.vcov.to_numpy() - wanted.vcov.to_numpy()) / np.outer(se, se)
    ends = ["estimate", "ci_low", "ci_high"]
    one, two = got.tidy(), wanted.tidy()
    moved = np.abs(one[ends] - two[ends]).max(axis=1) / np.maximum(two["se"], np.abs(two["estimate"]))
    return max(distance(one, two, ["se", "df", "n", "n_weighted"]), float(off.max()), float(moved.max()))


@pytest.mark.parametrize(
    ("formula", "family", "link"),
    [
        (MODEL, "binomial", ""),
        ("y ~ g2 * C(g3) + income", "binomial", ""),
        ("y ~ log(income) + I(income / 1000) + q3", "binomial", ""),
        ("y ~ g2 + C(g2) + g8", "binomial", ""),
        ("y ~ g2 + offset(income / 10000)", "binomial", ""),
        ("y ~ g2 + g3", "binomial", "probit"),
        ("spent ~ g2 + income", "gaussian", ""),
    ],
)
def test_models_are_those_of_one_frame(formula: str, family: str, link: str) -> None:
    got = fit(cut(frame(), 5), SAMPLE, formula, family, link=link)
    assert alike(got, model.fit(design(frame()), formula, family, link=link)) <= EXACT


def test_a_model_in_a_domain_whose_levels_lie_in_different_parts() -> None:
    whole = frame().assign(area=frame()["g3"].astype(int), word=frame()["g2"].map({1: "old", 2: "new"}).astype(object))
    whole = whole.sort_values(["area", "word", "y"]).reset_index(drop=True)
    formula, domain = "y ~ C(area) + word + I(income / 1000)", "g5 != 2"
    got = fit(cut(whole, 9), Sample("w", "psu", "stratum", domain=domain), formula)
    assert alike(got, model.fit(design(whole).domain(domain), formula, "binomial")) <= EXACT


def test_what_one_unit_alone_carries_has_no_interval() -> None:
    whole = frame().assign(mine=(frame()["psu"] == 5) & (frame()["income"] > 2000))
    got, wanted = fit(cut(whole, 4), SAMPLE, "y ~ mine + g2"), model.fit(design(whole), "y ~ mine + g2", "binomial")
    pd.testing.assert_series_equal(got.tidy()["reason"], wanted.tidy()["reason"])
    assert got.tidy()["reason"].str.contains("one sampling unit").tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("formula", "family", "told"),
    [
        ("y ~ poly(income, 2)", "binomial", "needs all rows in one place"),
        ("y ~ g2", "poisson", "not known for rows in parts"),
        ("y ~ I(y * 1.0) + g2", "binomial", "separation"),
        ("odd ~ g2", "binomial", "The outcome is the same"),
        ("y ~ nowhere", "binomial", "cannot be read"),
    ],
)
def test_models_that_cannot_be(formula: str, family: str, told: str) -> None:
    with pytest.raises(EstimationError, match=told):
        fit(cut(frame().assign(odd=1), 3), SAMPLE, formula, family)


# -- what cannot be ---------------------------------------------------------------------------------------------------


def test_parts_that_know_different_categories_are_refused() -> None:
    other = frame().iloc[:100].assign(q1=frame()["q1"].iloc[:100].cat.add_categories([9]))
    with pytest.raises(DataError, match="different categories"):
        figures(Frames([frame(), other]), SAMPLE, ASKS)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (Ask("median", "income"), "statistic is not known"),
        (Ask("ratio", "income"), "statistic is not known"),
        (Ask("share", "income"), "too many values"),
        (Ask("share", "y", ci="likelihood"), "all rows in one place"),
        (Ask("mean", "word"), "not numbers"),
        (Ask("mean", "nowhere"), "not in the data"),
    ],
)
def test_figures_that_cannot_be(ask: Ask, told: str) -> None:
    with pytest.raises(AnxinError, match=told):
        figures(cut(frame().assign(word="x"), 2), SAMPLE, [ask])


def test_designs_that_cannot_be() -> None:
    with pytest.raises(DesignError, match="need sampling units"):
        Sample("w", psu=[])
    split = frame().assign(stratum=np.arange(len(frame())) % 7)
    with pytest.raises(DesignError, match="more than one stratum"):
        figures(cut(split, 2), SAMPLE, ASKS)
    alone = frame().assign(stratum=np.where(frame()["psu"] == 5, 999, frame()["stratum"]))
    with pytest.raises(DesignError, match="only one sampling unit"):
        figures(cut(alone, 2), SAMPLE, ASKS)


def test_a_fault_keeps_its_parts_on_the_way_between_processes() -> None:
    fault = DataError("Column {c} holds {{braces}}", where="{c}", hint="mend it", c="{q1}")
    fault.others = (DesignError("and another"),)
    again = pickle.loads(pickle.dumps(fault))
    assert type(again) is DataError
    assert (again.describe(), str(again)) == (fault.describe(), str(fault))
    assert [type(other) for other in again.others] == [DesignError]
