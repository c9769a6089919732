"""Where a published page lies, and its address when somebody serves public/ (ANXIN_SITE)."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from flows.job import Job

SITE = "ANXIN_SITE"


def page(job: Job, wave: str, language: str = "") -> str:
    """The first page of a wave below public/, in the survey's first language among those of the run."""
    own = [each for each in job.book.languages if each in job.languages]
    return f"{job.book.survey}/{wave}/{language or own[0]}.html"


def address(site: str, page: str) -> str:
    """The address of a page under a site, "" without one.

    >>> address("http://127.0.0.1:8000", "town/w1/zh.html"), address("file:///srv", "town/w1/zh.html")
    ('http://127.0.0.1:8000/town/w1/zh.html', '')
    """
    served = urlsplit(site).scheme in ("http", "https")
    return f"{site.rstrip('/')}/{quote(page)}" if served else ""
