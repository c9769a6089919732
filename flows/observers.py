"""Who is told of a run beside the ledger: logs, metrics, notifications and spans, each switched on from outside.

They are told names of surveys, waves and stages, counts and times; none of them can fail a run or change a byte of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.job import Job
from flows.private import aside, withheld
from flows.words import t
from survey.errors import GateError

if TYPE_CHECKING:
    from flows.run import Line, Told

OTEL = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Variables of the environment that ask for spans."""


@dataclass(frozen=True)
class Ended:
    """What is known of a run when it has ended, whichever way.

    entry: the line of the ledger, or the little there is of it when the run ended before one was written.
    published: the last line of the ledger that published this survey, this run's own included; {} where there is none.
    stage, wave: what was at work when it stopped, "" where that is not known.
    shown: the waves whose report is another than before, and where it lies.
    known: per wave the alerts of its last report, where there was one.
    """

    entry: dict[str, Any]
    seconds: float
    published: dict[str, Any] = field(default_factory=dict)
    fault: BaseException | None = None
    stage: str = ""
    wave: str = ""
    shown: dict[str, Path] = field(default_factory=dict)
    known: dict[str, list[str]] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Type and place of the fault in the program, without its text; "" when there was none."""
        if self.fault is None:
            return ""
        return str(getattr(self.fault, "place", "")) or withheld(self.fault)

    @property
    def at_a_gate(self) -> bool:
        """Whether the data did not meet a threshold of survey.yaml."""
        return isinstance(self.fault, GateError)


class Observer:
    """Told of a run; what it does not override it does not care for."""

    def stage(self, line: Line) -> None:
        """A stage is done."""

    def ended(self, run: Ended) -> None:
        """The run has ended."""


def observers(job: Job, environ: Mapping[str, str]) -> list[Observer]:
    """Those that the environment asks for, and the metrics; nothing is imported for one that is not there."""
    found: list[Observer] = []
    log = environ.get("ANXIN_LOG", "")
    if log not in ("", "json"):
        aside(t("ANXIN_LOG: there is no format of logs but json"))
    if log == "json":
        from flows.logs import JsonLog

        found.append(JsonLog(job.book.survey))
    if any(environ.get(name, "none") not in ("", "none") for name in OTEL):
        from flows.spans import Spans

        found.append(Spans(job.book.survey))
    if not job.dry:  # a trial is watched by whoever tries
        from flows.metrics import Metrics

        found.append(Metrics(job))
        if environ.get("ANXIN_NOTIFY", "").split() or environ.get("ANXIN_NOTIFY_FILE"):
            from flows.notify import Notify, addresses

            if to := addresses(environ):
                found.append(Notify(job, to, environ.get("ANXIN_SITE", "")))
    return found


@dataclass
class Watch:
    """A run as its observers see it; what `run` finds out is put here as it goes.

    entry: line of the ledger.   entries: those before it.   told: the step that the stages run under.
    """

    job: Job
    among: list[Observer]
    entry: dict[str, Any]
    entries: list[dict[str, Any]] = field(default_factory=list)
    told: Told | None = None
    start: float = field(default_factory=time.perf_counter)

    def telling(self, say: Callable[[Line], None]) -> Callable[[Line], None]:
        """What tells a person of a stage, and the observers after it."""

        def tell(line: Line) -> None:
            say(line)
            self._each("stage", line)

        return tell

    def end(self, fault: BaseException | None) -> None:
        """Tell all observers how it ended."""
        own = [each for each in (*self.entries, self.entry) if each["survey"] == self.job.book.survey]
        published = [each for each in own if each["status"] == "published" and "counts" in each]
        stage, wave = self.told.at if self.told and fault else ("", "")
        entry = {**self.entry, "status": "stopped"} if fault else self.entry
        seconds = time.perf_counter() - self.start
        last = published[-1] if published else {}
        before = [each for each in self.entries if each["survey"] == self.job.book.survey]
        known = {wave: found for each in before for wave, found in each.get("alerts", {}).items()}
        self._each("ended", Ended(entry, seconds, last, fault, stage, wave, self._shown(), known))

    def _shown(self) -> dict[str, Path]:
        """The waves whose report is another than the ledger knew, and where it lies."""
        before: dict[str, str] = {}
        for each in self.entries:
            if each["survey"] == self.job.book.survey:
                before |= each.get("published", {})
        public = self.job.public / self.job.book.survey
        now = self.entry.get("published", {})
        return {wave: public / wave for wave, version in now.items() if before.get(wave) != version}

    def _each(self, what: str, value: Line | Ended) -> None:
        for observer in self.among:
            place = ""
            try:
                getattr(observer, what)(value)
            except Exception as error:
                place = withheld(error)
            if place:
                aside(t("{name} could not be told of the run: {place}", name=type(observer).__name__, place=place))


@contextmanager
def watched(job: Job) -> Iterator[Watch]:
    """Tell the observers of the end of a run, after all that holds others up is let go of.

    Raises: whatever the run raised; an order to end (Ctrl-C, an exit) is passed on and nobody is told.
    """
    entry = {"survey": job.book.survey, "waves": job.targets, "status": "unchanged"}
    watch = Watch(job, observers(job, os.environ), entry)
    try:
        yield watch
    except BaseException as error:
        from flows.run import is_order

        if not is_order(error):
            watch.end(error)
        raise
    watch.end(None)
