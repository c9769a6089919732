"""How likely each person was to be drawn: the base weight, all that is kept of the selection probabilities."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey.codebook import Weighting
from survey.errors import DataError

BASE = "base_weight"


def base_weights(frame: pd.DataFrame, settings: Weighting) -> pd.Series:
    """Inverse selection probability: Π times / Π inverse, or the ready base weight; 1 where survey.yaml names neither.

    Raises: DataError: a base weight is negative, infinite, blank (unless excluded), or all are zero.
    """
    weights = frame[settings.base].astype(float) if settings.base else pd.Series(1.0, index=frame.index)
    for name in settings.inverse:
        weights = weights / frame[name].astype(float)
    for name in settings.times:
        weights = weights * frame[name].astype(float)
    column = " · ".join([*([settings.base] if settings.base else []), *settings.inverse, *settings.times])
    blank, wrong = weights.isna(), (weights < 0) | np.isinf(weights)
    rule = "is negative or infinite" if wrong.any() else "is blank" if settings.blank_base == "fail" else ""
    faulty = wrong if wrong.any() else blank
    if rule and faulty.any():
        raise DataError(
            "A base weight {rule}",
            where="column {column}, complete interview {number}",
            expected="a weight of zero or more for everybody",
            got="{count} such rows",
            hint="mend the weight column, or set `blank_base: exclude` for blank ones",
            rule=rule,
            column=column,
            number=int(faulty.to_numpy().argmax()) + 1,
            count=int(faulty.sum()),
        )
    if not weights.sum() > 0:
        raise DataError(
            "All base weights are zero",
            where="column {column}",
            expected="a positive weight",
            got="none",
            column=column,
        )
    return weights
