"""The stages as functions from artefacts to artefacts: survey/ and reports/ do the work, this only hands it over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flows.job import Job
from flows.store import Artefact
from survey.errors import GateError

if TYPE_CHECKING:
    import pandas as pd

    from reports.revisions import Earlier
    from survey.cleaning import Cleaned
    from survey.privacy import Protected
    from survey.quality import Assessment
    from survey.released import Drawn, Releasable, Told


def intake(job: Job, wave: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The delivered file as text cells, and where it came from."""
    from survey.intake import read
    from survey.schemas import guard

    frame, provenance = read(job.file(wave), job.book.waves[wave])
    sizes = [rows for _, rows in provenance.parts]  # without names: a part may be named after who was interviewed
    return guard(frame, "delivered", job.book), {"wave": wave, **provenance.as_dict(), "parts": sizes}


def cleaning(job: Job, wave: str, delivered: pd.DataFrame, sha256: str = "") -> Cleaned:
    """The typed wave with its problems and its quarantine."""
    from survey.cleaning import clean
    from survey.schemas import guard

    cleaned = clean(delivered, job.book, wave, job.reviewed(wave), sha256)
    guard(cleaned.frame, "cleaned", job.book)
    return cleaned


def quality(job: Job, wave: str, cleaned: Cleaned) -> Assessment:
    """Response rates, counts of problems and patterns, and the interviews in clusters that stand out."""
    from survey.quality import assess

    return assess(cleaned, job.book)


def privacy(job: Job, wave: str, cleaned: Cleaned, assessed: Assessment, provenance: dict[str, Any]) -> Artefact:
    """The wave without identifiers; the first thing that may be written."""
    from survey.privacy import protect
    from survey.schemas import guard

    key, shared = job.pseudonym_keys(wave)
    protected = protect(cleaned, job.book, wave, key, assessed.flagged, shared)
    guard(protected.frame, "protected", job.book)
    frames = {"answers": protected.frame, "reasons": protected.reasons, "problems": cleaned.problems}
    return Artefact(frames, {**assessed.facts, "provenance": provenance, **protected.facts})


def weighting(job: Job, wave: str, protected: Artefact) -> Artefact:
    """The wave with base and final weights."""
    from survey.schemas import guard
    from survey.weighting import Margins, read_margins, weigh

    margins = read_margins(job.margins, wave, f"data/raw/{job.book.survey}/margins.csv") if job.margins else Margins()
    weighted, facts = weigh(_wave(protected), job.book, margins, wave)
    guard(weighted.frame, "weighted", job.book)
    frames = {"answers": weighted.frame, "reasons": weighted.reasons}
    return Artefact(frames, {**protected.facts, **facts})


def estimate(job: Job, wave: str, weighted: Artefact) -> Artefact:
    """Every figure of one wave, the facts of its design, and the keys of its cells where noise is made of them."""
    from survey.disclosure.cellkeys import cell_keys
    from survey.figures import design_facts, levels

    protected = _wave(weighted)
    rows = levels(protected, job.book, wave)
    keyed = job.book.disclosure.counts.method == "cell_key"
    keys = {"keys": cell_keys(protected, rows).assign(wave=wave)} if keyed else {}
    return Artefact({"results": rows, **keys}, {"design": design_facts(protected, job.book)})


def compare(job: Job, wave: str, *weighted: Artefact) -> Artefact:
    """Each group against the rest, and the change since the wave before, since a year ago and since the first wave."""
    from survey.figures import comparisons

    waves = dict(zip(job.compared(wave), map(_wave, weighted), strict=True))
    return Artefact({"results": comparisons(waves, job.book)})


def model(job: Job, wave: str, *weighted: Artefact) -> Artefact:
    """The regressions of the report plan, the drivers and the effects of programmes."""
    import pandas as pd

    from survey.figures import regressions
    from survey.measures import programmes, quadrant

    waves = dict(zip(job.modelled(wave), map(_wave, weighted), strict=True))
    own = waves[wave]
    parts = [regressions(own, job.book, wave), quadrant(own, job.book, wave), programmes(waves, job.book)]
    return Artefact({"results": pd.concat(parts, ignore_index=True)})


def banner(job: Job, wave: str, weighted: Artefact) -> Artefact:
    """Every question by every breakdown, where the report plan asks for it."""
    from survey.banner import banner as by_breakdown

    return Artefact({"results": by_breakdown(_wave(weighted), job.book, wave)})


def disclosure(
    job: Job,
    wave: str,
    earlier: list[dict[str, Any]],
    drawn: list[Drawn],
    accounted: list[Drawn],
    *artefacts: Artefact,
) -> Artefact:
    """All figures of a report with their flags, and the facts that may be told.

    Args: earlier: lines of the ledger of released cells.   drawn: noise that was drawn before.   accounted: what of it
    was drawn up to this release, where it was made before.
    artefacts: the weighted waves that are compared, this one last; then results, those of the wave itself last.
    """
    import pandas as pd

    from flows.cells import known_again, told
    from survey.changes import told as told_changes
    from survey.disclosure import Secrets, release
    from survey.disclosure.background import background
    from survey.released import Drawn, Told
    from survey.schemas import guard
    from survey.weighting import FINAL

    compared = job.compared(wave)
    weighted, parts = artefacts[: len(compared)], artefacts[len(compared) :]
    everything = guard(pd.concat([part.frames["results"] for part in parts], ignore_index=True), "results", job.book)
    frames = {name: own.frames["answers"] for name, own in zip(compared, weighted, strict=True)}
    before = told(earlier)
    _still_known(before, frames)
    before = known_again(before, frames, FINAL)
    known = {
        name: background(_wave(own), job.book, everything[everything["wave"] == name], _breakdowns(before, name))
        for name, own in zip(compared, weighted, strict=True)
    }
    secrets = Secrets(_keys(parts), drawn, accounted)
    released = release(everything, {**weighted[-1].facts, **parts[-1].facts}, job.book, known, before, secrets)
    released = told_changes(released, job.book, wave)
    guard(released.results, "results", job.book)
    cells = pd.DataFrame(released.cells, columns=list(Told._fields))
    cells = cells[cells["wave"].isin(compared) | cells["by"].eq("")]  # of older waves a report tells the city alone
    frames = {"results": released.results, "cells": cells.reset_index(drop=True)}
    if job.book.disclosure.counts.method == "private":  # also where all of it was drawn before
        frames["drawn"] = pd.DataFrame(released.drawn, columns=list(Drawn._fields))
    return Artefact(frames, released.facts)


def _keys(parts: Sequence[Artefact]) -> dict[tuple[str, str, str, str], int]:
    """Keys of the cells of all waves."""
    frames = [part.frames["keys"] for part in parts if "keys" in part.frames]
    columns = ["wave", "item", "by", "group", "key"]
    rows = (row for frame in frames for row in frame[columns].itertuples(index=False, name=None))
    return {(wave, item, by, group): int(key) for wave, item, by, group, key in rows}


def _breakdowns(cells: list[Told], wave: str) -> list[str]:
    """Breakdowns of earlier publications of a wave."""
    return list(dict.fromkeys(cell.by for cell in cells if cell.wave == wave and cell.by))


def _still_known(cells: list[Told], frames: dict[str, pd.DataFrame]) -> None:
    """Raise where a breakdown that was published is no longer made: its groups could not be judged beside the new."""
    for wave, frame in frames.items():
        gone = [by for by in _breakdowns(cells, wave) if any(part not in frame for part in by.split(":"))]
        if gone:
            raise GateError(
                "A breakdown that was published is no longer in survey.yaml",
                where="{wave}: {by}",
                expected="every breakdown that is out, so that what two publications tell together can be judged",
                got="none of that name",
                hint="keep the variable in survey.yaml, under `items` or `derived`; the report need not show it",
                wave=wave,
                by=", ".join(gone),
            )


def tables(job: Job, wave: str, released: Artefact, earlier: Earlier | None = None) -> Artefact:
    """What readers take away.   Args: earlier: the version this one takes the place of, of other deliveries."""
    from reports.downloads import downloads
    from reports.revisions import figured

    release = _release(released)
    return Artefact(files=downloads(release, *figured(release, job.book, earlier), job.book, wave, job.languages))


def report(job: Job, wave: str, released: Artefact, tables: Artefact, earlier: Earlier | None = None) -> Artefact:
    """The pages, which link to the tables.   Args: earlier: as of `tables`."""
    from reports.render import pages
    from reports.revisions import figured

    release = _release(released)
    told = (release, *figured(release, job.book, earlier), job.book, wave, job.languages)
    return Artefact(files=pages(*told, tuple(tables.files), job.noted(wave), job.shapes()))


def _release(artefact: Artefact) -> Releasable:
    from survey.released import Releasable

    return Releasable(artefact.frames["results"], artefact.facts)


def _wave(artefact: Artefact) -> Protected:
    from survey.privacy import Protected

    return Protected(artefact.frames["answers"], artefact.frames["reasons"], artefact.facts)
