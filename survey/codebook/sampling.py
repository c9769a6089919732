"""How the sample was drawn and is weighted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from survey.codebook.base import Code, Name, Strict


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


class Phones(Strict):
    """The cases drawn from one of two overlapping frames of telephone numbers."""

    codes: tuple[Code, ...]
    """Codes of the frame item."""
    phones: Name
    """Number item: how many numbers of this frame reach the person (mobiles) or the household (landlines)."""
    adults: Name | None = None
    """Number item: how many adults share these phones, one of whom was chosen; none for a personal phone."""


class DualFrame(Strict):
    """Two frames of telephone numbers that both reach some people, who would otherwise count twice."""

    frame: Name
    """Item with the frame a case was drawn from; its other codes (face to face) are left alone."""
    mobile: Phones
    landline: Phones
    overlap: Literal["multiplicity", "composite"] = "multiplicity"
    """multiplicity: divided by the number of phones of both kinds (Mecatti 2007); composite: divided by those of its
    own frame, and people with both kinds share `mobile_share` to 1 − `mobile_share` (Hartley 1962)."""
    mobile_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """composite: what the mobile sample stands for among people with both kinds of phone."""

    def items(self) -> list[str]:
        """The frame item, then those of the numbers of phones and of adults."""
        named = [self.frame, self.mobile.phones, self.mobile.adults, self.landline.phones, self.landline.adults]
        return [item for item in named if item]


class Nonresponse(Strict):
    """Passes the weight of those who did not take part to those who did, by what is known of both."""

    by: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Items or derived variables known for every case; in `classes` the last is the first to be merged over."""
    method: Literal["classes", "propensity"] = "classes"
    """classes: cells of `by`; propensity: a logistic regression on the levels of `by`."""
    min_class: Annotated[int, Field(ge=10)] = 30
    """Fewest respondents of a class (of a level, in a regression); a smaller one is merged with its neighbour."""
    max_factor: Annotated[float, Field(gt=1)] | None = None
    """classes: a class with a larger factor is merged with its neighbour too."""
    quantiles: Annotated[int, Field(ge=2)] | None = 5
    """propensity: number of classes of about equal weight cut by it; null divides by the propensity itself."""
    weighted: bool = True
    """Whether cases count by their inverse selection probability (`inverse`), or each as one."""


class Calibrate(Strict):
    """Weights nearest to those before, by a distance, that meet totals of margins.csv."""

    to: Annotated[tuple[str, ...], Field(min_length=1)]
    """Margins as for `rake`, or number items whose total stands in margins.csv with a blank level."""
    distance: Literal["linear", "raking", "logit"] = "linear"
    """linear: the generalised regression estimator; raking: always positive; logit: inside its bounds."""
    bounds: tuple[float, float] | None = None
    """Least and greatest factor; logit needs them, around 1."""


class Trim(Strict):
    """Bounds on the final weights."""

    max_ratio: Annotated[float, Field(gt=1)] = 5.0
    """Largest weight as a multiple of the median weight; the excess is spread and the margins hit again."""
    min_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Smallest weight as a multiple of the median weight."""
    spread: Literal["proportion", "even"] = "proportion"
    """How the excess goes to the other weights: in proportion to them, or the same for each as R's trimWeights."""


class Weighting(Strict):
    """From selection probabilities to final weights."""

    base: Name | None = None
    """Item that holds a ready base weight."""
    inverse: tuple[Name, ...] = ()
    """Items holding selection probabilities, multiplied and inverted."""
    times: tuple[Name, ...] = ()
    """Items that multiply the base weight, as the number of adults in the household does."""
    dual_frame: DualFrame | None = None
    """Mobile and landline samples put together."""
    blank_base: Literal["fail", "exclude"] = "fail"
    """What to do with a person whose base weight is blank."""
    nonresponse: Nonresponse | None = None
    """Adjustment for nonresponse before the weights meet known totals; needs `dispositions`."""
    rake: tuple[str, ...] = ()
    """Margins of margins.csv to rake to: an item, or items joined by ":"."""
    poststratify: str | None = None
    """One margin to meet by a factor a cell; instead of `rake`."""
    calibrate: Calibrate | None = None
    """Calibration by a distance, with bounds or to totals of numbers; instead of `rake`."""
    min_cell: Annotated[int, Field(ge=0)] = 0
    """Fewest respondents of a level of a margin; a thinner one is merged with its neighbour, here and in the totals; 0
    merges none."""
    merge: dict[Name, dict[Code, Code]] = {}
    """Item → thin level → the level it is merged with; the next one in the order of margins.csv where none is named."""
    trim: Trim | None = None
    """Bounds on the final weights; none leaves them as raked."""
    normalise: Literal["population", "respondents"] | None = None
    """What the final weights add up to: the total `population` of margins.csv (blank level; else that of a margin), or
    the number of respondents; none leaves them."""
    tolerance: Annotated[float, Field(gt=0)] = 1e-9
    """Largest relative gap to a margin that counts as hit."""
    max_iterations: Annotated[int, Field(ge=1)] = 200
    """Raking rounds before giving up."""

    def margins(self) -> tuple[str, ...]:
        """Margins and numbers whose totals the weights meet, by whichever method."""
        one = (self.poststratify,) if self.poststratify else ()
        return self.rake or one or (self.calibrate.to if self.calibrate else ())
