"""What is guessed about a delivered column, and why: the small values that the rooms of this package pass on."""

from __future__ import annotations

from dataclasses import dataclass, field


class Because:
    """A piece of evidence: a template, so that it can be told in any language, and the values that fill it.

    Only counts, shares and names of columns are values, never what a resident answered.
    """

    def __init__(self, text: str, **values: object) -> None:
        self.text, self.values = text, values

    def __repr__(self) -> str:
        return self.text.format(**self.values)


@dataclass(frozen=True)
class Guess:
    """What a column is taken for.

    kind: as in the codebook, or "ignore".   role: weight, stratum, sex, …, "" when nothing is known.   levels: code →
    wording of a single or multiple item ("" when the file has none).   missing: code → reason.   strays: how many
    rare codes were left out of the levels.
    """

    kind: str
    role: str = ""
    because: tuple[Because, ...] = ()
    levels: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    strays: int = 0


@dataclass(frozen=True)
class Noted:
    """Names of items, why they stand there, and which others might as well."""

    names: tuple[str, ...] = ()
    because: tuple[Because, ...] = ()
    others: tuple[str, ...] = ()


NOTHING = Noted()
