"""Guards the pins of Prefect's web and database libraries.

With fastapi 0.155 no flow starts, and with SQLAlchemy 2.1 flows run but no schedule ever fires, in silence. A real
server that schedules a real deployment shows both.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker

from flows.prefect_driver import environment

START_SECONDS = 150  # a cold start took 24 s on two idle cores; CI may share them
open_directly = build_opener(ProxyHandler({})).open  # a loopback address is not for a proxy


def post(url: str, body: dict[str, Any], **known: str) -> tuple[int, Any]:
    """Status and content of the answer to some JSON, sent with these headers.

    A 503 is asked again for a few seconds: in 6 of 10 fresh servers SQLite was locked at the first write. What the pins
    guard against answers 503 each time, so it still ends here as 503.
    """
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"} | known)
    for pause in (0.5, 1, 2, 4, 0):
        try:
            with open_directly(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            if error.code != 503 or not pause:
                return error.code, error.read().decode()
        time.sleep(pause)
    raise AssertionError("unreachable")


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(api: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; fail with its last words when it died or is late."""
    late = time.monotonic() + START_SECONDS
    while time.monotonic() < late and server.poll() is None:
        try:
            with open_directly(f"{api}/health", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"The Prefect server did not start (exit {server.poll()}):\n{log.read_text()[-3000:]}")


def end(server: subprocess.Popen[bytes]) -> None:
    """Stop the server and what it started: its own process group, asked first."""
    for order, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
        try:
            os.killpg(server.pid, order)
            server.wait(seconds)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server of these tests lives and logs."""
    return tmp_path_factory.mktemp("guard")


@pytest.fixture(scope="module")
def api(home: Path) -> Iterator[str]:
    """Address of a Prefect server of these tests' own, set as the project sets it but telling why it answers 503."""
    port = free_port()
    told = {"PREFECT_LOGGING_LEVEL": "ERROR", "PREFECT_API_LOG_RETRYABLE_ERRORS": "true", "HOME": str(home)}
    settings = environment(home / "prefect") | told
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    log = home / "server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command, env=inherited | settings, cwd=home, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/api", server, log)
        yield f"http://127.0.0.1:{port}/api"
    finally:
        # These hold on to the first server of a process: the events of the next file would go to one that is gone,
        # and the process would not end until it had tried each of them ten times.
        for service in (APILogWorker, EventsWorker):
            service.drain_all(timeout=30)
        end(server)


def test_a_deployment_can_be_scheduled(api: str, home: Path) -> None:
    _, flow = post(f"{api}/flows/", {"name": "nightly"})
    every_minute = {"schedule": {"cron": "* * * * *", "timezone": "Asia/Shanghai"}, "active": True}
    _, deployment = post(f"{api}/deployments/", {"name": "guard", "flow_id": flow["id"], "schedules": [every_minute]})

    status, _ = post(f"{api}/deployments/{deployment['id']}/schedule", {"min_runs": 3})

    assert status == 200, (home / "server.log").read_text()[-3000:]
    _, runs = post(f"{api}/flow_runs/filter", {"deployments": {"id": {"any_": [deployment["id"]]}}})
    assert len(runs) >= 3
    assert {run["state_type"] for run in runs} == {"SCHEDULED"}


def test_the_server_tells_nobody_that_it_runs(api: str) -> None:
    with open_directly(f"{api}/admin/settings", timeout=60) as answer:
        settings = json.load(answer)
    assert settings["server"]["analytics_enabled"] is False
