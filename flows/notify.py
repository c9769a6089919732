"""Messages to people about runs nobody watches, through Apprise, to the addresses in ANXIN_NOTIFY or its file.

The addresses hold tokens and passwords: they go from there to Apprise, and are never written or told.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
import threading
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flows.job import Job
from flows.links import address, page
from flows.metrics import alerts
from flows.observers import Ended, Observer
from flows.private import aside, folder, withheld
from flows.words import t, translator
from survey.errors import AnxinError

REMIND = timedelta(hours=20)
"""A run that stops as before is told of once in that time: what runs each night is told of each night."""
PATIENCE = 20.0
"""Seconds for all messages together; whoever does not answer by then is given up."""


def addresses(environ: Mapping[str, str]) -> list[str]:
    """The addresses of ANXIN_NOTIFY, else of the file that ANXIN_NOTIFY_FILE names; a file that will not do is told.

    A file reaches a run whose environment somebody else writes down, as Prefect's worker does.
    """
    named = environ.get("ANXIN_NOTIFY", "").split()
    if named or not environ.get("ANXIN_NOTIFY_FILE"):
        return named
    path, fault = Path(environ["ANXIN_NOTIFY_FILE"]), ""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not hold up a run
        with os.fdopen(descriptor, encoding="utf-8") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if stat.S_ISREG(mode) and not mode & 0o077:
                return stream.read().split()
        fault = t("not a file that its owner alone may read: chmod 600")
    except (OSError, ValueError) as error:
        fault = withheld(error)
    aside(t("ANXIN_NOTIFY_FILE cannot be used, nobody is told of the run: {fault}", fault=fault))
    return []


class Notify(Observer):
    """Tells of a failure, a gate that held, and alerts in a new report; of an ordinary run nothing."""

    def __init__(self, job: Job, to: list[str], site: str) -> None:
        self.job, self.site = job, site
        self._to = to

    def ended(self, run: Ended) -> None:
        """Send what there is to tell; one line on stderr where it could not be sent."""
        work, survey = self.job.workspace.work, self.job.book.survey
        if not is_news(work, survey, _said(run), datetime.now(UTC)):
            return
        told = _stopped(self.job, run) if run.fault else _alerted(self.job, run, self.site)
        if told is None:
            return
        _tell_of(send(self._to, *told, urgent=run.fault is not None))


def is_news(work: Path, survey: str, stopped_by: str, now: datetime) -> bool:
    """Whether a survey's run ended otherwise than the last one did that was told of, or that is `REMIND` ago.

    Args: stopped_by: what is told of a fault to the team, "" when there was none; only its digest is kept.

    >>> import tempfile
    >>> from datetime import UTC
    >>> night, work = datetime(2026, 4, 6, 2, 30, tzinfo=UTC), Path(tempfile.mkdtemp())
    >>> [is_news(work, "town", "a gate", night + timedelta(hours=each)) for each in (0, 1, 19, 21, 22)]
    [True, False, False, True, False]
    >>> is_news(work, "town", "", night), is_news(work, "town", "a gate", night)
    (True, True)
    """
    place = folder(work / "told") / f"{survey}.json"
    seal = hashlib.sha256(stopped_by.encode()).hexdigest() if stopped_by else ""
    try:
        last = json.loads(place.read_text(encoding="utf-8"))
        known = last["stopped_by"] == seal and now - datetime.fromisoformat(last["at"]) < REMIND
    except (OSError, ValueError, KeyError, TypeError):
        known = False
    if known and seal:
        return False
    draft = place.with_name(f".{survey}.json")
    draft.write_text(json.dumps({"stopped_by": seal, "at": now.isoformat()}), encoding="utf-8")
    draft.replace(place)
    return True


def _said(run: Ended) -> str:
    """What stopped a run, as the team is told."""
    if run.fault is None:
        return ""
    return run.fault.describe() if isinstance(run.fault, AnxinError) else run.place


def not_begun(work: Path, survey: str, place: str, environ: Mapping[str, str]) -> None:
    """Tell of a scheduled run that stopped before it began: its delivery was refused, or survey.yaml cannot be read."""
    to = addresses(environ)
    if not to or not is_news(work, survey, place, datetime.now(UTC)):
        return
    title = t("{survey}: the scheduled run could not begin", survey=survey)
    todo = t("What to do: `anxin intake {survey}` and `anxin check {survey}` say what to mend.", survey=survey)
    text = "\n".join([t("Place in the program: {place}", place=place), todo])
    _tell_of(send(to, title, text, urgent=True))


def _tell_of(failed: list[int]) -> None:
    """One line on stderr about messages that could not be sent."""
    if failed:
        which = ", ".join(map(str, failed))
        aside(t("Could not be sent: the notification to address {which} in ANXIN_NOTIFY", which=which))


def _stopped(job: Job, run: Ended) -> tuple[str, str]:
    """Title and text about a run that stopped: its place in the program, no text of the fault."""
    t = translator(job.book.languages[0])
    survey, waves = job.book.survey, ", ".join(run.entry["waves"])
    title = t("{survey} {waves}: a gate stopped the run") if run.at_a_gate else t("{survey} {waves}: the run failed")
    text = [t("Survey: {survey}").format(survey=survey), t("Wave: {waves}").format(waves=run.wave or waves)]
    if run.stage:
        text.append(t("Stage: {stage}").format(stage=t(run.stage)))
    text.append(t("Place in the program: {place}").format(place=run.place))
    if not run.entry.get("published"):
        text.append(t("Nothing new was published; the reports that are out stay as they are."))
    if run.at_a_gate:
        todo = t(
            "What to do: `anxin check {survey}` shows the delivery; a gate is moved in survey.yaml, with its reason."
        )
    else:
        todo = t(
            "What to do: `anxin history {survey}` tells why; `anxin run {survey}` tries again and says what to mend."
        )
    return title.format(survey=survey, waves=waves), "\n".join([*text, todo.format(survey=survey)])


def _alerted(job: Job, run: Ended, site: str) -> tuple[str, str] | None:
    """Title and text about alerts that the reports before did not have; None where there are none."""
    t, survey = translator(job.book.languages[0]), job.book.survey
    new = {wave: set(alerts(place)) - set(run.known.get(wave, ())) for wave, place in run.shown.items()}
    found = {wave: len(names) for wave, names in new.items() if names}
    if not found:
        return None
    title = t("{survey} {waves}: alerts in the new report").format(survey=survey, waves=", ".join(found))
    text = [t("Survey: {survey}").format(survey=survey)]
    for wave, count in found.items():
        shown = page(job, wave)
        place = address(site, shown) or f"{job.public.name}/{shown}"
        text += [t("Wave: {waves}").format(waves=wave), t("Alerts: {count}").format(count=count)]
        text.append(t("The report: {place}").format(place=place))
    return title, "\n".join(text)


def send(addresses: list[str], title: str, text: str, urgent: bool, patience: float = PATIENCE) -> list[int]:
    """Send a message to every address, each by a thread of its own that holds nobody up.

    Returns: numbers, from 1, of the addresses it could not be sent to in time.
    """
    done: set[int] = set()
    services = {number: _service(each) for number, each in enumerate(addresses, 1)}
    threads = [
        threading.Thread(target=_send, args=(number, service, title, text, urgent, done), daemon=True)
        for number, service in services.items()
        if service is not None
    ]
    late = time.monotonic() + patience
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, late - time.monotonic()))
    arrived = set(done)  # one that comes later counts as not sent
    return [number for number in services if number not in arrived]


def _service(address: str) -> Any:
    """Apprise's sender for an address, None where it knows no such service; keeps nothing and logs nothing."""
    with warnings.catch_warnings():  # it imports all its services, and with some of them what Python 3.13 drops
        warnings.simplefilter("ignore")
        from apprise import Apprise, AppriseAsset

        for name in ("apprise", "urllib3", "requests"):  # their lines quote addresses; a level holds for loggers below
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        asset = AppriseAsset(  # no address of others in a message
            storage_mode="memory", app_id="Anxin", app_desc="Anxin", app_url="", image_url_mask="", image_url_logo=""
        )
        return Apprise.instantiate(address, asset=asset)


def _send(number: int, service: Any, title: str, text: str, urgent: bool, done: set[int]) -> None:
    from apprise import NotifyFormat, NotifyType

    kind = NotifyType.FAILURE if urgent else NotifyType.WARNING
    with suppress(Exception):  # whatever a service makes of it: the text of a fault may quote the address
        if service.notify(body=text, title=title, notify_type=kind, body_format=NotifyFormat.TEXT):
            done.add(number)
