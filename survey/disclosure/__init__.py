"""The release boundary: nothing leaves here that may identify anyone by inference, or that is too uncertain to say.

Suppression is data: each row gets a flag and a reason, and the numbers are blanked once, last. Then an outsider, who
sees no more than is to be published, tries to work out what was withheld; the release is refused if that succeeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from survey.attacker import Knowledge, Nested, attack, published
from survey.codebook import Codebook, Disclosure
from survey.disclosure.audit import outside, revisions, told_cells
from survey.disclosure.background import Background
from survey.disclosure.bounds import Bools
from survey.disclosure.counts import Numbers, Secrets, coarse, numbers, retold
from survey.disclosure.crossing import crossed
from survey.disclosure.families import families, siblings
from survey.disclosure.models import beside_hidden, without_sizes
from survey.disclosure.precision import SECRETIVE, USUAL, precise
from survey.disclosure.rules import NOBODY, PRIMARY, RELIABILITY, apply, effective, flag, is_level
from survey.disclosure.secondary import choose, possible
from survey.disclosure.system import CELL, Built, Cell, Key, build, cells_of
from survey.disclosure.told import told
from survey.errors import GateError
from survey.pairs import tellable_pairs
from survey.released import Drawn, Releasable, Told
from survey.tidy import NUMBERS, results

__all__ = ["SECRET", "WITHHELD", "Drawn", "Releasable", "Secrets", "Told", "release"]

WITHHELD = ("suppressed_primary", "suppressed_secondary", "unreliable", "not_asked", "break")
SECRET = ("suppressed_primary", "suppressed_secondary")
PROTECTS = "protects another figure"


def release(
    figures: pd.DataFrame,
    facts: dict[str, Any],
    book: Codebook,
    backgrounds: Mapping[str, Background] | None = None,
    earlier: Sequence[Told] = (),
    secrets: Secrets | None = None,
) -> Releasable:
    """Flag every figure, withhold what may not be shown, try to undo it, count what was done.

    The primary rules stand in survey.disclosure.rules, the first that holds counts. Cells that would give a withheld
    one away, through any totals of the publication or of earlier ones, are suppressed_secondary; then come the rules of
    reliability, and comparisons fall with the figures they compare. Last, numbers of respondents are told as `counts`
    says, and what tells the precision is rounded to two significant digits where any figure is withheld as a secret:
    disclosure by second moments (survey.disclosure.precision).

    Args: backgrounds: by wave, what only the team knows of it.   earlier: cells of other publications, in order.
    secrets: keys and earlier draws of noise.
    Raises: GateError: a withheld figure can be worked out all the same, a figure has changed by a few respondents, or a
    privacy budget is spent.
    """
    known, rules = backgrounds or {}, book.disclosure
    full = results(figures)
    rows, counts = apply(full, (NOBODY, *PRIMARY), rules, known)
    rows = _whole_cells(rows)
    doubtful, doubts = apply(rows, RELIABILITY, rules, known)
    cells = cells_of(doubtful, outside(earlier))
    hidden = _secondary(cells, known, rules)
    rows = flag(rows, _in(rows, hidden) & is_level(rows), "suppressed_secondary", PROTECTS)
    rows = _siblings(rows, book)
    rows, _ = apply(rows, RELIABILITY, rules, known)
    rows = tellable_pairs(beside_hidden(_comparisons(rows), SECRET, PROTECTS))
    rows, full = rows.reset_index(drop=True), full.loc[rows.index].reset_index(drop=True)
    revisions(rows[~rows["flag"].isin(WITHHELD)], earlier, rules)
    record = tuple(told_cells(rows, full, WITHHELD))
    rows.loc[rows["flag"].isin(WITHHELD), NUMBERS] = np.nan
    rows = without_sizes(rows, full, book, known)
    _attacked(rows, full, known, rules, record)
    summary = _summary(rows, record, {**counts, **doubts}, rules)
    digits = SECRETIVE if rows["flag"].isin(SECRET).any() else USUAL
    exact = Releasable(rows, {**told(facts, rules.min_n, digits), "disclosure": summary}, record)
    if rules.counts.method != "exact":
        exact = _less_exact(exact, numbers(full.assign(flag=rows["flag"]), known, rules, secrets), rules)
    return replace(exact, results=precise(exact.results, digits))


def _less_exact(exact: Releasable, found: Numbers, rules: Disclosure) -> Releasable:
    """The release with its numbers of respondents as the method tells them."""
    wave = str(exact.results["wave"].iloc[-1]) if len(exact.results) else ""
    facts = coarse(exact.facts, found, wave, rules)
    facts["disclosure"] = {**facts["disclosure"], "counts": found.facts}
    return Releasable(retold(exact.results, found.told, rules.counts), facts, exact.cells, found.drawn)


def _whole_cells(rows: pd.DataFrame) -> pd.DataFrame:
    """A cell of which one level is withheld is withheld whole: its levels add up."""
    secret = set(
        rows.loc[is_level(rows) & rows["flag"].eq("suppressed_primary"), CELL].itertuples(index=False, name=None)
    )
    return flag(rows, _in(rows, secret) & is_level(rows), "suppressed_primary", PROTECTS)


def _siblings(rows: pd.DataFrame, book: Codebook) -> pd.DataFrame:
    """A group that one figure of a question hides is hidden by all of them."""
    levels = rows[is_level(rows)]
    hidden = set(levels.loc[levels["flag"].isin(SECRET), CELL].itertuples(index=False, name=None))
    further = siblings(hidden, levels[CELL].itertuples(index=False, name=None), families(book, levels["item"]))
    return flag(rows, _in(rows, further) & is_level(rows), "suppressed_secondary", PROTECTS)


def _in(rows: pd.DataFrame, keys: set[Key]) -> pd.Series:
    if not keys:
        return pd.Series(False, index=rows.index)
    return pd.Series(
        [key in keys for key in rows[CELL].itertuples(index=False, name=None)], index=rows.index, dtype=bool
    )


def _secondary(cells: Mapping[Key, Cell], known: Mapping[str, Background], rules: Disclosure) -> set[Key]:
    """Keys of the cells that protect others.   Raises: GateError: what is out already leaves no choice."""
    if not any(cell.secret for cell in cells.values()) and not known:
        return set()
    built = build(cells, known, rules)
    start = built.cells.hidden
    while True:
        hidden = _chosen(built)
        further = crossed(built, hidden, known)
        if not further.any():
            return {key for key, now, was in zip(built.keys, hidden, start, strict=True) if now and not was}
        built = built._replace(cells=built.cells._replace(hidden=built.cells.hidden | further))


def _chosen(built: Built) -> Bools:
    hidden = choose(built.table, built.cells, built.demands)
    if hidden is None:  # as much as hiding everything would give, had nothing been published before
        free = built.cells._replace(fixed=np.array([not key[2] for key in built.keys]))
        due = [demand for demand in built.demands if demand.cell < 0 or built.cells.hidden[demand.cell]]
        rest = [demand for demand in built.demands if demand.cell >= 0 and not built.cells.hidden[demand.cell]]
        hidden = choose(built.table, built.cells, [*possible(built.table, free, due), *rest])
    if hidden is None:
        raise GateError(
            "What is out already gives a withheld figure away",
            where="disclosure",
            expected="figures that can be hidden so that those of a few respondents do not follow",
            got="none, beside the publications before this one",
            hint="publish fewer breakdowns, or the ones that were published before",
        )
    return hidden


def _comparisons(rows: pd.DataFrame) -> pd.DataFrame:
    """A change or difference is withheld when a level it is made of is, or has too few answers on one side."""
    levels = rows[is_level(rows)]
    side = effective(levels) * np.minimum(levels["estimate"], 1 - levels["estimate"])
    compared = rows["statistic"].isin(["change", "difference"])
    for bad, mark, reason in (
        (levels["flag"].isin(SECRET), "suppressed_secondary", PROTECTS),
        (levels["flag"].isin(WITHHELD), "unreliable", "one of its figures is withheld"),
        (levels["estimate"].between(0, 1) & (side < 5), "unreliable", "fewer than five answers on one side"),
    ):
        keys = set(levels.loc[bad, CELL].itertuples(index=False, name=None))
        before = [key in keys for key in rows[["level", "item", "by", "group"]].itertuples(index=False, name=None)]
        rows = flag(rows, compared & (_in(rows, keys) | np.array(before, dtype=bool)), mark, reason)
    return rows


def _attacked(
    rows: pd.DataFrame,
    full: pd.DataFrame,
    known: Mapping[str, Background],
    rules: Disclosure,
    record: Sequence[Told],
) -> None:
    """Let an outsider who knows every weighted base try.   Raises: GateError: a secret can be worked out."""
    found = attack(published(rows), _knowledge(full, known), rules.width, rules.share_protection)
    secrets = {cell[:4] for cell in record if cell.secret}
    open_ = found[found["open"] | (found["open_share"] & _in(found, secrets))]
    if len(open_):
        raise GateError(
            "An outsider could work out withheld figures",
            where="{cells}",
            expected="that nothing published narrows them down to fewer than {width} respondents or {share} points",
            got="{count} withheld figures that follow from others",
            hint="this is a fault of the program unless publications were changed by hand; nothing was published",
            cells="; ".join("/".join(key) for key in open_[CELL].head(3).itertuples(index=False, name=None)),
            width=rules.width,
            share=round(100 * rules.share_protection),
            count=len(open_),
        )


def _knowledge(full: pd.DataFrame, known: Mapping[str, Background]) -> Knowledge:
    """The best-informed outsider: knows every weighted base, every group's make-up and how many told their group."""
    levels = full[is_level(full) & full["n"].gt(0) & full["n_weighted"].gt(0)]
    bases = dict(zip(levels[CELL].itertuples(index=False, name=None), levels["n_weighted"], strict=True))
    sizes, nested = {}, {}
    for wave, each in known.items():
        sizes[wave] = (each.records, {by: sum(groups.values()) for by, groups in each.sizes.items()})
        nested[wave] = [
            Nested(
                by, group, inner_by, inner, sum(each.sizes[inner_by][name] for name in inner) == each.sizes[by][group]
            )
            for by, group, inner_by, inner in each.inside
        ]
    return Knowledge(bases, sizes, nested)


def _summary(rows: pd.DataFrame, record: Sequence[Told], fired: Mapping[str, int], rules: Disclosure) -> dict[str, Any]:
    """What the boundary did, as it may be told: by flag, by rule with its parameters, and the share of cells kept."""
    counts = rows["flag"].value_counts()
    by_flag = {mark: int(counts.get(mark, 0)) for mark in (*WITHHELD, "caution")}
    secret = rows[is_level(rows) & rows["flag"].isin(SECRET)].drop_duplicates(CELL)
    lost = {mark: int((secret["flag"] == mark).sum()) for mark in SECRET}
    cells = len(record)
    parameters = {name: value for rule in (*PRIMARY, *RELIABILITY) for name, value in rule.values(rules).items()} | {
        "count_protection": rules.width,
        "share_protection": rules.share_protection,
    }
    return {
        "figures": len(rows),
        **by_flag,
        "cells": cells,
        "cells_primary": lost["suppressed_primary"],
        "cells_secondary": lost["suppressed_secondary"],
        "kept": round(1 - sum(lost.values()) / cells, 4) if cells else 1.0,
        "fired": _fired(fired),
        "rules": parameters,
    }


def _fired(fired: Mapping[str, int]) -> dict[str, int]:
    """How often the rules held, the primary ones as one: beside one hidden cell "unanimous" would tell its answers."""
    primary = {rule.name for rule in PRIMARY}
    rest = {name: count for name, count in fired.items() if name not in primary}
    return {"primary": sum(fired[name] for name in primary), **rest}
