"""A report published again from corrected deliveries: which figures differ as printed, and a note that says so.

Only what was published before and what is published now go in, so that nothing withheld can come out.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from reports.figures import Figure, Figures
from reports.language import half_up
from reports.workbook import PLAIN, unit
from survey.codebook import Codebook
from survey.pairs import BANNER
from survey.released import Releasable
from survey.tidy import results

if TYPE_CHECKING:
    from reports.scene import Scene

Key: TypeAlias = tuple[str, str, str, str, str, str, str]


@dataclass(frozen=True)
class Earlier:
    """The version that a report takes the place of.

    number: of the new version, 2 for the first that is a revision.   waves: those whose deliveries were corrected.
    results: its results.json, nothing where it is not kept any more.
    """

    number: int
    waves: tuple[str, ...]
    results: bytes = b""


@dataclass(frozen=True)
class Revision:
    """What a revision changed.

    keys: figures that differ as they are printed, or had no number before.   shown: how many have a number now.
    before: the figures as they were; none where the earlier version is not kept.
    """

    number: int
    waves: tuple[str, ...]
    keys: frozenset[Key] = frozenset()
    shown: int = 0
    before: Mapping[Key, Figure] = field(default_factory=dict)


def figured(release: Releasable, book: Codebook, earlier: Earlier | None = None) -> tuple[Figures, Revision | None]:
    """The figures of a report, those that were revised knowing so, and what differs from an earlier version of it."""
    figures = Figures(release.results[release.results["block"] != BANNER])
    if earlier is None:
        return figures, None
    revision = compared(earlier, Figures(release.results).rows, book)
    return marked(figures, revision), revision


def compared(earlier: Earlier, figures: Collection[Figure], book: Codebook) -> Revision:
    """What differs between the figures of a release and those of the version before."""
    shown = [row for row in figures if row.shown]
    if not earlier.results:
        return Revision(earlier.number, earlier.waves, shown=len(shown))
    old = Figures(results(json.loads(earlier.results)["results"])).rows
    before = {key_of(row): row for row in old}
    printed = {key: _printed(book, row) for key, row in before.items() if row.shown}
    keys = frozenset(key for row in shown if printed.get(key := key_of(row)) != _printed(book, row))
    return Revision(earlier.number, earlier.waves, keys, len(shown), before)


def marked(figures: Figures, revision: Revision) -> Figures:
    """The figures, those that were revised knowing so."""
    return figures.replaced(
        [replace(row, revised=True) if key_of(row) in revision.keys else row for row in figures.rows]
    )


def key_of(row: Figure) -> Key:
    """What names a figure in every version of a report."""
    return row.wave, row.block, row.item, row.statistic, row.level, row.by, row.group


def _printed(book: Codebook, row: Figure) -> str:
    """A figure as a table prints it; from nine digits, as many as results.json has."""
    _, factor, form = unit(book, row)
    return str(half_up(float(f"{row.estimate:.9g}") * factor, 3 if form == PLAIN else 1).normalize() + 0)


def sentences(scene: Scene) -> tuple[str, ...]:
    """The note near the head of a revised report, in the scene's language; none on a first version."""
    return tuple(_sentences(scene, scene.revision)) if scene.revision else ()


def _sentences(scene: Scene, revision: Revision) -> Iterator[str]:
    t, lang = scene.lang.t, scene.lang
    names = lang.listed([lang.wave(wave) for wave in revision.waves])
    yield t(
        "Version %(number)s: this report takes the place of an earlier one, because the data of %(waves)s were"
        " corrected and delivered again.",
        number=lang.count(revision.number),
        waves=names,
    )
    for wave in revision.waves:
        if reason := lang.say(scene.book.waves[wave].revision_note):
            yield reason
    if not revision.before:
        yield t("The earlier figures are no longer at hand, so those that differ bear no mark.")
    elif not revision.keys:
        yield t("No figure differs from the earlier report as it is printed.")
    else:
        yield t(
            "%(count)s of %(shown)s figures differ from the earlier report as printed, or had no number there;"
            " tables mark them with [r].",
            count=lang.count(len(revision.keys)),
            shown=lang.count(revision.shown),
        )
        yield _headline(scene, revision)


def _headline(scene: Scene, revision: Revision) -> str:
    """The headline figure that moved most, as printed in both reports."""
    lang, moved = scene.lang, list[tuple[float, str, Figure, Figure]]()
    for name in scene.book.report.headline:
        now = scene.figures.one(scene.wave, name, "mean")
        old = revision.before.get(key_of(now)) if now else None
        if now is not None and old is not None and now.revised and old.shown:
            _, factor, _ = unit(scene.book, now)
            step = float(half_up(now.estimate * factor, 1) - half_up(old.estimate * factor, 1))
            moved.append((step, name, old, now))
    if not moved:
        return lang.t("No headline figure differs as printed.")
    step, name, old, now = max(moved, key=lambda each: abs(each[0]))
    return lang.t(
        "Of the headline figures “%(label)s” moved most: %(now)s, in the earlier report %(before)s (%(step)s points).",
        label=scene.label(name),
        now=scene.cell(now).text,
        before=scene.cell(old).text,
        step=lang.points(step / 100),
    )
