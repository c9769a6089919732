"""Variance of samples drawn with unequal probabilities without replacement, from joint inclusion probabilities.

With Δ̌_ij = (π_ij − π_i π_j)/π_ij the Horvitz–Thompson form is V = Σ_ij Δ̌_ij ž_i ž_j and the Yates–Grundy form
V = −½ Σ_ij Δ̌_ij (ž_i − ž_j)², ž the influences with their weights 1/π (Särndal et al. 1992, eq. 2.8.7 and 2.8.13).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import block_diag

from survey.sampling.columns import refuse
from survey.sampling.linearized import Floats


@dataclass(frozen=True)
class Pairwise:
    """A variance Σ_ij D_ij ž_i ž_j over the rows of a sample; matrix D (n, n)."""

    matrix: Floats

    def covariance(self, table: Floats) -> Floats:
        """Covariance (p, p) of the columns of influences (n, p); it need not be positive definite."""
        return np.asarray(table.T @ self.matrix @ table)

    def variances(self, table: Floats) -> Floats:
        """Its diagonal (p,)."""
        return np.asarray(np.einsum("ij,ij->j", table, self.matrix @ table))

    @classmethod
    def apart(cls, parts: Sequence[Pairwise]) -> Pairwise:
        """Independent samples under each other."""
        return cls(np.asarray(block_diag(*(part.matrix for part in parts))))


def from_joint(joint: ArrayLike, variance: Literal["HT", "YG"] = "HT", tolerance: float = 1e-4) -> Pairwise:
    """From the matrix of joint inclusion probabilities (n, n), its diagonal the inclusion probabilities.

    Args: tolerance: Δ̌ smaller than this counts as 0.   Raises: DesignError: not square, or a probability is 0.

    >>> from_joint([[0.5, 0.25], [0.25, 0.5]]).matrix.tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    pairs = np.asarray(joint, dtype=float)
    if pairs.ndim != 2 or pairs.shape[0] != pairs.shape[1] or not (pairs > 0).all():
        refuse("Joint inclusion probabilities do not fit", "a square matrix of positive numbers", str(pairs.shape))
    p = np.diag(pairs)
    delta = (pairs - np.outer(p, p)) / pairs
    delta[np.abs(delta) < tolerance] = 0.0
    return Pairwise(delta if variance == "HT" else delta - np.diag(delta.sum(axis=1)))


def overton(p: ArrayLike) -> Pairwise:
    """Overton's (1985) approximation from inclusion probabilities alone: Δ̌_ij = 1 − (n − (p_i+p_j)/2)/(n−1).

    >>> overton([0.5, 0.5]).matrix.tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """
    prob = np.asarray(p, dtype=float)
    n = len(prob)
    mean = np.add.outer(prob, prob) / 2
    delta = np.where(mean == 1, 0.0, 1 - (n - mean) / (n - 1))
    np.fill_diagonal(delta, 1 - prob)
    return Pairwise(delta)


def hartley_rao(p: ArrayLike, mean_square: float | None = None) -> Pairwise:
    """Hartley & Rao's (1962) truncated approximation: Δ̌_ij = 1 − (n − p_i − p_j + p̄)/(n−1).

    Args: mean_square: p̄ = Σ p²/n over the population; the sample's mean of p if not given.

    >>> hartley_rao([0.5, 0.5]).matrix.tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """
    prob = np.asarray(p, dtype=float)
    n = len(prob)
    p_bar = prob.mean() if mean_square is None else mean_square
    both = np.add.outer(prob, prob)
    delta = np.where(both == 2, 0.0, 1 - (n - both + p_bar) / (n - 1))
    np.fill_diagonal(delta, 1 - prob)
    return Pairwise(delta)
