"""Items give each other's groups away: who did not answer one of them is a number that everybody can look up.

A group has as many respondents to item A as it has interviews, less those who did not answer A; and it has no fewer
interviews than respondents to any other item. So, with all records R and everybody's respondents n_A,

    n_B(g) − (R − n_A)  ≤  n_A(g)  ≤  R − Σ over other groups h of max_C n_C(h)

for every B and C that is shown. Where that leaves a hidden count too narrow, the items that tell hide the group too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from survey.disclosure.background import Background
from survey.disclosure.bounds import Bools, ranges
from survey.disclosure.secondary import met
from survey.disclosure.system import Built, Key


def crossed(built: Built, hidden: Bools, known: Mapping[str, Background]) -> Bools:
    """Cells to hide as well, because with them an item narrows down what another one hides; shape (cells,)."""
    further = np.zeros(len(built.keys), dtype=bool)
    dark = [int(k) for k in np.flatnonzero(hidden) if built.keys[k][2] and built.keys[k][0] in known]
    if not dark:
        return further
    value, counts = built.table.value, built.counts
    shown: dict[tuple[str, str, str], list[tuple[float, int]]] = {}
    for k, key in enumerate(built.keys):
        if key[2] and key[0] in known and not hidden[k]:
            shown.setdefault((key[0], key[2], key[3]), []).append((float(value[counts[key]]), k))
    most = {place: max(cells)[0] for place, cells in shown.items()}
    whole: dict[tuple[str, str], float] = {}
    for (wave, by, _), n in most.items():
        whole[wave, by] = whole.get((wave, by), 0.0) + n
    lower, upper = built.table.lower.copy(), built.table.upper.copy()
    for k in dark:
        key, at = built.keys[k], counts[built.keys[k]]
        everybody = counts.get((*key[:2], "", ""))
        if everybody is None or hidden[built.table.cell[everybody]]:
            continue
        own, background = most.get((key[0], key[2], key[3]), 0.0), known[key[0]]
        placed = sum(background.sizes.get(key[2], {}).values()) or background.records
        lower[at] = min(max(lower[at], own - (background.records - value[everybody])), value[at])
        upper[at] = max(min(upper[at], placed - whole.get((key[0], key[2]), 0.0) + own), value[at])
    counted = set(counts.values())
    due = [
        each
        for each in built.demands
        if each.quantity in counted and each.cell >= 0 and hidden[each.cell] and built.keys[each.cell][0] in known
    ]
    found = ranges(replace(built.table, lower=lower, upper=upper), hidden, [each.quantity for each in due])
    tables = {built.keys[each.cell][:3] for each, got in zip(due, found, strict=True) if not met(got, each)}
    for k in dark:
        if built.keys[k][:3] in tables:
            further[list(_telling(built, built.keys[k], shown))] = True
    return further


def _telling(built: Built, key: Key, shown: Mapping[tuple[str, str, str], list[tuple[float, int]]]) -> Iterator[int]:
    """Cells of the same group in other items, which are not out already."""
    for _, k in shown.get((key[0], key[2], key[3]), ()):
        if not built.cells.fixed[k]:
            yield k
