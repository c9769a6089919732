"""The release boundary: nothing leaves here that may identify anyone by inference, or that is too uncertain to say.

Suppression is data: each row gets a flag and a reason, and the numbers are blanked once, last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey.codebook import Codebook, Disclosure
from survey.estimation.intervals import share_interval
from survey.tidy import NUMBERS, results

WITHHELD = ("suppressed_primary", "suppressed_secondary", "unreliable", "not_asked", "break")
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
    suppressed_primary; withheld groups of a table that could be had by subtraction, alone or together → their smallest
    neighbours are suppressed_secondary; NCHS presentation standards for proportions (Parker and others 2017) →
    unreliable; fewer than caution_n respondents → caution.
    """
    rows = results(figures)
    rows = _flag(rows, rows["n"].fillna(0) == 0, "not_asked", "nobody was asked or answered")
    rows = _primary(rows, book.disclosure)
    rows = _secondary(rows, book.disclosure.min_n)
    rows = _reliability(rows, book.disclosure)
    rows = _comparisons(rows)
    counts = rows["flag"].value_counts()
    told = {flag: int(counts.get(flag, 0)) for flag in (*WITHHELD, "caution")}
    rules = {name: getattr(book.disclosure, name) for name in ("min_n", "caution_n", "min_psus")}
    rows.loc[rows["flag"].isin(WITHHELD), NUMBERS] = np.nan
    return Releasable(rows, {**_told(facts, book), "disclosure": {"figures": len(rows), **told, "rules": rules}})


def _told(facts: dict[str, Any], book: Codebook) -> dict[str, Any]:
    """Facts as they may be told: no extreme weight, no count below min_n, and none that follows from the others."""
    least = book.disclosure.min_n
    told = dict(facts)
    if "quality" in facts:
        quality = dict(facts["quality"])
        quality["answered"] = {item: _reasons(counts, least) for item, counts in quality.get("answered", {}).items()}
        quality["problems"] = [
            {**row, "n": row["n"] if row["n"] >= least else None} for row in quality.get("problems", [])
        ]
        told["quality"] = _behaviour(quality, least)
    if "integrity" in facts:
        told["integrity"] = _patterns(facts["integrity"], least)
    if "weighting" in facts:
        weighting = dict(facts["weighting"])
        hidden = {"min", "max", "sum"}  # each is somebody's weight, or turns a share into one
        weighting["steps"] = [
            {k: v for k, v in step.items() if k not in hidden | ({"top1"} if step.get("n", 0) < 100 * least else set())}
            for step in weighting.get("steps", [])
        ]
        thin = {row["margin"] for row in weighting.get("margins", []) if row.get("n", least) < least}
        weighting["margins"] = [
            {
                k: None if k in ("before", "adjusted") and row["margin"] in thin else v
                for k, v in row.items()
                if k != "n"
            }
            for row in weighting.get("margins", [])
        ]
        told["weighting"] = weighting
    return told


def _behaviour(quality: dict[str, Any], least: int) -> dict[str, Any]:
    """Counts of the ways of answering, those of a few persons left out; of each question how many gave no answer."""
    out = dict(quality)
    for name in ("speeders", "pace_speeders", "dont_know_runs"):
        if name in out:
            out[name] = _enough(out[name], least)
    out["grids"] = [{**row, "identical": _enough(row["identical"], least)} for row in quality.get("grids", [])]
    if "nonresponse" in quality:
        rows = [row for row in quality["nonresponse"]["items"] if row["missing"] >= least]
        # The single reasons stand under `answered`, pooled where one is rare.
        kept = [{name: row[name] for name in ("item", "asked", "missing", "rate")} for row in rows]
        out["nonresponse"] = {**quality["nonresponse"], "items": kept}
    return out


def _patterns(integrity: dict[str, Any], least: int) -> dict[str, Any]:
    """Screening without counts of a few persons; funnel points by size to the nearest five and share to 1 %."""
    patterns = []
    for pattern in integrity["patterns"]:
        row = {**pattern, "count": _enough(pattern["count"], least)}
        if "points" in pattern:
            points = [
                {**each, "n": 5 * round(each["n"] / 5), "share": round(each["share"], 2)} for each in row["points"]
            ]
            row["points"] = sorted(points, key=lambda each: (each["n"], each["share"]))
        patterns.append(row if row["count"] is not None else {k: v for k, v in row.items() if k != "usual"})
    return {**integrity, "patterns": patterns}


def _enough(count: int, least: int) -> int | None:
    """A count that is nought or large enough to be told."""
    return count if count == 0 or count >= least else None


def _reasons(counts: dict[str, int], least: int) -> dict[str, int]:
    """Reasons for missing answers one by one, or pooled where one of them is rare: the rest would give it away."""
    missing = {reason: n for reason, n in counts.items() if reason not in ("answered", "not_applicable")}
    kept = {reason: n for reason, n in counts.items() if reason not in missing}
    if all(n >= least for n in missing.values()):
        return kept | missing
    return kept | {"no_answer": sum(missing.values())}


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


def _secondary(rows: pd.DataFrame, least: int) -> pd.DataFrame:
    """Withhold the smallest neighbours until the hidden groups of a table are two or more and hold `least` respondents.

    Otherwise the total less the shown groups would give one hidden group away, or what a handful answered together.
    Neighbours are taken in the order of their size over all items, so that every item hides the same ones.
    """
    cells = rows[_levels(rows) & rows["by"].ne("")].drop_duplicates(CELL)
    size = cells.groupby(["wave", "by", "group"])["n"].transform("sum")
    chosen: set[tuple[str, ...]] = set()
    for _, table in cells.assign(size=size).groupby(["wave", "item", "by"], sort=False):
        hidden = table["flag"] == "suppressed_primary"
        if hidden.any():
            n, shown = table.loc[hidden, "n"].tolist(), table[~hidden & table["n"].gt(0)].sort_values(["size", "group"])
            for cell in shown[[*CELL, "n"]].itertuples(index=False, name=None):
                if len(n) >= 2 and sum(n) >= least:
                    break
                chosen.add(cell[:-1])
                n.append(cell[-1])
    where = pd.Series([key in chosen for key in rows[CELL].itertuples(index=False, name=None)], index=rows.index)
    return _flag(rows, where & _levels(rows), "suppressed_secondary", "protects another figure")


def _comparisons(rows: pd.DataFrame) -> pd.DataFrame:
    """A change or difference is withheld when a level it is made of is, or has too few answers on one side."""
    levels = rows[_levels(rows)]
    side = _effective(levels) * np.minimum(levels["estimate"], 1 - levels["estimate"])
    for bad, flag, reason in (
        (
            levels["flag"].isin(["suppressed_primary", "suppressed_secondary"]),
            "suppressed_secondary",
            "protects another figure",
        ),
        (levels["flag"].isin(WITHHELD), "unreliable", "one of its figures is withheld"),
        (levels["estimate"].between(0, 1) & (side < 5), "unreliable", "fewer than five answers on one side"),
    ):
        keys = set(levels.loc[bad, CELL].itertuples(index=False, name=None))
        own = [key in keys for key in rows[CELL].itertuples(index=False, name=None)]
        before = [key in keys for key in rows[["level", "item", "by", "group"]].itertuples(index=False, name=None)]
        compared = rows["statistic"].isin(["change", "difference"])
        rows = _flag(rows, compared & (np.array(own, dtype=bool) | np.array(before, dtype=bool)), flag, reason)
    return rows


def _effective(rows: pd.DataFrame) -> pd.Series:
    """Effective sample size, never more than the respondents there are."""
    return rows["n_eff"].clip(upper=rows["n"])


def _reliability(rows: pd.DataFrame, rules: Disclosure) -> pd.DataFrame:
    """After NCHS (2017): n and n_eff ≥ 30; Korn–Graubard width ≤ 0.05, or < 0.30 and ≤ 130 % of the share."""
    share = rows["statistic"].isin(["share", "mean"]) & rows["estimate"].between(0, 1)
    p, n_eff = rows["estimate"].where(share), _effective(rows)
    # The SE that the capped n_eff stands for, so that a lucky spread does not narrow the interval of the rule.
    share_of, size, df, n = (each.to_numpy(dtype=float) for each in (p, n_eff, rows["df"], rows["n"]))
    size = np.where(size > 0, size, np.nan)
    low, high = share_interval(share_of, np.sqrt(share_of * (1 - share_of) / size), df, n, "beta")
    width = pd.Series(high - low, index=rows.index).fillna(rows["ci_high"] - rows["ci_low"])
    for where, reason in (
        ((rows["n"] < 30) | (n_eff < 30), "effective sample below 30"),
        (width >= 0.30, "interval 30 points wide or more"),
        ((width > 0.05) & (width > 1.30 * p), "interval wider than 130 % of the share"),
    ):
        rows = _flag(rows, share & where, "unreliable", reason)
    few = _levels(rows) & (rows["n"] < rules.caution_n)
    rows = _flag(rows, few, "caution", f"fewer than {rules.caution_n} respondents")
    doubtful = share & ((rows["df"] < 8) | ((width > 0.05) & (width > 1.30 * (1 - p))))
    return _flag(rows, doubtful, "caution", "few sampling units, or the complement is unreliable")
