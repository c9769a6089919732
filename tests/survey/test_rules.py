"""Every rule of cleaning fires in a case written out by hand, and is told in two languages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.answers import REASONS
from survey.cleaning import Cleaned, clean
from survey.errors import CodebookError, DataError, GateError
from survey.problems import COLUMNS as TABLE
from survey.rules import RULES
from survey.survey_yaml import parse
from tests.survey.test_cleaning import COLUMNS, YAML, cleaned

CHECKS = """\
checks:
  reporter:
    if: {victim: [2]}
    then: {safe: [1, 2, 3]}
    action: ACTION
    text: {zh: 没有受害却很不安全, en: No victim and yet not safe at all}
"""
SOUND = ["a", "1", "1", "1", "1", "1", "30", "2026-01-05 10:00"]


def row(**cells: str) -> list[str]:
    return [cells.get(name, cell) for name, cell in zip(COLUMNS, SOUND, strict=True)]


def fired(result: Cleaned) -> list[tuple[int, str, str, str]]:
    rows = result.problems[["row", "item", "rule", "action"]]
    return [tuple(each) for each in rows.itertuples(index=False, name=None)]


WITH_TIME = YAML.replace("respondent: id", "respondent: id\nstarted: started")


@pytest.mark.parametrize(
    ("rule", "item", "action", "rows"),
    [
        ("type", "age", "set_missing", [row(age="old"), row(id="b")]),
        ("type", "started", "set_missing", [row(started="yesterday"), row(id="b")]),
        ("range", "age", "set_missing", [row(age="203")]),
        ("unknown_level", "victim", "set_missing", [row(victim="7", reported=""), row(id="b")]),
        ("routing", "reported", "set_missing", [row(victim="2")]),
        ("unanswered", "reported", "kept", [row(reported="")]),
        ("outside_fieldwork", "started", "kept", [row(started="2026-02-02 00:00")]),
        ("duplicate", "id", "dropped", [row(), row()]),
        ("conflicting_duplicate", "id", "quarantined", [row(id="z"), row(), row(age="31")]),
        ("partial", "safe", "quarantined", [row(id="z"), row(safe="")]),
        ("unusable", "safe", "quarantined", [row(id="z"), row(safe="77")]),
    ],
)
def test_a_rule_fires(rule: str, item: str, action: str, rows: list[list[str]]) -> None:
    result = cleaned(rows, WITH_TIME)
    found = result.problems[result.problems["rule"] == rule]
    assert set(found["item"]) == {item}
    assert set(found["action"]) == {action}
    assert found["message_zh"].tolist() == [RULES[rule].zh] * len(found)
    assert found["message_en"].tolist() == [RULES[rule].en] * len(found)
    assert list(found.columns) == TABLE
    expected = "error" if action == "quarantined" else RULES[rule].severity
    assert set(found["severity"]) == {expected}


def test_an_offset_from_utc_does_not_shift_the_day() -> None:
    result = cleaned([row(started="2026-01-01T02:00:00+08:00"), row(id="b", started="2026-02-01 23:59")], WITH_TIME)
    assert result.problems.empty


@pytest.mark.parametrize(
    ("action", "completes", "safe"), [("kept", 3, ["4", "4", "3"]), ("set_missing", 3, [None, "4", "3"])]
)
def test_answers_at_odds(action: str, completes: int, safe: list[str | None]) -> None:
    yaml = YAML.replace("dispositions:", CHECKS.replace("ACTION", action) + "dispositions:")
    yaml = yaml.replace("required: true", "required: false")
    result = cleaned(
        [
            row(safe="4", victim="2", reported=""),
            row(id="b", safe="4"),  # a victim
            row(id="c", safe="3", victim="2", reported=""),
        ],
        yaml,
    )
    assert fired(result) == [(2, "safe", "inconsistent", action)]
    assert result.problems[["value", "message_zh"]].to_numpy().tolist() == [["4", "没有受害却很不安全"]]
    assert len(result.frame) == completes
    assert [None if pd.isna(value) else value for value in result.frame["safe"]] == safe


def test_a_check_may_quarantine_and_may_ask_a_derived_variable() -> None:
    checks = CHECKS.replace("ACTION", "quarantined").replace("victim: [2]", "age_band: [1]")
    yaml = YAML.replace("dispositions:", checks + "dispositions:")
    result = cleaned([row(age="20", safe="4"), row(id="b", safe="4")], yaml)
    assert result.quarantine.to_numpy().tolist() == [["w1", 2, "inconsistent"]]
    assert result.counts["set_aside"] == 1


def test_completeness_is_a_share_of_the_required_answers_that_apply() -> None:
    yaml = YAML.replace("victim: {scale: yes}", "victim: {scale: yes, required: true}")
    yaml = yaml.replace("asked_if: {victim: [1]}", "required: true, asked_if: {victim: [1]}")
    yaml = yaml.replace("dispositions:", "cleaning: {min_complete: 0.6}\ndispositions:")
    result = cleaned(
        [
            row(reported=""),  # 2 of 3
            row(id="b", victim="2", reported="", safe=""),  # 1 of 2: the third was not asked
            row(id="c", safe="", victim="", reported=""),  # 0 of 2
        ],
        yaml,
    )
    assert result.frame.index.tolist() == [2]
    assert fired(result)[0] == (2, "reported", "unanswered", "kept")
    assert result.quarantine["row"].tolist() == [3, 4]


@pytest.mark.parametrize(("code", "reason"), [("8", "dont_know"), ("9", "refused")])
def test_a_refusal_is_said_and_breaks_nothing_off(code: str, reason: str) -> None:
    result = cleaned([row(safe=code), row(id="b")])
    assert result.frame.index.tolist() == [2, 3]
    assert REASONS[result.reasons["safe"].iloc[0]] == reason
    assert result.problems.empty


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        ({"safe": "9"}, "unusable"),  # finished, but it has no stratum
        ({"safe": ""}, "partial"),
        ({"safe": "", "victim": "9"}, "partial"),
        ({"safe": "77", "victim": ""}, "partial"),
        ({"victim": "", "reported": ""}, "unanswered"),
    ],
)
def test_an_item_of_the_design_needs_an_answer_whatever_the_share(cells: dict[str, str], rule: str) -> None:
    yaml = YAML.replace("victim: {scale: yes}", "victim: {scale: yes, required: true, missing: {9: refused}}")
    yaml = yaml.replace("dispositions:", "cleaning: {min_complete: 0.5}\ndesign: {strata: [safe]}\ndispositions:")
    result = cleaned([row(**cells), row(id="b")], yaml)
    assert {name for _, _, name, _ in fired(result)} - {"unknown_level"} == {rule}
    assert result.frame.index.tolist() == ([2, 3] if rule == "unanswered" else [3])


def near_copies(action: str, words: str = "text: Q") -> Cleaned:
    """20 interviews of 30 questions; the third is the first but for one answer."""
    names = [f"q{place}" for place in range(30)]
    items = "".join(f"  {name}: {{scale: four, {words}}}\n" for name in names)
    settings_ = f"cleaning: {{near_duplicates: {{share: 0.95, min_items: 20, action: {action}}}}}\n"
    yaml = YAML.replace("derived:", items + "derived:").replace("dispositions:", settings_ + "dispositions:")
    answers = np.random.default_rng(1).integers(1, 5, (20, 30)).astype(str).tolist()
    answers[2] = [*answers[0][:29], "4" if answers[0][29] == "1" else "1"]
    rows = [[f"p{person}", *SOUND[1:], *given] for person, given in enumerate(answers)]
    delivered = pd.DataFrame(rows, columns=[*COLUMNS, *names], dtype="str", index=pd.RangeIndex(2, 22, name="row"))
    return clean(delivered, parse(yaml), "w1")


def test_near_copies_are_flagged_or_set_aside() -> None:
    kept = near_copies("kept")
    found = kept.problems[kept.problems["rule"] == "near_duplicate"]
    assert found[["row", "value", "action"]].to_numpy().tolist() == [[2, "#4", "kept"], [4, "#2", "kept"]]
    assert len(kept.frame) == 20
    assert near_copies("quarantined").quarantine["row"].tolist() == [2, 4]


@pytest.mark.parametrize("words", ["text: Q", "label: Q", "block: other"])
def test_near_copies_are_found_however_the_questions_are_worded(words: str) -> None:
    found = near_copies("kept", words).problems
    assert found.loc[found["rule"] == "near_duplicate", "row"].tolist() == [2, 4]


def test_near_copies_that_could_never_be_found_are_refused() -> None:
    yaml = YAML.replace("dispositions:", "cleaning: {near_duplicates: {}}\ndispositions:")
    with pytest.raises(CodebookError, match=r"cleaning\.near_duplicates") as refused:
        parse(yaml)
    assert "questions are compared, 4" in str(refused.value)


def test_a_rule_that_fires_too_often_stops_the_wave() -> None:
    yaml = YAML.replace("max_quarantined: 0.9", "max_quarantined: 0.9, max_fired: {range: 0.4}")
    rows = [row(age="203"), row(id="b")]
    with pytest.raises(GateError, match=r"row 2\n.*at most 40\.0%"):
        cleaned(rows, yaml)
    assert len(cleaned([*rows, row(id="c")], yaml).frame) == 3


SPREAD = """\
    multiple:
      worry: {columns: COLUMNS}
"""


def spread(columns: str, names: list[str], cells: list[list[str]]) -> Cleaned:
    delivered = pd.DataFrame(
        [[f"p{place}", *SOUND[1:5], *own, "30", ""] for place, own in enumerate(cells)],
        columns=[*COLUMNS[:5], *names, *COLUMNS[6:]],
        dtype="str",
    )
    delivered.index = pd.RangeIndex(2, 2 + len(cells), name="row")
    missing = "    missing: {99: refused}\n"
    return clean(delivered, parse(YAML + SPREAD.replace("COLUMNS", columns) + missing), "w1")


def test_a_multiple_item_in_yes_no_columns() -> None:
    result = spread(
        "{W1: 1, W4: 4}", ["W1", "W4"], [["1", ""], ["0", "0"], ["", ""], ["99", "99"], ["1", "5"], ["1", "99"]]
    )
    assert result.frame["worry=1"].fillna(-1).tolist() == [1, 0, -1, -1, 1, 1]
    assert result.frame["worry=4"].fillna(-1).tolist() == [0, 0, -1, -1, -1, -1]
    assert result.frame["worry=7"].isna().all()  # not offered
    assert result.reasons["worry"].tolist() == [0, 0, 5, 1, 0, 0]
    assert fired(result) == [(6, "worry", "unknown_level", "set_missing")]


def test_a_multiple_item_in_columns_of_codes() -> None:
    result = spread("[W1, W2]", ["W1", "W2"], [["1", "7"], ["Traffic", ""], ["", ""], ["99", ""], ["1", "5"]])
    assert result.frame[["worry=1", "worry=4", "worry=7"]].fillna(-1).to_numpy().tolist() == [
        [1, 0, 1],
        [0, 1, 0],
        [-1, -1, -1],
        [-1, -1, -1],
        [1, 0, 0],
    ]
    assert result.reasons["worry"].tolist() == [0, 0, 5, 1, 0]
    assert fired(result) == [(6, "worry", "unknown_level", "set_missing")]


def test_a_spread_column_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match="worry=4"):
        spread("{W1: 1, W4: 4}", ["W1"], [["1"]])


def test_an_index_is_the_mean_of_scores_from_0_to_100() -> None:
    index = "  calm: {recipe: index, of: [safe, victim], scores: {1: 4, 2: 3, 3: 2, 4: 0}, min_answered: 2}\n"
    yaml = YAML.replace("indicators:", index + "indicators:").replace("[safe, victim]", "[safe, other]")
    yaml = yaml.replace("  victim: {", "  other: {scale: four}\n  victim: {")
    delivered = pd.DataFrame(
        [[*row(id="a", safe="1"), "3"], [*row(id="b", safe="4"), "4"], [*row(id="c"), "8"]],
        columns=[*COLUMNS, "other"],
        dtype="str",
    )
    values = clean(delivered, parse(yaml), "w1").frame["calm"]
    assert values.tolist()[:2] == [75.0, 0.0]
    assert pd.isna(values.iloc[2])


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("dispositions:", "checks: {c: {if: {nobody: [1]}, then: {safe: [1]}, text: T}}\ndispositions:", "nobody"),
        ("dispositions:", "checks: {c: {if: {safe: [7]}, then: {safe: [1]}, text: T}}\ndispositions:", "7"),
        ("max_quarantined: 0.9", "max_fired: {rang: 0.1}", "did you mean range"),
        ("victim: {scale: yes}", "victim: {scale: yes, asked_if: {reported: [1]}}", "a circle"),
        ("noisy: {recipe: any, of: worry, levels: [7]}", "noisy: {recipe: index, of: age, scores: {1: 1}}", "age"),
        ("    file: w1.csv", "    file: w1.csv\n    multiple: {age: {columns: [A, B]}}", "kind multiple"),
        ("    file: w1.csv", "    file: w1.csv\n    breaks: {nothing: T}", "nothing"),
    ],
)
def test_what_cleaning_could_not_follow_is_refused(old: str, new: str, line: str) -> None:
    with pytest.raises(CodebookError, match=line):
        parse(YAML.replace(old, new))


letters = st.text("张王李芳Wxyz", min_size=3, max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(secrets=st.lists(letters, min_size=8, max_size=8), digits=st.from_regex(r"1[0-9]{10}", fullmatch=True))
def test_no_identifier_stands_in_the_problems(secrets: list[str], digits: str) -> None:
    """Names and numbers in any column, of rows that break every rule there is."""
    rows = [["r1", "1", *secrets[2:]], ["r1", "1", "1", digits, digits, digits, digits, digits], row(id="ok")]
    rows += [row(id=secrets[0], age=digits), row(id=secrets[0], age=secrets[1]), row(id=digits, started=secrets[1])]
    result = cleaned(rows, WITH_TIME.replace("max_unknown_levels: 0.5", "max_unknown_levels: 1"))
    told = "\n".join(result.problems.astype(str).to_numpy().ravel())
    assert not [secret for secret in [*secrets, digits] if secret in told]
