"""Each wave as one coarse task on a Dask worker: from delivery to estimates, through the store that all workers share.

An errand names files and waves; the worker reads survey.yaml, deliveries and keys itself, writes artefacts into the
store, and hands back their names and the lines of its stages. No answer, no key and no text of an exception travels.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.cluster import Stopped, cluster, discreetly, result_of
from flows.job import Job
from flows.pipeline import Estimated, Step, estimated_wave, pipeline
from flows.private import discreet
from flows.run import Driver, Line, Told
from flows.workspace import Workspace, digest
from survey.errors import AnxinError, UsageError

if TYPE_CHECKING:
    pass

ENCRYPT = "ANXIN_ENCRYPT"


@dataclass(frozen=True)
class Errand:
    """What a worker is sent for one wave; seen: digest of what the sender reads in the shared files."""

    root: str
    survey: str
    wave: str
    targets: tuple[str, ...]
    languages: tuple[str, ...]
    source: str
    public: str
    overrides: str
    encrypt: str
    seen: str


@dataclass(frozen=True)
class Done:
    """What a worker hands back: names of artefacts, and a line for each stage that ran."""

    refs: Estimated
    lines: tuple[Line, ...]


def errand(job: Job, wave: str) -> Errand:
    """The errand of one wave, with paths that hold wherever the files are shared."""
    return Errand(
        str(job.workspace.root.resolve()), job.book.survey, wave, job.targets, job.languages,
        str(job.source.resolve()), str(job.public.resolve()), job.overrides,
        os.environ.get(ENCRYPT, ""), seen(job, wave),
    )  # fmt: skip


def seen(job: Job, wave: str) -> str:
    """Digest of the code, the settings and the delivery of a wave, none of them told."""
    settings = job.book.model_dump_json()
    return digest(*job.code.values(), settings, job.margins, job.decisions, job.delivered(wave))


def carried_out(task: Errand) -> Done | Stopped:
    """Carry an errand out on a worker; what stops it comes back as a value that may be told."""
    return discreetly(_carried_out, task)


def _carried_out(task: Errand) -> Done:
    os.umask(0o077)
    os.environ[ENCRYPT] = task.encrypt
    root, source = Path(task.root), Path(task.source)
    with discreet():
        overrides = json.loads(task.overrides)
        job = Job.plan(Workspace(root), task.survey, task.targets, task.languages, source, Path(task.public), overrides)
        if seen(job, task.wave) != task.seen:
            raise AnxinError(
                "A worker sees another state of the survey", where="wave {wave}", wave=task.wave,
                expected="the code, survey.yaml and deliveries of the run", got="others",
                hint="install the same version on all machines, and share data/ between them under the same path",
            )  # fmt: skip
        told = Told(lambda line: None)
        refs = estimated_wave(job, task.wave, told)
    return Done(refs, tuple(told.lines))


def across(engine: str | None, scheduler: str | None, with_prefect: bool) -> Driver:
    """A driver whose waves run on Dask, the rest of the stages here.

    Args: scheduler: address; workers on this machine if left out.   with_prefect: stages are Prefect tasks too.
    Raises: UsageError: another engine.
    """
    if engine not in (None, "dask"):
        raise UsageError("There is no such engine", expected="dask", got="{engine}", engine=engine)
    return partial(_prefect if with_prefect else _plain, scheduler)


def _plain(scheduler: str | None, job: Job, told: Told) -> dict[str, Path]:
    """Waves are tasks of Dask."""
    errands = _ready(job)
    with cluster(scheduler, job.workspace.work, _workers(job)) as client:

        def waves(_job: Job, _step: Step) -> dict[str, Estimated]:
            tasks = [client.submit(carried_out, task, pure=False) for task in errands]
            return _collected(job, told, [partial(result_of, client, each) for each in tasks])

        return pipeline(job, told, waves)


def _prefect(scheduler: str | None, job: Job, told: Told) -> dict[str, Path]:
    """Waves are tasks of Prefect that its DaskTaskRunner hands to the workers."""
    from flows.prefect_driver import environment, prefect

    for name, value in environment(job.workspace.work / "prefect").items():
        os.environ.setdefault(name, value)
    from prefect import task
    from prefect.cache_policies import NO_CACHE
    from prefect_dask.task_runners import DaskTaskRunner

    errands = _ready(job)
    with cluster(scheduler, job.workspace.work, _workers(job)) as client:
        address = scheduler or client.scheduler_info()["address"]
        runner = DaskTaskRunner(address=address, client_kwargs={"security": client.security})

        def waves(_job: Job, _step: Step) -> dict[str, Estimated]:
            submitted = [
                task(name="wave", task_run_name=f"wave {each.wave}", persist_result=False, cache_policy=NO_CACHE,
                     log_prints=False)(observed).submit(each)
                for each in errands
            ]  # fmt: skip
            return _collected(job, told, [partial(_handed_back, each) for each in submitted])

        return prefect(job, told, waves, runner)


def observed(task: Errand) -> Any:
    """`carried_out` as a task of Prefect, which is told no more of a fault than its type."""
    from prefect.states import Failed

    done = carried_out(task)
    if isinstance(done, Stopped):
        return Failed(message=f"wave {task.wave}: {type(done.fault).__name__} (values withheld)", data=done)
    return done


def _handed_back(future: Any) -> Done:
    found = future.result(raise_on_failure=False)
    if isinstance(found, Stopped):
        raise found.fault
    assert isinstance(found, Done), "what a wave hands back"
    return found


def _ready(job: Job) -> list[Errand]:
    """The errands of all waves; keys that are made at the first asking are made before workers race for them."""
    for wave in job.waves:
        job.pseudonym_keys(wave)
    return [errand(job, wave) for wave in job.waves]


def _workers(job: Job) -> int:
    return min(os.cpu_count() or 1, len(job.waves))


def _collected(job: Job, told: Told, results: list[Callable[[], Done]]) -> dict[str, Estimated]:
    """Refs by wave, in the order of the waves; the stages are told of in that order too."""
    refs: dict[str, Estimated] = {}
    for wave, result in zip(job.waves, results, strict=True):
        done = result()
        refs[wave] = done.refs
        for line in done.lines:
            told.tell(line)
    return refs
