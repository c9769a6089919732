"""Response rates against AAPOR's formulas worked by hand."""

from __future__ import annotations

import math

import pytest

from survey.quality import estimated_eligibility, response_rates

COUNTS = {
    "complete": 300,
    "partial": 20,
    "refusal": 200,
    "noncontact": 100,
    "other": 30,
    "unknown": 350,
    "ineligible": 130,
}


def test_rates_by_hand() -> None:
    e = 650 / 780
    assert estimated_eligibility(COUNTS) == pytest.approx(e)
    rates = response_rates(COUNTS)
    assert rates["RR1"] == pytest.approx(300 / 1000)
    assert rates["RR3"] == pytest.approx(300 / (650 + e * 350))
    assert rates["COOP1"] == pytest.approx(300 / 550)
    assert rates["REF1"] == pytest.approx(200 / 1000)
    assert rates["CON1"] == pytest.approx(550 / 1000)


def test_a_stated_eligibility_is_used() -> None:
    assert response_rates(COUNTS, eligibility=0.5)["RR3"] == pytest.approx(300 / (650 + 175))


def test_no_cases_give_no_rate() -> None:
    assert math.isnan(response_rates({})["RR1"])
