"""Predictions and residuals of a fitted model."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from survey.estimation.intervals import mean_interval
from survey.regression.coefficients import Fit
from survey.sampling.linearized import Floats
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
