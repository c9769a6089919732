"""Drivers: how much of an outcome's variation goes with each of several answers, and where acting would pay.

R² of the weighted linear regression is shared out by averaging each driver's gain over all orders in which the drivers
could enter (LMG; the Shapley value of R²). An association, not a cause.

Intervals use influence values, not replicates made from the design: a gain in R² is a smooth function of the weighted
moments, and because least squares minimises the residuals, their change with the weights needs no change of β. So one
pass over the subsets gives the exact linearization; replicates would repeat that pass for every sampling unit. Where a
survey ships replicate weights, every replicate is computed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from survey import estimate
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import KEY, Covariance, remember
from survey.estimation.groups import coded, item_column, numeric
from survey.estimation.intervals import share_interval
from survey.estimation.multiplicity import p_two_sided
from survey.sampling.columns import names
from survey.sampling.linearized import Bools, Floats, Ints
from survey.tidy import results

MOST = 14
UNCLEAR = "no clear correlation with the outcome: the true part may be zero, below the interval"
QUADRANTS = (("low_priority", "overkill"), ("concentrate", "keep_up"))
"""By importance (below, above its line), then performance (below, above): Martilla & James 1977."""


class Shares(NamedTuple):
    """R² and its parts by driver (k,), and of each the symmetric matrix G with influence q'Gq on a row q = (y, x…).

    q holds standardised values; gradient[0] is that of R², gradient[1:] those of the parts.
    """

    r2: float
    parts: Floats
    gradient: Floats


def lmg(correlation: Floats, owner: Sequence[int] | None = None) -> Shares:
    """Parts of R² by driver, averaged over all orders of entry (Lindeman, Merenda & Gold 1980; Shapley 1953).

    LMG_j = Σ_{S∌j} |S|!(k−|S|−1)!/k! (R²(S∪j) − R²(S)), R²(S) = r_S'R_SS⁻¹r_S, all 2^k subsets S at once. The influence
    of a standardised row on R²(S) is (1−R²(S)) y² − (y − x_S'β_S)²: the matrix (1−R²)e₀e₀' − bb' with b = (1, −β_S).

    Args:
        correlation: (p+1, p+1), the outcome first.
        owner: driver 0…k−1 of each of the p columns, where several columns (dummies) make one; None: each its own.
    Raises: EstimationError: more than 14 drivers, or columns that follow from the others.

    >>> r = np.array([[1.0, 0.6, 0.5], [0.6, 1.0, 0.0], [0.5, 0.0, 1.0]])    # uncorrelated drivers: r² each
    >>> lmg(r).parts.round(6).tolist(), round(lmg(r).r2, 6)
    ([0.36, 0.25], 0.61)
    """
    p = len(correlation) - 1
    of = np.arange(p) if owner is None else np.asarray(owner, dtype=np.intp)
    k = int(of.max()) + 1
    if k > MOST:
        raise EstimationError(
            "There are too many drivers", expected="at most {most}: all their subsets are fitted", got="{count}",
            hint="combine items into scales first", most=MOST, count=k,
        )  # fmt: skip
    _independent(correlation[1:, 1:])
    inside = (np.arange(2**k)[:, None] >> np.arange(k)) & 1
    r2, b = _all_subsets(correlation, inside[:, of])
    weights = _entry_weights(inside)
    parts = weights @ r2
    outer = np.einsum("js,sp,sq->jpq", weights, b, b, optimize=True)
    gradient = -np.concatenate([b[-1:, :, None] * b[-1:, None, :], outer])
    gradient[0, 0, 0] += 1 - r2[-1]
    gradient[1:, 0, 0] += weights @ (1 - r2)
    return Shares(float(r2[-1]), parts, gradient)


def importance(
    d: SurveyDesign, y: str, x: Sequence[str], level: float = 0.95, *, df: float | None = None
) -> pd.DataFrame:  # fmt: skip
    """How much of the variation of an outcome goes with each driver, with design-based intervals.

    z(LMG_j) = w/Σw · q'G_j q, of the share LMG_j/R² (z(LMG_j) − share z(R²))/R² (delta method). Logit intervals, which
    stay between 0 and 1; where a driver's true part is 0 the estimate can only lie above it, and so does the interval:
    p tests that the outcome has no correlation with the driver (Wald over its columns), and the reason warns.

    Args:
        d: rows that answered the outcome and every driver count.
        y: numeric outcome.   x: drivers: numbers and ordered categories with numeric codes count as scores, texts and
            unordered categories as a set of dummies that enter together.
    Returns: row "r2" of the outcome, then by driver rows "importance" (part of R²) and "importance_share" (sums to 1);
        level the outcome.
    Raises: EstimationError: the outcome is a driver, a column does not vary or follows from the others, or too few rows
        answered all.

    >>> frame = pd.DataFrame({"y": [1.0, 2, 3, 5], "a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "w": 1.0})
    >>> rows = importance(SurveyDesign(frame, "w"), "y", ["a", "b"])
    >>> rows[["item", "statistic", "estimate"]].round(4).values.tolist()
    [['y', 'r2', 0.9714], ['a', 'importance', 0.7143], ['b', 'importance', 0.2571],
     ['a', 'importance_share', 0.7353], ['b', 'importance_share', 0.2647]]
    """
    x = names(x)
    if y in x or not x:
        raise EstimationError(
            "The outcome is among its drivers" if x else "There are no drivers", where="{y}",
            expected="one column or more, without the outcome", y=y,
        )  # fmt: skip
    data, owner = _columns(d, y, x)
    used = d.mask & (d.weights > 0) & np.isfinite(data).all(axis=1)
    if used.sum() <= data.shape[1]:
        raise EstimationError(
            "Too few respondents answered the outcome and every driver", where="{y}", expected="more than {least}",
            got="{n}", y=y, least=data.shape[1], n=int(used.sum()),
        )  # fmt: skip
    value, table = _estimates(d, data, used, owner, [y, *(x[k] for k in owner)])
    nu, figures = float(d.degf(used)) if df is None else df, 1 + 2 * len(x)
    p = _without_correlation(d.covariance(table[:, figures:], used), value[figures:], np.array(owner), nu)
    value, table = value[:figures], table[:, :figures]
    freedom = np.full(figures, nu)
    se = np.sqrt(d.variances(table, used))
    n = np.full(figures, float(used.sum()))
    low, high = share_interval(np.clip(value, 0.0, 1.0), se, freedom, n, "logit", level)
    units = d.psus_by(np.where(used, 0, -1), 1)[0]
    frame = pd.DataFrame({
        "item": [y, *x, *x], "statistic": ["r2", *["importance"] * len(x), *["importance_share"] * len(x)], "level": y,
        "estimate": value, "se": se, "ci_low": low, "ci_high": high, "df": freedom, "n": n,
        "psus": float(units) if units >= 0 else np.nan, "n_weighted": float(d.weights[used].sum()), "cv": se / value,
        "p": np.concatenate([[np.nan], p, p]), "reason": ["", *np.tile(np.where(p < 1 - level, "", UNCLEAR), 2)],
    })  # fmt: skip
    return remember(results(frame), Covariance(lambda: table, d.covariance, freedom, d.replicates is not None))


def quadrants(
    d: SurveyDesign, y: str, x: Sequence[str], ranges: Mapping[str, tuple[float, float]] | None = None,
    level: float = 0.95, *, df: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Importance × performance table: which drivers matter and do badly (Martilla & James 1977).

    Performance is (ȳ − worst)/(best − worst), from 0 to 1. A driver is important above the equal share 1/k, and does
    well above the drivers' mean performance; each distance to its line has its own design-based t-test.

    Args:
        x: numeric drivers.   ranges: driver → (worst, best) code, as (5, 1) where 1 is the best answer; 0/1 columns
            need none.
    Returns: by driver rows "importance_share" and "performance", by "quadrant", group concentrate (important, does
        badly), keep_up, low_priority or overkill; p of the distance to the line, and a reason where the driver might
        lie on its other side.
    Raises: EstimationError: a driver has no range, and as `importance`.

    >>> frame = pd.DataFrame({"y": [1.0, 2, 3, 5], "a": [0, 0, 1, 0], "b": [0, 1, 1, 1], "w": 1.0})
    >>> rows = quadrants(SurveyDesign(frame, "w"), "y", ["a", "b"])
    >>> rows.loc[rows["statistic"] == "performance", ["item", "group", "estimate"]].values.tolist()
    [['a', 'low_priority', 0.25], ['b', 'keep_up', 0.75]]
    """
    x = names(x)
    k = len(x)
    scaled = d.assign(**{name: _performance(d, name, (ranges or {}).get(name)) for name in x})
    shares = importance(d, y, x, level, df=df)
    means = estimate.mean(scaled, x, level=level, df=df)
    share_table = shares.attrs[KEY].table[:, 1 + k :]
    mean_table = means.attrs[KEY].table
    above = shares["estimate"].to_numpy()[1 + k :] - 1 / k
    well = means["estimate"].to_numpy() - means["estimate"].mean()
    centred = mean_table - mean_table.mean(axis=1, keepdims=True)
    names_of = [QUADRANTS[int(a > 0)][int(b > 0)] for a, b in zip(above, well, strict=True)]
    parts = []
    for rows, gap, table, statistic in (
        (shares.iloc[1 + k :], above, share_table, "importance_share"),
        (means, well, centred, "performance"),
    ):
        freedom = rows["df"].to_numpy(dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = p_two_sided(gap / np.sqrt(d.variances(table)), freedom)
        reason = np.where(p < 1 - level, "", "not clearly on this side of the line")
        new: dict[str, Any] = {"statistic": statistic, "by": "quadrant", "group": names_of, "level": y, "p": p}
        parts.append(rows.assign(**new, reason=reason))
    for part in parts:
        part.attrs = {}
    return results(pd.concat(parts, ignore_index=True))


# -- private ----------------------------------------------------------------------------------------------------------


def _all_subsets(correlation: Floats, inside: Ints) -> tuple[Floats, Floats]:
    """R²(S) (s,) and b_S = (1, −β_S) (s, p+1) for subsets given as 0/1 rows (s, p); β is 0 outside a subset."""
    p = inside.shape[1]
    r2, b = np.empty(len(inside)), np.ones((len(inside), p + 1))
    step = max(1, 4_000_000 // max(p * p, 1))
    for start in range(0, len(inside), step):
        mask = inside[start : start + step].astype(float)
        r = mask * correlation[0, 1:]
        system = mask[:, :, None] * mask[:, None, :] * correlation[1:, 1:] + (1 - mask)[:, :, None] * np.eye(p)
        beta = np.linalg.solve(system, r[..., None])[..., 0]
        r2[start : start + step] = (beta * r).sum(axis=1)
        b[start : start + step, 1:] = -beta
    return r2, b


def _entry_weights(inside: Ints) -> Floats:
    """Weight (k, s) of R²(S) in the part of driver j: 1/(k C(k−1, |S|−1)) with j in S, −1/(k C(k−1, |S|)) without."""
    k = inside.shape[1]
    size = inside.sum(axis=1)
    choose = np.array([comb(k - 1, m) for m in range(k)] + [1], dtype=float)
    return np.asarray(np.where(inside.T == 1, 1 / (k * choose[np.maximum(size - 1, 0)]), -1 / (k * choose[size])))


def _independent(r: Floats) -> None:
    """Raise where a column follows from those before it."""
    for j in range(1, len(r)):
        known = r[j, :j] @ np.linalg.lstsq(r[:j, :j], r[:j, j], rcond=None)[0]
        if known > 1 - 1e-10:
            raise EstimationError(
                "The drivers are not independent", got="driver column {number} follows from those before it",
                hint="leave out one of two items that say the same", number=j + 1,
            )  # fmt: skip


def _columns(d: SurveyDesign, y: str, x: list[str]) -> tuple[Floats, list[int]]:
    """Outcome and driver columns (n, p+1) with gaps as NaN, and the driver each column after the first belongs to."""
    columns, owner = [numeric(item_column(d.frame, y), y)], []
    for j, name in enumerate(x):
        column = item_column(d.frame, name)
        categories = isinstance(column.dtype, pd.CategoricalDtype) and not column.cat.ordered
        if not categories and (isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind in "biuf"):
            new = [numeric(column, name)]
        else:
            code = coded(column)[0]
            there = np.unique(code[(code >= 0) & (d.weights > 0)])
            new = [np.where(code >= 0, code == level, np.nan) for level in there[1:]]
        columns += new
        owner += [j] * len(new)
    missing = sorted(set(range(len(x))) - set(owner))
    if missing:
        raise _constant(x[missing[0]])
    return np.column_stack(columns), owner


def _estimates(
    d: SurveyDesign, data: Floats, used: Bools, owner: list[int], labels: list[str]
) -> tuple[Floats, Floats]:  # fmt: skip
    """R², parts, shares (1+2k,), then the outcome's correlations (p,); their unit influences or replicate values."""
    w, rows = d.weights[used], data[used]
    q, scale = _standardised(rows, w)
    flat = scale <= 1e-12 * np.abs(rows).max(axis=0)
    if flat.any():
        raise _constant(labels[int(np.argmax(flat))])
    found, r = _solved(q, w, owner)
    value = _values(found, r)
    if d.replicates is not None:
        return value, np.array([_replicate(rows, each, owner) for each in d.replicates.factors(used)[used].T])
    parts = np.column_stack([(q @ each * q).sum(axis=1) for each in found.gradient])
    share = (parts[:, 1:] - found.parts / found.r2 * parts[:, :1]) / found.r2
    correlations = q[:, :1] * q[:, 1:] - r / 2 * (q[:, :1] ** 2 + q[:, 1:] ** 2)
    z = np.zeros((len(used), len(value)))
    z[used] = w[:, None] / w.sum() * np.hstack([parts, share, correlations])
    return value, d.unit_totals(z)


def _without_correlation(v: Floats, r: Floats, owner: Ints, nu: float) -> Floats:
    """p by driver that all its columns are uncorrelated with the outcome: adjusted Wald F (Korn & Graubard 1990)."""
    p = []
    for j in range(int(owner.max()) + 1):
        own = np.flatnonzero(owner == j)
        wald, m = float(r[own] @ np.linalg.pinv(v[np.ix_(own, own)], hermitian=True) @ r[own]), len(own)
        rest = nu - m + 1
        p.append(stats.f.sf(wald * rest / (nu * m), m, rest) if rest > 0 else np.nan)
    return np.array(p, dtype=float)


def _standardised(rows: Floats, w: Floats) -> tuple[Floats, Floats]:
    """Columns with weighted mean 0 and variance 1, and their standard deviations."""
    centred = rows - w @ rows / w.sum()
    scale = np.sqrt(w @ centred**2 / w.sum())
    return centred / np.where(scale > 0, scale, 1.0), scale


def _solved(q: Floats, w: Floats, owner: list[int]) -> tuple[Shares, Floats]:
    """Parts of R², and the outcome's correlation with each column."""
    correlation = q.T @ (q * w[:, None]) / w.sum()
    return lmg(correlation, owner), correlation[0, 1:]


def _values(found: Shares, r: Floats) -> Floats:
    return np.concatenate([[found.r2], found.parts, found.parts / found.r2, r])


def _replicate(rows: Floats, w: Floats, owner: list[int]) -> Floats:
    """The estimates under a replicate's weights; NaN where a column does not vary there."""
    q, scale = _standardised(rows, w)
    if not (scale > 0).all():
        return np.full(1 + 2 * (max(owner) + 1) + len(owner), np.nan)
    return _values(*_solved(q, w, owner))


def _performance(d: SurveyDesign, name: str, ends: tuple[float, float] | None) -> Floats:
    """A driver rescaled so that 0 is the worst answer and 1 the best."""
    column = numeric(item_column(d.frame, name), name)
    if ends is None:
        if not np.isin(column[np.isfinite(column)], (0.0, 1.0)).all():
            raise EstimationError(
                "The worst and the best answer of a driver are not known", where="{name}",
                expected="a range, as (5, 1)", hint="give ranges={{'{name}': (worst, best)}}", name=name,
            )  # fmt: skip
        return column
    worst, best = ends
    return (column - worst) / (best - worst)


def _constant(name: str) -> EstimationError:
    return EstimationError(
        "A column does not vary among those who answered everything", where="{name}", expected="two values or more",
        hint="leave it out", name=name,
    )  # fmt: skip
