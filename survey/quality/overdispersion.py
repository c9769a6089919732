"""Counts that vary between clusters by more than chance: a beta-binomial fitted robustly, its tails and its limits.

X_j of n_j cases of cluster j show a pattern. X_j ~ BetaBinomial(n_j, μ_j, ρ), μ_j = 1 − (1 − θ)^e_j: θ is the usual
share, ρ the overdispersion (the intraclass correlation; 0 is the binomial), e_j a known exposure, else 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import betaln, expit, logit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CELLS = 4_000_000
ODD, RHO_EXPECTED = 0.02, 0.05
FEWEST_CLUSTERS = 8
SMALLEST_RHO, LARGEST_RHO = 1e-6, 0.5


@dataclass(frozen=True)
class Usual:
    """What is usual among the clusters: θ and ρ."""

    theta: float
    rho: float

    def mean(self, exposure: ArrayLike = 1.0) -> Floats:
        """μ = 1 − (1 − θ)^e."""
        return np.asarray(-np.expm1(np.asarray(exposure, dtype=float) * np.log1p(-self.theta)))

    def tail(self, count: ArrayLike, n: ArrayLike, exposure: ArrayLike = 1.0) -> Floats:
        """P(X ≥ count): the one-sided p-value of a cluster, exact for the discrete distribution.

        >>> Usual(0.5, 1e-6).tail([3], [3]).round(4).tolist()   # ½³
        [0.125]
        """
        x, size = np.asarray(count, dtype=np.int64), np.asarray(n, dtype=np.int64)
        mean = np.broadcast_to(self.mean(exposure), x.shape)
        return np.asarray(np.clip(1 - below(x, size, mean, self.rho), 0.0, 1.0))

    def limits(self, n: ArrayLike, probabilities: ArrayLike, exposure: ArrayLike = 1.0) -> Floats:
        """Shares below which a cluster of n falls with each probability, between the counts; rows n, columns p.

        Spiegelhalter (2005, appendix): with r the smallest count whose P(X ≤ r) reaches p, (r − α)/n and
        α = (P(X ≤ r) − p)/P(X = r), held at 0.
        """
        sizes = np.asarray(n, dtype=np.int64)
        p = np.asarray(probabilities, dtype=float)
        means = np.broadcast_to(self.mean(exposure), sizes.shape)
        out = np.empty((len(sizes), len(p)))
        for row, (size, mean) in enumerate(zip(sizes, means, strict=True)):
            mass = np.exp(_log_mass(np.array([size]), np.array([mean]), self.rho, int(size)))[0]
            cdf = np.cumsum(mass)
            r = np.minimum(np.searchsorted(cdf, p), size)
            out[row] = np.clip((r - (cdf[r] - p) / np.maximum(mass[r], 1e-300)) / size, 0.0, 1.0)
        return out


def below(x: Ints, n: Ints, mean: Floats, rho: float) -> Floats:
    """P(X < x) of the beta-binomial."""
    out = np.zeros(len(x))
    order = np.argsort(x, kind="stable")
    while len(order):  # as many clusters at a time as fit into memory, those with few terms first
        rows = order[: max(1, int(np.searchsorted(np.arange(1, len(order) + 1) * (x[order] + 1.0), CELLS)))]
        order = order[len(rows) :]
        longest = int(x[rows].max())
        if longest > 0:
            mass = np.exp(_log_mass(n[rows], mean[rows], rho, longest - 1))
            out[rows] = np.where(np.arange(longest) < x[rows][:, None], mass, 0.0).sum(axis=1)
    return out


def _log_mass(n: Ints, mean: Floats, rho: float, last: int) -> Floats:
    """log P(X = 0 … last), one row a cluster, by the ratio of neighbours; −inf beyond n."""
    scale = (1 - rho) / rho
    a, b = (mean * scale)[:, None], ((1 - mean) * scale)[:, None]
    size = n[:, None].astype(float)
    x = np.arange(last, dtype=float)
    left = size - x
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(np.where(left > 0, left * (a + x) / ((x + 1) * (b + left - 1)), 0.0))
    start = betaln(a, b + size) - betaln(a, b)
    return np.asarray(np.concatenate([start, start + np.cumsum(ratio, axis=1)], axis=1))


def usual(count: ArrayLike, n: ArrayLike, exposure: ArrayLike = 1.0) -> Usual | None:
    """θ and ρ of the clusters that behave as usual, by a likelihood that lets one cluster in fifty do anything.

    Maximizes Σ_j log(0.98 · P(X_j = x_j; θ, ρ) + 0.02 / (n_j + 1)) − ρ/0.05: a cluster that stands out is taken for one
    of the fiftieth and does not widen the limits that are to find it; the last term, an exponential prior of mean 0.05,
    keeps a single far cluster from passing for an enormous spread. ρ is then taken one standard error higher (where the
    sum has fallen by ½), so that not knowing the spread well makes no cluster stand out. θ is at least half a case.

    Returns: None with fewer than eight clusters, or where hardly a case, or nearly every one, shows the pattern.

    >>> found = usual([5] * 20 + [50], [50] * 21)   # one cluster in 21 always shows it; the others one case in ten
    >>> round(found.theta, 2)
    0.1
    """
    x, size = np.asarray(count, dtype=np.int64), np.asarray(n, dtype=np.int64)
    e = np.broadcast_to(np.asarray(exposure, dtype=float), x.shape)
    if len(x) < FEWEST_CLUSTERS or x.sum() < 2 or x.sum() > 0.98 * size.sum():
        return None
    surprise = _surprise(x, size, e)
    shares, least = x / (size * np.maximum(e, 1e-9)), 0.5 / float((size * e).sum())
    starts = (float(np.sort(shares)[: len(x) * 4 // 5].mean()), float(np.median(shares)), least)
    fits = [
        minimize(surprise, np.array([logit(np.clip(share, least, 0.98)), logit(0.02)]), method="Nelder-Mead", tol=1e-4)
        for share in starts
    ]
    best = min(fits, key=lambda fit: float(fit.fun))
    wider = np.linspace(best.x[1], logit(LARGEST_RHO), 200)
    near = [rho for rho in wider if surprise(np.array([best.x[0], rho])) <= best.fun + 0.5]
    found = _at(np.array([best.x[0], max(near, default=best.x[1])]))
    return Usual(max(found.theta, least), found.rho)


def _surprise(x: Ints, size: Ints, e: Floats) -> Callable[[Floats], float]:
    """What `usual` makes as small as it can, a function of logit θ and logit ρ."""
    kinds, times = np.unique(np.column_stack([x, size, e]), axis=0, return_counts=True)
    x, size, e = kinds[:, 0], kinds[:, 1], kinds[:, 2]
    ways = -betaln(x + 1, size - x + 1) - np.log(size + 1)

    def surprise(parameters: Floats) -> float:
        guess = _at(parameters)
        scale = (1 - guess.rho) / guess.rho
        a, b = guess.mean(e) * scale, (1 - guess.mean(e)) * scale
        chance = np.exp(ways + betaln(x + a, size - x + b) - betaln(a, b))
        odd = np.log((1 - ODD) * chance + ODD / (size + 1))
        return float(guess.rho / RHO_EXPECTED - (times * odd).sum())

    return surprise


def _at(parameters: Floats) -> Usual:
    theta, rho = expit(parameters)
    return Usual(float(np.clip(theta, 1e-9, 1 - 1e-9)), float(np.clip(rho, SMALLEST_RHO, LARGEST_RHO)))
