"""What passes the release boundary, and what the private ledgers keep of it: values only.

`survey.disclosure` makes them. They stand apart from it so that who prints or records a release need not load the
solvers that judge one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd


class Told(NamedTuple):
    """One cell of an earlier publication; private, as it holds what was withheld as well."""

    wave: str
    item: str
    by: str
    group: str
    n: float
    base: float
    estimate: float
    shown: bool
    secret: bool


class Drawn(NamedTuple):
    """The told number of a cell and what the table it stands in cost; private, as it can be drawn only once."""

    wave: str
    item: str
    by: str
    group: str
    told: float
    epsilon: float


@dataclass(frozen=True)
class Releasable:
    """What may be published; the report accepts only this.

    results: the schema of survey.tidy; a withheld row has no number but its flag and reason.
    facts: counts and diagnostics by section (sample, weighting, quality, privacy, disclosure, provenance), JSON-able.
    cells: what is told and what is not, with the true numbers: for the private ledger of cells only.
    drawn: noise that a budget paid for now, to be kept before anything of it is published.
    """

    results: pd.DataFrame
    facts: dict[str, Any]
    cells: tuple[Told, ...] = ()
    drawn: tuple[Drawn, ...] = ()
