"""The delivery: the same bytes everywhere, small enough, untidy as announced, and the answers can be got back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulation.deliver import HURRIED, INVENTED, Delivery, deliver, tidy
from simulation.identifiers import invent
from simulation.layouts import IDENTIFIERS, ITEMS, LAYOUTS
from simulation.questionnaire import BY_NAME, QUESTIONS, WAVES
from simulation.sample import COMPLETE, draw
from survey import intake
from survey.cleaning import Cleaned, clean
from survey.codebook import Codebook
from tests.simulation.conftest import SHIPPED

Waves = dict[str, Cleaned]
NOT_TEXT = ("2024H2", "2025H1")
WRITE = "import sys, pathlib; from simulation.deliver import deliver; deliver(pathlib.Path(sys.argv[1]), waves={waves})"


@pytest.fixture(scope="module")
def cleaned_waves(delivery: Delivery, book: Codebook) -> Waves:
    folder = delivery.files[0].parent
    read = {wave: intake.read(folder / book.waves[wave].file, book.waves[wave])[0] for wave in WAVES}
    return {wave: clean(delivered, book, wave) for wave, delivered in read.items()}


def test_the_shipped_files_are_those_of_the_seed(delivery: Delivery) -> None:
    for path in delivery.files:
        shipped = SHIPPED / path.name
        if path.suffix == ".xlsx":  # compressed: its bytes depend on the zlib of the machine
            ours, theirs = (pd.read_excel(one, sheet_name="数据", engine="calamine") for one in (path, shipped))
            pd.testing.assert_frame_equal(ours, theirs)
        else:
            assert path.read_bytes() == shipped.read_bytes(), path.name


def test_another_process_writes_the_same_bytes(delivery: Delivery, tmp_path: Path) -> None:
    """The formats that hide moments, random marks or the order of a set; the others are compared with the shipped."""
    environment = {**os.environ, "PYTHONHASHSEED": "77", "TZ": "Asia/Shanghai"}
    command = [sys.executable, "-c", WRITE.format(waves=NOT_TEXT), str(tmp_path)]
    subprocess.run(command, check=True, env=environment, cwd=SHIPPED.parents[2])
    for wave in NOT_TEXT:
        name = LAYOUTS[wave].file
        assert (tmp_path / name).read_bytes() == (delivery.files[0].parent / name).read_bytes(), name


def test_the_shipped_files_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in SHIPPED.iterdir() if path.suffix != ".yaml"}
    assert sum(sizes.values()) < 12_000_000
    assert max(sizes.values()) < 3_000_000


def test_every_planted_identifier_is_delivered(delivery: Delivery) -> None:
    texts = [
        (delivery.files[0].parent / LAYOUTS[wave].file).read_bytes().decode("gb18030" if wave == "2023H2" else "utf-8")
        for wave in WAVES
        if wave not in NOT_TEXT
    ]
    cells = {cell for text in texts for cell in text.replace(";", ",").replace("\r", "").replace("\n", ",").split(",")}
    found = sum(planted in cells for planted in delivery.identifiers)
    assert found > 60_000
    in_remarks = [text for text in delivery.identifiers if " " in text and text[0] == "1"]
    assert len(in_remarks) > 20
    assert sum(any(number in text for text in texts) for number in in_remarks) > len(in_remarks) / 2
    assert sum(len(text) == 18 and text.startswith("99") for text in delivery.identifiers) > 2500


def test_identifiers_do_not_stand_in_the_questionnaire(delivery: Delivery) -> None:
    words = (SHIPPED / "survey.yaml").read_text(encoding="utf-8") + (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert not [text for text in delivery.identifiers if text in words]


def test_other_identifiers_leave_the_answers_alone(delivery: Delivery, tmp_path: Path) -> None:
    other = deliver(tmp_path, identifiers_seed=5, waves=("2026H1",))
    kinds = {"numbers": 0, "rest": 0}
    for text in set(other.identifiers) & set(delivery.identifiers):
        kinds["numbers" if text[0] in "019" else "rest"] += 1
    assert kinds["numbers"] < 20
    columns = [item for item in ITEMS if item not in IDENTIFIERS]
    folders = tmp_path, delivery.files[0].parent
    ours, theirs = (pd.read_csv(folder / "2026H1.csv", dtype=str, usecols=columns) for folder in folders)
    pd.testing.assert_frame_equal(ours, theirs)


@pytest.mark.parametrize("wave", WAVES)
def test_cleaning_undoes_what_the_vendor_did(delivery: Delivery, cleaned_waves: dict[str, Cleaned], wave: str) -> None:
    """Cleaned answers are the answers given, but for the few mishaps the delivery plants."""
    cleaned = cleaned_waves[wave]
    cases = draw(delivery.city, wave, delivery.city.seed)
    blank = [""] * len(cases.person)
    nobody = invent(blank, cases.mode.tolist(), [0] * len(blank), np.random.default_rng(1))
    given = tidy(delivery.city, cases, nobody).set_index("respondent")
    given = given[given["disposition"] == str(COMPLETE)].reindex(cleaned.frame["respondent"])
    assert len(cleaned.frame) == int(cases.complete.sum()) - cleaned.counts["partial"] - cleaned.counts["set_aside"]
    for question in QUESTIONS:
        if question.multiple or question.name in LAYOUTS[wave].absent:
            continue
        truth = given[question.name].map(lambda code: code if code > "0" else "").to_numpy()
        answers = cleaned.frame[question.name].astype(object).fillna("").to_numpy()
        straight = question.name.endswith("_satisfied") or question.name[:2] in ("c6", "d1", "d2", "d3")
        allowed = HURRIED + INVENTED * LAYOUTS[wave].invented if straight else 3
        assert (truth != answers).sum() <= allowed, question.name


@pytest.mark.parametrize("wave", WAVES)
def test_several_answers_in_a_cell_are_got_back(
    delivery: Delivery, cleaned_waves: dict[str, Cleaned], wave: str
) -> None:
    cleaned = cleaned_waves[wave]
    found = [column for column in cleaned.frame if str(column).startswith("a9_problems")]
    assert len(found) == len(BY_NAME["a9_problems"].shares)
    asked = cleaned.frame["a1_safe_now"].isin(["3", "4"])
    assert cleaned.frame.loc[~asked, found].isna().all(axis=None)
    cases = draw(delivery.city, wave, delivery.city.seed)
    of_case = {f"{wave[2:]}-{row + 1:05d}": row for row in np.flatnonzero(cases.complete)}
    rows = cleaned.frame.loc[asked, "respondent"].map(of_case)
    given = cleaned.frame.loc[asked, found].to_numpy(float)
    assert (given != cases.answers["a9_problems"][rows]).any(axis=1).sum() <= 2


@pytest.mark.parametrize("wave", WAVES)
def test_each_wave_holds_the_mishaps_of_its_layout(cleaned_waves: Waves, wave: str) -> None:
    cleaned = cleaned_waves[wave]
    rules = cleaned.problems["rule"].value_counts()
    assert rules["duplicate"] == 2
    assert rules.get("conflicting_duplicate", 0) == 2 * LAYOUTS[wave].contradictions  # both rows of a case
    assert rules["partial"] >= 2
    odd = sum(len(values) for item, values in LAYOUTS[wave].odd.items())
    assert rules.get("range", 0) + rules.get("unknown_level", 0) == odd
