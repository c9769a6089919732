"""The charts of a report as files for slides: SVG as they are drawn, PNG through Chromium."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from flows.chromium import Browser, browser
from flows.job import Job
from flows.lock import only_one
from flows.pipeline import Made, record, released
from survey.released import Releasable

SCALE = 2
SIZE = re.compile(rb'<svg [^>]*?width="(\d+)" height="(\d+)"')


def charts_of(job: Job, made: Made, wave: str, language: str) -> dict[str, bytes]:
    """Stand-alone SVGs of a wave in one language by name."""
    from reports.figures import Figures
    from reports.language import Language
    from reports.scene import Scene
    from reports.standalone import charts
    from survey.pairs import BANNER

    artefact = job.store.load(made.released)
    release = Releasable(artefact.frames["results"], artefact.facts)
    figures = Figures(release.results[release.results["block"] != BANNER])
    scene = Scene(figures, release.facts, job.book, wave, Language(language), shapes=job.shapes())
    return charts(scene)


def computed(job: Job) -> dict[str, Made]:
    """Every target wave up to the release boundary, under the lock of a run: what is not in the store is made now.

    Raises: AnxinError: as a run, or another run is at work.
    """
    with only_one(job.workspace.work):
        return released(job, lambda stage, wave, work, rows_in: work())


def write(job: Job, form: str, folder: Path) -> Iterator[Path]:
    """Every chart of every target wave and language as a file; what is not computed yet is computed first.

    Raises: AnxinError: as a run; UsageError: PNG is asked for and there is no browser.
    """
    with browser() if form == "png" else nullcontext() as chromium:
        yield from _write(job, chromium, folder)


def _write(job: Job, chromium: Browser | None, folder: Path) -> Iterator[Path]:
    waves = computed(job)
    with only_one(job.workspace.work):
        for made in waves.values():
            record(job, made)  # slides leave the house as reports do
    for wave, made in waves.items():
        for language in job.languages:
            place = folder / job.book.survey / wave / "charts" / language
            place.mkdir(parents=True, exist_ok=True)
            for name, svg in charts_of(job, made, wave, language).items():
                path = place / f"{name}.{'png' if chromium else 'svg'}"
                path.write_bytes(png(svg, chromium) if chromium else svg)
                yield path


def png(svg: bytes, chromium: Browser) -> bytes:
    """The picture at twice its size, as Chromium paints it."""
    found = SIZE.search(svg)
    width, height = (int(part) for part in found.groups()) if found else (960, 600)
    with tempfile.TemporaryDirectory() as folder:
        drawn, made = Path(folder) / "chart.svg", Path(folder) / "chart.png"
        drawn.write_bytes(svg)
        scale = f"--force-device-scale-factor={SCALE}"
        chromium.open(drawn, scale, f"--window-size={width},{height}", f"--screenshot={made}")
        return made.read_bytes()
