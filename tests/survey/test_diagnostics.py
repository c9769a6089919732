"""Diagnostics of models against R, statsmodels and refitting without the unit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from statsmodels.regression.linear_model import WLS

from survey import model
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.regression import diagnostics
from survey.resample import as_replicates


@pytest.fixture
def d() -> SurveyDesign:
    """240 respondents of 24 units in 3 strata, by integer arithmetic that R repeats; y bends with x."""
    i = np.arange(240)
    x, z = ((i * 37) % 101) / 50 - 1, ((i * 53) % 97) / 48 - 1
    frame = pd.DataFrame({
        "x": x, "z": z, "psu": i // 10, "h": i // 80, "w": 1.0 + (i * 3) % 5, "g": np.array(["a", "b", "c"])[i % 3],
        "y": ((i * 29) % 103 / 103 < expit(0.3 + x - 0.8 * z + 0.9 * x**2)).astype(int),
    })  # fmt: skip
    frame["n"] = 2 * x + 0.5 * z + ((i * 41) % 59) / 29
    return SurveyDesign(frame, "w", strata="h", psu="psu")


@pytest.mark.parametrize(
    ("groups", "F", "p"), [(10, 1.012034902661028, 0.477395588623598), (5, 0.195157779263392, 0.937727496040796)]
)
def test_archer_lemeshow_is_rs_wald_test_of_mean_residuals(d: SurveyDesign, groups: int, F: float, p: float) -> None:
    """R 4.2.2, survey 4.1.1, the fixture's numbers, full precision:

    m <- svyglm(y ~ x + z, d, family=quasibinomial(), control=glm.control(epsilon=1e-14)); mu <- fitted(m)
    o <- order(mu); cdf[o] <- cumsum(f$w[o])/sum(f$w); grp <- factor(ceiling(g*cdf - 1e-9))
    b <- svyby(~r, ~grp, update(d, r=y-mu, grp=grp), svymean, covmat=TRUE); M <- coef(b); nu <- degf(d)
    (nu-g+2)/(nu*g) * t(M) %*% solve(vcov(b), M), pf(…, g-1, nu-g+2, lower.tail=FALSE)
    """
    m = model.fit(d, "y ~ x + z", "binomial")
    row = diagnostics.archer_lemeshow(m, groups).iloc[0]
    assert row["estimate"] == pytest.approx(F, rel=1e-7)
    assert row["p"] == pytest.approx(p, rel=1e-7)
    assert (row["level"], row["df"], row["n"]) == (str(groups - 1), 23 - groups, 240)


def test_a_bent_relation_fitted_straight_is_found() -> None:
    rng = np.random.default_rng(4)
    x, psu = rng.normal(size=3000), np.arange(3000) // 30
    frame = pd.DataFrame({"x": x, "y": (rng.uniform(size=3000) < expit(x**2 - 1)).astype(int), "psu": psu, "w": 1.0})
    d = SurveyDesign(frame, "w", psu="psu")
    straight, bent = (model.fit(d, f"y ~ {terms}", "binomial") for terms in ("x", "x + I(x**2)"))
    assert diagnostics.archer_lemeshow(straight)["p"].iloc[0] < 1e-6
    assert diagnostics.archer_lemeshow(bent)["p"].iloc[0] > 0.05


def test_missing_rows_and_ties_leave_fewer_groups(d: SurveyDesign) -> None:
    gaps = d.assign(g=d.frame["g"].where(d.frame.index > 20))
    row = diagnostics.archer_lemeshow(model.fit(gaps, "y ~ g", "binomial")).iloc[0]
    assert (row["level"], row["n"]) == ("2", 219)
    assert row["estimate"] == pytest.approx(0, abs=1e-12)  # a saturated model has no residual mean


def test_archer_lemeshow_says_what_it_cannot_do(d: SurveyDesign) -> None:
    with pytest.raises(EstimationError, match="two outcomes"):
        diagnostics.archer_lemeshow(model.fit(d, "n ~ x"))
    m = model.fit(d, "y ~ x", "binomial")
    for groups in (1, 23, 50):
        with pytest.raises(EstimationError, match="too few sampling units"):
            diagnostics.archer_lemeshow(m, groups)


def test_inflation_is_one_over_one_minus_the_weighted_r_squared(d: SurveyDesign) -> None:
    mixed = d.assign(z=d.frame["z"] + d.frame["x"])
    found = diagnostics.vif(model.fit(mixed, "n ~ x + z + C(g)")).set_index(["item", "statistic"])["estimate"]
    frame = mixed.frame
    others = np.column_stack([np.ones(240), frame["x"], frame["g"] == "b", frame["g"] == "c"]).astype(float)
    r2 = WLS(frame["z"], others, weights=frame["w"]).fit().rsquared
    assert found["z", "vif"] == found["z", "gvif"] == pytest.approx(1 / (1 - r2))
    two = np.column_stack([frame["g"] == "b", frame["g"] == "c"]).astype(float)
    rest = np.column_stack([np.ones(240), frame[["x", "z"]]])
    w = frame["w"].to_numpy()
    left = two - rest @ np.linalg.lstsq(rest * w[:, None] ** 0.5, two * w[:, None] ** 0.5, rcond=None)[0]
    centred = two - w @ two / w.sum()
    gvif = np.linalg.det((centred * w[:, None]).T @ centred) / np.linalg.det((left * w[:, None]).T @ left)
    assert found["C(g)", "gvif"] == pytest.approx(gvif)
    assert found["C(g)", "vif"] == pytest.approx(gvif**0.5)


def test_a_model_without_terms_has_no_inflation(d: SurveyDesign) -> None:
    with pytest.raises(EstimationError, match="no terms"):
        diagnostics.vif(model.fit(d, "n ~ 1"))


def refitted(m: model.Fit, unit: int) -> np.ndarray:
    """Change of the coefficients when the unit's rows are left out."""
    without = m.design.domain(m.design.frame["psu"] != unit)
    return m.estimates - model.fit(without, m.formula, m.family).estimates


def values(found: pd.DataFrame, unit: int, statistic: str = "dfbeta") -> np.ndarray:
    return found[(found["group"] == str(unit)) & (found["statistic"] == statistic)]["estimate"].to_numpy()


def test_leaving_a_unit_out_of_least_squares_is_exact(d: SurveyDesign) -> None:
    m = model.fit(d.assign(z=d.frame["z"].where(d.frame.index > 5)), "n ~ x + z + C(g)")
    found = diagnostics.influential_psus(m)
    for unit in (0, 7, 23):
        assert values(found, unit) == pytest.approx(refitted(m, unit), rel=1e-8)
        assert values(found, unit, "dfbetas") == pytest.approx(refitted(m, unit) / m.se.to_numpy(), rel=1e-8)
    assert found[found["group"] == "0"]["n"].iloc[0] == 4


def test_leaving_a_unit_out_of_a_logit_is_close(d: SurveyDesign) -> None:
    m = model.fit(d, "y ~ x + z", "binomial")
    found = diagnostics.influential_psus(m)
    exact = np.array([refitted(m, unit) for unit in range(24)])
    step = np.array([values(found, unit) for unit in range(24)])
    assert np.abs(step - exact).max() < 0.05 * np.abs(exact).max()


def test_a_planted_unit_comes_first_and_is_named(d: SurveyDesign) -> None:
    planted = d.assign(n=d.frame["n"] + 8 * d.frame["x"] * (d.frame["psu"] == 11))
    found = diagnostics.influential_psus(model.fit(planted, "n ~ x"))
    assert found["group"].iloc[0] == "11"
    assert diagnostics.MOVED in found[found["group"] == "11"]["reason"].tolist()
    assert len(found) == 24 * 2 * 2


def test_a_unit_that_alone_carries_a_term_is_told(d: SurveyDesign) -> None:
    only = d.assign(last=(d.frame["psu"] == 23) * (1 + d.frame["x"]))
    found = diagnostics.influential_psus(model.fit(only, "n ~ x + last"))
    assert found["group"].iloc[0] == "23"
    assert found[found["group"] == "23"]["reason"].unique().tolist() == [diagnostics.LOST]
    assert found[found["group"] != "23"]["estimate"].notna().all()


def test_units_are_named_by_stratum_where_numbers_start_again(d: SurveyDesign) -> None:
    nested = SurveyDesign(d.frame.assign(psu=d.frame["psu"] % 8), "w", strata="h", psu="psu", nest=True)
    found = diagnostics.influential_psus(model.fit(nested, "n ~ x"))
    assert found["by"].unique().tolist() == ["h:psu"]
    assert found["group"].nunique() == 24
    with pytest.raises(EstimationError, match="do not name"):
        diagnostics.influential_psus(model.fit(as_replicates(d, "JKn"), "n ~ x"))
