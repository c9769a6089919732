"""Secondary suppression against outsiders: textbook tables, every choice there is, and 200 random surveys."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scipy import sparse

import survey.disclosure as boundary
from survey.attacker import Knowledge, attack, published
from survey.disclosure import release
from survey.disclosure.bounds import Table, ranges
from survey.disclosure.secondary import Cells, Demand, choose, met
from survey.errors import GateError
from survey.released import Told
from tests.survey.release_samples import BOOK, figures, people, survey

# Investment of enterprises by activity and region (Fischetti & Salazar-González 2000, figure 1); (II, C) is the secret.
INVESTMENT = np.array([[20, 50, 10, 80], [8, 19, 22, 49], [17, 32, 12, 61], [45, 101, 44, 190]], dtype=float)


def two_way(values: np.ndarray) -> Table:
    """A table with its margins; every cell can be hidden."""
    place = np.arange(values.size).reshape(values.shape)
    relations = []
    for line in [*place, *place.T]:
        relation = np.zeros(values.size)
        relation[line[:-1]], relation[line[-1]] = 1, -1
        relations.append(relation)
    upper = np.full(values.size, values.max())
    cells = np.arange(values.size)
    return Table(sparse.csr_array(np.array(relations)), values.ravel(), np.zeros(values.size), upper, cells)


def test_the_published_table_and_its_attackers_range() -> None:
    """Published: hiding (II, A), (III, A) and (III, C) beside (II, C) leaves the attacker the range 5 to 30."""
    table, secret = two_way(INVESTMENT), 6
    hidden = np.zeros(16, dtype=bool)
    hidden[[4, 6, 8, 10]] = True
    assert ranges(table, hidden, [secret])[0][:2] == pytest.approx((5, 30))
    primary = np.arange(16) == secret
    chosen = choose(table, Cells(table.value, primary, np.zeros(16, dtype=bool)), [Demand(secret, 5, 0, secret)])
    assert chosen is not None
    assert np.flatnonzero(chosen).tolist() == [4, 6, 8, 10]


def test_a_secret_that_adds_up_with_nothing_hides_nothing_else() -> None:
    """Of a question that nobody is told the figure for everybody of, or whose groups overlap."""
    nothing = sparse.csr_array((0, 2))
    table = Table(nothing, np.array([4.0, 30.0]), np.zeros(2), np.array([40.0, 40.0]), np.arange(2))
    cells = Cells(np.ones(2), np.array([True, False]), np.zeros(2, dtype=bool))
    chosen = choose(table, cells, [Demand(0, 10, 10, 0)])
    assert chosen is not None
    assert chosen.tolist() == [True, False]
    assert choose(table, cells, [Demand(0, 50, 10, 0)]) is None


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 40), min_size=6, max_size=6), st.integers(0, 5), st.sampled_from([5.0, 10.0, 20.0]))
def test_no_choice_is_cheaper(inner: list[int], secret: int, width: float) -> None:
    """Every set of cells of a 2 × 3 table with fixed margins is tried."""
    body = np.array(inner, dtype=float).reshape(2, 3)
    full = np.vstack([body, body.sum(axis=0)])
    full = np.column_stack([full, full.sum(axis=1)])
    table = two_way(full)
    inside = np.array([0, 1, 2, 4, 5, 6])
    at = int(inside[secret])
    fixed = np.ones(12, dtype=bool)
    fixed[inside] = False
    demand = Demand(at, width, 0, at)
    best = np.inf
    for others in product([False, True], repeat=6):
        hidden = np.zeros(12, dtype=bool)
        hidden[inside] = others
        hidden[at] = True
        if met(ranges(table, hidden, [at])[0], demand):
            best = min(best, float(table.value[hidden].sum()))
    chosen = choose(table, Cells(table.value, np.arange(12) == at, fixed), [demand])
    assert (best == np.inf) == (chosen is None)
    if chosen is not None:
        assert float(table.value[chosen].sum()) == pytest.approx(best)
        assert met(ranges(table, chosen, [at])[0], demand)


def opened(rows: pd.DataFrame, full: pd.DataFrame, known: dict[str, boundary.Background]) -> int:
    """Withheld cells that an outsider narrows down: any by its count, those withheld for themselves by their share."""
    found = attack(published(rows), boundary._knowledge(full, known))
    first = rows[(rows["flag"] == "suppressed_primary") & (rows["statistic"] == "mean")]
    secret = set(zip(first["wave"], first["item"], first["by"], first["group"], strict=True))
    keys = zip(found["wave"], found["item"], found["by"], found["group"], strict=True)
    first_hand = np.array([key in secret for key in keys], dtype=bool)
    return int((found["open"] | (found["open_share"] & first_hand)).sum())


def test_no_outsider_breaks_any_of_200_surveys_and_breaks_them_without_protection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    naked, safe = [], []

    # A survey that fails is told by its seed; making it smaller would take minutes.
    without = [phase for phase in Phase if phase is not Phase.shrink]

    @settings(
        max_examples=200, deadline=None, derandomize=True, phases=without, suppress_health_check=list(HealthCheck)
    )
    @given(st.integers(0, 10**6), st.integers(2, 8), st.integers(1, 3), st.integers(1, 2))
    def each(seed: int, areas: int, items: int, waves: int) -> None:
        full, known = survey(seed, areas, items, waves)
        released = release(full, {}, BOOK, known)
        safe.append(opened(released.results, full, known))
        assert safe[-1] == 0
        with monkeypatch.context() as off:
            off.setattr(boundary, "_secondary", lambda *_: set())
            off.setattr(boundary, "_attacked", lambda *_: None)
            naked.append(opened(release(full, {}, BOOK, known).results, full, known))

    each()
    assert len(safe) >= 200
    assert sum(count > 0 for count in naked) > 50


def test_the_boundary_refuses_what_its_own_attacker_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    full, known = survey(3, 6, 2, 1)
    monkeypatch.setattr(boundary, "_secondary", lambda *_: set())
    with pytest.raises(GateError, match="An outsider could work out"):
        release(full, {}, BOOK, known)


def test_the_same_figures_give_the_same_choice_in_any_order() -> None:
    full, known = survey(11, 6, 3, 2)
    shuffled = full.sample(frac=1, random_state=1)
    a = release(full, {}, BOOK, known).results
    b = release(shuffled, {}, BOOK, known).results
    keys = ["wave", "item", "statistic", "level", "by", "group"]
    pd.testing.assert_series_equal(a.set_index(keys)["flag"].sort_index(), b.set_index(keys)["flag"].sort_index())


def frame_of(sizes: dict[str, int]) -> pd.DataFrame:
    """Residents of age groups, everyone with an answer."""
    rng = np.random.default_rng(1)
    age = np.repeat(list(sizes), list(sizes.values()))
    frame = people(rng, len(age), 2, 1).assign(age=age)
    return frame.assign(q0=(rng.random(len(age)) < 0.5).astype(float), old=np.where(age == "30", "y", "n"))


def test_two_breakdowns_that_differ_by_a_few_are_not_both_told() -> None:
    """16–34 and 16–29 beside one another would tell the four who are 30 to 34."""
    from survey.disclosure.background import background
    from survey.privacy import Protected

    frame = frame_of({"16": 200, "30": 4, "35": 300})
    frame["wide"] = frame["age"].replace({"16": "16-34", "30": "16-34", "35": "35+"})
    frame["narrow"] = frame["age"].replace({"16": "16-29", "30": "30+", "35": "30+"})
    rows = figures({"w0": frame}, ["q0"], ("wide", "narrow"))
    known = {"w0": background(Protected(frame, pd.DataFrame(), {}), BOOK, rows)}
    released = release(rows, {}, BOOK, known).results
    level = released[released["statistic"] == "mean"].set_index(["by", "group"])["flag"]
    assert "suppressed_secondary" in {level["wide", "16-34"], level["narrow", "16-29"]}
    # Published before, the one breakdown cannot be hidden any more, and it is the other one that has to be.
    first = release(figures({"w0": frame}, ["q0"], ("wide",)), {}, BOOK, known)
    alone = figures({"w0": frame}, ["q0"], ("narrow",))
    assert "suppressed_secondary" not in set(first.results["flag"])
    later = release(alone, {}, BOOK, known, first.cells).results
    flags = later[later["statistic"] == "mean"].set_index(["by", "group"])["flag"]
    assert flags["narrow", "16-29"] == "suppressed_secondary"


def test_a_figure_that_is_out_may_not_change_by_a_few() -> None:
    full, _ = survey(5, 2, 1, 1, (400, 500))
    told = [cell._replace(n=cell.n + 3) if not cell.by else cell for cell in release(full, {}, BOOK).cells]
    with pytest.raises(GateError, match="has changed by a few respondents"):
        release(full, {}, BOOK, None, told)
    rules = BOOK.disclosure.model_copy(update={"allow_small_revisions": "two interviews were withdrawn"})
    release(full, {}, BOOK.model_copy(update={"disclosure": rules}), None, told)
    release(full, {}, BOOK, None, release(full, {}, BOOK).cells)


def test_a_figure_of_two_items_is_hidden_for_both_where_everybody_answered() -> None:
    """Seven persons under item 0 are as many under item 1: shown there, they would be known here."""
    frame = people(np.random.default_rng(2), 300, 3, 2).assign(area=np.repeat(["1", "2", "3"], [150, 141, 9]))
    frame["q0"], frame["q1"] = (np.arange(300) % 2 == k for k in (0, 1))
    frame[["q0", "q1"]] = frame[["q0", "q1"]].astype(float)
    from survey.disclosure.background import background
    from survey.privacy import Protected

    rows = figures({"w0": frame}, ["q0", "q1"], ("area",))
    known = {"w0": background(Protected(frame, pd.DataFrame(), {}), BOOK, rows)}
    released = release(rows, {}, BOOK, known).results
    hidden = released[(released["statistic"] == "mean") & released["flag"].str.startswith("supp")]
    assert set(hidden.loc[hidden["item"] == "q0", "group"]) == set(hidden.loc[hidden["item"] == "q1", "group"])


def test_cells_of_the_ledger_hold_what_was_withheld() -> None:
    full, known = survey(3, 6, 2, 1)
    cells = release(full, {}, BOOK, known).cells
    assert all(isinstance(cell, Told) for cell in cells)
    assert {cell.shown for cell in cells} == {True, False}
    assert all(np.isfinite(cell.n) for cell in cells)


def test_an_outsider_knows_totals_only_where_they_can_be_known() -> None:
    """One hidden area of three: its count follows at once; with a second hidden it does not."""
    rows = pd.DataFrame(
        {
            "wave": "w", "item": "q", "statistic": "mean", "level": "", "by": ["", "area", "area", "area"],
            "group": ["", "1", "2", "3"], "estimate": [0.5, np.nan, 0.5, 0.5], "n": [109, np.nan, 60, 40],
            "flag": ["released", "suppressed_primary", "released", "released"],
        }
    )  # fmt: skip
    found = attack(published(rows), Knowledge())
    assert found[["n_low", "n_high", "open"]].values.tolist() == [[9.0, 9.0, True]]
    rows.loc[3, ["estimate", "n"]] = np.nan
    rows.loc[3, "flag"] = "suppressed_secondary"
    found = attack(published(rows), Knowledge())
    assert found[["n_low", "n_high"]].values.tolist() == [[0.0, 49.0]] * 2
    assert not found["open"].any()


def test_an_outsider_takes_a_wave_from_the_change_and_the_other_wave() -> None:
    rows = pd.DataFrame(
        {
            "wave": ["a", "b", "b"], "item": "q", "statistic": ["mean", "mean", "change"], "level": ["", "", "a"],
            "by": "area", "group": "1", "estimate": [np.nan, 0.6, 0.2], "n": [np.nan, 60, 9],
            "flag": ["suppressed_primary", "released", "released"],
        }
    )  # fmt: skip
    found = attack(published(rows), Knowledge())
    assert found[["n_low", "n_high", "open"]].values.tolist() == [[9.0, 9.0, True]]
