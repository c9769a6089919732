"""Deployments for a work pool: prefect.yaml, written from the schedules of the surveys, so that these stand once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from ruamel.yaml.comments import CommentedMap

from flows.yaml_text import dumped

POOL = "anxin"
ENTRYPOINT = "flows.night.publish_survey"
"""By module: a worker finds it wherever Anxin is installed, whatever folder the surveys lie in."""
HEAD = """\
# From the `schedule:` of each survey.yaml, by `anxin deployments > prefect.yaml`: change it there, write this anew.
# ANXIN_HOME is the folder that holds data/ and public/; the worker reads it when a run begins.
"""


def prefect_yaml(deployments: Sequence[RunnerDeployment]) -> str:
    """Text of prefect.yaml: each deployment of `anxin serve` as one of a process work pool."""
    step = {"prefect.deployments.steps.set_working_directory": {"directory": "{{ $ANXIN_HOME }}"}}
    root = CommentedMap(pull=[step], deployments=[_entry(deployment) for deployment in deployments])
    return HEAD + dumped(root)


def _entry(deployment: RunnerDeployment) -> CommentedMap:
    entry = CommentedMap(name=deployment.name)
    if deployment.description:
        entry["description"] = deployment.description
    entry["entrypoint"] = ENTRYPOINT
    entry["parameters"] = CommentedMap(deployment.parameters or {})
    entry["schedules"] = [
        CommentedMap(each.schedule.model_dump(mode="json", include={"cron", "timezone"}, exclude_none=True))
        for each in deployment.schedules or []
        if each.schedule is not None
    ]
    limit = _limit(deployment)
    if limit:
        entry["concurrency_limit"] = CommentedMap(limit)
    entry["work_pool"] = CommentedMap(name=POOL)
    return entry


def _limit(deployment: RunnerDeployment) -> dict[str, Any]:
    """The limit of runs at a time; Prefect keeps its parts apart once a deployment is made."""
    limit = deployment.concurrency_limit
    if isinstance(limit, ConcurrencyLimitConfig):
        return limit.model_dump(mode="json", exclude_none=True)
    if limit is None:
        return {}
    options = deployment.concurrency_options
    return {"limit": limit, **(options.model_dump(mode="json", exclude_none=True) if options else {})}
