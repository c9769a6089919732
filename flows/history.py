"""The history of publications, and the way back: a version that was shown before is shown again.

After a step back the wave is held: the next run does not publish it again from the same delivery and settings.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.job import Job
from flows.ledger import Ledger, content_of
from flows.lock import only_one
from flows.publish import bring_back, is_whole, show
from flows.workspace import Workspace
from survey.errors import UsageError

ROLLED_BACK = "rolled back"


def ledger_of(workspace: Workspace) -> Ledger:
    """The ledger of runs."""
    return Ledger(workspace.work / "ledger.jsonl")


def numbered(workspace: Workspace, survey: str | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Number (from 1, for all surveys together) and line of every run, oldest first."""
    for number, entry in enumerate(ledger_of(workspace).entries(), 1):
        if survey in (None, entry["survey"]):
            yield number, entry


@dataclass(frozen=True)
class Back:
    """A step back: the version that was shown, and the one that is shown now."""

    wave: str
    before: str
    now: str


def rollback(job: Job, version: str | None, now: datetime, wait: float = 0.0) -> Back:
    """Show an earlier version of a wave again, and hold it until the wave's delivery or settings change.

    Args: job: of one wave.   version: the one before the present one when left out.   wait: seconds to
        wait for a run to end.
    Raises: UsageError: the wave is not published, or there is no such version.
    """
    (wave,) = job.targets
    survey, ledger = job.book.survey, ledger_of(job.workspace)
    os.umask(0o077)
    with only_one(job.workspace.work, wait):
        place = job.public / survey / wave
        shown = place.resolve().name if place.is_symlink() else ""
        chosen = _chosen(_versions(ledger.entries(), survey, wave), shown, version, f"{survey} {wave}")
        bring_back(chosen, job.public, survey, job.archive)
        line = {"survey": survey, "waves": [wave], "status": ROLLED_BACK, "published": {wave: chosen}}
        line |= {"content": {wave: content_of(job, wave)}, "started": now.isoformat(timespec="seconds")}
        ledger.append(line)  # first: a step back that nobody knows of would be undone by the next run
        show({wave: chosen}, job.public, survey, job.archive)
    return Back(wave, shown, chosen)


def _versions(entries: list[dict[str, Any]], survey: str, wave: str) -> list[str]:
    """Every version of a wave that was shown, in the order of their first appearance."""
    own = [entry["published"] for entry in entries if entry["survey"] == survey and entry.get("published")]
    return list(dict.fromkeys(each[wave] for each in own if wave in each))


def _chosen(versions: list[str], shown: str, version: str | None, what: str) -> str:
    earlier = versions[: versions.index(shown)] if shown in versions else []
    if version is None and earlier:
        return earlier[-1]
    if version is not None and version in versions and version != shown:
        return version
    raise UsageError(
        "There is no version of {what} to go back to",
        where="{what}",
        expected="one of {known}",
        got="{version}",
        hint="`anxin history` shows the versions there were",
        what=what,
        version=version or "",
        known=", ".join(each for each in versions if each != shown) or "none",
    )


def held(job: Job, entries: list[dict[str, Any]]) -> dict[str, str]:
    """Target wave → version that it was stepped back to and that nothing has changed since."""
    found: dict[str, str] = {}
    for wave in job.targets:
        own = [entry for entry in entries if entry["survey"] == job.book.survey and wave in entry.get("published", {})]
        if own and own[-1]["status"] == ROLLED_BACK and own[-1]["content"].get(wave) == content_of(job, wave):
            found[wave] = own[-1]["published"][wave]
    return found


def keep_shown(job: Job, kept: dict[str, str]) -> None:
    """See that waves which are held show the version they were stepped back to: a step back may have been cut short.

    Raises: UsageError: that version is not kept any more.
    """
    for wave, version in kept.items():
        place = job.public / job.book.survey / wave
        shown = place.resolve().name if place.is_symlink() else ""
        if shown != version or not is_whole(place):
            bring_back(version, job.public, job.book.survey, job.archive)
            show({wave: version}, job.public, job.book.survey, job.archive)
