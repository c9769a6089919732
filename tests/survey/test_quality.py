"""Outcome rates against AAPOR's formulas worked by hand."""

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
# I 300, P 20, R 200, NC 100, O 30, U 350; e = 650/780 = 5/6, so eU = 291⅔ and the base of RR3 is 941⅔ = 2825/3.
BY_HAND = {
    "RR1": 300 / 1000,
    "RR2": 320 / 1000,
    "RR3": 900 / 2825,
    "RR4": 960 / 2825,
    "RR5": 300 / 650,
    "RR6": 320 / 650,
    "COOP1": 300 / 550,
    "COOP2": 320 / 550,
    "COOP3": 300 / 520,
    "COOP4": 320 / 520,
    "REF1": 200 / 1000,
    "REF2": 600 / 2825,
    "REF3": 200 / 650,
    "CON1": 550 / 1000,
    "CON2": 1650 / 2825,
    "CON3": 550 / 650,
}


def test_all_sixteen_rates_by_hand() -> None:
    assert estimated_eligibility(COUNTS) == pytest.approx(5 / 6)
    assert response_rates(COUNTS) == pytest.approx(BY_HAND)


def test_a_stated_eligibility_is_used() -> None:
    assert response_rates(COUNTS, eligibility=0.5)["RR3"] == pytest.approx(300 / (650 + 175))


@pytest.mark.parametrize(("stated", "same_as"), [(1.0, 1), (0.0, 3)])
def test_the_estimated_rates_lie_between_their_extremes(stated: float, same_as: int) -> None:
    """With e = 1 the middle rates are the minimum ones, with e = 0 the maximum ones."""
    rates = response_rates(COUNTS, stated)
    low = {"RR3": "RR1", "RR4": "RR2", "REF2": "REF1", "CON2": "CON1"}
    high = {"RR3": "RR5", "RR4": "RR6", "REF2": "REF3", "CON2": "CON3"}
    for middle, end in (low if same_as == 1 else high).items():
        assert rates[middle] == rates[end]


def test_no_cases_give_no_rate() -> None:
    assert all(math.isnan(rate) for rate in response_rates({}).values())
