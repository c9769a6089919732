"""The run that nobody watches: one flow that Prefect schedules, its parameters a form in Prefect's interface."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from prefect import flow
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment

from flows import run as runs
from flows.job import Job
from flows.prefect_driver import StageStopped, inside
from flows.private import withheld
from flows.workspace import Workspace
from survey.codebook import Codebook
from survey.errors import AnxinError, UsageError

WAIT = 3600.0
"""Seconds a run waits for another to end: none that was scheduled is lost."""


@flow(name="anxin-survey", flow_run_name="{survey}", persist_result=False, log_prints=False)
def publish_survey(
    survey: str,
    wave: str | None = None,
    languages: list[Literal["zh", "en"]] | None = None,
    source: str | None = None,
    overrides: dict[str, Any] | None = None,
    dry_run: bool = False,
) -> None:
    """Publish the report of a survey's wave, unless nothing changed.

    Args:
        survey: Name of a folder in data/raw.
        wave: Wave to publish; the newest when left out.
        languages: Languages of the report; all of the survey's when left out.
        source: Folder of the delivered files, when not beside survey.yaml.
        overrides: Keys of survey.yaml joined by dots, each with the value that stands in its place for this run.
        dry_run: Make everything, publish nothing.
    """
    told = ""
    try:
        waves = None if wave is None else (wave,)
        place = None if source is None else Path(source)
        spoken = tuple(languages) if languages else None
        job = Job.plan(Workspace(Path.cwd()), survey, waves, spoken, place, Path("public"), overrides, dry_run)
        runs.run(job, inside, "prefect", lambda line: None, lambda: datetime.now(UTC), WAIT)
    except AnxinError as error:
        told = f"{survey}: {withheld(error)}"  # the whole of it stands in the ledger, for the team
    if told:
        raise StageStopped(told)  # outside the except block, so that no __context__ rides along


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
    from prefect.client.schemas.schedules import CronSchedule

    assert book.schedule is not None, "asked for above"
    try:
        ZoneInfo(book.schedule.timezone)
        when = CronSchedule(cron=book.schedule.cron, timezone=book.schedule.timezone)
    except (ValueError, ZoneInfoNotFoundError):
        raise UsageError(
            "The schedule of {survey} cannot be kept",
            where="data/raw/{survey}/survey.yaml, schedule",
            expected="a cron line of five fields, and the name of a time zone",
            got="{cron}, {timezone}",
            survey=book.survey,
            cron=book.schedule.cron,
            timezone=book.schedule.timezone,
        ) from None
    missed = {"latest": ConcurrencyLimitStrategy.CANCEL_NEW, "all": ConcurrencyLimitStrategy.ENQUEUE}
    made = publish_survey.to_deployment(
        name=book.survey,
        schedules=[when],
        parameters={"survey": book.survey},
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=missed[book.schedule.catch_up]),
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
