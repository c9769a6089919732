"""The files beside the pages: workbooks, banner tables, JSON and metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reports.banner import banner_workbook
from reports.figures import Figures
from reports.language import Language
from reports.metadata import csvw, results_json
from reports.revisions import Revision
from reports.workbook import tables_workbook
from survey.codebook import Codebook
from survey.released import Releasable


def downloads(
    release: Releasable,
    figures: Figures,
    files: Mapping[str, bytes],
    book: Codebook,
    wave: str,
    languages: Sequence[str],
    revision: Revision | None = None,
) -> dict[str, bytes]:
    """Everything a reader may take away but the CSV tables, by file name.

    Args: figures: those of the report.   files: the publication so far, whose tables are described.
    revision: what differs from an earlier version.
    """
    return {
        **tables_workbook(figures, release.facts, book, wave, languages, revision is not None),
        **banner_workbook(release.results, book, wave, languages),
        **results_json(release.results, book, wave, languages, revision),
        **csvw(files, book, wave, languages),
    }


def offered(lang: Language, files: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Which of the files a page of this language offers, each with what it is called there."""
    named = {
        f"tables-{lang.code}.xlsx": lang.t("All tables as a workbook (XLSX)"),
        f"banner-{lang.code}.xlsx": lang.t("Every question by every breakdown (XLSX)"),
        "results.json": lang.t("All figures for programs (JSON)"),
    }
    return tuple((text, name) for name, text in named.items() if name in files)
