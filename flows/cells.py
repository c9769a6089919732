"""The ledger of released cells: what every publication told and withheld, so that the next one is judged beside them.

Private, as it holds true numbers. A line is written just before a publication appears, never by a run that was stopped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.ledger import Ledger
from flows.private import erase
from flows.publish import MANIFEST
from flows.workspace import Workspace
from survey.errors import AnxinError

if TYPE_CHECKING:
    import pandas as pd

    from flows.job import Job
    from survey.released import Told

NUMBERS, SHOWN = slice(3, 6), 6  # places in a line's cells: item, by, group, n, base, estimate, shown, secret


@dataclass(frozen=True)
class CellLedger:
    """One JSON line for the cells of a wave in a publication, chained like the ledger of runs.

    basis: wave → digest of all its figures come from (delivery, survey.yaml, code, rules). What was published last on
    the very same basis is the same release again and nothing to be audited against; once another basis was published
    after it, it counts like any other.
    """

    path: Path

    def entries(self) -> list[dict[str, Any]]:
        """All lines, oldest first.   Raises: AnxinError: a line was changed or is missing."""
        return Ledger(self.path).entries()

    def before(self, basis: Mapping[str, str]) -> list[dict[str, Any]]:
        """The lines that a release of these waves is to be judged beside."""
        own = [entry for entry in self.entries() if entry["wave"] in basis]
        foreign = [k for k, entry in enumerate(own) if entry["basis"] != basis[entry["wave"]]]
        return own[: foreign[-1] + 1] if foreign else []

    def forget(self, waves: Collection[str]) -> int:
        """Write the ledger anew without the numbers of what was withheld of some waves, chained as before.

        What was withheld keeps its key and marks, so that the next report withholds it as well; what was shown is
        public. Returns: how many cells lost their numbers.
        """
        entries, count = self.entries(), 0
        for entry in entries:
            for row in entry["cells"] if entry["wave"] in waves else ():
                if not row[SHOWN] and any(value is not None for value in row[NUMBERS]):
                    row[NUMBERS] = [None] * len(row[NUMBERS])
                    count += 1
        if count:
            draft = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            draft.unlink(missing_ok=True)
            for entry in entries:
                Ledger(draft).append({name: value for name, value in entry.items() if name != "previous"})
            erase(self.path)
            draft.rename(self.path)
        return count

    def held(self) -> set[str]:
        """The waves of which numbers of withheld cells stand here."""
        return {
            entry["wave"]
            for entry in self.entries()
            if any(not row[SHOWN] and row[NUMBERS] != [None] * len(row[NUMBERS]) for row in entry["cells"])
        }

    def record(self, basis: Mapping[str, str], cells: pd.DataFrame, counts: str = "exact") -> None:
        """Add the cells that are not yet recorded on this basis.

        Args: counts: how numbers of respondents are told.
        """
        entries = self.entries()
        for wave, own in cells.groupby("wave", sort=True):
            if wave not in basis:
                continue
            rows = [list(row) for row in own.drop(columns="wave").astype(object).itertuples(index=False, name=None)]
            rows = [[None if value != value else value for value in row] for row in rows]
            last = entries[_since(entries, str(wave), basis[str(wave)]) :]
            known = {json.dumps(row) for entry in last if entry["wave"] == wave for row in entry["cells"]}
            new = [row for row in rows if json.dumps(row) not in known]
            if new:
                self.path.parent.mkdir(mode=0o700, exist_ok=True)
                Ledger(self.path).append({"wave": wave, "basis": basis[str(wave)], "counts": counts, "cells": new})


def of(job: Job) -> CellLedger:
    """The ledger of a survey's released cells."""
    return in_workspace(job.workspace, job.book.survey)


def in_workspace(workspace: Workspace, survey: str) -> CellLedger:
    """The same where there need be no survey.yaml."""
    return CellLedger(workspace.work / "released" / f"{survey}.jsonl")


def refuse_lost(job: Job) -> None:
    """Raise where waves are published that the ledger does not know: nothing could be judged beside them."""
    known = {entry["wave"] for entry in of(job).entries()}
    folder = job.public / job.book.survey
    unknown = [wave for wave in job.waves if wave not in known and (folder / wave / MANIFEST).is_file()]
    if unknown:
        raise AnxinError(
            "The ledger of released cells does not know what is published",
            where="{file}",
            expected="lines of {waves}, which public/{survey} shows",
            got="none",
            hint="put data/work/released back from a copy; if there is none, move public/{survey} away, knowing that"
            " nothing then keeps this report and the published one from telling together what each withholds",
            file=f"data/work/released/{job.book.survey}.jsonl",
            waves=", ".join(unknown),
            survey=job.book.survey,
        )


def known_again(cells: Iterable[Told], frames: Mapping[str, pd.DataFrame], weight: str) -> list[Told]:
    """Cells of earlier publications; those whose numbers were forgotten have them from the wave made again, if it is.

    Args: frames: the waves' private frames.
    """
    from survey.estimation.groups import grouped

    found = []
    for cell in cells:
        frame = frames.get(cell.wave)
        if cell.n == cell.n:
            found.append(cell)
        elif frame is not None and cell.item in frame and (not cell.by or cell.by in frame):
            codes, labels, _ = grouped(frame, cell.by or None)
            inside = (codes == labels.index(cell.group)) if cell.group in labels else codes < -1
            inside &= frame[cell.item].notna().to_numpy()
            base = float(frame.loc[inside, weight].sum())
            if inside.any():
                found.append(cell._replace(n=float(inside.sum()), base=base))
    return found


def _since(entries: list[dict[str, Any]], wave: str, basis: str) -> int:
    """Place after the last line of a wave that stands on another basis."""
    foreign = [k for k, entry in enumerate(entries) if entry["wave"] == wave and entry["basis"] != basis]
    return foreign[-1] + 1 if foreign else 0


def told(entries: Iterable[Mapping[str, Any]]) -> list[Told]:
    """The cells of lines, oldest first."""
    from survey.released import Told

    rows: list[list[Any]] = [[entry["wave"], *row] for entry in entries for row in entry["cells"]]
    return [Told._make(float("nan") if value is None else value for value in row) for row in rows]


def secret(entries: Iterable[Mapping[str, Any]], results: pd.DataFrame, wave: str) -> set[tuple[str, str, str]]:
    """Item, breakdown and group of what a wave's publications and its report as it is now keep secret of it.

    The ledger does not tell secondary suppression from figures that are merely uncertain; the report of now does, and
    what it does not know counts as secret.

    Args: entries: lines of the ledger.   results: all figures of the wave's report with their flags.
    """
    from survey.disclosure import SECRET
    from survey.disclosure.audit import outside
    from survey.disclosure.system import LEVELS

    own = results[results["wave"].eq(wave) & results["statistic"].isin(LEVELS)]
    keys = list(own[["item", "by", "group"]].itertuples(index=False, name=None))
    now = {key for key, flag in zip(keys, own["flag"], strict=True) if flag in SECRET}
    out = outside(cell for cell in told(entries) if cell.wave == wave)
    doubtful = set(keys) - now
    hidden = {key[1:]: cell for key, cell in out.items() if cell.hidden}
    return now | {key for key, cell in hidden.items() if cell.secret or key not in doubtful}
