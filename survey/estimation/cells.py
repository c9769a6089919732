"""One item by group: totals of cells → estimates, influences (or replicates) and what design effects need.

The weighted totals by sampling unit (or by replicate) are taken once for an item and a breakdown; everything else is a
smooth function of that small table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.groups import Groups, complete, grouped, item_column, numeric, share_levels
from survey.sampling.linearized import Bools, Floats, Ints, weighted_counts

Missing = Literal["item", "listwise", "fail"]
Deff = Literal["wor", "replace"]


class Figures(NamedTuple):
    """Estimates of one item: K figures in the order group, level; table (rows, K) of influences or replicates."""

    item: str
    levels: list[str]
    estimate: Floats
    table: Floats
    variance: Floats
    n: Floats
    n_weighted: Floats
    srs: Floats
    rows: Floats


@dataclass(frozen=True)
class Request:
    """What a call asked for; figures are computed from it once, and again only where covariances are asked for."""

    design: SurveyDesign
    statistic: str
    items: list[str]
    groups: Groups
    missing: Missing = "item"
    deff: Deff = "wor"
    denominator: str = ""
    others: bool = False  # in place of each group, everybody who is in another one
    one: Callable[[Request, str], Figures] = field(default=lambda request, item: shares(request, item))

    def __post_init__(self) -> None:
        for value, known in ((self.missing, get_args(Missing)), (self.deff, get_args(Deff))):
            if value not in known:
                raise EstimationError("The option is not known", expected="{known}", got="{value}", value=value,
                                      known=", ".join(known))  # fmt: skip

    @cached_property
    def finite(self) -> bool:
        """As `finite_population`."""
        return finite_population(self.design, self.deff)

    def used(self, item: str, column: Bools) -> Bools:
        """Rows of the domain and of a group that count for an item whose answers are given in `column`."""
        needed = self.items if self.missing == "listwise" else [item]
        known = column if self.missing != "listwise" else complete(self.design.frame, needed)
        inside = self.design.mask & (self.groups.code >= 0)
        if self.missing == "fail" and (inside & ~column).any():
            raise EstimationError(
                "Some answers are missing", where="{item}", got="{count} rows without an answer",
                hint='count them out with missing="item"', item=item, count=int((inside & ~column).sum()),
            )  # fmt: skip
        return np.asarray(inside & known & column, dtype=bool)


def shares(request: Request, item: str) -> Figures:
    """Shares of an item's levels by group from the units × (group × level) table."""
    design, groups = request.design, request.groups
    level, labels, shown = share_levels(item_column(design.frame, item))
    used = request.used(item, level >= 0)
    size, width = len(groups.labels), max(len(labels), 1)
    code = np.where(used, groups.code * width + level, -1)
    whole, rows = design.totals(code, size * width)
    whole, rows = whole.reshape(size, width), rows.reshape(-1, size, width)
    if request.others:
        whole, rows = whole.sum(axis=0) - whole, rows.sum(axis=1, keepdims=True) - rows
    with np.errstate(divide="ignore", invalid="ignore"):
        base = whole.sum(axis=1)
        p = whole / base[:, None]
        if design.replicates is not None:
            table = rows / rows.sum(axis=2, keepdims=True)
        else:
            table = (rows - p * rows.sum(axis=2, keepdims=True)) / base[:, None]
    n = _count(design, groups, used)
    flat, variance = _scatter(design, table[:, :, shown], groups, used)
    est = p[:, shown]
    return Figures(
        item, [labels[k] for k in shown], est.ravel(), flat, variance, np.repeat(n, len(shown)),
        np.repeat(base, len(shown)), srs_variance(request.finite, est * (1 - est), n[:, None], base[:, None]).ravel(),
        np.repeat(_count(design, groups), len(shown)),
    )  # fmt: skip


def means(request: Request, item: str) -> Figures:
    """Means of a numeric item by group."""
    y = numeric(item_column(request.design.frame, item), item)
    return _ratio_of(request, item, y, None)


def ratios(request: Request, item: str) -> Figures:
    """Ratio of two numeric items by group."""
    frame = request.design.frame
    y = numeric(item_column(frame, item), item)
    x = numeric(item_column(frame, request.denominator), request.denominator)
    return _ratio_of(request, item, y, x)._replace(item=f"{item}/{request.denominator}")


def _ratio_of(request: Request, item: str, y: Floats, x: Floats | None) -> Figures:
    """Σwy/Σwx by group; x = 1 where not given."""
    design, groups = request.design, request.groups
    used = request.used(item, np.isfinite(y) & (True if x is None else np.isfinite(x)))
    size = len(groups.labels)
    code = np.where(used, groups.code, -1)
    filled = np.where(used, y, 0.0)
    divisor = None if x is None else np.where(used, x, 0.0)
    whole, rows = design.totals(code, size, [filled, divisor])
    if request.others:
        whole, rows = _complement(whole, rows, size)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = whole[:size] / whole[size:]
        if design.replicates is not None:
            table = rows[:, :size] / rows[:, size:]
        else:
            table = (rows[:, :size] - value * rows[:, size:]) / whole[size:]
    n = _count(design, groups, used)
    people = whole[size:] if x is None else weighted_counts(groups.code[used], design.weights[used], size)
    with np.errstate(divide="ignore", invalid="ignore"):
        centred = np.where(used, filled - value[groups.code] * (1.0 if divisor is None else divisor), 0.0)
        spread = _spread(design, code, centred, size, people) / (1.0 if x is None else (whole[size:] / people) ** 2)
    flat, variance = _scatter(design, table[:, :, None], groups, used)
    srs = srs_variance(request.finite, spread, n, people)
    return Figures(item, [""], value, flat, variance, n, people, srs, _count(design, groups))


def totals(request: Request, item: str) -> Figures:
    """Totals of a numeric item, or counts of a categorical item's levels, by group."""
    design, groups = request.design, request.groups
    column = item_column(design.frame, item)
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind not in "biuf":
        level, labels, _ = share_levels(column)
        values, known = None, level >= 0
    else:
        y = numeric(column, item)
        level, labels, known = np.zeros(len(y), dtype=np.intp), [""], np.isfinite(y)
        values = np.where(known, y, 0.0)
    used = request.used(item, known)
    size, width = len(groups.labels), max(len(labels), 1)
    code = np.where(used, groups.code * width + level, -1)
    whole, rows = design.totals(code, size * width, [values])
    n, people = _count(design, groups, used), weighted_counts(groups.code[used], design.weights[used], size)
    with np.errstate(divide="ignore", invalid="ignore"):
        average = whole.reshape(size, width) / people[:, None]
        if values is None:
            spread = average * (1 - average)
        else:
            of = np.where(used, groups.code, -1)
            spread = _spread(design, of, np.where(used, values - average[groups.code, 0], 0.0), size, people)[:, None]
    whole = np.where(np.repeat(n, width) > 0, whole, np.nan)
    flat, variance = _scatter(design, rows.reshape(-1, size, width), groups, used)
    srs = srs_variance(request.finite, spread, n[:, None], people[:, None]) * people[:, None] ** 2
    return Figures(
        item, labels, whole, flat, variance, np.repeat(n, width), np.repeat(people, width), srs.ravel(),
        np.repeat(_count(design, groups), width),
    )  # fmt: skip


def others(d: SurveyDesign, item: str, by: str | Sequence[str], measure: Literal["share", "mean"]) -> Figures:
    """Estimate and table of influences (or replicates) for the rest of each group, from the same cell totals.

    Only these two parts of the figures are meant: the counts and design effects are those of the group itself.
    """
    one = shares if measure == "share" else means
    return one(Request(d, measure, [item], grouped(d.frame, by), others=True, one=one), item)


def _complement(whole: Floats, rows: Floats, size: int) -> tuple[Floats, Floats]:
    """Totals of everybody in another group, from those of each group; several values stand side by side."""
    by_value, units = whole.reshape(-1, size), rows.reshape(len(rows), -1, size)
    rest = by_value.sum(axis=1, keepdims=True) - by_value
    return rest.ravel(), (units.sum(axis=2, keepdims=True) - units).reshape(len(rows), -1)


def _count(design: SurveyDesign, groups: Groups, used: Bools | None = None) -> Floats:
    """Respondents with a positive weight in each group."""
    rows = (design.weights != 0) & (groups.code >= 0) & (True if used is None else used)
    return np.bincount(groups.code[rows], minlength=len(groups.labels)).astype(float)


def _spread(design: SurveyDesign, code: Ints, centred: Floats, size: int, people: Floats) -> Floats:
    """Weighted mean square of centred values in each group."""
    there = code >= 0
    return weighted_counts(code[there], (design.weights * centred**2)[there], size) / people


def srs_variance(finite: bool, spread: Floats, n: Floats, people: Floats) -> Floats:
    """Variance of a mean in a simple random sample of n: s²/n, of a finite population × (N − n)/N (R's deff)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        simple = spread * n / (n - 1) / n
        if not finite:
            return np.asarray(simple)
        return np.asarray(np.where(people < n, np.nan, simple * (people - n) / people))


def finite_population(design: SurveyDesign, deff: Deff) -> bool:
    """Whether design effects compare with a sample without replacement from a population whose size is known."""
    return deff == "wor" and not design.relative_weights


def _scatter(design: SurveyDesign, table: Floats, groups: Groups, used: Bools) -> tuple[Floats, Floats]:
    """The (rows, group, level) table of influences or replicate estimates made flat, and its variances."""
    flat = table.reshape(len(table), -1)
    if design.replicates is None:
        flat = np.where(np.isfinite(flat), flat, 0.0)
    variance = design.variances(flat, used)
    if design.slow_domains:
        for g in range(table.shape[1]):
            own = np.where(np.isfinite(table[:, g]), table[:, g], 0.0)
            variance.reshape(table.shape[1], -1)[g] = design.variances(own, used & (groups.code == g))
    return flat, variance
