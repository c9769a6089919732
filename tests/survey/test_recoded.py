"""Codes that a wave numbers otherwise: every change is told, and what would mix two answers is refused."""

from __future__ import annotations

import pandas as pd
import pytest

from flows.check import _found
from survey.cleaning import Cleaned, clean
from survey.errors import CodebookError, GateError
from survey.quality import assess
from survey.survey_yaml import parse
from tests.survey.test_cleaning import COLUMNS, YAML
from tests.survey.test_rules import row

ROWS = [row(), row(id="b", safe="4", victim="2"), row(id="c", safe="9", age="31"), row(id="d", worry="1;7")]
FREE = "{safe: {4: 1, 3: 2, 2: 3, 1: 4}}"


def wave(deltas: str, rows: list[list[str]] = ROWS, yaml: str = YAML) -> Cleaned:
    """The hand-made wave with what differs in it."""
    delivered = pd.DataFrame(rows, columns=COLUMNS, dtype="str", index=pd.RangeIndex(2, 2 + len(rows), name="row"))
    return clean(delivered, parse(yaml + deltas), "w1")


def changed(result: Cleaned) -> list[tuple[int, str, str, str]]:
    """Row, item, value and severity of each change that was declared."""
    told = result.problems.loc[result.problems["action"] == "recoded", ["row", "item", "value", "severity"]]
    return list(told.itertuples(index=False, name=None))


@pytest.mark.parametrize("deltas", ["    reverse: [safe]\n", f"    recode: {FREE}\n"])
def test_every_changed_answer_is_told_and_no_other(deltas: str) -> None:
    assert changed(wave(deltas)) == [
        (2, "safe", "1", "info"),
        (3, "safe", "4", "info"),
        (5, "safe", "1", "info"),
    ]
    assert changed(wave("")) == []


def test_numbers_words_and_answers_of_several_are_told_as_far_as_they_may_be() -> None:
    rows = [row(age="89 or older", victim="Y"), row(id="b", age="40", worry="2;7")]
    deltas = "    recode: {age: {89 or older: 89}, victim: {Y: 1}, worry: {2: 4}}\n"
    assert changed(wave(deltas, rows)) == [
        (2, "age", "…(11)", "info"),
        (2, "victim", "…(1)", "info"),
        (3, "worry", "…(3)", "info"),
    ]


def test_declared_changes_are_one_line_of_the_check_and_trip_no_gate() -> None:
    result = wave("    reverse: [safe]\n", yaml=YAML.replace("gates: {", "gates: {max_fired: {range: 0}, "))
    lines = list(_found(result))
    assert [line.strip() for line in lines if "recode" in line] == [
        "put into the codes of survey.yaml (recode, reverse): safe 3"
    ]
    book = parse(YAML + "    reverse: [safe]\n")
    told = [each for each in assess(result, book).facts["quality"]["problems"] if each["rule"] == "recoded"]
    assert told == [{"rule": "recoded", "item": "safe", "action": "recoded", "n": 3}]
    with pytest.raises(CodebookError, match="rule of cleaning"):
        parse(YAML.replace("gates: {", "gates: {max_fired: {recoded: 0}, "))


@pytest.mark.parametrize(
    ("deltas", "place", "part"),
    [
        (f"    recode: {FREE}\n    reverse: [safe]\n", "waves.w1.reverse.0", "both of safe"),
        ("    recode: {safe: {4: 1, 3: 2}}\n", "waves.w1.recode.safe", "1 itself is not listed"),
        ("    reverse: [age]\n", "waves.w1.reverse.0", "no order"),
        ("    reverse: [victim, safe]\n", "waves.w1.reverse.0", "no order"),
    ],
)
def test_what_would_mix_or_undo_answers_is_refused(deltas: str, place: str, part: str) -> None:
    yaml = YAML.replace("{1: 'Yes', 2: 'No'}}", "{1: 'Yes', 2: 'No'}, ordered: false}")
    with pytest.raises(CodebookError) as stop:
        parse(yaml + deltas)
    said = stop.value.describe()
    assert place in said
    assert part in said


def test_a_code_that_a_recode_fills_must_be_listed_where_it_is_delivered() -> None:
    with pytest.raises(GateError, match="delivered as well"):
        wave("    recode: {safe: {7: 1}}\n")
    assert wave("    recode: {safe: {7: 1, 1: 1}}\n").frame["safe"].tolist()[0] == "1"
    assert wave("    recode: {safe: {7: 2}}\n").frame["safe"].tolist()[0] == "1"
    assert wave("    recode: {safe: {very: 1}}\n").frame["safe"].tolist()[0] == "1"
