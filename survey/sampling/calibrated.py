"""What calibration does to variance: an influence counts only as far as the calibration model does not explain it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.errors import DesignError
from survey.sampling.linearized import Bools, Floats, Ints, sum_by
from survey.sampling.totals import indicator


@dataclass(frozen=True)
class Calibration:
    """One adjustment of the weights to known totals, as the linearized variance needs it.

    model: the auxiliary variables (n, k) whose totals were met; margins of factors as 0/1 columns, one a level
    (collinear columns are fine).   blocks: numbers of columns of the margins of a raking, whose residuals R takes
    margin by margin.   before: weights the step started from (n,), divided by the distance's variance
    where one was given.   after: weights it gave (n,).

    The step turns an influence z into after·(z − Xβ), β = (Xᵀ diag(before) X)⁻ Xᵀ diag(before) z: Deville & Särndal
    (1992), which is what R does after postStratify and calibrate.
    """

    model: NDArray[np.float64]
    before: Floats
    after: Floats
    blocks: tuple[int, ...] = ()

    def solver(self) -> Floats:
        """M with β = M Xᵀ diag(before) z: the pseudo-inverse, or ten rounds of block after block as R after rake."""
        gram = self.model.T @ (self.model * self.before[:, None])
        if not self.blocks:
            return np.asarray(np.linalg.pinv(gram, hermitian=True))
        beta = np.zeros_like(gram)
        ends = np.cumsum((0, *self.blocks))
        for _ in range(10):
            for a, b in itertools.pairwise(ends):
                rest = np.eye(len(gram))[a:b] - gram[a:b] @ beta
                beta[a:b] += np.linalg.pinv(gram[a:b, a:b], hermitian=True) @ rest
        return beta

    @classmethod
    def of_margins(cls, margins: Sequence[pd.Series], before: Floats, after: Floats) -> Calibration:
        """A step that met the counts of the levels of one or several factors (post-stratification, raking)."""
        dummies = [pd.get_dummies(margin).to_numpy(dtype=float) for margin in margins]
        return cls(np.hstack(dummies), np.asarray(before, float), np.asarray(after, float))

    def padded(self, before: int, after: int) -> Calibration:
        """The same step for a longer frame whose further rows it does not touch."""
        rows = (before, after)
        return Calibration(
            np.pad(self.model, (rows, (0, 0))), np.pad(self.before, rows), np.pad(self.after, rows), self.blocks
        )


def as_calibrations(steps: Sequence[Any], weights: Floats) -> tuple[Calibration, ...]:
    """Steps from `Calibration` values or (model, weights before) pairs; a pair's weights after are the next before."""
    steps = list(steps)
    ready: list[Calibration] = []
    for k, step in enumerate(steps):
        if isinstance(step, Calibration):
            ready.append(step)
            continue
        model, before = step[0], step[1]
        following = steps[k + 1] if k + 1 < len(steps) else None
        after = (
            weights if following is None else following.before if isinstance(following, Calibration) else following[1]
        )
        matrix = np.asarray(model, dtype=float).reshape(len(weights), -1)
        ready.append(Calibration(matrix, np.asarray(before, dtype=float), np.asarray(after, dtype=float)))
    for step in ready:
        if step.model.shape[0] != len(weights) or not np.isfinite(step.model).all():
            raise DesignError(
                "A calibration model does not fit the data",
                expected="{rows} rows without gaps", got="{shape}", rows=len(weights), shape=str(step.model.shape),
            )  # fmt: skip
    return tuple(ready)


class Adjustment:
    """Calibration residuals, of influences row by row or of cell totals unit by unit (without making rows dense)."""

    def __init__(self, steps: tuple[Calibration, ...], weights: Floats, unit: Ints, units: int) -> None:
        self.steps, self.weights = steps, weights
        with np.errstate(divide="ignore", invalid="ignore"):
            self.scores = [
                step.model * np.where(step.after != 0, step.before / step.after, 0.0)[:, None] for step in steps
            ]
        self.effects = [step.model * step.after[:, None] for step in steps]
        self.solve = [step.solver() for step in steps]
        self.unit_effects = [sum_by(unit, effect, units) for effect in self.effects]
        self.cross = [[score.T @ effect for effect in self.effects] for score in self.scores]

    def residuals(self, z: Floats) -> Floats:
        """Weighted influences (n, p) less what the calibration models explain of them."""
        for score, effect, solve in zip(self.scores, self.effects, self.solve, strict=True):
            z = z - effect @ (solve @ (score.T @ z))
        return z

    def adjust(
        self, rows: Floats, code: Ints, cells: int, values: Sequence[Floats | None], mask: Bools
    ) -> Floats:  # fmt: skip
        """Unit totals of cells (U, cells·values) less what the calibration models explain of them."""
        weights = np.where(mask, self.weights, 0.0)
        pick = [indicator(code, cells, weights if value is None else weights * value) for value in values]
        betas: list[Floats] = []
        for k, score in enumerate(self.scores):
            moment = np.vstack([each @ score for each in pick]).T
            for j, beta in enumerate(betas):
                moment = moment - self.cross[k][j] @ beta
            betas.append(self.solve[k] @ moment)
        for effect, beta in zip(self.unit_effects, betas, strict=True):
            rows = rows - effect @ beta
        return rows
