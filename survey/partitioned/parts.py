"""How parts of a survey's rows are worked on; where the parts lie and who works on them is the caller's business."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import pandas as pd

T = TypeVar("T")


class Parts(Protocol):
    """The rows of a survey in several parts, each of which fits into memory, in a fixed order.

    Work and merges are picklable functions of values; a merge takes two neighbours at a time in the shape of `tree`, so
    that results are the same bytes wherever the work is done.
    """

    @property
    def names(self) -> list[str]:
        """Columns of the parts."""

    def columns(self, names: Sequence[str]) -> Parts:
        """The same parts with some columns only, which need not be read otherwise."""

    def keep(self, work: Callable[[Any], Any]) -> Parts:
        """What work makes of each part, kept where it was made."""

    def reduce(self, work: Callable[[Any], T], merge: Callable[[T, T], T]) -> T:
        """What work makes of each part, merged into one."""


def tree(values: Sequence[T], merge: Callable[[T, T], T]) -> T:
    """Neighbours merged in pairs, pair by pair, until one is left: the shape depends on the number of values only.

    >>> tree(list("abcde"), lambda a, b: f"({a}{b})")
    '(((ab)(cd))e)'
    """
    while len(values) > 1:
        pairs = [values[k : k + 2] for k in range(0, len(values), 2)]
        values = [merge(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return values[0]


@dataclass(frozen=True)
class Frames:
    """Parts that are frames in memory (or whatever was kept of them): for notebooks, and to see what a cluster does."""

    values: Sequence[Any]

    @property
    def names(self) -> list[str]:
        """As `Parts.names`."""
        return [str(name) for name in self.values[0].columns]

    def columns(self, names: Sequence[str]) -> Frames:
        """As `Parts.columns`."""
        return Frames([frame[list(names)] for frame in self.values])

    def keep(self, work: Callable[[Any], Any]) -> Frames:
        """As `Parts.keep`."""
        return Frames([work(value) for value in self.values])

    def reduce(self, work: Callable[[Any], T], merge: Callable[[T, T], T]) -> T:
        """As `Parts.reduce`."""
        return tree([work(value) for value in self.values], merge)


def cut(frame: pd.DataFrame, parts: int) -> Frames:
    """A frame cut into parts of about the same number of rows.

    >>> [len(part) for part in cut(pd.DataFrame({"y": range(5)}), 2).values]
    [2, 3]
    """
    ends = [len(frame) * k // parts for k in range(parts + 1)]
    return Frames([frame.iloc[a:b] for a, b in pairwise(ends)])
