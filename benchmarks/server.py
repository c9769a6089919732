"""What Prefect adds to a run when its server is there already: the same wave by a plain call and as tasks, in pairs.

python -m benchmarks.server [N]     # N pairs, 4 when left out; a minute each; the median goes to results.json
"""

from __future__ import annotations

import json
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.rerun import FIRST, anew
from benchmarks.site import ROOT, SURVEY
from tests.faults import finish, server, start

LIMIT = 8.0
RESULTS = Path(__file__).with_name("results.json")


def seconds(root: Path, **variables: str) -> tuple[float, float]:
    """How long a run of the first wave takes with its imports, nothing made before: on the clock, of the processor."""
    anew(root, 0)
    begun, worked = time.perf_counter(), _worked()
    code, said = finish(start(root, "--wave", FIRST, survey=SURVEY, **variables))
    if code:
        sys.exit(said)
    return time.perf_counter() - begun, _worked() - worked


def _worked() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # of those that have ended: not of the server
    return used.ru_utime + used.ru_stime


def measure(pairs: int) -> dict[str, Any]:
    """Each pair's seconds (clock and processor, plain and through Prefect) and the medians of what Prefect adds."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder) / "root", Path(folder) / "server"
        home.mkdir()
        shutil.copytree(ROOT / "data" / "raw" / SURVEY, root / "data" / "raw" / SURVEY)
        with server(home) as (address, _):
            seconds(root, PREFECT_API_URL=address)  # the server's first flow makes its tables warm
            for number in range(pairs):
                observed: dict[str, str] = {"PREFECT_API_URL": address}
                # Each goes first as often as the other, so that a machine that grows busier favours neither.
                order = [observed, {}] if number % 2 else [{}, observed]
                taken = [seconds(root, **variables) for variables in order]
                found.append(taken[::-1] if number % 2 else taken)
    added = [statistics.median(observed[which] - plain[which] for plain, observed in found) for which in (0, 1)]
    return {"pairs": found, "added": added[0], "added_cpu": added[1], "limit": LIMIT}


def lines(found: dict[str, Any]) -> list[str]:
    """The table."""
    table = [f"{'anxin run, one wave':<24}{'plain s':>9}{'prefect s':>11}{'added s':>9}{'added s cpu':>13}"]
    for number, (plain, observed) in enumerate(found["pairs"], 1):
        more = [late - early for early, late in zip(plain, observed, strict=True)]
        table.append(f"{f'pair {number}':<24}{plain[0]:>9.1f}{observed[0]:>11.1f}{more[0]:>9.1f}{more[1]:>13.1f}")
    return [*table, f"{'median':<44}{found['added']:>9.1f}{found['added_cpu']:>13.1f}  (limit {found['limit']:.0f})"]


def main() -> None:
    """Print the table and keep it beside what other benchmarks stored; fail beyond the limit."""
    found = measure(int(sys.argv[1]) if sys.argv[1:] else 4)
    print("\n".join(lines(found)))
    stored = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**stored, "server": found}, indent=1) + "\n", encoding="utf-8")
    if found["added"] > LIMIT:
        sys.exit(1)


if __name__ == "__main__":
    main()
