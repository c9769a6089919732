"""What stops the work, said so that a person can act on it: where, expected, got, hint.

Texts are templates with named values, so that a catalogue can translate the template and no value is lost.
A value from a resident's answer never goes in unmasked: use `masked`. What a terminal would obey or hide in a value,
such as the escape sequence of a colour or a direction mark in a label or a file name, is written as its escape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from survey.characters import visible

Translate = Callable[[str], str]


def masked(value: object) -> str:
    """Shape of a delivered value and nothing of the value: how many characters it has.

    >>> masked("13800138000"), masked(" ")
    ('…(11)', '…(0)')
    """
    return f"…({len(str(value).strip())})"


class AnxinError(Exception):
    """A fault with its place and its mend; `exit_code` is what the command line returns for it."""

    exit_code = 1
    others: tuple[AnxinError, ...] = ()
    """What else is wrong with the same thing, told with it."""

    def __init__(
        self, title: str, *, where: str = "", expected: str = "", got: str = "", hint: str = "", **values: object
    ) -> None:
        self.title, self.where, self.expected, self.got, self.hint = title, where, expected, got, hint
        self.values = {name: visible(str(value)) for name, value in values.items()}
        super().__init__(self.describe())

    def __reduce__(self) -> tuple[Callable[..., AnxinError], tuple[type[AnxinError], dict[str, object]]]:
        return _again, (type(self), self.__dict__)

    def parts(self, translate: Translate = str) -> dict[str, str]:
        """The filled sentences by part name (title, where, expected, got, hint), empty parts left out."""
        texts = {part: getattr(self, part) for part in ("title", "where", "expected", "got", "hint")}
        return {part: translate(text).format(**self.values) for part, text in texts.items() if text}

    def describe(self, translate: Translate = str) -> str:
        """All parts as lines of text.

        >>> print(AnxinError("Column {c} is missing", where="{f}", hint="rename it", c="q1", f="a.csv").describe())
        Column q1 is missing
          where: a.csv
          hint: rename it
        """
        parts = self.parts(translate)
        lines = [parts.pop("title")]
        return "\n".join(lines + [f"  {translate(part)}: {text}" for part, text in parts.items()])


def _again(kind: type[AnxinError], parts: dict[str, object]) -> AnxinError:
    """A fault that another process raised."""
    fault = kind.__new__(kind)
    fault.__dict__.update(parts)
    fault.args = (fault.describe(),)
    return fault


class UsageError(AnxinError):
    """The command was called in a way that cannot work."""

    exit_code = 2


class CodebookError(AnxinError):
    """survey.yaml, its margins or its wording is wrong."""

    exit_code = 2


class DataError(AnxinError):
    """A delivered file cannot be taken as it is."""


class DesignError(AnxinError):
    """The sample design does not allow the variance that was asked for."""


class EstimationError(AnxinError):
    """A statistic or a model cannot be computed from these rows."""


class GateError(AnxinError):
    """The data were read, but a threshold of survey.yaml forbids publication."""


def together(faults: Sequence[AnxinError]) -> AnxinError:
    """The first of several faults, with all others beside it.

    >>> [other.title for other in together([AnxinError("a"), AnxinError("b"), AnxinError("c")]).others]
    ['b', 'c']
    """
    every = [each for fault in faults for each in (fault, *fault.others)]
    every[0].others = tuple(every[1:])
    return every[0]
