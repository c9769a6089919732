"""One run from plan to ledger: same bytes under both drivers, only what changed again, never half published."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows import run as runs
from flows.job import Job
from flows.ledger import Ledger
from flows.lock import only_one
from flows.private import withheld
from flows.publish import is_whole, publish
from flows.run import Line, Outcome
from flows.workspace import Workspace, digest
from survey.errors import AnxinError, CodebookError
from tests.small_survey import YAML, frame, write


def run(root: Path, driver: Any = runs.plain, name: str = "plain") -> tuple[Outcome, list[Line]]:
    """Publish the small survey below a root; the outcome and the stages that ran."""
    lines: list[Line] = []
    job = Job.plan(Workspace(root), "small-town", None, None, None, root / "public")
    now = datetime(2026, 11, 24, tzinfo=UTC)
    return runs.run(job, driver, name, lines.append, lambda: now), lines


def published(root: Path) -> dict[str, bytes]:
    """Everything an outsider sees, by path."""
    folder = root / "public" / "small-town" / "w1"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_stages_run_in_the_order_of_the_design(tmp_path: Path) -> None:
    write(tmp_path)
    _, lines = run(tmp_path)
    order = "intake cleaning quality privacy weighting estimate compare model disclosure tables report publication"
    assert [line.stage for line in lines] == order.split()
    assert {"zh.html", "en.html", "index.html", "manifest.json"} <= set(published(tmp_path))


def test_a_second_run_finds_nothing_to_do(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    before = published(tmp_path)
    outcome, lines = run(tmp_path)
    assert (outcome.fresh, lines) == (True, [])
    assert published(tmp_path) == before


def test_a_changed_sentence_redoes_what_is_printed_alone(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    write(tmp_path, yaml=YAML.replace("Small town survey", "Survey of the small town"))
    _, lines = run(tmp_path)
    assert [line.stage for line in lines] == ["tables", "report", "publication"]
    assert b"Survey of the small town" in published(tmp_path)["en.html"]


def test_another_schedule_redoes_no_stage_and_changes_no_byte(tmp_path: Path) -> None:
    lines = ['schedule: {cron: "30 2 * * *"}\n', 'schedule: {cron: "0 4 * * 1", catch_up: none}\n', ""]
    write(tmp_path)
    run(tmp_path)
    before = published(tmp_path)
    for line in lines:
        write(tmp_path, YAML + line)
        assert [stage.stage for stage in run(tmp_path)[1]] in ([], ["publication"])
        assert published(tmp_path) == before


def test_a_changed_note_redoes_the_pages_alone_and_a_number_in_it_stops_before_the_work(tmp_path: Path) -> None:
    folder = write(tmp_path)
    run(tmp_path)
    before = published(tmp_path)
    note = folder / "notes.w1.yaml"
    note.write_text("headline:\n  add: [{zh: 仅供参考, en: 'Care: {feels_safe.share}'}]", encoding="utf-8")
    _, lines = run(tmp_path)
    assert [line.stage for line in lines] == ["report", "publication"]
    after = published(tmp_path)
    assert b"Care: " in after["en.html"]
    assert {name for name in before if before[name] != after[name]} <= {"zh.html", "en.html", "manifest.json"}
    note.write_text("headline:\n  add: [{zh: 有7个, en: There are 7}]", encoding="utf-8")
    with pytest.raises(CodebookError, match=r"notes\.w1\.yaml line 2"):
        run(tmp_path)
    assert published(tmp_path) == after


@pytest.mark.parametrize(("overrides", "judged"), [({}, 1), ({"disclosure.min_n": 12}, 2)])
def test_a_trial_publishes_nothing_and_what_its_settings_tell_is_no_part_of_the_run_after_it(
    tmp_path: Path, overrides: dict[str, int], judged: int
) -> None:
    write(tmp_path)
    told: list[Line] = []
    settings = (None, None, None, tmp_path / "public", overrides)
    for dry in (True, False):
        job = Job.plan(Workspace(tmp_path), "small-town", *settings, dry=dry)
        runs.run(job, runs.plain, "plain", told.append, lambda: datetime(2026, 11, 24, tzinfo=UTC))
        assert (tmp_path / "public").exists() is not dry
    assert [line.stage for line in told][-3:] == ["tables", "report", "publication"]
    stages = [line.stage for line in told]
    assert stages.count("model") == 1
    assert [stages.count(each) for each in ("disclosure", "tables", "report")] == [judged] * 3
    entries = Ledger(tmp_path / "data" / "work" / "ledger.jsonl").entries()
    assert [(entry["status"], entry["overrides"]) for entry in entries] == [
        ("tried", overrides),
        ("published", overrides),
    ]


REVISED = YAML.replace("report:\n", "disclosure: {allow_small_revisions: another sample of the same size}\nreport:\n")


def test_a_changed_file_redoes_everything(tmp_path: Path) -> None:
    write(tmp_path, yaml=REVISED)
    run(tmp_path)
    write(tmp_path, yaml=REVISED, delivery=frame(seed=2))
    _, lines = run(tmp_path)
    assert len(lines) == 12


def test_a_damaged_publication_is_put_right(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    before = published(tmp_path)
    (tmp_path / "public" / "small-town" / "w1" / "en.html").write_text("damaged")
    outcome, _ = run(tmp_path)
    assert not outcome.fresh
    assert published(tmp_path) == before


def test_a_damaged_artefact_is_made_again(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    before = published(tmp_path)
    artefact = next((tmp_path / "data" / "work" / "store" / "estimate").glob("*/results.parquet"))
    artefact.write_bytes(b"damaged")
    (tmp_path / "data" / "work" / "ledger.jsonl").unlink()
    _, lines = run(tmp_path)
    assert "estimate" in [line.stage for line in lines]
    assert published(tmp_path) == before


def test_bytes_do_not_depend_on_process_hash_seed_key_or_locale(tmp_path: Path) -> None:
    found = []
    for place, seed, language in (("a", "0", "C.UTF-8"), ("b", "4242", "POSIX")):
        write(tmp_path / place)
        environment = {"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": seed, "LC_ALL": language, "HOME": str(tmp_path)}
        command = [sys.executable, "-m", "flows.cli", "run", "small-town"]
        subprocess.run(command, cwd=tmp_path / place, env=environment, check=True, capture_output=True)
        found.append(published(tmp_path / place))
    assert found[0] == found[1]


def test_private_folders_and_files_are_private(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    work = tmp_path / "data" / "work"
    assert work.stat().st_mode & 0o777 == 0o700
    for path in work.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    for path in (tmp_path / "public").rglob("*"):
        assert path.stat().st_mode & 0o004, path


def test_the_ledger_is_chained(tmp_path: Path) -> None:
    write(tmp_path, yaml=REVISED)
    run(tmp_path)
    write(tmp_path, yaml=REVISED, delivery=frame(seed=3))
    run(tmp_path)
    path = tmp_path / "data" / "work" / "ledger.jsonl"
    first, second = path.read_bytes().splitlines()
    assert json.loads(second)["previous"] == digest(first)
    assert [entry["status"] for entry in Ledger(path).entries()] == ["published", "published"]


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    work = Workspace(tmp_path).work
    with only_one(work), pytest.raises(AnxinError, match="Another run is at work"):
        run(tmp_path)


def test_publication_is_one_step_and_repeatable(tmp_path: Path) -> None:
    place = publish({"w": {"en.html": b"one", "tables/a.csv": b"1"}}, tmp_path / "public", "town")["w"]
    assert is_whole(place)
    first = place.resolve()
    publish({"w": {"en.html": b"two"}}, tmp_path / "public", "town")
    assert place.resolve() != first
    assert (place / "en.html").read_bytes() == b"two"
    assert not first.exists()


def listed(root: Path) -> list[str]:
    """Both lists of reports."""
    public = root / "public"
    return [(public / path).read_text(encoding="utf-8") for path in ("index.html", "small-town/index.html")]


def test_the_lists_follow_each_publication(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    first = listed(tmp_path)
    assert 'href="small-town/w1/zh.html"' in first[0]
    assert 'href="w1/en.html"' in first[1]
    version = (tmp_path / "public" / "small-town" / "w1").resolve().name
    assert all(f'data-version="{version}"' in text for text in first)
    write(tmp_path, yaml=REVISED, delivery=frame(seed=2))
    run(tmp_path)
    assert all(version not in text for text in listed(tmp_path))


def test_a_lost_or_outdated_list_is_put_right(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    before = listed(tmp_path)
    (tmp_path / "public" / "index.html").unlink()
    (tmp_path / "public" / "small-town" / "index.html").write_text("old")
    outcome, lines = run(tmp_path)
    assert not outcome.fresh
    assert [line.stage for line in lines] == ["publication"]
    assert listed(tmp_path) == before
    assert (tmp_path / "public" / "index.html").stat().st_mode & 0o777 == 0o644


def test_the_list_of_all_keeps_the_surveys_of_others(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    public = tmp_path / "public"
    about = json.loads((public / "small-town" / "w1" / "about.json").read_text(encoding="utf-8"))
    other = {**about, "survey": "other", "wave": "2020", "title": {"zh": "别的", "en": "Other <b>"}}
    publish({"2020": {"about.json": json.dumps(other).encode()}}, public, "other")
    text = (public / "index.html").read_text(encoding="utf-8")
    assert "small-town/w1/en.html" in text
    assert "other/2020/en.html" in text
    assert "Other &lt;b&gt;" in text
    assert "Other &lt;b&gt;" not in (public / "small-town" / "index.html").read_text(encoding="utf-8")


def test_a_fault_of_ours_is_told_without_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leak(*_: object) -> None:
        raise KeyError("张三 13800138000")

    write(tmp_path)
    monkeypatch.setattr("survey.cleaning.clean", leak)
    with pytest.raises(AnxinError) as fault:
        run(tmp_path)
    chain: list[BaseException] = [fault.value]
    while chain[-1].__context__ or chain[-1].__cause__:
        chain.append(chain[-1].__cause__ or chain[-1].__context__)  # type: ignore[arg-type]
    assert all("13800138000" not in str(error) for error in chain)
    assert "13800138000" not in (tmp_path / "data" / "work" / "ledger.jsonl").read_text()
    assert "KeyError" in withheld(KeyError("x"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace where the Prefect driver ran once, with its own embedded server, in a process of its own."""
    root = tmp_path_factory.mktemp("prefect")
    write(root)
    command = [sys.executable, "-m", "flows.cli", "run", "small-town", "--prefect"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "publication" in done.stdout
    return root


def test_both_drivers_publish_the_same_bytes(root: Path, tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    assert published(root) == published(tmp_path)


def test_both_drivers_leave_the_same_trace(root: Path, tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    traces = []
    for place in (root, tmp_path):
        entry = Ledger(place / "data" / "work" / "ledger.jsonl").entries()[0]
        assert sorted(entry["artefacts"]) == sorted(
            f"{stage} w1"
            for stage in ("privacy", "weighting", "estimate", "compare", "model", "disclosure", "tables", "report")
        )
        # The fingerprint holds the path of the publication; the names of artefacts depend on the key of pseudonyms.
        for key in ("started", "driver", "fingerprint", "artefacts"):
            entry.pop(key)
        for stage in entry["stages"]:
            stage.pop("seconds")
        traces.append(entry)
    assert traces[0] == traces[1]


def test_no_answer_and_no_identifier_reaches_prefect(root: Path) -> None:
    home = root / "data" / "work" / "prefect"
    delivered = frame()
    secrets = [*delivered["name"], *delivered["phone"], *delivered["person"]]
    content = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"anxin" in content
    assert not [value for value in secrets if value.encode() in content]


def test_prefect_saw_the_run_complete(root: Path) -> None:
    database = sqlite3.connect(root / "data" / "work" / "prefect" / "prefect.db")
    states = database.execute("select name, state_type from flow_run").fetchall()
    database.close()
    assert [state for _, state in states] == ["COMPLETED"]


def test_a_stopped_run_tells_prefect_no_value(tmp_path: Path) -> None:
    rows = frame()
    rows["safe"] = rows["phone"]
    write(tmp_path, delivery=rows)
    command = [sys.executable, "-m", "flows.cli", "run", "small-town", "--prefect"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert "w1.csv, column safe" in done.stderr
    assert "Traceback" not in done.stderr
    home = tmp_path / "data" / "work"
    content = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"values withheld" in content
    for phone in rows["phone"]:
        assert phone.encode() not in content
        assert phone not in done.stderr + done.stdout
    assert not (tmp_path / "public").exists()


def test_a_fault_between_the_stages_tells_prefect_no_value(tmp_path: Path) -> None:
    """The store runs outside of any task, and its errors may quote a cell."""
    write(tmp_path)
    script = """
import sys
from flows.store import Store
def leak(*_): raise ValueError("王芳 13812345678")
Store.save = leak
from flows.cli import main
sys.argv = ["anxin", "run", "small-town", "--prefect"]
main()
"""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert "ValueError" in done.stderr
    content = b"".join(path.read_bytes() for path in (tmp_path / "data" / "work").rglob("*") if path.is_file())
    assert b"values withheld" in content
    assert b"13812345678" not in content + done.stderr.encode() + done.stdout.encode()
