"""Numbers of respondents told rounded, with noise of cell keys, or with noise that a budget pays for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.attacker import attack, published
from survey.codebook import Counts
from survey.disclosure import Releasable, Secrets, release
from survey.disclosure.budget import bound, drawn_counts, laplace
from survey.disclosure.cellkeys import MODULUS, cell_keys, noise, ptable
from survey.disclosure.counts import numbers, retold
from survey.errors import CodebookError, GateError
from survey.privacy import RECORD_KEY, Protected
from survey.released import Drawn
from survey.survey_yaml import parse
from survey.tidy import results
from tests.small_survey import YAML
from tests.survey.release_samples import BOOK, figures, people, survey

CELL = ["wave", "item", "by", "group"]


def told(seed: int, counts: Counts, secrets: Secrets | None = None) -> tuple[pd.DataFrame, Releasable]:
    """True figures of a random survey and its release."""
    rows, known = survey(seed, areas=6, items=3, waves=2)
    book = BOOK.model_copy(update={"disclosure": BOOK.disclosure.model_copy(update={"counts": counts})})
    return rows, release(rows, {}, book, known, (), secrets)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from([5, 10]))
def test_rounded_numbers_are_adjacent_multiples_and_add_up(seed: int, base: int) -> None:
    rows, released = told(seed, Counts(method="rounded", base=base))
    out = released.results
    shown = out["statistic"].eq("mean") & out["n"].notna()
    true = rows.loc[shown, "n"]
    assert (out.loc[shown, "n"] % base == 0).all()
    assert ((out.loc[shown, "n"] - true).abs() < base).all()
    city = shown & out["by"].eq("")
    assert ((out.loc[city, "n"] - rows.loc[city, "n"]).abs() <= base / 2).all()
    levels = out[out["statistic"].eq("mean")].assign(true=rows["n"])
    for (wave, item), own in levels.groupby(["wave", "item"]):
        whole = own[own["by"] == ""].iloc[0]
        for _, groups in own[own["by"] != ""].groupby("by"):
            if groups["n"].notna().all() and groups["true"].sum() == whole["true"]:
                assert groups["n"].sum() == whole["n"], (wave, item)


def test_rounding_adds_up_where_nearest_multiples_do_not() -> None:
    """Three groups of 12 make 36: the nearest multiples 10 + 10 + 10 are not 35."""
    rows = results(
        [
            {"wave": "w", "item": "q", "statistic": "mean", "by": by, "group": group, "n": n, "n_weighted": n,
             "estimate": 0.5, "se": 0.1, "ci_low": 0.4, "ci_high": 0.6, "n_eff": n, "deff": 1.0, "psus": 9, "df": 8}
            for by, group, n in [("", "", 36), ("g", "1", 12), ("g", "2", 12), ("g", "3", 12)]
        ]
    )  # fmt: skip
    found = numbers(rows, {}, BOOK.disclosure.model_copy(update={"counts": Counts(method="rounded")}))
    assert found.told["w", "q", "", ""] == 35
    groups = [n for key, n in found.told.items() if key[2]]
    assert sorted(groups) == [10, 10, 15]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 50])
@pytest.mark.parametrize(("most", "variance"), [(2, 1.0), (5, 2.0), (5, 4.5), (10, 6.0)])
def test_noise_of_cell_keys_is_bounded_unbiased_and_of_the_variance(n: int, most: int, variance: float) -> None:
    chance, size = np.array(ptable(min(n, most), most, variance)), np.arange(-most, most + 1)
    assert chance.sum() == pytest.approx(1, abs=1e-12)
    assert chance @ size == pytest.approx(0, abs=1e-9)
    assert chance @ size**2 == pytest.approx(variance, abs=1e-9)
    assert (chance[size < -n] == 0).all()


def test_keys_spread_noise_as_the_table_says() -> None:
    keys = np.random.default_rng(1).integers(0, MODULUS, 40_000)
    drawn = np.array([noise(50, int(key), 5, 2.0) for key in keys])
    assert np.abs(drawn).max() <= 5
    assert drawn.mean() == pytest.approx(0, abs=4 * np.sqrt(2 / 40_000))
    assert drawn.var() == pytest.approx(2, abs=0.08)


def keyed(frame: pd.DataFrame, seed: int = 7) -> Protected:
    keys = np.random.default_rng(seed).integers(0, MODULUS, len(frame))
    return Protected(frame.assign(**{RECORD_KEY: keys}), pd.DataFrame(), {})


def test_the_same_respondents_get_the_same_noise_in_every_table() -> None:
    """`old` = y holds the age groups 4 and 5; as one breakdown or another, the same people are the same cell."""
    frame = people(np.random.default_rng(3), 700, 5, 2)
    frame["also_old"] = frame["old"]
    wave = keyed(frame)
    rows = figures({"w": frame}, ["q0", "q1"], ("area", "old", "also_old"))
    keys = cell_keys(wave, rows).set_index(["item", "by", "group"])["key"]
    assert keys["q0", "old", "y"] == keys["q0", "also_old", "y"]
    assert keys["q0", "old", "y"] != keys["q0", "old", "n"]
    shuffled = Protected(wave.frame.sample(frac=1, random_state=1).reset_index(drop=True), pd.DataFrame(), {})
    assert cell_keys(shuffled, rows).set_index(["item", "by", "group"])["key"].equals(keys)
    alone = figures({"w": frame}, ["q0"], ("old",))
    again = cell_keys(wave, alone).set_index(["item", "by", "group"])["key"]
    assert again.equals(keys[again.index])
    parts = sum(int(keys["q0", "old", group]) for group in ("y", "n")) % MODULUS
    assert parts == keys["q0", "", ""]


def test_changes_and_differences_tell_the_numbers_of_their_levels() -> None:
    rows, _ = survey(4, areas=6, items=3, waves=2)
    secrets = Secrets({tuple(key): k * 104729 % MODULUS for k, key in enumerate(rows[CELL].drop_duplicates().values)})
    _, released = told(4, Counts(method="cell_key"), secrets)
    out = released.results
    levels = {tuple(row[:4]): row[4] for row in out.loc[out["statistic"] == "mean", [*CELL, "n"]].values}
    compared = out[out["statistic"].isin(["change", "difference"]) & out["n"].notna()]
    assert len(compared) > 20
    for row in compared.to_dict("records"):
        own = levels[tuple(row[name] for name in CELL)]
        before = levels.get((row["level"], row["item"], row["by"], row["group"]), np.inf)
        assert row["n"] == (min(own, before) if row["statistic"] == "change" else own)


@pytest.mark.parametrize("method", ["rounded", "cell_key"])
def test_nothing_beside_n_gives_the_true_number_away(method: str) -> None:
    """A simple random sample: df = n − 1 and se² = p(1 − p)/(n − 1); none of them leads back to n."""
    n, p = 237, 0.4
    se = np.sqrt(p * (1 - p) / (n - 1))
    row = {"wave": "w", "item": "q", "statistic": "mean", "n": n, "n_weighted": n, "missing": 3, "psus": n}
    row |= {"estimate": p, "se": se, "ci_low": p - 2 * se, "ci_high": p + 2 * se}
    rows = results([{**row, "df": n - 1, "n_eff": n, "deff": 1.0}])
    book = BOOK.model_copy(
        update={"disclosure": BOOK.disclosure.model_copy(update={"counts": Counts(method=method)})}  # type: ignore[arg-type]
    )
    out = release(rows, {}, book, secrets=Secrets({("w", "q", "", ""): 5})).results.iloc[0]
    assert out["n"] != n
    assert out[["df", "missing", "psus", "n_weighted", "cv"]].isna().all()
    assert out["n_eff"] * out["deff"] == out["n"]
    assert (out["ci_high"] - out["ci_low"]) / 4 == pytest.approx(se * np.sqrt(n / out["n"]), abs=6e-4)
    assert out["se"] == round(se * np.sqrt(n / out["n"]), 3)


def test_an_interval_of_nobody_is_that_of_the_told_number() -> None:
    """At 0 % the end of the interval is a function of n alone."""
    row = {"wave": "w", "item": "q", "statistic": "share", "level": "1", "estimate": 0.0, "se": 0.0, "df": 60}
    n = 197
    rows = results([{**row, "n": n, "n_weighted": n, "ci_low": 0, "ci_high": 0.0186, "n_eff": n, "psus": 80}])
    out = retold(rows, {("w", "q", "", ""): 200.0}, Counts(method="rounded")).iloc[0]
    assert out["ci_high"] == round(1 - 0.025 ** (1 / 200), 3)


def test_noise_is_drawn_once_and_paid_for() -> None:
    counts = {("w", "q", "g", group): n for group, n in [("1", 40.0), ("2", 60.0)]} | {("w", "q", "", ""): 100.0}
    first, drawn, facts = drawn_counts(counts, [], 1.0)
    assert facts == {"epsilon": 1.0, "spent": 1.0, "tables": 2, "scale": 2.0}
    again, new, same = drawn_counts(counts, drawn, 1.0)
    assert (again, new, same) == (first, [], facts)
    with pytest.raises(GateError, match="budget of wave w is spent"):
        drawn_counts(counts | {("w", "q", "h", "1"): 100.0}, drawn, 1.0)
    more, new, facts = drawn_counts(counts | {("w", "q", "h", "1"): 100.0}, drawn, 1.5)
    assert {key: more[key] for key in first} == first
    assert [each.epsilon for each in new] == [0.5]
    assert facts["spent"] == 1.5
    late, _, _ = drawn_counts(counts | {("w", "q", "g", "3"): 7.0}, drawn, 1.0)
    assert np.isnan(late["w", "q", "g", "3"])


def test_a_wave_pays_for_itself_alone() -> None:
    def plain(counts: Sequence[int], _: float) -> list[int]:
        return list(counts)

    counts = {("v", "q", "", ""): 10.0, ("w", "q", "", ""): 20.0, ("w", "r", "", ""): 30.0}
    _, drawn, facts = drawn_counts(counts, [Drawn("v", "q", "", "", 9.0, 0.5)], 1.0, plain)
    assert [(each.wave, each.epsilon) for each in drawn] == [("w", 0.5), ("w", 0.5)]
    assert facts["spent"] == 1.0


def test_opendp_spends_what_it_says() -> None:
    """Counts of 40 and of 41 give each result with chances whose ratio is at most e^ε, as far as 20,000 draws tell."""
    pytest.importorskip("opendp", reason="the extra `private` is not installed")
    epsilon, draws = 0.8, 20_000
    one, other = (np.array(laplace([n] * draws, epsilon)) for n in (40, 41))
    assert np.abs(one - 40).max() < bound(1 / epsilon, 1e-9)
    assert (np.abs(one - 40) > bound(1 / epsilon)).mean() < 2e-3
    largest = 0.0
    for value in range(34, 48):
        a, b = (one == value).sum(), (other == value).sum()
        if min(a, b) < 200:
            continue
        ratio, error = abs(np.log(a / b)), np.sqrt(1 / a + 1 / b)
        assert ratio <= epsilon + 4 * error
        largest = max(largest, ratio)
    assert largest > 0.6 * epsilon  # so that less noise than that would be seen
    assert one.var() == pytest.approx(2 * np.exp(-epsilon) / (1 - np.exp(-epsilon)) ** 2, rel=0.1)


def test_the_attacker_sees_ranges() -> None:
    """A city of 100 with 60, [c] and 30: exactly told the secret is 10; within 4 each it is anything from 0 to 22."""
    place = {"wave": "w", "item": "q", "statistic": "mean", "n_weighted": np.nan}
    rows = results(
        [
            {**place, "n": 100, "estimate": 0.5},
            {**place, "by": "g", "group": "1", "n": 60, "estimate": 0.5},
            {**place, "by": "g", "group": "2", "flag": "suppressed_primary"},
            {**place, "by": "g", "group": "3", "n": 30, "estimate": 0.5},
        ]
    )
    seen = published(rows)
    exact = attack(seen)
    assert exact[["n_low", "n_high", "open"]].values.tolist() == [[10.0, 10.0, True]]
    vague = attack(type(seen)(seen.figures, seen.answered, seen.records, 4.0))
    low, high, found = vague[["n_low", "n_high", "open"]].values[0]
    assert (low, high, found) == (0.0, 22.0, False)


def test_a_file_of_records_and_vague_numbers_do_not_go_together() -> None:
    text = YAML.replace("quasi_identifiers: [sex, district]}", "quasi_identifiers: [sex, district], microdata: {k: 5}}")
    text = text.replace("report:\n", "disclosure: {counts: {method: rounded}}\nreport:\n", 1)
    with pytest.raises(CodebookError, match="exact numbers beside a file of the records"):
        parse(text)


@pytest.mark.parametrize("wrong", [{"method": "private"}, {"epsilon": 1.0}, {"variance": 5.0}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"epsilon|variance"):
        Counts(**wrong)  # type: ignore[arg-type]
