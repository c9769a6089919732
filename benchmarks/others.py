"""The same work by svy and by R's survey; where all 480 tables would take too long, the first items' are scaled up."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.data import BREAKDOWNS, ITEMS, MARGINS, MODEL, write_binary

SCRIPT = Path(__file__).with_name("bench.R")


def svy(frame: pd.DataFrame, totals: dict[str, dict[str, float]], items: int) -> dict[str, Any]:
    """Seconds of svy 0.35: (a) + (b) by `items` of the 40 items and scaled up, (c), (d)."""
    import polars as pl
    from svy import Cat, Design, Sample

    answers = {item: frame[item].astype(float) for item in ITEMS[:items]}
    groups = {name: frame[name].astype(int) for name in BREAKDOWNS}
    columns: dict[str, pd.Series] = {
        **answers,
        **groups,
        **{name: frame[name] for name in ("psu", "stratum", "w", "y")},
    }
    data = pl.DataFrame({name: column.to_numpy() for name, column in columns.items()}).with_columns(
        pl.col(item).fill_nan(None) for item in answers
    )
    sample = Sample(data, Design(stratum="stratum", psu="psu", wgt="w"))
    start = time.perf_counter()
    for by in BREAKDOWNS:
        for item in answers:
            sample.estimation.mean(item, by=by, drop_nulls=True)
            sample.estimation.prop(item, by=by, deff="wr", drop_nulls=True)
    tables = (time.perf_counter() - start) * len(ITEMS) / items
    start = time.perf_counter()
    sample.glm.fit("y", x=[Cat(name) for name in MODEL], family="binomial")
    logit = time.perf_counter() - start
    controls: Any = {name: {int(level): total for level, total in levels.items()} for name, levels in totals.items()}
    start = time.perf_counter()
    sample.weighting.rake(controls=controls, wgt_name="raked", tol=1e-9)
    return {"tables": tables, "logit": logit, "rake": time.perf_counter() - start, "tables_timed": 12 * items}


def r_survey(frame: pd.DataFrame, totals: dict[str, dict[str, float]], items: int) -> dict[str, Any] | None:
    """Seconds of R's survey, as `svy`; None where R or the package is not installed."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = [*ITEMS[:items], *BREAKDOWNS, "psu", "stratum", "w", "y"]
        write_binary(frame[names], folder)
        lines = [f"items {' '.join(ITEMS[:items])}", f"by {' '.join(BREAKDOWNS)}", f"model {' '.join(MODEL)}"]
        lines += [f"margin {margin} {' '.join(map(repr, totals[margin].values()))}" for margin in MARGINS]
        (folder / "plan.txt").write_text("\n".join(lines) + "\n", encoding="ascii")
        done = subprocess.run(["Rscript", str(SCRIPT), name], capture_output=True, text=True, check=False)
    if done.returncode:
        print("R's survey did not run:", done.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return {**found, "tables": found["tables"] * len(ITEMS) / items, "tables_timed": 12 * items}
