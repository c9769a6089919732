"""Many runs: in a row and at once against a Prefect server with PostgreSQL, and in a row with the embedded default.

python -m tests.soak [--runs 100] [--together 8] [--embedded 20]  # `make soak`

A quarter of an hour on two cores; tests/flows/test_soak.py is short. None may be lost: each ends well, is in the
ledger, and completed for the server. No database may be locked, nothing may be left, and the server's memory may not
grow.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from flows.ledger import Ledger
from flows.publish import is_whole
from tests.faults import server, start
from tests.postgres import postgres
from tests.small_survey import YAML, write

TITLE = "en: Small town survey"
SPOILT = ("database is locked", "Traceback", "Error")
TELL = {"PREFECT_LOGGING_LEVEL": "ERROR"}
GROWTH = 1.1
"""The last fifth of the samples may take a tenth more memory than the second one."""
LIMIT = 1200.0
"""Seconds after which a run hangs; when many are at once, the last waits for all of them."""


@dataclass
class Tally:
    """What a series of runs came to: seconds and peak MB of each, MB of the server after each."""

    seconds: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def ended(self, begun: float, process: subprocess.Popen[bytes]) -> None:
        """Wait for a run and note how it ended."""
        code, said, peak = outcome(process)
        self.seconds.append(time.monotonic() - begun)
        self.peaks.append(peak)
        if code or any(word in said for word in SPOILT):
            self.faults.append(f"exit {code}: {said[-2000:]}")

    def grown(self) -> bool:
        """Whether the memory of the server rises from run to run; a few runs tell nothing of that."""
        fifth = len(self.memory) // 5
        if fifth < 4:
            return False
        early, late = (statistics.median(part) for part in (self.memory[fifth : 2 * fifth], self.memory[-fifth:]))
        return late > GROWTH * early

    def line(self, what: str) -> str:
        """One line of the table."""
        if not self.seconds:
            return f"{what:<30}{0:>5}"
        slow = sorted(self.seconds)[-(len(self.seconds) // 20) - 1]  # of up to 19 runs the slowest one
        spent = f"{statistics.median(self.seconds):7.1f}{slow:7.1f}{statistics.median(self.peaks):8.0f}"
        marks = [self.memory[place] for place in (0, len(self.memory) // 2, -1)] if self.memory else []
        return f"{what:<30}{len(self.seconds):>5}{spent}" + "".join(f"{mark:8.0f}" for mark in marks)


HEAD = f"{'':<30}{'runs':>5}{'s':>7}{'p95 s':>7}{'run MB':>8}{'server MB first, middle, last':>31}"


def outcome(process: subprocess.Popen[bytes], seconds: float = LIMIT) -> tuple[int, str, float]:
    """Exit code of a run, what it said of a fault, and the peak MB of its largest process; one that hangs is killed."""
    assert process.stderr is not None
    ending = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
    ending.start()
    try:
        with process.stderr:
            said = process.stderr.read().decode()  # ends when nothing that the run has started holds it any more
    except BaseException:  # the soak itself is ended: it takes its run along
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        ending.cancel()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, said, used.ru_maxrss / 1024


def reworded(root: Path, number: int) -> None:
    """The small survey with another title, so that its report is made and published anew."""
    write(root, YAML.replace(TITLE, f"{TITLE} reading {number}"))


def in_a_row(root: Path, runs: int, address: str = "", watched: int = 0) -> tuple[Tally, Tally]:
    """Runs one after the other that have something to publish, and those between them that find nothing changed.

    Args: address: of the server's API, "" for the embedded one.   watched: process group whose memory is followed.
    """
    working, idle = Tally(), Tally()
    variables = {**TELL, **({"PREFECT_API_URL": address} if address else {})}
    for number in range(runs):
        reworded(root, number)
        working.ended(time.monotonic(), start(root, "--prefect", **variables))
        working.memory += [resident(watched)] if watched else []
        if number % 2:
            idle.ended(time.monotonic(), start(root, "--prefect", **variables))
        if number % 20 == 19:  # so that a soak that is cut off has told something
            print(working.line(f"  so far, {len(working.faults)} faults"), flush=True)
    working.faults += missing(root, runs)
    return working, idle


def missing(root: Path, runs: int) -> list[str]:
    """What the ledger lacks of runs that published something through Prefect, or has beyond them."""
    entries = Ledger(root / "data" / "work" / "ledger.jsonl").entries()
    kept = sum(entry["status"] == "published" and entry["driver"] == "prefect" for entry in entries)
    whole = is_whole(root / "public" / survey_in(root) / "w1")
    return [f"{root.name}: the ledger has {kept} runs, not {runs}"] * (kept != runs) + (
        [f"{root.name}: the report is not whole"] * (not whole)
    )


def survey_in(root: Path) -> str:
    """The survey of a workspace."""
    (place,) = (root / "data" / "raw").iterdir()
    return place.name


def named(root: Path) -> None:
    """The small survey under the workspace's name: surveys that share a server have names of their own."""
    made = write(root, YAML.replace("survey: small-town", f"survey: {root.name}"))
    made.rename(made.with_name(root.name))


def at_once(roots: list[Path], address: str) -> Tally:
    """Runs that are all started at the same moment; those of one workspace wait for each other."""
    tally = Tally()
    begun = time.monotonic()
    variables = {**TELL, "PREFECT_API_URL": address}
    running = [start(root, "--prefect", "--wait", "900", survey=survey_in(root), **variables) for root in roots]
    waiting = [threading.Thread(target=tally.ended, args=(begun, process)) for process in running]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()
    for root in dict.fromkeys(roots):
        tally.faults += missing(root, 1)  # in one workspace the first does it
    return tally


def resident(group: int) -> float:
    """MB of memory that all processes of a group hold (RSS)."""
    total = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(place.name)) == group:
                lines = (place / "status").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
        except (OSError, StopIteration):  # it has ended meanwhile
            continue
    return total / 1024


def left_behind(root: Path) -> list[str]:
    """Processes that have a folder in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if str(root).encode() in (place / "environ").read_bytes():
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:120])
        except OSError:
            continue
    return found


def states(address: str) -> dict[str, int]:
    """How many flow runs the server knows, by state."""
    found: dict[str, int] = {}
    for offset in range(0, 100_000, 200):
        body = json.dumps({"limit": 200, "offset": offset}).encode()
        asked = urllib.request.Request(f"{address}/flow_runs/filter", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=60) as answer:
            page = json.load(answer)
        for run in page:
            found[run["state_type"]] = found.get(run["state_type"], 0) + 1
        if len(page) < 200:
            break
    return found


def recorded(database: Path) -> dict[str, int]:
    """How many flow runs the embedded server has written down, by state."""
    with closing(sqlite3.connect(database.as_uri() + "?mode=ro", uri=True)) as opened:
        return dict(opened.execute("SELECT state_type, count(*) FROM flow_run GROUP BY state_type"))


def with_a_server(folder: Path, runs: int, together: int) -> list[tuple[str, Tally]]:
    """In a row, at once in workspaces of their own, at once in one workspace; all known to the server as completed."""
    home = folder / "server"
    home.mkdir()
    with postgres() as (database, log):
        settings = {"PREFECT_API_DATABASE_CONNECTION_URL": database, "PREFECT_SERVER_LOGGING_LEVEL": "ERROR"}
        with server(home, **settings) as (address, process):
            row, idle = in_a_row(folder / "row", runs, address, process.pid)
            roots = [folder / f"town{number}" for number in range(together)]
            for root in roots:
                named(root)
            write(folder / "one")
            apart = at_once(roots, address)
            one = at_once([folder / "one"] * together, address)
            known, expected = states(address), {"COMPLETED": runs + together + 1}  # the idle ones never reach it
        row.faults += [f"the server knows {known}, not {expected}"] * (known != expected)
        for place, words in ((home / "server.log", SPOILT), (log, ("FATAL", "PANIC", "deadlock"))):
            said = place.read_text()
            row.faults += [f"{place.name} says: {said[-2000:]}"] * any(word in said for word in words)
        row.faults += ["the server's memory grew"] * row.grown()
    return [
        ("in a row, PostgreSQL", row),
        ("  nothing changed, in between", idle),
        ("at once, a workspace each", apart),
        ("at once, one workspace", one),
    ]


def embedded(folder: Path, runs: int) -> list[tuple[str, Tally]]:
    """In a row without a server: each starts the embedded one with its SQLite, and takes it along when it ends."""
    root = folder / "embedded"
    row, idle = in_a_row(root, runs)
    row.faults += [f"left behind: {name}" for name in left_behind(root)]
    known = recorded(root / "data" / "work" / "prefect" / "prefect.db")
    row.faults += [f"its database knows {known}, not {runs} that completed"] * (known != {"COMPLETED": runs})
    return [("in a row, embedded SQLite", row), ("  nothing changed, in between", idle)]


def main() -> None:
    """Print a line for each series; fail when anything was lost, locked or left."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=100, help="in a row at the server, 0: none there at all")
    parser.add_argument("--together", type=int, default=8, help="at once there, at least 1")
    parser.add_argument("--embedded", type=int, default=20, help="in a row without a server, 0: none")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # takes servers and databases along
    print(HEAD, flush=True)
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        parts: list[Callable[[], list[tuple[str, Tally]]]] = []
        if asked.embedded:
            parts.append(lambda: embedded(Path(folder), asked.embedded))
        if asked.runs:
            parts.append(lambda: with_a_server(Path(folder), asked.runs, max(1, asked.together)))
        for part in parts:
            for what, tally in part():
                print(tally.line(what), flush=True)
                faults += [f"{what.strip()}: {fault}" for fault in tally.faults]
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()
