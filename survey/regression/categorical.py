"""Ordinal and multinomial regression by weighted maximum likelihood with design-based covariance.

Both likelihoods are maximised by Newton's method with analytic gradients and Hessians: a respondent's influence needs
the Hessian, and a numeric one costs five digits of the standard errors.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.groups import coded
from survey.regression.coefficients import Predictive
from survey.regression.formulas import read_terms, started, without_aliases
from survey.regression.quasinewton import bfgs
from survey.regression.support import lone_directions
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


@dataclass(frozen=True)
class CategoricalFit(Predictive):
    """A fitted ordinal or multinomial model; levels are those of the outcome that the rows used have."""

    levels: list[str]
    problem: _Ordinal | _Multinomial
    columns: list[int]

    @property
    def outcomes(self) -> list[str]:
        """Levels of the outcome in their order."""
        return self.levels

    def average(self, X: Floats) -> tuple[Floats, Floats]:
        """As `Predictive.average`: mean probability of each level."""
        w = self.design.weights[self.used]
        return self.problem.average(self.estimates, X[:, self.columns], w / w.sum())

    @cached_property
    def lone(self) -> Floats:
        """As `Coefficients.lone`: steps stand still in a direction that a replicate lacks, so all are looked at."""
        X, names = self.terms.matrix(self.terms.data), list(self.terms.names)
        if isinstance(self.problem, _Multinomial):
            found = lone_directions(self.design, self.used, X, None, self._replicates)
            return np.asarray(np.kron(np.eye(len(self.levels) - 1), found), dtype=float)
        if "Intercept" not in names:
            X, names = np.column_stack([X, np.ones(len(X))]), [*names, "Intercept"]
        found = lone_directions(self.design, self.used, X, None, self._replicates)
        constant = -found[:, [names.index("Intercept")]]
        return np.hstack([found[:, self.columns], np.repeat(constant, len(self.levels) - 1, axis=1)])

    @property
    def _replicates(self) -> Ints:
        return np.arange(len(self.table) - 1 if self.design.replicates is not None else 0)

    @cached_property
    def absent(self) -> dict[str, list[str]]:
        """As `Predictive.absent`, and the outcome's levels that nobody gave."""
        name = _bare(self.formula.partition("~")[0])
        gone = [label for label in _levels(self.design, name)[1] if label not in self.levels]
        return {**({name: gone} if gone else {}), **self.terms.absent(self.design.frame)}


def fit_categorical(
    d: SurveyDesign, formula: str, family: str, link: str = "", hessian: str = "analytic", optimizer: str = "newton",
    *, offset: str = "", start: ArrayLike | None = None, maxiter: int = 100,
) -> CategoricalFit:  # fmt: skip
    """The model of `survey.model.fit` for outcomes with three or more levels.

    ordinal: P(y ≤ k) = F(ζ_k − xβ), F logistic or normal; coefficients β then thresholds ζ named "a|b".
    multinomial: log P(y = k)/P(y = first) = xβ_k, named "k:term".   df: units − strata − slopes (ordinal, R svyolr) or
    units − strata + 1 − coefficients (multinomial).

    Raises: EstimationError: fewer than three levels, separation, no convergence, or an offset of a multinomial model.
    """
    left = formula.partition("~")[0].strip()
    column, labels = _levels(d, left)
    e = d.assign(_level=np.where(column >= 0, column.astype(float), np.nan))
    terms, y, X, off, used, dropped = read_terms(e, "_level ~" + formula.partition("~")[2], offset)
    code = np.searchsorted(seen := np.unique(y), y)
    names = [labels[int(k)] for k in seen]
    if len(names) < 3:
        raise EstimationError("The outcome has fewer than three levels", where="{left}", left=left,
                              hint='use family="binomial"')  # fmt: skip
    w = d.weights[used] / d.likelihood_scale
    ordinal = family == "ordinal"
    terms, X, aliased = without_aliases(terms, X, w, constant=ordinal)
    keep = [k for k, name in enumerate(terms.names) if not (ordinal and name == "Intercept")]
    slopes = [terms.names[k] for k in keep]
    problem: _Ordinal | _Multinomial
    if ordinal:
        problem = _Ordinal(X[:, keep], code, len(names), link or "logit", off)
        labels_out = slopes + [f"{a}|{b}" for a, b in itertools.pairwise(names)]
    else:
        _no_offset(off)
        problem = _Multinomial(X, code, len(names))
        labels_out = [f"{level}:{name}" for level in names[1:] for name in slopes]
    first = _first(problem, start, w, labels_out)
    theta = _newton(problem, first, w, labels_out, maxiter)
    information = (
        problem.numeric_information(theta, w)
        if hessian == "numeric" and isinstance(problem, _Ordinal)
        else problem.value(theta, w)[2]
    )
    table = _influences(d, problem, theta, used, w, information, labels_out, optimizer, maxiter)
    whole = float(d.degf(used) if d.replicates is None else d.degf())
    freedom = whole - (len(labels_out) - len(names) + 1) if ordinal else whole + 1 - len(labels_out)
    return CategoricalFit(d, formula, family, link or "logit", labels_out, theta, table, used, freedom, dropped,
                          aliased, terms, names, problem, keep)  # fmt: skip


def _no_offset(offset: Floats) -> None:
    if offset.any():
        raise EstimationError(
            "A multinomial model takes no offset", expected="covariates only: each level has its own linear predictor",
            hint="enter it as a covariate, or fit a binomial model of the two levels compared",
        )  # fmt: skip


def _first(problem: _Ordinal | _Multinomial, start: ArrayLike | None, w: Floats, names: list[str]) -> Floats:
    """Where the steps begin.   Raises: EstimationError: thresholds that do not rise, or as `started`."""
    first = started(start, names)
    if first is None:
        return problem.start(w)
    if isinstance(problem, _Ordinal) and (np.diff(first[problem.X.shape[1] :]) <= 0).any():
        raise EstimationError("The thresholds to start from do not rise", expected="each above the one before it")
    return first


def _bare(left: str) -> str:
    """The outcome's column: what stands in C(…), or the text itself."""
    left = left.strip()
    return left[2:-1].strip() if left.startswith("C(") and left.endswith(")") else left


def _levels(d: SurveyDesign, left: str) -> tuple[Ints, list[str]]:
    left = _bare(left)
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

    def average(self, theta: Floats, X: Floats, share: Floats) -> tuple[Floats, Floats]:
        """Mean probability of each level (K,) and its gradient (K, k)."""
        k = X.shape[1]
        ends = theta[k:] - (X @ theta[:k] + self.offset)[:, None]
        cumulative, density = share @ self.F(ends), share[:, None] * self.f(ends)
        slope = np.hstack([-density.T @ X, np.diag(density.sum(axis=0))])
        edge = np.zeros((1, len(theta)))
        return np.diff(cumulative, prepend=0.0, append=1.0), np.diff(np.vstack([edge, slope, edge]), axis=0)

    def sizes(self) -> Floats:
        """Largest value of the covariate of each slope."""
        return np.asarray(np.abs(self.X).max(axis=0, initial=0.0))

    def scores(self, theta: Floats) -> Floats:
        """Derivatives of each row's log-likelihood (n, k)."""
        _, ga, gb, _ = self.parts(theta)
        return np.asarray(ga[:, None] * self.upper + gb[:, None] * self.lower)

    def constrained(self, free: Floats) -> tuple[Floats, Floats]:
        """θ and its derivatives from (β, ζ_1, log of the thresholds' gaps)."""
        k = self.X.shape[1]
        gaps = np.exp(free[k + 1 :])
        zeta = np.cumsum(np.append(free[k], gaps))
        inner = np.vstack([np.ones(len(zeta)), *((np.arange(len(zeta)) > j) * gap for j, gap in enumerate(gaps))]).T
        jacobian = np.eye(len(free))
        jacobian[k:, k:] = inner
        return np.append(free[:k], zeta), jacobian

    def unconstrained(self, theta: Floats) -> Floats:
        """(β, ζ_1, log of the thresholds' gaps)."""
        k = self.X.shape[1]
        return np.concatenate([theta[: k + 1], np.log(np.diff(theta[k:]))])

    def gradient(self, free: Floats, w: Floats) -> Floats:
        """Derivatives of the negative log-likelihood in the unconstrained parameters."""
        theta, jacobian = self.constrained(free)
        return np.asarray(-(w @ self.scores(theta)) @ jacobian)

    def numeric_information(self, theta: Floats, w: Floats, step: float = 1e-3) -> Floats:
        """Information by central differences of the gradient in the unconstrained parameters."""
        free = self.unconstrained(theta)
        moves = [step * row for row in np.eye(len(free))]
        H = np.array([(self.gradient(free + move, w) - self.gradient(free - move, w)) / (2 * step) for move in moves])
        inverse = np.linalg.inv(self.constrained(free)[1])
        return np.asarray(inverse.T @ ((H + H.T) / 2) @ inverse)

    def quasi_newton(self, theta: Floats, w: Floats) -> Floats:
        """Maximum as R's polr leaves it: by BFGS, until a step gains less than 1.5e-8 of the likelihood."""
        with np.errstate(all="ignore"):  # steps may try far too much
            found = self._searched(theta, w)
        return self.constrained(found)[0]

    def _searched(self, theta: Floats, w: Floats) -> Floats:
        return bfgs(
            lambda free: -float(w @ self.parts(self.constrained(free)[0])[0]),
            lambda free: self.gradient(free, w),
            self.unconstrained(theta),
        )


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
        p = self.probabilities(theta, self.X)
        gap = (self.code[:, None] == np.arange(1, self.levels)) - p[:, 1:]
        scores = (gap[:, :, None] * self.X[:, None, :]).reshape(n, -1)
        information = np.zeros((len(theta), len(theta)))
        for a in range(self.levels - 1):
            for b in range(self.levels - 1):
                curve = w * p[:, a + 1] * ((a == b) - p[:, b + 1])
                information[a * k : (a + 1) * k, b * k : (b + 1) * k] = self.X.T @ (self.X * curve[:, None])
        return float(w @ np.log(np.maximum(p[np.arange(n), self.code], 1e-300))), scores, information

    def probabilities(self, theta: Floats, X: Floats) -> Floats:
        """Probability of each level (n, K)."""
        eta = np.column_stack([np.zeros(len(X)), X @ theta.reshape(self.levels - 1, -1).T])
        grown = np.exp(eta - eta.max(axis=1, keepdims=True))
        return np.asarray(grown / grown.sum(axis=1, keepdims=True))

    def average(self, theta: Floats, X: Floats, share: Floats) -> tuple[Floats, Floats]:
        """Mean probability of each level (K,) and its gradient (K, k)."""
        p = self.probabilities(theta, X)
        spread = np.eye(self.levels)[:, 1:] - p[:, None, 1:]  # (n, K, K−1): ∂p_k/∂η_a = p_k (1(k = a) − p_a)
        slope = np.einsum("nk,nka,nj->kaj", share[:, None] * p, spread, X, optimize=True)
        return share @ p, slope.reshape(self.levels, -1)

    def sizes(self) -> Floats:
        """Largest value of the covariate of each coefficient."""
        return np.tile(np.abs(self.X).max(axis=0, initial=0.0), self.levels - 1)


def _reach(information: Floats, usual: float) -> Floats:
    """Standard error of each coefficient were every row of usual weight, also where the information runs to 0."""
    values, vectors = np.linalg.eigh(information)
    return np.asarray(np.sqrt((vectors**2 / np.maximum(values, 1e-12 * values.max())).sum(axis=1) * usual))


def _newton(
    problem: _Ordinal | _Multinomial, theta: Floats, w: Floats, names: list[str], maxiter: int = 200
) -> Floats:  # fmt: skip
    """Maximum by Newton steps with halving.   Raises: EstimationError: it runs away or stands still."""
    value, scores, information = problem.value(theta, w)
    for _ in range(maxiter):
        step = np.linalg.lstsq(information, w @ scores, rcond=None)[0]
        size = float(np.max(np.abs(step) / (np.abs(theta) + 1e-6)))
        for _half in range(40):
            trial = problem.value(theta + step, w)
            if trial[0] >= value - 1e-9 * abs(value):
                break
            step = step / 2
        gain = trial[0] - value
        theta, (value, scores, information) = theta + step, trial
        if size < 1e-12 or (size > 1e-3 and abs(gain) < 1e-11 * (abs(value) + 0.1)):  # the second: on a plateau
            break
    _check(problem, theta, w, scores, information, names)
    return theta


def _check(
    problem: _Ordinal | _Multinomial, theta: Floats, w: Floats, scores: Floats, information: Floats, names: list[str]
) -> None:  # fmt: skip
    """Raises: EstimationError: a coefficient runs to infinity with its error, or the steps did not settle."""
    sizes = problem.sizes()
    slopes = np.abs(theta[: len(sizes)]) * sizes
    if slopes.size and np.isfinite(information).all() and np.isfinite(theta).all():
        far = _reach(information, float(w[w > 0].mean()))[: len(sizes)] * sizes > 100
        if far.any() and slopes.max() > 10:
            constant = np.array([name.endswith("Intercept") for name in names[: len(sizes)]])
            raise EstimationError(
                "Some answers are predicted perfectly (separation), so a coefficient is infinite", where="{term}",
                hint="join a level that has only one outcome with another, or leave the term out",
                term=names[int(np.argmax(np.where(far & ~constant, slopes, np.where(far, 0.0, -1.0))))],
            )  # fmt: skip
    if not np.isfinite(theta).all() or np.abs(w @ scores).max() > 1e-6 * w.sum() or np.abs(theta).max() > 1e3:
        raise EstimationError(
            "The model does not converge", hint="scale large covariates, join sparse levels, or leave a term out"
        )


def _influences(
    d: SurveyDesign, problem: Any, theta: Floats, used: Any, w: Floats, information: Floats, names: list[str],
    optimizer: str, maxiter: int,
) -> Floats:  # fmt: skip
    """Unit totals of score · information⁻¹, or the coefficients of every replicate."""
    scores = problem.value(theta, w)[1]
    if d.replicates is None:
        z = np.zeros((len(used), len(theta)))
        z[used] = (w[:, None] * scores) @ np.linalg.inv(information)
        return d.unit_totals(z)
    factors = d.replicates.factors(d.mask)[used]
    table = np.full((factors.shape[1], len(theta)), np.nan)
    for r in range(factors.shape[1]):
        if optimizer == "bfgs" and isinstance(problem, _Ordinal):
            table[r] = problem.quasi_newton(theta, factors[:, r])
            continue
        try:
            table[r] = _newton(problem, theta, factors[:, r] / factors[:, r].mean(), names, maxiter)
        except EstimationError:
            continue
    return table
