"""`anxin forget`: of a forgotten wave nothing is left in data/work, and what is published stays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from flows.ledger import Ledger
from flows.private import erase
from flows.store import places
from tests.flows.test_bad_input import run as call
from tests.small_survey import YAML, frame, write

THREE = YAML + "".join(
    f"  w{n}:\n    file: w{n}.csv\n    fieldwork: {{start: 202{5 + n}-04-01, end: 202{5 + n}-04-30}}\n" for n in (2, 3)
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with three waves of other people, all published; base weights tell the waves apart."""
    root = tmp_path_factory.mktemp("forget") / "now"
    folder = write(root, yaml=THREE, delivery=delivery(1))
    for n in (2, 3):
        delivery(n).to_csv(folder / f"w{n}.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ANXIN_ENCRYPT", raising=False)
        assert call(root, patch, "run", "small-town", "--all-waves") == 0
    shutil.copytree(root, root.with_name("kept"), symlinks=True)
    return root


@pytest.fixture
def root(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That workspace, untouched and at the same place, by which a run knows its publication again."""
    monkeypatch.delenv("ANXIN_ENCRYPT", raising=False)
    monkeypatch.chdir(made.parent)
    shutil.rmtree(made)
    shutil.copytree(made.with_name("kept"), made, symlinks=True)
    return made


def delivery(n: int) -> pd.DataFrame:
    """A wave whose every base weight no other wave has."""
    return frame(seed=n).assign(weight_in=lambda rows: [f"{10 * n + place / 1e4:.4f}" for place in range(len(rows))])


def cells(work: Path) -> Iterator[tuple[Path, pd.DataFrame]]:
    """Every frame below data/work."""
    for path in work.rglob("*.parquet"):
        yield path, pd.read_parquet(path)


def traces(root: Path, n: int, persons: set[str]) -> list[Path]:
    """Files below data/work that hold a weight of the wave's delivery or one of its persons' pseudonyms."""
    weights = {float(weight) for weight in delivery(n)["weight_in"]}
    found = []
    for path, table in cells(root / "data" / "work"):
        if any(weights & set(table[column]) for column in table.select_dtypes("number")):
            found.append(path)
        if any(persons & set(table[column].astype(str)) for column in table):
            found.append(path)
    raw = [path for path in (root / "data" / "work").rglob("*") if path.is_file()]
    return found + [path for path in raw if any(person.encode() in path.read_bytes() for person in persons)]


def persons_of(root: Path, n: int) -> set[str]:
    """The pseudonyms of a wave's persons, from the artefact that holds its weights."""
    weights = {float(weight) for weight in delivery(n)["weight_in"]}
    tables = [table for path, table in cells(root / "data" / "work") if path.stem == "answers"]
    return {person for table in tables if set(table["base_weight"]) <= weights for person in table["person"]}


def public(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((root / "public").rglob("*")) if path.is_file()}


def test_nothing_of_the_wave_is_left_and_the_reports_stay(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, before = root / "data" / "work", public(root)
    first, second = persons_of(root, 1), persons_of(root, 2)
    assert len(first) == len(second) == 360
    assert traces(root, 2, second)
    draft = work / "store" / "privacy" / ".0123.99"
    draft.mkdir()
    (draft / "answers.parquet").write_bytes(b"a run that broke off")
    salt = (work / "keys" / "small-town" / "w2.salt").read_bytes()
    assert call(root, monkeypatch, "forget", "small-town", "w2", "--yes") == 0
    assert traces(root, 2, second) == []
    assert all(salt not in path.read_bytes() for path in work.rglob("*") if path.is_file())
    assert not draft.exists()
    assert traces(root, 1, first)
    assert public(root) == before
    left = {path.parent.name for path in places(work / "store")}
    assert {"privacy", "weighting", "estimate"} <= left
    entry = Ledger(work / "ledger.jsonl").entries()[-1]
    assert (entry["status"], entry["waves"], entry["survey"]) == ("forgotten", ["w2"], "small-town")
    assert call(root, monkeypatch, "run", "small-town", "--all-waves") == 0  # nothing changed, nothing is made again
    assert traces(root, 2, second) == []


def test_figures_of_a_later_wave_that_hold_those_of_the_forgotten_one_go_too(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call(root, monkeypatch, "forget", "small-town", "w1", "--yes") == 0
    for path, table in cells(root / "data" / "work"):
        assert "wave" not in table or "w1" not in set(table["wave"].astype(str)), path
        assert "level" not in table or "w1" not in set(table["level"].astype(str)), path


def test_a_later_wave_makes_the_forgotten_one_again_under_another_key(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, before = persons_of(root, 2), public(root)
    assert call(root, monkeypatch, "forget", "small-town", "w2", "--yes") == 0
    erase(root / "public" / "small-town" / ".versions")
    assert call(root, monkeypatch, "run", "small-town", "--all-waves") == 0
    assert public(root) == before
    assert len(persons_of(root, 2)) == 360
    assert not persons_of(root, 2) & old


def test_without_its_delivery_a_later_wave_is_told_why(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = public(root)
    assert call(root, monkeypatch, "forget", "small-town", "w1", "--yes") == 0
    (root / "data" / "raw" / "small-town" / "w1.csv").unlink()
    assert call(root, monkeypatch, "run", "small-town") == 1
    assert "The wave w1 was forgotten, and its delivery is not there" in capsys.readouterr().err
    assert public(root) == before


def test_all_waves_can_be_forgotten_when_survey_and_secret_are_gone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = root / "data" / "work"
    shutil.rmtree(root / "data" / "raw")
    (work / "pseudonym.key").unlink()
    assert call(root, monkeypatch, "forget", "small-town", "--all-waves", "--yes") == 0
    assert list((work / "keys").iterdir()) == []
    assert places(work / "store") == []
    assert list(cells(work)) == []


def test_another_survey_stays(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = root / "data" / "raw"
    shutil.copytree(raw / "small-town", raw / "big-town")
    text = (raw / "big-town" / "survey.yaml").read_text(encoding="utf-8")
    (raw / "big-town" / "survey.yaml").write_text(text.replace("survey: small-town", "survey: big-town"), "utf-8")
    assert call(root, monkeypatch, "run", "big-town", "--all-waves") == 0
    count = len(places(root / "data" / "work" / "store"))
    assert call(root, monkeypatch, "forget", "big-town", "--all-waves", "--yes") == 0
    assert len(places(root / "data" / "work" / "store")) == count / 2
    assert len(list((root / "data" / "work" / "keys" / "small-town").iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("small-town",), 2, "not clear what to forget"),
        (("small-town", "w1", "--all-waves"), 2, "not clear what to forget"),
        (("small-town", "w9", "--yes"), 2, "one of w1, w2, w3"),
        (("no-town", "--all-waves", "--yes"), 2, "nothing to forget of no-town"),
        (("small-town", "w1"), 1, ""),
    ],
)
def test_nothing_is_forgotten_by_mistake(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    part: str,
) -> None:
    count = len(places(root / "data" / "work" / "store"))
    assert call(root, monkeypatch, "forget", *arguments) == code  # where it asks, nobody answers
    assert part in capsys.readouterr().err
    assert len(places(root / "data" / "work" / "store")) == count


def test_what_links_the_waves_stays_until_the_last_is_forgotten(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = root / "data" / "work" / "keys" / "small-town.salt"
    kept = key.read_bytes()
    assert call(root, monkeypatch, "forget", "small-town", "w1", "--yes") == 0
    assert "until the last of them is forgotten: w2, w3" in capsys.readouterr().out
    assert key.read_bytes() == kept
    assert call(root, monkeypatch, "forget", "small-town", "--all-waves", "--yes") == 0
    assert not key.exists()
