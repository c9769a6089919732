"""Keys: one master secret, and a random salt for each wave, so that a wave's key can be destroyed by itself.

A key is HKDF-SHA-256 (RFC 5869) of the master secret and a salt. Whoever holds the master and not the salt, or the salt
and not the master, can make neither the pseudonyms nor read what is encrypted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from flows.private import erase, folder, write
from survey.errors import UsageError
from survey.secret import strong

SIZE = 32
CHECK = "master.check"
SOURCES = ("ANXIN_KEY", "ANXIN_KEY_FILE", "ANXIN_KEYRING")


@dataclass(frozen=True)
class Salts:
    """The random parts of the keys on disk: `<survey>/<wave>.salt`, and `<survey>.salt` for what links the waves."""

    folder: Path

    def of(self, survey: str, wave: str | None = None) -> bytes:
        """The salt of a wave, of the survey without one; made at the first asking.

        Raises: UsageError: what is there is no salt.
        """
        path = self._path(survey, wave)
        if not path.is_file():
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            folder(path.parent)
            draft.unlink(missing_ok=True)
            write(draft, secrets.token_bytes(SIZE))
            draft.rename(path)
        salt = path.read_bytes()
        if len(salt) != SIZE:
            raise UsageError(
                "A key in {file} is damaged",
                where="{file}",
                expected="{size} bytes",
                got="{count} bytes",
                hint="restore it, or give the wave up: anxin forget {survey} …",
                file=f"data/work/keys/{path.relative_to(self.folder).as_posix()}",
                size=SIZE,
                count=len(salt),
                survey=survey,
            )
        return salt

    def waves(self, survey: str) -> list[str]:
        """The waves of a survey that have a salt."""
        return sorted(path.name.removesuffix(".salt") for path in (self.folder / survey).glob("[!.]*.salt"))

    def destroy(self, survey: str, waves: Sequence[str]) -> None:
        """Overwrite and delete the salts of waves; with the last wave of a survey goes what linked them."""
        for wave in waves:
            erase(self._path(survey, wave))
        if not self.waves(survey):
            erase(self._path(survey, None))
            if (self.folder / survey).is_dir():
                erase(self.folder / survey)
        if not any(self.folder.rglob("*.salt")):
            erase(self.folder / CHECK)  # nothing is left that only this master could open

    def _path(self, survey: str, wave: str | None) -> Path:
        return self.folder / (f"{survey}.salt" if wave is None else f"{survey}/{wave}.salt")


@dataclass(frozen=True)
class Keys:
    """Every key of an installation."""

    master: bytes = field(repr=False)
    salts: Salts

    def __reduce__(self) -> NoReturn:
        """Keys never leave their process: a worker elsewhere reads its own."""
        raise TypeError("keys are not pickled")

    def wave(self, survey: str, wave: str) -> bytes:
        """Key of the pseudonyms of one wave, 32 bytes."""
        return derived(self.master, self.salts.of(survey, wave), f"pseudonyms|{survey}|{wave}")

    def shared(self, survey: str) -> bytes:
        """Key of the pseudonyms that link the waves of a survey, 32 bytes."""
        return derived(self.master, self.salts.of(survey), f"pseudonyms|{survey}")

    def sealing(self, survey: str, waves: Sequence[str]) -> bytes:
        """Key of the encryption of what is made of these waves' answers: gone when any of them is forgotten."""
        salts = b"".join(self.salts.of(survey, wave) for wave in waves)
        return derived(self.master, salts, f"store|{survey}|{'|'.join(waves)}")


def derived(master: bytes, salt: bytes, purpose: str) -> bytes:
    """32 bytes of HKDF-SHA-256 (RFC 5869): HMAC(HMAC(salt, master), purpose ‖ 0x01).

    >>> derived(b"master", b"salt", "a") == derived(b"master", b"salt", "b")
    False
    """
    extracted = hmac.new(salt, master, hashlib.sha256).digest()
    return hmac.new(extracted, purpose.encode() + b"\x01", hashlib.sha256).digest()


def keys(work: Path, environ: Mapping[str, str] = os.environ) -> Keys:
    """The keys of the private folder, with the master secret from where the environment says.

    Raises: UsageError: the master cannot be had, is weak, can be read by others, or is not the one the folder is of.
    """
    place = folder(work / "keys")
    secret = _master(work, environ)
    strong(secret)
    named = [name for name in SOURCES if environ.get(name)]
    _same(place / CHECK, secret, ", ".join(named) or "data/work/pseudonym.key")
    return Keys(secret, Salts(place))


def _same(path: Path, secret: bytes, source: str) -> None:
    """Raise where the folder's pseudonyms were made with another master; another one would part the waves unseen."""
    check = derived(secret, b"", "check")[:8].hex().encode()
    if not path.is_file():
        write(path, check)
    elif not hmac.compare_digest(path.read_bytes(), check):
        raise UsageError(
            "This is not the key that data/work was made with",
            where="{source}",
            expected="the key of the runs before",
            got="another one",
            hint="name that one; if it is lost, `anxin forget SURVEY --all-waves` for every survey lets a new one in",
            source=source,
        )


def _master(work: Path, environ: Mapping[str, str]) -> bytes:
    named = [name for name in SOURCES if environ.get(name)]
    if len(named) > 1:
        raise UsageError(
            "The key is named twice", where="{names}", expected="one of them", got="both", names=", ".join(named)
        )
    if environ.get("ANXIN_KEY"):
        return _decoded(environ["ANXIN_KEY"], "ANXIN_KEY")
    if environ.get("ANXIN_KEYRING"):
        return _decoded(_from_keyring(environ["ANXIN_KEYRING"]), "ANXIN_KEYRING")
    return _from_file(work, environ.get("ANXIN_KEY_FILE"))


def _decoded(text: str, source: str) -> bytes:
    """Bytes of a secret written in hexadecimal digits or in base64."""
    text = text.strip()
    try:
        return bytes.fromhex(text)
    except ValueError:
        pass
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError(
            "The key cannot be read",
            where="{source}",
            expected="hexadecimal digits or base64",
            hint="make one with: head -c 32 /dev/urandom | base64",
            source=source,
        ) from None


def _from_keyring(service: str) -> str:
    """The secret that the system's keyring holds under a service's name for the user `anxin`."""
    try:
        import keyring
    except ImportError:
        raise UsageError(
            "The package keyring is not installed",
            where="ANXIN_KEYRING",
            hint="pip install keyring, or name a file with ANXIN_KEY_FILE",
        ) from None
    found = keyring.get_password(service, "anxin")
    if not found:
        raise UsageError(
            "The keyring holds no key",
            where="ANXIN_KEYRING",
            expected="a secret of the service {service} and the user anxin",
            hint="head -c 32 /dev/urandom | base64 | keyring set {service} anxin",
            service=service,
        )
    return str(found)


def _from_file(work: Path, named: str | None) -> bytes:
    path = Path(named) if named else work / "pseudonym.key"
    if not path.is_file():
        if named:
            raise UsageError("There is no key file", where="ANXIN_KEY_FILE", expected="a file of 16 bytes or more")
        write(path, secrets.token_bytes(SIZE))
    if path.stat().st_mode & 0o077:
        raise UsageError(
            "The key file can be read by others",
            where="{path}",
            expected="mode 0600",
            got="mode {mode}",
            hint="chmod 600 {path}, and a new key if others may have read it",
            path=path if named else "data/work/pseudonym.key",
            mode=f"{path.stat().st_mode & 0o777:o}",
        )
    return path.read_bytes()
