"""Risk that a person in a sample is found in the population, from the weights of those who look the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from survey.anonymity.classes import Floats, Ints


@dataclass(frozen=True)
class Risk:
    """Risk of a file.

    individual: by person (n,), probability that a match with somebody of the population who looks the same is right.
    expected: expected number of right matches when everybody is tried.   population_uniques: expected number of persons
    in the sample who are alone of their kind in the population.   correct_unique: probability that a match with a
    sample unique is right.
    """

    individual: Floats
    expected: float
    population_uniques: float
    correct_unique: float


def individual_risk(sizes: Floats, weighted: Floats) -> Floats:
    """E(1/F | f): the mean over what the population count F of a class may be, given f in the sample (n,).

    F given f is negative binomial with p = f/F̂, F̂ the sum of the weights in the class, so that
    E(1/F | f) = p/f · ₂F₁(1, 1; f+1; 1−p); for f = 1 that is −p log p / (1−p) (Benedetti & Franconi 1998; in this
    closed form Polettini & Stander 2004). A class whose weights add up to no more than its persons is the population:
    1/f.

    >>> individual_risk(np.array([1.0, 2.0]), np.array([50.0, 2.0])).round(4).tolist()
    [0.0798, 0.5]
    """
    p = np.clip(sizes / np.maximum(weighted, 1e-300), 0, 1)
    return np.asarray(p / sizes * special.hyp2f1(1.0, 1.0, sizes + 1.0, 1.0 - p))


def risk(code: Ints, weights: Floats) -> Risk:
    """Risk of a file whose persons fall into classes (n,) and have design weights (n,).

    A sample unique of weight w is alone in the population with probability p = 1/w (F given f = 1 is geometric). A
    match with a sample unique is right with probability π n₁ / (π n₁ + 2 (1−π) n₂), π = n/Σw, n₁ and n₂ the classes
    of one and of two persons (DIS; Skinner & Elliot 2002).
    """
    sizes: Floats = np.bincount(code).astype(float)
    weighted = np.bincount(code, weights)
    individual = individual_risk(sizes, np.asarray(weighted, dtype=float))[code]
    ones, twos = float((sizes == 1).sum()), float((sizes == 2).sum())
    fraction = min(1.0, len(code) / float(weights.sum()))
    alone = fraction * ones + 2 * (1 - fraction) * twos
    unique = 1 / np.maximum(weighted[sizes == 1], 1)
    return Risk(individual, float(individual.sum()), float(unique.sum()), fraction * ones / alone if alone else 0.0)
