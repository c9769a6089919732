"""Whether `schedule` names times that come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from survey.codebook import Codebook
from survey.codebook.schedule import Schedule
from survey.survey_yaml.references import Mistake

SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)


def time_mistakes(book: Codebook) -> Iterator[Mistake]:
    """A cron line that is none, never comes or has two readings, a time zone that nobody knows."""
    plan = book.schedule
    if plan is None:
        return
    try:
        ZoneInfo(plan.timezone)
    except (KeyError, OSError, ValueError):  # not found; a folder of zones; a name that leads elsewhere
        yield Mistake(
            ("schedule", "timezone"),
            expected="the name of a time zone in the IANA database",
            got="{zone}",
            hint="for example Asia/Shanghai, Europe/Berlin or UTC",
            zone=plan.timezone,
        )
        return
    if not _comes(plan):
        yield Mistake(
            ("schedule", "cron"),
            expected="minute, hour, day, month and weekday of times that come",
            got="{cron}",
            hint="for example 30 2 * * *: half past two every night",
            cron=plan.cron,
        )
    elif plan.is_ambiguous:
        yield Mistake(
            ("schedule", "cron"),
            expected="a day or a weekday, * for the other",
            got="{cron}",
            hint="with both, one program runs on either, another only where both agree",
            cron=plan.cron,
        )


def _comes(plan: Schedule) -> bool:
    try:
        return plan.after(SOME_DAY) is not None
    except ValueError:
        return False
