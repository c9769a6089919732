"""Publication: public/<survey>/<wave>/ appears whole or not at all, and the last good report stays until then.

What it replaces goes into an archive of the private folder, from where `anxin rollback` brings it back. The lists
follow, public/index.html and public/<survey>/index.html, made from what lies there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from flows.private import aside, flush, withheld
from flows.words import t
from reports.files import ABOUT
from survey.errors import UsageError

VERSIONS = ".versions"
MANIFEST = "manifest.json"
INDEX = "index.html"


def publish(
    reports: Mapping[str, Mapping[str, bytes]], public: Path, survey: str, archive: Path | None = None
) -> dict[str, Path]:
    """Write the reports of some waves as new versions, then turn all their links; all of it or nothing.

    A version's name is the digest of its content, so publishing the same report twice changes nothing.

    Args: reports: wave → files by name.   archive: folder that takes the versions which are no longer shown.
    Returns: wave → published folder (a relative link into .versions, so that the whole of `public` can be copied).
    """
    versions = {wave: prepare(files, public, survey, wave) for wave, files in reports.items()}
    flush(public)  # before anybody is led there: a power cut must not leave a link to files that never reached the disk
    return show(versions, public, survey, archive)


def prepare(files: Mapping[str, bytes], public: Path, survey: str, wave: str) -> str:
    """Write a report beside what is published, and the name of this version; nobody is led to it yet."""
    manifest = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    sealed = (json.dumps(manifest, indent=1) + "\n").encode()
    version = f"{wave}-{hashlib.sha256(sealed).hexdigest()[:12]}"
    versions = public / survey / VERSIONS
    made = [folder for folder in (versions, versions.parent, public) if not folder.exists()]
    if is_whole(versions / version):
        return version
    draft = versions / f".{version}.{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        for name, content in {**files, MANIFEST: sealed}.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for path in [draft, *draft.rglob("*"), *made]:  # for everybody, whatever the umask that protects private files
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.rmtree(versions / version, ignore_errors=True)
        draft.rename(versions / version)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)  # a full disk needs the room
        raise
    return version


def show(versions: Mapping[str, str], public: Path, survey: str, archive: Path | None = None) -> dict[str, Path]:
    """Turn the links of some waves to versions that lie there, each in one step; back again if one of them fails."""
    folder = public / survey
    before = {wave: _shown(folder / wave) for wave in versions}
    try:
        for wave, version in versions.items():
            _turn(folder, wave, version)
        write_lists(public)
    except BaseException:
        for wave, old in before.items():
            with suppress(OSError):
                _turn(folder, wave, old)
        with suppress(OSError):
            write_lists(public)
        raise
    flush(public)
    for wave, version in versions.items():
        try:
            _retire(folder, wave, version, archive)
        except OSError as error:  # the new report is out; the old version stays where it is until the next publication
            aside(t("The version before could not be moved to the archive: {place}", place=withheld(error)))
    return {wave: folder / wave for wave in versions}


def bring_back(version: str, public: Path, survey: str, archive: Path) -> None:
    """Copy a version that was shown once to where it can be shown again.   Raises: UsageError: it is not whole."""
    kept = archive / survey / version
    place = public / survey / VERSIONS / version
    if is_whole(place):
        return
    if not is_whole(kept):
        raise UsageError(
            "That version of the report is not kept any more",
            where="{file}",
            expected="every file of its manifest",
            got="a damaged folder, or none",
            hint="`anxin history` shows the versions there were",
            file=f"data/work/{archive.name}/{survey}/{version}",
        )
    draft = place.with_name(f".{version}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(kept, draft)
    shutil.rmtree(place, ignore_errors=True)
    draft.rename(place)


def _shown(place: Path) -> str | None:
    """Name of the version that a wave's link leads to."""
    return place.readlink().name if place.is_symlink() else None


def _turn(folder: Path, wave: str, version: str | None) -> None:
    """Let a wave's link lead to a version in one step; None takes it away."""
    if version is None:
        (folder / wave).unlink(missing_ok=True)
        return
    link = folder / f".{wave}.{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(VERSIONS) / version, target_is_directory=True)
    link.replace(folder / wave)


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


def _retire(folder: Path, wave: str, keep: str, archive: Path | None) -> None:
    """Take versions of the wave that are no longer shown out of public, and what broken runs left there.

    They go into the archive, whole or not at all: from there a version can be brought back.
    """
    for path in folder.glob(f".{wave}.*"):
        path.unlink()
    for path in (folder / VERSIONS).iterdir():
        if path.name.startswith(f".{wave}-"):
            shutil.rmtree(path)
        elif path.name.rpartition("-")[0] == wave and path.name != keep:
            if archive is not None and is_whole(path):
                _keep(path, archive / folder.name)
            shutil.rmtree(path)


def _keep(version: Path, archive: Path) -> None:
    place, draft = archive / version.name, archive / f".{version.name}"
    if not is_whole(place):
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(version, draft)
        shutil.rmtree(place, ignore_errors=True)
        draft.rename(place)
        flush(archive)  # the copy in public goes next
