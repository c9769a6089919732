"""What senders left is taken away although they may put something else in its place meanwhile."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

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
