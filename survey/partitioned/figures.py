"""Shares, means, totals and ratios of rows in parts: the figures of `survey.estimate`, from tables that add up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.cells import Figures, srs_variance
from survey.estimation.covariance import Covariance, joined, remember
from survey.estimation.intervals import mean_interval
from survey.estimation.rows import interval_of_shares, tidy_rows
from survey.partitioned.axes import groups_of, spread
from survey.partitioned.parts import Parts
from survey.partitioned.raking import Raked
from survey.partitioned.sample import Sample, by_unit, freedom
from survey.partitioned.tables import Ask, Sufficient, merged, sufficient
from survey.sampling.columns import names
from survey.sampling.linearized import Bools, Floats

STATISTICS = ("share", "mean", "total", "ratio")


def figures(parts: Parts, sample: Sample, asks: Sequence[Ask]) -> pd.DataFrame:
    """Figures of rows in parts, all from one pass over them: as `survey.estimate` gives them of one frame.

    Each part is brought down to tables by sampling unit, which add up (`survey.partitioned.tables`); variance,
    intervals, degrees of freedom and design effects follow from the whole as they do in memory.

    Args: asks: what is wanted; the rows come in their order.
    Returns: `survey.tidy` rows with their covariance.
    Raises: AnxinError: as `survey.estimate`.   DataError: the parts know different categories of a column.

    >>> from survey.partitioned.parts import cut
    >>> frame = pd.DataFrame({"q": [1, 0, 1, 1], "u": [1, 1, 2, 2], "w": [1.0, 2, 3, 4]})
    >>> figures(cut(frame, 2), Sample("w", "u"), [Ask("share", "q")])[["item", "level", "estimate"]].values.tolist()
    [['q', '1', 0.8]]
    """
    for ask in asks:
        _known(ask)
    needed = {*sample.needed(parts.names), *(name for ask in asks for name in ask.columns)}
    chosen = parts.columns([name for name in parts.names if name in needed])
    whole = chosen.reduce(partial(sufficient, sample=sample, asks=tuple(asks)), merged)
    return finished(whole, sample, asks)


def finished(whole: Sufficient, sample: Sample, asks: Sequence[Ask]) -> pd.DataFrame:
    """The figures that follow from the tables of all parts."""
    d = sample.design(whole.units)
    return joined([_asked(whole, d, sample.raked, ask) for ask in asks])


def _known(ask: Ask) -> None:
    if ask.statistic not in STATISTICS or (ask.statistic == "ratio") != bool(ask.denominator):
        raise EstimationError(
            "The statistic is not known", expected="share, mean, total, or ratio with a denominator",
            got="{statistic}", statistic=ask.statistic,
        )  # fmt: skip
    if ask.ci == "likelihood":
        raise EstimationError("Intervals by likelihood need all rows in one place", expected="logit, beta, wilson, …")


def _asked(whole: Sufficient, d: SurveyDesign, raked: Raked | None, ask: Ask) -> pd.DataFrame:
    """One call's figures as rows with their covariance."""
    by, finite = ask.crossing, ask.deff == "wor" and not whole.weight < 1.05 * whole.positive
    found: list[Figures] = []
    for item in names(ask.items):
        if (item, ask.denominator, by) in whole.sums and ask.statistic != "share":
            found.append(_of_numbers(whole, d, raked, ask, item, finite))
        else:
            found.append(_of_levels(whole, d, raked, ask, item, finite))
    interval: Any = lambda m, se, df, rows, n: mean_interval(m, se, df, ask.level)  # noqa: E731
    if ask.statistic == "share":
        interval = interval_of_shares(ask.ci, ask.level)
    groups = groups_of(by, whole.axes, np.zeros(0, dtype=np.intp))
    rows = tidy_rows(ask.statistic, groups, found, *freedom(d, whole.people[by]), interval)
    table = np.hstack([each.table for each in found])
    return remember(rows, Covariance(lambda: table, d.covariance, rows["df"].to_numpy()))


def _of_levels(
    whole: Sufficient, d: SurveyDesign, raked: Raked | None, ask: Ask, item: str, finite: bool
) -> Figures:  # fmt: skip
    """Shares, mean or counts of an item whose answers are levels."""
    axis, (weight, count, by_cell) = whole.axes[item], whole.answers[item, ask.crossing]
    seen = weight.any(axis=2) | np.full(weight.shape[:2], raked is not None)  # residuals have no unit without answers
    rows = _residuals(raked, whole, weight, by_cell)
    labels, shown = axis.labels, list(range(len(axis.values)))
    if axis.binary and ask.statistic == "share":
        at = np.array([int(value) for value in axis.values], dtype=np.intp)
        weight, rows, labels, shown = spread(weight, 2, at, 2), spread(rows, 2, at, 2), ["0", "1"], [1]
    respondents = whole.people[ask.crossing].sum(axis=0).astype(float)
    n, total = count.astype(float), weight.sum(axis=0)
    base = total.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = total / base[:, None]
        z = (rows - p * rows.sum(axis=2, keepdims=True)) / base[:, None]
        if ask.statistic == "share":
            value, table, scatter = p[:, shown], z[:, :, shown], (p * (1 - p))[:, shown]
        elif ask.statistic == "total":
            value, table, scatter = np.where(n > 0, total.T, np.nan).T, rows, p * (1 - p)
        else:
            score = _scores(item, labels)
            value, table, labels, shown = (p @ score)[:, None], (z @ score)[:, :, None], [""], [0]
            scatter = (p * (score - value) ** 2).sum(axis=1, keepdims=True)
    srs = srs_variance(finite, scatter, n[:, None], base[:, None])
    srs = srs * base[:, None] ** 2 if ask.statistic == "total" else srs
    return _figures(d, item, [labels[k] for k in shown], value, table, seen, n, base, srs, respondents)


def _residuals(raked: Raked | None, whole: Sufficient, by_unit: Floats, by_cell: Floats) -> Floats:
    """Sums by unit (units, …) less what the margins of a raking explain of them."""
    if raked is None:
        return by_unit
    explained = raked.explained(by_cell.reshape(len(by_cell), -1), whole.effects)
    return np.asarray(by_unit - explained.reshape(by_unit.shape))


def _scores(item: str, labels: list[str]) -> Floats:
    """The numbers that levels stand for.   Raises: EstimationError: they are words."""
    try:
        return np.array([float(label) for label in labels])
    except ValueError:
        raise EstimationError(
            "The item has values that are not numbers", where="{item}", expected="numbers", got="text",
            hint="ask for its shares, or give each answer a score first", item=item,
        ) from None  # fmt: skip


def _of_numbers(
    whole: Sufficient, d: SurveyDesign, raked: Raked | None, ask: Ask, item: str, finite: bool
) -> Figures:  # fmt: skip
    """Mean, total or ratio of numbers: Σwy/Σwx, with Σ w (y − Rx)² from the squares about the means."""
    sums, count, _, squares, by_cell = whole.sums[item, ask.denominator, ask.crossing]
    ys, xs, people = sums.sum(axis=1)
    y, x, _ = _residuals(raked, whole, sums.swapaxes(0, 1), by_cell.swapaxes(0, 1)).swapaxes(0, 1)
    n, respondents = count.astype(float), whole.people[ask.crossing].sum(axis=0).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        if ask.statistic == "total":
            value, table = np.where(n > 0, ys, np.nan), y
            srs = srs_variance(finite, squares[0] / people, n, people) * people**2
        else:
            value = ys / xs
            table = (y - value * x) / xs
            around = squares[0] - 2 * value * squares[1] + value**2 * squares[2]
            srs = srs_variance(finite, around / people / (xs / people) ** 2, n, people)
    seen = (sums[2] > 0) | np.full(y.shape, raked is not None)
    name = f"{item}/{ask.denominator}" if ask.denominator else item
    return _figures(
        d, name, [""], value[:, None], table[:, :, None], seen, n, people, srs[:, None], respondents
    )  # fmt: skip


def _figures(
    d: SurveyDesign, item: str, labels: list[str], value: Floats, table: Floats, seen: Bools, n: Floats, people: Floats,
    srs: Floats, respondents: Floats,
) -> Figures:  # fmt: skip
    """Figures of an item from influences (units, G, L); seen: units with answers (units, G)."""
    table = np.where(np.isfinite(table), table, 0.0)
    width = len(labels)
    flat = by_unit(d, table)
    variance = d.variances(flat, np.asarray(seen.any(axis=1)))
    if d.slow_domains:
        for g in range(table.shape[1]):
            own = by_unit(d, table[:, g])
            variance.reshape(-1, width)[g] = d.variances(own, seen[:, g])
    return Figures(
        item, labels, value.ravel(), flat, variance, np.repeat(n, width), np.repeat(people, width), srs.ravel(),
        np.repeat(respondents, width),
    )  # fmt: skip
