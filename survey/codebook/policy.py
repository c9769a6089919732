"""What may pass the two boundaries, and what stops a publication."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from survey.codebook.base import Name, Strict, Words
from survey.codebook.microdata import Microdata


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
    microdata: Microdata | None = None
    """The public-use file of records; without it `anxin puf` makes none."""


class Dominance(Strict):
    """The (n, k) rule: a few contributors make up too much of a cell's weighted total."""

    largest: Annotated[int, Field(ge=1, le=2)] = 2
    """How many of the largest contributors are added up (n)."""
    share: Annotated[float, Field(gt=0, le=1)] = 0.85
    """Share of the cell's weighted total that they must not exceed (k)."""


class Variation(Strict):
    """Classes of the coefficient of variation, for means and totals that are no shares."""

    caution: Annotated[float, Field(gt=0)] = 0.166
    """A larger CV: shown with a caution."""
    unreliable: Annotated[float, Field(gt=0)] = 0.333
    """A larger CV: withheld, marked [u]."""


class Counts(Strict):
    """How numbers of respondents are told. Shares and means keep their values, but are told to a few places then."""

    method: Literal["exact", "rounded", "cell_key", "private"] = "exact"
    """exact: as they are. rounded: to adjacent multiples of `base` that still add up. cell_key: with noise that is the
    same for the same respondents in every table and run. private: with noise that a budget `epsilon` pays for."""
    base: Annotated[int, Field(ge=2)] = 5
    """Numbers are rounded to multiples of it; with cell_key those of the method, such as response counts."""
    most: Annotated[int, Field(ge=2, le=100)] = 5
    """cell_key: the largest noise."""
    variance: Annotated[float, Field(gt=0)] = 2.0
    """cell_key: variance of the noise; smaller than `most`."""
    places: Annotated[int, Field(ge=1, le=6)] = 3
    """Places of shares, means and their intervals beside numbers that are not exact; 2 where nobody is weighted, as a
    share of few is a fraction whose denominator shows."""
    epsilon: Annotated[float, Field(gt=0)] | None = None
    """private: the budget of a wave over all its publications, for numbers of respondents alone."""

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.variance >= self.most:
            raise ValueError("a variance this large needs larger noise: `variance` below `most`")
        if (self.method == "private") != (self.epsilon is not None):
            raise ValueError("`epsilon` goes with the method private, and that with it")
        return self


class Disclosure(Strict):
    """The release boundary: what may be shown."""

    min_n: Annotated[int, Field(ge=1)] = 10
    """Fewer respondents: withheld, marked [c]."""
    caution_n: Annotated[int, Field(ge=1)] = 100
    """Fewer respondents: shown with a caution."""
    min_psus: Annotated[int, Field(ge=1)] = 2
    """Fewer distinct PSUs in a subgroup: withheld, marked [c]."""
    unanimous_n: Annotated[int, Field(ge=0)] = 30
    """In a subgroup of fewer respondents a share of 0 % or 100 % tells what each of them answered: withheld, [c]."""
    dominance: Dominance = Dominance()
    """The largest contributors to a subgroup's weighted total."""
    p_percent: Annotated[float, Field(ge=0, le=100)] = 10.0
    """The second largest contributor could work out the largest to within this percentage: withheld, marked [c]."""
    count_protection: Annotated[int, Field(ge=1)] | None = None
    """Width of the narrowest interval that may follow for a withheld number of respondents; min_n when left out."""
    share_protection: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """The same for a withheld share, as far as the figure for everybody leaves room for it."""
    protect_unplaced: bool = False
    """Whether what the few answered whose group is unknown is a secret too; nobody outside knows who they are."""
    cv: Variation = Variation()
    """Classes of the coefficient of variation."""
    counts: Counts = Counts()
    """How the numbers of respondents are told."""
    allow_small_revisions: str = ""
    """Why a figure already out may appear again with fewer than min_n respondents more or less; "" forbids it."""

    @property
    def width(self) -> int:
        """Protection level of a withheld number of respondents."""
        return self.count_protection or self.min_n


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
    """Largest share of an item's answers that no level of its scale explains, or that are no number or no time where
    one belongs."""
    max_deff: Annotated[float, Field(gt=1)] = 4.0
    """Largest Kish design effect of the final weights."""
    max_fired: dict[Name, Annotated[float, Field(ge=0, le=1)]] = {}
    """Rule of cleaning → largest share of the delivered interviews in which it may fire."""
