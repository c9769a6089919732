"""What a run leaves behind: the line of the ledger that says what went in, what was done, and what came out.

Counts and published figures only: nothing of a resident, and no number that the report withholds.
"""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.job import Job
from flows.metrics import alerts
from flows.store import Ref
from flows.workspace import LIBRARIES, code_digest
from survey.errors import AnxinError

if TYPE_CHECKING:
    import pandas as pd

    from flows.run import Line


def manifest(job: Job, lines: list[Line], published: dict[str, Path], fault: AnxinError | None) -> dict[str, Any]:
    """The record of a run."""
    used = job.store.asked
    told = {"headline": _headline(job, used), **_told(job, used)} if fault is None else {}
    return {
        "status": "stopped" if fault else "tried" if job.dry else "published",
        "stopped_by": fault.describe() if fault else "",
        "published": {wave: place.resolve().name for wave, place in published.items()},
        "alerts": {wave: alerts(place) for wave, place in published.items()},
        "inputs": {wave: digest for wave in job.waves if (digest := _delivered(job, wave))},
        "stages": [{**vars(line), "seconds": round(line.seconds, 3)} for line in lines],
        "artefacts": {f"{ref.stage} {ref.wave}": ref.key[:32] for ref in used},
        "versions": {"python": platform.python_version(), "anxin": code_digest("survey", "reports", "flows")[:12]}
        | {name: version(name) for name in (*LIBRARIES, "prefect")},
        **told,
    }


def _told(job: Job, used: list[Ref]) -> dict[str, Any]:
    """What is told of the waves, and the gates that held."""
    return {"counts": counts(job, used), "gates": job.book.gates.model_dump(mode="json")}


def counts(job: Job, used: list[Ref]) -> dict[str, dict[str, Any]]:
    """Per wave that was told: respondents, problems of its rows, figures and marks."""
    found: dict[str, dict[str, Any]] = {}
    for ref in used:
        if ref.stage == "disclosure":
            facts = job.store.load(ref).facts
            marks = {name: value for name, value in facts["disclosure"].items() if isinstance(value, int)}
            found[ref.wave] = {**facts["sample"], **marks}
    for ref in used:
        if ref.stage == "privacy" and ref.wave in found:
            found[ref.wave]["problems"] = sum(own["n"] for own in job.store.load(ref).facts["quality"]["problems"])
    return found


def _headline(job: Job, used: list[Ref]) -> dict[str, dict[str, float | None]]:
    """The headline figures as they were published, by wave and item; None where one is withheld."""
    found = {}
    for ref in used:
        if ref.stage == "disclosure":
            rows = headline(job.store.load(ref).frames["results"], ref.wave, job.book.report.headline)
            values = [float(value) if value == value else None for value in rows["estimate"]]
            found[ref.wave] = dict(zip(rows["item"], values, strict=True))
    return found


def headline(results: pd.DataFrame, wave: str, names: Any) -> pd.DataFrame:
    """The rows of a wave's headline figures."""
    own = results["wave"].eq(wave) & results["by"].eq("") & results["statistic"].eq("mean")
    return results[own & results["item"].isin(list(names))]


def _delivered(job: Job, wave: str) -> str:
    """Checksum of a delivery for the record of a run, whatever is wrong with it."""
    try:
        return job.delivered(wave)
    except AnxinError:
        return ""
