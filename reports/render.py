"""A release in, the files of its report out; the same bytes on every machine."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.alerts import alert_files
from reports.answers import residents
from reports.blocks import headline, key_points, trends
from reports.changes import changes
from reports.drivers import drivers
from reports.figures import Figures
from reports.language import Language, unbroken
from reports.leagues import areas, groups
from reports.method import method
from reports.notes import noted, noted_changes
from reports.scene import Scene
from reports.tables import tables
from reports.view import Drivers, Leagues, Page, Residents
from survey.codebook import Codebook
from survey.disclosure import Releasable
from survey.survey_yaml.notes import Notes

# End tags that HTML lets a writer leave out; a tenth of the page, which is to go by e-mail.
OPTIONAL = re.compile(r"\s*</(?:td|th|tr|li|dt|dd)>\s*")
TEMPLATES = Path(__file__).parent / "templates"


def render(
    release: Releasable, book: Codebook, wave: str, languages: Sequence[str], notes: Notes | None = None
) -> dict[str, bytes]:
    """Files of the report of one wave by name: index.html, a page for each language, tables/*.csv.

    Args: release: what passed the release boundary.   book: the survey.   wave: the wave told about.
    languages: codes of the pages, the first one the reader's most likely.   notes: sentences of a reviewer.
    """
    figures = Figures(release.results)
    files = tables(figures, release.facts, book, wave, languages)
    names = sorted(name.removeprefix("tables/") for name in files)
    for code in languages:
        scene = Scene(figures, release.facts, book, wave, Language(code))
        every = [Language(c) for c in languages]
        own, changed = noted(page(scene, names), scene, notes), noted_changes(changes(scene), scene, notes)
        files[f"{code}.html"] = _html("page.html", scene.lang, page=own, changed=changed, languages=every)
        if changed is not None:
            files[f"changes.{code}.html"] = _html(
                "changes.html", scene.lang, page=own, changes=changed, languages=every
            )  # fmt: skip
    files |= alert_files([Scene(figures, release.facts, book, wave, Language(code)) for code in languages])
    titles = [(Language(code), Scene(figures, release.facts, book, wave, Language(code))) for code in languages]
    chooser = [(lang, lang.say(book.title), lang.say(book.publisher)) for lang, _ in titles]
    files["index.html"] = _html(
        "index.html", Language(languages[0]), chooser=chooser, wave=wave, simulated=book.simulated
    )
    return dict(sorted(files.items()))


def page(scene: Scene, csv_names: Sequence[str]) -> Page:
    """The view model of one language."""
    book, lang = scene.book, scene.lang
    fieldwork = book.waves[scene.wave].fieldwork
    where, who, goes_with, answers = areas(scene), groups(scene), drivers(scene), residents(scene)
    used = scene.used
    return Page(
        title=lang.say(book.title),
        publisher=lang.say(book.publisher),
        wave=scene.wave,
        fieldwork=lang.t("%(start)s to %(end)s", start=lang.date(fieldwork.start), end=lang.date(fieldwork.end)),
        interviews=lang.nt("%(n)s completed interview", "%(n)s completed interviews", int(used)) if used else "",
        simulated=book.simulated,
        source=lang.say(book.source),
        headline=headline(scene),
        points=key_points(scene, _findings(scene, where, who, goes_with, answers)),
        trends=trends(scene),
        residents=answers,
        areas=where,
        groups=who,
        drivers=goes_with,
        method=method(scene),
        downloads=tuple((name.removesuffix(".csv"), f"tables/{name}") for name in csv_names),
    )


def _findings(
    scene: Scene, where: Leagues | None, who: Leagues | None, goes_with: Drivers | None, answers: Residents | None
) -> Iterator[str]:
    """What the blocks found, in the order of the key points."""
    if where:
        yield where.finding
    if goes_with and goes_with.models:
        yield scene.lang.t("%(finding)s (association is not causation)", finding=goes_with.finding)
    if who:
        yield who.finding
    if answers and answers.told:
        yield answers.finding


@lru_cache(maxsize=1)
def style() -> str:
    """The style sheet of every page, without the blanks that only its writers need."""
    text = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return re.sub(r":\s+", ":", re.sub(r"\s*([{};,])\s*", r"\1", text)).strip()


def policy() -> str:
    """Content-Security-Policy that lets in this style sheet and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style().encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@lru_cache(maxsize=8)
def _environment(code: str) -> Environment:
    """Templates with the words of one language."""
    lang = Language(code)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.filters["unbroken"] = unbroken
    install: Callable[..., Any] = environment.install_gettext_callables  # type: ignore[attr-defined]
    install(
        lambda text: lang.template(text), lambda one, many, n: lang.template(one if n == 1 else many), newstyle=True
    )
    return environment


def _html(template: str, lang: Language, **values: Any) -> bytes:
    """One page; style and policy go in unescaped because they are ours."""
    text = _environment(lang.code).get_template(template).render(lang=lang, style=style(), policy=policy(), **values)
    return OPTIONAL.sub("", text).encode("utf-8")
