"""Which coefficients of a model one sampling unit alone carries, so that their scatter between units is not known."""

from __future__ import annotations

import numpy as np

from survey.design import SurveyDesign
from survey.sampling.linearized import Bools, Floats, Ints

NOISE = 1e-10
"""Standard errors this small against those of a simple random sample are rounding."""


def lone_directions(d: SurveyDesign, used: Bools, X: Floats, case: Ints | None, failed: Ints) -> Floats:
    """Combinations γ of the coefficients (q, k) that cannot be estimated without the rows of some one unit.

    Without unit u, XᵀX keeps 1 − λ of each direction, λ the eigenvalues of (XᵀX)^-½ X_uᵀX_u (XᵀX)^-½; their sum is the
    unit's leverage, so only units with a leverage of 1 are looked at. Of replicates only those in `failed` are: rows
    with Xγ ≠ 0 that all replicates weight alike are one unit.
    """
    case = np.arange(len(X)) if case is None else case
    values, vectors = np.linalg.eigh(X.T @ (X * np.bincount(case, minlength=len(X))[:, None]))
    if values[0] <= 1e-13 * values[-1]:
        return np.zeros((0, X.shape[1]))
    whiten = vectors / np.sqrt(values)
    white = X @ whiten
    found = [np.zeros((0, X.shape[1]))]
    if d.linearized is not None:
        unit = np.unique(d.linearized.row_psu[used], return_inverse=True)[1]
        leverage = np.bincount(unit, weights=(white**2).sum(axis=1)[case])
        found += [_lost(white[case[unit == u]], 1.0) @ whiten.T for u in np.flatnonzero(leverage > 1 - 1e-8)]
    elif d.replicates is not None:
        factors = d.replicates.factors(d.mask)[used]
        for r in failed:
            for direction in _lost(white[case[factors[:, r] > 0]], 0.0):
                moved = np.abs(white @ direction)[case] > 1e-6
                alike = factors[moved] / d.replicates.full[used][moved, None]
                if len(alike) and np.allclose(alike, alike[0]):
                    found.append((whiten @ direction)[None])
    return np.vstack(found)


def _lost(rows: Floats, share: float) -> Floats:
    """Eigenvectors (q, k) of the rows' part of the whitened cross product at 1 (all) or 0 (nothing)."""
    values, vectors = np.linalg.eigh(rows.T @ rows)
    return np.asarray(vectors[:, np.abs(values - share) < 1e-8].T)


def touched(directions: Floats, slopes: Floats) -> Bools:
    """Whether statistics with gradients (s, k) in the coefficients move along any of the directions (q, k)."""
    if not len(directions):
        return np.zeros(len(slopes), dtype=bool)
    moves = np.abs(slopes @ directions.T)
    most = np.abs(slopes) @ np.abs(directions).T
    return np.asarray((moves > 1e-6 * most.max(axis=0, initial=1e-300)).any(axis=1))
