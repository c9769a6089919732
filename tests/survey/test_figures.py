"""The report's figures: what they must not depend on."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from survey.cleaning import clean
from survey.figures import comparisons, levels, numbered, regressions
from survey.privacy import Protected, protect
from survey.survey_yaml import parse
from survey.tidy import NUMBERS, results, settled
from survey.weighting import read_margins, weigh
from tests.small_survey import MARGINS, YAML, frame

TWO = YAML + "  w2:\n    file: w2.csv\n    fieldwork: {start: 2026-10-01, end: 2026-10-31}\n"
BOOK = parse(TWO.replace("design: {", "design: {shared_psus: true, "))


def weighted(wave: str, seed: int, key: bytes) -> Protected:
    protected = protect(clean(frame(seed=seed), BOOK, wave), BOOK, wave, key)
    return weigh(protected, BOOK, read_margins(MARGINS, wave, "margins.csv"))[0]


def test_no_digit_of_any_figure_depends_on_the_key() -> None:
    """Sums over units in the order of their pseudonyms would: the last digit, and then a rule or an axis."""
    seen = []
    for number in range(12):
        key = hashlib.sha256(bytes([number])).digest()
        waves = {"w1": weighted("w1", 1, key), "w2": weighted("w2", 2, key)}
        parts = [levels(waves["w1"], BOOK, "w1"), comparisons(waves, BOOK), regressions(waves["w2"], BOOK, "w2")]
        seen.append(pd.concat(parts, ignore_index=True))
    assert len(seen[0]) > 20
    for other in seen[1:]:
        pd.testing.assert_frame_equal(seen[0], other, check_exact=True)


def test_units_are_numbered_as_they_come_and_alike_in_every_wave() -> None:
    """Figures are rounded to twelve digits after this, which would hide another order of summing in most runs."""
    seen = []
    for number in range(3):
        key = hashlib.sha256(bytes([number])).digest()
        waves = numbered({"w1": weighted("w1", 1, key), "w2": weighted("w2", 2, key)}, BOOK)
        seen.append([waves[name].frame["community"].tolist() for name in waves])
    assert seen[0] == seen[1] == seen[2]
    assert list(dict.fromkeys(seen[0][0])) == list(range(12))
    assert set(seen[0][1]) == set(range(12))  # the communities of the first wave, not twelve others


def test_no_design_effect_depends_on_the_scale_of_the_weights() -> None:
    """A weight scaled to a mean of 1.06 names no population of which the sample would be nearly all."""
    parsed = BOOK.model_copy(update={"weighting": BOOK.weighting.model_copy(update={"rake": ()})})
    delivered = frame()
    seen = []
    for mean in (0.9, 1.06, 1060.0):
        weight = delivered["weight_in"].astype(float)
        scaled = (weight * mean / weight.mean()).map(repr)
        wide = parsed.items["weight_in"].model_copy(update={"range": (0, 1e6)})
        book = parsed.model_copy(update={"items": {**parsed.items, "weight_in": wide}})
        cleaned = clean(delivered.assign(weight_in=scaled), book, "w1")
        kept = protect(cleaned, book, "w1", bytes(range(32)))
        weighted_wave, _ = weigh(kept, book, read_margins(MARGINS, "w1", "margins.csv"))
        seen.append(levels(weighted_wave, book, "w1"))
    for other in seen[1:]:
        assert np.allclose(seen[0]["deff"], other["deff"], rtol=1e-6, equal_nan=True)
    assert seen[0]["deff"].between(0.5, 2).any()


def test_settled_numbers_survive_noise_in_the_last_digit() -> None:
    rng = np.random.default_rng(3)
    values = np.exp(rng.normal(0, 8, (500, len(NUMBERS)))) * rng.choice([-1, 1], (500, len(NUMBERS)))
    noisy = values * (1 + rng.choice([-1, 0, 1], values.shape) * 2.0**-52)
    clean_rows, noisy_rows = (settled(results(pd.DataFrame(each, columns=NUMBERS))) for each in (values, noisy))
    assert np.mean(clean_rows[NUMBERS].to_numpy() != noisy_rows[NUMBERS].to_numpy()) < 1e-3
    assert np.allclose(clean_rows[NUMBERS].to_numpy(dtype=float), values, rtol=1e-11, atol=0)


def test_a_model_leaves_out_a_few_who_all_answered_alike() -> None:
    """Its coefficient would say how each of the fifteen answered; the same fifteen divided in their answer stay."""
    book = parse(YAML.replace("terms: [lit, sex]", "terms: [lit, sex, district]"))
    rows = frame()
    kept = pd.concat([rows[rows["district"] != "3"], rows[rows["district"] == "3"].iloc[:15]], ignore_index=True)
    few = kept["district"] == "3"
    told = {}
    for name, answers in (("alike", "1"), ("divided", kept.loc[few, "safe"].mask(np.arange(few.sum()) % 3 == 0, "2"))):
        delivered = kept.copy()
        delivered.loc[few, "safe"] = answers
        cleaned = clean(delivered, book, "w1")
        wave, _ = weigh(
            protect(cleaned, book, "w1", bytes(range(32))), book, read_margins(MARGINS, "w1", "margins.csv")
        )
        found = regressions(wave, book, "w1")
        told[name] = set(found.loc[found["item"] == "district", "level"])
    assert "3" not in told["alike"]
    assert "3" in told["divided"]
    assert "2" in told["alike"]
