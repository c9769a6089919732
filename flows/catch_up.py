"""What is owed after the scheduler, its server or the whole machine was away.

Prefect forgets the scheduled runs of a deployment whenever it is served anew, plans nothing for times that are over,
and believes a run at work that died with its machine: that run would keep its survey's only place for ever.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from flows.lock import is_held
from survey.codebook.schedule import Schedule

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

LATE = timedelta(hours=1)
"""A run that begins later than this after its time is a missed one."""
SKIPPED = "Skipped"
"""Name of the state of a run that is left out."""
MADE_UP = "catch-up"
"""Tag of a run that stands in for missed ones."""
AT_WORK = ("RUNNING", "PENDING", "CANCELLING")
DONE = ("COMPLETED", "FAILED", "CANCELLED")


def missed(schedule: Schedule, due: datetime, now: datetime, done: bool) -> str:
    """Why a scheduled run is left out; "" when it has to be done.

    Of several late runs the first to start does the work of all: it reads what is there now. To leave each to the
    newest would, where starting takes longer than from one time to the next, leave out all of them for ever.

    Args: due: the time of the schedule that the run is for.   done: a run that began later has ended well.

    >>> night = Schedule(cron="30 2 * * *", timezone="UTC", catch_up="none")
    >>> missed(night, datetime(2026, 4, 6, 2, 30), datetime(2026, 4, 6, 9), done=False)
    'its time was missed (catch_up: none)'
    """
    if done:
        return "a newer run has done its work"
    return "its time was missed (catch_up: none)" if schedule.catch_up == "none" and now - due > LATE else ""


def owed(schedule: Schedule, since: datetime, now: datetime) -> datetime | None:
    """The latest time that was missed and has to be made up for, None when there is none.

    Args: since: when a run was done last, or the survey began to be served.

    >>> from datetime import UTC
    >>> night = Schedule(cron="30 2 * * *", timezone="UTC")
    >>> monday, thursday = datetime(2026, 4, 6, 2, 30, tzinfo=UTC), datetime(2026, 4, 9, 8, 0, tzinfo=UTC)
    >>> str(owed(night, monday, thursday))
    '2026-04-09 02:30:00+00:00'
    """
    due = schedule.before(now)
    return due if due is not None and schedule.catch_up == "latest" and due > since else None


def is_done(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Whether another run of the survey's schedule began after the time of this one and ended well."""
    due = run.expected_start_time
    if run.deployment_id is None or due is None:
        return False
    found = _runs(client, run.deployment_id, ("COMPLETED",), began=due)
    return any(other.id != run.id and other.state_name != SKIPPED and _of_schedule(other) for other in found)


def settle(client: SyncPrefectClient, survey: str, schedule: Schedule, work: Path, now: datetime) -> datetime | None:
    """Before a survey is served anew: give up its runs that died, and ask for one run in place of those it missed.

    Args: work: the private folder, whose lock tells whether a run is alive.
    Returns: the time that is made up for, None when nothing was missed.
    """
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Scheduled

    try:
        deployment: DeploymentResponse = client.read_deployment_by_name(f"anxin-survey/{survey}")
    except ObjectNotFound:
        return None
    if not is_held(work):
        _give_up(client, deployment.id)
    ended = _runs(client, deployment.id, DONE, due_by=now)
    known = [run.expected_start_time for run in ended if _of_schedule(run) and run.expected_start_time]
    due = owed(schedule, max([deployment.created or now, *known]), now)
    if due is not None:
        key = f"{MADE_UP} {survey} {due.isoformat()}"
        client.create_flow_run_from_deployment(
            deployment.id, state=Scheduled(message="for missed times"), tags=[MADE_UP], idempotency_key=key
        )
    return due


def _give_up(client: SyncPrefectClient, deployment: UUID) -> None:
    """Tell Prefect of runs that died without a word, which frees the survey's place."""
    from prefect.states import Cancelled, Crashed

    for run in _runs(client, deployment, AT_WORK):
        ended = Cancelled if run.state_type == "CANCELLING" else Crashed
        client.set_flow_run_state(run.id, ended(message="the machine or the service stopped in the middle of it"))


def _of_schedule(run: FlowRun) -> bool:
    return bool(run.auto_scheduled) or MADE_UP in run.tags


def _runs(
    client: SyncPrefectClient,
    deployment: UUID,
    types: tuple[str, ...],
    began: datetime | None = None,
    due_by: datetime | None = None,
) -> list[FlowRun]:
    """The newest runs of a deployment in states of some types, that began, or were due by, some time."""
    from prefect.client.schemas import filters, sorting

    asked = {
        "deployment_id": {"any_": [deployment]},
        "state": {"type": {"any_": types}},
        "start_time": {"after_": began},
        "expected_start_time": {"before_": due_by},
    }
    newest = sorting.FlowRunSort.EXPECTED_START_TIME_DESC
    return client.read_flow_runs(flow_run_filter=filters.FlowRunFilter.model_validate(asked), sort=newest, limit=200)
