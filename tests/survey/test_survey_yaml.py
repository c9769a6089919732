"""What survey.yaml must not say: one wording for two languages, a file outside its folder, an index as a headline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field

from survey.codebook.base import Strict
from survey.errors import CodebookError
from survey.survey_yaml import parse
from tests.small_survey import YAML

ROOT = Path(__file__).parents[2]


def told(old: str, new: str) -> str:
    """What is said of the small survey with something in it replaced."""
    assert old in YAML
    with pytest.raises(CodebookError) as stop:
        parse(YAML.replace(old, new))
    return "\n".join(fault.describe() for fault in (stop.value, *stop.value.others))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("label: {zh: 年龄, en: Age}", "label: Age", "line 22, items.age.label"),
        ("title: {zh: 小城调查, en: Small town survey}", "title: 小城调查", "line 2, title"),
        ("2: {zh: 女, en: Women}", "2: 女", "line 12, scales.sex.levels.2"),
        (
            "definition: {zh: 回答“是”的比例, en: Share answering yes}",
            "definition: 是",
            "indicators.feels_safe.definition",
        ),
        ("label: {zh: 谁感到安全, en: Who feels safe}", "label: 16 to 29", "report.models.safe.label"),
    ],
)
def test_a_word_given_once_is_none_in_two_languages(old: str, new: str, place: str) -> None:
    said = told(old, new)
    assert place in said
    assert "wording in zh, en" in said
    assert "one text for all of them" in said
    assert "1 to mend" in said


def test_a_wording_left_blank_is_lacking() -> None:
    assert "none in en" in told("label: {zh: 年龄, en: Age}", "label: {zh: 年龄, en: ' '}")


@pytest.mark.parametrize("text", ["18–29", "2026H1", "≥ 5", "A"])
def test_numbers_and_signs_may_be_the_same_in_both(text: str) -> None:
    book = parse(YAML.replace("2: {zh: 女, en: Women}", f"2: {text}"))
    assert book.level_label("sex", "2", "zh") == book.level_label("sex", "2", "en") == text


def test_a_survey_in_one_language_may_word_plainly() -> None:
    yaml = (ROOT / "data" / "raw" / "bcs-2007" / "survey.yaml").read_text(encoding="utf-8")
    assert parse(yaml).label("sex", "en") == "Sex"
    with pytest.raises(CodebookError) as stop:
        parse(yaml.replace("languages: [en]", "languages: [en, zh]"))
    assert len(stop.value.others) > 50


@pytest.mark.parametrize("survey", ["bcs-2007", "enusc", "example-city", "gss-panel"])
def test_the_committed_surveys_load(survey: str) -> None:
    name = f"data/raw/{survey}/survey.yaml"
    assert parse((ROOT / name).read_text(encoding="utf-8"), name).survey == survey


@pytest.mark.parametrize("file", ["../../etc/passwd", "/etc/passwd", "a/../../b.csv", "..\\b.csv", "C:\\b.csv"])
def test_a_file_outside_the_folder_is_refused(file: str) -> None:
    said = told("file: w1.csv", f"file: '{file}'")
    assert "line 54, waves.w1.file" in said
    assert "a path inside the survey's folder" in said
    assert "--source" in said


def test_a_file_further_inside_the_folder_is_fine() -> None:
    assert parse(YAML.replace("file: w1.csv", "file: 2026/../parts/w1.csv")).waves["w1"].file.startswith("2026")


def test_an_index_as_a_headline_is_refused_with_its_reason() -> None:
    said = told("recipe: share\n    of: safe\n    levels: [1]", "recipe: index\n    of: safe\n    scores: {1: 1, 2: 0}")
    assert "line 37, indicators.feels_safe.recipe" in said
    assert "a headline figure is a share" in said
    assert "under `derived`" in said


def test_a_recipe_that_does_not_exist_is_told_with_those_that_do() -> None:
    assert "'share', 'any'" in told("recipe: share", "recipe: shares")


class Base(Strict):
    kept: int = 0
    """Of a class
    below."""
    replaced: int = 0
    """Of a class below, worded anew."""


class Ours(Base):
    replaced: int = 1
    """In other words."""
    if_: Annotated[int, Field(alias="if", ge=1)]
    """Under another name."""
    silent: int = 2


class PydanticBase(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    kept: int = 0
    """Of a class
    below."""
    replaced: int = 0
    """Of a class below, worded anew."""


class Pydantics(PydanticBase):
    replaced: int = 1
    """In other words."""
    if_: Annotated[int, Field(alias="if", ge=1)]
    """Under another name."""
    silent: int = 2


def test_the_schema_says_of_a_key_what_stands_below_its_field() -> None:
    ours, theirs = (each.model_json_schema()["properties"] for each in (Ours, Pydantics))
    assert ours == theirs
    assert [each.get("description") for each in ours.values()] == [
        "Of a class\nbelow.",
        "In other words.",
        "Under another name.",
        None,
    ]
