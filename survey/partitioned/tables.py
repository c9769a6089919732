"""What a part of the rows has to tell about figures: tables by sampling unit, which add up over the parts.

For answers that are levels the weighted table (unit × group × level) is sufficient for shares, means and counts; for
numbers Σw, Σwy and Σwx by unit and group, with the spread within groups merged about the means (Chan, Golub & LeVeque
1983), so that no large squares are subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from survey.errors import DataError
from survey.estimation.cells import Deff
from survey.estimation.groups import Groups, item_column, numeric
from survey.estimation.intervals import ShareInterval
from survey.partitioned.axes import Axis, axis_of, crossed, groups_of, place, same_units, spread, united, units_of
from survey.partitioned.sample import Sample
from survey.sampling.columns import names
from survey.sampling.linearized import Floats, Ints, weighted_counts
from survey.sampling.totals import cell_sums

By = tuple[str, ...]


@dataclass(frozen=True)
class Ask:
    """Figures wanted: a statistic (share, mean, total, ratio) of items by the crossing of columns.

    The fields are the arguments of `survey.estimate.proportion`, `mean`, `total` and `ratio`.
    """

    statistic: str
    items: str | Sequence[str]
    by: str | Sequence[str] | None = None
    denominator: str = ""
    ci: ShareInterval = "logit"
    level: float = 0.95
    deff: Deff = "wor"

    @property
    def crossing(self) -> By:
        """The columns of the breakdown."""
        return tuple(names(self.by))

    @property
    def columns(self) -> list[str]:
        """Every column the figures are made of."""
        return [*names(self.items), *([self.denominator] if self.denominator else []), *self.crossing]


class Answers(NamedTuple):
    """Weight by unit, group and level (U, G, L), respondents with an answer in each group (G,), and by cell of the
    raking, group and level the weight in the residuals' regression (C, G, L).
    """

    weight: Floats
    n: Ints
    by_cell: Floats


class Sums(NamedTuple):
    """Σwy, Σwx and Σw by unit and group (3, U, G), respondents (G,), means of y and x (2, G), the sums of squares
    and products of y and x about them (3, G): yy, yx, xx; and the first three by cell of the raking (3, C, G).
    """

    by_unit: Floats
    n: Ints
    mean: Floats
    spread: Floats
    by_cell: Floats


@dataclass(frozen=True)
class Sufficient:
    """All that figures need of some parts of the rows.

    units: keys of the sampling units; axes: column → levels; weight, positive: sum and number of the weights above 0;
    people: respondents by unit and group of each breakdown (U, G); effects: raked weight by unit and level (U, M).
    """

    units: pd.DataFrame
    axes: dict[str, Axis]
    weight: float
    positive: int
    people: dict[By, Ints]
    answers: dict[tuple[str, By], Answers]
    sums: dict[tuple[str, str, By], Sums]
    effects: Floats


def sufficient(frame: pd.DataFrame, sample: Sample, asks: Sequence[Ask]) -> Sufficient:
    """What one part has to tell about the figures.   Raises: AnxinError: as `survey.estimate`."""
    unit, units = units_of(frame, sample.roles)
    every = sample.weighted(frame)
    w = sample.inside(frame, every)
    axes: dict[str, Axis] = {}
    codes = {by: crossed(frame, by, axes) for by in dict.fromkeys(ask.crossing for ask in asks)}
    people = {by: _people(code, unit, len(units), w, _size(by, axes)) for by, code in codes.items()}
    levels, numbers = _wanted(frame, asks)
    rows = Rows(frame, w, unit, len(units), *_raking(frame, sample, w))
    return Sufficient(
        units, axes, float(every.sum()), int(np.count_nonzero(every)), people,
        _answers(rows, codes, levels, axes),
        {key: _sums(rows, key, codes[key[2]], _size(key[2], axes)) for key in numbers},
        sample.effects(frame, unit, len(units), every),
    )  # fmt: skip


class Rows(NamedTuple):
    """The rows of a part: weights, 0 outside the domain, sampling units; cells of the raking and weights in the
    residuals' regression if there is one.
    """

    frame: pd.DataFrame
    weights: Floats
    unit: Ints
    units: int
    cell: Ints
    cells: int
    regressed: Floats


def _raking(frame: pd.DataFrame, sample: Sample, w: Floats) -> tuple[Ints, int, Floats]:
    if sample.raked is None:
        return np.zeros(0, dtype=np.intp), 0, w
    cell = sample.raked.cell(frame)
    return cell, len(sample.raked.cells), sample.raked.regressed(w, cell)


def _size(by: By, axes: dict[str, Axis]) -> int:
    return int(np.prod([len(axes[name].values) for name in by], dtype=int))


def _people(code: Ints, unit: Ints, units: int, w: Floats, size: int) -> Ints:
    there = (code >= 0) & (w != 0)
    return np.bincount(unit[there] * size + code[there], minlength=units * size).reshape(units, size)


def _wanted(frame: pd.DataFrame, asks: Sequence[Ask]) -> tuple[dict[str, list[By]], list[tuple[str, str, By]]]:
    """Items whose levels are counted, each with its breakdowns; and the pairs of numbers that are added up."""
    levels: dict[str, list[By]] = {}
    numbers: dict[tuple[str, str, By], None] = {}
    for ask in asks:
        for item in names(ask.items):
            if ask.statistic == "share" or (ask.statistic != "ratio" and _has_levels(item_column(frame, item), ask)):
                if ask.crossing not in levels.setdefault(item, []):
                    levels[item].append(ask.crossing)
            else:
                numbers[item, ask.denominator, ask.crossing] = None
    return levels, list(numbers)


def _has_levels(column: pd.Series, ask: Ask) -> bool:
    """Whether means and totals are taken from levels: of Categoricals, and of words where they are counted."""
    words = column.dtype.kind not in "biuf" and ask.statistic == "total"
    return isinstance(column.dtype, pd.CategoricalDtype) or words


def _answers(
    rows: Rows, codes: dict[By, Ints], levels: dict[str, list[By]], axes: dict[str, Axis]
) -> dict[tuple[str, By], Answers]:  # fmt: skip
    """Tables of all items, those with the same breakdowns in one pass over the rows."""
    found: dict[tuple[str, By], Answers] = {}
    for breakdowns in dict.fromkeys(tuple(each) for each in levels.values()):
        items = [item for item, own in levels.items() if tuple(own) == breakdowns]
        coded = {item: axis_of(rows.frame, item) for item in items}
        axes |= {item: axis for item, (_, axis) in coded.items()}
        groups = {by: groups_of(by, axes, codes[by]) for by in breakdowns if _size(by, axes)}
        by_unit = _tables(rows.unit, rows.units, rows.weights, groups, coded)
        by_cell = _tables(rows.cell, rows.cells, rows.regressed, groups, coded) if rows.cells else {}
        for by in breakdowns:  # without a group in this part there is no table either
            for item, (_, axis) in coded.items():
                nothing = np.zeros((rows.units, 0, len(axis.values))), np.zeros(0, dtype=np.intp)
                weight, count = by_unit.get((item, by), nothing)
                empty = np.zeros((rows.cells, len(count), len(axis.values)))
                found[item, by] = Answers(weight, count, by_cell.get((item, by), (empty, count))[0])
    return found


def _tables(
    unit: Ints, units: int, w: Floats, groups: dict[By, Groups], coded: dict[str, tuple[Ints, Axis]]
) -> dict[tuple[str, By], tuple[Floats, Ints]]:  # fmt: skip
    """Weight by unit, group and level of every item and breakdown, and respondents by group."""
    from survey.estimation import battery  # numba takes longer to load than most figures take

    found: dict[tuple[str, By], tuple[Floats, Ints]] = {}
    rows = battery.Rows.ordered(unit, units, w, list(map(battery.narrow, groups.values()))) if groups else None
    for start in range(0, len(coded) if rows else 0, battery.WIDTH):
        some = list(coded)[start : start + battery.WIDTH]
        scales = [battery.Scale(coded[item][0], coded[item][1].labels, [], None) for item in some]
        assert rows is not None
        for these, table, count in battery.tables(rows, scales):
            ends = np.cumsum([0, *rows.sizes[these]])
            for k, by in enumerate(list(groups)[these]):
                for j, item in enumerate(some):
                    own = table[:, : len(scales[j].labels), ends[k] : ends[k + 1], j].transpose(0, 2, 1)
                    found[item, by] = np.ascontiguousarray(own), count[ends[k] : ends[k + 1], j]
    return found


def _sums(rows: Rows, key: tuple[str, str, By], code: Ints, size: int) -> Sums:
    """Sums of one pair of numbers; without a denominator x is 1."""
    frame, w = rows.frame, rows.weights
    y = numeric(item_column(frame, key[0]), key[0])
    x = numeric(item_column(frame, key[1]), key[1]) if key[1] else np.ones(len(y))
    used = (code >= 0) & np.isfinite(y) & np.isfinite(x) & (w != 0)
    y, x, w, at = y[used], x[used], w[used], code[used]
    by_unit, by_cell = (
        cell_sums(own[used], at, size, [y, x, None], each[used], count)
        .reshape(count, 3, size).transpose(1, 0, 2) if count else np.zeros((3, 0, size))
        for each, count, own in ((rows.unit, rows.units, rows.weights), (rows.cell, rows.cells, rows.regressed))
    )  # fmt: skip
    whole = by_unit.sum(axis=1)
    mean = whole[:2] / np.where(whole[2] > 0, whole[2], 1.0)
    dy, dx = y - mean[0, at], x - mean[1, at]
    squares = np.array([weighted_counts(at, w * a * b, size) for a, b in ((dy, dy), (dy, dx), (dx, dx))])
    return Sums(by_unit, np.bincount(at, minlength=size), mean, squares, by_cell)


def merged(one: Sufficient, two: Sufficient) -> Sufficient:
    """What two parts have to tell together.   Raises: DataError: they know different categories of a column."""
    if one.answers.keys() != two.answers.keys() or one.sums.keys() != two.sums.keys():
        raise DataError("A column is of levels in one part of the data and of numbers in another",
                        hint="write all parts with the same types of columns")  # fmt: skip
    units, at, at2 = same_units(one.units, two.units)
    axes = {name: united(name, axis, two.axes[name]) for name, axis in one.axes.items()}

    def grouped(values: Any, part: Sufficient, by: By, axis: int) -> Any:
        old, new = [part.axes[name] for name in by], [axes[name] for name in by]
        return spread(values, axis, place(old, new), _size(by, axes))

    def united_units(values: Any, part: Sufficient, axis: int = 0) -> Any:
        return spread(values, axis, at if part is one else at2, len(units))

    def people(part: Sufficient, by: By) -> Any:
        return united_units(grouped(part.people[by], part, by, 1), part)

    def answers(part: Sufficient, key: tuple[str, By]) -> Answers:
        item, by = key
        at_level, size = place([part.axes[item]], [axes[item]]), len(axes[item].values)
        own = part.answers[key]
        weight, by_cell = (spread(grouped(v, part, by, 1), 2, at_level, size) for v in (own.weight, own.by_cell))
        return Answers(united_units(weight, part), grouped(own.n, part, by, 0), by_cell)

    def sums(part: Sufficient, key: tuple[str, str, By]) -> Sums:
        wide, *others = (grouped(v, part, key[2], v.ndim - 1) for v in part.sums[key])
        return Sums(united_units(wide, part, 1), *others)

    def added(a: Answers, b: Answers) -> Answers:
        return Answers(a.weight + b.weight, a.n + b.n, a.by_cell + b.by_cell)

    return Sufficient(
        units, axes, one.weight + two.weight, one.positive + two.positive,
        {by: people(one, by) + people(two, by) for by in one.people},
        {key: added(answers(one, key), answers(two, key)) for key in one.answers},
        {key: _joined(sums(one, key), sums(two, key)) for key in one.sums},
        united_units(one.effects, one) + united_units(two.effects, two),
    )  # fmt: skip


def _joined(a: Sums, b: Sums) -> Sums:
    """Sums over two parts; the spread about the joint means is that about each part's own and that of the means."""
    w, v = a.by_unit[2].sum(axis=0), b.by_unit[2].sum(axis=0)
    whole = np.where(w + v > 0, w + v, 1.0)
    step = b.mean - a.mean
    between = np.array([step[0] ** 2, step[0] * step[1], step[1] ** 2]) * w * v / whole
    return Sums(
        a.by_unit + b.by_unit, a.n + b.n, a.mean + step * v / whole, a.spread + b.spread + between,
        a.by_cell + b.by_cell,
    )  # fmt: skip
