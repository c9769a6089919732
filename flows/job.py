"""What a run is asked to do, with everything it reads already named: small frozen values, no frames."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from flows.private import CODE
from flows.store import Ref, Store, is_encrypting
from flows.workspace import SCIENCE, Workspace, code_digest, digest, files_digest, libraries
from survey.codebook import Codebook
from survey.errors import UsageError

if TYPE_CHECKING:
    from flows.keys import Keys
    from survey.cleaning import Decisions
    from survey.survey_yaml.borders import Shapes
    from survey.survey_yaml.notes import Notes

PRINTED = ("tables", "report")
"""Stages that word and print: they depend on all of survey.yaml but `UNUSED`, and on the looks."""
BOUNDARY = ("disclosure", *PRINTED)
"""Stages whose artefacts a trial of other settings keeps for itself, so that none of them can reach a publication."""
HANDS = ("cells", "draws", "pipeline", "stages", "store")
"""Modules of flows/ that have a hand in what an artefact holds."""
# The parts of survey.yaml that each persistent stage depends on; a change elsewhere leaves its artefacts fresh. What an
# input depends on need not be said again.
QUESTIONNAIRE = ("survey", "scales", "items", "derived", "indicators")
SETTINGS: dict[str, tuple[str, ...]] = {
    "privacy": (
        *(*QUESTIONNAIRE, "dispositions", "respondent", "interviewer", "duration", "started"),
        *("age", "quality", "design", "weighting", "privacy", "gates", "checks", "cleaning", "disclosure"),
    ),
    "weighting": ("weighting", "gates"),
    "estimate": (*QUESTIONNAIRE, "design", "report"),
    "compare": (*QUESTIONNAIRE, "design", "report"),
    "model": (*QUESTIONNAIRE, "design", "report"),
    "banner": (*QUESTIONNAIRE, "design", "report"),
    "disclosure": ("survey", "indicators", "disclosure", "design", "report"),
}
# What of survey.yaml no stage that prints reads.
UNUSED: dict[str, Any] = {
    "tables": {"schedule": True, "report": {"map"}, "waves": {"__all__": {"revision_note"}}},
    "report": {"schedule"},
}
LOOKING_BACK = ("compare", "model", "disclosure")
"""Stages that read of every wave before when it was and which series break at it, be its answers an input or not."""
MINIMA = ("min_n", "min_psus", "unanimous_n", "counts")
"""What stages before the release boundary read of `disclosure`."""


@dataclass(frozen=True)
class Job:
    """One run: a survey, the waves to publish, where the files are, where the report goes."""

    workspace: Workspace
    book: Codebook
    targets: tuple[str, ...]
    languages: tuple[str, ...]
    source: Path
    public: Path
    margins: str
    decisions: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    """Target wave → text of its notes, where there are any."""
    overrides: str = "{}"
    """JSON of what stands in place of survey.yaml's values."""
    dry: bool = False
    """Make everything, publish nothing."""
    borders: str = ""
    """Text of the file of the areas' borders, where survey.yaml names one."""

    @classmethod
    def plan(
        cls,
        workspace: Workspace,
        survey: str,
        waves: tuple[str, ...] | None,
        languages: tuple[str, ...] | None,
        source: Path | None,
        public: Path,
        overrides: Mapping[str, Any] | None = None,
        dry: bool = False,
    ) -> Job:
        """A job from what the command line or a schedule says; `waves` None means the newest, () all of them.

        Args: overrides: keys of survey.yaml joined by dots → value that stands in its place.   dry: publish nothing.
        """
        book = workspace.book(survey, source, overrides)
        order = book.earlier(max(book.waves, key=lambda name: (book.waves[name].fieldwork.start, name)))
        targets = (order[-1],) if waves is None else waves or tuple(order)
        _known("wave", targets, order)
        _known("language", languages or (), list(book.languages))
        folder = workspace.survey_folder(survey)
        spoken = languages or book.languages
        margins, decisions = workspace.margins(survey), workspace.decisions(survey)
        texts = ((wave, workspace.notes(survey, wave)) for wave in targets)
        notes = tuple((wave, text) for wave, text in texts if text.strip())
        # In the order they are given in: it may be that of levels.
        own = json.dumps(dict(overrides or {}), ensure_ascii=False, default=str)
        borders = workspace.borders(book)
        job = cls(
            workspace,
            book,
            targets,
            tuple(spoken),
            source or folder,
            public,
            margins,
            decisions,
            notes,
            own,
            dry,
            borders,
        )
        job.shapes()  # borders and notes that cannot be used are told before the work begins
        for wave in targets:
            job.noted(wave)
        return job

    def __getstate__(self) -> dict[str, Any]:
        """The job without what it keeps beside its fields: the keys among that stay in their process."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @property
    def waves(self) -> list[str]:
        """Every wave that a target's report looks back to, in order."""
        last = max(self.targets, key=lambda name: len(self.book.earlier(name)))
        return self.book.earlier(last)

    def compared(self, wave: str) -> list[str]:
        """The waves a wave is compared with, and itself last: the first, that of a year ago, the one before."""
        past, year = self.book.earlier(wave), self.book.year_before(wave)
        return [name for name in past if name in (past[0], year, *past[-2:])]

    def modelled(self, wave: str) -> list[str]:
        """The waves that models of a wave rest on, itself last: all up to it where the effect of a roll-out is told."""
        return self.book.earlier(wave) if self.book.report.programmes else [wave]

    @cached_property
    def store(self) -> Store:
        """The store of the workspace, encrypted where ANXIN_ENCRYPT says so."""
        encrypt = is_encrypting(os.environ.get("ANXIN_ENCRYPT", ""))
        return Store(self.workspace.work / "store", self.keys, encrypt)

    @property
    def archive(self) -> Path:
        """Where versions of reports go that are no longer shown."""
        return self.workspace.work / "archive"

    @cached_property
    def keys(self) -> Keys:
        """The keys of the workspace, read once a run."""
        return self.workspace.keys()

    def pseudonym_keys(self, wave: str) -> tuple[bytes, bytes]:
        """The key of a wave's own pseudonyms, and of those that its survey's waves share."""
        return self.keys.wave(self.book.survey, wave), self.keys.shared(self.book.survey)

    @cached_property
    def code(self) -> dict[str, str]:
        """Code version of the stages: the science with its libraries, and for what is printed the looks as well."""
        hands = files_digest((CODE / "flows" / f"{name}.py" for name in HANDS), CODE)
        science = digest(code_digest("survey"), hands, libraries(SCIENCE))
        looks = digest(science, code_digest("reports"), libraries())
        return dict.fromkeys(SETTINGS, science) | dict.fromkeys(PRINTED, looks)

    def file(self, wave: str) -> Path:
        """The delivered file of a wave."""
        return self.source / self.book.waves[wave].file

    def delivered(self, wave: str) -> str:
        """SHA-256 of a wave's delivery, "" where it is not there."""
        from survey.source import checksum

        return checksum(self.file(wave), self.book.waves[wave])

    def reviewed(self, wave: str) -> Decisions:
        """What reviewers decided about rows of a wave.   Raises: CodebookError: a line that cannot be used."""
        from survey.cleaning import read_decisions

        return read_decisions(self.decisions, self.book, wave, f"data/raw/{self.book.survey}/decisions.csv")

    def noted(self, wave: str) -> Notes:
        """What a reviewer says about a wave.   Raises: CodebookError: a note that cannot be used."""
        from survey.survey_yaml.notes import read_notes

        return read_notes(dict(self.notes).get(wave, ""), self.book, f"data/raw/{self.book.survey}/notes.{wave}.yaml")

    def shapes(self) -> Shapes | None:
        """Borders of the areas, where there is a file of them.   Raises: CodebookError: it cannot be used."""
        from survey.survey_yaml.borders import read_borders

        plan = self.book.report.map.geojson if self.book.report.map else None
        return read_borders(self.borders, self.book, f"data/raw/{self.book.survey}/{plan.file}") if plan else None

    def ref(self, stage: str, wave: str, *inputs: Ref, beside: Mapping[str, str] = MappingProxyType({})) -> Ref:
        """Name of a stage's artefact, from its code, its settings and its inputs.

        Args: beside: what else it is made of, by the name under which `anxin status` tells that it changed.
        """
        settings = self._settings(stage, wave) + (self._trial if stage in BOUNDARY else "")
        parts = {"code": self.code[stage], "survey.yaml": digest(settings)}
        parts |= {f"{part.stage} {part.wave}": part.key for part in inputs}
        parts |= {what: digest(text) for what, text in beside.items()}
        name = digest(stage, wave, *(text for part in parts.items() for text in part))
        made_of = {wave}.union(*(part.of for part in inputs))
        short = tuple((what, value[:12]) for what, value in parts.items())
        return Ref(self.book.survey, stage, wave, name, tuple(sorted(made_of)), short)

    def lines(self, table: str, wave: str) -> str:
        """Of a table with a column `wave` the header and the lines that are not another wave's, with their numbers."""
        try:
            header, *rows = csv.reader(table.splitlines())
        except (csv.Error, ValueError):  # none at all, or none that the stage could read
            return table
        if header.count("wave") != 1:
            return table
        column, others = header.index("wave"), {*self.book.waves} - {wave}
        is_own = [others.isdisjoint(map(str.strip, row[column : column + 1])) for row in rows]
        own = [(line, row) for line, (row, own) in enumerate(zip(rows, is_own, strict=True), start=2) if own]
        return _text([header, *own])

    @property
    def _trial(self) -> str:
        """What sets the artefacts of a trial apart: settings of its own, or noise that it drew; "" for neither."""
        apart = self.overrides != "{}" or self.book.disclosure.counts.method == "private"
        return f"trial {self.overrides}" if self.dry and apart else ""

    def _settings(self, stage: str, wave: str) -> str:
        """What a stage depends on in survey.yaml, in its order: that of levels and items is what they are told in."""
        if stage in PRINTED:
            return _text(self.book.model_dump(mode="json", exclude=UNUSED[stage]))
        content = {part: self._unworded[part] for part in SETTINGS[stage]}
        if stage in LOOKING_BACK:
            content["waves"] = {name: self._calendar(name) for name in self.book.earlier(wave)}
        if stage != "privacy":
            return _text({**content, "wave": wave})
        minima = {name: content["disclosure"][name] for name in MINIMA}
        return _text({**content, "disclosure": minima, "wave": self._unworded["waves"][wave]})

    def _calendar(self, wave: str) -> dict[str, Any]:
        """When a wave was, and which series break at it."""
        return {part: self._unworded["waves"][wave][part] for part in ("fieldwork", "breaks")}

    @cached_property
    def _unworded(self) -> dict[str, Any]:
        """survey.yaml without the words that are only printed, nor the map, which is a way to print.

        Whether there are words stays, and so does what they belong to.
        """
        left_out: dict[str, Any] = {"report": {"map"}, "waves": {"__all__": {"revision_note"}}}
        return self.book.model_dump(mode="json", exclude=left_out, context={"words": bool})


def _text(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False)


def _known(what: str, names: tuple[str, ...], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(
                "There is no {what} {name} in this survey",
                expected="one of {known}",
                got="{name}",
                hint="`anxin list` shows surveys, waves and languages",
                what=what,
                name=name,
                known=", ".join(known),
            )
