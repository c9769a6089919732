"""Replicate weights made from a design: jackknife, balanced repeated replication, bootstrap, successive differences."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.linalg import hadamard

from survey.design import SurveyDesign
from survey.errors import DesignError
from survey.sampling.linearized import Floats, Ints, first_of

Made = Literal["JK1", "JKn", "BRR", "Fay", "bootstrap", "SDR"]


def as_replicates(
    d: SurveyDesign, method: Made, *, fay: float = 0.0, count: int = 200, seed: int = 0, mse: bool = False
) -> SurveyDesign:  # fmt: skip
    """The design with replicate weights in place of its strata and units, from first-stage units.

    JK1 leaves out one unit, the others times n/(n−1); JKn within strata, scale (1−f_h)(n_h−1)/n_h; BRR and Fay take one
    of each stratum's two units by a Hadamard matrix, weights 2−ρ and ρ; bootstrap draws n_h − 1 units of each stratum
    with replacement, weights times n_h/(n_h−1) (Rao & Wu 1988); SDR pairs neighbours in file order (Fay & Train 1995),
    the last with the first (Ash 2014).

    FPC: the jackknife's scales carry 1 − f_h; the other methods draw each factor a towards 1 by √(1−f_h), that is
    1 + √(1−f_h)(a−1), Rao & Wu's (1988) rescaling for samples without replacement, so that the variance of a linear
    statistic is (1 − f_h) times the one without (R drops the FPC of BRR and Fay with a warning, and of the Rao–Wu
    bootstrap without one). Where units are sampled inside first-stage units too, the jackknife takes the first stage's
    1 − f_h as R's as.svrepdesign does, and so leaves out f_h times the second stage's variance; the other methods, for
    which R gives no rule, leave the FPC out and err on the safe side.

    Args: fay: ρ of Fay's method.   count: replicates of the bootstrap.   seed: of the bootstrap's draws.
        mse: deviations from the full-sample estimate.
    Raises: DesignError: the method does not fit the strata, units were drawn with unequal probabilities (pps), or the
        design is calibrated (calibrate the replicates).

    >>> import pandas as pd
    >>> from survey import estimate
    >>> d = SurveyDesign(pd.DataFrame({"y": [1.0, 2, 6], "w": 1.0}), "w")
    >>> round(float(estimate.mean(as_replicates(d, "JK1"), "y")["se"].iloc[0] ** 2 * 3), 6)   # s²
    7.0
    """
    if d.linearized is None or d.calibrations:
        raise DesignError(
            "Replicates are made from a plain design", hint="make them first, then calibrate the replicates"
        )
    if d.pps is not None:
        raise DesignError("Replicates cannot be made of a design with inclusion probabilities",
                          hint="leave pps and fpc out: units then count as drawn with replacement")  # fmt: skip
    psu, row = d.linearized.row_psu, d.linearized.row_stratum
    units = int(psu.max()) + 1
    stratum = row[first_of(psu, units)]
    drawn = np.bincount(stratum)
    stage = d.linearized.stages[0]
    cluster = stage.cluster[d.linearized.unit]
    if (drawn[row] != stage.size[stage.stratum[cluster]]).any():
        raise DesignError("Stacked waves share only part of their units",
                          hint="make the replicates of each wave before stacking")  # fmt: skip
    open_ = stage.open[cluster[first_of(row, len(drawn))]]
    factors, scale, rscales = _factors(method, stratum, drawn, open_, fay, count, np.random.default_rng(seed))
    if method == "SDR":  # neighbours are those of the file, whatever the units are called
        factors = factors[np.argsort(np.argsort(first_of(psu, units)))]
    if method not in ("JK1", "JKn") and len(d.linearized.stages) == 1:
        factors = 1 + np.sqrt(open_[stratum])[:, None] * (factors - 1)
    return _with(d, factors[psu], method, scale, rscales, fay, mse)


def _with(
    d: SurveyDesign, factors: Floats, method: str, scale: float, rscales: Floats, fay: float, mse: bool
) -> SurveyDesign:  # fmt: skip
    made = SurveyDesign(
        d.frame, d.full_weights, replicates=factors, combined=False, method=method, scale=scale, rscales=rscales,
        fay=fay, mse=mse,
    )  # fmt: skip
    made.mask = d.mask
    return made


def _factors(
    method: str, stratum: Ints, drawn: Ints, open_: Floats, fay: float, count: int, rng: np.random.Generator
) -> tuple[Floats, float, Floats]:  # fmt: skip
    """Unit factors (U, R), scale and rscales of a method."""
    units = len(stratum)
    if method == "JK1":
        if len(drawn) > 1:
            raise DesignError("JK1 is for designs without strata", got="{n} strata", n=len(drawn), hint="use JKn")
        return (1 - np.eye(units)) * units / (units - 1), float(open_[0] * (units - 1) / units), np.ones(units)
    if (drawn < 2).any():
        raise DesignError("A stratum has only one sampling unit", got="{n} such strata", n=int((drawn < 2).sum()),
                          hint="join it to a similar stratum")  # fmt: skip
    size = drawn[stratum].astype(float)
    if method == "JKn":
        same = stratum[:, None] == stratum
        factors = np.where(same, size[:, None] / (size[:, None] - 1), 1.0)
        np.fill_diagonal(factors, 0.0)
        return factors, 1.0, open_[stratum] * (size - 1) / size
    if method in ("BRR", "Fay"):
        return _balanced(stratum, drawn, fay)
    if method == "bootstrap":
        return _rao_wu(stratum, drawn, count, rng)
    if method == "SDR":
        return _successive(units)
    raise DesignError(
        "The replication method is not known", expected="JK1, JKn, BRR, Fay, bootstrap or SDR", got="{m}", m=method
    )


def _signs(size: int) -> Floats:
    """Hadamard matrix of order a power of two above size."""
    return np.asarray(hadamard(1 << int(size).bit_length()), dtype=float)


def _balanced(stratum: Ints, drawn: Ints, fay: float) -> tuple[Floats, float, Floats]:
    if (drawn != 2).any():
        raise DesignError("Balanced replication needs two units in every stratum", got="{n} strata with another number",
                          n=int((drawn != 2).sum()), hint="use JKn or the bootstrap")  # fmt: skip
    signs = _signs(len(drawn))[1 : len(drawn) + 1]
    second = np.zeros(len(stratum), dtype=bool)
    seen: set[int] = set()
    for u, h in enumerate(stratum.tolist()):
        second[u] = h in seen
        seen.add(h)
    chosen = (signs[stratum] > 0) ^ second[:, None]
    replicates = signs.shape[1]
    factors = np.where(chosen, 2 - fay, fay)
    return factors, 1 / (replicates * (1 - fay) ** 2), np.ones(replicates)


def _rao_wu(stratum: Ints, drawn: Ints, count: int, rng: np.random.Generator) -> tuple[Floats, float, Floats]:
    factors = np.zeros((len(stratum), count))
    for h, n in enumerate(drawn.tolist()):
        members = np.flatnonzero(stratum == h)
        times = rng.multinomial(n - 1, np.full(n, 1 / n), size=count).T
        factors[members] = times * n / (n - 1)
    return factors, 1 / (count - 1), np.ones(count)


def _successive(units: int) -> tuple[Floats, float, Floats]:
    signs = _signs(units + 1)
    k = np.arange(units)
    factors = 1 + 2**-1.5 * (signs[1 + k] - signs[1 + (k + 1) % units])
    return factors, 4 / len(signs), np.ones(len(signs))
