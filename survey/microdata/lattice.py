"""The generalisation of all records at once that costs least: every node of the lattice is weighed, few are tried.

A node says how coarse each quasi-identifier is. Full-domain generalisation (all records alike) keeps the file readable;
what it leaves in classes that are too small is blanked record by record (`survey.microdata.suppression`).
Incognito (LeFevre, DeWitt & Ramakrishnan 2005) and OLA (El Emam and others 2009) search such a lattice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from survey.anonymity.classes import Bools, Floats, Ints, Rules, Sensitive, crossed, failing
from survey.microdata.suppression import suppress


@dataclass(frozen=True)
class Attribute:
    """A quasi-identifier: its levels (n,) at each step from fine to coarse, and what its detail is worth.

    importance: of its detail beside the others'.   blank: level that stands for a missing value at each step, −1 where
    there is none yet.   fixed: it cannot be blanked in single records, because the design or other rows would tell it.
    """

    name: str
    steps: tuple[Ints, ...]
    importance: float = 1.0
    blank: tuple[int, ...] = ()
    fixed: bool = False


@dataclass(frozen=True)
class Node:
    """A solution: the step of each quasi-identifier, the cells blanked (n, q), and what both cost.

    generalised: share of the quasi-identifiers' information lost to the steps.   loss: the same with the blanked cells.
    """

    steps: tuple[int, ...]
    blanked: Bools
    generalised: float
    loss: float

    @property
    def suppressed(self) -> int:
        """Records of which a quasi-identifier is blank."""
        return int(self.blanked.any(axis=1).sum())


def information_lost(fine: Ints, coarse: Ints, weights: Floats) -> float:
    """Share of a variable's information that a coarser one no longer has: H(fine | coarse) / H(fine), weighted.

    H is Shannon's entropy of the weighted distribution; 0 for the same detail, 1 when nothing is told
    (de Waal & Willenborg 1999).

    >>> information_lost(np.array([0, 1, 2, 3]), np.array([0, 0, 1, 1]), np.ones(4))
    0.5
    """
    whole = _entropy(fine, weights)
    return (whole - _entropy(coarse, weights)) / whole if whole > 0 else 0.0


def search(
    attributes: Sequence[Attribute], given: Ints, sensitive: Sequence[Sensitive], rules: Rules, limit: float,
    weights: Floats,
) -> Node | None:  # fmt: skip
    """The node that keeps all rules with at most a share `limit` of the records blanked and loses least; None: no node.

    Loss: Σ importance · (lost by the step + share of the weight blanked · the rest) / Σ importance. Nodes are tried in
    the order of what their steps alone lose, until no further one can do better, so that the least loss is found
    without taking for granted that protection grows with coarseness (of t and entropy l it does not under
    suppression). What does grow, the records in classes below k or l, prunes: a node holding a pair of steps that
    already leaves too many of them is never tried.

    Args: given: class (n,) of what the design tells of each record, which cannot be made coarser.   weights: (n,).
    """
    costs = [[information_lost(own.steps[0], step, weights) for step in own.steps] for own in attributes]
    worth = np.array([own.importance for own in attributes])
    allowed = int(limit * len(given) + 1e-9)
    hopeless = _hopeless(attributes, given, sensitive, rules, allowed)
    ranked = sorted(
        (float(worth @ [cost[step] for cost, step in zip(costs, node, strict=True)] / worth.sum()), node)
        for node in product(*(range(len(own.steps)) for own in attributes))
        if not any(all(node[i] == step for i, step in part) for part in hopeless)
    )
    best: Node | None = None
    for generalised, steps in ranked:
        if best is not None and generalised >= best.loss:
            break
        blanked = _blanked(attributes, steps, given, sensitive, rules, allowed)
        if blanked is None:
            continue
        share = weights @ blanked / weights.sum()
        rest = np.array([1 - cost[step] for cost, step in zip(costs, steps, strict=True)])
        loss = generalised + float(worth @ (share * rest) / worth.sum())
        if best is None or loss < best.loss:
            best = Node(steps, blanked, generalised, loss)
    return best


def _blanked(
    attributes: Sequence[Attribute], steps: Sequence[int], given: Ints, sensitive: Sequence[Sensitive], rules: Rules,
    allowed: int,
) -> Bools | None:  # fmt: skip
    """Cells to blank at a node, None where that takes more records than allowed or cannot be done."""
    parts = [own.steps[step] for own, step in zip(attributes, steps, strict=True)]
    if failing(crossed([given, *parts], len(given)), sensitive, rules).sum() > allowed:
        return None
    blanks = [own.blank[step] if own.blank else -1 for own, step in zip(attributes, steps, strict=True)]
    free = [not own.fixed and bool(part.max() > 0) for own, part in zip(attributes, parts, strict=True)]
    blanked = suppress(parts, blanks, free, [own.importance for own in attributes], given, sensitive, rules)
    return blanked if blanked is not None and blanked.any(axis=1).sum() <= allowed else None


def _hopeless(
    attributes: Sequence[Attribute], given: Ints, sensitive: Sequence[Sensitive], rules: Rules, allowed: int
) -> list[tuple[tuple[int, int], ...]]:
    """Steps of one or two quasi-identifiers that by themselves leave too many records in classes below k or l."""
    growing = Rules(rules.k, rules.l_distinct)
    found: list[tuple[tuple[int, int], ...]] = []
    for size in (1, 2):
        for chosen in combinations(range(len(attributes)), size):
            for steps in product(*(range(len(attributes[i].steps)) for i in chosen)):
                part = tuple(zip(chosen, steps, strict=True))
                if any(set(known) <= set(part) for known in found):
                    continue
                code = crossed([given, *(attributes[i].steps[step] for i, step in part)], len(given))
                if failing(code, sensitive, growing).sum() > allowed:
                    found.append(part)
    return found


def _entropy(code: Ints, weights: Floats) -> float:
    share = np.bincount(code, weights)
    share = share[share > 0] / weights.sum()
    return float(-(share * np.log(share)).sum())
