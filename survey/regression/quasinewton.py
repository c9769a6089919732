"""Minimisation by BFGS that stops where R's optim stops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from survey.sampling.linearized import Floats

EARLY = float(np.sqrt(np.finfo(float).eps))


def bfgs(
    value: Callable[[Floats], float], gradient: Callable[[Floats], Floats], start: Floats, relative: float = EARLY,
    steps: int = 100,
) -> Floats:  # fmt: skip
    """Minimum by the variable metric method of Nash (1990, algorithm 21), until a step gains less than `relative`.

    Steps are shortened to a fifth until they gain enough; the metric starts again as the identity when it is used up.

    >>> bfgs(lambda x: float(((x - 1) ** 2).sum()), lambda x: 2 * (x - 1), np.zeros(2)).round(6).tolist()
    [1.0, 1.0]
    """
    at, best = np.asarray(start, dtype=float).copy(), value(np.asarray(start, dtype=float))
    slope = gradient(at)
    gradients, reset, count = 1, 1, -1
    metric = np.eye(len(at))
    while gradients <= steps:
        if reset == gradients:
            metric = np.eye(len(at))
        before, old = at, slope
        direction = -metric @ slope
        projected = float(direction @ slope)
        if projected < 0:
            at, latest, length, count = _search(value, before, direction, best, projected)
            if abs(latest - best) <= relative * (abs(best) + relative):
                count, best = len(at), latest
            if count < len(at):
                best, slope = latest, gradient(at)
                gradients += 1
                metric, fits = _updated(metric, length * direction, slope - old)
                reset = reset if fits else gradients
            elif reset < gradients:
                count, reset = 0, gradients
        else:
            count = len(at) if reset == gradients else 0
            reset = gradients
        if gradients - reset > 2 * len(at):
            reset = gradients
        if count == len(at) and reset == gradients:
            break
    return at


def _search(
    value: Callable[[Floats], float], before: Floats, direction: Floats, best: float, projected: float
) -> tuple[Floats, float, float, int]:
    """The first step that gains enough: where it ends, the value there, its length, coordinates that stood still."""
    length, latest = 1.0, best
    while True:
        at = before + length * direction
        still = int((10.0 + before == 10.0 + at).sum())
        if still == len(at):
            return at, latest, length, still
        latest = value(at)
        if np.isfinite(latest) and latest <= best + projected * length * 1e-4:
            return at, latest, length, still
        length *= 0.2


def _updated(metric: Floats, step: Floats, change: Floats) -> tuple[Floats, bool]:
    """The metric after a step and the gradient's change along it, unless they say the curvature is negative."""
    curvature = float(step @ change)
    if curvature <= 0:
        return metric, False
    moved = metric @ change
    cross = np.outer(step, moved)
    scale = 1 + float(moved @ change) / curvature
    return metric + (scale * np.outer(step, step) - cross - cross.T) / curvature, True
