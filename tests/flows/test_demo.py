"""`make serve-demo`: one command that starts it all, shows a report, and leaves nothing running."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request

import pytest

from flows.ledger import Ledger
from flows.prefect_driver import environment
from tests.flows.test_deploy import NIGHTLY
from tests.flows.test_prefect_guard import end, open_directly, post
from tests.small_survey import write

ROOT = Path(__file__).parents[2]
START = 420.0


def left(mark: str) -> list[str]:
    """Command lines of the processes, of this user, whose environment bears the mark."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (place / "environ").read_bytes():
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it has ended meanwhile, or is somebody else's
            continue
    return found


@dataclass
class Demo:
    """A demo that runs in a workspace; its children bear the workspace's path in their environment."""

    root: Path
    process: subprocess.Popen[bytes]
    report: str
    prefect: str
    password: str

    @property
    def known(self) -> str:
        """The header of somebody who knows the password."""
        return f"Basic {b64encode(self.password.encode()).decode()}"


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    root, log = tmp_path / "ws", tmp_path / "told"
    write(root, NIGHTLY)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ANXIN_"))}
    own = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "ANXIN_LANG": "en", "DEMO_MARK": str(tmp_path)}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "demo", "small-town"],
            cwd=root, env=inherited | own, stdout=stream, stderr=stream, start_new_session=True,
        )  # fmt: skip
        try:
            late = time.monotonic() + START
            while "Ctrl-C" not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < late, log.read_text()
                time.sleep(0.5)
            report, prefect = re.findall(r"http://127\.0\.0\.1:\d+", log.read_text())
            (password,) = re.findall(r"asks for (anxin:\S+)", log.read_text())
            yield Demo(root, process, report, prefect, password)
        finally:
            end(process)
            assert left(str(tmp_path)) == []


def test_it_shows_a_report_and_prefect_and_leaves_nothing_running(demo: Demo) -> None:
    with open_directly(f"{demo.report}/small-town/w1/zh.html", timeout=30) as answer:
        page = answer.read().decode()
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "小城调查" in page
    with open_directly(f"{demo.prefect}/api/health", timeout=30) as answer:
        assert json.load(answer) is True
    with open_directly(f"{demo.prefect}/", timeout=30) as answer:
        assert b"<title>Prefect" in answer.read()
    markdown = {"artifacts": {"type": {"any_": ["markdown"]}}}
    _, (artifact,) = post(f"{demo.prefect}/api/artifacts/filter", markdown, Authorization=demo.known)
    (linked,) = re.findall(r"\[zh\]\((.+?)\)", artifact["data"])
    with open_directly(linked, timeout=30) as answer:
        assert answer.read().decode() == page
    (entry,) = Ledger(demo.root / "data" / "work" / "ledger.jsonl").entries()
    assert (entry["status"], entry["driver"]) == ("published", "prefect")
    home = demo.root / "data" / "work" / "prefect-demo"
    assert home.stat().st_mode & 0o777 == 0o700
    asked = Request(f"{demo.prefect}/api/flow_runs/filter", method="OPTIONS", headers={
        "Origin": "http://evil.example", "Access-Control-Request-Method": "POST"})  # fmt: skip
    with pytest.raises(HTTPError) as refused:  # a page that a browser of this machine has open
        open_directly(asked, timeout=30)
    assert refused.value.code == 400
    assert "Access-Control-Allow-Origin" not in refused.value.headers
    refused.value.close()
    servers = [command for command in left(environment(home)["PREFECT_HOME"]) if "server start" in command]
    assert servers, "the mark finds what runs"

    # A run is under way when it is stopped: Prefect gives it a session of its own, which no Ctrl-C reaches.
    _, (deployed,) = post(f"{demo.prefect}/api/deployments/filter", {}, Authorization=demo.known)
    address = f"{demo.prefect}/api/deployments/{deployed['id']}/create_flow_run"
    trial = {"parameters": {"dry_run": True}}
    for stranger in ({}, {"Authorization": "Basic YW54aW46Z3Vlc3M="}):
        assert post(address, trial, **stranger)[0] == 401
    status, _ = post(address, trial, Authorization=demo.known)
    assert status == 201
    late = time.monotonic() + 60
    while not any("_workspace_supervisor" in each or "prefect.engine" in each for each in left(str(demo.root))):
        assert time.monotonic() < late, left(str(demo.root))
        time.sleep(0.2)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0
    assert left(str(demo.root)) == []
    assert not (home / "tmp").exists()
