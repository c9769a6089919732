"""Finding sentences: what may be said in which case, and what may not."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from reports import words
from reports.figures import Figure, Figures
from reports.language import Language
from survey import tidy
from tests.reports.sample import gap, share, withheld

EN, ZH = Language("en"), Language("zh")
UP = {"estimate": 0.021, "low": 0.007, "high": 0.035, "p": 0.003}
DOWN = {"estimate": -0.021, "low": -0.035, "high": -0.007, "p": 0.003}
FLAT = {"estimate": 0.004, "low": -0.010, "high": 0.018, "p": 0.6}


def figure(**values: Any) -> Figure:
    plain = Figure(
        "2026H1", "", "security", "change", "2025H2", "", "", 0.9, 0.01, 0.88, 0.92, 3000, 1.5, math.nan, "released"
    )
    return dataclasses.replace(plain, **values)


STILL = FLAT | {"within": 3.0}
HIDDEN = figure(estimate=math.nan, low=math.nan, high=math.nan, flag="suppressed_primary")
HEADLINES = [
    (figure(**UP), "Security stands at 92.0%, up 2.1 points since H2 2025"),
    (figure(**DOWN), "Security stands at 92.0%, down 2.1 points since H2 2025"),
    (figure(**FLAT), "Security stands at 92.0%; no change could be shown since H2 2025"),
    (
        figure(**STILL),
        "Security stands at 92.0%, practically unchanged since H2 2025 (within ±3 points)",
    ),
    (figure(**(UP | {"within": 3.0})), "Security stands at 92.0%, up 2.1 points since H2 2025"),
    (figure(**(UP | {"p": 0.2})), "Security stands at 92.0%; no change could be shown since H2 2025"),
    (HIDDEN, "Security stands at 92.0%"),
    (None, "Security stands at 92.0%"),
]


@pytest.mark.parametrize(("change", "expected"), HEADLINES)
def test_the_headline_says_only_what_the_test_found(change: Figure | None, expected: str) -> None:
    assert words.headline_finding(EN, "Security", figure(estimate=0.92), change, "H2 2025") == expected


def test_a_withheld_headline_is_told_without_a_number() -> None:
    assert (
        words.headline_finding(EN, "Security", HIDDEN, figure(**UP), "H2 2025")
        == "Security: no figure can be published for this wave"
    )


@pytest.mark.parametrize(
    ("change", "first", "expected"),
    [
        (figure(**UP), False, "Up 2.1 points since H2 2025 (95% interval of the change: +0.7 to +3.5 points)"),
        (figure(**DOWN), False, "Down 2.1 points since H2 2025 (95% interval of the change: −3.5 to −0.7 points)"),
        (
            figure(**FLAT),
            False,
            "No change could be shown since H2 2025 (95% interval of the change: −1.0 to +1.8 points)",
        ),
        (HIDDEN, False, "No comparison with H2 2025 is available"),
        (None, False, "No comparison with H2 2025 is available"),
        (None, True, "First wave: nothing to compare with yet"),
    ],
)
def test_change_in_words(change: Figure | None, first: bool, expected: str) -> None:
    assert words.change_words(EN, change, "H2 2025", first) == expected


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (figure(**UP), "higher (+2.1)"),
        (figure(**DOWN), "lower (−2.1)"),
        (figure(**FLAT), "no difference shown"),
        (HIDDEN, ""),
        (None, ""),
    ],
)
def test_a_row_against_the_rest(difference: Figure | None, expected: str) -> None:
    assert words.against_rest(EN, difference) == expected


def test_only_areas_found_different_are_named_and_withheld_ones_never() -> None:
    contrasts = [("East", figure(**UP)), ("West", figure(**DOWN)), ("North", figure(**FLAT)), ("Secret", HIDDEN)]
    told = words.contrast_finding(EN, "Security", contrasts)
    assert told == "Security is lower in West and higher in East than elsewhere"
    assert (
        words.contrast_finding(EN, "Security", contrasts[2:])
        == "Security: no difference from the rest could be shown anywhere"
    )
    assert words.contrast_finding(EN, "Security", contrasts[3:]) == "Security: no comparison with the rest can be shown"


def test_groups_are_named_when_one_breakdown_differs_and_breakdowns_when_several_do() -> None:
    sex = [("Sex", ("Men", figure(**UP))), ("Sex", ("Women", figure(**DOWN))), ("Age", ("Secret", HIDDEN))]
    assert words.group_finding(EN, "Security", sex) == "Security differs by sex: lower for Women, higher for Men"
    several = [*sex, ("Age", ("Old", figure(**UP))), ("Income", ("Rich", figure(**FLAT)))]
    assert words.group_finding(EN, "Security", several) == "Security differs by sex and age"
    assert (
        words.group_finding(EN, "Security", several[4:])
        == "Security: no group could be shown to differ from the others"
    )


def test_many_areas_are_counted_not_listed() -> None:
    contrasts = [(name, figure(**(UP | {"estimate": 0.01 * place}))) for place, name in enumerate("ABCDE", 1)]
    assert (
        words.contrast_finding(EN, "Security", contrasts) == "Security is higher in E, D, C and 2 more than elsewhere"
    )


def test_all_changes_in_one_sentence() -> None:
    changes = [("A", figure(**UP)), ("B", figure(**DOWN)), ("C", figure(**FLAT)), ("D", HIDDEN)]
    assert words.changes_point(EN, changes, "H2 2025") == (
        "Risen since H2 2025: A (+2.1 points). Fallen: B (−2.1 points). No change could be shown in: C."
    )
    assert words.changes_point(EN, changes[2:], "H2 2025") == "Since H2 2025 no change could be shown in: C."
    assert words.changes_point(EN, changes[3:], "H2 2025") == ""


def test_a_trend_is_told_only_by_a_test_not_by_intervals() -> None:
    first, last = (
        figure(wave="2023H2", estimate=0.86, low=0.85, high=0.87),
        figure(estimate=0.9, low=0.89, high=0.91),
    )
    assert words.trend_finding(EN, "Security", first, last) == (
        "Security: 86.0% (85.0–87.0) in H2 2023, 90.0% (89.0–91.0) in H1 2026; their difference was not tested"
    )
    assert "\u4e8c\u8005\u4e4b\u5dee\u672a\u4f5c\u68c0\u9a8c" in words.trend_finding(
        ZH, "\u5b89\u5168\u611f", first, last
    )
    then = ": 86.0% then, 90.0% now"
    assert words.trend_finding(EN, "S", first, last, figure(**UP)) == "S is higher than in H2 2023" + then
    assert words.trend_finding(EN, "S", first, last, figure(**DOWN)) == "S is lower than in H2 2023" + then
    assert "no change could be shown since H2 2023" in words.trend_finding(EN, "S", first, last, figure(**FLAT))


def test_a_bound_that_is_not_nought_is_never_printed_as_nought() -> None:
    assert EN.points_interval(-0.00049, 0.0151) == "−0.05 to +1.5"
    assert EN.points_interval(0.0, -0.00002) == "0.0 to −0.002"


def test_a_survey_of_one_wave_is_no_first_wave() -> None:
    assert words.change_words(EN, None, "", True, only=True) == "Only one wave here"


def test_a_regression_speaks_of_going_together() -> None:
    told = words.model_finding(EN, "Security", [("Patrols", figure(**UP)), ("Weather", figure(**FLAT))], points=True)
    assert (
        told == "Linked with security, with the other characteristics in the table held constant: patrols (+2.1 points)"
    )
    assert "no association could be shown" in words.model_finding(
        EN, "Security", [("Weather", figure(**FLAT))], points=True
    )


def test_a_q_value_decides_before_a_p_value() -> None:
    rows = Figures(tidy.results([gap("security", "difference", 0.03, 0.01, 0.01, q=0.2, by="sex", group="1")])).rows
    assert words.state(rows[0]) == "same"
    assert (rows[0].p, rows[0].q) == (0.01, 0.2)


def test_a_difference_is_as_secret_as_its_figure() -> None:
    mean = withheld(share("security", 0.9, by="district", group="8"), "suppressed_primary")
    difference = gap("security", "difference", 0.05, 0.01, 0.001, level="rest", by="district", group="8")
    assert [row.mark for row in Figures(tidy.results([mean, difference])).rows] == ["c", "c"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (0.92, "about 9 in 10 people"),
        (0.94, "more than 9 in 10 people"),
        (0.96, "more than 9 in 10 people"),
        (0.85, "between 8 and 9 in 10 people"),
        (0.27, "about 3 in 10 people"),
        (0.25, "about 1 in 4 people"),
        (0.16, "about 1 in 6 people"),
        (0.034, "about 1 in 29 people"),
        (0.0, ""),
    ],
)
def test_shares_in_small_whole_numbers(part: float, expected: str) -> None:
    assert words.plainly(EN, part) == expected


def test_chinese_has_full_width_punctuation_and_its_own_order() -> None:
    text = words.headline_finding(ZH, "安全感", figure(estimate=0.92), figure(**UP), ZH.wave("2025H2"))
    assert text == "安全感为92.0%\uff0c比2025年下半年上升2.1个百分点"


@pytest.mark.parametrize(
    ("lang", "change", "expected"),
    [
        (EN, UP, "Up 2.1 points since W"),
        (EN, DOWN, "Down 2.1 points since W"),
        (EN, STILL, "Practically unchanged since W, within ±3 points"),
        (EN, FLAT | {"within": 2.5}, "Practically unchanged since W, within ±2.5 points"),
        (EN, FLAT, "No change could be shown since W"),
        (ZH, UP, "比W上升2.1个百分点"),
        (ZH, DOWN, "比W下降2.1个百分点"),
        (ZH, STILL, "与W相比基本不变（变化在±3个百分点以内）"),
        (ZH, FLAT, "与W相比，未能认定有变化"),
    ],
)
def test_changed_practically_unchanged_and_cannot_tell(lang: Language, change: dict[str, Any], expected: str) -> None:
    assert words.change_words(lang, figure(**change), "W", False).startswith(expected)


def test_what_is_practically_unchanged_is_listed_apart_from_what_could_not_be_shown() -> None:
    changes = [("A", figure(**UP)), ("B", figure(**STILL)), ("C", figure(**FLAT))]
    assert words.changes_point(EN, changes, "W") == (
        "Risen since W: A (+2.1 points). Practically unchanged (within ±3 points): B. No change could be shown in: C."
    )
    assert words.changes_point(EN, changes[1:2], "W") == "Practically unchanged since W (within ±3 points): B."
    assert "基本不变（变化在±3个百分点以内）：B。" in words.changes_point(ZH, changes, "W")


def test_only_an_equivalence_test_makes_a_change_practically_unchanged() -> None:
    row = gap("security", "change", 0.001, 0.004, 0.8, level="2025H2")
    test = row | {"statistic": "equivalence", "reason": "within ±3 points", "p": 0.01, "q": 0.04}
    for other, margin in ((test, 3.0), (test | {"q": 0.06}, None), (test | {"level": "2025H1"}, None),
                          (withheld(test, "unreliable"), None)):  # fmt: skip
        found = Figures(tidy.results([row, other])).rows[0]
        assert (found.within == margin) if margin else math.isnan(found.within)
