"""Small areas: the Fay–Herriot model over direct estimates, fitted by REML, benchmarked to the city.

Direct estimates of small districts are unbiased but noisy. The model draws each towards what its covariates predict,
the more the noisier it is. Its rows stand beside the direct ones, never instead of them: they lean on a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from survey.errors import EstimationError
from survey.estimation.intervals import mean_interval
from survey.sampling.columns import names
from survey.sampling.linearized import Bools, Floats
from survey.tidy import results

Benchmark = Literal["difference", "ratio", ""]
CERTAIN = 1e-12  # a direct variance below this part of the largest is no measure of its error


@dataclass(frozen=True)
class AreaModel:
    """θ̂_i = x_i'β + v_i + e_i with Var v = A and known Var e = ψ_i, fitted over m areas.

    variance: A; beta (p,) and its covariance (p, p); eblup, mse, synthetic x'β and shrinkage γ = A/(A+ψ) (m,);
    loglik: the restricted log-likelihood without its constant.
    """

    variance: float
    beta: Floats
    covariance: Floats
    eblup: Floats
    mse: Floats
    synthetic: Floats
    shrinkage: Floats
    loglik: float
    residual: Floats
    x: Floats
    psi: Floats

    def predict(self, x: ArrayLike) -> tuple[Floats, Floats]:
        """x'β and its mean squared error A + x'Var(β)x for areas without a direct estimate; x (k, p)."""
        rows = np.atleast_2d(np.asarray(x, dtype=float))
        return rows @ self.beta, self.variance + np.einsum("ij,jk,ik->i", rows, self.covariance, rows)

    def adjustment_variance(self, shares: ArrayLike) -> float:
        """Variance g₄ of the gap Σ W_i (θ̂_i − EBLUP_i) that benchmarking closes (Steorts & Ghosh 2013).

        g₄ = a'(V − X Var(β) X')a with a_i = W_i ψ_i/(A + ψ_i), V = diag(A + ψ).   Args: shares: W (m,).
        """
        a = np.asarray(shares, dtype=float) * (1 - self.shrinkage)
        ax = a @ self.x
        return float(a**2 @ (self.variance + self.psi) - ax @ self.covariance @ ax)


def fit(y: ArrayLike, psi: ArrayLike, x: ArrayLike) -> AreaModel:
    """Fay–Herriot model by restricted maximum likelihood, with the EBLUP of each area and its mean squared error.

    EBLUP_i = γ_i θ̂_i + (1 − γ_i) x_i'β, γ_i = A/(A + ψ_i), β by least squares weighted with 1/(A + ψ_i).
    MSE_i = g₁ + g₂ + 2 g₃, g₁ = γψ, g₂ = (1−γ)² x'Var(β)x, g₃ = ψ²/(A+ψ)³ · 2/Σ(A+ψ)⁻² (Prasad & Rao
    1990; Datta & Lahiri 2000: under REML the estimated A is unbiased to this order, so nothing else is subtracted).

    Args:
        y: direct estimates (m,).   psi: their sampling variances (m,), > 0, taken as known.
        x: covariates (m, p) with the column of ones where an intercept is wanted.
    Raises: EstimationError: fewer areas than p + 2, a variance not positive, a gap, or covariates not independent.

    >>> found = fit([1.0, 2.0, 4.0, 5.0], [0.5, 0.5, 0.5, 0.5], np.ones((4, 1)))
    >>> round(found.variance, 6), found.eblup.round(3).tolist()     # equal ψ: A = s² − ψ = 10/3 − 1/2
    (2.833333, [1.3, 2.15, 3.85, 4.7])
    """
    y, psi, x = (np.asarray(each, dtype=float) for each in (y, psi, x))
    x = x.reshape(len(y), -1)
    _checked(y, psi, x)
    a = _restricted_maximum(y, psi, x)
    v = a + psi
    covariance = np.linalg.inv(x.T / v @ x)
    beta = covariance @ (x.T / v @ y)
    synthetic = x @ beta
    gamma = a / v
    g1 = gamma * psi
    g2 = (1 - gamma) ** 2 * np.einsum("ij,jk,ik->i", x, covariance, x)
    g3 = psi**2 / v**3 * 2 / (v**-2.0).sum()
    eblup = synthetic + gamma * (y - synthetic)
    loglik = float(_loglik(np.array([a]), y, psi, x)[0])
    return AreaModel(a, beta, covariance, eblup, g1 + g2 + 2 * g3, synthetic, gamma, loglik, y - synthetic, x, psi)


def fay_herriot(
    direct: pd.DataFrame, areas: pd.DataFrame, covariates: str | Sequence[str] = (), *,
    benchmark: Benchmark = "difference", shares: str | None = None, city: pd.DataFrame | None = None,
    level: float = 0.95,
) -> pd.DataFrame:  # fmt: skip
    """The direct rows, and under them one row "fay_herriot" an area: EBLUP, root mean squared error, t on m − p.

    Benchmarked so that Σ W_i θ̃_i is the city's direct estimate θ: difference θ̃_i + δ, ratio θ̃_i · θ/Σ W θ̃, with
    δ = θ − Σ W θ̃; the mean squared error grows by g₄, or g₄ (θ̃_i/Σ W θ̃)² (Steorts & Ghosh 2013).

    Args:
        direct: `survey.estimate` rows by area (means or shares), each item and level a model of its own.
        areas: one row an area, indexed by its code as in `group`; numeric covariates known for all, not estimated.
        covariates: its columns; an intercept is always added.
        benchmark: "difference" keeps the gaps between areas, "ratio" their proportions, "" leaves the model as it is.
        shares: column of areas with their populations (W ∝ it); without it n_weighted of the direct rows.
        city: rows of the same items and levels for everybody; without it θ = Σ W θ̂.
    Returns: rows in the order of direct; an area without a usable direct estimate gets its prediction x'β and a reason.
    Raises: EstimationError: an area or covariate is missing, and as `fit`.

    >>> given = [{"item": "safe", "statistic": "mean", "by": "district", "se": 0.5**0.5, "n_weighted": 10.0}] * 4
    >>> direct = results(given).assign(group=list("abcd"), estimate=[1.0, 2.0, 4.0, 5.0])
    >>> rows = fay_herriot(direct, pd.DataFrame(index=list("abcd")))
    >>> rows["statistic"].tolist()[3:5], rows["estimate"].round(3).tolist()[4:]
    (['mean', 'fay_herriot'], [1.3, 2.15, 3.85, 4.7])
    """
    x = _covariates(areas, names(covariates))
    weight = None if shares is None else _column(areas, shares)
    parts = [direct]
    for (item, answer), rows in direct.groupby(["item", "level"], sort=False):
        unknown = ~rows["group"].isin(x.index)
        if unknown.any():
            raise EstimationError(
                "An area has no covariates", where="{by}", expected="a row of the area frame for every area",
                got="{group}", by=rows["by"].iloc[0], group=", ".join(rows["group"][unknown].iloc[:5]),
            )  # fmt: skip
        w = (rows["n_weighted"] if weight is None else rows["group"].map(weight)).to_numpy(dtype=float)
        total = None if city is None else _city(city, str(item), str(answer))
        parts.append(_modelled(rows, x.loc[rows["group"]].to_numpy(), w, benchmark, total, level))
    return results(pd.concat(parts, ignore_index=True))


# -- private ----------------------------------------------------------------------------------------------------------


def _modelled(
    rows: pd.DataFrame, x: Floats, w: Floats, benchmark: Benchmark, total: float | None, level: float
) -> pd.DataFrame:  # fmt: skip
    """Model rows of one item and level."""
    y, psi = rows["estimate"].to_numpy(dtype=float), rows["se"].to_numpy(dtype=float) ** 2
    usable = np.isfinite(y) & np.isfinite(psi)
    usable &= psi > CERTAIN * np.max(psi, where=usable, initial=0.0)
    if not usable.any():
        raise EstimationError(
            "No area has a direct estimate with a variance", where="{item}", expected="standard errors above 0",
            got="{areas} areas without", hint="an area needs two sampling units or more",
            item=rows["item"].iloc[0], areas=len(rows),
        )  # fmt: skip
    model = fit(y[usable], psi[usable], x[usable])
    estimate, mse = model.predict(x)
    estimate[usable], mse[usable] = model.eblup, model.mse
    if benchmark:
        estimate, mse = _benchmarked(model, estimate, mse, y, w, usable, benchmark, total)
    df = np.full(len(y), float(len(model.residual) - x.shape[1]))
    rmse = np.sqrt(mse)
    low, high = mean_interval(estimate, rmse, df, level)
    if (rows["statistic"] == "share").all():
        low, high = np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)
    none = "no usable direct estimate: predicted from the covariates alone"
    flat = "no variance between areas beyond the covariates: predicted from them alone"
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = rmse / np.abs(estimate)
    return rows.assign(
        statistic="fay_herriot", estimate=estimate, se=rmse, ci_low=low, ci_high=high, df=df, cv=cv, n_eff=np.nan,
        deff=np.nan, p=np.nan, q=np.nan, flag="released",
        reason=np.where(~usable, none, flat if model.variance == 0 else ""),
    )  # fmt: skip


def _benchmarked(
    model: AreaModel, estimate: Floats, mse: Floats, y: Floats, w: Floats, usable: Bools, benchmark: Benchmark,
    total: float | None,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Estimates moved so that they average to the city's, and their mean squared errors."""
    counted = np.where(np.isfinite(w), w, 0.0)
    if (counted < 0).any() or not counted[usable].any():
        raise EstimationError(
            "The areas' population shares are missing", expected="numbers above 0", hint="name their column: shares="
        )
    share = counted / counted.sum()
    goal = float(share[usable] @ y[usable] / share[usable].sum()) if total is None else total
    if total is None:
        share = np.where(usable, counted, 0.0) / counted[usable].sum()
    now = float(share @ estimate)
    g4 = model.adjustment_variance(share[usable])
    if benchmark == "difference":
        return estimate + (goal - now), mse + g4
    if benchmark != "ratio" or now == 0:
        raise EstimationError(
            "The benchmark cannot be met", expected='"difference", or "ratio" of an average that is not 0',
            got="{kind} of {average}", kind=benchmark, average=now,
        )  # fmt: skip
    return estimate * (goal / now), mse + g4 * (estimate / now) ** 2


def _checked(y: Floats, psi: Floats, x: Floats) -> None:
    """Raise where the model cannot be fitted."""
    m, p = x.shape
    if len(psi) != m or not (
        np.isfinite(y).all() and np.isfinite(x).all() and (psi > 0).all() and np.isfinite(psi).all()
    ):
        raise EstimationError(
            "The area model has gaps",
            expected="an estimate, a variance above 0 and covariates for each area",
            got="others",
        )
    if m < p + 2:
        raise EstimationError(
            "There are too few areas for the model", expected="{least} areas or more",
            got="{areas} with a direct estimate", hint="use fewer covariates", least=p + 2, areas=m,
        )  # fmt: skip
    if np.linalg.matrix_rank(x / np.abs(x).max(axis=0).clip(1e-300)) < p:
        raise EstimationError(
            "The covariates are not independent", expected="{columns} independent columns, intercept included",
            hint="leave out a covariate that is constant or follows from the others", columns=p,
        )  # fmt: skip


def _restricted_maximum(y: Floats, psi: Floats, x: Floats) -> float:
    """A ≥ 0 with the greatest restricted likelihood: the best of a fine grid, then the root of the score beside it."""
    top = 10 * float(np.var(y) * len(y) + psi.max())
    grid = np.concatenate([[0.0], np.geomspace(1e-3 * psi.min(), top, 200)])
    best = int(np.argmax(_loglik(grid, y, psi, x)))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    if not _score(low, y, psi, x) > 0 > _score(high, y, psi, x):
        return float(low if best <= 1 else grid[best])
    return float(brentq(_score, low, high, args=(y, psi, x), xtol=1e-14 * top, rtol=1e-14))


def _loglik(a: Floats, y: Floats, psi: Floats, x: Floats) -> Floats:
    """−½ (Σ log(A+ψ) + log|X'V⁻¹X| + y'Py) for each A of a vector (k,)."""
    v = a[:, None] + psi
    cross = np.einsum("ij,ki,il->kjl", x, 1 / v, x)
    beta = np.linalg.solve(cross, np.einsum("ij,ki,i->kj", x, 1 / v, y)[..., None])[..., 0]
    gap = y - beta @ x.T
    return np.asarray(-0.5 * (np.log(v).sum(axis=1) + np.linalg.slogdet(cross)[1] + (gap**2 / v).sum(axis=1)))


def _score(a: float, y: Floats, psi: Floats, x: Floats) -> float:
    """Derivative of the restricted log-likelihood in A: ½ (y'PPy − tr P)."""
    v = a + psi
    half = np.linalg.solve(x.T / v @ x, x.T / v)
    gap = (y - x @ (half @ y)) / v
    return float(0.5 * (gap @ gap - (1 / v).sum() + np.einsum("ij,ji,i->", x, half, 1 / v)))


def _covariates(areas: pd.DataFrame, chosen: list[str]) -> pd.DataFrame:
    """Intercept and covariates by area code as text."""
    x = pd.DataFrame({"intercept": 1.0}, index=areas.index.map(str))
    repeated = x.index[x.index.duplicated()]
    if len(repeated):
        raise EstimationError("An area stands twice in the area frame", got="{area}", area=repeated[0])
    return x.assign(**{name: _column(areas, name) for name in chosen})


def _column(areas: pd.DataFrame, name: str) -> pd.Series:
    """A numeric column of the area frame by area code as text."""
    if name not in areas:
        raise EstimationError(
            "A column is not in the area frame", where="{name}", expected="one of {there}", name=name,
            there=", ".join(map(str, areas.columns)),
        )  # fmt: skip
    return areas[name].astype(float).rename(index=str)


def _city(city: pd.DataFrame, item: str, answer: str) -> float:
    """The city's own estimate of an item and level."""
    found = city[(city["item"] == item) & (city["level"] == answer) & (city["group"] == "")]["estimate"]
    if len(found) != 1:
        raise EstimationError(
            "The city has no estimate to benchmark to", where="{item}, level {level}", expected="one row without group",
            got="{rows}", item=item, level=answer or "none", rows=len(found),
        )  # fmt: skip
    return float(found.iloc[0])
