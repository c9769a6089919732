"""Predictions, residuals and adjusted means of a fitted model."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from survey import estimate
from survey.covariance import vcov
from survey.errors import EstimationError
from survey.groups import text
from survey.intervals import mean_interval
from survey.linearized import Floats
from survey.model import Fit, fit
from survey.tidy import results


def predict(
    m: Fit, data: pd.DataFrame, scale: Literal["response", "link"] = "response", level: float = 0.95
) -> pd.DataFrame:  # fmt: skip
    """Predicted values for rows of covariates: η = Xβ with SE √(xᵀVx), or μ = g⁻¹(η) with SE |dμ/dη| times that.

    Returns: rows of statistic "prediction", item the row's position, in the order of the data (without an offset).
    """
    X = m.terms.matrix(data)
    eta = X @ m.estimates
    value, slope = eta, np.ones(len(eta))
    if scale == "response":
        value, slope = m.glm.family.link.inverse(eta), m.glm.family.link.inverse_deriv(eta)
    se = np.abs(slope) * np.sqrt(np.einsum("ij,jk,ik->i", X, m.vcov.to_numpy(), X))
    low, high = mean_interval(value, se, np.full(len(value), m.df), level)
    return results(pd.DataFrame({
        "item": [str(k) for k in range(len(value))], "statistic": "prediction", "estimate": value, "se": se,
        "ci_low": low, "ci_high": high, "df": m.df, "n": m.n,
    }))  # fmt: skip


def residuals(m: Fit, kind: Literal["response", "pearson", "deviance"] = "pearson") -> Floats:
    """Residuals of the rows used: y − μ, (y − μ)/√V(μ), or sign(y − μ)·√(w d) with d the unit deviance, w of mean 1."""
    raw = m.glm.y - m.glm.mu
    if kind == "response":
        return raw
    if kind == "pearson":
        return np.asarray(raw / np.sqrt(m.glm.family.variance(m.glm.mu)))
    w = m.design.weights[m.used] / m.design.likelihood_scale
    return np.asarray(m.glm.family.resid_dev(m.glm.y, m.glm.mu) * np.sqrt(w))


def adjusted_means(m: Fit, factor: str, level: float = 0.95) -> pd.DataFrame:
    """Mean prediction with everybody in one group after the other, the other covariates as they are.

    The factor joins the model; the variance adds that of the coefficients to that of the averaging (Korn & Graubard
    1999, ch. 3.6; R svypredmeans).

    Returns: rows of statistic "adjusted mean", level the group.
    Raises: EstimationError: the factor is in the model already.
    """
    if factor in m.terms.variables:
        raise EstimationError("The factor is in the model already", where="{factor}", factor=factor)
    d = m.design
    column = d.frame[factor]
    levels = list(column.cat.categories) if hasattr(column, "cat") else sorted(column.dropna().unique())
    larger = fit(d, f"{m.formula} + C({factor})", m.family, link=m.link)
    levels = [value for value in levels if (column[m.used] == value).any()]
    w = d.weights[larger.used]
    fits, slopes = [], []
    for value in levels:
        X = larger.terms.matrix(larger.terms.data.assign(**{factor: _constant(larger.terms.data[factor], value)}))
        eta = X @ larger.estimates
        whole = np.full(len(d.frame), np.nan)
        whole[larger.used] = larger.glm.family.link.inverse(eta)
        fits.append(whole)
        slopes.append((w * larger.glm.family.link.inverse_deriv(eta)) @ X / w.sum())
    names = [f"_fit{k}" for k in range(len(levels))]
    means = estimate.mean(d.assign(**dict(zip(names, fits, strict=True))), names)
    G = np.array(slopes)
    covariance = vcov(means) + G @ larger.vcov.to_numpy() @ G.T
    se = np.sqrt(np.diag(covariance))
    freedom = np.full(len(levels), float(d.degf()))
    low, high = mean_interval(means["estimate"].to_numpy(), se, freedom, level)
    out = results(pd.DataFrame({
        "item": m.formula.split("~")[0].strip(), "statistic": "adjusted mean", "level": [text(v) for v in levels],
        "estimate": means["estimate"], "se": se, "ci_low": low, "ci_high": high, "df": freedom, "n": larger.n,
        "cv": se / np.abs(means["estimate"]),
    }))  # fmt: skip
    out.attrs["vcov"] = covariance.tolist()
    return out


def _constant(column: pd.Series, value: object) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical([value] * len(column), dtype=column.dtype), index=column.index)
    return pd.Series([value] * len(column), index=column.index)
