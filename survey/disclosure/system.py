"""A publication as one linear system: which quantities it tells, and which of them add up to which others.

A cell is what a wave tells of one item and one group: its respondents, its weighted base and its shares. Of each cell
the system holds the count n and the weighted totals T = share · base, a base being taken as known: calibration margins
and official statistics give it away. What holds between them:

- everybody = Σ groups of a breakdown + those whose group is unknown, of every n and T;
- a group that contains others = Σ of them + the remainder, where the remainder is nobody or a few;

That an item has about as many respondents in a group as another item has is survey.disclosure.crossing.
Changes and differences are no quantities of their own: each is shown only where both its sides are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from survey.codebook import Disclosure
from survey.disclosure.background import Background
from survey.disclosure.bounds import Table
from survey.disclosure.secondary import Cells, Demand

CELL = ["wave", "item", "by", "group"]
LEVELS = ("share", "mean", "total", "ratio", "quantile")
SHARES = ("share", "mean")
NOISE = 1e-6
CHEAP = 1e-3

Key = tuple[str, str, str, str]


class Cell(NamedTuple):
    """One cell with its true values.

    n: respondents.   base: Σw.   shares: statistic and level → share.   hidden: its numbers are shown nowhere.
    secret: they must not follow from others.   fixed: it is out already, or the figure for everybody.
    cheap: hiding it costs next to nothing, because it is too uncertain to be shown.
    """

    n: float
    base: float
    shares: Mapping[str, float]
    hidden: bool
    secret: bool
    fixed: bool
    cheap: bool = False


class Built(NamedTuple):
    """The system with its cells in the order of `keys`, and the quantity that is each cell's count."""

    table: Table
    cells: Cells
    demands: list[Demand]
    keys: list[Key]
    counts: Mapping[Key, int]


@dataclass
class System:
    """The quantities and the relations while they are gathered."""

    cells: dict[Key, Cell]
    index: dict[Key, int] = field(default_factory=dict)
    value: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    owner: list[int] = field(default_factory=list)
    entries: list[tuple[int, int, float]] = field(default_factory=list)
    rows: int = 0
    counts: dict[Key, int] = field(default_factory=dict)
    totals: dict[tuple[Key, str], int] = field(default_factory=dict)
    demands: list[tuple[int, float, float, int]] = field(default_factory=list)
    """Quantity, width in units of the quantity, reach, cell."""

    def quantity(self, value: float, upper: float, owner: int = -1) -> int:
        """A new quantity between 0 and `upper`."""
        self.value.append(value)
        self.lower.append(min(0.0, value))
        self.upper.append(max(upper, value))
        self.owner.append(owner)
        return len(self.value) - 1

    def relation(self, terms: Iterable[tuple[int, float]]) -> int:
        """A new relation Σ factor · quantity = 0."""
        self.entries += [(self.rows, quantity, factor) for quantity, factor in terms]
        self.rows += 1
        return self.rows - 1


def cells_of(rows: pd.DataFrame, outside: Mapping[Key, Cell]) -> dict[Key, Cell]:
    """The cells of a release with its flags so far, and those of earlier publications beside them.

    A cell of theirs that is told again with the same number of respondents cannot be hidden any more.
    """
    levels = rows[rows["statistic"].isin(LEVELS) & rows["n"].gt(0)]
    cells: dict[Key, Cell] = {}
    names = levels["statistic"] + "|" + levels["level"]
    share = levels["statistic"].isin(SHARES) & levels["estimate"].between(0, 1)
    columns = [levels[name] for name in CELL] + [levels["n"], levels["n_weighted"].fillna(levels["n"])]
    extra = [levels["estimate"].where(share), names, levels["flag"]]
    for wave, item, by, group, n, base, estimate, name, mark in zip(*columns, *extra, strict=True):
        key = (wave, item, by, group)
        before = cells.get(key) or Cell(n, base, {}, False, False, not by)
        cells[key] = before._replace(
            n=max(n, before.n),
            shares={**before.shares, name: estimate} if estimate == estimate else before.shares,
            hidden=before.hidden or mark == "suppressed_primary",
            secret=before.secret or mark == "suppressed_primary",
            cheap=before.cheap or mark == "unreliable",
        )
    waves = {key[0] for key in cells}
    for key, old in outside.items():
        if key not in cells and key[0] in waves:
            cells[key] = old
        elif key in cells and not old.hidden and cells[key].n == old.n:
            cells[key] = cells[key]._replace(hidden=False, secret=False, fixed=True)
    return cells


def build(cells: Mapping[Key, Cell], backgrounds: Mapping[str, Background], rules: Disclosure) -> Built:
    """The system of these cells, and what is demanded of it.

    Args: backgrounds: of the waves whose records are at hand.
    """
    width, share, least = rules.width, rules.share_protection, rules.min_n
    system = System(dict(cells))
    keys = list(cells)
    for number, key in enumerate(keys):
        system.index[key] = number
    for key in keys:
        _quantities(system, key)
    tables: dict[tuple[str, str, str], list[Key]] = {}
    for key in keys:
        if key[2]:
            tables.setdefault(key[:3], []).append(key)
    for (wave, item, by), own in tables.items():
        whole = (wave, item, "", "")
        if whole in cells:
            known = backgrounds.get(wave)
            unplaced = known.records - sum(known.sizes.get(by, {}).values()) if known else None
            _sum(system, whole, own, _Wanted(None, share, least if rules.protect_unplaced else 0), most=unplaced)
    for wave, background in backgrounds.items():
        here = [name for name in tables if name[0] == wave]
        for _, item, by in here:
            for group, inner_by, inner in background.contained(by):
                parts = [(wave, item, inner_by, each) for each in inner]
                if all(part in cells for part in parts) and (wave, item, by, group) in cells:
                    _sum(system, (wave, item, by, group), parts, _Wanted(width, share, least), rest=least)
    _secrets(system, keys, width, share, least)
    return Built(*_frozen(system, keys), keys, system.counts)


def _quantities(system: System, key: Key) -> None:
    """n and the totals of one cell; totals in average respondents, so that they are of the size of the counts."""
    cell, whole = system.cells[key], system.cells.get((*key[:2], "", ""))
    number = system.index[key]
    system.counts[key] = system.quantity(cell.n, whole.n if whole else 2 * cell.n + 1000, number)
    unit = _unit(whole or cell)
    if unit > 0:
        for name, share in cell.shares.items():
            size = cell.base / unit
            system.totals[key, name] = system.quantity(share * size, size, number)


def _unit(whole: Cell) -> float:
    """Mean weight."""
    return whole.base / whole.n if whole.base > 0 else np.nan


class _Wanted(NamedTuple):
    """Protection of a remainder of fewer than `least`: of its count, None where that is no secret, and of its share."""

    width: float | None
    share: float
    least: int


def _sum(
    system: System, whole: Key, parts: list[Key], wanted: _Wanted, rest: float = np.inf, most: float | None = None
) -> None:
    """whole = Σ parts + remainder, of n and of every total that all of them have.

    A remainder of `rest` or more tells nothing, being published nowhere; groups that overlap do not add up. How many
    did not tell their group is counted in the method (`most`): what they answered may be secret, but
    not that they are few.
    """
    left = system.cells[whole].n - sum(system.cells[part].n for part in parts)
    if left < 0 or left >= rest:
        return
    small = 0 < left < wanted.least
    terms = [(system.counts[whole], 1.0), *((system.counts[part], -1.0) for part in parts)]
    if left > 0:
        remainder = system.quantity(left, (left if most is None else most) if rest == np.inf else system.cells[whole].n)
        terms.append((remainder, -1.0))
        if small and wanted.width is not None:
            system.demands.append((remainder, wanted.width, wanted.least, -1))
    system.relation(terms)
    city = system.cells.get((*whole[:2], "", ""))
    unit = _unit(city) if city else np.nan
    if not unit > 0:
        return
    base = (system.cells[whole].base - sum(system.cells[part].base for part in parts)) / unit
    for name in system.cells[whole].shares:
        if any((part, name) not in system.totals for part in parts):
            continue
        terms = [(system.totals[whole, name], 1.0), *((system.totals[part, name], -1.0) for part in parts)]
        gap = sum(system.value[quantity] * factor for quantity, factor in terms)
        noise = NOISE * system.cells[whole].n
        if not -noise <= gap <= max(base, 0) + noise:
            continue  # another base for the parts than for the whole
        if left > 0 or abs(gap) > 1e-9:
            remainder = system.quantity(gap, max(base, 0.0))
            terms.append((remainder, -1.0))
            if small:
                system.demands.append((remainder, wanted.share * max(base, 0.0), 0.0, -1))
        system.relation(terms)


def _secrets(system: System, keys: list[Key], width: float, share: float, least: int) -> None:
    """Demands on each cell: on its count when it is hidden, on its shares when they are secret."""
    for key in keys:
        cell, number = system.cells[key], system.index[key]
        if cell.fixed and not cell.hidden:
            continue
        if cell.secret or not cell.hidden:  # hidden as unreliable only: no secret
            system.demands.append((system.counts[key], width, least if cell.secret else 0.0, number))
        for name in cell.shares if cell.secret else ():
            if (quantity := system.totals.get((key, name))) is not None:
                system.demands.append((quantity, _width(system, key, name, share), 0.0, number))


def _width(system: System, key: Key, name: str, share: float) -> float:
    """Width demanded of a secret total: `share` of its base, or half of what the figure for everybody leaves room for.

    Of a share that hardly anybody in the city has, nobody's group can have much more.
    """
    size = system.upper[system.totals[key, name]]
    whole = system.totals.get(((*key[:2], "", ""), name))
    if whole is None:
        return share * size
    everybody = system.value[whole]
    others = max(system.upper[whole] - size, 0.0)
    return min(share * size, 0.5 * (min(size, everybody) - max(0.0, everybody - others)))


def _frozen(system: System, keys: list[Key]) -> tuple[Table, Cells, list[Demand]]:
    row, column, factor = zip(*system.entries, strict=True) if system.entries else ((), (), ())
    shape = (system.rows, len(system.value))
    table = Table(
        sparse.csr_array((np.array(factor, dtype=float), (row, column)), shape=shape),
        np.array(system.value),
        np.array(system.lower),
        np.array(system.upper),
        np.array(system.owner, dtype=np.intp),
    )
    cells = [system.cells[key] for key in keys]
    size: dict[tuple[str, str, str], float] = {}
    for key in keys:
        place = (key[0], key[2], key[3])
        size[place] = size.get(place, 0.0) + system.cells[key].n
    cheap = np.array([CHEAP if cell.cheap else 1.0 for cell in cells])
    cost = np.array([1.0 + size[key[0], key[2], key[3]] for key in keys]) * cheap
    priced = Cells(
        cost / max(cost.mean(), 1.0) if len(cost) else cost,
        np.array([cell.hidden for cell in cells], dtype=bool),
        np.array([cell.fixed for cell in cells], dtype=bool),
    )
    return table, priced, [Demand(*demand) for demand in _sorted(system.demands)]


def _sorted(demands: list[tuple[int, float, float, int]]) -> Iterator[tuple[int, float, float, int]]:
    """Demands that ask for something: at least a thousandth of a respondent."""
    yield from (demand for demand in demands if demand[1] > 1e-3)
