"""Shares, means, totals and ratios by group with design-based standard errors: every figure a row of `survey.tidy`.

All of them are smooth functions of weighted cell totals. The totals by sampling unit (or by replicate) are taken once
for an item and a breakdown; estimates, influences, intervals and design effects follow from that small table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from survey.design import SurveyDesign
from survey.estimation.cells import Deff, Figures, Missing, Request, finite_population, means, ratios, totals
from survey.estimation.choices import BaseRule, boxed, filled
from survey.estimation.covariance import KEY, Covariance, joined, remember
from survey.estimation.groups import Groups, grouped
from survey.estimation.intervals import FLAT, ShareInterval, exact_interval, mean_interval, share_interval
from survey.estimation.moments import alpha, correlation, kappa, variance
from survey.estimation.quantiles import cdf, quantile
from survey.estimation.rows import Interval, interval_of_shares, tidy_rows
from survey.estimation.shareintervals import profile_interval, replicate_logit, stacked
from survey.estimation.tables import table
from survey.sampling.columns import names
from survey.sampling.linearized import Floats

__all__ = [
    "alpha",
    "battery",
    "cdf",
    "correlation",
    "kappa",
    "mean",
    "multiple",
    "proportion",
    "quantile",
    "ratio",
    "table",
    "top_box",
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
    Raises: EstimationError: an item is not there, or has infinite values: those are faults, neither a level nor a
        missing answer.   DesignError: the variance cannot be had.

    >>> d = SurveyDesign(pd.DataFrame({"safe": [1, 1, 0, 1], "w": [1.0, 2, 3, 4]}), weights="w")
    >>> proportion(d, "safe")[["item", "level", "estimate", "n"]].values.tolist()
    [['safe', '1', 0.7, 4.0]]
    """
    request = Request(d, "share", names(items), grouped(d.frame, by), missing, deff)
    if ci == "logit" and d.replicates is not None:
        return _tidy(request, _replicate_interval(request, level), df)
    if ci == "likelihood":
        return _tidy(request, lambda p, se, freedom, rows, n: profile_interval(request, p, se, freedom, n, level), df)
    return _tidy(request, interval_of_shares(ci, level), df)


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


def multiple(
    d: SurveyDesign, options: Sequence[str] | Mapping[str, str], by: str | Sequence[str] | None = None, *,
    name: str = "", of: Sequence[Literal["respondents", "responses"]] = ("respondents", "responses"),
    base: BaseRule = "asked", ci: ShareInterval = "logit", level: float = 0.95, deff: Deff = "wor",
) -> pd.DataFrame:  # fmt: skip
    """Shares of the options of a question with several answers: of respondents Σ w·y_k/Σ w, of responses Σ w·y_k/Σ w·m.

    m_i is the number of options i chose. Shares of respondents may add up to more than 1, those of responses add up
    to 1; z_i as `proportion` and `ratio`.

    Args:
        options: 0/1/missing columns, or column → label.   name: item of the rows.
        base: who counts: "asked" gave a 0 or 1 to some option (no answer to another is no choice), "complete" to
            every option, "chosen" chose one or more.
        by, ci, level, deff: as `proportion`.
    Returns: rows of statistic "share" and "response share", level the option's label; n respondents in the base.
    Raises: EstimationError: an option is not there, or holds other values.

    >>> frame = pd.DataFrame({"tv": [1, 1, 0, None], "web": [1, 0, 0, None], "w": 1.0})
    >>> multiple(SurveyDesign(frame, "w"), ["tv", "web"])[["level", "estimate", "n"]].round(4).values.tolist()
    [['tv', 0.6667, 3.0], ['web', 0.3333, 3.0], ['tv', 0.6667, 3.0], ['web', 0.3333, 3.0]]
    """
    columns = filled(d.frame, list(options), base)
    counted = d.assign(**columns, _chosen=np.sum(list(columns.values()), axis=0))
    parts = []
    if "respondents" in of:
        parts.append(proportion(counted, list(columns), by, ci, level, deff=deff))
    if "responses" in of:
        rows = ratio(counted, list(columns), "_chosen", by, level, deff=deff)
        p, se, df, n = (rows[column].to_numpy(dtype=float) for column in ("estimate", "se", "df", "n"))
        rows["ci_low"], rows["ci_high"] = share_interval(p, se, df, n, ci, level)
        rows["reason"] = rows["reason"].mask((n > 0) & np.isnan(p), "nobody chose an option in this group")
        rows["item"], rows["statistic"] = rows["item"].str.removesuffix("/_chosen"), "response share"
        parts.append(rows)
    found = joined(parts)
    labels = options if isinstance(options, Mapping) else {option: option for option in options}
    found["level"], found["item"] = found["item"].map(labels), name
    return remember(found, found.attrs[KEY])


def top_box(
    d: SurveyDesign, items: str | Sequence[str], k: int = 2, by: str | Sequence[str] | None = None, *,
    boxes: Sequence[Literal["top", "bottom", "net"]] = ("top", "bottom", "net"), levels: Sequence[Any] | None = None,
    ci: ShareInterval = "logit", level: float = 0.95, deff: Deff = "wor",
) -> pd.DataFrame:  # fmt: skip
    """Shares of the k highest and the k lowest levels of ordered items, and their difference (net), by group.

    top = Σ w·1(y among the k highest)/Σ w, bottom likewise, net = top − bottom: the mean of 1, 0 and −1; intervals of
    shares for top and bottom, ± t·se for net.

    Args:
        items: ordered Categoricals, or with numbers as categories.   levels: the order, for columns that are none.
        by, ci, level, deff: as `proportion`.
    Returns: rows of statistic "share" (level "top k", "bottom k") and "net" (level "net k").
    Raises: EstimationError: no order is known, or k levels at both ends would overlap.

    >>> safe = pd.Categorical([5, 4, 3, 1], categories=[1, 2, 3, 4, 5])
    >>> d = SurveyDesign(pd.DataFrame({"safe": safe}))
    >>> top_box(d, "safe")[["level", "estimate"]].values.tolist()
    [['top 2', 0.5], ['bottom 2', 0.25], ['net 2', 0.25]]
    """
    parts = []
    for box in boxes:
        made = {item: boxed(d.frame, item, box, k, levels) for item in names(items)}
        e = d.assign(**made)
        if box == "net":
            rows = mean(e, list(made), by, level, deff=deff)
            rows["statistic"] = "net"
        else:
            rows = proportion(e, list(made), by, ci, level, deff=deff)
        rows["level"] = f"{box} {k}"
        parts.append(rows)
    return joined(parts)


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

    groups = [fast.narrow(grouped(d.frame, by)) for by in breakdowns]
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
        "share": interval_of_shares(ci, level),
        "mean": lambda m, se, df, rows, n: mean_interval(m, se, df, level),
    }
    parts = [tidy_rows(s, groups[k], found, *freedom[k], intervals[s]) for (s, k), found in figures.items()]
    return pd.concat(parts, ignore_index=True)


def _replicate_interval(request: Request, level: float) -> Interval:
    """`replicate_logit`; the exact interval where a replicate has a share of 0 or 1, whose logit is no number."""

    def interval(p: Floats, se: Floats, df: Floats, rows: Floats, n: Floats) -> tuple[Floats, Floats]:
        low, high = replicate_logit(request, p, df, n, level)
        lost = (se > FLAT) & (low == high)
        exact = exact_interval(p, n, level)
        return np.where(lost, exact[0], low), np.where(lost, exact[1], high)

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
    frame = tidy_rows(request.statistic, request.groups, figures, freedom, units, interval)
    kept = Covariance(
        lambda: stacked(request), design.covariance, frame["df"].to_numpy(), design.replicates is not None
    )
    return remember(frame, kept)
