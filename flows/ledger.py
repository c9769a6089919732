"""The ledger of runs: ours, not Prefect's database, so that both drivers leave the same trace."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.job import Job
from flows.publish import is_listed, is_whole
from flows.workspace import code_digest, digest
from survey.codebook import survey_files
from survey.errors import AnxinError


@dataclass(frozen=True)
class Ledger:
    """One JSON line a run, each with the digest of the line before it, so that none can be changed unseen."""

    path: Path

    def entries(self) -> list[dict[str, Any]]:
        """All runs, oldest first, and what was forgotten between them."""
        if not self.path.is_file():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def sealed(self) -> list[dict[str, Any]]:
        """All lines, oldest first.   Raises: AnxinError: a line was changed or is missing."""
        lines = self.path.read_bytes().splitlines() if self.path.is_file() else []
        entries: list[dict[str, Any]] = [json.loads(line) for line in lines]
        for before, entry in zip([b"", *lines], entries, strict=False):
            if entry["previous"] != (digest(before) if before else ""):
                raise AnxinError(
                    "A ledger of what was released was changed",
                    where="{file}",
                    expected="lines that each seal the one before",
                    got="a broken chain",
                    hint="put it back from a copy; what was published before is known from nowhere else",
                    file=f"data/work/released/{self.path.name}",
                )
        return entries

    def forgotten(self, survey: str) -> set[str]:
        """The waves of a survey whose key and private work were destroyed at some time."""
        told = [entry for entry in self.entries() if entry["status"] == "forgotten" and entry["survey"] == survey]
        return {wave for entry in told for wave in entry["waves"]}

    def append(self, entry: dict[str, Any]) -> None:
        """Add a run at the end and flush it to disk."""
        lines = self.path.read_bytes().splitlines() if self.path.is_file() else []
        sealed = {**entry, "previous": digest(lines[-1]) if lines else ""}
        text = json.dumps(sealed, ensure_ascii=False, sort_keys=True) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())


def fingerprint(job: Job) -> str:
    """Digest of everything a run depends on: code, survey.yaml, margins, delivered files, and what is asked for."""
    settings = [path.read_bytes() for path in survey_files(job.workspace.survey_folder(job.book.survey))]
    delivered = [job.delivered(wave) for wave in job.waves]
    asked = json.dumps([job.book.survey, job.targets, job.languages, str(job.public.resolve())])
    return digest(code_digest("survey", "reports", "flows"), asked, *settings, *delivered)


def unchanged(job: Job, ledger: Ledger, current: str) -> dict[str, Path] | None:
    """The published folders when the last such run published this very state and they are still whole, else None."""
    same = [entry for entry in ledger.entries() if entry.get("fingerprint") == current]
    if not same or same[-1]["status"] != "published":
        return None
    places = {wave: job.public / job.book.survey / wave for wave in job.targets}
    shown = all(
        is_whole(place) and place.resolve().name == same[-1]["published"].get(wave) and is_listed(place)
        for wave, place in places.items()
    )
    return places if shown else None


@contextmanager
def only_one(work: Path) -> Iterator[None]:
    """Hold the lock of the private folder: two runs at once would race for the same publication."""
    with os.fdopen(os.open(work / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnxinError(
                "Another run is at work",
                where="data/work/lock",
                expected="one run at a time",
                got="a lock that is held",
                hint="wait for it to end",
            ) from None
        yield
