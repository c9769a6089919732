"""Decisions of reviewers and breaks in the series, on their way from the survey's folder to the publication."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from flows import check
from flows.job import Job
from flows.workspace import Workspace
from tests.flows.test_run import run
from tests.small_survey import YAML, frame, write

SECOND = """\
  w2:
    file: w2.csv
    fieldwork: {start: 2026-10-01, end: 2026-10-30}
    breaks: {safe: {zh: 题目改了说法, en: The question was worded anew}}
"""


def test_a_decision_runs_the_wave_again_and_is_tied_to_its_delivery(tmp_path: Path) -> None:
    rows = frame()
    rows.loc[10, "sex"] = ""
    folder = write(tmp_path, delivery=rows)
    _, lines = run(tmp_path)
    assert [line.rows_out for line in lines if line.stage == "cleaning"] == [359]
    digest = hashlib.sha256((folder / "w1.csv").read_bytes()).hexdigest()
    head = "wave,row,rule,decision,reviewer,reason,sha256\n"
    text = head + f"w1,12,partial,exclude,Li,no sex given,{digest}\nw1,12,partial,exclude,Li,again,{digest}\n"
    (folder / "decisions.csv").write_text(text.rsplit("w1,", 1)[0], encoding="utf-8")
    outcome, lines = run(tmp_path)
    assert not outcome.fresh
    assert [line.stage for line in lines][:3] == ["intake", "cleaning", "quality"]
    job = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public")
    told = "\n".join(check.check(job))
    assert any("partial" in line and "rows 12" in rows for line, rows in pairwise(told.splitlines()))
    assert f"sha256 {digest}" in told
    assert "excluded 1" in told


@pytest.mark.parametrize(("breaks", "words"), [(True, "break in the series [b]"), (False, "")])
def test_a_break_in_the_series_is_told_and_nothing_computed_across_it(tmp_path: Path, breaks: bool, words: str) -> None:
    second = SECOND if breaks else SECOND.rsplit("    breaks", 1)[0]
    folder = write(tmp_path, yaml=YAML + second)
    frame(seed=2).to_csv(folder / "w2.csv", index=False, encoding="utf-8")
    run(tmp_path)
    store = tmp_path / "data" / "work" / "store" / "disclosure"
    results = pd.concat([pd.read_parquet(path) for path in store.glob("*/results.parquet")])
    changes = results[results["statistic"] == "change"]
    assert set(changes["flag"] == "break") == {breaks}
    assert changes["estimate"].isna().all() == breaks
    assert set(changes["reason"]) >= ({"break in series"} if breaks else set())
    report = (tmp_path / "public" / "small-town" / "w2" / "en.html").read_text(encoding="utf-8")
    assert words in report
    assert ("The question was worded anew" in report) == breaks
