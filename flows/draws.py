"""What was drawn from privacy budgets: every number once, kept before anything of it is published.

Private: beside the true numbers these would tell the noise. Erased noise cannot be drawn again without paying again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows import cells
from flows.ledger import Ledger
from survey.errors import AnxinError

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
        return _numbers(Ledger(self.path).entries())

    def before(self, basis: Mapping[str, str]) -> list[Drawn]:
        """What was drawn before the first release on a basis: what is drawn later, even by it, changes it no more."""
        return _numbers(Ledger(self.path).entries()[: self._first(basis)])

    def until(self, basis: Mapping[str, str]) -> list[Drawn]:
        """The same with what that first release drew itself."""
        return _numbers(Ledger(self.path).entries()[: self._first(basis) + 1])

    def _first(self, basis: Mapping[str, str]) -> int:
        """Place of the line of the first release on a basis, behind all lines where there is none."""
        entries = Ledger(self.path).entries()
        return next((place for place, entry in enumerate(entries) if entry.get("basis") == basis), len(entries))

    def record(self, basis: Mapping[str, str], frame: pd.DataFrame | None) -> None:
        """Add what is not kept yet, and that there was a release on this basis; nothing where no noise is used.

        Args: basis: wave → digest of all that the release's figures come from.
        """
        if frame is None:
            return
        known = {each[:4] for each in self.drawn()}
        is_new = self._first(basis) == len(Ledger(self.path).entries())
        rows = [list(row) for row in frame.astype(object).itertuples(index=False, name=None) if row[:4] not in known]
        if rows or is_new:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            Ledger(self.path).append({"basis": dict(basis), "drawn": rows})


def _numbers(entries: Iterable[Mapping[str, Any]]) -> list[Drawn]:
    """The numbers of lines, oldest first."""
    from survey.released import Drawn

    return [Drawn(*row) for entry in entries for row in entry["drawn"]]


def refuse_lost(job: Job) -> None:
    """Raise where counts with noise are out and the noise is not known: another would tell more than was paid for."""
    if job.book.disclosure.counts.method != "private":
        return
    known = {each.wave for each in of(job).drawn()}
    told = {entry["wave"] for entry in cells.of(job).entries() if entry.get("counts") == "private"}
    lost = [wave for wave in job.waves if wave in told - known]
    if lost:
        raise AnxinError(
            "The noise of counts that are published is not known any more",
            where="{file}",
            expected="what was drawn for {waves}",
            got="none",
            hint="put data/work/released back from a copy, or choose another method under disclosure.counts: noise"
            " drawn a second time could be averaged with the first",
            file=f"data/work/released/{job.book.survey}.draws.jsonl",
            waves=", ".join(lost),
        )


def of(job: Job) -> DrawLedger:
    """The draws of a survey."""
    return DrawLedger(job.workspace.work / "released" / f"{job.book.survey}.draws.jsonl")
