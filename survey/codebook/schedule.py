"""When a survey runs by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from survey.codebook.base import Strict

FIELD = r"[0-9A-Za-z*/,?#-]+"


class Schedule(Strict):
    """The nightly run of the newest wave; a run that finds nothing changed does nothing."""

    cron: Annotated[str, Field(pattern=rf"^{FIELD}( {FIELD}){{4}}$")]
    """Minute, hour, day, month, weekday: "30 2 * * *" is half past two every night."""
    timezone: Annotated[str, Field(pattern=r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$")] = "Asia/Shanghai"
    """Name in the IANA database."""
    catch_up: Literal["latest", "none"] = "latest"
    """After the scheduler was down: run for the latest of the missed times, or wait for the next one."""

    def after(self, moment: datetime) -> datetime | None:
        """The first time later than a moment, None when there is none in fifty years.

        Raises: ValueError: no cron line.   zoneinfo.ZoneInfoNotFoundError: no such time zone.

        >>> from datetime import UTC
        >>> Schedule(cron="30 2 * * *").after(datetime(2026, 4, 6, 12, tzinfo=UTC)).isoformat()
        '2026-04-07T02:30:00+08:00'
        """
        from cronsim import CronSim, CronSimError

        try:
            return next(CronSim(self.cron, moment.astimezone(ZoneInfo(self.timezone))), None)
        except CronSimError:
            raise ValueError("no cron line") from None
