"""Regression standard errors for few sampling units (Bell & McCaffrey 2002)."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from survey.errors import EstimationError
from survey.estimation.intervals import mean_interval
from survey.estimation.multiplicity import p_two_sided
from survey.regression.coefficients import Fit
from survey.sampling.linearized import Floats, Ints
from survey.tidy import results


def bell_mccaffrey(
    m: Fit, working: Literal["independent", "exchangeable"] = "independent", level: float = 0.95
) -> pd.DataFrame:  # fmt: skip
    """Coefficients with residuals inflated unit by unit, (I − X_u(XᵀX)⁻¹X_uᵀ)^{-½} r_u, and Satterthwaite's df.

    df_j = (tr GᵀVG)²/tr (GᵀVG)², column u of G being (I − H)_u A_u X_u (XᵀX)⁻¹ e_j and V the working covariance of the
    outcome: the identity, or equal correlations inside units, estimated from the residuals.

    Returns: rows of statistic "coefficient"; t interval and p on each coefficient's own df.
    Raises: EstimationError: replicate weights, which have no units.

    >>> from survey.design import SurveyDesign
    >>> from survey.model import fit
    >>> frame = pd.DataFrame({"y": [1.0, 2, 2, 5, 4, 7], "x": [0.0, 1, 2, 3, 4, 5], "u": [1, 1, 2, 2, 3, 3], "w": 1.0})
    >>> m = fit(SurveyDesign(frame, "w", psu="u"), "y ~ x")
    >>> bool((bell_mccaffrey(m)["se"].to_numpy() > m.se.to_numpy()).all())
    True
    """
    d = m.design
    if d.linearized is None:
        raise EstimationError("This correction needs sampling units", got="replicate weights")
    unit = np.unique(d.linearized.row_psu[m.used], return_inverse=True)[1]
    X = m.terms.matrix(m.terms.data)
    inverse = np.asarray(np.linalg.inv(X.T @ X), dtype=float)
    residual = (m.glm.y - m.glm.mu) / m.glm.slope
    scales = [
        _inverse_root(np.eye(int((unit == u).sum())) - X[unit == u] @ inverse @ X[unit == u].T)
        for u in range(unit.max() + 1)
    ]
    inflated = residual.copy()
    for u, A in enumerate(scales):
        inflated[unit == u] = A @ residual[unit == u]
    w = d.weights[m.used] / d.likelihood_scale * m.glm.slope**2 / m.glm.family.variance(m.glm.mu)
    z = np.zeros((len(d.frame), X.shape[1]))
    z[m.used] = (X * (w * inflated)[:, None]) @ m.glm.covariance
    se = np.sqrt(np.diag(d.variance(z, m.used)))
    df = _freedom(X, inverse, unit, scales, inflated if working == "exchangeable" else None)
    low, high = mean_interval(m.estimates, se, df, level)
    return results(pd.DataFrame({
        "item": m.names, "statistic": "coefficient", "estimate": m.estimates, "se": se, "ci_low": low, "ci_high": high,
        "df": df, "n": m.n, "p": p_two_sided(m.estimates / se, df),
    }))  # fmt: skip


def _inverse_root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    root = np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-300)), 0.0)
    return np.asarray((vectors * root) @ vectors.T)


def _freedom(X: Floats, inverse: Floats, unit: Ints, scales: list[Floats], residual: Floats | None) -> Floats:
    """Satterthwaite degrees of freedom of every coefficient."""
    units, k = len(scales), X.shape[1]
    G = np.zeros((k, len(X), units))
    for u, A in enumerate(scales):
        rows = np.flatnonzero(unit == u)
        part = A @ X[rows] @ inverse
        column = -X @ (inverse @ (X[rows].T @ part))
        column[rows] += part
        G[:, :, u] = column.T
    df = np.zeros(k)
    for j in range(k):
        inner = G[j].T @ (G[j] if residual is None else _exchangeable(G[j], unit, residual))
        df[j] = np.trace(inner) ** 2 / float((inner * inner.T).sum())
    return df


def _exchangeable(G: Floats, unit: Ints, residual: Floats) -> Floats:
    """V G with variance σ² and covariance ρσ² inside units, from the residuals."""
    own = float((residual**2).mean())
    sums = np.bincount(unit, weights=residual)
    pairs = float((np.bincount(unit) ** 2).sum()) - len(unit)
    shared = (float((sums**2).sum()) - float((residual**2).sum())) / pairs
    totals = np.zeros((int(unit.max()) + 1, G.shape[1]))
    np.add.at(totals, unit, G)
    return np.asarray((own - shared) * G + shared * totals[unit])
