"""How the sample was drawn and is weighted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from survey.codebook.base import Name, Strict


class Design(Strict):
    """How the sample was drawn."""

    strata: tuple[Name, ...] = ()
    """Items whose crossing is the stratum; none for an unstratified sample."""
    psu: tuple[Name, ...] = ()
    """Items naming the sampling unit of each stage; none when persons were drawn directly."""
    fpc: tuple[Name, ...] = ()
    """Items with the population count (or sampling fraction) of each stage; none for with-replacement variance."""
    lonely_psu: Literal["fail", "remove", "adjust", "average", "certainty"] = "fail"
    """What a stratum with one PSU contributes, as in R's survey."""
    shared_psus: bool = True
    """Whether waves reuse the same PSUs, so that their errors are correlated."""


class Trim(Strict):
    """Bounds on the final weights."""

    max_ratio: Annotated[float, Field(gt=1)] = 5.0
    """Largest weight as a multiple of the median weight; the excess is spread and the margins hit again."""


class Weighting(Strict):
    """From selection probabilities to final weights."""

    base: Name | None = None
    """Item that holds a ready base weight."""
    inverse: tuple[Name, ...] = ()
    """Items holding selection probabilities, multiplied and inverted."""
    times: tuple[Name, ...] = ()
    """Items that multiply the base weight, as the number of adults in the household does."""
    blank_base: Literal["fail", "exclude"] = "fail"
    """What to do with a person whose base weight is blank."""
    rake: tuple[str, ...] = ()
    """Margins of margins.csv to rake to: an item, or items joined by ":"."""
    trim: Trim | None = None
    """Bounds on the final weights; none leaves them as raked."""
    tolerance: Annotated[float, Field(gt=0)] = 1e-9
    """Largest relative gap to a margin that counts as hit."""
    max_iterations: Annotated[int, Field(ge=1)] = 200
    """Raking rounds before giving up."""
