"""Regression models with design-based inference: statsmodels fits, the design gives the covariance.

θ̂ solves Σ w_i u_i(θ) = 0; respondent i's influence is z_i = w_i u_i(θ̂) · I(θ̂)⁻¹ with I the expected information
(Binder 1983), and Var θ̂ = design.variance(z). Under replicate weights the model is fitted again for each replicate.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from survey import estimate
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import vcov
from survey.estimation.groups import text
from survey.estimation.intervals import mean_interval
from survey.regression.categorical import fit_categorical
from survey.regression.coefficients import Fit
from survey.regression.formulas import Read, read_terms, started, without_aliases
from survey.regression.glm import GlmFit, fit_glm
from survey.sampling.linearized import Floats
from survey.tidy import results

FAMILIES = ("gaussian", "binomial", "poisson", "gamma", "inverse_gaussian")


def fit(
    d: SurveyDesign, formula: str, family: str = "gaussian", *, link: str = "", offset: str = "", maxiter: int = 100,
    hessian: Literal["analytic", "numeric"] = "analytic", start: ArrayLike | None = None,
    optimizer: Literal["newton", "bfgs"] = "newton",
) -> Any:  # fmt: skip
    """Regression of a survey outcome with design-based standard errors.

    Args:
        formula: as statsmodels takes it (patsy): "y ~ x1 + C(x2)"; a two-level categorical or boolean outcome of a
            binomial model counts its second level; offset(expression) may stand among the terms.
        family: gaussian, binomial, poisson, gamma, inverse_gaussian, ordinal, multinomial.
        link: identity, logit, probit, cloglog, log, inverse, …; the family's usual one if not given.
        offset: a further expression added to the linear predictor; not of a multinomial model, which has several.
        start: coefficients to start from, in the order of `params`; the family's usual start if not given. Where steps
            converge slowly (links other than the canonical one) two starts may differ in the eighth digit.
        maxiter: most steps, of the replicates' fits too.
        hessian: of an ordinal model; "numeric" differs the gradient by ±0.001, as R svyolr does, and loses digits.
        optimizer: of an ordinal model's replicates; "bfgs" stops early, as R's polr (up to 1 % in a standard error).
    Returns: a `Fit` (ordinal and multinomial: `CategoricalFit`); rows with a missing value in
        any term are left out and counted in `.dropped`.
    Raises: EstimationError: a term is not there, the outcome is constant or perfectly
        separated, or the fit does not converge; each with a hint.

    >>> frame = pd.DataFrame({"y": [1.0, 2, 2, 5, 4, 7], "x": [0.0, 1, 2, 3, 4, 5], "w": 1.0})
    >>> m = fit(SurveyDesign(frame, "w"), "y ~ x")
    >>> m.params.round(4).to_dict(), m.df
    ({'Intercept': 0.7143, 'x': 1.1143}, 4.0)
    """
    if family in ("ordinal", "multinomial"):
        return fit_categorical(
            d, formula, family, link, hessian, optimizer, offset=offset, start=start, maxiter=maxiter
        )
    if family not in FAMILIES:
        raise EstimationError(
            "The family is not known", expected="{known}", got="{family}", family=family, known=", ".join(FAMILIES)
        )
    read = read_terms(d, formula, offset, binary=family == "binomial", distinct=True)
    row_weights = d.weights[read.used] / d.likelihood_scale
    w = read.terms.sums(row_weights)
    if np.ptp(read.y) == 0 and np.ptp(read.offset) == 0:
        raise EstimationError("The outcome is the same in every row used", where="{left}", left=read.terms.outcome,
                              hint="check the domain: there is nothing to explain")  # fmt: skip
    terms, X, aliased = without_aliases(read.terms, read.X, w)
    behind = None if terms.case is None else (terms.case, row_weights)
    first = started(start, terms.names)
    glm = fit_glm(read.y, X, w, read.offset, family, link, maxiter, terms.names, first, behind)
    table = _influences(d, glm, read._replace(terms=terms, X=X), row_weights, family, link, maxiter)
    freedom = float(d.degf(read.used) if d.replicates is None else d.degf()) + 1 - X.shape[1]
    return Fit(d, formula, family, glm.link, terms.names, glm.params, table, read.used, freedom, read.dropped,
               aliased, terms, glm)  # fmt: skip


def adjusted_means(m: Fit, factor: str, level: float = 0.95) -> pd.DataFrame:
    """Mean prediction with everybody in one group after the other, the other covariates as they are.

    The factor joins the model; the variance adds that of the coefficients to that of the averaging (Korn & Graubard
    1999, ch. 3.6; R svypredmeans).

    Returns: rows of statistic "adjusted mean", level the group.
    Raises: EstimationError: the factor is in the model already.
    """
    if factor in m.terms.variables:
        raise EstimationError("The factor is in the model already", where="{factor}", factor=factor)
    d = m.design
    column = d.frame[factor]
    levels = list(column.cat.categories) if hasattr(column, "cat") else sorted(column.dropna().unique())
    larger = fit(d, f"{m.formula} + C({factor})", m.family, link=m.link)
    levels = [value for value in levels if (column[m.used] == value).any()]
    w = d.weights[larger.used]
    fits, slopes = [], []
    for value in levels:
        X = larger.terms.matrix(larger.terms.data.assign(**{factor: _constant(larger.terms.data[factor], value)}))
        eta = X @ larger.estimates
        whole = np.full(len(d.frame), np.nan)
        whole[larger.used] = larger.glm.family.link.inverse(eta)
        fits.append(whole)
        slopes.append((w * larger.glm.family.link.inverse_deriv(eta)) @ X / w.sum())
    names = [f"_fit{k}" for k in range(len(levels))]
    means = estimate.mean(d.assign(**dict(zip(names, fits, strict=True))), names)
    G = np.array(slopes)
    covariance = vcov(means) + G @ larger.vcov.to_numpy() @ G.T
    se = np.sqrt(np.diag(covariance))
    freedom = np.full(len(levels), float(d.degf()))
    low, high = mean_interval(means["estimate"].to_numpy(), se, freedom, level)
    out = results(pd.DataFrame({
        "item": m.formula.split("~")[0].strip(), "statistic": "adjusted mean", "level": [text(v) for v in levels],
        "estimate": means["estimate"], "se": se, "ci_low": low, "ci_high": high, "df": freedom, "n": larger.n,
        "cv": se / np.abs(means["estimate"]),
    }))  # fmt: skip
    out.attrs["vcov"] = covariance.tolist()
    return out


def _constant(column: pd.Series, value: object) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical([value] * len(column), dtype=column.dtype), index=column.index)
    return pd.Series([value] * len(column), index=column.index)


def _influences(
    d: SurveyDesign, glm: GlmFit, read: Read, weights: Floats, family: str, link: str, maxiter: int
) -> Floats:
    """Unit totals of the rows' influences, or the coefficients of every replicate."""
    if d.replicates is None:
        return _unit_totals(d, glm.scores @ glm.covariance, read, weights)
    factors = read.terms.sums(d.replicates.factors(d.mask)[read.used])
    table = np.full((factors.shape[1], read.X.shape[1]), np.nan)
    for r in range(factors.shape[1]):
        keep = factors[:, r] > 0
        w = factors[keep, r]
        try:
            again = fit_glm(read.y[keep], read.X[keep], w / w.sum(), read.offset[keep], family, link, maxiter,
                            read.terms.names, glm.params)  # fmt: skip
            table[r] = again.params
        except EstimationError:
            continue
    return table


def _unit_totals(d: SurveyDesign, influence: Floats, read: Read, weights: Floats) -> Floats:
    """Influences of the cases (C, k) summed by sampling unit: from the weights by unit and case where that is small."""
    case = read.terms.case
    if case is None:
        z = np.zeros((len(read.used), influence.shape[1]))
        z[read.used] = influence
        return d.unit_totals(z)
    each = influence / read.terms.sums(weights)[:, None]
    if d.calibrations or d.linearized is None or d.linearized.units * len(each) > 4 * len(case):
        z = np.zeros((len(read.used), influence.shape[1]))
        z[read.used] = each[case] * weights[:, None]
        return d.unit_totals(z)
    units, cases = d.linearized.units, len(each)
    unit = d.linearized.unit if len(case) == len(read.used) else d.linearized.unit[read.used]
    return np.bincount(unit * cases + case, weights, units * cases).reshape(units, cases) @ each
