"""The intake folder: a whole delivery goes from data/incoming/SURVEY to data/raw/SURVEY, once, all of it or nothing.

Whatever moment it is killed at, data/raw holds the delivery from before or the new one, and the next intake finishes
what was begun. Deliveries hold names and telephone numbers, so no copy of a former one is kept: the ledger knows its
checksum, its sender has the file.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.arrivals import (
    SETTLE,
    Arrival,
    Part,
    Refused,
    arrivals,
    deliveries,
    is_linked,
    look_of,
    opened,
    places,
    strangers,
    unlike,
)
from flows.clearing import gone, inside, tell_left, tell_uncovered
from flows.ledger import Ledger
from flows.lock import only_one
from flows.private import erase
from flows.run import unexpected
from flows.workspace import Workspace
from survey.codebook import Codebook
from survey.errors import AnxinError, DataError, together
from survey.source import checksum

TAKEN, AGAIN, SUPERSEDED, WAITING, STRAY = "taken", "already taken", "superseded", "waiting", "left alone"
CHUNK = 1 << 20
EXCHANGE, HERE = 2, -100  # RENAME_EXCHANGE and AT_FDCWD of Linux


@dataclass(frozen=True)
class Told:
    """What became of something in the incoming folder.

    file: as survey.yaml names it, or the path of a stranger.   state: one of TAKEN, AGAIN, SUPERSEDED, WAITING, STRAY.
    why: of what is waited for or left alone.
    """

    file: str
    waves: tuple[str, ...]
    state: str
    why: str = ""


def take_in(
    workspace: Workspace,
    survey: str,
    say: Callable[[Told], None],
    now: Callable[[], datetime],
    wait: float = 0.0,
    settle: float = SETTLE,
) -> list[Told]:
    """Take every whole delivery of a survey that has arrived, and tell what was done with each.

    Args: wait: seconds to wait for a run to end.   settle: seconds after which an unmarked file counts as whole.
    Raises: AnxinError: deliveries that cannot be taken, after all others were; the ledger says so as well.
    """
    os.umask(0o077)
    folder = workspace.root / "data" / "incoming" / survey
    book = workspace.book(survey)
    if not folder.is_dir():
        return []
    fault: AnxinError | None = None
    told: list[Told] = []
    with only_one(workspace.work, wait):
        try:
            _refuse_link(folder, survey)  # under the lock: it may have been awaited for hours
            told, fault = _Door(workspace, book, now, say).let_in(folder, settle)
        except AnxinError as error:
            fault = error
        except OSError as error:
            fault = unexpected(error)
    if fault is not None:
        raise fault  # outside the except block, so that no __context__ rides along
    return told


def _refuse_link(folder: Path, survey: str) -> None:
    if folder.is_symlink():
        raise DataError(
            "The incoming folder of {survey} is a link",
            where="data/incoming/{survey}",
            expected="a folder",
            got="a link",
            hint="nothing was taken: whoever may write into data/incoming could make us read, or clear away, what lies "
            "elsewhere. A link in place of data/incoming itself is yours to make",
            survey=survey,
        )


@dataclass(frozen=True)
class _Door:
    """What stands between the incoming folder and the deliveries of one survey."""

    workspace: Workspace
    book: Codebook
    now: Callable[[], datetime]
    say: Callable[[Told], None]

    def let_in(self, folder: Path, settle: float) -> tuple[list[Told], AnxinError | None]:
        """Take what is whole; what was done with each arrival, and what is wrong with the rest of them."""
        self.tidy(folder)
        told, faults = list[Told](), dict[str, AnxinError]()
        waves = dict[str, None]()
        for arrival in arrivals(folder, self.book, self.held, self.now(), settle):
            try:
                told.append(self.take(arrival))
                self.say(told[-1])
            except AnxinError as fault:
                faults[arrival.file] = fault
                waves |= dict.fromkeys(arrival.waves)
        for name, kind in strangers(folder, self.book):
            told.append(Told(name, (), STRAY, kind))
            self.say(told[-1])
        if faults:
            said = "\n".join(fault.describe() for fault in faults.values())
            self.note("stopped", tuple(waves), stopped_by=said)
        return told, together(list(faults.values())) if faults else None

    @property
    def held(self) -> Path:
        """Folder of the deliveries."""
        return self.workspace.survey_folder(self.book.survey)

    @property
    def incoming(self) -> Path:
        """Folder of the folders that senders may write to."""
        return self.workspace.root / "data" / "incoming"

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.workspace.work / "ledger.jsonl")

    def note(self, status: str, waves: tuple[str, ...], **more: Any) -> None:
        """A line of the ledger of runs."""
        line = {"survey": self.book.survey, "waves": waves, "status": status, **more}
        self.ledger.append(line | {"started": self.now().isoformat(timespec="seconds")})

    def tidy(self, folder: Path) -> None:
        """Erase what an intake that was killed left: drafts, and parts of a delivery that stands in its place."""
        for file, waves in deliveries(self.book).items():
            gone(_draft(self.held / file), _draft(self.held / file).parent)
            for place in map(_cleared, places(folder, file, waves)):
                if not is_linked(folder, place):
                    gone(place, self.incoming)

    def take(self, arrival: Arrival) -> Told:
        """Take a delivery unless it was taken before.   Raises: AnxinError: it is not one that may be taken."""
        if arrival.fault:
            raise arrival.fault
        if arrival.waiting:
            return Told(arrival.file, arrival.waves, WAITING, arrival.waiting)
        place, settings = self.held / arrival.file, self.book.waves[arrival.waves[0]]
        self._allowed(arrival, place)
        before, earlier = checksum(place, settings), self._taken(arrival.file)
        if before == arrival.sha256:  # as it came once, or taken just before an intake was killed
            if arrival.sha256 not in earlier:
                self._note(arrival, "")
            _clear(arrival, self.incoming)
            return Told(arrival.file, arrival.waves, AGAIN)
        if arrival.sha256 in earlier:
            return Told(arrival.file, arrival.waves, SUPERSEDED)
        draft = _draft(place)
        if not _copied(arrival, draft):
            erase(draft)
            return Told(arrival.file, arrival.waves, WAITING, "it was written to while it was read")
        _put(draft, place)
        self._note(arrival, before)
        _clear(arrival, self.incoming)
        return Told(arrival.file, arrival.waves, TAKEN)

    def _note(self, arrival: Arrival, replaced: str) -> None:
        self.note(TAKEN, arrival.waves, file=arrival.file, sha256=arrival.sha256, replaced=replaced)

    def _taken(self, file: str) -> set[str]:
        """Checksums of a file's deliveries that are or were once in data/raw."""
        own = [
            entry
            for entry in self.ledger.entries()
            if entry["status"] == TAKEN and entry["survey"] == self.book.survey and entry["file"] == file
        ]
        return {entry[name] for entry in own for name in ("sha256", "replaced")} - {""}

    def _allowed(self, arrival: Arrival, place: Path) -> None:
        """Raise for a delivery that a run would refuse, or that is a folder where there is a file."""
        named = {self.book.waves[wave].sha256 for wave in arrival.waves} - {None}
        if named - {arrival.sha256}:
            fault = unlike(arrival, "the checksum that survey.yaml gives", "another checksum")
        elif place.exists() and place.is_dir() == ("" in arrival.parts):
            fault = unlike(arrival, "what lies in data/raw: a file or a folder", "the other kind")
        else:
            return
        raise fault


def _draft(place: Path) -> Path:
    return place.with_name(f".{place.name}.taking")


def _copied(arrival: Arrival, draft: Path) -> bool:
    """Copy a delivery beside its place; False where it is no longer what was looked at."""
    draft.parent.mkdir(parents=True, exist_ok=True)
    if "" in arrival.parts:
        return _copy(arrival.parts[""], draft)
    draft.mkdir(mode=0o700)
    whole = all(_copy(part, draft / name) for name, part in arrival.parts.items())
    _flush(draft)
    return whole


def _copy(part: Part, to: Path) -> bool:
    """Copy one file and see that it was at rest meanwhile: the same look before and after, the same content."""
    digest, alone = hashlib.sha256(), os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        source = opened(part.path)
    except (FileNotFoundError, Refused):
        return False
    with source, os.fdopen(os.open(to, alone, 0o600), "wb") as out:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
        return look_of(os.fstat(source.fileno())) == part.look and digest.hexdigest() == part.sha256


def _put(draft: Path, place: Path) -> None:
    """Let a delivery stand in its place in one step; what stood there goes."""
    if draft.is_dir() and place.is_dir():
        try:
            _exchange(draft, place)
            _flush(place.parent)
        finally:
            erase(draft)  # now the former delivery, or the new one where they could not change places
    elif place.exists():
        try:
            _exchange(draft, place)
            _flush(place.parent)
            gone(draft, draft.parent)
        except AnxinError:  # no file system that can: a file goes in one step all the same, the former bytes uncovered
            os.replace(draft, place)
            _flush(place.parent)
            tell_uncovered(place)
    else:
        os.replace(draft, place)
        _flush(place.parent)


def _exchange(one: Path, two: Path) -> None:
    """Let two files or folders change places in one step, which only Linux can.   Raises: AnxinError: no way here."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        if hasattr(library, "renameat2") and not library.renameat2(
            HERE, os.fsencode(one), HERE, os.fsencode(two), EXCHANGE
        ):
            return
    raise AnxinError(
        "A delivered folder cannot be replaced in one step here",
        where="{file}",
        expected="Linux, and a file system that exchanges two folders",
        hint="while no run is at work, put the new folder into its place in data/raw by hand",
        file=two.name,
    )


def _flush(folder: Path) -> None:
    """See that a folder's names are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear(arrival: Arrival, incoming: Path) -> None:
    """Take a delivery out of the incoming folder, its marks first: one left behind would vouch for the next upload.

    A folder goes in one step: parts left behind would be taken for parts of the next delivery.
    """
    cleared = _cleared(arrival.place)
    try:
        with inside(arrival.place.parent, incoming) as folder:
            for mark in arrival.marks:
                with suppress(FileNotFoundError):
                    os.unlink(mark.name, dir_fd=folder)
            if any(look_of(part.path.lstat()) != part.look for part in arrival.parts.values()):
                return  # it was delivered again meanwhile, and stays
            os.rename(arrival.place.name, cleared.name, src_dir_fd=folder, dst_dir_fd=folder)
    except FileNotFoundError:
        return
    except OSError:  # something of a sender's stands in the way
        tell_left(arrival.place)
        return
    gone(cleared, incoming)


def _cleared(place: Path) -> Path:
    return place.with_name(f".{place.name}.taken")
