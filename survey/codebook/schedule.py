"""When a survey runs by itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from survey.codebook.base import Strict

FIELD = r"[0-9A-Za-z*/,?#-]+"


class Schedule(Strict):
    """The nightly run of the newest wave; a run that finds nothing changed does nothing."""

    cron: Annotated[str, Field(pattern=rf"^{FIELD}( {FIELD}){{4}}$")]
    """Minute, hour, day, month, weekday: "30 2 * * *" is half past two every night."""
    timezone: Annotated[str, Field(pattern=r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$")] = "Asia/Shanghai"
    """Name in the IANA database."""
    catch_up: Literal["latest", "all"] = "latest"
    """After the scheduler was down: run once, or once for each time that was missed."""
