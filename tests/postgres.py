"""A PostgreSQL of a test's own: Debian's programs, a cluster in a folder, one port on loopback, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
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


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The address of a fresh database for SQLAlchemy's asyncpg.

    It refuses to be run by root, who hands the folder to `postgres`, the user that Debian's package makes.
    """
    folder.mkdir()
    own = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if own:
        for place in (folder, *folder.parents):  # temporary folders are for their owner alone: let it through
            if place.stat().st_uid == 0 and not place.stat().st_mode & 0o001:
                place.chmod(place.stat().st_mode | 0o011)
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    data, control = str(folder / "data"), program("pg_ctl")
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run([*own, program("initdb"), "-D", data, "-U", "prefect", "-A", "trust"], **quiet)  # type: ignore[call-overload]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    log = str(folder / "log")
    try:
        subprocess.run([*own, control, "-D", data, "-l", log, "-w", "-o", options, "start"], **quiet)  # type: ignore[call-overload]
        yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run([*own, control, "-D", data, "-w", "-m", "immediate", "stop"], **{**quiet, "check": False})  # type: ignore[call-overload]
