"""Why totals cannot be met: a contradiction, or bounds that are too narrow and the nearest ones that would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from survey.errors import EstimationError
from survey.sampling.distances import Bounds, Distance
from survey.sampling.linearized import Floats

MOST_CELLS = 50_000


@dataclass(frozen=True)
class Problem:
    """Totals to be met by cells of respondents: X (cells, k), weight of each cell, totals (k,)."""

    X: Floats
    w: Floats
    totals: Floats
    names: tuple[tuple[str, str], ...]
    """Margin and level of each total; the level of a number is blank."""
    people: Floats
    """Respondents of each level (those who are not zero, of a number)."""


def unmet(problem: Problem, distance: Distance, bounds: Bounds | None) -> EstimationError:
    """The error to raise where calibration found no solution: how near any weights come, by linear programming.

    The nearest weights are those with the least Σ|gap|/(1 + total) inside the bounds.
    """
    low, high = bounds if bounds is not None else (-np.inf if distance == "linear" else 0.0, np.inf)
    if len(problem.w) > MOST_CELLS:
        return EstimationError("The calibration totals cannot be met", where="weighting.calibrate",
                               hint="widen the bounds, or leave out a margin")  # fmt: skip
    free = nearest_gap(problem, -np.inf if distance == "linear" else 0.0, np.inf)
    gap = nearest_gap(problem, low, high)
    worst = int(np.argmax(np.abs(gap) / (1 + np.abs(problem.totals))))
    off = float(np.abs(gap[worst])) / (1 + abs(float(problem.totals[worst])))
    contradict = bool((np.abs(free) / (1 + np.abs(problem.totals)) > 1e-6).any())
    margin, level = problem.names[worst]
    return EstimationError(
        "The calibration totals contradict each other" if contradict
        else "The calibration totals cannot be met within the bounds" if off > 1e-6
        else "The calibration totals cannot be met: the search did not converge",
        where="weighting.calibrate, {margin} level {level} ({count} respondents)" if level
        else "weighting.calibrate, {margin} ({count} respondents)",
        expected="a total of {total}",
        got="{reached} at the nearest, {off} away" if off > 1e-6 else "no solution, although there is one",
        hint="merge thin levels (`min_cell`), or leave out a margin: no weights at all meet these totals" if contradict
        else "widen the bounds to one of {feasible}, or leave out a margin" if off > 1e-6
        else "try another distance, or wider bounds",
        margin=margin, level=level, count=int(problem.people[worst]), total=f"{problem.totals[worst]:.10g}",
        reached=f"{problem.totals[worst] - gap[worst]:.6g}", off=f"{off:.2%}",
        feasible="" if contradict or off <= 1e-6 else feasible_bounds(problem, low, high),
    )  # fmt: skip


def nearest_gap(problem: Problem, low: float, high: float) -> Floats:
    """Totals less what the nearest weights inside the bounds reach (k,)."""
    A, b, scale = _equations(problem)
    k, c = A.shape
    slack = sparse.eye(k, format="csr")
    found = _solved(np.concatenate([np.zeros(c), np.ones(2 * k)]), A_eq=sparse.hstack([A, slack, -slack]), b_eq=b,
                    bounds=[*_box(problem.w, low, high), *[(0, None)] * (2 * k)])  # fmt: skip
    if found.x is None:
        return problem.totals
    return np.asarray((found.x[c : c + k] - found.x[c + k :]) * scale)


def feasible_bounds(problem: Problem, low: float, high: float) -> str:
    """The nearest bounds inside which the totals can be met: each end moved alone where that is enough, else both.

    An end that is not given (−∞, ∞) stays. Moved ends are rounded outward.
    """
    ends = []
    if np.isfinite(high) and (greatest := _moved(problem, low, high, lift=(0.0, 1.0))) is not None:
        ends.append((low, np.ceil(1000 * (high + greatest) + 1e-6) / 1000))
    if np.isfinite(low) and (least := _moved(problem, low, high, lift=(1.0, 0.0))) is not None:
        ends.append((np.floor(1000 * (low - least) - 1e-6) / 1000, high))
    if not ends and np.isfinite([low, high]).all():
        both = _moved(problem, low, high, lift=(1 - low, high - 1))
        if both is not None:
            ends.append((np.floor(1000 * (low - both * (1 - low)) - 1e-6) / 1000,
                         np.ceil(1000 * (high + both * (high - 1)) + 1e-6) / 1000))  # fmt: skip
    return " / ".join(f"[{a:.10g}, {b:.10g}]" for a, b in ends)


def _moved(problem: Problem, low: float, high: float, lift: tuple[float, float]) -> float | None:
    """Least s ≥ 0 with a solution inside (low − s·lift₀, high + s·lift₁); None where there is none."""
    A, b, _ = _equations(problem)
    k, c = A.shape
    w = problem.w
    eye = sparse.eye(c, format="csr")
    rows, right = [], []
    if np.isfinite(high):
        rows.append(sparse.hstack([eye, sparse.csr_matrix(-w[:, None] * lift[1])]))
        right.append(w * high)
    if np.isfinite(low):
        rows.append(sparse.hstack([-eye, sparse.csr_matrix(-w[:, None] * lift[0])]))
        right.append(-w * low)
    found = _solved(np.append(np.zeros(c), 1.0), A_ub=sparse.vstack(rows), b_ub=np.concatenate(right),
                    A_eq=sparse.hstack([A, sparse.csr_matrix((k, 1))]), b_eq=b,
                    bounds=[*_box(np.ones(c), -np.inf, np.inf), (0, None)])  # fmt: skip
    return float(found.x[-1]) if found.status == 0 else None


def _solved(costs: Floats, **conditions: Any) -> Any:
    """The linear programme, in the loose types that its sparse matrices need."""
    return linprog(costs, method="highs", **conditions)


def _equations(problem: Problem) -> tuple[sparse.csr_matrix, Floats, Floats]:
    """Xᵀ and totals, each row divided by 1 + |total| so that gaps of persons and of other units compare."""
    scale = 1 + np.abs(problem.totals)
    return sparse.csr_matrix(problem.X.T / scale[:, None]), problem.totals / scale, scale


def _box(w: Floats, low: float, high: float) -> list[tuple[float | None, float | None]]:
    """Bounds of each cell's weight after calibration; a cell of weight zero stays at zero."""
    return [(None if np.isinf(low) and each > 0 else each * low if each > 0 else 0.0,
             None if np.isinf(high) and each > 0 else each * high if each > 0 else 0.0)
            for each in w.tolist()]  # fmt: skip
