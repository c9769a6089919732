"""A schedule that really fires: a real server, `anxin serve`, a report the next minute, a form that refuses."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from asyncio import CancelledError
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect import State, get_client
from prefect.exceptions import TerminationSignal
from prefect.flow_engine import run_flow
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Pending, Running

from flows.catch_up import missed, owed, settle
from flows.job import Job
from flows.ledger import Ledger
from flows.lock import only_one
from flows.night import deployments, keep_serving, publish_survey
from flows.prefect_driver import StageStopped, environment, prefect
from flows.private import folder
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
        assert "takes runs from whoever reaches it" in log.read_text(), "this server has no password"
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
        ('cron: "30 2 L * *"', "schedule.cron"),
        ('cron: "30 2 * * 5-5"', "schedule.cron"),
        ('cron: "30 2 1 * MON"', "schedule.cron"),
        ('cron: "30 2 * * *", timezone: Mars/Base', "schedule.timezone"),
        ('cron: "30 2 * * *", timezone: Europe', "schedule.timezone"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_told_with_its_line(line: str, path: str) -> None:
    with pytest.raises(CodebookError) as caught:
        parse(YAML + f"schedule: {{{line}}}\n")
    assert caught.value.parts()["where"] == f"survey.yaml line {len(YAML.splitlines()) + 1}, {path}"


@pytest.mark.parametrize(
    "asked",
    [{"overrides": {"disclosure.min_n": 1}}, {"overrides": {"title.en": "Another"}}, {"source": "/tmp"}],
    ids=["disclosure", "title", "source"],
)
def test_who_can_start_a_run_can_publish_nothing_but_what_survey_yaml_says(
    api: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    with temporary_settings({PREFECT_API_URL: api}):
        with pytest.raises(StageStopped, match="are for trials"):
            publish_survey("small-town", **asked)
        assert not (tmp_path / "public").exists()
        assert not (tmp_path / "data" / "work").exists()
        trial = publish_survey("small-town", dry_run=True, overrides={"disclosure.min_n": 8})
    assert trial is None
    assert not (tmp_path / "public" / "small-town").exists()
    (entry,) = Ledger(tmp_path / "data" / "work" / "ledger.jsonl").entries()
    assert (entry["status"], entry["overrides"]) == ("tried", {"disclosure.min_n": 8})


def test_a_trial_tells_prefect_nothing_of_the_persons_its_overrides_choose(
    api: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether there are such persons could be read from whether a gate holds, or which stage stopped."""
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    ends = []
    with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
        for least in (1, 100_000):
            asked = {"survey": "small-town", "dry_run": True, "overrides": {"gates.min_completes": least}}
            state = run_flow(publish_survey, parameters=asked, return_type="state")
            assert isinstance(state, State)
            run = client.read_flow_run(state.state_details.flow_run_id)  # type: ignore[arg-type]
            of_it = {"flow_runs": {"id": {"any_": [str(run.id)]}}}
            tasks = {task["name"] for task in post(f"{api}/task_runs/filter", of_it)[1]}
            ends.append((state.name, state.message, tasks, post(f"{api}/artifacts/filter", of_it)[1]))
    assert ends[0] == ends[1] == ("Tried", "`anxin history` tells what came of it", set(), [])
    statuses = [entry["status"] for entry in Ledger(tmp_path / "data" / "work" / "ledger.jsonl").entries()]
    assert statuses == ["tried", "stopped"]
    assert "min_completes" in capsys.readouterr().err, "the team is told all of it"


QUERY = "SELECT a1 FROM answers WHERE name = '{name}'"


def test_a_trial_that_cannot_begin_tells_prefect_and_the_team_s_chat_nothing(
    api: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A delivery that is asked of a database answers already while the trial is planned."""
    with sqlite3.connect(tmp_path / "answers.db") as database:
        database.execute("CREATE TABLE answers (name TEXT, a1 TEXT)")
        database.execute("INSERT INTO answers VALUES ('Wang', '4')")
    monkeypatch.setenv("ANXIN_DATABASE", f"sqlite:///{tmp_path / 'answers.db'}")
    monkeypatch.setenv("ANXIN_NOTIFY", "json://127.0.0.1:9/token")
    monkeypatch.chdir(tmp_path)
    ends = []
    with temporary_settings({PREFECT_API_URL: api}):
        for name in ("Wang", "Li"):
            write(tmp_path, yaml=YAML.replace("file: w1.csv", f'file: w1.csv\n    query: "{QUERY.format(name=name)}"'))
            state = run_flow(publish_survey, parameters={"survey": "small-town", "dry_run": True}, return_type="state")
            assert isinstance(state, State)
            ends.append((state.name, state.message))
        asked = {"survey": "small-town", "dry_run": True, "overrides": {"waves.w1.query": "SELECT 1"}}
        with pytest.raises(StageStopped, match="may not say where a wave lies"):
            publish_survey(**asked)
    assert ends[0] == ends[1] == ("Tried", "`anxin history` tells what came of it")
    assert not (tmp_path / "data" / "work" / "told").exists()


def test_the_name_of_a_survey_that_is_none_names_no_file(
    api: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANXIN_NOTIFY", "json://127.0.0.1:9/token")
    with temporary_settings({PREFECT_API_URL: api}), pytest.raises(StageStopped, match="UsageError at flows/workspace"):
        publish_survey("../../../told")
    assert [path.name for path in tmp_path.rglob("*.json")] == []


SECRETS = [FOUND[kind][0] for kind in ("name", "phone", "english_address", "email")]
LATEST = Schedule(cron="30 2 * * *", timezone="Asia/Shanghai")
NONE = LATEST.model_copy(update={"catch_up": "none"})
DUE = datetime(2026, 4, 6, 18, 30, tzinfo=UTC)  # half past two in Shanghai


@pytest.mark.parametrize(
    ("schedule", "late", "done", "why"),
    [
        (LATEST, timedelta(minutes=1), False, ""),
        (LATEST, timedelta(minutes=1), True, "a newer run has done its work"),
        (LATEST, timedelta(days=5), False, ""),
        (NONE, timedelta(minutes=59), False, ""),
        (NONE, timedelta(hours=2), False, "its time was missed (catch_up: none)"),
        (NONE, timedelta(hours=25), True, "a newer run has done its work"),
    ],
)
def test_a_missed_run_is_left_out_where_its_work_is_done(
    schedule: Schedule, late: timedelta, done: bool, why: str
) -> None:
    assert missed(schedule, DUE, DUE + late, done) == why


@pytest.mark.parametrize(
    ("schedule", "since", "late", "nights"),
    [
        (LATEST, timedelta(0), timedelta(hours=9), None),
        (LATEST, timedelta(hours=-3), timedelta(hours=9), 0),
        (LATEST, timedelta(0), timedelta(days=5, hours=9), 5),
        (LATEST, timedelta(days=5, hours=1), timedelta(days=5, hours=9), None),
        (NONE, timedelta(0), timedelta(days=5, hours=9), None),
    ],
)
def test_the_latest_of_the_missed_times_is_owed(
    schedule: Schedule, since: timedelta, late: timedelta, nights: int | None
) -> None:
    due = None if nights is None else DUE + timedelta(days=nights)
    assert owed(schedule, DUE + since, DUE + late) == due


def registered(api: str, root: Path, schedule: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a deployment of a small survey with a name of its own."""
    name = root.name.replace("_", "-")
    raw = write(root, YAML.replace("survey: small-town", f"survey: {name}") + f"schedule: {schedule}\n")
    raw.rename(raw.parent / name)
    monkeypatch.chdir(root)
    (made,) = deployments(Workspace(root), ())
    found = made.apply()
    return str(found)


def scheduled(api: str, deployment: str, first: datetime, runs: int) -> list[dict[str, Any]]:
    """Runs of the schedule from a time on, oldest first, that the server was asked to plan."""
    asked = {"start_time": first.isoformat(), "end_time": (first + timedelta(days=runs)).isoformat(), "min_runs": runs}
    post(f"{api}/deployments/{deployment}/schedule", asked)
    by_time = {"deployments": {"id": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_ASC"}
    _, found = post(f"{api}/flow_runs/filter", by_time)
    now = datetime.now(UTC).isoformat()
    return [run for run in found if run["auto_scheduled"] and run["expected_start_time"] < now]


def carried_out(run: dict[str, Any]) -> tuple[str, str]:
    """Name and message of the state that a planned run ends in."""
    with get_client(sync_client=True) as client:
        known = client.read_flow_run(run["id"])
        client.set_flow_run_state(known.id, Pending())
        state = run_flow(publish_survey, flow_run=client.read_flow_run(run["id"]), parameters=known.parameters,
                         return_type="state")  # fmt: skip
    assert isinstance(state, State)
    return str(state.name), str(state.message)


@pytest.mark.parametrize("catch_up", ["latest", "none"])
def test_after_days_without_a_server_one_run_does_the_work_of_all(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catch_up: str
) -> None:
    with temporary_settings({PREFECT_API_URL: api}):
        deployment = registered(
            api, tmp_path, f'{{cron: "30 2 * * *", timezone: UTC, catch_up: {catch_up}}}', monkeypatch
        )
        runs = scheduled(api, deployment, datetime.now(UTC) - timedelta(days=9), 3)[:3]
        assert len(runs) == 3
        ended = [carried_out(run) for run in runs]
        by_hand = {"state": {"type": "SCHEDULED"}, "parameters": {"survey": runs[0]["parameters"]["survey"]}}
        _, asked = post(f"{api}/deployments/{deployment}/create_flow_run", by_hand)
        ended.append(carried_out(asked))
    done, late = ("Skipped", "a newer run has done its work"), ("Skipped", "its time was missed (catch_up: none)")
    assert [name for name, _ in ended[::3]] == ["Completed" if catch_up == "latest" else "Skipped", "Completed"]
    assert ended[1:3] == ([done] * 2 if catch_up == "latest" else [late] * 2)
    assert len(Ledger(tmp_path / "data" / "work" / "ledger.jsonl").entries()) == 1


def test_a_run_that_died_with_its_machine_gives_its_place_back_and_is_made_up_for(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with temporary_settings({PREFECT_API_URL: api}), get_client(sync_client=True) as client:
        deployment = registered(api, tmp_path, '{cron: "30 2 * * *", timezone: UTC}', monkeypatch)
        survey, work = tmp_path.name.replace("_", "-"), folder(tmp_path / "data" / "work")
        (died, *_) = scheduled(api, deployment, datetime.now(UTC) - timedelta(days=2), 1)
        for state in (Pending(), Running()):
            client.set_flow_run_state(died["id"], state)
        taken = client.read_deployment(deployment).global_concurrency_limit
        assert taken is not None
        assert taken.active_slots == 1
        with only_one(work):
            settle(client, survey, LATEST, work, datetime.now(UTC))
        assert client.read_flow_run(died["id"]).state_name == "Running", "a run that is alive is left alone"
        later = datetime.now(UTC) + timedelta(days=5)
        assert [settle(client, survey, LATEST, work, later) for _ in range(2)] == [LATEST.before(later)] * 2
        assert client.read_flow_run(died["id"]).state_name == "Crashed"
        freed = client.read_deployment(deployment).global_concurrency_limit
        assert freed is not None
        assert freed.active_slots == 0
        _, found = post(f"{api}/flow_runs/filter", {"flow_runs": {"tags": {"all_": ["catch-up"]}}})
        (made_up,) = [run for run in found if run["deployment_id"] == deployment]
        assert carried_out(made_up)[0] == "Completed"
        assert settle(client, "never-served", LATEST, work, later) is None
    assert [entry["status"] for entry in Ledger(work / "ledger.jsonl").entries()] == ["published"]


def test_a_broken_survey_yaml_tells_prefect_none_of_its_text(
    api: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = "quetzal-7431"
    write(tmp_path, YAML + f"schedule: {{cron: {canary}}}\n")
    monkeypatch.chdir(tmp_path)
    with temporary_settings({PREFECT_API_URL: api}), pytest.raises(StageStopped) as caught:
        publish_survey("small-town")
    assert str(caught.value).startswith("planning small-town: CodebookError at survey_yaml/__init__.py:")
    assert (caught.value.__context__, caught.value.__cause__) == (None, None)
    assert canary in capsys.readouterr().err, "the team is told all of it"
    assert [path for path in home.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("kind", [ValueError, OSError, Panic])
def test_a_fault_of_planning_tells_prefect_its_place_only(
    api: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    write(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("flows.job.Job.plan", leak(kind))
    monkeypatch.setattr("flows.prefect_driver.DELAYS", (0.1, 0.1, 0.1))  # a share that is gone is asked again
    with temporary_settings({PREFECT_API_URL: api}), pytest.raises(StageStopped) as caught:
        publish_survey("small-town")
    assert str(caught.value).startswith(f"planning small-town: {kind.__name__} at ")
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


def test_a_survey_that_cannot_be_read_does_not_keep_the_others_from_their_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, EVERY_MINUTE)
    broken = tmp_path / "data" / "raw" / "broken-town"
    broken.mkdir()
    (broken / "survey.yaml").write_text("survey: broken-town\ntitle: [", encoding="utf-8")
    served: list[str] = []
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setattr("flows.night.settle", lambda client, name, *_: served.append(name))
    monkeypatch.setattr("prefect.serve", lambda *made: served.extend(each.name for each in made))
    keep_serving(Workspace(tmp_path), ())
    assert served == ["small-town", "small-town"]
    assert "data/raw/broken-town/survey.yaml" in capsys.readouterr().err
