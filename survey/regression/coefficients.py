"""Coefficients of a fitted model with their design-based covariance, and what may be asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from survey.design import SurveyDesign
from survey.estimation.covariance import Covariance, remember
from survey.estimation.intervals import mean_interval, share_interval
from survey.estimation.multiplicity import p_two_sided
from survey.regression.formulas import Terms
from survey.regression.glm import GlmFit
from survey.regression.margins import Effect, average_effects, predictions
from survey.regression.support import NOISE, lone_directions, touched
from survey.sampling.linearized import Bools, Floats, Ints
from survey.tidy import results

ABSENT = "no respondents at this level"
ONE_UNIT = "one sampling unit: no interval"
NO_FREEDOM = "no degrees of freedom: no interval"
FLAT = "no variance: no interval"
LONE = "rests on one sampling unit, whose variance is not known: no interval"
LONE_REPLICATE = "rests on one sampling unit, without which replicates cannot be fitted: no interval"
FAILED = "some replicates could not be fitted and are left out"


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
    def scale(self) -> Floats:
        """Size of each coefficient or of its usual standard error: a standard error far below it is rounding."""
        return np.abs(self.estimates)

    @cached_property
    def lone(self) -> Floats:
        """Combinations of the coefficients that one sampling unit alone carries (q, k)."""
        return np.zeros((0, len(self.names)))

    @property
    def failed(self) -> Ints:
        """Replicates that could not be fitted."""
        known = np.isfinite(self.table).all(axis=1)
        return np.flatnonzero(~known) if self.design.replicates is not None else np.zeros(0, dtype=np.intp)

    @property
    def se(self) -> pd.Series:
        """Standard errors by term."""
        return pd.Series(np.sqrt(np.diag(self.vcov)), index=self.names)

    def tidy(self, level: float = 0.95, left_out: bool = False) -> pd.DataFrame:
        """Coefficients as `survey.tidy` rows: statistic "coefficient", t interval and p on the model's df.

        Args: left_out: end with a row without numbers for each term in `aliased` and each level nobody used is at
            (item the variable, level the level); their reason says so.
        """
        none = [""] * len(self.names)
        slopes = np.eye(len(self.names))
        rows = self.rows("coefficient", list(self.names), none, self.estimates, self.table, level, slopes)
        return pd.concat([rows, self.notes()], ignore_index=True) if left_out else rows

    def notes(self) -> pd.DataFrame:
        """Tidy rows of what the model could not estimate, each with its reason."""
        repeated = [{"item": name, "reason": "repeats what earlier terms say"} for name in self.aliased]
        return results([{**row, "statistic": "coefficient", "n": 0.0} for row in repeated])

    def rows(
        self, statistic: str, items: list[str], levels: list[str], value: Floats, table: Floats, level: float,
        slopes: Floats,
    ) -> pd.DataFrame:  # fmt: skip
        """Tidy rows of statistics whose influences or replicate values are the columns of a table; slopes (s, k)."""
        se = np.sqrt(self.design.variances(table, self.used))
        freedom = np.full(len(value), self.df)
        low, high = mean_interval(value, se, freedom, level)
        with np.errstate(divide="ignore", invalid="ignore"):
            p, cv = p_two_sided(value / se, self.df), se / np.abs(value)
        reason, certain = self._doubts(value, se, slopes)
        low, high, p = (np.where(certain, each, np.nan) for each in (low, high, p))
        frame = results(pd.DataFrame({
            "item": items, "statistic": statistic, "level": levels, "estimate": value, "se": se, "ci_low": low,
            "ci_high": high, "df": self.df, "n": self.n, "n_weighted": float(self.design.weights[self.used].sum()),
            "p": p, "cv": cv, "reason": reason,
        }))  # fmt: skip
        replicated = self.design.replicates is not None
        return remember(frame, Covariance(lambda: table, self.design.covariance, freedom, replicated))

    def _doubts(self, value: Floats, se: Floats, slopes: Floats) -> tuple[Floats, Bools]:
        """Why statistics have no interval, or one to be wary of; and whether they have one.

        R gives one to what rests on one sampling unit, whose deviations are 0 whatever it is.
        """
        replicated, known = self.design.replicates is not None, np.isfinite(value)
        flat = ~(se > NOISE * np.maximum(np.abs(value), np.abs(slopes) @ self.scale))
        one = self.design.psus_by(np.where(self.used, 0, -1), 1)[0] == 1
        alone = touched(self.lone, slopes)
        doubts = [
            (~known, ""), (np.full(len(value), one), ONE_UNIT), (np.full(len(value), not self.df > 0), NO_FREEDOM),
            (alone, LONE_REPLICATE if replicated else LONE), (flat, FLAT),
            (np.full(len(value), len(self.failed) > 0), FAILED),
        ]  # fmt: skip
        return np.select([where for where, _ in doubts], [why for _, why in doubts], ""), ~flat & ~alone


@dataclass(frozen=True)
class Predictive(Coefficients):
    """A model that predicts: a mean, or (ordinal, multinomial) the probability of each level of the outcome."""

    terms: Terms

    @property
    def outcomes(self) -> list[str]:
        """Levels of the outcome that are predicted; one "" where it is a mean."""
        return [""]

    def average(self, X: Floats) -> tuple[Floats, Floats]:
        """Weighted mean prediction of every outcome (K,), and its gradients (K, p), with X for the rows used."""
        raise NotImplementedError

    @cached_property
    def observed(self) -> Floats:
        """Model matrix of the rows used."""
        return self.terms.matrix(self.terms.data)

    @cached_property
    def absent(self) -> dict[str, list[str]]:
        """Variable → levels that the data know and no row used is at: the first one left is the reference then."""
        return self.terms.absent(self.design.frame)

    def notes(self) -> pd.DataFrame:
        """As `Coefficients.notes`, and the levels in `absent`."""
        levels = [{"item": name, "level": level} for name, absent in self.absent.items() for level in absent]
        more = results([{**row, "statistic": "coefficient", "n": 0.0, "reason": ABSENT} for row in levels])
        return pd.concat([super().notes(), more], ignore_index=True)

    def margins(self, variables: list[str] | None = None, level: float = 0.95) -> pd.DataFrame:
        """Average marginal effects on the response scale: dE(y)/dx of numbers, differences from a
        category's first level; of ordinal and multinomial models on the probability of each level of the outcome.

        Averaged with the weights over the rows used; SE by the delta method from the coefficients' covariance
        (covariates held as observed).

        Returns: rows of statistic "marginal effect", item the variable (or "outcome level:variable"), level the
            category (or "" for numbers).
        """
        return self._effects("marginal effect", average_effects(self, variables), level)

    def predicted_margins(
        self, variable: str, at: Sequence[Any] | None = None, level: float = 0.95
    ) -> pd.DataFrame:  # fmt: skip
        """Mean prediction with everybody at one value of a variable after the other, the other covariates as they are.

        m(v) = Σ w_i μ(x_i with v)/Σ w_i over the rows used; SE by the delta method, covariates held as observed
        (`survey.model.adjusted_means` adds their sampling). Probabilities get logit intervals.

        Args: at: values; without it the levels of a categorical variable. A number needs them.
        Returns: rows of statistic "predicted margin", item as `margins`, level the value; a level that no row used is
            at has no number but a reason.
        Raises: EstimationError: the variable is not in the model, or is a number and `at` is not given.

        >>> from survey import model
        >>> frame = pd.DataFrame({"y": [0, 1, 1, 0, 1, 1, 0, 0], "g": list("aaabbbbb"), "w": 1.0})
        >>> m = model.fit(SurveyDesign(frame, "w"), "y ~ g", "binomial")
        >>> m.predicted_margins("g")[["level", "estimate"]].round(4).values.tolist()
        [['a', 0.6667], ['b', 0.4]]
        """
        rows = self._effects("predicted margin", predictions(self, variable, at), level)
        rows["p"] = np.nan
        if self.family in ("binomial", "ordinal", "multinomial"):
            p, se, df, n = (rows[name].to_numpy(dtype=float) for name in ("estimate", "se", "df", "n"))
            rows["ci_low"], rows["ci_high"] = share_interval(p, se, df, n, "logit", level)
        gone = rows["estimate"].isna().to_numpy()
        for name, value in {"n": 0.0, "n_weighted": 0.0, "reason": ABSENT}.items():
            rows[name] = rows[name].mask(gone, value)
        return rows

    def _effects(self, statistic: str, effects: list[Effect], level: float) -> pd.DataFrame:
        slopes = np.array([effect.slope for effect in effects]).reshape(len(effects), len(self.names))
        value = np.array([effect.value for effect in effects])
        items = [f"{e.outcome}:{e.variable}" if e.outcome else e.variable for e in effects]
        table = np.where(np.isfinite(value), self.table @ slopes.T, np.nan)
        return self.rows(statistic, items, [e.level for e in effects], value, table, level, slopes)


@dataclass(frozen=True)
class Fit(Predictive):
    """A fitted generalised linear model; `by_case` holds what the likelihood gave for each distinct case."""

    by_case: GlmFit

    @cached_property
    def glm(self) -> GlmFit:
        """What the likelihood gave for each row used."""
        if self.terms.case is None:
            return self.by_case
        weights = self.design.weights[self.used] / self.design.likelihood_scale
        return self.by_case.of_rows(self.terms.case, weights, self.terms.sums(weights))

    @property
    def scale(self) -> Floats:
        """As `Coefficients.scale`, or a simple random sample's standard error were the outcome explained by nothing."""
        known = self.family in ("binomial", "poisson")
        spread = 1.0 if known else float(np.sqrt(self.by_case.null_deviance / self.n))
        return np.maximum(np.abs(self.estimates), np.sqrt(np.diag(self.by_case.covariance)) * spread)

    @cached_property
    def lone(self) -> Floats:
        """As `Coefficients.lone`."""
        X = self.terms.matrix(self.terms.cases)
        return lone_directions(self.design, self.used, X, self.terms.case, self.failed)

    def average(self, X: Floats) -> tuple[Floats, Floats]:
        """As `Predictive.average`; offsets stay as they are."""
        eta = self.glm.eta + (X - self.observed) @ self.glm.params
        w = self.design.weights[self.used]
        link, share = self.glm.family.link, w / w.sum()
        return np.array([share @ link.inverse(eta)]), np.atleast_2d((share * link.inverse_deriv(eta)) @ X)
