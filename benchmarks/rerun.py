"""Time and memory of `anxin run` on the shipped city as its users wait for it: each run a process of its own.

python -m benchmarks.rerun [N]     # N times each, 3 when left out; the quickest run counts; about a minute

The first line is `import pandas` alone, before and after the rest: how quick the machine is today, and how steady.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.site import ROOT, SURVEY

FIRST, NEWEST = "2023H2", "2026H1"
MEGABYTES = 500


class Cost(NamedTuple):
    """What a process took: seconds on the clock and of the processor, and its peak memory."""

    seconds: float
    cpu: float
    megabytes: float


@dataclass(frozen=True)
class Case:
    """What is done before each run, what is run, and how long it may take; `stages` it may go through, None any."""

    what: str
    before: Callable[[Path, int], None]
    wave: str
    seconds: float
    stages: frozenset[str] | None = None


def anew(root: Path, turn: int) -> None:
    """Nothing made before."""
    for place in (root / "data" / "work", root / "public"):
        shutil.rmtree(place, ignore_errors=True)


def nothing(root: Path, turn: int) -> None:
    """Nothing changed."""


def label(root: Path, turn: int) -> None:
    """Another word in a label of survey.yaml."""
    _changed(root / "data" / "raw" / SURVEY / "survey.yaml", r"(label: \{zh: )([^,}]*?)改*,", rf"\1\2{'改' * turn},")


def note(root: Path, turn: int) -> None:
    """Another word in a reviewer's note."""
    _changed(root / "data" / "raw" / SURVEY / f"notes.{NEWEST}.yaml", r'(zh: "与)又*', rf"\1{'又' * turn}")


def _changed(path: Path, pattern: str, words: str) -> None:
    text = path.read_text(encoding="utf-8")
    changed = re.sub(pattern, words, text, count=1)
    assert changed != text, path.name
    path.write_text(changed, encoding="utf-8")


PAGES = frozenset({"report", "publication"})
CASES = (
    Case("the first wave, intake to publication", anew, FIRST, 8.0),
    Case("nothing changed", nothing, NEWEST, 1.5, frozenset()),
    Case("a label of survey.yaml changed", label, NEWEST, 3.0, PAGES | {"tables"}),
    Case("a reviewer's note changed", note, NEWEST, 3.0, PAGES),
)


def reference(times: int) -> Cost:
    """What a process costs that only imports pandas."""
    command = [sys.executable, "-c", "import pandas"]
    return _least([_timed(command, Path.cwd())[0] for _ in range(times)])


def run(root: Path, wave: str) -> tuple[Cost, frozenset[str]]:
    """What `anxin run` of a wave costs with its imports, and the stages it went through."""
    cost, lines = _timed([sys.executable, "-m", "flows.cli", "run", SURVEY, "--wave", wave], root)
    return cost, frozenset(re.findall(rf"^{wave} +(\w+) .*→", lines, re.MULTILINE))


def _timed(command: list[str], folder: Path) -> tuple[Cost, str]:
    """What a process costs and prints; stops where it fails."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as told:
        environment = {"PYTHONPATH": str(ROOT), "PATH": "", "LANG": "C.UTF-8"}
        process = subprocess.Popen(command, cwd=folder, stdout=told, stderr=subprocess.STDOUT, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        told.seek(0)
        lines = told.read().decode()
    if process.returncode:
        sys.exit(lines)
    return Cost(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024), lines


def _least(costs: list[Cost]) -> Cost:
    return Cost(*map(min, zip(*costs, strict=True)))


def measure(case: Case, root: Path, times: int) -> Cost:
    """The least of several runs in each respect; stops where a run did other work than the case is about."""
    costs = []
    for turn in range(1, times + 1):
        case.before(root, turn)
        cost, stages = run(root, case.wave)
        if case.stages is not None and stages != case.stages:
            sys.exit(f"{case.what}: ran {', '.join(sorted(stages)) or 'no stage'}")
        costs.append(cost)
    return _least(costs)


def tell(what: str, cost: Cost, limit: str = "") -> None:
    """One line of the table."""
    print(f"{what:<40}{cost.seconds:>7.2f}{limit:>7}{cost.cpu:>8.2f}{cost.megabytes:>9.0f}", flush=True)


def main() -> None:
    """Print the table; fail beyond the limits."""
    times = int(sys.argv[1]) if sys.argv[1:] else 3
    beyond = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        shutil.copytree(ROOT / "data" / "raw" / SURVEY, root / "data" / "raw" / SURVEY)
        print(f"{'anxin run':<40}{'s':>7}{'limit':>7}{'s cpu':>8}{'peak MB':>9}")
        tell("(import pandas alone)", reference(times))
        for case in CASES:
            if case.wave == NEWEST and not (root / "public" / SURVEY / NEWEST).exists():
                run(root, NEWEST)
            cost = measure(case, root, times)
            tell(case.what, cost, f"{case.seconds:.1f}")
            if cost.seconds > case.seconds or cost.megabytes > MEGABYTES:
                beyond.append(case.what)
        tell("(import pandas alone)", reference(times))
    if beyond:
        sys.exit(f"beyond its limit, or {MEGABYTES} MB: {'; '.join(beyond)}")


if __name__ == "__main__":
    main()
