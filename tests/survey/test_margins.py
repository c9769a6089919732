"""Marginal effects and predicted margins against numeric derivatives and statsmodels; levels and terms left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.discrete.discrete_model import MNLogit

from survey import estimate, model
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.regression.coefficients import Predictive
from survey.resample import as_replicates

FAMILIES = ["gaussian", "binomial", "poisson", "ordinal", "multinomial"]


@pytest.fixture(scope="module")
def d() -> SurveyDesign:
    rng = np.random.default_rng(8)
    n = 400
    x, g = rng.normal(size=n), rng.choice(["a", "b", "c"], n)
    q = np.digitize(x + (g == "b") + rng.logistic(size=n), [-1, 0.5, 2])
    frame = pd.DataFrame({
        "x": x, "g": pd.Categorical(g, categories=["a", "b", "c", "unused"]), "q": pd.Categorical(q), "count": q,
        "bin": (q > 1).astype(float), "psu": np.repeat(np.arange(40), 10), "w": rng.uniform(1, 3, n),
    })  # fmt: skip
    return SurveyDesign(frame, "w", psu="psu")


def fitted(d: SurveyDesign, family: str, **options: Any) -> Predictive:
    outcome = {"ordinal": "q", "multinomial": "q", "binomial": "bin"}.get(family, "count")
    return model.fit(d, f"{outcome} ~ x + g", family, **options)  # type: ignore[no-any-return]


def by_hand(m: Predictive, b: np.ndarray, x: float | np.ndarray, g: str | np.ndarray) -> np.ndarray:
    """Weighted mean prediction (K,) written out from the model's formula."""
    f = m.design.frame
    x, g = np.broadcast_to(x, len(f)), np.broadcast_to(g, len(f))
    columns = {"Intercept": np.ones(len(f)), "g[T.b]": g == "b", "g[T.c]": g == "c", "x": x}
    c = pd.Series(b, index=m.names)
    share = m.design.weights / m.design.weights.sum()
    if m.family == "multinomial":
        eta = [np.zeros(len(f))] + [sum(c[f"{k}:{t}"] * z for t, z in columns.items()) for k in "123"]
        p = np.exp(np.column_stack(eta))
        return np.asarray(share @ (p / p.sum(axis=1, keepdims=True)))
    if m.family == "ordinal":
        eta = sum(c[t] * z for t, z in columns.items() if t != "Intercept")
        inner = {"logit": stats.logistic.cdf, "probit": stats.norm.cdf}[m.link]
        below = [share @ inner(c[cut] - eta) for cut in ("0|1", "1|2", "2|3")]
        return np.diff([0.0, *below, 1.0])
    eta = sum(c[t] * z for t, z in columns.items())
    inverse = {"gaussian": lambda e: e, "binomial": stats.logistic.cdf, "poisson": np.exp}[m.family]
    return np.array([share @ inverse(eta)])


def delta(m: Predictive, f: Any) -> tuple[np.ndarray, np.ndarray]:
    """f(β) and its SE by numeric differentiation."""
    b = m.estimates
    moves = np.diag(1e-5 * np.maximum(np.abs(b), 0.1))
    J = np.column_stack([(f(b + h) - f(b - h)) / (2 * h.max()) for h in moves])
    return f(b), np.sqrt(np.einsum("ij,jk,ik->i", J, m.vcov.to_numpy(), J))


@pytest.mark.parametrize("family", FAMILIES)
def test_effects_and_margins_are_numeric_derivatives(d: SurveyDesign, family: str) -> None:
    m = fitted(d, family)
    effects, margins = m.margins(), m.predicted_margins("g")
    x, g = d.frame["x"].to_numpy(), d.frame["g"].astype(str).to_numpy()
    wanted = {
        ("x", ""): lambda b: (by_hand(m, b, x + 1e-4, g) - by_hand(m, b, x - 1e-4, g)) / 2e-4,
        ("g", "b"): lambda b: by_hand(m, b, x, "b") - by_hand(m, b, x, "a"),
        ("g", "c"): lambda b: by_hand(m, b, x, "c") - by_hand(m, b, x, "a"),
    }
    for (variable, level), f in wanted.items():
        rows = effects[(effects["item"].str.split(":").str[-1] == variable) & (effects["level"] == level)]
        value, se = delta(m, f)
        assert rows["estimate"].to_numpy() == pytest.approx(value, rel=1e-6)
        assert rows["se"].to_numpy() == pytest.approx(se, rel=1e-5)
    for level in "abc":
        rows = margins[margins["level"] == level]
        value, se = delta(m, lambda b, level=level: by_hand(m, b, x, level))
        assert rows["estimate"].to_numpy() == pytest.approx(value, rel=1e-9)
        assert rows["se"].to_numpy() == pytest.approx(se, rel=1e-6)
    at = m.predicted_margins("x", [0.5])
    assert at["estimate"].to_numpy() == pytest.approx(by_hand(m, m.estimates, 0.5, g))
    gone = margins[margins["level"] == "unused"]
    assert gone["estimate"].isna().all()
    assert set(gone["reason"]) == {"no respondents at this level"}


def test_a_probit_ordinal_model_too(d: SurveyDesign) -> None:
    m = fitted(d, "ordinal", link="probit")
    x = d.frame["x"].to_numpy()
    value, se = delta(m, lambda b: by_hand(m, b, x, "c"))
    rows = m.predicted_margins("g", at=["c"])
    assert rows[["estimate", "se"]].to_numpy() == pytest.approx(np.column_stack([value, se]), rel=1e-6)


@pytest.mark.parametrize("family", ["ordinal", "multinomial"])
def test_probabilities_add_up(d: SurveyDesign, family: str) -> None:
    m = fitted(d, family)
    effects, margins = m.margins(), m.predicted_margins("g", ["a", "b"])
    sums = effects.assign(v=effects["item"].str[2:]).groupby(["v", "level"])["estimate"].sum()
    assert sums.to_numpy() == pytest.approx(0, abs=1e-10)
    assert margins.groupby("level")["estimate"].sum().to_numpy() == pytest.approx(1)
    assert ((margins["ci_low"] > 0) & (margins["ci_high"] < 1)).all()


def test_equal_weights_are_statsmodels_margins(d: SurveyDesign) -> None:
    f = d.frame
    X = np.column_stack([np.ones(len(f)), f["x"], f["g"] == "b", f["g"] == "c"]).astype(float)
    theirs = MNLogit(f["count"], X).fit(disp=0, method="newton").get_margeff().margeff[0]
    m = fitted(SurveyDesign(f), "multinomial")
    mine = m.margins(["x"])["estimate"].to_numpy()
    assert mine == pytest.approx(theirs, abs=1e-7)


def test_a_saturated_model_has_the_shares_of_its_groups(d: SurveyDesign) -> None:
    shares = estimate.proportion(d, "q", by="g")[lambda rows: rows["group"] != "unused"]
    rows = model.fit(d, "q ~ g", "multinomial").predicted_margins("g", ["a", "b", "c"])
    assert rows["estimate"].to_numpy() == pytest.approx(shares["estimate"].to_numpy())
    assert rows["se"].to_numpy() == pytest.approx(shares["se"].to_numpy())
    fear = estimate.proportion(d, "bin", by="g").iloc[:3]
    mine = model.fit(d, "bin ~ g", "binomial").predicted_margins("g", ["a", "b", "c"])
    assert mine["estimate"].to_numpy() == pytest.approx(fear["estimate"].to_numpy())
    assert mine["se"].to_numpy() == pytest.approx(fear["se"].to_numpy())


@pytest.mark.parametrize("family", ["ordinal", "multinomial"])
def test_replicates_give_about_the_same_errors(d: SurveyDesign, family: str) -> None:
    direct, again = fitted(d, family).margins(), fitted(as_replicates(d, "JK1"), family).margins()
    assert again["estimate"].to_numpy() == pytest.approx(direct["estimate"].to_numpy())
    assert again["se"].to_numpy() == pytest.approx(direct["se"].to_numpy(), rel=0.1)


@pytest.mark.parametrize("family", ["ordinal", "multinomial"])
def test_separation_is_named(d: SurveyDesign, family: str) -> None:
    level = d.frame["count"].to_numpy()
    perfect = d.assign(z=(level >= 2).astype(float))
    with pytest.raises(EstimationError, match="separation") as found:
        model.fit(perfect, "q ~ x + z", family)
    assert "z" in found.value.values["term"]
    assert found.value.hint
    lone = d.assign(g2=np.where(np.arange(400) == int(np.flatnonzero(level == 3)[0]), "z", d.frame["g"].astype(str)))
    with pytest.raises(EstimationError, match="separation"):
        model.fit(lone, "q ~ x + g2", family)


@pytest.mark.parametrize("family", ["ordinal", "multinomial"])
def test_strong_but_finite_effects_are_no_separation(d: SurveyDesign, family: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=400)
    strong = d.assign(x=1000 * x, q=pd.Categorical(np.digitize(6 * x + rng.logistic(size=400), [-4, 0, 4])))
    m = model.fit(strong, "q ~ x", family)
    assert 0 < m.se["x" if family == "ordinal" else "3:x"] < 0.01


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", [False, True])
def test_a_domain_without_the_reference_level(d: SurveyDesign, family: str, text: bool) -> None:
    whole = d.assign(g=d.frame["g"].astype(str)) if text else d
    inside = whole.domain(whole.frame["g"].isin(["b", "c"]).to_numpy())
    m = fitted(inside, family)
    assert m.absent["g"] == (["a"] if text else ["a", "unused"])
    assert m.n == int(d.frame["g"].isin(["b", "c"]).sum())
    assert m.dropped["outside the domain or without weight"] == 400 - m.n
    note = m.tidy(left_out=True).iloc[len(m.names)]
    assert (note["item"], note["level"], note["reason"]) == ("g", "a", "no respondents at this level")
    assert np.isnan(note["estimate"])
    assert set(m.margins(["g"])["level"]) == {"c"}
    margins = m.predicted_margins("g").set_index("level")
    assert margins["estimate"].notna().groupby(level=0).all().loc[["b", "c"]].all()
    assert margins.loc[["a"], "estimate"].isna().all()
    assert (margins.loc[["a"], "n"] == 0).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_reference_that_nobody_is_at_leaves_an_aliased_term(d: SurveyDesign, family: str) -> None:
    inside = d.domain(d.frame["g"].isin(["b", "c"]).to_numpy())
    outcome = {"ordinal": "q", "multinomial": "q", "binomial": "bin"}.get(family, "count")
    m = model.fit(inside, f"{outcome} ~ x + C(g, Treatment('a'))", family)
    assert len(m.aliased) == 1
    assert m.aliased[0] in set(m.tidy(left_out=True)["item"])
    same = fitted(inside, family).predicted_margins("g", ["b", "c"])["estimate"].to_numpy()
    assert m.predicted_margins("g", ["b", "c"])["estimate"].to_numpy() == pytest.approx(same)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_domain_with_one_level_left(d: SurveyDesign, family: str) -> None:
    m = fitted(d.domain((d.frame["g"] == "b").to_numpy()), family)
    assert m.absent["g"] == ["a", "c", "unused"]
    assert set(m.margins()["item"].str.split(":").str[-1]) == {"x"}


def test_an_outcome_level_that_a_domain_lacks(d: SurveyDesign) -> None:
    m = fitted(d.domain((d.frame["count"] > 0).to_numpy()), "multinomial")
    assert m.outcomes == ["1", "2", "3"]
    assert m.absent["q"] == ["0"]
    with pytest.raises(EstimationError, match="fewer than three"):
        fitted(d.domain((d.frame["count"] > 1).to_numpy()), "ordinal")


@pytest.mark.parametrize("family", ["ordinal", "multinomial"])
def test_a_repeated_term_is_left_out_and_named(d: SurveyDesign, family: str) -> None:
    m = model.fit(d, "q ~ x + I(2*x) + g", family)
    assert m.aliased == ["I(2 * x)"]
    assert m.estimates == pytest.approx(fitted(d, family).estimates)


def test_margins_that_cannot_be_had_say_why(d: SurveyDesign) -> None:
    m = fitted(d, "binomial")
    with pytest.raises(EstimationError, match="needs its values"):
        m.predicted_margins("x")
    with pytest.raises(EstimationError, match="not in the model"):
        m.predicted_margins("psu")
