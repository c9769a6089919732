"""Every item by every breakdown from one pass over the rows: the same figures as `survey.estimation.cells`, faster.

The weighted table (sampling unit × answer × group × item) is a sufficient statistic of shares and means. It is filled
for a few items at a time, so that it stays small, by a compiled loop: a plain `numpy.bincount` for each item and
breakdown reads the rows hundreds of times. Tables of parts of the rows add up.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
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

TABLE = 1_600_000
"""Cells of the table held at a time: 13 MB, so that it stays near the processor."""
WIDTH = 8
"""Items taken at a time: fewer leave the compiled loop too little to do for each row and group."""
THREADS = min(os.cpu_count() or 1, 8)


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


def narrow(groups: Groups) -> Groups:
    """The groups with codes as small as their number allows: those of all breakdowns are held at once."""
    return groups._replace(code=groups.code.astype(np.min_scalar_type(-2 * max(len(groups.labels), 1))))


def suited(d: SurveyDesign, groups: int) -> bool:
    """Whether one pass serves: the variance is one sum over strata, and a table of all groups can be held.

    Not under replicates, calibration, lonely units, further stages or units that several waves share.
    """
    if d.linearized is None or d.calibrations or d.pps is not None or d.slow_domains:
        return False
    stages = d.linearized.stages
    if len(stages) > 1 or stages[0].together is not None:
        return False
    return not d.linearized.any_lonely and d.linearized.units * groups <= 10 * TABLE


def blocks(d: SurveyDesign, items: Sequence[str], breakdowns: Sequence[Groups]) -> Iterator[Block]:
    """The items' figures, a few items at a time.

    Args: d: a design that is `suited`.   breakdowns: their groups stand side by side, (groups,) in all.
    """
    rows = Rows.of(d, breakdowns)
    for start in range(0, len(items), WIDTH):
        part = list(items[start : start + WIDTH])
        scales = [scale_of(item_column(d.frame, item)) for item in part]
        pieces = [_figures(d, part, scales, table, count) for _, table, count in tables(rows, scales)]
        yield pieces[0] if len(pieces) == 1 else _side_by_side(pieces)


def tables(rows: Rows, scales: Sequence[Scale]) -> Iterator[tuple[slice, Floats, Ints]]:
    """`unit_table` of some items by all breakdowns, as many of these (the slice) at a time as can be held."""
    answer, levels = _answers(rows, scales)
    for these in _together(rows, levels, len(scales)):
        yield these, *unit_table(rows, answer, levels, these)


def _together(rows: Rows, levels: int, items: int) -> Iterator[slice]:
    """Breakdowns, one beside the other, whose table of some items can be held."""
    most = TABLE // ((len(rows.start) - 1) * (1 + levels) * items)
    first = 0
    for k in range(len(rows.sizes)):
        if k > first and sum(rows.sizes[first : k + 1]) > most:
            yield slice(first, k)
            first = k
    yield slice(first, len(rows.sizes))


def _side_by_side(pieces: Sequence[Block]) -> Block:
    """Figures of the same items by different groups as one block."""
    first = pieces[0]

    def joined(name: str, axis: int) -> Floats:
        return np.concatenate([getattr(piece, name) for piece in pieces], axis=axis)

    return Block(
        first.items, first.scales, joined("whole", 1), joined("count", 0), joined("share", 1),
        joined("share_variance", 1), joined("mean", 0), joined("mean_variance", 0),
    )  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """The rows with a weight, unit after unit.

    order: their positions in the frame; start: where each unit begins (units + 1,); weights: of the ordered rows;
    group: of the ordered rows in every breakdown (rows, breakdowns), −1 for none; sizes: groups of each breakdown.
    """

    order: NDArray[np.int32]
    start: Ints
    weights: Floats
    group: NDArray[Any]
    sizes: list[int]

    @classmethod
    def of(cls, d: SurveyDesign, breakdowns: Sequence[Groups]) -> Rows:
        """The rows of a design, ordered by its units."""
        assert d.linearized is not None
        return cls.ordered(d.linearized.unit, d.linearized.units, d.weights, breakdowns)

    @classmethod
    def ordered(cls, unit: Ints, units: int, weights: Floats, breakdowns: Sequence[Groups]) -> Rows:
        """Rows of units 0…units−1 with their weights, 0 outside the domain."""
        small = unit.astype(np.uint16) if units < 2**16 else unit  # a radix sort, ten times as fast
        order = np.argsort(small, kind="stable").astype(np.int32)
        sizes = [len(groups.labels) for groups in breakdowns]
        group = np.empty((len(order), len(breakdowns)), dtype=np.int8 if max(sizes) < 2**7 else np.int32)
        for k, groups in enumerate(breakdowns):
            np.copyto(group[:, k], groups.code[order], casting="unsafe")
        start = np.concatenate([[0], np.cumsum(np.bincount(small, minlength=units))])
        return cls(order, start, weights[order], group, sizes)


@njit(cache=True, nogil=True)
def _fill(table, count, start, weights, group, begin, place, answer, first, last):  # type: ignore[no-untyped-def]
    """Add the rows of units first…last−1 to table (units, 1 + levels, groups, items); level 0 is no answer.

    count (groups, items + 1): rows with a weight and no answer to the item; in the last column all rows with a weight.
    place: where the groups of the breakdowns begin…begin + len(place) − 1 stand in the table.
    """
    items = answer.shape[1]
    for unit in range(first, last):
        own = table[unit]
        for row in range(start[unit], start[unit + 1]):
            weight = weights[row]
            if weight == 0.0:
                continue
            gap = False
            for j in range(items):
                gap |= answer[row, j] == 0
            for k in range(len(place)):
                if group[row, begin + k] < 0:
                    continue
                at = place[k] + group[row, begin + k]
                count[at, items] += 1
                for j in range(items):  # a slot for no answer is cheaper than a branch that is hard to foresee
                    own[answer[row, j], at, j] += weight
                if gap:
                    for j in range(items):
                        count[at, j] += answer[row, j] == 0


@njit(cache=True, nogil=True)
def _take(answer, item, code, order, first, last):  # type: ignore[no-untyped-def]
    """One item's codes, one more than in the frame, in the order of the units."""
    for row in range(first, last):
        answer[row, item] = code[order[row]] + 1


def _answers(rows: Rows, scales: Sequence[Scale]) -> tuple[NDArray[Any], int]:
    """Codes of the ordered rows (rows, items), 0 for no answer, and the most levels an item has."""
    levels = max((len(scale.labels) for scale in scales), default=1)
    answer = np.empty((len(rows.order), len(scales)), dtype=np.uint8 if levels < 2**8 else np.uint32)

    def take(first: int, last: int) -> None:
        for j, scale in enumerate(scales):
            _take(answer, j, scale.code, rows.order, first, last)

    _by_threads(take, _cuts(len(rows.order)))
    return answer, levels


def _cuts(size: int) -> Ints:
    return np.linspace(0, size, THREADS + 1).astype(np.intp)


def _by_threads(work: Callable[[int, int], None], cuts: Ints) -> None:
    """Work from each cut to the next at the same time; compiled loops hold no lock."""
    with ThreadPoolExecutor(len(cuts) - 1) as pool:
        list(pool.map(work, cuts[:-1].tolist(), cuts[1:].tolist()))


def unit_table(rows: Rows, answer: NDArray[Any], levels: int, these: slice) -> tuple[Floats, Ints]:
    """Weighted table (units, levels, groups, items) of some breakdowns, and respondents by group with an answer to each
    item and in all (groups, items + 1).
    """
    units, items, sizes = len(rows.start) - 1, answer.shape[1], rows.sizes[these]
    place, size = np.cumsum([0, *sizes[:-1]]), sum(sizes)
    table = np.zeros((units, 1 + levels, size, items))
    cuts = np.searchsorted(rows.start, np.linspace(0, len(rows.order), THREADS + 1)).clip(0, units)
    cuts[0], cuts[-1] = 0, units
    counts: list[Ints] = []

    def fill(first: int, last: int) -> None:
        own = np.zeros((size, items + 1), dtype=np.intp)
        _fill(table, own, rows.start, rows.weights, rows.group, these.start, place, answer, first, last)
        counts.append(own)

    _by_threads(fill, cuts)  # every unit belongs to one thread, so sums come in one order
    count = np.sum(counts, axis=0)
    count[:, :-1] = count[:, -1:] - count[:, :-1]
    return table[:, 1:], count


@njit(cache=True, nogil=True)
def _linearize(table, share, over, scores, score, first, last):  # type: ignore[no-untyped-def]
    """Turn the totals of units first…last−1 into influences of the shares, in place; score: those of the means."""
    for unit in range(first, last):
        for at in range(table.shape[2]):
            for j in range(table.shape[3]):
                answered = 0.0
                for level in range(table.shape[1]):
                    answered += table[unit, level, at, j]
                for level in range(table.shape[1]):
                    z = (table[unit, level, at, j] - share[level, at, j] * answered) * over[at, j]
                    table[unit, level, at, j] = z
                    score[unit, at, j] += scores[level, j] * z


def _figures(d: SurveyDesign, items: list[str], scales: list[Scale], table: Floats, count: Ints) -> Block:
    """Shares, means and their variances from the table of some breakdowns: z = (T − p·ΣT)/ΣΣT by sampling unit."""
    shape = table.shape[2:]
    scores = np.full((table.shape[1], len(items)), np.nan)
    for j, scale in enumerate(scales):
        if scale.scores is not None:
            scores[:, j] = 0.0
            scores[: len(scale.scores), j] = scale.scores
    whole = table.sum(axis=0)
    base = whole.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share, over = whole / base, 1 / base
        mean = (scores[:, None] * share).sum(axis=0)
    score = np.zeros((len(table), *shape))
    _by_threads(partial(_linearize, table, share, over, scores, score), _cuts(len(table)))
    variance = np.stack([_variances(d, table[:, k]).reshape(shape) for k in range(len(share))])
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
