"""A survey in a notebook: the same figures as the report, drawn and tabled; the example notebook runs."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from flows.lock import only_one
from flows.workspace import Workspace
from survey import Study, estimate
from survey.errors import AnxinError, UsageError
from tests.flows.test_run import published, run
from tests.small_survey import YAML, write

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def test_a_wave_is_the_one_the_report_tells_of(tmp_path: Path) -> None:
    write(tmp_path)
    run(tmp_path)
    wave = Study("small-town", tmp_path).wave("w1")
    released = json.loads(published(tmp_path)["results.json"])["results"]
    assert len(wave.results) == len(released)
    row = wave.headline().iloc[0]
    told = next(each for each in released if each["item"] == "feels_safe" and "by" not in each)
    assert row["estimate"] == pytest.approx(told["estimate"])
    own = estimate.proportion(wave.design, "feels_safe").iloc[0]
    assert own["estimate"] == pytest.approx(row["estimate"])
    assert "phone" not in wave.design.frame
    assert wave.facts["disclosure"]["figures"] > 0


def test_a_study_computes_what_is_not_there_and_publishes_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    study = Study("small-town", tmp_path)
    assert study.waves == ["w1"]
    assert "小城" not in study._repr_html_()
    assert "Small town survey" in study._repr_html_()
    wave = study.wave()
    assert wave.name == "w1"
    assert not (tmp_path / "public").exists()
    page = wave._repr_html_()
    assert "Feels safe" in page
    assert "<svg" in page
    charts = wave.charts("zh")
    charts["areas-1"].save(tmp_path / "areas.svg")
    assert ElementTree.parse(tmp_path / "areas.svg").getroot().tag.endswith("svg")
    assert charts["areas-1"]._repr_svg_().startswith("<svg")


def test_hostile_labels_are_inert_in_a_notebook(tmp_path: Path) -> None:
    write(tmp_path, YAML.replace("en: Feels safe", "en: '<script>alert(1)</script>'"))
    assert "<script" not in Study("small-town", tmp_path).wave()._repr_html_()


def test_an_unknown_survey_or_wave_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(UsageError):
        Study("no-town", tmp_path)
    with pytest.raises(UsageError):
        Study("small-town", tmp_path).wave("w9")


def test_a_study_waits_for_no_run(tmp_path: Path) -> None:
    write(tmp_path)
    study = Study("small-town", tmp_path)
    with only_one(Workspace(tmp_path).work), pytest.raises(AnxinError, match="Another run is at work"):
        study.wave()
    assert study.wave().name == "w1"


def shown(source: str, names: dict[str, Any]) -> Any:
    """What a cell shows: the value of its last expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_and_is_stored_without_outputs(
    notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cells as Jupyter would run them, on the first wave of the shipped city."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    assert content["nbformat"] == 4
    shutil.copytree(ROOT / "data" / "raw" / "example-city", tmp_path / "data" / "raw" / "example-city")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    seen = []
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
            seen.append(shown("".join(cell["source"]), names))
    assert all(value is not None for value in seen)
    assert len(names["shown"]) == 11
    assert (names["by_area"]["n"] > 1000).all()


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS
