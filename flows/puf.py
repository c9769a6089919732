"""The public-use file of a wave, from the store's weighted frame to public/<survey>/<wave>-puf."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows import cells
from flows.job import Job
from flows.ledger import Ledger
from flows.lock import only_one
from flows.pipeline import Step, judged_wave, weighted_wave
from flows.private import folder
from flows.publish import publish
from survey.errors import GateError, UsageError

if TYPE_CHECKING:
    from survey.privacy import Protected

SUFFIX = "-puf"


def make(job: Job, wave: str, language: str, step: Step) -> tuple[Path, dict[str, Any]]:
    """Publish the public-use file of a wave; the weekly report's folder is left alone.

    Where the report is not out yet its stages run up to disclosure, so that the file is held to what it will withhold.

    Args: language: of the labels in the SPSS file.
    Returns: the published folder, and the facts of the risk report.
    Raises: UsageError: survey.yaml asks for no such file.   GateError: k, l or t cannot be reached, the file would tell
    what the report withholds, or other records of the wave are out; nothing is written.
    """
    from survey.privacy import Protected

    _asked_for(job, wave)
    os.umask(0o077)
    with only_one(job.workspace.work):
        artefact = job.store.load(weighted_wave(job, wave, step))
        protected = Protected(artefact.frames["answers"], artefact.frames["reasons"], artefact.facts)
        results = judged_wave(job, wave, step).frames["results"]
        secret = cells.secret(cells.of(job).entries(), results, wave)
        files, facts = content(protected, job, wave, language, secret)
        _record(job, wave, files, facts)
        name = f"{wave}{SUFFIX}"
        return publish({name: files}, job.public, job.book.survey)[name], facts


def content(
    protected: Protected, job: Job, wave: str, language: str, secret: Collection[tuple[str, str, str]] = ()
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files by name, and the facts of the risk report.

    Args: secret: item, breakdown and group of the figures that the report withholds.
    """
    from flows.datafiles import csv_bytes, parquet_bytes, sav_bytes
    from reports.datapackage import datapackage
    from reports.ddi import Described, ddi
    from reports.language import Language
    from reports.riskreport import risk_report
    from survey.microdata.assessment import assess
    from survey.microdata.loss import largest_changes, losses
    from survey.microdata.release import public_use
    from survey.microdata.synthetic import synthetic
    from survey.microdata.withheld import refuse_withheld
    from survey.weighting import FINAL, before_totals

    book, frame = job.book, protected.frame
    made = public_use(frame, book, FINAL)
    refuse_withheld(made, frame, book, secret)
    facts = assess(frame, made, book, FINAL, before_totals(frame))
    facts["changes"] = largest_changes(losses(frame, made, book, FINAL))
    of = Described(book, wave, made.variables, len(made.frame))
    title = Language(language).say(book.title)
    asked = [own for own in made.variables if own.source not in book.indicators]  # the others follow from these
    tables = {
        f"{of.name}.csv": csv_bytes(made.frame, made.variables),
        "synthetic.csv": csv_bytes(synthetic(made.frame, asked), asked),
    }
    files = {
        **tables,
        f"{of.name}.parquet": parquet_bytes(made.frame, made.variables),
        f"{of.name}.sav": sav_bytes(made.frame, made.variables, language, title, book.waves[wave].fieldwork.end),
        "ddi.xml": ddi(of),
        "datapackage.json": datapackage(of, tables),
        "risk.json": (json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode(),
    }
    files |= {f"risk.{code}.md": risk_report(facts, book, wave, code) for code in book.languages}
    return files, facts


def _record(job: Job, wave: str, files: Mapping[str, bytes], facts: Mapping[str, Any]) -> None:
    """Note which records of a wave go out, before they do.

    Two files of one wave that were protected in different ways can be joined on weights and answers, which both hold,
    and what each made coarser the other tells. The CSV decides: labels and descriptions may change.
    Raises: GateError: other records of the wave are out.
    """
    name = f"{job.book.survey}-{wave}.csv"
    content = files[name]
    path = job.workspace.work / "released" / f"{job.book.survey}.puf.jsonl"
    shown = job.public / job.book.survey / f"{wave}{SUFFIX}" / name
    before = [entry["sha256"] for entry in Ledger(path).entries() if entry["wave"] == wave]
    out = before or ([sha256(shown.read_bytes()).hexdigest()] if shown.is_file() else [])
    if set(out) - {sha256(content).hexdigest()}:
        raise GateError(
            "Another public-use file of the wave {wave} is out",
            where="{file}",
            expected="the same records, byte by byte",
            got="others, which could be joined with the first on weights and answers",
            hint="put survey.yaml, margins and delivery back as they were then; what is out cannot be called back",
            wave=wave,
            file=name,
        )
    if not before:
        folder(path.parent)
        Ledger(path).append(
            {
                "wave": wave,
                "sha256": sha256(content).hexdigest(),
                "variables": content.decode().partition("\n")[0].split(","),
                "quasi_identifiers": {own["name"]: own["released"] for own in facts["quasi_identifiers"]},
            }
        )


def _asked_for(job: Job, wave: str) -> None:
    if job.book.privacy.microdata is None:
        raise UsageError(
            "This survey releases no records",
            where="data/raw/{survey}/survey.yaml, privacy",
            expected="`microdata`, which says how well the records have to be protected",
            got="none",
            hint="write for example `microdata: {{k: 5}}`; `anxin schema` explains its keys",
            survey=job.book.survey,
        )
    if f"{wave}{SUFFIX}" in job.book.waves:
        raise UsageError(
            "A wave has the name of another wave's public-use file",
            expected="no wave named {name}",
            got="one",
            hint="rename it in survey.yaml",
            name=f"{wave}{SUFFIX}",
        )
