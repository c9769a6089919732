"""What may leave as a public-use file of records, and how well it has to protect them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from survey.codebook.base import Name, Strict

ALL = "*"
Step = Annotated[str, Field(pattern=r"^([a-z][a-z0-9_]*|\*)$")]


class Microdata(Strict):
    """The public-use file: records protected to k, l and t on the quasi-identifiers of `privacy`."""

    k: Annotated[int, Field(ge=2)] = 5
    """Fewest persons who share all quasi-identifiers and what the strata tell."""
    l: Annotated[int, Field(ge=1)] = 2  # noqa: E741
    """Fewest distinct answers to each sensitive item among them (distinct l-diversity); 1 asks for nothing. Nobody's
    answer to a sensitive item should follow from knowing who somebody is, so two unless survey.yaml says otherwise."""
    l_entropy: Annotated[float, Field(ge=1)] = 1.0
    """Least exp(entropy) of each sensitive item among them (entropy l-diversity); 1 asks for nothing."""
    t: Annotated[float, Field(gt=0, le=1)] | None = None
    """Largest distance of a sensitive item's distribution among them from that of all (t-closeness); none asks for
    nothing."""
    max_suppressed: Annotated[float, Field(ge=0, le=1)] = 0.02
    """Largest share of the records of which a quasi-identifier may be blanked."""
    variables: tuple[Name, ...] = ()
    """What goes out beside the quasi-identifiers; when left out, the items of the report and the indicators."""
    hierarchies: dict[Name, tuple[Step, ...]] = {}
    """Quasi-identifier → ever coarser derived variables that may take its place; "*" leaves it out. One that is not
    named goes out as it is or not at all."""
    importance: dict[Name, Annotated[float, Field(gt=0)]] = {}
    """Quasi-identifier → how much its detail is worth beside the others; 1 when not named."""
    weights: Literal["reported", "counted"] = "reported"
    """Weights tell the cell of calibration to whoever compares them inside a sampling unit. reported: the risk report
    says how well; counted: those variables count as known, as the strata do: neither made coarser nor blanked."""
    sensitive: tuple[Name, ...] = ()
    """Variables that must not be learned from knowing who somebody is; l and t hold for each."""
