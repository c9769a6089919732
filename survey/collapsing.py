"""Thin classes merged with their neighbours: one rule for nonresponse classes and for the levels of margins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from survey.sampling.linearized import Ints

Key = tuple[str, ...]
Declared = Mapping[int, Mapping[str, str]]  # part of the key → thin level → the level it is merged with


def merged(keys: Sequence[Key], is_thin: Callable[[Ints], bool], size: Callable[[Ints], float],
           declared: Declared | None = None) -> Ints:  # fmt: skip
    """Number of the class each cell belongs to after thin ones were merged, the smallest first.

    A thin class joins the class that `declared` names for one of its parts; else, of the classes next to it in the
    order of the cells, the one that shares more leading parts of the key; else the smaller.

    Args: keys: levels of the crossed variables, one key a cell, in their order.   is_thin, size: of the cells (their
        positions) of a class.
    Returns: 0…k−1 in the order of first appearance; one class at least.

    >>> n = np.array([40, 4, 50, 60])
    >>> keys = [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")]
    >>> merged(keys, lambda cells: n[cells].sum() < 30, lambda cells: n[cells].sum()).tolist()
    [0, 0, 1, 2]
    """
    classes: list[list[int]] = [[cell] for cell in range(len(keys))]
    place = {key: cell for cell, key in enumerate(keys)}
    while len(classes) > 1:
        thin = [each for each in classes if is_thin(np.array(each))]
        if not thin:
            break
        chosen = min(thin, key=lambda each: size(np.array(each)))
        target = _named(chosen, classes, keys, place, declared or {}) or _next(chosen, classes, keys, size)
        target.extend(chosen)
        target.sort()
        classes.remove(chosen)
    code = np.empty(len(keys), dtype=np.intp)
    for number, each in enumerate(sorted(classes, key=min)):
        code[each] = number
    return code


def _named(
    chosen: list[int], classes: list[list[int]], keys: Sequence[Key], place: Mapping[Key, int], declared: Declared
) -> list[int] | None:
    """The class that holds the cell which the declaration names for a cell of the chosen class, if it is another."""
    for cell in chosen:
        for part, targets in sorted(declared.items(), reverse=True):
            key = keys[cell]
            other = (*key[:part], targets.get(key[part], key[part]), *key[part + 1 :])
            home = next((each for each in classes if place.get(other, -1) in each), None)
            if home is not None and home is not chosen:
                return home
    return None


def _next(chosen: list[int], classes: list[list[int]], keys: Sequence[Key], size: Callable[[Ints], float]) -> list[int]:
    """The best of the classes that hold the cell before or after the chosen class's."""
    beside = {edge for cell in chosen for edge in (cell - 1, cell + 1)} - set(chosen)
    near = [each for each in classes if beside & set(each)]

    def badness(each: list[int]) -> tuple[float, float]:
        shared = max(_shared(keys[a], keys[b]) for a in chosen for b in each)
        return -shared, size(np.array(each))

    return min(near, key=badness)


def _shared(one: Key, other: Key) -> int:
    """How many leading parts two keys share."""
    return next((k for k, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), len(one))
