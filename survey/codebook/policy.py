"""What may pass the two boundaries, and what stops a publication."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from survey.codebook.base import Name, Strict, Words


class Privacy(Strict):
    """The identity boundary: what is replaced, generalised and measured."""

    pseudonyms: tuple[Name, ...] = ()
    """Code items replaced by keyed pseudonyms (HMAC-SHA-256)."""
    panel: bool = False
    """Whether the same persons are interviewed wave after wave: then they keep their pseudonyms, which otherwise change
    with every wave."""
    generalise: dict[Name, Name] = {}
    """Item → the coarser derived variable that stays in its place."""
    quasi_identifiers: tuple[Name, ...] = ()
    """Items that together could single out a person; k is measured over their crossing."""
    exact: dict[Name, Words] = {}
    """Numbers that stay exact below the boundary, each with the reason."""
    not_identifiers: dict[Name, Words] = {}
    """Items that look like an identifier (telephone numbers, names, …) and are none, each with the reason."""


class Disclosure(Strict):
    """The release boundary: what may be shown."""

    min_n: Annotated[int, Field(ge=1)] = 10
    """Fewer respondents: withheld, marked [c]."""
    caution_n: Annotated[int, Field(ge=1)] = 100
    """Fewer respondents: shown with a caution."""
    min_psus: Annotated[int, Field(ge=1)] = 2
    """Fewer distinct PSUs in a subgroup: withheld, marked [c]."""


class Quality(Strict):
    """How closely the answers are looked at; nothing here changes a figure."""

    speeder_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """An interview shorter than this share of the median length is called very short."""
    near_identical: Annotated[float, Field(gt=0.5, le=1)] = 0.85
    """Two interviews that agree on this share of the questions of opinion are called nearly identical."""
    min_interviews: Annotated[int, Field(ge=10)] = 10
    """Interviewers and sampling units with fewer interviews are not screened."""
    false_discoveries: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Share of the interviewers and sampling units that stand out which may do so by chance alone."""


class Gates(Strict):
    """Thresholds that stop publication."""

    min_completes: Annotated[int, Field(ge=1)] = 100
    """Fewest complete interviews."""
    max_quarantined: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Largest share of interviews put in quarantine."""
    max_unknown_levels: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Largest share of an item's answers that no level of its scale explains."""
    max_deff: Annotated[float, Field(gt=1)] = 4.0
    """Largest Kish design effect of the final weights."""
    max_fired: dict[Name, Annotated[float, Field(ge=0, le=1)]] = {}
    """Rule of cleaning → largest share of the delivered interviews in which it may fire."""
