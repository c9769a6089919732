"""Average marginal effects and predicted margins of a fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from survey.errors import EstimationError
from survey.estimation.groups import text
from survey.sampling.linearized import Floats

if TYPE_CHECKING:
    from survey.regression.coefficients import Predictive


class Effect(NamedTuple):
    """An average effect on a level of the outcome ("": its mean), and its gradient in the coefficients."""

    variable: str
    level: str
    outcome: str
    value: float
    slope: Floats


def average_effects(m: Predictive, variables: list[str] | None = None) -> list[Effect]:
    """Effects of each variable: a derivative for numbers, differences from the first level for categories and 0/1."""
    found: list[Effect] = []
    for name in variables or m.terms.variables:
        levels = _levels(m, name)
        if levels is None:
            found += _derivative(m, name)
            continue
        base = _average(m, name, _with(m.terms.data, name, levels[0])) if len(levels) > 1 else None
        for level in levels[1:]:
            assert base is not None
            value, slope = _average(m, name, _with(m.terms.data, name, level))
            found += _effects(m, name, text(level), value - base[0], slope - base[1])
    return found


def predictions(m: Predictive, name: str, at: Sequence[Any] | None) -> list[Effect]:
    """Mean predictions with everybody at each value of a variable; NaN at levels that no row used is at."""
    levels = _levels(m, name)
    if levels is None and at is None:
        raise EstimationError(
            "A predicted margin of a number needs its values", where="{name}", expected="at=[value, …]", name=name
        )
    known = None if levels is None else {text(level): level for level in levels}
    wanted = [text(value) for value in at] if at is not None else [*(known or {}), *m.absent.get(name, [])]
    found: list[Effect] = []
    for place, label in enumerate(wanted):
        if known is not None and label not in known:
            size = len(m.outcomes)
            found += _effects(m, name, label, np.full(size, np.nan), np.zeros((size, len(m.names))))
            continue
        value = at[place] if known is None and at is not None else (known or {})[label]
        found += _effects(m, name, label, *_average(m, name, _with(m.terms.data, name, value)))
    return found


def _effects(m: Predictive, name: str, level: str, value: Floats, slope: Floats) -> list[Effect]:
    return [Effect(name, level, o, float(value[k]), slope[k]) for k, o in enumerate(m.outcomes)]


def _levels(m: Predictive, name: str) -> list[Any] | None:
    """Levels that occur of a categorical, text, boolean or 0/1 variable, or of one in C(…); None for other numbers."""
    if name not in m.terms.variables:
        raise EstimationError("The variable is not in the model", where="{name}", expected="{known}", name=name,
                              known=", ".join(m.terms.variables))  # fmt: skip
    column = m.terms.cases[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        present = set(column.unique())
        return [value for value in column.cat.categories if value in present]
    values = sorted(column.unique())
    if column.dtype.kind in "iuf" and not set(values) <= {0, 1} and not m.terms.categorical(name):
        return None
    return list(values)


def _with(data: pd.DataFrame, name: str, value: object) -> pd.DataFrame:
    column = data[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        new = pd.Series(pd.Categorical([value] * len(data), dtype=column.dtype), index=data.index)
    else:
        kind = float if isinstance(value, float) else column.dtype
        new = pd.Series([value] * len(data), index=data.index, dtype=kind)
    return data.assign(**{name: new})


def _average(m: Predictive, name: str, data: pd.DataFrame) -> tuple[Floats, Floats]:
    """Weighted mean predictions and their gradients with one variable as in `data`, the others as observed."""
    return m.average(m.terms.changed(m.observed, data, name))


def _derivative(m: Predictive, name: str) -> list[Effect]:
    """Central difference of the mean prediction; the step is 1e-4 standard deviations."""
    values = m.terms.data[name].astype(float)
    step = 1e-4 * float(values.std() or 1.0)
    (up, up_slope), (down, down_slope) = (m.average(_moved(m, name, values, move)) for move in (step, -step))
    return _effects(m, name, "", (up - down) / (2 * step), (up_slope - down_slope) / (2 * step))


def _moved(m: Predictive, name: str, values: pd.Series, move: float) -> Floats:
    """The model matrix with a number moved; where a term ends (splines), the way back from it, turned round."""
    try:
        return m.terms.changed(m.observed, m.terms.data.assign(**{name: values + move}), name)
    except EstimationError:
        inside = (values + move).between(values.min(), values.max()).to_numpy()
        there = m.terms.data.assign(**{name: np.where(inside, values + move, values - move)})
        matrix = m.terms.changed(m.observed, there, name)
        return np.where(inside[:, None], matrix, 2 * m.observed - matrix)
