"""A stranger's way from delivered files: init drafts, check tells what is open, and nothing of a resident is told."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows import cli
from survey.survey_yaml import parse
from tests.small_survey import YAML, frame, write


def call(root: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit code of the command line, called in this process."""
    monkeypatch.chdir(root)
    monkeypatch.setattr("sys.argv", ["anxin", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def filled(text: str) -> str:
    """What a person would write in the place of each TODO."""
    text = text.replace("start: TODO", "start: 2026-04-01").replace("end: TODO", "end: 2026-04-30")
    return re.sub(r"TODO(?=[\s,}\]])", "something", text.replace("levels: [TODO]", "levels: [1]"))


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """A file of the small town outside any survey."""
    file = tmp_path / "inbox" / "town2026.csv"
    file.parent.mkdir()
    frame(1200).to_csv(file, index=False)
    return file


def test_a_draft_is_told_what_it_lacks_then_passes_the_check(
    delivery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path, monkeypatch, "init", str(delivery), "--survey", "town") == 0
    told = capsys.readouterr().out
    for part in (
        "identifiers, dropped: name, phone",
        "weight: weight_in",
        "sampling unit: community",
        "anxin check town",
    ):
        assert part in told, told
    assert call(tmp_path, monkeypatch, "check", "town", "--source", "inbox") == 2
    lacking = capsys.readouterr().err
    for part in ("the survey's title", "the first day of interviewing", "the wording of 1, 2", "the codes that count"):
        assert part in lacking, lacking
    file = tmp_path / "data" / "raw" / "town" / "survey.yaml"
    required = [name for name, item in parse(filled(file.read_text(encoding="utf-8"))).items.items() if item.required]
    assert required == ["district", "community", "sex", "age", "weight_in"]
    file.write_text(filled(file.read_text(encoding="utf-8")), encoding="utf-8")
    assert call(tmp_path, monkeypatch, "check", "town", "--source", "inbox") == 0, capsys.readouterr().err


def test_near_copies_are_looked_for_in_a_drafted_survey(
    delivery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Person 8 is a copy of person 3 but for one of 45 answers."""
    rows = frame(1200)
    answers = np.random.default_rng(2).integers(1, 5, (1200, 45)).astype(str)
    answers[7] = [*answers[2, :44], "4" if answers[2, 44] == "1" else "1"]
    rows[[f"a{place}" for place in range(45)]] = answers
    rows.to_csv(delivery, index=False)
    assert call(tmp_path, monkeypatch, "init", str(delivery), "--survey", "town") == 0
    file = tmp_path / "data" / "raw" / "town" / "survey.yaml"
    file.write_text(filled(file.read_text(encoding="utf-8")), encoding="utf-8")
    capsys.readouterr()
    assert call(tmp_path, monkeypatch, "check", "town", "--source", "inbox") == 0
    assert re.search(r"near_duplicate +person +2 kept", capsys.readouterr().out)


def test_no_answer_and_no_identifier_stands_in_the_draft(
    delivery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame(1200).assign(remark=[f"王芳说第{place}栋的灯坏了" for place in range(1200)])
    rows.to_csv(delivery, index=False)
    assert call(tmp_path, monkeypatch, "init", str(delivery), "--survey", "town") == 0
    text = (tmp_path / "data" / "raw" / "town" / "survey.yaml").read_text(encoding="utf-8") + capsys.readouterr().out
    for column in ("person", "name", "phone", "remark", "community"):
        for cell in rows[column]:
            assert cell not in text, column


def test_a_survey_yaml_is_never_overwritten(
    delivery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path)
    before = (folder / "survey.yaml").read_bytes()
    assert call(tmp_path, monkeypatch, "init", str(delivery), "--survey", "small-town") == 2
    assert "already" in capsys.readouterr().err
    assert (folder / "survey.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("init", "inbox/none.csv"), 1, "none.csv is not there"),
        (("init", "inbox/town2026.csv", "--survey", "A b"), 2, "cannot be the name"),
    ],
)
def test_what_cannot_be_drafted_is_told(
    arguments: tuple[str, ...],
    code: int,
    part: str,
    delivery: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(tmp_path, monkeypatch, *arguments) == code
    assert part in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_the_draft_and_the_comments_follow_the_terminal(
    delivery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANXIN_LANG", "zh")
    assert call(tmp_path, monkeypatch, "init", str(delivery), "--survey", "town", "--out", "desk") == 0
    text = (tmp_path / "desk" / "survey.yaml").read_text(encoding="utf-8")
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert all(re.search("[\u4e00-\u9fff]", line) for line in comments), comments
    assert parse(filled(text)).weighting.base == "weight_in"


def test_diff_tells_columns_codes_and_shifts_and_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, delivery=frame(1200))
    later = frame(1200, seed=2).drop(columns="lights").assign(extra=1, remark="王芳13800138000")
    later.loc[later.index < 400, "safe"] = "3"
    later.to_csv(tmp_path / "later.csv", index=False)
    assert call(tmp_path, monkeypatch, "diff", "small-town", "w1", "later.csv") == 0
    told = capsys.readouterr().out
    for part in ("Columns added (1): extra", "Columns gone (1): lights", "safe", "3", "pp", "drawn at random"):
        assert part in told, told
    cells: pd.Series = pd.concat([later[column] for column in ("person", "name", "phone", "remark", "weight_in")])
    assert not [cell for cell in cells if cell in told]


def test_diff_counts_the_cells_that_nothing_explains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    yaml = YAML.replace(
        "    file: w1.csv\n",
        "    file: w1.csv\n    columns: {Licht: lights}\n    missing: {拒答: refused}\n    recode: {safe: {ja: 1}}\n",
    )
    before = frame(1200).rename(columns={"lights": "Licht"})
    before.loc[before.index < 4, "safe"] = "ja"  # the wave says what it means
    write(tmp_path, yaml=yaml, delivery=before)
    later = before.copy()
    later.loc[later.index < 7, "Licht"] = "王芳不知道"
    later.loc[later.index > 1100, "Licht"] = "拒答"
    later.loc[later.index < 3, "age"] = "203"
    later.loc[later.index < 4, "safe"] = "nein"
    later.to_csv(tmp_path / "later.csv", index=False)
    assert call(tmp_path, monkeypatch, "diff", "small-town", "w1", "later.csv") == 0
    told = capsys.readouterr().out
    rows = {line.split()[0]: " ".join(line.split()) for line in told.splitlines() if line.strip()}
    assert "0 → 7" in rows["lights"], told
    assert "0 → 3" in rows["age"], told
    assert "0 → 4" in rows["safe"], told
    assert "unreadable: cells that are no level" in told
    assert "拒答" in told  # declared in survey.yaml
    for cell in ("王芳", "203"):
        assert cell not in told
    assert call(tmp_path, monkeypatch, "diff", "small-town", "w1", "w1") == 0
    assert "unreadable: cells" not in capsys.readouterr().out


def test_diff_wants_waves_or_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    assert call(tmp_path, monkeypatch, "diff", "small-town", "w1", "w9") == 2
    assert "neither a wave nor a file" in capsys.readouterr().err


def test_what_was_read_of_a_workbook_or_an_archive_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second sheet or a backup in the archive changes the figures: whoever drafts or checks must see it named."""
    table = frame()
    with pd.ExcelWriter(tmp_path / "w.xlsx", engine="xlsxwriter") as book:
        table.to_excel(book, sheet_name="answers", index=False)
        table.head(3).to_excel(book, sheet_name="notes", index=False)
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        for name in ("2025.csv", "2025 - backup.csv"):
            archive.writestr(name, table.assign(**{" ": ""}).to_csv(index=False, sep=";").encode("gb18030"))
    for file, told in {
        "w.xlsx": ["sheet: answers (1/2)"],
        "w.zip": ["gb18030", "delimiter: semicolon", "2 tables with the same columns", "2025 - backup.csv, 360 rows",
                  "2025.csv, 360 rows", "neither a name nor a cell, left out: 12"],
    }.items():  # fmt: skip
        assert call(tmp_path, monkeypatch, "init", file, "--survey", file.replace(".", "-")) == 0
        said = capsys.readouterr().out
        folder = write(tmp_path, yaml=YAML.replace("w1.csv", file))
        shutil.copy(tmp_path / file, folder / file)
        assert call(tmp_path, monkeypatch, "check", "small-town") == 0, capsys.readouterr().err
        checked = capsys.readouterr().out
        for part in told:
            assert part in said, said
            assert part in checked, checked
