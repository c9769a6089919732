"""Each wave on a Dask worker: the bytes of the plain driver, and nothing of a resident or a key on the wire."""

from __future__ import annotations

import json
import os
import pickle
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from flows.across import Done, Errand, carried_out, errand
from flows.cluster import Stopped
from flows.job import Job
from flows.ledger import Ledger
from flows.workspace import Workspace
from tests.small_survey import YAML, frame, write

TWO = YAML + "  w2:\n    file: w2.csv\n    fieldwork: {start: 2026-10-01, end: 2026-10-31}\n"
ROOT = Path(__file__).parents[2]


def two_waves(root: Path) -> None:
    """The small survey with a second wave."""
    folder = write(root, yaml=TWO)
    frame(seed=2).to_csv(folder / "w2.csv", index=False, encoding="utf-8")


def publications(root: Path) -> dict[str, bytes]:
    """All that an outsider sees of both waves."""
    public = root / "public" / "small-town"
    waves = {wave: public / wave for wave in ("w1", "w2")}
    return {
        f"{wave}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for wave, folder in waves.items() for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__COMM__COMPRESSION": "null", **more}


def anxin(root: Path, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flows.cli", "run", "small-town", "--all-waves", *options]
    return subprocess.run(
        command, cwd=root, env=environment(**more), capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plain")
    two_waves(root)
    done = anxin(root)
    assert done.returncode == 0, done.stderr
    return root


def trace(root: Path) -> list[tuple[str, str, int, int]]:
    """The stages of the last run, as the ledger has them."""
    entry = Ledger(root / "data" / "work" / "ledger.jsonl").entries()[-1]
    return [(line["stage"], line["wave"], line["rows_in"], line["rows_out"]) for line in entry["stages"]]


@pytest.mark.parametrize("prefect", [False, True], ids=["plain", "prefect"])
def test_workers_of_this_machine_publish_the_same_bytes(plain: Path, tmp_path: Path, prefect: bool) -> None:
    two_waves(tmp_path)
    key = secrets.token_hex(32)
    done = anxin(tmp_path, "--engine", "dask", *(["--prefect"] if prefect else []), ANXIN_KEY=key, ANXIN_ENCRYPT="1")
    assert done.returncode == 0, done.stderr
    assert publications(tmp_path) == publications(plain)
    assert trace(tmp_path) == trace(plain)
    work = tmp_path / "data" / "work"
    left = [path for path in work.rglob("*") if path.is_file()]
    assert all(path.name.endswith((".fernet", "seal.json")) for path in left if "store" in path.parts)
    delivered = frame()
    planted = [key, bytes.fromhex(key), *delivered["phone"], *delivered["name"]]
    content = b"".join(path.read_bytes() for path in left) + (done.stdout + done.stderr).encode()
    assert not [value for value in planted if (value.encode() if isinstance(value, str) else value) in content]


# -- with a scheduler of its own --------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Tap:
    """Hands on every byte between a port and another one, and keeps a copy."""

    def __init__(self, target: int) -> None:
        self.target, self.seen = target, bytearray()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self.server.accept()
            except OSError:
                return
            two = socket.create_connection(("127.0.0.1", self.target))
            for a, b in ((one, two), (two, one)):
                threading.Thread(target=self._hand_on, args=(a, b), daemon=True).start()

    def _hand_on(self, a: socket.socket, b: socket.socket) -> None:
        try:
            while data := a.recv(65536):
                self.seen += data
                b.sendall(data)
        except OSError:
            pass
        for each in (a, b):
            each.close()


@contextmanager
def process(*command: str, cwd: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program in the background that ends with the block."""
    log = (cwd / f"{command[1]}.log").open("ab")
    started = subprocess.Popen(
        [sys.executable, *command], cwd=cwd, env=environment(**more), stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(20)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
        log.close()


@contextmanager
def cluster(root: Path, preload: str = "", **more: str) -> Iterator[Tap]:
    """`dask scheduler` and two `dask worker` processes, which reach it through a tap; logs go below root/logs."""
    logs = root / "logs"
    logs.mkdir()
    script = logs / "preload.py"
    script.write_text(preload or "\n", encoding="utf-8")
    port = free_port()
    local = ("--host", "127.0.0.1", "--no-dashboard")
    with ExitStack() as stack:
        stack.enter_context(process("-m", "distributed.cli.dask_scheduler", *local, "--port", str(port), cwd=logs))
        _wait_for(port)
        tap = Tap(port)
        stack.callback(tap.server.close)
        for _ in range(2):
            options = (*local, "--nthreads", "1", "--local-directory", str(logs), "--preload", str(script))
            command = ("-m", "distributed.cli.dask_worker", f"tcp://127.0.0.1:{tap.port}", *options)
            stack.enter_context(process(*command, cwd=logs, **more))
        yield tap


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the scheduler did not start")


KILLED_ONCE = """
import os, signal
from pathlib import Path
from flows import stages
if stages.quality.__name__ != "once":  # a worker may be told to load this twice
    quality = stages.quality
def once(*arguments):
    try:
        Path("killed").touch(exist_ok=False)
    except FileExistsError:
        return quality(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
stages.quality = once
"""


def test_a_scheduler_elsewhere_a_killed_worker_and_nothing_on_the_wire(plain: Path, tmp_path: Path) -> None:
    """The same bytes through processes of their own, one of which is killed while it works on a wave."""
    root, key = tmp_path / "root", secrets.token_hex(32)
    root.mkdir()
    two_waves(root)
    with cluster(tmp_path, KILLED_ONCE, ANXIN_KEY=key) as tap:
        done = anxin(root, "--scheduler", f"tcp://127.0.0.1:{tap.port}", ANXIN_KEY=key)
        seen = bytes(tap.seen)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "logs" / "killed").exists()
    assert publications(root) == publications(plain)
    assert trace(root) == trace(plain)
    assert b"small-town" in seen, "the errand went through the tap"
    _nothing_in(seen, key)
    _nothing_in(b"".join(path.read_bytes() for path in (tmp_path / "logs").glob("*.log")), key)


def _nothing_in(content: bytes, key: str) -> None:
    delivered = frame()
    planted = [*delivered["phone"], *delivered["name"], *delivered["person"], key]
    assert not [value for value in planted if value.encode() in content]
    assert bytes.fromhex(key) not in content


LEAK = """
from flows import stages
def leak(*arguments):
    raise ValueError("王芳 13812345678")
stages.quality = leak
"""


def test_a_fault_on_a_worker_is_told_without_values(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    two_waves(root)
    with cluster(tmp_path, LEAK) as tap:
        done = anxin(root, "--scheduler", f"tcp://127.0.0.1:{tap.port}")
        seen = bytes(tap.seen)
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    assert not (root / "public").exists()
    logs = b"".join(path.read_bytes() for path in (tmp_path / "logs").glob("*.log"))
    ledger = (root / "data" / "work" / "ledger.jsonl").read_bytes()
    for content in (seen, logs, ledger, (done.stdout + done.stderr).encode()):
        assert b"13812345678" not in content
        assert "王芳".encode() not in content


@pytest.mark.parametrize("prefect", [False, True], ids=["plain", "prefect"])
def test_what_stops_a_wave_is_told_as_under_the_plain_driver(tmp_path: Path, prefect: bool) -> None:
    two_waves(tmp_path)
    rows = frame()
    rows["safe"] = rows["phone"]
    write(tmp_path, yaml=TWO, delivery=rows)
    done = anxin(tmp_path, "--engine", "dask", *(["--prefect"] if prefect else []))
    assert done.returncode == 1
    assert "w1.csv, column safe" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "public").exists()
    content = b"".join(path.read_bytes() for path in (tmp_path / "data" / "work").rglob("*") if path.is_file())
    assert not [phone for phone in rows["phone"] if phone.encode() in content]


# -- what travels -----------------------------------------------------------------------------------------------------


def job(root: Path) -> Job:
    two_waves(root)
    return Job.plan(Workspace(root), "small-town", (), None, None, root / "public")


def test_keys_are_never_pickled(tmp_path: Path) -> None:
    planned = job(tmp_path)
    assert planned.store.keys.master
    assert planned.code
    sent = pickle.dumps(planned)
    assert planned.keys.master not in sent
    assert set(pickle.loads(sent).__dict__) == set(planned.__getstate__())
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(planned.keys)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(planned.store)


def test_an_errand_is_small_and_names_files_only(tmp_path: Path) -> None:
    sent = pickle.dumps(errand(job(tmp_path), "w1"))
    assert len(sent) < 2000
    assert b"Residents of the small town" not in sent


def test_settings_of_one_run_reach_the_workers(tmp_path: Path) -> None:
    plain = carried_out(errand(job(tmp_path), "w1"))
    tried = Job.plan(Workspace(tmp_path), "small-town", (), None, None, tmp_path, {"weighting.rake": ["sex"]})
    other = carried_out(errand(tried, "w1"))
    assert isinstance(plain, Done)
    assert isinstance(other, Done)
    assert {"weighting", "estimate"} <= {line.stage for line in other.lines}
    assert other.refs.weighted != plain.refs.weighted


def test_a_worker_that_sees_another_state_refuses(tmp_path: Path) -> None:
    task = errand(job(tmp_path), "w1")
    assert isinstance(carried_out(task), Done)
    frame(seed=3).to_csv(tmp_path / "data" / "raw" / "small-town" / "w1.csv", index=False)
    refused = carried_out(task)
    assert isinstance(refused, Stopped)
    assert refused.fault.title == "A worker sees another state of the survey"
    assert isinstance(carried_out(Errand(**{**vars(task), "survey": "nowhere"})), Stopped)


@pytest.mark.parametrize("options", [(), ("--prefect",)])
def test_without_the_engine_dask_is_not_loaded(tmp_path: Path, options: tuple[str, ...]) -> None:
    write(tmp_path)
    script = (
        "import sys, json\nfrom flows import cli\n"
        "sys.argv = ['anxin', 'run', 'small-town', *json.loads(sys.argv[1])]\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert not {'dask', 'distributed', 'prefect_dask'} & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", script, json.dumps(options)]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_another_engine_is_refused(tmp_path: Path) -> None:
    two_waves(tmp_path)
    done = anxin(tmp_path, "--engine", "spark")
    assert done.returncode == 2
    assert "There is no such engine" in done.stderr
