"""All of it at once, for a look: a Prefect server, a worker and a web server on this machine, a report made by them."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from flows.children import Children, children, until
from flows.links import SITE
from flows.prefect_driver import environment
from flows.private import erase, folder
from flows.site import LOOPBACK, PORT, Site, site
from flows.words import t
from flows.workspace import Workspace
from survey.errors import AnxinError

API_PORT = 4200
START, RUN = 180.0, 3600.0
"""Seconds for each program to start on a slow machine, and for the run."""
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
LISTENING = "0A"  # of Linux' /proc/net/tcp
PREFECT = [sys.executable, "-m", "prefect"]
directly = build_opener(ProxyHandler({})).open  # an address of this machine is not for a proxy


def demo(workspace: Workspace, survey: str, tell: Callable[[str], None]) -> None:
    """Publish a survey's newest wave through a worker, show it, and go on until Ctrl-C; then nothing is left running.

    Raises: AnxinError: one of the programs cannot start or has ended.   UsageError: the survey has no schedule.
    """
    home = folder(workspace.work / "prefect-demo")
    api = Api(f"http://{LOOPBACK}:{_port(API_PORT)}/api", f"anxin:{secrets.token_urlsafe(9)}")
    server = _environment(home, api)
    worker = server | {name: value for name, value in os.environ.items() if name.startswith("ANXIN_")}
    # As long as the worker lives, Prefect keeps the environment of each run in a file: in the private folder, then.
    worker |= {"ANXIN_HOME": str(workspace.root), "TMPDIR": str(folder(home / "tmp"))}
    port = _port(PORT)
    worker[SITE] = f"http://{LOOPBACK}:{port}/"
    os.environ.update(environment(home))  # before Prefect is loaded for the first time
    _write_deployments(workspace, survey, home)
    public = workspace.root / "public"
    public.mkdir(exist_ok=True)
    try:
        with children(home) as running:
            tell(t("Starting a Prefect server and a worker; the first time takes a minute …"))
            _start(running, server, worker, api, home)
            tell(t("Publishing {survey} through the worker …", survey=survey))
            _deploy(running, server | {"ANXIN_HOME": str(workspace.root)}, home)
            told = _published(running, api, survey)
            _show(site(public, port=port), api, told, running, tell)
    except KeyboardInterrupt:
        tell(t("All is stopped."))
    finally:
        erase(home / "tmp")


@dataclass(frozen=True)
class Api:
    """Prefect's server: its address, and the password without which it does nothing.

    Whoever may ask it for a run may have the worker start any program; other users of this machine reach the port too.
    """

    address: str
    password: str = field(repr=False)

    def asked(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What it answers, None when it does not (yet); with a body it is told something.

        A fresh server refuses a write now and then, because it holds the lock of its own database: it is asked again.
        """
        data = None if body is None else json.dumps(body).encode()
        known = {"Authorization": f"Basic {base64.b64encode(self.password.encode()).decode()}"}
        request = Request(f"{self.address}/{path}", data, known | {"Content-Type": "application/json"})
        for pause in (0.5, 1.0, 2.0, 4.0, 0.0):
            try:
                with directly(request, timeout=60) as answer:
                    return json.load(answer)
            except HTTPError as error:
                if error.code != 503 or not pause:
                    return None
            except (URLError, OSError):
                return None
            time.sleep(pause)
        return None


def _environment(home: Path, api: Api) -> dict[str, str]:
    """What the programs are told: this demo's server whatever else is set; none of Anxin's keys."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "ANXIN_"))}
    here = {
        "PREFECT_API_URL": api.address,
        "PREFECT_API_AUTH_STRING": api.password,
        "PREFECT_SERVER_API_AUTH_STRING": api.password,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": api.address.removesuffix("/api"),
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(home / "ui"),
    }
    return inherited | environment(home) | here


def _write_deployments(workspace: Workspace, survey: str, home: Path) -> None:
    from flows.deploy import prefect_yaml
    from flows.night import deployments

    (home / "prefect.yaml").write_text(prefect_yaml(deployments(workspace, (survey,))), encoding="utf-8")


def _start(running: Children, server: dict[str, str], worker: dict[str, str], api: Api, home: Path) -> None:
    """Start the server, then the worker, which makes its pool."""
    from flows.deploy import POOL

    port = api.address.rpartition(":")[2].removesuffix("/api")
    running.start("server", [*PREFECT, "server", "start", "--host", LOOPBACK, "--port", port], server, home)
    until(lambda: _is_ours(int(port)) and api.asked("health") is not None, running, START, "Prefect")
    running.start("worker", [*PREFECT, "worker", "start", "--pool", POOL, "--type", "process"], worker, home)
    until(lambda: api.asked(f"work_pools/{POOL}") is not None, running, START, "Prefect")


def _deploy(running: Children, environ: dict[str, str], home: Path) -> None:
    running.start("deploy", [*PREFECT, "--no-prompt", "deploy", "--all"], environ, home)
    if running.wait("deploy"):
        raise AnxinError(
            "The deployment was refused",
            where="{command}",
            hint="look into {log}",
            command="prefect deploy --all",
            log=running.log("deploy"),
        )


def _published(running: Children, api: Api, survey: str) -> str:
    """Ask for a run of the survey and wait for its end; what Prefect says of a fault, "" when there was none."""
    found = api.asked(f"deployments/name/anxin-survey/{survey}")
    run = api.asked(f"deployments/{found['id']}/create_flow_run", {}) if found else None
    if not run:
        raise AnxinError(
            "Prefect takes no run", where="{api}", hint="look into {log}", api=api.address, log=running.logs
        )
    last: dict[str, Any] = run

    def over() -> bool:
        last.update(api.asked(f"flow_runs/{run['id']}") or {})
        return last["state_type"] in ENDED

    until(over, running, RUN, survey)
    return "" if last["state_type"] == "COMPLETED" else str(last["state"]["message"])


def _show(pages: Site, api: Api, told: str, running: Children, tell: Callable[[str], None]) -> None:
    """Serve the reports and say where all is, until somebody ends it."""
    Thread(target=pages.serve_forever, daemon=True).start()
    try:
        if told:
            tell(t("The run stopped: {told}. `anxin history` has the whole of it.", told=told))
        tell(t("The reports: {address}", address=f"http://{LOOPBACK}:{pages.server_address[1]}/"))
        address = api.address.removesuffix("/api")
        tell(t("Prefect: {address}, which asks for {password}", address=address, password=api.password))
        tell(t("To stop all of it: Ctrl-C"))
        while True:
            running.check()
            time.sleep(1)
    finally:
        pages.shutdown()
        pages.server_close()


def _is_ours(port: int) -> bool:
    """Whether who listens at a port is of this user, as far as the system tells: only then it hears the password."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        return True
    rows = [line.split() for line in table.read_text(encoding="ascii").splitlines()[1:]]
    owners = {int(row[7]) for row in rows if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port}
    return owners == {os.getuid()}


def _port(wanted: int) -> int:
    """The port that is wanted, or any other that is free when something listens there."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise AnxinError("No port of this machine is free")
