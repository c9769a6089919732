"""When a survey runs by itself."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from survey.codebook.base import Strict

FIELD = r"[0-9A-Za-z*/,-]+"
VALUE = r"\d{1,2}|[A-Za-z]{3}"
TERM = re.compile(rf"(\*|(?P<first>{VALUE})(-(?!(?P=first)(/|$))({VALUE}))?)(/\d{{1,2}})?")
"""What every reader of cron lines takes for the same: no L, W, H or #, and no 9-9, which Prefect takes for *."""


class Schedule(Strict):
    """The nightly run of the newest wave; a run that finds nothing changed does nothing."""

    cron: Annotated[str, Field(pattern=rf"^{FIELD}( {FIELD}){{4}}$")]
    """Minute, hour, day, month, weekday: "30 2 * * *" is half past two every night."""
    timezone: Annotated[str, Field(pattern=r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$")] = "Asia/Shanghai"
    """Name in the IANA database."""
    catch_up: Literal["latest", "none"] = "latest"
    """After the machine was down: run for the latest of the missed times, or wait for the next one."""

    def after(self, moment: datetime) -> datetime | None:
        """The first time later than a moment, None when there is none in fifty years.

        Raises: ValueError: no cron line.   zoneinfo.ZoneInfoNotFoundError: no such time zone.

        >>> from datetime import UTC
        >>> Schedule(cron="30 2 * * *").after(datetime(2026, 4, 6, 12, tzinfo=UTC)).isoformat()
        '2026-04-07T02:30:00+08:00'
        """
        return self._next(moment, backwards=False)

    def before(self, moment: datetime) -> datetime | None:
        """The last time earlier than a moment, None when there was none in fifty years.

        Raises: as `after`.

        >>> from datetime import UTC
        >>> Schedule(cron="30 2 * * *").before(datetime(2026, 4, 6, 12, tzinfo=UTC)).isoformat()
        '2026-04-06T02:30:00+08:00'
        """
        return self._next(moment, backwards=True)

    def _next(self, moment: datetime, backwards: bool) -> datetime | None:
        from cronsim import CronSim, CronSimError

        if not all(TERM.fullmatch(term) for part in self.cron.split() for term in part.split(",")):
            raise ValueError("no cron line")
        try:
            return next(CronSim(self.cron, moment.astimezone(ZoneInfo(self.timezone)), reverse=backwards), None)
        except CronSimError:
            raise ValueError("no cron line") from None

    @property
    def is_ambiguous(self) -> bool:
        """Whether both a day and a weekday are asked for: one reader of cron lines takes either, another both."""
        _, _, day, _, weekday = self.cron.split()
        return day != "*" and weekday != "*"
