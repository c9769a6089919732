"""Tests of terms and of nested models: Wald, working Wald and Rao–Scott likelihood ratio; AIC, pseudo-R²."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from survey.errors import EstimationError
from survey.estimation.distributions import quadratic_tail
from survey.estimation.tables import Test, as_row
from survey.regression.coefficients import LONE, Coefficients, Fit
from survey.regression.glm import GlmFit, fit_glm
from survey.regression.support import NOISE, touched
from survey.sampling.linearized import Floats


def term_test(
    m: Coefficients, terms: str | Sequence[str], method: str = "Wald", df: float | None = None
) -> pd.DataFrame:  # fmt: skip
    """Whether all coefficients of some terms are zero.

    Wald: F = bᵀV⁻¹b/k on k and df. WorkingWald and LRT: bᵀV₀⁻¹b, or the change of deviance, against Σ λ_i χ²_1 over
    χ²_df/df with λ the eigenvalues of V₀⁻¹V (Rao & Scott 1984; Lumley & Scott 2014), by its saddlepoint approximation.

    Args: terms: as in the formula ("C(edu)", "a:b"), of one or several.   df: denominator; ∞ gives χ².
    Returns: one row of statistic "F" or "chi2", level the number of coefficients; attrs["test"] has the λ. Without
        degrees of freedom, or where fewer directions than coefficients vary, there is no number but a reason.
    Raises: EstimationError: a term is not in the model, or repeats earlier ones.

    >>> from survey.design import SurveyDesign
    >>> from survey.model import fit
    >>> frame = pd.DataFrame({"y": [1.0, 2, 2, 5, 4, 7], "x": [0.0, 1, 2, 3, 4, 5], "w": 1.0})
    >>> m = fit(SurveyDesign(frame, "w"), "y ~ x")
    >>> bool(np.isclose(term_test(m, "x")["p"].iloc[0], m.tidy()["p"].iloc[1]))
    True
    """
    wanted = [terms] if isinstance(terms, str) else list(terms)
    index = coefficients_of(m, wanted)
    freedom = m.df if df is None else df
    test: Test
    b, V = m.estimates[index], m.vcov.to_numpy()[np.ix_(index, index)]
    lone = touched(m.lone, np.eye(len(m.names))[index]).any()
    reason = _untestable(V, m.scale[index], freedom) or (LONE if lone else "")
    if reason and method in ("Wald", "WorkingWald", "LRT"):
        test = {"statistic": "F" if method == "Wald" else "chi2", "value": np.nan, "ndf": len(index), "ddf": freedom,
                "p": np.nan}  # fmt: skip
    elif method == "Wald":
        test = _wald(b, V, freedom)
    elif method in ("WorkingWald", "LRT") and isinstance(m, Fit):
        V0 = m.glm.covariance[np.ix_(index, index)]
        value = float(b @ np.linalg.solve(V0, b)) if method == "WorkingWald" else _deviance_change(m, index)
        scales = np.linalg.eigvals(np.linalg.solve(V0, V)).real
        test = {"statistic": "chi2", "value": value, "ndf": len(index), "ddf": freedom, "scales": scales,
                "p": quadratic_tail(value, scales, freedom)}  # fmt: skip
    else:
        raise EstimationError(
            "The test is not known for this model", expected="Wald, WorkingWald or LRT", got="{m}", m=method
        )
    return as_row("+".join(wanted), "", test, m.n, float(m.design.weights[m.used].sum())).assign(reason=reason)


def _untestable(V: Floats, scale: Floats, freedom: float) -> str:
    """Why a covariance cannot carry a test of all its coefficients: no freedom, or a direction without variance."""
    if not freedom > 0:
        return "no degrees of freedom: no test"
    se = np.sqrt(np.maximum(np.diag(V), 0.0))
    if not np.isfinite(V).all() or (se <= NOISE * scale).any():
        return "a coefficient without variance: no test"
    correlation = V / np.outer(se, se)
    if np.linalg.matrix_rank(correlation, tol=1e-9, hermitian=True) < len(V):
        return "fewer sampling units than coefficients to test: no test"
    return ""


def _wald(b: Floats, V: Floats, freedom: float) -> Test:
    chi2, k = float(b @ np.linalg.solve(V, b)), len(b)
    if np.isinf(freedom):
        return {"statistic": "chi2", "value": chi2, "ndf": k, "p": float(stats.chi2.sf(chi2, k))}
    p = float(stats.f.sf(chi2 / k, k, freedom)) if freedom > 0 else float("nan")
    return {"statistic": "F", "value": chi2 / k, "ndf": k, "ddf": freedom, "p": p}


def coefficients_of(m: Coefficients, terms: Sequence[str]) -> list[int]:
    """Positions of the coefficients of terms; names of single coefficients count too."""
    found: list[int] = []
    for term in terms:
        spelled = _spelling(m, term)
        if spelled is not None and isinstance(m, Fit):
            found += m.terms.columns_of(spelled)
        elif any(_term_of(name) == _canonical(term) for name in m.names):
            found += [k for k, name in enumerate(m.names) if _term_of(name) == _canonical(term)]
        else:
            raise EstimationError("The term is not in the model", where="{term}", expected="{known}", term=term,
                                  known=", ".join(dict.fromkeys(map(_term_of, m.names))))  # fmt: skip
    if not found:
        raise EstimationError("The term repeats what earlier terms say", where="{term}", term=", ".join(terms),
                              hint="leave one of the terms that say the same out")  # fmt: skip
    return sorted(set(found))


def _term_of(name: str) -> str:
    """Term of a coefficient: its name without the levels in brackets."""
    import re

    return _canonical(re.sub(r"\[[^\]]*\]", "", name))


def _canonical(term: str) -> str:
    return ":".join(sorted(part.replace(" ", "") for part in term.split(":")))


def _spelling(m: Coefficients, term: str) -> str | None:
    if not isinstance(m, Fit):
        return None
    return next((t for t in m.terms.info.term_name_slices if _canonical(t) == _canonical(term)), None)


def _refit(m: Fit, keep: list[int]) -> GlmFit:
    """The model on the same rows with only some columns."""
    w = m.design.weights[m.used] / m.design.likelihood_scale
    X = m.terms.matrix(m.terms.data)
    off = m.glm.eta - X @ m.glm.params
    names = [m.names[k] for k in keep]
    return fit_glm(m.glm.y, X[:, keep], w, np.where(np.abs(off) < 1e-12, 0.0, off), m.family, m.link, 100, names)


def _deviance_change(m: Fit, index: list[int]) -> float:
    keep = [k for k in range(len(m.names)) if k not in index]
    return _refit(m, keep).deviance - m.glm.deviance


def anova(smaller: Fit, larger: Fit, method: str = "LRT") -> pd.DataFrame:
    """Whether the larger of two nested models explains more: the test of the terms the smaller one lacks.

    Raises: EstimationError: the smaller has a term the larger lacks, or differ in rows, outcome, family or link.
    """
    alike = smaller.terms.outcome == larger.terms.outcome and np.array_equal(smaller.used, larger.used)
    if not alike or (smaller.family, smaller.link) != (larger.family, larger.link):
        raise EstimationError(
            "The models are not nested", expected="the same outcome, family, link and rows",
            got="{one}, {kind}, {n} rows; {other}, {other_kind}, {m} rows",
            hint="fit both to the rows that have all values", one=smaller.formula, n=smaller.n, other=larger.formula,
            m=larger.n, kind=f"{smaller.family} {smaller.link}", other_kind=f"{larger.family} {larger.link}",
        )  # fmt: skip
    mine, theirs = list(smaller.terms.info.term_name_slices), list(larger.terms.info.term_name_slices)
    extra = [term for term in theirs if term not in mine]
    if any(term not in theirs for term in mine) or not extra:
        raise EstimationError("The models are not nested", expected="all terms of the first in the second, and more")
    return term_test(larger, extra, method)


def aic(m: Fit) -> dict[str, float]:
    """Design-based AIC (Lumley & Scott 2015): deviance + 2 Σλ, λ the design effects of all terms.

    A gaussian model's −2 log likelihood has its variance estimated too, which adds the design effect of σ².

    Returns: eff_p = Σλ, AIC, deltabar = mean λ.
    """
    V0, V = m.glm.covariance, m.vcov.to_numpy()
    index = [k for k, name in enumerate(m.names) if name != "Intercept"]
    V0, V = V0[np.ix_(index, index)], V[np.ix_(index, index)]
    if m.family != "gaussian":
        scales = np.linalg.eigvals(np.linalg.solve(V0, V)).real
        return {
            "eff_p": float(scales.sum()),
            "AIC": m.glm.deviance + 2 * float(scales.sum()),
            "deltabar": float(scales.mean()),
        }
    w = m.design.weights[m.used] / m.design.likelihood_scale
    square = (m.glm.y - m.glm.mu) ** 2
    people, sigma2 = float(w.sum()), float((w * square).sum() / w.sum())
    score = -1 / (2 * sigma2) + square / (2 * sigma2**2)
    own = people / (2 * sigma2**2) / float((w * score**2).sum())
    deltas = np.append(np.diag(np.linalg.solve(V0 * sigma2, V)), own)
    fit = people * (np.log(sigma2) + 1 + np.log(2 * np.pi))
    return {"eff_p": float(deltas.sum()), "AIC": float(fit + 2 * deltas.sum()), "deltabar": float(deltas.mean())}


def pseudo_r2(m: Fit) -> dict[str, float]:
    """Cox–Snell 1 − exp((D − D₀)/N), and Nagelkerke, that over its greatest value 1 − exp(−D₀/N)."""
    people = float(m.design.weights[m.used].sum() / m.design.likelihood_scale)
    snell = 1 - float(np.exp((m.glm.deviance - m.glm.null_deviance) / people))
    return {"cox_snell": snell, "nagelkerke": snell / (1 - float(np.exp(-m.glm.null_deviance / people)))}
