"""The ledger of released cells, and an outsider with nothing but the published folder."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flows.cells import CellLedger, known_again
from flows.forget import forget, forgettable
from flows.ledger import Ledger
from flows.workspace import Workspace
from survey.attacker import attack, read
from survey.disclosure import Told
from survey.errors import AnxinError, GateError
from tests.flows.test_run import REVISED, published, run
from tests.small_survey import MARGINS, YAML, frame, write

SMALL = MARGINS.replace("district,1,4000", "district,1,6960").replace("district,3,3000", "district,3,40")


def small_district() -> pd.DataFrame:
    """A delivery with eight residents in the north, in two of its communities."""
    rows = frame(2400)
    north = rows[rows["community"].isin(["C08", "C09"])].groupby("community").head(4)
    return pd.concat([rows[rows["district"] != "3"], north], ignore_index=True)


def lines(root: Path) -> list[bytes]:
    path = root / "data" / "work" / "released" / "small-town.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_bytes().splitlines()


def test_an_outsider_reads_the_public_folder_and_learns_nothing_withheld(tmp_path: Path) -> None:
    write(tmp_path, delivery=small_district(), margins=SMALL)
    run(tmp_path)
    seen = read([tmp_path / "public" / "small-town" / "w1"])
    withheld = seen.figures[(seen.figures["mark"] == "[c]") & (seen.figures["statistic"] == "mean")]
    assert set(withheld["by"]) == {"district"}
    assert len(withheld) >= 2
    found = attack(seen)
    assert len(found) == len(withheld)
    assert not found["open"].any()
    # Had the neighbour been shown, the same outsider would know.
    shown = seen.figures["by"].eq("district") & seen.figures["group"].ne("3") & seen.figures["statistic"].eq("mean")
    seen.figures.loc[shown, "n"] = seen.figures.loc[shown, "group"].map(small_district()["district"].value_counts())
    seen.figures.loc[shown, "mark"] = ""
    again = attack(seen)
    assert again.loc[again["group"] == "3", ["n_low", "n_high", "open"]].values.tolist() == [[8.0, 8.0, True]]


def test_a_rerun_adds_nothing_and_gives_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path, delivery=small_district(), margins=SMALL)
    run(tmp_path)
    first, before = lines(tmp_path), published(tmp_path)
    (tmp_path / "data" / "work" / "ledger.jsonl").unlink()
    for artefact in (tmp_path / "data" / "work" / "store" / "disclosure").glob("*/*"):
        artefact.unlink()
    _, stages = run(tmp_path)
    assert "disclosure" in [line.stage for line in stages]
    assert lines(tmp_path) == first
    assert published(tmp_path) == before


def test_a_delivery_corrected_by_a_few_is_stopped_and_goes_on_for_a_reason(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    before, first = published(tmp_path), lines(tmp_path)
    write(tmp_path, delivery=frame().iloc[:-3])
    with pytest.raises(GateError, match="changed by a few respondents"):
        run(tmp_path)
    assert published(tmp_path) == before
    assert lines(tmp_path) == first
    write(tmp_path, yaml=REVISED, delivery=frame().iloc[:-3])
    run(tmp_path)
    assert published(tmp_path) != before
    assert lines(tmp_path)[: len(first)] == first


def test_another_breakdown_is_judged_beside_the_one_that_is_out(tmp_path: Path) -> None:
    """Districts are out; regions that hold one of them and four residents more would tell the four."""
    scale = "  region: {levels: {1: {zh: 甲, en: A}, 2: {zh: 乙, en: B}}, ordered: false}\nitems:\n"
    item = "  region: {scale: region, required: true, label: {zh: 地区, en: Region}}\n  community:"
    yaml = YAML.replace("items:\n", scale, 1).replace("  community:", item, 1)
    rows = frame(2400)
    first = rows["district"].eq("1") | rows.index.isin(rows.index[rows["district"] == "2"][:4])
    rows["region"] = np.where(first, "1", "2")
    write(tmp_path, yaml=yaml, delivery=rows)
    run(tmp_path)
    write(tmp_path, yaml=yaml.replace("  groups: [sex]\n", "  groups: [sex, region]\n"), delivery=rows)
    run(tmp_path)
    seen = read([tmp_path / "public" / "small-town" / "w1"]).figures
    means = seen[seen["statistic"] == "mean"].set_index(["by", "group"])["mark"]
    assert means["district", "1"] == ""
    assert means["region", "1"] == "[c]"


def test_a_changed_ledger_of_cells_stops_the_run(tmp_path: Path) -> None:
    ledger = CellLedger(tmp_path / "cells.jsonl")
    cells = pd.DataFrame({"wave": ["a", "b"], "item": "q", "n": [12.0, 13.0]})
    ledger.record({"a": "1", "b": "1"}, cells)
    assert [entry["wave"] for entry in ledger.entries()] == ["a", "b"]
    assert ledger.before({"a": "1", "b": "1"}) == []
    assert [entry["wave"] for entry in ledger.before({"a": "2"})] == ["a"]
    ledger.path.write_text(ledger.path.read_text().replace("12.0", "99.0"))
    with pytest.raises(AnxinError, match="A ledger was changed"):
        ledger.entries()


def test_a_published_breakdown_that_survey_yaml_no_longer_makes_stops_the_run(tmp_path: Path) -> None:
    bands = "  bands: {levels: {1: {zh: 甲, en: A}, 2: {zh: 乙, en: B}}}\nitems:\n"
    derived = "derived:\n  old: {recipe: band, of: age, edges: [16, 60, 111], scale: bands, label: {zh: 龄, en: Age}}\n"
    without = YAML.replace("items:\n", bands, 1)
    with_old = without.replace("derived:\n", derived, 1)
    write(tmp_path, yaml=with_old.replace("groups: [sex]", "groups: [sex, old]"))
    run(tmp_path)
    before = published(tmp_path)
    write(tmp_path, yaml=without)
    with pytest.raises(GateError, match="is no longer in") as caught:
        run(tmp_path)
    assert "w1: old" in caught.value.describe()
    assert published(tmp_path) == before
    write(tmp_path, yaml=with_old)
    run(tmp_path)


def test_a_ledger_that_does_not_know_what_is_published_stops_the_run(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    before, ledger = published(tmp_path), tmp_path / "data" / "work" / "released" / "small-town.jsonl"
    kept = ledger.read_bytes()
    ledger.unlink()
    run(tmp_path)  # nothing changed, nothing is published
    write(tmp_path, yaml=YAML.replace("Small town survey", "Survey of the small town"))
    with pytest.raises(AnxinError, match="does not know what is published"):
        run(tmp_path)
    assert published(tmp_path) == before
    ledger.write_bytes(kept)
    run(tmp_path)


def test_forgetting_takes_the_numbers_of_what_was_withheld(tmp_path: Path) -> None:
    write(tmp_path, delivery=small_district(), margins=SMALL)
    run(tmp_path)
    workspace, now = Workspace(tmp_path), datetime(2026, 11, 24, tzinfo=UTC)
    rows = [row for line in lines(tmp_path) for row in json.loads(line)["cells"]]
    hidden = [row for row in rows if not row[6]]
    assert any(row[3] == 8.0 for row in hidden)
    forget(workspace, "small-town", forgettable(workspace, "small-town", "w1"), now)
    after = [row for line in lines(tmp_path) for row in json.loads(line)["cells"]]
    assert [row for row in after if row[6]] == [row for row in rows if row[6]]
    assert [row for row in after if not row[6]] == [[*row[:3], None, None, None, *row[6:]] for row in hidden]
    assert len(CellLedger(tmp_path / "data" / "work" / "released" / "small-town.jsonl").entries()) == len(
        lines(tmp_path)
    )
    assert Ledger(tmp_path / "data" / "work" / "ledger.jsonl").entries()[-1]["cells"] == len(hidden)
    # Made again under other settings, the report still withholds what was withheld.
    before = published(tmp_path)
    write(tmp_path, yaml=YAML.replace("  headline: [feels_safe]", "  headline: [feels_safe]\n  items: [lights]"),
          delivery=small_district(), margins=SMALL)  # fmt: skip
    run(tmp_path)
    assert published(tmp_path) != before
    assert not attack(read([tmp_path / "public" / "small-town" / "w1"]))["open"].any()


def test_forgotten_numbers_are_counted_again_from_the_wave_made_again() -> None:
    answers = pd.DataFrame(
        {"area": pd.Categorical(["1", "1", "2", "2"]), "safe": [1.0, 0.0, 1.0, np.nan], "weight": [2.0, 3.0, 4.0, 5.0]}
    )
    nothing, kept = float("nan"), Told("w1", "safe", "area", "1", 2.0, 5.0, 0.4, True, False)
    lost = {
        name: Told("w1", item, by, group, nothing, nothing, nothing, False, True)
        for name, item, by, group in (
            ("group", "safe", "area", "2"), ("all", "safe", "", ""), ("gone", "asked_once", "area", "2"),
            ("nobody", "safe", "area", "3"),
        )
    }  # fmt: skip
    again = known_again([kept, *lost.values()], {"w1": answers}, "weight")
    assert again[0] == kept
    assert [(cell.by, cell.group, cell.n, cell.base) for cell in again[1:]] == [
        ("area", "2", 1.0, 4.0),
        ("", "", 3.0, 9.0),
    ]
    assert known_again(lost.values(), {}, "weight") == []
