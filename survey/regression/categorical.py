"""Ordinal and multinomial regression by weighted maximum likelihood with design-based covariance.

Both likelihoods are maximised by Newton's method with analytic gradients and Hessians: a respondent's influence needs
the Hessian, and a numeric one costs five digits of the standard errors.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.groups import coded
from survey.regression.coefficients import Coefficients
from survey.regression.formulas import read_terms
from survey.sampling.linearized import Floats, Ints

Likelihood = Callable[[Floats, Floats], tuple[float, Floats, Floats]]
LINKS: dict[str, tuple[Callable[[Floats], Floats], Callable[[Floats], Floats], Callable[[Floats], Floats]]] = {
    "logit": (
        stats.logistic.cdf,
        stats.logistic.pdf,
        lambda x: stats.logistic.pdf(x) * (1 - 2 * stats.logistic.cdf(x)),
    ),
    "probit": (stats.norm.cdf, stats.norm.pdf, lambda x: -x * stats.norm.pdf(x)),
}


def fit_categorical(
    d: SurveyDesign, formula: str, family: str, link: str = "", hessian: str = "analytic"
) -> Coefficients:  # fmt: skip
    """The model of `survey.model.fit` for outcomes with three or more levels.

    ordinal: P(y ≤ k) = F(ζ_k − xβ), F logistic or normal; coefficients β then thresholds ζ named "a|b".
    multinomial: log P(y = k)/P(y = first) = xβ_k, named "k:term".   df: units − strata − slopes (ordinal, R svyolr) or
    units − strata + 1 − coefficients (multinomial).

    Raises: EstimationError: fewer than three levels, or no convergence.
    """
    left = formula.partition("~")[0].strip()
    column, labels = _levels(d, left)
    e = d.assign(_level=np.where(column >= 0, column.astype(float), np.nan))
    terms, y, X, off, used, dropped = read_terms(e, "_level ~" + formula.partition("~")[2])
    code = np.searchsorted(seen := np.unique(y), y)
    names = [labels[int(k)] for k in seen]
    if len(names) < 3:
        raise EstimationError("The outcome has fewer than three levels", where="{left}", left=left,
                              hint='use family="binomial"')  # fmt: skip
    w = d.weights[used] / d.likelihood_scale
    ordinal = family == "ordinal"
    problem: _Ordinal | _Multinomial
    if ordinal:
        keep = [k for k, name in enumerate(terms.names) if name != "Intercept"]
        problem = _Ordinal(X[:, keep], code, len(names), link or "logit", off)
        labels_out = [terms.names[k] for k in keep] + [f"{a}|{b}" for a, b in itertools.pairwise(names)]
    else:
        problem = _Multinomial(X, code, len(names))
        labels_out = [f"{level}:{name}" for level in names[1:] for name in terms.names]
    theta = _newton(problem, problem.start(w), w)
    information = (
        problem.numeric_information(theta, w)
        if hessian == "numeric" and isinstance(problem, _Ordinal)
        else problem.value(theta, w)[2]
    )
    table = _influences(d, problem, theta, used, w, information)
    whole = float(d.degf(used) if d.replicates is None else d.degf())
    freedom = whole - (len(labels_out) - len(names) + 1) if ordinal else whole + 1 - len(labels_out)
    return Coefficients(d, formula, family, link or "logit", labels_out, theta, table, used, freedom, dropped, [])


def _levels(d: SurveyDesign, left: str) -> tuple[Ints, list[str]]:
    if left.startswith("C(") and left.endswith(")"):
        left = left[2:-1].strip()
    if left not in d.frame.columns:
        raise EstimationError("The outcome is not in the data", where="{left}", left=left)
    return coded(d.frame[left])


class _Ordinal:
    """Cumulative link model; θ = (β, ζ)."""

    def __init__(self, X: Floats, code: Ints, levels: int, link: str, offset: Floats) -> None:
        if link not in LINKS:
            raise EstimationError("The link is not known", expected="logit or probit", got="{link}", link=link)
        self.X, self.code, self.levels, self.offset = X, code, levels, offset
        self.F, self.f, self.df = LINKS[link]
        cut = np.eye(levels - 1)
        above, below = np.vstack([cut, np.zeros(levels - 1)]), np.vstack([np.zeros(levels - 1), cut])
        self.upper = np.hstack([-X, above[code]])
        self.lower = np.hstack([-X, below[code]])
        self.top, self.bottom = code == levels - 1, code == 0

    def start(self, w: Floats) -> Floats:
        """No slopes, and thresholds at the cumulative shares."""
        share = np.cumsum(np.bincount(self.code, weights=w, minlength=self.levels))[:-1] / w.sum()
        return np.concatenate([np.zeros(self.X.shape[1]), np.log(share / (1 - share))])

    def parts(self, theta: Floats, rows: Any = slice(None)) -> tuple[Floats, Floats, Floats, Floats]:
        """log p, its derivatives in the upper and the lower end, and the ends' second derivatives stacked (3, n)."""
        a = np.where(self.top[rows], 50.0, self.upper[rows] @ theta - self.offset[rows])
        b = np.where(self.bottom[rows], -50.0, self.lower[rows] @ theta - self.offset[rows])
        p = np.maximum(self.F(a) - self.F(b), 1e-300)
        fa, fb = np.where(self.top[rows], 0.0, self.f(a)), np.where(self.bottom[rows], 0.0, self.f(b))
        da, db = np.where(self.top[rows], 0.0, self.df(a)), np.where(self.bottom[rows], 0.0, self.df(b))
        ga, gb = fa / p, -fb / p
        return np.log(p), ga, gb, np.vstack([da / p - ga**2, -db / p - gb**2, -ga * gb])

    def value(self, theta: Floats, w: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood, scores of the rows (n, k) and information (k, k)."""
        log_p, ga, gb, second = self.parts(theta)
        if (np.diff(theta[self.X.shape[1] :]) <= 0).any():
            return -np.inf, self.scores(theta), np.eye(len(theta))
        scores = ga[:, None] * self.upper + gb[:, None] * self.lower
        U, L = self.upper, self.lower
        cross = U.T @ ((w * second[2])[:, None] * L)
        hessian = U.T @ ((w * second[0])[:, None] * U) + L.T @ ((w * second[1])[:, None] * L) + cross + cross.T
        return float(w @ log_p), scores, -hessian

    def scores(self, theta: Floats) -> Floats:
        """Derivatives of each row's log-likelihood (n, k)."""
        _, ga, gb, _ = self.parts(theta)
        return np.asarray(ga[:, None] * self.upper + gb[:, None] * self.lower)

    def numeric_information(self, theta: Floats, w: Floats, step: float = 1e-3) -> Floats:
        """Information by central differences of the gradient in (β, ζ_1, log of the thresholds' gaps)."""
        k = self.X.shape[1]

        def gradient(free: Floats) -> tuple[Floats, Floats]:
            gaps = np.exp(free[k + 1 :])
            zeta = np.cumsum(np.append(free[k], gaps))
            inner = np.vstack([np.ones(len(zeta)), *((np.arange(len(zeta)) > j) * gap for j, gap in enumerate(gaps))]).T
            jacobian = np.eye(len(free))
            jacobian[k:, k:] = inner
            return -(w @ self.scores(np.append(free[:k], zeta))) @ jacobian, jacobian

        zeta = theta[k:]
        free = np.concatenate([theta[:k], zeta[:1], np.log(np.diff(zeta))])
        moves = [step * row for row in np.eye(len(free))]
        H = np.array([(gradient(free + move)[0] - gradient(free - move)[0]) / (2 * step) for move in moves])
        inverse = np.linalg.inv(gradient(free)[1])
        return np.asarray(inverse.T @ ((H + H.T) / 2) @ inverse)


class _Multinomial:
    """Baseline-category logit; θ = (β_2, …, β_K)."""

    def __init__(self, X: Floats, code: Ints, levels: int) -> None:
        self.X, self.code, self.levels = X, code, levels

    def start(self, w: Floats) -> Floats:
        """Coefficients of equal shares, whatever the weights."""
        return np.asarray(np.zeros(self.X.shape[1] * (self.levels - 1)) * w[0])

    def value(self, theta: Floats, w: Floats) -> tuple[float, Floats, Floats]:
        """Log-likelihood, scores of the rows (n, k) and information (k, k)."""
        n, k = self.X.shape
        eta = np.column_stack([np.zeros(n), self.X @ theta.reshape(self.levels - 1, k).T])
        eta = eta - eta.max(axis=1, keepdims=True)
        p = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
        gap = (self.code[:, None] == np.arange(1, self.levels)) - p[:, 1:]
        scores = (gap[:, :, None] * self.X[:, None, :]).reshape(n, -1)
        information = np.zeros((len(theta), len(theta)))
        for a in range(self.levels - 1):
            for b in range(self.levels - 1):
                curve = w * p[:, a + 1] * ((a == b) - p[:, b + 1])
                information[a * k : (a + 1) * k, b * k : (b + 1) * k] = self.X.T @ (self.X * curve[:, None])
        return float(w @ np.log(p[np.arange(n), self.code])), scores, information


def _newton(problem: _Ordinal | _Multinomial, theta: Floats, w: Floats) -> Floats:
    """Maximum by Newton steps with halving.   Raises: EstimationError: it runs away or stands still."""
    value, scores, information = problem.value(theta, w)
    for _ in range(200):
        step = np.linalg.lstsq(information, w @ scores, rcond=None)[0]
        size = float(np.max(np.abs(step) / (np.abs(theta) + 1e-6)))
        for _half in range(40):
            trial = problem.value(theta + step, w)
            if trial[0] >= value - 1e-9 * abs(value):
                break
            step = step / 2
        theta, (value, scores, information) = theta + step, trial
        if size < 1e-12:
            break
    if not np.isfinite(theta).all() or np.abs(w @ scores).max() > 1e-6 * w.sum() or np.abs(theta).max() > 1e3:
        raise EstimationError("The model does not converge", hint="join sparse levels, or leave a term out")
    return theta


def _influences(d: SurveyDesign, problem: Any, theta: Floats, used: Any, w: Floats, information: Floats) -> Floats:
    """Unit totals of score · information⁻¹, or the coefficients of every replicate."""
    scores = problem.value(theta, w)[1]
    if d.replicates is None:
        z = np.zeros((len(used), len(theta)))
        z[used] = (w[:, None] * scores) @ np.linalg.inv(information)
        return d.unit_totals(z)
    factors = d.replicates.factors(d.mask)[used]
    table = np.full((factors.shape[1], len(theta)), np.nan)
    for r in range(factors.shape[1]):
        try:
            table[r] = _newton(problem, theta, factors[:, r] / factors[:, r].mean())
        except EstimationError:
            continue
    return table
