"""How numbers of respondents are told: exact, rounded, with noise; and all that would give the exact ones away.

What is withheld is decided before, on the true numbers, and the attack is tried on them too: telling them less exactly
comes on top. Shares and means keep their values to a few places; a share to six places would be a fraction whose
denominator shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from survey.codebook import Counts, Disclosure
from survey.disclosure.background import Background
from survey.disclosure.budget import bound, drawn_counts
from survey.disclosure.cellkeys import with_noise
from survey.disclosure.rounding import nearest, rounded
from survey.disclosure.rules import LEVELS
from survey.disclosure.system import CELL, Key, build, cells_of
from survey.estimation.intervals import exact_interval
from survey.pairs import PAIR, groups_of
from survey.released import Drawn

LEVEL = 0.95
UNPRINTED = ["missing", "psus", "n_weighted", "cv"]
COUNTED = ("sample", "quality", "privacy", "weighting", "nonresponse", "integrity", "provenance")
# Whole numbers of the method that count no persons; what is not named here is taken to count some.
OTHERS = {
    "dropped", "free_text", "identifiers", "columns", "iterations", "items", "clusters", "flagged", "screened",
    "interviewers", "level", "most",
}  # fmt: skip


@dataclass(frozen=True)
class Secrets:
    """What the two methods with noise need beside the figures; both private.

    keys: cell → key of its respondents.   drawn: everything that was drawn from the budget so far.   accounted: what of
    it was drawn up to this very release, where that was made before; None for all.
    """

    keys: Mapping[Key, int] = field(default_factory=dict)
    drawn: Sequence[Drawn] = ()
    accounted: Sequence[Drawn] | None = None


class Numbers(NamedTuple):
    """Told numbers by cell, the facts of the method, and what was drawn for it now."""

    told: Mapping[Key, float]
    facts: dict[str, Any]
    drawn: tuple[Drawn, ...] = ()


def numbers(
    rows: pd.DataFrame, known: Mapping[str, Background], rules: Disclosure, secrets: Secrets | None = None
) -> Numbers:
    """The told number of every cell.

    Args: rows: all figures with their true numbers and their flags.   Raises: EstimationError: they cannot be rounded
    so that they add up.   GateError: the budget is spent.
    """
    settings, secrets = rules.counts, secrets or Secrets()
    cells = cells_of(rows, {})
    counts = {key: cell.n for key, cell in cells.items()}
    facts: dict[str, Any] = {"method": settings.method, "places": settings.places}
    if settings.method == "rounded":
        told, slack = rounded(build(cells, known, rules), settings.base)
        return Numbers(told, facts | {"base": settings.base, "slack": slack})
    if settings.method == "cell_key":
        noisy = with_noise(counts, secrets.keys, settings.most, settings.variance)
        noise = {"base": settings.base, "most": settings.most, "variance": settings.variance}
        return Numbers(noisy, facts | noise | {"slack": max(settings.most, settings.base / 2)})
    if settings.method == "private":
        drawn, new, accounts = drawn_counts(counts, secrets.drawn, settings.epsilon or 0.0, accounted=secrets.accounted)
        return Numbers(drawn, facts | accounts | {"slack": bound(accounts["scale"])}, tuple(new))
    return Numbers(counts, {})


def retold(rows: pd.DataFrame, told: Mapping[Key, float], settings: Counts) -> pd.DataFrame:
    """The rows with told numbers in place of true ones, and without what would give these away.

    - n: the cell's; of a change or a pair the smaller of its two; of a model none.
    - deff stays and n_eff = n/deff, so that their product tells nothing new; standard errors and intervals are those of
      the told n, se·√(true n/told n), as in a simple random sample the standard error alone would tell it. Where noise
      is paid for from a budget neither deff nor n_eff is told, and standard errors stay.
    - df goes where it comes near n (samples without clusters); figures are rounded to `places`.

    Args: rows: survey.tidy, withheld numbers blank.
    """
    new = _numbers(rows, told)
    true = rows["n"].to_numpy(dtype=float)
    out = rows.assign(n=np.where(np.isfinite(true), new, np.nan), **dict.fromkeys(UNPRINTED, np.nan))
    out["df"] = rows["df"].where(rows["df"].to_numpy(dtype=float) < true / 2)
    if settings.method == "private":
        return _rounded(out.assign(deff=np.nan, n_eff=np.nan), settings.places)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(new > 0, np.sqrt(true / new), np.nan)
    factor = np.where(rows["statistic"].isin(LEVELS) | np.isfinite(new), factor, 1.0)
    out["n_eff"] = out["n"] / rows["deff"]
    out["se"] = rows["se"] * factor
    for end in ("ci_low", "ci_high"):
        out[end] = rows["estimate"] + (rows[end] - rows["estimate"]) * factor
    sided = (rows["estimate"].isin([0.0, 1.0]) & rows["statistic"].isin(["share", "mean"]) & (new > 0)).to_numpy()
    low, high = exact_interval(rows["estimate"].to_numpy(dtype=float)[sided], new[sided], LEVEL)
    out.loc[sided, "ci_low"], out.loc[sided, "ci_high"] = low, high
    return _rounded(out, settings.places)


def _numbers(rows: pd.DataFrame, told: Mapping[Key, float]) -> np.ndarray:
    """The told number of each row; NaN where it belongs to no cell."""
    found = []
    for wave, item, by, group, statistic, level in rows[[*CELL, "statistic", "level"]].itertuples(index=False):
        own = told.get((wave, item, by, group), math.nan)
        if statistic == "change":
            own = min(own, told.get((level, item, by, group), math.nan))
        if statistic == PAIR:
            own = min(told.get((wave, item, by, one), math.nan) for one in groups_of(group))
        found.append(own if statistic in (*LEVELS, "change", "difference", PAIR) else math.nan)
    return np.array(found, dtype=float)


def _rounded(rows: pd.DataFrame, places: int) -> pd.DataFrame:
    """Figures to so many places, totals to one significant digit more; coefficients of models as they are."""
    figure = rows["statistic"].isin([*LEVELS, "change", "difference", PAIR]) & rows["statistic"].ne("total")
    out = rows.copy()
    for name in ("estimate", "se", "ci_low", "ci_high"):
        out[name] = rows[name].where(~figure, rows[name].round(places))
        out[name] = out[name].where(rows["statistic"] != "total", _significant(rows[name], places + 1))
    for name in ("p", "q"):
        out[name] = _significant(rows[name], 2)
    out["deff"] = rows["deff"].round(2)
    out["n_eff"] = out["n_eff"].round(0)
    return out


def _significant(values: pd.Series, digits: int) -> pd.Series:
    return values.map(lambda value: float(f"{value:.{digits - 1}e}") if math.isfinite(value) else value)


def coarse(facts: dict[str, Any], found: Numbers, wave: str, rules: Disclosure) -> dict[str, Any]:
    """Facts of the method with their counts of persons told no more exactly than those of the figures.

    Rounded and cell_key: to the nearest multiple of the base, k to the one below; how many answered a question as its
    figure for everybody says. private: only what the budget paid for, and rates.

    Args: facts: as `told` leaves them.   wave: theirs.
    """
    settings = rules.counts
    if settings.method == "private":
        facts = _unpaid(facts)
    base = settings.base
    out = {
        section: _coarse(content, base, settings.places) if section in COUNTED else content
        for section, content in facts.items()
    }
    privacy = facts.get("privacy", {})
    for step, true in zip(out.get("weighting", {}).get("steps", []), _steps(facts), strict=False):
        if "n" in true and "n_eff" in true:  # n is n_eff times 1 + cv², which stays
            step["n_eff"] = round(true["n_eff"] * step["n"] / true["n"]) if true["n"] else 0
    if "k" in privacy and "k" in out["privacy"]:
        out["privacy"]["k"] = max(1, base * (privacy["k"] // base))
    for item, answers in out.get("quality", {}).get("answered", {}).items():
        own = found.told.get((wave, item, "", ""), math.nan)
        if math.isfinite(own):
            answers["answered"] = int(own)
    return out


def _steps(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = facts.get("weighting", {}).get("steps", [])
    return found


def _coarse(content: Any, base: int, places: int, name: str = "") -> Any:
    """A fact with its whole numbers rounded to the base and its fractions to places, whatever it is nested in."""
    if isinstance(content, Mapping):
        return {key: _coarse(value, base, places, str(key)) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_coarse(value, base, places, name) for value in content]
    if isinstance(content, bool) or name in OTHERS:
        return content
    if isinstance(content, int):
        return int(nearest(content, base))
    if isinstance(content, float) and math.isfinite(content):
        return round(content, places) if abs(content) <= 1 else round(content, 1)
    return content


def _unpaid(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts without the counts that no budget paid for; how many answered each question is filled in after."""
    gone = {"nonresponse", "integrity"}
    kept = {section: content for section, content in facts.items() if section not in gone}
    if "quality" in kept:
        kept["quality"] = {"answered": {item: {} for item in kept["quality"].get("answered", {})}}
    if "sample" in kept:
        kept["sample"] = {"rates": kept["sample"]["rates"]} if "rates" in kept["sample"] else {}
    if "privacy" in kept:
        hidden = {"records", "k", "uniques", "risk"}
        kept["privacy"] = {key: value for key, value in kept["privacy"].items() if key not in hidden}
    if "weighting" in kept:
        steps = [
            {key: value for key, value in step.items() if key not in ("n", "n_eff", "deff")}
            for step in kept["weighting"].get("steps", [])
        ]
        kept["weighting"] = {"steps": steps, "margins": kept["weighting"].get("margins", [])}
    if "provenance" in kept:
        kept["provenance"] = {k: v for k, v in kept["provenance"].items() if k not in ("rows", "parts")}
    return kept
