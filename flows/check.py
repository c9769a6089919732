"""`anxin check`: the stages down to weighting, in memory, with a throw-away key; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator

from flows.job import Job

THROW_AWAY_KEY = b"no pseudonym made with this is ever written"


def check(job: Job) -> Iterator[str]:
    """Lines about each wave: what was read, what was left out, which rules fired, how the weights came out.

    Raises: AnxinError: as a run would.
    """
    from survey.cleaning import clean
    from survey.intake import read
    from survey.privacy import protect
    from survey.weighting import Margins, read_margins, weigh

    yield f"{job.book.survey}: survey.yaml is in order, {len(job.book.items)} items, {len(job.book.waves)} waves"
    for wave in job.targets:
        frame, provenance = read(job.file(wave), job.book.waves[wave])
        yield f"{wave}: {provenance.file}, {provenance.rows:,} rows, {provenance.columns} columns, {provenance.encoding}"
        cleaned = clean(frame, job.book, wave)
        yield "  " + ", ".join(f"{name} {count:,}" for name, count in cleaned.counts.items())
        fired = cleaned.problems.groupby(["rule", "item", "action"]).size().reset_index(name="n")
        for rule, item, action, count in fired.itertuples(index=False):
            yield f"  {rule:<22} {item:<20} {count:>6,} {action}"
        protected = protect(cleaned, job.book, wave, THROW_AWAY_KEY)
        margins = read_margins(job.margins, wave) if job.margins else Margins()
        _, facts = weigh(protected, job.book, margins)
        last = facts["weighting"]["steps"][-1]
        yield f"  k {protected.facts['privacy'].get('k', '-')}, weights: design effect {last['deff']:.2f}"
