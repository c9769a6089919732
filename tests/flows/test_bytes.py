"""The same deliveries give the same bytes: every file, in any process, locale, time zone, folder and order."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests import hostile_survey
from tests.flows.test_hostile import contents
from tests.hostile_survey import RECORD_CODES

ROOT = Path(__file__).parents[2]
# The commands of the arguments, one after the other; TURNED lists every folder the other way round.
SCRIPT = """
import os, shlex, sys
if os.environ.get("TURNED"):
    listdir, scandir = os.listdir, os.scandir
    class Turned:
        def __init__(self, path):
            with scandir(path) as entries:
                self.entries = iter(sorted(entries, key=lambda entry: entry.name, reverse=True))
        def __enter__(self): return self
        def __exit__(self, *_): pass
        def __iter__(self): return self.entries
        def __next__(self): return next(self.entries)
        def close(self): pass
    os.listdir = lambda path=".": sorted(listdir(path), reverse=True)
    os.scandir = lambda path=".": Turned(path)
from flows import cli
for arguments in sys.argv[1:]:
    sys.argv = ["anxin", *shlex.split(arguments)]
    try:
        cli.main()
    except SystemExit as stop:
        if stop.code:
            raise
"""
ONE = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
# A locale without Unicode, whose name asks for Chinese sentences, at the other side of the date line; and an old
# processor, whose sums differ in their last digits.
OTHER = {
    "OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": "X86_V4",
    "PYTHONHASHSEED": "4242", "LC_ALL": "POSIX", "ANXIN_LANG": "zh", "TZ": "Pacific/Kiritimati", "TURNED": "1",
    "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8", "COLUMNS": "40", "NO_COLOR": "1",
}  # fmt: skip


def started(root: Path, settings: dict[str, str], *commands: str) -> subprocess.Popen[bytes]:
    """A process of its own that runs the commands in a workspace."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(root), "PYTHONPATH": str(ROOT), **settings}
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *commands], cwd=root, env=environment,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip


def made(roots: list[Path], *commands: str) -> list[dict[str, bytes]]:
    """All files for readers from two workspaces, in which two processes ran side by side."""
    processes = [started(root, settings, *commands) for root, settings in zip(roots, (ONE, OTHER), strict=True)]
    for process in processes:
        _, said = process.communicate(timeout=280)
        assert process.returncode == 0, said.decode()
    return [contents(root / "public") | contents(root / "exports") for root in roots]


def same(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    """Both hold the same files with the same bytes; a fault names them."""
    assert sorted(one) == sorted(other)
    assert [name for name in one if one[name] != other[name]] == []


@pytest.fixture
def roots(tmp_path: Path) -> list[Path]:
    """Two workspaces, one of them deeper and under a name of other letters."""
    roots = [tmp_path / "a", tmp_path / "b" / "deeper down" / "a-b"]
    for root in roots:
        root.mkdir(parents=True)
    return roots


def test_every_file_of_a_small_survey_is_the_same_everywhere(
    roots: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hostile_survey, "FILE", "{wave}.csv")  # ASCII can name no other file
    for root in roots:
        hostile_survey.write(root, RECORD_CODES)
    os.utime(next((roots[1] / "data" / "raw").glob("*/w3.csv")), (0, 0))
    one, other = made(roots, "run small-town --all-waves", "charts small-town", "puf small-town")
    same(one, other)
    endings = {name.rpartition(".")[2] for name in one}
    assert endings == {"html", "svg", "xlsx", "csv", "json", "xml", "md", "parquet", "sav"}
    assert {"index.html", "small-town/index.html", "small-town/w1/banner-zh.xlsx"} <= set(one)
    with ZipFile(io.BytesIO(one["small-town/w3/tables-zh.xlsx"])) as parts:  # the day of the fieldwork, not of the run
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2026-04-30T00:00:00Z" in parts.read("docProps/core.xml")


def test_every_file_of_the_shipped_city_is_the_same_everywhere(roots: list[Path]) -> None:
    for root in roots:
        (root / "data" / "raw").mkdir(parents=True)
        (root / "data" / "raw" / "example-city").symlink_to(ROOT / "data" / "raw" / "example-city")
    one, other = made(roots, "run example-city", "charts example-city")
    same(one, other)
    assert len(one) > 80
