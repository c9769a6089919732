"""What was drawn from privacy budgets: every number once, kept before anything of it is published.

Private: beside the true numbers these would tell the noise. Erased noise cannot be drawn again without paying again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.ledger import Ledger
from flows.workspace import digest
from survey.errors import AnxinError

if TYPE_CHECKING:
    import pandas as pd

    from flows.job import Job
    from survey.disclosure import Drawn


@dataclass(frozen=True)
class DrawLedger:
    """One JSON line for what one release drew, chained like the ledger of runs."""

    path: Path

    def drawn(self) -> list[Drawn]:
        """Everything drawn for the survey, oldest first.   Raises: AnxinError: a line was changed or is missing."""
        if not self.path.is_file():
            return []
        from survey.disclosure import Drawn

        lines = self.path.read_bytes().splitlines()
        entries = [json.loads(line) for line in lines]
        for before, entry in zip([b"", *lines], entries, strict=False):
            if entry["previous"] != (digest(before) if before else ""):
                raise AnxinError(
                    "The ledger of privacy budgets was changed",
                    where="{file}",
                    expected="lines that each seal the one before",
                    got="a broken chain",
                    hint="put it back from a copy; noise that was published is known from nowhere else",
                    file=f"data/work/released/{self.path.name}",
                )
        return [Drawn(*row) for entry in entries for row in entry["drawn"]]

    def record(self, frame: pd.DataFrame | None) -> None:
        """Add what is not kept yet; nothing where nothing was drawn."""
        if frame is None:
            return
        known = {each[:4] for each in self.drawn()}
        rows = [list(row) for row in frame.astype(object).itertuples(index=False, name=None) if row[:4] not in known]
        if rows:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            Ledger(self.path).append({"drawn": rows})


def of(job: Job) -> DrawLedger:
    """The draws of a survey."""
    return DrawLedger(job.workspace.work / "released" / f"{job.book.survey}.draws.jsonl")
