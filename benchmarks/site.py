"""Time and memory of rendering the whole site of the shipped city: every wave, page and language.

python -m benchmarks.site [N]      # N times, 3 when left out; the median time and the largest memory count

The waves are estimated first.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
SURVEY = "example-city"
SECONDS, MEGABYTES = 6.0, 400


def prepare(root: Path) -> None:
    """Publish every wave below a root of its own, so that what passed disclosure lies in its store."""
    (root / "data").mkdir()
    (root / "data" / "raw").symlink_to(ROOT / "data" / "raw")
    command = [sys.executable, "-m", "flows.cli", "run", SURVEY, "--all-waves"]
    subprocess.run(command, cwd=root, check=True, capture_output=True, env={"PYTHONPATH": str(ROOT), "PATH": ""})


def render_all(root: Path) -> dict[str, float]:
    """Pages, bytes, seconds (imports not counted) and peak memory of this process in MB."""
    import pandas as pd

    from flows.workspace import Workspace
    from reports.render import render
    from survey.released import Releasable

    book = Workspace(root).book(SURVEY)
    releases = {}
    for place in sorted((root / "data" / "work" / "store" / "disclosure").glob("*/facts.json")):
        results = pd.read_parquet(place.parent / "results.parquet")
        newest = [name for name in book.earlier(list(book.waves)[-1]) if name in set(results["wave"])][-1]
        releases[newest] = Releasable(results, json.loads(place.read_text()))
    start = time.perf_counter()
    files = [render(release, book, wave, book.languages) for wave, release in releases.items()]
    seconds = time.perf_counter() - start
    pages = [body for each in files for name, body in each.items() if name.endswith(".html")]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"waves": len(files), "pages": len(pages), "MB": sum(map(len, pages)) / 1e6, "s": seconds, "peak MB": peak}


def in_a_process(folder: str) -> dict[str, float]:
    """What `render_all` found in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.site", folder]
    told: dict[str, float] = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    return told


def main() -> None:
    """Print the figures; fail beyond the limits."""
    asked = sys.argv[1] if sys.argv[1:] else "3"
    if not asked.isdecimal():
        print(json.dumps(render_all(Path(asked))))
        return
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        found = [in_a_process(folder) for _ in range(int(asked))]
    for told in found:
        print("  ".join(f"{key} {value:,.1f}" for key, value in told.items()))
    if median(told["s"] for told in found) > SECONDS or max(told["peak MB"] for told in found) > MEGABYTES:
        sys.exit(f"more than {SECONDS} s or {MEGABYTES} MB")


if __name__ == "__main__":
    main()
