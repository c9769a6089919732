"""The release boundary on tables written out by hand, and an outsider who subtracts."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.codebook import Codebook
from survey.disclosure import WITHHELD, release
from survey.disclosure.background import LARGEST, Background
from survey.disclosure.precision import precise as rounded
from survey.survey_yaml import parse
from survey.tidy import NUMBERS, results
from tests.small_survey import YAML

BOOK: Codebook = parse(YAML)


def cell(n: float, estimate: float = 0.6, group: str = "", by: str = "", **more: object) -> dict[str, object]:
    """A share of one group with a plausible interval."""
    half = 0.02 if n else float("nan")
    figure = {"wave": "w1", "item": "feels_safe", "statistic": "mean", "by": by, "group": group, "estimate": estimate}
    numbers = {"se": half / 2, "ci_low": estimate - half, "ci_high": estimate + half, "n": n, "n_eff": n, "psus": 9}
    return {**figure, **numbers, **more}


def flags(rows: list[dict[str, object]]) -> list[str]:
    return release(results(rows), {}, BOOK).results["flag"].tolist()


def areas(*sizes: int, **more: object) -> list[dict[str, object]]:
    total = cell(sum(sizes))
    return [total, *(cell(n, by="district", group=str(k), **more) for k, n in enumerate(sizes, 1))]


def test_a_small_group_and_its_smallest_neighbour_are_withheld() -> None:
    assert flags(areas(9, 300, 200)) == ["released", "suppressed_primary", "released", "suppressed_secondary"]


def test_two_small_groups_protect_each_other() -> None:
    assert flags(areas(9, 8, 300)) == ["released", "suppressed_primary", "suppressed_primary", "released"]


def test_exactly_the_minimum_is_shown() -> None:
    assert flags(areas(10, 300, 200))[1] != "suppressed_primary"


def test_a_group_of_one_sampling_unit_is_withheld() -> None:
    rows = areas(400, 300, 200)
    rows[1]["psus"] = 1
    assert flags(rows)[1] == "suppressed_primary"


def test_nobody_asked_is_not_a_secret() -> None:
    assert flags([cell(0, float("nan"))]) == ["not_asked"]


def test_caution_below_one_hundred() -> None:
    assert flags(areas(99, 300, 200)) == ["released", "caution", "released", "released"]


def test_nchs_rules_for_proportions() -> None:
    """Parker and others (2017): n_eff below 30; width of 0.30 or more; width over 130 % of the share."""
    wide = cell(500, 0.5, ci_low=0.35, ci_high=0.65)
    relative = cell(500, 0.04, ci_low=0.01, ci_high=0.07)
    narrow = cell(500, 0.02, ci_low=0.001, ci_high=0.05)  # width under 0.05 is presentable whatever the ratio
    few = cell(500, 0.5, n_eff=29)
    assert flags([wide, relative, narrow, few]) == ["unreliable", "unreliable", "released", "unreliable"]


def test_change_and_difference_fall_with_their_level() -> None:
    rows = areas(9, 300, 200)
    for statistic, level in (("change", "w0"), ("difference", "rest")):
        rows += [cell(n, 0.05, str(k), "district", statistic=statistic, level=level) for k, n in enumerate((9, 300), 1)]
    found = flags(rows)
    assert [flag.startswith("suppressed") for flag in found[4:]] == [True, False, True, False]


def test_a_level_withheld_last_wave_withholds_the_change() -> None:
    before = [{**row, "wave": "w0"} for row in areas(9, 8, 300)]
    change = cell(300, 0.05, "1", "district", statistic="change", level="w0")
    found = flags([*before, *areas(200, 300, 200), change])
    assert found[-1] == "suppressed_secondary"


def test_what_is_withheld_has_no_number_left() -> None:
    released = release(results(areas(9, 300, 200)), {}, BOOK).results
    hidden = released[released["flag"].isin(WITHHELD)]
    assert len(hidden) == 2
    assert hidden[NUMBERS].isna().all(axis=None)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=2, max_size=9))
def test_an_outsider_cannot_subtract(sizes: list[int]) -> None:
    """Known: the total's n and every shown group's n. One withheld group alone would follow by subtraction."""
    released = release(results(areas(*sizes)), {}, BOOK).results.iloc[1:]
    hidden = released["flag"].str.startswith("suppressed").to_numpy()
    counts = np.array(sizes)
    if hidden.any() and (counts[~hidden] > 0).any():
        unknown = counts[hidden & (counts > 0)]
        assert len(unknown) != 1


def told(counts: dict[str, int]) -> dict[str, int]:
    facts = {"quality": {"answered": {"safe": counts}}}
    answered: dict[str, int] = release(results([cell(400)]), facts, BOOK).facts["quality"]["answered"]["safe"]
    return answered


def test_a_rare_reason_is_pooled_with_the_others() -> None:
    assert told({"answered": 400, "refused": 3, "dont_know": 12}) == {"answered": 400, "no_answer": 15}
    assert told({"answered": 400, "refused": 30, "dont_know": 12}) == {"answered": 400, "refused": 30, "dont_know": 12}


def test_no_weight_of_a_person_is_told() -> None:
    step = {"step": "base", "n": 400, "min": 1.25, "max": 93.5, "sum": 4000.0, "deff": 1.2}
    margins = [
        {"margin": "sex", "level": "1", "n": 1, "target": 0.1, "before": 0.02, "after": 0.1},
        {"margin": "sex", "level": "2", "n": 399, "target": 0.9, "before": 0.98, "after": 0.9},
    ]
    facts = {"weighting": {"steps": [step], "margins": margins}}
    weighting = release(results([cell(400)]), facts, BOOK).facts["weighting"]
    assert weighting["steps"] == [{"step": "base", "n": 400, "deff": 1.2}]
    assert [row["before"] for row in weighting["margins"]] == [None, None]  # one of two shares would give the other


def test_two_tiny_groups_are_not_told_together() -> None:
    """What four residents answered would follow from the total and the shown groups."""
    assert flags(areas(2, 2, 300, 200)) == ["released", *["suppressed_primary"] * 2, "released", "suppressed_secondary"]


def test_no_comparison_of_what_is_unreliable() -> None:
    rows = [cell(400, 0.5, "1", "district", ci_low=0.3, ci_high=0.7, n_eff=20), cell(400, 0.5, "2", "district")]
    rows += [cell(400, 0.1, str(k), "district", statistic="difference", level="rest") for k in (1, 2)]
    assert flags(rows) == ["unreliable", "released", "unreliable", "released"]


def test_no_difference_is_told_on_two_answers() -> None:
    """2 of 70 with a lucky design effect: n_eff is taken as 70, and 70 · 0.0286 = 2 answers carry no comparison."""
    rows = [cell(70, 2 / 70, "1", "district", n_eff=145), cell(70, 2 / 70, "1", "district", statistic="difference")]
    assert flags(rows)[1] == "unreliable"


def test_the_frame_handed_in_is_not_changed() -> None:
    frame = results(areas(9, 300, 200))
    before = frame.copy()
    release(frame, {}, BOOK)
    pd.testing.assert_frame_equal(frame, before)


def test_counts_of_a_few_persons_and_exact_cluster_sizes_are_not_told() -> None:
    pattern = {"pattern": "short", "unit": "units", "clusters": 9, "n": 300, "count": 4, "flagged": 1, "usual": 0.01}
    funnel = {**pattern, "count": 40, "points": [{"n": 58, "share": 0.1234, "flagged": True}]}
    quality = {
        "speeders": 3,
        "pace_speeders": 30,
        "dont_know_runs": 0,
        "grids": [{"block": "a", "scale": "b", "items": 3, "n": 90, "identical": 2}],
        "nonresponse": {"rate": 0.1, "items": [{"item": "q", "asked": 90, "refused": 2, "missing": 2, "rate": 0.02}]},
    }
    facts = {"quality": quality, "integrity": {"flagged": 60, "patterns": [pattern, funnel]}}
    told = release(results([]), facts, parse(YAML)).facts
    assert [told["quality"][name] for name in ("speeders", "pace_speeders", "dont_know_runs")] == [None, 30, 0]
    assert told["quality"]["grids"][0]["identical"] is None
    assert told["quality"]["nonresponse"]["items"] == []
    few, many = told["integrity"]["patterns"]
    assert few["count"] is None
    assert "usual" not in few
    assert many["points"] == [{"n": 60, "share": 0.12, "flagged": True}]


def test_all_or_none_of_a_small_group_is_withheld() -> None:
    rows = areas(25, 300, 200)
    for share in (0.0, 1.0):
        rows[1] |= {"estimate": share, "n_eff": 25}
        assert flags(rows)[1] == "suppressed_primary"
    rows[1] |= {"estimate": 0.5}
    assert flags(rows)[1] == "unreliable"


def test_a_group_of_a_few_heavy_weights_is_withheld() -> None:
    """Two of forty make up 900 of 1,000; and, by the p % rule, the second could work the largest out."""
    rows = results(areas(40, 300, 200)).assign(n_weighted=1000.0)
    for first, second, flag in ((450.0, 450.0, "suppressed_primary"), (800.0, 40.0, "released")):
        largest = pd.DataFrame([("feels_safe", "district", "1", first, second)], columns=LARGEST)
        known = {"": Background(540, {}, (), largest), "w1": Background(540, {}, (), largest)}
        released = release(rows, {}, BOOK, known).results
        assert (released["flag"].iloc[1] == "suppressed_primary") == (flag == "suppressed_primary")
    largest = pd.DataFrame([("feels_safe", "district", "1", 930.0, 1.0)], columns=LARGEST)
    loose = BOOK.disclosure.model_copy(
        update={"dominance": BOOK.disclosure.dominance.model_copy(update={"share": 1.0})}
    )
    released = release(
        rows, {}, BOOK.model_copy(update={"disclosure": loose}), {"w1": Background(540, {}, (), largest)}
    )
    assert released.results["reason"].iloc[1] == "its largest contributor could be worked out to within 10.0 %"


def test_means_that_are_no_shares_go_by_their_coefficient_of_variation() -> None:
    rows = [cell(400, 12.0, cv=value) for value in (0.1, 0.2, 0.4)]
    assert flags(rows) == ["released", "caution", "unreliable"]


def test_how_many_answered_is_not_told_where_they_are_a_few() -> None:
    counts = {"few": {"answered": 4, "not_applicable": 396}, "many": {"answered": 400}}
    items = [{"item": "few", "asked": 20, "missing": 16, "rate": 0.8}]
    facts = {"quality": {"answered": counts, "nonresponse": {"rate": 0.1, "items": items}}}
    quality = release(results([cell(400)]), facts, BOOK).facts["quality"]
    assert list(quality["answered"]) == ["many"]
    assert quality["nonresponse"]["items"] == []


def test_rules_are_told_with_their_parameters_and_the_primary_ones_counted_as_one() -> None:
    facts = release(results(areas(9, 300, 200)), {}, BOOK).facts["disclosure"]
    assert facts["fired"]["primary"] == 1
    assert not {"few", "units", "unanimous", "dominance", "p_percent"} & set(facts["fired"])
    assert facts["rules"]["dominance.share"] == 0.85
    assert (facts["cells"], facts["cells_primary"], facts["cells_secondary"], facts["kept"]) == (4, 1, 1, 0.5)


def precise(**more: object) -> dict[str, object]:
    """A share of everybody with the precision that an estimate has."""
    numbers = {"se": 0.0214159, "ci_low": 0.558123, "ci_high": 0.641234, "n_eff": 523.456, "deff": 1.91038}
    return {**cell(1000, 0.6), **numbers, "cv": 0.0356932, "p": 0.0499812, "q": 0.0501234, **more}


def test_precision_is_told_in_full_and_in_two_digits_beside_a_secret() -> None:
    plain = release(results([precise()]), {}, BOOK).results.iloc[0]
    assert plain[list(precise())].to_dict() == precise()
    secret = release(results([precise(n=509), *areas(9, 300, 200)[1:]]), {}, BOOK).results.iloc[0]
    assert secret[["estimate", "se", "ci_low", "ci_high"]].tolist() == [0.6, 0.021, 0.559, 0.64]
    assert secret[["n_eff", "deff", "cv", "p", "q"]].tolist() == [540, 1.8, 0.035, 0.049, 0.05]


def test_a_rounded_interval_stays_a_share_and_holds_its_estimate() -> None:
    nobody = precise(estimate=0.0, se=0.0, ci_low=0.0, ci_high=0.0036819, p=np.nan, q=np.nan)
    nearly = precise(estimate=0.9987654, se=0.00104999, ci_low=0.9934567, ci_high=0.9999999)
    total = precise(statistic="total", estimate=123456.7, se=2345.6, ci_low=118856.0, ci_high=128057.0)
    rows = rounded(results([nobody, nearly, total]), 3)
    assert (rows["ci_low"] <= rows["estimate"]).all()
    assert (rows["ci_high"] >= rows["estimate"]).all()
    assert rows["ci_low"].tolist() == [0.0, 0.99346, 118850.0]
    assert rows["ci_high"].tolist() == [0.00368, 1.0, 128070.0]


def test_a_hidden_group_does_not_follow_from_the_effective_sample() -> None:
    """1/n_eff = Σ share²/n solved for a hidden n: with six digits one number fits, now more than min_n of them."""
    sizes, population = np.array([300, 260, 220, 180, 90, 7]), np.array([9000, 8000, 7000, 6000, 2600, 300])
    parts = (population / population.sum()) ** 2
    exact = 1 / (parts / sizes).sum()
    facts = {"weighting": {"steps": [{"step": "raked", "n": 1057, "deff": 1057 / exact, "n_eff": exact}]}}
    rows = [cell(1057), *(cell(int(n), by="district", group=str(k)) for k, n in enumerate(sizes, 1))]
    step = release(results(rows), facts, BOOK).facts["weighting"]["steps"][0]
    assert step["n_eff"] == float(f"{exact:.1e}")
    unknown = np.arange(2, 96)
    found = 1 / ((parts[:4] / sizes[:4]).sum() + parts[4] / (97 - unknown) + parts[5] / unknown)
    digits = 10 ** np.floor(np.log10(step["n_eff"]) - 1)
    fits = np.abs(found - step["n_eff"]) <= digits / 2
    assert fits[unknown == 7].item()
    assert fits.sum() > BOOK.disclosure.min_n
    assert (np.abs(found - exact) < 1e-6 * exact).sum() == 1


def test_a_group_that_one_indicator_of_a_question_hides_is_hidden_by_all() -> None:
    """very + fairly = safe within a group: hidden for one, it would follow from the other two."""
    made = {"recipe": "share", "of": "safe", "levels": ["2"], "label": {"zh": "二", "en": "two"}}
    other = parse(
        YAML.replace(
            "indicators:\n", "indicators:\n  unsafe: " + json.dumps(made | {"definition": made["label"]}) + "\n"
        )
    )
    rows = areas(25, 300, 200)
    rows[1] |= {"estimate": 1.0, "n_eff": 25}
    siblings = [{**row, "item": "unsafe"} for row in areas(25, 300, 200)]
    apart = [{**row, "item": "lit"} for row in areas(25, 300, 200)]
    found = release(results([*rows, *siblings, *apart]), {}, other).results["flag"]
    assert found.iloc[:4].tolist() == ["released", "suppressed_primary", "released", "suppressed_secondary"]
    assert found.iloc[4:8].tolist() == ["released", "suppressed_secondary", "released", "suppressed_secondary"]
    assert not found.iloc[8:].isin(["suppressed_primary", "suppressed_secondary"]).any()


def coefficients(*terms: tuple[str, str], n: float) -> list[dict[str, object]]:
    own = {"block": "model_safe", "statistic": "coefficient"}
    return [cell(n, 0.4, item=item, level=level, **own) for item, level in terms]


def test_no_coefficient_of_a_breakdown_that_hides_a_group() -> None:
    model = coefficients(("lit", ""), ("district", "2"), ("district", "3"), ("intercept", ""), n=509)
    terms = YAML.replace("terms: [lit, sex]", "terms: [lit, district]")
    open_ = release(results([*areas(150, 200, 159), *model]), {}, parse(terms)).results.iloc[4:]
    assert set(open_["flag"]) == {"released"}
    assert open_["n"].eq(509).all()
    hidden = release(results([*areas(9, 300, 200), *model]), {}, parse(terms)).results.iloc[4:]
    assert hidden["flag"].tolist() == ["released", *["suppressed_secondary"] * 3]
    assert hidden["estimate"].notna().tolist() == [True, False, False, False]


def test_a_model_does_not_tell_how_many_it_leaves_out() -> None:
    whole = [cell(509)]
    terms = (("lit", ""), ("sex", "2"), ("intercept", ""))
    for n, rows, told in ((509, terms, True), (450, terms, True), (502, terms, False), (450, terms[::2], False)):
        model = release(results([*whole, *coefficients(*rows, n=n)]), {}, BOOK).results.iloc[1:]
        assert model["n"].notna().all() == told
        assert model["estimate"].notna().all()
