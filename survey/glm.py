"""Weighted generalised linear models: statsmodels fits, Newton steps tighten, scores and information are analytic."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import statsmodels.api as sm

from survey.errors import EstimationError
from survey.linearized import Floats

LINKS: dict[str, Any] = {
    "identity": sm.families.links.Identity, "logit": sm.families.links.Logit, "probit": sm.families.links.Probit,
    "cloglog": sm.families.links.CLogLog, "log": sm.families.links.Log, "inverse": sm.families.links.InversePower,
    "inverse_squared": sm.families.links.InverseSquared, "cauchit": sm.families.links.Cauchy,
    "sqrt": sm.families.links.Sqrt,
}  # fmt: skip
KINDS: dict[str, tuple[Any, str]] = {
    "gaussian": (sm.families.Gaussian, "identity"), "binomial": (sm.families.Binomial, "logit"),
    "poisson": (sm.families.Poisson, "log"), "gamma": (sm.families.Gamma, "inverse"),
    "inverse_gaussian": (sm.families.InverseGaussian, "inverse_squared"),
}  # fmt: skip


@dataclass(frozen=True)
class GlmFit:
    """Coefficients, naive covariance (inverse expected information) and weighted scores (n, k) at the solution."""

    params: Floats
    covariance: Floats
    scores: Floats
    eta: Floats
    mu: Floats
    slope: Floats
    link: str
    family: Any
    deviance: float
    null_deviance: float
    dispersion: float


def family_of(family: str, link: str) -> tuple[Any, str]:
    """statsmodels family with its link.   Raises: EstimationError: the link is not known."""
    kind, usual = KINDS[family]
    name = link or usual
    if name not in LINKS:
        raise EstimationError(
            "The link is not known", expected="{known}", got="{link}", link=name, known=", ".join(LINKS)
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind(link=LINKS[name]()), name


def fit_glm(
    y: Floats, X: Floats, w: Floats, offset: Floats, family: str, link: str, maxiter: int, names: list[str],
    start: Floats | None = None,
) -> GlmFit:  # fmt: skip
    """Weighted maximum (quasi-)likelihood.   Raises: EstimationError: collinear, separated, or diverging."""
    kind, name = family_of(family, link)
    _full_rank(X, w, names)
    model = sm.GLM(y, X, family=kind, freq_weights=w, offset=offset)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            params = model.fit(start_params=start, maxiter=maxiter, tol=1e-10).params
        except (np.linalg.LinAlgError, ValueError, sm.tools.sm_exceptions.PerfectSeparationError) as error:
            raise _not_converged(str(error)) from None
        params, settled = _tighten(params, y, X, w, offset, kind)
    eta, mu, slope, score, information = _pieces(params, y, X, w, offset, kind)
    _check(family, settled, y, mu, w, params, names)
    variance = np.linalg.inv(information)
    pearson = float((w * (y - mu) ** 2 / kind.variance(mu)).sum())
    null = _null_mean(y, w, offset, kind)
    return GlmFit(
        np.asarray(params), np.asarray(variance, dtype=float), score, eta, mu, slope, name, kind,
        float(kind.deviance(y, mu, freq_weights=w)),
        float(kind.deviance(y, null, freq_weights=w)), pearson / max(len(y) - X.shape[1], 1),
    )  # fmt: skip


def _pieces(b: Floats, y: Floats, X: Floats, w: Floats, offset: Floats, kind: Any) -> tuple[Floats, ...]:
    """η, μ, dμ/dη, weighted scores (n, k) and expected information (k, k) at b."""
    eta = X @ b + offset
    mu = kind.link.inverse(eta)
    slope = kind.link.inverse_deriv(eta)
    working = w * slope / kind.variance(mu)
    return eta, mu, slope, X * (working * (y - mu))[:, None], X.T @ (X * (working * slope)[:, None])


def _tighten(b: Floats, y: Floats, X: Floats, w: Floats, offset: Floats, kind: Any) -> tuple[Floats, bool]:
    """Fisher steps until they are at rounding error; whether they got there."""
    last = np.inf
    for _ in range(50):
        _, _, _, score, information = _pieces(b, y, X, w, offset, kind)
        if not np.isfinite(information).all():
            return b, False
        step = np.linalg.lstsq(information, score.sum(axis=0), rcond=None)[0]
        size = float(np.max(np.abs(step) / (np.abs(b) + 1e-8)))
        if size > last and size < 1e-9:
            return b, True
        b, last = b + step, size
        if size < 1e-13:
            return b, True
    return b, last < 1e-8


def _full_rank(X: Floats, w: Floats, names: list[str]) -> None:
    """Raises: EstimationError: columns are linearly dependent among rows with weight."""
    scaled = X / np.maximum(np.abs(X).max(axis=0), 1e-300)
    r = np.abs(np.diag(np.linalg.qr(scaled * np.sqrt(w)[:, None], mode="r")))
    if len(X) < X.shape[1] or (r < 1e-9 * r.max()).any():
        culprit = names[int(np.argmin(r))] if len(r) == len(names) else names[-1]
        raise EstimationError(
            "Terms of the model are linearly dependent", where="{term}",
            hint="leave one of the terms that say the same out",
            term=culprit,
        )  # fmt: skip


def _check(family: str, settled: bool, y: Floats, mu: Floats, w: Floats, params: Floats, names: list[str]) -> None:
    """Raises: EstimationError: fitted probabilities ran to 0 or 1, or the steps never settled."""
    if family == "binomial" and ((mu < 1e-9) | (mu > 1 - 1e-9))[w > 0].any():
        raise EstimationError(
            "Some answers are predicted perfectly (separation), so a coefficient is infinite", where="{term}",
            hint="join a level that has only one outcome with another, or leave the term out",
            term=names[int(np.argmax(np.abs(params)))],
        )  # fmt: skip
    if not settled or not np.isfinite(params).all():
        raise _not_converged("the steps did not settle")


def _not_converged(why: str) -> EstimationError:
    return EstimationError(
        "The model does not converge", got="{why}", why=why, hint="scale large covariates, or leave out sparse levels"
    )


def _null_mean(y: Floats, w: Floats, offset: Floats, kind: Any) -> Floats:
    """Fitted values of the model with only a constant (and the offset)."""
    mean = float((w * y).sum() / w.sum())
    if not offset.any():
        return np.full(len(y), mean)
    b, _ = _tighten(np.array([float(kind.link(mean))]), y, np.ones((len(y), 1)), w, offset, kind)
    return np.asarray(kind.link.inverse(b[0] + offset))
