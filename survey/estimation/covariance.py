"""The covariance between the figures of a result, kept beside it and computed only when asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from survey.errors import EstimationError
from survey.sampling.linearized import Floats
from survey.tidy import results

KEY = "covariance"


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

    @property
    def table(self) -> Floats:
        """Unit totals of influences (linearized) or replicate estimates, a column a row of the result."""
        if self._table is None:
            self._table = self._make()
        return self._table

    def __deepcopy__(self, memo: dict[int, Any]) -> Covariance:
        return self


def remember(result: pd.DataFrame, covariance: Covariance) -> pd.DataFrame:
    """The result with its covariance in `attrs`."""
    result.attrs[KEY] = covariance
    return result


def joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Results of one design under each other, their covariance joined; the parts lose theirs."""
    kept = [part.attrs[KEY] for part in parts]
    for part in parts:
        part.attrs = {}
    frame = results(pd.concat(parts, ignore_index=True))
    df = np.concatenate([k.df for k in kept])
    make = Covariance(lambda: np.hstack([k.table for k in kept]), kept[0].covariance, df, kept[0].replicated)
    return remember(frame, make)


def vcov(result: pd.DataFrame) -> Floats:
    """Covariance matrix (K, K) of a result's rows, in their order.

    Raises: EstimationError: the frame was reshaped, or did not come from `survey.estimate`.

    >>> from survey import estimate
    >>> from survey.design import SurveyDesign
    >>> d = SurveyDesign(pd.DataFrame({"a": [0, 1, 1, 0], "b": [1, 0, 0, 1], "w": 1.0}), weights="w")
    >>> vcov(estimate.mean(d, ["a", "b"])).round(4).tolist()
    [[0.0833, -0.0833], [-0.0833, 0.0833]]
    """
    kept = result.attrs.get(KEY)
    if kept is None or kept.table.shape[1] != len(result):
        raise EstimationError(
            "The covariance of these figures is not known", expected="a whole result of survey.estimate",
            got="a frame of {rows} rows", rows=len(result), hint="take the contrast before choosing or joining rows",
        )  # fmt: skip
    return np.asarray(np.nan_to_num(kept.covariance(kept.table)))
