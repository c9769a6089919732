"""Banner figures: the engine's shares, Holm's letters, and no letter that tells of a withheld group."""

from __future__ import annotations

import pandas as pd
import pytest

from survey import compare, estimate
from survey.banner import banner, questions
from survey.cleaning import clean
from survey.codebook import Counts
from survey.disclosure import release
from survey.disclosure.counts import retold
from survey.figures import design_of, numbered
from survey.pairs import PAIR, tellable_pairs
from survey.privacy import Protected, protect
from survey.survey_yaml import parse
from survey.tidy import results
from survey.weighting import read_margins, weigh
from tests.small_survey import MARGINS, YAML, frame

BOOK = parse(YAML)


def weighted(apart: bool = True) -> Protected:
    """A wave in which the districts differ much, or not."""
    delivery = frame()
    if apart:
        delivery.loc[delivery["district"] == "3", "lights"] = "1"
        delivery.loc[(delivery["district"] == "3") & (delivery.index % 5 == 0), "lights"] = "2"
        delivery.loc[(delivery["district"] == "1") & (delivery.index % 8 > 0), "lights"] = "2"
    protected = protect(clean(delivery, BOOK, "w1"), BOOK, "w1", b"0123456789abcdef")
    return weigh(protected, BOOK, read_margins(MARGINS, "w1", "margins.csv"))[0]


def test_shares_are_the_engines() -> None:
    wave = weighted()
    found = banner(wave, BOOK, "w1")
    d = design_of(numbered({"w1": wave}, BOOK)["w1"], BOOK)
    for by in ("district", "sex"):
        own = estimate.proportion(d, ["safe", "lights"], by)
        rows = found[(found["statistic"] == "share") & (found["by"] == by)].reset_index(drop=True)
        assert rows[["item", "group", "level"]].equals(own[["item", "group", "level"]])
        for name in ("estimate", "se", "ci_low", "n"):
            assert rows[name].to_numpy(float) == pytest.approx(own[name].to_numpy(float), rel=1e-11, nan_ok=True)
    assert set(found["block"]) == {"banner"}
    assert questions(BOOK) == ["safe", "lights"]


def test_pairs_are_contrasts_corrected_within_their_breakdown() -> None:
    wave = weighted()
    found = banner(wave, BOOK, "w1")
    pairs = found[(found["statistic"] == PAIR) & (found["item"] == "lights") & (found["by"] == "district")]
    assert set(pairs["group"]) == {"2 - 1", "3 - 1", "3 - 2"}
    d = design_of(numbered({"w1": wave}, BOOK)["w1"], BOOK)
    shares = estimate.proportion(d, "lights", "district")
    for _, pair in pairs.iterrows():
        later, earlier = pair["group"].split(" - ")
        own = compare.contrast(shares, {f"{later}:{pair['level']}": 1, f"{earlier}:{pair['level']}": -1}).iloc[0]
        assert [pair["estimate"], pair["se"], pair["p"]] == pytest.approx([own["estimate"], own["se"], own["p"]])
        assert pair["p"] <= pair["q"] <= min(1, 3 * pair["p"]) + 1e-12
        assert pair["q"] < 0.05


def test_what_does_not_differ_has_no_row() -> None:
    pairs = banner(weighted(apart=False), BOOK, "w1")
    assert not (pairs["statistic"].eq(PAIR) & ~(pairs["q"] < 0.05)).any()


def table(sizes: dict[str, int], share: float = 0.5) -> pd.DataFrame:
    figure = {"wave": "w1", "item": "safe", "statistic": "share", "level": "1", "by": "district", "psus": 9}
    figure |= {"estimate": share, "se": 0.01, "ci_low": share - 0.02, "ci_high": share + 0.02}
    rows = [figure | {"group": group, "n": n, "n_eff": n} for group, n in sizes.items()]
    names = list(sizes)
    pairs = [(b, a) for k, a in enumerate(names) for b in names[k + 1 :]]
    told = {"statistic": PAIR, "n": 30, "n_eff": float("nan"), "p": 0.001, "q": 0.01}
    rows += [figure | told | {"group": f"{b} - {a}"} for b, a in pairs]
    everybody = sum(sizes.values())
    rows.append(figure | {"by": "", "group": "", "n": everybody, "n_eff": everybody})
    return results(rows)


def test_the_release_boundary_leaves_no_pair_of_a_withheld_group() -> None:
    """3 is too small, and 2 is withheld to protect it: what is left says nothing of either."""
    released = release(table({"1": 400, "2": 300, "3": 6, "4": 900}), {}, BOOK).results
    assert released.loc[released["statistic"] == PAIR, "group"].tolist() == ["4 - 1"]
    flags = released.set_index("group")["flag"]
    assert flags["3"] == "suppressed_primary"
    assert flags["2"] == "suppressed_secondary"


def test_a_share_on_a_few_answers_is_not_compared() -> None:
    rows = table({"1": 400, "2": 300}, share=0.005)
    assert tellable_pairs(rows)["statistic"].tolist() == ["share", "share", "share"]
    assert tellable_pairs(table({"1": 400, "2": 300}))["statistic"].tolist() == ["share", "share", PAIR, "share"]


def test_a_pair_tells_its_numbers_no_more_exactly_than_its_groups_do() -> None:
    """Its n is the smaller told one, its estimate has as few places."""
    told = {("w1", "safe", "district", "1"): 400.0, ("w1", "safe", "district", "2"): 295.0}
    rows = table({"1": 401, "2": 297}, share=0.123456)
    rows.loc[rows["statistic"] == PAIR, "n"] = 297.0
    pair = retold(rows, told, Counts(method="rounded", base=5, places=3)).set_index("statistic").loc[PAIR]
    assert (pair["n"], pair["estimate"]) == (295, 0.123)
