"""Whatever is edited, a run makes again what rests on it and nothing else: the bytes of a run that makes all of it."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

import flows.job
import flows.pipeline
from flows import run as runs
from flows.job import Job
from flows.status import FRESH, status
from flows.workspace import SCIENCE, Workspace
from reports.revisions import Earlier
from survey.errors import AnxinError
from tests.small_survey import MARGINS, YAML, frame

CHECKS = """\
checks:
  odd: {if: {safe: [1]}, then: {lights: [1]}, text: {zh: 矛盾, en: Odd}}
respondent:"""
SECOND = """\
  w2:
    file: w2.csv
    fieldwork: {start: 2026-10-01, end: 2026-10-31}
    breaks: {feels_safe: {zh: 问法不同, en: Asked in another way}}
"""
SURVEY = YAML.replace("respondent:", CHECKS) + SECOND
MORE_MARGINS = MARGINS + "".join(f"{wave},age,total,{total}\n" for wave, total in (("w1", 500_000), ("w2", 510_000)))
DECISION = "w1,ROW OF w1,inconsistent,exclude,Li,called back,SUM OF w1\n"
DECISIONS = "wave,row,rule,decision,reviewer,reason,sha256\n" + DECISION
Edit = tuple[str, str, str]

YES, NO = "1: {zh: 是, en: 'Yes'}", "2: {zh: 否, en: 'No'}"
EAST, WEST = "1: {zh: 东区, en: East}", "2: {zh: 西区, en: West}"
LAST = "2026-10-31}\n"

# What is edited: file, what stood there ("" the end of it), what stands there then; and the first artefact made again.
EDITS: dict[str, tuple[Edit, str]] = {
    "a comment": (("survey.yaml", "", "# nothing\n"), ""),
    "the schedule": (("survey.yaml", "", 'schedule: {cron: "0 4 * * 1"}\n'), ""),
    "the title": (("survey.yaml", "小城调查", "小城的调查"), "tables w2"),
    "the words of a block": (("survey.yaml", "Sense of security", "Security"), "tables w2"),
    "the words of a question": (("survey.yaml", "Are you safe?", "Do you feel safe?"), "tables w2"),
    "the label of an item": (("survey.yaml", "en: Lights", "en: Lamps"), "tables w2"),
    "the label of an indicator": (("survey.yaml", "en: Feels safe", "en: Is safe"), "tables w2"),
    "the label of a theme": (("survey.yaml", "en: Noise", "en: Din"), "tables w2"),
    "the label of a model": (("survey.yaml", "en: Who feels safe", "en: Who is safe"), "tables w2"),
    "a sentence on a break": (("survey.yaml", "Asked in another way", "Asked otherwise"), "tables w2"),
    "whether data are invented": (("survey.yaml", "simulated: true", "simulated: false"), "tables w2"),
    "the languages": (("survey.yaml", "languages: [zh, en]", "languages: [en, zh]"), "tables w2"),
    "why there is a revision": (
        ("survey.yaml", LAST, LAST + "    revision_note: {zh: 更正, en: Corrected}\n"),
        "report w2",
    ),
    "a note": (("notes.w2.yaml", "", "headline: {add: [{zh: 一句话。, en: A sentence.}]}\n"), "report w2"),
    "the words of a level that the delivery says": (("survey.yaml", YES, YES.replace("是", "是的")), "privacy w1"),
    "levels that change their words": (
        ("survey.yaml", f"{YES}, {NO}", f"1:{NO[2:]}, 2:{YES[2:]}"),
        "privacy w1",
    ),
    "a question that is worded at last": (
        ("survey.yaml", "age: {kind: number,", "age: {kind: number, text: {zh: 您多大？, en: 'How old are you?'},"),
        "privacy w1",
    ),
    "the words that make a theme": (("survey.yaml", "太吵, noise", "太吵"), "privacy w1"),
    "the words of a check": (("survey.yaml", "en: Odd", "en: Strange"), "privacy w1"),
    "the order of levels": (("survey.yaml", f"{EAST}, {WEST}", f"{WEST}, {EAST}"), "privacy w1"),
    "the missing codes": (("survey.yaml", "8: dont_know", "8: refused"), "privacy w1"),
    "a recode of a wave": (("survey.yaml", LAST, LAST + "    recode: {lights: {7: 1}}\n"), "privacy w2"),
    "a scale turned in a wave": (("survey.yaml", LAST, LAST + "    reverse: [lights]\n"), "privacy w2"),
    "the fieldwork of a wave": (("survey.yaml", "2026-10-31", "2026-10-30"), "privacy w2"),
    "a break that is none": (
        ("survey.yaml", "    breaks: {feels_safe: {zh: 问法不同, en: Asked in another way}}\n", ""),
        "privacy w2",
    ),
    "the smallest number told": (("survey.yaml", "report:\n", "disclosure: {min_n: 200}\nreport:\n"), "privacy w1"),
    "from how many on without caution": (
        ("survey.yaml", "report:\n", "disclosure: {caution_n: 150}\nreport:\n"),
        "disclosure w2",
    ),
    "leave for small revisions": (
        ("survey.yaml", "report:\n", "disclosure: {allow_small_revisions: a reason}\nreport:\n"),
        "disclosure w2",
    ),
    "the terms of a model": (("survey.yaml", "terms: [lit, sex]", "terms: [lit, district]"), "estimate w1"),
    "what is raked to": (("survey.yaml", "rake: [sex, district]", "rake: [sex]"), "privacy w1"),
    "a total of all waves": (("margins.csv", ",sex,1,5000", ",sex,1,5100"), "weighting w1"),
    "a total of one wave": (("margins.csv", "w2,age,total,510000", "w2,age,total,520000"), "weighting w2"),
    "a decision on a wave": (("decisions.csv", "", DECISION.replace("w1", "w2")), "privacy w2"),
    "a delivery": (("w1.csv", "Yes", "No"), "privacy w1"),
}  # fmt: skip


def lay(root: Path) -> None:
    """Two waves whose deliveries say the answers to one question in words."""
    folder = root / "data" / "raw" / "small-town"
    folder.mkdir(parents=True)
    texts = {"survey.yaml": SURVEY, "margins.csv": MORE_MARGINS, "decisions.csv": DECISIONS}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for seed, wave in enumerate(("w1", "w2"), start=1):
        rows = frame(n=720, seed=seed)
        rows = rows.assign(safe=rows["safe"].map({"1": "Yes", "2": "No"}))
        rows.to_csv(folder / f"{wave}.csv", index=False, encoding="utf-8")
    edited(folder, ("decisions.csv", "", ""))


def edited(folder: Path, edit: Edit) -> None:
    """Change one file."""
    name, before, after = edit
    file = folder / name
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    assert before in text, edit
    text = text.replace(before, after, 1) if before else text + after
    for wave in ("w1", "w2"):
        rows, content = pd.read_csv(folder / f"{wave}.csv"), (folder / f"{wave}.csv").read_bytes()
        odd = rows.index[rows["safe"].eq("Yes") & rows["lights"].eq(2)][0] + 2
        text = text.replace(f"SUM OF {wave}", hashlib.sha256(content).hexdigest()).replace(f"ROW OF {wave}", str(odd))
    file.write_text(text, encoding="utf-8")


def planned(root: Path, languages: tuple[str, ...] | None = None, dry: bool = False) -> Job:
    return Job.plan(Workspace(root), "small-town", None, languages, None, root / "public", dry=dry)


def outcome(root: Path) -> dict[str, bytes] | str:
    """What is published but for the record of the run, or what stopped it."""
    now = datetime(2026, 11, 24, tzinfo=UTC)
    try:
        runs.run(planned(root), runs.plain, "plain", lambda line: None, lambda: now)
    except AnxinError as fault:
        return str(fault)
    folder = root / "public" / "small-town" / "w2"
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which all was made once and nothing published, beside which a next report would be judged."""
    root = tmp_path_factory.mktemp("tried")
    lay(root)
    now = datetime(2026, 11, 24, tzinfo=UTC)
    runs.run(planned(root, dry=True), runs.plain, "plain", lambda line: None, lambda: now)
    assert {each.state for each in status(planned(root))} == {FRESH}
    return root


def first(job: Job) -> str:
    """Stage and wave of the first artefact that is not as the job needs it."""
    return next((f"{each.ref.stage} {each.ref.wave}" for each in status(job) if each.state != FRESH), "")


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_makes_again_what_rests_on_it_and_nothing_else(tried: Path, tmp_path: Path, what: str) -> None:
    edit, expected = EDITS[what]
    here, anew = tmp_path / "here", tmp_path / "anew"
    for root in (here, anew):
        shutil.copytree(tried, root)
        edited(root / "data" / "raw" / "small-town", edit)
    shutil.rmtree(anew / "data" / "work" / "store")
    assert first(planned(here)) == expected
    found, wanted = outcome(here), outcome(anew)
    assert found == wanted
    assert len(wanted) > 20


def test_what_is_asked_for_beside_the_settings_makes_again_what_rests_on_it(
    tried: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert first(planned(tried)) == ""
    assert first(planned(tried, ("en",))) == "tables w2"
    assert first(replace(planned(tried), borders="{}")) == "report w2"
    monkeypatch.setattr(flows.pipeline, "earlier_version", lambda job, wave: Earlier(2, ("w1",), b"{}"))
    assert first(planned(tried)) == "tables w2"


@pytest.mark.parametrize(
    ("what", "name", "expected"),
    [
        ("the science", "code_digest survey", "privacy w1"),
        ("the looks", "code_digest reports", "tables w2"),
        ("what hands one to the other", "files_digest", "privacy w1"),
        ("libraries of the science", f"libraries {SCIENCE}", "privacy w1"),
        ("libraries of the looks", "libraries", "tables w2"),
    ],
)
def test_other_code_makes_again_what_it_makes(
    tried: Path, monkeypatch: pytest.MonkeyPatch, what: str, name: str, expected: str
) -> None:
    function, _, argument = name.partition(" ")
    real = getattr(flows.job, function)

    def other(*given: object) -> str:
        is_meant = function == "files_digest" or argument in map(str, given or ("",))
        return str(real(*given)) + "!" * is_meant

    monkeypatch.setattr(flows.job, function, other)
    assert first(planned(tried)) == expected, what


def test_a_released_library_that_is_newer_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    before = flows.workspace.libraries()
    monkeypatch.setattr(flows.workspace, "version", lambda name: "99" if name == "scipy" else "1")
    newer = flows.workspace.libraries()
    monkeypatch.setattr(flows.workspace, "version", lambda name: "1")
    assert len({before, newer, flows.workspace.libraries()}) == 3


def test_decisions_that_name_an_unknown_wave_concern_every_wave(tried: Path) -> None:
    job = planned(tried)
    lines = DECISIONS + "w11,3,inconsistent,exclude,Li,called back,\n"
    assert [job.lines(lines, wave) != job.lines(DECISIONS, wave) for wave in ("w1", "w2")] == [True, True]
    assert job.lines(DECISIONS, "w2") != job.lines(DECISIONS.replace("w1,ROW", "w2,ROW"), "w2")
    assert pd.Series(job.lines("margin,level,total\nw1,1,5\n", "w2")).str.contains("w1").all()
