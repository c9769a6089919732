"""The ledger of runs: ours, not Prefect's database, so that both drivers leave the same trace."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.job import Job
from flows.publish import is_listed, is_whole
from flows.workspace import code_digest, digest, libraries
from survey.codebook import survey_files
from survey.errors import AnxinError


@dataclass(frozen=True)
class Ledger:
    """One JSON line a run, each with the digest of the line before it, so that none can be changed unseen."""

    path: Path

    def entries(self) -> list[dict[str, Any]]:
        """All lines, oldest first; one that a killed run left unfinished was never told and does not count.

        Raises: AnxinError: a line was changed or is missing.
        """
        lines = self._lines()
        try:
            entries: list[dict[str, Any]] = [json.loads(line) for line in lines]
            whole = all(
                entry["previous"] == (digest(before) if before else "")
                for before, entry in zip([b"", *lines], entries, strict=False)
            )
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise AnxinError(
                "A ledger was changed",
                where="{file}",
                expected="lines that each seal the one before",
                got="a broken chain",
                hint="put it back from a copy; what was published before is known from nowhere else",
                file=self.path.name,
            )
        return entries

    def _lines(self) -> list[bytes]:
        """The finished lines."""
        content = self.path.read_bytes() if self.path.is_file() else b""
        return content[: content.rfind(b"\n") + 1].splitlines()

    def forgotten(self, survey: str) -> set[str]:
        """The waves of a survey whose key and private work were destroyed at some time."""
        told = [entry for entry in self.entries() if entry["status"] == "forgotten" and entry["survey"] == survey]
        return {wave for entry in told for wave in entry["waves"]}

    def append(self, entry: dict[str, Any]) -> None:
        """Add a line at the end and flush it to disk."""
        lines = self._lines()
        sealed = {**entry, "previous": digest(lines[-1]) if lines else ""}
        text = json.dumps(sealed, ensure_ascii=False, sort_keys=True) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.truncate(sum(len(line) + 1 for line in lines))  # an unfinished line of a killed run goes
            stream.seek(0, os.SEEK_END)
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())


def fingerprint(job: Job) -> str:
    """Digest of everything a run depends on: code, libraries, settings, margins, deliveries, and what is asked for."""
    settings = [path.read_bytes() for path in survey_files(job.workspace.survey_folder(job.book.survey))]
    delivered = [job.delivered(wave) for wave in job.waves]
    asked = json.dumps([job.book.survey, job.targets, job.languages, str(job.public.resolve()), job.overrides])
    return digest(code_digest("survey", "reports", "flows"), libraries(), asked, *settings, *delivered)


def content_of(job: Job, wave: str) -> str:
    """Digest of what people put into a wave's report: its delivery, the survey's settings, what this run replaces."""
    settings = [path.read_bytes() for path in survey_files(job.workspace.survey_folder(job.book.survey))]
    return digest(job.delivered(wave), job.overrides, *settings)


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
