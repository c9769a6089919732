"""What senders left is taken away although they may put something else in its place meanwhile."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows import clearing
from flows.clearing import gone


def laid(root: Path) -> tuple[Path, Path]:
    """A file of ours, and a delivery of a folder in a folder to be taken away."""
    ours, part = root / "ours" / "last-year.csv", root / "incoming" / "town" / ".vendors.taken" / "sub" / "a.csv"
    for file in (ours, part):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"answers")
    return ours, part


@pytest.mark.parametrize("what", ["sub", ".vendors.taken", "town"])
@pytest.mark.parametrize("turn", range(4))
def test_a_folder_that_becomes_a_link_between_any_two_steps_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, turn: int
) -> None:
    ours, part = laid(tmp_path)
    place = next(parent for parent in part.parents if parent.name == what)
    real, calls = {name: getattr(os, name) for name in ("open", "listdir")}, [0]

    def swapping(name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            calls[0] += 1
            if calls[0] == turn + 2:  # the sender, after that many steps
                place.rename(tmp_path / "aside")
                place.symlink_to(ours.parent)
            return real[name](*arguments, **named)

        return call

    for name in real:
        monkeypatch.setattr(os, name, swapping(name))
    gone(tmp_path / "incoming" / "town" / ".vendors.taken", tmp_path / "incoming")
    assert calls[0] >= 2
    assert ours.read_bytes() == b"answers"


def test_one_part_that_stays_keeps_no_other_from_going(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, part = laid(tmp_path)
    for name in ("b.csv", "c.csv"):
        (part.parent / name).write_bytes(b"more answers")
    real = os.unlink

    def kept(name: Any, **named: Any) -> None:
        if name == "b.csv":
            raise PermissionError
        real(name, **named)

    monkeypatch.setattr(os, "unlink", kept)
    gone(tmp_path / "incoming" / "town" / ".vendors.taken", tmp_path / "incoming")
    assert os.listdir(part.parent) == ["b.csv"]
    assert "cannot be taken away" in capsys.readouterr().err


def test_what_is_no_file_goes_and_a_link_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, part = laid(tmp_path)
    monkeypatch.chdir(part.parent)  # the name of a socket must be short
    os.mkfifo(part.parent / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
    (part.parent / "file").symlink_to(ours)
    (part.parent / "folder").symlink_to(ours.parent)
    monkeypatch.chdir(tmp_path)
    taken = tmp_path / "incoming" / "town" / ".vendors.taken"
    gone(taken, tmp_path / "incoming")
    assert not taken.exists()
    assert ours.read_bytes() == b"answers"
    assert "cannot be taken away" not in capsys.readouterr().err


@contextmanager
def few_open_files() -> Iterator[None]:
    """As many as a process may be left with, fewer than there are folders in folders."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_folders_in_folders_go_however_deep_and_none_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "incoming" / "town" / ".vendors.taken"
    taken.mkdir(parents=True)
    outside = tmp_path / "second name of the deepest file"
    monkeypatch.chdir(taken)
    for level in range(400):
        Path("d").mkdir()
        os.chdir("d")
        if level % 40 == 0:
            Path("a.csv").write_bytes(b"answers")
    os.link("a.csv" if Path("a.csv").exists() else "../" * 39 + "a.csv", outside)
    os.chdir(tmp_path)
    (tmp_path / "incoming" / "locked").write_bytes(b"")
    before = os.listdir("/proc/self/fd")
    with few_open_files():
        gone(taken, tmp_path / "incoming")
        gone(taken.parent / "nowhere" / "absent", tmp_path / "incoming")
    assert not taken.exists()
    assert len(os.listdir("/proc/self/fd")) == len(before)
    told = capsys.readouterr().err
    assert ".vendors.taken is gone, its bytes are not covered" in told
    outside.unlink()


def test_a_sender_who_makes_folders_all_the_time_does_not_keep_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "incoming" / ".vendors.taken"
    taken.joinpath(*["d"] * 300).mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr(clearing, "MOST", 3)
        gone(taken, tmp_path / "incoming")
    assert taken.exists()
    assert "cannot be taken away" in capsys.readouterr().err
    gone(taken, tmp_path / "incoming")  # the next run
    assert not taken.exists()


@pytest.mark.parametrize(("deep", "stays"), [(120, False), (240, True)])
def test_a_deep_folder_that_may_not_be_moved_is_cleared_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deep: int, stays: bool
) -> None:
    taken = tmp_path / "incoming" / ".vendors.taken"
    bottom = taken.joinpath(*["d"] * deep)
    bottom.mkdir(parents=True)
    for place in (bottom, bottom.parents[deep - 60]):
        (place / "a.csv").write_bytes(b"answers")

    def refused(*arguments: Any, **named: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "rename", refused)
    with (bottom.parents[deep - 60] / "a.csv").open("rb") as held:
        gone(taken, tmp_path / "incoming")
        assert held.read() != b"answers"
    assert taken.exists() == stays


def test_answers_deep_down_are_covered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = tmp_path / "incoming" / ".vendors.taken"
    deep = taken.joinpath(*["d"] * 120)
    deep.mkdir(parents=True)
    (deep / "a.csv").write_bytes(b"answers")
    with (deep / "a.csv").open("rb") as held:
        gone(taken, tmp_path / "incoming")
        assert held.read() != b"answers"
    assert os.listdir(tmp_path / "incoming") == []
