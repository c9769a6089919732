"""The release boundary: nothing leaves here that may identify anyone by inference, or that is too uncertain to say.

Suppression is data: each row gets a flag and a reason, and the numbers are blanked once, last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey.codebook import Codebook, Disclosure
from survey.tidy import NUMBERS, results

WITHHELD = ("suppressed_primary", "suppressed_secondary", "unreliable", "not_asked")
CELL = ["wave", "item", "by", "group"]


@dataclass(frozen=True)
class Releasable:
    """What may be published; the report accepts only this.

    results: the schema of survey.tidy; a withheld row has no number but its flag and reason.
    facts: counts and diagnostics by section (sample, weighting, quality, privacy, disclosure, provenance), JSON-able.
    """

    results: pd.DataFrame
    facts: dict[str, Any]


def release(figures: pd.DataFrame, facts: dict[str, Any], book: Codebook) -> Releasable:
    """Flag every figure, withhold what may not be shown, count what was done.

    Rules, the first that holds: nobody asked → not_asked; fewer than min_n respondents or min_psus sampling units →
    suppressed_primary; a single withheld group of a table that could be had by subtraction → its smallest neighbour is
    suppressed_secondary; NCHS presentation standards for proportions (Parker and others 2017) → unreliable; fewer than
    caution_n respondents → caution.
    """
    rows = results(figures)
    rows = _flag(rows, rows["n"].fillna(0) == 0, "not_asked", "nobody was asked or answered")
    rows = _primary(rows, book.disclosure)
    rows = _secondary(rows)
    rows = _comparisons(rows)
    rows = _reliability(rows, book.disclosure)
    counts = rows["flag"].value_counts()
    told = {flag: int(counts.get(flag, 0)) for flag in (*WITHHELD, "caution")}
    rules = {name: getattr(book.disclosure, name) for name in ("min_n", "caution_n", "min_psus")}
    rows.loc[rows["flag"].isin(WITHHELD), NUMBERS] = np.nan
    return Releasable(rows, {**_told(facts, book), "disclosure": {"figures": len(rows), **told, "rules": rules}})


def _told(facts: dict[str, Any], book: Codebook) -> dict[str, Any]:
    """Facts without counts of fewer than min_n persons who refused, did not know or left an item blank."""
    quality = dict(facts.get("quality", {}))
    if "answered" in quality:
        quality["answered"] = {
            item: {reason: n for reason, n in counts.items() if n >= book.disclosure.min_n}
            for item, counts in quality["answered"].items()
        }
    return {**facts, "quality": quality}


def _flag(rows: pd.DataFrame, where: pd.Series, flag: str, reason: str) -> pd.DataFrame:
    """Rows that are still free of a flag get this one."""
    new = where & (rows["flag"] == "released")
    return rows.assign(flag=rows["flag"].mask(new, flag), reason=rows["reason"].mask(new, reason))


def _levels(rows: pd.DataFrame) -> pd.Series:
    return rows["statistic"].isin(["share", "mean", "total", "ratio", "quantile"])


def _primary(rows: pd.DataFrame, rules: Disclosure) -> pd.DataFrame:
    rows = _flag(rows, rows["n"] < rules.min_n, "suppressed_primary", f"fewer than {rules.min_n} respondents")
    few = rows["by"].ne("") & (rows["psus"] < rules.min_psus)
    return _flag(rows, few, "suppressed_primary", f"fewer than {rules.min_psus} sampling units")


def _secondary(rows: pd.DataFrame) -> pd.DataFrame:
    """Where one group alone is withheld the total would give it away: the smallest other group is withheld too."""
    cells = rows[_levels(rows) & rows["by"].ne("")].groupby([*CELL], sort=False)
    groups = cells.agg(n=("n", "first"), withheld=("flag", lambda f: (f == "suppressed_primary").any())).reset_index()
    groups["withheld"] = groups["withheld"].astype(bool)
    alone = groups.groupby(["wave", "item", "by"])["withheld"].transform("sum") == 1
    open_ = groups[alone & ~groups["withheld"] & groups["n"].gt(0)].sort_values(["n", "group"])
    smallest = open_.drop_duplicates(["wave", "item", "by"])
    keys = set(smallest[CELL].itertuples(index=False, name=None))
    where = pd.Series([key in keys for key in rows[CELL].itertuples(index=False, name=None)], index=rows.index)
    return _flag(rows, where & _levels(rows), "suppressed_secondary", "protects another figure")


def _comparisons(rows: pd.DataFrame) -> pd.DataFrame:
    """A change or a difference is withheld when one of the levels it is made of is."""
    hidden = rows[rows["flag"].str.startswith("suppressed") & _levels(rows)]
    keys = set(hidden[CELL].itertuples(index=False, name=None))
    compared = rows["statistic"].isin(["change", "difference"])
    own = [key in keys for key in rows[CELL].itertuples(index=False, name=None)]
    before = [key in keys for key in rows[["level", "item", "by", "group"]].itertuples(index=False, name=None)]
    return _flag(rows, compared & (np.array(own) | np.array(before)), "suppressed_secondary", "protects another figure")


def _reliability(rows: pd.DataFrame, rules: Disclosure) -> pd.DataFrame:
    """NCHS 2017 for shares: n_eff ≥ 30; interval width ≤ 0.05, or < 0.30 and at most 130 % of the share."""
    share = rows["statistic"].isin(["share", "mean"]) & rows["estimate"].between(0, 1)
    width = rows["ci_high"] - rows["ci_low"]
    relative = width / rows["estimate"].where(rows["estimate"] > 0)
    rows = _flag(rows, share & (rows["n_eff"] < 30), "unreliable", "effective sample below 30")
    rows = _flag(rows, share & (width >= 0.30), "unreliable", "interval 30 points wide or more")
    rows = _flag(
        rows, share & (width > 0.05) & (relative > 1.30), "unreliable", "interval wider than 130 % of the share"
    )
    return _flag(
        rows, _levels(rows) & (rows["n"] < rules.caution_n), "caution", f"fewer than {rules.caution_n} respondents"
    )
