"""The beta-binomial against scipy, pairs of answers counted one by one, and the two ends of the screening."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from survey.quality.integrity import all_best, most_best, near_identical, screen
from survey.quality.overdispersion import Usual, usual
from survey.survey_yaml import parse


@pytest.mark.parametrize(("theta", "rho"), [(0.02, 0.03), (0.3, 0.1), (0.9, 0.01)])
def test_tails_and_limits_are_those_of_scipy(theta: float, rho: float) -> None:
    n, scale = np.array([10, 17, 60, 400]), (1 - rho) / rho
    law = stats.betabinom(n, theta * scale, (1 - theta) * scale)
    count = np.array([1, 3, 20, 250])
    assert Usual(theta, rho).tail(count, n) == pytest.approx(law.sf(count - 1), rel=1e-6, abs=1e-12)
    limits = Usual(theta, rho).limits(n, [0.025, 0.975])
    above = law.ppf([[0.025], [0.975]]).T
    assert ((limits * n[:, None] <= above + 1e-9) & (limits * n[:, None] >= above - 1 - 1e-9)).all()


def test_the_usual_share_and_spread_are_found_again() -> None:
    rng = np.random.default_rng(5)
    n = rng.integers(30, 90, 400)
    count = rng.binomial(n, rng.beta(0.1 * 19, 0.9 * 19, 400))  # θ 0.1, ρ 1/20
    found = usual(count, n)
    assert found is not None
    assert found.theta == pytest.approx(0.1, abs=0.01)
    assert 0.04 < found.rho < 0.07


def test_one_far_cluster_does_not_widen_its_own_limits() -> None:
    found = usual([50] + [0] * 47, [60] * 48)
    assert found is not None
    assert found.tail([50], [60])[0] < 1e-12


def test_a_handful_of_clusters_is_not_screened() -> None:
    assert usual([3, 1, 0], [20, 20, 20]) is None
    assert usual([0] * 20, [20] * 20) is None


def test_best_answers_by_hand() -> None:
    codes = np.array([[0, 4, 0], [0, 4, -1], [0, 3, 0], [-1, 4, -1]], dtype=np.int16)
    assert all_best(codes, np.array([0, 4, 0])).tolist() == [True, True, False, False]
    assert most_best(codes, np.array([0, 4, 0]), 0.5).tolist() == [True, True, False, False]


def test_repeats_are_those_of_counting_pair_by_pair() -> None:
    rng = np.random.default_rng(6)
    codes = rng.integers(-1, 3, (300, 8)).astype(np.int16)
    group = rng.integers(-1, 4, 300)
    repeats, earlier = near_identical(codes, group, 0.75)
    for person in range(300):
        before = [other for other in range(person) if group[other] == group[person] != -1]
        matched = any((codes[other] == codes[person]).sum() >= 6 for other in before)
        assert repeats[person] == matched
        assert earlier[person] == len(before)


YAML = """\
survey: speed
title: Speed
publisher: Nobody
population: Nobody
method: None
languages: [en]
scales:
  good: {levels: {1: a, 2: b, 3: c, 4: d, 5: e}, positive: [1, 2]}
items:
  who: {kind: code}
  place: {kind: code}
  minutes: {kind: number}
ITEMS
indicators:
  happy: {recipe: share, of: q0, levels: [1], label: Happy, definition: Happy}
interviewer: who
duration: minutes
design: {psu: [place]}
privacy: {pseudonyms: [place]}
report: {headline: [happy]}
waves: {w1: {file: w1.csv, fieldwork: {start: 2026-04-01, end: 2026-04-30}}}
"""


def test_honest_answers_of_many_clusters_leave_almost_nothing_standing_out() -> None:
    n, questions = 200_000, 20
    book = parse(YAML.replace("ITEMS", "\n".join(f"  q{k}: {{scale: good}}" for k in range(questions))))
    rng = np.random.default_rng(7)
    answers = {
        f"q{k}": pd.Categorical.from_codes(rng.integers(0, 5, n, dtype=np.int8), categories=list("12345"))
        for k in range(questions)
    }
    frame = pd.DataFrame(
        {"who": rng.integers(0, 400, n), "place": rng.integers(0, 4_000, n), "minutes": rng.normal(20, 3, n)}
    ).assign(**answers)
    _, flagged = screen(frame, book)
    assert flagged.mean() < 0.01


def test_without_the_flagged_is_a_domain_of_the_whole_design() -> None:
    from survey import estimate
    from survey.cleaning import clean
    from survey.figures import design_of, levels
    from survey.privacy import protect
    from survey.quality import FLAGGED
    from survey.weighting import Margins, weigh
    from tests import small_survey

    delivered = small_survey.frame()
    delivered.index = pd.RangeIndex(2, 2 + len(delivered), name="row")
    book = parse(small_survey.YAML.replace("weighting: {base: weight_in, rake: [sex, district]}", "weighting: {}"))
    cleaned = clean(delivered, book, "w1")
    flagged = cleaned.frame["community"].isin(["C00", "C01"])
    wave, _ = weigh(protect(cleaned, book, "w1", bytes(range(32)), flagged), book, Margins())
    rows = levels(wave, book, "w1")
    own = rows[(rows["by"] == FLAGGED) & (rows["group"] == "0")].iloc[0]
    d = design_of(wave, book)
    kept = estimate.mean(d.domain(~d.frame[FLAGGED]), "feels_safe").iloc[0]
    assert own["estimate"] == pytest.approx(kept["estimate"])
    assert own["se"] == pytest.approx(kept["se"])
    assert own["n"] == 300
