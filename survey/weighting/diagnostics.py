"""How the weights look after a step: size, spread, concentration, and the shares of the known margins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from survey.sampling.linearized import Floats
from survey.weighting.margins import Margin


def diagnostics(step: str, weights: Floats) -> dict[str, Any]:
    """Size and spread of the weights after a step: n, min, max, CV, Kish's design effect 1 + CV² and n / deff.

    A weight of 0 takes no part in CV and deff, so that n_eff = (Σw)²/Σw² whatever rows stand beside the sample.
    top1 is the share of all weight that the largest 1 % of the weights hold (rounded up to whole persons).

    >>> diagnostics("base", np.array([1.0, 1.0, 2.0]))["deff"]
    1.125
    >>> diagnostics("base", np.array([1.0, 1.0, 2.0]))["top1"]
    0.5
    """
    n, total, squares = len(weights), float(weights.sum()), float((weights**2).sum())
    taking_part, few = int(np.count_nonzero(weights)), -(-n // 100)
    deff = taking_part * squares / total**2
    return {
        "step": step,
        "n": n,
        "min": float(weights.min()),
        "max": float(weights.max()),
        "sum": total,
        "cv": float(np.sqrt(max(deff - 1, 0.0))),
        "deff": deff,
        "n_eff": taking_part / deff,
        "top1": float(np.partition(weights, n - few)[n - few :].sum()) / total,
    }


def margin_table(margins: Sequence[Margin], steps: Mapping[str, Floats]) -> list[dict[str, Any]]:
    """Share of each level: known (target), and under the weights of each step; n: its respondents."""
    rows = []
    for margin in margins:
        shares = {step: margin.sums(weights) / weights.sum() for step, weights in steps.items()}
        known, people = margin.totals / margin.totals.sum(), margin.sums()
        for place, level in enumerate(margin.levels):
            row = {"margin": margin.name, "level": level, "n": int(people[place]), "target": float(known[place])}
            rows.append(row | {step: float(share[place]) for step, share in shares.items()})
    return rows
