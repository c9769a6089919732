"""Identifiers in free texts and in undeclared columns: found, replaced, and never shown."""

from __future__ import annotations

import json
import random
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from survey.cleaning import clean
from survey.errors import CodebookError, GateError
from survey.identifiers import contained, scan, scrub, scrubbed, themes
from survey.identifiers.scrub import located
from survey.privacy import protect
from survey.quality import assess
from survey.survey_yaml import parse
from tests.identifiers_corpus import (
    STRUCTURED,
    WORDED,
    Score,
    card,
    corpus,
    email,
    id_number,
    measure,
    phone,
    plate,
    table,
)
from tests.small_survey import YAML, frame

SEEDS = (20261125, 424242)  # no text of the second was looked at while the rules were written


def spans(text: str) -> list[tuple[str, int, int]]:
    return [(piece.kind, piece.start, piece.stop) for piece in located(text) if piece.kind]


@pytest.fixture(scope="module", params=SEEDS)
def scores(request: pytest.FixtureRequest) -> tuple[dict[str, Score], list[str]]:
    texts = corpus(request.param, 2400)
    assert len({text.text for text in texts}) > 2000
    assert {text.language for text in texts} == {"zh", "en"}
    found, wrong = measure(texts, spans)
    print(f"\nseed {request.param}\n{table(found)}")
    return found, wrong


@pytest.mark.parametrize("kind", [*STRUCTURED, *WORDED])
def test_recall_and_precision(scores: tuple[dict[str, Score], list[str]], kind: str) -> None:
    score, wrong = scores[0][kind], [line for line in scores[1] if line.startswith(kind)]
    assert score.there > 100
    assert score.recall >= (0.99 if kind in STRUCTURED else 0.95), wrong
    assert score.precision >= 0.95, wrong


def test_the_measure_sees_what_is_missed_and_what_is_invented() -> None:
    texts = corpus(1, 300)
    nothing, _ = measure(texts, lambda text: [])
    assert all(score.recall == 0 for score in nothing.values())
    everything, _ = measure(texts, lambda text: [("phone", 0, len(text))])
    assert everything["phone"].recall == 1
    assert everything["phone"].precision < 0.9
    assert everything["name"].recall == 0


@pytest.mark.parametrize(
    "text",
    [
        "路灯太暗，3号楼和5号楼之间没有监控",
        "拨打110或12345，96110也行",
        "停车费1500-2000元，共10000000元",
        "2026年11月25日17:37，1990-03-07 12345元",
        "网速版本v1.2.3.4，第10.5.2条",
        "任何女士、高中老师、公交车师傅、谢谢老师",
        "WeChat groups are useful and I miss the park",
        "人民路与解放路交叉口",
    ],
)
def test_what_is_no_identifier_stays(text: str) -> None:
    assert scrubbed(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我爱人王嘉涵（14212345678）了解情况", "我爱人[姓名]（[电话]）了解情况"),
        ("张师傅电话一三八零零一三八零零零", "[姓名]电话[电话]"),
        ("13800138000/13900139000", "[phone]/[phone]"),
        ("139****8888 110101********0710", "[phone] [id number]"),
        ("李大爷和孙大妈住3号楼2单元501", "[姓名]和[姓名]住[地址]"),
        ("身份证11010119900307\u200b7715", "身份证[证件号]"),
    ],
)
def test_texts_by_hand(text: str, expected: str) -> None:
    assert scrubbed(text) == expected


@given(st.text(max_size=200))
@example("[电话]先生 [phone]")
@example("\u200b\u200b1380013\u200b8000")
def test_scrubbing_twice_changes_nothing_and_never_raises(text: str) -> None:
    once = scrubbed(text)
    assert scrubbed(once) == once
    pieces = located(text)
    assert "".join(piece.text for piece in pieces) == text


SEEDED = st.integers(0, 10**9).map(random.Random)


@given(SEEDED, st.text(max_size=30), st.text(max_size=30))
def test_no_identity_number_is_left_whatever_surrounds_it(rng: random.Random, before: str, after: str) -> None:
    number = id_number(rng)
    assert number not in scrubbed(before + number + after)


@given(SEEDED, st.lists(st.sampled_from([id_number, card, phone, plate, email]), min_size=1, max_size=4))
def test_scrubbed_identifiers_in_a_row_stay_scrubbed(rng: random.Random, makers: list) -> None:
    values = [make(rng) for make in makers]
    once = scrubbed("，".join(values))
    assert not [value for value in values if value in once]
    assert scrubbed(once) == once


def test_a_long_text_takes_no_more_than_its_share_of_time() -> None:
    """Backtracking over a text made to provoke it would take minutes."""
    for part in ("1 ", "人民路", "3号", "a.b@", "Room 1, ", "12 Ab ", "张先", "栋1", "一"):
        start = time.process_time()
        scrubbed(part * (2000 // len(part)))
        assert time.process_time() - start < 5, part


def test_texts_are_counted_by_kind_each_once() -> None:
    texts = pd.Series(["打13800138000或13900139000", "打13800138000或13900139000", "路灯暗", ""], index=[3, 5, 7, 9])
    clean_, counts = scrub(texts)
    assert counts == {"phone": 2} == contained(clean_)
    assert clean_.tolist() == ["打[电话]或[电话]", "打[电话]或[电话]", "路灯暗", ""]
    assert clean_.index.tolist() == [3, 5, 7, 9]


def column(make, n: int = 200, seed: int = 1) -> pd.Series:
    rng = random.Random(seed)
    return pd.Series([make(rng) for _ in range(n)], dtype="str")


def test_columns_of_identifiers_are_found_by_their_kind() -> None:
    rng = random.Random(3)
    columns = {"id number": id_number, "bank card": card, "phone": phone, "plate": plate, "email": email}
    wave = pd.DataFrame({kind.replace(" ", "_"): column(make) for kind, make in columns.items()})
    wave["who"] = [
        rng.choice("王李张刘陈") + rng.choice("建国志红") + rng.choice("伟芳娜敏静丽强磊军洋") for _ in wave.index
    ]
    wave["lat"] = [f"{rng.uniform(31, 32):.6f}" for _ in wave.index]
    wave["lon"] = [f"{rng.uniform(121, 122):.6f}" for _ in wave.index]
    wave["wechat"] = [f"lily_{value}" for value in wave.index]
    found = {each.column: each.kind for each in scan(wave)}
    assert found == {
        **{kind.replace(" ", "_"): kind for kind in columns},
        "who": "name",
        "lat": "coordinates",
        "lon": "coordinates",
        "wechat": "account",
    }


def test_codes_counts_and_weights_are_no_identifiers() -> None:
    rng = np.random.default_rng(5)
    n = 5000
    wave = pd.DataFrame(
        {
            "age": rng.integers(16, 100, n),
            "code": rng.integers(1, 6, n),
            "serial": np.arange(2_026_110_000_000_000, 2_026_110_000_000_000 + n),
            "sixteen": rng.integers(4_000_000_000_000_000, 4_999_999_999_999_999, n),  # a tenth pass Luhn's check
            "community": rng.integers(110_101_001_001, 659_999_999_999, n),
            "weight": rng.uniform(0.1, 60, n).round(6),
            "respondent": [f"25H2-{i:05d}" for i in range(n)],
            "started": pd.date_range("2026-04-01", periods=n, freq="min").strftime("%Y-%m-%d %H:%M:%S"),
            "stamp": pd.date_range("2026-04-01", periods=n, freq="min").strftime("%Y%m%d%H%M%S"),
            "district": rng.choice(["高新区", "江宁区", "金湖县", "安平镇"], n),
            "job": rng.choice(["教师", "工人", "司机", "农民", "商人", "医生", "学生"], n),
            "slip": ["13800138000", *["1"] * (n - 1)],
        }
    ).astype(str)
    assert scan(wave) == []


def test_identifiers_in_few_of_many_cells_are_found() -> None:
    rng = random.Random(4)
    cells = ["无"] * 9800 + [phone(rng) for _ in range(200)]
    (found,) = scan(pd.DataFrame({"note": cells}))
    assert (found.kind, found.cells) == ("phone", 200)


def delivered(**columns: object) -> pd.DataFrame:
    wave = frame().assign(**columns)
    wave.index = pd.RangeIndex(2, 2 + len(wave), name="row")
    return wave


def test_an_undeclared_column_of_telephone_numbers_stops_the_run() -> None:
    phones = frame()["phone"].to_numpy()
    with pytest.raises(GateError) as stop:
        clean(delivered(community=phones), parse(YAML), "w1")
    told = stop.value.describe()
    assert "community" in told
    assert "phone" in told
    assert "100%" in told
    assert "not_identifiers" in told
    assert not [value for value in phones if value in told]


def test_every_such_column_is_told() -> None:
    mails = [f"resident{i}@example.org" for i in range(360)]
    with pytest.raises(GateError) as stop:
        clean(delivered(community=frame()["phone"].to_numpy(), person=mails), parse(YAML), "w1")
    assert {stop.value.values["item"], *(other.values["item"] for other in stop.value.others)} == {
        "community",
        "person",
    }


def test_a_reason_lets_a_column_through() -> None:
    reasoned = YAML.replace(
        "privacy: {", "privacy: {not_identifiers: {community: {zh: 编号规则如此, en: Numbered so}}, "
    )
    phones = [f"138001380{i % 12:02d}" for i in range(360)]
    assert len(clean(delivered(community=phones), parse(reasoned), "w1").frame) == 360


def test_a_reason_for_an_item_that_is_not_there_is_refused() -> None:
    with pytest.raises(CodebookError, match="nobody"):
        parse(YAML.replace("privacy: {", "privacy: {not_identifiers: {nobody: {zh: 无, en: None}}, "))


def test_cleaned_texts_hold_no_identifier_and_the_boundary_drops_them() -> None:
    book = parse(YAML)
    cleaned = clean(delivered(), book, "w1")
    assert cleaned.frame["remark"].str.contains("[姓名]", regex=False).sum() == 51
    assert not cleaned.frame["remark"].str.contains("1380013").any()
    passed = protect(cleaned, book, "w1", b"a secret of thirty-two bytes ...").frame
    assert "remark" not in passed
    assert passed[["remarks=lighting", "remarks=noise", "remarks=other"]].sum().tolist() == [103.0, 102.0, 51.0]


def test_quality_tells_how_many_texts_held_identifiers_and_no_small_count() -> None:
    book = parse(YAML)
    facts = assess(clean(delivered(), book, "w1"), book).facts["quality"]["texts"]
    assert facts == {"remark": {"written": 205, "scrubbed": {"phone": 51, "name": 51}}}
    few = delivered(remark=["找王女士"] * 9 + ["路灯太暗"] * 351)
    assert assess(clean(few, book, "w1"), book).facts["quality"]["texts"]["remark"]["scrubbed"] == {}


def test_no_table_of_cleaning_holds_a_text() -> None:
    secret = "王女士13800138000说路灯太暗"
    yaml = YAML.replace("remark: {kind: text,", "remark: {kind: text, required: true, asked_if: {safe: [1]},")
    cleaned = clean(delivered(remark=[secret] * 350 + [""] * 10), parse(yaml), "w1")
    for part in (cleaned.problems, cleaned.quarantine, cleaned.frame, cleaned.cases):
        assert "13800138000" not in part.to_csv()


def test_a_text_that_says_nothing_is_no_answer() -> None:
    coded = themes(pd.Series(["无", "没有路灯", "car parks", "scared"]), {"light": ["路灯"], "car": ["car"]}, ["无"])
    assert json.dumps({name: values.tolist() for name, values in coded.items()}) == (
        '{"light": [NaN, 1.0, 0.0, 0.0], "car": [NaN, 0.0, 1.0, 0.0]}'
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("of: remark\n", "of: safe\n"), "kind: text"),
        (("recipe: themes", "recipe: any\n    levels: [1]"), "recipe: themes"),
    ],
)
def test_a_theme_that_cannot_be_coded_is_refused(change: tuple[str, str], message: str) -> None:
    with pytest.raises(CodebookError, match=message):
        parse(YAML.replace(*change))
