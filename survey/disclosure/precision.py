"""Precision as it may be told: a standard error of many digits is one more equation about what was withheld.

Variances add up as totals do, V(everybody) = Σ (share of the population)² · V(group), and so does 1/n_eff. With six
digits of each a reader solves for the answers of a hidden group, whatever the choice of hidden cells does against
subtraction: disclosure by second moments. So beside a hidden cell all measures of precision follow from one rounded
standard error; a release without one tells them in full.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.tidy import significant

USUAL = 12
SECRETIVE = 2
"""Significant digits of a release that withholds no cell, where there is nothing to solve for, and of one that does."""
ALPHA = 0.05


def precise(rows: pd.DataFrame, digits: int) -> pd.DataFrame:
    """Rows with their precision rounded to significant digits; estimates and n stay as they are.

    With r = rounded se / se, the interval's distances from the estimate and cv are taken times r, deff times r² and
    n_eff by r², then rounded: together they tell no more than the rounded se. The interval ends at the decimal place
    of the last kept digit of se. p and q are rounded too, but what is below 0.05 stays below.

    Args: rows: the schema of survey.tidy.   Source: the equation of variances above; Kish (1965) for 1/n_eff.

    >>> from survey.tidy import results
    >>> row = {"statistic": "mean", "estimate": 0.41234, "se": 0.0214159, "ci_low": 0.3704, "ci_high": 0.4543}
    >>> precise(results([{**row, "p": 0.0496}]), 2)[["estimate", "se", "ci_low", "ci_high", "p"]].values.tolist()
    [[0.41234, 0.021, 0.371, 0.453, 0.049]]
    """
    estimate, se, low, high = (rows[name].to_numpy(dtype=float) for name in ("estimate", "se", "ci_low", "ci_high"))
    told = significant(se, digits)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(se > 0, told / se, 1.0)
    below, above = (estimate - low) * ratio, (high - estimate) * ratio
    # All or none of a sample has no standard error but an interval.
    scale = _place(np.where(se > 0, told, significant(below + above, digits)), digits)
    share = rows["statistic"].isin(["share", "mean"]).to_numpy() & (low >= 0) & (high <= 1)
    ends = [np.round((estimate - below) * scale) / scale, np.round((estimate + above) * scale) / scale]
    ends = [np.where(share, np.clip(end, 0, 1), end) for end in ends]
    squared = {"deff": ratio**2, "n_eff": 1 / ratio**2, "cv": ratio}
    return rows.assign(
        se=told,
        ci_low=np.where(np.isfinite(estimate), np.minimum(ends[0], estimate), ends[0]),
        ci_high=np.where(np.isfinite(estimate), np.maximum(ends[1], estimate), ends[1]),
        **{name: significant(rows[name].to_numpy(dtype=float) * by, digits) for name, by in squared.items()},
        **{name: _tests(rows[name].to_numpy(dtype=float), digits) for name in ("p", "q")},
    )


def coarse_steps(steps: list[dict[str, Any]], digits: int) -> list[dict[str, Any]]:
    """Steps of weighting with deff, n_eff, cv and top1 to significant digits.

    >>> coarse_steps([{"step": "base", "n": 1057, "deff": 1.23456, "n_eff": 856.18}], 3)
    [{'step': 'base', 'n': 1057, 'deff': 1.23, 'n_eff': 856.0}]
    """
    names = ("deff", "n_eff", "cv", "top1")
    return [{k: _one(v, digits) if k in names and v is not None else v for k, v in step.items()} for step in steps]


def _one(value: float, digits: int) -> float:
    return float(significant(np.array([value], dtype=float), digits)[0])


def _place(values: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """Ten to the number of decimals at which each value has its last digit."""
    known = np.isfinite(values) & (values != 0)
    size = np.floor(np.log10(np.abs(values), where=known, out=np.full_like(values, -12.0)))
    return np.asarray(10.0 ** (digits - 1 - size))


def _tests(p: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """p-values to significant digits, the significant ones still significant."""
    rounded = significant(p, digits)
    return np.where((p < ALPHA) & (rounded >= ALPHA), np.round(ALPHA - 10.0 ** -(digits + 1), digits + 1), rounded)
