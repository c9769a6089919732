"""A night in minutes: six surveys under cron lines of every minute, a real server, `anxin serve`, a line each minute.

python -m tests.watch [--minutes 15] [--surveys 6]      # `make watch`

Midway one survey gets a corrected delivery. At the end no run may have failed or be lost: every minute of every survey
has its run, which ended; each survey is published, the corrected one anew; the service's memory does not grow.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from flows.ledger import Ledger
from flows.prefect_driver import environment
from tests.faults import REVISED, ROOT, server
from tests.flows.test_prefect_guard import end, post
from tests.small_survey import frame, write

MINUTE = 60.0
PATIENCE = 600.0
"""Seconds after the last minute in which what was due by then has to end."""
ENDED = ("Completed", "Skipped")
AHEAD = ("Scheduled", "Pending", "Submitting", "Running", "Late", "AwaitingConcurrencySlot")
GROWTH, SLACK, SAMPLES = 1.1, 16.0, 8
"""The last quarter of the minutes may take a tenth more memory than the second, and some MB of chance."""


def laid_out(root: Path, survey: str, seed: int) -> None:
    """A small survey of its own name with a cron line of every minute."""
    yaml = REVISED.replace("survey: small-town", f"survey: {survey}") + 'schedule: {cron: "* * * * *"}\n'
    made = write(root / "made", yaml, frame(seed=seed))
    place = root / "data" / "raw" / survey
    place.mkdir(parents=True, exist_ok=True)
    for path in made.iterdir():
        path.replace(place / path.name)


@contextmanager
def serving(root: Path, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """`anxin serve` in a workspace, its words in serve.log."""
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(root), "ANXIN_LANG": "en"}
    settings = environment(root / "client") | {"PREFECT_API_URL": address}
    with (root / "serve.log").open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "serve"],
            cwd=root, env=variables | settings, stdout=stream, stderr=stream, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        end(process)


def known(address: str) -> list[dict[str, Any]]:
    """Every run of a schedule that the server knows and that is due."""
    found: list[dict[str, Any]] = []
    now = datetime.now(UTC).isoformat()
    due = {"expected_start_time": {"before_": now}}
    for offset in range(0, 100_000, 200):
        asked = {"flow_runs": due, "limit": 200, "offset": offset, "sort": "EXPECTED_START_TIME_ASC"}
        status, page = post(f"{address}/flow_runs/filter", asked)
        assert status == 200, page
        found += page
        if len(page) < 200:
            break
    return found


def memory(process: int) -> float:
    """MB of a process and its threads that no other process shares (Pss)."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@dataclass
class Watch:
    """What is seen of a service: its server, its workspace and what each minute showed."""

    root: Path
    address: str
    surveys: list[str]
    processes: dict[str, int]
    sizes: dict[str, list[float]] = field(default_factory=dict)

    def version(self, survey: str) -> str:
        """The version of a survey's report that is shown, "" when none is."""
        place = self.root / "public" / survey / "w1"
        return os.readlink(place).rpartition("/")[2] if place.is_symlink() else ""

    def line(self) -> str:
        """The minute: time, memory, and of each survey its runs by state and the version that is shown."""
        runs = known(self.address)
        for name, process in self.processes.items():
            self.sizes.setdefault(name, []).append(memory(process))
        told = [
            f"{datetime.now(UTC):%H:%M:%S}  "
            + "  ".join(f"{name} {size[-1]:.0f} MB" for name, size in self.sizes.items())
        ]
        for survey in self.surveys:
            states = Counter(run["state_name"] for run in runs if run["parameters"]["survey"] == survey)
            counted = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
            told.append(f"    {survey:<8} {self.version(survey)[:16] or '-':<16}  {counted}")
        return "\n".join(told)

    def waiting(self, until: datetime) -> int:
        """How many runs that were due at a time haven't ended."""
        due = [run for run in known(self.address) if datetime.fromisoformat(run["expected_start_time"]) <= until]
        return sum(run["state_name"] in AHEAD for run in due)

    def faults(self, until: datetime, first: dict[str, str], corrected: str) -> list[str]:
        """What is not as it has to be at the end.

        Args: first: survey → version that was shown before the correction.   corrected: the survey that has one.
        """
        found = []
        runs = [run for run in known(self.address) if datetime.fromisoformat(run["expected_start_time"]) <= until]
        bad = [run for run in runs if run["state_name"] not in ENDED]
        found += [f"{run['parameters']['survey']} {run['expected_start_time']}: {run['state_name']}" for run in bad]
        for survey in self.surveys:
            times = sorted(
                datetime.fromisoformat(run["expected_start_time"])
                for run in runs
                if run["parameters"]["survey"] == survey and run["auto_scheduled"]
            )
            gaps = [f"{one:%H:%M}" for one, two in pairwise(times) if two - one != timedelta(minutes=1)]
            found += [f"{survey}: no run after {', '.join(gaps)}"] * bool(gaps)
            found += [f"{survey}: no run was due"] * (not times)
            found += [f"{survey}: nothing is published"] * (not self.version(survey))
            changed = self.version(survey) != first[survey]
            found += [f"{survey}: published anew {changed}"] * (changed != (survey == corrected))
        entries = Ledger(self.root / "data" / "work" / "ledger.jsonl").entries()
        published = Counter(entry["survey"] for entry in entries if entry["status"] == "published")
        expected = Counter(self.surveys) + Counter([corrected])
        found += [f"the ledger tells {dict(published)}"] * (published != expected or len(entries) != expected.total())
        return found + [f"{name}: memory grew {size}" for name, size in self.sizes.items() if grown(size)]


def grown(sizes: list[float]) -> bool:
    """Whether memory rises from minute to minute; a few minutes tell nothing of that."""
    quarter = len(sizes) // 4
    if len(sizes) < SAMPLES:
        return False
    early, late = statistics.median(sizes[quarter : 2 * quarter]), statistics.median(sizes[-quarter:])
    return late > GROWTH * early + SLACK


def watched(root: Path, minutes: int, surveys: list[str]) -> list[str]:
    """Watch a service for some minutes; what was not as it has to be."""
    for seed, survey in enumerate(surveys):
        laid_out(root, survey, seed + 1)
    home = root / "server"
    home.mkdir()
    with server(home) as (address, prefect), serving(root, address) as service:
        watch = Watch(root, address, surveys, {"server": prefect.pid, "serve": service.pid})
        begun = time.monotonic()
        while not all(watch.version(survey) for survey in surveys):
            if service.poll() is not None or time.monotonic() > begun + PATIENCE:
                return ["not all surveys are published", (root / "serve.log").read_text()[-3000:]]
            time.sleep(1)
        first = {survey: watch.version(survey) for survey in surveys}
        print(f"the first reports are out after {time.monotonic() - begun:.0f} s", flush=True)
        begun, corrected = time.monotonic(), surveys[len(surveys) // 2]
        for minute in range(minutes + 1):
            time.sleep(max(0.0, begun + minute * MINUTE - time.monotonic()))
            print(watch.line(), flush=True)
            if minute == minutes // 2:
                laid_out(root, corrected, 99)
                print(f"    {corrected} has another delivery now", flush=True)
        until, late = datetime.now(UTC), time.monotonic() + PATIENCE
        while watch.waiting(until) and time.monotonic() < late:
            time.sleep(2)
        print(watch.line(), flush=True)
        faults = watch.faults(until, first, corrected)
        return [*faults, (root / "serve.log").read_text()[-3000:]] if faults else []


def main() -> None:
    """Print a line a minute; fail when a run failed or was lost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--surveys", type=int, default=6)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faults = watched(Path(folder), asked.minutes, [f"town-{number + 1}" for number in range(asked.surveys)])
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()
