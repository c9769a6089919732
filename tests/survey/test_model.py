"""Design-based regressions against closed forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey import compare, estimate, model
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.regression.formulas import Poly, poly
from survey.regression.termtests import anova, term_test


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


def test_a_polynomial_keeps_its_shape_at_other_values(d: SurveyDesign) -> None:
    """R: predict(poly(1:5, 2), 7) = 1.264911, 3.741657; margins of poly are those of the raw powers."""
    assert poly(np.arange(1.0, 6), 2)[0] == pytest.approx([-0.6324555, 0.5345225])
    basis = Poly()
    basis.memorize_chunk(np.arange(1.0, 6), 2)
    basis.memorize_finish()
    assert basis.transform(np.array([7.0]))[0] == pytest.approx([4 / np.sqrt(10), 14 / np.sqrt(14)])
    margins = [model.fit(d, f"y ~ {terms} + g").margins(["x"]).iloc[0] for terms in ("poly(x, 2)", "x + I(x**2)")]
    for name in ("estimate", "se", "p"):
        assert margins[0][name] == pytest.approx(margins[1][name])


def test_margins_of_a_spline_stay_inside_it(d: SurveyDesign) -> None:
    m = model.fit(d, "y ~ bs(x, df=3)")  # without knots inside: a cubic
    cubic = model.fit(d, "y ~ x + I(x**2) + I(x**3)")
    assert m.margins()["estimate"].iloc[0] == pytest.approx(cubic.margins()["estimate"].iloc[0], rel=1e-4)
    with pytest.raises(EstimationError, match="outside the outermost knots"):
        m.predicted_margins("x", at=[99.0])


@pytest.mark.parametrize(
    ("formula", "family", "text"),
    [
        ("one ~ x", "gaussian", "same in every row"),
        ("zeros ~ g", "poisson", "separation"),
        ("zeros ~ x + C(g, Treatment('b'))", "poisson", "separation"),
        ("y ~ x", "poisson", "cannot have"),
        ("zeros ~ x", "gamma", "cannot have"),
        ("words ~ x", "gaussian", "words for levels"),
        ("y ~ poly(one, 2)", "gaussian", "distinct values"),
    ],
)
def test_outcomes_a_family_cannot_have_are_refused(d: SurveyDesign, formula: str, family: str, text: str) -> None:
    words = np.array(["a", "b", "c"])[d.frame["psu"] % 3]
    zeros = np.where(d.frame["g"] == "b", 0, d.frame["psu"] % 4)
    with pytest.raises(EstimationError, match=text):
        model.fit(d.assign(one=1.0, words=words, zeros=zeros), formula, family)


def test_one_unit_or_exact_fit_gives_no_p_value(d: SurveyDesign) -> None:
    e = d.assign(exact=2 * d.frame["x"])
    for m, reason in (
        (model.fit(d.domain(d.frame["psu"] == 3), "y ~ x"), "one sampling unit"),
        (model.fit(e, "exact ~ x"), "no variance"),
    ):
        rows = m.tidy()
        assert rows[["p", "ci_low", "ci_high"]].isna().all(axis=None)
        assert rows["reason"].str.contains(reason).all()
        test = term_test(m, "x").iloc[0]
        assert np.isnan(test["estimate"])
        assert np.isnan(test["p"])
        assert test["reason"]


def test_a_test_of_more_coefficients_than_units_says_so(d: SurveyDesign) -> None:
    frame = d.frame.assign(k=d.frame["psu"] % 8, unit=np.arange(len(d.frame)) % 4)
    few = SurveyDesign(frame, "w", psu="unit")
    row = term_test(model.fit(few, "y ~ C(k)"), "C(k)", df=20).iloc[0]
    assert np.isnan(row["p"])
    assert "fewer sampling units" in row["reason"]


def test_a_level_of_one_unit_is_labelled(d: SurveyDesign) -> None:
    """R gives its dummy a p, but its deviations are 0 whatever it is; a replicate without it has no such level."""
    e = d.assign(k=(d.frame["psu"] == 3).map({True: "one", False: "rest"}))
    rows = model.fit(e, "y ~ x + k").tidy().set_index("item")
    assert rows["reason"].str.contains("rests on one").to_dict() == {"Intercept": True, "k[T.rest]": True, "x": False}
    assert rows[["p", "ci_low"]].notna().all(axis=1).to_dict() == {"Intercept": False, "k[T.rest]": False, "x": True}
    assert np.isnan(term_test(model.fit(e, "y ~ x + k"), "k")["p"].iloc[0])
    units = np.arange(24)
    keep = (e.frame["psu"].to_numpy()[:, None] != units) * 24 / 23
    jackknife = SurveyDesign(e.frame, "w", replicates=keep, method="JK1", combined=False)
    m = model.fit(jackknife, "y ~ x + k")
    rows = m.tidy().set_index("item")
    assert rows["p"].notna().to_dict() == {"Intercept": False, "k[T.rest]": False, "x": True}
    assert rows["reason"].str.contains("replicates").all()
    assert np.isnan(term_test(m, "k")["p"].iloc[0])
    assert model.fit(jackknife, "y ~ x").tidy()["reason"].eq("").all()
    alone = model.fit(jackknife.domain(e.frame["psu"] == 3), "y ~ x").tidy()
    assert alone["p"].isna().all()


def test_models_that_cannot_be_compared_are_refused(d: SurveyDesign) -> None:
    full = model.fit(d, "y ~ x + I(x**2)")
    with pytest.raises(EstimationError, match="116 rows"):
        anova(model.fit(d, "y ~ 1"), full)  # x has gaps
    with pytest.raises(EstimationError, match="not nested"):
        anova(model.fit(d, "bin ~ x"), full)
    with pytest.raises(EstimationError, match="not nested"):
        anova(model.fit(d, "bin ~ x"), model.fit(d, "bin ~ x + I(x**2)", "binomial"))
    with pytest.raises(EstimationError, match="repeats"):
        term_test(model.fit(d, "y ~ x + I(2*x)"), "I(2*x)")
