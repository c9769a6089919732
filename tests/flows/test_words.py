"""What the command line says: every template has its Chinese, with the same values, and English costs nothing."""

from __future__ import annotations

import ast
import json
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from flows import cli, cli_deploy, cli_runs
from flows.terminal import FURNITURE
from flows.words import LOCALES, WORDS, padded, t, terminal_language, told, translator
from survey.errors import AnxinError, UsageError
from tests.small_survey import YAML, frame, write

ROOT = Path(__file__).parents[2]
CATALOGUE = LOCALES / "zh" / "LC_MESSAGES" / "anxin.po"
FAULTS = {"AnxinError", "DataError", "GateError", "UsageError", "CodebookError", "DesignError", "EstimationError"}
FAULTS |= {"Unexpected", "Mistake", "FrameError"}
PARTS = {"where", "expected", "got", "hint"}
HAN = "[\u4e00-\u9fff]"


def texts(node: ast.expr | None, named: dict[str, list[ast.expr]]) -> list[str]:
    """Every literal text an expression may be: of a condition both, of a sum all, of a name what is assigned to it."""
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.IfExp():
            return texts(node.body, named) + texts(node.orelse, named)
        case ast.BinOp(op=ast.Add()):
            return [a + b for a, b in product(texts(node.left, named), texts(node.right, named))]
        case ast.Dict():
            return [text for value in node.values for text in texts(value, named)]
        case ast.Call(func=ast.Attribute(attr="get", value=table)):
            return texts(table, named) + [text for other in node.args[1:] for text in texts(other, named)]
        case ast.Name():
            others = {name: values for name, values in named.items() if name != node.id}
            return [text for value in named.get(node.id, []) for text in texts(value, others)]
    return []


def spoken(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that are shown to a person."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name in FAULTS:
        title = [] if name == "Mistake" else call.args[:1]
        return [*title, *(word.value for word in call.keywords if word.arg in PARTS)]
    if name == "_unknown":
        return call.args[3:4]
    if name == "Because":
        return call.args[:1]
    if isinstance(call.func, ast.Name) and name == "t":
        return call.args[:1]
    if isinstance(call.func, ast.Attribute) and name in ("Argument", "Option", "Typer"):
        return [word.value for word in call.keywords if word.arg == "help"]
    return []


def used() -> dict[str, str]:
    """Template → file and line that says it."""
    found = {text: "flows/words.py (WORDS)" for words in WORDS.values() for text in words}
    found |= dict.fromkeys(FURNITURE, "flows/cli.py (FURNITURE)")
    for path in sorted([*(ROOT / "survey").rglob("*.py"), *(ROOT / "flows").glob("*.py")]):
        for text, line in _said(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(text, f"{path.relative_to(ROOT)}:{line}")
    found |= {
        str(command.callback.__doc__): "flows/cli.py"
        for app in (cli.app, cli_deploy.app, cli_runs.app)
        for command in app.registered_commands
        if command.callback
    }
    return {text: place for text, place in found.items() if re.sub(r"{[^}]*}", "", text).strip()}


def _said(tree: ast.Module) -> Iterator[tuple[str, int]]:
    named: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    named.setdefault(target.id, []).append(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for argument in spoken(node):
                for text in texts(argument, named):
                    yield text, node.lineno


def values(template: str) -> set[tuple[str, str]]:
    """The values of a template, each with its format."""
    return {(name, form or "") for _, name, form, _ in string.Formatter().parse(template) if name is not None}


def translations() -> dict[str, str]:
    with CATALOGUE.open("rb") as stream:
        return {str(message.id): str(message.string) for message in read_po(stream) if message.id}


def test_every_sentence_has_its_chinese() -> None:
    known = translations()
    lacking = {text: place for text, place in used().items() if not known.get(text)}
    entries = "\n\n".join(
        f'#  {place}\nmsgid {json.dumps(text, ensure_ascii=False)}\nmsgstr ""' for text, place in lacking.items()
    )
    assert not lacking, f"add these {len(lacking)} to {CATALOGUE.relative_to(ROOT)}, with the Chinese:\n\n{entries}"


def test_the_catalogue_holds_nothing_else() -> None:
    with CATALOGUE.open("rb") as stream:
        messages = read_po(stream)
    assert [message.id for message in messages if message.id and message.fuzzy] == [], "fuzzy: check and unmark them"
    assert list(messages.obsolete) == [], "delete the entries marked #~"
    left_over = sorted({str(message.id) for message in messages if message.id} - set(used()))
    assert left_over == [], f"nobody says these any more; delete them from {CATALOGUE.relative_to(ROOT)}"


@pytest.mark.parametrize("text", translations())
def test_a_translation_keeps_the_values(text: str) -> None:
    assert values(translations()[text]) == values(text)


def test_chinese_punctuation_is_full_width() -> None:
    for text in translations().values():
        assert not re.search(rf"{HAN}[,;:?!()]|[,;:?!()]{HAN}", text), text


def test_a_word_of_ours_is_still_in_the_code() -> None:
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("survey", "flows")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "words.py"
    )
    assert [
        word for words in WORDS.values() for word in words if f'"{word}"' not in code and f"{word}=" not in code
    ] == []


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "C", "LC_ALL": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "zh_CN.UTF-8", "ANXIN_LANG": "en"}, "en"),
        ({"LANG": "de_DE", "ANXIN_LANG": "zh"}, "zh"),
    ],
)
def test_the_language_is_the_terminals(environ: dict[str, str], language: str) -> None:
    assert terminal_language(environ) == language


def test_what_has_no_translation_stays_english() -> None:
    assert translator("zh")("a sentence nobody translated") == "a sentence nobody translated"
    assert translator("fr")("wave") == "wave"


def test_the_users_own_words_are_never_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANXIN_LANG", "zh")
    fault = UsageError("There is no {what} {name} in this survey", what="wave", name="wave")
    assert t("wave") in told(fault)[0]
    assert "wave" in told(fault)[0]
    assert told(AnxinError("{known}", known="wave"))[0] == "wave"


def test_columns_stand_below_each_other() -> None:
    assert padded("去标识", 12) == "去标识" + 6 * " "
    assert padded("privacy", 12) == "privacy" + 5 * " "
    assert padded("a long name", 3) == "a long name"


def speak_chinese(monkeypatch: pytest.MonkeyPatch, root: Path, *arguments: str) -> int:
    """Exit code of the command line, called in this process as from a Chinese terminal."""
    monkeypatch.delenv("ANXIN_LANG")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.chdir(root)
    monkeypatch.setattr("sys.argv", ["anxin", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


@pytest.mark.parametrize(
    ("changes", "code", "parts"),
    [
        ({"delivery": frame().assign(safe=lambda rows: rows["safe"].replace("2", "5"))}, 1, ["w1.csv 第 ", "safe 列"]),
        ({"yaml": YAML.replace("simulated:", "simulatd:")}, 2, ["survey.yaml 第 6 行", "simulatd", "simulated"]),
        ({"yaml": YAML.replace("levels: [1]\n", "levels: [7]\n")}, 2, ["survey.yaml 第 39 行", "safe 的选项"]),
    ],
)
def test_bad_input_is_told_in_chinese(
    changes: dict[str, object],
    code: int,
    parts: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path, **changes)  # type: ignore[arg-type]
    assert speak_chinese(monkeypatch, tmp_path, "run", "small-town") == code
    told = capsys.readouterr().err
    for part in [*parts, "位置：", "应为：", "实际：", "提示："]:
        assert part in told, told


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("run", "no-town"), 2, "没有名为 no-town 的调查"),
        (("run",), 2, "缺少参数 survey"),
        (("frob",), 2, "没有 frob 命令"),
        (("run", "x", "--frob"), 2, "没有 --frob 选项"),
        ((), 2, "用法："),
    ],
)
def test_wrong_usage_is_told_in_chinese(
    arguments: tuple[str, ...],
    code: int,
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert speak_chinese(monkeypatch, tmp_path, *arguments) == code
    assert part in capsys.readouterr().err


def test_a_run_and_a_look_are_told_in_chinese(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    for arguments, parts in {
        ("check", "small-town"): ["survey.yaml 无误", "360 行"],
        ("run", "small-town"): ["接收", "去标识", "披露控制", "360 行", "标准误", "置信区间"],
        ("list",): ["小城调查", "已发布"],
    }.items():
        with monkeypatch.context() as patch:
            assert speak_chinese(patch, tmp_path, *arguments) == 0
        told = capsys.readouterr().out
        for part in parts:
            assert part in told, told


def test_help_follows_the_terminal_and_loads_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom flows import cli\nsys.argv = ['anxin', '--help']\n"
        "try:\n    cli.main()\nexcept SystemExit as stop:\n    print(stop.code)\n"
        "print([name for name in ('babel', 'numpy', 'pandas', 'prefect', 'pydantic') if name in sys.modules])"
    )
    shown = {}
    for language in ("en", "zh"):
        environ = {"ANXIN_LANG": language, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environ)
        assert done.returncode == 0, done.stderr
        shown[language] = done.stdout
    assert shown["en"].endswith("0\n[]\n"), shown["en"]
    assert "Publish the report" in shown["en"]
    assert "发布" in shown["zh"]
    assert not re.search("Usage|Options|Commands|Show", shown["zh"]), shown["zh"]
