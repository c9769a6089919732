"""The one schema of every result: one row a figure.

| column | meaning |
| --- | --- |
| survey, wave, block | where the figure belongs |
| item | variable, indicator or model term |
| statistic | share, mean, total, ratio, quantile, change, difference, coefficient, … |
| level | answer code the share is about, quantile probability, or "" |
| by, group | breakdown variable and its code, "" for everybody; two factors are joined by ":" |
| estimate, se, ci_low, ci_high, df | in the unit of the statistic (shares 0–1) |
| n, missing | rows used, rows of the group left out for lack of an answer |
| psus, n_weighted, n_eff, deff, cv | their sampling units, Σw, n/deff, design effect, se/|estimate| |
| p, q | p-value of the statistic's test, where there is one, and the same corrected for multiplicity |
| flag, reason | released, suppressed_primary, suppressed_secondary, unreliable, caution, not_asked, break; and why |

What is told of changes, practice areas and programmes has statistics of its own: change_in_table (the change again, q
corrected over the whole table), equivalence (whether it lies within a margin), control (centre and limits of a chart);
importance_share and performance; att_overall, att_event, att_cohort, att, att_pre and pretrend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

KEYS = ["survey", "wave", "block", "item", "statistic", "level", "by", "group"]
NUMBERS = [
    "estimate", "se", "ci_low", "ci_high", "df", "n", "missing", "psus", "n_weighted", "n_eff", "deff", "cv", "p", "q",
]  # fmt: skip
MARKS = ["flag", "reason"]
COLUMNS = KEYS + NUMBERS + MARKS
FLAGS = ("released", "suppressed_primary", "suppressed_secondary", "unreliable", "caution", "not_asked", "break")


def results(rows: Iterable[Mapping[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """A frame in the schema of this module from partial rows; what is not given is "" or NaN, the flag "released".

    >>> results([{"item": "q1", "estimate": 0.5}])[["item", "by", "estimate", "flag"]].values.tolist()
    [['q1', '', 0.5, 'released']]
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    blank: dict[str, str | float] = {**dict.fromkeys(KEYS, ""), **dict.fromkeys(NUMBERS, np.nan)}
    blank |= {"flag": "released", "reason": ""}
    columns = {name: _column(frame[name], blank[name]) if name in frame else blank[name] for name in COLUMNS}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def settled(frame: pd.DataFrame, digits: int = 12) -> pd.DataFrame:
    """Results with their numbers rounded to significant digits.

    Sums differ in the 16th digit between processors; twelve digits tell no reader less, and a number that lies on the
    edge of a rule or of an axis falls on the same side everywhere.

    >>> settled(results([{"estimate": 0.1 + 0.2, "n": 30}]))[["estimate", "n"]].values.tolist()
    [[0.3, 30.0]]
    """
    values = significant(frame[NUMBERS].to_numpy(dtype=float), digits)
    return frame.assign(**dict(zip(NUMBERS, values.T, strict=True)))


def significant(values: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """Numbers rounded to significant digits; nought, NaN and infinity stay.

    >>> significant(np.array([0.0123456, 1234.0, 0.0, np.nan]), 3).tolist()
    [0.0123, 1230.0, 0.0, nan]
    """
    known = np.isfinite(values) & (values != 0)
    places = digits - 1 - np.floor(np.log10(np.abs(values, where=known, out=np.ones_like(values))))
    scale, whole = 10.0 ** np.clip(places, 0, 300), 10.0 ** np.clip(-places, 0, 300)
    return np.where(known, np.round(values * scale / whole) * whole / scale, values)


def _column(values: pd.Series, blank: str | float) -> NDArray[Any]:
    """Values as floats or texts, gaps filled; written for speed, because every estimate passes here."""
    if isinstance(blank, float):
        return values.to_numpy(dtype=float, na_value=np.nan)
    texts = values.to_numpy(dtype=object, na_value=blank)
    return np.array([text if type(text) is str else str(text) for text in texts], dtype=object)
