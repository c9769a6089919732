"""survey.yaml as frozen typed values: questionnaire, design, weighting, privacy, disclosure, report plan, waves.

Unknown keys are refused and every mistake is told with its line. Codes are strings everywhere ("1", "2"), as they are
in delivered files, margins and result tables. Wording stands beside each variable, by language.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Code = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
WaveName = Annotated[Code, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]*$")]
Words = Annotated[dict[str, str], BeforeValidator(lambda value: {"": value} if isinstance(value, str) else value)]
Reason = Literal["refused", "dont_know", "not_applicable", "not_asked", "lost"]


class Strict(BaseModel):
    """A frozen value that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Scale(Strict):
    """The answers one question offers, in their order."""

    levels: dict[Code, Words]
    """Code → wording by language, in the order of the questionnaire."""
    missing: dict[Code, Reason] = {}
    """Code → why there is no answer."""
    ordered: bool = True
    """Whether the order of the levels means more or less of something (drawn as a Likert bar)."""
    positive: tuple[Code, ...] = ()
    """The levels that count as a good answer (top-two-box); colours and stacking follow them."""


class Item(Strict):
    """One question, or one column of paradata, design or identity."""

    kind: Literal["single", "multiple", "number", "code", "time", "text", "identifier"] = "single"
    """single: one level of a scale; multiple: several levels in one cell; number; code: an id that may be
    pseudonymised; time: a moment; text: free text, never kept; identifier: names, numbers, addresses, never kept."""
    block: Name = "other"
    """The chapter of the questionnaire; blocks are worded under `blocks`."""
    scale: Name | None = None
    """Name of the scale of a single or multiple item."""
    text: Words = {}
    """The question as it was asked."""
    label: Words = {}
    """Two to six words for tables and charts."""
    range: tuple[float, float] | None = None
    """Smallest and largest plausible number, both allowed."""
    missing: dict[Code, Reason] = {}
    """Missing codes of a number, or further ones of this item."""
    separator: str = ";"
    """What stands between the codes of a multiple item."""
    asked_if: dict[Name, tuple[Code, ...]] = {}
    """Routing: asked only of those whose answer to each named item is among the codes."""
    required: bool = False
    """An interview without this answer is partial and is quarantined."""


class Recipe(Strict):
    """A variable made from others by one of a closed set of recipes."""

    recipe: Literal["band", "collapse", "share", "any", "coalesce"]
    """band: a number cut at `edges`; collapse: levels of one item joined by `to`; share: proportion of the answered
    items whose answer is among `levels`; any: 1 if one of the items is among `levels`; coalesce: the first answered."""
    of: Annotated[tuple[Name, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)]
    """The item or items it is made from."""
    levels: tuple[Code, ...] = ()
    """share, any: the codes that count."""
    edges: tuple[float, ...] = ()
    """band: lower bounds of the bands, ascending; the last band is open."""
    to: dict[Code, tuple[Code, ...]] = {}
    """collapse: new code → old codes."""
    scale: Name | None = None
    """band, collapse, coalesce: the scale that words the result."""
    min_answered: Annotated[int, Field(ge=1)] | None = None
    """Fewest answers among the items for a result; left out, share needs one, and any needs all of them to say no."""
    label: Words = {}
    """Two to six words for tables and charts."""


class Indicator(Recipe):
    """A headline figure: the mean of a share or any recipe, with its definition in words."""

    recipe: Literal["share", "any"]
    definition: Words
    """How it is computed, printed in the report, because the same word is computed differently from city to city."""
    better: Literal["higher", "lower"] = "higher"
    """Which direction is good news."""


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


class Privacy(Strict):
    """The identity boundary: what is replaced, generalised and measured."""

    pseudonyms: tuple[Name, ...] = ()
    """Code items replaced by keyed pseudonyms (HMAC-SHA-256)."""
    generalise: dict[Name, Name] = {}
    """Item → the coarser derived variable that stays in its place."""
    quasi_identifiers: tuple[Name, ...] = ()
    """Items that together could single out a person; k is measured over their crossing."""
    exact: dict[Name, Words] = {}
    """Numbers that stay exact below the boundary, each with the reason."""


class Disclosure(Strict):
    """The release boundary: what may be shown."""

    min_n: Annotated[int, Field(ge=1)] = 10
    """Fewer respondents: withheld, marked [c]."""
    caution_n: Annotated[int, Field(ge=1)] = 100
    """Fewer respondents: shown with a caution."""
    min_psus: Annotated[int, Field(ge=1)] = 2
    """Fewer distinct PSUs in a subgroup: withheld, marked [c]."""


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


class Disposition(Strict):
    """Paradata from which response rates follow."""

    item: Name
    """Item with the final disposition of each case; a case counted as complete is an interview."""
    groups: dict[
        Literal["complete", "partial", "refusal", "noncontact", "other", "unknown", "ineligible"], tuple[Code, ...]
    ]
    """AAPOR group → codes of the item."""
    eligibility: Annotated[float, Field(ge=0, le=1)] | None = None
    """e of RR3; estimated from the resolved cases when left out."""


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


class Fieldwork(Strict):
    """First and last day of interviewing."""

    start: dt.date
    end: dt.date

    @model_validator(mode="after")
    def _ordered(self) -> Fieldwork:
        if self.end < self.start:
            raise ValueError("fieldwork ends before it starts")
        return self


class Wave(Strict):
    """One delivery, and how it differs from the codebook."""

    file: str
    """File, archive (.gz, .zip) or folder of part files inside the survey's folder, or inside --source; what a `query`
    is called."""
    fieldwork: Fieldwork
    """First and last day of interviewing."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Checksum the delivered file must have."""
    available_from: str | None = None
    """Where to get the file when it is not kept with the survey."""
    encoding: str | None = None
    """Encoding of a text file; detected when left out."""
    delimiter: str | None = None
    """Delimiter of a text file; detected when left out."""
    sheet: str | None = None
    """Sheet of a workbook; the first when left out."""
    member: str | None = None
    """File inside a .zip; when left out all that can be read, as parts of one delivery."""
    query: str | None = None
    """SQL whose answer is the delivery; the environment variable ANXIN_DATABASE holds the database's address."""
    columns: dict[str, Name] = {}
    """Delivered column name → item."""
    ignore: tuple[str, ...] = ()
    """Delivered columns that are not used."""
    recode: dict[Name, dict[Code, Code]] = {}
    """Item → delivered code → code of the codebook."""
    reverse: tuple[Name, ...] = ()
    """Items delivered with their scale the other way round."""
    missing: dict[Code, Reason] = {}
    """Missing codes of this wave, for every item."""
    not_asked: tuple[Name, ...] = ()
    """Items this wave did not ask."""


class Codebook(Strict):
    """One survey, whole."""

    survey: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    """Name of the survey and of its folder."""
    title: Words
    publisher: Words
    population: Words
    """Whom the figures speak of."""
    method: Words
    """Mode and frame of the interviews in a sentence."""
    source: Words = {}
    """Licence and citation of data that are not the publisher's own."""
    limits: Words = {}
    """What the survey cannot tell."""
    simulated: bool = False
    """Whether the data are invented; then every page says so."""
    languages: Annotated[tuple[Literal["zh", "en"], ...], Field(min_length=1)] = ("zh", "en")
    blocks: dict[Name, Words] = {}
    scales: dict[Name, Scale] = {}
    items: dict[Name, Item]
    derived: dict[Name, Recipe] = {}
    indicators: dict[Name, Indicator]
    dispositions: Disposition | None = None
    respondent: Name | None = None
    """Code item that tells persons apart; repeated values are duplicates."""
    interviewer: Name | None = None
    duration: Name | None = None
    """Number item with the length of the interview in minutes."""
    started: Name | None = None
    """Time item with the start of the interview."""
    design: Design = Design()
    weighting: Weighting = Weighting()
    privacy: Privacy = Privacy()
    disclosure: Disclosure = Disclosure()
    gates: Gates = Gates()
    report: Report
    waves: Annotated[dict[WaveName, Wave], Field(min_length=1)]

    def scale_of(self, variable: str) -> Scale | None:
        """Scale that words an item or a derived variable, None for numbers and 0/1 variables."""
        source = self.items.get(variable) or self.derived.get(variable)
        return self.scales.get(source.scale) if source is not None and source.scale else None

    def recipes(self) -> dict[str, Recipe]:
        """Derived variables, then indicators, by name."""
        return {**self.derived, **self.indicators}

    def label(self, variable: str, language: str) -> str:
        """Short wording of an item, derived variable or indicator; its name when it has none."""
        source = self.items.get(variable) or self.recipes().get(variable)
        return say(source.label, language) or variable if source is not None else variable

    def level_label(self, variable: str, level: str, language: str) -> str:
        """Wording of one level of a variable; the code when it has none."""
        scale = self.scale_of(variable)
        return say(scale.levels.get(level, {}), language) or level if scale else level

    def earlier(self, wave: str) -> list[str]:
        """Names of the waves up to and including `wave`, in the order of their fieldwork."""
        order = sorted(self.waves, key=lambda name: (self.waves[name].fieldwork.start, name))
        return order[: order.index(wave) + 1]


def say(words: dict[str, str], language: str) -> str:
    """The wording in a language; a wording given once serves every language.

    >>> say({"zh": "安全", "en": "Safe"}, "en"), say({"": "Safe"}, "zh"), say({}, "en")
    ('Safe', 'Safe', '')
    """
    return words.get(language, words.get("", ""))


def choice(item: str, level: str) -> str:
    """Name of the 0/1 column that says whether a level of a multiple item was chosen.

    >>> choice("worries", "3")
    'worries=3'
    """
    return f"{item}={level}"


def number_code(text: str) -> str:
    """Canonical text of a code: numbers without leading zeros, trailing ".0" or blanks, other text trimmed.

    >>> [number_code(text) for text in ("1", "1.0", " 02 ", "安全", "2.50", "")]
    ['1', '1', '2', '安全', '2.5', '']
    """
    text = text.strip()
    try:
        value = float(text)
    except ValueError:
        return text
    return f"{value:.15g}" if math.isfinite(value) else text


def survey_files(folder: Path) -> Iterator[Path]:
    """survey.yaml and margins.csv of a survey's folder, those that exist."""
    for name in ("survey.yaml", "margins.csv"):
        if (folder / name).is_file():
            yield folder / name


def json_schema() -> dict[str, Any]:
    """JSON Schema of survey.yaml, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Codebook.model_json_schema()}
