"""Tail probabilities of sums of weighted χ² variables, alone or over an independent χ² (Rao & Scott's statistics)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from survey.estimation.roots import zeroin
from survey.sampling.linearized import Floats

Method = Literal["saddlepoint", "integration", "satterthwaite"]


def quadratic_tail(x: float, weights: ArrayLike, ddf: float = np.inf, method: Method = "saddlepoint") -> float:
    """P(Σ λ_i χ²_1 > x), or with ddf finite P(Σ λ_i χ²_1 / (χ²_ddf/ddf) > x).

    integration: inversion of the cumulant function (as Imhof 1961, on a better path), to about 1e-12.
    saddlepoint: Kuonen (1999), with the whole part of ddf and −x/ddf for the denominator's weight, as R's pFsum.
    satterthwaite: F or χ² with matched moments.

    Args: weights: λ, not all zero.   ddf: denominator degrees of freedom.

    >>> round(quadratic_tail(3.841459, [1.0], method="integration"), 6)
    0.05
    >>> round(quadratic_tail(4.964603, [1.0], 10, "integration"), 6)   # F(1, 10)
    0.05
    """
    lam = np.asarray(weights, dtype=float)
    if method == "satterthwaite":
        return _satterthwaite(x, lam, ddf)
    if np.isinf(ddf):
        value = _exact(x, lam, np.ones(len(lam))) if method == "integration" else _saddle(x, lam)
    else:
        joint, dims = np.append(lam, -x / ddf), np.append(np.ones(len(lam)), ddf)
        if method == "saddlepoint":
            dims[-1] = np.floor(ddf)
        value = _exact(0.0, joint, dims) if method == "integration" else _saddle(0.0, joint, dims)
    return _satterthwaite(x, lam, ddf) if np.isnan(value) else value


def _satterthwaite(x: float, lam: Floats, ddf: float) -> float:
    mean = lam.mean()
    ratio = (lam**2).mean() / mean**2
    df = len(lam) / ratio
    scale = mean * ratio
    return float(stats.chi2.sf(x / scale, df) if np.isinf(ddf) else stats.f.sf(x / df / scale, df, ddf))


def _exact(x: float, lam: Floats, dims: Floats) -> float:
    """(1/2πi) ∫ exp(K(ζ) − ζx)/ζ dζ along a parabola round the branch cuts of K, by the trapezoidal rule.

    K(ζ) = −½ Σ h log(1 − 2ζλ) is the cumulant function; the path crosses the axis at c between 0 and 1/(2 max λ), near
    the saddlepoint, so nothing oscillates and the rule converges geometrically.
    """
    top = float(lam.max())
    lam, x = lam / top, x / top
    edge = 0.5
    c = _crossing(x, lam, dims, edge)
    curvature = 2 * float((dims * lam**2 / (1 - 2 * c * lam) ** 2).sum())
    width = min(1 / np.sqrt(curvature), edge - c, c) * 2
    s = np.linspace(0.0, 14.0, 6000)
    t = np.sinh(s)
    path = c + 0.5 * width * t**2 + 1j * width * t
    slope = (width * t + 1j * width) * np.cosh(s)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        log = -0.5 * (dims[:, None] * np.log(1 - 2 * lam[:, None] * path)).sum(axis=0) - path * x
        value = (np.exp(log) / path * slope).imag
    value = np.where(np.isfinite(value), value, 0.0)
    return float((value.sum() - value[0] / 2) * (s[1] - s[0]) / np.pi)


def _crossing(x: float, lam: Floats, dims: Floats, edge: float) -> float:
    """Saddlepoint where it lies well inside (0, edge), else the nearest point that does."""

    def slope(zeta: float) -> float:
        return float((dims * lam / (1 - 2 * zeta * lam)).sum()) - x

    low, high = 0.05 * edge, 0.95 * edge
    if slope(low) >= 0:
        return low
    if slope(high) <= 0:
        return high
    return float(optimize.brentq(slope, low, high))


def _saddle(x: float, lam: Floats, dims: Floats | None = None) -> float:
    """Lugannani–Rice tail by the saddlepoint of the cumulant function; NaN where the saddlepoint is at 0."""
    h = np.ones(len(lam)) if dims is None else dims
    top = float(lam.max())
    lam, x = lam / top, x / top

    def slope(zeta: float) -> float:
        return float((h * lam / (1 - 2 * zeta * lam)).sum()) - x

    if (lam < 0).any():
        low = float((1 / (2 * lam[lam < 0])).max()) * 0.99999
    elif x > float(h @ lam):
        low = -0.01
    else:
        low = -float(h.sum()) / (2 * x)
    high = float((1 / (2 * lam[lam > 0])).min()) * 0.99999
    if slope(low) * slope(high) > 0:
        return float("nan")
    zeta = zeroin(slope, low, high, 1e-8)
    if abs(zeta) < 1e-4:
        return float("nan")
    cumulant = -0.5 * float(h @ np.log(1 - 2 * zeta * lam))
    w = np.sign(zeta) * np.sqrt(2 * (zeta * x - cumulant))
    v = zeta * np.sqrt(2 * float((h * lam**2 / (1 - 2 * zeta * lam) ** 2).sum()))
    return float(stats.norm.sf(w + np.log(v / w) / w))
