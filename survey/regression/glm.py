"""Weighted generalised linear models over statsmodels' families and links; scores and information are analytic."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from statsmodels.genmod import families  # statsmodels.api would load its graphics and time series too

from survey.errors import EstimationError
from survey.sampling.linearized import Floats, Ints, weighted_counts

LINKS: dict[str, Any] = {
    "identity": families.links.Identity, "logit": families.links.Logit, "probit": families.links.Probit,
    "cloglog": families.links.CLogLog, "log": families.links.Log, "inverse": families.links.InversePower,
    "inverse_squared": families.links.InverseSquared, "cauchit": families.links.Cauchy,
    "sqrt": families.links.Sqrt,
}  # fmt: skip
KINDS: dict[str, tuple[Any, str]] = {
    "gaussian": (families.Gaussian, "identity"), "binomial": (families.Binomial, "logit"),
    "poisson": (families.Poisson, "log"), "gamma": (families.Gamma, "inverse"),
    "inverse_gaussian": (families.InverseGaussian, "inverse_squared"),
}  # fmt: skip

UNSETTLED = "The model does not converge"
SPARSE = "scale large covariates, or leave out sparse levels"


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
    y: Floats

    def of_rows(self, case: Ints, weights: Floats, sums: Floats) -> GlmFit:
        """The fit to distinct cases as one to the rows behind them, given the rows' weights and their sums by case."""
        scores = (self.scores / sums[:, None])[case] * weights[:, None]
        parts = {name: getattr(self, name)[case] for name in ("eta", "mu", "slope", "y")}
        return replace(self, scores=scores, **parts)


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
    start: Floats | None = None, behind: tuple[Ints, Floats] | None = None,
) -> GlmFit:  # fmt: skip
    """Weighted maximum (quasi-)likelihood; behind: case and weight of each row (n,), where rows share their cases.

    Raises: EstimationError: collinear, separated, diverging, or an outcome the family cannot have.
    """
    kind, name = family_of(family, link)
    rows = len(y) if behind is None else len(behind[0])
    _possible(y[w > 0], family)
    _full_rank(X, w, names)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            first = (
                first_step(y, w, offset, kind, family, behind)
                if start is None
                else step(y, X @ start + offset, w, offset, kind)
            )
            params, working, settled = _scoring(y, X, w, offset, kind, first, start, maxiter)
        except (np.linalg.LinAlgError, ValueError) as error:
            raise EstimationError(UNSETTLED, got="{error}", hint=SPARSE, error=str(error)) from None
    eta = X @ params + offset
    mu, slope = kind.link.inverse(eta), kind.link.inverse_deriv(eta)
    _check(family, settled, mu, w, X, params, working, names, float(w.sum()) / rows)
    score, information = X * (working * (y - mu) / slope)[:, None], X.T @ (X * working[:, None])
    variance = np.linalg.inv(information)
    pearson = float((w * (y - mu) ** 2 / kind.variance(mu)).sum())
    null = _null_mean(y, w, offset, kind) if "Intercept" in names else kind.link.inverse(offset)
    return GlmFit(
        np.asarray(params), np.asarray(variance, dtype=float), score, eta, mu, slope, name, kind,
        float(kind.deviance(y, mu, freq_weights=w)),
        float(kind.deviance(y, null, freq_weights=w)), pearson / max(rows - X.shape[1], 1), y,
    )  # fmt: skip


def _scoring(
    y: Floats, X: Floats, w: Floats, offset: Floats, kind: Any, first: tuple[Floats, Floats], start: Floats | None,
    maxiter: int, tolerance: float = 1e-13,
) -> tuple[Floats, Floats, bool]:  # fmt: skip
    """Iteratively re-weighted least squares until the deviance stands still to 1e-13 (McCullagh & Nelder 1989, 2.5).

    Returns: coefficients, the working weights of the last step (which give information and scores, as in R), settled.
    """
    deviance, b = np.inf, start
    working, response = first
    for _ in range(maxiter):
        root = np.sqrt(working)[:, None]
        new = np.linalg.lstsq(root * X, root[:, 0] * response, rcond=None)[0]
        for _half in range(30):
            eta = X @ new + offset
            latest = float(kind.deviance(y, kind.link.inverse(eta), freq_weights=w))
            if np.isfinite(latest) or b is None:
                break
            new = (new + b) / 2
        b = np.asarray(new)
        if abs(latest - deviance) / (abs(latest) + 0.1) < tolerance:
            return b, working, True
        deviance = latest
        working, response = step(y, eta, w, offset, kind)
    return np.asarray(b), working, False


def step(y: Floats, eta: Floats, w: Floats, offset: Floats, kind: Any) -> tuple[Floats, Floats]:
    """Working weights and working response at a linear predictor."""
    slope, mu = kind.link.inverse_deriv(eta), kind.link.inverse(eta)
    return w * slope**2 / kind.variance(mu), eta - offset + (y - mu) / slope


def first_step(
    y: Floats, w: Floats, offset: Floats, kind: Any, family: str, behind: tuple[Ints, Floats] | None
) -> tuple[Floats, Floats]:
    """The first step; R starts from values that depend on each row's weight, so it is taken by row and added up."""
    if behind is None:
        return step(y, kind.link(_starting_mean(y, w, family)), w, offset, kind)
    case, weights = behind
    mean = _starting_mean(y[case], weights, family)
    working, response = step(y[case], kind.link(mean), weights, offset[case], kind)
    total, product = (weighted_counts(case, part, len(y)) for part in (working, working * response))
    return total, product / np.where(total > 0, total, 1.0)


def _starting_mean(y: Floats, w: Floats, family: str) -> Floats:
    """Fitted values to start from, as R's families have them."""
    if family == "binomial":
        return np.asarray((w * y + 0.5) / (w + 1))
    return y + 0.1 if family == "poisson" else y


def _possible(y: Floats, family: str) -> None:
    """Raises: EstimationError: an outcome that the family cannot have."""
    strict = family in ("gamma", "inverse_gaussian")
    if (family == "poisson" and (y < 0).any()) or (strict and (y <= 0).any()):
        raise EstimationError(
            "The outcome has values that the family cannot have", expected="above 0" if strict else "0 or above",
            got="{count} others", hint="use another family, or correct the values",
            count=int(((y <= 0) if strict else (y < 0)).sum()),
        )  # fmt: skip


def _full_rank(X: Floats, w: Floats, names: list[str]) -> None:
    """Raises: EstimationError: columns are linearly dependent among rows with weight."""
    scaled = X / np.maximum(np.abs(X).max(axis=0, initial=0.0), 1e-300)
    r = np.abs(np.diag(np.linalg.qr(scaled * np.sqrt(w)[:, None], mode="r")))
    if len(X) < X.shape[1] or (r < 1e-9 * r.max()).any():
        culprit = names[int(np.argmin(r))] if len(r) == len(names) else names[-1]
        raise EstimationError(
            "Terms of the model are linearly dependent", where="{term}",
            hint="leave one of the terms that say the same out",
            term=culprit,
        )  # fmt: skip


def _check(
    family: str, settled: bool, mu: Floats, w: Floats, X: Floats, params: Floats, working: Floats, names: list[str],
    usual: float,
) -> None:  # fmt: skip
    """Raises: EstimationError: fitted probabilities ran to 0 or 1 with a coefficient's error, or nothing settled."""
    if family == "binomial" and ((mu < 1e-9) | (mu > 1 - 1e-9))[w > 0].any():
        spread = np.diag(np.linalg.pinv(X.T @ (X * working[:, None])))
        refuse_separation(names, settled, np.abs(X).max(axis=0), spread, float(working.max()), usual)
    if family == "poisson" and ((lost := _zero_direction(mu, w, X)) > 0).any():
        raise EstimationError(
            "All answers are 0 where a term says so (separation), so a coefficient is infinite", where="{term}",
            hint="join a level that has only zeros with another, or leave the term out", term=names[int(lost.argmax())],
        )  # fmt: skip
    if not settled or not np.isfinite(params).all():
        raise EstimationError(UNSETTLED, got="the steps did not settle", hint=SPARSE)


def refuse_separation(
    names: list[str], settled: bool, most: Floats, spread: Floats, working: float, usual: float
) -> None:  # fmt: skip
    """Where fitted probabilities ran to 0 or 1: raise if a coefficient did too.

    Args: most: greatest |x| of each term.   spread: variances of the coefficients.   working: greatest working weight.
        usual: mean weight.
    """
    reach = most * np.sqrt(spread * usual)
    if not settled or (reach > 100).any() or working < 1e-9 * usual:
        raise EstimationError(
            "Some answers are predicted perfectly (separation), so a coefficient is infinite", where="{term}",
            hint="join a level that has only one outcome with another, or leave the term out",
            term=names[int(np.argmax(np.where(np.isfinite(reach), reach, np.inf)))],
        )  # fmt: skip


def _zero_direction(mu: Floats, w: Floats, X: Floats) -> Floats:
    """Share of each coefficient in a direction that only moves rows whose fitted rate ran to 0; 0 if there is none."""
    none, positive = np.zeros(X.shape[1]), mu > 1e-8 * float((w * mu).sum() / w.sum())
    if positive[w > 0].all() or not positive.any():
        return none
    scaled = X / np.maximum(np.abs(X).max(axis=0), 1e-300)
    values, vectors = np.linalg.eigh(scaled[positive].T @ scaled[positive])
    return np.abs(vectors[:, 0]) + 1e-9 * (X.std(axis=0) > 0) if values[0] < 1e-10 * values[-1] else none


def _null_mean(y: Floats, w: Floats, offset: Floats, kind: Any) -> Floats:
    """Fitted values of the model with only a constant (and the offset)."""
    mean = float((w * y).sum() / w.sum())
    if not offset.any():
        return np.full(len(y), mean)
    start = np.array([float(kind.link(mean))])
    ones = np.ones((len(y), 1))
    b, _, _ = _scoring(y, ones, w, offset, kind, step(y, ones @ start + offset, w, offset, kind), start, 100)
    return np.asarray(kind.link.inverse(b[0] + offset))
