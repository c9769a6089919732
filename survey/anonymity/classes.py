"""Classes of persons who share all quasi-identifiers, and what such a class gives away: k, l and t.

A missing value is a category of its own, never a joker that matches anything: a person without a known age is alike
only to others without one. That is the strict reading, and the one a stranger with the file in hand can check.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.intp]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Sensitive:
    """A sensitive item as numbers: level of each person (n,), the missing ones last; and whether its order counts."""

    name: str
    level: Ints
    ordered: bool


@dataclass(frozen=True)
class Rules:
    """What every class must keep: k persons, l distinct levels, entropy l, and at most distance t (None: any)."""

    k: int = 1
    l_distinct: int = 1
    l_entropy: float = 1.0
    t: float | None = None


@dataclass(frozen=True)
class Reached:
    """What a frame keeps: the smallest class, persons alone in theirs, fewest levels, least entropy l, greatest t."""

    k: int
    uniques: int
    classes: int
    l_distinct: int
    l_entropy: float
    t: float


def levels_of(values: pd.Series) -> Ints:
    """Level of each person: 0… in the order of the categories (else of the sorted values) that occur, missing last.

    >>> levels_of(pd.Series(["2", None, "10"], dtype=pd.CategoricalDtype(["1", "2", "10"]))).tolist()
    [0, 2, 1]
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        code = values.cat.codes.to_numpy().astype(np.intp)
    else:
        code = np.asarray(pd.factorize(values, sort=True)[0], dtype=np.intp)
    code = np.where(code < 0, code.max(initial=-1) + 1, code)
    return np.unique(code, return_inverse=True)[1].reshape(-1)


def crossed(parts: Sequence[Ints], rows: int) -> Ints:
    """Number of the class (n,) of each person, 0… without gaps, from the levels of each quasi-identifier.

    >>> crossed([np.array([0, 0, 1]), np.array([1, 1, 1])], 3).tolist()
    [0, 0, 1]
    """
    code = np.zeros(rows, dtype=np.intp)
    for part in parts:
        code = np.unique(code * (int(part.max(initial=0)) + 1) + part, return_inverse=True)[1].reshape(-1)
    return code


def classes(frame: pd.DataFrame, quasi_identifiers: Sequence[str]) -> Ints:
    """Number of the class (n,) of each person over the crossing of some columns."""
    return crossed([levels_of(frame[name]) for name in quasi_identifiers], len(frame))


def anonymity(frame: pd.DataFrame, quasi_identifiers: Sequence[str]) -> tuple[int, int]:
    """Smallest class that shares all quasi-identifiers (k; Sweeney 2002), and how many persons are alone in theirs.

    >>> anonymity(pd.DataFrame({"sex": ["1", "1", "2"], "age": ["1", "1", "1"]}), ["sex", "age"])
    (1, 1)
    """
    sizes = np.bincount(classes(frame, quasi_identifiers))
    return int(sizes.min(initial=len(frame))), int((sizes == 1).sum())


def distinct(code: Ints, item: Sensitive) -> Ints:
    """Distinct levels of a sensitive item in each class (C,) (distinct l; Machanavajjhala and others 2007)."""
    return np.asarray((_table(code, item) > 0).sum(axis=1), dtype=np.intp)


def entropy(code: Ints, item: Sensitive) -> Floats:
    """exp(−Σ p log p) of a sensitive item in each class (C,): l when l levels are equally frequent.

    >>> entropy(np.array([0, 0, 1, 1]), Sensitive("x", np.array([0, 1, 0, 0]), ordered=False)).round(6).tolist()
    [2.0, 1.0]
    """
    table = _table(code, item)
    share = table / table.sum(axis=1, keepdims=True)
    return np.asarray(np.exp(-np.sum(np.where(share > 0, share * np.log(np.where(share > 0, share, 1)), 0), axis=1)))


def closeness(code: Ints, item: Sensitive) -> Floats:
    """Distance (C,) of a sensitive item's distribution in each class from that of all (t-closeness).

    Earth mover's distance (Li, Li & Venkatasubramanian 2007), between 0 and 1: with m levels Σ|cumulated difference| /
    (m − 1) where the order counts, else ½ Σ|difference|. Missing answers are one level more, after the last.

    >>> item = np.array([0, 0, 2, 2])
    >>> [float(closeness(np.array([0, 0, 1, 1]), Sensitive("x", item, ordered))[0]) for ordered in (True, False)]
    [0.5, 0.5]
    """
    table = _table(code, item)
    table = table[:, table.sum(axis=0) > 0]
    gap = table / table.sum(axis=1, keepdims=True) - table.sum(axis=0) / table.sum()
    if not item.ordered:
        return np.asarray(np.abs(gap).sum(axis=1) / 2)
    return np.asarray(np.abs(gap.cumsum(axis=1)).sum(axis=1) / max(table.shape[1] - 1, 1))


def failing(code: Ints, sensitive: Sequence[Sensitive], rules: Rules) -> Bools:
    """Whether each person (n,) is in a class that breaks a rule."""
    bad = np.bincount(code) < rules.k
    for item in sensitive:
        if rules.l_distinct > 1:
            bad |= distinct(code, item) < rules.l_distinct
        if rules.l_entropy > 1:
            bad |= entropy(code, item) < rules.l_entropy - 1e-12
        if rules.t is not None:
            bad |= closeness(code, item) > rules.t + 1e-12
    return np.asarray(bad[code])


def measure(code: Ints, sensitive: Sequence[Sensitive]) -> Reached:
    """k, l and t that a frame keeps; without a sensitive item l is 0 and t is 0."""
    sizes = np.bincount(code)
    return Reached(
        k=int(sizes.min()),
        uniques=int((sizes == 1).sum()),
        classes=len(sizes),
        l_distinct=min((int(distinct(code, item).min()) for item in sensitive), default=0),
        l_entropy=min((float(entropy(code, item).min()) for item in sensitive), default=0.0),
        t=max((float(closeness(code, item).max()) for item in sensitive), default=0.0),
    )


def _table(code: Ints, item: Sensitive) -> Floats:
    """Persons by class and level (C, m)."""
    rows, columns = int(code.max()) + 1, int(item.level.max()) + 1
    return np.bincount(code * columns + item.level, minlength=rows * columns).reshape(rows, columns).astype(float)
