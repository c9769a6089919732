"""Publication: public/<survey>/<wave>/ appears whole or not at all, and the last good report stays until then.

After it the lists follow, public/index.html and public/<survey>/index.html, made from what lies there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

VERSIONS = ".versions"
MANIFEST = "manifest.json"
INDEX = "index.html"
ABOUT = "about.json"


def publish(files: dict[str, bytes], public: Path, survey: str, wave: str) -> Path:
    """Write the files as a new version, then turn the wave's link to it in one atomic step.

    The version's name is the digest of its content, so publishing the same report twice changes nothing.
    Returns: the published folder (a relative link into .versions, so that the whole of `public` can be copied).
    """
    manifest = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    sealed = (json.dumps(manifest, indent=1) + "\n").encode()
    version = f"{wave}-{hashlib.sha256(sealed).hexdigest()[:12]}"
    versions = public / survey / VERSIONS
    made = [folder for folder in (versions, versions.parent, public) if not folder.exists()]
    if not is_whole(versions / version):
        draft = versions / f".{version}.{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        for name, content in {**files, MANIFEST: sealed}.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for path in [draft, *draft.rglob("*"), *made]:  # for everybody, whatever the umask that protects private files
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.rmtree(versions / version, ignore_errors=True)
        draft.rename(versions / version)
    place = public / survey / wave
    link = public / survey / f".{wave}.{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(VERSIONS) / version, target_is_directory=True)
    link.replace(place)
    _prune(versions, wave, keep=version)
    write_lists(public)
    return place


def write_lists(public: Path) -> None:
    """Make the lists of surveys and waves anew, each replaced in one step; a list that is right stays untouched."""
    from reports.render import index

    found = _published(public)
    if found:
        _replace(public / INDEX, index([{**about, "folder": f"{name}/{about['wave']}/"} for name, about in found]))
    for survey in dict.fromkeys(name for name, _ in found):
        waves = [{**about, "folder": f"{about['wave']}/"} for name, about in found if name == survey]
        _replace(public / survey / INDEX, index(waves, f"../{INDEX}"))


def is_listed(place: Path) -> bool:
    """Whether both lists name the version of a published folder; True for a folder that says nothing of itself."""
    if not (place / ABOUT).is_file():
        return True
    lists = (place.parent / INDEX, place.parent.parent / INDEX)
    return all(each.is_file() and place.resolve().name in each.read_text(encoding="utf-8") for each in lists)


def _published(public: Path) -> list[tuple[str, dict[str, Any]]]:
    """Survey's folder and about.json of every published wave, with its version; damaged folders are not listed."""
    found = []
    for path in sorted(public.glob(f"*/*/{ABOUT}")):
        place = path.parent
        if place.name.startswith(".") or not is_whole(place):
            continue
        about = json.loads(path.read_text(encoding="utf-8"))
        names = {"survey": place.parent.name, "wave": place.name, "version": place.resolve().name}
        found.append((place.parent.name, {**about, **names}))
    return found


def _replace(path: Path, content: bytes) -> None:
    """Write a file beside its place and move it there, unless it is the same already."""
    if path.is_file() and path.read_bytes() == content:
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.chmod(0o644)
    draft.replace(path)


def is_whole(folder: Path) -> bool:
    """Whether a published folder holds every file of its manifest, byte for byte."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        return all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha for name, sha in manifest.items())
    except (OSError, ValueError):
        return False


def _prune(versions: Path, wave: str, keep: str) -> None:
    """Delete versions of the wave that are no longer shown."""
    for path in versions.iterdir():
        if path.name.rpartition("-")[0] == wave and path.name != keep:
            shutil.rmtree(path)
