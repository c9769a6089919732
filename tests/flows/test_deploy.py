"""prefect.yaml as shipped, and the whole way of it: `prefect deploy --all`, a worker of a process pool, a report."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from flows.deploy import POOL, prefect_yaml
from flows.ledger import Ledger
from flows.night import deployments
from flows.prefect_driver import environment
from flows.workspace import Workspace
from tests.flows.test_prefect_guard import api, end, home, post
from tests.flows.test_run import published, run
from tests.small_survey import YAML, write
from tests.test_repository import tracked

assert api, "a fixture"
assert home, "a fixture"
ROOT = Path(__file__).parents[2]
NIGHTLY = YAML + 'schedule: {cron: "30 2 * * 1-5", timezone: Europe/Berlin}\n'
PREFECT = [sys.executable, "-m", "prefect"]


def test_the_shipped_prefect_yaml_is_that_of_the_shipped_schedules() -> None:
    shipped = sorted(path.parent.name for path in tracked() if path.name == "survey.yaml")
    made = prefect_yaml(deployments(Workspace(ROOT), tuple(shipped)))
    told = "anxin deployments > prefect.yaml"
    assert (ROOT / "prefect.yaml").read_text(encoding="utf-8") == made, told


def test_a_worker_publishes_what_was_deployed_from_prefect_yaml(api: str, home: Path, tmp_path: Path) -> None:
    write(tmp_path / "plain", NIGHTLY)
    run(tmp_path / "plain")
    root, elsewhere = tmp_path / "pooled", tmp_path / "elsewhere"
    write(root, NIGHTLY)
    elsewhere.mkdir()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ANXIN_"))}
    own = {"PREFECT_API_URL": api, "PYTHONPATH": str(ROOT), "HOME": str(home), "TMPDIR": str(elsewhere)}
    environ = inherited | environment(home / "client") | own

    def done(command: list[str]) -> str:
        ended = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
        return ended.stdout

    (root / "prefect.yaml").write_text(done([sys.executable, "-m", "flows.cli", "deployments"]), encoding="utf-8")
    done([*PREFECT, "work-pool", "create", POOL, "--type", "process"])
    done([*PREFECT, "--no-prompt", "deploy", "--all"])

    _, (deployed,) = post(f"{api}/deployments/filter", {"deployments": {"name": {"any_": ["small-town"]}}})
    (schedule,) = deployed["schedules"]
    assert schedule["schedule"]["cron"] == "30 2 * * 1-5"
    assert schedule["schedule"]["timezone"] == "Europe/Berlin"
    assert deployed["work_pool_name"] == POOL
    assert deployed["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    assert deployed["enforce_parameter_schema"] is True
    assert str(tmp_path) not in str(deployed), "the worker's ANXIN_HOME says where, not the deployment"

    log = tmp_path / "worker.log"
    with log.open("wb") as stream:
        worker = subprocess.Popen(
            [*PREFECT, "worker", "start", "--pool", POOL], cwd=elsewhere, env=environ | {"ANXIN_HOME": str(root)},
            stdout=stream, stderr=stream, start_new_session=True,
        )  # fmt: skip
    try:
        status, asked = post(f"{api}/deployments/{deployed['id']}/create_flow_run", {"parameters": {"wave": "w1"}})
        assert status == 201, asked
        late, ledger = time.monotonic() + 300, Ledger(root / "data" / "work" / "ledger.jsonl")
        while not ledger.entries():
            assert worker.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < late, log.read_text()[-3000:]
            time.sleep(1)
        assert [(entry["status"], entry["driver"]) for entry in ledger.entries()] == [("published", "prefect")]
        assert published(root) == published(tmp_path / "plain")
    finally:
        worker.send_signal(signal.SIGINT)
        end(worker)
