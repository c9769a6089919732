"""Structured logs: one JSON object a line on stderr for every stage and for the run, when ANXIN_LOG=json."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flows.observers import Ended, Observer
from flows.private import aside

if TYPE_CHECKING:
    from flows.run import Line


class JsonLog(Observer):
    """Tells of stages and of the end of a run as JSON; names, counts and times, never a text of a fault."""

    def __init__(self, survey: str) -> None:
        self.survey = survey

    def stage(self, line: Line) -> None:
        """A stage that is done."""
        self._write("stage", wave=line.wave, stage=line.stage, rows_in=line.rows_in, rows=line.rows_out,
                    seconds=round(line.seconds, 3), outcome="done")  # fmt: skip

    def ended(self, run: Ended) -> None:
        """The stage that stopped the run, if one did, and the run."""
        if run.stage:
            self._write("stage", wave=run.wave, stage=run.stage, outcome="stopped", place=run.place)
        place = {"place": run.place} if run.fault else {}
        self._write("run", waves=list(run.entry["waves"]), seconds=round(run.seconds, 3), outcome=run.entry["status"],
                    **place)  # fmt: skip

    def _write(self, event: str, **values: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        aside(json.dumps({"time": now, "event": event, "survey": self.survey, **values}, ensure_ascii=False))
