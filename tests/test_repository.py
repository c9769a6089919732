"""What may be committed: no real delivery, nothing heavy, no trace of the machine it was made on."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1_000_000

# Written so that this file does not match itself.
REGISTRY = re.compile(rb"pypi[.]org|pythonhosted[.]org|piwheels[.]org|--(?:extra-)?index-url |--find-link[s] ", re.I)
MACHINE = re.compile(rb"(?<![\w.$}*-])/(?:work|home|Users|root|opt|tmp)/\w|\b[A-Z]:\\+Users\\")


def git(*arguments: str, stdin: str = "") -> list[str]:
    """What git answers, split at NUL so that no name is quoted; the ignore rules of this machine's user don't count."""
    command = ["git", "-C", str(ROOT), "-c", "core.excludesFile=", *arguments, "-z"]
    answer = subprocess.run(command, input=stdin.encode(), capture_output=True, check=False)
    assert answer.returncode in (0, 1), answer.stderr.decode()  # check-ignore says 1 for "none of them"
    return [name for name in answer.stdout.decode().split("\0") if name]


def is_ignored(name: str) -> bool:
    """Whether `git add` would refuse the file, were it there."""
    return git("check-ignore", "--no-index", "--stdin", stdin=f"{name}\0") == [name]


@cache
def tracked() -> tuple[Path, ...]:
    """Every tracked file that is there."""
    return tuple(path for name in git("ls-files") if (path := ROOT / name).is_file())


def locked(name: str) -> dict[str, str]:
    """Each requirement line of a lock file with the text of its hashes."""
    text = (ROOT / "requirements" / name).read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    return {entry.split(" \\", 1)[0].strip(): entry for entry in entries}


@pytest.mark.parametrize(
    "name",
    [
        "data/raw/some-city/wave.csv",
        "data/raw/some-city/wave.xlsx",
        "data/raw/some-city/sub/survey.yaml",
        "data/raw/some-city/survey.yaml.csv",
        "data/raw/wave.csv",
        "data/raw/example-city.csv",
        "data/raw/example-city2/x.sav",
        "data/raw/bcs-2007/bcs_0708.dta",
        "data/work/ledger.jsonl",
        "data/work/pseudonym.key",
        "public/some-city/2026H1/zh.html",
        ".venv/bin/python",
    ],
)
def test_a_real_delivery_or_private_file_is_ignored(name: str) -> None:
    assert is_ignored(name)


@pytest.mark.parametrize(
    "name",
    [
        "data/raw/some-city/survey.yaml",
        "data/raw/some-city/margins.csv",
        "data/raw/some-city/notes.2026H1.yaml",
        "data/raw/some-city/README.md",
        "data/raw/example-city/2024H2.xlsx",
        "data/raw/example-city/2025H1.sav",
        "survey/design.py",
        "reports/locale/zh/LC_MESSAGES/anxin.po",
    ],
)
def test_settings_margins_and_the_simulated_city_come_in(name: str) -> None:
    assert not is_ignored(name)


def test_only_the_simulated_city_has_deliveries_tracked() -> None:
    raw = ROOT / "data" / "raw"
    others = [path for path in tracked() if raw in path.parents and raw / "example-city" not in path.parents]
    assert {path.name for path in others} <= {".gitignore", "survey.yaml", "margins.csv", "README.md"}


def test_nothing_heavy_is_tracked() -> None:
    sizes = {path.relative_to(ROOT).as_posix(): path.stat().st_size for path in tracked()}
    assert {name: size for name, size in sizes.items() if size > 3 * MEGABYTE} == {}
    city = sum(size for name, size in sizes.items() if name.startswith("data/raw/example-city/"))
    assert city < 12 * MEGABYTE
    assert sum(sizes.values()) - city < 8 * MEGABYTE


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE], ids=["registry", "machine"])
def test_no_tracked_text_names_a_registry_or_this_machine(pattern: re.Pattern[bytes]) -> None:
    traces = []
    for path in tracked():
        content = path.read_bytes()
        found = None if b"\0" in content else pattern.search(content)
        if found:
            line = content[: found.start()].count(b"\n") + 1
            traces.append(f"{path.relative_to(ROOT)}:{line}: {found[0].decode(errors='replace')}")
    assert traces == []


def test_the_patterns_find_what_they_are_for() -> None:
    slash, dot = b"/", b"."
    assert MACHINE.search(b"see " + slash + b"home/someone/anxin")
    assert MACHINE.search(slash + b"work/main")
    assert not MACHINE.search(b"data/work/prefect ../shared/work/x")
    assert REGISTRY.search(b"https://pypi" + dot + b"org/simple")


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_every_locked_version_is_exact_and_has_hashes(name: str) -> None:
    entries = locked(name)
    assert entries
    for requirement, entry in entries.items():
        assert re.match(r"[\w.\[\],-]+==[\w.!]+( ; .+)?$", requirement), requirement
        assert re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry), requirement
        assert "+" not in requirement.split(" ;")[0], f"{requirement} is a local build"


def test_the_tools_are_locked_beside_the_same_libraries() -> None:
    run, dev = locked("run.txt"), locked("dev.txt")
    assert run.items() <= dev.items()
