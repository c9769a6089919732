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
"""
BREAK = "    breaks: {feels_safe: {zh: 问法不同, en: Asked in another way}}\n"
SURVEY = YAML.replace("respondent:", CHECKS) + SECOND + BREAK
MORE_MARGINS = MARGINS + "".join(f"{wave},age,total,{total}\n" for wave, total in (("w1", 500_000), ("w2", 510_000)))
DECISIONS = "wave,row,rule,decision,reviewer,reason,sha256\n"
DECISION = "w2,ROW OF w2,inconsistent,exclude,Li,called back,SUM OF w2\n"
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
    "a recode of a wave": (("survey.yaml", LAST, LAST + "    recode: {lights: {1: 2, 2: 1}}\n"), "privacy w2"),
    "a scale turned in a wave": (("survey.yaml", LAST, LAST + "    reverse: [lights]\n"), "privacy w2"),
    "the fieldwork of a wave": (("survey.yaml", "2026-10-31", "2026-10-30"), "privacy w2"),
    "a break that is none": (
        ("survey.yaml", BREAK, ""),
        "privacy w2",
    ),
    "the smallest number told": (("survey.yaml", "report:\n", "disclosure: {min_n: 200}\nreport:\n"), "privacy w1"),
    "the fewest units told": (("survey.yaml", "report:\n", "disclosure: {min_psus: 3}\nreport:\n"), "privacy w1"),
    "the fewest of one mind told": (
        ("survey.yaml", "report:\n", "disclosure: {unanimous_n: 40}\nreport:\n"),
        "privacy w1",
    ),
    "how counts are told": (
        ("survey.yaml", "report:\n", "disclosure: {counts: {method: cell_key}}\nreport:\n"),
        "privacy w1",
    ),
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
    "a total of all waves": (("margins.csv", ",sex,1,5000\n,sex,2,5200", ",sex,1,5100\n,sex,2,5100"), "weighting w1"),
    "a total of one wave": (("margins.csv", "w2,age,total,510000", "w2,age,total,520000"), "weighting w2"),
    "a decision on a wave": (("decisions.csv", "", DECISION), "privacy w2"),
    "a delivery": (("w1.csv", "Yes", "No"), "privacy w1"),
}  # fmt: skip


def lay(root: Path) -> Path:
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
    return folder


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
    (folder,) = (path for path in (root / "public" / "small-town").iterdir() if path.is_symlink())
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
    assert isinstance(wanted, dict), wanted
    assert found == wanted


def test_a_break_in_a_wave_that_is_not_compared_itself_counts(tmp_path: Path) -> None:
    """Between the first wave and the one before the newest: a change over it is none."""
    here, anew = tmp_path / "here", tmp_path / "anew"
    folder = lay(here)
    spring = "  w{0}: {{file: w{0}.csv, fieldwork: {{start: 203{0}-04-01, end: 203{0}-04-30}}}}\n"
    more = spring.format(3) + spring.format(4)
    (folder / "survey.yaml").write_text(SURVEY.replace(BREAK, "") + more, encoding="utf-8")
    (folder / "margins.csv").write_text(MARGINS, encoding="utf-8")
    for wave in ("w3", "w4"):
        shutil.copy(folder / "w2.csv", folder / f"{wave}.csv")
    job = planned(here, dry=True)
    assert job.compared("w4") == ["w1", "w3", "w4"]
    runs.run(job, runs.plain, "plain", lambda line: None, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    edited(folder, ("survey.yaml", LAST, LAST + BREAK))
    shutil.copytree(here, anew)
    shutil.rmtree(anew / "data" / "work" / "store")
    assert "compare" in [each.ref.stage for each in status(planned(here)) if each.state != FRESH]
    found, wanted = outcome(here), outcome(anew)
    assert isinstance(wanted, dict), wanted
    assert found == wanted


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
        return str(real(*given)) + "!" * (argument in map(str, given or ("",)))

    monkeypatch.setattr(flows.job, function, other)
    assert first(planned(tried)) == expected, what


@pytest.mark.parametrize("module", ["cells", "draws", "pipeline", "stages", "store"])
def test_so_does_the_code_that_hands_from_stage_to_stage(
    tried: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    shutil.copytree(Path(flows.job.__file__).parent, tmp_path / "flows")
    monkeypatch.setattr(flows.job, "CODE", tmp_path)
    assert first(planned(tried)) == ""
    with (tmp_path / "flows" / f"{module}.py").open("a") as file:
        file.write("# another line")
    assert first(planned(tried)) == "privacy w1"


def test_a_released_library_that_is_newer_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    before = flows.workspace.libraries()
    monkeypatch.setattr(flows.workspace, "version", lambda name: "99" if name == "scipy" else "1")
    newer = flows.workspace.libraries()
    monkeypatch.setattr(flows.workspace, "version", lambda name: "1")
    assert len({before, newer, flows.workspace.libraries()}) == 3


def test_decisions_that_name_an_unknown_wave_concern_every_wave(tried: Path) -> None:
    job = planned(tried)
    of_one = DECISIONS + "w1,3,inconsistent,exclude,Li,called back,\n"
    for more, expected in (("w11", [True, True]), ("", [True, True]), ("w1", [True, False]), (" w2 ", [False, True])):
        lines = of_one + f"{more},4,inconsistent,exclude,Li,called back,\n"
        assert [job.lines(lines, wave) != job.lines(of_one, wave) for wave in ("w1", "w2")] == expected, more


TABLES = ["", "margin,level,total\nw1,1,5\n", "wave,level,wave\nw1,1,w2\n", '"' + "x" * 200_000]


@pytest.mark.parametrize("table", TABLES, ids=["none", "no wave", "two waves", "no end"])
def test_a_table_that_cannot_be_parted_counts_whole(tried: Path, table: str) -> None:
    assert planned(tried).lines(table, "w2") == table
