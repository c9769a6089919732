"""What was drawn from privacy budgets: every number once, kept before anything of it is published.

Private: beside the true numbers these would tell the noise. Erased noise cannot be drawn again without paying again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.ledger import Ledger

if TYPE_CHECKING:
    import pandas as pd

    from flows.job import Job
    from survey.released import Drawn


@dataclass(frozen=True)
class DrawLedger:
    """One JSON line for what one release drew, chained like the ledger of runs."""

    path: Path

    def drawn(self) -> list[Drawn]:
        """Everything drawn for the survey, oldest first.   Raises: AnxinError: a line was changed or is missing."""
        from survey.released import Drawn

        return [Drawn(*row) for entry in Ledger(self.path).entries() for row in entry["drawn"]]

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
