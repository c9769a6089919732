"""Shares, means, totals and ratios by group with design-based standard errors: every figure a row of `survey.tidy`.

All of them are smooth functions of weighted cell totals. The totals by sampling unit (or by replicate) are taken once
for an item and a breakdown; estimates, influences, intervals and design effects follow from that small table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from survey.design import SurveyDesign
from survey.estimation.cells import Deff, Missing, Request, means, ratios, totals
from survey.estimation.covariance import Covariance, remember
from survey.estimation.groups import grouped, item_column, share_levels
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
        return _tidy(request, lambda p, se, freedom, n: _replicate_logit(request, p, freedom, n, level), df)
    if ci == "likelihood":
        return _tidy(request, lambda p, se, freedom, n: _profile(request, p, se, freedom, n, level), df)
    if ci == "beta":
        return _tidy(request, lambda p, se, freedom, n: _korn_graubard(request, p, se, freedom, n, level), df)
    return _tidy(request, lambda p, se, freedom, n: share_interval(p, se, freedom, n, ci, level), df)


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
    return _tidy(request, lambda m, se, freedom, n: mean_interval(m, se, freedom, level), df)


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
    return _tidy(request, lambda m, se, freedom, n: mean_interval(m, se, freedom, level), df)


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
    return _tidy(request, lambda m, se, freedom, n: mean_interval(m, se, freedom, level), df)


def _tidy(
    request: Request, interval: Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats]], df: float | None
) -> pd.DataFrame:  # fmt: skip
    """All figures of a call as one frame, with a lazy covariance in its attrs."""
    design, groups = request.design, request.groups
    figures = [request.one(request, item) for item in request.items]
    size = len(groups.labels)
    freedom = design.degf_by(np.where(design.mask, groups.code, -1), size) if df is None else np.full(size, float(df))
    units = design.psus_by(np.where(design.mask, groups.code, -1), size)
    widths = [len(f.levels) for f in figures]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(f, name) for f in figures])
        for name in ("estimate", "variance", "n", "n_weighted", "srs", "rows")
    }
    each_df = np.concatenate([np.repeat(freedom, width) for width in widths])
    each_units = np.concatenate([np.repeat(units, width) for width in widths]).astype(float)
    empty = columns["n"] == 0
    se = np.where(empty, np.nan, np.sqrt(columns["variance"]))
    with np.errstate(divide="ignore", invalid="ignore"):
        deff = np.where(columns["srs"] > 0, columns["variance"] / columns["srs"], np.nan)
        low, high = interval(columns["estimate"], se, each_df, columns["n"])
        n_eff, cv = columns["n"] / deff, se / np.abs(columns["estimate"])
    frame = pd.DataFrame({
        "item": [f.item for f, width in zip(figures, widths, strict=True) for _ in range(size * width)],
        "statistic": request.statistic,
        "level": [label for f in figures for _ in range(size) for label in f.levels],
        "by": groups.by,
        "group": [label for width in widths for label in groups.labels for _ in range(width)],
        "estimate": np.where(empty, np.nan, columns["estimate"]), "se": se, "ci_low": low, "ci_high": high,
        "df": each_df, "n": columns["n"], "psus": np.where(each_units < 0, np.nan, each_units),
        "n_weighted": columns["n_weighted"], "n_eff": n_eff, "deff": deff, "cv": cv,
        "reason": _reasons(columns["rows"], columns["n"], each_units, each_df),
    })  # fmt: skip
    return remember(
        results(frame), Covariance(lambda: _stacked(request), design.covariance, each_df, design.replicates is not None)
    )


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


def _korn_graubard(
    request: Request, p: Floats, se: Floats, df: Floats, n: Floats, level: float
) -> tuple[Floats, Floats]:  # fmt: skip
    """Beta intervals whose t_{n−1} counts the group's respondents with or without an answer, as R svyciprop."""
    drawn = np.concatenate([request.one(request, item).rows for item in request.items])
    whole = share_interval(p, se, df, drawn, "beta", level)
    exact = share_interval(p, se, df, n, "beta", level)
    flat = se <= FLAT
    return np.where(flat, exact[0], whole[0]), np.where(flat, exact[1], whole[1])


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
