"""`anxin forget`: a wave's key and all private work made of its answers are destroyed; what is published stays."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime

from flows.cells import in_workspace
from flows.keys import Salts
from flows.ledger import Ledger
from flows.lock import only_one
from flows.store import forget as forget_in
from flows.store import waves_in
from flows.workspace import Workspace
from survey.errors import UsageError


@dataclass(frozen=True)
class Forgotten:
    """What was destroyed.

    waves: whose keys and work.   artefacts: how many of the store.   linked: waves for which the survey's key stays.
    """

    waves: tuple[str, ...]
    artefacts: int
    linked: tuple[str, ...]


def forgettable(workspace: Workspace, survey: str, wave: str | None) -> tuple[str, ...]:
    """The waves that are meant: one, or all of which there is anything (None).

    Neither survey.yaml nor a delivery is needed: what is to be forgotten may be gone there.
    Raises: UsageError: there is nothing of it.
    """
    held = in_workspace(workspace, survey).held()
    known = sorted({*_salts(workspace).waves(survey), *waves_in(workspace.work / "store", survey), *held})
    if not known or (wave is not None and wave not in known):
        raise UsageError(
            "There is nothing to forget of {what}",
            where="data/work",
            expected="one of {known}",
            what=f"{survey} {wave or ''}".strip(),
            known=", ".join(known) or "none",
        )
    return tuple(known) if wave is None else (wave,)


def forget(workspace: Workspace, survey: str, waves: tuple[str, ...], now: datetime) -> Forgotten:
    """Destroy the keys of waves, every artefact made of their answers and the numbers withheld of them.

    The ledger of runs tells so.

    Keys go first: what is left when it breaks off is at least encrypted, or pseudonyms that nobody can make again.
    """
    os.umask(0o077)
    with only_one(workspace.work):
        salts = _salts(workspace)
        salts.destroy(survey, waves)
        artefacts = forget_in(workspace.work / "store", survey, waves.__contains__)
        cells = in_workspace(workspace, survey).forget(waves)
        Ledger(workspace.work / "ledger.jsonl").append(
            {
                "survey": survey,
                "waves": waves,
                "status": "forgotten",
                "artefacts": artefacts,
                "cells": cells,  # of the ledger of released cells, written anew without their numbers
                "started": now.isoformat(timespec="seconds"),
            }
        )
    return Forgotten(waves, artefacts, tuple(salts.waves(survey)))


def _salts(workspace: Workspace) -> Salts:
    return Salts(workspace.work / "keys")
