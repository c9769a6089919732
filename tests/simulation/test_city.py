"""The population: its truth, its trends, its clustering, and the programme whose effect is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from simulation.city import COHORTS, NEVER, City, build, headline
from simulation.deliver import margins
from simulation.layouts import LABELS, SCALE
from simulation.questionnaire import BY_NAME, HEADLINES, QUESTIONS, WAVES
from simulation.sample import FIELDWORK, FIELDWORK_DAYS
from survey.codebook import Codebook


def intraclass(values: npt.NDArray[np.float64], group: npt.NDArray[np.int64]) -> float:
    """Intraclass correlation from the analysis of variance."""
    n = np.bincount(group)
    means = np.bincount(group, values) / n
    between = (n * (means - values.mean()) ** 2).sum() / (len(n) - 1)
    within = ((values - means[group]) ** 2).sum() / (len(values) - len(n))
    typical = (len(values) - (n**2).sum() / len(values)) / (len(n) - 1)
    return float((between - within) / (between + (typical - 1) * within))


def test_the_city_is_as_large_as_it_says(city: City) -> None:
    assert len(city.communities.area) == 600
    assert 200_000 < city.people.size < 230_000
    assert sorted(set(city.people.district)) == list(range(1, 12))
    assert city.people.age.min() == 16


def test_shares_of_every_question_sum_to_one(city: City) -> None:
    truth = city.truth("2025H1")
    totals = truth[truth["level"] != ""].groupby("item")["share"].sum()
    for question in QUESTIONS:
        if question.multiple:
            assert totals[question.name] > 1
        else:
            assert totals[question.name] == pytest.approx(1)
    assert truth["share"].between(0, 1).all()
    headlines = truth[truth["level"] == ""].set_index("item")["share"]
    assert headlines["sense_of_security"] == pytest.approx(
        truth[(truth["item"] == "a1_safe_now") & truth["level"].isin(["1", "2"])]["share"].sum()
    )


def test_the_first_wave_has_the_shares_that_are_written(city: City) -> None:
    answers = city.answers(WAVES[0])
    for question in QUESTIONS:
        if not question.multiple:
            found = np.bincount(answers[question.name], minlength=len(question.shares) + 1)[1:] / city.people.size
            assert found == pytest.approx(question.shares, abs=2e-5)


@pytest.mark.parametrize("name", HEADLINES)
def test_headlines_move_modestly(city: City, name: str) -> None:
    course = [headline(city.answers(wave), HEADLINES[name]).mean() for wave in WAVES]
    assert 0.005 < max(course) - min(course) < 0.08
    assert np.abs(np.diff(course)).max() < 0.03


@pytest.mark.parametrize("name", HEADLINES)
def test_neighbours_answer_alike(city: City, name: str) -> None:
    values, community = headline(city.answers("2026H1"), HEADLINES[name]), city.people.community
    assert 0.01 < intraclass(values, community) < 0.07
    shuffled = np.random.default_rng(1).permutation(community)
    assert abs(intraclass(values, shuffled)) < 0.002


def test_the_programme_changes_nothing_before_it_comes(city: City) -> None:
    with_it, without = (city.answers("2024H2", programme)["a1_safe_now"] for programme in (True, False))
    reached = city.treated("2024H2")[city.people.community]
    assert (with_it[~reached] == without[~reached]).all()
    assert (with_it[reached] <= without[reached]).all()
    assert (with_it[reached] < without[reached]).any()


def test_the_effect_of_the_programme_grows_and_can_be_estimated(city: City) -> None:
    effect = city.programme_effect().set_index(["cohort", "wave"])
    assert len(effect) == 4 + 3 + 2 + 1
    assert effect["effect"].between(0.03, 0.08).all()
    for cohort in COHORTS[:-2]:
        first, second = (effect.loc[(WAVES[cohort], WAVES[cohort + after]), "effect"] for after in (0, 1))
        assert second > first + 0.01
    assert (effect["did"] - effect["effect"]).abs().max() < 0.01


def test_cohorts_ran_in_parallel_before_the_programme(city: City) -> None:
    cohort = city.communities.cohort[city.people.community]
    safe = [city.answers(wave)["a1_safe_now"] <= 2 for wave in WAVES[:2]]
    rise = {c: float(safe[1][cohort == c].mean() - safe[0][cohort == c].mean()) for c in COHORTS}
    assert max(abs(rise[c] - rise[NEVER]) for c in COHORTS) < 0.01


def test_another_seed_is_another_city_and_the_same_seed_the_same(city: City) -> None:
    again, other = build(city.seed), build(city.seed + 1)
    assert (again.answers("2023H2")["a9_problems"] == city.answers("2023H2")["a9_problems"]).all()
    assert again.people.size == city.people.size != other.people.size


def test_margins_count_everybody(city: City) -> None:
    totals = margins(city).groupby("margin")["total"].agg(["sum", "count"])
    assert (totals["sum"] == city.people.size).all()
    assert totals["count"].to_dict() == {"sex:age_band": 8, "district:area": 19}


def test_the_codebook_says_what_the_simulation_does(book: Codebook) -> None:
    assert list(book.waves) == list(WAVES)
    for name, one in HEADLINES.items():
        recipe = book.indicators[name]
        assert (recipe.of, tuple(map(int, recipe.levels))) == (one.items, one.levels)
        assert (recipe.recipe == "any") == one.any_of
    for question in QUESTIONS:
        scale, item = book.scale_of(question.name), book.items[question.name]
        assert scale is not None
        assert list(scale.levels) == [str(code) for code in range(1, len(question.shares) + 1)]
        routing = {question.asked_if[0]: tuple(map(str, question.asked_if[1]))} if question.asked_if else {}
        assert item.asked_if == routing
        assert (item.kind == "multiple") == question.multiple
        assert bool(question.not_applicable) == (item.missing == {"7": "not_applicable"})


def test_vendors_use_the_words_of_the_codebook(book: Codebook) -> None:
    for item, scale in SCALE.items():
        if scale in LABELS:
            assert book.items[item].scale == scale
            assert tuple(words["zh"] for words in book.scales[scale].levels.values()) == LABELS[scale]
        else:
            assert BY_NAME[item].multiple


def test_fieldwork_is_when_the_codebook_says(book: Codebook) -> None:
    for wave, start in FIELDWORK.items():
        fieldwork = book.waves[wave].fieldwork
        assert fieldwork.start == start
        assert (fieldwork.end - fieldwork.start).days == FIELDWORK_DAYS - 1
