"""Replicate weights: variance as the scatter of a statistic over re-weighted samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from survey.sampling import columns
from survey.sampling.linearized import Bools, Floats

METHODS = ("BRR", "Fay", "JK1", "JKn", "bootstrap", "SDR", "ACS", "other")


@dataclass(frozen=True)
class Replicates:
    """Replicate analysis weights (n, R) with V = scale·Σ_r rscale_r (θ_r − θ̄)² (Wolter 2007).

    mse: deviations from the full-sample estimate (each table's last row is then that estimate) instead of the mean.
    """

    weights: Floats
    scale: float
    rscales: Floats
    mse: bool
    method: str
    full: Floats

    def factors(self, mask: Bools) -> Floats:
        """Weights of every replicate, then the full-sample weights: (n, R+1), zero outside the mask."""
        return np.where(mask[:, None], np.column_stack([self.weights, self.full]), 0.0)

    def root(self, table: Floats) -> Floats:
        """S with SᵀS = covariance, from replicate estimates (R+1, p), the last row the full-sample estimate.

        A replicate that has no value of a statistic is left out of that statistic's scatter.
        """
        estimates, full = table[:-1], table[-1]
        factor = self.scale * self.rscales
        estimates, factor = estimates[self.rscales > 0], factor[self.rscales > 0]
        known = np.isfinite(estimates)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(known, estimates, 0.0).sum(axis=0) / known.sum(axis=0)
            deviations = estimates - (full if self.mse else mean)
        return np.sqrt(factor)[:, None] * np.where(known, deviations, np.where(known.any(axis=0), 0.0, np.nan))

    def linear_totals(self, z: Floats, weights: Floats) -> Floats:
        """Replicate values (R+1, p) of the linear statistics whose weighted influences are z (n, p)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            unweighted = np.where(weights[:, None] > 0, z / weights[:, None], 0.0)
        return np.asarray(np.vstack([self.weights.T @ unweighted, weights @ unweighted]))

    def degf(self, taking_part: Bools) -> int:
        """Rank of the replicate weights of the rows taking part, less 1 (as R's degf, tolerance 1e-5)."""
        part = self.weights[taking_part]
        if not part.size:
            return -1
        scale = np.linalg.svd(part / np.abs(part).max(), compute_uv=False)
        return int((scale > 1e-7 * scale[0]).sum()) - 1

    @classmethod
    def stacked(cls, parts: Sequence[Replicates], full: Sequence[Floats], shared: bool) -> Replicates:
        """Waves under each other: replicate r shared by all, or each wave's replicates with the others left whole."""
        first = parts[0]
        if shared:
            if len({part.weights.shape[1] for part in parts}) > 1:
                columns.refuse(
                    "The waves have different numbers of replicates", "the same replicates", "different ones"
                )
            if any(part.mse != first.mse or part.scale != first.scale or not np.array_equal(part.rscales, first.rscales)
                   for part in parts):  # fmt: skip
                columns.refuse("The waves' replicates are scaled differently", "the same scale, rscales and mse",
                               "different ones", hint="set shared_psus=False if each wave was drawn anew")  # fmt: skip
            return replace(first, weights=np.vstack([part.weights for part in parts]), full=np.concatenate(full))
        blocks, scales = [], []
        for k, part in enumerate(parts):
            still = [np.repeat(w[:, None], part.weights.shape[1], axis=1) for w in full]
            still[k] = part.weights
            blocks.append(np.vstack(still))
            scales.append(part.scale * part.rscales)
        return Replicates(np.hstack(blocks), 1.0, np.concatenate(scales), True, "other", np.concatenate(full))


def given_replicates(
    frame: pd.DataFrame, given: Any, full: Floats, method: str, fay: float | None, scale: float | None,
    rscales: ArrayLike | None, mse: bool, combined: bool,
) -> Replicates:  # fmt: skip
    """Replicates from columns or a matrix, with the method's scale where none is given.

    BRR 1/R; Fay 1/(R(1−ρ)²); JK1 (R−1)/R; bootstrap 1/(R−1); SDR and ACS 4/R; JKn needs rscales (Wolter 2007).
    """
    if method not in METHODS:
        columns.refuse("The replication method is not known", ", ".join(METHODS), method or "none", "method")
    listed = isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given)
    raw = frame[list(given)] if listed else given
    matrix = np.asarray(raw, dtype=float).reshape(len(frame), -1)
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        columns.refuse("Some replicate weights are missing or negative", "weights of 0 or more", "others", "replicates")
    if not combined:
        matrix = matrix * full[:, None]
    count = matrix.shape[1]
    if method == "Fay" and fay is None:
        columns.refuse("Fay's method needs its coefficient", "fay between 0 and 1", "none", "fay")
    if method == "JKn" and rscales is None:
        columns.refuse("JKn needs the scale of each replicate", "rscales, (n_h − 1)/n_h a replicate", "none", "rscales")
    usual = {"BRR": 1 / count, "Fay": 1 / (count * (1 - (fay or 0.0)) ** 2), "JK1": (count - 1) / count,
             "bootstrap": 1 / max(count - 1, 1), "SDR": 4 / count, "ACS": 4 / count}  # fmt: skip
    rs = np.ones(count) if rscales is None else _rscales(rscales, count)
    return Replicates(matrix, usual.get(method, 1.0) if scale is None else float(scale), rs, mse, method, full)


def _rscales(given: ArrayLike, count: int) -> Floats:
    """One scale a replicate, or one for all.   Raises: DesignError: another number, or no scale."""
    values = np.asarray(given, dtype=float)
    if values.size not in (1, count):
        columns.refuse("The scales of the replicates do not fit", f"{count} rscales, one a replicate",
                       values.size, "rscales",
                       "give (n_h − 1)/n_h of its stratum for every replicate, in their order")  # fmt: skip
    if not (np.isfinite(values) & (values >= 0)).all():
        columns.refuse("The scales of the replicates do not fit", "numbers of 0 or more", "others", "rscales")
    return np.broadcast_to(values.ravel(), (count,)).copy()
