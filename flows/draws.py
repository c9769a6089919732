"""What was drawn from privacy budgets: every number once, kept before anything of it is published.

Private: beside the true numbers these would tell the noise. Erased noise cannot be drawn again without paying again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
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

    def before(self, basis: Mapping[str, str]) -> list[Drawn]:
        """What was drawn before the first release on a basis: what is drawn later, even by it, changes it no more."""
        from survey.released import Drawn

        earlier = takewhile(lambda entry: entry.get("basis") != basis, Ledger(self.path).entries())
        return [Drawn(*row) for entry in earlier for row in entry["drawn"]]

    def record(self, basis: Mapping[str, str], frame: pd.DataFrame | None) -> None:
        """Add what is not kept yet, and that there was a release on this basis; nothing where no noise is used.

        Args: basis: wave → digest of all that the release's figures come from.
        """
        if frame is None:
            return
        known = {each[:4] for each in self.drawn()}
        is_new = all(entry.get("basis") != basis for entry in Ledger(self.path).entries())
        rows = [list(row) for row in frame.astype(object).itertuples(index=False, name=None) if row[:4] not in known]
        if rows or is_new:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            Ledger(self.path).append({"basis": dict(basis), "drawn": rows})


def of(job: Job) -> DrawLedger:
    """The draws of a survey."""
    return DrawLedger(job.workspace.work / "released" / f"{job.book.survey}.draws.jsonl")
