"""Every item by every breakdown from one pass over the rows: the same figures as `survey.estimation.cells`, faster.

The weighted table (sampling unit × answer × group × item) is a sufficient statistic of shares and means. It is filled
for a few items at a time, so that it stays small, by a compiled loop: a plain `numpy.bincount` for each item and
breakdown reads the rows hundreds of times. Tables of parts of the rows add up.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numba import njit
from numpy.typing import NDArray

from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.cells import Figures, srs_variance
from survey.estimation.groups import Groups, item_column, share_levels
from survey.sampling.linearized import Floats, Ints

TABLE = 1_500_000
"""Cells of the table held at a time: 12 MB, so that it stays near the processor."""


class Scale(NamedTuple):
    """An item's answers: codes of the rows (−1: missing), labels, levels reported as shares, numbers (or none)."""

    code: NDArray[Any]
    labels: list[str]
    shown: list[int]
    scores: Floats | None


def scale_of(column: pd.Series) -> Scale:
    """Codes, labels and numbers of an item's levels; categories that are numbers are their own scores.

    >>> scale_of(pd.Series(pd.Categorical([2, 1, None], categories=[1, 2, 3])))[1:]
    (['1', '2', '3'], [0, 1, 2], array([1., 2., 3.]))
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        code: NDArray[Any] = column.cat.codes.to_numpy()
        _, labels, shown = share_levels(column.iloc[:0])
    else:
        code, labels, shown = share_levels(column)
        if labels == ["0", "1"] and shown == [1]:
            values = column.to_numpy(dtype=float, na_value=np.nan)
            code = np.where(np.isfinite(values), values == 1.0, -1)
    try:
        scores = np.array([float(label) for label in labels])
    except ValueError:
        scores = None
    return Scale(code, labels, shown, scores)


@dataclass(frozen=True)
class Block:
    """Figures of a few items by all groups of all breakdowns.

    whole, share, share_variance: (levels, groups, items); mean, mean_variance: (groups, items); count: respondents
    with an answer to each item, and in all (groups, items + 1).
    """

    items: list[str]
    scales: list[Scale]
    whole: Floats
    count: Floats
    share: Floats
    share_variance: Floats
    mean: Floats
    mean_variance: Floats


def suited(d: SurveyDesign, groups: int) -> bool:
    """Whether one pass serves: the variance is one sum over strata, and a table of all groups can be held.

    Not under replicates, calibration, lonely units or further stages.
    """
    if d.linearized is None or d.calibrations or d.pps is not None or d.slow_domains:
        return False
    stages = d.linearized.stages
    return len(stages) == 1 and not d.linearized.any_lonely and d.linearized.units * groups <= 10 * TABLE


def blocks(d: SurveyDesign, items: Sequence[str], breakdowns: Sequence[Groups]) -> Iterator[Block]:
    """The items' figures, a few items at a time.

    Args: d: a design that is `suited`.   breakdowns: their groups stand side by side, (groups,) in all.
    """
    assert d.linearized is not None
    rows = Rows.of(d, breakdowns)
    scales = {item: scale_of(item_column(d.frame, item)) for item in items}
    levels = max((len(scale.labels) for scale in scales.values()), default=1)
    width = max(1, TABLE // (d.linearized.units * levels * rows.size))
    for start in range(0, len(items), width):
        part = list(items[start : start + width])
        yield _figures(d, part, [scales[item] for item in part], rows)


@dataclass(frozen=True)
class Rows:
    """The rows with a weight, unit after unit.

    order: their positions in the frame; start: where each unit begins (units + 1,); weights: of the ordered rows;
    group: of the ordered rows in every breakdown (rows, breakdowns), −1 for none; size: groups of all breakdowns.
    """

    order: NDArray[np.int32]
    start: Ints
    weights: Floats
    group: NDArray[Any]
    size: int

    @classmethod
    def of(cls, d: SurveyDesign, breakdowns: Sequence[Groups]) -> Rows:
        """The rows of a design, ordered by its units."""
        assert d.linearized is not None
        unit, units = d.linearized.unit, d.linearized.units
        small = unit.astype(np.uint16) if units < 2**16 else unit  # a radix sort, ten times as fast
        order = np.argsort(small, kind="stable").astype(np.int32)
        weights = d.full_weights[order]
        weights[~d.mask[order]] = 0.0
        size = sum(len(groups.labels) for groups in breakdowns)
        group = np.empty((len(order), len(breakdowns)), dtype=np.int8 if size < 2**7 else np.int32)
        before = 0
        for k, groups in enumerate(breakdowns):
            np.copyto(group[:, k], np.where(groups.code < 0, -1, groups.code + before)[order], casting="unsafe")
            before += len(groups.labels)
        start = np.concatenate([[0], np.cumsum(np.bincount(small, minlength=units))])
        return cls(order, start, weights, group, size)


@njit(cache=True, nogil=True)
def _fill(table, count, start, weights, group, answer, first, last):  # type: ignore[no-untyped-def]
    """Add the rows of units first…last−1 to table (units, levels, groups, items).

    count (groups, items + 1): rows with a weight and no answer to the item; in the last column all rows with a weight.
    """
    items = answer.shape[1]
    for unit in range(first, last):
        own = table[unit]
        for row in range(start[unit], start[unit + 1]):
            weight = weights[row]
            if weight == 0.0:
                continue
            for k in range(group.shape[1]):
                at = group[row, k]
                if at < 0:
                    continue
                count[at, items] += 1
                for j in range(items):
                    level = answer[row, j]
                    if level >= 0:
                        own[level, at, j] += weight
                    else:
                        count[at, j] += 1


def unit_table(rows: Rows, scales: Sequence[Scale]) -> tuple[Floats, Ints]:
    """Weighted table (units, levels, groups, items), and respondents by group with an answer to each item and in all.

    The second is (groups, items + 1).
    """
    units, levels = len(rows.start) - 1, max(len(scale.labels) for scale in scales)
    answer = np.empty((len(rows.order), len(scales)), dtype=np.int8 if levels < 2**7 else np.int32)
    for j, scale in enumerate(scales):
        np.copyto(answer[:, j], scale.code[rows.order], casting="unsafe")
    table = np.zeros((units, levels, rows.size, len(scales)))
    threads = min(os.cpu_count() or 1, 8, units)
    cuts = np.searchsorted(rows.start, np.linspace(0, len(rows.order), threads + 1)).clip(0, units)
    cuts[0], cuts[-1] = 0, units
    counts = np.zeros((threads, rows.size, len(scales) + 1), dtype=np.intp)

    def fill(part: int) -> None:
        _fill(table, counts[part], rows.start, rows.weights, rows.group, answer, cuts[part], cuts[part + 1])

    with ThreadPoolExecutor(threads) as pool:  # every unit belongs to one thread, so sums come in one order
        list(pool.map(fill, range(threads)))
    count = counts.sum(axis=0)
    count[:, :-1] = count[:, -1:] - count[:, :-1]
    return table, count


def _figures(d: SurveyDesign, items: list[str], scales: list[Scale], rows: Rows) -> Block:
    """Shares, means and their variances from the block's table: z = (T − p·ΣT)/ΣΣT by sampling unit."""
    table, count = unit_table(rows, scales)
    shape = table.shape[2:]
    scores = np.full((table.shape[1], len(items)), np.nan)
    for j, scale in enumerate(scales):
        if scale.scores is not None:
            scores[:, j] = 0.0
            scores[: len(scale.scores), j] = scale.scores
    whole, by_unit = table.sum(axis=0), table.sum(axis=1)
    base = whole.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share, over = whole / base, 1 / base
        variance, score = np.empty_like(share), np.zeros_like(by_unit)
        for k in range(len(share)):
            z = table[:, k]  # the table is spent level by level
            z -= share[k] * by_unit
            z *= over
            score += scores[k] * z
            variance[k] = _variances(d, z).reshape(shape)
        mean = (scores[:, None] * share).sum(axis=0)
    return Block(items, scales, whole, count.astype(float), share, variance, mean, _variances(d, score).reshape(shape))


def figures(block: Block, j: int, start: int, end: int, statistic: str, finite: bool) -> Figures:
    """Shares or means of the block's item j in the groups start…end−1, as `survey.estimation.cells` gives them."""
    scale = block.scales[j]
    n, rows = block.count[start:end, j], block.count[start:end, -1]
    whole = block.whole[: len(scale.labels), start:end, j]
    base = whole.sum(axis=0)
    table = np.zeros((0, 0))  # influences are not kept: covariances come from the single calls
    if statistic == "share":
        shown = scale.shown
        p = block.share[shown, start:end, j].T
        srs = srs_variance(finite, p * (1 - p), n[:, None], base[:, None])
        variance = block.share_variance[shown, start:end, j].T
        width = len(shown)
        return Figures(
            block.items[j], [scale.labels[k] for k in shown], p.ravel(), table, variance.ravel(), np.repeat(n, width),
            np.repeat(base, width), srs.ravel(), np.repeat(rows, width),
        )  # fmt: skip
    if scale.scores is None:
        raise EstimationError(
            "The item has values that are not numbers", where="{item}", expected="numbers", got="text",
            hint="ask for its shares, or give each answer a score first", item=block.items[j],
        )  # fmt: skip
    mean = block.mean[start:end, j]
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (whole * (scale.scores[:, None] - mean) ** 2).sum(axis=0) / base
    srs = srs_variance(finite, spread, n, base)
    return Figures(block.items[j], [""], mean, table, block.mean_variance[start:end, j], n, base, srs, rows)


def _variances(d: SurveyDesign, z: Floats) -> Floats:
    """Variances of statistics by unit (units, groups, items), groups without answers left at 0."""
    flat = z.reshape(len(z), -1)
    nowhere = np.isnan(flat[0])
    if nowhere.any():
        flat[:, nowhere] = 0.0
    return d.variances(flat)
