"""Answer patterns that may come from coaching or copying, by interviewer and by sampling unit: patterns, not persons.

Four patterns: the best answer to every question of opinion; as many best answers as one interview in ten has; answers
nearly identical to an earlier interview of the same interviewer; a very short interview. Each cluster's count is held
against what is usual among all clusters, with their overdispersion, and the false discovery rate is controlled over all
of them together. What stands out may have a good reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.codebook import Codebook
from survey.quality.answers import Bools, Codes, level_codes, speeders
from survey.quality.interviewers import units_of
from survey.quality.overdispersion import Floats, Ints, Usual, usual

FLAGGED = "in_flagged_cluster"
FEWEST_ITEMS = 3
PART = 200
LIMITS = (0.001, 0.025, 0.975, 0.999)


@dataclass(frozen=True)
class Screened:
    """One pattern over the clusters of one kind that have enough interviews.

    unit: interviewers or units.   n, count: interviews and those of the pattern, by cluster.   exposure: see
    `overdispersion`.   usual: None where too little varies to tell.   p: one-sided.   flagged: by cluster.
    """

    pattern: str
    unit: str
    n: Ints
    count: Ints
    exposure: Floats
    usual: Usual | None
    p: Floats
    flagged: Bools


def opinion_items(frame: pd.DataFrame, book: Codebook) -> dict[str, int]:
    """Questions of opinion put to everybody, with the position of their best answer: the positive end of the scale."""
    best: dict[str, int] = {}
    for name, item in book.items.items():
        scale = book.scales.get(item.scale or "")
        if item.kind != "single" or item.asked_if or scale is None or not scale.ordered or name not in frame:
            continue
        ends = [place for place in (0, len(scale.levels) - 1) if list(scale.levels)[place] in scale.positive]
        if len(ends) == 1 and frame[name].notna().any():
            best[name] = ends[0]
    return best


def all_best(codes: Codes, best: NDArray[Any]) -> Bools:
    """Who gave the best answer to every question answered, and answered half of them or more.

    >>> all_best(np.array([[0, 0, -1], [0, 1, 0], [-1, -1, 0]], dtype=np.int16), np.array([0, 0, 0])).tolist()
    [True, False, False]
    """
    given = codes >= 0
    enough = 2 * given.sum(axis=1) >= codes.shape[1]
    return np.asarray(((codes == best) | ~given).all(axis=1) & enough)


def most_best(codes: Codes, best: NDArray[Any], share: float = 0.9) -> Bools:
    """Whose share of best answers, among the questions answered, reaches the 90th percentile of all interviews.

    >>> codes = np.array([[0, 1]] * 8 + [[0, 0]] * 2, dtype=np.int16)
    >>> int(most_best(codes, np.array([0, 0])).sum())
    2
    """
    given = (codes >= 0).sum(axis=1)
    part = (codes == best).sum(axis=1) / np.maximum(given, 1)
    return np.asarray((part >= np.quantile(part, share)) & (part > 0) & (2 * given >= codes.shape[1]))


def near_identical(codes: Codes, group: Ints, share: float = 0.85) -> tuple[Bools, Ints]:
    """Whose answers agree, on at least a share of the questions, with those of an earlier row of the same group.

    85 % is the threshold of Kuriakose and Robbins (2016); no answer counts as an answer. All pairs of a group are
    compared at once, question by question; groups above 200 in parts of equal size, in the order of the rows. A pair
    counts once, so that one coincidence is one case.

    Args: codes: shape (persons, questions).   group: 0 … k − 1, −1 leaves a person out.
    Returns: repeats by person; the number of earlier ones each was compared with.

    >>> repeats, earlier = near_identical(np.array([[0, 1], [0, 1], [0, 1]], dtype=np.int16), np.array([0, 0, 1]))
    >>> repeats.tolist(), earlier.tolist()
    ([False, True, False], [0, 1, 0])
    """
    persons, questions = codes.shape
    needed = int(np.ceil(share * questions - 1e-9))
    given = codes.T.astype(np.int8)
    repeats, earlier = np.zeros(persons, dtype=bool), np.zeros(persons, dtype=np.int64)
    order = np.argsort(group, kind="stable")[int((group < 0).sum()) :]
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        for part in np.array_split(rows, -(-len(rows) // PART)) if len(rows) > 1 else []:
            matches = np.zeros((len(part), len(part)), dtype=np.int16)
            for answers in given[:, part]:
                matches += answers[:, None] == answers
            repeats[part] = np.tril(matches >= needed, -1).any(axis=1)
            earlier[part] = np.arange(len(part))
    return repeats, earlier


def screen(frame: pd.DataFrame, book: Codebook) -> tuple[list[Screened], pd.Series]:
    """Every pattern of every cluster with enough interviews, and who was interviewed in one that stands out.

    p = P(X ≥ count) under the usual share and spread of the same pattern; flagged where Benjamini and Hochberg's (1995)
    procedure over all patterns and clusters rejects at `quality.false_discoveries`.

    Args: frame: typed answers, one row an interview.   Returns: the screened patterns; True by row of the frame where
    the interviewer or the sampling unit stands out.
    """
    from statsmodels.stats.multitest import multipletests

    found, members = [], []
    for pattern, unit, group, shown, exposure in _patterns(frame, book):
        sizes = np.bincount(group[group >= 0])
        kept = np.flatnonzero(sizes >= book.quality.min_interviews)
        inside = group >= 0
        count = np.bincount(group[inside], shown[inside], minlength=len(sizes)).astype(np.int64)[kept]
        mean = np.bincount(group[inside], exposure[inside], minlength=len(sizes))[kept] / sizes[kept]
        normal = usual(count, sizes[kept], mean)
        p = normal.tail(count, sizes[kept], mean) if normal else np.ones(len(kept))
        found.append((pattern, unit, sizes[kept], count, mean, normal, p))
        members.append((group, kept))
    tests = np.concatenate([each[-1] for each in found]) if found else np.array([])
    rejected = multipletests(tests, book.quality.false_discoveries, "fdr_bh")[0] if len(tests) else tests.astype(bool)
    screened, inside_flagged, start = [], np.zeros(len(frame), dtype=bool), 0
    for parts, (group, kept) in zip(found, members, strict=True):
        flagged = np.asarray(rejected[start : start + len(kept)], dtype=bool)
        start += len(kept)
        screened.append(Screened(*parts, flagged))
        inside_flagged |= np.isin(group, kept[flagged])
    return screened, pd.Series(inside_flagged, index=frame.index)


def _patterns(frame: pd.DataFrame, book: Codebook) -> Iterator[tuple[str, str, Ints, Bools, Floats | Ints]]:
    """Pattern, kind of cluster, cluster by row (−1 none), who shows it, and exposure by row."""
    best, one = opinion_items(frame, book), np.ones(len(frame))
    opinions = len(best) >= FEWEST_ITEMS
    codes, top = level_codes(frame, list(best)) if opinions else np.empty((0, 0), np.int16), np.array([*best.values()])
    shown = {"all_best": all_best(codes, top), "most_best": most_best(codes, top)} if opinions else {}
    if book.interviewer is not None and book.interviewer in frame:
        names = frame[book.interviewer]
        who = np.asarray(pd.factorize(names.where(names != ""))[0], dtype=np.int64)
        for pattern, rows in shown.items():
            yield pattern, "interviewers", who, rows, one
        if opinions:
            yield "near_identical", "interviewers", who, *near_identical(codes, who, book.quality.near_identical)
        if book.duration is not None:
            short = speeders(frame[book.duration].to_numpy(dtype=float), book.quality.speeder_share)
            yield "short", "interviewers", who, short, one
    if (units := units_of(frame, book)) is not None:
        for pattern, rows in shown.items():
            yield pattern, "units", units, rows, one


def integrity_facts(screened: list[Screened], flagged: pd.Series, items: int) -> dict[str, Any]:
    """Counts for the report; a cluster is a point of a funnel without a name, in the order of its size."""
    kinds = {}
    for unit in dict.fromkeys(each.unit for each in screened):
        own = [each for each in screened if each.unit == unit]
        any_flag = np.logical_or.reduce([each.flagged for each in own])
        kinds[unit] = {"screened": len(any_flag), "flagged": int(any_flag.sum())}
    return {
        "items": items,
        "interviews": len(flagged),
        "flagged": int(flagged.sum()),
        "clusters": kinds,
        "patterns": [_pattern_facts(each) for each in screened],
    }


def _pattern_facts(each: Screened) -> dict[str, Any]:
    facts: dict[str, Any] = {"pattern": each.pattern, "unit": each.unit, "clusters": len(each.n)}
    facts |= {"n": int(each.n.sum()), "count": int(each.count.sum()), "flagged": int(each.flagged.sum())}
    if each.usual is not None:
        facts |= {"usual": float(each.usual.mean(each.exposure).mean()), "rho": each.usual.rho}
    if each.usual is not None and each.pattern in ("all_best", "most_best"):
        order = np.lexsort((each.count, each.n))
        points = zip(each.n[order], each.count[order], each.flagged[order], strict=True)
        facts["points"] = [{"n": int(n), "share": float(x / n), "flagged": bool(flag)} for n, x, flag in points]
        ends = np.unique(np.rint(np.geomspace(each.n.min(), each.n.max(), 16)).astype(np.int64))
        limits = each.usual.limits(ends, LIMITS)
        facts["limits"] = [{"n": int(n), "at": row.tolist()} for n, row in zip(ends, limits, strict=True)]
    return facts
