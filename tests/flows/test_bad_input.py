"""Every bad input ends in exit code 1 or 2 with its place named, and leaves the published folder as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from flows import cli
from tests import small_survey
from tests.small_survey import MARGINS, YAML, frame, write

SECOND_WAVE = """\
  w1:
    file: w2.csv
    fieldwork: {start: 2026-10-01, end: 2026-10-30}
"""


def run(root: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit code of the command line, called in this process."""
    monkeypatch.chdir(root)
    monkeypatch.setattr("sys.argv", ["anxin", *(arguments or ("run", "small-town"))])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def csv(change: Callable[[pd.DataFrame], pd.DataFrame]) -> bytes:
    return change(frame()).to_csv(index=False).encode()


def negative_weight(rows: pd.DataFrame) -> pd.DataFrame:
    rows.loc[7, "weight_in"] = "-2"
    return rows


def one_psu(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[(rows["district"] != "2") | (rows["community"] == "C04")]


BAD: dict[str, tuple[dict[str, object], int, list[str]]] = {
    "empty file": ({"delivery": b""}, 1, ["w1.csv line 1", "is empty"]),
    "header only": ({"delivery": csv(lambda rows: rows.head(0))}, 1, ["w1.csv line 1", "is empty"]),
    "truncated": ({"delivery": csv(lambda rows: rows)[:-30]}, 1, ["w1.csv line 361"]),
    "binary junk": ({"delivery": bytes(range(256)) * 40}, 1, ["w1.csv line"]),
    "wrong encoding": (
        {"yaml": YAML.replace("file: w1.csv", "file: w1.csv\n    encoding: ascii")},
        1,
        ["w1.csv line 2", "ascii"],
    ),
    "unknown column": ({"delivery": csv(lambda rows: rows.assign(extra=1))}, 1, ["w1.csv line 1, column 12", "extra"]),
    "duplicated column": (
        {"delivery": frame().to_csv(index=False).replace("lights", "safe", 1).encode()},
        1,
        ["w1.csv line 1, column 11", "column 10 again", "has no header"],
    ),
    "unknown key": (
        {"yaml": YAML.replace("simulated:", "simulatd:")},
        2,
        ["survey.yaml line 6", "did you mean simulated"],
    ),
    "level never defined": ({"yaml": YAML.replace("levels: [1]\n", "levels: [7]\n")}, 2, ["survey.yaml line 39", "7"]),
    "delivered level never defined": (
        {"delivery": csv(lambda rows: rows.assign(safe=rows["safe"].replace("2", "5")))},
        1,
        ["w1.csv row", "column safe"],
    ),
    "all weights zero": ({"delivery": csv(lambda rows: rows.assign(weight_in=0))}, 1, ["column weight_in"]),
    "negative weight": ({"delivery": csv(negative_weight)}, 1, ["w1.csv row 9, column weight_in"]),
    "margin without respondent": (
        {"delivery": csv(lambda rows: rows[rows["district"] != "3"])},
        1,
        ["margins.csv line 6", "district level 3"],
    ),
    "stratum with one PSU": ({"delivery": csv(one_psu)}, 1, ["column community", "stratum"]),
    "file outside the folder": (
        {"yaml": YAML.replace("w1.csv", "../../w1.csv")},
        2,
        ["survey.yaml line 54", "--source"],
    ),
    "wave listed twice": ({"yaml": YAML + SECOND_WAVE}, 2, ["survey.yaml line 56"]),
    "weights too uneven": (
        {"yaml": YAML.replace("report:\n", "gates: {max_deff: 1.01}\nreport:\n")},
        1,
        ["vary too much", "where: wave w1", "gates.max_deff"],
    ),
    "bad margin": ({"margins": MARGINS.replace("5200", "many")}, 2, ["margins.csv line 3"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_its_place_and_keeps_what_is_published(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    published = tmp_path / "public" / "small-town" / "w1"
    published.mkdir(parents=True)
    (published / "en.html").write_text("the last good report")
    changes, code, parts = BAD[case]
    write(tmp_path, **changes)  # type: ignore[arg-type]
    assert run(tmp_path, monkeypatch) == code
    told = capsys.readouterr().err
    for part in parts:
        assert part in told, told
    assert "Traceback" not in told
    assert [path.name for path in published.iterdir()] == ["en.html"]
    assert not (tmp_path / "public" / "small-town" / ".versions").exists()


def test_missing_file_says_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (write(tmp_path) / "w1.csv").unlink()
    assert run(tmp_path, monkeypatch) == 1
    assert "w1.csv is not there" in capsys.readouterr().err
    assert not (tmp_path / "public").exists()


def test_a_delivery_may_be_a_link_out_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    delivered = write(tmp_path) / "w1.csv"
    delivered.symlink_to(delivered.rename(tmp_path / "elsewhere.csv"))
    assert run(tmp_path, monkeypatch, "check", "small-town") == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("run", "no-town"), "There is no survey no-town"),
        (("run", "small-town", "--wave", "w9"), "There is no wave w9"),
        (("run", "small-town", "--lang", "fr"), "There is no language fr"),
    ],
)
def test_wrong_usage_is_exit_two(
    arguments: tuple[str, ...],
    part: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path)
    assert run(tmp_path, monkeypatch, *arguments) == 2
    assert part in capsys.readouterr().err


def test_no_answer_of_a_resident_stands_in_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame()
    rows["safe"] = rows["phone"]  # a vendor's slip: phone numbers in an answer column
    write(tmp_path, delivery=rows)
    assert run(tmp_path, monkeypatch) == 1
    told = capsys.readouterr()
    work = [path for path in (tmp_path / "data" / "work").rglob("*") if path.is_file()]
    for phone in rows["phone"]:
        assert phone not in told.err + told.out
        assert all(phone.encode() not in path.read_bytes() for path in work)


def test_sha256_of_another_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = hashlib.sha256(b"another file").hexdigest()
    write(tmp_path, yaml=small_survey.YAML.replace("file: w1.csv", f"file: w1.csv\n    sha256: {other}"))
    assert run(tmp_path, monkeypatch) == 1
    assert other in capsys.readouterr().err


def everything(root: Path) -> bytes:
    """All bytes a run left outside the raw deliveries, distinct Parquet cells unpacked."""
    parts = []
    for path in [*(root / "data" / "work").rglob("*"), *(root / "public").rglob("*")]:
        if path.is_file():
            parts.append(path.read_bytes())
            if path.suffix == ".parquet":
                table = pd.read_parquet(path)
                parts += ["\n".join(map(str, table[column].unique())).encode() for column in table]
    return b"\n".join(parts)


def test_a_line_of_answers_taken_for_a_header_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame()
    write(tmp_path, delivery=rows.to_csv(index=False, header=False).encode())
    assert run(tmp_path, monkeypatch) == 1
    told = capsys.readouterr()
    for secret in rows.loc[0, ["person", "name", "phone"]]:
        assert secret not in told.err + told.out
        assert secret.encode() not in everything(tmp_path)


def test_names_and_ages_written_into_answer_cells_do_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame()
    rows.loc[[3, 9], "safe"] = ["王芳", "欧阳锋"]
    rows.loc[5, "weight_in"] = "13812345678"
    rows.loc[21, "age"] = "12"
    yaml = YAML.replace("weighting: {base: weight_in,", "weighting: {base: weight_in, blank_base: exclude,")
    write(tmp_path, yaml=yaml, delivery=rows)
    assert run(tmp_path, monkeypatch) == 0, capsys.readouterr().err
    left = everything(tmp_path)
    for secret in ("王芳", "欧阳锋", "13812345678", "13,812,345,678"):
        assert secret.encode() not in left, secret
    problems = next((tmp_path / "data" / "work" / "store" / "privacy").glob("*/problems.parquet"))
    assert not pd.read_parquet(problems)["value"].isin(["12"]).any()


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("weight_in: {kind: number, range: [0, 1000]}", "weight_in: {kind: number}", "items.weight_in"),
        ("pseudonyms: [person, community]", "pseudonyms: [person]", "items.community"),
        ("recipe: any, of: lights, levels: [1]", "recipe: band, of: lights, edges: [1], scale: sex", "derived.lit"),
    ],
)
def test_settings_that_would_let_an_identifier_pass_are_refused(
    old: str, new: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, yaml=YAML.replace(old, new))
    assert run(tmp_path, monkeypatch) == 2
    assert part in capsys.readouterr().err


def test_check_tells_a_fault_of_ours_without_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leak(*_: object) -> None:
        raise ValueError("王芳13812345678")

    write(tmp_path)
    monkeypatch.setattr("survey.cleaning.examined", leak)
    assert run(tmp_path, monkeypatch, "check", "small-town") == 1
    told = capsys.readouterr()
    assert "ValueError" in told.err
    assert "13812345678" not in told.err + told.out


def test_a_key_that_others_can_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o644)
    monkeypatch.setenv("ANXIN_KEY_FILE", str(key))
    assert run(tmp_path, monkeypatch) == 2
    assert "mode 644" in capsys.readouterr().err


def test_every_mistake_of_the_yaml_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    yaml = YAML.replace("simulated: true", "simulatd: true").replace("kind: number, range: [16, 110]", "kind: figure")
    write(tmp_path, yaml=yaml.replace("start: 2026-04-01", "start: soon"))
    assert run(tmp_path, monkeypatch, "check", "small-town") == 2
    told = capsys.readouterr().err
    for part in ("3 to mend", "line 6, simulatd", "line 22, items.age.kind", "line 55, waves.w1.fieldwork.start"):
        assert part in told, told


def test_what_is_left_to_fill_in_is_one_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    yaml = YAML.replace("{zh: 小城调查, en: Small town survey}", "TODO").replace("start: 2026-04-01", "start: TODO")
    yaml = yaml.replace("{zh: 是, en: 'Yes'}, 2: {zh: 否, en: 'No'}", "TODO, 2: TODO").replace("of: safe", "of: saef")
    write(tmp_path, yaml=yaml)
    assert run(tmp_path, monkeypatch, "check", "small-town") == 2
    told = capsys.readouterr().err
    for part in ("4 to mend", "the survey's title", "the first day", "the wording of 1, 2", "did you mean safe"):
        assert part in told, told


def test_check_tells_every_unknown_column_of_every_wave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path, yaml=YAML + SECOND_WAVE.replace("w1:", "w2:"), delivery=frame().assign(one=1, two=2))
    frame().assign(three=3).to_csv(folder / "w2.csv", index=False)
    assert run(tmp_path, monkeypatch, "check", "small-town") == 1
    told = capsys.readouterr().err
    for part in ("w1.csv line 1, column 12", "w1.csv line 1, column 13", "w2.csv line 1, column 12", "three"):
        assert part in told, told


def test_check_lists_every_rule_with_its_rows_before_it_tells_of_a_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame()
    rows.loc[:19, "safe"] = "5"
    rows.loc[[30, 40], "age"] = "203"
    rows.loc[50:80, "sex"] = ""
    folder = write(tmp_path, yaml=YAML.replace("report:\n", "gates: {max_fired: {range: 0}}\nreport:\n"), delivery=rows)
    assert run(tmp_path, monkeypatch, "check", "small-town") == 1
    told = capsys.readouterr()
    listed = {" ".join(line.split()): rows.strip() for line, rows in pairwise(told.out.splitlines())}
    assert listed["unknown_level safe 20 set_missing"] == "rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 10 more"
    assert listed["range age 2 set_missing"] == "rows 32, 42"  # only flagged
    assert listed["partial sex 31 quarantined"].endswith("61 and 21 more")
    assert f"sha256 {hashlib.sha256((folder / 'w1.csv').read_bytes()).hexdigest()}" in told.out
    for gate in ("gates.max_unknown_levels", "gates.max_quarantined", "gates.max_fired"):
        assert gate in told.err, told.err


def test_check_names_the_checksum_of_a_delivery_without_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path)
    assert run(tmp_path, monkeypatch, "check", "small-town") == 0
    told = capsys.readouterr().out
    assert f"sha256 {hashlib.sha256((folder / 'w1.csv').read_bytes()).hexdigest()}" in told
    assert "decisions.csv" not in told


@pytest.mark.parametrize("command", ["check", "run"])
def test_all_that_is_wrong_with_the_columns_is_told_at_once(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame().drop(columns=["sex", "lights"]).assign(sexx=1, more=2, second="3")
    write(
        tmp_path,
        yaml=YAML.replace("    file: w1.csv\n", "    file: w1.csv\n    columns: {second: age}\n"),
        delivery=rows,
    )
    assert run(tmp_path, monkeypatch, command, "small-town") == 1
    told = capsys.readouterr().err
    for part in ("column 10", "did you mean sex?", "column 11", "two columns for age", "2 such items: sex, lights"):
        assert part in told, told


def test_a_column_that_tells_the_waves_apart_is_missed_with_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    yaml = YAML.replace("    file: w1.csv\n", "    file: w1.csv\n    rows: {year: [2026]}\n    ignore: [year]\n")
    write(tmp_path, yaml=yaml, delivery=frame().drop(columns="sex"))
    assert run(tmp_path, monkeypatch) == 1
    told = capsys.readouterr().err
    assert "no column year to tell its waves by" in told
    assert "no column for sex" in told


def moved(by: int) -> pd.DataFrame:
    """The clean delivery with every answer under the header `by` columns further on."""
    rows = frame()
    names = list(rows.columns)
    return pd.DataFrame({name: rows[names[place - by]] for place, name in enumerate(names[by:], start=by)}).assign(
        **dict.fromkeys(names[:by], "")
    )[names]


@pytest.mark.parametrize("command", ["check", "run"])
def test_answers_under_the_wrong_headers_are_one_finding(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, delivery=moved(1))
    assert run(tmp_path, monkeypatch, command, "small-town") == 1
    told = capsys.readouterr().err
    assert "4 of 6 columns hold values that are not their levels: columns may be shifted" in told
    assert "answers that fit the header 1 to the left" in told
    assert "add the level" not in told
    assert told.count("where:") == 1


def test_a_new_level_of_a_few_items_is_no_shift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = frame()
    rows.loc[:99, ["safe", "lights", "sex"]] = "7"
    write(tmp_path, delivery=rows)
    assert run(tmp_path, monkeypatch) == 1
    told = capsys.readouterr().err
    assert "shifted" not in told
    for item in ("column safe", "column lights", "column sex"):
        assert item in told, told


def test_names_of_part_files_do_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A vendor may name a file after who was interviewed, or by whom."""
    folder = write(tmp_path)
    rows = frame()
    (folder / "w1.csv").unlink()
    (folder / "w1.csv").mkdir()
    rows[:180].to_csv(folder / "w1.csv" / "王芳13812345678.csv", index=False)
    rows[180:].to_csv(folder / "w1.csv" / "李强13812345679.csv", index=False)
    assert run(tmp_path, monkeypatch) == 0, capsys.readouterr().err
    told = capsys.readouterr()
    for secret in ("王芳", "李强", "13812345678", "13812345679"):
        assert secret.encode() not in everything(tmp_path)
        assert secret not in told.out + told.err


INCOME = YAML.replace(
    "  weight_in:",
    "  income: {kind: number, block: safety, range: [0, 100000], label: {zh: 收入, en: Pay}}\n  weight_in:",
)


def with_income(change: Callable[[int], str]) -> pd.DataFrame:
    rows = frame()
    return rows.assign(income=[change(1_000 + 7 * place) for place in range(len(rows))])


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        (lambda value: f"{value / 1000:.2f}".replace(".", ","), ['"9,99"', 'decimal: ","']),
        (lambda value: f"about {value}", ['"AAAAA 9999"', "`recode`"]),
        (lambda value: f"{value // 100} {value % 100:02d}", ['"99 99"']),
    ],
)
def test_a_column_of_numbers_that_cannot_be_read_stops_with_its_form(
    written: Callable[[int], str],
    parts: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path, yaml=INCOME, delivery=with_income(written))
    assert run(tmp_path, monkeypatch) == 1
    told = capsys.readouterr().err
    for part in ("w1.csv row 2, column income", "gates.max_unknown_levels", *parts):
        assert part in told, told


def test_every_problem_is_listed_in_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = with_income(lambda value: f"{value // 100} {value % 100:02d}")
    rows.loc[3, "income"] = "问王芳"
    rows.loc[4, "income"] = "13800138000"
    write(tmp_path, yaml=INCOME, delivery=rows)
    file = tmp_path / "problems.csv"
    assert run(tmp_path, monkeypatch, "check", "small-town", "--problems", str(file)) == 1
    assert "360 problems" in capsys.readouterr().out
    assert file.stat().st_mode & 0o777 == 0o600
    listed = pd.read_csv(file, dtype=str).set_index("row")["value"]
    assert [listed["5"], listed["6"]] == ["…(3)", "…(11)"]
    assert len(listed) == 360
    assert run(tmp_path, monkeypatch, "check", "small-town", "--problems", str(file)) == 2  # none is overwritten
    (tmp_path / "public").mkdir(exist_ok=True)
    inside = tmp_path / "public" / "problems.csv"
    assert run(tmp_path, monkeypatch, "check", "small-town", "--problems", str(inside)) == 2
    assert not inside.exists()
