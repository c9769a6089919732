"""Average marginal effects of a fitted model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from survey.estimation.groups import text
from survey.sampling.linearized import Floats

if TYPE_CHECKING:
    from survey.regression.coefficients import Fit


class Effect(NamedTuple):
    """An average effect and its gradient with respect to the coefficients."""

    variable: str
    level: str
    value: float
    slope: Floats


def average_effects(m: Fit, variables: list[str] | None = None) -> list[Effect]:
    """Effects of each variable: a derivative for numbers, differences from the first level for categories and 0/1."""
    found: list[Effect] = []
    observed = m.terms.matrix(m.terms.data)
    for name in variables or m.terms.variables:
        column = m.terms.data[name]
        levels = _levels(column)
        if levels is None:
            found.append(_derivative(m, observed, name))
            continue
        base = _average(m, observed, name, _with(m.terms.data, name, levels[0]))
        for level in levels[1:]:
            value, slope = _average(m, observed, name, _with(m.terms.data, name, level))
            found.append(Effect(name, text(level), value - base[0], slope - base[1]))
    return found


def _levels(column: pd.Series) -> list[object] | None:
    """Levels of a categorical, text, boolean or 0/1 column; None for other numbers."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return list(column.cat.categories)
    values = sorted(column.unique())
    if column.dtype.kind in "iuf" and not set(values) <= {0, 1}:
        return None
    return list(values)


def _with(data: pd.DataFrame, name: str, value: object) -> pd.DataFrame:
    column = data[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        new = pd.Series(pd.Categorical([value] * len(data), dtype=column.dtype), index=data.index)
    else:
        new = pd.Series([value] * len(data), index=data.index, dtype=column.dtype)
    return data.assign(**{name: new})


def _average(m: Fit, observed: Floats, name: str, data: pd.DataFrame) -> tuple[float, Floats]:
    """Weighted mean prediction and its gradient with one variable as in `data`, the others as observed."""
    X = m.terms.changed(observed, data, name)
    eta = m.glm.eta + (X - observed) @ m.glm.params
    w = m.design.weights[m.used]
    link = m.glm.family.link
    share = w / w.sum()
    return float(share @ link.inverse(eta)), np.asarray((share * link.inverse_deriv(eta)) @ X)


def _derivative(m: Fit, observed: Floats, name: str) -> Effect:
    """Central difference of the mean prediction; the step is 1e-4 standard deviations."""
    values = m.terms.data[name].astype(float)
    step = 1e-4 * float(values.std() or 1.0)
    up, up_slope = _average(m, observed, name, m.terms.data.assign(**{name: values + step}))
    down, down_slope = _average(m, observed, name, m.terms.data.assign(**{name: values - step}))
    return Effect(name, "", (up - down) / (2 * step), (up_slope - down_slope) / (2 * step))
