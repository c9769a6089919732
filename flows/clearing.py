"""Taking away what senders left, who may change it meanwhile: every folder is held open, and no link is followed."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from flows.private import aside, wiped
from flows.words import t

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
DEEP = 50
"""Folders within folders that are held open at once; a process may not hold as many as a sender may make."""
MOST = 200
"""How many of them are moved up to have their turn: a sender who makes more all the time is left to the next run."""


def gone(path: Path, root: Path) -> None:
    """Erase what is not needed any more, a file or a folder; what noise did not cover, or what stays, is told.

    A sender may own it, so that it cannot be taken away; that keeps no other delivery waiting.
    """
    try:
        with inside(path.parent, root) as folder:
            covered = _taken_away(path.name, folder)
    except FileNotFoundError:
        return
    except OSError:
        tell_left(path)
        return
    if not covered:
        tell_uncovered(path)


@contextmanager
def inside(path: Path, root: Path) -> Iterator[int]:
    """Hold a folder open that no link led to from a root of ours: senders may change what its name leads to."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in path.relative_to(root).parts:
            inner = os.open(part, FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


class _Top(NamedTuple):
    """The folder that is cleared, held open, and all that is left in it to take away."""

    folder: int
    parts: list[str]
    most: int


def _taken_away(name: str, folder: int, top: _Top | None = None, depth: int = 0) -> bool:
    """Whether noise covers all that was there; parts are not named, they may be called after who was interviewed.

    Args: folder: held open.   Raises: OSError: some of it stays; the rest is gone.
    """
    try:
        own = os.open(name, FOLDER, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError:  # no folder, or none that may be read
        return wiped(name, folder)
    covered, fault = True, None
    try:
        if top is not None and depth % DEEP == 0 and _moved_up(name, folder, top, depth):
            return True  # as far as it goes: its turn comes
        parts = sorted(os.listdir(own))
        top = top or _Top(own, parts, len(parts) + MOST)
        for part in parts:
            try:
                covered &= _taken_away(part, own, top, depth + 1)
            except OSError as error:
                fault = error
    finally:
        os.close(own)
    if fault is not None:
        raise fault
    os.rmdir(name, dir_fd=folder)
    return covered


def _moved_up(name: str, folder: int, top: _Top, depth: int) -> bool:
    """Whether a folder stands in the topmost one now; one that may not be moved is looked into where it is.

    Raises: OSError: there were too many, or it is too deep.
    """
    if len(top.parts) >= top.most:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    new = secrets.token_hex(16)
    try:
        os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top.folder)
    except OSError:
        if depth >= 4 * DEEP:
            raise
        return False
    top.parts.append(new)
    return True


def tell_left(path: Path) -> None:
    """Say that something stays, because of its owner."""
    aside(t("{file} cannot be taken away: its owner has to delete it, for there are answers in it", file=path))


def tell_uncovered(path: Path) -> None:
    """Say that something went without noise over its bytes."""
    aside(t("{file} is gone, its bytes are not covered: another name, another owner, or a disk that cannot", file=path))
