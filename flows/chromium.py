"""The browser that prints pages and turns charts into pictures: Chromium's own command line, no library."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from survey.errors import UsageError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
QUIET = [
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-extensions", "--hide-scrollbars"),
    # The pages ask for nothing; should one ever do so, it finds nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND",
]
PATIENCE = 120
NEEDED, NEEDED_TOO = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR"), ("LC_", "XDG_", "FONTCONFIG_")
"""Variables a browser is told, and how the names of others begin; any other may hold a secret of this machine."""


def find_chromium() -> str:
    """Path of the browser: ANXIN_CHROMIUM, else the first of the usual names.   Raises: UsageError: there is none."""
    for name in (os.environ.get("ANXIN_CHROMIUM", ""), *NAMES):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise UsageError(
        "No Chromium is found",
        expected="Chromium 131 or newer, or Chrome or Edge",
        hint="apt-get install -y chromium fonts-noto-cjk, or name a browser in ANXIN_CHROMIUM",
    )


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser whose profile is thrown away afterwards; many pages in one profile open faster than each in its own."""
    with tempfile.TemporaryDirectory() as profile:
        yield Browser(find_chromium(), Path(profile))


@dataclass(frozen=True)
class Browser:
    """Chromium and its profile."""

    path: str
    profile: Path

    def open(self, page: Path, *arguments: str) -> None:
        """Open a page without a window; of the environment it is told what it needs.

        Raises: UsageError: the browser failed.
        """
        root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # root cannot have one
        command = [self.path, *QUIET, *root, f"--user-data-dir={self.profile}", *arguments, page.resolve().as_uri()]
        own = {name: value for name, value in os.environ.items() if name in NEEDED or name.startswith(NEEDED_TOO)}
        try:
            code = subprocess.run(command, env=own, capture_output=True, timeout=PATIENCE, check=False).returncode
        except subprocess.TimeoutExpired:
            code = -1
        if code:
            raise UsageError(
                "Chromium could not open {page}",
                where="{page}",
                got="exit code {code}",
                hint="`chromium --version` should say 131 or newer; ANXIN_CHROMIUM names another browser",
                page=page.name,
                code=code,
            )
