"""A reviewer's sentences with their figures filled in, put into the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reports.changes import Changes
from reports.figures import Figure
from reports.language import isolated, plain
from reports.scene import Scene
from reports.view import Page
from survey.errors import CodebookError
from survey.survey_yaml.notes import REFERENCE, Notes, Reference, reference

PLACES = {
    "headline": "headline", "trend": "trends", "answers": "residents", "areas": "areas", "groups": "groups",
    "drivers": "drivers", "method": "method",
}  # fmt: skip
STATISTICS = {"share": "mean", "change": "change", "year_change": "change", "difference": "difference"}


def noted(page: Page, scene: Scene) -> Page:
    """The page with a reviewer's findings in place of the rule's, and with the sentences added.

    Raises: CodebookError: a note on a block this report does not have, or on a figure that may not be published.
    """
    notes = scene.notes
    if notes is None or not notes.blocks:
        return page
    remarks = {block: tuple(_filled(scene, words, notes) for words in note.add) for block, note in notes.blocks.items()}
    for block, note in notes.blocks.items():
        part = getattr(page, PLACES[block]) if block in PLACES else page
        if part is None:
            raise CodebookError(
                "There is nothing to note on {block}", where="{name}", expected="a block of this wave's report",
                got="{block}", hint="delete it", block=block, name=notes.name,
            )  # fmt: skip
        if note.finding and block in PLACES:
            told: dict[str, Any] = {PLACES[block]: replace(part, finding=_filled(scene, note.finding, notes))}
            page = replace(page, **told)
    points = (*remarks.pop("points", ()), *page.points)[:3]
    return replace(page, points=points, remarks=remarks)


def noted_changes(changes: Changes | None, scene: Scene) -> Changes | None:
    """The page "What changed" with a reviewer's finding in place of the rule's, and with the sentences added."""
    notes = scene.notes
    note = notes.blocks.get("changes") if notes else None
    if changes is None or notes is None or note is None:
        return changes
    added = tuple(_filled(scene, words, notes) for words in note.add)
    return replace(changes, finding=noted_finding(changes.finding, scene), remarks=added)


def noted_finding(finding: str, scene: Scene) -> str:
    """The finding of the page "What changed", a reviewer's in place of the rule's; "" where there is no such page."""
    notes = scene.notes
    note = notes.blocks.get("changes") if notes else None
    return _filled(scene, note.finding, notes) if finding and notes and note and note.finding else finding


def _filled(scene: Scene, words: Mapping[str, str], notes: Notes) -> str:
    """A sentence in the scene's language with every reference replaced."""
    text, parts, end = plain(words.get(scene.lang.code, "")), list[str](), 0
    for found in REFERENCE.finditer(text):
        parts += [isolated(text[end : found.start()]), _value(scene, found[1], notes, text[: found.start()])]
        end = found.end()
    return "".join([*parts, isolated(text[end:])])


def _value(scene: Scene, text: str, notes: Notes, before: str) -> str:
    """What a reference stands for; a variable's name inside a sentence begins small where the language does so."""
    found = reference(text)
    assert found is not None  # `read_notes` has refused others
    known = _figure(scene, found) if found.figure else _name(scene, found)
    if not known:
        raise CodebookError(
            "A note names a figure that this report cannot show", where="{name}", got="{{{found}}}",
            expected="a figure that is in this wave's report with a number",
            hint="the figure was not asked, not compared, or is withheld; leave it out of the note",
            name=notes.name, found=text,
        )  # fmt: skip
    inside = before.strip() and not before.rstrip().endswith((".", "!", "?", "“"))
    return scene.lang.inner(known) if inside and not (found.figure or found.level) else known


def _name(scene: Scene, found: Reference) -> str:
    """Name of a wave, a level or a variable; "" where there is no such wave."""
    past = scene.waves[:-1]
    moments = {"wave": scene.wave, "previous": past[-1] if past else "",
               "year_before": scene.book.year_before(scene.wave) or ""}  # fmt: skip
    if found.name in moments:
        wave = moments[found.name]
        return scene.lang.wave(wave) if wave else ""
    return scene.level(found.name, found.level) if found.level else scene.label(found.name)


def _figure(scene: Scene, found: Reference) -> str:
    """A figure in words; "" where it may not be shown."""
    kind = found.figure.removesuffix("_interval").removesuffix("_told") if found.figure != "interval" else "share"
    row = _row(scene, found, kind)
    if row is None or not row.bounded:
        return ""
    interval, lang = found.figure.endswith("interval"), scene.lang
    if found.figure.endswith("_told"):
        return _moved(scene, row)
    if kind == "share":
        return lang.interval(row.low, row.high) if interval else lang.percent(row.estimate)
    return lang.points_interval(row.low, row.high) if interval else lang.points(row.estimate)


def _moved(scene: Scene, row: Figure) -> str:
    """A change with its verb, which turns with the data; by "0.0" nothing moves."""
    t, size = scene.lang.t, scene.lang.decimal(100 * abs(row.estimate), 1)
    if round(1000 * row.estimate) == 0:
        return t("moved by %(size)s points", size=size)
    return t("risen by %(size)s points", size=size) if row.estimate > 0 else t("fallen by %(size)s points", size=size)


def _row(scene: Scene, found: Reference, kind: str) -> Figure | None:
    past = scene.waves[:-1]
    level = {"change": past[-1] if past else None, "year_change": scene.book.year_before(scene.wave),
             "difference": "rest", "share": ""}[kind]  # fmt: skip
    if level is None:
        return None
    return scene.figures.one(scene.wave, found.name, STATISTICS[kind], level, found.by, found.group)
