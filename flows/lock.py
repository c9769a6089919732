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

from flows.private import aside
from flows.words import t
from survey.errors import AnxinError

BEAT = 10.0
"""Seconds between two signs of life."""
POLL = 0.2
SILENT = 5.0
"""Seconds that a run waits without a word."""
REMIND = 600.0
"""Seconds from one word to the next."""


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
    begun = time.monotonic()
    told = begun + SILENT
    while True:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        now = time.monotonic()
        if now >= begun + wait:
            raise _taken(stream)
        if now >= told:
            told = now + REMIND
            waiting = "Waiting for another run to end: process {process} on {machine}, last heard of {heard} s ago"
            aside(t(waiting, **_owner(stream)))
        time.sleep(POLL)


def _beat(descriptor: int, stop: threading.Event) -> None:
    while not stop.wait(BEAT):
        os.utime(descriptor)


def _owner(stream: TextIO) -> dict[str, str]:
    """Who holds the lock, as far as the file tells, and for how many seconds nothing was heard of it."""
    heard = max(0.0, time.time() - os.fstat(stream.fileno()).st_mtime)
    stream.seek(0)
    try:
        owner = json.loads(stream.read())
        process, machine = str(owner["process"]), str(owner["machine"])
    except (ValueError, KeyError, TypeError):
        process, machine = "?", "?"
    return {"process": process, "machine": machine, "heard": f"{heard:.0f}"}


def _taken(stream: TextIO) -> AnxinError:
    return AnxinError(
        "Another run is at work",
        where="data/work/lock",
        expected="one run at a time",
        got="a lock held by process {process} on {machine}, last heard of {heard} s ago",
        hint="wait for it to end, or let this one wait: --wait 600",
        **_owner(stream),
    )
