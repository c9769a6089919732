"""Confidence intervals for shares and means under a design."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import stats

from survey.errors import EstimationError
from survey.sampling.linearized import Floats

FLAT = 1e-12
"""Standard errors of shares that are 0 but for rounding."""
ShareInterval = Literal["logit", "xlogit", "beta", "wilson", "asin", "wald", "mean", "likelihood"]


def t_quantile(df: Floats, level: float) -> Floats:
    """Upper (1+level)/2 quantile of t, NaN where there is no degree of freedom; df = ∞ gives the normal one.

    >>> t_quantile(np.array([10.0, 0.0]), 0.95).round(3).tolist()
    [2.228, nan]
    """
    if not 0 < level < 1:
        raise EstimationError("The level of an interval is out of range", expected="between 0 and 1, as 0.95",
                              got="{level}", level=level)  # fmt: skip
    df = np.asarray(df, dtype=float)
    safe = np.where(df > 0, df, np.nan)
    return np.asarray(np.where(np.isposinf(safe), stats.norm.ppf((1 + level) / 2), stats.t.ppf((1 + level) / 2, safe)))


def mean_interval(estimate: Floats, se: Floats, df: Floats, level: float) -> tuple[Floats, Floats]:
    """estimate ± t·se."""
    half = t_quantile(df, level) * se
    return estimate - half, estimate + half


def share_interval(
    p: Floats,
    se: Floats,
    df: Floats,
    n: Floats,
    method: ShareInterval = "logit",
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Interval for a share by the named method; p, se, df and n broadcast.

    logit (xlogit): expit(logit p ± t·se/(p(1−p))). beta: Korn & Graubard (1998), Clopper–Pearson on
    n* = p(1−p)/se²·(t_{n−1}/t_df)², R's n counts respondents without an answer too.
    wilson: score interval on p(1−p)/se² with t for z.
    asin: sin²(asin√p ± t·se of asin√p), an end that folds back past the share (R leaves it there) is 0 or 1.
    wald (mean): p ± t·se. A share of 0 or 1 gets the beta interval with n* = n: the only one of them that is defined
    there. A share between them without variance, as the weights were calibrated to it, is known: [p, p], as in R.

    >>> low, high = share_interval(np.array([0.25]), np.array([0.05]), np.array([30.0]), np.array([80.0]))
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.162, 0.3649)
    """
    p, se, df, n = (np.asarray(each, dtype=float) for each in np.broadcast_arrays(p, se, df, n))
    t = t_quantile(df, level)
    with np.errstate(divide="ignore", invalid="ignore"):
        n_star = p * (1 - p) / se**2
        if method in ("logit", "xlogit", "likelihood"):
            centre, half = np.log(p / (1 - p)), t * se / (p * (1 - p))
            low, high = _expit(centre - half), _expit(centre + half)
        elif method == "asin":
            centre, half = np.arcsin(np.sqrt(p)), t * se / (2 * np.sqrt(p * (1 - p)))
            low, high = np.sin(centre - half) ** 2, np.sin(centre + half) ** 2
            low, high = np.where(low > p, 0.0, low), np.where(high < p, 1.0, high)
        elif method in ("wald", "mean"):
            return p - t * se, p + t * se
        elif method == "beta":
            low, high = exact_interval(p, n_star * (t_quantile(n - 1, level) / t) ** 2, level)
        elif method == "wilson":
            low, high = _wilson(p, n_star, t)
        else:
            raise EstimationError(
                "The interval is not known", expected="logit, xlogit, beta, wilson, asin, wald or likelihood",
                got="{method}", method=method,
            )  # fmt: skip
        flat = (se <= FLAT) & np.isfinite(t)
        exact_low, exact_high = exact_interval(p, n, level)
        known = (p > FLAT) & (p < 1 - FLAT)
        exact_low, exact_high = np.where(known, p, exact_low), np.where(known, p, exact_high)
    return np.where(flat, exact_low, low), np.where(flat, exact_high, high)


def _expit(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-x)))


def exact_interval(p: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """Clopper and Pearson's interval of a share p of n; p within rounding of 0 or 1 is 0 or 1."""
    p = np.where(p < FLAT, 0.0, np.where(p > 1 - FLAT, 1.0, p))
    alpha = (1 - level) / 2
    low = np.where(p <= 0, 0.0, stats.beta.ppf(alpha, n * p, n * (1 - p) + 1))
    high = np.where(p >= 1, 1.0, stats.beta.ppf(1 - alpha, n * p + 1, n * (1 - p)))
    unknown = np.isnan(p) | np.isnan(n)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def _wilson(p: Floats, n: Floats, t: Floats) -> tuple[Floats, Floats]:
    middle = (p + t**2 / (2 * n)) / (1 + t**2 / n)
    half = t / (1 + t**2 / n) * np.sqrt(p * (1 - p) / n + t**2 / (4 * n**2))
    return middle - half, middle + half
