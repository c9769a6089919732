"""A corrected redelivery: a note near the head, [r] on the figures that differ as printed, on no others."""

from __future__ import annotations

import csv
import errno
import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pandas as pd
import pytest

from flows import publish as publication
from flows.history import rollback
from flows.ledger import Ledger
from flows.status import FRESH, planned, status
from tests.flows.test_history import job
from tests.flows.test_incoming import arrive, take
from tests.flows.test_run import published, run
from tests.small_survey import YAML, frame, write

REASON = "    revision_note: {zh: 供应商更正了东区的答案。, en: The vendor corrected answers of the East.}\n"
KEYS = ("wave", "block", "item", "statistic", "level", "by", "group")
Key = tuple[str, ...]


def corrected(rows: int = 25) -> pd.DataFrame:
    """The same respondents, some answers of one district changed."""
    delivery = frame()
    delivery.loc[delivery.index[delivery["district"] == "1"][:rows], "safe"] = "2"
    return delivery


def redeliver(root: Path, delivery: pd.DataFrame) -> dict[str, bytes]:
    """The report that is published from a new delivery, taken through the intake folder."""
    arrive(root, delivery.to_csv(index=False).encode())
    take(root, 61)
    run(root)
    return published(root)


def first(root: Path, yaml: str = YAML) -> dict[str, bytes]:
    write(root, yaml)
    run(root)
    return published(root)


def figures(files: Mapping[str, bytes]) -> dict[Key, dict[str, Any]]:
    rows = json.loads(files["results.json"])["results"]
    assert len({tuple(row.get(key, "") for key in KEYS) for row in rows}) == len(rows)
    return {tuple(row.get(key, "") for key in KEYS): row for row in rows}


def printed(row: Mapping[str, Any] | None) -> str:
    """What a table prints of a figure of the small survey: one place of a per cent, three of a coefficient."""
    if row is None or row["flag"] not in ("released", "caution") or "estimate" not in row:
        return ""
    factor, places = (1, "0.001") if row["statistic"] == "coefficient" else (100, "0.1")
    value = Decimal(repr(round(row["estimate"] * factor, 9)))
    return str(value.quantize(Decimal(places), ROUND_HALF_UP) + 0)


def expected(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> set[Key]:
    """Figures of the new version with a number that is printed differently from the old one's, from the two files."""
    before = figures(old)
    return {key for key, row in figures(new).items() if printed(row) not in ("", printed(before.get(key)))}


def test_the_figures_that_bear_a_mark_are_those_that_differ_as_printed(tmp_path: Path) -> None:
    old = first(tmp_path)
    new = redeliver(tmp_path, corrected())
    marked = {key for key, row in figures(new).items() if "revised" in row}
    assert marked == expected(old, new)
    assert ("w1", "safety", "lights", "share", "1", "", "") not in marked  # nobody's answer to it changed
    assert {key[2] for key in marked} >= {"feels_safe", "safe"}
    assert 0 < len(marked) < len(figures(new))
    assert json.loads(new["results.json"])["revision"] == 2
    jsonschema.validate(json.loads(new["results.json"]), json.loads(new["results.schema.json"]))
    assert all("revised" not in row for row in figures(old).values())


def test_every_table_marks_them(tmp_path: Path) -> None:
    first(tmp_path)
    new = redeliver(tmp_path, corrected())
    marked = {key for key, row in figures(new).items() if "revised" in row}
    told = 0
    for name in (name for name in new if re.fullmatch(r"tables/(?!method).*\.csv", name)):
        for row in csv.DictReader(io.StringIO(new[name].decode("utf-8-sig"))):
            assert ("[r]" in row["mark"]) == (tuple(row[key] for key in KEYS) in marked), row
            told += "[r]" in row["mark"]
    assert told
    book = openpyxl.load_workbook(io.BytesIO(new["tables-en.xlsx"]))
    remarks = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if "[r]" in str(cell.value)]
    assert len(remarks) == told + 1  # and once in the notes
    area = list(csv.DictReader(io.StringIO(new["tables/areas.csv"].decode("utf-8-sig"))))
    assert [row["group"] for row in area if row["statistic"] == "mean" and "[r]" in row["mark"]] == ["1"]


def test_the_note_says_what_changed_in_both_languages_and_the_marks_are_explained(tmp_path: Path) -> None:
    old = first(tmp_path, YAML + REASON)
    new = redeliver(tmp_path, corrected())
    marked = len(expected(old, new))
    shown = sum(printed(row) != "" for row in figures(new).values())
    key = ("w1", "safety", "feels_safe", "mean", "", "", "")
    (before, now) = (
        next(printed(row) for k, row in figures(files).items() if k[2:] == key[2:]) for files in (old, new)
    )
    page = new["en.html"].decode()
    note = page[page.index('<aside class="revision"') : page.index("</aside>", page.index('<aside class="revision"'))]
    text = re.sub(r"<[^>]+>|[\u2066-\u2069]", "", note).replace("\N{NO-BREAK SPACE}", " ").replace("\u2060", "")
    assert "Version 2: this report takes the place of an earlier one" in text
    assert "The vendor corrected answers of the East." in text
    assert f"{marked} of {shown} figures differ" in text
    step = f"{Decimal(now) - Decimal(before)}".replace("-", "\N{MINUS SIGN}")
    assert f"moved most: {now}%, in the earlier report {before}% ({step} points)" in text
    assert "[r] revised: differs from the earlier report." in page
    assert page.index('<aside class="revision"') < page.index('id="headline"')
    assert (
        '<span class="mark revised"><span aria-hidden="true">[r]</span><span class="hidden">(revised)</span></span>'
        in page
    )
    chinese = new["zh.html"].decode()
    assert "供应商更正了东区的答案。" in chinese
    assert "第2版" in re.sub(r"<[^>]+>|[\u2060\u2066-\u2069]", "", chinese)
    assert all(b'<aside class="revision"' in new[name] for name in new if re.match(r"(en|zh)(-.*)?\.html", name))
    assert not any(b"[r]" in old[name] or b'aside class="revision"' in old[name] for name in old if "xlsx" not in name)


def test_a_reason_is_another_sentence_and_no_other_figure(tmp_path: Path) -> None:
    first(tmp_path)
    redeliver(tmp_path, corrected())
    write(tmp_path, YAML + REASON, corrected())
    _, lines = run(tmp_path)
    assert [line.stage for line in lines] == ["report", "publication"]


def test_the_same_delivery_with_other_settings_is_no_revision(tmp_path: Path) -> None:
    first(tmp_path)
    write(tmp_path, YAML.replace("report:\n", "disclosure: {caution_n: 150}\nreport:\n"))
    run(tmp_path)
    assert "revision" not in json.loads(published(tmp_path)["results.json"])
    new = redeliver(tmp_path, corrected())
    write(tmp_path, YAML.replace("Small town survey", "Survey of the small town"), corrected())
    run(tmp_path)
    again = published(tmp_path)
    assert json.loads(again["results.json"])["revision"] == 2
    assert {k for k, row in figures(again).items() if "revised" in row} == {
        k for k, row in figures(new).items() if "revised" in row
    }


def test_a_third_delivery_is_compared_with_the_second(tmp_path: Path) -> None:
    first(tmp_path)
    second = redeliver(tmp_path, corrected())
    third = redeliver(tmp_path, corrected(60))
    assert json.loads(third["results.json"])["revision"] == 3
    assert {key for key, row in figures(third).items() if "revised" in row} == expected(second, third)


def test_after_a_step_back_the_next_delivery_is_compared_with_what_was_shown(tmp_path: Path) -> None:
    old = first(tmp_path)
    redeliver(tmp_path, corrected())
    rollback(job(tmp_path), None, datetime(2026, 11, 25, tzinfo=UTC))
    assert published(tmp_path) == old
    new = redeliver(tmp_path, corrected(60))
    assert {key for key, row in figures(new).items() if "revised" in row} == expected(old, new)


def test_a_revision_is_the_same_bytes_when_its_publication_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first(tmp_path)
    write(tmp_path, YAML, corrected())
    with monkeypatch.context() as broken:
        broken.setattr("flows.run.Ledger", Full)
        with pytest.raises(Exception, match="disk is full"):
            run(tmp_path)  # shown, and no line of the ledger says so
    before = published(tmp_path)
    assert json.loads(before["results.json"])["revision"] == 2
    run(tmp_path)
    assert published(tmp_path) == before
    assert {each.state for each in status(job(tmp_path))} == {FRESH}
    assert planned(job(tmp_path))[-1].stage == "report"


class Full(Ledger):
    """A ledger of runs on a full disk."""

    def append(self, entry: dict[str, Any]) -> None:
        raise OSError(errno.ENOSPC, entry["status"])


def test_without_the_earlier_version_the_note_says_that_nothing_is_marked(tmp_path: Path) -> None:
    first(tmp_path)
    (version,) = (tmp_path / "public" / "small-town" / publication.VERSIONS).iterdir()
    (version / "results.json").write_text("{}")
    new = redeliver(tmp_path, corrected())
    assert "no longer at hand" in new["en.html"].decode()
    assert json.loads(new["results.json"])["revision"] == 2
    assert not any("revised" in row for row in figures(new).values())


def test_a_withheld_figure_bears_no_mark_and_is_told_no_difference(tmp_path: Path) -> None:
    """A district that was told before and is too small now: its cells say [c], whatever they said before."""
    yaml = YAML.replace("report:\n", "disclosure: {allow_small_revisions: test}\nreport:\n")
    first(tmp_path, yaml)
    delivery = frame()
    gone = delivery.index[delivery["district"] == "3"][8:]
    delivery.loc[gone, "safe"] = "9"
    new = redeliver(tmp_path, delivery)
    withheld = {key for key, row in figures(new).items() if row["flag"].startswith("suppressed")}
    assert any(key[5:] == ("district", "3") for key in withheld)
    assert not any("revised" in figures(new)[key] for key in withheld)


def test_a_later_wave_that_looks_back_to_the_corrected_one_says_whose_data_they_were(tmp_path: Path) -> None:
    two = YAML + "  w2:\n    file: w2.csv\n    fieldwork: {start: 2026-07-01, end: 2026-07-30}\n"
    folder = write(tmp_path, two)
    frame(seed=5).to_csv(folder / "w2.csv", index=False)
    run(tmp_path)  # the newest wave
    place = tmp_path / "public" / "small-town" / "w2"
    old = {"results.json": (place / "results.json").read_bytes()}
    corrected().to_csv(folder / "w1.csv", index=False)
    run(tmp_path)
    new = {"results.json": (place / "results.json").read_bytes()}
    marked = {key for key, row in figures(new).items() if "revised" in row}
    assert marked == expected(old, new)
    assert {key[0] for key in marked} == {"w1", "w2"}  # of w2 the change since w1 alone
    assert {key[3] for key in marked if key[0] == "w2"} <= {"change", "change_in_table", "equivalence"}
    assert "the data of w1 were corrected" in re.sub(r"<[^>]+>|[\u2060-\u2069]", "", (place / "en.html").read_text())
