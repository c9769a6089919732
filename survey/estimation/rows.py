"""Figures as rows of `survey.tidy`: intervals, degrees of freedom, design effects and the reason of what is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from survey.estimation.cells import Figures
from survey.estimation.groups import Groups
from survey.estimation.intervals import FLAT, ShareInterval, share_interval
from survey.estimation.reasons import reasons
from survey.sampling.linearized import Floats
from survey.tidy import results

Interval: TypeAlias = Callable[[Floats, Floats, Floats, Floats, Floats], tuple[Floats, Floats]]
"""Ends from estimate, SE, degrees of freedom, respondents and answers."""


def interval_of_shares(ci: ShareInterval, level: float) -> Interval:
    """`survey.estimation.intervals.share_interval`; Korn–Graubard's t counts respondents without an answer too."""

    def interval(p: Floats, se: Floats, df: Floats, rows: Floats, n: Floats) -> tuple[Floats, Floats]:
        if ci != "beta":
            return share_interval(p, se, df, n, ci, level)
        whole, exact = share_interval(p, se, df, rows, ci, level), share_interval(p, se, df, n, ci, level)
        flat = se <= FLAT
        return np.where(flat, exact[0], whole[0]), np.where(flat, exact[1], whole[1])

    return interval


def tidy_rows(
    statistic: str, groups: Groups, figures: list[Figures], freedom: Floats, units: Floats, interval: Interval
) -> pd.DataFrame:  # fmt: skip
    """Tidy rows in the order item, group, level."""
    size = len(groups.labels)
    widths = [len(f.levels) for f in figures]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(f, name) for f in figures])
        for name in ("estimate", "variance", "n", "n_weighted", "srs", "rows")
    }
    each_df, each_units = (
        np.concatenate([np.repeat(values, width) for width in widths]) for values in (freedom, units)
    )
    empty = columns["n"] == 0
    se = np.where(empty, np.nan, np.sqrt(columns["variance"]))
    with np.errstate(divide="ignore", invalid="ignore"):
        deff = np.where(columns["srs"] > 0, columns["variance"] / columns["srs"], np.nan)
        low, high = interval(columns["estimate"], se, each_df, columns["rows"], columns["n"])
        n_eff, cv = columns["n"] / deff, se / np.abs(columns["estimate"])
    return results(pd.DataFrame({
        "item": [f.item for f, width in zip(figures, widths, strict=True) for _ in range(size * width)],
        "statistic": statistic,
        "level": [label for f in figures for _ in range(size) for label in f.levels],
        "by": groups.by,
        "group": [label for width in widths for label in groups.labels for _ in range(width)],
        "estimate": np.where(empty, np.nan, columns["estimate"]), "se": se, "ci_low": low, "ci_high": high,
        "df": each_df, "n": columns["n"], "missing": columns["rows"] - columns["n"],
        "psus": np.where(each_units < 0, np.nan, each_units), "n_weighted": columns["n_weighted"],
        "n_eff": n_eff, "deff": deff, "cv": cv,
        "reason": reasons(columns["rows"], columns["n"], each_units, each_df),
    }))  # fmt: skip
