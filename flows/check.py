"""`anxin check`: the stages down to weighting, in memory, with a throw-away key; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flows.job import Job
from flows.words import padded, t, word
from survey.errors import AnxinError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from survey.codebook import Codebook, Wave

MOST = 10  # rows of the quarantine that are listed
THROW_AWAY_KEY = b"no pseudonym made with this is ever written"


def check(job: Job) -> Iterator[str]:
    """Lines about each wave: what was read, what was left out, which rules fired, how the weights came out.

    Raises: AnxinError: as a run would, but after all waves, with what is wrong in any of them.
    """
    items, waves = len(job.book.items), len(job.book.waves)
    yield t(
        "{survey}: survey.yaml is in order, {items} items, {waves} waves",
        survey=job.book.survey,
        items=items,
        waves=waves,
    )
    faults: list[AnxinError] = []
    for wave in job.targets:
        try:
            yield from _wave(job, wave)
        except AnxinError as fault:
            faults += [fault, *fault.others]
    if faults:
        faults[0].others = tuple(faults[1:])
        raise faults[0]


def _wave(job: Job, wave: str) -> Iterator[str]:
    from survey.cleaning import clean
    from survey.intake import read
    from survey.privacy import protect
    from survey.weighting import Margins, read_margins, weigh

    frame, provenance = read(job.file(wave), job.book.waves[wave])
    yield t(
        "{wave}: {file}, {rows:,} rows, {columns} columns, {encoding}",
        wave=wave,
        file=provenance.file,
        rows=provenance.rows,
        columns=provenance.columns,
        encoding=provenance.encoding,
    )
    _columns(frame, job.book, job.book.waves[wave])
    cleaned = clean(frame, job.book, wave, job.reviewed(wave), provenance.sha256)
    yield "  " + t(", ").join(f"{word('count', name)} {count:,}" for name, count in cleaned.counts.items())
    fired = cleaned.problems.groupby(["rule", "item", "action"], observed=True).size().reset_index(name="n")
    for rule, item, action, count in fired.itertuples(index=False):
        yield f"  {padded(word('problem', rule), 22)} {padded(item, 20)} {count:>6,} {word('action', action)}"
    for row, rule in cleaned.quarantine[["row", "rule"]].head(MOST).itertuples(index=False):
        said = word("problem", rule)  # decisions.csv wants the code of the rule as well
        yield "  " + t("row {row}: {problem}", row=row, problem=said if said == rule else f"{said} {rule}")
    if len(cleaned.quarantine):
        yield "  " + t("decisions.csv takes the row, the rule and sha256 {digest}", digest=provenance.sha256)
    protected = protect(cleaned, job.book, wave, THROW_AWAY_KEY)
    margins = read_margins(job.margins, wave) if job.margins else Margins()
    _, facts = weigh(protected, job.book, margins, wave)
    last = facts["weighting"]["steps"][-1]
    k = protected.facts["privacy"].get("k", "-")
    yield "  " + t("k {k}, weights: design effect {deff:.2f}", k=k, deff=last["deff"])


def _columns(frame: pd.DataFrame, book: Codebook, wave: Wave) -> None:
    """Raise with every column that nobody declared and every item without a column, not only the first."""
    from survey.cleaning import rename

    faults: list[DataError] = []
    while True:
        try:
            rename(frame, book, wave)
            break
        except DataError as fault:
            faults.append(fault)
            column = str(frame.columns[int(fault.values.get("position", 1)) - 1]).strip()
            if fault.values.get("column") != column:  # an item without a column, or a first line that is no header
                break
            wave = wave.model_copy(update={"ignore": (*wave.ignore, column)})
    if faults:
        faults[0].others = tuple(faults[1:])
        raise faults[0]
