"""What keeps private work private: modes of files and folders, erasure, a process that leaves no trace of values."""

from __future__ import annotations

import os
import secrets
import signal
import stat
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, TextIO

CODE = Path(__file__).resolve().parent.parent
PR_SET_DUMPABLE = 4
CHUNK = 1 << 20
ORDERS = {"KeyboardInterrupt": signal.SIGINT, "TerminationSignal": signal.SIGTERM}
"""What an order to end becomes in a program → the signal that gave it; by name, as Prefect is seldom loaded."""
AGAIN = 0.05
"""Seconds until an order that was lost is given again."""


def folder(path: Path) -> Path:
    """The folder, made where it is not there, for its owner alone (0700); so are the parents that are made."""
    missing = [place for place in (path, *path.parents) if not place.exists()]
    for place in reversed(missing):
        place.mkdir(mode=0o700, exist_ok=True)
    path.chmod(0o700)
    return path


def write(path: Path, content: bytes) -> None:
    """Write a new file for its owner alone (0600) from its first byte on, whatever the umask.

    Raises: FileExistsError: there is one of that name.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def erase(path: Path) -> None:
    """Delete a file, or a folder with all that is in it, after writing noise over every byte.

    On media that write elsewhere (SSD, snapshots, backups) noise covers nothing: there only a destroyed key helps, with
    ANXIN_ENCRYPT.
    """
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            erase(inner)
        path.rmdir()
    elif path.is_symlink() or not path.is_file():
        path.unlink(missing_ok=True)
    else:
        with path.open("r+b") as stream:
            _cover(stream)
        path.unlink()


def wiped(name: str, folder: int) -> bool:
    """Delete a file of somebody else's making, after noise over its bytes where they are this name's alone.

    Args: name: in a folder that is held open.   Returns: whether there is noise; a link, a file with another name and
    one that may not be written to only go.
    """
    try:
        descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        return False
    with os.fdopen(descriptor, "r+b", buffering=0) as stream:  # a pipe has no place that a buffer could keep
        seen = os.fstat(descriptor)
        covered = stat.S_ISREG(seen.st_mode) and seen.st_nlink == 1
        if covered:
            _cover(stream)
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    return covered


def _cover(stream: BinaryIO) -> None:
    """Write noise over every byte of an open file."""
    left = os.fstat(stream.fileno()).st_size
    stream.seek(0)
    while left > 0:
        left -= stream.write(secrets.token_bytes(min(left, CHUNK)))
    stream.flush()
    os.fsync(stream.fileno())


def withheld(error: BaseException) -> str:
    """Type and innermost place of an exception, without its text.

    >>> try:
    ...     int("张三 13800138000")
    ... except ValueError as error:
    ...     withheld(error).split(" at ")[0]
    'ValueError'
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _of_ours(frame.filename)] or frames
    place = _place(ours[-1].filename, ours[-1].lineno) if ours else "?"
    return f"{type(error).__name__} at {place} (values withheld)"


def _of_ours(file: str) -> bool:
    path = Path(file)
    return path.is_relative_to(CODE) and path.relative_to(CODE).parts[0] in ("survey", "reports", "flows")


def _place(file: str, line: int | None) -> str:
    return f"{Path(file).parent.name}/{Path(file).name}:{line}"


@contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Take variables out of the environment, which every process that is started meanwhile would inherit."""
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


@contextmanager
def discreet() -> Iterator[None]:
    """A process that dumps no core, tells warnings and stray exceptions by type and place only, and loses no order."""
    _no_core_dump()

    def tell(text: str) -> None:
        with suppress(OSError, ValueError):  # the terminal may be gone
            print(text, file=sys.stderr)  # noqa: T201

    def warned(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        tell(f"{category.__name__} at {_place(filename, lineno)} (values withheld)")

    def stray(hooked: Any) -> None:
        if hooked.exc_value is not None and not isinstance(hooked.exc_value, SystemExit):
            tell(withheld(hooked.exc_value))

    def lost(hooked: Any) -> None:
        order = ORDERS.get(type(hooked.exc_value).__name__)
        if order is None:
            stray(hooked)
            return
        # A signal that comes while Python ends an object, as each import does, raises where nobody can catch it; here
        # too. A little later the program is somewhere else.
        again = threading.Timer(AGAIN, os.kill, (os.getpid(), order))
        again.daemon = True
        again.start()

    kept = warnings.showwarning, sys.unraisablehook, threading.excepthook
    warnings.showwarning, sys.unraisablehook, threading.excepthook = warned, lost, stray
    try:
        yield
    finally:
        warnings.showwarning, sys.unraisablehook, threading.excepthook = kept


def _no_core_dump() -> None:
    """A core dump holds every answer in memory; not dumpable also means that no other process of the user may look."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):  # a C library without prctl: the limit above holds all the same
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def aside(text: str) -> None:
    """One line on stderr; a terminal that is gone is no fault."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def flush(folder: Path) -> None:
    """See that all that was written to a folder’s file system is on the disk: a power cut takes nothing of it back."""
    import ctypes

    library = ctypes.CDLL(None)
    if not hasattr(library, "syncfs"):  # macOS: everything that is written anywhere
        os.sync()
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        library.syncfs(descriptor)
    finally:
        os.close(descriptor)
