"""The attack itself: cells from what was read, what follows by equality, then ranges by linear programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from survey.attacker.extremes import Constraints, extremes
from survey.attacker.reading import PRINTED, Published

CELL = ["wave", "item", "by", "group"]
LEVELS = ("share", "mean", "total", "ratio", "quantile")
SHARES = ("share", "mean")
ROUNDING = PRINTED

Key = tuple[str, str, str, str]
Place = tuple[str, str]


class Nested(NamedTuple):
    """A group that holds groups of another breakdown, as their names tell; `whole`: and nobody else."""

    by: str
    group: str
    inner_by: str
    inner: tuple[str, ...]
    whole: bool


@dataclass(frozen=True)
class Knowledge:
    """What an outsider knows beside the publication.

    bases: weighted base of cells (margins of the calibration, official statistics).   sizes: wave → interviews, and
    breakdown → those whose group is known.   nested: wave → groups that hold others.
    """

    bases: Mapping[Key, float] = field(default_factory=dict)
    sizes: Mapping[str, tuple[int, Mapping[str, int]]] = field(default_factory=dict)
    nested: Mapping[str, Sequence[Nested]] = field(default_factory=dict)


@dataclass
class Cell:
    """What is known of a cell: n and its shares by statistic and level; `confidential` when marked so."""

    n: float = np.nan
    least: float = 0.0
    shares: dict[str, float] = field(default_factory=dict)
    confidential: bool = False
    apart: float = np.nan
    """Its share less that of all others, where that is shown."""


def attack(
    seen: Published, knowledge: Knowledge | None = None, protection: float = 10, share_protection: float = 0.2
) -> pd.DataFrame:
    """The range of every confidential cell's respondents and shares.

    Also of the remainder of a group beside those it holds (group "a-b"), which is published nowhere and may follow.

    Numbers that are told rounded or with noise are ranges to it, as wide as the method says.

    Args: protection: narrowest range of a count that hides it.   share_protection: the same of a share, as far as the
    figure for everybody leaves room: at most half of that.
    Returns: CELL, n_low, n_high, open, share_low, share_high, open_share; one row a cell, "open" where worked out.
    """
    known = knowledge or Knowledge()
    cells = _cells(seen)
    _facts(cells, seen)
    _equalities(cells, seen)
    tables: dict[tuple[str, str, str], list[Key]] = {}
    for key in cells:
        if key[2]:
            tables.setdefault(key[:3], []).append(key)
    counts = _counts(cells, tables, _sizes(seen, known), known, protection, seen.slack)
    shares = _shares(cells, tables, known, seen.rounding)
    rows = []
    for key, (low, high, tight_below) in counts.items():
        narrow = high - low < protection * (1 - ROUNDING)
        hidden = narrow if tight_below is None else narrow and high > 0.5 and low < tight_below
        found = shares.get(key, [(np.nan, np.nan, np.inf)])
        least = min(found, key=lambda each: each[1] - each[0] if each[0] == each[0] else np.inf)
        short = any(b - a < min(share_protection, room / 2) - 4 * seen.rounding for a, b, room in found)
        rows.append((*key, low, high, hidden, least[0], least[1], short))
    columns = [*CELL, "n_low", "n_high", "open", "share_low", "share_high", "open_share"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"open": bool, "open_share": bool})


def _cells(seen: Published) -> dict[Key, Cell]:
    """Every cell of the figures."""
    cells: dict[Key, Cell] = {}
    rows = seen.figures[seen.figures["statistic"].isin(LEVELS)]
    columns = (rows[name] for name in (*CELL, "statistic", "level", "estimate", "n", "mark"))
    for wave, item, by, group, statistic, level, estimate, n, mark in zip(*columns, strict=True):
        cell = cells.setdefault((wave, item, by, group), Cell())
        if mark == "[c]":
            cell.confidential = True
        elif mark == "[x]":
            cell.n = 0.0
        elif not mark:
            cell.n = n
            if statistic in SHARES and 0 <= estimate <= 1:
                cell.shares[f"{statistic}|{level}"] = estimate
    for cell in cells.values():  # one level that is told tells the respondents of all
        if cell.confidential and cell.n == cell.n:
            cell.least = cell.n
    return cells


def _facts(cells: dict[Key, Cell], seen: Published) -> None:
    """How many answered a question is the base of its figure for everybody."""
    for (wave, item), n in seen.answered.items():
        cell = cells.get((wave, item, "", ""))
        if cell is not None and cell.n != cell.n:
            cell.n = float(n)


def _sizes(seen: Published, known: Knowledge) -> dict[str, tuple[int, Mapping[str, int]]]:
    """Interviews of each wave, and of those how many have a known group."""
    read = {}
    for wave, records in seen.records.items():
        answered = {item: n for (own, item), n in seen.answered.items() if own == wave}
        breakdowns = seen.figures.loc[seen.figures["wave"] == wave, "by"].unique()
        read[wave] = (records, {by: answered.get(by, records) for by in breakdowns if by})
    return {**read, **known.sizes}


def _equalities(cells: dict[Key, Cell], seen: Published) -> None:
    """A change tells one wave by the other, and the smaller count; a difference tells the group's own count."""
    rows = seen.figures[seen.figures["statistic"].isin(["change", "difference"]) & seen.figures["mark"].eq("")]
    columns = (rows[name] for name in (*CELL, "statistic", "level", "estimate", "n"))
    told = list(zip(*columns, strict=True))
    for _ in range(2):  # what one tells may tell another
        for wave, item, by, group, statistic, level, estimate, n in told:
            now = cells.get((wave, item, by, group))
            if statistic == "difference" and now is not None:
                now.apart = estimate
                if now.n != now.n and n == n:
                    now.n = n
            before = cells.get((level, item, by, group))
            if statistic != "change" or now is None or before is None:
                continue
            for one, other, sign in ((now, before, 1.0), (before, now, -1.0)):
                if "mean|" in other.shares and "mean|" not in one.shares:
                    one.shares["mean|"] = other.shares["mean|"] + sign * estimate
                if one.n != one.n and n == n:
                    one.least = max(one.least, n)
                    if other.n == other.n and other.n > n:
                        one.n = n


Counts = dict[Key, tuple[float, float, float | None]]


def _counts(
    cells: Mapping[Key, Cell],
    tables: Mapping[tuple[str, str, str], list[Key]],
    sizes: Mapping[str, tuple[int, Mapping[str, int]]],
    known: Knowledge,
    protection: float,
    slack: float = 0.0,
) -> Counts:
    """Ranges of the respondents of confidential cells, and of the few that are published nowhere."""
    system = Constraints()
    unknown = {key: system.unknown(max(cell.least - slack, 0.0)) for key, cell in cells.items() if cell.n != cell.n}
    if slack:
        about = {key: (max(cell.n - slack, 0.0), cell.n + slack) for key, cell in cells.items() if key not in unknown}
        unknown |= {key: system.unknown(*ends) for key, ends in about.items()}
    _others(system, cells, unknown, sizes, slack)
    rest: dict[Key, int] = {}
    for (wave, item, by), own in tables.items():
        records, placed = sizes.get(wave, (0, {}))
        missing = system.unknown(0.0, float(records - placed.get(by, records)) + 2 * slack)
        _add(system, cells, unknown, (wave, item, "", ""), own, missing)
    for outer, parts_of, whole in _nests(cells, tables, known):
        remainder = system.unknown(0.0, 0.0 if whole else np.inf)
        if _add(system, cells, unknown, outer, parts_of, remainder) and not whole:
            rest[(*outer[:3], f"{outer[3]}-{'+'.join(part[3] for part in parts_of)}")] = remainder
    secret = [key for key, cell in cells.items() if cell.confidential and key in unknown]
    found = extremes(system, [unknown[key] for key in secret])
    out: Counts = {key: (*pair, None) for key, pair in zip(secret, found, strict=True)}
    out |= {key: (cell.n, cell.n, None) for key, cell in cells.items() if cell.confidential and key not in unknown}
    few = extremes(system, list(rest.values()))
    out |= {key: (*pair, protection) for key, pair in zip(rest, few, strict=True)}
    return out


def _add(
    system: Constraints,
    cells: Mapping[Key, Cell],
    unknown: Mapping[Key, int],
    whole: Key,
    parts: Sequence[Key],
    rest: int,
) -> bool:
    """whole = Σ parts + rest, where groups add up at all.   Returns: whether it was added."""
    if whole not in cells or (cells[whole].n != cells[whole].n and whole not in unknown):
        return False
    terms = {unknown[key]: 1.0 for key in parts if key in unknown}
    terms[rest] = 1.0
    right = -sum(cells[key].n for key in parts if key not in unknown)
    if whole in unknown:
        terms[unknown[whole]] = -1.0
        if sum(system.low[unknown[key]] for key in parts if key in unknown) > system.high[unknown[whole]]:
            return False
    else:
        right += cells[whole].n
        if right < 0 or (len(terms) == 1 and right > system.high[rest]):
            return False
    system.equal.append((terms, float(right)))
    return True


def _others(
    system: Constraints, cells: Mapping[Key, Cell], unknown: Mapping[Key, int],
    sizes: Mapping[str, tuple[int, Mapping[str, int]]], slack: float,
) -> None:  # fmt: skip
    """A group has at least the respondents that another item shows, less all who did not answer this one."""
    shown: dict[tuple[str, str, str], float] = {}
    for (wave, _, by, group), cell in cells.items():
        if by and cell.n == cell.n:
            shown[wave, by, group] = max(shown.get((wave, by, group), 0.0), cell.n)
    everybody: dict[Place, float] = {}
    for place, n in shown.items():
        shown[place] = max(n - slack, 0.0)
        everybody[place[:2]] = everybody.get(place[:2], 0.0) + shown[place]
    for key, at in unknown.items():
        wave, item, by, group = key
        whole = cells.get((wave, item, "", ""))
        if cells[key].n == cells[key].n or wave not in sizes or not by or whole is None or whole.n != whole.n:
            continue
        records, placed = sizes[wave]
        own = shown.get((wave, by, group), 0.0)
        system.low[at] = max(system.low[at], own - (records - whole.n) - 2 * slack)
        system.high[at] = min(system.high[at], placed.get(by, records) + slack - (everybody.get((wave, by), 0.0) - own))


def _nests(
    cells: Mapping[Key, Cell], tables: Mapping[tuple[str, str, str], list[Key]], known: Knowledge
) -> Iterator[tuple[Key, list[Key], bool]]:
    """Groups with those they hold, for every item that tells all of them."""
    for wave, item, by in tables:
        for nest in known.nested.get(wave, ()):
            parts = [(wave, item, nest.inner_by, each) for each in nest.inner]
            if nest.by == by and (wave, item, by, nest.group) in cells and all(part in cells for part in parts):
                yield (wave, item, by, nest.group), parts, nest.whole


def _shares(
    cells: Mapping[Key, Cell], tables: Mapping[tuple[str, str, str], list[Key]], known: Knowledge, rounding: float
) -> dict[Key, list[tuple[float, float, float]]]:
    """Ranges of the shares of confidential cells, with the room that the figure for everybody leaves."""
    out: dict[Key, list[tuple[float, float, float]]] = {}
    for (wave, item, _), own in tables.items():
        whole = (wave, item, "", "")
        secret = [key for key in own if cells[key].confidential]
        for name in cells[whole].shares if secret and whole in cells else ():
            for key, found in zip(secret, _ranges(cells, known, whole, own, secret, name, rounding), strict=True):
                size = known.bases[key] / known.bases[whole] if {key, whole} <= set(known.bases) else 0.0
                share = cells[whole].shares[name]
                most = min(1.0, share / size) if size > 0 else float(share > 0)
                least = max(0.0, (share - 1 + size) / size) if size > 0 else float(share >= 1)
                out.setdefault(key, []).append((*found, most - least))
    return out


def _ranges(
    cells: Mapping[Key, Cell],
    known: Knowledge,
    whole: Key,
    own: Sequence[Key],
    secret: Sequence[Key],
    name: str,
    rounding: float,
) -> list[tuple[float, float]]:
    """Least and most of a share T/N of each secret cell: linear once its base N is one (Charnes & Cooper 1962)."""
    system = Constraints()
    targets: list[int | None] = []
    for target in secret:
        if name in cells[target].shares:
            targets.append(None)
            continue
        base, total = {}, {}
        unit = known.bases.get(target, np.nan)
        for key in (whole, *own):
            fixed = known.bases.get(key, np.nan) / unit
            low, high = (fixed, fixed) if fixed == fixed else (0.0, np.inf)
            base[key] = system.unknown(*((1.0, 1.0) if key == target else (low, high)))
            total[key] = system.unknown()
            system.most.append(({total[key]: 1.0, base[key]: -1.0}, 0.0))
            share = cells[key].shares.get(name)
            if share is not None:
                _about(system, {total[key]: 1.0}, share, {base[key]: 1.0}, rounding)
            apart = cells[key].apart
            if key != whole and share is not None and apart == apart and name == "mean|":
                _about(
                    system, {total[whole]: 1.0, total[key]: -1.0}, share - apart,
                    {base[whole]: 1.0, base[key]: -1.0}, 2 * rounding,
                )  # fmt: skip
        rest, left = system.unknown(), system.unknown()
        if not known.bases:
            system.high[rest] = 0.0
        system.most.append(({left: 1.0, rest: -1.0}, 0.0))
        system.equal.append(({base[whole]: 1.0, rest: -1.0, **{base[key]: -1.0 for key in own}}, 0.0))
        system.equal.append(({total[whole]: 1.0, left: -1.0, **{total[key]: -1.0 for key in own}}, 0.0))
        targets.append(total[target])
    found = iter(extremes(system, [target for target in targets if target is not None]))
    return [
        (cells[key].shares[name],) * 2 if target is None else next(found)
        for key, target in zip(secret, targets, strict=True)
    ]


def _about(system: Constraints, total: dict[int, float], share: float, base: dict[int, float], rounding: float) -> None:
    """total = share · base, as far as the printed places of the share tell."""
    for sign in (1.0, -1.0):
        terms = {at: sign * factor for at, factor in total.items()}
        for at, factor in base.items():
            terms[at] = terms.get(at, 0.0) - sign * factor * (share + sign * rounding)
        system.most.append((terms, 0.0))
