"""What lies in a survey's incoming folder: which delivery of survey.yaml it is, and whether all of it is there.

Nothing is changed here. Whole is what its sender vouches for, by a checksum or a `.done` beside it, or else what
nobody has written to for a while. A folder of part files is whole when every part is and none is lacking.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from survey.codebook import Codebook
from survey.errors import DataError
from survey.source import ENDINGS

SETTLE = 60.0
"""Seconds without a change after which a file that nobody vouches for counts as whole."""
DONE, SUM = ".done", ".sha256"
SUM_LINE = re.compile(r"^\\?(?:SHA256 \((?P<bsd>.+)\) = )?(?P<digest>[0-9a-fA-F]{64})(?: [ *](?P<name>.+))?$")
SUM_BYTES = 1 << 20
HIDDEN = (".", "~$")
PACKED = (".gz", ".zip")
UNREADABLE = "?"
Look = tuple[int, int, int, int]
"""What tells a file from the same file written to once more: inode, size, times of the last write and change."""


@dataclass(frozen=True)
class Part:
    """One whole file of a delivery: where it lies, what it holds, and how it looked then."""

    path: Path
    sha256: str
    look: Look


@dataclass(frozen=True)
class Arrival:
    """A delivery of some waves as it lies in the incoming folder.

    parts: its files by name, "" for a delivery that is one file; none while it is not whole.   marks: what vouches for
    it.   waiting: why it is not whole yet, of `flows.words.WORDS`.   fault: why it can never be taken like this.
    """

    file: str
    waves: tuple[str, ...]
    place: Path
    parts: Mapping[str, Part] = field(default_factory=dict)
    marks: tuple[Path, ...] = ()
    waiting: str = ""
    fault: DataError | None = None

    @property
    def sha256(self) -> str:
        """Checksum of the whole, as `survey.source.checksum` has it of what lies in data/raw."""
        if "" in self.parts:
            return self.parts[""].sha256
        lines = [f"{part.sha256}  {name}\n" for name, part in sorted(self.parts.items())]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


class Refused(Exception):
    """Why a file cannot be taken: what was expected, what was found, each of `flows.words.WORDS`."""


class _Waiting(Exception):
    """Why a file is not whole yet, of `flows.words.WORDS`."""


def deliveries(book: Codebook) -> dict[str, tuple[str, ...]]:
    """File that survey.yaml names → the waves it is the delivery of; a query is delivered by its database."""
    found: dict[str, tuple[str, ...]] = {}
    for wave, settings in book.waves.items():
        if settings.query is None:
            found[settings.file] = (*found.get(settings.file, ()), wave)
    return found


def arrivals(folder: Path, book: Codebook, held: Path, now: datetime, settle: float = SETTLE) -> list[Arrival]:
    """Every delivery of a survey that lies in its incoming folder, or in a wave's own folder there.

    Args: held: folder of the deliveries as they are now.   now: the moment that files must have been at rest by.
    """
    found = []
    for file, waves in deliveries(book).items():
        there = [place for place in places(folder, file, waves) if os.path.lexists(place)]
        if len(there) > 1:
            several = Arrival(file, waves, there[0])
            fault = unlike(several, "one file of that name", "several, in folders of their own")
            found.append(replace(several, fault=fault))
        elif there:
            found.append(_judged(folder, file, waves, there[0], held / file, _Rest(now.timestamp(), settle)))
    return found


def places(folder: Path, file: str, waves: tuple[str, ...]) -> list[Path]:
    """Where a delivery may lie below an incoming folder."""
    return [folder / file, *(folder / wave / file for wave in waves)]


def is_linked(folder: Path, place: Path) -> bool:
    """Whether a link stands anywhere on the way to a place, the incoming folder and the place included.

    A sender could make us read, or clear away, any file of this machine.
    """
    return any(path.is_symlink() for path in (place, *place.parents) if path.is_relative_to(folder))


def strangers(folder: Path, book: Codebook) -> Iterator[tuple[str, str]]:
    """Path and kind (hidden, link, unknown) of all else that lies in an incoming folder, which is left alone."""
    named = deliveries(book)
    known = {prefix + file for file, waves in named.items() for prefix in ("", *(f"{wave}/" for wave in waves))}
    known |= {name + ending for name in known for ending in (DONE, SUM)}
    inner = {str(parent) for name in known for parent in PurePosixPath(name).parents}
    yield from _strange(folder, PurePosixPath(), known, inner)


def _strange(folder: Path, under: PurePosixPath, known: set[str], inner: set[str]) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.iterdir()):
        name = under / path.name
        if str(name) in known:
            continue
        if path.is_symlink():
            yield str(name), "link"
        elif path.name.startswith(HIDDEN):
            yield str(name), "hidden"
        elif str(name) in inner and path.is_dir():
            yield from _strange(path, name, known, inner)
        else:
            yield str(name), "unknown"


@dataclass(frozen=True)
class _Rest:
    """Since when a file must not have been written to."""

    now: float
    settle: float

    def holds(self, look: os.stat_result) -> bool:
        return self.now - look.st_mtime >= self.settle


def _judged(folder: Path, file: str, waves: tuple[str, ...], place: Path, held: Path, rest: _Rest) -> Arrival:
    arrival = Arrival(file, waves, place)
    marks = tuple(mark for mark in (_beside(place, DONE), _beside(place, SUM)) if mark.is_file())
    try:
        if is_linked(folder, place):
            raise Refused("a file", "a link")
        if not place.is_dir():
            return replace(arrival, parts={"": _whole(place, rest)}, marks=marks)
        if PurePosixPath(file).suffix.lower() in (*ENDINGS, *PACKED):
            raise Refused("a file", "a folder")
        parts = _folder(place, held, rest)
        inner = [_beside(part.path, ending) for part in parts.values() for ending in (DONE, SUM)]
        return replace(arrival, parts=parts, marks=(*marks, *(mark for mark in inner if mark.is_file())))
    except _Waiting as reason:
        return replace(arrival, waiting=str(reason))
    except Refused as reason:
        return replace(arrival, fault=unlike(arrival, *map(str, reason.args)))
    except FileNotFoundError:
        return replace(arrival, waiting="it went away while it was looked at")


def unlike(arrival: Arrival, sound: str, found: str) -> DataError:
    """Why a delivery cannot be taken.   Args: sound, found: what was expected and got, of `flows.words.WORDS`."""
    return DataError(
        "The delivery {file} cannot be taken",
        where="data/incoming, {wave}",
        expected="{sound}",
        got="{found}",
        hint="nothing of it was taken and it was left where it is: have it delivered again, or take it away",
        file=arrival.file,
        wave=", ".join(arrival.waves),
        sound=sound,
        found=found,
    )


def _folder(place: Path, held: Path, rest: _Rest) -> dict[str, Part]:
    """The parts of a delivery that is a folder, all of them whole and none lacking."""
    inner = [path for path in sorted(place.iterdir()) if not path.name.startswith(HIDDEN)]
    files = [path for path in inner if path.suffix not in (DONE, SUM)]
    if any(path.is_symlink() or not path.is_file() for path in files):
        raise Refused("files alone", "a folder or a link among them")
    names, sums = {path.name for path in files}, _sums(_beside(place, SUM))
    vouched = sums is not None or _is_done(place, max((path.stat().st_mtime for path in files), default=0.0))
    if sums is not None and set(sums) != names:
        raise _Waiting("its files are not those that its checksums name")
    before = {path.name for path in held.iterdir() if not path.name.startswith(HIDDEN)} if held.is_dir() else set()
    if not files or (not vouched and before - names):
        raise _Waiting("a part of it is lacking")
    return {path.name: _whole(path, rest, vouched, (sums or {}).get(path.name, "")) for path in files}


def _whole(path: Path, rest: _Rest, vouched: bool = False, expected: str = "") -> Part:
    """A file that is all there.   Raises: _Waiting, Refused: it is not, or cannot be."""
    with opened(path) as stream:
        seen = os.fstat(stream.fileno())
        sums, done = _sums(_beside(path, SUM)), vouched or _is_done(path, seen.st_mtime)
        at_rest = done or rest.holds(seen)
        if sums is not None:
            expected = sums.get(path.name, sums.get("", "")) or UNREADABLE
        if not (at_rest or expected):
            raise _Waiting("it was written to just now, and nothing beside it says that it is whole")
        if seen.st_size == 0:
            raise Refused("a file with rows", "an empty file") if at_rest else _Waiting("it is empty so far")
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if expected and digest != expected:
            if at_rest and expected == UNREADABLE:
                raise Refused("a checksum as sha256sum writes it", "a file of checksums without that of this one")
            if at_rest:
                raise Refused("the content that the checksum beside it speaks of", "another content")
            raise _Waiting("it is not yet what the checksum beside it speaks of")
        if look_of(os.fstat(stream.fileno())) != look_of(seen):
            raise _Waiting("it was written to while it was read")
    return Part(path, digest, look_of(seen))


def opened(path: Path) -> io.BufferedReader:
    """A file that is no link, open for reading.   Raises: Refused: it is a link, a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise Refused("a file", "a link or a device") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Refused("a file", "a link or a device")
    return os.fdopen(descriptor, "rb")


def look_of(seen: os.stat_result) -> Look:
    """What would not stay as it is if the file were written to."""
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _is_done(path: Path, written: float) -> bool:
    """Whether a mark says that a file is whole; one from before its last write speaks of another delivery."""
    mark = _beside(path, DONE)
    return mark.is_file() and not mark.is_symlink() and mark.lstat().st_mtime >= written


def _sums(path: Path) -> dict[str, str] | None:
    """Name ("" where none is told) → checksum, as sha256sum or a BSD tells them; None where there is no such file."""
    if not path.is_file() or path.is_symlink():
        return None
    text = path.read_bytes()[:SUM_BYTES].decode("utf-8-sig", errors="replace")
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        match = SUM_LINE.match(line)
        if match:
            name = PurePosixPath((match["bsd"] or match["name"] or "").replace("\\", "/")).name
            found[name] = match["digest"].lower()
    return found
