"""Answers made ready to be counted: options of a question with several answers, boxes of an ordered item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from survey.errors import EstimationError
from survey.estimation.groups import coded, item_column, numeric
from survey.sampling.linearized import Floats

BaseRule = Literal["asked", "complete", "chosen"]


def filled(frame: pd.DataFrame, options: Sequence[str], base: BaseRule) -> dict[str, Floats]:
    """Each option as 1 or 0 for whoever is in the base of `survey.estimate.multiple`, NaN for others.

    >>> filled(pd.DataFrame({"a": [1, None, None], "b": [None, 0, None]}), ["a", "b"], "chosen")
    {'a': array([ 1., nan, nan]), 'b': array([ 0., nan, nan])}
    """
    if not options:
        raise EstimationError("A question with several answers needs options", expected="one or more columns")
    x = np.column_stack([numeric(item_column(frame, option), option) for option in options])
    known = np.isfinite(x)
    for option, strange in zip(options, (known & (x != 0) & (x != 1)).any(axis=0), strict=True):
        if strange:
            raise EstimationError("An option holds other values than 0 and 1", where="{option}", option=option,
                                  expected="1 chosen, 0 not chosen, missing not asked")  # fmt: skip
    rules = {"asked": known.any(axis=1), "complete": known.all(axis=1), "chosen": (x == 1).any(axis=1)}
    if base not in rules:
        raise EstimationError("The base of a question is not known", expected="{known}", got="{base}", base=base,
                              known=", ".join(rules))  # fmt: skip
    ready = np.where(rules[base][:, None], np.where(known, x, 0.0), np.nan)
    return {option: ready[:, k] for k, option in enumerate(options)}


def boxed(
    frame: pd.DataFrame, item: str, box: Literal["top", "bottom", "net"], k: int, levels: Sequence[Any] | None = None
) -> Floats:  # fmt: skip
    """1 for an answer among the k highest levels (top), the k lowest (bottom), or 1 and −1 (net); else 0, missing NaN.

    >>> boxed(pd.DataFrame({"q": pd.Categorical([1, 2, 3])}), "q", "net", 1)
    array([-1.,  0.,  1.])
    """
    column = item_column(frame, item)
    kind = column.dtype
    if levels is None and not (
        isinstance(kind, pd.CategoricalDtype) and (kind.ordered or kind.categories.dtype.kind in "iuf")
    ):
        raise EstimationError(
            "The order of the levels is not known", where="{item}", item=item,
            expected="an ordered Categorical, numbers as categories, or levels=[lowest, …]",
        )  # fmt: skip
    code, size = coded(column)[0], len(coded(column)[1])
    if levels is not None:
        code, size = pd.Index(list(levels)).get_indexer(column.astype(object)), len(levels)
        stray = int(((code < 0) & column.notna()).sum())
        if stray:
            raise EstimationError("Some answers are not among the levels", where="{item}", got="{count} answers",
                                  item=item, count=stray)  # fmt: skip
    if not 1 <= k <= size / 2:
        raise EstimationError("The boxes at both ends would overlap", where="{item}", expected="k from 1 to {most}",
                              got="{k}", k=k, most=size // 2, item=item)  # fmt: skip
    top, bottom = (code >= size - k).astype(float), ((code >= 0) & (code < k)).astype(float)
    value = {"top": top, "bottom": bottom, "net": top - bottom}[box]
    return np.where(code >= 0, value, np.nan)
