"""A schedule that really fires: a real server, `anxin serve`, a report the next minute, a form that refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from asyncio import CancelledError
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.exceptions import TerminationSignal
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.job import Job
from flows.ledger import Ledger
from flows.night import deployments, missed, publish_survey
from flows.prefect_driver import StageStopped, environment, prefect
from flows.run import Told
from flows.workspace import Workspace
from survey.codebook.schedule import Schedule
from survey.errors import CodebookError, UsageError
from survey.survey_yaml import parse
from tests.flows.leaks import FOUND, Panic, leak
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
    write(tmp_path, YAML + 'schedule: {cron: "30 2 * * 1", timezone: Europe/Berlin, catch_up: none}\n')
    (found,) = deployments(Workspace(tmp_path), ())
    assert found.name == "small-town"
    assert found.parameters == {"survey": "small-town"}
    schedule: Any = (found.schedules or [])[0].schedule
    assert (schedule.cron, schedule.timezone) == ("30 2 * * 1", "Europe/Berlin")
    assert found.concurrency_limit == 1
    assert found.concurrency_options is not None
    assert found.concurrency_options.collision_strategy.name == "ENQUEUE"


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('cron: "61 2 * * *"', "schedule.cron"),
        ('cron: "0 0 30 2 *"', "schedule.cron"),
        ('cron: "30 2 * * *", timezone: Mars/Base', "schedule.timezone"),
        ('cron: "30 2 * * *", timezone: Europe', "schedule.timezone"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_told_with_its_line(line: str, path: str) -> None:
    with pytest.raises(CodebookError) as caught:
        parse(YAML + f"schedule: {{{line}}}\n")
    assert caught.value.parts()["where"] == f"survey.yaml line {len(YAML.splitlines()) + 1}, {path}"


SECRETS = [FOUND[kind][0] for kind in ("name", "phone", "english_address", "email")]
MINUTES = Schedule(cron="* * * * *", timezone="UTC")
NIGHTS = Schedule(cron="30 2 * * *", timezone="Asia/Shanghai", catch_up="none")
DUE = datetime(2026, 4, 6, 18, 30, tzinfo=UTC)  # half past two in Shanghai


@pytest.mark.parametrize(
    ("schedule", "due", "late", "why"),
    [
        (MINUTES, DUE, timedelta(seconds=59), ""),
        (MINUTES, DUE, timedelta(seconds=60), "the run for a later time does its work"),
        (MINUTES, None, timedelta(days=9), ""),
        (None, DUE, timedelta(days=9), ""),
        (NIGHTS, DUE, timedelta(minutes=59), ""),
        (NIGHTS, DUE, timedelta(hours=2), "its time was missed (catch_up: none)"),
        (NIGHTS, DUE, timedelta(hours=25), "the run for a later time does its work"),
        (NIGHTS.model_copy(update={"catch_up": "latest"}), DUE, timedelta(hours=23), ""),
    ],
)
def test_of_missed_times_the_latest_is_made_up_for(
    schedule: Schedule | None, due: datetime | None, late: timedelta, why: str
) -> None:
    assert missed(schedule, due, DUE + late) == why


@pytest.mark.parametrize("kind", [ValueError, OSError, Panic])
def test_a_fault_of_planning_tells_prefect_its_place_only(
    api: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("flows.job.Job.plan", leak(kind))
    with temporary_settings({PREFECT_API_URL: api}), pytest.raises(StageStopped) as caught:
        publish_survey("small-town")
    assert str(caught.value).startswith(f"small-town: {kind.__name__} at flows/")
    assert caught.value.__context__ is None
    _, runs = post(f"{api}/flow_runs/filter", {"flow_runs": {"name": {"any_": ["small-town"]}}})
    assert kind.__name__ in json.dumps(runs)
    texts = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    assert any(kind.__name__.encode() in text for text in texts)
    assert [part for part in SECRETS if any(part.encode() in text for text in texts)] == []


@pytest.mark.parametrize("order", [TerminationSignal(15), KeyboardInterrupt(), CancelledError()])
def test_a_wish_to_end_passes_through_as_it_is(order: BaseException) -> None:
    def end_it() -> None:
        raise order

    with pytest.raises(type(order)) as caught:
        Told(lambda line: None)("intake", "w1", end_it, 0)
    assert caught.value is order


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
    monkeypatch.setattr("flows.prefect_driver.DELAYS", (0.01, 0.01, 0.01))
    write(tmp_path)
    planned = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public")
    count: list[int] = []

    def failing(*_: object) -> None:
        count.append(1)
        raise error

    monkeypatch.setattr("flows.stages.intake", failing)
    with temporary_settings({PREFECT_API_URL: api}), pytest.raises(type(error)):
        prefect(planned, Told(lambda line: None))
    assert len(count) == tries
