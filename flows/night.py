"""The run that nobody watches: one flow that Prefect schedules, its parameters a form in Prefect's interface."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from prefect import flow, get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, State
from prefect.context import FlowRunContext
from prefect.deployments.runner import RunnerDeployment
from prefect.states import Completed

from flows import run as runs
from flows.catch_up import SKIPPED, is_done, missed, settle
from flows.incoming import take_in
from flows.job import Job
from flows.ledger import fingerprint
from flows.notify import not_begun
from flows.prefect_driver import StageStopped, inside, watched
from flows.private import aside, discreet, folder, withheld
from flows.words import t
from flows.workspace import Workspace
from survey.codebook import Codebook
from survey.codebook.schedule import Schedule
from survey.errors import AnxinError, UsageError

WAIT = 12 * 3600.0
"""Seconds a run waits for another to end: none that was asked for is lost."""
TRIAL = "overrides and source are for trials: tick dry run as well. What is published follows survey.yaml and data/raw"
"""Told to Prefect as it is, for no value is in it: whoever can start a run may not loosen what protects residents."""
WAVES = "overrides may not say where a wave lies: a query would be put to the database for whoever can start a run"
TRIED = "`anxin history` tells what came of it"
"""All Prefect is told of a trial: a yes or no about a group that its overrides choose would tell of a single person."""
Chosen: TypeAlias = tuple[tuple[str, ...] | None, tuple[str, ...] | None, Path | None]
"""Waves, languages and source, None where the survey decides."""


@flow(name="anxin-survey", flow_run_name="{survey}", persist_result=False, log_prints=False)
def publish_survey(
    survey: str,
    wave: str | None = None,
    languages: list[Literal["zh", "en"]] | None = None,
    source: str | None = None,
    overrides: dict[str, Any] | None = None,
    dry_run: bool = False,
) -> State[None] | None:
    """Publish the report of a survey's wave, unless nothing changed.

    Args:
        survey: Name of a folder in data/raw.
        wave: Wave to publish; the newest when left out.
        languages: Languages of the report; all of the survey's when left out.
        source: Folder of the delivered files, when not beside survey.yaml; only with dry_run.
        overrides: Keys of survey.yaml joined by dots, each with the value that stands in its place; only with dry_run.
        dry_run: Make everything, publish nothing.
    """
    if not dry_run and (overrides or source is not None):
        raise StageStopped(TRIAL)
    if any(name.split(".")[0] == "waves" for name in overrides or {}):
        raise StageStopped(WAVES)
    chosen = (
        None if wave is None else (wave,),
        tuple(languages or ()) or None,
        None if source is None else Path(source),
    )
    with discreet():  # Prefect runs it in a process of its own, where nobody else sees to that
        told, skipped = _night(survey, chosen, overrides, dry_run)
    if told:
        raise StageStopped(told)  # outside of any except block, so that no __context__ rides along
    if dry_run:
        return Completed(name="Tried", message=TRIED)
    return Completed(name=SKIPPED, message=skipped) if skipped else None


def _night(survey: str, chosen: Chosen, overrides: dict[str, Any] | None, dry: bool) -> tuple[str, str]:
    """Plan, take in, run; what Prefect may be told of a fault, and why the run is left out, "" for neither."""
    told: list[str] = []
    faults: list[BaseException] = []
    skipped, begun = "", False
    try:
        plan = partial(_planned, survey, chosen, overrides, dry)
        job = plan() if dry else watched("planning", survey, plan, faults)  # a query of a trial answers yes or no here
        skipped = _skipped(job.book.schedule, _now())
        if not skipped:
            if not dry:
                watched("taking in", survey, partial(_taken_in, job), faults)
            begun = True
            driver, name = (runs.plain, "plain") if dry else (partial(inside, told), "prefect")
            runs.run(job, driver, name, lambda line: None, _now, WAIT)
    except BaseException as error:
        if runs.is_order(error):
            error.__context__ = error.__cause__ = None
            raise
        known = isinstance(error, StageStopped)
        told.append(str(error) if known else f"{survey}: {withheld(error)}")
        faults.append(faults[-1] if known and faults else error)
    if told:
        _tell_the_team(faults[-1])
        workspace = Workspace(Path.cwd())
        # A run tells of itself, a trial of nothing; a name from outside names no file.
        if not (begun or dry) and survey in workspace.surveys():
            not_begun(workspace.work, survey, told[0], os.environ)
    return (told[0] if told and not dry else ""), skipped


def _planned(survey: str, chosen: Chosen, overrides: dict[str, Any] | None, dry: bool) -> Job:
    """The job, all of whose files have been reached once: a share that is gone is asked again here."""
    job = Job.plan(Workspace(Path.cwd()), survey, *chosen, Path("public"), overrides, dry)
    fingerprint(job)
    return job


def _taken_in(job: Job) -> None:
    """Take what was delivered to data/incoming, before the run reads it."""
    take_in(job.workspace, job.book.survey, lambda told: None, _now, WAIT)


def _now() -> datetime:
    return datetime.now(UTC)


def _skipped(schedule: Schedule | None, now: datetime) -> str:
    """Why this run is left out; "" when it has to be done. What somebody asked for is always done."""
    context = FlowRunContext.get()
    run = context.flow_run if context is not None else None
    if schedule is None or run is None or not run.auto_scheduled or run.expected_start_time is None:
        return ""
    with get_client(sync_client=True) as client:
        return missed(schedule, run.expected_start_time, now, is_done(client, run))


def _tell_the_team(error: BaseException) -> None:
    """The whole of a fault on the terminal or journal of this machine; Prefect is told type and place only."""
    aside(str(error if isinstance(error, AnxinError) else runs.unexpected(error)))


def deployments(workspace: Workspace, surveys: tuple[str, ...]) -> list[RunnerDeployment]:
    """A deployment for each survey that has a schedule.

    Args: surveys: those that are meant, none for all.   Raises: UsageError: none of them has a schedule.
    """
    books = [workspace.book(name) for name in surveys or workspace.surveys()]
    scheduled = [book for book in books if book.schedule is not None]
    if not scheduled:
        raise UsageError(
            "No survey has a schedule",
            where="{names}",
            expected="for example schedule: {{cron: 30 2 * * *}}",
            got="none",
            names=", ".join(book.survey for book in books),
        )
    return [_deployment(book) for book in scheduled]


def _deployment(book: Codebook) -> RunnerDeployment:
    """One run of a survey at a time, the others wait: what was asked for by hand is never dropped."""
    from prefect.client.schemas.schedules import CronSchedule

    assert book.schedule is not None, "asked for above"
    made = publish_survey.to_deployment(
        name=book.survey,
        schedules=[CronSchedule(cron=book.schedule.cron, timezone=book.schedule.timezone)],
        parameters={"survey": book.survey},
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
        description=next(iter(book.title.values())),
    )
    assert isinstance(made, RunnerDeployment), "outside of an event loop"
    return made


def _readable(workspace: Workspace) -> tuple[str, ...]:
    """The surveys that can be read; of the others the team is told, and the rest of the night goes on without them."""
    found = []
    for name in workspace.surveys():
        try:
            workspace.book(name)
            found.append(name)
        except AnxinError as error:
            _tell_the_team(error)
            not_begun(workspace.work, name, withheld(error), os.environ)
    return tuple(found)


def keep_serving(workspace: Workspace, surveys: tuple[str, ...]) -> None:
    """Run the surveys at their times until it is stopped; the API is PREFECT_API_URL's.

    Raises: UsageError: there is no server to ask, or no survey has a schedule.
    """
    from prefect import serve

    if "PREFECT_API_URL" not in os.environ:
        raise UsageError(
            "A schedule needs a Prefect server",
            expected="its address in PREFECT_API_URL, such as http://127.0.0.1:4200/api",
            hint="start one with `prefect server start`, or all of it with `make serve-demo`",
        )
    if "PREFECT_API_AUTH_STRING" not in os.environ:
        aside(t("Prefect's server takes runs from whoever reaches it: give it a password (docs/operations.md)"))
    made = deployments(workspace, surveys or _readable(workspace))
    work = folder(workspace.work)
    with get_client(sync_client=True) as client:
        for name in (each.name for each in made):
            schedule = workspace.book(name).schedule
            assert schedule is not None, "it has a deployment"
            settle(client, name, schedule, work, datetime.now(UTC))
    serve(*made)
