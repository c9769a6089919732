"""The plan of the report."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from survey.codebook.base import Code, Name, Strict, WaveName, Words


class Practice(Strict):
    """One area of the city's security work, as residents meet it."""

    label: Words
    aware: Name | None = None
    """0/1 or share variable: knows of it."""
    met: Name | None = None
    """Met it or took part."""
    satisfied: Name | None = None
    """Is satisfied with it."""


class Model(Strict):
    """A design-based regression told in the report."""

    outcome: Name
    """A 0/1 indicator or derived variable (binomial) or a number (gaussian)."""
    terms: tuple[Name, ...]
    """Variables; those with a scale enter as categories, first level as reference."""
    family: Literal["binomial", "gaussian", "poisson"] = "binomial"
    label: Words


class Alerts(Strict):
    """When a change is put on the alert list of the page "What changed"."""

    fall: Annotated[float, Field(gt=0)] = 3.0
    """Percentage points by which an indicator must have worsened (fallen, or risen where lower is better)."""
    q: Annotated[float, Field(gt=0, le=0.5)] = 0.05
    """Expected share of false findings among the changes that are named (false discovery rate)."""


class Programme(Strict):
    """A measure rolled out from place to place, whose effect is told by difference in differences.

    Either `treated` with `unit`, or `place` with `arrival`.
    """

    label: Words
    outcomes: tuple[Name, ...] = ()
    """Indicators it may have changed; none means the first of the headline."""
    treated: Name | None = None
    """Variable that says, in each wave, whether the respondent's community has the programme."""
    levels: tuple[Code, ...] = ("1",)
    """Codes of `treated` that say yes."""
    unit: Name | None = None
    """Variable of the community; none means the first sampling unit of the design."""
    place: Name | None = None
    """Variable of the place, where the roll-out is known without being asked: `arrival` says when it came."""
    arrival: dict[WaveName, tuple[Code, ...]] = {}
    """First wave with the programme → codes of `place`; places in no wave never had it."""
    control: Literal["never", "not_yet"] = "never"
    """Compared with places that never get it, or also with those that get it later."""


class Borders(Strict):
    """Borders of the areas, from a file beside survey.yaml of which nothing else is shown."""

    file: Annotated[str, Field(pattern=r"^\w[\w.-]*\.geojson$")]
    """Name of the GeoJSON file: one polygon or multipolygon an area."""
    code: Annotated[str, Field(min_length=1)]
    """Property of its features that holds the code of the area."""
    planar: bool = False
    """Whether coordinates are metres or pixels of a plane, not degrees of longitude and latitude."""


class AreaMap(Strict):
    """Where the areas lie: either a `grid` of equal tiles, or the borders of a `geojson` file."""

    grid: dict[Code, tuple[Annotated[int, Field(ge=1, le=7)], Annotated[int, Field(ge=1, le=16)]]] = {}
    """Code of the area → [column, row], both from 1, counted from the top left; north is up."""
    geojson: Borders | None = None


class Report(Strict):
    """What the report shows and in which order."""

    headline: tuple[Name, ...]
    """Indicators of the first block, the most important first."""
    items: tuple[Name, ...] = ()
    """Items whose whole distribution is shown; none means every single item with a block."""
    area: Name | None = None
    """Breakdown of the block "where"."""
    map: AreaMap | None = None
    """Where the areas of `area` lie; the block "where" then has a map."""
    groups: tuple[Name, ...] = ()
    """Breakdowns of the block "who"."""
    practices: dict[Name, Practice] = {}
    """Areas of work, in order."""
    models: dict[Name, Model] = {}
    """Regressions, in order."""
    programmes: dict[Name, Programme] = {}
    """Roll-outs whose effect is estimated, in order."""
    alerts: Alerts = Alerts()
    """Which changes make an alert."""
    equivalence: Annotated[float, Field(gt=0, le=50)] | None = None
    """Percentage points within which a change has no practical meaning, fixed before looking: only then "practically
    unchanged" can be said, where two one-sided tests show it; without it a change at most "could not be shown"."""
    banner: bool = False
    """Whether analysts get every question by every breakdown, with letters for the groups that differ."""
