"""survey.yaml as frozen typed values: questionnaire, design, weighting, privacy, disclosure, report plan, waves.

Unknown keys are refused and every mistake is told with its line. Codes are strings everywhere ("1", "2"), as they are
in delivered files, margins and result tables. Wording stands beside each variable, by language.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from survey.codebook.base import Name, Strict, WaveName, Words, choice, number_code, say
from survey.codebook.cleaning import Check, Cleaning, NearDuplicates, Spread
from survey.codebook.microdata import Microdata
from survey.codebook.plan import Alerts, AreaMap, Borders, Model, Practice, Programme, Report
from survey.codebook.policy import Counts, Disclosure, Gates, Privacy, Quality
from survey.codebook.questionnaire import Disposition, Indicator, Item, Recipe, Scale, Theme, filled_codes
from survey.codebook.sampling import Calibrate, Design, DualFrame, Nonresponse, Phones, Trim, Weighting
from survey.codebook.schedule import Schedule
from survey.codebook.waves import Fieldwork, Wave

__all__ = [
    "Alerts", "AreaMap", "Borders", "Calibrate", "Check", "Cleaning", "Codebook", "Counts", "Design", "Disclosure",
    "Disposition", "DualFrame", "Fieldwork", "Gates", "Indicator", "Item", "Microdata", "Model", "NearDuplicates",
    "Nonresponse", "Phones", "Practice", "Privacy", "Programme", "Quality", "Recipe", "Report", "Scale", "Spread",
    "Theme", "Trim", "Wave", "Weighting", "choice", "filled_codes", "json_schema", "number_code", "say", "survey_files",
]  # fmt: skip


YEAR, HALF_A_SEASON = 365.25, 45.7  # days


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
    """Languages of the report: every wording stands in each; numbers and signs, such as 18–29, may be given once."""
    blocks: dict[Name, Words] = {}
    scales: dict[Name, Scale] = {}
    items: dict[Name, Item]
    derived: dict[Name, Recipe] = {}
    indicators: dict[Name, Indicator]
    checks: dict[Name, Check] = {}
    """Answers that would contradict each other."""
    cleaning: Cleaning = Cleaning()
    dispositions: Disposition | None = None
    respondent: Name | None = None
    """Code item that tells persons apart; repeated values are duplicates."""
    interviewer: Name | None = None
    """Code item that tells interviewers apart; only counts about them are ever published."""
    duration: Name | None = None
    """Number item with the length of the interview in minutes."""
    age: Name | None = None
    """Number item with the age in whole years."""
    started: Name | None = None
    """Time item with the start of the interview."""
    design: Design = Design()
    weighting: Weighting = Weighting()
    privacy: Privacy = Privacy()
    disclosure: Disclosure = Disclosure()
    quality: Quality = Quality()
    gates: Gates = Gates()
    report: Report
    schedule: Schedule | None = None
    """When `anxin serve` runs it; none means by hand only."""
    waves: Annotated[dict[WaveName, Wave], Field(min_length=1)]

    def scale_of(self, variable: str) -> Scale | None:
        """Scale that words an item or a derived variable, None for numbers and 0/1 variables."""
        if (coded := self.derived.get(variable)) is not None and coded.themes:
            return Scale(levels={theme: own.label for theme, own in coded.themes.items()}, ordered=False)
        source = self.items.get(variable) or self.derived.get(variable)
        return self.scales.get(source.scale) if source is not None and source.scale else None

    def recipes(self) -> dict[str, Recipe]:
        """Derived variables, then indicators, by name."""
        return {**self.derived, **self.indicators}

    def questions(self) -> dict[str, Item]:
        """Items, and the themes of free texts as the multiple items they are from cleaning on."""
        coded = {}
        for name, recipe in self.derived.items():
            if recipe.themes and recipe.of[0] in self.items:
                asked = self.items[recipe.of[0]]
                words = {"label": recipe.label or asked.label, "missing": {}}
                coded[name] = asked.model_copy(update={"kind": "multiple", **words})
        return {**self.items, **coded}

    def other_weights(self) -> list[str]:
        """Items with ready weights of figures that speak of another unit than persons."""
        weights = (indicator.weight for indicator in self.indicators.values())
        return list(dict.fromkeys(weight for weight in weights if weight))

    def released(self) -> list[str]:
        """Variables of the public-use file beside the quasi-identifiers; none where survey.yaml asks for none."""
        plan, watched = self.privacy.microdata, self.privacy.quasi_identifiers
        if plan is None:
            return []
        usual = dict.fromkeys((*self.report.items, *self.indicators))
        return list(plan.variables) or [name for name in usual if name not in watched]

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

    def year_before(self, wave: str) -> str | None:
        """The wave of the same season a year earlier: the earlier one whose fieldwork lies closest to a year before.

        Its middle may be half a quarter off; None where there is none.
        """
        middle = {name: self.waves[name].fieldwork.middle() for name in self.earlier(wave)}
        off = {name: abs(middle[wave] - each - YEAR) for name, each in middle.items() if name != wave}
        near = [name for name in off if off[name] <= HALF_A_SEASON]
        return min(near, key=lambda name: off[name], default=None)

    def sources(self, variable: str) -> set[str]:
        """The variable itself and everything it is made from, down to the items."""
        recipe = self.recipes().get(variable)
        return {variable}.union(*(self.sources(name) for name in recipe.of)) if recipe else {variable}

    def essentials(self) -> dict[str, str]:
        """Variable → the key of survey.yaml that needs a value of it in every wave."""
        plan = self.weighting
        by_key: dict[str, Sequence[str]] = {
            "respondent": [self.respondent] if self.respondent else (),
            "dispositions": [self.dispositions.item] if self.dispositions else (),
            "design.strata": self.design.strata,
            "design.psu": self.design.psu,
            "design.fpc": self.design.fpc,
            "weighting.base": [plan.base] if plan.base else (),
            "weighting.inverse": plan.inverse,
            "weighting.times": plan.times,
            "weighting.dual_frame": plan.dual_frame.items() if plan.dual_frame else (),
            "weighting.nonresponse": plan.nonresponse.by if plan.nonresponse else (),
            "weighting": [part for margin in plan.margins() for part in margin.split(":")],
        }
        return {name: key for key, names in reversed(by_key.items()) for name in names}

    def asks(self, variable: str, wave: str) -> bool:
        """Whether a wave has an item, or anything that a derived variable is made from."""
        recipe = self.recipes().get(variable)
        if recipe is None:
            return variable not in self.waves[wave].not_asked
        return any(self.asks(name, wave) for name in recipe.of)

    def compared(self) -> list[str]:
        """Questions by which near copies are found: not what tells who was drawn, or whom a weight is made for."""
        settings = self.cleaning.near_duplicates
        margins = {part for margin in self.weighting.rake for part in margin.split(":")}
        known = {*self.design.strata, *self.design.psu, *margins, *self.privacy.quasi_identifiers}
        apart = {self.dispositions.item} if self.dispositions else set[str]()
        apart = apart.union(*(self.sources(name) for name in known))
        asked = (name for name, item in self.items.items() if item.kind in ("single", "multiple") and name not in apart)
        blocks = settings.blocks if settings else ()
        return [name for name in asked if not blocks or self.items[name].block in blocks]

    def breaks(self, variable: str, earlier: str, later: str) -> list[Words]:
        """Why the figures of a variable in two waves cannot be compared: the breaks in between, oldest first."""
        between = self.earlier(later)[len(self.earlier(earlier)) :]
        found = ((self.waves[wave].breaks, self.sources(variable)) for wave in between)
        return [words for breaks, sources in found for name, words in breaks.items() if name in sources]


def survey_files(folder: Path) -> Iterator[Path]:
    """survey.yaml, margins.csv, decisions.csv, notes and borders of a survey's folder, those that exist."""
    for name in ("survey.yaml", "margins.csv", "decisions.csv"):
        if (folder / name).is_file():
            yield folder / name
    yield from sorted(folder.glob("notes.*.yaml"))
    yield from sorted(folder.glob("*.geojson"))


def json_schema() -> dict[str, Any]:
    """JSON Schema of survey.yaml, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Codebook.model_json_schema()}
