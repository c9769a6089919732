"""The lock and the ledgers under force: a killed owner lets go, a waiting run gets its turn, a torn line is no line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows import lock
from flows.ledger import Ledger
from flows.lock import only_one
from survey.errors import AnxinError

HOLDER = """
import sys, time
from pathlib import Path
from flows.lock import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(work: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(work), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_who_holds_it_is_told_and_a_killed_owner_lets_go(tmp_path: Path) -> None:
    process = holder(tmp_path, 60)
    with (
        pytest.raises(AnxinError, match=f"process {process.pid} on .*, last heard of [0-9]+ s ago"),
        only_one(tmp_path),
    ):
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with only_one(tmp_path):
        assert str(os.getpid()) in (tmp_path / "lock").read_text()


def test_a_waiting_run_gets_its_turn(tmp_path: Path) -> None:
    process = holder(tmp_path, 1)
    with only_one(tmp_path, wait=30):
        process.communicate(timeout=10)
    assert process.returncode == 0
    process = holder(tmp_path, 60)
    with pytest.raises(AnxinError, match="Another run is at work"), only_one(tmp_path, wait=0.3):
        pass
    process.kill()
    process.communicate()


def test_a_run_that_waits_says_for_whom_and_then_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lock, "SILENT", 0.3)
    monkeypatch.setattr(lock, "REMIND", 600.0)
    process = holder(tmp_path, 60)
    with pytest.raises(AnxinError, match="Another run is at work"), only_one(tmp_path, wait=1):
        pass
    (line,) = capsys.readouterr().err.splitlines()
    assert f"Waiting for another run to end: process {process.pid} on " in line
    monkeypatch.setattr(lock, "REMIND", 0.3)
    with pytest.raises(AnxinError, match="Another run is at work"), only_one(tmp_path, wait=2):
        pass
    assert len(capsys.readouterr().err.splitlines()) > 1
    process.kill()
    process.communicate()


def test_the_owner_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT", 0.05)
    with only_one(tmp_path):
        os.utime(tmp_path / "lock", (0, 0))
        end = time.monotonic() + 10
        while (tmp_path / "lock").stat().st_mtime < 1:
            assert time.monotonic() < end
            time.sleep(0.02)


def test_a_clock_that_jumped_back_is_no_obstacle(tmp_path: Path) -> None:
    process = holder(tmp_path, 60)
    ahead = time.time() + 10 * 365 * 86400
    os.utime(tmp_path / "lock", (ahead, ahead))
    with pytest.raises(AnxinError, match="last heard of 0 s ago"), only_one(tmp_path):
        pass
    process.kill()
    process.communicate()
    with only_one(tmp_path):
        pass


@pytest.mark.parametrize("kept", [1, 10, -1])
def test_a_line_that_a_killed_run_left_unfinished_is_no_line(tmp_path: Path, kept: int) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append({"status": "published", "survey": "一"})
    whole = ledger.path.read_bytes()
    ledger.append({"status": "published", "survey": "二"})
    second = ledger.path.read_bytes()[len(whole) :]
    ledger.path.write_bytes(whole + second[:kept])
    assert [entry["survey"] for entry in ledger.entries()] == ["一"]
    ledger.append({"status": "published", "survey": "三"})
    assert [entry["survey"] for entry in ledger.entries()] == ["一", "三"]
    assert ledger.path.read_bytes().startswith(whole)


@pytest.mark.parametrize(("old", "new"), [(b"one", b"two"), (b'"survey"', b'"surveys'), (b"{", b"")])
def test_a_changed_line_is_told(tmp_path: Path, old: bytes, new: bytes) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for survey in ("one", "three"):
        ledger.append({"status": "published", "survey": survey})
    ledger.path.write_bytes(ledger.path.read_bytes().replace(old, new, 1))
    with pytest.raises(AnxinError, match="A ledger was changed"):
        ledger.entries()
