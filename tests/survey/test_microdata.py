"""The public-use file as a frame: the search against every node, suppression, equal figures, scrambling, attacks."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey import compare, estimate, model
from survey.anonymity.classes import Rules, Sensitive, crossed, failing, levels_of
from survey.codebook import Codebook
from survey.design import Calibration, SurveyDesign
from survey.errors import CodebookError, GateError
from survey.microdata.assessment import assess, weight_attack
from survey.microdata.attacks import cell_factors
from survey.microdata.lattice import Attribute, information_lost, search
from survey.microdata.loss import design_of_file, largest_changes, losses, private_design
from survey.microdata.release import PublicUse, public_use
from survey.microdata.scrambling import relabelled
from survey.microdata.synthetic import synthetic
from survey.survey_yaml import parse
from tests.small_survey import YAML

WIDE = """\
  age_band: {levels: {1: {zh: 青, en: Young}, 2: {zh: 中, en: Middle}, 3: {zh: 老, en: Old}, 4: {zh: 高, en: Oldest}}}
  age_wide: {levels: {1: {zh: 少, en: Under 45}, 2: {zh: 长, en: Over 45}}}
  job: {ordered: false, levels: {1: {zh: 农, en: Farm}, 2: {zh: 工, en: Works}, 3: {zh: 商, en: Trade}}}
  trust: {levels: {1: {zh: 信, en: Much}, 2: {zh: 可, en: Some}, 3: {zh: 疑, en: None}}}
"""
BOOK = (
    YAML.replace("  sex: {levels", WIDE + "  sex: {levels")
    .replace(
        "derived:\n",
        "  job: {scale: job, label: {zh: 职业, en: Job}}\n"
        "  trust: {scale: trust, label: {zh: 信任, en: Trust}}\nderived:\n"
        "  age_band: {recipe: band, of: age, edges: [16, 30, 45, 60], scale: age_band, label: {zh: 年龄, en: Age}}\n"
        "  age_wide: {recipe: collapse, of: age_band, to: {1: [1, 2], 2: [3, 4]}, scale: age_wide,"
        " label: {zh: 两段, en: Two ages}}\n",
    )
    .replace("rake: [sex, district]", 'rake: ["sex:age_band", district]')
    .replace(
        "privacy: {pseudonyms: [person, community], quasi_identifiers: [sex, district]}",
        "privacy:\n  pseudonyms: [person, community]\n  generalise: {age: age_band}\n"
        "  quasi_identifiers: [sex, district, age_band, job]\n"
        "  microdata: {k: 4, l: 2, t: 0.6, max_suppressed: 0.05, sensitive: [trust], variables: [safe, lights, lit,"
        " trust, feels_safe], hierarchies: {age_band: [age_wide, '*'], job: ['*']}}",
    )
)


def book(yaml: str = BOOK) -> Codebook:
    return parse(yaml)


def private(rows: int = 480, seed: int = 5) -> pd.DataFrame:
    """A weighted frame as the pipeline leaves it: 3 districts of 4 communities, weights raked by hand."""
    rng = np.random.default_rng(seed)
    unit = np.sort(np.arange(rows) % 12)
    district, age, sex = unit // 4 + 1, rng.integers(1, 5, rows), rng.integers(1, 3, rows)
    adults, chance = rng.integers(1, 4, rows), rng.uniform(0.01, 0.03, 12)[unit]
    factor = np.array([0.91, 1.07, 0.98, 1.13, 1.02, 0.88, 1.05, 0.94])[(sex - 1) * 4 + age - 1]
    lights = rng.integers(1, 3, rows)

    def coded(values: Any, most: int) -> pd.Categorical:
        return pd.Categorical([str(value) if value else None for value in values], [str(i + 1) for i in range(most)])

    frame = pd.DataFrame({
        "district": coded(district, 3), "community": [f"c{value:02d}" for value in unit], "sex": coded(sex, 2),
        "age_band": coded(age, 4), "age_wide": coded((age + 1) // 2, 2), "job": coded(rng.integers(0, 4, rows), 3),
        "safe": coded(np.where(rng.random(rows) < 0.8 - 0.2 * (lights - 1), 1, 2), 2), "lights": coded(lights, 2),
        "trust": coded(rng.integers(0, 4, rows), 3), "base_weight": adults / chance,
    })  # fmt: skip
    frame["lit"] = (frame["lights"] == "1").astype(float)
    frame["feels_safe"] = (frame["safe"] == "1").astype(float)
    frame["weight"] = frame["base_weight"] * factor
    return frame


@pytest.fixture(scope="module")
def made() -> PublicUse:
    return public_use(private(), book(), "weight")


# -- the search --------------------------------------------------------------------------------------------------------


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Attribute], np.ndarray, list[Sensitive], Rules, float, np.ndarray]:
    rows = draw(st.integers(6, 30))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    attributes = []
    for i in range(draw(st.integers(1, 3))):
        fine = rng.integers(0, 4, rows)
        steps = tuple(levels_of(pd.Series(step)) for step in (fine, fine // 2, np.zeros(rows, dtype=int)))
        attributes.append(Attribute(f"q{i}", steps, float(draw(st.integers(1, 3))), (-1, -1, -1)))
    given_ = np.unique(rng.integers(0, 2, rows), return_inverse=True)[1]
    item = Sensitive("x", levels_of(pd.Series(rng.integers(0, 3, rows))), ordered=bool(draw(st.booleans())))
    rules = Rules(draw(st.integers(1, 4)), draw(st.integers(1, 2)), 1.0, draw(st.sampled_from([None, 0.3, 0.6])))
    return attributes, given_, [item], rules, draw(st.sampled_from([0.0, 0.1, 0.3])), rng.uniform(1, 5, rows)


@settings(deadline=None, max_examples=150)
@given(problems())
def test_the_search_finds_the_best_of_all_nodes(problem: Any) -> None:
    attributes, given_, sensitive, rules, limit, weights = problem
    found = search(attributes, given_, sensitive, rules, limit, weights)
    worth = np.array([own.importance for own in attributes])
    best = None
    for steps in product(*(range(len(own.steps)) for own in attributes)):
        # One node alone: the same suppression, no pruning and no bound.
        lone = [
            Attribute(own.name, (own.steps[step],), own.importance, (-1,))
            for own, step in zip(attributes, steps, strict=True)
        ]
        node = search(lone, given_, sensitive, rules, limit, weights)
        if node is None:
            continue
        lost = np.array([
            information_lost(own.steps[0], own.steps[step], weights)
            for own, step in zip(attributes, steps, strict=True)
        ])  # fmt: skip
        blank = weights @ node.blanked / weights.sum()
        loss = float(worth @ (lost + blank * (1 - lost)) / worth.sum())
        best = loss if best is None else min(best, loss)
    assert (found is None) == (best is None)
    if found is not None:
        assert found.loss == pytest.approx(best)
        parts = [
            np.where(found.blanked[:, i], own.steps[step].max() + 1, own.steps[step])
            for i, (own, step) in enumerate(zip(attributes, found.steps, strict=True))
        ]
        assert not failing(crossed([given_, *parts], len(given_)), sensitive, rules).any()
        assert found.suppressed <= limit * len(given_)


def test_what_cannot_be_blanked_is_left_alone() -> None:
    rng = np.random.default_rng(3)
    fixed, free = rng.integers(0, 2, 60), rng.integers(0, 6, 60)
    attributes = [
        Attribute("area", (levels_of(pd.Series(fixed)),), 1.0, (-1,), fixed=True),
        Attribute("job", (levels_of(pd.Series(free)),), 1.0, (-1,)),
    ]
    node = search(attributes, np.zeros(60, dtype=np.intp), [], Rules(k=7), 1.0, np.ones(60))
    assert node is not None
    assert not node.blanked[:, 0].any()
    assert node.blanked[:, 1].any()


# -- what goes out -----------------------------------------------------------------------------------------------------


def test_rules_hold_on_the_columns_of_the_file(made: PublicUse) -> None:
    from pycanon import anonymity as pycanon

    shown = made.frame.astype({"stratum": str}).astype(object).where(made.frame.notna(), "missing")
    quasi = ["stratum", *(own.name for own in made.variables if own.part == "quasi_identifier")]
    assert pycanon.k_anonymity(shown, quasi) >= 4
    assert pycanon.l_diversity(shown, quasi, ["trust"]) >= 2
    numbers = shown.assign(trust=shown["trust"].replace("missing", "4").astype(int))
    assert pycanon.t_closeness(numbers, quasi, ["trust"]) <= 0.6


def test_what_the_strata_tell_stays_as_fine_as_it_is(made: PublicUse) -> None:
    assert made.protected.pinned == ("district",)
    assert made.frame.groupby("stratum")["district"].nunique().eq(1).all()


def test_a_variable_that_units_tell_counts_as_known() -> None:
    frame = private()
    in_town = (frame["community"].str[1:].astype(int) % 3 == 0).map({True: "1", False: "2"})
    frame["lights"] = pd.Categorical(in_town, ["1", "2"])
    made = public_use(frame, book(), "weight")
    classes = crossed([levels_of(frame["district"]), levels_of(frame["lights"])], len(frame))
    assert len(np.unique(crossed([made.protected.given, classes], len(frame)))) == len(np.unique(made.protected.given))
    known = ["stratum", "lights", *(own.name for own in made.variables if own.part == "quasi_identifier")]
    assert made.frame.groupby(known, observed=True, dropna=False).size().min() >= 4


def figures(design: SurveyDesign) -> dict[str, pd.DataFrame]:
    return {
        "mean": estimate.mean(design, ["feels_safe", "lit"], by=["district"]),
        "share": estimate.proportion(design, ["trust", "safe"], by=["district"]),
        "total": estimate.total(design, ["feels_safe"]),
        "ratio": estimate.ratio(design, "feels_safe", "lit"),
        "quantile": estimate.quantile(design, "score", [0.25, 0.5, 0.75]),
        "model": model.fit(design, "feels_safe ~ lit + C(district)", family="binomial").tidy(),
    }


def test_estimates_and_standard_errors_are_those_of_the_private_file(
    made: PublicUse, capsys: pytest.CaptureFixture[str]
) -> None:
    settings_, frame = book(), private()
    score = frame["lit"] + frame["safe"].cat.codes * 0.5 + frame["trust"].cat.codes
    inside, outside = private_design(frame.assign(score=score), settings_, "weight"), design_of_file(
        made.frame.assign(score=score.to_numpy()[made.origin]), made.variables, settings_
    )  # fmt: skip
    ours, theirs = figures(inside), figures(outside)
    for name, table in ours.items():
        for column in ("estimate", "se", "ci_low", "ci_high", "df"):
            if column in table:
                np.testing.assert_allclose(
                    theirs[name][column].to_numpy(float), table[column].to_numpy(float), rtol=1e-10, err_msg=name
                )
    test = [compare.rao_scott(each, "safe", "district")["p"].iloc[0] for each in (inside, outside)]
    assert test[0] == pytest.approx(test[1], rel=1e-9)
    table = losses(frame, made, settings_, "weight")
    with capsys.disabled():
        print("\n", table.round(4).to_string(index=False), largest_changes(table))
    kept = table[table["variable"].isin(made.protected.pinned)]
    np.testing.assert_allclose(kept["share_public"], kept["share"], rtol=1e-10)
    np.testing.assert_allclose(kept["se_public"], kept["se"], rtol=1e-10)
    lost = table[~table["variable"].isin([name for name in made.protected.released if name])]
    assert lost["share_public"].isna().all()


def test_variance_with_calibration_is_equal_where_the_margins_survive(made: PublicUse) -> None:
    settings_, frame = book(), private()
    designs = []
    for design, rows in ((private_design(frame, settings_, "weight"), frame), (
        design_of_file(made.frame, made.variables, settings_), made.frame
    )):  # fmt: skip
        step = Calibration.of_margins([rows["district"].astype(str)], rows["weight"], rows["weight"])
        designs.append(design.reweighted(rows["weight"], step))
    ours, theirs = (estimate.mean(design, ["feels_safe"]) for design in designs)
    plain = estimate.mean(private_design(frame, settings_, "weight"), ["feels_safe"])
    assert theirs["se"].iloc[0] == pytest.approx(ours["se"].iloc[0], rel=1e-10)
    assert abs(ours["se"].iloc[0] - plain["se"].iloc[0]) > 1e-6


def test_labels_and_order_follow_from_what_goes_out_alone() -> None:
    frame = private()
    mixed = frame.sample(frac=1, random_state=4).reset_index(drop=True)
    other = {name: f"x{i * 7 % 12}" for i, name in enumerate(frame["community"].unique())}
    mixed["community"] = mixed["community"].map(other)
    first, second = public_use(frame, book(), "weight"), public_use(mixed, book(), "weight")
    pd.testing.assert_frame_equal(first.frame, second.frame)


def test_labels_number_strata_and_nested_units() -> None:
    labels, order = relabelled(["b", "a", "c", "d"], [np.array([0, 0, 1, 1]), np.array([0, 1, 2, 2])])
    assert sorted(set(labels[0])) == [1, 2]
    assert sorted(set(labels[1])) == [1, 2, 3]
    assert order.tolist() == [1, 0, 2, 3]


# -- attacks -----------------------------------------------------------------------------------------------------------


def test_the_strata_give_the_district_away_by_their_sizes(made: PublicUse) -> None:
    frame = private(rows=475)  # 160, 160 and 155 respondents: the report tells them
    made = public_use(frame.iloc[:-9].reset_index(drop=True), book(), "weight")
    published = made.frame["district"].value_counts()
    by_size = made.frame["stratum"].map(made.frame["stratum"].value_counts())
    unique = published[~published.duplicated(keep=False)]
    found = by_size.map({size: name for name, size in unique.items()}).dropna()
    assert len(found) > 100
    assert (found == made.frame.loc[found.index, "district"].astype(str)).all()


def test_weights_give_hidden_cells_away_and_the_report_says_so() -> None:
    frame, settings_ = private(), book()
    made = public_use(frame, settings_, "weight")
    before = frame["base_weight"].to_numpy()
    factors = cell_factors(
        frame["weight"].to_numpy(), before, levels_of(frame["community"]),
        crossed([levels_of(frame["sex"]), levels_of(frame["age_band"])], len(frame)),
    )  # fmt: skip
    assert factors / factors[0] == pytest.approx(
        np.array([0.91, 1.07, 0.98, 1.13, 1.02, 0.88, 1.05, 0.94]) / 0.91, rel=1e-9
    )
    assert made.protected.released[made.protected.names.index("age_band")] != "age_band"
    found = weight_attack(frame, made.protected, settings_, frame["weight"].to_numpy(), before)
    readings = {own.variable: own for own in found}
    assert readings["age_band"].records == len(frame)
    assert readings["age_band"].right > 0.97 > 0.7 > readings["age_band"].guess
    facts = assess(frame, made, settings_, "weight", before)
    assert facts["weights"]["read"]["k"] < facts["released"]["k"]
    even = frame.assign(weight=frame["base_weight"].mean())
    flat = weight_attack(even, made.protected, settings_, even["weight"].to_numpy(), even["weight"].to_numpy())
    assert {own.variable: own.right for own in flat}["age_band"] < 0.6  # nothing in the weights, nothing to read


def test_weights_that_count_leave_calibrated_variables_as_they_are() -> None:
    counted = BOOK.replace("microdata: {k: 4,", "microdata: {weights: counted, k: 4,").replace("l: 2, t: 0.6", "l: 1")
    made = public_use(private(), book(counted), "weight")
    assert set(made.protected.pinned) == {"sex", "district", "age_band"}
    assert made.frame[["sex", "age_band"]].notna().all().all()
    assert not weight_attack(
        private(), made.protected, book(counted), private()["weight"].to_numpy(), private()["base_weight"].to_numpy()
    )


def test_what_cannot_be_protected_stops_with_what_would_help() -> None:
    strict = BOOK.replace("k: 4, l: 2, t: 0.6", "k: 200, l: 2, t: 0.01")
    with pytest.raises(GateError) as stopped:
        public_use(private(), book(strict), "weight")
    told = stopped.value.describe()
    for part in ("k 160", "short of: k, t", "max_suppressed", "merged in the design"):
        assert part in told, told


# -- the synthetic file ------------------------------------------------------------------------------------------------


def test_synthetic_margins_are_those_of_the_file(made: PublicUse) -> None:
    invented = synthetic(made.frame, made.variables)
    assert len(invented) == len(made.frame)
    assert invented["weight"].sum() == pytest.approx(made.frame["weight"].sum(), rel=1e-6)
    total = made.frame["weight"].sum()
    for name in ("stratum", "sex", "safe", "lights", "trust", "lit", "feels_safe"):
        real = made.frame.groupby(made.frame[name].astype(object).fillna("missing"))["weight"].sum() / total
        own = invented[name].astype(object).fillna("missing").value_counts(normalize=True)
        assert (own.reindex(real.index).fillna(0) - real).abs().max() <= 1 / len(invented), name
    assert made.frame.groupby("stratum")["psu"].nunique().equals(invented.groupby("stratum")["psu"].nunique())
    assert invented.groupby("stratum")["district"].nunique().eq(1).all()


def test_synthetic_records_keep_correlations_and_are_the_same_each_time(made: PublicUse) -> None:
    invented = synthetic(made.frame, made.variables, rows=5_000)
    both = [frame["lit"].corr(frame["feels_safe"]) for frame in (made.frame, invented)]
    assert both[1] == pytest.approx(both[0], abs=0.05)
    assert abs(both[0]) > 0.1
    pd.testing.assert_frame_equal(invented, synthetic(made.frame, made.variables, rows=5_000))


# -- survey.yaml -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "instead", "told"),
    [
        ("age_band: [age_wide, '*']", "age_band: ['*', age_wide]", "* before the end"),
        ("job: ['*']", "job: [age_wide]", "age_wide, which is none"),
        ("to: {1: [1, 2], 2: [3, 4]}", "to: {1: [1, 2], 2: [3]}", "takes in all its levels"),
        ("job: ['*']", "safe: ['*']", "the name of a quasi-identifier"),
        ("variables: [safe,", "variables: [safe, age_wide,", "age_wide, which tells of age"),
        ("variables: [safe,", "variables: [safe, age,", "age, kind number"),
        ("sensitive: [trust]", "sensitive: [trusts]", "did you mean trust?"),
        ("  safe: {scale: yes_no,", "  safe: {asked_if: {sex: [1]}, scale: yes_no,", "safe, which tells of sex"),
        ("quasi_identifiers: [sex, district, age_band, job]", "quasi_identifiers: []", "over which k is measured"),
    ],
)
def test_a_plan_that_cannot_protect_is_told_with_its_line(found: str, instead: str, told: str) -> None:
    assert found in BOOK
    with pytest.raises(CodebookError) as stopped:
        parse(BOOK.replace(found, instead))
    texts = "\n".join(fault.describe() for fault in (stopped.value, *stopped.value.others))
    assert told in texts, texts
    assert "survey.yaml line" in texts


def test_left_out_variables_are_those_of_the_report() -> None:
    usual = BOOK.replace("variables: [safe, lights, lit, trust, feels_safe], ", "").replace("sensitive: [trust], ", "")
    usual = usual.replace("  headline: [feels_safe]", "  headline: [feels_safe]\n  items: [safe, sex]")
    assert parse(usual).released() == ["safe", "feels_safe"]
    assert parse(YAML).released() == []
