"""`anxin check`: the stages down to weighting, in memory, with a throw-away key; only a list of problems is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flows.job import Job
from flows.private import write
from flows.reading import as_read
from flows.words import padded, t, word
from survey.errors import AnxinError, UsageError, together

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from survey.cleaning import Cleaned

MOST = 10  # rows that are listed of each rule
THROW_AWAY_KEY = b"no pseudonym made with this is ever written"


def check(job: Job, problems: Path | None = None) -> Iterator[str]:
    """Lines about each wave: what was read, what was left out, which rules fired and where, how the weights came out.

    Args: problems: a file to be made for the whole table of problems, a row a rule that fired.
    Raises: AnxinError: as a run would, but after all waves and all lines, with what is wrong in any of them; UsageError
    where `problems` cannot be written.
    """
    if problems is not None:
        _may_be_made(problems, job)
    items, waves = len(job.book.items), len(job.book.waves)
    yield t(
        "{survey}: survey.yaml is in order, {items} items, {waves} waves",
        survey=job.book.survey,
        items=items,
        waves=waves,
    )
    faults: list[AnxinError] = []
    tables: list[pd.DataFrame] = []
    for wave in job.targets:
        try:
            yield from _wave(job, wave, tables)
        except AnxinError as fault:
            faults.append(fault)
    if problems is not None:
        yield _listed(tables, problems)
    if faults:
        raise together(faults)


def _may_be_made(path: Path, job: Job) -> None:
    """Raise where a table of single respondents must not lie, or where something lies already."""
    public = [job.workspace.root / "public", job.workspace.root / job.public]
    inside = any(path.resolve().is_relative_to(folder.resolve()) for folder in public)
    if inside or path.exists() or not path.parent.is_dir():
        raise UsageError(
            "The table of problems cannot be written to {path}",
            expected="a new file in a folder that is there, and that is not published",
            got="a place in the folder of the publications" if inside else "",
            hint="its rows speak of single respondents: give --problems a private place",
            path=path,
        )


def _listed(tables: list[pd.DataFrame], path: Path) -> str:
    """Write the tables for their owner alone; returns what is said of it."""
    import pandas as pd

    from survey.problems import COLUMNS

    table = pd.concat([pd.DataFrame(columns=COLUMNS), *(each.astype("object") for each in tables)])
    write(path, table.to_csv(index=False, lineterminator="\n").encode("utf-8-sig"))
    return t("{path}: {count:,} problems, row by row; for you alone", path=path, count=len(table))


def _wave(job: Job, wave: str, tables: list[pd.DataFrame]) -> Iterator[str]:
    from survey.cleaning import examined
    from survey.figures import design_facts, numbered
    from survey.intake import read
    from survey.privacy import protect
    from survey.weighting import Margins, read_margins, weigh

    frame, provenance = read(job.file(wave), job.book.waves[wave])
    yield from as_read(wave, provenance)
    yield "  " + t("sha256 {digest}", digest=provenance.sha256)
    cleaned, stops = examined(frame, job.book, wave, job.reviewed(wave), provenance.sha256)
    yield from _found(cleaned)
    tables.append(cleaned.problems)
    if stops:
        raise together(stops)
    protected = protect(cleaned, job.book, wave, THROW_AWAY_KEY)
    margins = read_margins(job.margins, wave) if job.margins else Margins()
    weighted, facts = weigh(protected, job.book, margins, wave)
    last = facts["weighting"]["steps"][-1]
    design_facts(numbered({wave: weighted}, job.book)[wave], job.book)  # raises where a run would
    k = protected.facts["privacy"].get("k", "-")
    yield "  " + t("k {k}, weights: design effect {deff:.2f}", k=k, deff=last["deff"])
    yield from _restored(cleaned, job, wave, k)


def _restored(cleaned: Cleaned, job: Job, wave: str, k: object) -> Iterator[str]:
    """Where rows that a reviewer restored make people easier to single out."""
    from survey.anonymity.classes import classes, measure

    rows = cleaned.frame.index.intersection(job.reviewed(wave).rows(True))
    quasi = list(job.book.privacy.quasi_identifiers)
    others = cleaned.frame.drop(index=rows)
    if not len(rows) or not quasi or not len(others) or not isinstance(k, int):
        return
    before = measure(classes(others, quasi), ()).k
    if before > k:
        yield "  " + t(
            "without the {count} rows that decisions.csv restores k is {before}: look at {items} in those rows",
            count=len(rows),
            before=before,
            items=", ".join(quasi),
        )


def _found(cleaned: Cleaned) -> Iterator[str]:
    """What cleaning counted, then each rule that fired with its rows, those that it only flags as well."""
    from survey.rules import RECODED

    yield "  " + t(", ").join(f"{word('count', name)} {count:,}" for name, count in cleaned.counts.items())
    problems = cleaned.problems[cleaned.problems["action"] != RECODED]
    fired = problems.groupby(["rule", "item", "action"], observed=True)["row"].agg(list).reset_index()
    for rule, item, action, rows in fired.itertuples(index=False):
        said = word("problem", rule)  # decisions.csv wants the code of the rule as well
        named = padded(said if said == rule else f"{said} {rule}", 32)
        yield f"  {named} {padded(item, 20)} {len(rows):>6,} {word('action', action)}"
        listed = ", ".join(map(str, rows[:MOST]))
        more = t(" and {count:,} more", count=len(rows) - MOST) if len(rows) > MOST else ""
        yield "    " + t("rows {rows}", rows=listed) + more
    if len(problems) < len(cleaned.problems):
        counts = cleaned.problems.loc[cleaned.problems["action"] == RECODED, "item"].value_counts(sort=False)
        told = t(", ").join(f"{item} {count:,}" for item, count in sorted(counts.items()) if count)
        yield "  " + t("put into the codes of survey.yaml (recode, reverse): {items}", items=told)
    if len(problems):
        yield "  " + t("decisions.csv takes a row, the rule that fired in it, and this checksum")
