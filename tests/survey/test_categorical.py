"""Ordinal and multinomial models, tests of terms, predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey import estimate, model
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import vcov
from survey.regression.prediction import predict
from survey.regression.termtests import anova, pseudo_r2, term_test


@pytest.fixture
def d() -> SurveyDesign:
    rng = np.random.default_rng(4)
    x = rng.normal(size=200)
    y = np.digitize(x + rng.logistic(size=200), [-1, 1])
    frame = pd.DataFrame(
        {"q": pd.Categorical(y), "x": x, "g": rng.choice(["a", "b", "c"], 200), "w": rng.uniform(1, 3, 200)}
    )
    return SurveyDesign(frame.assign(bin=(y > 0).astype(float)), "w")


def test_an_ordinal_model_without_covariates_has_the_cumulative_shares(d: SurveyDesign) -> None:
    m = model.fit(d, "q ~ 1", "ordinal")
    shares = estimate.proportion(d, "q")
    assert m.names == ["0|1", "1|2"]
    assert 1 / (1 + np.exp(-m.estimates)) == pytest.approx(np.cumsum(shares["estimate"])[:2])
    cumulate = np.array([[1.0, 0, 0], [1, 1, 0]])
    p = cumulate @ shares["estimate"].to_numpy()
    covariance = cumulate @ vcov(shares) @ cumulate.T
    assert m.se.to_numpy() == pytest.approx(np.sqrt(np.diag(covariance)) / (p * (1 - p)))


def test_a_multinomial_model_without_covariates_has_the_log_odds(d: SurveyDesign) -> None:
    m = model.fit(d, "q ~ 1", "multinomial")
    p = estimate.proportion(d, "q")["estimate"].to_numpy()
    assert m.estimates == pytest.approx(np.log(p[1:] / p[0]))


def test_a_multinomial_model_of_two_of_three_levels_is_close_to_its_logit(d: SurveyDesign) -> None:
    """Merging nothing: with a saturated factor every category's odds are those of the group."""
    m = model.fit(d, "q ~ C(g)", "multinomial")
    p = estimate.proportion(d, "q", by="g")["estimate"].to_numpy().reshape(3, 3)
    assert m.params["1:Intercept"] == pytest.approx(np.log(p[0, 1] / p[0, 0]))
    assert m.params["2:C(g)[T.c]"] == pytest.approx(np.log(p[2, 2] / p[2, 0]) - np.log(p[0, 2] / p[0, 0]))


def test_two_levels_are_no_ordinal_outcome(d: SurveyDesign) -> None:
    with pytest.raises(EstimationError, match="fewer than three"):
        model.fit(d, "bin ~ x", "ordinal")


def test_a_term_of_one_coefficient_is_its_t_squared(d: SurveyDesign) -> None:
    m = model.fit(d, "bin ~ x + C(g)", "binomial")
    row = m.tidy().set_index("item").loc["x"]
    assert term_test(m, "x")["estimate"].iloc[0] == pytest.approx((row["estimate"] / row["se"]) ** 2)
    assert term_test(m, "C(g)").attrs["test"]["ndf"] == 2
    with pytest.raises(EstimationError, match="not in the model"):
        term_test(m, "z")


def test_nested_models(d: SurveyDesign) -> None:
    small, large = model.fit(d, "bin ~ x", "binomial"), model.fit(d, "bin ~ x + C(g)", "binomial")
    assert anova(small, large).attrs["test"]["value"] == pytest.approx(small.glm.deviance - large.glm.deviance)
    assert pseudo_r2(large)["cox_snell"] > pseudo_r2(small)["cox_snell"]
    with pytest.raises(EstimationError, match="not nested"):
        anova(large, small)


def test_predictions_of_a_saturated_model_are_group_shares(d: SurveyDesign) -> None:
    m = model.fit(d, "bin ~ C(g)", "binomial")
    rows = predict(m, pd.DataFrame({"g": ["a", "b", "c"]}))
    shares = estimate.proportion(d, "bin", by="g")
    assert rows["estimate"].to_numpy() == pytest.approx(shares["estimate"].to_numpy())
    assert rows["se"].to_numpy() == pytest.approx(shares["se"].to_numpy())


def test_an_offset_takes_its_part_of_an_ordinal_slope(d: SurveyDesign) -> None:
    free = model.fit(d, "q ~ x", "ordinal")
    for m in (
        model.fit(d, "q ~ x", "ordinal", offset="0.5 * x"),
        model.fit(d, "q ~ x + offset(0.5 * x)", "ordinal", start=free.estimates),
    ):
        assert m.estimates == pytest.approx(free.estimates - [0.5, 0, 0], abs=1e-8)
        assert m.se.to_numpy() == pytest.approx(free.se.to_numpy(), rel=1e-6)


@pytest.mark.parametrize(
    ("formula", "family", "options", "text"),
    [
        ("q ~ 1", "multinomial", {"offset": "x"}, r"no offset[\s\S]*binomial model of the two"),
        ("q ~ offset(x)", "multinomial", {}, "no offset"),
        ("q ~ x", "multinomial", {"start": [0.0]}, "start does not fit"),
        ("q ~ x", "ordinal", {"start": [0.0, 1, 0]}, "do not rise"),
        ("q ~ x", "ordinal", {"maxiter": 1}, "not converge"),
        ("q ~ x", "multinomial", {"maxiter": 1}, "not converge"),
        ("x ~ q", "gaussian", {"start": [0.0]}, "start does not fit"),
    ],
)
def test_options_are_heeded(d: SurveyDesign, formula: str, family: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(EstimationError, match=text):
        model.fit(d, formula, family, **options)


@pytest.mark.parametrize("family", ["ordinal", "multinomial"])
def test_a_level_of_one_unit_has_no_interval(d: SurveyDesign, family: str) -> None:
    """Without the unit its coefficient stands still, as if it did not vary."""
    unit = np.arange(200) // 10
    frame = d.frame.assign(k=np.where(unit == 3, "one", "rest"), unit=unit)
    keep = (unit[:, None] != np.arange(20)) * 20 / 19
    jackknife = SurveyDesign(frame, "w", replicates=keep, method="JK1", combined=False)
    rows = model.fit(jackknife, "q ~ x + k", family).tidy().set_index("item")
    assert rows.index[rows["p"].notna()].tolist() == [name for name in rows.index if name.endswith("x")]
    linear = model.fit(SurveyDesign(frame, "w", psu="unit"), "q ~ x + k", family).tidy()
    assert linear["p"].isna().tolist() == linear["reason"].str.contains("one sampling unit").tolist()
    assert linear["p"].isna().sum() == len(rows) - (1 if family == "ordinal" else 2)
    assert model.fit(jackknife, "q ~ x", family).tidy()["reason"].eq("").all()
