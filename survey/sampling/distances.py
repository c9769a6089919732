"""Calibration: the factors nearest to 1, by some distance, with which weights meet known totals."""

from __future__ import annotations

from typing import Literal

import numpy as np

from survey.errors import EstimationError
from survey.sampling.linearized import Floats, Ints, weighted_counts

Distance = Literal["linear", "raking", "logit"]
Bounds = tuple[float, float]


def factors(
    X: Floats, w: Floats, totals: Floats, distance: Distance = "linear", bounds: Bounds | None = None,
    scale: Floats | float = 1.0, tolerance: float = 1e-12, maxiter: int = 100,
) -> Floats:  # fmt: skip
    """Factors g(x·λ) of the weights w with Σ w·g·x = totals, by Newton steps with halving (Deville & Särndal 1992).

    g is 1 + u (linear) or exp u (raking), both truncated at the bounds, or the logit form that stays inside them.

    Args: X: (n, k), collinear columns are fine.   w: (n,).   totals: (k,).   bounds: least and greatest g.
        scale: variance of each row in the linear distance.
    Raises: EstimationError: the totals cannot be met, or the bounds hold no solution.

    >>> factors(np.array([[1.0], [2.0]]), np.ones(2), np.array([6.0])).round(6).tolist()
    [1.6, 2.2]
    """
    low, high = usable(distance, bounds)
    grow = GROW[distance]
    eta = np.zeros(X.shape[1])
    g, slope = grow(X @ eta, low, high)
    best = np.inf
    for _ in range(maxiter):
        misfit = totals - X.T @ (w * g)
        error = float(np.max(np.abs(misfit) / (1 + np.abs(totals))))
        if error < tolerance or (error < 1e-9 and error >= best):
            return g
        best = min(best, error)
        hessian = X.T @ (X * (w * slope / scale)[:, None])
        step = np.linalg.pinv(hessian, rcond=1e-13, hermitian=True) @ misfit
        for _half in range(30):
            with np.errstate(over="ignore", invalid="ignore"):
                g, slope = grow(X @ (eta + step) / scale, low, high)
            if np.isfinite(g).all() and np.isfinite(slope).all():
                break
            step = step / 2
        else:
            break
        eta = eta + step
    raise EstimationError("The calibration totals cannot be met", got="a misfit of {error}", error=f"{error:.3g}",
                          hint="widen the bounds, or leave out a margin")  # fmt: skip


def usable(distance: Distance, bounds: Bounds | None) -> Bounds:
    """The bounds, infinite where none are given.   Raises: EstimationError: they do not go with the distance."""
    low, high = bounds if bounds is not None else (-np.inf, np.inf)
    if distance not in GROW or not low < high or (distance == "logit" and not -np.inf < low < 1 < high < np.inf):
        raise EstimationError(
            "This calibration is not known",
            expected="linear or raking with least < greatest factor, or logit around 1",
            got="{distance} within {low} and {high}", distance=distance, low=low, high=high,
        )  # fmt: skip
    return low, high


def to_counts(w: Floats, code: Ints, counts: Floats) -> Floats:
    """Weights multiplied in each cell 0…k−1 (code −1: in none) to add up to its known count.

    Raises: EstimationError: a cell with a count has no respondent.
    """
    there = code >= 0
    have = weighted_counts(code[there], w[there], len(counts))
    if ((have <= 0) & (counts > 0)).any():
        raise EstimationError("A cell with a known count has no respondent", got="{count} such cells",
                              count=int(((have <= 0) & (counts > 0)).sum()),
                              hint="join it to a similar cell")  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(have > 0, counts / have, 0.0)
    return np.where(there, w * factor[code], w)


def _linear(u: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    return np.clip(1 + u, low, high), ((1 + u > low) & (1 + u < high)).astype(float)


def _exponential(u: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    g = np.exp(u)
    return np.clip(g, low, high), np.where((g > low) & (g < high), g, 0.0)


def _logit(u: Floats, low: float, high: float) -> tuple[Floats, Floats]:
    a = (high - low) / ((high - 1) * (1 - low))
    e = np.exp(a * u)
    bottom = (high - 1) + (1 - low) * e
    g = (low * (high - 1) + high * (1 - low) * e) / bottom
    return g, (high - low) * a * (high - 1) * (1 - low) * e / bottom**2


GROW = {"linear": _linear, "raking": _exponential, "logit": _logit}
