"""What to look at before a model is believed: fit by groups of risk, collinear terms, units that decide alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from survey import estimate
from survey.errors import EstimationError
from survey.estimation.covariance import vcov
from survey.estimation.groups import text
from survey.estimation.tables import Test, as_row
from survey.regression.coefficients import Fit
from survey.sampling.linearized import Floats, Ints, first_of, sum_by
from survey.tidy import results

MOVED = "without this unit the coefficient moves by more than 2/√units of its standard errors"
LOST = "without this unit the coefficients cannot be estimated"


def archer_lemeshow(m: Fit, groups: int = 10) -> pd.DataFrame:
    """Goodness of fit of a logistic model: whether mean residuals of groups of equal risk are all zero.

    Rows are cut by their fitted probability into groups of about equal weight (equal probabilities stay together).
    With M the g weighted mean residuals y − μ, V their design-based covariance and ν = units − strata,
    F = (ν − g + 2)/(ν g) · MᵀV⁻¹M on g − 1 and ν − g + 2 (Archer & Lemeshow 2006, Archer, Lemeshow & Hosmer 2007).

    Args: m: a binomial model.   groups: 10 for deciles; fewer are made where probabilities repeat.
    Returns: one row of statistic "F", item the formula, level and df its degrees of freedom, p; exact in attrs["test"].
    Raises: EstimationError: not a binomial model, one group only, or too few units for so many groups.

    >>> from survey.design import SurveyDesign
    >>> from survey.model import fit
    >>> frame = pd.DataFrame({"y": [0, 1, 0, 0, 1, 0, 1, 1, 0, 1] * 4, "x": np.arange(40) % 10, "w": 1.0})
    >>> row = archer_lemeshow(fit(SurveyDesign(frame, "w"), "y ~ x", "binomial"), 5).iloc[0]
    >>> row["statistic"], row["level"], row["df"]
    ('F', '4', np.float64(36.0))
    """
    if m.family != "binomial":
        raise EstimationError("The test is for models of two outcomes", expected="a binomial model", got="{family}",
                              family=m.family)  # fmt: skip
    d = m.design.domain(m.used)
    group = _risk_groups(m.glm.mu, d.weights[m.used], groups)
    g, freedom = int(group.max()) + 1, float(d.degf())
    below = freedom - g + 2
    if g < 2 or below <= 0:
        raise EstimationError(
            "There are too few sampling units for these groups of risk", expected="2 to {most} groups", got="{g}",
            hint="ask for fewer groups", most=max(int(freedom) + 1, 2), g=g,
        )  # fmt: skip
    new = np.full((2, len(d.frame)), np.nan)
    new[0, m.used], new[1, m.used] = m.glm.y - m.glm.mu, group
    means = estimate.mean(d.assign(_residual=new[0], _risk=new[1]), "_residual", "_risk")
    mean = means["estimate"].to_numpy()
    value = below / (freedom * g) * float(mean @ np.linalg.solve(vcov(means), mean))
    test: Test = {"statistic": "F", "value": value, "ndf": g - 1, "ddf": below,
                  "p": float(stats.f.sf(value, g - 1, below))}  # fmt: skip
    return as_row(m.formula, "", test, m.n, float(d.weights.sum()))


def _risk_groups(mu: Floats, w: Floats, groups: int) -> Ints:
    """Group 0, 1, … of each fitted probability: ⌈g·F(μ)⌉ with F its weighted distribution function."""
    levels, place = np.unique(mu.round(12), return_inverse=True)
    weight = np.bincount(place, weights=w, minlength=len(levels))
    risk = np.ceil(groups * np.cumsum(weight) / weight.sum() - 1e-9)[place]
    return np.unique(risk, return_inverse=True)[1].astype(np.intp)


def vif(m: Fit) -> pd.DataFrame:
    """Generalised variance inflation of each term: how much the other terms blur its coefficients.

    GVIF = det R_t · det R_o / det R with R the correlations of the model's columns, R_t those of the term's k columns
    and R_o those of the others (Fox & Monette 1992); for one column 1/(1 − R²). R is weighted by the sampling weights,
    so it describes the population, not the sample (Liao & Valliant 2012).

    Returns: a row a term: statistic "gvif", level k, estimate; and one of statistic "vif", GVIF^(1/k), which terms of
        any k share: above 5 or 10 is usually called much.
    Raises: EstimationError: the model has no term but the constant.

    >>> from survey.design import SurveyDesign
    >>> from survey.model import fit
    >>> frame = pd.DataFrame({"y": [1.0, 2, 2, 5], "a": [0, 0, 1, 1], "b": [0, 1, 1, 1], "w": 1.0})
    >>> vif(fit(SurveyDesign(frame, "w"), "y ~ a + b"))["estimate"].round(4).tolist()
    [1.5, 1.5, 1.5, 1.5]
    """
    names = [name for name in m.terms.info.term_name_slices if name != "Intercept"]
    own = {name: found for name in names if (found := m.terms.columns_of(name))}
    if not own:
        raise EstimationError("The model has no terms", where="{formula}", expected="one or more beside the constant",
                              formula=m.formula)  # fmt: skip
    X, w = m.terms.matrix(m.terms.data), m.design.weights[m.used]
    every = [k for columns in own.values() for k in columns]
    centred = X - w @ X / w.sum()
    scaled = centred / np.where((scale := np.sqrt(w @ centred**2)) > 0, scale, 1.0)
    R = scaled.T @ (scaled * w[:, None])
    rows = []
    for name, columns in own.items():
        rest = [k for k in every if k not in columns]
        gvif = float(np.exp(_logdet(R, columns) + _logdet(R, rest) - _logdet(R, every)))
        for statistic, value in (("gvif", gvif), ("vif", gvif ** (1 / len(columns)))):
            rows.append({"item": name, "statistic": statistic, "level": str(len(columns)), "estimate": value,
                         "n": m.n, "n_weighted": float(w.sum())})  # fmt: skip
    return results(rows)


def _logdet(R: Floats, columns: list[int]) -> float:
    return float(np.linalg.slogdet(R[np.ix_(columns, columns)])[1])


def influential_psus(m: Fit) -> pd.DataFrame:
    """What each sampling unit alone does to the coefficients: b − b without the unit, for all units at once.

    dfbeta_i = (I − I_i)⁻¹ s_i with s_i the unit's sum of weighted scores, I_i its part of the information I: one Newton
    step from the full fit, exact for least squares (Preisser & Qaqish 1996). Other units keep their weights. dfbetas is
    dfbeta over the coefficient's design-based standard error; beyond 2/√units it wants a look (Belsley, Kuh & Welsch
    1980), and the reason says so.

    Returns: rows in the order unit (largest |dfbetas| first), coefficient, statistic ("dfbeta", "dfbetas"): item the
        coefficient, by and group the unit (with its stratum where unit numbers start again), n its rows.
    Raises: EstimationError: the design has replicate weights, which name no units.

    >>> from survey.design import SurveyDesign
    >>> from survey.model import fit
    >>> frame = pd.DataFrame({"y": [1.0, 2, 3, 9], "psu": list("abcd"), "w": 1.0})
    >>> found = influential_psus(fit(SurveyDesign(frame, "w", psu="psu"), "y ~ 1"))
    >>> found[["group", "statistic", "estimate"]].round(2).values.tolist()[0]     # 3.75 − 2
    ['d', 'dfbeta', 1.75]
    """
    d = m.design
    if d.linearized is None:
        raise EstimationError(
            "Replicate weights do not name the sampling units", hint="give the design its psu column instead"
        )
    codes, unit = np.unique(d.linearized.row_psu[m.used], return_inverse=True)
    first = np.flatnonzero(m.used)[first_of(unit, len(codes))]
    by, labels = _unit_labels(m, first)
    change = _dfbeta(m, unit.astype(np.intp), len(codes))
    ratio = change / m.se.to_numpy()
    order = np.argsort(-np.where(np.isfinite(ratio), np.abs(ratio), np.inf).max(axis=1), kind="stable")
    units, k = len(codes), len(m.names)
    value = np.stack([change, ratio], axis=2)[order]
    much = np.abs(ratio[order]) > 2 / np.sqrt(units)
    reason = np.where(np.isnan(ratio[order]), LOST, np.where(much, MOVED, ""))
    return results(pd.DataFrame({
        "item": np.tile(np.repeat(m.names, 2), units), "statistic": np.tile(["dfbeta", "dfbetas"], units * k),
        "by": by, "group": np.repeat(np.array(labels, dtype=object)[order], 2 * k), "estimate": value.ravel(),
        "n": np.repeat(np.bincount(unit)[order], 2 * k), "psus": units,
        "n_weighted": np.repeat(np.bincount(unit, weights=d.weights[m.used])[order], 2 * k),
        "reason": np.repeat(reason.ravel(), 2),
    }))  # fmt: skip


def _dfbeta(m: Fit, unit: Ints, units: int) -> Floats:
    """b − b without each unit (units, k), by one Newton step; NaN where the rest does not identify the coefficients."""
    X = m.terms.matrix(m.terms.data)
    w = m.design.weights[m.used] / m.design.likelihood_scale
    working = w * m.glm.slope**2 / m.glm.family.variance(m.glm.mu)
    k = X.shape[1]
    own = sum_by(unit, (X[:, :, None] * X[:, None, :] * working[:, None, None]).reshape(-1, k * k), units)
    score = sum_by(unit, m.glm.scores, units)
    whole = np.linalg.inv(m.glm.covariance)
    size = np.sqrt(np.diag(whole))
    rest = (whole - own.reshape(-1, k, k)) / np.outer(size, size)
    known = np.linalg.eigvalsh(rest)[:, 0] > 1e-10
    change = np.full((units, k), np.nan)
    change[known] = np.linalg.solve(rest[known], (score[known] / size)[:, :, None])[:, :, 0] / size
    return change


def _unit_labels(m: Fit, first: Ints) -> tuple[str, list[str]]:
    """Name of the unit column, and every unit's label from its first row."""
    d = m.design
    if not d.psu:
        return "row", [str(int(row) + 1) for row in first]
    columns = [*d.strata[:1], d.psu[0]] if d.nest else [d.psu[0]]
    parts = [[text(value) for value in d.frame[name].iloc[first]] for name in columns]
    return ":".join(columns), [":".join(each) for each in zip(*parts, strict=True)]
