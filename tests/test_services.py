"""deploy/: units and containers that say what they must, held against the tools of their makers where these are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.test_repository import is_ignored, tracked

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
HARDENED = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "CapabilityBoundingSet": "",
    "SystemCallFilter": "@system-service",
    "IPAddressDeny": "any",
    "IPAddressAllow": "localhost",
    "UMask": "0077",
}
OPEN_FOR = {"anxin-serve.service", "anxin-worker.service"}
WRITABLE = "/srv/anxin/data/work /srv/anxin/public -/srv/anxin/data/raw -/srv/anxin/data/incoming"


class Unit(RawConfigParser):
    """A unit as key and values; a key that comes twice keeps both, on lines of their own."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",), interpolation=None)
        self.optionxform = str  # type: ignore[assignment, method-assign]
        self.path = path
        self.read_string(path.read_text(encoding="utf-8"))

    @property
    def environment(self) -> str:
        """All that the unit sets in the environment."""
        return " ".join(re.findall(r"^Environment=(.*)$", self.path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.fixture(params=UNITS, ids=lambda path: path.name)
def unit(request: pytest.FixtureRequest) -> Unit:
    return Unit(request.param)


def test_there_are_a_server_two_ways_to_run_and_a_site() -> None:
    names = ["anxin-serve.service", "anxin-server.service", "anxin-site.service", "anxin-worker.service"]
    assert [path.name for path in UNITS] == names


def test_a_unit_may_do_only_what_it_is_for(unit: Unit) -> None:
    service = dict(unit["Service"])
    assert {name: service.get(name) for name in HARDENED} == HARDENED
    works = unit.path.name in OPEN_FOR
    assert service.get("ReadWritePaths", "") in ((WRITABLE,) if works else ("", "/var/lib/anxin-server"))
    assert (service.get("User") == "anxin") is works
    assert (service.get("DynamicUser") == "yes") is not works
    assert works or service["InaccessiblePaths"] == "-/srv/anxin/data", "neither deliveries nor what is made of them"
    site = unit.path.name == "anxin-site.service"
    assert service["EnvironmentFile"].startswith("-/etc/anxin/" if site else "/etc/anxin/"), "Prefect's password"
    if "Prefect" in unit["Unit"]["Description"]:
        assert "PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1" in unit.environment
    hosts = re.findall(r"--host (\S+)", service["ExecStart"])
    assert hosts == ([] if works else ["127.0.0.1"])


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    """With the programs of this environment, for systemd looks whether they are there."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip(
            "systemd-analyze is not here: apt-get install -y systemd; the units were read as key and value above"
        )
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("anxin", "prefect"):
        (programs / name).symlink_to(sys.executable)
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace("/srv/anxin/.venv/bin", str(programs))
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    made = [str(tmp_path / path.name) for path in UNITS]
    done = subprocess.run([analyze, "verify", *made], capture_output=True, text=True, check=False)
    ours = [
        line for line in done.stderr.splitlines() if "anxin" in line
    ]  # other units of this machine are its own matter
    assert (done.returncode, ours) == (0, [])


def compose() -> dict[str, Any]:
    return dict(YAML(typ="safe").load(DEPLOY / "compose.yaml"))


def test_every_container_is_closed_and_none_listens_outside() -> None:
    services = compose()["services"]
    assert sorted(services) == ["database", "deployments", "server", "site", "worker"]
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service["user"].startswith(("0", "root")), name
        assert re.search(r":[\w.-]*\d+\.\d+[\w.-]*$", service["image"]), f"{name}: a tag that stays"
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert "healthcheck" in service or service["restart"] == "no", name
        assert ("edge" in service["networks"]) is bool(service.get("ports")), name
        if name in ("server", "worker", "deployments"):
            told = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_UI_V2_ENABLED": "false"}
            assert told.items() <= service["environment"].items()
            assert "API_AUTH_STRING=anxin:$$(cat /run/secrets/api_password)" in str(service["command"])
            assert "api_password" in service["secrets"]
    assert compose()["networks"]["inside"] == {"internal": True}


def test_only_the_worker_sees_answers_and_the_site_sees_public_alone() -> None:
    mounts = {name: service.get("volumes", []) for name, service in compose()["services"].items()}
    assert [name for name, found in mounts.items() if any("data/work" in mount for mount in found)] == ["worker"]
    assert mounts["site"] == ["../public:/srv/anxin/public:ro"]
    raw = {name: mount for name, found in mounts.items() for mount in found if "data/raw" in mount}
    assert [name for name, mount in raw.items() if not mount.endswith(":ro")] == ["worker"], "it takes deliveries in"


def test_no_secret_stands_in_the_files_or_is_committed() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    named = [line.strip() for line in text.splitlines() if "PASSWORD" in line and not line.strip().startswith("export")]
    assert [line for line in named if "/run/secrets/database_password" not in line] == []
    assert len(named) == 2
    assert not re.search(r"^\s*ANXIN_KEY:", text, re.MULTILINE)
    assert {secret["file"] for secret in compose()["secrets"].values()} == {
        "./secrets/api_password",
        "./secrets/database_password",
        "./secrets/key",
    }
    assert is_ignored("deploy/secrets/key")
    assert is_ignored("deploy/secrets/database_password")
    assert is_ignored("deploy/secrets/api_password")
    assert not [path for path in tracked() if path.name.endswith(".env")]


def test_compose_understands_the_file() -> None:
    found = shutil.which("docker-compose")
    command = [found] if found else ["docker", "compose"]
    environ = os.environ | {"ANXIN_UID": "1000", "ANXIN_GID": "1000"}
    try:
        subprocess.run([*command, "version"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("neither docker-compose nor `docker compose` is here: apt-get install -y docker-compose")
    check = [*command, "-f", str(DEPLOY / "compose.yaml"), "config", "-q"]
    done = subprocess.run(check, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_image_holds_the_locked_libraries_and_runs_as_nobody() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    bases = {line.split()[1] for line in lines if line.startswith("FROM ")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", bases.pop())
    assert any("--no-deps --require-hashes -r requirements/run.txt" in line for line in lines)
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    copied = {name for names in copies for name in names}
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in allowed
    assert {line[1:] for line in allowed if line.startswith("!")} == copied
    packages = re.search(r"packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert packages
    assert set(re.findall(r'"(\w+)"', packages[1])) <= copied
