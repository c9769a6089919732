"""Metrics of the last run of a survey, in Prometheus' text format, for the textfile collector of node_exporter."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.job import Job
from flows.observers import Ended, Observer
from flows.private import folder
from reports.files import ALERTS

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

COUNTS = {
    "anxin_rows_in": ("Rows of the delivery", ("delivered",)),
    "anxin_problems": ("Problems found in the rows", ("problems",)),
    "anxin_suppressed_cells": (
        "Cells withheld by the rules, or to protect others",
        ("cells_primary", "cells_secondary"),
    ),
}
"""Metric → what it says, and the counts of the ledger that it adds up."""


class Metrics(Observer):
    """Writes data/work/metrics/SURVEY.prom anew at the end of each run."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def ended(self, run: Ended) -> None:
        """The run and its stages; the figures of the last publication stay when a run stops."""
        from prometheus_client import CollectorRegistry, write_to_textfile

        registry = CollectorRegistry()
        _run(registry, self.job.book.survey, run)
        _publication(registry, self.job, run.published)
        place = folder(self.job.workspace.work / "metrics") / f"{self.job.book.survey}.prom"
        write_to_textfile(str(place), registry)


def _run(registry: CollectorRegistry, survey: str, run: Ended) -> None:
    from prometheus_client import Gauge

    labels = ("survey",)
    last = Gauge("anxin_last_run_timestamp_seconds", "When the last run ended", labels, registry=registry)
    last.labels(survey).set(int(time.time()))
    success = Gauge("anxin_last_run_success", "1: published, or nothing to do; 0: stopped", labels, registry=registry)
    success.labels(survey).set(0 if run.fault else 1)
    whole = Gauge("anxin_last_run_seconds", "How long the last run took", labels, registry=registry)
    whole.labels(survey).set(round(run.seconds, 3))
    stage = Gauge("anxin_stage_seconds", "How long each stage took when it last had anything to do: in the last run, "
                  "or where that found nothing changed in the last publication", ("survey", "wave", "stage"),
                  registry=registry)  # fmt: skip
    for line in run.entry.get("stages", [] if run.fault else run.published.get("stages", [])):
        stage.labels(survey, line["wave"], line["stage"]).set(line["seconds"])


def _publication(registry: CollectorRegistry, job: Job, published: dict[str, Any]) -> None:
    from prometheus_client import Gauge

    survey, labels = job.book.survey, ("survey", "wave")
    for name, (text, _) in COUNTS.items():
        gauge = Gauge(name, f"{text}, as last published", labels, registry=registry)
        for wave, counts in published.get("counts", {}).items():
            if (value := total(counts, name)) is not None:
                gauge.labels(survey, wave).set(value)
    gauge = Gauge("anxin_alerts", "Changes for the worse in alerts.json, as last published", labels, registry=registry)
    for wave in published.get("published", {}):
        gauge.labels(survey, wave).set(len(alerts(job.public / survey / wave)))


def total(counts: dict[str, Any], metric: str) -> int | None:
    """The sum of a wave's counts that a metric tells; None where the run did not learn of them, as from a worker."""
    _, parts = COUNTS[metric]
    return sum(counts[part] for part in parts) if all(part in counts for part in parts) else None


def alerts(place: Path) -> list[str]:
    """What a published wave alerts to: item, breakdown, group and the wave compared with; none where nothing was."""
    file = place / ALERTS
    found = json.loads(file.read_bytes())["alerts"] if file.is_file() else []
    return [" ".join((each["item"], each["by"], each["group"], each["previous_wave"])) for each in found]
