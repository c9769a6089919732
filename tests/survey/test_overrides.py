"""Values in place of survey.yaml's: they count as if they stood there, and a mistake in one is told like any other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.errors import CodebookError, UsageError
from survey.survey_yaml import parse
from survey.survey_yaml.overrides import overridden, parse_overrides
from tests.small_survey import YAML


def test_an_override_counts_as_if_it_stood_in_the_file() -> None:
    written = parse(YAML.replace("report:\n", "disclosure: {min_n: 20}\nreport:\n"))
    assert parse(YAML, overrides={"disclosure.min_n": 20}) == written
    assert parse(YAML) != written


@pytest.mark.parametrize(
    ("overrides", "part"),
    [
        ({"disclosure.min_n": "many"}, "disclosure.min_n"),
        ({"disclosure.mim_n": 3}, "did you mean min_n"),
        ({"report.groups": ["nobody"]}, "nobody"),
    ],
)
def test_a_wrong_override_is_told_like_a_wrong_line(overrides: dict[str, Any], part: str) -> None:
    with pytest.raises(CodebookError, match=part):
        parse(YAML, overrides=overrides)


@pytest.mark.parametrize("path", ["survey.name", "languages.9", "languages.first.of"])
def test_a_place_that_cannot_be_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match=r"keys joined by dots"):
        overridden({"survey": "town", "languages": ["zh", "en"]}, {path: 1})


@pytest.mark.parametrize("text", ["min_n", "=3", "a=[1", " =x"])
def test_what_is_no_override_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        parse_overrides([text])


def test_a_key_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="each key once"):
        parse_overrides(["a=1", "a=2"])


NAMES = st.text("abc", min_size=1, max_size=2)
TREES = st.recursive(st.integers(), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)


@given(st.dictionaries(NAMES, TREES, max_size=3), st.lists(NAMES, min_size=1, max_size=3), st.integers())
def test_only_the_named_place_changes(content: dict[str, Any], keys: list[str], value: int) -> None:
    before = repr(content)
    try:
        result: Any = overridden(content, {".".join(keys): value})
    except UsageError:
        return
    assert repr(content) == before
    node, old = result, content
    for key in keys:
        others = {name: own for name, own in node.items() if name != key}
        assert others == {name: own for name, own in (old or {}).items() if name != key}
        node, old = node[key], (old or {}).get(key)
    assert node == value
