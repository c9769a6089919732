"""anxin puf: what is published, that it agrees with itself and with the private frame, and that it stops in time."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyreadstat
import pytest
from pycanon import anonymity as pycanon

from flows import cli
from reports.ddi import NAMESPACE, XML_LANG
from survey import estimate
from survey.design import Calibration, SurveyDesign
from survey.microdata.loss import private_design
from survey.survey_yaml import parse
from survey.weighting import crossing
from tests.flows.test_cells import SMALL, small_district
from tests.small_survey import YAML, frame, write

ROOT = Path(__file__).parents[2]
RELEASED = YAML.replace(
    "quasi_identifiers: [sex, district]}",
    "quasi_identifiers: [sex, district],\n  microdata: {k: 5, sensitive: [safe], l: 2}}",
).replace("  headline: [feels_safe]", "  headline: [feels_safe]\n  items: [safe, lights]")
KEY = b"a secret of thirty-two bytes ..."


def call(root: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Exit code of the command line, called in this process."""
    monkeypatch.chdir(root)
    monkeypatch.setattr("sys.argv", ["anxin", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped city's newest wave, released in a workspace of its own."""
    root = tmp_path_factory.mktemp("city")
    (root / "data" / "raw").mkdir(parents=True)
    (root / "data" / "raw" / "example-city").symlink_to(ROOT / "data" / "raw" / "example-city")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANXIN_LANG", "en")
        assert call(root, patch, "puf", "example-city") == 0
    return root


def released(city: Path) -> pd.DataFrame:
    return pd.read_csv(city / "public" / "example-city" / "2026H1-puf" / "example-city-2026H1.csv", dtype=CODES)


def private(city: Path) -> pd.DataFrame:
    stored = (city / "data" / "work" / "store" / "weighting").glob("*/seal.json")
    newest = (path for path in stored if json.loads(path.read_bytes())["ref"]["wave"] == "2026H1")
    return pd.read_parquet(next(newest).with_name("answers.parquet"))


BOOK = parse((ROOT / "data" / "raw" / "example-city" / "survey.yaml").read_text(encoding="utf-8"))
QUASI = ["stratum", "district", "area", "sex", "age_band"]
CODES = {name: str for name in BOOK.items if BOOK.items[name].kind == "single"} | {"age_band": str}


def test_pycanon_confirms_k_l_and_t_of_the_shipped_city(city: Path) -> None:
    plan = BOOK.privacy.microdata
    assert plan is not None
    assert plan.t is not None
    shown = released(city).astype({"stratum": str})[[*QUASI, *plan.sensitive]].fillna("missing")
    facts = json.loads((city / "public" / "example-city" / "2026H1-puf" / "risk.json").read_bytes())
    assert pycanon.k_anonymity(shown, QUASI) == facts["released"]["k"] >= plan.k == 5
    assert pycanon.l_diversity(shown, QUASI, list(plan.sensitive)) == facts["released"]["l"] >= plan.l == 2
    assert pycanon.entropy_l_diversity(shown, QUASI, list(plan.sensitive)) == int(facts["released"]["l_entropy"])
    ordered = {name: shown[name].replace("missing", "9").astype(int) for name in plan.sensitive}
    found = pycanon.t_closeness(shown.assign(**ordered), QUASI, list(plan.sensitive))
    assert round(found, 3) == facts["released"]["t"] <= plan.t
    assert facts["private"]["k"] < plan.k  # so that there was something to do


def test_figures_from_the_csv_are_those_of_the_private_file(city: Path) -> None:
    file, inside = released(city), private(city)
    outside = SurveyDesign(file, weights="weight", strata="stratum", psu="psu", lonely_psu="fail")
    design = private_design(inside, BOOK, "weight")
    calls = {
        "mean": lambda d: estimate.mean(d, ["sense_of_security", "order_satisfaction"], by=["district"]),
        "share": lambda d: estimate.proportion(d, ["a1_safe_now", "d1_fair"], by=["area"]),
        "total": lambda d: estimate.total(d, ["participation"]),
        "ratio": lambda d: estimate.ratio(d, "participation", "awareness"),
        "quantile": lambda d: estimate.quantile(d, "order_satisfaction", [0.25, 0.5, 0.9]),
    }
    for name, call_ in calls.items():
        theirs, ours = (call_(each).sort_values(["item", "group", "level"]) for each in (outside, design))
        for column in ("estimate", "se", "df"):
            np.testing.assert_allclose(theirs[column], ours[column], rtol=1e-10, atol=1e-12, err_msg=name)
    steps = []
    for own, rows in ((outside, file), (design, inside)):
        step = Calibration.of_margins([crossing(rows, "district:area")], rows["weight"], rows["weight"])
        steps.append(estimate.mean(own.reweighted(rows["weight"], step), ["sense_of_security"]))
    np.testing.assert_allclose(steps[0]["se"], steps[1]["se"], rtol=1e-10)
    losing = [estimate.proportion(each, ["sex"])["estimate"].iloc[0] for each in (outside, design)]
    assert 0 < abs(losing[0] - losing[1]) < 0.01  # a variable with blanked cells is not the same, and not far


def test_one_content_in_three_formats_with_labels(city: Path) -> None:
    folder = city / "public" / "example-city" / "2026H1-puf"
    csv = pd.read_csv(folder / "example-city-2026H1.csv")
    parquet = pq.read_table(folder / "example-city-2026H1.parquet")
    sav, about = pyreadstat.read_sav(folder / "example-city-2026H1.sav")
    assert list(csv) == parquet.column_names == list(sav)
    for name in csv:
        for other in (parquet[name].to_pandas(), sav[name]):
            np.testing.assert_array_equal(csv[name].to_numpy(float), other.to_numpy(float), err_msg=name)
    assert about.column_names_to_labels["sense_of_security"] == "安全感"
    assert about.variable_value_labels["sex"] == {1.0: "男", 2.0: "女"}
    assert about.variable_measure["age_band"] == "ordinal"
    assert (about.creation_time.year, about.creation_time.month, about.creation_time.day) == (2026, 5, 10)
    words = json.loads(parquet.schema.field("sex").metadata[b"dictionary"])
    assert words["levels"]["1"] == {"zh": "男", "en": "Men"}


def test_no_pseudonym_and_no_weight_before_calibration_goes_out(city: Path) -> None:
    folder, inside = city / "public" / "example-city" / "2026H1-puf", private(city)
    csv = (folder / "example-city-2026H1.csv").read_text(encoding="utf-8")
    for column in ("respondent", "community", "interviewer"):
        assert not set(inside[column]) & set(re.split("[,\n]", csv))
    assert not set(inside["base_weight"].map(repr)) & set(re.split("[,\n]", csv))
    assert set(released(city)) >= {"weight", "stratum", "psu"}


def test_the_risk_report_tells_of_weights_and_units_in_both_languages(city: Path) -> None:
    folder = city / "public" / "example-city" / "2026H1-puf"
    english, chinese = ((folder / f"risk.{code}.md").read_text(encoding="utf-8") for code in ("en", "zh"))
    facts = json.loads((folder / "risk.json").read_bytes())
    assert facts["weights"]["read"]["k"] < facts["released"]["k"]
    assert f"the smallest group has k = {facts['weights']['read']['k']}" in english
    assert f"最小的组 k = {facts['weights']['read']['k']}" in chinese
    assert "District and Urban or rural" in english
    assert english.count("\n| ") == chinese.count("\n| ")
    assert not re.search("[A-Za-z]{6,}", re.sub("weight|SUDA2|Benedetti–Franconi|hierarchies", "", chinese))


# -- descriptions ------------------------------------------------------------------------------------------------------

# The order of children in the DDI-Codebook 2.5 schema, as far as the file uses them.
ORDER = {
    "codeBook": ("stdyDscr", "fileDscr", "dataDscr"),
    "stdyDscr": ("citation", "stdyInfo", "method", "dataAccs"),
    "citation": ("titlStmt", "rspStmt", "prodStmt"),
    "titlStmt": ("titl", "parTitl", "IDNo"),
    "rspStmt": ("AuthEnty",),
    "prodStmt": ("producer",),
    "stdyInfo": ("abstract", "sumDscr"),
    "sumDscr": ("collDate", "anlyUnit", "universe", "dataKind"),
    "method": ("dataColl", "anlyInfo"),
    "dataColl": ("sampProc", "weight"),
    "anlyInfo": ("EstSmpErr",),
    "dataAccs": ("useStmt",),
    "useStmt": ("conditions",),
    "fileDscr": ("fileTxt",),
    "fileTxt": ("fileName", "fileCont", "dimensns", "fileType", "dataMsng"),
    "dimensns": ("caseQnty", "varQnty"),
    "dataDscr": ("var",),
    "var": ("labl", "qstn", "catgry", "varFormat"),
    "qstn": ("qstnLit",),
    "catgry": ("catValu", "labl"),
}


def test_the_ddi_follows_its_schema_and_the_file(city: Path) -> None:
    folder = city / "public" / "example-city" / "2026H1-puf"
    root = ET.fromstring((folder / "ddi.xml").read_bytes())
    assert root.tag == f"{{{NAMESPACE}}}codeBook"
    assert root.get("version") == "2.5"
    for element in root.iter():
        tag = element.tag.removeprefix(f"{{{NAMESPACE}}}")
        children = [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]
        assert set(children) <= set(ORDER.get(tag, ())), tag
        places = [ORDER[tag].index(child) for child in children]
        assert places == sorted(places), tag
    marks = [element.get("ID") for element in root.iter() if element.get("ID")]
    assert len(marks) == len(set(marks))
    variables = root.findall(f".//{{{NAMESPACE}}}var")
    csv = pd.read_csv(folder / "example-city-2026H1.csv", dtype=str)
    assert [own.get("name") for own in variables] == list(csv)
    assert {own.get("wgt-var") for own in variables[1:]} == {variables[0].get("ID")}
    for own in variables:
        codes = {each.text for each in own.findall(f".//{{{NAMESPACE}}}catValu")}
        if codes:
            assert set(csv[own.get("name")].dropna()) <= codes, own.get("name")
        languages = {each.get(XML_LANG) for each in own.findall(f"{{{NAMESPACE}}}labl")}
        assert languages == {"zh-Hans", "en"}, own.get("name")
    assert root.findtext(f".//{{{NAMESPACE}}}caseQnty") == str(len(csv))


def test_the_data_package_describes_every_cell(city: Path) -> None:
    folder = city / "public" / "example-city" / "2026H1-puf"
    package = json.loads((folder / "datapackage.json").read_bytes())
    assert package["profile"] == "tabular-data-package"
    for resource in package["resources"]:
        content = (folder / resource["path"]).read_bytes()
        assert resource["hash"] == "sha256:" + hashlib.sha256(content).hexdigest()
        assert resource["bytes"] == len(content)
        cells = pd.read_csv(folder / resource["path"], dtype=str, keep_default_na=False)
        fields = resource["schema"]["fields"]
        assert [field["name"] for field in fields] == list(cells)
        for field in fields:
            filled = [cell for cell in cells[field["name"]] if cell not in resource["schema"]["missingValues"]]
            read = {"integer": int, "number": float, "string": str}[field["type"]]
            known = field.get("constraints", {}).get("enum")
            assert all(known is None or read(cell) in known for cell in filled), field["name"]
            assert set(field["titles"]) == {"zh", "en"}


# -- the command -------------------------------------------------------------------------------------------------------


@pytest.fixture
def town(tmp_path: Path) -> Path:
    write(tmp_path, RELEASED, frame(600))
    return tmp_path


def test_the_same_bytes_whatever_the_key_and_the_labels(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = town / "public" / "small-town" / "w1-puf"
    assert call(town, monkeypatch, "puf", "small-town") == 0
    first = contents(folder)
    assert {"small-town-w1.csv", "small-town-w1.sav", "ddi.xml", "risk.zh.md", "synthetic.csv"} <= set(first)
    other = tmp_path / "other"  # a workspace has one key for good
    write(other, RELEASED, frame(600))
    key = tmp_path / "other.key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    monkeypatch.setenv("ANXIN_KEY_FILE", str(key))
    assert call(other, monkeypatch, "puf", "small-town", "--wave", "w1") == 0
    assert contents(other / "public" / "small-town" / "w1-puf") == first
    monkeypatch.delenv("ANXIN_KEY_FILE")
    assert call(town, monkeypatch, "puf", "small-town", "--language", "en") == 0
    changed = {name for name, content in contents(folder).items() if content != first[name]}
    assert changed == {"small-town-w1.sav", "manifest.json"}
    assert pyreadstat.read_sav(folder / "small-town-w1.sav")[1].column_names_to_labels["feels_safe"] == "Feels safe"


def test_the_report_beside_it_is_left_alone(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(town, monkeypatch, "run", "small-town") == 0
    place = town / "public" / "small-town" / "w1"
    before = {path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert call(town, monkeypatch, "puf", "small-town") == 0
    assert {path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
    assert "public-use file" in (place / "en-privacy.html").read_text(encoding="utf-8")
    assert (town / "public" / "small-town" / "w1-puf" / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("yaml", "code", "parts"),
    [
        (YAML, 2, ["releases no records", "microdata: {k: 5}"]),
        (RELEASED.replace("{k: 5,", "{k: 500,"), 1, ["k 200", "short of: k"]),
        (RELEASED.replace("{k: 5,", "{t: 0.001,"), 1, ["short of: t"]),
        (RELEASED.replace("l: 2}", "l: 4}"), 1, ["short of: l"]),
    ],
)
def test_nothing_is_written_where_the_records_cannot_be_protected(
    yaml: str, code: int, parts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    write(tmp_path, yaml, frame(600))
    assert call(tmp_path, monkeypatch, "puf", "small-town") == code
    told = capsys.readouterr().err
    for part in parts:
        assert part in told, told
    assert not (tmp_path / "public").exists()


def test_a_wave_that_bears_the_name_of_a_public_use_file_is_refused(
    town: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waves = RELEASED + "  w1-puf:\n    file: w1.csv\n    fieldwork: {start: 2026-05-01, end: 2026-05-30}\n"
    write(town, waves, frame(600))
    assert call(town, monkeypatch, "puf", "small-town", "--wave", "w1") == 2
    assert "no wave named w1-puf" in capsys.readouterr().err


@pytest.mark.parametrize("published", [True, False])
def test_a_file_that_tells_what_the_report_withholds_is_refused(
    published: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    yaml = RELEASED.replace("max_suppressed", "").replace("microdata: {k: 5,", "microdata: {k: 2, max_suppressed: 1,")
    write(tmp_path, yaml, small_district(), SMALL)
    if published:
        assert call(tmp_path, monkeypatch, "run", "small-town") == 0
        seen = pd.read_csv(tmp_path / "public" / "small-town" / "w1" / "tables" / "areas.csv", dtype=str)
        assert seen.loc[seen["statistic"].eq("mean") & seen["group"].eq("3"), "mark"].tolist() == ["[c]"]
    capsys.readouterr()
    assert call(tmp_path, monkeypatch, "puf", "small-town") == 1
    told = capsys.readouterr().err
    assert "what the report of the same wave withholds" in told
    assert "feels_safe/district/3" in told
    assert not (tmp_path / "public" / "small-town" / "w1-puf").exists()
    # Without the questions whose figures are withheld there is nothing to be told.
    other = yaml.replace("sensitive: [safe], l: 2}", "variables: [lit]}").replace(
        "items: [safe, lights]", "items: [safe]"
    )
    write(tmp_path, other, small_district(), SMALL)
    assert call(tmp_path, monkeypatch, "puf", "small-town") == 0


def test_sensitive_answers_are_at_least_two_unless_survey_yaml_says_otherwise() -> None:
    plan = parse(RELEASED.replace("sensitive: [safe], l: 2}", "sensitive: [safe]}")).privacy.microdata
    assert plan is not None
    assert plan.l == 2


def test_a_second_file_of_the_wave_that_is_not_the_first_is_refused(
    town: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = town / "public" / "small-town" / "w1-puf"
    assert call(town, monkeypatch, "puf", "small-town") == 0
    assert "for a reader who uses the weights as well" in capsys.readouterr().out
    record = town / "data" / "work" / "released" / "small-town.puf.jsonl"
    assert record.stat().st_mode & 0o777 == 0o600
    (entry,) = [json.loads(line) for line in record.read_bytes().splitlines()]
    assert entry["sha256"] == hashlib.sha256((place / "small-town-w1.csv").read_bytes()).hexdigest()
    assert entry["quasi_identifiers"].keys() == {"sex", "district"}
    first, line = contents(place), record.read_bytes()
    assert call(town, monkeypatch, "puf", "small-town") == 0
    assert record.read_bytes() == line
    write(town, RELEASED.replace("  items: [safe, lights]", "  items: [safe]"), frame(600))
    for _ in range(2):  # the record alone, then the published file alone, tells what is out
        assert call(town, monkeypatch, "puf", "small-town") == 1
        assert "Another public-use file of the wave w1 is out" in capsys.readouterr().err
        assert contents(place) == first
        record.unlink(missing_ok=True)
