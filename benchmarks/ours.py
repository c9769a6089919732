"""The engine's own times, and the memory the tables take."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.data import BREAKDOWNS, ITEMS, MODEL, coded_bytes
from survey import estimate, model, weighting
from survey.design import SurveyDesign

STATUS = Path("/proc/self/status")


def design(frame: pd.DataFrame) -> tuple[SurveyDesign, float]:
    """The compiled design and the seconds it took."""
    start = time.perf_counter()
    return SurveyDesign(frame, weights="w", strata="stratum", psu="psu"), time.perf_counter() - start


def tables(d: SurveyDesign) -> tuple[float, pd.DataFrame]:
    """Seconds of (a) and (b): 240 tables of means and 240 of all shares as one tidy frame."""
    start = time.perf_counter()
    rows = estimate.battery(d, ITEMS, list(BREAKDOWNS))
    return time.perf_counter() - start, rows


def logit(d: SurveyDesign) -> float:
    """Seconds of (c)."""
    start = time.perf_counter()
    model.fit(d, "y ~ " + " + ".join(f"C({name})" for name in MODEL), family="binomial")
    return time.perf_counter() - start


def rake(frame: pd.DataFrame, totals: dict[str, dict[str, float]]) -> float:
    """Seconds of (d)."""
    base = frame["w"].to_numpy()
    start = time.perf_counter()
    weights, _ = weighting.rake(frame, base, totals)
    assert np.isfinite(weights).all()
    return time.perf_counter() - start


def memory_ratio(d: SurveyDesign) -> float | None:
    """Peak memory of the tables, the coded input included, as a multiple of the coded input; None where not Linux."""
    with peak() as reached:
        tables(d)
    size = coded_bytes(d.frame)
    return (size + reached[0]) / size if reached else None


@contextmanager
def peak() -> Iterator[list[int]]:
    """How many bytes more than before the process held at most; an empty list where not Linux."""
    reached: list[int] = []
    reset = Path("/proc/self/clear_refs")
    if not reset.exists():
        yield reached
        return
    reset.write_text("5")  # the high-water mark starts anew
    before = _kib("VmRSS")
    yield reached
    reached.append(1024 * (_kib("VmHWM") - before))


def _kib(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+)", STATUS.read_text(encoding="ascii"))
    assert found is not None
    return int(found[1])
