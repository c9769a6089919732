"""How likely each person was to be drawn: the base weight, all that is kept of the selection probabilities."""

from __future__ import annotations

import numpy as np
import pandas as pd

from survey.codebook import DualFrame, Weighting, number_code
from survey.errors import DataError

BASE = "base_weight"


def base_weights(frame: pd.DataFrame, settings: Weighting) -> pd.Series:
    """Inverse selection probability: Π times / Π inverse, or the ready base weight; 1 where survey.yaml names neither.

    Times the factor of two overlapping telephone frames, where there are two (`overlapping`).

    Raises: DataError: a base weight is negative, infinite, blank (unless excluded), or all are zero.
    """
    weights = frame[settings.base].astype(float) if settings.base else pd.Series(1.0, index=frame.index)
    for name in settings.inverse:
        weights = weights / frame[name].astype(float)
    for name in settings.times:
        weights = weights * frame[name].astype(float)
    named = [*([settings.base] if settings.base else []), *settings.inverse, *settings.times]
    if settings.dual_frame:
        weights = weights * overlapping(frame, settings.dual_frame)
        named += phone_items(settings.dual_frame)
    column = " · ".join(named)
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


def phone_items(settings: DualFrame) -> list[str]:
    """Number items of the two frames."""
    items = [settings.mobile.phones, settings.mobile.adults, settings.landline.phones, settings.landline.adults]
    return [item for item in items if item]


def overlapping(frame: pd.DataFrame, settings: DualFrame) -> pd.Series:
    """Factor that lets people whom both telephone frames reach count once; 1 for cases of neither frame.

    With a adults sharing the phones of the frame a case was drawn from, of which it has l, and l′ of the other:
    multiplicity a/(l + l′) (Mecatti 2007); composite a/l, times λ (mobile sample) or 1 − λ (landline) where l′ > 0, λ =
    `mobile_share` (Hartley 1962). Missing where a number of phones is, or where nobody's phone was drawn (l = 0).

    >>> people = pd.DataFrame({"drawn": ["m", "m", "l"], "mobiles": [1, 2, 1], "lines": [0, 1, 1], "adults": [2, 2, 3]})
    >>> both = {"mobile": {"codes": ["m"], "phones": "mobiles"},
    ...         "landline": {"codes": ["l"], "phones": "lines", "adults": "adults"}}
    >>> overlapping(people, DualFrame.model_validate({"frame": "drawn", **both})).round(3).tolist()
    [1.0, 0.333, 1.5]
    >>> overlapping(people, DualFrame.model_validate({"frame": "drawn", "overlap": "composite", **both})).tolist()
    [1.0, 0.25, 1.5]
    """
    drawn = frame[settings.frame].astype(object).map(lambda code: number_code(str(code)))
    factor = pd.Series(1.0, index=frame.index)
    for own, other, share in (
        (settings.mobile, settings.landline, settings.mobile_share),
        (settings.landline, settings.mobile, 1 - settings.mobile_share),
    ):
        here = drawn.isin(own.codes)
        phones, further = frame[own.phones].astype(float), frame[other.phones].astype(float)
        adults = frame[own.adults].astype(float) if own.adults else 1.0
        if settings.overlap == "multiplicity":
            each = adults / (phones + further)
        else:
            each = adults / phones * np.where(further.isna(), np.nan, np.where(further > 0, share, 1.0))
        factor = factor.mask(here, each.where(phones > 0))
    return factor
