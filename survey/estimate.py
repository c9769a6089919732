"""Shares, means, totals and ratios by group with design-based standard errors: every figure a row of `survey.tidy`.

All of them are smooth functions of weighted cell totals. The totals by sampling unit (or by replicate) are taken once
for an item and a breakdown; estimates, influences, intervals and design effects follow from that small table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from survey.design import SurveyDesign
from survey.estimation.cells import Deff, Figures, Missing, Request, finite_population, means, ratios, totals
from survey.estimation.covariance import Covariance, remember
from survey.estimation.groups import Groups, grouped, item_column, share_levels
from survey.estimation.intervals import FLAT, ShareInterval, mean_interval, share_interval
from survey.estimation.moments import alpha, correlation, kappa, variance
from survey.estimation.profile import likelihood_interval, working_weight
from survey.estimation.quantiles import cdf, quantile
from survey.estimation.tables import table
from survey.sampling.columns import names
from survey.sampling.linearized import Floats
from survey.tidy import results

__all__ = [
    "alpha",
    "battery",
    "cdf",
    "correlation",
    "kappa",
    "mean",
    "proportion",
    "quantile",
    "ratio",
    "table",
    "total",
    "variance",
]

Interval: TypeAlias = Callable[[Floats, Floats, Floats, Floats, Floats], tuple[Floats, Floats]]
"""Ends from estimate, SE, degrees of freedom, respondents and answers."""


def proportion(
    d: SurveyDesign, items: str | Sequence[str], by: str | Sequence[str] | None = None, ci: ShareInterval = "logit",
    level: float = 0.95, *, missing: Missing = "item", deff: Deff = "wor", df: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Share of each answer among those who gave one, p = Σ w·1(y = level) / Σ w.

    z_i = w_i (1(y_i = level) − p)/Σw in the domain; the interval is
    `survey.estimation.intervals.share_interval` with t on the degrees of freedom of the group (units − strata inside
    it), or on df.

    Args:
        items: columns; a Categorical gives one row a category (also one nobody chose), a 0/1 or boolean column one row
            with level "1", other columns one row a value.
        by: column, or columns to cross.
        missing: "item" leaves out rows without this answer, "listwise" rows without any of the items, "fail" refuses.
        deff: "wor" compares with a simple random sample without replacement, "replace" with replacement.
    Returns: `survey.tidy` rows in the order item, group, level; shares 0–1; n answers in the group.
    Raises: EstimationError: an item is not there.   DesignError: the variance cannot be had.

    >>> d = SurveyDesign(pd.DataFrame({"safe": [1, 1, 0, 1], "w": [1.0, 2, 3, 4]}), weights="w")
    >>> proportion(d, "safe")[["item", "level", "estimate", "n"]].values.tolist()
    [['safe', '1', 0.7, 4.0]]
    """
    request = Request(d, "share", names(items), grouped(d.frame, by), missing, deff)
    if ci == "logit" and d.replicates is not None:
        return _tidy(request, lambda p, se, freedom, rows, n: _replicate_logit(request, p, freedom, n, level), df)
    if ci == "likelihood":
        return _tidy(request, lambda p, se, freedom, rows, n: _profile(request, p, se, freedom, n, level), df)
    return _tidy(request, _share_interval(ci, level), df)


def mean(
    d: SurveyDesign, items: str | Sequence[str], by: str | Sequence[str] | None = None, level: float = 0.95, *,
    missing: Missing = "item", deff: Deff = "wor", df: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Mean of numeric items, ȳ = Σ w·y / Σ w, with z_i = w_i (y_i − ȳ)/Σw in the domain and a t interval.

    Args, Returns, Raises: as `proportion`, in the unit of the item.

    >>> d = SurveyDesign(pd.DataFrame({"y": [1.0, 2, 3, 6], "w": [1.0, 1, 1, 1]}), weights="w")
    >>> row = mean(d, "y", deff="replace").iloc[0]
    >>> row["estimate"], round(row["se"] ** 2, 6), round(row["deff"], 6)   # s²/n = (14/3)/4
    (np.float64(3.0), np.float64(1.166667), np.float64(1.0))
    """
    request = Request(d, "mean", names(items), grouped(d.frame, by), missing, deff, one=means)
    return _tidy(request, lambda m, se, freedom, rows, n: mean_interval(m, se, freedom, level), df)


def total(
    d: SurveyDesign, items: str | Sequence[str], by: str | Sequence[str] | None = None, level: float = 0.95, *,
    missing: Missing = "item", deff: Deff = "wor", df: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Total of numeric items, or count of each level of categorical ones: Ŷ = Σ w·y, with z_i = w_i y_i.

    Args, Returns, Raises: as `mean`; the unit is the item's, times people.

    >>> total(SurveyDesign(pd.DataFrame({"y": [1.0, 2], "w": [10.0, 20]}), weights="w"), "y")["estimate"].tolist()
    [50.0]
    """
    request = Request(d, "total", names(items), grouped(d.frame, by), missing, deff, one=totals)
    return _tidy(request, lambda m, se, freedom, rows, n: mean_interval(m, se, freedom, level), df)


def ratio(
    d: SurveyDesign, numerators: str | Sequence[str], denominator: str, by: str | Sequence[str] | None = None,
    level: float = 0.95, *, missing: Missing = "item", deff: Deff = "wor", df: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Ratio of two totals, R = Σ w·y / Σ w·x, with z_i = w_i (y_i − R·x_i)/Σ w·x; item "y/x".

    Args, Returns, Raises: as `mean`; rows count where both are known.

    >>> d = SurveyDesign(pd.DataFrame({"y": [1.0, 2], "x": [2.0, 4], "w": [1.0, 3]}), weights="w")
    >>> ratio(d, "y", "x")[["item", "estimate", "se"]].values.tolist()
    [['y/x', 0.5, 0.0]]
    """
    request = Request(d, "ratio", names(numerators), grouped(d.frame, by), missing, deff, denominator, one=ratios)
    return _tidy(request, lambda m, se, freedom, rows, n: mean_interval(m, se, freedom, level), df)


def battery(
    d: SurveyDesign, items: str | Sequence[str], breakdowns: Sequence[str | Sequence[str] | None], *,
    statistics: Sequence[Literal["share", "mean"]] = ("share", "mean"), ci: Literal["logit", "beta", "wilson", "wald"] =
    "logit", level: float = 0.95, deff: Deff = "wor",
) -> pd.DataFrame:  # fmt: skip
    """Shares and means of a battery of items by many breakdowns: `proportion` and `mean` of each, from one pass.

    Args:
        items: columns; means take the numbers that the categories stand for.
        breakdowns: each as `by` of `proportion`; None is everybody.
    Returns: the rows of proportion(d, items, by) breakdown after breakdown, then those of mean(d, items, by); without
        their covariance. Designs whose variance is no single sum over strata (replicates, calibration, lonely units,
        further stages) take the single calls.
    Raises: EstimationError: an item is not there, or has a mean asked and no numbers.

    >>> frame = pd.DataFrame({"q": pd.Categorical([1, 2, 2, 1]), "sex": ["f", "f", "m", "m"], "w": 1.0})
    >>> battery(SurveyDesign(frame, "w"), "q", [None, "sex"], statistics=["mean"])["estimate"].tolist()
    [1.5, 1.5, 1.5]
    """
    from survey.estimation import battery as fast  # numba takes longer to load than most figures take

    groups = [grouped(d.frame, by) for by in breakdowns]
    ends = np.cumsum([0] + [len(each.labels) for each in groups])
    if not fast.suited(d, int(ends[-1])):
        single = {"share": lambda by: proportion(d, items, by, ci, level, deff=deff),
                  "mean": lambda by: mean(d, items, by, level, deff=deff)}  # fmt: skip
        parts = [single[statistic](by) for statistic in statistics for by in breakdowns]
        for part in parts:
            part.attrs = {}
        return pd.concat(parts, ignore_index=True)
    finite = finite_population(d, deff)
    figures: dict[tuple[str, int], list[Figures]] = {(s, k): [] for s in statistics for k in range(len(groups))}
    for block in fast.blocks(d, names(items), groups):
        for (statistic, k), found in figures.items():
            for item in range(len(block.items)):
                found.append(fast.figures(block, item, ends[k], ends[k + 1], statistic, finite))
    freedom = [_freedom(d, each, None) for each in groups]
    intervals = {
        "share": _share_interval(ci, level),
        "mean": lambda m, se, df, rows, n: mean_interval(m, se, df, level),
    }
    parts = [_frame(s, groups[k], found, *freedom[k], intervals[s]) for (s, k), found in figures.items()]
    return pd.concat(parts, ignore_index=True)


def _share_interval(ci: ShareInterval, level: float) -> Interval:
    """`survey.estimation.intervals.share_interval`; Korn–Graubard's t counts respondents without an answer too."""

    def interval(p: Floats, se: Floats, df: Floats, rows: Floats, n: Floats) -> tuple[Floats, Floats]:
        if ci != "beta":
            return share_interval(p, se, df, n, ci, level)
        whole, exact = share_interval(p, se, df, rows, ci, level), share_interval(p, se, df, n, ci, level)
        flat = se <= FLAT
        return np.where(flat, exact[0], whole[0]), np.where(flat, exact[1], whole[1])

    return interval


def _freedom(design: SurveyDesign, groups: Groups, df: float | None) -> tuple[Floats, Floats]:
    """Degrees of freedom and number of sampling units of each group."""
    size = len(groups.labels)
    code = np.where(design.mask, groups.code, -1)
    if df is not None:
        return np.full(size, float(df)), design.psus_by(code, size).astype(float)
    freedom, units = design.units_by(code, size)
    return freedom, units.astype(float)


def _tidy(request: Request, interval: Interval, df: float | None) -> pd.DataFrame:
    """All figures of a call as one frame, with a lazy covariance in its attrs."""
    design = request.design
    figures = [request.one(request, item) for item in request.items]
    freedom, units = _freedom(design, request.groups, df)
    frame = _frame(request.statistic, request.groups, figures, freedom, units, interval)
    kept = Covariance(
        lambda: _stacked(request), design.covariance, frame["df"].to_numpy(), design.replicates is not None
    )
    return remember(frame, kept)


def _frame(
    statistic: str, groups: Groups, figures: list[Figures], freedom: Floats, units: Floats, interval: Interval
) -> pd.DataFrame:  # fmt: skip
    """Tidy rows in the order item, group, level."""
    size = len(groups.labels)
    widths = [len(f.levels) for f in figures]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(f, name) for f in figures])
        for name in ("estimate", "variance", "n", "n_weighted", "srs", "rows")
    }
    each_df, each_units = (
        np.concatenate([np.repeat(values, width) for width in widths]) for values in (freedom, units)
    )
    empty = columns["n"] == 0
    se = np.where(empty, np.nan, np.sqrt(columns["variance"]))
    with np.errstate(divide="ignore", invalid="ignore"):
        deff = np.where(columns["srs"] > 0, columns["variance"] / columns["srs"], np.nan)
        low, high = interval(columns["estimate"], se, each_df, columns["rows"], columns["n"])
        n_eff, cv = columns["n"] / deff, se / np.abs(columns["estimate"])
    return results(pd.DataFrame({
        "item": [f.item for f, width in zip(figures, widths, strict=True) for _ in range(size * width)],
        "statistic": statistic,
        "level": [label for f in figures for _ in range(size) for label in f.levels],
        "by": groups.by,
        "group": [label for width in widths for label in groups.labels for _ in range(width)],
        "estimate": np.where(empty, np.nan, columns["estimate"]), "se": se, "ci_low": low, "ci_high": high,
        "df": each_df, "n": columns["n"], "missing": columns["rows"] - columns["n"],
        "psus": np.where(each_units < 0, np.nan, each_units), "n_weighted": columns["n_weighted"],
        "n_eff": n_eff, "deff": deff, "cv": cv,
        "reason": _reasons(columns["rows"], columns["n"], each_units, each_df),
    }))  # fmt: skip


def _replicate_logit(request: Request, p: Floats, df: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """Logit intervals from the spread of the replicates' logits, as a replicated logistic regression gives them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.sqrt(_replicate_logit_variance(request)) * p * (1 - p)
    return share_interval(p, np.where(np.isfinite(se), se, 0.0), df, n, "logit", level)


def _replicate_logit_variance(request: Request) -> Floats:
    shares = _stacked(request)
    with np.errstate(divide="ignore", invalid="ignore"):
        logits = np.log(shares / (1 - shares))
    return request.design.variances(np.where(np.isfinite(logits), logits, np.nan))


def _working_weights(request: Request, scale: Floats) -> Floats:
    """`survey.estimation.profile.working_weight` of every figure."""
    design, groups = request.design, request.groups
    found: list[float] = []
    for item in request.items:
        level, _labels, shown = share_levels(item_column(design.frame, item))
        used = request.used(item, level >= 0) & (design.weights > 0)
        for g in range(len(groups.labels)):
            rows = used & (groups.code == g)
            for k in shown:
                y, w = (level[rows] == k).astype(float), design.weights[rows] / scale[len(found)]
                found.append(working_weight(y, w) if 0 < y.sum() < len(y) else np.nan)
    return np.array(found)


def _profile(request: Request, p: Floats, se: Floats, df: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """Profile likelihood intervals, weights scaled as `SurveyDesign.likelihood_scale` says, in groups to mean 1."""
    design = request.design
    people = np.concatenate([request.one(request, item).n_weighted for item in request.items])
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = people / n if request.groups.by else np.full(len(p), design.likelihood_scale)
        if design.replicates is None:
            variance, spread = (se / (p * (1 - p))) ** 2, n - 1
        else:
            variance, spread = _replicate_logit_variance(request), n
        if design.calibrations and not request.groups.by:
            spread = spread * len(design.frame) / n
        information = people / scale * _working_weights(request, scale)
    each = zip(p, variance, information, spread, n, df, strict=True)
    ends = [
        likelihood_interval(float(a), float(b), float(c), float(s), float(m), float(v), level)
        for a, b, c, s, m, v in each
    ]
    low, high = np.array(ends).reshape(-1, 2).T
    edge = share_interval(p, se, df, n, "beta", level)
    return np.where(np.isnan(low), edge[0], low), np.where(np.isnan(high), edge[1], high)


def _stacked(request: Request) -> Floats:
    return np.hstack([request.one(request, item).table for item in request.items])


def _reasons(rows: Floats, n: Floats, units: Floats, df: Floats) -> list[str]:
    """Why a figure or its interval is missing."""
    choices = [rows == 0, n == 0, units == 1, df <= 0]
    texts = ["no respondents in this group", "no answers in this group", "one sampling unit in this group: no interval",
             "no degrees of freedom in this group: no interval"]  # fmt: skip
    return [str(reason) for reason in np.select(choices, texts, default="")]
