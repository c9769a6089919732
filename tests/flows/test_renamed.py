"""Columns that a wave renames: drafted by init, and told by check where survey.yaml says they were not asked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.store import Artefact
from survey.survey_yaml import parse
from tests.flows.test_init import call, filled
from tests.small_survey import YAML, frame, write

SECOND = "  w2:\n    file: w2.csv\n    fieldwork: {start: 2026-10-01, end: 2026-10-31}\n"


def two_waves(root: Path, deltas: str, second: pd.DataFrame) -> None:
    """The small survey with a second wave below a root folder."""
    folder = write(root, YAML + SECOND + deltas)
    second.to_csv(folder / "w2.csv", index=False)


@pytest.mark.parametrize(
    ("item", "column", "key"),
    [
        ("person", "F1", "respondent"),
        ("district", "F1", "design.strata"),
        ("community", "cluster_id", "design.psu"),
        ("weight_in", "F1", "weighting.base"),
        ("sex", "F1", "weighting"),
    ],
)
def test_what_a_wave_cannot_do_without_is_a_mistake_with_its_line_and_the_likely_column(
    item: str,
    column: str,
    key: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deltas = f"    ignore: [{column}]\n    not_asked: [{item}]\n"
    two_waves(tmp_path, deltas, frame(seed=2).rename(columns={item: column}))
    for command in ("check", "run"):
        assert call(tmp_path, monkeypatch, command, "small-town") == 2
        told = capsys.readouterr().err
        for part in (
            "waves.w2.not_asked",
            f"{item} in wave w2: `{key}` needs it",
            f"`{column}` looks like it",
            "line 60",
        ):
            assert part in told, told


def test_a_blank_sampling_unit_stops_the_check_as_it_stops_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    delivery = frame()
    delivery.loc[7, "community"] = ""
    delivery.loc[9, "district"] = ""
    optional = YAML.replace("scale: district, required: true", "scale: district")
    write(tmp_path, optional.replace("community: {kind: code, required: true}", "community: {kind: code}"), delivery)
    for command in ("check", "run"):
        assert call(tmp_path, monkeypatch, command, "small-town") == 1
        told = capsys.readouterr().err
        for part in (
            "w1.csv row 9, column community",
            "w1.csv row 11, column district",
            "design.strata",
            "1 rows without",
        ):
            assert part in told, told
        assert "stratum_" not in told


def test_init_drafts_renamed_columns_under_the_items_of_the_other_wave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng, size = np.random.default_rng(3), 900
    files = []
    for year in (2025, 2026):
        file = tmp_path / f"{year}.csv"
        town = frame(size, seed=year)
        for name in ("mood", "crime"):
            town[name] = rng.choice(["1", "2", "3", "4"], size, p=[0.5, 0.3, 0.15, 0.05])
        if year == 2026:
            town["mood"] = (5 - town["mood"].astype(int)).astype(str)
            town = town.rename(columns={"person": "ID", "mood": "Q1", "crime": "Q2"})
        town.to_csv(file, index=False)
        files.append(str(file))
    assert call(tmp_path, monkeypatch, "init", *files, "--survey", "town") == 0
    text = (tmp_path / "data" / "raw" / "town" / "survey.yaml").read_text(encoding="utf-8")
    waves = parse(filled(text)).waves
    assert {name: waves["2026"].columns.get(name) for name in ("ID", "Q1", "Q2")} == {
        "ID": "person",
        "Q1": "mood",
        "Q2": "crime",
    }
    assert not waves["2025"].not_asked
    assert not waves["2026"].not_asked
    assert waves["2026"].reverse == ("mood",)
    assert "by its place and its answers" in text


def test_a_restored_row_that_stands_alone_is_told_and_people_are_counted_not_problems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    delivery = frame()
    delivery.loc[:19, "age"] = "203"  # a problem more in each of these rows
    delivery = pd.concat([delivery, delivery.iloc[[0, 0]].assign(safe=["1", "2"], person="P9999", district="4")])
    yaml = YAML.replace("3: {zh: 北区, en: North}", "3: {zh: 北区, en: North}, 4: {zh: 南区, en: South}")
    yaml = yaml.replace("lonely_psu: fail", "lonely_psu: adjust").replace("rake: [sex, district]", "rake: [sex]")
    folder = write(tmp_path, yaml, delivery)
    row = len(delivery) + 1
    checksum = hashlib.sha256((folder / "w1.csv").read_bytes()).hexdigest()
    line = f"w1,{row},conflicting_duplicate,restore,Li,the tape says so,{checksum}\n"
    (folder / "decisions.csv").write_text("wave,row,rule,decision,reviewer,reason,sha256\n" + line, encoding="utf-8")
    assert call(tmp_path, monkeypatch, "check", "small-town") == 0
    told = capsys.readouterr().out
    assert "k 1," in told
    assert "without the 1 rows that decisions.csv restores k is " in told
    answers, problems = pd.DataFrame(index=range(3)), pd.DataFrame(index=range(9))
    assert Artefact({"answers": answers, "problems": problems}).rows() == 3
    assert Artefact({"results": problems}).rows() == 9
