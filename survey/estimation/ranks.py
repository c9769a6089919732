"""Design-based rank tests (Lumley & Scott 2013) with mid-ranks, so that ties do not depend on the order of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.groups import coded, item_column, numeric
from survey.estimation.intervals import mean_interval
from survey.estimation.multiplicity import t_test
from survey.estimation.reasons import DEPENDENT, FEW, dependent, reason
from survey.estimation.tables import Test, as_row
from survey.sampling.linearized import Bools, Floats, Ints, weighted_counts
from survey.tidy import results

RankTest = Literal["wilcoxon", "vanDerWaerden", "median", "KruskalWallis"]
SCORES: dict[str, Callable[[Floats], Floats]] = {
    "wilcoxon": lambda r: r, "KruskalWallis": lambda r: r, "vanDerWaerden": lambda r: np.asarray(stats.norm.ppf(r)),
    "median": lambda r: (r > 0.5 + 1e-10).astype(float),
}  # fmt: skip


def rank_test(d: SurveyDesign, y: str, by: str, test: RankTest = "wilcoxon", level: float = 0.95) -> pd.DataFrame:
    """Whether y tends to be larger in one group than another, by the means of scores of its population mid-ranks.

    r_i = (weight below y_i + half the weight at y_i)/Σw; scores r (wilcoxon, KruskalWallis), Φ⁻¹(r) (vanDerWaerden) or
    1(r > ½) (median). Two groups: t of the difference of mean scores on units − strata − 1; more: Wald F of all
    differences. Under replicate weights the influences' totals vary from replicate to replicate, not the ranks.

    Returns: one row of statistic "difference" (second group minus first) or "rank F", with p.
    Raises: EstimationError: fewer than two groups with answers, or the test is not known.

    >>> frame = pd.DataFrame({"y": [1, 2, 3, 4], "g": [0, 0, 1, 1], "w": 1.0})
    >>> rank_test(SurveyDesign(frame, "w"), "y", "g")["estimate"].tolist()
    [0.5]
    """
    names = {name.lower(): name for name in SCORES}
    if test.lower() not in names:
        raise EstimationError(
            "The rank test is not known", expected="{known}", got="{test}", test=test, known=", ".join(SCORES)
        )
    values = numeric(item_column(d.frame, y), y)
    group, labels = coded(item_column(d.frame, by))
    used = np.isfinite(values) & (group >= 0) & d.mask & (d.weights != 0)
    seen, code = np.unique(group[used], return_inverse=True)
    if len(seen) < 2:
        raise EstimationError(
            "A rank test compares groups", where="{by}", got="{count} with answers", by=by, count=len(seen)
        )
    w = d.weights[used]
    score = SCORES[names[test.lower()]](mid_ranks(values[used], w))
    means = _means(score, code, w, len(seen))
    table = _influences(d, used, score, code, means, len(seen))
    gap, spread = means[1:] - means[0], table[:, 1:] - table[:, :1]
    freedom = float(d.degf(used))
    people = float(w.sum())
    place = np.where(used, np.searchsorted(seen, group), -1)
    why = reason(d, used, freedom - 1, place, len(seen))
    if len(seen) > 2:
        return _wald(d, y, by, gap, spread, used, freedom, people, why)
    se = np.sqrt(d.variances(spread, used))
    low, high = mean_interval(gap, np.where(bool(why), np.nan, se), np.array([freedom - 1]), level)
    p, _, flat = t_test(gap, se, np.array([freedom - 1]), np.ones(1))
    return results([{
        "item": y, "by": by, "group": f"{labels[seen[1]]} - {labels[seen[0]]}", "statistic": "difference",
        "level": names[test.lower()],
        "estimate": gap[0], "se": se[0], "ci_low": low[0], "ci_high": high[0], "df": freedom - 1, "n": int(used.sum()),
        "n_weighted": people, "p": np.nan if why else p[0], "reason": why or flat[0],
    }])  # fmt: skip


def mid_ranks(values: Floats, w: Floats) -> Floats:
    """Share of weight below each value plus half the weight at it.

    >>> mid_ranks(np.array([1.0, 1, 2]), np.array([1.0, 1, 2])).tolist()
    [0.25, 0.25, 0.75]
    """
    distinct, place = np.unique(values, return_inverse=True)
    at = weighted_counts(place, w, len(distinct))
    return np.asarray(((np.cumsum(at) - at / 2) / at.sum())[place])


def _means(score: Floats, code: Ints, w: Floats, size: int) -> Floats:
    return weighted_counts(code, w * score, size) / weighted_counts(code, w, size)


def _influences(d: SurveyDesign, used: Bools, score: Floats, code: Ints, means: Floats, size: int) -> Floats:
    """Unit (or replicate) totals of the group means' influences, scores held fixed."""
    w = d.weights[used]
    z = np.zeros((len(used), size))
    rows = np.flatnonzero(used)
    z[rows, code] = w * (score - means[code]) / weighted_counts(code, w, size)[code]
    return d.unit_totals(z)


def _wald(
    d: SurveyDesign, y: str, by: str, gap: Floats, table: Floats, used: Bools, freedom: float, people: float,
    why: str,
) -> pd.DataFrame:  # fmt: skip
    k, covariance = len(gap), d.covariance(table, used)
    ddf = freedom - k
    why = why or (FEW if ddf <= 0 else DEPENDENT if dependent(covariance) else "")
    chi2 = np.nan if why else float(gap @ np.linalg.solve(covariance, gap))
    test: Test = {"statistic": "rank F", "value": chi2 / k, "chi2": chi2, "ndf": k, "ddf": ddf,
                  "p": float(stats.f.sf(chi2 / k, k, ddf)), "reason": why}  # fmt: skip
    return as_row(y, by, test, float(used.sum()), people)
