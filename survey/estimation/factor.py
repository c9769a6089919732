"""One common factor of a covariance matrix by maximum likelihood, and how it moves with the matrix."""

from __future__ import annotations

import numpy as np
from scipy import optimize

from survey.errors import EstimationError
from survey.sampling.linearized import Floats

HINT = "leave out an item that repeats another, or report alpha"
Factor = tuple[Floats, Floats]
"""Loadings λ (k,) and unique variances ψ (k,)."""


def one_factor(S: Floats) -> Factor:
    """λ, ψ that minimise log|Σ| + tr SΣ⁻¹ with Σ = λλᵀ + diag ψ (Jöreskog 1967); Σλ ≥ 0.

    Raises: EstimationError: the matrix has no such form with ψ > 0 (a Heywood case), or is singular.

    >>> loadings, unique = one_factor(np.array([[1, 0.56, 0.48], [0.56, 1, 0.42], [0.48, 0.42, 1]]))
    >>> loadings.round(6).tolist(), unique.round(6).tolist()
    ([0.8, 0.7, 0.6], [0.36, 0.51, 0.64])
    """
    scale = np.sqrt(np.diag(S))
    R = S / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(R)
    if not np.isfinite(values).all() or values[0] < 1e-10:
        raise EstimationError("One factor does not fit the items", got="the items are linearly dependent", hint=HINT)
    k = len(R)
    start = np.clip(np.abs(vectors[:, -1]) * np.sqrt(values[-1]), 0.1, 0.9) * np.where(vectors[:, -1] < 0, -1, 1)
    free = np.concatenate([start, np.log(1 - start**2)])
    found = optimize.minimize(_deviance, free, args=(R,), jac=True, method="BFGS", options={"gtol": 1e-7}).x
    theta = np.concatenate([found[:k], np.exp(found[k:])])
    for _ in range(20):
        step = np.linalg.lstsq(_curvature(theta, R), _gradient(theta, R), rcond=None)[0]
        theta = theta - step
        if np.abs(step).max() < 1e-13 or not np.isfinite(theta).all():
            break
    if not (theta[k:] > 1e-6).all() or np.abs(_gradient(theta, R)).max() > 1e-8:
        raise EstimationError(
            "One factor does not fit the items", got="an item whose whole variance is common", hint=HINT
        )
    sign = -1.0 if (theta[:k] * scale).sum() < 0 else 1.0
    return sign * theta[:k] * scale, theta[k:] * scale**2


def omega_of(factor: Factor) -> float:
    """McDonald's ω of a factor: (Σλ)²/((Σλ)² + Σψ)."""
    common = float(factor[0].sum()) ** 2
    return common / (common + float(factor[1].sum()))


def omega_slope(S: Floats, factor: Factor) -> Floats:
    """∂ω/∂S (k²,): the likelihood equations g(θ, S) = 0 give ∂θ/∂S = −(∂g/∂θ)⁻¹ ∂g/∂S."""
    theta = np.concatenate(factor)
    k = len(S)
    inverse, moves = _inverse(theta), _moves(theta)
    by_matrix = -np.array([(inverse @ move @ inverse).ravel() for move in moves])
    total, rest = float(factor[0].sum()), float(factor[1].sum())
    whole = total**2 + rest
    by_factor = np.concatenate([np.full(k, 2 * total * rest), np.full(k, -(total**2))]) / whole**2
    return np.asarray(-by_factor @ np.linalg.solve(_curvature(theta, S), by_matrix))


def _inverse(theta: Floats) -> Floats:
    """Σ⁻¹ by Sherman and Morrison."""
    loadings, unique = np.split(theta, 2)
    scaled = loadings / unique
    return np.asarray(np.diag(1 / unique) - np.outer(scaled, scaled) / (1 + loadings @ scaled))


def _moves(theta: Floats) -> Floats:
    """∂Σ/∂θ_a (2k, k, k)."""
    k = len(theta) // 2
    moves = np.zeros((2 * k, k, k))
    for i in range(k):
        moves[i, i, :] += theta[:k]
        moves[i, :, i] += theta[:k]
        moves[k + i, i, i] = 1.0
    return moves


def _gradient(theta: Floats, S: Floats) -> Floats:
    inverse = _inverse(theta)
    pull = inverse - inverse @ S @ inverse
    return np.asarray(np.einsum("ij,aij->a", pull, _moves(theta)))


def _curvature(theta: Floats, S: Floats) -> Floats:
    """Second derivatives of the deviance (2k, 2k)."""
    k, inverse, moves = len(theta) // 2, _inverse(theta), _moves(theta)
    fitted = inverse @ S @ inverse
    turned = inverse @ moves
    along = (fitted @ moves) @ inverse
    change = along + np.swapaxes(along, 1, 2) - turned @ inverse
    H = np.einsum("aij,bij->ab", moves, change)
    H[:k, :k] += 2 * (inverse - fitted)
    return np.asarray(H)


def _deviance(free: Floats, R: Floats) -> tuple[float, Floats]:
    k = len(R)
    theta = np.concatenate([free[:k], np.exp(free[k:])])
    inverse = _inverse(theta)
    value = float(free[k:].sum() + np.log1p(theta[:k] @ (theta[:k] / theta[k:])) + (R * inverse).sum())
    gradient = _gradient(theta, R)
    return value, np.concatenate([gradient[:k], gradient[k:] * theta[k:]])
