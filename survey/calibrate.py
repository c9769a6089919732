"""Calibrates a whole design to known totals, so that its variance knows: post-stratification, raking, calibration.

Under replicate weights every replicate is calibrated as the full sample is; else the design keeps the step (the
calibration model and the weights before it) and its linearized variance uses residuals.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.sampling.calibrated import Calibration
from survey.sampling.distances import Bounds, Distance, factors, to_counts
from survey.sampling.linearized import Floats, Ints, weighted_counts
from survey.weighting.diagnostics import diagnostics


def poststratified(d: SurveyDesign, cells: ArrayLike, counts: ArrayLike) -> SurveyDesign:
    """Weights multiplied in each cell so that they add up to its known count (Holt & Smith 1979).

    Args: cells: cell code 0…k−1 of each row (n,), −1 for rows outside.   counts: known counts (k,).
    Raises: EstimationError: a cell with a count has no respondent.

    >>> import pandas as pd
    >>> d = SurveyDesign(pd.DataFrame({"w": [1.0, 1, 2]}), "w")
    >>> poststratified(d, [0, 0, 1], [10, 20]).weights.tolist()
    [5.0, 5.0, 20.0]
    """
    code, wanted = np.asarray(cells, dtype=np.intp), np.asarray(counts, dtype=float)
    return _applied(d, lambda w: to_counts(w, code, wanted), _dummies([code], [len(wanted)]))


def raked(
    d: SurveyDesign, margins: Sequence[tuple[ArrayLike, ArrayLike]], tolerance: float = 1e-10, maxiter: int = 200
) -> SurveyDesign:  # fmt: skip
    """Weights multiplied margin by margin until all counts are met (Deming & Stephan 1940).

    Args: margins: pairs (cell code of each row (n,), known counts (k,)).   tolerance: stop when no cell of the joint
        table moves by more; below 1 it is a share of the sum of weights.
    Raises: EstimationError: no convergence, or a level without respondents.

    >>> import pandas as pd
    >>> d = SurveyDesign(pd.DataFrame({"w": [1.0, 1, 1, 1]}), "w")
    >>> raked(d, [([0, 0, 1, 1], [3, 1]), ([0, 1, 0, 1], [2, 2])]).weights.round(6).tolist()
    [1.5, 1.5, 0.5, 0.5]
    """
    codes = [np.asarray(code, dtype=np.intp) for code, _ in margins]
    counts = [np.asarray(count, dtype=float) for _, count in margins]
    joint = np.ravel_multi_index(tuple(codes), tuple(len(count) for count in counts))

    def adjust(w: Floats) -> Floats:
        limit = tolerance * w.sum() if tolerance < 1 else tolerance
        old = weighted_counts(joint, w, int(joint.max()) + 1)
        for _ in range(maxiter):
            for code, count in zip(codes, counts, strict=True):
                w = to_counts(w, code, count)
            new = weighted_counts(joint, w, len(old))
            if np.abs(new - old).max() < limit:
                return w
            old = new
        raise EstimationError("Raking does not converge", hint="join sparse levels, or check that the margins agree")

    return _applied(d, adjust, _dummies(codes, [len(count) for count in counts]), blocks=tuple(map(len, counts)))


def calibrated(
    d: SurveyDesign, model: ArrayLike, totals: ArrayLike, distance: Distance = "linear", bounds: Bounds | None = None,
    variance: ArrayLike | None = None, by_cluster: ArrayLike | None = None, tolerance: float = 1e-12,
    maxiter: int = 100,
) -> SurveyDesign:  # fmt: skip
    """Weights w·g(x·λ) that meet the totals of auxiliary variables (Deville & Särndal 1992).

    g is 1 + u (linear, truncated at the bounds), exp u (raking) or the logit form that stays inside them.

    Args: model: (n, k).   totals: (k,).   bounds: least and greatest g.   variance: (n,), the linear distance's
        scale, x for the ratio estimator.   by_cluster: codes (n,); all rows of a cluster get one g.
    Raises: EstimationError: the totals cannot be met.

    >>> import pandas as pd
    >>> d = SurveyDesign(pd.DataFrame({"x": [1.0, 2, 3], "w": 2.0}), "w")
    >>> calibrated(d, d.frame[["x"]], [24]).weights.round(4).tolist()
    [2.8571, 3.7143, 4.5714]
    """
    X, wanted = np.asarray(model, dtype=float).reshape(len(d.frame), -1), np.asarray(totals, dtype=float)
    scale = np.ones(len(X)) if variance is None else np.asarray(variance, dtype=float)
    code = None if by_cluster is None else np.asarray(by_cluster, dtype=np.intp)
    if code is not None:
        X = _averages(X, code)

    def adjust(w: Floats) -> Floats:
        base = w if code is None else _averages(w[:, None], code)[:, 0]
        return w * factors(X, base, wanted, distance, bounds, scale, tolerance, maxiter)

    return _applied(d, adjust, X, scale)


def standardized(d: SurveyDesign, by: ArrayLike, over: ArrayLike, shares: ArrayLike) -> SurveyDesign:
    """Weights adjusted so that `by` has the given shares in every cell of `over` (direct standardization, as NCHS).

    Each cell of `over` keeps its sum of weights.

    Args: by, over: codes 0…k−1 of each row (n,), −1 missing.   shares: of the levels of by, in any unit (k,).

    >>> import pandas as pd
    >>> d = SurveyDesign(pd.DataFrame({"w": [1.0, 1, 1, 3]}), "w")
    >>> standardized(d, [0, 1, 0, 1], [0, 0, 1, 1], [1, 1]).weights.tolist()
    [1.0, 1.0, 2.0, 2.0]
    """
    inner, outer = np.asarray(by, dtype=np.intp), np.asarray(over, dtype=np.intp)
    wanted = np.asarray(shares, dtype=float) / np.sum(shares)
    joint = np.where((inner >= 0) & (outer >= 0) & d.mask, outer * len(wanted) + inner, -1)
    there = (outer >= 0) & d.mask
    free = weighted_counts(outer[there], d.weights[there], int(outer.max()) + 1)
    counts = (free[:, None] * wanted).ravel()
    have = weighted_counts(joint[joint >= 0], d.weights[joint >= 0], len(counts))
    return poststratified(d, joint, np.where(have > 0, counts, 0.0))


def trimmed(d: SurveyDesign, upper: float = np.inf, lower: float = -np.inf, strict: bool = False) -> SurveyDesign:
    """Weights cut at the limits, what was cut spread evenly over the rows inside them (R trimWeights).

    Args: strict: repeat until no weight is outside.
    """

    def adjust(w: Floats) -> Floats:
        settled = np.zeros(len(w), dtype=bool)
        while True:
            outside = (w < lower) | (w > upper)
            settled |= outside
            if not outside.any() or settled.all():
                return w
            cut = np.clip(w, lower, upper)
            w = np.where(settled, cut, w + (w - cut).sum() / (~settled).sum())
            if not strict:
                return w

    changed = copy.copy(d)
    changed.full_weights = adjust(d.full_weights)
    if d.replicates is not None:
        weights = np.column_stack([adjust(w) for w in d.replicates.weights.T])
        changed.replicates = replace(d.replicates, weights=weights, full=changed.full_weights)
    changed._adjustment = changed._compile_adjustment()
    return changed


def _applied(
    d: SurveyDesign, adjust: Callable[[Floats], Floats], model: Floats, scale: Floats | None = None,
    blocks: tuple[int, ...] = (), whole: bool = False,
) -> SurveyDesign:  # fmt: skip
    """The design with adjusted weights and the step remembered, or with every replicate adjusted.

    A domain is calibrated for itself, unless `whole`: the others weigh nothing then.
    """
    weights = d.full_weights if whole else d.weights
    after = adjust(weights)
    if d.replicates is not None:
        changed = copy.copy(d)
        changed.full_weights = after
        part = np.ones(len(after)) if whole else d.mask
        each = np.column_stack([adjust(w * part) for w in d.replicates.weights.T])
        changed.replicates = replace(d.replicates, weights=each, full=after)
        return changed
    before = np.ones(len(after)) if blocks else weights / (1.0 if scale is None else scale)
    return d.reweighted(after, Calibration(model, before, after, blocks))


def _dummies(codes: list[Ints], sizes: list[int]) -> Floats:
    return np.hstack(
        [(code[:, None] == np.arange(size)).astype(float) for code, size in zip(codes, sizes, strict=True)]
    )


def _averages(X: Floats, code: Ints) -> Floats:
    count = np.bincount(code).astype(float)
    return np.column_stack([(weighted_counts(code, column, len(count)) / count)[code] for column in X.T])


def weight_diagnostics(weights: ArrayLike) -> dict[str, float]:
    """Sum, number, Kish's design effect 1 + cv², effective sample size, cv, least and greatest weight.

    Those of `survey.weighting.diagnostics` over the weights other than 0: kish_deff = n Σw²/(Σw)² (Kish 1965),
    ess = n/kish_deff.

    >>> weight_diagnostics([1, 3])["ess"]
    1.6
    """
    w = np.asarray(weights, dtype=float)
    found = diagnostics("", w[w != 0])
    names = {"sum": "sum", "n": "n", "kish_deff": "deff", "ess": "n_eff", "cv": "cv", "min": "min", "max": "max"}
    return {name: float(found[own]) for name, own in names.items()}
