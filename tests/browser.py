"""The Chromium that browser tests drive."""

from __future__ import annotations

import os
import shutil

ADVICE = "Browser tests need Chromium: apt-get install -y chromium fonts-noto-cjk (or set ANXIN_CHROMIUM)"
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str:
    """Path of the browser.   Raises: FileNotFoundError: with the one command that mends it."""
    for name in (os.environ.get("ANXIN_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name) if name else None
        if found:
            return found
    raise FileNotFoundError(ADVICE)


def arguments() -> list[str]:
    """Command line of the browser: no traffic of its own; no sandbox for root, who cannot have one."""
    return [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
