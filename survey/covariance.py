"""The covariance between the figures of a result, kept beside it and computed only when asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from survey.errors import EstimationError
from survey.linearized import Floats

KEY = "covariance"


class Covariance:
    """A root S (rows, K) of the covariance of a result's K rows; copied by reference, computed on first use."""

    def __init__(self, root: Callable[[], Floats], df: Floats) -> None:
        self._make, self._root, self.df = root, None, df

    @property
    def root(self) -> Floats:
        """S with SᵀS = covariance of the result's rows."""
        if self._root is None:
            self._root = self._make()
        return self._root

    def __deepcopy__(self, memo: dict[int, Any]) -> Covariance:
        return self

    _root: Floats | None


def remember(result: pd.DataFrame, covariance: Covariance) -> pd.DataFrame:
    """The result with its covariance in `attrs`."""
    result.attrs[KEY] = covariance
    return result


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
    if kept is None or kept.root.shape[1] != len(result):
        raise EstimationError(
            "The covariance of these figures is not known", expected="a whole result of survey.estimate",
            got="a frame of {rows} rows", rows=len(result), hint="take the contrast before choosing or joining rows",
        )  # fmt: skip
    root = np.where(np.isfinite(kept.root), kept.root, 0.0)
    return np.asarray(root.T @ root)
