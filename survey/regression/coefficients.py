"""Coefficients of a fitted model with their design-based covariance, and what may be asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from survey.design import SurveyDesign
from survey.estimation.covariance import Covariance, remember
from survey.estimation.intervals import mean_interval
from survey.estimation.multiplicity import p_two_sided
from survey.regression.formulas import Terms
from survey.regression.glm import GlmFit
from survey.regression.margins import average_effects
from survey.sampling.linearized import Bools, Floats
from survey.tidy import results


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
    """A fitted generalised linear model; `by_case` holds what the likelihood gave for each distinct case."""

    terms: Terms
    by_case: GlmFit

    @cached_property
    def glm(self) -> GlmFit:
        """What the likelihood gave for each row used."""
        if self.terms.case is None:
            return self.by_case
        weights = self.design.weights[self.used] / self.design.likelihood_scale
        return self.by_case.of_rows(self.terms.case, weights, self.terms.sums(weights))

    def margins(self, variables: list[str] | None = None, level: float = 0.95) -> pd.DataFrame:
        """Average marginal effects on the response scale: dE(y)/dx of numbers, differences from a
        category's first level.

        Averaged with the weights over the rows used; SE by the delta method from the coefficients' covariance
        (covariates held as observed).

        Returns: rows of statistic "marginal effect", item the variable, level the category (or "" for numbers).
        """
        effects = average_effects(self, variables)
        slopes = np.array([effect.slope for effect in effects]).reshape(len(effects), -1)
        value = np.array([effect.value for effect in effects])
        items, levels = [e.variable for e in effects], [e.level for e in effects]
        return self.rows("marginal effect", items, levels, value, self.table @ slopes.T, level)
