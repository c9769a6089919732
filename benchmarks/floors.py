"""The least that the tables could cost: one pass of additions over (unit, group, answer), without any statistics.

Two floors: numpy's bincount for each item and breakdown, and a compiled loop on two threads. Neither gives a figure.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from numba import njit

from benchmarks.data import BREAKDOWNS, ITEMS, PSUS

LEVELS = 5  # four answers and none


def bincount(frame: pd.DataFrame) -> float:
    """Seconds of 240 calls of numpy.bincount over (unit, group, answer)."""
    psu, weights = frame["psu"].to_numpy().astype(np.intp), frame["w"].to_numpy()
    groups = {name: frame[name].cat.codes.to_numpy().astype(np.intp) for name in BREAKDOWNS}
    start = time.perf_counter()
    for item in ITEMS:
        answer = frame[item].cat.codes.to_numpy().astype(np.intp) + 1
        for name, size in BREAKDOWNS.items():
            np.bincount((psu * size + groups[name]) * LEVELS + answer, weights, PSUS * size * LEVELS)
    return time.perf_counter() - start


@njit(nogil=True)
def _add(table, unit, weights, group, answer, first, last):  # type: ignore[no-untyped-def]
    for row in range(first, last):
        own = table[unit[row]]
        for k in range(group.shape[1]):
            cell = own[group[row, k]]
            for j in range(answer.shape[1]):
                cell[j * LEVELS + answer[row, j]] += weights[row]


def compiled(frame: pd.DataFrame) -> tuple[float, float]:
    """Seconds of preparing the codes in the order of the units, and of one compiled pass on two threads."""
    start = time.perf_counter()
    psu = frame["psu"].to_numpy()
    order = np.argsort(psu, kind="stable").astype(np.int32)
    unit, weights = psu[order], frame["w"].to_numpy()[order]
    group = np.empty((len(frame), len(BREAKDOWNS)), dtype=np.uint8)
    answer = np.empty((len(frame), len(ITEMS)), dtype=np.uint8)
    before = 0
    for k, (name, size) in enumerate(BREAKDOWNS.items()):
        group[:, k] = frame[name].cat.codes.to_numpy()[order] + before
        before += size
    for j, item in enumerate(ITEMS):
        answer[:, j] = frame[item].cat.codes.to_numpy()[order] + 1
    prepared = time.perf_counter() - start
    table = np.zeros((PSUS, before, len(ITEMS) * LEVELS))
    _add(table, unit, weights, group, answer, 0, 0)  # compile
    half = int(np.searchsorted(unit, unit[len(unit) // 2]))
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda ends: _add(table, unit, weights, group, answer, *ends), [(0, half), (half, len(unit))]))
    return prepared, time.perf_counter() - start


def grouped_logit(frame: pd.DataFrame, covariates: list[str]) -> float:
    """Seconds of a bare numpy logistic fit on all rows with its scores summed by unit: no formula, no checks."""
    start = time.perf_counter()
    parts = [np.ones((len(frame), 1))]
    for name in covariates:
        code = frame[name].cat.codes.to_numpy()
        parts.append((code[:, None] == np.arange(1, BREAKDOWNS[name])).astype(float))
    X, y, w = np.hstack(parts), frame["y"].to_numpy().astype(float), frame["w"].to_numpy()
    beta = np.zeros(X.shape[1])
    for _ in range(6):
        mu = 1 / (1 + np.exp(-X @ beta))
        beta = beta + np.linalg.solve(X.T @ (X * (w * mu * (1 - mu))[:, None]), X.T @ (w * (y - mu)))
    score = X * (w * (y - mu))[:, None]
    psu = frame["psu"].to_numpy()
    for column in score.T:
        np.bincount(psu, column, PSUS)
    return time.perf_counter() - start


def raking(frame: pd.DataFrame, totals: dict[str, dict[str, float]]) -> float:
    """Seconds of bare iterative proportional fitting over all rows."""
    start = time.perf_counter()
    w = frame["w"].to_numpy().copy()
    margins = [(frame[name].cat.codes.to_numpy().astype(np.intp), np.array(list(levels.values())))
               for name, levels in totals.items()]  # fmt: skip
    for _ in range(50):
        gap = 0.0
        for code, wanted in margins:
            have = np.bincount(code, w, len(wanted))
            gap = max(gap, float(np.abs(have / wanted - 1).max()))
            w *= (wanted / have)[code]
        if gap < 1e-9:
            break
    return time.perf_counter() - start
