"""Every bad input ends in exit code 1 or 2 with its place named, and leaves the published folder as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from flows import cli
from tests import small_survey
from tests.small_survey import MARGINS, YAML, frame, write

SECOND_WAVE = """\
  w1:
    file: w2.csv
    fieldwork: {start: 2026-10-01, end: 2026-10-30}
"""


def run(root: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit code of the command line, called in this process."""
    monkeypatch.chdir(root)
    monkeypatch.setattr("sys.argv", ["anxin", *(arguments or ("run", "small-town"))])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def csv(change: Callable[[pd.DataFrame], pd.DataFrame]) -> bytes:
    return change(frame()).to_csv(index=False).encode()


def negative_weight(rows: pd.DataFrame) -> pd.DataFrame:
    rows.loc[7, "weight_in"] = "-2"
    return rows


def one_psu(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[(rows["district"] != "2") | (rows["community"] == "C04")]


BAD: dict[str, tuple[dict[str, object], int, list[str]]] = {
    "empty file": ({"delivery": b""}, 1, ["w1.csv line 1", "is empty"]),
    "header only": ({"delivery": csv(lambda rows: rows.head(0))}, 1, ["w1.csv line 1", "is empty"]),
    "truncated": ({"delivery": csv(lambda rows: rows)[:-30]}, 1, ["w1.csv line 361"]),
    "binary junk": ({"delivery": bytes(range(256)) * 40}, 1, ["w1.csv line"]),
    "wrong encoding": (
        {"yaml": YAML.replace("file: w1.csv", "file: w1.csv\n    encoding: ascii")},
        1,
        ["w1.csv line 2", "ascii"],
    ),
    "unknown column": ({"delivery": csv(lambda rows: rows.assign(extra=1))}, 1, ["w1.csv line 1, column 12", "extra"]),
    "duplicated column": (
        {"delivery": frame().to_csv(index=False).replace("lights", "safe", 1).encode()},
        1,
        ["w1.csv line 1, column 11", "safe"],
    ),
    "unknown key": (
        {"yaml": YAML.replace("simulated:", "simulatd:")},
        2,
        ["survey.yaml line 6", "did you mean simulated"],
    ),
    "level never defined": ({"yaml": YAML.replace("levels: [1]\n", "levels: [7]\n")}, 2, ["survey.yaml line 32", "7"]),
    "delivered level never defined": (
        {"delivery": csv(lambda rows: rows.assign(safe=rows["safe"].replace("2", "5")))},
        1,
        ["w1.csv row", "column safe"],
    ),
    "all weights zero": ({"delivery": csv(lambda rows: rows.assign(weight_in=0))}, 1, ["column weight_in"]),
    "negative weight": ({"delivery": csv(negative_weight)}, 1, ["w1.csv row 9, column weight_in"]),
    "margin without respondent": (
        {"delivery": csv(lambda rows: rows[rows["district"] != "3"])},
        1,
        ["margins.csv line 6", "district level 3"],
    ),
    "stratum with one PSU": ({"delivery": csv(one_psu)}, 1, ["column community", "stratum"]),
    "wave listed twice": ({"yaml": YAML + SECOND_WAVE}, 2, ["survey.yaml line 49"]),
    "bad margin": ({"margins": MARGINS.replace("5200", "many")}, 2, ["margins.csv line 3"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_its_place_and_keeps_what_is_published(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    published = tmp_path / "public" / "small-town" / "w1"
    published.mkdir(parents=True)
    (published / "en.html").write_text("the last good report")
    changes, code, parts = BAD[case]
    write(tmp_path, **changes)  # type: ignore[arg-type]
    assert run(tmp_path, monkeypatch) == code
    told = capsys.readouterr().err
    for part in parts:
        assert part in told, told
    assert "Traceback" not in told
    assert [path.name for path in published.iterdir()] == ["en.html"]
    assert not (tmp_path / "public" / "small-town" / ".versions").exists()


def test_missing_file_says_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (write(tmp_path) / "w1.csv").unlink()
    assert run(tmp_path, monkeypatch) == 1
    assert "w1.csv is not there" in capsys.readouterr().err
    assert not (tmp_path / "public").exists()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("run", "no-town"), "There is no survey no-town"),
        (("run", "small-town", "--wave", "w9"), "There is no wave w9"),
        (("run", "small-town", "--lang", "fr"), "There is no language fr"),
    ],
)
def test_wrong_usage_is_exit_two(
    arguments: tuple[str, ...],
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path)
    assert run(tmp_path, monkeypatch, *arguments) == 2
    assert part in capsys.readouterr().err


def test_no_answer_of_a_resident_stands_in_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame()
    rows["safe"] = rows["phone"]  # a vendor's slip: phone numbers in an answer column
    write(tmp_path, delivery=rows)
    assert run(tmp_path, monkeypatch) == 1
    told = capsys.readouterr()
    work = [path for path in (tmp_path / "data" / "work").rglob("*") if path.is_file()]
    for phone in rows["phone"]:
        assert phone not in told.err + told.out
        assert all(phone.encode() not in path.read_bytes() for path in work)


def test_sha256_of_another_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = hashlib.sha256(b"another file").hexdigest()
    write(tmp_path, yaml=small_survey.YAML.replace("file: w1.csv", f"file: w1.csv\n    sha256: {other}"))
    assert run(tmp_path, monkeypatch) == 1
    assert other in capsys.readouterr().err
