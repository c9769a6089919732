"""Numbers of respondents that are not exact, from delivery to publication: once drawn, the same ever after."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from flows import run as runs
from flows.draws import DrawLedger
from flows.job import Job
from flows.status import FRESH, status
from flows.workspace import Workspace
from survey.attacker import read
from survey.errors import AnxinError
from survey.released import Drawn
from tests.flows.test_made_again import lay
from tests.flows.test_run import published, run
from tests.small_survey import YAML, frame, write

SETTINGS = {
    "rounded": "{method: rounded, base: 10}",
    "cell_key": "{method: cell_key, most: 4, variance: 2}",
    "private": "{method: private, epsilon: 4}",
}


def yaml(method: str) -> str:
    return YAML.replace("report:\n", f"disclosure: {{counts: {SETTINGS[method]}}}\nreport:\n", 1)


def forget_the_run(root: Path) -> None:
    (root / "data" / "work" / "ledger.jsonl").unlink()
    for stage in ("disclosure", "tables", "report", "estimate"):
        for artefact in (root / "data" / "work" / "store" / stage).glob("*/*"):
            if artefact.is_file():
                artefact.unlink()


@pytest.mark.parametrize("method", SETTINGS)
def test_a_rerun_tells_the_same_numbers(tmp_path: Path, method: str) -> None:
    if method == "private":
        pytest.importorskip("opendp", reason="the extra `private` is not installed")
    write(tmp_path, yaml=yaml(method))
    run(tmp_path)
    before = published(tmp_path)
    forget_the_run(tmp_path)
    _, lines = run(tmp_path)
    assert "disclosure" in [line.stage for line in lines]
    assert published(tmp_path) == before
    for language, told in (("zh", "受访人数"), ("en", "umbers of respondents ")):
        pages = [page.decode() for name, page in before.items() if name.startswith(language) and name.endswith(".html")]
        assert any(told in page for page in pages), language


@pytest.mark.parametrize("method", SETTINGS)
def test_an_outsider_reads_how_exact_numbers_are(tmp_path: Path, method: str) -> None:
    if method == "private":
        pytest.importorskip("opendp", reason="the extra `private` is not installed")
    write(tmp_path, yaml=yaml(method))
    run(tmp_path)
    seen = read([tmp_path / "public" / "small-town" / "w1"])
    assert seen.slack == {"rounded": 9, "cell_key": 4, "private": 12}[method]
    assert seen.rounding == 0.0005
    own = frame()
    true = own["sex"].value_counts()
    for group in ("1", "2"):
        here = (seen.figures["by"] == "sex") & (seen.figures["group"] == group) & (seen.figures["statistic"] == "mean")
        assert (seen.figures.loc[here, "n"] - true[group]).abs().max() <= 3 * seen.slack


def test_a_trial_does_not_choose_how_exact_the_next_publication_is(tmp_path: Path) -> None:
    pytest.importorskip("opendp", reason="the extra `private` is not installed")
    write(tmp_path, yaml=yaml("private"))
    loose = {"disclosure.counts.epsilon": 1_000_000}
    trial = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public", loose, dry=True)
    runs.run(trial, runs.plain, "plain", lambda line: None, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    path = tmp_path / "data" / "work" / "released" / "small-town.draws.jsonl"
    assert not path.exists()
    run(tmp_path)
    drawn = DrawLedger(path).drawn()
    assert sum({(each.item, each.by): each.epsilon for each in drawn}.values()) == pytest.approx(4)


def test_noise_of_a_trial_is_none_of_a_publication(tmp_path: Path) -> None:
    """Whoever sees trials could draw until the noise suits."""
    pytest.importorskip("opendp", reason="the extra `private` is not installed")
    write(tmp_path, yaml=yaml("private"))
    trial = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public", dry=True)
    runs.run(trial, runs.plain, "plain", lambda line: None, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    _, lines = run(tmp_path)
    assert "disclosure" in [line.stage for line in lines]


def test_noise_that_a_report_drew_makes_it_no_other_report(tmp_path: Path) -> None:
    """Nor does what later reports draw: what it draws itself is drawn once."""
    pytest.importorskip("opendp", reason="the extra `private` is not installed")
    write(tmp_path, yaml=yaml("private"))
    run(tmp_path)
    before = published(tmp_path)
    later = DrawLedger(tmp_path / "data" / "work" / "released" / "small-town.draws.jsonl")
    later.record({"w9": "another basis"}, pd.DataFrame([Drawn("w9", "a", "", "", 12.0, 1.0)], columns=Drawn._fields))
    job = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public")
    assert {each.state for each in status(job)} == {FRESH}
    shutil.rmtree(tmp_path / "data" / "work" / "store")
    shutil.rmtree(tmp_path / "public")
    run(tmp_path)
    assert published(tmp_path) == before
    loose = yaml("private").replace("epsilon: 4", "epsilon: 5")
    assert loose != yaml("private")
    write(tmp_path, yaml=loose)
    assert "disclosure" in [line.stage for line in run(tmp_path)[1]]


def test_what_later_waves_draw_changes_no_earlier_report(tmp_path: Path) -> None:
    """Neither its bytes nor whether it is fresh, though its accounting speaks of the budget."""
    pytest.importorskip("opendp", reason="the extra `private` is not installed")
    folder = lay(tmp_path / "here")
    start = "2026-04-30}\n"
    text = (folder / "survey.yaml").read_text(encoding="utf-8").replace(start, start + "    not_asked: [remark]\n")
    text = text.replace("report:\n", f"disclosure: {{counts: {SETTINGS['private']}}}\nreport:\n", 1)
    (folder / "survey.yaml").write_text(text, encoding="utf-8")
    pd.read_csv(folder / "w1.csv", dtype=str).drop(columns="remark").to_csv(folder / "w1.csv", index=False)
    first = both(tmp_path / "here", "w1")
    both(tmp_path / "here", "w1", "w2")
    (folder / "survey.yaml").write_text(text + "# another line\n", encoding="utf-8")
    shutil.copytree(tmp_path / "here", tmp_path / "anew", symlinks=True)
    shutil.rmtree(tmp_path / "anew" / "data" / "work" / "store")
    here, anew = both(tmp_path / "here", "w1", "w2"), both(tmp_path / "anew", "w1", "w2")
    assert here == anew
    assert {name: content for name, content in here.items() if name.startswith("w1/")} == first


def test_a_report_of_known_noise_is_no_other_when_more_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("opendp", reason="the extra `private` is not installed")
    folder = lay(tmp_path)
    text = (folder / "survey.yaml").read_text(encoding="utf-8")
    text = text.replace("report:\n", f"disclosure: {{counts: {SETTINGS['private']}}}\nreport:\n", 1)
    (folder / "survey.yaml").write_text(text, encoding="utf-8")
    both(tmp_path, "w2")
    both(tmp_path, "w1")  # of numbers that were all drawn for the report of w2
    ledger = DrawLedger(tmp_path / "data" / "work" / "released" / "small-town.draws.jsonl")
    ledger.record({"w9": "another"}, pd.DataFrame([Drawn("w1", "new", "", "", 12.0, 1.0)], columns=Drawn._fields))
    job = Job.plan(Workspace(tmp_path), "small-town", ("w1",), None, None, tmp_path / "public")
    assert {each.state for each in status(job)} == {FRESH}


def test_noise_that_was_lost_is_not_drawn_again(tmp_path: Path) -> None:
    pytest.importorskip("opendp", reason="the extra `private` is not installed")
    write(tmp_path, yaml=yaml("private"))
    run(tmp_path)
    before = published(tmp_path)
    ledger = tmp_path / "data" / "work" / "released" / "small-town.draws.jsonl"
    kept = ledger.read_bytes()
    ledger.unlink()
    shutil.rmtree(tmp_path / "data" / "work" / "store")
    write(tmp_path, yaml=yaml("private") + "# another line\n")
    with pytest.raises(AnxinError, match="noise of counts that are published is not known"):
        run(tmp_path)
    assert published(tmp_path) == before
    ledger.write_bytes(kept)
    run(tmp_path)
    kept_now = {name: content for name, content in published(tmp_path).items() if name != "manifest.json"}
    assert kept_now == {name: content for name, content in before.items() if name != "manifest.json"}


def both(root: Path, *waves: str) -> dict[str, bytes]:
    """What is published of waves but for the record of the run."""
    job = Job.plan(Workspace(root), "small-town", waves, None, None, root / "public")
    runs.run(job, runs.plain, "plain", lambda line: None, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    folder = root / "public" / "small-town"
    files = [path for wave in waves for path in (folder / wave).rglob("*") if path.name != "manifest.json"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files if path.is_file()}


def test_another_way_of_telling_counts_is_followed_at_once(tmp_path: Path) -> None:
    """Also where exact numbers were told before, in a publication or in a trial."""
    write(tmp_path)
    run(tmp_path)
    write(tmp_path, yaml=yaml("rounded").replace(", base: 10", ""))
    exact = {"disclosure.counts.method": "exact"}
    trial = Job.plan(Workspace(tmp_path), "small-town", None, None, None, tmp_path / "public", exact, dry=True)
    runs.run(trial, runs.plain, "plain", lambda line: None, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    run(tmp_path)
    told = json.loads(published(tmp_path)["results.json"])["results"]
    numbers = [row["n"] for row in told if "n" in row]
    assert numbers
    assert {n % 5 for n in numbers} == {0}


def test_draws_are_kept_private_and_sealed(tmp_path: Path) -> None:
    pytest.importorskip("opendp", reason="the extra `private` is not installed")
    write(tmp_path, yaml=yaml("private"))
    run(tmp_path)
    path = tmp_path / "data" / "work" / "released" / "small-town.draws.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    ledger = DrawLedger(path)
    tables = {(each.item, each.by): each.epsilon for each in ledger.drawn()}
    assert sum(tables.values()) == pytest.approx(4)
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(AnxinError, match="A ledger was changed"):
        ledger.drawn()
