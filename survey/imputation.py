"""Rubin's rules: one answer from the answers of several completed data sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from survey.errors import EstimationError
from survey.estimation.covariance import vcov
from survey.estimation.intervals import mean_interval
from survey.estimation.multiplicity import p_two_sided
from survey.sampling.linearized import Floats
from survey.tidy import results


def combine(
    parts: Sequence[pd.DataFrame],
    level: float = 0.95,
    *,
    df_complete: float | None = None,
    rule: Literal["barnard_rubin", "mitools"] = "barnard_rubin",
) -> pd.DataFrame:
    """Combines the same result from m completed data sets (Rubin 1987).

    θ̄ is the mean, V = W + (1 + 1/m)B with W the mean variance within and B the variance between; df that of Barnard &
    Rubin (1999): 1/(1/ν + 1/ν_obs), ν = (m−1)(1 + 1/r)², r = (1 + 1/m)B/W, ν_obs = ν_c(ν_c + 1)/(ν_c + 3) · W/V with
    ν_c = df_complete; ν if that is infinite. t interval.

    Args: parts: results of `survey.estimate` or of a model's tidy(), rows in the same order.
        df_complete: degrees of freedom there would be without missing answers; those of the rows if not given (their
            mean over the parts; infinite where rows have none).
        rule: "mitools" takes W/(W + B) for the W/V of Barnard & Rubin, as that R package does.
    Returns: the rows with combined estimates, NaN and with its reason where one part has no estimate;
        attrs["missing_information"] has (r + 2/(df+3))/(r+1) for each.
    Raises: EstimationError: fewer than two results, or rows that differ.

    >>> one, two = (results([{"item": "y", "estimate": e, "se": 1.0}]) for e in (1.0, 2.0))
    >>> out = combine([one, two])
    >>> out["estimate"].tolist(), out["se"].round(4).tolist(), out["df"].round(4).tolist()
    ([1.5], [1.3229], [5.4444])
    """
    keys = ["item", "statistic", "level", "by", "group"]
    if len(parts) < 2 or any(not part[keys].equals(parts[0][keys]) for part in parts):
        raise EstimationError("The imputations cannot be combined", expected="two or more results with the same rows")
    m = len(parts)
    estimates = np.array([part["estimate"].to_numpy() for part in parts])
    within = np.mean([part["se"].to_numpy() ** 2 for part in parts], axis=0)
    between = estimates.var(axis=0, ddof=1)
    value, total = estimates.mean(axis=0), within + (1 + 1 / m) * between
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (1 + 1 / m) * between / within
        df = (m - 1) * (1 + 1 / r) ** 2
        complete = _complete(parts) if df_complete is None else np.full(len(value), float(df_complete))
        share = within / (total if rule == "barnard_rubin" else within + between)
        observed = (complete + 1) / (complete + 3) * complete * share
        df = np.where(np.isinf(complete), df, np.where(complete > 0, 1 / (1 / df + 1 / observed), np.nan))
        information = (r + 2 / (df + 3)) / (r + 1)
        se = np.sqrt(total)
        cv = se / np.abs(value)
    low, high = mean_interval(value, se, df, level)
    new = {"estimate": value, "se": se, "ci_low": low, "ci_high": high, "df": df, "cv": cv,
           "p": p_two_sided(value / se, df),
           "reason": _reasons(parts),
           "n": np.mean([part["n"] for part in parts], axis=0), "deff": np.nan, "n_eff": np.nan}  # fmt: skip
    out = results(parts[0].assign(**new))
    out.attrs["missing_information"] = information.tolist()
    return out


def _complete(parts: Sequence[pd.DataFrame]) -> Floats:
    """Each row's degrees of freedom before combining; infinite where no part has any."""
    df = np.array([part["df"].to_numpy(dtype=float) for part in parts])
    known = np.isfinite(df)
    mean = np.where(known, df, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.asarray(np.where(known.any(axis=0), mean, np.inf))


def _reasons(parts: Sequence[pd.DataFrame]) -> list[str]:
    """The first reason that any part gives for each row."""
    return [next(filter(None, given), "") for given in zip(*(part["reason"].fillna("") for part in parts), strict=True)]


def combined_covariance(parts: Sequence[pd.DataFrame]) -> np.ndarray:
    """Covariance of the combined estimates, W + (1 + 1/m)B, from results that know theirs."""
    estimates = np.array([part["estimate"].to_numpy() for part in parts])
    within = np.mean([vcov(part) for part in parts], axis=0)
    return np.asarray(within + (1 + 1 / len(parts)) * np.cov(estimates.T, ddof=1).reshape(within.shape))
