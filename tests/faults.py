"""Force against runs: killed at any moment, a full disk, two at once, damaged work, a server that goes away.

python -m tests.faults [--kills 60] [--seed 1]      # `make faults`, ten minutes; tests/flows/test_faults.py is short

Each case has to end whole: what is published is the report from before or the new one, never half of it; and the next
run gives the bytes of a run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.publish import is_whole
from tests.small_survey import YAML, frame, write

ROOT = Path(__file__).resolve().parents[1]
REVISED = YAML.replace("report:\n", "disclosure: {allow_small_revisions: another sample of the same size}\nreport:\n")
PLAIN, PREFECT = (), ("--prefect",)
Tree = dict[str, bytes]


def start(root: Path, *options: str, survey: str = "small-town", **variables: str) -> subprocess.Popen[bytes]:
    """A run of the small survey, or another one, in a process group of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(root),
        "ANXIN_LANG": "en",
        **variables,
    }
    command = [sys.executable, "-m", "flows.cli", "run", survey, *options]
    return subprocess.Popen(
        command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def finish(process: subprocess.Popen[bytes], seconds: float = 300) -> tuple[int, str]:
    """Exit code of a run, and what it said of a fault."""
    _, said = process.communicate(timeout=seconds)
    return process.returncode, said.decode()


def published(root: Path) -> Tree:
    """All that is below public, by path; links by what they lead to."""
    found = {}
    for path in sorted((root / "public").rglob("*")):
        name = path.relative_to(root / "public").as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path).encode()
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def prepared(folder: Path, name: str) -> Path:
    """A workspace with a first report out and a corrected delivery that waits to be run."""
    root = folder / name
    shutil.copytree(folder / "first", root, symlinks=True)
    write(root, REVISED, frame(seed=2))
    return root


class Case:
    """The reports before and after, made by undisturbed runs, and how long a run takes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write(folder / "first", REVISED)
        assert finish(start(folder / "first"))[0] == 0
        self.before = published(folder / "first")
        undisturbed = prepared(folder, "undisturbed")
        begun = time.monotonic()
        assert finish(start(undisturbed))[0] == 0
        self.seconds = time.monotonic() - begun
        self.after = published(undisturbed)
        assert self.after != self.before

    def is_whole(self, root: Path) -> bool:
        """Whether the report that is shown is the old one or the new one, with every byte of it."""
        place = root / "public" / "small-town" / "w1"
        names = (os.readlink(root / "public" / "small-town" / "w1").encode(),)
        return is_whole(place) and names[0] in (self.before["small-town/w1"], self.after["small-town/w1"])

    def mended(self, root: Path, *options: str) -> bool:
        """Whether the next run succeeds with the bytes of an undisturbed one."""
        code, said = finish(start(root, *options))
        return (code == 0 and published(root) == self.after) or _told(said)


def _told(said: str) -> bool:
    sys.stderr.write(said)
    return False


def killed(case: Case, options: tuple[str, ...], delay: float) -> bool:
    """SIGKILL to the whole process group of a run after a delay, then another run."""
    root = prepared(case.folder, "killed")
    process = start(root, *options)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    good = case.is_whole(root) and case.mended(root)
    shutil.rmtree(root)
    return good


def two_at_once(case: Case) -> bool:
    """Of two runs that wait for one another both succeed; of two that do not, one is told so or both succeed."""
    root = prepared(case.folder, "two")
    waiting = [start(root, "--wait", "120") for _ in range(2)]
    good = [finish(process)[0] for process in waiting] == [0, 0] and published(root) == case.after
    other = prepared(case.folder, "rivals")
    ends = [finish(process) for process in [start(other) for _ in range(2)]]
    told = all(code == 0 or "Another run is at work" in said for code, said in ends)
    return good and told and any(code == 0 for code, _ in ends) and published(other) == case.after


def damaged(case: Case) -> bool:
    """Every file of the store in turn loses its last byte, or has one changed; each time the next run mends it."""
    root = prepared(case.folder, "damaged")
    assert finish(start(root))[0] == 0
    good = True
    for number, path in enumerate(sorted((root / "data" / "work" / "store").glob("*/*/*"))):
        if not path.is_file():
            continue
        content = path.read_bytes()
        path.write_bytes(content[:-1] if number % 2 else content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
        ledger = root / "data" / "work" / "ledger.jsonl"
        ledger.write_bytes(
            b"".join(ledger.read_bytes().splitlines(keepends=True)[:1])
        )  # as if the last run were killed
        good = good and case.mended(root)
    return good


def no_room(case: Case, size: int) -> bool:
    """A disk of some KiB: the run says that it is full, the old report stays; with more room the next run succeeds."""
    root = case.folder / "disk"
    root.mkdir()
    _mount(root, size)
    try:
        shutil.copytree(case.folder / "first", root, symlinks=True, dirs_exist_ok=True)
        write(root, REVISED, frame(seed=2))
        code, said = finish(start(root))
        good = (code == 1 and "The disk is full" in said and case.is_whole(root)) or _told(f"{code} {said}")
        subprocess.run(["mount", "-o", f"remount,size={64 * 1024}k", str(root)], check=True)
        return good and case.mended(root)
    finally:
        subprocess.run(["umount", str(root)], check=True)
        root.rmdir()


def _mount(root: Path, size: int) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(root)], check=True)


def can_mount() -> bool:
    """Whether this process may mount a small disk of its own."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            _mount(Path(folder), 64)
        except (OSError, subprocess.CalledProcessError):
            return False
        subprocess.run(["umount", folder], check=True)
    return True


def room(case: Case) -> int:
    """KiB that the first report and half of the second run's work take."""
    used = [
        sum(-(-path.lstat().st_size // 4096) * 4 for path in (case.folder / name).rglob("*") if path.is_file())
        for name in ("first", "undisturbed")
    ]
    return (used[0] + max(used)) // 2 + 64


@contextmanager
def server(home: Path, **settings: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Prefect server on loopback: its address and its process; what it says goes to home/server.log."""
    from flows.prefect_driver import environment

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    variables = {"PATH": os.environ["PATH"], "HOME": str(home), **environment(home), **settings}
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{port}/api"
    try:
        end = time.monotonic() + 300  # two cores that do much else take more than two minutes
        while True:
            try:
                urllib.request.urlopen(f"{address}/health", timeout=2).close()
                break
            except OSError:
                waits = process.poll() is None and time.monotonic() < end
                assert waits, f"the server does not start: {(home / 'server.log').read_text()[-2000:]}"
                time.sleep(0.5)
        yield address, process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def server_gone(case: Case, delay: float) -> bool:
    """The server is killed in the middle of a run: whole whatever the run makes of it, and mended by the next."""
    root = prepared(case.folder, "orphan")
    home = case.folder / "server"
    home.mkdir(exist_ok=True)
    with server(home) as (address, process):
        run = start(root, PREFECT_API_URL=address)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        try:
            finish(run, 180)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.communicate()
    good = case.is_whole(root) and case.mended(root)
    shutil.rmtree(root)
    return good


def main() -> None:
    """Every case; the exit code says whether all of them ended whole."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        case = Case(Path(folder))
        print(f"an undisturbed run takes {case.seconds:.1f} s")
        for number in range(asked.kills):
            options = PREFECT if number % 4 == 3 else PLAIN
            delay = chance.uniform(0, case.seconds * (4 if options else 1.05))
            good = killed(case, options, delay)
            bad += not good
            print(
                f"kill {number + 1:>3} {'prefect' if options else 'plain':<8} after {delay:5.2f} s  {_word(good)}",
                flush=True,
            )
        others: dict[str, Callable[[Case], bool]] = {
            "two runs at once": two_at_once,
            "every file of the store damaged": damaged,
        }
        if can_mount():
            others["disk full"] = lambda own: no_room(own, room(own))
        else:
            print("disk full: NOT TRIED, this user may not mount a disk")
        others["server gone early"] = lambda own: server_gone(own, 6)
        others["server gone late"] = lambda own: server_gone(own, 12)
        for name, force in others.items():
            good = force(case)
            bad += not good
            print(f"{name:<36} {_word(good)}", flush=True)
    sys.exit(f"{bad} cases did not end whole" if bad else 0)


def _word(good: bool) -> str:
    return "whole, the same bytes" if good else "BROKEN"


if __name__ == "__main__":
    main()
