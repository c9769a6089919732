"""Raking: margin after margin until all are met, and which level stands in the way where that fails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from survey.errors import EstimationError
from survey.sampling.linearized import Floats
from survey.weighting.margins import Margin, Totals, cells, coded, same_sums


def rake(
    frame: pd.DataFrame,
    base: Floats,
    margins: Totals,
    tolerance: float = 1e-9,
    max_iterations: int = 200,
) -> tuple[Floats, int]:
    """Weights as near to the base weights as can be that add up to every margin (iterative proportional fitting).

    w ← w · total_level / Σ_{level} w, margin after margin until every gap is within tolerance (Deming & Stephan 1940).

    Args: frame: one row a respondent.   base: (n,), ≥ 0.   margins: name → level → total, in persons.
    Returns: weights (n,), rounds.   Raises: DataError: a respondent without a level, a level without a respondent or a
    total, margins that add up differently.   EstimationError: not converged.

    >>> frame = pd.DataFrame({"sex": ["1", "1", "2"]})
    >>> rake(frame, np.ones(3), {"sex": {"1": 50.0, "2": 50.0}})[0].tolist()
    [25.0, 25.0, 50.0]
    """
    return raked(
        [coded(frame, name, levels, base) for name, levels in margins.items()], base, tolerance, max_iterations
    )


def raked(
    margins: Sequence[Margin], base: Floats, tolerance: float = 1e-9, max_iterations: int = 200,
    people: Floats | None = None,
) -> tuple[Floats, int]:  # fmt: skip
    """`rake` of margins that are numbers already; people: respondents behind each row, where there are several."""
    same_sums({margin.name: margin.totals for margin in margins})
    base = np.asarray(base, dtype=float)
    cell, codes = cells([margin.codes for margin in margins], [len(margin.levels) for margin in margins], len(base))
    before = np.bincount(cell, base).astype(float)
    inside = [Margin(m.name, code, m.levels, m.totals) for m, code in zip(margins, codes, strict=True)]
    weights = before.copy()
    for rounds in range(1, max_iterations + 1):
        for margin in inside:
            sums = margin.sums(weights)
            weights *= np.divide(margin.totals, sums, out=np.ones_like(sums), where=sums > 0)[margin.codes]
        gaps = [np.abs(margin.sums(weights) - margin.totals) / margin.totals.sum() for margin in inside]
        if max((float(gap.max()) for gap in gaps), default=0.0) <= tolerance:
            return base * np.divide(weights, before, out=np.ones_like(before), where=before > 0)[cell], rounds
    raise _stuck(margins, inside, weights, tolerance, max_iterations, people)


def _stuck(
    margins: Sequence[Margin], inside: Sequence[Margin], weights: Floats, tolerance: float, rounds: int,
    people: Floats | None,
) -> EstimationError:  # fmt: skip
    """Which level is the farthest from its total after the last round, and how many respondents it has."""
    gaps = [np.abs(margin.sums(weights) - margin.totals) for margin in inside]
    worst = int(np.argmax([gap.max() for gap in gaps]))
    level = int(np.argmax(gaps[worst]))
    margin = margins[worst]
    return EstimationError(
        "Raking did not converge",
        where="weighting.rake, {margin} level {level} ({count} respondents)",
        expected="{total} persons, within {tolerance} of the population, after {rounds} rounds at the most",
        got="{reached} persons, a relative gap of {gap}",
        hint="the margins may contradict each other in levels that hardly overlap; merge thin levels (`min_cell`), or "
        "drop a margin",
        margin=margin.name,
        level=margin.levels[level],
        count=int(margin.sums(people)[level]),
        total=f"{margin.totals[level]:.0f}",
        reached=f"{inside[worst].sums(weights)[level]:.0f}",
        tolerance=tolerance,
        rounds=rounds,
        gap=f"{gaps[worst][level] / margin.totals.sum():.3g}",
    )
