"""One run at a time in a private folder: two would race for the same publication.

The kernel holds the lock and lets go of it when its owner dies, however that happens; who owns it, and when that
process was last heard of, stand in the file for the person who finds it taken.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from survey.errors import AnxinError

BEAT = 10.0
"""Seconds between two signs of life."""
POLL = 0.2


@contextmanager
def only_one(work: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of the private folder.

    Args: wait: seconds to wait for another run to end; measured by a clock that nobody can set.
    Raises: AnxinError: it is held by another run, which is named.
    """
    with os.fdopen(os.open(work / "lock", os.O_RDWR | os.O_CREAT, 0o600), "r+") as stream:
        _take(stream, wait)
        stream.seek(0)
        stream.truncate()
        json.dump({"process": os.getpid(), "machine": platform.node()}, stream)
        stream.flush()
        stop = threading.Event()
        heart = threading.Thread(target=_beat, args=(stream.fileno(), stop), name="heartbeat", daemon=True)
        heart.start()
        try:
            yield
        finally:
            stop.set()
            heart.join()


def is_held(work: Path) -> bool:
    """Whether a run is at work in a private folder."""
    try:
        with only_one(work):
            return False
    except AnxinError:
        return True


def _take(stream: TextIO, wait: float) -> None:
    end = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < end:
                time.sleep(POLL)
                continue
        else:
            return
        raise _taken(stream)


def _beat(descriptor: int, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        os.utime(descriptor)


def _taken(stream: TextIO) -> AnxinError:
    """Who holds the lock, as far as the file tells."""
    heard = max(0.0, time.time() - os.fstat(stream.fileno()).st_mtime)
    try:
        owner = json.loads(stream.read())
        process, machine = str(owner["process"]), str(owner["machine"])
    except (ValueError, KeyError, TypeError):
        process, machine = "?", "?"
    return AnxinError(
        "Another run is at work",
        where="data/work/lock",
        expected="one run at a time",
        got="a lock held by process {process} on {machine}, last heard of {heard} s ago",
        hint="wait for it to end, or let this one wait: --wait 600",
        process=process,
        machine=machine,
        heard=f"{heard:.0f}",
    )
