"""Content-addressed store of what lies between the boundaries: the same under both drivers, with or without a server.

An artefact's key is made from its stage's code, its settings and its inputs' keys, so it is known before anything runs.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.workspace import digest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Ref:
    """A small name for an artefact: what travels between stages instead of frames."""

    stage: str
    wave: str
    key: str


@dataclass(frozen=True)
class Artefact:
    """What a stage hands on: frames, facts and files by name."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def rows(self) -> int:
        """Rows of the largest frame, or the number of files: what the progress line counts."""
        return max((len(frame) for frame in self.frames.values()), default=len(self.files))


@dataclass(frozen=True)
class Store:
    """Artefacts on disk: one folder each, written whole or not at all, every byte checked when read."""

    folder: Path

    def path(self, ref: Ref) -> Path:
        """The folder of an artefact; named by stage and key only."""
        return self.folder / ref.stage / ref.key[:32]

    def has(self, ref: Ref) -> bool:
        """Whether the artefact is there and whole."""
        seal = self.path(ref) / "seal.json"
        if not seal.is_file():
            return False
        try:
            sealed = json.loads(seal.read_text())
            return all(digest((self.path(ref) / name).read_bytes()) == value for name, value in sealed.items())
        except (OSError, ValueError):
            return False

    def save(self, ref: Ref, artefact: Artefact) -> None:
        """Write an artefact beside its place, seal it with checksums, then move it there in one step."""
        place = self.path(ref)
        draft = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        for name, frame in artefact.frames.items():
            frame.to_parquet(draft / f"{name}.parquet", index=False)
        for name, content in artefact.files.items():
            (draft / "files" / name).parent.mkdir(parents=True, exist_ok=True)
            (draft / "files" / name).write_bytes(content)
        (draft / "facts.json").write_text(json.dumps(artefact.facts, ensure_ascii=False, sort_keys=True))
        written = sorted(path for path in draft.rglob("*") if path.is_file())
        seal = {path.relative_to(draft).as_posix(): digest(path.read_bytes()) for path in written}
        (draft / "seal.json").write_text(json.dumps(seal))
        for path in [draft, *draft.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)

    def load(self, ref: Ref) -> Artefact:
        """The artefact as it was saved."""
        import pandas as pd

        place = self.path(ref)
        frames = {path.stem: pd.read_parquet(path) for path in sorted(place.glob("*.parquet"))}
        base = place / "files"
        files = {
            path.relative_to(base).as_posix(): path.read_bytes() for path in sorted(base.rglob("*")) if path.is_file()
        }
        return Artefact(frames, json.loads((place / "facts.json").read_text()), files)
