"""Quantiles of weighted distributions with intervals that invert the distribution function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.groups import grouped, item_column, numeric
from survey.estimation.intervals import ShareInterval, share_interval, t_quantile
from survey.estimation.reasons import reason
from survey.estimation.roots import zeroin
from survey.sampling.columns import names
from survey.sampling.linearized import Bools, Floats, weighted_counts
from survey.tidy import results

QRule = Literal["math", "school", "shahvaish", "hf1", "hf2", "hf3", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9"]
QInterval = Literal["mean", "beta", "xlogit", "asin", "score", "quantile"]
TIE = 1e-10


def quantile(
    d: SurveyDesign, items: str | Sequence[str], p: float | Sequence[float] = 0.5,
    by: str | Sequence[str] | None = None, level: float = 0.95, *, qrule: QRule = "math",
    interval: QInterval = "mean", df: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Quantiles with Woodruff's interval: [F⁻¹(lo), F⁻¹(hi)] for an interval [lo, hi] of the share at or below (1952).

    se = (hi − lo)/(2t), the standard error Francisco & Fuller (1991) read off the interval.

    Args:
        p: one or several probabilities.
        qrule: which value (R svyquantile): math (left inverse), school (halfway at a tie), hf1…hf9 (Hyndman & Fan 1996
            with weights), shahvaish.
        interval: of the share: mean (± t·se), beta, xlogit, asin; score inverts a test of the quantile; quantile
            takes the spread of the replicates' quantiles.
        df: degrees of freedom; those of the rows used if not given.
    Returns: rows of statistic "quantile", level p, in the order item, group, p; without a covariance between them.
    Raises: EstimationError: the rule or interval is not known, or interval "quantile" without replicate weights.

    >>> d = SurveyDesign(pd.DataFrame({"y": [1.0, 2, 3, 4, 5], "w": 1.0}), "w")
    >>> quantile(d, "y", [0.4, 0.5], qrule="school")["estimate"].tolist()
    [2.5, 3.0]
    """
    probabilities = [p] if isinstance(p, (int, float)) else list(p)
    groups = grouped(d.frame, by)
    rows: list[dict[str, Any]] = []
    for item in names(items):
        x = numeric(item_column(d.frame, item), item)
        for g, label in enumerate(groups.labels):
            used = d.mask & (groups.code == g) & np.isfinite(x) & (d.weights != 0)
            shared = {"item": item, "statistic": "quantile", "by": groups.by, "group": label, "n": int(used.sum()),
                      "n_weighted": float(d.weights[used].sum())}  # fmt: skip
            for prob in probabilities:
                figure = (
                    _one(d, x, used, prob, qrule, interval, level, df)
                    if used.any()
                    else {"reason": "no answers in this group"}
                )
                rows.append({**shared, "level": f"{prob:g}", **figure})
    return results(rows)


def _one(
    d: SurveyDesign, x: Floats, used: Bools, p: float, qrule: str, interval: str, level: float, df: float | None
) -> dict[str, Any]:  # fmt: skip
    """Estimate, interval, se and df of one quantile."""
    rule = rule_of(qrule)
    xs, w = x[used], d.weights[used]
    value = rule(xs, w, p)
    freedom = float(d.degf(used)) if df is None else df
    t = float(t_quantile(np.array([freedom]), level)[0])
    if interval == "quantile":
        se = _replicate_se(d, x, used, rule, p, value)
        low, high = value - t * se, value + t * se
    elif not np.isfinite(t):
        low = high = float("nan")
    elif interval == "score":
        low, high = _score_interval(d, x, used, rule, p, t)
    else:
        low, high = _woodruff(d, x, used, rule, value, interval, level, freedom)
    return {"estimate": value, "ci_low": low, "ci_high": high, "se": (high - low) / (2 * t), "df": freedom,
            "reason": reason(d, used, freedom)}  # fmt: skip


def cdf(d: SurveyDesign, item: str, at: ArrayLike) -> pd.DataFrame:
    """Share of people at or below each value, F(x) = Σ w·1(y ≤ x)/Σ w, with its standard error.

    Returns: rows of statistic "cdf", level the value.

    >>> d = SurveyDesign(pd.DataFrame({"y": [1.0, 2, 3, 4], "w": 1.0}), "w")
    >>> cdf(d, "y", [2, 3.5])["estimate"].tolist()
    [0.5, 0.75]
    """
    y = numeric(item_column(d.frame, item), item)
    used = d.mask & np.isfinite(y) & (d.weights != 0)
    rows = []
    for value in np.atleast_1d(np.asarray(at, dtype=float)):
        share, se = share_below(d, y, used, float(value))
        rows.append({"item": item, "statistic": "cdf", "level": f"{value:g}", "estimate": share, "se": se,
                     "n": int(used.sum()), "df": float(d.degf(used)),
                     "reason": reason(d, used, float(d.degf(used)))})  # fmt: skip
    return results(rows)


def share_below(d: SurveyDesign, x: Floats, used: Bools, value: float) -> tuple[float, float]:
    """Share with x ≤ value among the rows used, and its standard error."""
    code = np.where(used, (x <= value + TIE * max(1.0, abs(value))).astype(np.intp), -1)
    totals = d.totals(code, 2)
    share = float(totals.whole[1] / totals.whole.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        if d.replicates is not None:
            table = totals.rows[:, 1:] / totals.rows.sum(axis=1, keepdims=True)
        else:
            table = (totals.rows[:, 1:] - share * totals.rows.sum(axis=1, keepdims=True)) / totals.whole.sum()
    return share, float(np.sqrt(d.variances(table, used)[0]))


def _woodruff(
    d: SurveyDesign, x: Floats, used: Bools, rule: Rule, value: float, interval: str, level: float, df: float
) -> tuple[float, float]:  # fmt: skip
    share, se = share_below(d, x, used, value)
    n = np.array([float(used.sum())])
    if interval not in ("mean", "beta", "xlogit", "asin"):
        raise EstimationError("The interval is not known", got="{interval}", interval=interval)
    if se == 0.0 and interval != "mean":
        return float("nan"), float("nan")
    method = cast(ShareInterval, interval)
    low, high = (
        float(v[0]) for v in share_interval(np.array([share]), np.array([se]), np.array([df]), n, method, level)
    )
    xs, w = x[used], d.weights[used]
    return (rule(xs, w, low) if low >= 0 else float("nan")), (rule(xs, w, high) if high <= 1 else float("nan"))


def _replicate_se(d: SurveyDesign, x: Floats, used: Bools, rule: Rule, p: float, value: float) -> float:
    if d.replicates is None:
        raise EstimationError('The interval "quantile" needs replicate weights', hint="use the interval mean or beta")
    factors = d.replicates.factors(used)[used]
    table = np.array([[rule(x[used], w, p)] for w in factors.T])
    table[-1] = value
    return float(np.sqrt(d.variances(table)[0]))


def _score_interval(d: SurveyDesign, x: Floats, used: Bools, rule: Rule, p: float, t: float) -> tuple[float, float]:
    """Values where the test of "the p-quantile is θ" is just rejected, searched over the range as R does."""
    xs, w = x[used], d.weights[used]
    spread = float(np.subtract(*np.quantile(xs, [0.75, 0.25])))
    low, high = float(xs.min()) + spread / 100, float(xs.max()) - spread / 100
    tolerance = 1 / (100 * np.sqrt(len(xs)))

    def test(theta: float) -> float:
        below, se = share_below(d, x, used, theta)
        return (p - below) / se if se > 0 else float(np.sign(p - below)) * 1e10

    left = zeroin(lambda theta: test(theta) - t, low, high, tolerance)
    right = zeroin(lambda theta: test(theta) + t, low, high, tolerance)
    # a share of rows: with equal weights always on a step, which rounding must not decide
    return rule(xs, w, float((xs <= left).mean()) - TIE), rule(xs, w, float((xs <= right).mean()) - TIE)


# -- rules ----------------------------------------------------------------------------------------------------------

Rule = Callable[[Floats, Floats, float], float]


def rule_of(name: str) -> Rule:
    """The function (values, weights, p) → quantile of a rule.   Raises: EstimationError: it is not known."""
    alias = {"math": "hf1", "school": "hf2"}.get(name, name)
    steps: dict[str, Rule] = {"hf1": _left, "hf2": _halfway, "hf3": _even, "hf4": _linear, "shahvaish": _shah}
    if alias in steps:
        return _positive(steps[alias])
    shapes = {"hf5": (0.5, 0.0), "hf6": (0.0, 1.0), "hf8": (1 / 3, 1 / 3), "hf9": (3 / 8, 1 / 4)}
    if alias in shapes:
        back, beyond = shapes[alias]
        return _positive(lambda x, w, p: _plotting(x, w, p, back, beyond))
    if alias == "hf7":
        return _positive(_seven)
    raise EstimationError(
        "The quantile rule is not known", expected="math, school, shahvaish, hf1 … hf9", got="{name}", name=name
    )


def _positive(rule: Rule) -> Rule:
    def of_weighted(x: Floats, w: Floats, p: float) -> float:
        keep = w > 0
        order = np.argsort(x[keep], kind="stable")
        return float(rule(x[keep][order], w[keep][order], p))

    return of_weighted


def _place(w: Floats, p: float) -> tuple[int, int, float, float]:
    """Last position whose cumulative weight is at most p, the next, and how far p is from both.

    Sums are taken in extended precision, as R takes them, and compared without a tolerance: whether p falls on a step
    is then the same question, with the same answer, as in R, and does not depend on the order of the rows.
    """
    wide = w.astype(np.longdouble)
    cumulative, whole = np.cumsum(wide).astype(float), float(wide.sum())
    at_most = np.flatnonzero(cumulative <= p * whole)
    if not len(at_most):  # below the first step every rule gives the least value
        return 0, 0, 0.0, 0.0
    pos = int(at_most[-1])
    following = min(pos + 1, len(w) - 1)
    return pos, following, float(p - cumulative[pos] / whole), float(cumulative[following] / whole - p)


def _left(x: Floats, w: Floats, p: float) -> float:
    pos, following, below, _ = _place(w, p)
    return float(x[pos] if below <= 0 else x[following])


def _halfway(x: Floats, w: Floats, p: float) -> float:
    pos, following, below, _ = _place(w, p)
    return float((x[pos] + x[following]) / 2 if below == 0 else x[following])


def _even(x: Floats, w: Floats, p: float) -> float:
    values, code = np.unique(x, return_inverse=True)
    pos, following, below, _ = _place(weighted_counts(code, w, len(values)), p)
    return float(values[pos] if below == 0 and (pos + 1) % 2 == 0 else values[following])


def _linear(x: Floats, w: Floats, p: float) -> float:
    pos, following, below, above = _place(w, p)
    share = below / (below + above) if below + above != 0 else 0.0
    return float(x[pos] * (1 - share) + x[following] * share)


def _plotting(x: Floats, w: Floats, p: float, back: float, beyond: float) -> float:
    """Linear between plotting positions (S_k − back·w_k)/(S_n + beyond·w_n)."""
    cumulative = np.cumsum(w)
    return float(np.interp(p, (cumulative - back * w) / (cumulative[-1] + beyond * w[-1]), x))


def _seven(x: Floats, w: Floats, p: float) -> float:
    if len(x) == 1:
        return float(x[0])
    cumulative = np.cumsum(w)
    return float(np.interp(p, np.append(0.0, cumulative[:-1]) / cumulative[-2], x))


def _shah(x: Floats, w: Floats, p: float) -> float:
    """R's step function of the plotting positions, which large weights (taken as they are) can put out of order."""
    position = (np.cumsum(w / w.mean()) + 0.5 - w / 2) / (len(x) + 1)
    places, code = np.unique(position, return_inverse=True)
    values = np.bincount(code, weights=x) / np.bincount(code)
    return float(values[max(int(np.searchsorted(places, p, side="right")) - 1, 0)])
