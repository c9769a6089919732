"""Publications that are out already: what they told, and whether this one beside them would give anybody away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from survey.codebook import Disclosure
from survey.disclosure.system import CELL, LEVELS, SHARES, Cell, Key
from survey.errors import GateError
from survey.released import Told


def told_cells(rows: pd.DataFrame, full: pd.DataFrame, withheld: Iterable[str]) -> list[Told]:
    """The cells of a release, for the ledger.

    Args: rows: with their flags.   full: the same rows with their numbers.
    """
    own = rows["statistic"].isin(LEVELS) & full["n"].gt(0)
    hidden = rows["flag"].isin(list(withheld))
    share = full["estimate"].where(
        rows["statistic"].isin(SHARES) & rows["level"].eq("") & full["estimate"].between(0, 1)
    )
    frame = rows.loc[own, CELL].assign(
        n=full.loc[own, "n"],
        base=full.loc[own, "n_weighted"].fillna(full.loc[own, "n"]),
        estimate=share[own],
        hidden=hidden[own],
        secret=rows.loc[own, "flag"].eq("suppressed_primary"),
    )
    each = frame.groupby(CELL, sort=True, as_index=False).agg(
        {"n": "max", "base": "first", "estimate": "first", "hidden": "max", "secret": "max"}
    )
    return [
        Told(wave, item, by, group, float(n), float(base), float(estimate), not dark, bool(secret))
        for wave, item, by, group, n, base, estimate, dark, secret in each.itertuples(index=False, name=None)
    ]


def outside(cells: Iterable[Told]) -> dict[Key, Cell]:
    """Earlier cells as cells of the system; the last publication of a cell counts, and once shown is shown."""
    found: dict[Key, Cell] = {}
    for cell in cells:
        key = (cell.wave, cell.item, cell.by, cell.group)
        before = found.get(key)
        if before is not None and not before.hidden and not cell.shown and before.n == cell.n:
            continue
        shares = {"mean|": cell.estimate} if cell.estimate == cell.estimate else {}
        found[key] = Cell(cell.n, cell.base, shares, not cell.shown, cell.secret, True)
    return found


def revisions(rows: pd.DataFrame, cells: Iterable[Told], rules: Disclosure) -> None:
    """Refuse a figure that was told before with a few respondents more or less: the few would be what has changed.

    Raises: GateError: such a figure, unless `allow_small_revisions` gives a reason.
    """
    if rules.allow_small_revisions:
        return
    now: Mapping[Any, float] = rows[rows["statistic"].isin(LEVELS)].groupby(CELL)["n"].max().to_dict()
    for cell in cells:
        new = now.get((cell.wave, cell.item, cell.by, cell.group))
        if cell.shown and new is not None and 0 < abs(new - cell.n) < rules.min_n:
            raise GateError(
                "A figure that is out already has changed by a few respondents",
                where="{wave}: {item}, {place}",
                expected="the same respondents, or at least {least} more or fewer",
                got="fewer than {least} more or fewer",
                hint="what the two publications tell would show how those few answered; if that cannot be, give the "
                "reason under disclosure: allow_small_revisions",
                wave=cell.wave,
                item=cell.item,
                place=f"{cell.by} {cell.group}" if cell.by else "–",
                least=rules.min_n,
            )
