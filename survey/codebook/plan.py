"""The plan of the report."""

from __future__ import annotations

from typing import Literal

from survey.codebook.base import Name, Strict, Words


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


class Report(Strict):
    """What the report shows and in which order."""

    headline: tuple[Name, ...]
    """Indicators of the first block, the most important first."""
    items: tuple[Name, ...] = ()
    """Items whose whole distribution is shown; none means every single item with a block."""
    area: Name | None = None
    """Breakdown of the block "where"."""
    groups: tuple[Name, ...] = ()
    """Breakdowns of the block "who"."""
    practices: dict[Name, Practice] = {}
    """Areas of work, in order."""
    models: dict[Name, Model] = {}
    """Regressions, in order."""
