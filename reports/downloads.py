"""The files beside the pages: CSV tables, workbooks, banner tables, JSON and metadata; no note of a reviewer."""

from __future__ import annotations

from collections.abc import Sequence

from reports.banner import banner_workbook
from reports.figures import Figures
from reports.files import RESULTS
from reports.language import Language
from reports.metadata import csvw, results_json
from reports.revisions import Revision
from reports.tables import tables
from reports.uncollected import uncollected
from reports.workbook import tables_workbook
from survey.codebook import Codebook
from survey.released import Releasable


@uncollected()
def downloads(
    release: Releasable,
    figures: Figures,
    revision: Revision | None,
    book: Codebook,
    wave: str,
    languages: Sequence[str],
) -> dict[str, bytes]:
    """Everything a reader may take away, by file name.

    Args: figures: those of the report.   revision: what differs from an earlier version.
    """
    files = tables(figures, release.facts, book, wave, languages)
    return {
        **files,
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
        RESULTS: lang.t("All figures for programs (JSON)"),
    }
    return tuple((text, name) for name, text in named.items() if name in files)
