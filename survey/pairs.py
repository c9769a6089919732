"""Pairs of groups that differ: how a row names them, and which of them may be told."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

BANNER = "banner"
"""Block of the figures that only analysts get."""
PAIR = "pairwise"
SIGNIFICANT = 0.05
LEAST_SIDE = 5
CELL = ["wave", "item", "level", "by", "group"]
HIDDEN = ("suppressed_primary", "suppressed_secondary", "unreliable", "not_asked", "break")


def pair_name(later: str, earlier: str) -> str:
    """Group of a row that tells the difference later − earlier.

    >>> pair_name("2", "1")
    '2 - 1'
    """
    return f"{later} - {earlier}"


def groups_of(name: str) -> tuple[str, str]:
    """The two groups of a pair, the later first.

    >>> groups_of("2 - 1")
    ('2', '1')
    """
    later, _, earlier = name.partition(" - ")
    return later, earlier


def tellable_pairs(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, with their index, without pairs that may not be told: a share is withheld, or rests on few answers.

    They are left out, not marked: only pairs that differ are ever kept, so that a mark would tell of a difference. A
    share rests on few answers where fewer than five, in effective numbers, lie on one of its sides.

    >>> shares = [{"group": g, "statistic": "share", "flag": f, "estimate": 0.5, "n": 90} for g, f in
    ...           (("1", "released"), ("2", "caution"), ("3", "unreliable"))]
    >>> pairs = [{"group": g, "statistic": PAIR, "flag": "released"} for g in ("2 - 1", "3 - 1")]
    >>> rows = pd.DataFrame([*shares, *pairs]).assign(wave="w", item="q", level="1", by="sex", n_eff=90)
    >>> tellable_pairs(rows)["group"].tolist()
    ['1', '2', '3', '2 - 1']
    """
    pairs = rows["statistic"] == PAIR
    if not pairs.any():
        return rows
    cells = rows[(rows["statistic"] == "share") & rows["by"].ne("")]
    side = cells["n_eff"].clip(upper=cells["n"]) * np.minimum(cells["estimate"], 1 - cells["estimate"])
    good = cells[~cells["flag"].isin(HIDDEN) & (side >= LEAST_SIDE)]
    told = {
        (*key, pair_name(later, earlier))
        for key, table in good.groupby(CELL[:-1], sort=False)
        for earlier, later in combinations(table["group"], 2)
    }
    known = np.array([key in told for key in rows[CELL].itertuples(index=False, name=None)], dtype=bool)
    return rows[~pairs | (known & ~rows["flag"].isin(HIDDEN))]
