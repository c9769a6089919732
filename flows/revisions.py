"""Which published version a report takes the place of, where it is made of other deliveries than that one was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from flows.job import Job
from flows.ledger import Ledger
from flows.publish import VERSIONS, is_whole
from reports.files import RESULTS

if TYPE_CHECKING:
    from reports.revisions import Earlier


class Shown(NamedTuple):
    """A version that was led to: its deliveries (wave → checksum), and whether it was stepped back to."""

    version: str
    deliveries: Mapping[str, str]
    back: bool


def earlier_version(job: Job, wave: str) -> Earlier | None:
    """The version shown last that is made of other deliveries than the job has now; None where there was none.

    A rerun of the same deliveries, whatever its settings, is no revision of its own: it keeps the number and the
    earlier version of the first run of them.
    """
    shown = _shown(Ledger(job.workspace.work / "ledger.jsonl").entries(), job, wave)
    if not shown:
        return None
    now = {name: found for name in job.book.earlier(wave) if (found := job.delivered(name))}
    others = [each for each in shown if _corrected(each.deliveries, now)]
    if not others:
        return None
    from reports.revisions import Earlier

    waves = tuple(name for name in job.book.earlier(wave) if name in _corrected(others[-1].deliveries, now))
    return Earlier(_number(shown, now), waves, _results(job, others[-1].version))


def _shown(entries: Sequence[Mapping[str, Any]], job: Job, wave: str) -> list[Shown]:
    """The versions of a wave in the order in which they were shown."""
    found: list[Shown] = []
    known: dict[str, Mapping[str, str]] = {}
    for entry in entries:
        version = entry.get("published", {}).get(wave) if entry["survey"] == job.book.survey else None
        if version is not None:
            back = "inputs" not in entry
            deliveries = known.get(version, {}) if back else entry["inputs"]
            own = {name: deliveries[name] for name in job.book.earlier(wave) if name in deliveries}
            known.setdefault(version, own)
            found.append(Shown(version, own, back))
    return found


def _corrected(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """Waves whose delivery is another one; a wave that is new or gone is no correction."""
    return {wave for wave in {*before} & {*now} if before[wave] != now[wave]}


def _number(shown: Sequence[Shown], now: Mapping[str, str]) -> int:
    """How many times a report was published from other deliveries than the one before, this one counted."""
    count, last = 1, dict[str, str]()
    for deliveries in (*(each.deliveries for each in shown if not each.back), now):
        count += bool(_corrected(last, deliveries))
        last = {**last, **deliveries}
    return count


def _results(job: Job, version: str) -> bytes:
    """results.json of a version, nothing where it is not kept whole."""
    places: tuple[Path, ...] = (job.public / job.book.survey / VERSIONS, job.archive / job.book.survey)
    whole = (place / version for place in places if is_whole(place / version))
    found = next((place / RESULTS for place in whole if (place / RESULTS).is_file()), None)
    return found.read_bytes() if found else b""
