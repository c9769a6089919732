"""Cleaning against cells and answers written out by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from survey.answers import REASONS
from survey.cleaning import Cleaned, clean
from survey.errors import DataError, GateError
from survey.survey_yaml import parse

YAML = """\
survey: hand
title: T
publisher: P
population: X
method: M
languages: [en]
scales:
  four: {levels: {1: Very, 2: Fairly, 3: Little, 4: Not}, missing: {8: dont_know, 9: refused}}
  yes: {levels: {1: 'Yes', 2: 'No'}}
  worries: {levels: {1: Theft, 4: Traffic, 7: Noise}}
  bands: {levels: {1: 16-29, 2: 30-59, 3: 60+}}
items:
  id: {kind: code}
  state: {kind: code}
  safe: {scale: four, required: true}
  victim: {scale: yes}
  reported: {scale: yes, asked_if: {victim: [1]}}
  worry: {kind: multiple, scale: worries}
  age: {kind: number, range: [16, 110], missing: {999: refused}}
  started: {kind: time}
derived:
  age_band: {recipe: band, of: age, edges: [16, 30, 60], scale: bands}
  noisy: {recipe: any, of: worry, levels: [7]}
indicators:
  feels_safe: {recipe: share, of: safe, levels: [1, 2], definition: D}
respondent: id
dispositions: {item: state, groups: {complete: [1], partial: [2], refusal: [3], noncontact: [4]}}
gates: {min_completes: 1, max_quarantined: 0.9, max_unknown_levels: 0.5}
report: {headline: [feels_safe]}
waves:
  w1:
    file: w1.csv
    fieldwork: {start: 2026-01-01, end: 2026-02-01}
"""
COLUMNS = ["id", "state", "safe", "victim", "reported", "worry", "age", "started"]


def cleaned(rows: list[list[str]], yaml: str = YAML) -> Cleaned:
    delivered = pd.DataFrame(rows, columns=COLUMNS, dtype="str")
    delivered.index = pd.RangeIndex(2, 2 + len(rows), name="row")
    return clean(delivered, parse(yaml), "w1")


def reasons(result: Cleaned, item: str) -> list[str]:
    return [REASONS[code] for code in result.reasons[item]]


def test_codes_labels_and_missing_codes() -> None:
    result = cleaned(
        [
            ["a", "1", "1", "1", "2", "1;4", "16", "2026-01-05 10:00"],
            ["b", "1", " 2.0 ", "No", "", "", "59.0", ""],
            ["c", "1", "4", "", "", "7、1", "999", ""],
        ]
    )
    assert result.frame["safe"].tolist() == ["1", "2", "4"]
    assert result.frame["victim"].tolist()[:2] == ["1", "2"]  # a label instead of its code
    assert reasons(result, "victim") == ["answered", "answered", "lost"]
    assert result.frame["age"].tolist()[:2] == [16.0, 59.0]
    assert reasons(result, "age")[2] == "refused"
    assert result.frame["age_band"].tolist()[:2] == ["1", "2"]
    assert result.frame[["worry=1", "worry=4", "worry=7"]].iloc[0].tolist() == [1.0, 1.0, 0.0]
    assert result.frame[["worry=1", "worry=4", "worry=7"]].iloc[2].tolist() == [1.0, 0.0, 1.0]
    assert result.frame["worry=1"].isna().tolist() == [False, True, False]
    assert result.frame["noisy"].tolist()[::2] == [0.0, 1.0]
    assert result.frame["feels_safe"].tolist() == [1.0, 1.0, 0.0]
    assert result.problems.empty


def test_what_nothing_explains_becomes_missing_and_a_problem() -> None:
    result = cleaned(
        [
            ["a", "1", "1", "7", "", "1;5", "203", ""],
            ["b", "1", "1", "2", "", "", "old", ""],
            ["c", "1", "1", "1", "1", "", "30", ""],
            ["d", "1", "1", "1", "2", "", "31", ""],
        ]
    )
    found = result.problems[["row", "item", "rule", "value", "action"]].to_numpy().tolist()
    assert found == [
        [2, "age", "range", "…(3)", "set_missing"],
        [2, "victim", "unknown_level", "7", "set_missing"],
        [2, "worry", "unknown_level", "…(3)", "set_missing"],
        [3, "age", "type", "…(3)", "set_missing"],
    ]
    assert result.frame["age"].isna().tolist() == [True, True, False, False]
    assert result.frame["worry=1"].iloc[0] == 1.0  # the codes that are known stay


def test_routing_is_checked_both_ways() -> None:
    result = cleaned(
        [
            ["a", "1", "1", "2", "1", "", "30", ""],  # not a victim, yet answered
            ["b", "1", "1", "2", "", "", "30", ""],
            ["c", "1", "1", "1", "", "", "30", ""],  # asked, no answer
            ["d", "1", "1", "", "", "", "30", ""],  # the filter itself has no answer
        ]
    )
    assert reasons(result, "reported") == ["not_applicable", "not_applicable", "lost", "filter"]
    assert result.frame["reported"].isna().all()
    assert result.problems[["row", "rule", "value", "action"]].to_numpy().tolist() == [
        [2, "routing", "1", "set_missing"],
        [4, "unanswered", "", "kept"],
    ]


def test_duplicates_partials_and_cases_that_are_no_interviews() -> None:
    row = ["a", "1", "1", "1", "1", "", "30", ""]
    result = cleaned(
        [
            row,
            row,  # exactly again
            ["a", "1", "2", "1", "1", "", "30", ""],  # the same person, another answer
            ["b", "1", "", "1", "1", "", "30", ""],  # required answer lacking
            ["c", "3", "", "", "", "", "", ""],
            ["d", "4", "", "", "", "", "", ""],
            ["e", "1", "3", "2", "", "", "30", ""],
            ["e", "1", "3", "2", "", "", "30", ""],  # exactly again
            ["f", "1", "77", "2", "", "", "30", ""],  # finished, but the required answer is no code
        ]
    )
    counts = {"delivered": 9, "duplicates": 4, "partial": 1, "set_aside": 2, "quarantined": 5, "completes": 1}
    assert result.counts == counts
    rules = result.quarantine.groupby("rule").size().to_dict()
    assert rules == {"conflicting_duplicate": 3, "partial": 1, "unusable": 1}
    # Every case counts once in the response rate, whether its rows could be used or not.
    assert result.dispositions.value_counts().to_dict() == {"complete": 4, "refusal": 1, "noncontact": 1}


def test_deltas_of_a_wave() -> None:
    deltas = """\
    columns: {编号: id, 年龄: age}
    ignore: [系统号]
    recode: {victim: {Y: 1, N: 2}}
    reverse: [safe]
    missing: {98: dont_know, 99: refused}
    not_asked: [reported, worry, started]
"""
    delivered = pd.DataFrame(
        [["a", "1", "4", "Y", "30", "x"], ["b", "1", "1", "N", "99", "y"], ["c", "1", "98", "N", "40", "z"]],
        columns=["编号", "state", "safe", "victim", "年龄", "系统号"],
        dtype="str",
    )
    result = clean(delivered, parse(YAML.replace("required: true", "required: false") + deltas), "w1")
    assert result.frame["safe"].tolist()[:2] == ["1", "4"]
    assert reasons(result, "safe") == ["answered", "answered", "dont_know"]
    assert result.frame["victim"].tolist() == ["1", "2", "2"]
    assert result.frame["age"].tolist()[::2] == [30.0, 40.0]
    assert reasons(result, "age")[1] == "answered" or result.frame["age"].iloc[1] == 99.0  # 99 is a plausible age
    assert set(reasons(result, "reported")) == {"not_asked"}
    assert "系统号" not in result.frame


def test_a_disposition_nobody_declared_stops_the_wave() -> None:
    with pytest.raises(DataError, match="final disposition"):
        cleaned([["a", "77", "1", "1", "1", "", "30", ""]])


def test_many_unknown_levels_stop_the_wave() -> None:
    strict = YAML.replace("max_unknown_levels: 0.5", "max_unknown_levels: 0.1")
    with pytest.raises(GateError, match=r"row 3, column victim"):
        cleaned([["a", "1", "1", "1", "", "", "", ""], ["b", "1", "1", "6", "", "", "", ""]], strict)


def test_a_long_value_is_masked_in_the_problems_table() -> None:
    result = cleaned(
        [["a", "1", "1", "13800138000", "", "", "30", ""], *[[c, "1", "1", "2", "", "", "3", ""] for c in "bc"]]
    )
    assert "13800138000" not in result.problems.to_csv()


@pytest.mark.parametrize(
    ("cells", "decimal", "expected"),
    [
        (["3 1", "25"], ".", [None, 25.0]),
        (["1 002", "25", "10\u00a0007", "2\u2009500"], ".", [1002.0, 25.0, 10007.0, 2500.0]),
        (["1 002", "25 1", "7"], ".", [None, None, 7.0]),  # 25 1 says that blanks are no thousands marks here
        (["1,37", "0,5", "2"], ",", [1.37, 0.5, 2.0]),
        (["1.234,5", "1.002", "3"], ",", [1234.5, 1002.0, 3.0]),
        (["1.37", "0.5"], ",", [1.37, 0.5]),  # a workbook's own numbers have a point
    ],
)
def test_numbers_are_read_as_people_write_them(cells: list[str], decimal: str, expected: list[float | None]) -> None:
    yaml = YAML.replace("range: [16, 110]", "range: [0, 100000]").replace("levels: 0.5", "levels: 1")
    yaml = yaml.replace("    file: w1.csv\n", f'    file: w1.csv\n    decimal: "{decimal}"\n')
    rows = [[f"n{place}", "1", "1", "1", "1", "1", cell, ""] for place, cell in enumerate(cells)]
    ages = cleaned(rows, yaml).frame["age"]
    assert [None if pd.isna(value) else value for value in ages] == expected
