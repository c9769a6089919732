"""Damaged deliveries of every kind: a report, or a clear refusal; never a fault of ours, never half a publication."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows import run as runs
from flows.job import Job
from flows.publish import is_whole
from flows.run import Unexpected
from flows.workspace import Workspace
from survey.errors import AnxinError
from tests.small_survey import YAML, frame, write

CLEAN = frame().to_csv(index=False).encode()
NOW = datetime(2026, 11, 25, tzinfo=UTC)
FORMULAS = (
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "+1+cmd|' /C calc'",
    "-1-cmd|' /C calc'",
    "\t=1+1",
    '=HYPERLINK("http://x","y")',
)


def outcome(root: Path, delivery: bytes, name: str = "w1.csv") -> str:
    """ "published" or the refusal's words; anything else is an error of the test."""
    folder = write(root, yaml=YAML.replace("w1.csv", name))
    (folder / name).write_bytes(delivery)
    public = root / "public"
    job = Job.plan(Workspace(root), "small-town", None, None, None, public)
    before = sorted(public.rglob("*")) if public.exists() else []
    try:
        published = runs.run(job, runs.plain, "plain", lambda _: None, lambda: NOW).published
    except Unexpected as error:
        raise AssertionError(error.describe()) from None
    except AnxinError as error:
        assert (sorted(public.rglob("*")) if public.exists() else []) == before, "a refused run touched public/"
        return error.describe()
    assert all(is_whole(place) for place in published.values())
    return "published"


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The clean delivery, cut, flipped, spliced or joined with another encoding."""
    content = bytearray(CLEAN)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        match draw(st.sampled_from(["cut", "flip", "delete", "insert", "repeat", "delimiter", "recode"])):
            case "cut":
                del content[place:]
            case "flip" if content:
                content[place] ^= 1 << draw(st.integers(0, 7))
            case "delete":
                del content[place : place + draw(st.integers(1, 200))]
            case "insert":
                content[place:place] = draw(st.binary(min_size=1, max_size=12))
            case "repeat":
                content[place:place] = content[place : place + draw(st.integers(1, 300))]
            case "delimiter":
                content[:] = content.replace(b",", draw(st.sampled_from([b";", b"\t", b"|", b",,", b" "])))
            case "recode":
                other = draw(st.sampled_from(["gb18030", "utf-16", "big5", "shift_jis"]))
                half = bytes(content[place:]).decode("utf-8", "ignore").encode(other, "ignore")
                content[place:] = half
    return bytes(content)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(damaged())
def test_a_damaged_text(tmp_path_factory: pytest.TempPathFactory, delivery: bytes) -> None:
    assert outcome(tmp_path_factory.mktemp("fuzz"), delivery)


def workbook(rows: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    rows.to_excel(stream, index=False, engine="xlsxwriter")
    return stream.getvalue()


def zipped(rows: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w1.csv", rows.to_csv(index=False))
    return stream.getvalue()


def statistical(rows: pd.DataFrame, folder: Path, name: str) -> bytes:
    import pyreadstat

    path = folder / name
    getattr(pyreadstat, f"write_{path.suffix[1:]}")(rows, str(path))
    return path.read_bytes()


PACKED: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "w1.xlsx": workbook,
    "w1.zip": zipped,
    "w1.csv.gz": lambda rows: gzip.compress(rows.to_csv(index=False).encode(), mtime=0),
    "w1.parquet": lambda rows: rows.to_parquet(),
}


@pytest.mark.parametrize("name", [*PACKED, "w1.sav", "w1.dta"])
def test_a_damaged_packed_file(tmp_path: Path, name: str) -> None:
    """Whole it is published; cut in two it is refused; with a byte turned it is one or the other."""
    content = PACKED[name](frame()) if name in PACKED else statistical(frame(), tmp_path, name)
    assert outcome(tmp_path / "whole", content, name) == "published"
    assert "w1" in outcome(tmp_path / "half", content[: len(content) // 2], name)
    for step in range(1, 8):
        turned = bytearray(content)
        turned[step * len(content) // 8] ^= 0xFF
        assert outcome(tmp_path / f"turned{step}", bytes(turned), name)


def test_ten_thousand_columns(tmp_path: Path) -> None:
    wide = pd.concat([frame(), pd.DataFrame("1", index=range(360), columns=[f"x{k}" for k in range(10_000)])], axis=1)
    assert "line 1, column 12" in outcome(tmp_path, wide.to_csv(index=False).encode())


@pytest.mark.parametrize("column", ["remark", "name", "safe", "age", "community"])
def test_a_cell_of_a_million_characters(tmp_path: Path, column: str) -> None:
    rows = frame()
    rows.loc[3, column] = "长" * 1_000_000
    told = outcome(tmp_path, rows.to_csv(index=False).encode())
    assert len(told) < 2000
    assert "长长" not in told


def test_a_header_of_a_million_characters(tmp_path: Path) -> None:
    told = outcome(tmp_path, CLEAN.replace(b"remark", b"r" * 1_000_000, 1))
    assert told != "published"
    assert len(told) < 2000


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_in_a_cell_reaches_no_publication(tmp_path: Path, formula: str) -> None:
    rows = frame()
    for column in ("remark", "name", "safe", "lights"):
        rows.loc[5, column] = formula
    outcome(tmp_path, rows.to_csv(index=False).encode())
    for path in (tmp_path / "public").rglob("*"):
        if path.is_file():
            assert formula.encode() not in path.read_bytes()
