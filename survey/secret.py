"""What a secret must be; without heavy imports, since every start of the command line asks."""

from __future__ import annotations

from survey.errors import UsageError


def strong(*secrets: bytes) -> None:
    """Raise UsageError where a secret can be guessed: fewer than 16 bytes, or fewer than 8 different ones.

    >>> strong(bytes(range(16)))
    """
    for secret in secrets:
        if len(secret) < 16 or len(set(secret)) < 8:
            raise UsageError(
                "The pseudonym key is too weak",
                expected="at least 16 bytes, 8 of them different",
                got="{count} bytes, {different} different",
                hint="make one with: head -c 32 /dev/urandom",
                count=len(secret),
                different=len(set(secret)),
            )
