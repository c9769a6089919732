"""Where a delivery's bytes come from: a file, a folder of part files, an archive, or a database query."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from survey.codebook import Wave
from survey.errors import DataError

ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xlsm", ".xls", ".ods", ".sav", ".zsav", ".por", ".dta",
           ".sas7bdat", ".xpt", ".parquet")  # fmt: skip
DATABASE = "ANXIN_DATABASE"
"""Environment variable with the SQLAlchemy address of the database that a wave's `query` is put to."""
LARGEST = 8 << 30
"""Bytes an archive may unpack to: a small file that claims more is damaged or hostile."""


class Part(NamedTuple):
    """One table as delivered: a name whose ending tells the format, and its bytes."""

    name: str
    content: bytes


def parts(path: Path, wave: Wave, environ: Mapping[str, str] = os.environ) -> list[Part]:
    """The tables of a delivery, in the order of their names.   Raises: DataError: there is nothing to read."""
    if wave.query is not None:
        return [_queried(wave, environ)]
    _there(path, wave)
    files = _files(path) if path.is_dir() else [path]
    found = [part for file in files for part in _unpacked(Part(file.name, file.read_bytes()), wave)]
    if not found:
        raise nothing(path.name)
    return found


def checksum(path: Path, wave: Wave, environ: Mapping[str, str] = os.environ) -> str:
    """SHA-256 of a delivery as it came, "" where it is not there; of a folder or a query over its parts."""
    if wave.query is not None:
        return hashlib.sha256(_queried(wave, environ).content).hexdigest()
    if path.is_dir():
        lines = [f"{_of_file(file)}  {file.name}\n" for file in _files(path)]  # what sha256sum prints
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    return _of_file(path) if path.is_file() else ""


def _of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith((".", "~$")))


def _there(path: Path, wave: Wave) -> None:
    if not path.exists():
        raise DataError(
            "The delivered file {file} is not there",
            where="{folder}",
            expected="a file {file}",
            got="no such file",
            hint="get it from {place} and name its folder with --source" if wave.available_from else "deliver the file",
            file=path.name,
            folder=path.parent,
            place=wave.available_from,
        )


def nothing(name: str) -> DataError:
    """What is said of a table without cases."""
    return DataError(
        "{file} is empty",
        where="{file} line 1",
        expected="a header and at least one case",
        got="nothing",
        file=name,
    )


def _unpacked(part: Part, wave: Wave) -> Iterator[Part]:
    """The part itself, or what is in the archive it is."""
    if not part.content or part.content.isspace():
        raise nothing(part.name)
    ending = PurePosixPath(part.name).suffix.lower()
    try:
        if ending == ".gz":
            with gzip.GzipFile(fileobj=io.BytesIO(part.content)) as stream:
                yield from _unpacked(Part(part.name[:-3], _bounded(stream.read(LARGEST + 1), part.name)), wave)
        elif ending == ".zip":
            yield from _members(part, wave)
        else:
            yield part
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise DataError(
            "{file} cannot be unpacked",
            where="{file}",
            expected="a whole archive without a password",
            got="{kind_of_error} from the reader",
            hint="the file may be cut off or damaged: compare its size and checksum with the sender's",
            file=part.name,
            kind_of_error=type(error).__name__,
        ) from None


def _members(part: Part, wave: Wave) -> Iterator[Part]:
    with zipfile.ZipFile(io.BytesIO(part.content)) as archive:
        known = [info for info in archive.infolist() if PurePosixPath(info.filename).suffix.lower() in ENDINGS
                 and not PurePosixPath(info.filename).name.startswith((".", "~$"))]  # fmt: skip
        chosen = [info for info in known if wave.member in (None, info.filename)]
        if not chosen:
            raise DataError(
                "{file} holds no table that is read",
                where="{file}",
                expected="a member {member}" if wave.member else "a member that ends in {endings}",
                got="{count} others",
                file=part.name,
                member=wave.member,
                endings=", ".join(ENDINGS),
                count=len(archive.infolist()),
            )
        _bounded(b"", part.name, sum(info.file_size for info in chosen))
        for info in sorted(chosen, key=lambda info: info.filename):
            with archive.open(info) as stream:
                content = _bounded(stream.read(LARGEST + 1), part.name)
            if not content.strip():
                raise nothing(PurePosixPath(info.filename).name)
            yield Part(PurePosixPath(info.filename).name, content)


def _bounded(content: bytes, name: str, size: int = 0) -> bytes:
    if max(len(content), size) > LARGEST:
        raise DataError(
            "{file} unpacks to more than is read",
            where="{file}",
            expected="at most {limit} bytes",
            got="more",
            hint="ask for the file in parts",
            file=name,
            limit=f"{LARGEST:,}",
        )
    return content


def _queried(wave: Wave, environ: Mapping[str, str]) -> Part:
    """The answer to the wave's query as one table of text cells, rows in the order of their cells."""
    from survey.source.database import answer

    address = environ.get(DATABASE, "")
    if not address:
        raise DataError(
            "No database is named for the query of {file}",
            where="environment variable {variable}",
            expected="an SQLAlchemy address, such as postgresql+psycopg://user@host/name",
            got="nothing",
            file=wave.file,
            variable=DATABASE,
        )
    assert wave.query is not None
    return Part("query.csv", answer(address, wave.query, wave.file))
