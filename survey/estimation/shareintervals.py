"""Intervals of shares that need more than the share and its error: the replicates' logits, or the likelihood."""

from __future__ import annotations

import numpy as np

from survey.estimation.cells import Request
from survey.estimation.groups import item_column, share_levels
from survey.estimation.intervals import share_interval
from survey.estimation.profile import likelihood_interval, working_weight
from survey.sampling.linearized import Floats


def replicate_logit(request: Request, p: Floats, df: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """Logit intervals from the spread of the replicates' logits, as a replicated logistic regression gives them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.sqrt(replicate_logit_variance(request)) * p * (1 - p)
    return share_interval(p, np.where(np.isfinite(se), se, 0.0), df, n, "logit", level)


def replicate_logit_variance(request: Request) -> Floats:
    """Variances of the replicates' logits."""
    shares = stacked(request)
    with np.errstate(divide="ignore", invalid="ignore"):
        logits = np.log(shares / (1 - shares))
    return request.design.variances(np.where(np.isfinite(logits), logits, np.nan))


def _working_weights(request: Request, scale: Floats) -> Floats:
    """`survey.estimation.profile.working_weight` of every figure."""
    design, groups = request.design, request.groups
    found: list[float] = []
    for item in request.items:
        level, _labels, shown = share_levels(item_column(design.frame, item))
        used = request.used(item, level >= 0) & (design.weights > 0)
        for g in range(len(groups.labels)):
            rows = used & (groups.code == g)
            for k in shown:
                y, w = (level[rows] == k).astype(float), design.weights[rows] / scale[len(found)]
                found.append(working_weight(y, w) if 0 < y.sum() < len(y) else np.nan)
    return np.array(found)


def profile_interval(
    request: Request, p: Floats, se: Floats, df: Floats, n: Floats, level: float
) -> tuple[Floats, Floats]:
    """Profile likelihood intervals, weights scaled in each group as `SurveyDesign.likelihood_scale` says."""
    design = request.design
    figures = [request.one(request, item) for item in request.items]
    people = np.concatenate([figure.n_weighted for figure in figures])
    scales = np.array(
        [design.domain(request.groups.code == g).likelihood_scale for g in range(len(request.groups.labels))]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.concatenate([np.repeat(scales, len(figure.levels)) for figure in figures])
        if design.replicates is None:
            variance, spread = (se / (p * (1 - p))) ** 2, n - 1
        else:
            variance, spread = replicate_logit_variance(request), n
        if design.calibrations:
            spread = spread * len(design.frame) / n
        information = people / scale * _working_weights(request, scale)
    each = zip(p, variance, information, spread, n, df, strict=True)
    ends = [
        likelihood_interval(float(a), float(b), float(c), float(s), float(m), float(v), level)
        for a, b, c, s, m, v in each
    ]
    low, high = np.array(ends).reshape(-1, 2).T
    edge = share_interval(p, se, df, n, "beta", level)
    return np.where(np.isnan(low), edge[0], low), np.where(np.isnan(high), edge[1], high)


def stacked(request: Request) -> Floats:
    """Influences or replicates of all items side by side."""
    return np.hstack([request.one(request, item).table for item in request.items])
