"""Trimming: extreme weights cut, what was cut spread over the others, and the totals met again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd

from survey.codebook import Trim, Weighting
from survey.sampling.linearized import Floats
from survey.weighting.margins import Totals
from survey.weighting.raking import rake

Spread = Literal["proportion", "even"]


def trim(weights: Floats, max_ratio: float, min_ratio: float = 0.0, spread: Spread = "proportion") -> Floats:
    """Weights cut at multiples of the median, the excess spread over the others; the sum stays (Potter 1990).

    >>> trim(np.array([1.0, 1.0, 1.0, 9.0]), 4.0).round(6).tolist()
    [2.666667, 2.666667, 2.666667, 4.0]
    """
    middle = float(np.median(weights))
    return cut(weights, min_ratio * middle, max_ratio * middle, spread)


def cut(weights: Floats, lower: float, upper: float, spread: Spread = "proportion") -> Floats:
    """Weights cut at limits, the excess spread over those inside them, until none is outside; the sum stays.

    spread: in proportion to the weights, or the same for each, as R's trimWeights(strict = TRUE). Where everybody is at
    a limit there is nowhere left to spread to.

    >>> cut(np.array([1.0, 2.0, 9.0]), 0, 6, "even").tolist()
    [2.5, 3.5, 6.0]
    """
    trimmed = np.array(weights, dtype=float)
    total, free = trimmed.sum(), np.ones(len(trimmed), dtype=bool)
    while True:
        outside = (trimmed > upper * (1 + 1e-12)) | (trimmed < lower * (1 - 1e-12))
        if not (outside & free).any():
            return trimmed
        trimmed = np.asarray(np.clip(trimmed, lower, upper), dtype=float)
        free &= ~outside
        if not free.any():
            return trimmed
        excess = total - trimmed.sum()
        trimmed[free] += excess * trimmed[free] / trimmed[free].sum() if spread == "proportion" else excess / free.sum()


def trimmed_and_met(weights: Floats, settings: Trim, meet: Callable[[Floats], Floats]) -> Floats:
    """Trim, then meet the totals again, in turn until no weight is 1 % outside the bounds or 20 rounds are done."""
    for _ in range(20):
        middle = float(np.median(weights))
        above = weights.max() > 1.01 * settings.max_ratio * middle
        if not above and weights.min() >= 0.99 * settings.min_ratio * middle:
            break
        weights = meet(trim(weights, settings.max_ratio, settings.min_ratio, settings.spread))
    return weights


def trim_and_rake(frame: pd.DataFrame, weights: Floats, margins: Totals, settings: Weighting) -> Floats:
    """`trimmed_and_met` by raking."""
    assert settings.trim is not None
    return trimmed_and_met(
        weights, settings.trim, lambda w: rake(frame, w, margins, settings.tolerance, settings.max_iterations)[0]
    )
