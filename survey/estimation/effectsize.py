"""How large a difference is against the spread of the answers, design-based."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import Covariance, remember
from survey.estimation.groups import coded, item_column, numeric
from survey.estimation.intervals import mean_interval
from survey.estimation.reasons import reason
from survey.sampling.linearized import Floats
from survey.tidy import results


def effect_size(d: SurveyDesign, y: str, by: str, level: float = 0.95) -> pd.DataFrame:
    """Cohen's d = (ȳ₂ − ȳ₁)/s of two groups, s² = n/(n−2) Σ w (y − ȳ_own)²/Σw, and Hedges' g = d(1 − 3/(4n − 9)).

    A smooth function of the groups' weighted numbers, sums and sums of squares: z_d = ∇d·z (delta method), or d in
    every replicate. With equal weights the values of Cohen (1988) and Hedges (1981).

    Returns: rows of statistic "cohen_d" and "hedges_g", group "second - first", in standard deviations; t interval.
    Raises: EstimationError: by has not two levels with answers.

    >>> frame = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7], "g": [0, 0, 0, 1, 1, 1], "w": 1.0})
    >>> effect_size(SurveyDesign(frame, "w"), "y", "g")["estimate"].round(4).tolist()  # s = 1, n = 6
    [4.0, 3.2]
    """
    answers, (code, labels) = numeric(item_column(d.frame, y), y), coded(item_column(d.frame, by))
    used = np.isfinite(answers) & (code >= 0) & d.mask & (d.weights != 0)
    seen = np.unique(code[used])
    if len(seen) != 2:
        raise EstimationError(
            "An effect size compares two groups", where="{by}", expected="two values with answers", got="{count}",
            by=by, count=len(seen),
        )  # fmt: skip
    n, inside = int(used.sum()), d.domain(used)
    centred = np.where(used, answers - np.average(answers[used], weights=d.weights[used]), 0.0)
    totals = inside.totals(np.where(used, np.searchsorted(seen, code), -1), 2, (None, centred, centred**2))
    value, slope = _cohen(totals.whole, n)
    table = totals.rows @ slope if d.replicates is None else np.array([_cohen(row, n)[0] for row in totals.rows])
    scale = np.array([1.0, 1 - 3 / (4 * n - 9)])
    table = table[:, None] * scale
    freedom = np.full(2, float(inside.degf(used)) - 1)
    why = reason(inside, used, freedom[0], np.where(used, np.searchsorted(seen, code), -1), 2)
    se = np.where(bool(why), np.nan, np.sqrt(inside.variances(table, used)))
    low, high = mean_interval(value * scale, se, freedom, level)
    rows = pd.DataFrame({
        "item": y, "statistic": ["cohen_d", "hedges_g"], "by": by, "group": f"{labels[seen[1]]} - {labels[seen[0]]}",
        "estimate": value * scale, "se": se, "ci_low": low, "ci_high": high, "df": freedom, "n": n,
        "n_weighted": float(d.weights[used].sum()), "reason": why,
    })  # fmt: skip
    return remember(results(rows), Covariance(lambda: table, inside.covariance, freedom, d.replicates is not None))


def _cohen(totals: Floats, n: int) -> tuple[float, Floats]:
    """d from the groups' numbers, sums and sums of squares (6,), and its gradient."""
    size, total, squares = totals.reshape(3, 2)
    mean, whole, factor = total / size, size.sum(), n / (n - 2)
    spread = float(np.sqrt((squares - total * mean).sum() / whole * factor))
    d = float(mean[1] - mean[0]) / spread
    sign = np.array([-1.0, 1.0])
    # ∂s²/∂(N, T, Q) = factor/ΣN · (mean² − s²/factor, −2·mean, 1);  ∂d = ±∂mean/s − d/(2s²) ∂s²
    variance = np.array([mean**2 - spread**2 / factor, -2 * mean, np.ones(2)]) * factor / whole
    means = np.array([-sign * mean / size, sign / size, np.zeros(2)])
    return d, (means / spread - d / (2 * spread**2) * variance).ravel()
