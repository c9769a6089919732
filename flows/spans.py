"""Spans of OpenTelemetry, one a run and one a stage, through the API alone: who collects them is the environment's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flows.observers import Ended, Observer

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from flows.run import Line


class Spans(Observer):
    """A span for the run, and below it one for each stage; names, counts and the place of a fault as attributes."""

    def __init__(self, survey: str) -> None:
        from opentelemetry import trace

        self.tracer = trace.get_tracer("anxin")
        self.run: Span = self.tracer.start_span("run", attributes={"anxin.survey": survey})
        self.around = trace.set_span_in_context(self.run)

    def stage(self, line: Line) -> None:
        """The span of a stage; of one that ran elsewhere it ends when this machine heard of it."""
        end = time.time_ns()
        rows = {"anxin.rows_in": line.rows_in, "anxin.rows_out": line.rows_out}
        self._stage(line.stage, line.wave, rows, end - int(line.seconds * 1e9)).end(end)

    def ended(self, run: Ended) -> None:
        """The end of the run's span, after that of the stage that stopped it."""
        if run.stage:
            stopped = self._stage(run.stage, run.wave, {})
            _stop(stopped, run.place)
            stopped.end()
        self.run.set_attributes({"anxin.waves": list(run.entry["waves"]), "anxin.outcome": run.entry["status"]})
        if run.fault is not None:
            _stop(self.run, run.place)
        self.run.end()

    def _stage(self, stage: str, wave: str, more: dict[str, Any], start: int | None = None) -> Span:
        attributes = {"anxin.wave": wave, **more}
        return self.tracer.start_span(stage, self.around, attributes=attributes, start_time=start)


def _stop(span: Span, place: str) -> None:
    """Mark a span as failed; its place in the program, not the exception: an exception's text may hold an answer."""
    from opentelemetry.trace import Status, StatusCode

    span.set_status(Status(StatusCode.ERROR, place))
