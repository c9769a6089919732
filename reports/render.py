"""A release in, the files of its report out; the same bytes on every machine."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import escape

from reports.alerts import alert_files
from reports.downloads import downloads
from reports.figures import Figures
from reports.files import ABOUT
from reports.language import Language, unbroken
from reports.revisions import Earlier, Revision, figured
from reports.scene import Scene, page_file
from reports.site import Sheet, sheets
from reports.stylesheet import needed, policy
from reports.uncollected import uncollected
from survey.codebook import Codebook
from survey.released import Releasable
from survey.survey_yaml.borders import Shapes
from survey.survey_yaml.notes import Notes

# End tags that HTML lets a writer leave out; a tenth of the page, which is to go by e-mail.
OPTIONAL = re.compile(r"</(?:td|th|tr|li|dt|dd|tbody)>\s*")
NO_POLICY, NO_STYLE = '<meta http-equiv="Content-Security-Policy" content="">', "<style></style>"
TEMPLATES = Path(__file__).parent / "templates"


def render(
    release: Releasable,
    book: Codebook,
    wave: str,
    languages: Sequence[str],
    notes: Notes | None = None,
    shapes: Shapes | None = None,
    earlier: Earlier | None = None,
) -> dict[str, bytes]:
    """Files of the report of one wave by name: those of `downloads` and those of `pages`.

    Args: release: what passed the release boundary.   book: the survey.   wave: the wave told about.
    languages: codes of the pages, the first one the reader's most likely.   notes: sentences of a reviewer.
    shapes: borders of the areas.   earlier: the version, made of other deliveries, that this one takes the place of.
    """
    figures, revision = figured(release, book, earlier)
    files = downloads(release, figures, revision, book, wave, languages)
    own = pages(release, figures, revision, book, wave, languages, tuple(files), notes, shapes)
    return dict(sorted({**files, **own}.items()))


@uncollected()
def pages(
    release: Releasable,
    figures: Figures,
    revision: Revision | None,
    book: Codebook,
    wave: str,
    languages: Sequence[str],
    beside: tuple[str, ...],
    notes: Notes | None = None,
    shapes: Shapes | None = None,
) -> dict[str, bytes]:
    """Pages, index.html, about.json, alerts and their schema by file name.

    Args: beside: names of the `downloads`, which the pages link to.   The rest as of `downloads` and `render`.
    """
    files, told = dict[str, bytes](), dict[str, list[Sheet]]()
    spoken = [Language(code) for code in languages]
    given = (beside, notes, shapes, revision)
    scenes = [Scene(figures, release.facts, book, wave, lang, *given) for lang in spoken]
    for scene in scenes:
        lang = scene.lang
        told[lang.code] = sheets(scene, spoken)
        for sheet in told[lang.code]:
            values = {"frame": sheet.frame, "page": sheet.page, "simulated": book.simulated}
            files[page_file(lang.code, sheet.stem)] = _html(sheet.template, lang, **values)
    files |= alert_files(scenes)
    about = _about(book, wave, told)
    files[ABOUT] = (json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")
    chooser = [(lang, about["title"][lang.code], about["publisher"][lang.code]) for lang in spoken]
    files["index.html"] = _html("index.html", spoken[0], chooser=chooser, wave=wave, simulated=book.simulated)
    return files


def _about(book: Codebook, wave: str, told: Mapping[str, Sequence[Sheet]]) -> dict[str, Any]:
    """What the lists of surveys and waves say of this one, in each language."""
    first = {code: pages[0] for code, pages in told.items()}
    return {
        "survey": book.survey,
        "wave": wave,
        "start": book.waves[wave].fieldwork.start.isoformat(),
        "simulated": book.simulated,
        "languages": list(told),
        "title": {code: Language(code).say(book.title) for code in told},
        "publisher": {code: page.frame.publisher for code, page in first.items()},
        "when": {code: page.frame.when for code, page in first.items()},
        "fieldwork": {code: page.frame.fieldwork for code, page in first.items()},
        "finding": {code: page.page.headline.finding for code, page in first.items()},
    }


def index(published: Sequence[Mapping[str, Any]], up: str = "") -> bytes:
    """The list of surveys and their waves, the newest first: a link to every report in each of its languages.

    Args: published: about.json of the published waves, each with its `folder` (relative, a slash at its end) and its
    `version`.   up: where the list of all surveys is, "" for that list itself.
    """
    spoken = [Language(code) for code in dict.fromkeys(code for each in published for code in each["languages"])]
    surveys: dict[str, list[Mapping[str, Any]]] = {}
    for each in sorted(published, key=lambda each: (each["start"], each["wave"]), reverse=True):
        surveys.setdefault(each["survey"], []).append(each)
    reports = [(lang.code, lang.t("Survey reports")) for lang in spoken]
    titles = published[0]["title"].values() if up else (text for _, text in reports)
    return _html(
        "surveys.html",
        spoken[0],
        title=" · ".join(dict.fromkeys(titles)),
        surveys=[waves for _, waves in sorted(surveys.items())],
        spoken={lang.code: lang for lang in spoken},
        reports=reports,
        all_surveys=[(lang.code, lang.t("All surveys")) for lang in spoken],
        up=up,
        simulated=any(each["simulated"] for each in published),
    )


class Compiled(FileSystemBytecodeCache):
    """Compiled templates beside their sources, as Python keeps its own; where nobody may write, in memory alone.

    They are the same for every language, whose words are looked up when a page is set.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), "%s.jinja")
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a template's code in, where it was compiled before."""
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])
        else:
            with suppress(OSError):
                super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template's code."""
        self.known[bucket.key] = bucket.bytecode_to_string()
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                Path(self.directory).mkdir(exist_ok=True)
                super().dump_bytecode(bucket)


COMPILED = Compiled(TEMPLATES / "__pycache__")


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
        bytecode_cache=COMPILED,
    )
    environment.filters["unbroken"] = unbroken
    install: Callable[..., Any] = environment.install_gettext_callables  # type: ignore[attr-defined]
    install(
        lambda text: lang.template(text), lambda one, many, n: lang.template(one if n == 1 else many), newstyle=True
    )
    return environment


def _html(template: str, lang: Language, **values: Any) -> bytes:
    """One page with the style it needs; what is escaped on it cannot look like the empty places in its head."""
    *parts, last = OPTIONAL.split(_environment(lang.code).get_template(template).render(lang=lang, **values))
    text = "".join([*(part.rstrip() for part in parts), last])
    css = needed(text)
    text = text.replace(NO_POLICY, NO_POLICY.replace('content=""', f'content="{escape(policy(css))}"'), 1)
    return text.replace(NO_STYLE, f"<style>{css}</style>", 1).encode("utf-8")
