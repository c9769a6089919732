"""Content-addressed store of what lies between the boundaries: the same under both drivers, with or without a server.

An artefact's key is made from its stage's code, its settings and its inputs' keys, so it is known before anything runs.
Beside its files stands a seal: what it is, which waves' answers it is made of, and a checksum of every file.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flows.private import erase, folder, write
from flows.workspace import digest
from survey.errors import AnxinError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from flows.keys import Keys

Content = TypeVar("Content")
SEAL = "seal.json"
ENCRYPTED = ".fernet"
SWITCH = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


@dataclass(frozen=True)
class Ref:
    """A small name for an artefact: what travels between stages instead of frames.

    of: the waves whose answers it is made of.   parts: what its key was made from, each by a short digest.
    """

    survey: str
    stage: str
    wave: str
    key: str
    of: tuple[str, ...]
    parts: tuple[tuple[str, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Artefact:
    """What a stage hands on: frames, facts and files by name."""

    frames: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def rows(self) -> int:
        """Respondents, else figures, or the number of files: what the progress line counts."""
        return next((len(self.frames[name]) for name in ("answers", "results") if name in self.frames), len(self.files))


class Lazy(Mapping[str, Content]):
    """Frames or files of an artefact on disk, each read when it is first asked for: most readers need a part."""

    def __init__(self, readers: Mapping[str, Callable[[], Content]]) -> None:
        self._readers, self._read = readers, dict[str, Content]()

    def __getitem__(self, name: str) -> Content:
        """What is there under that name."""
        if name not in self._read:
            self._read[name] = self._readers[name]()
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._readers)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._readers)


@dataclass(frozen=True)
class Store:
    """Artefacts on disk: one folder each, written whole or not at all, checked when asked for and when read.

    keys: of the encryption; artefacts that are encrypted can be read with them whether `encrypt` is on or not.
    asked: every artefact that was asked for, for the record of a run.
    """

    folder: Path
    keys: Keys
    encrypt: bool = False
    asked: list[Ref] = field(default_factory=list, compare=False)

    def path(self, ref: Ref) -> Path:
        """The folder of an artefact; named by stage and key only."""
        return self.folder / ref.stage / ref.key[:32]

    def has(self, ref: Ref) -> bool:
        """Whether the artefact is there and whole."""
        if ref not in self.asked:
            self.asked.append(ref)
        return self._is_whole(ref)

    def _is_whole(self, ref: Ref) -> bool:
        seal = _seal(self.path(ref))
        try:
            return (
                seal is not None
                and seal["ref"] == ref
                and all(digest((self.path(ref) / name).read_bytes()) == value for name, value in seal["files"].items())
            )
        except (OSError, ValueError):
            return False

    def find(self, stage: str, key: str) -> Ref | None:
        """The name of an artefact that is there, from the key that a ledger tells."""
        seal = _seal(self.folder / stage / key[:32])
        return None if seal is None else seal["ref"]

    def save(self, ref: Ref, artefact: Artefact) -> None:
        """Write an artefact beside its place, seal it with checksums, then move it there in one step."""
        place = self.path(ref)
        draft = place.with_name(f".{place.name}.{os.getpid()}")
        for above in (self.folder, place.parent):
            if not above.is_dir() and (above.exists() or above.is_symlink()):
                erase(above)  # somebody's, or a broken disk's
        erase(draft)
        try:
            self._write(draft, ref, artefact)
            erase(place)
            draft.rename(place)
        except BaseException:
            erase(draft)  # a full disk needs the room, and half an artefact is of no use
            raise

    def _write(self, draft: Path, ref: Ref, artefact: Artefact) -> None:
        folder(draft)
        lock = self._fernet(ref).encrypt if self.encrypt else bytes
        files = {}
        for name, content in _contents(artefact):
            path = draft / (name + ENCRYPTED if self.encrypt else name)
            folder(path.parent)
            written = lock(content)
            write(path, written)
            files[path.relative_to(draft).as_posix()] = digest(written)
        write(draft / SEAL, json.dumps({"ref": asdict(ref), "files": files}).encode())

    def load(self, ref: Ref) -> Artefact:
        """The artefact as it was saved, each part checked when it is read.

        Raises: UsageError: it is encrypted under another key.   AnxinError: it is not as it was saved any more.
        """
        seal = _seal(self.path(ref))
        if seal is None or seal["ref"] != ref or not {"facts.json", "facts.json" + ENCRYPTED} & {*seal["files"]}:
            raise self._changed(ref)
        readers = {
            written.removesuffix(ENCRYPTED): partial(self._opened, ref, written, sealed)
            for written, sealed in sorted(seal["files"].items())
        }
        frames = {
            name.removesuffix(".parquet"): partial(_decoded, opened)
            for name, opened in readers.items()
            if name.endswith(".parquet") and "/" not in name
        }
        files = {name[len("files/") :]: opened for name, opened in readers.items() if name.startswith("files/")}
        return Artefact(Lazy(frames), json.loads(readers["facts.json"]()), Lazy(files))

    def encrypt_all(self) -> None:
        """Where encryption is on: encrypt what was written before it was, of every survey; what is damaged goes."""
        for place in self._places() if self.encrypt else ():
            seal = _seal(place)
            if seal is None or self.path(seal["ref"]) != place or not self._is_whole(seal["ref"]):
                erase(place)
            elif not all(name.endswith(ENCRYPTED) for name in seal["files"]):
                self.save(seal["ref"], self.load(seal["ref"]))

    def _fernet(self, ref: Ref) -> Any:
        import base64

        from cryptography.fernet import Fernet

        return Fernet(base64.urlsafe_b64encode(self.keys.sealing(ref.survey, ref.of)))

    def _opened(self, ref: Ref, name: str, sealed: str) -> bytes:
        try:
            content = (self.path(ref) / name).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise self._changed(ref) from None
        if digest(content) != sealed:
            raise self._changed(ref)
        if not name.endswith(ENCRYPTED):
            return content
        from cryptography.fernet import InvalidToken

        try:
            return bytes(self._fernet(ref).decrypt(content))
        except InvalidToken:
            raise UsageError(
                "An encrypted file of data/work cannot be opened with this key",
                where="{file}",
                expected="the key it was written with",
                got="another one",
                hint="name that one; if it is lost, delete data/work/store, and the next run makes all of it again",
                file=f"data/work/store/{(self.path(ref) / name).relative_to(self.folder).as_posix()}",
            ) from None

    def _changed(self, ref: Ref) -> AnxinError:
        return AnxinError(
            "What is kept in data/work was changed while it was being used",
            where="{folder}",
            expected="every file as its seal says",
            got="another one, or none",
            hint="run again: what is damaged is made anew",
            folder=f"data/work/store/{self.path(ref).relative_to(self.folder).as_posix()}",
        )

    def _places(self) -> list[Path]:
        return places(self.folder)


def _decoded(opened: Callable[[], bytes]) -> pd.DataFrame:
    """A frame from its bytes."""
    import pandas as pd

    return pd.read_parquet(io.BytesIO(opened()))


def places(store: Path) -> list[Path]:
    """The folders of all artefacts, drafts that a broken run left among them."""
    return sorted(path for path in store.glob("*/*") if path.is_dir())


def forget(store: Path, survey: str, is_meant: Callable[[str], bool]) -> int:
    """Erase what is made of the answers of the waves of a survey that are meant, and how many artefacts that were.

    Drafts of broken runs, and what does not tell what it is made of, go as well: the next run makes them again.
    """
    count = 0
    for place in places(store):
        seal = None if place.name.startswith(".") else _seal(place)
        if seal is None or (seal["ref"].survey == survey and any(map(is_meant, seal["ref"].of))):
            erase(place)
            count += 1
    return count


def refs_in(store: Path) -> dict[Path, Ref | None]:
    """Folder → name of every artefact, None for a draft of a broken run and for what does not tell what it is."""
    seals = {place: None if place.name.startswith(".") else _seal(place) for place in places(store)}
    return {place: None if seal is None else seal["ref"] for place, seal in seals.items()}


def waves_in(store: Path, survey: str) -> set[str]:
    """The waves of a survey whose answers something in the store is made of."""
    seals = filter(None, map(_seal, places(store)))
    return {wave for seal in seals if seal["ref"].survey == survey for wave in seal["ref"].of}


def _seal(place: Path) -> dict[str, Any] | None:
    """What an artefact says of itself, None where it does not."""
    try:
        seal = json.loads((place / SEAL).read_bytes())
        parts = tuple((str(what), str(value)) for what, value in seal["ref"].get("parts", ()))
        ref = Ref(**{**seal["ref"], "of": tuple(seal["ref"]["of"]), "parts": parts})
        texts = [ref.survey, ref.stage, ref.wave, ref.key, *ref.of, *seal["files"], *seal["files"].values()]
        is_sound = isinstance(seal["ref"]["of"], list) and all(isinstance(text, str) for text in texts)
        return {"ref": ref, "files": dict(seal["files"])} if is_sound else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _contents(artefact: Artefact) -> Iterator[tuple[str, bytes]]:
    """Every file of an artefact; frames are written in memory, so that nothing unencrypted reaches the disk."""
    for name, frame in artefact.frames.items():
        stream = io.BytesIO()
        frame.to_parquet(stream, index=False)
        yield f"{name}.parquet", stream.getvalue()
    for name, content in artefact.files.items():
        yield f"files/{name}", content
    yield "facts.json", json.dumps(artefact.facts, ensure_ascii=False, sort_keys=True).encode()


def is_encrypting(value: str) -> bool:
    """What ANXIN_ENCRYPT says.   Raises: UsageError: neither yes nor no.

    >>> is_encrypting("1"), is_encrypting("")
    (True, False)
    """
    if value.strip().lower() not in SWITCH:
        raise UsageError("ANXIN_ENCRYPT is neither on nor off", where="ANXIN_ENCRYPT", expected="1 or 0")
    return SWITCH[value.strip().lower()]
