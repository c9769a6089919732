"""The primary rules as one table: each has a name, its parameters in survey.yaml, a condition, a flag and a reason.

| rule | parameters | source |
| --- | --- | --- |
| nobody | – | nothing to tell |
| few | min_n | minimum frequency rule (Hundepool and others 2012, Statistical Disclosure Control, sec. 4.2.1) |
| units | min_psus | few clusters tell as much as few persons (ESSnet guidelines on output checking 2010, sec. 3) |
| unanimous | unanimous_n | group disclosure: all or none of a small group (Hundepool and others 2012, sec. 5.2) |
| dominance | dominance.largest, dominance.share | (n, k) rule on weights (Hundepool and others 2012, sec. 4.2.2) |
| p_percent | p_percent | p % rule on weights: Σ − w₁ − w₂ < p/100 · w₁ (as above) |
| nchs_size, nchs_width, nchs_relative | – | NCHS presentation standards for proportions (Parker and others 2017) |
| cv_unreliable, cv_caution | cv.unreliable, cv.caution | classes of Statistics Canada: 16.6 % and 33.3 % |
| small | caution_n | as NCHS, n below 100 |
| nchs_df, nchs_complement | – | NCHS: fewer than 8 degrees of freedom; the complement is unreliable |
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from survey.codebook import Disclosure
from survey.disclosure.background import Background
from survey.estimation.intervals import share_interval

LEVELS = ("share", "mean", "total", "ratio", "quantile")

Condition = Callable[[pd.DataFrame, Disclosure], "pd.Series[bool]"]


class Rule(NamedTuple):
    """One rule; `reason` is a template over `values`, the parameters by their last name."""

    name: str
    parameters: tuple[str, ...]
    where: Condition
    flag: str
    reason: str

    def values(self, settings: Disclosure) -> dict[str, Any]:
        """The parameters as survey.yaml sets them, by dotted name.

        >>> PRIMARY[0].values(Disclosure(min_n=12))
        {'min_n': 12}
        """
        return {name: attrgetter(name)(settings) for name in self.parameters}


def is_level(rows: pd.DataFrame) -> pd.Series:
    """Rows that are a figure of a cell, not a comparison and not a coefficient."""
    return rows["statistic"].isin(LEVELS)


def effective(rows: pd.DataFrame) -> pd.Series:
    """Effective sample size, never more than the respondents there are."""
    return rows["n_eff"].clip(upper=rows["n"])


def _shares(rows: pd.DataFrame) -> pd.Series:
    return rows["statistic"].isin(["share", "mean"]) & rows["estimate"].between(0, 1)


def _unanimous(rows: pd.DataFrame, rules: Disclosure) -> pd.Series:
    """All of a group; or none, where the figure is one of two sides and not one level of several."""
    side = rows["estimate"].eq(1) | (rows["estimate"].eq(0) & rows["statistic"].eq("mean"))
    return rows["by"].ne("") & _shares(rows) & side & rows["n"].lt(rules.unanimous_n)


def _dominated(rows: pd.DataFrame, rules: Disclosure) -> pd.Series:
    largest = rows["first"] + (rows["second"] if rules.dominance.largest == 2 else 0)
    return is_level(rows) & (largest > rules.dominance.share * rows["n_weighted"])


def _p_percent(rows: pd.DataFrame, rules: Disclosure) -> pd.Series:
    rest = rows["n_weighted"] - rows["first"] - rows["second"]
    return is_level(rows) & (rest < rules.p_percent / 100 * rows["first"])


def _width(rows: pd.DataFrame) -> pd.Series:
    """Width of the Korn–Graubard interval at the SE that the capped n_eff stands for: luck narrows nothing."""
    share_of, size, df, n = (
        each.to_numpy(dtype=float)
        for each in (rows["estimate"].where(_shares(rows)), effective(rows), rows["df"], rows["n"])
    )
    size = np.where(size > 0, size, np.nan)
    low, high = share_interval(share_of, np.sqrt(share_of * (1 - share_of) / size), df, n, "beta")
    return pd.Series(high - low, index=rows.index).fillna(rows["ci_high"] - rows["ci_low"])


def _wide(rows: pd.DataFrame, least: float) -> pd.Series:
    return _shares(rows) & (rows["width"] >= least)


def _varied(rows: pd.DataFrame, least: float) -> pd.Series:
    """Means and totals that are no shares, by their CV."""
    return rows["statistic"].isin(["mean", "total", "ratio"]) & ~_shares(rows) & (rows["cv"].abs() > least)


PRIMARY = (
    Rule(
        "few", ("min_n",), lambda rows, r: rows["n"] < r.min_n,
        "suppressed_primary", "fewer than {min_n} respondents",
    ),
    Rule(
        "units", ("min_psus",), lambda rows, r: rows["by"].ne("") & (rows["psus"] < r.min_psus),
        "suppressed_primary", "fewer than {min_psus} sampling units",
    ),
    Rule(
        "unanimous", ("unanimous_n",), _unanimous,
        "suppressed_primary", "all or none of a group of fewer than {unanimous_n} respondents",
    ),
    Rule(
        "dominance", ("dominance.largest", "dominance.share"), _dominated,
        "suppressed_primary", "the largest {largest} contributors make up more than {share} of it",
    ),
    Rule(
        "p_percent", ("p_percent",), _p_percent,
        "suppressed_primary", "its largest contributor could be worked out to within {p_percent} %",
    ),
)  # fmt: skip
NOBODY = Rule("nobody", (), lambda rows, r: rows["n"].fillna(0) == 0, "not_asked", "nobody was asked or answered")
RELIABILITY = (
    Rule(
        "nchs_size", (), lambda rows, r: _shares(rows) & ((rows["n"] < 30) | (effective(rows) < 30)),
        "unreliable", "effective sample below 30",
    ),
    Rule("nchs_width", (), lambda rows, r: _wide(rows, 0.30), "unreliable", "interval 30 points wide or more"),
    Rule(
        "nchs_relative", (),
        lambda rows, r: _shares(rows) & (rows["width"] > 0.05) & (rows["width"] > 1.30 * rows["estimate"]),
        "unreliable", "interval wider than 130 % of the share",
    ),
    Rule(
        "cv_unreliable", ("cv.unreliable",), lambda rows, r: _varied(rows, r.cv.unreliable),
        "unreliable", "coefficient of variation over {unreliable}",
    ),
    Rule(
        "small", ("caution_n",), lambda rows, r: is_level(rows) & (rows["n"] < r.caution_n),
        "caution", "fewer than {caution_n} respondents",
    ),
    Rule(
        "cv_caution", ("cv.caution",), lambda rows, r: _varied(rows, r.cv.caution),
        "caution", "coefficient of variation over {caution}",
    ),
    Rule(
        "nchs_df", (), lambda rows, r: _shares(rows) & (rows["df"] < 8),
        "caution", "few sampling units, or the complement is unreliable",
    ),
    Rule(
        "nchs_complement", (),
        lambda rows, r: _shares(rows) & (rows["width"] > 0.05) & (rows["width"] > 1.30 * (1 - rows["estimate"])),
        "caution", "few sampling units, or the complement is unreliable",
    ),
)  # fmt: skip


def flag(rows: pd.DataFrame, where: pd.Series, mark: str, reason: str) -> pd.DataFrame:
    """Rows that are still free of a flag get this one."""
    new = where & (rows["flag"] == "released")
    return rows.assign(flag=rows["flag"].mask(new, mark), reason=rows["reason"].mask(new, reason))


def apply(rows: pd.DataFrame, rules: Iterable[Rule], settings: Disclosure, known: Mapping[str, Background]) -> (
    tuple[pd.DataFrame, dict[str, int]]
):  # fmt: skip
    """The rows with the flags of the rules, the first that holds; and how many rows each rule flagged."""
    asked, counts = _helped(rows, known), {}
    for rule in rules:
        where = rule.where(asked, settings).fillna(False).astype(bool)
        free = asked["flag"] == "released"
        values: dict[str, Any] = {name.rpartition(".")[2]: value for name, value in rule.values(settings).items()}
        asked = flag(asked, where, rule.flag, rule.reason.format(**values))
        counts[rule.name] = int((where & free).sum())
    return rows.assign(flag=asked["flag"], reason=asked["reason"]), counts


def _helped(rows: pd.DataFrame, known: Mapping[str, Background]) -> pd.DataFrame:
    """The rows with what the rules ask beside the schema: largest contributors, width of the presentation interval."""
    tops = [each.largest.assign(wave=wave) for wave, each in known.items() if len(each.largest)]
    if tops:
        keys = ["wave", "item", "by", "group"]
        top = pd.concat(tops, ignore_index=True)
        helped = rows[keys].merge(top, on=keys, how="left")
        helped.index = rows.index
        rows = rows.assign(first=helped["first"], second=helped["second"])
    else:
        rows = rows.assign(first=np.nan, second=np.nan)
    return rows.assign(width=_width(rows))
