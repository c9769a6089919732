"""What Prefect adds to a run when its server is there already: the same wave by a plain call and as tasks, in pairs.

python -m benchmarks.server [N]     # N pairs, 3 when left out; a minute each
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rerun import FIRST, anew
from benchmarks.site import ROOT, SURVEY
from tests.faults import finish, server, start

LIMIT = 8.0


def seconds(root: Path, *options: str, **variables: str) -> float:
    """How long a run of the first wave takes with its imports, nothing made before."""
    anew(root, 0)
    begun = time.perf_counter()
    code, said = finish(start(root, "--wave", FIRST, *options, survey=SURVEY, **variables))
    if code:
        sys.exit(said)
    return time.perf_counter() - begun


def main() -> None:
    """Print each pair and the median of what Prefect adds; fail beyond the limit."""
    pairs = int(sys.argv[1]) if sys.argv[1:] else 3
    with tempfile.TemporaryDirectory() as folder:
        root, home = Path(folder) / "root", Path(folder) / "server"
        home.mkdir()
        shutil.copytree(ROOT / "data" / "raw" / SURVEY, root / "data" / "raw" / SURVEY)
        with server(home) as (address, _):
            seconds(root, PREFECT_API_URL=address)  # the server's first flow makes its tables warm
            print(f"{'anxin run, one wave':<24}{'plain s':>9}{'prefect s':>11}{'added s':>9}", flush=True)
            added = []
            for number in range(1, pairs + 1):
                plain, observed = seconds(root), seconds(root, PREFECT_API_URL=address)
                added.append(observed - plain)
                print(f"{f'pair {number}':<24}{plain:>9.1f}{observed:>11.1f}{added[-1]:>9.1f}", flush=True)
    middle = statistics.median(added)
    print(f"{'median added':<44}{middle:>9.1f}  (limit {LIMIT:.0f})")
    if middle > LIMIT:
        sys.exit(1)


if __name__ == "__main__":
    main()
