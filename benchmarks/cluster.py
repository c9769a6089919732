"""Rows in parts on two workers of this machine: time a million rows, memory of the workers, equality with one frame.

python -m benchmarks.cluster                          # 1, 5 and 20 million rows × 40 items; writes and deletes 600 MB
python -m benchmarks.cluster 1 5 --seed 3 --place DIR # other sizes, another sample, another disk
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks import data
from flows.cluster import cluster, parquet
from survey import estimate, model
from survey.design import SurveyDesign
from survey.partitioned import Ask, Sample, figures, fit, rake
from survey.weighting import raking

MILLION = 1_000_000
WORKERS, MEMORY = 2, "3GiB"
EXACT = 1e-12
SAMPLE = Sample(weights="w", strata="stratum", psu="psu")
ASKS = [Ask(statistic, data.ITEMS, by=by) for statistic in ("share", "mean") for by in (None, "g6")]
FORMULA = "y ~ " + " + ".join(data.MODEL)


class Times(NamedTuple):
    """Seconds of each piece of work, and the most memory of a worker in bytes."""

    tables: float
    raking: float
    logit: float
    memory: int


def write(place: str, rows: int, seed: int) -> int:
    """One file of the survey, its answers as words, in row groups of a quarter of a million; its bytes."""
    frame = data.make(rows, seed)
    for name in frame.columns[frame.dtypes == "category"]:
        frame[name] = frame[name].cat.rename_categories(str)  # Parquet takes categories that are numbers for numbers
    frame.to_parquet(place, index=False, row_group_size=MILLION // 4)
    return Path(place).stat().st_size


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The result, and the seconds it took."""
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def peak() -> int:
    """Most memory of this process since it started."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return 1024 * int(found[1])


def totals(rows: int) -> dict[str, dict[str, float]]:
    """Known totals of the four margins, a little off the sample's."""
    shares = {name: np.linspace(0.9, 1.1, data.BREAKDOWNS[name]) for name in data.MARGINS}
    return {
        name: {str(k + 1): float(20.0 * rows * part) for k, part in enumerate(share / share.sum())}
        for name, share in shares.items()
    }


def on_cluster(client: Any, place: Path, rows: int) -> tuple[Times, Any]:
    """The work on all files of a folder."""
    parts = parquet(client, place, MILLION // 2)
    tables, seconds = timed(lambda: figures(parts, SAMPLE, ASKS))
    weights, raked = timed(lambda: rake(parts, "w", totals(rows)))
    fitted, logit = timed(lambda: fit(parts, SAMPLE, FORMULA))
    return Times(seconds, raked, logit, max(client.run(peak).values())), (tables, weights, fitted)


def in_memory(frame: pd.DataFrame) -> tuple[Times, Any]:
    """The same work by the engine of one frame."""
    d, designed = timed(lambda: SurveyDesign(frame, "w", "stratum", "psu"))
    tables, seconds = timed(lambda: estimate.battery(d, data.ITEMS, [None, "g6"]))
    weights, raked = timed(lambda: raking.rake(frame, frame["w"].to_numpy(), totals(len(frame))))
    fitted, logit = timed(lambda: model.fit(d, FORMULA, "binomial"))
    return Times(designed + seconds, raked, logit, 0), (tables, weights, fitted)


def compare(frame: pd.DataFrame, one: Any, two: Any) -> float:
    """Greatest relative difference between the cluster's answers and those of one frame."""
    columns = ["estimate", "se", "ci_low", "ci_high", "df", "n", "deff"]
    a, b = one[0][columns].to_numpy(float), two[0][columns].to_numpy(float)
    factor = one[1].factor[one[1].cell(frame)] * frame["w"].to_numpy()
    pairs = [(a, b), (factor, two[1][0]), (one[2].params, two[2].params), (one[2].se, two[2].se)]
    return max(float(np.max(np.abs(np.asarray(x) / np.asarray(y) - 1))) for x, y in pairs)


def main() -> None:
    """Write, work, compare, print, delete."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("millions", type=int, nargs="*", default=[1, 5, 20], help="sizes, in millions of rows")
    asked.add_argument("--seed", type=int, default=20261125)
    asked.add_argument("--place", type=Path, default=None, help="folder for the files; the temporary one if left out")
    options = asked.parse_args()
    print(f"{WORKERS} workers of {MEMORY} on this machine; seconds by the clock for a million rows")
    print(f"{'rows':>12}{'tables':>10}{'raking':>10}{'logit':>10}{'all':>10}{'peak MiB':>10}{'on disk MB':>12}")
    for millions in options.millions:
        with tempfile.TemporaryDirectory(dir=options.place) as place, cluster(
            work=Path(place), workers=WORKERS, memory=MEMORY
        ) as client:  # fmt: skip
            files = Path(place) / "rows"
            files.mkdir()
            names = [str(files / f"part-{k:03}.parquet") for k in range(millions)]
            seeds = [options.seed + k for k in range(millions)]
            size = written(client, names, seeds)
            client.restart()
            warm(client, files)
            measured, answers = on_cluster(client, files, millions * MILLION)
            print(line(millions, measured, size), flush=True)
            if millions == 1:
                against_memory(pd.read_parquet(names[0]), measured, answers)


def written(client: Any, names: list[str], seeds: list[int]) -> int:
    """Write all files on the workers, one a worker at a time; their bytes."""
    return sum(client.gather(client.map(write, names, [MILLION] * len(names), seeds)))


def warm(client: Any, files: Path) -> None:
    """Load libraries and compiled loops on every worker."""
    small = pd.read_parquet(files / "part-000.parquet").head(50_000)
    for k in range(WORKERS * 2):
        small.to_parquet(files.parent / f"warm-{k}.parquet")
    figures(parquet(client, files.parent), SAMPLE, ASKS[:1])


def line(millions: int, times: Times, size: int) -> str:
    """One row of the table."""
    each = [value / millions for value in times[:3]]
    cells = "".join(f"{value:>10.2f}" for value in (*each, sum(each)))
    return f"{millions * MILLION:>12,}{cells}{times.memory / 2**20:>10.0f}{size / 1e6:>12.0f}"


def against_memory(frame: pd.DataFrame, times: Times, answers: Any) -> None:
    """Print the ratio to the engine of one frame.   Raises: AssertionError: the answers differ."""
    in_memory(frame.head(50_000))
    memory, wanted = in_memory(frame)
    off = compare(frame, answers, wanted)
    ratio = "".join(f"{mine / other:>10.1f}" for mine, other in zip(times[:3], memory[:3], strict=True))
    print(f"{'in memory':>12}" + "".join(f"{value:>10.2f}" for value in (*memory[:3], sum(memory[:3]))))
    print(f"{'ratio':>12}{ratio}{sum(times[:3]) / sum(memory[:3]):>10.1f}")
    print(f"greatest relative difference: {off:.1e}")
    assert off <= EXACT, "the cluster's answers are not those of one frame"


if __name__ == "__main__":
    main()
