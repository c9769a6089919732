"""Local suppression: single cells blanked in the classes that generalisation leaves too small."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from survey.anonymity.classes import Bools, Ints, Rules, Sensitive, crossed, failing


def suppress(
    parts: Sequence[Ints], blanks: Sequence[int], free: Sequence[bool], importance: Sequence[float], given: Ints,
    sensitive: Sequence[Sensitive], rules: Rules,
) -> Bools | None:  # fmt: skip
    """Cells (n, q) to blank so that every class keeps the rules; None where blanking all that is free is not enough.

    Failing classes first try the cheapest set of quasi-identifiers (the least important, then the fewest), then the
    next; a class is taken when it keeps the rules once blanked. What still fails after the largest set is pooled with
    the smallest classes that share what cannot be blanked. A blank cell is alike to blank cells only, those of people
    who gave no answer among them.

    Args: parts: levels (n,) of each quasi-identifier.   blanks: the level of each that means missing, −1: none yet.
    free: which may be blanked.   given: class (n,) of what is known in any case.
    """
    blanked = np.zeros((len(given), len(parts)), dtype=bool)
    bad = _failing(parts, blanks, blanked, given, sensitive, rules)
    for subset in _subsets(free, importance):
        if not bad.any():
            return blanked
        trial = blanked.copy()
        trial[np.ix_(np.flatnonzero(bad), np.array(subset))] = True
        still = _failing(parts, blanks, trial, given, sensitive, rules)
        blanked[bad & ~still] = trial[bad & ~still]
        bad = _failing(parts, blanks, blanked, given, sensitive, rules)
    return _pooled(parts, blanks, blanked, free, given, sensitive, rules) if bad.any() else blanked


def _pooled(
    parts: Sequence[Ints], blanks: Sequence[int], blanked: Bools, free: Sequence[bool], given: Ints,
    sensitive: Sequence[Sensitive], rules: Rules,
) -> Bools | None:  # fmt: skip
    """What no set of cells mends: all free cells blanked, with those of the next smallest classes, until it does."""
    everything = np.flatnonzero(free)
    kept = [part for part, may in zip(parts, free, strict=True) if not may]
    group = crossed([given, *kept], len(given))
    bad = _failing(parts, blanks, blanked, given, sensitive, rules)
    while bad.any():
        code = crossed([given, *_levels(parts, blanks, blanked)], len(given))
        sizes = np.bincount(code)[code]
        open_ = ~blanked[:, everything].all(axis=1)
        before = int(blanked.sum())
        for own in np.unique(group[bad]):
            left = (group == own) & open_
            joining = left & bad
            if left.any() and not joining.any():
                smallest = np.flatnonzero(left)[np.argmin(sizes[left])]
                joining = left & (code == code[smallest])
            blanked[np.ix_(np.flatnonzero(joining), everything)] = True
        if blanked.sum() == before:
            return None
        bad = _failing(parts, blanks, blanked, given, sensitive, rules)
    return blanked


def _failing(
    parts: Sequence[Ints], blanks: Sequence[int], blanked: Bools, given: Ints, sensitive: Sequence[Sensitive],
    rules: Rules,
) -> Bools:  # fmt: skip
    return failing(crossed([given, *_levels(parts, blanks, blanked)], len(given)), sensitive, rules)


def _levels(parts: Sequence[Ints], blanks: Sequence[int], blanked: Bools) -> list[Ints]:
    """Levels with the blanked cells at the level that means missing."""
    return [
        np.where(blanked[:, i], blank if blank >= 0 else part.max() + 1, part)
        for i, (part, blank) in enumerate(zip(parts, blanks, strict=True))
    ]


def _subsets(free: Sequence[bool], importance: Sequence[float]) -> Iterator[list[int]]:
    """Non-empty sets of what may be blanked, the cheapest first."""
    open_ = [i for i, may in enumerate(free) if may]
    sets = [list(each) for size in range(1, len(open_) + 1) for each in combinations(open_, size)]
    yield from sorted(sets, key=lambda each: (round(sum(importance[i] for i in each), 9), len(each), each))
