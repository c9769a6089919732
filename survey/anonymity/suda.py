"""Special uniques: persons whom few of their characteristics single out already (SUDA2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from survey.anonymity.classes import Bools, Floats, Ints, crossed


@dataclass(frozen=True)
class SpecialUniques:
    """Minimal sample uniques: `minimal[subset]` (n,) tells who is unique on a subset and on none of its parts.

    scores: by person (n,); 0 for those who are not unique on anything.
    """

    minimal: dict[tuple[int, ...], Bools]
    scores: Floats


def special_uniques(parts: Sequence[Ints], most: int | None = None) -> SpecialUniques:
    """Minimal sample uniques of up to `most` characteristics, and the score that tells how special they are.

    A person is unique on a set of characteristics as soon as on a part of it, so a unique set is minimal when no set
    with one characteristic less is unique. Each minimal set of size s adds Π (m − i), i = s … most−1, with m
    characteristics in all: the number of ways up to larger sets (Elliot, Manning & Ford 2002; Manning, Haglin & Keane
    2008).

    Args: parts: levels (n,) of each characteristic, missing as a level of its own.   most: all characteristics if None.

    >>> found = special_uniques([np.array([0, 0, 1]), np.array([0, 1, 1])])
    >>> {subset: who.tolist() for subset, who in found.minimal.items() if who.any()}
    {(0,): [False, False, True], (1,): [True, False, False], (0, 1): [False, True, False]}
    >>> found.scores.tolist()
    [1.0, 1.0, 1.0]
    """
    count, rows = len(parts), len(parts[0])
    most = count if most is None else min(most, count)
    unique: dict[tuple[int, ...], Bools] = {(): np.full(rows, rows == 1)}
    minimal: dict[tuple[int, ...], Bools] = {}
    scores = np.zeros(rows)
    for size in range(1, most + 1):
        worth = float(np.prod([count - i for i in range(size, most)]))
        for subset in combinations(range(count), size):
            code = crossed([parts[i] for i in subset], rows)
            unique[subset] = np.asarray((np.bincount(code) == 1)[code])
            below = [unique[subset[:i] + subset[i + 1 :]] for i in range(size)]
            minimal[subset] = unique[subset] & ~np.any(below, axis=0)
            scores += worth * minimal[subset]
    return SpecialUniques(minimal, scores)
