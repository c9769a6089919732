"""What only the team knows of a wave: who is in which group, and who weighs most in a cell. Never published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from survey.codebook import Codebook
from survey.estimation.groups import Groups, grouped
from survey.privacy import Protected
from survey.weighting import FINAL

LARGEST = ["item", "by", "group", "first", "second"]


@dataclass(frozen=True)
class Background:
    """The groups of one wave.

    records: interviews.   sizes: breakdown → group → interviews.   inside: breakdown, group, another breakdown and the
    groups of that one that lie wholly within.   largest: item, by, group and the two largest weights, if they matter.
    """

    records: int
    sizes: Mapping[str, Mapping[str, int]]
    inside: Sequence[tuple[str, str, str, tuple[str, ...]]] = ()
    largest: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=LARGEST))

    def contained(self, by: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Group, other breakdown and its groups inside, for each group of a breakdown that has any."""
        yield from (rest for own, *rest in self.inside if own == by)  # type: ignore[misc]


def background(wave: Protected, book: Codebook, rows: pd.DataFrame, earlier: Sequence[str] = ()) -> Background:
    """The background of a wave whose figures are given.

    Args: rows: the wave's level figures (survey.tidy).   earlier: breakdowns of earlier publications as well.
    """
    frame = wave.frame
    names = [name for name in dict.fromkeys([*rows["by"], *earlier]) if name and name in frame]
    groups = {name: grouped(frame, name) for name in names}
    sizes = {name: _sizes(each) for name, each in groups.items()}
    return Background(len(frame), sizes, tuple(_inside(groups)), _largest(wave, book, rows, groups))


def _sizes(groups: Groups) -> dict[str, int]:
    count = np.bincount(groups.code[groups.code >= 0], minlength=len(groups.labels))
    return {label: int(n) for label, n in zip(groups.labels, count, strict=True) if n}


def _inside(groups: Mapping[str, Groups]) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Groups of one breakdown that hold whole groups of another."""
    for outer, a in groups.items():
        for inner, b in groups.items():
            if outer == inner:
                continue
            crossed = np.zeros((len(a.labels) + 1, len(b.labels) + 1), dtype=bool)
            crossed[a.code, b.code] = True  # −1, unknown, is the last row and column
            single = crossed.sum(axis=0) == 1
            for k, label in enumerate(a.labels):
                held = tuple(other for j, other in enumerate(b.labels) if single[j] and crossed[k, j])
                if held:
                    yield outer, label, inner, held


def _largest(wave: Protected, book: Codebook, rows: pd.DataFrame, groups: Mapping[str, Groups]) -> pd.DataFrame:
    """The two largest weights of a cell, for cells where the two largest of the whole group could be half of it.

    Only there can a rule of dominance or of p % hold; a look at every record for every cell would take its time.
    """
    found = []
    for (item, by), own in rows[rows["by"].isin(list(groups))].groupby(["item", "by"], sort=False):
        weight = _weight(wave, book, str(item))
        code, labels = groups[str(by)].code, groups[str(by)].labels
        top = _two(np.where(code >= 0, weight, 0.0), code, len(labels))
        base = own.groupby("group", sort=False)["n_weighted"].first().reindex(labels).to_numpy(dtype=float)
        if not (top.sum(axis=1) > 0.5 * base).any() or item not in wave.frame:
            continue
        answered = wave.frame[str(item)].notna().to_numpy() & (code >= 0)
        top = _two(np.where(answered, weight, 0.0), code, len(labels))
        found += [(item, by, label, *top[k]) for k, label in enumerate(labels)]
    return pd.DataFrame(found, columns=LARGEST)


def _weight(wave: Protected, book: Codebook, item: str) -> np.ndarray:
    named = book.indicators[item].weight if item in book.indicators else None
    column = named if named in wave.frame and wave.frame[named].notna().any() else FINAL
    return wave.frame[column].fillna(0.0).to_numpy(dtype=float)


def _two(weight: np.ndarray, code: np.ndarray, groups: int) -> np.ndarray:
    """The two largest weights of each group, shape (groups, 2); nought where there are fewer.

    >>> _two(np.array([1.0, 3.0, 2.0]), np.array([0, 0, 0]), 2).tolist()
    [[3.0, 2.0], [0.0, 0.0]]
    """
    order = np.lexsort((-weight, code))
    order = order[code[order] >= 0]
    start = np.searchsorted(code[order], np.arange(groups + 1))
    out = np.zeros((groups, 2))
    for k in range(groups):
        own = weight[order[start[k] : start[k + 1]][:2]]
        out[k, : len(own)] = own
    return out
