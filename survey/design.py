"""The sample design: the one place where variance is computed.

`SurveyDesign.variance(z)` takes each respondent's weighted influence on a statistic and returns the covariance of the
statistics. Estimators reach it through `totals` (weighted totals of cells, with their per-unit or per-replicate parts)
so that a smooth function of totals has one code for linearized and for replicate variance.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from survey.errors import DesignError
from survey.sampling import columns
from survey.sampling.calibrated import Adjustment, Calibration, as_calibrations
from survey.sampling.linearized import (
    Bools,
    Floats,
    Ints,
    Linearized,
    LonelyPsu,
    codes_of,
    compile_stages,
    distinct_by,
    sum_by,
)
from survey.sampling.pps import Pairwise
from survey.sampling.replicates import Replicates, given_replicates
from survey.sampling.stacked import joined, labelled, shared_units
from survey.sampling.totals import Totals, cell_sums

__all__ = ["Calibration", "SurveyDesign", "stack"]

Condition: TypeAlias = "str | ArrayLike | pd.Series | Callable[[pd.DataFrame], Any]"
LONELY = ("fail", "remove", "adjust", "average", "certainty")


class SurveyDesign:
    """A frame of respondents with its sample design: weights, strata, sampling units, FPC or replicate weights.

    Linearized variance (Särndal, Swensson & Wretman 1992, ch. 4): V = Σ_h (1−f_h) n_h/(n_h−1) Σ_i (z_hi − z̄_h)(…)ᵀ over
    first-stage units, plus f_h times the same within each unit where the next stage's FPC is given.

    Args:
        frame: one row a respondent; never changed.
        weights: column name or vector (a Series by its labels), ≥ 0; without it FPC gives N/n, and without FPC every
            weight is 1.
        strata: column, or one column a stage.
        psu: column, or one column a stage (units, sub-units, …); without it every row is its own unit.
        fpc: column, or one column a stage: population counts (all ≥ 1) or sampling fractions (all ≤ 1).
        lonely_psu: what a stratum with one unit does: fail, remove or certainty (no variance), adjust (centred at
            the mean of all units), average (the mean of the other strata).
        nest: unit numbers start again in every stratum.
        calibration: steps that adjusted the weights, in order: `Calibration` values, or pairs (model matrix (n, k),
            weights before the step (n,)); the variance then uses calibration residuals (Deville & Särndal 1992).
        adjust_domain_lonely: lonely_psu also rules strata of which one unit is left in a domain.
        replicates: columns or matrix (n, R) of replicate weights; with method BRR, Fay (fay=ρ), JK1, JKn,
            SDR, ACS or other, scale, rscales, mse (deviations from the full estimate, not the replicates' mean) and
            combined (they are analysis weights; False: factors of the weights).
        df: design degrees of freedom where they do not follow from the units or replicates.
        pps: "brewer" takes fpc as each row's inclusion probability; or a `survey.sampling.pps.Pairwise` variance.

    Raises: DesignError: a column is missing, has gaps, or contradicts the design.

    >>> frame = pd.DataFrame({"y": [1.0, 2, 3, 4], "h": [1, 1, 2, 2], "w": [10.0, 10, 20, 20]})
    >>> d = SurveyDesign(frame, weights="w", strata="h")
    >>> d.degf(), float(d.variance(d.weights * frame["y"])[0, 0].round(6))
    (2, 500.0)
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        weights: str | ArrayLike | None = None,
        strata: str | Sequence[str] | None = None,
        psu: str | Sequence[str] | None = None,
        fpc: str | Sequence[str] | None = None,
        lonely_psu: LonelyPsu = "fail",
        nest: bool = False,
        *,
        calibration: Sequence[Any] = (),
        adjust_domain_lonely: bool = False,
        replicates: Sequence[str] | ArrayLike | None = None,
        method: str = "",
        fay: float | None = None,
        scale: float | None = None,
        rscales: ArrayLike | None = None,
        mse: bool = False,
        combined: bool = True,
        pps: Any = None,
        df: float | None = None,
    ) -> None:
        if lonely_psu not in LONELY:
            columns.refuse("lonely_psu has a value that is not known", ", ".join(LONELY), lonely_psu)
        if not len(frame):
            columns.refuse("The design has no rows", "one or more respondents", "0 rows")
        self.frame = frame
        self.lonely_psu: LonelyPsu = lonely_psu
        self.adjust_domain_lonely = adjust_domain_lonely
        self.strata, self.psu, self.fpc = columns.names(strata), columns.names(psu), columns.names(fpc)
        self.nest, self.pps, self.df = nest, pps, df
        self.mask: Bools = np.ones(len(frame), dtype=bool)
        self.linearized: Linearized | None = None
        self.replicates: Replicates | None = None
        if replicates is None:
            strata_keys, psu_keys = self._keys()
            populations = columns.populations(frame, self.fpc, strata_keys, psu_keys, varying=pps is not None)
            self.linearized = compile_stages(strata_keys, psu_keys, populations)
            self.full_weights = columns.weights(
                frame, weights, implied=columns.implied(populations, strata_keys, psu_keys)
            )
        else:
            self.full_weights = columns.weights(frame, weights, implied=None)
            self.replicates = given_replicates(
                frame, replicates, self.full_weights, method, fay, scale, rscales, mse, combined
            )
        self.calibrations = as_calibrations(calibration, self.full_weights)
        self._adjustment = self._compile_adjustment()

    # -- what the rows are ------------------------------------------------------------------------------------------

    @property
    def weights(self) -> Floats:
        """Analysis weights (n,), 0 outside the domain."""
        return np.where(self.mask, self.full_weights, 0.0)

    @property
    def n(self) -> int:
        """Respondents in the domain with a positive weight."""
        return int(np.count_nonzero(self.weights))

    @property
    def relative_weights(self) -> bool:
        """Whether the weights add up to about the number of respondents, so that they name no population size."""
        positive = self.full_weights != 0
        return bool(self.full_weights.sum() < 1.05 * positive.sum())

    @property
    def likelihood_scale(self) -> float:
        """What weights are divided by in a likelihood: their mean over the design's rows with a weight (R svyglm)."""
        if self.calibrations:
            return float(self.weights.mean())
        taking_part = self.mask & (self.weights != 0)
        return float(self.weights[taking_part].mean()) if taking_part.any() else float("nan")

    def domain(self, condition: Condition) -> SurveyDesign:
        """The same design with only some respondents taking part; units, strata and sample sizes stay as they were.

        Args: condition: boolean vector (n,), a Series taken by its labels, an expression for `DataFrame.eval`, or a
        function of the frame; missing counts as outside.

        Raises: DesignError: the condition has other rows than the frame.

        >>> d = SurveyDesign(pd.DataFrame({"y": [1, 2, 3], "w": [1, 1, 1]}), weights="w")
        >>> d.domain("y > 1").n
        2
        """
        inside = copy.copy(self)
        inside.mask = self.mask & columns.as_mask(self.frame, condition)
        return inside

    subset = domain

    def assign(self, **new: Any) -> SurveyDesign:
        """The same design with further or changed columns (as `DataFrame.assign`)."""
        changed = copy.copy(self)
        changed.frame = self.frame.assign(**new)
        return changed

    def reweighted(self, weights: ArrayLike, step: Calibration | None = None) -> SurveyDesign:
        """The same design with other weights; a calibration step joins those its variance already uses.

        Linear calibration may give negative weights.
        """
        changed = copy.copy(self)
        changed.full_weights = np.asarray(weights, dtype=float)
        if step is not None:
            changed.calibrations = (*self.calibrations, step)
        changed._adjustment = changed._compile_adjustment()
        return changed

    def degf(self, mask: ArrayLike | None = None) -> float:
        """Degrees of freedom: units − strata among respondents with weight; rank of the replicate weights − 1.

        Args: mask: boolean vector (n,) that narrows the domain further.
        """
        if self.df is not None:
            return self.df
        taking_part = (self.weights != 0) & (True if mask is None else np.asarray(mask, dtype=bool))
        if self.replicates is not None:
            return self.replicates.degf(taking_part)
        return int(self.units_by(np.where(taking_part, 0, -1), 1)[0][0])

    def degf_by(self, group: Ints, groups: int) -> Floats:
        """Degrees of freedom inside each group 0…groups−1 (code −1: in none)."""
        return self.units_by(group, groups)[0]

    def psus_by(self, group: Ints, groups: int) -> Ints:
        """Number of first-stage units with a respondent in each group; −1 under replicate weights."""
        if self.linearized is None:  # no need to rank replicate weights
            return np.full(groups, -1, dtype=np.intp)
        return self.units_by(group, groups)[1]

    def units_by(self, group: Ints, groups: int) -> tuple[Floats, Ints]:
        """`degf_by` and `psus_by` from one count."""
        taking_part = (self.weights != 0) & (group >= 0)
        if self.linearized is None:
            degf = [self.degf(group == g) for g in range(groups)]
            return np.array(degf, dtype=float), np.full(groups, -1, dtype=np.intp)
        everyone = bool(taking_part.all())
        psus, strata = (
            distinct_by(code if everyone else code[taking_part], int(code.max()) + 1,
                        group if everyone else group[taking_part], groups)
            for code in (self.linearized.row_psu, self.linearized.row_stratum)
        )  # fmt: skip
        return (psus - strata).astype(float) if self.df is None else np.full(groups, float(self.df)), psus

    # -- variance ---------------------------------------------------------------------------------------------------

    def variance(self, z: ArrayLike, present: ArrayLike | None = None) -> Floats:
        """Covariance (p, p) of statistics whose weighted influences are the columns of z (n, p) or z (n,).

        z_i holds the weight: for a total w_i·y_i, for a mean w_i·(y_i − ȳ)/Σw; rows outside the domain are taken as 0.
        Under replicate weights the variance of the linear statistic Σz is taken, replicate by replicate.

        Args: present: rows that count as sampled when strata with one unit are looked for; the domain if not given.
        """
        values = np.asarray(z, dtype=float).reshape(len(self.frame), -1)
        part = self._part(present)
        return self.covariance(self.unit_totals(np.where(part[:, None], values, 0.0)), part)

    def unit_totals(self, z: Floats) -> Floats:
        """Influences (n, p) summed by sampling unit after calibration residuals (U, p), or by replicate (R, p)."""
        if self.replicates is not None:
            return self.replicates.linear_totals(z, self.full_weights)
        assert self.linearized is not None
        if self._adjustment is not None:
            z = self._adjustment.residuals(z)
        return sum_by(self.linearized.unit, z, self.linearized.units)

    def covariance(self, table: Floats, present: Bools | None = None) -> Floats:
        """Covariance (p, p) from unit totals of influences (U, p) or replicate estimates (R+1, p)."""
        if self.linearized is not None and self.pps is not None and self.pps != "brewer":
            return np.asarray(self.pps.covariance(table))
        root = self.root(table, present)
        return root.T @ root

    def variances(self, table: Floats, present: Bools | None = None) -> Floats:
        """The diagonal of `covariance` (p,), without the rest of it."""
        if self.linearized is not None and self.pps is not None and self.pps != "brewer":
            return np.asarray(self.pps.variances(table))
        root = self.root(table, present)
        return np.asarray(np.einsum("ij,ij->j", root, root))

    def root(self, table: Floats, present: Bools | None = None) -> Floats:
        """S with SᵀS = covariance, from unit totals of influences (U, p) or replicate estimates (R, p)."""
        if self.replicates is not None:
            return self.replicates.root(table)
        assert self.linearized is not None
        if self._adjustment is not None or not (self.linearized.any_lonely or self.adjust_domain_lonely):
            seen = np.ones(self.linearized.units, dtype=bool)
        else:
            part = self._part(present)
            seen = np.bincount(self.linearized.unit, weights=part, minlength=self.linearized.units) > 0
        return self.linearized.root(table, seen, self.lonely_psu, self.adjust_domain_lonely)

    def totals(self, code: Ints, cells: int, values: Sequence[Floats | None] = (None,)) -> Totals:
        """Weighted totals of each value (None: 1) in each cell (code −1: nowhere), `cells` columns a value."""
        weights = self.weights
        if self.replicates is not None:
            factors = self.replicates.factors(self.mask)
            return Totals(cell_sums(weights, code, cells, values), cell_sums(factors, code, cells, values))
        assert self.linearized is not None
        whole = cell_sums(weights, code, cells, values)
        rows = cell_sums(weights, code, cells, values, self.linearized.unit, self.linearized.units)
        if self._adjustment is not None:
            rows = self._adjustment.adjust(rows, code, cells, values, self.mask)
        return Totals(whole, rows)

    @property
    def slow_domains(self) -> bool:
        """Whether the variance depends on which units a domain contains, so that groups are taken one at a time."""
        return self.replicates is None and (self.lonely_psu == "average" or self.adjust_domain_lonely)

    # -- private ----------------------------------------------------------------------------------------------------

    def _part(self, present: ArrayLike | None) -> Bools:
        return self.mask if present is None else self.mask & np.asarray(present, dtype=bool)

    def _keys(self) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
        """Key columns of strata and units, units made distinct across strata where `nest` says so."""
        psu = [columns.key(self.frame, name, "psu") for name in self.psu] or [np.arange(len(self.frame))]
        strata = [columns.key(self.frame, name, "strata") for name in self.strata] or [np.zeros(len(self.frame))]
        strata = (strata + [np.zeros(len(self.frame))] * len(psu))[: len(psu)]
        if self.strata:
            together = codes_of(psu[0], strata[0])
            if self.nest:
                psu = [together, *psu[1:]]
            elif self.psu and together.max() > codes_of(psu[0]).max():
                raise DesignError(
                    "The same unit number stands in more than one stratum",
                    where="column {column}",
                    expected="every first-stage unit in one stratum",
                    hint="set nest=True (survey.yaml: design.nest) if unit numbers start again in every stratum",
                    column=self.psu[0],
                )
        return strata, psu

    def _compile_adjustment(self) -> Adjustment | None:
        if not self.calibrations or self.linearized is None:
            return None
        return Adjustment(self.calibrations, self.full_weights, self.linearized.unit, self.linearized.units)


def stack(waves: Mapping[str, SurveyDesign], by: str = "wave", shared_psus: bool = True) -> SurveyDesign:
    """One design of several waves, so that changes carry the covariance of sampling units that take part in both.

    Each wave keeps its own strata, sample sizes and FPC, hence the variance it has alone. Equal strata and unit values
    are the same unit where shared_psus, and the deviations of such units give the covariance between waves
    (`survey.sampling.stacked`); strata that share no unit are independent, and count one by one in the df.

    Args: waves: label → design, all with the same strata, psu and FPC columns.   by: column to hold the label.
    Raises: DesignError: the waves' designs differ in kind, replicate weights cannot be matched, or waves with joint
        inclusion probabilities share units, whose probability to be drawn in both is not known.
    """
    designs = list(waves.values())
    first = designs[0]
    alike = {(tuple(d.strata), tuple(d.psu), tuple(d.fpc), d.lonely_psu, d.nest, d.replicates is None,
              d.adjust_domain_lonely, d.pps if isinstance(d.pps, str) else type(d.pps)) for d in designs}  # fmt: skip
    if len(alike) > 1:
        columns.refuse(
            "The waves have designs of different kinds", "the same strata, psu and fpc columns", "different ones"
        )
    if first.replicates is not None:
        return _stack_replicates(waves, by, shared_psus)
    shared = shared_psus and bool(first.psu)
    pps = first.pps
    if pps is not None and pps != "brewer":
        if shared:
            columns.refuse("Waves with joint inclusion probabilities cannot share units", "independent waves", "pps=",
                           hint="set shared_psus=False if each wave was drawn anew")  # fmt: skip
        pps = Pairwise.apart([d.pps for d in designs])
    frame = pd.concat([d.frame.assign(**{by: label}) for label, d in waves.items()], ignore_index=True)
    apart, strata, psu = labelled(frame, by, list(first.strata), list(first.psu))
    both = SurveyDesign(
        apart, np.concatenate([d.full_weights for d in designs]), strata, psu or None, first.fpc or None,
        first.lonely_psu, first.nest, calibration=_stack_calibrations(designs),
        adjust_domain_lonely=first.adjust_domain_lonely, pps=pps,
        df=min((d.df for d in designs if d.df is not None), default=None),
    )  # fmt: skip
    both.mask = np.concatenate([d.mask for d in designs])
    if shared:
        assert both.linearized is not None
        wave = np.repeat(np.arange(len(designs)), [len(d.frame) for d in designs])
        both.strata, both.psu = first.strata, first.psu
        both._keys()  # a unit in two strata, each in a wave of its own
        both.linearized = joined(both.linearized, wave, shared_units(frame, first.strata, first.psu))
    return both


def _stack_calibrations(designs: list[SurveyDesign]) -> list[Calibration]:
    """Each wave was calibrated to its own margins: its model columns are zero in the other waves."""
    steps: list[Calibration] = []
    sizes = [len(d.frame) for d in designs]
    for k, design in enumerate(designs):
        before, after = sum(sizes[:k]), sum(sizes[k + 1 :])
        steps.extend(step.padded(before, after) for step in design.calibrations)
    return steps


def _stack_replicates(waves: Mapping[str, SurveyDesign], by: str, shared_psus: bool) -> SurveyDesign:
    """Replicate r of one wave belongs to replicate r of the other (shared), or each wave's replicates vary alone."""
    designs = list(waves.values())
    frame = pd.concat([d.frame.assign(**{by: label}) for label, d in waves.items()], ignore_index=True)
    parts = [d.replicates for d in designs]
    assert all(part is not None for part in parts)
    joint = Replicates.stacked(
        [part for part in parts if part is not None], [d.full_weights for d in designs], shared_psus
    )
    both = copy.copy(designs[0])
    both.frame, both.replicates = frame, joint
    both.full_weights = np.concatenate([d.full_weights for d in designs])
    both.mask = np.concatenate([d.mask for d in designs])
    both.calibrations, both._adjustment = (), None
    return both
