"""One run from plan to ledger, under either driver."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from flows.history import held, keep_shown
from flows.job import Job
from flows.ledger import Ledger, fingerprint, unchanged
from flows.lock import only_one
from flows.manifest import manifest
from flows.observers import watched
from flows.pipeline import Step, pipeline
from flows.private import withheld
from survey.errors import AnxinError

Result = TypeVar("Result")
# What is wrong with the machine and not with the program.
MACHINE = {
    errno.ENOSPC: "The disk is full",
    errno.EDQUOT: "The quota of the disk is used up",
    errno.EACCES: "A file or folder may not be read or written",
    errno.EPERM: "A file or folder may not be changed",
    errno.EROFS: "The file system can only be read",
    errno.EIO: "The disk does not answer as it should",
}


@dataclass(frozen=True)
class Line:
    """What one stage did: the line a person reads, and a record of the ledger."""

    stage: str
    wave: str
    rows_in: int
    rows_out: int
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """Where the reports lie, whether there was anything to do, and which waves are held at an earlier version."""

    published: dict[str, Path]
    fresh: bool
    held: dict[str, str] = field(default_factory=dict)


@dataclass
class Told:
    """A step that times each stage, tells of it and keeps the record."""

    say: Callable[[Line], None]
    lines: list[Line] = field(default_factory=list)
    at: tuple[str, str] = ("", "")
    """Stage and wave at work; between two stages, and where others do the work, nothing."""

    def __call__(self, stage: str, wave: str, work: Callable[[], Result], rows_in: int) -> Result:
        """The result of one stage."""
        self.at, start = (stage, wave), time.perf_counter()
        result = _without_panic(work)
        self.at = ("", "")
        self.tell(Line(stage, wave, rows_in, _rows(result, rows_in), time.perf_counter() - start))
        return result

    def tell(self, line: Line) -> None:
        """Keep the record of a stage, wherever it ran, and tell of it."""
        self.lines.append(line)
        self.say(line)


Driver = Callable[[Job, Told], dict[str, Path]]


def _without_panic(work: Callable[[], Result]) -> Result:
    """The result of a stage; a panic of a compiled reader, no Exception to Python, told like one without its text."""
    panic: BaseException | None = None
    try:
        return work()
    except Exception:
        raise
    except BaseException as error:
        if is_order(error):
            error.__context__ = error.__cause__ = None  # it may have come while a fault with values was told
            raise
        panic = error
    raise unexpected(panic)  # outside the except block, so that no __context__ rides along


def is_order(error: BaseException) -> bool:
    """Whether it is no fault but somebody's wish to end: Ctrl-C, an exit, a run that Prefect cancels or terminates."""
    own = isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit))
    return own or type(error).__module__.split(".")[0] in ("asyncio", "prefect")


def _rows(result: Any, rows_in: int) -> int:
    """Rows a stage hands on, whatever it hands on."""
    if isinstance(result, tuple):
        return _rows(result[0], rows_in)
    if hasattr(result, "rows"):
        return int(result.rows())
    if hasattr(result, "frame"):
        return len(result.frame)
    return len(result) if hasattr(result, "columns") else rows_in


class Unexpected(AnxinError):
    """A fault of the program or of the machine: told by place and type only, because its text may hold an answer."""

    @property
    def place(self) -> str:
        """Type and place of what happened; other faults may call a cell or a folder a place, which is nobody else's."""
        return self.values["place"]


def run(
    job: Job, driver: Driver, name: str, say: Callable[[Line], None], now: Callable[[], datetime], wait: float = 0.0
) -> Outcome:
    """Publish what the job asks for, unless it is published already; every run leaves a line in the ledger.

    Args: wait: seconds to wait for another run to end.
    Raises: AnxinError: what stopped it, with nothing of a resident in its text.
    """
    os.umask(0o077)
    ledger = Ledger(job.workspace.work / "ledger.jsonl")
    with watched(job) as watch, only_one(job.workspace.work, wait):
        job.store.encrypt_all()
        watch.entries = ledger.entries()
        current = fingerprint(job)
        kept = held(job, watch.entries)
        keep_shown(job, kept)
        places = None if kept else unchanged(job, ledger, current)
        if places is not None:
            return Outcome(places, fresh=True)
        places = {wave: job.public / job.book.survey / wave for wave in kept}
        if len(kept) == len(job.targets):
            return Outcome(places, fresh=True, held=kept)
        job = replace(job, targets=tuple(wave for wave in job.targets if wave not in kept))
        watch.told, started = Told(watch.telling(say)), now()
        entry = {"survey": job.book.survey, "waves": job.targets, "languages": job.languages, "driver": name}
        entry |= {"fingerprint": current, "started": started.isoformat(timespec="seconds")}
        entry |= {"overrides": json.loads(job.overrides)}
        published, fault = _driven(job, driver, watch.told)
        watch.entry = entry | manifest(job, watch.told.lines, published, fault)
        try:
            ledger.append(watch.entry)
        except OSError as error:  # a full disk: what stopped the run before it is told first
            fault = fault or unexpected(error)
        if fault is not None:
            raise fault  # outside the except block, so that no exception with values rides along as context
    return Outcome({**places, **published}, fresh=False, held=kept)


def _driven(job: Job, driver: Driver, told: Told) -> tuple[dict[str, Path], AnxinError | None]:
    """What a driver published, and what stopped it."""
    try:
        return driver(job, told), None
    except AnxinError as error:
        return {}, error
    except Exception as error:
        return {}, unexpected(error)


def unexpected(error: BaseException) -> AnxinError:
    """The fault as it may be told: its type and its place."""
    if isinstance(error, OSError) and error.errno in MACHINE:
        return Unexpected(
            MACHINE.get(error.errno, "The disk does not answer as it should"),
            where="{place}",
            expected="room and permission to write into data/work and the folder of the publications",
            hint="mend that and run again: what is published is whole, and the next run goes on where this one stopped",
            place=withheld(error),
        )
    return Unexpected(
        "Something went wrong that should not",
        where="{place}",
        hint="this is a fault of the program: report the line above; it holds no answer of a resident",
        place=withheld(error),
    )


def plain(job: Job, step: Step) -> dict[str, Path]:
    """The plain driver: every stage is a call."""
    return pipeline(job, step)
