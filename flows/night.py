"""The run that nobody watches: one flow that Prefect schedules, its parameters a form in Prefect's interface."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from prefect import flow
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, State
from prefect.context import FlowRunContext
from prefect.deployments.runner import RunnerDeployment
from prefect.states import Completed

from flows import run as runs
from flows.incoming import take_in
from flows.job import Job
from flows.notify import not_begun
from flows.prefect_driver import StageStopped, inside
from flows.private import withheld
from flows.workspace import Workspace
from survey.codebook import Codebook
from survey.codebook.schedule import Schedule
from survey.errors import AnxinError, UsageError

WAIT = 12 * 3600.0
"""Seconds a run waits for another to end: none that was asked for is lost."""
LATE = timedelta(hours=1)
"""A run that begins later than this after its time is a missed one."""


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
        source: Folder of the delivered files, when not beside survey.yaml.
        overrides: Keys of survey.yaml joined by dots, each with the value that stands in its place for this run.
        dry_run: Make everything, publish nothing.
    """
    told, skipped, planned = "", "", False
    try:
        workspace, waves = Workspace(Path.cwd()), None if wave is None else (wave,)
        skipped = missed(workspace.book(survey).schedule, _due(), _now())
        if not skipped:
            if source is None and not dry_run:
                take_in(workspace, survey, lambda told: None, _now, WAIT)
            place, spoken = None if source is None else Path(source), tuple(languages) if languages else None
            job = Job.plan(workspace, survey, waves, spoken, place, Path("public"), overrides, dry_run)
            planned = True
            runs.run(job, inside, "prefect", lambda line: None, _now, WAIT)
    except BaseException as error:
        if runs.is_order(error):
            raise
        told = f"{survey}: {withheld(error)}"
        _tell_the_team(error)
        if not planned:  # a run tells of itself
            not_begun(survey, withheld(error), os.environ)
    if told:
        raise StageStopped(told)  # outside the except block, so that no __context__ rides along
    return Completed(name="Skipped", message=skipped) if skipped else None


def missed(schedule: Schedule | None, due: datetime | None, now: datetime) -> str:
    """Why a run is left out; "" when it has to be done. A run that somebody asked for is always done.

    Args: due: the time of the schedule that the run is for, None where somebody asked for it.

    >>> night = Schedule(cron="30 2 * * *", timezone="UTC")
    >>> monday, wednesday = (datetime(2026, 4, day, 2, 30, tzinfo=UTC) for day in (6, 8))
    >>> missed(night, monday, wednesday)
    'the run for a later time does its work'
    >>> missed(night, wednesday, wednesday + timedelta(hours=9))
    ''
    """
    if schedule is None or due is None:
        return ""
    later = schedule.after(due)
    if later is not None and later <= now:
        return "the run for a later time does its work"
    return "its time was missed (catch_up: none)" if schedule.catch_up == "none" and now - due > LATE else ""


def _now() -> datetime:
    return datetime.now(UTC)


def _due() -> datetime | None:
    """The time of the schedule that this run is for; None where somebody asked for it, or Prefect runs nothing."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or not context.flow_run.auto_scheduled:
        return None
    return context.flow_run.expected_start_time


def _tell_the_team(error: BaseException) -> None:
    """The whole of a fault on the terminal or journal of this machine; Prefect is told type and place only."""
    known = error if isinstance(error, AnxinError) else runs.unexpected(error)
    print(known, file=sys.stderr)  # noqa: T201


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
    serve(*deployments(workspace, surveys))
