"""What an artefact is called holds every setting it rests on, in its order, and no sentence that is only printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows import run as runs
from flows.job import MINIMA, SETTINGS, UNUSED, Job
from flows.status import STALE, status
from flows.workspace import Workspace
from tests.flows.test_run import published, run
from tests.small_survey import YAML, write

# Items, levels and exceptions called like sentences.
NAMED = (
    YAML.replace("lights", "text")
    .replace("2: {zh: 女, en: Women}}", "2: {zh: 女, en: Women}, text: {zh: 短信, en: Message}}")
    .replace("  age: {kind", "  population: {kind")
    .replace(
        "privacy: {",
        "privacy: {exact: {population: {zh: 甲, en: One}}, not_identifiers: {population: {zh: 乙, en: Two}}, ",
    )
)
WEST_FIRST = {"2": {"zh": "西区", "en": "West"}, "1": {"zh": "东区", "en": "East"}, "3": {"zh": "北区", "en": "North"}}
BY_DISTRICT = YAML.replace("terms: [lit, sex]", "terms: [lit, sex, district]")


def planned(root: Path, overrides: dict[str, Any] | None = None, dry: bool = False) -> Job:
    return Job.plan(Workspace(root), "small-town", None, None, None, root / "public", overrides, dry)


def test_every_setting_that_is_no_sentence_is_part_of_a_name(tmp_path: Path) -> None:
    write(tmp_path, yaml=NAMED)
    job = planned(tmp_path)
    for stage in (*SETTINGS, *UNUSED):
        whole = job.book.model_dump(mode="json", include=set(SETTINGS.get(stage, ())) or None, exclude={"schedule"})
        kept = json.loads(job._settings(stage, "w1"))
        for path, value in leaves(whole):
            *owner, last = path
            if last in job.book.languages:
                assert found(kept, owner[:-1]).keys() >= {owner[-1]}, (stage, path)
            elif stage == "privacy" and path[0] == "disclosure" and path[1] not in MINIMA:
                assert path[1] not in kept["disclosure"], path  # the stage of that name has it
            elif tuple(path[:2]) != ("report", "map"):
                assert found(kept, path) == value, (stage, path)


def leaves(content: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Ways to all values but lists' members, and what stands there."""
    if isinstance(content, dict) and content:
        for key, value in content.items():
            yield from leaves(value, (*path, key))
    elif content != {}:
        yield path, content


def found(content: Any, path: Any) -> Any:
    for key in path:
        content = content[key]
    return content


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("a level", ", text: {zh: 短信, en: Message}"),
        ("a variable told exactly", "exact: {population: {zh: 甲, en: One}}, "),
        ("an exception of a gate", ", not_identifiers: {population: {zh: 乙, en: Two}}"),
    ],
)
def test_what_is_called_like_a_sentence_is_missed_where_it_is_gone(tmp_path: Path, gone: str, words: str) -> None:
    write(tmp_path, yaml=NAMED)
    before = {stage: planned(tmp_path)._settings(stage, "w1") for stage in SETTINGS}
    assert words in NAMED
    write(tmp_path, yaml=NAMED.replace(words, ""))
    assert planned(tmp_path)._settings("privacy", "w1") != before["privacy"], gone


def test_a_sentence_that_is_only_printed_is_part_of_no_other_name(tmp_path: Path) -> None:
    write(tmp_path, yaml=NAMED)
    before = {stage: planned(tmp_path)._settings(stage, "w1") for stage in (*SETTINGS, *UNUSED)}
    for one, other in (("en: Lights", "en: Lamps"), ("en: One", "en: Reason")):
        assert one in NAMED
        write(tmp_path, yaml=NAMED.replace(one, other))
        after = {stage: planned(tmp_path)._settings(stage, "w1") for stage in before}
        assert {stage for stage in before if before[stage] != after[stage]} == {*UNUSED}, one


@pytest.mark.parametrize("trial", [True, False])
def test_figures_are_told_in_the_order_that_survey_yaml_has_now(tmp_path: Path, trial: bool) -> None:
    """The order of levels says against which of them a model compares: also where a trial had another."""
    here, anew = tmp_path / "here", tmp_path / "anew"
    east = YAML[YAML.index("district: {levels: ") : YAML.index(", ordered: false}\nitems:")]
    west = "district: {levels: {2: {zh: 西区, en: West}, 1: {zh: 东区, en: East}, 3: {zh: 北区, en: North}}"
    turned = BY_DISTRICT.replace(east, west)
    assert turned != BY_DISTRICT
    write(here, yaml=BY_DISTRICT if trial else turned)
    if trial:
        job = planned(here, {"scales.district.levels": WEST_FIRST}, dry=True)
        runs.run(job, runs.plain, "plain", lambda line: None, lambda: datetime(2026, 11, 24, tzinfo=UTC))
    else:
        run(here)
        write(here, yaml=BY_DISTRICT)
        assert "model" in {each.ref.stage for each in status(planned(here)) if each.state == STALE}
    run(here)
    write(anew, yaml=BY_DISTRICT)
    run(anew)
    assert told(here) == told(anew)


def told(root: Path) -> dict[str, bytes]:
    """What is published, but the record of the run."""
    return {name: content for name, content in published(root).items() if name != "manifest.json"}
