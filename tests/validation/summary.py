"""Coverage, standard errors and rejections over the samples, each with its own Monte Carlo error."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from tests.validation import figures, hypotheses
from tests.validation.known import Known
from tests.validation.run import Runs

LEVEL, ALPHA = 0.95, 0.05


def coverage(runs: Runs, world: Known) -> pd.DataFrame:
    """One row a figure, in the order of the run.

    Columns part, truth, bias (in units of the spread), coverage, below and above (parts of the samples whose interval
    lies wholly below or above the truth), ratio (mean SE over the spread of the estimates), ratio_error (its Monte
    Carlo standard error), df (mean).
    """
    found = {}
    for label, rows in runs.estimates.groupby("label", sort=False):
        true = figures.truth_of(str(label), world.truth)
        below, above = (rows["ci_high"] < true).mean(), (rows["ci_low"] > true).mean()
        ratio, error = se_ratio(rows["estimate"].to_numpy(), rows["se"].to_numpy())
        bias = (rows["estimate"].mean() - true) / rows["estimate"].std()
        found[label] = {
            "part": rows["part"].iloc[0], "truth": true, "bias": bias, "coverage": 1 - below - above, "below": below,
            "above": above, "ratio": ratio, "ratio_error": error, "df": rows["df"].mean(),
        }  # fmt: skip
    return pd.DataFrame.from_dict(found, orient="index")


def se_ratio(estimate: np.ndarray, se: np.ndarray) -> tuple[float, float]:
    """Mean SE over the standard deviation of the estimates, and its Monte Carlo standard error (delta method)."""
    spread = estimate.std(ddof=1)
    ratio = float(se.mean() / spread)
    influence = se / se.mean() - ((estimate - estimate.mean()) / spread) ** 2 / 2
    return ratio, float(ratio * influence.std(ddof=1) / np.sqrt(len(se)))


def rejections(runs: Runs) -> pd.DataFrame:
    """One row a test: rate of p < 5 %, and the rate expected."""
    rate = (runs.p < ALPHA).mean()
    expected = pd.Series(ALPHA, index=rate.index)
    rows = runs.estimates[runs.estimates["label"] == "change of feeling safe"]
    t = float(stats.t.ppf(1 - ALPHA, rows["df"].mean()))
    expected[hypotheses.POWER] = hypotheses.expected_power(float(rows["estimate"].std()), t)
    return pd.DataFrame({"rate": rate, "expected": expected})


def error(rate: float, count: int) -> float:
    """Monte Carlo standard error of a rate whose true value is this."""
    return float(np.sqrt(rate * (1 - rate) / count))


def limits(rate: float, count: int, tail: float) -> tuple[float, float]:
    """Exact binomial limits: outside each of them a rate this low or high has a chance of at most `tail`.

    >>> [round(each, 2) for each in limits(0.95, 100, 0.001)]
    [0.87, 1.0]
    """
    low, high = stats.binom.ppf([tail, 1 - tail], count, rate)
    return float(low) / count, float(high) / count
