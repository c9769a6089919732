"""Saying "no change" with evidence: two one-sided tests against a margin, and all pairs of groups of a result."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from survey.errors import EstimationError
from survey.estimation.covariance import KEY, Covariance, kept, remember, vcov
from survey.estimation.intervals import mean_interval
from survey.estimation.multiplicity import Adjustment, adjusted, t_test
from survey.sampling.linearized import Floats, Ints
from survey.tidy import results


def tost(estimates: pd.DataFrame, margin: float | tuple[float, float], level: float = 0.95) -> pd.DataFrame:
    """Whether differences are too small to matter: two one-sided t tests against a margin (Schuirmann 1987).

    With α = 1 − level: p = max(P(T > (θ̂ − low)/se), P(T < (θ̂ − high)/se)) on the row's df, and the interval of level
    1 − 2α; p < α exactly when that interval lies inside (low, high). A large p is no evidence of a difference.

    Args:
        estimates: rows with estimate, se and df, whichever statistic (change, difference, contrast, coefficient, …).
        margin: greatest difference without practical meaning, in the unit of the rows and fixed before looking;
            one number > 0 stands for (−margin, margin), a pair for (low, high).
    Returns: the rows with statistic "equivalence", that p and interval, q empty; p is NaN without se or df, and 0 or 1
        where se is 0. What the rows were called before is in attrs["of"], the margin in attrs["margin"].
    Raises: EstimationError: the margin holds no number, or level is not between 0.5 and 1.

    >>> rows = results([{"item": "safe", "estimate": 0.01, "se": 0.01, "df": 60}])
    >>> tost(rows, 0.03)[["statistic", "ci_low", "ci_high", "p"]].round(4).values.tolist()
    [['equivalence', -0.0067, 0.0267, 0.025]]
    """
    ends = np.atleast_1d(np.asarray(margin, dtype=float)).tolist()
    low, high = [-ends[0], ends[0]] if len(ends) == 1 else (ends[0], ends[-1])
    if not low < high or len(ends) > 2:
        raise EstimationError(
            "The margin of equivalence holds no number", expected="a number above 0, or (low, high) with low < high",
            got="{low} to {high}", low=low, high=high,
        )  # fmt: skip
    if not 0.5 < level < 1:
        raise EstimationError("The level of an equivalence test is out of range", expected="between 0.5 and 1",
                              got="{level}", level=level)  # fmt: skip
    value, se, df = (estimates[name].to_numpy(dtype=float) for name in ("estimate", "se", "df"))
    lower, upper = mean_interval(value, se, df, 2 * level - 1)
    new: dict[str, Any] = {"statistic": "equivalence", "ci_low": lower, "ci_high": upper, "q": np.nan}
    new["p"] = _p(value, se, df, low, high)
    out = results(estimates.assign(**new))
    out.attrs["margin"], out.attrs["of"] = (low, high), list(dict.fromkeys(estimates["statistic"]))
    return remember(out, kept(estimates)) if KEY in estimates.attrs else out


def _p(value: Floats, se: Floats, df: Floats, low: float, high: float) -> Floats:
    """The larger of the two one-sided p-values."""
    freedom = np.where(df > 0, df, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.maximum(stats.t.sf((value - low) / se, freedom), stats.t.cdf((value - high) / se, freedom))
    certain = np.where((low < value) & (value < high), 0.0, 1.0)
    return np.where((se == 0) & np.isfinite(value + freedom), certain, p)


def pairwise(
    estimates: pd.DataFrame, adjust: Adjustment = "holm", *, level: float = 0.95, df: float | None = None
) -> pd.DataFrame:  # fmt: skip
    """Every group against every other one: all differences of an item's groups, with the covariance between them.

    θ̂_b − θ̂_a, Var = V_aa + V_bb − 2 V_ab with V the covariance of the whole result (as `compare.contrast` and R's
    svycontrast over svyby(covmat=TRUE)): groups that share sampling units are not independent.

    Args:
        estimates: rows of one result of `survey.estimate` with a breakdown.
        adjust: q is p corrected over the pairs of an item and level: "holm", "bh" (false discovery rate) or "" (none).
        df: for t; without it the smaller of the two groups'.
    Returns: rows of statistic "difference", group "b - a", in the order item, level, pair; n of the smaller group. A
        pair with an empty group keeps its row, without numbers but with the reason.
    Raises: EstimationError: fewer than two groups, or rows were renamed or joined since the estimate.

    >>> from survey import estimate
    >>> from survey.design import SurveyDesign
    >>> frame = pd.DataFrame({"y": [1.0, 3, 2, 4, 7, 9], "g": list("aabbcc"), "w": 1.0})
    >>> pairwise(estimate.mean(SurveyDesign(frame, "w"), "y", "g"))[["group", "estimate"]].values.tolist()
    [['b - a', 1.0], ['c - a', 6.0], ['c - b', 5.0]]
    """
    V = vcov(estimates)
    pairs = _pairs(estimates)
    a, b = (np.array(side, dtype=np.intp) for side in zip(*pairs, strict=True))
    one, two = estimates.iloc[a].reset_index(drop=True), estimates.iloc[b].reset_index(drop=True)
    gap = (two["estimate"] - one["estimate"]).to_numpy()
    se = np.sqrt(np.maximum(V[a, a] + V[b, b] - 2 * V[a, b], 0.0))
    se = np.where(np.isnan(gap), np.nan, se)
    known = kept(estimates)
    freedom = np.minimum(known.df[a], known.df[b]) if df is None else np.full(len(gap), float(df))
    low, high = mean_interval(gap, se, freedom, level)
    p, cv, flat = t_test(gap, se, freedom, np.abs([one["estimate"], two["estimate"]]).max(axis=0))
    why = np.where(one["reason"] != "", one["reason"], two["reason"])
    frame = results(pd.DataFrame({
        "item": one["item"], "statistic": "difference", "level": one["level"], "by": one["by"],
        "group": two["group"] + " - " + one["group"], "estimate": gap, "se": se, "ci_low": low, "ci_high": high,
        "df": freedom, "n": np.minimum(one["n"], two["n"]), "psus": np.minimum(one["psus"], two["psus"]),
        "n_weighted": np.minimum(one["n_weighted"], two["n_weighted"]), "p": p, "cv": cv,
        "reason": np.where(why != "", why, flat),
    }))  # fmt: skip
    return _remembered(adjusted(frame, adjust, ["item", "level"]), known, a, b, freedom)


def _remembered(frame: pd.DataFrame, known: Covariance, a: Ints, b: Ints, df: Floats) -> pd.DataFrame:
    """The differences with the influences from which their own covariance follows."""
    return remember(frame, Covariance(lambda: known.table[:, b] - known.table[:, a], known.covariance, df,
                                      known.replicated))  # fmt: skip


def _pairs(estimates: pd.DataFrame) -> list[tuple[int, int]]:
    """Pairs of rows that differ only in their group, in the order of the result."""
    families = estimates.groupby(["item", "statistic", "level"], sort=False).indices.values()
    found = [(int(i), int(j)) for rows in families for i, j in combinations(rows, 2)]
    if not found:
        raise EstimationError(
            "There are no pairs of groups to compare", expected="a result with two or more groups of an item",
            hint="estimate it with a breakdown: by=…",
        )  # fmt: skip
    return found
