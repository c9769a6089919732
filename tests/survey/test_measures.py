"""Measures and felt security on the simulated city, whose truth is known: drivers, and the effect of the programme."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from simulation.city import City, build
from simulation.questionnaire import WAVES
from simulation.sample import sample_frame
from survey.codebook import Codebook, Weighting
from survey.disclosure import release
from survey.errors import CodebookError
from survey.measures import programmes, quadrant
from survey.privacy import Protected
from survey.survey_yaml import parse
from survey.weighting import FINAL

RATED = [f"c{k}_satisfied" for k in range(1, 8)]


@pytest.fixture(scope="module")
def city() -> City:
    return build()


def plan(**report: Any) -> Codebook:
    """The shipped survey, without its margins: samples drawn here keep their base weights."""
    text = (Path(__file__).parents[2] / "data/raw/example-city/survey.yaml").read_text(encoding="utf-8")
    book = parse(text)
    return book.model_copy(update={"weighting": Weighting(), "report": book.report.model_copy(update=report)})


@pytest.fixture(scope="module")
def waves(city: City) -> dict[str, Protected]:
    """One sample of every wave, as it stands below the identity boundary."""
    return {wave: protected(city, wave, 11) for wave in WAVES}


def protected(city: City, wave: str, seed: int) -> Protected:
    frame = sample_frame(city, wave, seed)
    code = {name: pd.Series(frame[name].cat.codes).replace(-1, np.nan) for name in ["a1_safe_now", *RATED]}
    new = {f"c{k}_good": (code[f"c{k}_satisfied"] <= 1).astype(float).where(code[f"c{k}_satisfied"].notna())
           for k in range(1, 8)}  # fmt: skip
    new["sense_of_security"] = (code["a1_safe_now"] <= 1).astype(float).where(code["a1_safe_now"].notna())
    new["in_smart_community"] = (frame["smart_community"].cat.codes == 0).astype(float)
    new[FINAL] = frame["adults"] / (frame["p_psu"] * frame["p_household"])
    kept = frame[["district", "area", "community"]].astype(str)
    return Protected(kept.assign(**new), pd.DataFrame(index=frame.index), {})


def test_the_known_effect_lies_in_the_interval_and_trends_before_are_alike(
    city: City, waves: dict[str, Protected]
) -> None:  # fmt: skip
    truth = city.programme_effect()
    rows = release(programmes(waves, plan()), {}, plan()).results
    assert set(rows["block"]) == {"programme_smart_communities"}
    overall = rows[rows["statistic"] == "att_overall"].iloc[0]
    by_cohort = truth.groupby("cohort").agg(did=("did", "mean"), n=("n", "first"))
    known = np.average(by_cohort["did"], weights=by_cohort["n"])
    assert overall["ci_low"] < known < overall["ci_high"]
    assert overall["flag"] == "released"
    assert overall["ci_low"] > 0  # an effect of about four points is there, and this sample can tell
    before = rows[rows["statistic"] == "pretrend"].iloc[0]
    assert before["p"] > 0.05
    events = rows[rows["statistic"] == "att_event"].set_index("group")["estimate"]
    assert events[["0", "1", "2", "3"]].mean() > events[["-5", "-4", "-3", "-2"]].mean() + 0.02


def test_a_roll_out_told_by_places_gives_the_same_as_one_told_by_answers(waves: dict[str, Protected]) -> None:
    book = plan()
    asked = book.report.programmes["smart_communities"]
    first: dict[str, str] = {}
    for wave, one in waves.items():
        has = one.frame.loc[one.frame["in_smart_community"] == 1, "community"]
        first |= {community: wave for community in has if community not in first}
    phase = {wave: str(k) for k, wave in enumerate(WAVES)}
    known = {
        wave: Protected(
            one.frame.assign(area=one.frame["community"].map(lambda c: phase.get(first.get(c, ""), "none")),
                             stratum=one.frame["area"]),
            one.reasons, {},
        )
        for wave, one in waves.items()
    }  # fmt: skip
    arrival = {wave: (code,) for wave, code in phase.items()}
    told = asked.model_copy(update={"treated": None, "unit": None, "place": "area", "arrival": arrival})
    design = book.design.model_copy(update={"strata": ("district", "stratum")})
    one, two = (programmes(known, plan(programmes={"p": each}).model_copy(update={"design": design}))
                for each in (asked, told))  # fmt: skip
    assert len(one) > 20
    pd.testing.assert_frame_equal(one, two)
    by_district = told.model_copy(update={"place": "district", "arrival": {"2024H2": ("1", "2"), "2030H1": ("3",)}})
    book = plan(programmes={"p": by_district})
    book = book.model_copy(update={"waves": book.waves | {"2030H1": _later(book)}})
    rows = programmes(waves, book)
    assert rows.loc[rows["statistic"] == "att_cohort", "group"].tolist() == ["2024H2"]


def _later(book: Codebook) -> Any:
    wave = book.waves["2026H1"]
    days = {name: day.replace(year=2030) for name, day in wave.fieldwork.model_dump().items()}
    return wave.model_copy(update={"fieldwork": wave.fieldwork.model_copy(update=days)})


def test_before_it_comes_there_is_a_reason_and_no_figure(waves: dict[str, Protected]) -> None:
    early = {wave: waves[wave] for wave in WAVES[:2]}
    (row,) = programmes(early, plan()).to_dict("records")
    assert (row["flag"], np.isnan(row["estimate"])) == ("not_asked", True)
    assert "before and after" in row["reason"]


def test_a_cohort_of_a_handful_is_left_out_before_anything_is_computed(waves: dict[str, Protected]) -> None:
    """Otherwise the overall effect less the other cohorts' would give it away."""
    thin = {}
    newest = set(waves["2026H1"].frame.query("in_smart_community == 1")["community"])
    before = set(waves["2025H2"].frame.query("in_smart_community == 1")["community"])
    cohort = newest - before
    for wave, one in waves.items():
        member = one.frame["community"].isin(cohort)
        thin[wave] = Protected(one.frame[~member | (member.cumsum() <= 6)], one.reasons, {})
    rows = programmes(thin, plan())
    assert set(rows.loc[rows["by"] == "cohort", "group"]) == {"2024H2", "2025H1", "2025H2"}
    assert rows["n"].min() >= 10


def test_quadrants_of_the_seven_areas_pass_the_boundary(waves: dict[str, Protected]) -> None:
    rows = release(quadrant(waves["2026H1"], plan(), "2026H1"), {}, plan()).results
    shares = rows[rows["statistic"] == "importance_share"]
    assert shares["item"].tolist() == [f"c{k}_good" for k in range(1, 8)]
    assert shares["estimate"].sum() == pytest.approx(1)
    assert (shares["ci_low"] < shares["estimate"]).all()
    assert rows.loc[rows["statistic"] == "performance", "estimate"].between(0.5, 0.95).all()


def test_an_area_that_a_handful_dislikes_is_withheld_and_one_nobody_rated_is_not_asked(
    waves: dict[str, Protected],
) -> None:
    frame = waves["2026H1"].frame.copy()
    few = frame.index[frame["c2_good"].notna()][:4]
    frame["c2_good"] = np.where(frame["c2_good"].notna(), 1.0, np.nan)
    frame.loc[few, "c2_good"] = 0.0
    frame["c3_good"] = np.nan
    frame["c5_good"] = frame["c4_good"]
    rows = release(quadrant(Protected(frame, frame, {}), plan(), "2026H1"), {}, plan()).results.set_index("item")
    assert rows.loc["c2_good", "flag"] == "suppressed_primary"
    assert rows.loc["c3_good", "flag"] == "not_asked"
    assert rows["estimate"].isna().all()  # c5 follows from c4: nothing can be shared out between them
    assert rows.loc["c5_good", "reason"] == "The drivers are not independent"


@pytest.mark.parametrize(
    ("programme", "where"),
    [
        ("{label: {zh: 甲, en: A}}", "smart_communities"),
        ("{label: {zh: 甲, en: A}, treated: in_smart_community, place: area, arrival: {2025H1: [1]}}", "programmes"),
        ("{label: {zh: 甲, en: A}, treated: nothing}", "treated"),
        ("{label: {zh: 甲, en: A}, place: community, arrival: {2025H1: [1]}}", "place"),
        ("{label: {zh: 甲, en: A}, place: area}", "arrival"),
        ("{label: {zh: 甲, en: A}, place: area, arrival: {2025H9: [1]}}", "arrival"),
        ("{label: {zh: 甲, en: A}, place: area, arrival: {2025H1: [7]}}", "arrival"),
        ("{label: {zh: 甲, en: A}, treated: in_smart_community, outcomes: [victim]}", "outcomes"),
        ("{label: {zh: 甲}, treated: in_smart_community}", "label"),
    ],
)
def test_a_roll_out_that_cannot_be_meant_is_refused_with_its_line(programme: str, where: str) -> None:
    text = (Path(__file__).parents[2] / "data/raw/example-city/survey.yaml").read_text(encoding="utf-8")
    start, end = text.index("  programmes:\n"), text.index("  alerts:")
    changed = text[:start] + f"  programmes:\n    smart_communities: {programme}\n" + text[end:]
    with pytest.raises(CodebookError) as caught:
        parse(changed)
    told = caught.value.parts()["where"]
    assert where in told
    assert str(text[:start].count("\n") + 2) in told
