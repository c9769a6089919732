"""Guards the pins of Prefect's web and database libraries.

With fastapi 0.155 no flow starts, and with SQLAlchemy 2.1 flows run but no schedule ever fires, in silence. A real server
that schedules a real deployment shows both.
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
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from flows.prefect_driver import environment

START_SECONDS = 150  # a cold start took 24 s on two idle cores; CI may share them
open_directly = build_opener(ProxyHandler({})).open  # a loopback address is not for a proxy


def post(url: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Status and content of an answer to JSON.   Raises: HTTPError: the status is 4xx or 5xx."""
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with open_directly(request, timeout=60) as answer:
        return answer.status, json.load(answer)


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


@pytest.fixture
def api(tmp_path: Path) -> Iterator[str]:
    """Address of a Prefect server of this test's own, set as the project sets it."""
    port = free_port()
    settings = environment(tmp_path / "prefect") | {"HOME": str(tmp_path)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    log = tmp_path / "server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command, env=inherited | settings, cwd=tmp_path, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/api", server, log)
        yield f"http://127.0.0.1:{port}/api"
    finally:
        end(server)


def test_a_deployment_can_be_scheduled(api: str) -> None:
    _, flow = post(f"{api}/flows/", {"name": "nightly"})
    every_minute = {"schedule": {"cron": "* * * * *", "timezone": "Asia/Shanghai"}, "active": True}
    _, deployment = post(f"{api}/deployments/", {"name": "guard", "flow_id": flow["id"], "schedules": [every_minute]})

    status, _ = post(f"{api}/deployments/{deployment['id']}/schedule", {"min_runs": 3})

    assert status == 200
    _, runs = post(f"{api}/flow_runs/filter", {"deployments": {"id": {"any_": [deployment["id"]]}}})
    assert len(runs) >= 3
    assert {run["state_type"] for run in runs} == {"SCHEDULED"}


def test_the_server_asks_nobody_outside(api: str) -> None:
    with open_directly(f"{api}/admin/settings", timeout=60) as answer:
        settings = json.load(answer)
    assert settings["server"]["analytics_enabled"] is False
