"""Regression models with design-based inference: statsmodels fits, the design gives the covariance.

θ̂ solves Σ w_i u_i(θ) = 0; respondent i's influence is z_i = w_i u_i(θ̂) · I(θ̂)⁻¹ with I the expected information
(Binder 1983), and Var θ̂ = design.variance(z). Under replicate weights the model is fitted again for each replicate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from survey.compare import p_two_sided
from survey.covariance import Covariance, remember
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.formulas import Terms, read_terms, without_aliases
from survey.glm import GlmFit, fit_glm
from survey.intervals import mean_interval
from survey.linearized import Bools, Floats
from survey.tidy import results

FAMILIES = ("gaussian", "binomial", "poisson", "gamma", "inverse_gaussian")


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of a model with their design-based covariance.

    names: terms; estimates: their coefficients; table: unit totals of influences, or replicate coefficients; used: rows
    (n,); df: degrees of freedom of t and F; dropped: reason → rows left out; aliased: terms dropped because they
    repeat earlier ones.
    """

    design: SurveyDesign
    formula: str
    family: str
    link: str
    names: list[str]
    estimates: Floats
    table: Floats
    used: Bools
    df: float
    dropped: dict[str, int]
    aliased: list[str]

    @property
    def n(self) -> int:
        """Rows the model used."""
        return int(self.used.sum())

    @property
    def params(self) -> pd.Series:
        """Coefficients by term, on the scale of the link."""
        return pd.Series(self.estimates, index=self.names)

    @cached_property
    def vcov(self) -> pd.DataFrame:
        """Design-based covariance of the coefficients."""
        return pd.DataFrame(self.design.covariance(self.table, self.used), index=self.names, columns=self.names)

    @property
    def se(self) -> pd.Series:
        """Standard errors by term."""
        return pd.Series(np.sqrt(np.diag(self.vcov)), index=self.names)

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Coefficients as `survey.tidy` rows: statistic "coefficient", t interval and p on the model's df."""
        return self.rows("coefficient", list(self.names), [""] * len(self.names), self.estimates, self.table, level)

    def rows(
        self, statistic: str, items: list[str], levels: list[str], value: Floats, table: Floats, level: float
    ) -> pd.DataFrame:  # fmt: skip
        """Tidy rows of statistics whose influences or replicate values are the columns of a table."""
        se = np.sqrt(self.design.variances(table, self.used))
        freedom = np.full(len(value), self.df)
        low, high = mean_interval(value, se, freedom, level)
        with np.errstate(divide="ignore", invalid="ignore"):
            p, cv = p_two_sided(value / se, self.df), se / np.abs(value)
        frame = results(pd.DataFrame({
            "item": items, "statistic": statistic, "level": levels, "estimate": value, "se": se, "ci_low": low,
            "ci_high": high, "df": self.df, "n": self.n, "n_weighted": float(self.design.weights[self.used].sum()),
            "p": p, "cv": cv,
        }))  # fmt: skip
        replicated = self.design.replicates is not None
        return remember(frame, Covariance(lambda: table, self.design.covariance, freedom, replicated))


@dataclass(frozen=True)
class Fit(Coefficients):
    """A fitted generalised linear model; `glm` holds what the likelihood gave."""

    terms: Terms
    glm: GlmFit

    def margins(self, variables: list[str] | None = None, level: float = 0.95) -> pd.DataFrame:
        """Average marginal effects on the response scale: dE(y)/dx of numbers, differences from a
        category's first level.

        Averaged with the weights over the rows used; SE by the delta method from the coefficients' covariance
        (covariates held as observed).

        Returns: rows of statistic "marginal effect", item the variable, level the category (or "" for numbers).
        """
        from survey.margins import average_effects

        effects = average_effects(self, variables)
        slopes = np.array([effect.slope for effect in effects]).reshape(len(effects), -1)
        value = np.array([effect.value for effect in effects])
        items, levels = [e.variable for e in effects], [e.level for e in effects]
        return self.rows("marginal effect", items, levels, value, self.table @ slopes.T, level)


def fit(
    d: SurveyDesign, formula: str, family: str = "gaussian", *, link: str = "", offset: str = "", maxiter: int = 100,
    hessian: Literal["analytic", "numeric"] = "analytic",
) -> Any:  # fmt: skip
    """Regression of a survey outcome with design-based standard errors.

    Args:
        formula: as statsmodels takes it (patsy): "y ~ x1 + C(x2)"; a two-level categorical or boolean outcome of a
            binomial model counts its second level; offset(expression) may stand among the terms.
        family: gaussian, binomial, poisson, gamma, inverse_gaussian, ordinal, multinomial.
        link: identity, logit, probit, cloglog, log, inverse, …; the family's usual one if not given.
        offset: a further expression added to the linear predictor.
        hessian: of an ordinal model; "numeric" differs the gradient by ±0.001, as R svyolr does, and loses digits.
    Returns: a `Fit` (ordinal and multinomial: `Coefficients`); rows with a missing value in
        any term are left out and counted in `.dropped`.
    Raises: EstimationError: a term is not there, the outcome is constant or perfectly
        separated, or the fit does not converge; each with a hint.

    >>> frame = pd.DataFrame({"y": [1.0, 2, 2, 5, 4, 7], "x": [0.0, 1, 2, 3, 4, 5], "w": 1.0})
    >>> m = fit(SurveyDesign(frame, "w"), "y ~ x")
    >>> m.params.round(4).to_dict(), m.df
    ({'Intercept': 0.7143, 'x': 1.1143}, 4.0)
    """
    if family in ("ordinal", "multinomial"):
        from survey.categorical import fit_categorical

        return fit_categorical(d, formula, family, link, hessian)
    if family not in FAMILIES:
        raise EstimationError(
            "The family is not known", expected="{known}", got="{family}", family=family, known=", ".join(FAMILIES)
        )
    terms, y, X, off, used, dropped = read_terms(d, formula, offset, binary=family == "binomial")
    terms, X, aliased = without_aliases(terms, X, d.weights[used])
    scale = d.likelihood_scale
    glm = fit_glm(y, X, d.weights[used] / scale, off, family, link, maxiter, terms.names)
    table = _influences(d, glm, y, X, off, used, family, link, maxiter, terms)
    freedom = float(d.degf(used) if d.replicates is None else d.degf()) + 1 - X.shape[1]
    names = terms.names
    return Fit(d, formula, family, glm.link, names, glm.params, table, used, freedom, dropped, aliased, terms, glm)


def _influences(d: SurveyDesign, glm: GlmFit, y: Floats, X: Floats, off: Floats, used: Bools, family: str, link: str,
          maxiter: int, terms: Terms) -> Floats:  # fmt: skip
    """Unit totals of the rows' influences, or the coefficients of every replicate."""
    if d.replicates is None:
        z = np.zeros((len(used), X.shape[1]))
        z[used] = glm.scores @ glm.covariance
        return d.unit_totals(z)
    factors = d.replicates.factors(d.mask)[used]
    table = np.full((factors.shape[1], X.shape[1]), np.nan)
    for r in range(factors.shape[1]):
        keep = factors[:, r] > 0
        w = factors[keep, r]
        try:
            again = fit_glm(y[keep], X[keep], w / w.sum(), off[keep], family, link, maxiter, terms.names, glm.params)
            table[r] = again.params
        except EstimationError:
            continue
    return table
