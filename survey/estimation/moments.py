"""Variances, covariances and correlations in the population, scales' reliability, agreement; all design-based."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import Covariance, remember
from survey.estimation.groups import coded, item_column, numeric
from survey.estimation.intervals import mean_interval
from survey.estimation.reasons import CONSTANT, reason
from survey.sampling.columns import names
from survey.sampling.linearized import Bools, Floats
from survey.tidy import results


def variance(
    d: SurveyDesign, items: str | Sequence[str], level: float = 0.95, *, df: float | None = None
) -> pd.DataFrame:
    """Variances and covariances of items among rows that answered all, S_xy = n/(n−1) Σ w (x−x̄)(y−ȳ)/Σw.

    z_i = w_i ((x_i−x̄)(y_i−ȳ) n/(n−1) − S_xy)/Σw.

    Returns: a row for every ordered pair of items: item x, level y, statistic "variance" (x = y) or "covariance".

    >>> d = SurveyDesign(pd.DataFrame({"a": [1.0, 2, 6], "w": 1.0}), "w")
    >>> variance(d, "a")["estimate"].tolist()
    [7.0]
    """
    used, matrix, table = moments(d, names(items))
    k = len(names(items))
    value = matrix.ravel()
    kinds = ["variance" if i == j else "covariance" for i in range(k) for j in range(k)]
    return _rows(d, names(items), kinds, value, table, used, level, df)


def correlation(d: SurveyDesign, items: Sequence[str], level: float = 0.95, *, df: float | None = None) -> pd.DataFrame:
    """Pearson correlations of items among rows that answered all, with delta-method standard errors.

    z(r_xy) = z(S_xy)/√(S_xx S_yy) − r/2 (z(S_xx)/S_xx + z(S_yy)/S_yy); replicate weights: r in every replicate.

    Returns: a row for every ordered pair: item x, level y, statistic "correlation".

    >>> d = SurveyDesign(pd.DataFrame({"a": [1.0, 2, 3], "b": [2.0, 4, 6], "w": 1.0}), "w")
    >>> correlation(d, ["a", "b"])["estimate"].round(6).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    used, s, table = moments(d, list(items))
    k = len(items)
    scale = np.sqrt(np.diag(s))
    r = s / np.outer(scale, scale)
    cube = table.reshape(-1, k, k)
    own = np.einsum("nii->ni", cube)
    if d.replicates is not None:
        cube = cube / np.sqrt(own[:, :, None] * own[:, None, :])
    else:
        share = own / np.diag(s)
        cube = cube / np.outer(scale, scale) - r / 2 * (share[:, :, None] + share[:, None, :])
    return _rows(d, list(items), ["correlation"] * (k * k), r.ravel(), cube.reshape(-1, k * k), used, level, df)


def alpha(d: SurveyDesign, items: Sequence[str]) -> pd.DataFrame:
    """Cronbach's α = k/(k−1) (1 − Σ S_ii / S_tt) of items answered in full (1951), with its linearized standard error.

    Returns: one row, item the items joined by "+", statistic "alpha".

    >>> d = SurveyDesign(pd.DataFrame({"a": [1.0, 2, 3], "b": [1.0, 2, 3], "w": 1.0}), "w")
    >>> alpha(d, ["a", "b"])["estimate"].round(6).tolist()
    [1.0]
    """
    k = len(items)
    if k < 2:
        raise EstimationError("Cronbach's alpha needs two or more items", got="{count}", count=k,
                              hint="name the columns of the scale as a list")  # fmt: skip
    used, s, table = moments(d, list(items))
    trace, whole = float(np.trace(s)), float(s.sum())
    value = k / (k - 1) * (1 - trace / whole)
    cube = table.reshape(-1, k, k)
    traces, wholes = np.einsum("nii->n", cube), cube.sum(axis=(1, 2))
    if d.replicates is not None:
        rows = k / (k - 1) * (1 - traces / wholes)
    else:
        rows = -k / (k - 1) * (traces / whole - trace * wholes / whole**2)
    return _rows(d, ["+".join(items)], ["alpha"], np.array([value]), rows[:, None], used, 0.95, None, pairs=False)


def kappa(d: SurveyDesign, row: str, col: str, level: float = 0.95, *, df: float | None = None) -> pd.DataFrame:
    """Cohen's κ = (p_o − p_e)/(1 − p_e) between two items with the same levels, linearized (Cohen 1960; R svykappa).

    Levels are matched in their order.

    Raises: EstimationError: the numbers of levels differ.

    >>> d = SurveyDesign(pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 0, 1, 0], "w": 1.0}), "w")
    >>> kappa(d, "a", "b")["estimate"].tolist()
    [0.5]
    """
    (r, r_labels), (c, c_labels) = coded(item_column(d.frame, row)), coded(item_column(d.frame, col))
    k = len(r_labels)
    if k != len(c_labels):
        raise EstimationError("Agreement needs the same levels in both items", where="{row}, {col}",
                              got="{a} and {b} levels", row=row, col=col, a=k, b=len(c_labels))  # fmt: skip
    used = (r >= 0) & (c >= 0) & d.mask & (d.weights != 0)
    totals = d.totals(np.where(used, r * k + c, -1), k * k)
    value = _kappa(totals.whole.reshape(k, k))
    if d.replicates is not None:
        table = np.array([[_kappa(each.reshape(k, k))] for each in totals.rows])
    else:
        p = totals.whole.reshape(k, k) / totals.whole.sum()
        expected = float(p.sum(axis=1) @ p.sum(axis=0))
        observed = float(np.trace(p))
        slope_e = p.sum(axis=0)[:, None] + p.sum(axis=1)[None, :]
        slope = np.eye(k) / (1 - expected) - slope_e * (1 - observed) / (1 - expected) ** 2
        centred = (totals.rows - p.ravel() * totals.rows.sum(axis=1, keepdims=True)) / totals.whole.sum()
        table = centred @ slope.reshape(-1, 1)
    return _rows(d, [f"{row}:{col}"], ["kappa"], np.array([value]), table, used, level, df, pairs=False)


def _kappa(counts: Floats) -> float:
    p = counts / counts.sum()
    expected = float(p.sum(axis=1) @ p.sum(axis=0))
    return (float(np.trace(p)) - expected) / (1 - expected)


def moments(d: SurveyDesign, items: list[str]) -> tuple[Bools, Floats, Floats]:
    """Rows used, covariance matrix (k, k), and its k² columns' unit influences or replicate values."""
    x = np.column_stack([numeric(item_column(d.frame, item), item) for item in items])
    used = d.mask & np.isfinite(x).all(axis=1) & (d.weights != 0)
    w, n = d.weights[used], int(used.sum())
    x = x[used] - w @ x[used] / w.sum()
    k = len(items)
    products = (x[:, :, None] * x[:, None, :]).reshape(n, k * k)
    factor = n / (n - 1) if n > 1 else np.nan
    value = w @ products / w.sum() * factor
    if d.replicates is not None:
        weights = d.replicates.factors(used)[used]
        whole = weights.sum(axis=0)[:, None]
        means = weights.T @ x / whole
        table = (weights.T @ products / whole - (means[:, :, None] * means[:, None, :]).reshape(-1, k * k)) * factor
        return used, value.reshape(k, k), table
    z = np.zeros((len(used), k * k))
    z[used] = w[:, None] * (products * factor - value) / w.sum()
    return used, value.reshape(k, k), d.unit_totals(z)


def _rows(
    d: SurveyDesign, items: list[str], kinds: list[str], value: Floats, table: Floats, used: Bools, level: float,
    df: float | None, pairs: bool = True,
) -> pd.DataFrame:  # fmt: skip
    freedom = np.full(len(value), float(d.degf(used)) if df is None else df)
    se = np.where(np.isnan(value), np.nan, np.sqrt(d.variances(table, used)))
    why = reason(d, used, float(freedom[0]))
    low, high = mean_interval(value, se, freedom, level)
    frame = pd.DataFrame({
        "item": [i for i in items for _ in items] if pairs else items, "statistic": kinds,
        "level": [j for _ in items for j in items] if pairs else [""] * len(items), "estimate": value, "se": se,
        "ci_low": low, "ci_high": high, "df": freedom, "n": int(used.sum()), "n_weighted": float(d.weights[used].sum()),
        "cv": se / np.abs(value), "reason": [why or (CONSTANT if np.isnan(each) else "") for each in value],
    })  # fmt: skip
    return remember(results(frame), Covariance(lambda: table, d.covariance, freedom, d.replicates is not None))
