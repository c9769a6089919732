"""What `anxin init` must not write into survey.yaml however often it occurs, and what it must not take for that."""

from __future__ import annotations

import pandas as pd
import pytest

from survey.draft import columns_of
from survey.draft.personal import are_names, is_personal
from survey.intake import Dictionary
from tests.planted import identifiers

FOUND = identifiers()


@pytest.mark.parametrize("kind", [kind for kind in FOUND if kind not in ("name", "english_name")])
def test_each_kind_is_seen_in_a_single_cell(kind: str) -> None:
    missed = [text for text in FOUND[kind] if not is_personal(text)]
    assert missed == []


@pytest.mark.parametrize(
    "levels",
    [
        "非常安全 比较安全 一般 不太安全 很不安全",
        "小学 初中 高中 大专 本科 研究生",
        "微信公众平台 QQ群通知消息 社区公告栏 楼道 街道 村民小组",
        "1998-2007 2008-2017 10000-19999 20000-49999 1.5 3 60+",
        "江北区 金水区 石景山区 白云区 黄浦区",
        "白天 夜间 都一样 说不清",
        "离婚 未婚 已婚 丧偶",
    ],
)
def test_answers_are_taken_for_nobody(levels: str) -> None:
    words = levels.split()
    assert [word for word in words if is_personal(word)] == []
    assert not are_names(words)
    column = pd.DataFrame({"q7": words * 40})
    assert set(columns_of(column, Dictionary())[0].guess.levels) <= set(words)


@pytest.mark.parametrize(
    "levels", [["Very Safe", "Fairly Safe", "Fairly Unsafe", "Very Unsafe"], ["North East", "South West"]]
)
def test_english_answers_are_taken_for_nobody(levels: list[str]) -> None:
    assert not are_names(levels)
    assert set(columns_of(pd.DataFrame({"q7": levels * 40}), Dictionary())[0].guess.levels) == set(levels)


HEADERS = ["q7", "supervisor", "区", "answer"]
# A column that calls itself a district may hold names like those of persons.
TRIED = [(kind, header) for kind in FOUND for header in HEADERS if header != "区" or not kind.endswith("name")]


@pytest.mark.parametrize(("kind", "name"), TRIED)
def test_a_dozen_identifiers_that_repeat_are_no_levels(kind: str, name: str) -> None:
    column = columns_of(pd.DataFrame({name: FOUND[kind][:12] * 40}), Dictionary())[0]
    assert not set(column.guess.levels) & set(FOUND[kind])


def test_names_that_a_file_gives_to_codes_are_no_levels() -> None:
    named = Dictionary(values={"staff": dict(zip(map(str, range(12)), FOUND["name"], strict=False))})
    column = columns_of(pd.DataFrame({"staff": [str(i % 12) for i in range(400)]}), named)[0]
    assert column.guess.levels == {}


def test_a_name_among_codes_is_no_level() -> None:
    cells = ["1", "2"] * 600 + FOUND["name"][:2] * 3 + ["复姓人"] * 4 + FOUND["phone"][1:3] * 3
    column = columns_of(pd.DataFrame({"q7": cells}), Dictionary())[0]
    assert set(column.guess.levels) == {"1", "2"}


@pytest.mark.parametrize("header", ["姓名", "受访者姓名", "name"])
def test_a_column_headed_name_is_an_identifier_however_few_names_it_holds(header: str) -> None:
    column = pd.DataFrame({header: ["王芳", "李强", "Anna", "阿依古丽", "赵敏", "小陈"] * 150})
    assert columns_of(column, Dictionary())[0].guess.kind == "identifier"
