"""The way of the data, named once, in the order of the design; how a stage is run is the caller's business.

Above the identity boundary everything stays in memory and is never written. Below it each stage's artefact goes to the
store under a key made of its inputs, so that only what changed runs again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from flows import cells, draws, stages
from flows.job import Job
from flows.ledger import Ledger
from flows.publish import publish
from flows.revisions import earlier_version
from flows.store import Artefact, Ref
from flows.workspace import digest
from survey.errors import DataError

if TYPE_CHECKING:
    from survey.cleaning import Cleaned
    from survey.released import Drawn

Result = TypeVar("Result")


class Step(Protocol):
    """Runs one stage, times it and tells of it: by a plain call, or as a Prefect task."""

    def __call__(self, stage: str, wave: str, work: Callable[[], Result], rows_in: int) -> Result:
        """The result of `work`."""


@dataclass(frozen=True)
class Estimated:
    """A wave's answers with their weights, and its estimates."""

    weighted: Ref
    estimated: Ref


Waves: TypeAlias = Callable[[Job, Step], dict[str, Estimated]]
"""Takes every wave of a job from delivery to estimates: here one by one, or each on a machine of its own."""


def one_by_one(job: Job, step: Step) -> dict[str, Estimated]:
    """Every wave of a job from delivery to estimates, in their order."""
    return {wave: estimated_wave(job, wave, step) for wave in job.waves}


def pipeline(job: Job, step: Step, waves: Waves = one_by_one) -> dict[str, Path]:
    """Take every wave a target looks back to from delivery to estimates, then publish each target.

    Returns: target wave → published folder; none when the job is a trial.   Raises: AnxinError: the data, a gate or
    survey.yaml stopped it; then nothing is published.
    """
    cells.refuse_lost(job)
    draws.refuse_lost(job)
    told = released(job, step, waves)
    reports = {wave: report_of(job, step, wave, made.released) for wave, made in told.items()}
    if job.dry:
        return {}
    files = {
        wave: dict(sorted(pair for ref in parts for pair in job.store.load(ref).files.items()))
        for wave, parts in reports.items()
    }
    for made in told.values():
        record(job, made)
    place = partial(publish, files, job.public, job.book.survey, job.archive)
    return step("publication", job.targets[-1], place, sum(map(len, files.values())))


@dataclass(frozen=True)
class Made:
    """What is known of a wave before anything is printed: its answers with their weights, its released figures.

    basis: wave → digest of all that its figures and what may be told of them come from.
    """

    weighted: Ref
    released: Ref
    basis: dict[str, str]


def released(job: Job, step: Step, waves: Waves = one_by_one) -> dict[str, Made]:
    """Every target wave up to the release boundary; what is in the store already is not made again.

    Raises: AnxinError: the data, a gate or survey.yaml stopped it.
    """
    done = waves(job, step)
    weighted = {wave: each.weighted for wave, each in done.items()}
    estimated = {wave: each.estimated for wave, each in done.items()}
    return {wave: _released(job, step, wave, weighted, estimated) for wave in job.targets}


def record(job: Job, made: Made) -> None:
    """Write into the ledger of released cells what a wave tells and withholds.

    Before any file appears: a publication that no ledger knows of would be worse than a line too much.
    """
    method = job.book.disclosure.counts.method
    cells.of(job).record(made.basis, job.store.load(made.released).frames["cells"], method)


def weighted_wave(job: Job, wave: str, step: Step) -> Ref:
    """One wave from delivery to final weights, or as the store has it."""
    protected = _protected(job, wave, step)
    margins = {"margins.csv": job.lines(job.margins, wave)}
    return _stage(job, step, "weighting", wave, stages.weighting, protected, beside=margins)


def estimated_wave(job: Job, wave: str, step: Step) -> Estimated:
    """One wave from delivery to estimates, or as the store has it."""
    weighted = weighted_wave(job, wave, step)
    return Estimated(weighted, _stage(job, step, "estimate", wave, stages.estimate, weighted))


def _protected(job: Job, wave: str, step: Step) -> Ref:
    """intake → cleaning → quality → privacy: in memory, because identifiers are there until the last is done."""
    beside = {"delivery": job.delivered(wave) or "absent", "pseudonym key": digest(*job.pseudonym_keys(wave))}
    beside["decisions.csv"] = job.lines(job.decisions, wave)
    ref = job.ref("privacy", wave, beside=beside)
    if not job.store.has(ref):
        _still_there(job, wave)
        delivered, provenance = step("intake", wave, lambda: stages.intake(job, wave), 0)
        read = partial(stages.cleaning, job, wave, delivered, provenance["sha256"])
        cleaned: Cleaned = step("cleaning", wave, read, len(delivered))
        assessed = step("quality", wave, lambda: stages.quality(job, wave, cleaned), len(cleaned.frame))
        work = partial(stages.privacy, job, wave, cleaned, assessed, provenance)
        job.store.save(ref, step("privacy", wave, work, len(cleaned.frame)))
    return ref


def _still_there(job: Job, wave: str) -> None:
    """Raise where a wave was forgotten and its delivery is gone as well, so that nothing can be compared with it."""
    forgotten = Ledger(job.workspace.work / "ledger.jsonl").forgotten(job.book.survey)
    if wave in forgotten and not job.delivered(wave):
        raise DataError(
            "The wave {wave} was forgotten, and its delivery is not there",
            where="{file}",
            expected="the delivered file, to make the figures of this wave again",
            got="no such file",
            hint="put the file back, or take the wave out of survey.yaml: later waves are compared with it",
            wave=wave,
            file=job.book.waves[wave].file,
        )


def judged_wave(job: Job, wave: str, step: Step) -> Artefact:
    """What the report of a wave tells and withholds, published or not; nothing is rendered or published."""
    draws.refuse_lost(job)
    done = {name: estimated_wave(job, name, step) for name in job.book.earlier(wave)}
    weighted = {name: each.weighted for name, each in done.items()}
    estimated = {name: each.estimated for name, each in done.items()}
    return job.store.load(_released(job, step, wave, weighted, estimated).released)


def _released(job: Job, step: Step, wave: str, weighted: dict[str, Ref], estimated: dict[str, Ref]) -> Made:
    """compare → model → banner → disclosure for one wave, with the waves before it as the past."""
    compared_waves = [weighted[name] for name in job.compared(wave)]
    compared = _stage(job, step, "compare", wave, stages.compare, *compared_waves)
    modelled = _stage(job, step, "model", wave, stages.model, *[weighted[name] for name in job.modelled(wave)])
    asked = [_stage(job, step, "banner", wave, stages.banner, weighted[wave])] if job.book.report.banner else []
    figures = [compared, modelled, *asked, *(estimated[name] for name in job.book.earlier(wave))]
    basis = _basis(job, wave, estimated)
    earlier, ledger = cells.of(job).before(basis), draws.of(job)
    past = {"earlier publications": json.dumps(earlier), "noise drawn before": json.dumps(ledger.before(basis))}
    work = partial(_disclose, earlier, ledger.drawn(), ledger.until(basis))
    told = _stage(job, step, "disclosure", wave, work, *compared_waves, *figures, beside=past)
    if not job.dry:  # a trial must not choose how precise a count of the next publication is
        # At once: the next report must not draw again.
        ledger.record(basis, job.store.load(told).frames.get("drawn"))
    return Made(weighted[wave], told, basis)


def report_of(job: Job, step: Step, wave: str, released: Ref) -> tuple[Ref, Ref]:
    """The tables and the pages of one wave's report, from what may be told: a note changes the pages alone."""
    earlier = earlier_version(job, wave)
    version = "" if earlier is None else digest(str(earlier.number), *earlier.waves, digest(earlier.results))
    beside = {"languages": ",".join(job.languages), "earlier version": version}
    tabled, paged = partial(stages.tables, earlier=earlier), partial(stages.report, earlier=earlier)
    tables = _stage(job, step, "tables", wave, tabled, released, beside=beside)
    own = {**beside, "notes": dict(job.notes).get(wave, ""), "borders": job.borders}
    return tables, _stage(job, step, "report", wave, paged, released, tables, beside=own)


def _disclose(
    earlier: list[dict[str, Any]],
    drawn: list[Drawn],
    accounted: list[Drawn],
    job: Job,
    wave: str,
    *artefacts: Artefact,
) -> Artefact:
    return stages.disclosure(job, wave, earlier, drawn, accounted, *artefacts)


def _basis(job: Job, wave: str, estimated: dict[str, Ref]) -> dict[str, str]:
    """Wave → digest of all that its figures and what may be told of them come from."""
    return {name: digest(estimated[name].key, job.ref("disclosure", name).key) for name in job.book.earlier(wave)}


def _stage(
    job: Job,
    step: Step,
    stage: str,
    wave: str,
    work: Callable[..., Artefact],
    *inputs: Ref,
    beside: Mapping[str, str] = MappingProxyType({}),
) -> Ref:
    """One stage below the identity boundary: nothing to do when its artefact is in the store."""
    ref = job.ref(stage, wave, *inputs, beside=beside)
    if not job.store.has(ref):
        artefacts = [job.store.load(own) for own in inputs]
        job.store.save(ref, step(stage, wave, lambda: work(job, wave, *artefacts), artefacts[0].rows()))
    return ref
