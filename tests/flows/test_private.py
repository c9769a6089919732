"""Files and folders for their owner alone whatever the umask; no core dump; nothing told but type and place."""

from __future__ import annotations

import ctypes
import os
import resource
import signal as signals
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from flows.keys import keys
from flows.ledger import Ledger
from flows.lock import only_one
from flows.private import discreet, erase, folder, withheld, write
from flows.store import Artefact, Ref, Store

PR_GET_DUMPABLE = 3


@pytest.fixture(autouse=True)
def _open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_whatever_is_written_is_the_owners_alone(tmp_path: Path) -> None:
    work = folder(tmp_path / "work")
    made = keys(work, {})
    made.wave("town", "w1")
    with only_one(work):
        Ledger(work / "ledger.jsonl").append({"status": "published"})
        artefact = Artefact({"answers": pd.DataFrame({"a": [1]})}, {}, {"tables/a/b.csv": b"1"})
        for encrypt in (False, True):
            ref = Ref("town", "estimate", "w1", f"{encrypt}", ("w1",))
            Store(work / "store", made, encrypt).save(ref, artefact)
    found = [work, *work.rglob("*")]
    assert {path.name for path in found} >= {
        "lock",
        "ledger.jsonl",
        "pseudonym.key",
        "w1.salt",
        "master.check",
        "b.csv",
    }
    for path in found:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_a_file_is_never_open_to_others_not_even_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    monkeypatch.setattr("os.fsync", lambda descriptor: modes.append(os.fstat(descriptor).st_mode & 0o777))
    write(tmp_path / "file", b"secret")
    assert modes == [0o600]


def test_erasing_writes_over_the_bytes_and_follows_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"stays")
    inner = folder(tmp_path / "a" / "b")
    write(inner / "file", b"secret" * 1000)
    (inner / "link").symlink_to(outside)
    second = tmp_path / "second name of the same bytes"
    second.hardlink_to(inner / "file")
    erase(tmp_path / "a")
    erase(tmp_path / "a")
    assert not (tmp_path / "a").exists()
    assert outside.read_bytes() == b"stays"
    assert len(second.read_bytes()) == 6000
    assert b"secret" not in second.read_bytes()


def test_no_core_is_dumped() -> None:
    with discreet():
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
        if sys.platform == "linux":
            assert ctypes.CDLL(None).prctl(PR_GET_DUMPABLE) == 0


def test_the_command_line_is_such_a_process(tmp_path: Path) -> None:
    script = """
import sys, resource
from flows import cli
cli.app.registered_commands.clear()
@cli.app.command(cls=cli.Command)
def one() -> None: "One."; print(resource.getrlimit(resource.RLIMIT_CORE)[0])
@cli.app.command(cls=cli.Command)
def two() -> None: "Two."
sys.argv = ["anxin", "one"]
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "0"), done.stderr


def test_warnings_are_told_by_type_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with discreet():
            warnings.warn("王芳 13800138000", UserWarning, stacklevel=1)
    told = capsys.readouterr().err
    assert told.startswith("UserWarning at flows/test_private.py:")
    assert "13800138000" not in told


def test_a_place_without_a_trace_is_told_as_none() -> None:
    assert withheld(KeyError("王芳")) == "KeyError at ? (values withheld)"


PREFECT = "from prefect.utilities.engine import capture_sigterm as heard"
PLAIN = "from contextlib import nullcontext as heard"


@pytest.mark.parametrize(("signal", "heard"), [("SIGTERM", PREFECT), ("SIGINT", PLAIN)])
def test_an_order_that_comes_while_python_ends_an_object_is_not_lost(signal: str, heard: str) -> None:
    script = f"""
import os, signal, time
from flows.private import discreet
{heard}

class Ending:
    def __del__(self):
        os.kill(os.getpid(), signal.{signal})
        for _ in range(1000): pass

with discreet(), heard():
    ended = Ending()
    del ended
    for _ in range(100): time.sleep(0.1)
    print("went on")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == -getattr(signals, signal)
