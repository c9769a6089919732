"""What every part of survey.yaml is made of: codes, names, wordings, and values that refuse unknown keys."""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, SerializationInfo

Code = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
WaveName = Annotated[Code, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]*$")]
Reason = Literal["refused", "dont_know", "not_applicable", "not_asked", "lost"]


def _printed(words: dict[str, str], info: SerializationInfo) -> Any:
    """A wording in a dump: as it is, or what the context's `words` makes of it."""
    return info.context["words"](words) if info.context else words


def _read(words: dict[str, str], info: SerializationInfo) -> Any:
    """The same of a wording that data hold, which the context calls `data`; where it does not, it stays as it is."""
    return info.context.get("data", dict)(words) if info.context else words


_ByLanguage = Annotated[dict[str, str], BeforeValidator(lambda value: {"": value} if isinstance(value, str) else value)]
Words = Annotated[_ByLanguage, PlainSerializer(_printed)]
"""A wording by language, known as one by its type: settings, levels and items may be called `text` or `source`.

It is only printed: whether there is one may count for something, what it says for nothing."""
DataWords = Annotated[_ByLanguage, PlainSerializer(_read)]
"""A wording by language that data hold as well: a delivery may say the words of a level instead of its code."""


class Strict(BaseModel):
    """A frozen value that refuses keys it does not know; its JSON Schema says what stands below each field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> dict[str, Any]:
        """The schema with words: only here, as pydantic's `use_attribute_docstrings` reads every source at import."""
        made: dict[str, Any] = handler(core_schema)
        told = handler.resolve_ref_schema(made)["properties"]
        for name, field in cls.model_fields.items():
            if words := _words(cls).get(name):
                told[field.alias or name].setdefault("description", words)
        return made


@cache
def _words(model: type) -> dict[str, str]:
    """Field → the text below it in the source of a class or of those it is made of."""
    found: dict[str, str] = {}
    for owner in reversed([each for each in model.__mro__ if issubclass(each, Strict)]):
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
        assert isinstance(body, ast.ClassDef)
        for line, below in pairwise(body.body):
            match line, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = inspect.cleandoc(text)
    return found


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
