"""What a reviewer decided about rows, and decisions that cannot be followed."""

from __future__ import annotations

import pandas as pd
import pytest

from survey.cleaning import Cleaned, clean, read_decisions
from survey.errors import AnxinError, CodebookError, DataError
from survey.survey_yaml import parse
from tests.survey.test_cleaning import COLUMNS, YAML
from tests.survey.test_rules import row

DIGEST = "ab" * 32
HEAD = "wave,row,rule,decision,reviewer,reason,sha256\n"
ROWS = [
    row(),  # row 2
    row(id="b", safe=""),  # row 3, partial
    row(id="c"),  # row 4 contradicts row 5
    row(id="c", age="31"),
    row(id="d", age="203"),  # row 6, flagged
]


def reviewed(lines: str, digest: str = DIGEST, yaml: str = YAML) -> Cleaned:
    delivered = pd.DataFrame(ROWS, columns=COLUMNS, dtype="str", index=pd.RangeIndex(2, 7, name="row"))
    book = parse(yaml)
    return clean(delivered, book, "w1", read_decisions(HEAD + lines, book, "w1"), digest)


def test_without_decisions_the_quarantine_stays() -> None:
    result = reviewed("")
    assert result.frame.index.tolist() == [2, 6]
    assert result.quarantine["row"].tolist() == [3, 4, 5]
    assert "restored" not in result.counts


def test_rows_are_put_back_and_left_out_and_each_decision_is_told() -> None:
    result = reviewed(
        f"w1,3,partial,restore,Li,called back,{DIGEST}\n"
        f"w1,5,conflicting_duplicate,restore,Li,the tape says so,{DIGEST}\n"
        f"w1,6,range,exclude,Wang,not a real interview,{DIGEST}\n"
        f"w1,4,conflicting_duplicate,exclude,Wang,wrong person,{DIGEST}\n"
    )
    assert result.frame.index.tolist() == [2, 3, 5]
    assert result.frame["age"].tolist() == [30.0, 30.0, 31.0]
    assert result.quarantine["row"].tolist() == [4, 6]
    told = result.problems.loc[result.problems["rule"] == "reviewed", ["row", "action", "value"]]
    assert told.to_numpy().tolist() == [
        [3, "restored", "decisions.csv:2"],
        [4, "excluded", "decisions.csv:5"],
        [5, "restored", "decisions.csv:3"],
        [6, "excluded", "decisions.csv:4"],
    ]
    assert {name: result.counts[name] for name in ("restored", "excluded", "partial", "quarantined", "completes")} == {
        "restored": 2, "excluded": 2, "partial": 0, "quarantined": 2, "completes": 3,
    }  # fmt: skip
    assert len(result.dispositions) == 4  # each respondent once, whichever row was taken


def test_the_checksum_of_the_wave_serves_a_blank_one() -> None:
    yaml = YAML.replace("    file: w1.csv", f"    file: w1.csv\n    sha256: {DIGEST}")
    assert 3 in reviewed("w1,3,partial,restore,Li,called back,\n", yaml=yaml).frame.index


@pytest.mark.parametrize(
    ("lines", "fault", "part"),
    [
        (f"w1,3,partial,restore,Li,why,{DIGEST}\nw1,99,partial,restore,Li,why,{DIGEST}\n", DataError, "line 3"),
        (f"w1,3,range,restore,Li,why,{DIGEST}\n", DataError, "matches nothing"),
        (f"w1,6,range,restore,Li,why,{DIGEST}\n", DataError, "matches nothing"),  # flagged, never set aside
        (f"w1,3,partial,restore,Li,why,{'0' * 64}\n", DataError, "another delivery"),
        ("w1,3,partial,restore,Li,why,\n", DataError, "on which delivery"),
        (
            f"w1,4,conflicting_duplicate,restore,Li,why,{DIGEST}\nw1,5,conflicting_duplicate,restore,Li,why,{DIGEST}\n",
            DataError,
            "second row of one respondent",
        ),
        (f"w1,3,partial,restore,,why,{DIGEST}\n", CodebookError, "a reviewer and a reason"),
        (f"w1,3,partial,keep,Li,why,{DIGEST}\n", CodebookError, "one of restore, exclude"),
        (f"w1,3,parti,restore,Li,why,{DIGEST}\n", CodebookError, "line 2"),
        (f"w9,3,partial,restore,Li,why,{DIGEST}\n", CodebookError, "one of w1"),
        (f"w1,three,partial,restore,Li,why,{DIGEST}\n", CodebookError, "the row of the delivered file"),
        (2 * f"w1,3,partial,restore,Li,why,{DIGEST}\n", CodebookError, "decided once"),
    ],
)
def test_a_decision_that_cannot_be_followed_names_its_line(lines: str, fault: type[AnxinError], part: str) -> None:
    with pytest.raises(fault, match=part) as stop:
        reviewed(lines)
    assert "decisions.csv line" in str(stop.value)


def test_a_header_that_is_another_is_refused() -> None:
    with pytest.raises(CodebookError, match="no header"):
        read_decisions("row,decision\n3,restore\n", parse(YAML), "w1")


def test_all_decisions_that_cannot_be_followed_are_told_at_once() -> None:
    with pytest.raises(DataError) as stop:
        reviewed(f"w1,99,partial,restore,Li,why,{DIGEST}\nw1,3,range,restore,Li,why,{DIGEST}\n")
    assert [fault.values["line"] for fault in (stop.value, *stop.value.others)] == ["2", "3"]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("w1,3,parti,restore,Li,why,\n", "got: parti"),
        ("w1,3,partial,keep,Li,why,\n", "got: keep"),
        ("w1,3,13800138000,restore,Li,why,\n", "got: …(11)"),
        ("w1,三,partial,restore,Li,why,\n", "got: …(1)"),
    ],
)
def test_the_reviewer_reads_the_own_word_and_an_example(lines: str, found: str) -> None:
    with pytest.raises(CodebookError) as stop:
        reviewed(lines)
    said = stop.value.describe()
    assert found in said
    example = said.rpartition("for example: ")[2]
    assert reviewed(example.replace(",17,", ",3,") + DIGEST + "\n").counts["restored"] == 1
