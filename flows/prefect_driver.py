"""The Prefect driver: the same stages as tasks, observed and named in Prefect's interface.

Nothing of a resident reaches Prefect: a task takes no parameter and returns nothing (its result stays in this process),
and what it raises is a fixed sentence with type and place. See the measured facts in docs/decisions.md.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from flows.artifacts import leave
from flows.job import Job
from flows.pipeline import Step, Waves, one_by_one, pipeline
from flows.private import folder, hidden, withheld
from flows.run import Told, is_order

Result = TypeVar("Result")
SECONDS = 600.0
"""A stage that takes longer hangs; the largest survey there is takes a minute for all of them."""
LONG = dict.fromkeys(("estimate", "compare", "model", "disclosure"), 3600.0)
"""Stages whose work grows faster than the survey: many breakdowns, regressions, the integer program."""
RETRIED = ("planning", "taking in", "intake", "publication")
"""Stages that reach for files of others: a share that was gone may be back in a moment; nothing else gets better."""
DELAYS, JITTER = (2.0, 8.0, 32.0), 0.5


class StageStopped(RuntimeError):
    """All that Prefect is told of a fault: stage, wave, type and place."""


def environment(home: Path) -> dict[str, str]:
    """Settings of Prefect for this project; a variable that is set already wins."""
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # By default any page that a browser of this machine has open may read what Prefect answers.
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "http://127.0.0.1:4200",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_V2_ENABLED": "false",
        # The embedded server needs longer than the default 20 s for its first start on a slow machine.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    }


def prefect(job: Job, step: Told, through: Waves = one_by_one, runner: Any = None) -> dict[str, Path]:
    """Run the pipeline as one flow, each stage as a task; the API is PREFECT_API_URL's, else an embedded server's.

    Args: through: takes the waves to their estimates.   runner: a task runner of Prefect, for tasks that are submitted.
    Raises: what the stage raised, as under the plain driver.
    """
    home = folder(job.workspace.work / "prefect")
    for name, value in environment(home).items():
        os.environ.setdefault(name, value)
    from prefect import flow
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    faults: list[BaseException] = []
    published: dict[str, Path] = {}
    named = f"{job.book.survey} {job.targets[-1]}"

    @flow(name="anxin", flow_run_name=named, persist_result=False, log_prints=False, task_runner=runner)
    def anxin(survey: str, waves: list[str]) -> None:
        told = observed(job, step, through, published, faults)
        if told:
            raise StageStopped(told)  # outside of any except block, so that no __context__ rides along

    stopped = False
    without_heartbeat = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})  # its thread costs 1 s at exit
    with without_heartbeat, _nobody_else(), _secret_hidden(job):
        try:
            anxin(job.book.survey, list(job.targets))
        except StageStopped:
            stopped = True
    if stopped:
        raise faults[-1]
    return published


def inside(told: list[str], job: Job, step: Told) -> dict[str, Path]:
    """Run the pipeline inside a flow that Prefect has started already, each stage as a task.

    Args: told: takes what Prefect may be told of a fault.   Raises: what the stage raised, as under the plain driver.
    """
    faults: list[BaseException] = []
    published: dict[str, Path] = {}
    stopped = observed(job, step, one_by_one, published, faults)
    if stopped:
        told.append(stopped)
        raise faults[-1]
    return published


def observed(job: Job, step: Told, through: Waves, published: dict[str, Path], faults: list[BaseException]) -> str:
    """Run the pipeline with its stages as tasks, and leave Prefect something to show.

    Returns: what Prefect may be told of a fault, "" when there was none.
    """
    told = _piped(job, step, through, published, faults)
    leave(job, step.lines, published)
    return told


def watched(stage: str, name: str, work: Callable[[], Result], faults: list[BaseException]) -> Result:
    """What a piece of work before the pipeline comes to, as a task like a stage.

    Args: faults: takes what went wrong.   Raises: StageStopped: what Prefect may be told of it.
    """
    return as_tasks(lambda _stage, _wave, asked, _rows: asked(), faults)(stage, name, work, 0)


def _piped(job: Job, step: Step, through: Waves, published: dict[str, Path], faults: list[BaseException]) -> str:
    try:
        published.update(pipeline(job, as_tasks(step, faults), through))
    except StageStopped as stop:
        return str(stop)
    except BaseException as error:  # the store or the publication failed, outside of any task
        if is_order(error):
            raise
        faults.append(error)
        return withheld(error)
    return ""


@contextmanager
def _secret_hidden(job: Job) -> Iterator[None]:
    """Take the secrets out of the environment, which Prefect's server and all that it starts would inherit."""
    assert job.keys, "read before the secret is hidden"
    with hidden("ANXIN_KEY", "ANXIN_NOTIFY"):
        yield


@cache
def _password() -> str:
    """The password of this process, whose runs may share one embedded server."""
    return f"anxin:{secrets.token_urlsafe(18)}"


@contextmanager
def _nobody_else() -> Iterator[None]:
    """Give the embedded server a password.

    Whoever reaches its port could leave a run in its database, which starts any program when that is served one day.
    """
    from prefect.settings import (
        PREFECT_API_AUTH_STRING,
        PREFECT_API_URL,
        PREFECT_SERVER_API_AUTH_STRING,
        temporary_settings,
    )

    if PREFECT_API_URL.value():
        yield
        return
    with temporary_settings({PREFECT_API_AUTH_STRING: _password(), PREFECT_SERVER_API_AUTH_STRING: _password()}):
        yield


def as_tasks(step: Step, faults: list[BaseException]) -> Step:
    """A step that runs each stage as a Prefect task which shows Prefect its name and its fate, nothing else."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    def run_as_task(stage: str, wave: str, work: Callable[[], Result], rows_in: int) -> Result:
        box: list[Result] = []

        @task(
            name=stage,
            task_run_name=f"{stage} {wave}",
            persist_result=False,
            cache_policy=NO_CACHE,
            log_prints=False,
            timeout_seconds=LONG.get(stage, SECONDS),
            retries=len(DELAYS) if stage in RETRIED else 0,
            retry_delay_seconds=list(DELAYS),
            retry_jitter_factor=JITTER,
            retry_condition_fn=lambda *_: isinstance(faults[-1], OSError) if faults else False,
        )
        def shown() -> None:
            told = ""
            try:
                box.append(step(stage, wave, work, rows_in))
            except BaseException as error:
                if is_order(error):
                    raise
                faults.append(error)
                told = f"{stage} {wave}: {withheld(error)}"
            if told:
                raise StageStopped(told)  # outside the except block, so that no __context__ rides along

        shown()
        return box[0]

    return run_as_task
