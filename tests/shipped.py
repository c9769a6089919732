"""The shipped city, published once for all tests that look at what people see."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from flows.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
SURVEY = "example-city"
# One area stands for all of them: they differ in figures only, and one that is withheld is in the sample's tests.
STEMS = ("", "-area-3", "-changes", "-methods", "-privacy", "-glossary")
LISTS = ("index", "list of waves", "list of surveys")
PAGES = (*(f"{code}{stem}" for code in ("zh", "en") for stem in STEMS), *LISTS)


@dataclass(frozen=True)
class Shipped:
    """A workspace and the newest wave published in it."""

    root: Path
    wave: str

    @property
    def public(self) -> Path:
        """The published tree."""
        return self.root / "public"

    def page(self, name: str) -> Path:
        """File of one of `PAGES`."""
        survey = self.public / SURVEY
        lists = {"list of waves": survey / "index.html", "list of surveys": self.public / "index.html"}
        return lists.get(name, survey / self.wave / f"{name}.html")


def publish(root: Path) -> Shipped:
    """Publish the first and the newest wave by the plain driver: the newest to look at, two to make the lists lists."""
    (root / "data" / "raw").mkdir(parents=True)
    (root / "data" / "raw" / SURVEY).symlink_to(ROOT / "data" / "raw" / SURVEY)
    waves = list(Workspace(root).book(SURVEY).waves)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANXIN_")}
    for wave in (waves[0], waves[-1]):
        command = [sys.executable, "-m", "flows.cli", "run", SURVEY, "--wave", wave]
        done = subprocess.run(
            command, cwd=root, env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
    return Shipped(root, waves[-1])
