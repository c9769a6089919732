"""10,000 identifiers of every kind, over every stage, way of failing and log: no byte of them outside data/raw."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.planted import Search, everything, identifiers, planted

CODE = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module", params=["plain", "prefect"])
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Workspaces, home, temporary files and terminal of one process that went every way there is."""
    root = tmp_path_factory.mktemp(request.param)
    for name in ("temporary", "home"):
        (root / name).mkdir()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ANXIN_", "PREFECT_"))},
        "PYTHONPATH": str(CODE),
        "TMPDIR": str(root / "temporary"),
        "HOME": str(root / "home"),
        "ANXIN_LANG": "en",
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_HOME": str(root / "prefect"),
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "tests.flows.leaks", str(root), request.param]
    with (root / "terminal.txt").open("wb") as terminal:
        subprocess.run(
            command, cwd=root, env=environment, stdout=terminal, stderr=subprocess.STDOUT, timeout=400, check=False
        )
    assert (root / "codes.json").is_file(), (root / "terminal.txt").read_text(encoding="utf-8")[-3000:]
    return root


@pytest.fixture(scope="module")
def search() -> Search:
    return Search(text for texts in identifiers().values() for text in texts)


def test_ten_thousand_identifiers_were_planted(search: Search) -> None:
    found = identifiers()
    content = planted(found).to_csv(index=False)
    texts = [text for texts in found.values() for text in texts]
    assert len(set(texts)) == len(texts)
    assert sum(text in content for text in texts) >= 10_000
    assert len(search(content.encode())) >= 10_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_the_search_sees_one_in_a_million_bytes(search: Search, encoding: str) -> None:
    for kind, texts in identifiers().items():
        content = b"x" * 1_048_570 + texts[7].encode(encoding) + b"y" * 1000
        assert texts[7] in search(content), kind


def test_each_case_ended_as_it_should(root: Path) -> None:
    codes = json.loads((root / "codes.json").read_text())
    assert {name: code for name, (expected, code) in codes.items() if code != expected} == {}
    assert len(codes) >= 16
    told = (root / "terminal.txt").read_text(encoding="utf-8")
    assert "a line of the log at DEBUG is kept" in told
    if not (root / "prefect").exists():  # whose own log at DEBUG shows where its tasks stopped
        assert "Traceback" not in told


def test_no_identifier_is_found_outside_the_deliveries(root: Path, search: Search) -> None:
    leaks = {}
    for name, content in everything([root]):
        if found := search(content):
            leaks[name.removeprefix(f"{root}/")] = sorted(found)[:5]
    assert leaks == {}


def test_nothing_is_written_but_where_it_belongs(root: Path) -> None:
    opened = [Path(name) for name in json.loads((root / "opened.json").read_text())]
    inside = [path for path in opened if path.is_relative_to(root)]
    assert len(inside) > 100
    kinds = {path.relative_to(root).parts[1] for path in inside if path.relative_to(root).parts[0] != "prefect"}
    assert kinds <= {"data", "public", "drafted"}
    strays = [path for path in opened if not path.is_relative_to(root) and path.parts[1] not in ("dev", "proc")]
    assert [
        path for path in strays if path.suffix not in (".pyc", ".nbi", ".nbc") and "__pycache__" not in str(path)
    ] == []
    assert [path for path in (root / "temporary").rglob("*") if path.is_file()] == []


def test_all_of_data_work_is_private(root: Path) -> None:
    works = list(root.glob("*/data/work"))
    assert len(works) >= 16
    for path in [inner for work in works for inner in (work, *work.rglob("*"))] + list((root / "prefect").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
