"""A survey in a notebook: the design, the released figures and the charts of a wave, computed where they are not yet.

from survey import Study
Study("example-city").wave("2026H1")
"""

from __future__ import annotations

from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.charts import charts_of, computed
from flows.job import Job
from flows.pipeline import Made
from flows.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from survey.codebook import Codebook
    from survey.design import SurveyDesign


class Study:
    """One survey of a workspace.

    Args: survey: name of its folder in data/raw.   root: folder of the installation; the one worked in when left out.
        source: folder of the delivered files, when not beside survey.yaml.
    Raises: UsageError, CodebookError: no such survey, or its survey.yaml has a fault.
    """

    def __init__(self, survey: str, root: Path | str = ".", source: Path | str | None = None) -> None:
        self.name = survey
        self._workspace = Workspace(Path(root).resolve())
        self._source = None if source is None else Path(source)
        self.book: Codebook = self._workspace.book(survey)

    @property
    def waves(self) -> list[str]:
        """Names of the waves in the order of their fieldwork."""
        return sorted(self.book.waves, key=lambda name: (self.book.waves[name].fieldwork.start, name))

    def wave(self, name: str | None = None) -> StudyWave:
        """A wave by name, the newest when left out.   Raises: AnxinError: as `anxin run`."""
        waves = (name,) if name else None
        job = Job.plan(self._workspace, self.name, waves, None, self._source, Path("public"))
        (wave,) = job.targets
        return StudyWave(job, wave, computed(job)[wave])

    def __repr__(self) -> str:
        return f"Study({self.name!r}): {', '.join(self.waves)}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{days.start} – {days.end}</td></tr>"
            for name in self.waves
            for days in [self.book.waves[name].fieldwork]
        )
        return f"<h3>{escape(self._title())}</h3><table>{rows}</table>"

    def _title(self) -> str:
        from reports.language import Language

        return Language(self.book.languages[-1]).say(self.book.title)


class StudyWave:
    """One wave: what may be published of it, and the design for figures of one's own.

    results and charts have passed the release boundary; design holds answers and has not: what is computed from it is
    for the team until `survey.disclosure.release` has seen it.
    """

    def __init__(self, job: Job, name: str, made: Made) -> None:
        self.job, self.name, self._made = job, name, made
        self.book: Codebook = job.book

    @cached_property
    def design(self) -> SurveyDesign:
        """The wave's design: answers without identifiers, weights, strata, sampling units, known totals."""
        from survey.figures import design_of
        from survey.privacy import Protected

        held = self.job.store.load(self._made.weighted)
        return design_of(Protected(held.frames["answers"], held.frames["reasons"], held.facts), self.book)

    @cached_property
    def results(self) -> pd.DataFrame:
        """Every released figure, tidy; withheld ones have a flag and a reason in place of numbers."""
        return self.job.store.load(self._made.released).frames["results"]

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Counts and diagnostics that may be told."""
        return self.job.store.load(self._made.released).facts

    def charts(self, language: str | None = None) -> dict[str, Chart]:
        """The charts of the report by name."""
        drawn = charts_of(self.job, self._made, self.name, language or self.book.languages[-1])
        return {name: Chart(svg.decode()) for name, svg in drawn.items()}

    def headline(self) -> pd.DataFrame:
        """The headline figures of this wave."""
        rows, names = self.results, list(self.book.report.headline)
        wanted = (
            (rows["wave"] == self.name) & rows["item"].isin(names) & rows["by"].eq("") & rows["statistic"].eq("mean")
        )
        columns = ["item", "estimate", "ci_low", "ci_high", "n", "flag"]
        return rows.loc[wanted, columns].reset_index(drop=True)

    def __repr__(self) -> str:
        return f"{self.book.survey} {self.name}: {len(self.results):,} figures"

    def _repr_html_(self) -> str:
        language = self.book.languages[-1]
        labels = self.headline().assign(item=lambda rows: [self.book.label(item, language) for item in rows["item"]])
        table = labels.to_html(index=False, float_format=lambda value: f"{value:.3f}", na_rep="", escape=True)
        picture = next(iter(self.charts(language).values()), None)
        return f"<h3>{escape(repr(self))}</h3>{table}{picture.svg if picture else ''}"


class Chart:
    """A chart that shows itself in a notebook."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: Path | str) -> None:
        """Write it as SVG."""
        Path(path).write_text(self.svg, encoding="utf-8")
