"""Programs started beside this one: they end with it, however it ends, and so does what they started."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from survey.errors import AnxinError

PR_SET_CHILD_SUBREAPER = 36
ASKED, FORCED = 20.0, 5.0
"""Seconds a program has to end once it was asked to, and the kernel once it was killed."""
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Children:
    """The programs that run, in the order of their start; each in a session and with a private log of its own."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        """Start a program in a folder, with these variables and no others."""
        with self.log(name).open("wb") as log:
            self.running[name] = subprocess.Popen(
                [*_mortal(), *command], env=environ, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def log(self, name: str) -> Path:
        """Where a program speaks."""
        return self.logs / f"{name}.log"

    def check(self) -> None:
        """Raise AnxinError when one of them has ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise AnxinError(
                    "A program that was needed has ended by itself",
                    where="{name}",
                    expected="it runs until all is stopped",
                    got="exit code {code}",
                    hint="look into {log}",
                    name=name,
                    code=process.returncode,
                    log=self.log(name),
                )

    def wait(self, name: str) -> int:
        """Exit code of a program that ends by itself; the others are watched meanwhile."""
        process = self.running.pop(name)
        try:
            while process.poll() is None:
                self.check()
                time.sleep(0.2)
        except BaseException:
            self.running[name] = process
            raise
        return process.returncode

    def end(self) -> None:
        """End all of them, the last one first, then whatever they left behind."""
        for process in reversed(self.running.values()):
            process.terminate()
            try:
                process.wait(ASKED)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(FORCED)
        self.running.clear()
        for order in (signal.SIGTERM, signal.SIGKILL):
            _end_orphans(order)


@contextmanager
def children(logs: Path) -> Iterator[Children]:
    """Programs that are ended when the block is left; a wish to end (Ctrl-C, a signal) is a KeyboardInterrupt in it.

    Args: logs: private folder for what they say.
    """
    _adopt_orphans()
    kept = {order: signal.signal(order, _interrupt) for order in ENDS}
    made = Children(logs)
    try:
        yield made
    finally:
        for order in ENDS:
            signal.signal(order, signal.SIG_IGN)  # impatience must not leave half of them running
        try:
            made.end()
        finally:
            for order, handler in kept.items():
                signal.signal(order, handler)


def until(met: Callable[[], bool], running: Children, seconds: float, what: str) -> None:
    """Wait for something.   Raises: AnxinError: it is late, or a program has ended."""
    late = time.monotonic() + seconds
    while not met():
        running.check()
        if time.monotonic() > late:
            raise AnxinError(
                "It took too long",
                where="{what}",
                expected="at most {seconds} seconds",
                hint="look into {log}",
                what=what,
                seconds=round(seconds),
                log=running.logs,
            )
        time.sleep(0.3)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _mortal() -> list[str]:
    """A prefix under which a program is asked to end when this one is killed; none where the system lacks it."""
    found = shutil.which("setpriv") if sys.platform == "linux" else None
    return [found, "--pdeathsig", "TERM"] if found else []


def _adopt_orphans() -> None:
    """Let what loses its parent fall to this process and not to init: a run of a worker that was killed, say."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # a C library without prctl
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_orphans(order: signal.Signals) -> None:
    """Send an order to all that fell to this process, and wait a little for them to follow it."""
    late = time.monotonic() + FORCED
    told: set[int] = set()
    while (left := _of_ours()) and time.monotonic() < late:
        for pid in left:
            with suppress(ProcessLookupError, ChildProcessError):
                if pid not in told:
                    os.kill(pid, order)
                    told.add(pid)
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)


def _of_ours() -> list[int]:
    """The processes whose parent is this one."""
    lists = Path("/proc/self/task").glob("*/children")
    return [int(pid) for children in lists for pid in children.read_text().split()]
