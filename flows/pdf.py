"""A published page as a tagged PDF, printed by Chromium; the same bytes each time the same browser prints it."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from pathlib import Path

from flows.chromium import browser
from survey.errors import UsageError

STAMP = re.compile(rb"/(CreationDate|ModDate) \(D:\d{14}[^)]*\)")
WHEN = b"D:%Y%m%d000000+00'00'"


def pdf(page: Path, day: dt.date) -> bytes:
    """The page as PDF: tags, outline and page numbers from its print style, its date that of the survey.

    Raises: UsageError: no browser, or it wrote no PDF.
    """
    with browser() as chromium, tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "page.pdf"
        chromium.open(page, "--no-pdf-header-footer", "--generate-pdf-document-outline", f"--print-to-pdf={made}")
        content = made.read_bytes() if made.is_file() else b""
    if not content.startswith(b"%PDF"):
        raise UsageError("Chromium printed no PDF of {page}", where="{page}", page=page.name)
    return dated(content, day)


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


def write(page: Path, day: dt.date, place: Path) -> Path:
    """Print a page into a file."""
    content = pdf(page, day)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place
