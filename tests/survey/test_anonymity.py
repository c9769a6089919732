"""k, l, t and risk against independent checkers: pycanon, sums over the population, and counting by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycanon import anonymity as pycanon
from scipy import integrate, stats

from survey.anonymity.classes import Rules, Sensitive, anonymity, classes, crossed, failing, levels_of, measure
from survey.anonymity.risk import individual_risk, risk
from survey.anonymity.suda import special_uniques


def frames(rows: int = 40, columns: int = 3) -> st.SearchStrategy[pd.DataFrame]:
    cell = st.sampled_from(["1", "2", "3"])
    record = st.tuples(*[cell] * columns)
    names = [f"q{i}" for i in range(columns)]
    return st.lists(record, min_size=4, max_size=rows).map(lambda rows: pd.DataFrame(rows, columns=names))


@settings(deadline=None)
@given(frames(columns=4))
def test_k_l_and_t_are_pycanons(frame: pd.DataFrame) -> None:
    quasi, item = ["q0", "q1"], frame["q3"]
    level = levels_of(item)
    code = classes(frame, quasi)
    found = measure(code, [Sensitive("q3", level, ordered=False)])
    assert found.k == anonymity(frame, quasi)[0] == pycanon.k_anonymity(frame, quasi)
    assert found.l_distinct == pycanon.l_diversity(frame, quasi, ["q3"])
    by_pycanon = pycanon.entropy_l_diversity(frame, quasi, ["q3"])  # cut to a whole number
    assert by_pycanon in {int(found.l_entropy - 1e-9), int(found.l_entropy + 1e-9)}
    assert found.t == pytest.approx(pycanon.t_closeness(frame, quasi, ["q3"]))
    if item.nunique() > 1:
        ordered = measure(code, [Sensitive("q3", level, ordered=True)])
        numbers = frame.assign(q3=item.astype(int))
        assert ordered.t == pytest.approx(pycanon.t_closeness(numbers, quasi, ["q3"]))


def test_a_missing_value_is_a_category_of_its_own() -> None:
    frame = pd.DataFrame({"age": ["1", "1", None, None, "2"], "sex": ["1", "1", "1", "1", "1"]})
    assert anonymity(frame, ["age", "sex"]) == (1, 1)
    assert anonymity(frame.iloc[:4], ["age", "sex"]) == (2, 0)


def test_failing_names_exactly_the_persons_in_classes_that_break_a_rule() -> None:
    code = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    item = Sensitive("x", np.array([0, 1, 0, 0, 1, 1, 1, 1]), ordered=False)
    assert failing(code, [], Rules(k=3)).tolist() == [False] * 3 + [True] * 2 + [False] * 3
    assert failing(code, [item], Rules(l_distinct=2)).tolist() == [False] * 5 + [True] * 3
    assert failing(code, [item], Rules(l_entropy=1.95)).tolist() == [True] * 3 + [False] * 2 + [True] * 3
    assert failing(code, [item], Rules(t=0.3)).tolist() == [False] * 5 + [True] * 3


@pytest.mark.parametrize(("f", "weighted"), [(1, 40.0), (2, 90.0), (3, 7.5), (12, 300.0), (60, 900.0)])
def test_individual_risk_is_the_mean_of_one_over_f(f: int, weighted: float) -> None:
    p = f / weighted
    failures = np.arange(400_000)
    by_sum = float((stats.nbinom.pmf(failures, f, p) / (failures + f)).sum())
    by_integral, _ = integrate.quad(lambda t: t ** (f - 1) * (p / (1 - (1 - p) * t)) ** f, 0, 1)
    found = float(individual_risk(np.array([float(f)]), np.array([weighted]))[0])
    assert found == pytest.approx(by_sum, rel=1e-9)
    assert found == pytest.approx(by_integral, rel=1e-7)


def test_individual_risk_has_the_published_forms_of_one_and_two() -> None:
    p = np.array([0.01, 0.2, 0.7])
    ones = individual_risk(np.ones(3), 1 / p)
    twos = individual_risk(np.full(3, 2.0), 2 / p)
    assert ones == pytest.approx(p / (1 - p) * np.log(1 / p))
    assert twos == pytest.approx(p / (1 - p) - (p / (1 - p)) ** 2 * np.log(1 / p))
    assert individual_risk(np.array([3.0]), np.array([2.0])) == pytest.approx([1 / 3])  # a class that is the population


def test_a_match_with_a_sample_unique_is_right_as_often_as_foretold() -> None:
    rng = np.random.default_rng(7)
    population = rng.zipf(1.6, 20_000).clip(max=4_000)
    sizes = np.bincount(population)
    told, true = [], []
    for _ in range(200):
        drawn = population[rng.permutation(len(population))[:2_000]]
        code = np.unique(drawn, return_inverse=True)[1]
        told.append(risk(code, np.full(len(drawn), 10.0)).correct_unique)
        uniques = drawn[np.bincount(code)[code] == 1]
        true.append(len(uniques) / sizes[uniques].sum())
    assert np.mean(told) == pytest.approx(np.mean(true), rel=0.05)


def test_a_sample_unique_is_alone_in_the_population_as_often_as_its_weight_says() -> None:
    found = risk(np.array([0, 1, 2, 2]), np.array([10.0, 4.0, 5.0, 5.0]))
    assert found.population_uniques == pytest.approx(1 / 10 + 1 / 4)  # geometric: P(F = 1 | f = 1) = 1/w
    assert found.expected == pytest.approx(found.individual.sum())
    assert found.individual[2] == found.individual[3] < found.individual[0] < found.individual[1]


@settings(deadline=None, max_examples=50)
@given(frames(rows=12, columns=4))
def test_minimal_sample_uniques_are_those_found_by_counting(frame: pd.DataFrame) -> None:
    parts = [levels_of(frame[name]) for name in frame]
    found = special_uniques(parts)
    for row in range(len(frame)):
        own = []
        for size in range(1, 5):
            for subset in combinations(range(4), size):
                alike = (frame.iloc[:, list(subset)] == frame.iloc[row, list(subset)]).all(axis=1).sum()
                if alike == 1 and not any(set(smaller) < set(subset) for smaller in own):
                    own.append(subset)
        assert sorted(s for s, who in found.minimal.items() if who[row]) == sorted(own)
        assert found.scores[row] == sum({1: 3 * 2 * 1, 2: 2 * 1, 3: 1, 4: 1}[len(subset)] for subset in own)


def test_the_score_counts_the_ways_up_to_larger_sets() -> None:
    parts = [np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])]
    found = special_uniques(parts)
    assert found.scores.tolist() == [2.0, 1.0, 1.0, 2.0]  # {1}: (3−1)(3−2); {1, 2}: 3−2
    assert special_uniques(parts, most=1).scores.tolist() == [1.0, 0.0, 0.0, 1.0]


def test_crossing_keeps_apart_what_differs_anywhere() -> None:
    code = crossed([np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])], 4)
    assert sorted(code.tolist()) == [0, 1, 2, 3]
