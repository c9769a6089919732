"""Profile likelihood interval of a share on the logit scale, with the design's variance setting its width."""

from __future__ import annotations

import numpy as np
from scipy import stats

from survey.sampling.linearized import Floats


def likelihood_interval(
    p: float, logit_variance: float, information: float, spread: float, n: float, df: float, level: float
) -> tuple[float, float]:  # fmt: skip
    """Where the signed root of the deviance reaches ∓ t√λ, λ the design variance over the likelihood's.

    τ(b) = sign(b − b̂) √(2·spread·(log(1+e^b) − log(1+e^b̂) − p(b − b̂))) is taken at steps to both sides and interpolated
    by a cubic spline, as MASS's profile and R svyciprop do.

    Args: logit_variance: of logit p̂ under the design.   information: of logit p̂ in the likelihood.   spread: weight of
        the likelihood over the dispersion.   n: respondents.

    >>> low, high = likelihood_interval(0.5, 0.04, 25.0, 99.0, 100.0, 50.0, 0.95)
    >>> round(low, 3), round(high, 3)
    (0.4, 0.6)
    """
    if not 0 < p < 1 or not logit_variance > 0 or not df > 0:
        return float("nan"), float("nan")
    centre = float(np.log(p / (1 - p)))
    cutoff = float(stats.t.ppf((1 - level) / 2, df) * np.sqrt(logit_variance * information))
    alpha = float(stats.norm.cdf(cutoff)) / 2
    furthest = float(np.sqrt(stats.f.isf(alpha, 1, n - 1)))
    points = [(centre, 0.0)]
    for sign in (-1, 1):
        step, tau = 1, 0.0
        while step < 10 and abs(tau) < furthest:
            b = centre + sign * step * furthest / 5 * np.sqrt(logit_variance)
            tau = sign * np.sqrt(max(2 * spread * (_soft(b) - _soft(centre) - p * (b - centre)), 0.0))
            points.append((float(b), float(tau)))
            step += 1
    points.sort(key=lambda point: point[1])
    x, tau_at = (np.array(column) for column in zip(*points, strict=True))
    grid = np.linspace(x.min(), x.max(), 3 * len(x))
    ends = np.interp([cutoff, -cutoff], cubic(x, tau_at, grid), grid, left=np.nan, right=np.nan)
    return float(1 / (1 + np.exp(-ends[0]))), float(1 / (1 + np.exp(-ends[1])))


def working_weight(y: Floats, w: Floats) -> float:
    """Working weight μ(1 − μ) of the last step of a logistic regression on a constant, stopped as R's glm does at 1e-8.

    Args: y: 0 or 1 (n,).   w: weights in the likelihood (n,).

    >>> round(working_weight(np.array([0.0, 1, 1, 1]), np.ones(4)), 6)
    0.1875
    """
    mu = (w * y + 0.5) / (w + 1)
    deviance = -2 * float((w * (y * np.log(mu) + (1 - y) * np.log1p(-mu))).sum())
    work = w * mu * (1 - mu)
    b = float((work * np.log(mu / (1 - mu)) + w * (y - mu)).sum() / work.sum())
    share, whole, last = float((w * y).sum() / w.sum()), float(w.sum()), float(work.sum() / w.sum())
    for _ in range(25):
        fitted = float(1 / (1 + np.exp(-b)))
        latest = -2 * whole * (share * np.log(fitted) + (1 - share) * np.log1p(-fitted))
        if abs(latest - deviance) / (abs(latest) + 0.1) < 1e-8:
            break
        deviance, last = latest, fitted * (1 - fitted)
        b += (share - fitted) / last
    return last


def _soft(b: float) -> float:
    return float(np.logaddexp(0.0, b))


def cubic(x: Floats, y: Floats, at: Floats) -> Floats:
    """Interpolating cubic spline whose end slopes follow the cubic through the four outermost points.

    Forsythe, Malcolm & Moler (1977), ch. 4; R's spline(method = "fmm").

    >>> x = np.arange(5.0)
    >>> cubic(x, x**3, np.array([1.5, 3.5])).round(6).tolist()
    [3.375, 42.875]
    """
    n = len(x)
    h, slope = np.diff(x), np.diff(y) / np.diff(x)
    matrix, right = np.zeros((n, n)), np.zeros(n)
    for i in range(1, n - 1):
        matrix[i, i - 1 : i + 2] = h[i - 1], 2 * (h[i - 1] + h[i]), h[i]
        right[i] = slope[i] - slope[i - 1]
    matrix[0, :2], matrix[-1, -2:] = (-h[0], h[0]), (h[-1], -h[-1])
    if n > 3:
        right[0] = (right[2] / (x[3] - x[1]) - right[1] / (x[2] - x[0])) * h[0] ** 2 / (x[3] - x[0])
        last = right[-2] / (x[-1] - x[-3]) - right[-3] / (x[-2] - x[-4])
        right[-1] = -last * h[-1] ** 2 / (x[-1] - x[-4])
    c = np.linalg.solve(matrix, right)
    place = np.clip(np.searchsorted(x, at, side="right") - 1, 0, n - 2)
    dx = at - x[place]
    b = slope[place] - h[place] * (c[place + 1] + 2 * c[place])
    return np.asarray(y[place] + dx * (b + dx * (3 * c[place] + dx * (c[place + 1] - c[place]) / h[place])))
