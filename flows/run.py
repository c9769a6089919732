"""One run from plan to ledger, under either driver."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from flows.job import Job
from flows.ledger import Ledger, fingerprint, unchanged
from flows.lock import only_one
from flows.pipeline import Step, pipeline
from flows.private import withheld
from survey.errors import AnxinError

Result = TypeVar("Result")


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
    """Where the reports lie, and whether there was anything to do."""

    published: dict[str, Path]
    fresh: bool


@dataclass
class Told:
    """A step that times each stage, tells of it and keeps the record."""

    say: Callable[[Line], None]
    lines: list[Line] = field(default_factory=list)

    def __call__(self, stage: str, wave: str, work: Callable[[], Result], rows_in: int) -> Result:
        """The result of one stage."""
        start = time.perf_counter()
        result = _without_panic(work)
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
    except (Exception, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        panic = error
    raise unexpected(panic)  # outside the except block, so that no __context__ rides along


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
    """A fault of ours: told by place and type only, because its text may hold a resident's answer."""


def run(
    job: Job, driver: Driver, name: str, say: Callable[[Line], None], now: Callable[[], datetime], wait: float = 0.0
) -> Outcome:
    """Publish what the job asks for, unless it is published already; every run leaves a line in the ledger.

    Args: wait: seconds to wait for another run to end.
    Raises: AnxinError: what stopped it, with nothing of a resident in its text.
    """
    os.umask(0o077)
    ledger = Ledger(job.workspace.work / "ledger.jsonl")
    with only_one(job.workspace.work, wait):
        job.store.encrypt_all()
        current = fingerprint(job)
        places = unchanged(job, ledger, current)
        if places is not None:
            return Outcome(places, fresh=True)
        told, started = Told(say), now()
        entry = {"survey": job.book.survey, "waves": job.targets, "languages": job.languages, "driver": name}
        entry |= {"fingerprint": current, "started": started.isoformat(timespec="seconds")}
        entry |= {"overrides": json.loads(job.overrides)}
        fault: AnxinError | None = None
        published: dict[str, Path] = {}
        try:
            published = driver(job, told)
        except AnxinError as error:
            fault = error
        except Exception as error:
            fault = unexpected(error)
        ledger.append(entry | _record(job, told.lines, published, fault))
    if fault is not None:
        raise fault  # outside the except block, so that no exception with values rides along as context
    return Outcome(published, fresh=False)


def unexpected(error: BaseException) -> Unexpected:
    """The fault as it may be told: its type and its place."""
    return Unexpected(
        "Something went wrong that should not",
        where="{place}",
        hint="this is a fault of the program: report the line above; it holds no answer of a resident",
        place=withheld(error),
    )


def _record(job: Job, lines: list[Line], published: dict[str, Path], fault: AnxinError | None) -> dict[str, Any]:
    return {
        "status": "stopped" if fault else "published" if not job.dry else "tried",
        "stopped_by": fault.describe() if fault else "",
        "published": {wave: place.resolve().name for wave, place in published.items()},
        "inputs": {wave: digest for wave in job.waves if (digest := _delivered(job, wave))},
        "stages": [{**vars(line), "seconds": round(line.seconds, 3)} for line in lines],
    }


def _delivered(job: Job, wave: str) -> str:
    """Checksum of a delivery for the record of a run, whatever is wrong with it."""
    try:
        return job.delivered(wave)
    except AnxinError:
        return ""


def plain(job: Job, step: Step) -> dict[str, Path]:
    """The plain driver: every stage is a call."""
    return pipeline(job, step)
