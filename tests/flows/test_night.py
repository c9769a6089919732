"""A schedule that really fires: a real server, `anxin serve`, a report the next minute, a form that refuses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from flows.job import Job
from flows.ledger import Ledger
from flows.night import deployments
from flows.prefect_driver import environment, prefect
from flows.run import Told
from flows.workspace import Workspace
from survey.errors import CodebookError, UsageError
from survey.survey_yaml import parse
from tests.flows.test_prefect_guard import api, end, home, post
from tests.flows.test_run import published, run
from tests.small_survey import YAML, write

assert api, "a fixture"
assert home, "a fixture"
EVERY_MINUTE = YAML + 'schedule: {cron: "* * * * *"}\n'


def test_a_schedule_fires_and_publishes_the_bytes_of_a_plain_run(api: str, home: Path, tmp_path: Path) -> None:
    write(tmp_path / "plain", EVERY_MINUTE)
    run(tmp_path / "plain")
    root = tmp_path / "served"
    write(root, EVERY_MINUTE)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    settings = environment(home / "client") | {"PREFECT_API_URL": api, "PYTHONPATH": str(Path.cwd()), "HOME": str(home)}
    log = tmp_path / "serve.log"
    with log.open("wb") as stream:
        serving = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "serve"],
            cwd=root, env=inherited | settings, stdout=stream, stderr=stream, start_new_session=True,
        )  # fmt: skip
    try:
        late = time.monotonic() + 300
        ledger = Ledger(root / "data" / "work" / "ledger.jsonl")
        while not ledger.entries():
            assert serving.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < late, log.read_text()[-3000:]
            time.sleep(1)
        assert published(root) == published(tmp_path / "plain")
        assert [(entry["status"], entry["driver"]) for entry in ledger.entries()] == [("published", "prefect")]
        _, (deployment,) = post(f"{api}/deployments/filter", {"deployments": {"name": {"any_": ["small-town"]}}})
        form = deployment["parameter_openapi_schema"]["properties"]
        assert list(form) == ["survey", "wave", "languages", "source", "overrides", "dry_run"]
        assert "Make everything, publish nothing" in form["dry_run"]["description"]
        address = f"{api}/deployments/{deployment['id']}/create_flow_run"
        status, told = post(address, {"parameters": {"survey": "small-town", "languages": ["fr"]}})
        assert (status, "fr" in str(told)) == (409, True)
    finally:
        serving.send_signal(signal.SIGINT)
        end(serving)


def test_surveys_with_a_schedule_are_served_with_it(tmp_path: Path) -> None:
    write(tmp_path, YAML + 'schedule: {cron: "30 2 * * 1", timezone: Europe/Berlin, catch_up: all}\n')
    (found,) = deployments(Workspace(tmp_path), ())
    assert found.name == "small-town"
    assert found.parameters == {"survey": "small-town"}
    schedule: Any = (found.schedules or [])[0].schedule
    assert (schedule.cron, schedule.timezone) == ("30 2 * * 1", "Europe/Berlin")
    assert found.concurrency_limit == 1
    assert found.concurrency_options is not None
    assert found.concurrency_options.collision_strategy.name == "ENQUEUE"


@pytest.mark.parametrize("line", ['cron: "61 2 * * *"', 'cron: "30 2 * * *", timezone: Mars/Base'])
def test_a_schedule_that_cannot_be_kept_is_told(tmp_path: Path, line: str) -> None:
    write(tmp_path, YAML + f"schedule: {{{line}}}\n")
    with pytest.raises(UsageError, match="The schedule of small-town cannot be kept"):
        deployments(Workspace(tmp_path), ())


def test_without_a_schedule_there_is_nothing_to_serve(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(UsageError, match="No survey has a schedule"):
        deployments(Workspace(tmp_path), ())
    with pytest.raises(CodebookError, match=r"schedule\.cron"):
        parse(YAML + "schedule: {cron: nightly}\n")


@pytest.mark.parametrize(("error", "tries"), [(OSError(116, "Stale file handle"), 4), (ValueError("张三"), 1)])
def test_only_a_fault_of_the_files_is_tried_again(
    api: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, tries: int
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", api)
    monkeypatch.setattr("flows.prefect_driver.DELAY", 0.01)
    write(tmp_path)
    planned = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public")
    count: list[int] = []

    def failing(*_: object) -> None:
        count.append(1)
        raise error

    monkeypatch.setattr("flows.stages.intake", failing)
    with pytest.raises(type(error)):
        prefect(planned, Told(lambda line: None))
    assert len(count) == tries
