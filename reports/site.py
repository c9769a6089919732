"""The pages of one wave: the table of their kinds, and what stands around each of them.

A new kind of page is one line in `KINDS`: its name, its template, its word in the navigation, and a function from a
scene to the pages it has (none leaves it and its entry out). Every page gets `page`, what that function made, and
`frame`; its template extends layout.html.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from reports.area import area_pages
from reports.changes import Changes, alerts, changed, changes, clearly, finding
from reports.city import city
from reports.downloads import offered
from reports.language import Language
from reports.method import methods, terms_page
from reports.notes import noted, noted_changes, noted_finding
from reports.privacy import privacy
from reports.revisions import sentences
from reports.scene import Scene, page_file
from reports.view import Frame, Link, Page

Leaf = tuple[str, str, Any]
"""Stem of the file, heading ("" for the name of the kind) and view model."""


@dataclass(frozen=True)
class Kind:
    """One kind of page.

    name: stem of its file, <language>-<name>.html; "" is <language>.html.   template: its template.
    words: its entry in the navigation.   leaves: its pages.
    anchor: of the report on the whole, where the entry leads when the kind has no page of its own name.
    """

    name: str
    template: str
    words: Callable[[Language], str]
    leaves: Callable[[Scene], Iterable[Leaf]]
    anchor: str = ""


def single(name: str, build: Callable[[Scene], Any]) -> Callable[[Scene], Iterable[Leaf]]:
    """The one page of a kind; none where `build` returns None."""

    def leaves(scene: Scene) -> Iterable[Leaf]:
        model = build(scene)
        return [] if model is None else [(name, "", model)]

    return leaves


def _city(scene: Scene) -> Page:
    """The report on the whole, with a reviewer's sentences and the finding of the page of changes."""
    found = finding(scene, alerts(scene), clearly(scene)) if changed(scene) else ""
    return replace(noted(city(scene), scene), onward=noted_finding(found, scene))


def _changes(scene: Scene) -> Changes | None:
    return noted_changes(changes(scene), scene)


KINDS: tuple[Kind, ...] = (
    Kind("", "page.html", lambda lang: lang.t("Report"), single("", _city)),
    Kind("area", "area.html", lambda lang: lang.t("Areas"), area_pages, anchor="areas"),
    Kind("changes", "changes.html", lambda lang: lang.t("What changed"), single("changes", _changes)),
    Kind("methods", "sheet.html", lambda lang: lang.t("Methods"), single("methods", methods)),
    Kind("privacy", "sheet.html", lambda lang: lang.t("Privacy"), single("privacy", privacy)),
    Kind("glossary", "sheet.html", lambda lang: lang.t("Glossary"), single("glossary", terms_page)),
)


@dataclass(frozen=True)
class Sheet:
    """One page, ready to be set: stem of its file, template, frame and view model."""

    stem: str
    template: str
    frame: Frame
    page: Any


def sheets(scene: Scene, languages: Sequence[Language], kinds: Sequence[Kind] = KINDS) -> list[Sheet]:
    """Every page of one language.   languages: all of the report, for the switch."""
    found = [(kind, list(kind.leaves(scene))) for kind in kinds]
    there = [kind for kind, leaves in found if leaves]
    return [
        Sheet(stem, kind.template, _frame(scene, languages, there, kind, stem, heading), model)
        for kind, leaves in found
        for stem, heading, model in leaves
    ]


def _frame(
    scene: Scene, languages: Sequence[Language], kinds: Sequence[Kind], kind: Kind, stem: str, heading: str
) -> Frame:
    book, lang = scene.book, scene.lang
    title, when, used = lang.say(book.title), lang.wave(scene.wave), scene.used
    fieldwork = book.waves[scene.wave].fieldwork
    name = heading or (kind.words(lang) if stem else title)
    return Frame(
        kind=kind.name,
        heading=name,
        title=f"{title} · {when}" if not stem else f"{name} · {title} · {when}",
        publisher=lang.say(book.publisher),
        when=when,
        fieldwork=lang.t("%(start)s to %(end)s", start=lang.date(fieldwork.start), end=lang.date(fieldwork.end)),
        interviews=lang.nt("%(n)s completed interview", "%(n)s completed interviews", int(used))
        if used and not heading
        else "",
        simulated=book.simulated,
        source=lang.say(book.source),
        crumbs=tuple(_crumbs(scene, kind, stem, name)),
        pages=tuple(
            Link(each.words(lang), "" if each.name == stem else _href(scene, each), each.name) for each in kinds
        ),
        languages=tuple(
            (each.name, each.tag, "" if each == lang else page_file(each.code, stem)) for each in languages
        ),
        downloads=tuple((PurePosixPath(name).stem, name) for name in sorted(scene.files) if name.endswith(".csv")),
        files=offered(lang, scene.files),
        revision=sentences(scene),
    )


def _href(scene: Scene, kind: Kind) -> str:
    """Where the entry of a kind leads."""
    return f"{scene.file('')}#{kind.anchor}" if kind.anchor else scene.file(kind.name)


def _crumbs(scene: Scene, kind: Kind, stem: str, name: str) -> Iterable[Link]:
    """The way from the list of all surveys to the page."""
    yield Link(scene.lang.t("All surveys"), "../../index.html")
    yield Link(scene.lang.say(scene.book.title), "../index.html")
    yield Link(scene.lang.wave(scene.wave), scene.file("") if stem else "")
    if stem and kind.anchor:
        yield Link(kind.words(scene.lang), _href(scene, kind))
    if stem:
        yield Link(name, "")
