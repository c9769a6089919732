"""What every part of survey.yaml is made of: codes, names, wordings, and values that refuse unknown keys."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Code = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
WaveName = Annotated[Code, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]*$")]
Words = Annotated[dict[str, str], BeforeValidator(lambda value: {"": value} if isinstance(value, str) else value)]
Reason = Literal["refused", "dont_know", "not_applicable", "not_asked", "lost"]


class Strict(BaseModel):
    """A frozen value that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


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
