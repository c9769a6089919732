"""What is fresh, what a run would make again and why; and what of the store nobody needs any more.

An artefact's name is known before anything runs, so the pipeline itself tells all of them: it is walked with a store
in which everything seems to be there.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import Any

from flows.job import Job
from flows.ledger import Ledger, fingerprint, unchanged
from flows.lock import only_one
from flows.pipeline import released, report_of
from flows.private import erase
from flows.store import Artefact, Ref, Store, refs_in
from flows.workspace import Workspace

FRESH, STALE, MISSING = "fresh", "stale", "missing"
KEPT_RUNS = 1
"""Runs of each survey whose artefacts stay, so that what is published can be explained."""


@dataclass(frozen=True)
class State:
    """One stage of one wave.

    why: parts of its key that are others than when it was made last; () when it was never made or was damaged.
    """

    ref: Ref
    state: str
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Walked(Store):
    """A store in which everything is there."""

    def has(self, ref: Ref) -> bool:
        self.asked.append(ref)
        return True

    def load(self, ref: Ref) -> Artefact:  # noqa: ARG002
        return Artefact()


def _nothing_runs(stage: str, wave: str, work: Any, rows_in: int) -> Any:
    raise AssertionError(f"{stage} {wave} ran although its artefact seems to be there")


def planned(job: Job) -> list[Ref]:
    """Every artefact a run of the job needs, in the order of the stages."""
    walked = _Walked(job.store.folder, job.keys)
    imagined = copy(job)
    imagined.__dict__["store"] = walked  # where the cached property keeps it
    for wave, made in released(imagined, _nothing_runs).items():
        report_of(imagined, _nothing_runs, wave, made.released)
    return list(dict.fromkeys(walked.asked))


def status(job: Job) -> list[State]:
    """Every stage of every wave the job needs, fresh or not."""
    there = [ref for ref in refs_in(job.store.folder).values() if ref is not None]
    return [_state(job, ref, there) for ref in planned(job)]


def is_published(job: Job) -> bool:
    """Whether a run would find nothing to do: what is published is of this very state, whatever the store has left."""
    ledger = Ledger(job.workspace.work / "ledger.jsonl")
    return unchanged(job, ledger, fingerprint(job)) is not None


def _state(job: Job, ref: Ref, there: Iterable[Ref]) -> State:
    if job.store.has(ref):
        return State(ref, FRESH)
    own = [
        old for old in there
        if (old.survey, old.stage, old.wave) == (ref.survey, ref.stage, ref.wave) and old.key != ref.key
    ]  # fmt: skip
    if not own:
        return State(ref, MISSING)
    return State(ref, STALE, min((_differing(ref, old) for old in own), key=len))


def _differing(new: Ref, old: Ref) -> tuple[str, ...]:
    before, after = dict(old.parts), dict(new.parts)
    return tuple(what for what in {**after, **before} if before.get(what) != after.get(what))


@dataclass(frozen=True)
class Cleaned:
    """What was pruned: how many artefacts, and how many bytes they took."""

    artefacts: int
    size: int


def clean(workspace: Workspace, jobs: Iterable[Job], trial: bool = False) -> Cleaned:
    """Erase artefacts that neither the surveys as they are now nor their last publication need.

    Args: jobs: one a survey, of all its waves; what belongs to no survey in data/raw goes as well.   trial: only count.
    """
    with only_one(workspace.work):
        needed = {ref.key[:32] for job in jobs for ref in planned(job)} | _published(workspace)
        gone = [place for place in refs_in(workspace.work / "store") if place.name not in needed]
        size = sum(path.stat().st_size for place in gone for path in place.rglob("*") if path.is_file())
        for place in gone if not trial else ():
            erase(place)
    return Cleaned(len(gone), size)


def _published(workspace: Workspace) -> set[str]:
    """Keys of the artefacts that the last publications of each survey were made of."""
    entries = Ledger(workspace.work / "ledger.jsonl").entries()
    runs = [entry for entry in entries if entry["status"] == "published" and "artefacts" in entry]
    kept: dict[str, list[dict[str, Any]]] = {}
    for entry in runs:
        kept.setdefault(entry["survey"], []).append(entry)
    return {key for own in kept.values() for entry in own[-KEPT_RUNS:] for key in entry["artefacts"].values()}
