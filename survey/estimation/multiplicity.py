"""p-values of t tests, and the same corrected for how many were looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from survey.errors import EstimationError
from survey.estimation.intervals import FLAT
from survey.sampling.linearized import Floats

Adjustment = Literal["holm", "bh", ""]


def p_two_sided(t: ArrayLike, df: ArrayLike) -> Floats:
    """P(|T| > |t|) for Student's t; NaN without degrees of freedom.

    >>> p_two_sided([2.0], [10]).round(4).tolist()
    [0.0734]
    """
    freedom = np.asarray(df, dtype=float)
    return np.asarray(2 * stats.t.sf(np.abs(np.asarray(t, dtype=float)), np.where(freedom > 0, freedom, np.nan)))


NO_VARIANCE = "the standard error is 0: no test"


def t_test(gap: Floats, se: Floats, df: Floats, scale: Floats) -> tuple[Floats, Floats, list[str]]:
    """p of differences and their coefficients of variation, NaN where se is 0 but for rounding, and the reason.

    scale: size of the figures that were subtracted, whose last digits a difference of equal figures is made of.

    >>> t_test(np.array([4e-16, 0.2]), np.array([0.0, 0.1]), np.array([10.0, 10]), np.ones(2))[0].round(4).tolist()
    [nan, 0.0734]
    """
    flat = se <= FLAT * np.maximum(np.abs(gap), np.nan_to_num(scale))
    with np.errstate(divide="ignore", invalid="ignore"):
        p, cv = np.where(flat, np.nan, p_two_sided(gap / se, df)), se / np.abs(gap)
    return p, np.where(flat, np.nan, cv), [NO_VARIANCE if each else "" for each in flat]


def adjusted(result: pd.DataFrame, method: Adjustment = "holm", within: Sequence[str] = ()) -> pd.DataFrame:
    """The result with q, its p corrected for multiplicity, over all rows or within groups.

    Args: method: "holm" (family-wise error) or "bh" (Benjamini & Hochberg 1995, false discovery rate).
        within: columns whose values make separate families.

    >>> from survey.tidy import results
    >>> frame = results([{"item": "a", "p": 0.01}, {"item": "b", "p": 0.04}])
    >>> adjusted(frame)["q"].tolist()
    [0.02, 0.04]
    """
    out = result.copy()
    if not method:
        return out
    if method not in ("holm", "bh"):
        raise EstimationError("The correction for multiplicity is not known", expected='"holm", "bh" or "" (none)',
                              got="{method}", method=method)  # fmt: skip
    correct = {"holm": holm, "bh": _benjamini_hochberg}[method]
    families = out.groupby(list(within), sort=False).indices.values() if within else [np.arange(len(out))]
    q = np.full(len(out), np.nan)
    for rows in families:
        known = rows[np.isfinite(out["p"].to_numpy()[rows])]
        if len(known):
            q[known] = correct(out["p"].to_numpy()[known])
    out["q"] = q
    return out


def holm(p: ArrayLike) -> Floats:
    """Holm's (1979) step-down correction: the running maximum of (m − k + 1)·p_(k), at most 1.

    statsmodels' multipletests says the same, but collects garbage for 50 ms in every call.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    out = np.empty(len(values))
    out[order] = np.minimum(stepped, 1.0)
    return out


def _benjamini_hochberg(p: Floats) -> Floats:
    from statsmodels.stats.multitest import fdrcorrection

    return np.asarray(fdrcorrection(p)[1], dtype=float)
