"""Many runs: in a row and at once against a Prefect server with PostgreSQL, and in a row with the embedded default.

python -m tests.soak [--runs 100] [--together 8] [--embedded 20]  # `make soak`

Half an hour; tests/flows/test_soak.py is short. None may be lost: each ends well, is in the ledger, and completed
for the server. No database may be locked, nothing may be left, and the server's memory may not grow.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from flows.ledger import Ledger
from tests.faults import finish, server, start
from tests.postgres import postgres
from tests.small_survey import YAML, write

TITLE = "en: Small town survey"
SPOILT = ("database is locked", "Traceback", "Error")
TELL = {"PREFECT_LOGGING_LEVEL": "ERROR"}
GROWTH, SLACK = 1.1, 16.0
"""The last fifth of the samples may take a tenth more memory than the second one, and some MB of chance."""


@dataclass
class Tally:
    """What a series of runs came to."""

    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def ended(self, code: int, said: str) -> None:
        """Note how a run ended."""
        if code or any(word in said for word in SPOILT):
            self.faults.append(f"exit {code}: {said[-2000:]}")

    def grown(self) -> bool:
        """Whether the memory of the server rises from run to run; a few runs tell nothing of that."""
        fifth = len(self.memory) // 5
        if fifth < 4:
            return False
        early, late = (statistics.median(part) for part in (self.memory[fifth : 2 * fifth], self.memory[-fifth:]))
        return late > GROWTH * early + SLACK

    def line(self, what: str) -> str:
        """One line of the table."""
        spread = f"{statistics.median(self.seconds):6.1f}{max(self.seconds):7.1f}"
        marks = [self.memory[place] for place in (0, len(self.memory) // 2, -1)] if self.memory else []
        return f"{what:<44}{len(self.seconds):>5}{spread}" + "".join(f"{mark:7.0f}" for mark in marks)


def reworded(root: Path, number: int) -> None:
    """The small survey with another title, so that its report is made and published anew."""
    write(root, YAML.replace(TITLE, f"{TITLE} reading {number}"))


def in_a_row(root: Path, runs: int, address: str = "", watched: int = 0) -> Tally:
    """Runs one after the other, each of which has something to publish.

    Args: address: of the server's API, "" for the embedded one.   watched: process group whose memory is followed.
    """
    tally, variables = Tally(), {**TELL, **({"PREFECT_API_URL": address} if address else {})}
    for number in range(runs):
        reworded(root, number)
        begun = time.monotonic()
        tally.ended(*finish(start(root, "--prefect", **variables), 600))
        tally.seconds.append(time.monotonic() - begun)
        tally.memory += [memory(watched)] if watched else []
    entries = Ledger(root / "data" / "work" / "ledger.jsonl").entries()
    lost = runs - sum(entry["status"] == "published" for entry in entries)
    tally.faults += [f"{lost} runs are not in the ledger"] * bool(lost)
    return tally


def at_once(roots: list[Path], address: str) -> Tally:
    """Runs that are all started at the same moment; those of one workspace wait for each other."""
    tally = Tally()
    begun = time.monotonic()
    running = [start(root, "--prefect", "--wait", "900", **TELL, PREFECT_API_URL=address) for root in roots]
    for process in running:
        tally.ended(*finish(process, 1200))
        tally.seconds.append(time.monotonic() - begun)
    return tally


def memory(group: int) -> float:
    """MB of all processes of a group that no other process shares (Pss)."""
    total = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(place.name)) == group:
                lines = (place / "smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except (OSError, ProcessLookupError, StopIteration):
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


def with_a_server(folder: Path, runs: int, together: int) -> list[tuple[str, Tally]]:
    """In a row, at once in workspaces of their own, at once in one workspace; all known to the server as completed."""
    home = folder / "server"
    home.mkdir()
    with postgres(folder / "postgres") as database:
        settings = {"PREFECT_API_DATABASE_CONNECTION_URL": database, "PREFECT_SERVER_LOGGING_LEVEL": "ERROR"}
        with server(home, **settings) as (address, process):
            row = in_a_row(folder / "row", runs, address, process.pid)
            roots = [folder / f"town{number}" for number in range(together)]
            for root in roots:
                write(root)
            apart = at_once(roots, address)
            write(folder / "one")
            one = at_once([folder / "one"] * together, address)
            known = states(address)
        expected = {"COMPLETED": runs + together + 1}  # in one workspace the first does it
        if known != expected:
            row.faults.append(f"the server knows {known}, not {expected}")
        said = (home / "server.log").read_text()
        row.faults += [f"the server said: {said[-2000:]}"] * any(word in said for word in SPOILT)
        row.faults += ["the server's memory grew"] * row.grown()
    return [
        ("in a row, PostgreSQL", row),
        ("at once, a workspace each", apart),
        ("at once, one workspace", one),
    ]


def embedded(folder: Path, runs: int) -> list[tuple[str, Tally]]:
    """In a row without a server: each starts the embedded one with its SQLite, and takes it along when it ends."""
    tally = in_a_row(folder / "embedded", runs)
    tally.faults += [f"left behind: {name}" for name in left_behind(folder / "embedded")]
    return [("in a row, embedded SQLite", tally)]


def main() -> None:
    """Print a line for each series; fail when anything was lost, locked or left."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--together", type=int, default=8)
    parser.add_argument("--embedded", type=int, default=20)
    asked = parser.parse_args()
    print(f"{'':<44}{'runs':>5}{'s':>6}{'most':>7}{'MB of the server: first, middle, last':>40}", flush=True)
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for part in (lambda: embedded(Path(folder), asked.embedded),
                     lambda: with_a_server(Path(folder), asked.runs, asked.together)):  # fmt: skip
            for what, tally in part():
                print(tally.line(what), flush=True)
                faults += [f"{what}: {fault}" for fault in tally.faults]
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()
