"""Nonresponse factors by hand, by the engine's regression, and what of the nonrespondents passes the boundary."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey import model
from survey.cleaning import Cleaned, clean
from survey.codebook import Codebook, DualFrame, Nonresponse, Weighting
from survey.collapsing import merged
from survey.design import SurveyDesign
from survey.errors import CodebookError, DataError
from survey.nonresponse import FACTOR, adjustment, propensity, responded
from survey.privacy import protect
from survey.selection import base_weights, overlapping
from survey.survey_yaml import parse
from tests.small_survey import YAML, frame

KEY = b"a secret of thirty-two bytes ..."
ITEMS = """\
  mode: {scale: mode, label: {zh: 方式, en: Mode}}
  result: {kind: code}
  p: {kind: number, range: [0, 1]}
  person: {kind: code}
"""
DISPOSITIONS = (
    "dispositions: {item: result, groups: {complete: [1], refusal: [2], unknown: [3], ineligible: [4]}}\ndesign:"
)


def book(
    nonresponse: str = "{by: [district, mode]}", weighting: str = "inverse: [p], rake: [sex, district]"
) -> Codebook:
    yaml = YAML.replace("  person: {kind: code}\n", ITEMS).replace("\ndesign:", "\n" + DISPOSITIONS)
    yaml = yaml.replace(
        "scales:\n", "scales:\n  mode: {levels: {1: {zh: 电话, en: Phone}, 2: {zh: 面访, en: Visit}}}\n"
    )
    return parse(yaml.replace("base: weight_in, rake: [sex, district]", f"{weighting}, nonresponse: {nonresponse}"))


def delivery() -> pd.DataFrame:
    """600 cases: every third refused, by mode; some of unknown eligibility, some ineligible."""
    cells = frame(600)
    number = np.arange(600)
    mode = 1 + (number // 12) % 2
    result = np.select(
        [number % 7 == 0, number % 11 == 0, (number % 3 == 0) | ((mode == 2) & (number % 5 == 0))], [3, 4, 2], 1
    )
    cells = cells.assign(mode=mode.astype(str), result=result.astype(str), p=np.where(mode == 1, "0.1", "0.2"))
    cells.loc[result != 1, ["sex", "age", "safe", "lights", "name", "phone"]] = ""
    cells.index = pd.RangeIndex(2, 602, name="row")
    return cells


def cleaned(plan: Codebook, cells: pd.DataFrame | None = None) -> Cleaned:
    return clean(delivery() if cells is None else cells, plan, "w1")


def test_classes_by_hand() -> None:
    plan, cells = book(), delivery()
    found = adjustment(cleaned(plan), plan)
    assert found is not None
    result = cells["result"].astype(int)
    resolved = (result != 3).sum()
    e = (result.isin([1, 2])).sum() / resolved
    d = result.map({1: 1.0, 2: 1.0, 3: e, 4: 0.0}) / cells["p"].astype(float)
    by = [cells["district"], cells["mode"]]
    expected = (d.groupby(by).transform("sum") / d.where(result == 1, 0).groupby(by).transform("sum"))[result == 1]
    pd.testing.assert_series_equal(found[0], expected, check_names=False)
    assert found[1]["classes"] == found[1]["cells"] == 6
    assert (found[0] / cells["p"].astype(float)[result == 1]).sum() == pytest.approx(d.sum())


def test_only_factors_and_counts_pass_the_boundary() -> None:
    plan = book()
    done = cleaned(plan)
    kept = protect(done, plan, "w1", KEY)
    assert len(kept.frame) == len(done.frame) == (delivery()["result"] == "1").sum()
    assert set(kept.frame) >= {FACTOR, "base_weight"}
    assert not {"p", "result", "disposition_group"} & set(kept.frame)
    facts = kept.facts["nonresponse"]
    assert json.loads(json.dumps(facts)) == facts
    assert facts["smallest"] >= 30
    assert all(not isinstance(value, list | dict) or key == "by" for key, value in facts.items())
    assert FACTOR not in protect(cleaned(parse(YAML), frame()), parse(YAML), "w1", KEY).frame


def test_thin_classes_are_merged_with_their_neighbour() -> None:
    plan = book("{by: [district, mode], min_class: 80}")
    found = adjustment(cleaned(plan), plan)
    assert found is not None
    assert found[1]["classes"] < 6
    assert found[1]["smallest"] >= 80
    cases = pd.DataFrame({"a": list("1111222233")})
    here = np.array([1, 1, 1, 0, 1, 0, 0, 0, 1, 1], dtype=bool)
    loose = Nonresponse(by=("a",)).model_copy(update={"min_class": 1})
    assert responded(cases, here, np.ones(10), loose)[0][[0, 4, 8]].tolist() == [4 / 3, 4, 1]
    tight = loose.model_copy(update={"max_factor": 2.0})
    assert responded(cases, here, np.ones(10), tight)[0].max() <= 2


def test_a_merge_takes_the_same_first_variable_or_the_declared_level() -> None:
    n = np.array([50, 5, 6, 60])
    keys = [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")]

    def thin(cells: Any) -> bool:
        return bool(n[cells].sum() < 10)

    assert merged(keys, thin, lambda cells: float(n[cells].sum())).tolist() == [0, 0, 1, 1]
    assert merged(keys, thin, lambda cells: float(n[cells].sum()), {0: {"1": "2", "2": "1"}}).tolist() == [0, 1, 0, 1]
    assert merged(keys, lambda cells: True, lambda cells: float(n[cells].sum())).tolist() == [0, 0, 0, 0]


def test_propensity_is_the_engines_weighted_regression() -> None:
    rng = np.random.default_rng(5)
    cases = pd.DataFrame({"a": rng.integers(1, 4, 900).astype(str), "m": rng.integers(1, 3, 900).astype(str)})
    took = rng.random(900) < 0.3 + 0.1 * cases["a"].astype(int) - 0.1 * (cases["m"] == "2")
    weight = rng.uniform(5, 20, 900)
    plan = Nonresponse(by=("a", "m"), method="propensity")
    p = propensity(cases, took.to_numpy(), weight, plan)
    d = SurveyDesign(cases.assign(took=took.astype(float), w=weight), "w")
    b = model.fit(d, "took ~ C(a) + C(m)", family="binomial").params
    eta = (
        b.iloc[0] + (cases["a"] == "2") * b.iloc[1] + (cases["a"] == "3") * b.iloc[2] + (cases["m"] == "2") * b.iloc[3]
    )
    assert p == pytest.approx(1 / (1 + np.exp(-eta)), rel=1e-8)
    whole, facts = responded(cases, took.to_numpy(), weight, plan.model_copy(update={"quantiles": None}))
    assert whole == pytest.approx(1 / p)
    assert "classes" not in facts
    factor, facts = responded(cases, took.to_numpy(), weight, plan)
    assert 2 <= facts["classes"] <= 5
    assert (factor * weight)[took].sum() == pytest.approx(weight.sum())
    assert np.corrcoef(factor, 1 / p)[0, 1] > 0.9


@pytest.mark.parametrize(
    ("plan", "change", "part"),
    [
        (book(), {"result": "1"}, "nobody who did not take part"),
        (book(), {"mode": lambda rows: rows["mode"].where(rows["result"] == "1", "")}, "carry no mode"),
        (book(), {"p": lambda rows: rows["p"].where(rows["result"] == "1", "0")}, "carry no p"),
        (
            book("{by: [mode], method: propensity}"),
            {"result": lambda rows: rows["result"].where(rows["mode"] == "1", "1")},
            "only respondents, or none",
        ),
    ],
)
def test_what_cannot_be_adjusted_is_told(plan: Codebook, change: dict[str, Any], part: str) -> None:
    cells = delivery().assign(sex="1", safe="1", lights="1")
    with pytest.raises(DataError, match=part):
        adjustment(cleaned(plan, cells.assign(**change)), plan)


@pytest.mark.parametrize(
    ("weighting", "part"),
    [
        ("rake: [sex], poststratify: sex, ", "one of rake, poststratify and calibrate"),
        ("calibrate: {to: [sex], distance: logit}, ", "cannot do without"),
        ("calibrate: {to: [sex, age]}, ", "stays below the identity boundary"),
        ("rake: [sex], merge: {sex: {7: 1}}, ", "codes of levels of sex"),
        ("nonresponse: {by: [district]}, ", "which tell who took part"),
    ],
)
def test_mistakes_in_survey_yaml(weighting: str, part: str) -> None:
    with pytest.raises(CodebookError, match=part):
        parse(YAML.replace("base: weight_in, rake: [sex, district]", weighting + "base: weight_in"))


def test_a_number_is_no_class() -> None:
    with pytest.raises(CodebookError, match="variables with a scale"):
        book("{by: [age]}")


PHONES = {"frame": "drawn", "mobile": {"codes": [1], "phones": "mobiles"}}
PHONES |= {"landline": {"codes": [2], "phones": "lines", "adults": "adults"}}


@pytest.mark.parametrize("extra", [{}, {"overlap": "composite"}, {"overlap": "composite", "mobile_share": 0.7}])
def test_nobody_counts_twice_whom_both_frames_reach(extra: dict[str, Any]) -> None:
    """Σ over a person's phones of chance × weight is 1: a phone of its frame is as likely as any (base weight 1)."""
    for mobiles, lines, adults in [(1, 0, 2), (3, 0, 1), (0, 2, 3), (1, 1, 2), (2, 1, 4)]:
        one = pd.DataFrame({"drawn": [1, 2], "mobiles": mobiles, "lines": lines, "adults": adults})
        factor = overlapping(one, DualFrame.model_validate(PHONES | extra)).fillna(0.0)
        assert mobiles * factor[0] + lines / adults * factor[1] == pytest.approx(1)


def test_other_cases_are_left_alone_and_blank_phones_are_no_weight() -> None:
    people = pd.DataFrame({"drawn": [3, 1, 2], "mobiles": [np.nan, np.nan, 1], "lines": [0, 1, 0], "adults": 1})
    factor = overlapping(people, DualFrame.model_validate(PHONES))
    assert factor[0] == 1
    assert factor[1:].isna().all()


def test_the_base_weight_takes_the_phones_in() -> None:
    people = pd.DataFrame(
        {"drawn": ["1", "2"], "mobiles": [1.0, 1], "lines": [1.0, 1], "adults": [2.0, 2], "p": [0.1, 0.2]}
    )
    settings = Weighting.model_validate({"inverse": ["p"], "dual_frame": PHONES})
    assert base_weights(people, settings).tolist() == pytest.approx([5, 5])
    with pytest.raises(DataError, match="is blank"):
        base_weights(people.assign(lines=np.nan), settings)
    excluded = settings.model_copy(update={"blank_base": "exclude"})
    assert base_weights(people.assign(mobiles=[1.0, np.nan]), excluded).isna().tolist() == [False, True]
