"""The covariance between the figures of a result, kept beside it and computed only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from survey.errors import EstimationError
from survey.sampling.linearized import Floats, Ints
from survey.tidy import results

KEY = "covariance"
ROW = ["item", "statistic", "level", "by", "group"]
"""What names a row of a result, so that sorted or chosen rows find their covariance again."""


class Covariance:
    """Influences of a result's K rows by sampling unit or replicate, (rows, K): computed on first use, never copied.

    covariance gives that of the columns or of linear combinations of them; df: degrees of freedom by row;
    replicated: the table holds estimates of replicates, not influences.
    """

    def __init__(
        self, make: Callable[[], Floats], covariance: Callable[[Floats], Floats], df: Floats, replicated: bool = False
    ) -> None:  # fmt: skip
        self._make, self.covariance, self.df, self.replicated = make, covariance, df, replicated
        self._table: Floats | None = None
        self.rows = pd.DataFrame(columns=ROW)

    @property
    def table(self) -> Floats:
        """Unit totals of influences (linearized) or replicate estimates, a column a row of the result."""
        if self._table is None:
            self._table = self._make()
        return self._table

    def of(self, result: pd.DataFrame) -> Covariance:
        """The same figures under the names of the result's rows."""
        named = Covariance(lambda: self.table, self.covariance, self.df, self.replicated)
        named.rows = result[ROW].copy()
        return named

    def at(self, place: Ints) -> Covariance:
        """Those of some rows."""
        chosen = Covariance(lambda: self.table[:, place], self.covariance, self.df[place], self.replicated)
        chosen.rows = self.rows.iloc[place]
        return chosen

    def __deepcopy__(self, memo: dict[int, Any]) -> Covariance:
        return self


def remember(result: pd.DataFrame, covariance: Covariance) -> pd.DataFrame:
    """The result with its covariance in `attrs`; again after its rows were given other names."""
    result.attrs[KEY] = covariance.of(result)
    return result


def kept(result: pd.DataFrame) -> Covariance:
    """The covariance of a result's rows in the order they are in now, also after sorting them or leaving some out.

    Raises: EstimationError: rows were renamed, did not come from `survey.estimate`, or are quantiles, which have none.
    """
    found = result.attrs.get(KEY)
    if isinstance(found, Covariance) and set(ROW) <= set(result.columns):
        rows, known = (pd.MultiIndex.from_frame(each[ROW].astype(object)) for each in (result, found.rows))
        if rows.equals(known):
            return found
        if known.is_unique and len(rows):
            place = known.get_indexer(rows)
            if (place >= 0).all():
                return found.at(place)
    elif "statistic" in result.columns:
        _none_kept(sorted(set(result["statistic"])))
    raise EstimationError(
        "The covariance of these figures is not known", expected="rows of one result of survey.estimate",
        got="a frame of {rows} rows", rows=len(result),
        hint="take the contrast before renaming or joining rows; tests and estimate.battery keep none",
    )  # fmt: skip


def _none_kept(statistics: list[str]) -> None:
    """Raise the reason where figures of a kind never have a covariance."""
    if {"quantile", "cdf"} & set(statistics):
        raise EstimationError(
            "Quantiles and distribution functions carry no covariance between their rows",
            expected="shares, means, totals, ratios or differences", got="{statistics}",
            hint="compare the shares at or below a value, or read each interval alone",
            statistics=", ".join(statistics),
        )  # fmt: skip


def joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Results of one design under each other, their covariance joined; the parts lose theirs."""
    each = [part.attrs[KEY] for part in parts]
    for part in parts:
        part.attrs = {}
    frame = results(pd.concat(parts, ignore_index=True))
    df = np.concatenate([k.df for k in each])
    make = Covariance(lambda: np.hstack([k.table for k in each]), each[0].covariance, df, each[0].replicated)
    return remember(frame, make)


def vcov(result: pd.DataFrame) -> Floats:
    """Covariance matrix (K, K) of a result's rows, in the order they are in now.

    Raises: EstimationError: as `kept`.

    >>> from survey import estimate
    >>> from survey.design import SurveyDesign
    >>> d = SurveyDesign(pd.DataFrame({"a": [0, 1, 1, 0], "b": [1, 0, 0, 1], "w": 1.0}), weights="w")
    >>> vcov(estimate.mean(d, ["a", "b"])).round(4).tolist()
    [[0.0833, -0.0833], [-0.0833, 0.0833]]
    """
    found = kept(result)
    return np.asarray(np.nan_to_num(found.covariance(found.table)))
