"""Calibration to known totals by a distance, with bounds, and post-stratification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from survey.errors import EstimationError
from survey.sampling.distances import Bounds, Distance, factors, usable
from survey.sampling.linearized import Floats
from survey.weighting.feasibility import Problem, unmet
from survey.weighting.margins import Margin, cells, coded, number, same_sums


def calibrate(
    frame: pd.DataFrame, base: Floats, totals: Mapping[str, float | Mapping[str, float]], bounds: Bounds | None = None,
    distance: Distance = "linear", tolerance: float = 1e-10, max_iterations: int = 100,
) -> Floats:  # fmt: skip
    """Weights base·g(x·λ) as near to the base weights as can be that meet every total (Deville & Särndal 1992).

    g is 1 + u (linear: may go below 0 unless bounded), exp u (raking) or the logit form; bounds cut the first two and
    are built into the third. The variance: `survey.calibrate.calibrated` does the same to a whole design.

    Args: base: (n,), ≥ 0.   totals: margin → level → total as `rake`, or numeric column → total.   bounds: least and
        greatest g = weight/base.
    Returns: weights (n,).   Raises: DataError: as `rake`, or a number is missing.   EstimationError: the totals cannot
    be met; it says which level is how far off, and the nearest bounds that would do.

    >>> frame = pd.DataFrame({"sex": ["1", "1", "2"], "rooms": [1.0, 2.0, 3.0]})
    >>> calibrate(frame, np.ones(3), {"sex": {"1": 4.0, "2": 2.0}, "rooms": 13.0}).round(6).tolist()
    [1.0, 3.0, 2.0]
    """
    same_sums({name: total for name, total in totals.items() if isinstance(total, Mapping)})
    margins = [coded(frame, name, total, base) for name, total in totals.items() if isinstance(total, Mapping)]
    numbers = {name: number(frame, name) for name, total in totals.items() if not isinstance(total, Mapping)}
    known = {name: total for name, total in totals.items() if not isinstance(total, Mapping)}
    return calibrated_to(margins, numbers, known, base, bounds, distance, tolerance, max_iterations)


def calibrated_to(
    margins: Sequence[Margin], numbers: Mapping[str, Floats], totals: Mapping[str, float], base: Floats,
    bounds: Bounds | None = None, distance: Distance = "linear", tolerance: float = 1e-10, max_iterations: int = 100,
) -> Floats:  # fmt: skip
    """`calibrate` to margins that are numbers already and to totals of numbers."""
    same_sums({margin.name: margin.totals for margin in margins})
    usable(distance, bounds)
    base = np.asarray(base, dtype=float)
    uniques = {name: pd.factorize(values, sort=True) for name, values in numbers.items()}
    codes = [*(margin.codes for margin in margins), *(code for code, _ in uniques.values())]
    sizes = [*(len(margin.levels) for margin in margins), *(len(values) for _, values in uniques.values())]
    cell, inside = cells(codes, sizes, len(base))
    columns = [(code[:, None] == np.arange(size)).astype(float)
               for code, size in zip(inside, sizes[: len(margins)], strict=False)]  # fmt: skip
    columns += [
        values[code][:, None] for (_, values), code in zip(uniques.values(), inside[len(margins) :], strict=True)
    ]
    X, w = np.hstack(columns), np.bincount(cell, base).astype(float)
    wanted = np.concatenate([*(margin.totals for margin in margins), np.array(list(totals.values()), dtype=float)])
    try:
        g = factors(X, w, wanted, distance, bounds, tolerance=tolerance, maxiter=max_iterations)
        return np.asarray(base * g[cell], dtype=float)
    except EstimationError:
        names = [(margin.name, level) for margin in margins for level in margin.levels]
        people = np.bincount(cell).astype(float) @ (X != 0)
        whole = Problem(X, w, wanted, (*names, *((name, "") for name in totals)), people)
        raise unmet(whole, distance, bounds) from None


def poststratify(frame: pd.DataFrame, base: Floats, cells: str, totals: Mapping[str, float]) -> Floats:
    """Weights multiplied in each cell so that they add up to its known total, w·N_c/Σ_c w (Holt & Smith 1979).

    Args: base: (n,), ≥ 0.   cells: a column, or several crossed ("sex:area").   totals: level ("1:2") → total.
    Returns: weights (n,).   Raises: DataError: as `rake`.

    >>> poststratify(pd.DataFrame({"sex": ["1", "1", "2"]}), np.ones(3), "sex", {"1": 50.0, "2": 50.0}).tolist()
    [25.0, 25.0, 50.0]
    """
    return poststratified_to(coded(frame, cells, totals, base), np.asarray(base, dtype=float))


def poststratified_to(margin: Margin, base: Floats) -> Floats:
    """`poststratify` to a margin that is numbers already."""
    sums = margin.sums(base)
    return base * np.divide(margin.totals, sums, out=np.zeros_like(sums), where=sums > 0)[margin.codes]
