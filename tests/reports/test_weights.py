"""The weighting in the report: frames, nonresponse, bounds and merged levels, and nothing that may not be told."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reports.render import render
from survey.codebook import Weighting
from survey.disclosure import Releasable, release
from tests.reports.sample import WAVES, city

FACTS: dict[str, Any] = {
    "weighting": {
        "steps": [
            {"step": "base", "n": 3012, "deff": 1.2, "n_eff": 2510, "top1": 0.026},
            {"step": "nonresponse", "n": 3012, "deff": 1.3, "n_eff": 2317, "top1": 0.031},
            {"step": "calibrated", "n": 3012, "deff": 1.4, "n_eff": 2151, "top1": 0.04},
            {"step": "normalised", "n": 3012, "deff": 1.4, "n_eff": 2151, "top1": 0.04},
        ],
        "margins": [
            {"margin": "sex:age_band", "level": "1:1+1:2", "target": 0.3, "before": 0.2, "adjusted": 0.25, "after": 0.3}
        ],
        "merged": {"sex:age_band": {"1:1": "1:1+1:2", "1:2": "1:1+1:2"}},
    },
    "nonresponse": {"method": "classes", "by": ["district"], "cases": 6000, "respondents": 3012, "classes": 9,
                    "smallest": 41, "rate": 0.502, "lowest_rate": 0.31, "highest_rate": 0.66},
}  # fmt: skip
PLAN = {"calibrate": {"to": ["sex:age_band"], "distance": "logit", "bounds": [0.3, 3]}, "min_cell": 30}
PHONES = {"frame": "mode", "mobile": {"codes": [1], "phones": "m"}, "landline": {"codes": [2], "phones": "l"}}


def page(code: str, facts: dict[str, Any], plan: dict[str, Any]) -> str:
    released, book = city()
    book = book.model_copy(update={"weighting": Weighting.model_validate(plan)})
    text = render(Releasable(released.results, released.facts | facts), book, WAVES[-1], [code])[
        f"{code}-methods.html"
    ].decode()
    return re.sub(r'<span class="nb">([^<]*)</span>', r"\1", text)


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        (
            "en",
            [
                "in 9 classes by District, each with 41 respondents or more: 50.2% of the eligible cases took part",
                "from 31.0% to 66.0% by class",
                "multiplied by less than 0.30 or more than 3.00",
                "fewer than 30 respondents",
                "Top 1%<",
                "Adjusted<",
                "Scaled to a fixed sum",
                "weights and calibration into account",
            ],
        ),
        (
            "zh",
            [
                "分成9类，每类至少41名受访者",
                "不低于0.30，不高于3.00",
                "受访者少于30人的组",
                "最大1%<",
                "调整后<",
            ],
        ),
    ],
)
def test_each_step_is_told(code: str, parts: list[str]) -> None:
    text = page(code, FACTS, PLAN)
    for part in parts:
        assert part in text, part


@pytest.mark.parametrize(
    ("facts", "plan", "part"),
    [
        ({"nonresponse": FACTS["nonresponse"] | {"method": "propensity"}}, {}, "of about equal chance to take part"),
        ({"nonresponse": {"by": ["district"], "rate": 0.5}}, {}, "divided by the estimated chance of taking part"),
        ({}, {"dual_frame": PHONES}, "divided by the number of phones"),
        ({}, {"dual_frame": PHONES | {"overlap": "composite", "mobile_share": 0.6}}, "stands for 60% of them"),
        ({}, {"poststratify": "sex:age_band"}, "weights and post-stratification into account"),
    ],
)
def test_other_methods_are_told(facts: dict[str, Any], plan: dict[str, Any], part: str) -> None:
    assert part in page("en", facts, plan)


def test_what_a_few_persons_hold_is_not_told() -> None:
    released, book = city()
    everybody = released.results[released.results["by"] == ""]  # what is withheld by area is not this test's matter
    margin = {"margin": "sex", "level": "1", "before": 0.1, "adjusted": 0.2, "after": 0.3}
    step = {"step": "base", "n": 900, "top1": 0.05, "max": 7.0, "deff": 1.1}
    small = {"steps": [step], "margins": [margin | {"n": 4}]}
    told = release(everybody, {"weighting": small}, book).facts["weighting"]
    assert told["steps"] == [{"step": "base", "n": 900, "deff": 1.1}]
    assert told["margins"] == [margin | {"before": None, "adjusted": None}]
