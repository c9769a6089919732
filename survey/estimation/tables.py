"""Two-way tables: tests of independence that know the design."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import Covariance, remember
from survey.estimation.distributions import quadratic_tail
from survey.estimation.groups import coded, grouped, item_column
from survey.estimation.intervals import mean_interval
from survey.estimation.multiplicity import NO_VARIANCE
from survey.estimation.reasons import DEPENDENT, FEW, dependent, reason
from survey.sampling.linearized import Bools, Floats
from survey.tidy import results

STATISTICS = ("F", "chi2", "wald", "adj_wald", "lincom", "saddlepoint")
Test = dict[str, Any]
"""A test: statistic, value, ndf, ddf, p and what else it has."""


def two_way(d: SurveyDesign, row: str, col: str) -> tuple[Floats, Floats, Floats, Bools]:
    """Weighted table (R, C) of the levels that occur, covariances of its R·C totals and shares, rows used."""
    (r, _), (c, _) = coded(item_column(d.frame, row)), coded(item_column(d.frame, col))
    used = (r >= 0) & (c >= 0) & d.mask & (d.weights != 0)
    r_seen, c_seen = np.unique(r[used]), np.unique(c[used])
    if len(r_seen) < 2 or len(c_seen) < 2:
        raise EstimationError(
            "A test of independence needs two levels of each variable", where="{row} × {col}",
            got="{r} and {c} levels with answers", row=row, col=col, r=len(r_seen), c=len(c_seen),
        )  # fmt: skip
    width = len(c_seen)
    code = np.where(used, np.searchsorted(r_seen, r) * width + np.searchsorted(c_seen, c), -1)
    totals = d.totals(code, len(r_seen) * width)
    share = totals.whole / totals.whole.sum()
    if d.replicates is not None:
        of_totals, of_shares = totals.rows, totals.rows / totals.rows.sum(axis=1, keepdims=True)
    else:
        of_totals = totals.rows
        of_shares = (totals.rows - share * totals.rows.sum(axis=1, keepdims=True)) / totals.whole.sum()
    table = totals.whole.reshape(len(r_seen), width)
    return table, d.covariance(of_totals, used), d.covariance(of_shares, used), used


def table(
    d: SurveyDesign, items: str | Sequence[str], total: float | None = None, level: float = 0.95, *,
    df: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Estimated counts of every combination of the items' levels, N̂ = Σ w·1(cell), over rows that answered all.

    Args: total: scale so that the cells add up to it (1: shares, 100: percentages); standard errors follow.
    Returns: rows of statistic "count", item the items and level the levels joined by ":", the last varying fastest.

    >>> d = SurveyDesign(pd.DataFrame({"a": [0, 0, 1], "b": ["x", "y", "y"], "w": [1.0, 2, 3]}), "w")
    >>> table(d, ["a", "b"])[["level", "estimate"]].values.tolist()
    [['0:x', 1.0], ['0:y', 2.0], ['1:x', 0.0], ['1:y', 3.0]]
    """
    cells = grouped(d.frame, items)
    used = d.mask & (cells.code >= 0)
    totals = d.totals(np.where(used, cells.code, -1), len(cells.labels))
    value, rows = totals.whole, totals.rows
    if total is not None:
        share = value / value.sum()
        sums = rows.sum(axis=1, keepdims=True)
        rows = total * (rows / sums if d.replicates is not None else (rows - share * sums) / value.sum())
        value = total * share
    freedom = np.full(len(value), float(d.degf()) if df is None else df)
    se = np.sqrt(d.variances(rows, used))
    low, high = mean_interval(value, se, freedom, level)
    count = np.bincount(cells.code[used & (d.weights != 0)], minlength=len(value))
    frame = pd.DataFrame({
        "item": cells.by, "statistic": "count", "level": cells.labels, "estimate": value, "se": se, "ci_low": low,
        "ci_high": high, "df": freedom, "n": count, "n_weighted": totals.whole,
        "reason": reason(d, used, freedom[0]) if len(freedom) else "",
    })  # fmt: skip
    return remember(results(frame), Covariance(lambda: rows, d.covariance, freedom, d.replicates is not None))


def independence(d: SurveyDesign, row: str, col: str, statistic: str = "F") -> pd.DataFrame:
    """The test of `survey.compare.rao_scott`."""
    table, total_cov, share_cov, used = two_way(d, row, col)
    nu, n = d.degf(), int(used.sum())
    if statistic not in STATISTICS:
        raise EstimationError("The test statistic is not known", expected="{known}", got="{statistic}",
                              known=", ".join(STATISTICS), statistic=statistic)  # fmt: skip
    why = reason(d, used, nu) or ("" if (np.diag(share_cov) > 0).any() else NO_VARIANCE)
    if why:
        test: Test = {"statistic": statistic, "value": np.nan, "p": np.nan, "reason": why}
    elif statistic in ("wald", "adj_wald"):
        test = _wald(table, total_cov, nu, statistic == "adj_wald")
    else:
        eigenvalues = generalised_deffs(table / table.sum(), share_cov, n)
        test = _rao_scott(table / table.sum(), n, eigenvalues, nu, statistic, d.replicates is not None)
    return as_row(row, col, test, n, float(table.sum()))


def as_row(item: str, by: str, test: Test, n: float, people: float) -> pd.DataFrame:
    """A test as one row of the tidy schema, its exact numbers in attrs["test"]."""
    frame = results([{
        "item": item, "by": by, "statistic": test["statistic"], "estimate": test["value"],
        "df": test.get("ddf", test.get("ndf")),
        "level": f"{test['ndf']:.6g}" if "ndf" in test else "", "n": n, "n_weighted": people, "p": test["p"],
        "reason": test.get("reason", ""),
    }])  # fmt: skip
    frame.attrs["test"] = test
    return frame


def generalised_deffs(p: Floats, covariance: Floats, n: int) -> Floats:
    """Eigenvalues of Rao & Scott's Δ: variance under the design over the multinomial one, for the interactions."""
    rows, cols = p.shape
    r, c = np.repeat(np.arange(rows), cols), np.tile(np.arange(cols), rows)
    main = np.column_stack([np.ones(rows * cols), *(r == k for k in range(1, rows)), *(c == k for k in range(1, cols))])
    cross = np.column_stack([(r == k) * (c == m) for k in range(1, rows) for m in range(1, cols)]).astype(float)
    contrasts = cross - main @ np.linalg.lstsq(main, cross, rcond=None)[0]
    flat = p.ravel()
    inverse = np.where(flat > 0, 1 / np.where(flat > 0, flat, 1.0), 0.0)
    scaled = contrasts * inverse[:, None]
    simple = contrasts.T @ scaled / n
    return np.asarray(np.linalg.eigvals(np.linalg.solve(simple, scaled.T @ covariance @ scaled)).real)


def _rao_scott(
    p: Floats, n: int, eigenvalues: Floats, nu: float, statistic: str, replicated: bool
) -> Test:  # fmt: skip
    """X² and its reference distribution."""
    expected = np.outer(p.sum(axis=1), p.sum(axis=0))
    x2 = n * float(((p - expected) ** 2 / expected).sum())
    trace = float(eigenvalues.sum())
    ddf = np.inf if replicated else trace**2 / float((eigenvalues**2).sum()) * nu
    if statistic == "F":
        d0 = trace**2 / float((eigenvalues**2).sum())
        return {"statistic": "F", "value": x2 / trace, "ndf": d0, "ddf": d0 * nu, "x2": x2,
                "p": float(stats.f.sf(x2 / trace, d0, d0 * nu))}  # fmt: skip
    if statistic == "chi2":
        k = len(eigenvalues)
        return {"statistic": "chi2", "value": x2 / (trace / k), "ndf": k, "x2": x2,
                "p": float(stats.chi2.sf(x2 / (trace / k), k))}  # fmt: skip
    method = "integration" if statistic == "lincom" else "saddlepoint"
    if len(eigenvalues) > 1:  # equal ones give a whole number, and in R one that rounding leaves just below it
        ddf *= 1 - 1e-12
    return {"statistic": statistic, "value": x2, "x2": x2, "p": quadratic_tail(x2, eigenvalues, ddf, method)}  # type: ignore[arg-type]


def _wald(table: Floats, covariance: Floats, nu: float, adjusted: bool) -> Test:
    """Wald test of N_rc − N_r N_c/N = 0 over (R−1)(C−1) cells."""
    rows, cols = table.shape
    whole, r, c = table.sum(), table.sum(axis=1), table.sum(axis=0)
    place = np.arange(rows * cols).reshape(rows, cols)
    move = np.zeros((rows * cols, rows * cols))
    for i in range(rows):
        for j in range(cols):
            slope = move[place[i, j]].reshape(rows, cols)
            slope += r[i] * c[j] / whole**2
            slope[i, :] -= c[j] / whole
            slope[:, j] -= r[i] / whole
            slope[i, j] += 1.0
    residual = (table - np.outer(r, c) / whole)[1:, 1:].ravel()
    inner = move[place[1:, 1:].ravel()]
    k = (rows - 1) * (cols - 1)
    of_residual, name = inner @ covariance @ inner.T, "adj_wald" if adjusted else "wald"
    ddf = nu - k + 1 if adjusted else nu
    if dependent(of_residual) or ddf <= 0:
        why = FEW if ddf <= 0 else DEPENDENT
        return {"statistic": name, "value": np.nan, "ndf": k, "ddf": ddf, "p": np.nan, "reason": why}
    wald = float(residual @ np.linalg.solve(of_residual, residual))
    value = wald * (ddf / (k * nu) if adjusted else 1 / k)
    return {"statistic": name, "value": value, "ndf": k, "ddf": ddf, "p": float(stats.f.sf(value, k, ddf))}


def goodness_of_fit(d: SurveyDesign, item: str, shares: Sequence[float]) -> pd.DataFrame:
    """Whether a categorical item has given shares: X² of the estimated counts against Σλ_i χ²_1 (R svygofchisq).

    X² = Σ (N̂_k − p_k N̂)²/(p_k N̂), λ the eigenvalues of the design-based covariance of (N̂_k − p_k N̂)/√(p_k N̂), p by
    Satterthwaite.

    Args: shares: of the item's levels in their order, in any unit.
    Returns: one row; attrs["test"] also has Satterthwaite's scale and df.
    Raises: EstimationError: the number of shares differs from that of the levels.

    >>> frame = pd.DataFrame({"q": ["a"] * 6 + ["b"] * 4, "w": 1.0})
    >>> goodness_of_fit(SurveyDesign(frame, "w"), "q", [1, 1])["estimate"].round(6).tolist()
    [0.4]
    """
    code, labels = coded(item_column(d.frame, item))
    if len(labels) != len(shares):
        raise EstimationError("The shares do not fit the item", where="{item}", expected="{n} shares", got="{m}",
                              item=item, n=len(labels), m=len(shares))  # fmt: skip
    if not (np.asarray(shares, dtype=float) > 0).all():
        raise EstimationError("A share to compare with is not above 0", where="{item}", item=item,
                              hint="leave out the level that cannot occur, or merge it with another")  # fmt: skip
    p = np.asarray(shares, dtype=float) / float(np.sum(shares))
    used = (code >= 0) & d.mask & (d.weights != 0)
    totals = d.totals(np.where(used, code, -1), len(labels))
    count, whole = totals.whole, float(totals.whole.sum())
    why = reason(d, used, d.degf(used))
    if why:
        return as_row(item, "", {"statistic": "X2", "value": np.nan, "p": np.nan, "reason": why}, used.sum(), whole)
    expected = p * whole
    x2 = float(((count - expected) ** 2 / expected).sum())
    slope = np.eye(len(p)) / np.sqrt(expected)[:, None]
    slope = (
        slope
        - np.outer(np.sqrt(p / whole), np.ones(len(p)))
        - ((count - expected) / (2 * whole * np.sqrt(expected)))[:, None]
    )
    scales = np.linalg.eigvalsh(slope @ d.covariance(totals.rows, used) @ slope.T)
    mean, ratio = float(scales.mean()), float((scales**2).mean() / scales.mean() ** 2)
    test: Test = {"statistic": "X2", "value": x2, "scale": mean * ratio, "ndf": len(p) / ratio,
                                    "p": quadratic_tail(x2, scales, method="satterthwaite")}  # fmt: skip
    return as_row(item, "", test, int(used.sum()), whole)
