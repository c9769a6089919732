"""Published pages as tagged PDFs, printed by Chromium; the same bytes each time the same browser prints them."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from flows.chromium import Browser, browser
from reports.scene import page_file
from reports.site import KINDS
from survey.errors import UsageError

STAMP = re.compile(rb"/(CreationDate|ModDate) \(D:\d{14}[^)]*\)")
WHEN = b"D:%Y%m%d000000+00'00'"
REPORT = "report"


def pages(folder: Path, language: str, names: Sequence[str] | None = None) -> list[Path]:
    """The published pages of a language in the order of their navigation, areas by their numbers.

    Args: folder: a publication.   names: kinds ("report", "area", "changes", …) or single pages ("area-3"); all of
    them when None.   Raises: UsageError: a name stands for no page.
    """
    found = {file.stem.removeprefix(language).removeprefix("-") or REPORT: file for file in folder.glob("*.html")
             if file.name == page_file(language, "") or file.stem.startswith(f"{language}-")}  # fmt: skip
    stems = sorted(found, key=_place)
    unknown = [name for name in names or () if not any(_means(name, stem) for stem in stems)]
    if unknown and stems:
        kinds = dict.fromkeys(stem.partition("-")[0] for stem in stems)
        raise UsageError("There is no such page", where="{name}", expected="{kinds}", name=unknown[0],
                         kinds=", ".join(kinds))  # fmt: skip
    return [found[stem] for stem in stems if names is None or any(_means(name, stem) for name in names)]


def _means(name: str, stem: str) -> bool:
    """Whether a name stands for a page: its own, or that of its kind."""
    return name in (stem, stem.partition("-")[0])


def _place(stem: str) -> tuple[int, int, str]:
    """Where a page stands among the others.

    >>> sorted(["methods", "area-10", "report", "area-9"], key=_place)
    ['report', 'area-9', 'area-10', 'methods']
    """
    kind, _, code = stem.partition("-")
    kinds = [each.name or REPORT for each in KINDS]
    return (kinds.index(kind) if kind in kinds else len(kinds), int(code) if code.isdecimal() else 0, code)


def write(files: Iterable[Path], day: dt.date, folder: Path) -> Iterator[Path]:
    """Print pages into a folder, one PDF each under the page's name; yields each as it is done.

    Raises: UsageError: no browser, or it wrote no PDF.
    """
    with browser() as chromium:
        for page in files:
            content = _printed(chromium, page)
            place = folder / f"{page.stem}.pdf"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(dated(content, day))
            yield place


def _printed(chromium: Browser, page: Path) -> bytes:
    """The page as PDF: tags, outline and page numbers from its print style."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "page.pdf"
        chromium.open(page, "--no-pdf-header-footer", "--generate-pdf-document-outline", f"--print-to-pdf={made}")
        content = made.read_bytes() if made.is_file() else b""
    if not content.startswith(b"%PDF"):
        raise UsageError("Chromium printed no PDF of {page}", where="{page}", page=page.name)
    return content


def dated(content: bytes, day: dt.date) -> bytes:
    """The PDF with the day in place of the moment it was printed; as long as before, so that its index still holds.

    >>> dated(b"/CreationDate (D:20261125183331+00'00')", dt.date(2026, 5, 10))
    b"/CreationDate (D:20260510000000+00'00')"
    """
    moment = day.strftime(WHEN.decode()).encode()

    def same_length(found: re.Match[bytes]) -> bytes:
        new = b"/%s (%s)" % (found[1], moment)
        return new if len(new) == len(found[0]) else found[0]

    return STAMP.sub(same_length, content)
