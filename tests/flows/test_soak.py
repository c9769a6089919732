"""A short form of `make soak`: some runs in a row and at once against PostgreSQL, two with the embedded server."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.soak import Tally, embedded, left_behind, outcome, resident, with_a_server


def test_none_of_many_runs_is_lost_with_a_server_on_postgresql(tmp_path: Path) -> None:
    series = with_a_server(tmp_path, runs=3, together=3)
    assert [(what.strip(), len(tally.seconds), tally.faults) for what, tally in series] == [
        ("in a row, PostgreSQL", 3, []),
        ("nothing changed, in between", 1, []),
        ("at once, a workspace each", 3, []),
        ("at once, one workspace", 3, []),
    ]
    assert min(series[0][1].memory) > 50  # a Prefect server takes hundreds: the right processes were looked at


def test_the_embedded_server_does_it_again_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (_, row), (_, idle) = embedded(tmp_path, runs=2)
    assert (row.faults, idle.faults) == ([], [])


def test_memory_that_grows_from_run_to_run_is_noticed() -> None:
    assert Tally(memory=[300.0 + number for number in range(100)]).grown()
    assert not Tally(memory=[300.0 + number % 7 for number in range(100)]).grown()


def asleep(root: Path, words: str = "") -> subprocess.Popen[bytes]:
    program = f"import sys, time; sys.stderr.write({words!r}); sys.stderr.flush(); time.sleep(60)"
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, env={"HOME": str(root)}, stderr=subprocess.PIPE, start_new_session=True)


def test_a_process_that_stays_and_its_memory_are_seen_until_it_is_gone(tmp_path: Path) -> None:
    process = asleep(tmp_path)
    assert left_behind(tmp_path)
    assert resident(process.pid) > 1
    process.kill()
    process.communicate()
    assert not left_behind(tmp_path)
    assert resident(process.pid) == 0


def test_a_run_that_hangs_is_killed_and_told_with_what_it_said(tmp_path: Path) -> None:
    code, said, peak = outcome(asleep(tmp_path, "so far"), seconds=3)
    assert (code, said) == (-9, "so far")
    assert peak > 1


def test_a_run_that_ended_well_but_met_a_locked_database_is_a_fault() -> None:
    tally = Tally()
    words = "import sys; sys.stderr.write('sqlite3.OperationalError: database is locked')"
    tally.ended(time.monotonic(), subprocess.Popen([sys.executable, "-c", words], stderr=subprocess.PIPE))
    assert len(tally.faults) == 1
    assert "database is locked" in tally.faults[0]
