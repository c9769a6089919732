"""The data dictionary of a public-use file: each column with its part, its wording and its levels by language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from survey.codebook import Codebook, choice
from survey.codebook.base import Words

Part = Literal["weight", "stratum", "unit", "size", "quasi_identifier", "answer"]


@dataclass(frozen=True)
class Variable:
    """A column of the file.

    source: the variable of survey.yaml it holds ("" for the design's).   level: of a multiple item, which answer.
    levels: code → wording; none for numbers.   measured: nominal, ordinal or scale.
    """

    name: str
    source: str
    part: Part
    label: Words = field(default_factory=dict)
    text: Words = field(default_factory=dict)
    levels: Mapping[str, Words] = field(default_factory=dict)
    measured: Literal["nominal", "ordinal", "scale"] = "scale"
    level: str = ""

    @property
    def column(self) -> str:
        """Its column in the private frame."""
        return choice(self.source, self.level) if self.level else self.source

    @property
    def stored(self) -> Literal["integer", "number", "string"]:
        """Type of its values: codes and labels that are whole numbers, other numbers, or codes that are words.

        >>> Variable("w", "", "weight").stored, Variable("q", "q", "answer", levels={"1": {}, "x": {}}).stored
        ('number', 'string')
        """
        if self.levels:
            return "integer" if all(code.lstrip("-").isdigit() for code in self.levels) else "string"
        return "integer" if self.part in ("stratum", "unit") else "number"


def described(book: Codebook, name: str, part: Part = "answer") -> list[Variable]:
    """The columns that hold an item, derived variable or indicator: one, or one a level of a multiple item."""
    item, recipe, scale = book.items.get(name), book.recipes().get(name), book.scale_of(name)
    source = item or recipe
    label: Words = source.label if source is not None and source.label else {"": name}
    text: Words = item.text if item is not None else dict(getattr(recipe, "definition", {}))
    if item is not None and item.kind == "multiple" and scale is not None:
        return [
            Variable(
                f"{name}_{code}", name, part, _joined(label, words), text, YES_NO, "nominal", code
            )
            for code, words in scale.levels.items()
        ]  # fmt: skip
    if scale is not None:
        return [Variable(name, name, part, label, text, scale.levels, "ordinal" if scale.ordered else "nominal")]
    if recipe is not None and (recipe.recipe == "any" or (recipe.recipe == "share" and len(recipe.of) == 1)):
        return [Variable(name, name, part, label, text, YES_NO, "nominal")]
    return [Variable(name, name, part, label, text)]


YES_NO: Mapping[str, Words] = {"0": {"zh": "否", "en": "No"}, "1": {"zh": "是", "en": "Yes"}}


def design_variables(strata: bool, units: int, sizes: int, taken: Sequence[str]) -> list[Variable]:
    """Weight, stratum, sampling unit of each stage and population size of each stage, under names that are free."""
    stages: list[tuple[str, Part, Words]] = [("weight", "weight", {"zh": "最终权数", "en": "Final weight"})]
    stages += [("stratum", "stratum", {"zh": "层（打乱编号）", "en": "Stratum (relabelled)"})] if strata else []
    for stage in range(units):
        number = "" if stage == 0 else str(stage + 1)
        words = {
            "zh": f"第{stage + 1}阶段抽样单元（打乱编号）",
            "en": f"Sampling unit of stage {stage + 1} (relabelled)",
        }
        stages.append((f"psu{number}", "unit", words))
    for stage in range(sizes):
        words = {
            "zh": f"第{stage + 1}阶段总体单元数或抽样比",
            "en": f"Population size or sampling fraction of stage {stage + 1}",
        }
        stages.append((f"fpc{stage + 1}", "size", words))
    return [
        Variable(_free(name, taken), "", part, words, measured="scale" if part in ("weight", "size") else "nominal")
        for name, part, words in stages
    ]


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _joined(label: Words, level: Words) -> Words:
    """The wording of a multiple item and of one of its answers in each language that has either."""
    languages = [key for key in dict.fromkeys([*label, *level]) if key] or [""]
    return {key: f"{label.get(key, label.get('', ''))}: {level.get(key, level.get('', ''))}" for key in languages}
