"""A PostgreSQL of a test's own: Debian's programs, a cluster in a folder, one port on loopback, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
ADVICE = "Tests of many runs need PostgreSQL: apt-get install -y postgresql"


def program(name: str) -> str:
    """Path of one of its programs.   Raises: FileNotFoundError: with the one command that mends it."""
    found = shutil.which(name, path=os.pathsep.join([*map(str, PLACES), os.environ["PATH"]]))
    if found is None:
        raise FileNotFoundError(ADVICE)
    return found


def _done(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:] or done.stdout[-2000:]}")


@contextmanager
def postgres() -> Iterator[tuple[str, Path]]:
    """The address of a fresh database for SQLAlchemy's asyncpg, and the file of what it says.

    It refuses to be run by root, who hands the folder to `postgres`, the user that the package makes. The folder lies
    below no folder of a test: pytest closes those to other users anew whenever somebody starts it.
    """
    own = (
        [shutil.which("runuser", path="/usr/sbin:/sbin") or "runuser", "-u", "postgres", "--"]
        if os.geteuid() == 0
        else []
    )
    control = program("pg_ctl")
    with tempfile.TemporaryDirectory(prefix="anxin-pg-") as folder:
        if own:
            shutil.chown(folder, "postgres", "postgres")
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        data, log = f"{folder}/data", Path(folder) / "log"
        _done([*own, program("initdb"), "-D", data, "-U", "prefect", "-A", "trust", "-E", "UTF8", "--no-locale"])
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        try:
            _done([*own, control, "-D", data, "-l", str(log), "-w", "-o", options, "start"])
            yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres", log
        finally:
            if Path(data, "postmaster.pid").exists():
                _done([*own, control, "-D", data, "-w", "-m", "immediate", "stop"])
