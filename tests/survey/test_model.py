"""Design-based regressions against closed forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey import compare, estimate, model
from survey.design import SurveyDesign
from survey.errors import EstimationError


@pytest.fixture
def d() -> SurveyDesign:
    rng = np.random.default_rng(3)
    n = 120
    frame = pd.DataFrame({
        "x": rng.normal(size=n), "g": pd.Categorical(rng.choice(["a", "b"], n), categories=["a", "b", "unused"]),
        "psu": np.repeat(np.arange(24), 5), "h": np.repeat([0, 1, 2], 40), "w": rng.uniform(1, 3, n),
    })  # fmt: skip
    frame["y"] = 1 + frame["x"] + rng.normal(size=n)
    frame["bin"] = (frame["y"] > 1).astype(float)
    frame.loc[:3, "x"] = np.nan
    return SurveyDesign(frame, "w", strata="h", psu="psu")


def test_a_dummy_regression_is_the_difference_of_domain_means(d: SurveyDesign) -> None:
    m = model.fit(d, "y ~ g")
    t = compare.ttest(d, "y", "g").iloc[0]
    row = m.tidy().iloc[1]
    assert row["estimate"] == pytest.approx(t["estimate"])
    assert row["se"] == pytest.approx(t["se"])
    assert row["df"] == t["df"] == 20
    assert row["p"] == pytest.approx(t["p"])


def test_least_squares_by_matrix_formula(d: SurveyDesign) -> None:
    m = model.fit(d, "y ~ x")
    used = d.frame["x"].notna().to_numpy()
    X = np.column_stack([np.ones(used.sum()), d.frame["x"][used]])
    w, y = d.weights[used], d.frame["y"].to_numpy()[used]
    inverse = np.linalg.inv(X.T @ (X * w[:, None]))
    b = inverse @ X.T @ (w * y)
    z = np.zeros((120, 2))
    z[used] = (X * (w * (y - X @ b))[:, None]) @ inverse
    assert m.params.to_numpy() == pytest.approx(b)
    assert m.vcov.to_numpy() == pytest.approx(d.variance(z))
    assert m.n == 116
    assert m.dropped["missing values"] == 4


def test_an_intercept_only_logit_is_the_logit_of_the_share(d: SurveyDesign) -> None:
    m = model.fit(d, "bin ~ 1", family="binomial")
    share = estimate.proportion(d, "bin").iloc[0]
    p = share["estimate"]
    assert m.params.iloc[0] == pytest.approx(np.log(p / (1 - p)))
    assert m.se.iloc[0] == pytest.approx(share["se"] / (p * (1 - p)))


def test_margins_of_a_logit_dummy_are_the_difference_of_shares(d: SurveyDesign) -> None:
    effect = model.fit(d, "bin ~ g", family="binomial").margins().iloc[0]
    t = compare.ttest(d, "bin", "g").iloc[0]
    assert effect["level"] == "b"
    assert effect["estimate"] == pytest.approx(t["estimate"])
    assert effect["se"] == pytest.approx(t["se"])


def test_a_poisson_rate_with_offset(d: SurveyDesign) -> None:
    """Rate = Σwy/Σwt with only a constant; SE of its log = SE of the ratio / ratio."""
    e = d.assign(count=d.frame["psu"] % 4, time=1.0 + d.frame["psu"] % 3)
    m = model.fit(e, "count ~ 1 + offset(np.log(time))", family="poisson")
    rate = estimate.ratio(e, "count", "time").iloc[0]
    assert np.exp(m.params.iloc[0]) == pytest.approx(rate["estimate"])
    assert m.se.iloc[0] == pytest.approx(rate["se"] / rate["estimate"])


@pytest.mark.parametrize(
    ("formula", "family", "text"),
    [
        ("bin ~ bin2", "binomial", "separation"),
        ("y ~ nothing", "gaussian", "nothing"),
        ("one ~ x", "binomial", "same in every row"),
        ("y x", "gaussian", "no ~"),
    ],
)
def test_models_that_cannot_be_fitted_say_why(d: SurveyDesign, formula: str, family: str, text: str) -> None:
    e = d.assign(bin2=d.frame["bin"], one=1.0)
    with pytest.raises(EstimationError, match=text):
        model.fit(e, formula, family=family)


def test_a_term_that_repeats_another_is_dropped_and_named(d: SurveyDesign) -> None:
    m = model.fit(d, "y ~ x + I(2*x)")
    assert m.aliased == ["I(2 * x)"]
    assert m.params.to_numpy() == pytest.approx(model.fit(d, "y ~ x").params.to_numpy())
