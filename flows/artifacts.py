"""What Prefect's interface shows of a run: a table of the stages, and a page with the published headline figures.

Counts, times and what is published; they are asked of Prefect in few tries, and a server that is gone fails no run.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flows.job import Job
from flows.links import SITE, address, page
from flows.manifest import counts
from flows.metrics import total
from flows.private import aside, withheld
from flows.words import t, translator

if TYPE_CHECKING:
    from flows.run import Line

PATIENCE = 10.0
"""Seconds that Prefect has for an answer."""


def leave(job: Job, lines: list[Line], published: dict[str, Path]) -> None:
    """Leave the artifacts of a run, inside its flow; one line on stderr where Prefect does not take them."""
    from prefect.artifacts import create_markdown_artifact, create_table_artifact
    from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    place, name = "", re.sub(r"[^a-z0-9]+", "-", job.book.survey.lower())
    try:
        with temporary_settings({PREFECT_API_REQUEST_TIMEOUT: PATIENCE, PREFECT_CLIENT_MAX_RETRIES: 0}):
            if lines:
                create_table_artifact(stages(job, lines), f"{name}-stages")
            if published:
                create_markdown_artifact(summary(job, published, os.environ.get(SITE, "")), f"{name}-report")
    except Exception as error:
        place = withheld(error)
    if place:
        aside(t("Prefect could not be told what it shows of the run: {place}", place=place))


def stages(job: Job, lines: list[Line]) -> list[dict[str, str | int | float]]:
    """A row for each stage that ran, in the survey's first language."""
    t = translator(job.book.languages[0])
    return [
        {
            t("Stage"): t(line.stage),
            t("Wave"): line.wave,
            t("Rows in"): line.rows_in,
            t("Rows out"): line.rows_out,
            t("Seconds"): round(line.seconds, 2),
        }
        for line in lines
    ]


def summary(job: Job, published: dict[str, Path], site: str) -> str:
    """The page: where each report lies, its headline figures with their intervals, problems and withheld cells."""
    t = translator(job.book.languages[0])
    known = counts(job, job.store.asked)
    text: list[str] = []
    for wave, place in published.items():
        text += [f"## {job.book.survey} {wave}", ""]
        for language in job.languages:
            shown = page(job, wave, language)
            link = address(site, shown)
            text.append(f"- [{language}]({link})" if link else f"- {language}: `{job.public.name}/{shown}`")
        columns = t("Indicator"), t("Share, %"), t("95 % interval"), t("Respondents")
        text += ["", f"| {' | '.join(columns)} |", "| --- | --- | --- | --- |", *_figures(place, job.book.languages[0])]
        problems, cells = (total(known.get(wave, {}), name) for name in ("anxin_problems", "anxin_suppressed_cells"))
        told = t("Problems in the rows: {problems}; cells withheld: {cells}")
        text += ["", told.format(problems=_number(problems), cells=_number(cells)), ""]
    return "\n".join(text)


def _figures(place: Path, language: str) -> Iterator[str]:
    """Rows of the headline figures, read back from what was published."""
    for row in headlines(place):
        share, low, high = (f"{100 * float(row[name]):.1f}" for name in ("estimate", "ci_low", "ci_high"))
        label = row.get(f"item_{language}") or row["item"]
        yield f"| {_cell(label)} | {share} | {low} – {high} | {_number(float(row['n']) if row['n'] else None)} |"


def headlines(place: Path) -> list[dict[str, str]]:
    """The headline figures of everybody in a published folder, those that are told."""
    with (place / "tables" / "headline.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [row for row in rows if row["statistic"] == "mean" and not row["by"] and row["estimate"]]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _cell(text: str) -> str:
    r"""Text in which a Markdown table finds no mark.

    >>> print(_cell("safe | <b>sound</b>"))
    safe \| \<b\>sound\</b\>
    """
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", " ".join(text.split()))
