"""Where things lie: raw deliveries, private work, publications; and the few files read from there."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.private import CODE, folder
from survey.errors import CodebookError, UsageError

if TYPE_CHECKING:
    from flows.keys import Keys
    from survey.codebook import Codebook


@dataclass(frozen=True)
class Workspace:
    """The folders of one installation; private ones are made 0700."""

    root: Path

    @property
    def raw(self) -> Path:
        """Deliveries, one folder a survey."""
        return self.root / "data" / "raw"

    @property
    def work(self) -> Path:
        """What lies between the two boundaries; private."""
        return folder(self.root / "data" / "work")

    def surveys(self) -> list[str]:
        """Names of the surveys that have a survey.yaml."""
        return sorted(path.parent.name for path in self.raw.glob("*/survey.yaml"))

    def survey_folder(self, survey: str) -> Path:
        """The folder of a survey.   Raises: UsageError: there is none."""
        if survey not in self.surveys():
            raise UsageError(
                "There is no survey {survey}",
                where="data/raw/{survey}/survey.yaml",
                expected="one of {known}",
                got="{survey}",
                hint="`anxin list` shows the surveys there are",
                survey=survey,
                known=", ".join(self.surveys()) or "none yet",
            )
        return self.raw / survey

    def book(self, survey: str, source: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Codebook:
        """The codebook of a survey; the folder must bear its name.

        Args: source: folder of the deliveries, where hints are looked for; by default the survey's.
        overrides: values that stand in place of survey.yaml's.
        """
        from flows.likely import likely
        from survey.survey_yaml import parse

        name = f"data/raw/{survey}/survey.yaml"
        folder = self.survey_folder(survey)
        book = parse(_utf8(folder / "survey.yaml", name), name, likely(source or folder), overrides)
        if book.survey != survey:
            raise UsageError(
                "The folder and the survey have different names",
                where="{name} line 1",
                expected="survey: {survey}",
                got="survey: {other}",
                name=name,
                survey=survey,
                other=book.survey,
            )
        return book

    def margins(self, survey: str) -> str:
        """Text of margins.csv, "" where there is none."""
        path = self.survey_folder(survey) / "margins.csv"
        return _utf8(path, f"data/raw/{survey}/margins.csv") if path.is_file() else ""

    def decisions(self, survey: str) -> str:
        """Text of decisions.csv, "" where there is none."""
        path = self.survey_folder(survey) / "decisions.csv"
        return _utf8(path, f"data/raw/{survey}/decisions.csv") if path.is_file() else ""

    def keys(self) -> Keys:
        """The keys of the pseudonyms and of what is encrypted.   Raises: UsageError: the master secret will not do."""
        from flows.keys import keys

        return keys(self.work)

    def notes(self, survey: str, wave: str) -> str:
        """Text of notes.<wave>.yaml, "" where there is none."""
        path = self.survey_folder(survey) / f"notes.{wave}.yaml"
        return _utf8(path, f"data/raw/{survey}/{path.name}") if path.is_file() else ""

    def borders(self, book: Codebook) -> str:
        """Text of the file that `report.map.geojson` names, "" where it names none.

        Raises: CodebookError: the file is not there, or is too large to be read.
        """
        plan = book.report.map.geojson if book.report.map else None
        if plan is None:
            return ""
        from survey.survey_yaml.borders import MOST_BYTES

        path, name = self.survey_folder(book.survey) / plan.file, f"data/raw/{book.survey}/{plan.file}"
        if not path.is_file():
            raise CodebookError(
                "{name} is not there",
                where="data/raw/{survey}/survey.yaml, report.map.geojson.file",
                expected="a file beside survey.yaml",
                got="none",
                hint="put it there, or take `map` out of survey.yaml",
                name=name,
                survey=book.survey,
            )
        if path.stat().st_size > MOST_BYTES:
            raise CodebookError(
                "{name} cannot be used as borders of the areas",
                where="{name}",
                expected="a file of at most {most} MB",
                got="a larger one",
                hint="simplify it first: a map on a page shows some hundred positions",
                name=name,
                most=MOST_BYTES // 1_000_000,
            )
        return _utf8(path, name)


def _utf8(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            "{name} is not written in UTF-8", where="{name} byte {byte}", expected="UTF-8", name=name, byte=error.start
        ) from None


def digest(*parts: bytes | str) -> str:
    """SHA-256 over the parts, each with its length, so that no two lists of parts share one.

    >>> digest("a", "bc") == digest("ab", "c")
    False
    """
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()


def files_digest(paths: Iterable[Path], base: Path) -> str:
    """SHA-256 over names and contents of files."""
    return digest(*(part for path in sorted(paths) for part in (path.relative_to(base).as_posix(), path.read_bytes())))


SCIENCE = (
    *("numpy", "pandas", "scipy", "statsmodels", "patsy", "numba", "pydantic", "ruamel.yaml"),
    *("pyarrow", "pyreadstat", "python-calamine", "charset-normalizer", "sqlalchemy", "python-stdnum"),
)
"""Of other people's code what deliveries are read and figures are made with."""
LIBRARIES = (*SCIENCE, "jinja2", "babel", "xlsxwriter")
"""The same of all that is published."""


def libraries(names: Iterable[str] = LIBRARIES) -> str:
    """Digest of the versions of Python and of libraries."""
    return digest(platform.python_version(), *(f"{name} {version(name)}" for name in names))


def code_digest(*packages: str) -> str:
    """SHA-256 over the source of packages (Python, templates, styles, words): the code version of a stage."""
    suffixes = {".py", ".j2", ".html", ".css", ".svg", ".po", ".yaml"}
    return files_digest(
        (path for package in packages for path in (CODE / package).rglob("*") if path.suffix in suffixes), CODE
    )
