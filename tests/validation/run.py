"""Many samples, each estimated and tested in full, on at most two processes; the same numbers whatever their number."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import pandas as pd

from tests.validation import figures, hypotheses
from tests.validation.known import NOW, Known, known
from tests.validation.samples import sample

CHUNK = 5
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Runs(NamedTuple):
    """Columns sample, part, label, estimate, se, ci_low, ci_high, df; and one row a sample with the p of every test."""

    estimates: pd.DataFrame
    p: pd.DataFrame


class One(NamedTuple):
    """What one sample says."""

    rows: list[tuple[int, str, str, float, float, float, float, float]]
    p: dict[str, float]


def run(count: int, headlines: int = 0, processes: int = 2, progress: bool = False) -> Runs:
    """Samples 0 … count − 1 in full, then `headlines` more for the headline indicators alone."""
    seeds, full = range(count + headlines), [True] * count + [False] * headlines
    if processes == 1:
        _start()
        return _gathered(map(of_sample, seeds, full), len(full), progress)
    # A fresh interpreter each: a fork would copy locks of threads that numerical libraries have started.
    with _single_threads(), ProcessPoolExecutor(processes, get_context("spawn"), _start) as pool:
        return _gathered(pool.map(of_sample, seeds, full, chunksize=CHUNK), len(full), progress)


def of_sample(seed: int, full: bool = True) -> One:
    """All figures and tests of one sample, or its headline."""
    s = sample(_world[0], seed) if full else sample(_world[0], seed, [NOW])
    rows = [
        (seed, title, label, *(float(row[name]) for name in (*figures.COLUMNS, "df")))
        for title, part in (figures.PARTS if full else figures.HEADLINE).items()
        for label, row in part(s).items()
    ]
    tests = hypotheses.PARTS if full else []
    p = {label: value for part in tests for label, value in part(s, _world[0]).items()}
    return One(rows, p)


@contextmanager
def _single_threads() -> Iterator[None]:
    """Processes started inside use one thread each for linear algebra, or they would wait for each other."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


_world: list[Known] = []


def _start() -> None:
    if not _world:
        _world.append(known())


def _gathered(found: Iterable[One], count: int, progress: bool) -> Runs:
    rows, p = [], []
    for done, each in enumerate(found, start=1):
        rows += each.rows
        if each.p:
            p.append(each.p)
        if progress and (done % 20 == 0 or done == count):
            print(f"{done} of {count} samples", file=sys.stderr, flush=True)
    columns = ["sample", "part", "label", *figures.COLUMNS, "df"]
    frame = pd.DataFrame(rows, columns=columns)
    assert np.isfinite(frame[["estimate", "se"]].to_numpy()).all()
    return Runs(frame, pd.DataFrame(p))
