"""After a run: what is fresh and why not, what may go, the way back that holds, and a figure made again by hand."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flows import publish as publication
from flows import run as runs
from flows.explain import explain
from flows.history import numbered, rollback
from flows.job import Job
from flows.ledger import Ledger
from flows.publish import is_whole, publish
from flows.status import FRESH, MISSING, STALE, clean, planned, status
from flows.workspace import Workspace
from survey.errors import AnxinError, UsageError
from tests.flows.test_bad_input import run as call
from tests.flows.test_run import REVISED, published, run
from tests.small_survey import YAML, frame, write

NOW = datetime(2026, 11, 25, tzinfo=UTC)
RENAMED = YAML.replace("Small town survey", "Survey of the small town")


def job(root: Path) -> Job:
    return Job.plan(Workspace(root), "small-town", None, None, None, root / "public")


def states(root: Path) -> dict[str, str]:
    return {each.ref.stage: each.state for each in status(job(root))}


def test_what_a_run_would_do_is_what_it_then_does(tmp_path: Path) -> None:
    write(tmp_path)
    assert set(states(tmp_path).values()) == {MISSING}
    run(tmp_path)
    assert set(states(tmp_path).values()) == {FRESH}
    write(tmp_path, yaml=RENAMED)
    assert {stage for stage, state in states(tmp_path).items() if state == STALE} == {"tables", "report"}
    stale = [each for each in status(job(tmp_path)) if each.state == STALE]
    assert [each.why for each in stale] == [("survey.yaml",), ("survey.yaml", "tables w1")]
    _, lines = run(tmp_path)
    assert [line.stage for line in lines] == ["tables", "report", "publication"]
    write(tmp_path, yaml=RENAMED, delivery=frame(seed=2))
    (first, *_) = status(job(tmp_path))
    assert (first.ref.stage, first.state, first.why) == ("privacy", STALE, ("delivery",))


def test_what_the_store_lost_is_told_with_what_a_run_makes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    run(tmp_path)
    told = "What is published is of this very state: a run has nothing to do"
    assert call(tmp_path, monkeypatch, "status", "small-town") == 0
    assert told not in capsys.readouterr().out
    shutil.rmtree(tmp_path / "data" / "work" / "store" / "weighting")
    assert call(tmp_path, monkeypatch, "status", "small-town") == 0
    assert told in " ".join(capsys.readouterr().out.split())
    assert run(tmp_path)[0].fresh
    write(tmp_path, yaml=RENAMED)
    assert call(tmp_path, monkeypatch, "status", "small-town") == 0
    assert told not in " ".join(capsys.readouterr().out.split())


def test_a_plan_names_just_what_a_run_uses(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    used = Ledger(tmp_path / "data" / "work" / "ledger.jsonl").entries()[-1]["artefacts"]
    assert {f"{ref.stage} {ref.wave}": ref.key[:32] for ref in planned(job(tmp_path))} == used


def test_pruning_takes_what_nobody_needs_and_a_run_has_nothing_to_do_after_it(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    write(tmp_path, yaml=RENAMED)
    run(tmp_path)
    store = tmp_path / "data" / "work" / "store"
    (store / "report" / ".draft.99").mkdir()
    before = sorted(store.glob("*/*"))
    count = clean(Workspace(tmp_path), [job(tmp_path)], trial=True)
    assert sorted(store.glob("*/*")) == before
    done = clean(Workspace(tmp_path), [job(tmp_path)])
    assert done == count
    assert done.artefacts == 3  # tables and report under their old title, and the draft
    assert done.size > 0
    assert len(list(store.glob("*/*"))) == len(before) - 3
    assert run(tmp_path)[0].fresh


def test_the_way_back_shows_the_old_bytes_and_holds_them(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    old = published(tmp_path)
    write(tmp_path, yaml=RENAMED)
    run(tmp_path)
    assert published(tmp_path) != old
    back = rollback(job(tmp_path), None, NOW)
    assert (back.wave, back.now) == ("w1", (tmp_path / "public/small-town/w1").resolve().name)
    assert published(tmp_path) == old
    assert is_whole(tmp_path / "public" / "small-town" / "w1")
    assert back.now in (tmp_path / "public" / "index.html").read_text()
    outcome, lines = run(tmp_path)
    assert (outcome.held, lines) == ({"w1": back.now}, [])
    assert published(tmp_path) == old
    with pytest.raises(UsageError, match="no version of small-town w1 to go back to"):
        rollback(job(tmp_path), None, NOW)
    write(tmp_path, yaml=RENAMED.replace("Survey of the small", "The small"))
    outcome, _ = run(tmp_path)
    assert (outcome.held, outcome.fresh) == ({}, False)
    assert b"The small town" in published(tmp_path)["en.html"]
    assert rollback(job(tmp_path), back.before, NOW).now == back.before
    assert b"Survey of the small town" in published(tmp_path)["en.html"]


def test_a_version_that_is_damaged_or_gone_is_not_shown(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    write(tmp_path, yaml=RENAMED)
    run(tmp_path)
    now = published(tmp_path)
    (page,) = (tmp_path / "data" / "work" / "archive").rglob("en.html")
    page.write_text("damaged")
    with pytest.raises(UsageError, match="not kept any more"):
        rollback(job(tmp_path), None, NOW)
    with pytest.raises(UsageError, match="no version of"):
        rollback(job(tmp_path), "w1-000000000000", NOW)
    assert published(tmp_path) == now


def test_a_publication_that_fails_half_way_turns_all_links_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = tmp_path / "public"
    first = {wave: {"en.html": wave.encode()} for wave in ("a", "b")}
    publish(first, public, "town")
    turned: list[str] = []
    real = publication._turn

    def failing(folder: Path, wave: str, version: str | None) -> None:
        if wave == "b" and len(turned) == 1:
            turned.append("failed")
            raise OSError(28, "No space left on device")
        turned.append(wave)
        real(folder, wave, version)

    monkeypatch.setattr(publication, "_turn", failing)
    second = {wave: {"en.html": b"new"} for wave in ("a", "b")}
    with pytest.raises(OSError, match="No space"):
        publish(second, public, "town")
    monkeypatch.undo()
    assert [(public / "town" / wave / "en.html").read_text() for wave in "ab"] == ["a", "b"]
    publish(second, public, "town", tmp_path / "archive")
    assert [(public / "town" / wave / "en.html").read_text() for wave in "ab"] == ["new", "new"]
    assert len(list((public / "town" / ".versions").iterdir())) == 2
    kept = sorted(page.read_text() for page in (tmp_path / "archive").rglob("en.html"))
    assert kept == ["a", "b"]


def test_a_figure_is_made_again_from_its_answers_by_hand(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    ((number, entry),) = numbered(Workspace(tmp_path), "small-town")
    assert number == 1
    released = json.loads(published(tmp_path)["results.json"])["results"]
    for row in released:
        if row["item"] == "feels_safe" and row["statistic"] == "mean" and row.get("estimate") is not None:
            where = f"@{row['by']}={row['group']}" if "by" in row else ""
            told: dict[str, Any] = dict(explain(job(tmp_path), entry, f"feels_safe{where}"))
            assert float(told["made again"]) == pytest.approx(row["estimate"], rel=1e-5)
            assert told["mean"].startswith(f"{row['estimate']:.6g}")
    (ref,) = [ref for ref in planned(job(tmp_path)) if ref.stage == "weighting"]
    answers = job(tmp_path).store.load(ref).frames["answers"]
    told = dict(explain(job(tmp_path), entry, "feels_safe"))
    assert told["answers"].endswith(f"of {len(answers):,} respondents")
    assert isinstance(answers, pd.DataFrame)
    with pytest.raises(UsageError, match="told no such figure"):
        dict(explain(job(tmp_path), entry, "feels_odd"))
    assert clean(Workspace(tmp_path), [], trial=True).artefacts == 0, "what the last publication is made of stays"
    entry = {**entry, "artefacts": {**entry["artefacts"], "disclosure w1": "0" * 32}}
    with pytest.raises(UsageError, match="no longer there"):
        dict(explain(job(tmp_path), entry, "feels_safe"))


def test_the_ledger_tells_what_went_in_and_what_came_out(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    entry = Ledger(tmp_path / "data" / "work" / "ledger.jsonl").entries()[-1]
    released = json.loads(published(tmp_path)["results.json"])["results"]
    share = next(row["estimate"] for row in released if row["item"] == "feels_safe" and "by" not in row)
    assert entry["headline"]["w1"]["feels_safe"] == pytest.approx(share)
    assert entry["counts"]["w1"]["completes"] + entry["counts"]["w1"]["partial"] > 0
    assert entry["counts"]["w1"]["figures"] == len(released)
    assert entry["versions"]["pandas"] == pd.__version__
    assert entry["gates"]


@pytest.mark.parametrize(("number", "title"), [(28, "The disk is full"), (13, "may not be read or written")])
def test_what_is_wrong_with_the_machine_is_said(tmp_path: Path, number: int, title: str) -> None:
    write(tmp_path, yaml=REVISED)
    run(tmp_path)
    before = published(tmp_path)
    write(tmp_path, yaml=REVISED, delivery=frame(seed=2))

    def failing(planned_job: Job, step: Any) -> dict[str, Path]:
        raise OSError(number, "张三.csv")

    with pytest.raises(AnxinError, match=title) as stop:
        runs.run(replace(job(tmp_path)), failing, "plain", lambda line: None, lambda: NOW)
    assert "张三" not in str(stop.value)
    assert published(tmp_path) == before


def test_a_step_back_that_was_cut_short_is_finished_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    run(tmp_path)
    page = tmp_path / "public" / "small-town" / "w1" / "en.html"
    first = page.read_bytes()
    write(tmp_path, yaml=RENAMED)
    run(tmp_path)
    bad = page.read_bytes()
    with monkeypatch.context() as cut:
        cut.setattr("flows.history.show", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            rollback(job(tmp_path), None, NOW)
    assert page.read_bytes() == bad
    outcome, lines = run(tmp_path)
    assert (list(outcome.held), lines) == (["w1"], [])
    assert page.read_bytes() == first
    (tmp_path / "public" / "small-town" / "w1").unlink()
    run(tmp_path)
    assert page.read_bytes() == first


def test_an_archive_that_takes_nothing_does_not_undo_a_publication(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    run(tmp_path)
    (tmp_path / "data" / "work" / "archive").write_bytes(b"")
    write(tmp_path, yaml=RENAMED)
    outcome, _ = run(tmp_path)
    assert b"Survey of the small town" in (outcome.published["w1"] / "en.html").read_bytes()
    assert len(list((tmp_path / "public" / "small-town" / ".versions").iterdir())) == 2
    assert "could not be moved to the archive" in capsys.readouterr().err
