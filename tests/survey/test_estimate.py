"""Shares, means, totals and ratios against hand calculation; labelled rows where nothing can be said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey import estimate
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import vcov
from survey.tidy import COLUMNS


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame({
        "q": pd.Categorical(["yes", "no", "yes", None, "yes", "no"], categories=["yes", "no", "never"]),
        "b": [True, False, True, True, False, True],
        "y": [1.0, 2, 3, 4, np.nan, 6], "x": [2.0, 2, 4, 4, 5, 6],
        "g": pd.Categorical(["u", "u", "r", "r", "u", "r"], categories=["u", "r", "island"]),
        "psu": [1, 1, 2, 2, 3, 4], "w": [1.0, 2, 1, 1, 2, 3],
    })  # fmt: skip


def test_shares_of_a_category_including_one_nobody_chose(frame: pd.DataFrame) -> None:
    """Answers: yes w 1+1+2 = 4, no 2+3 = 5 of 9. Unit influences of yes: (1·5/9 − 2·4/9)/9, 5/81, 10/81, −12/81."""
    out = estimate.proportion(SurveyDesign(frame, "w", psu="psu"), "q")
    assert out.columns.tolist() == COLUMNS
    assert out["level"].tolist() == ["yes", "no", "never"]
    assert out["estimate"].tolist() == pytest.approx([4 / 9, 5 / 9, 0])
    z = np.array([-3, 5, 10, -12]) / 81
    assert out["se"].iloc[0] == pytest.approx(np.sqrt(4 / 3 * (z**2).sum()))
    assert out["n"].tolist() == [5, 5, 5]
    assert out["missing"].tolist() == [1, 1, 1]
    assert out["n_weighted"].tolist() == [9, 9, 9]
    assert out["df"].tolist() == [3, 3, 3]
    assert out["psus"].tolist() == [4, 4, 4]


def test_a_yes_no_item_gives_the_share_of_yes(frame: pd.DataFrame) -> None:
    out = estimate.proportion(SurveyDesign(frame, "w"), "b")
    assert out[["level", "estimate"]].values.tolist() == [["1", 0.6]]


def test_mean_with_a_missing_answer_and_design_effect(frame: pd.DataFrame) -> None:
    """Σwy/Σw = (1+4+3+4+18)/8 = 3.75 over five answers."""
    d = SurveyDesign(frame, "w")
    out = estimate.mean(d, "y", deff="replace").iloc[0]
    w, y = np.array([1.0, 2, 1, 1, 0, 3]), np.array([1.0, 2, 3, 4, 0, 6])
    z = w * (y - 3.75) / 8
    variance = 6 / 5 * ((z - z.mean()) ** 2).sum()
    s2 = (w * (y - 3.75) ** 2).sum() / 8 * 5 / 4
    assert out["estimate"] == 3.75
    assert out["n"] == 5
    assert out["se"] ** 2 == pytest.approx(variance)
    assert out["deff"] == pytest.approx(variance / (s2 / 5))


def test_groups_nobody_is_in_are_labelled(frame: pd.DataFrame) -> None:
    out = estimate.mean(SurveyDesign(frame, "w", psu="psu"), "y", by="g")
    assert out["group"].tolist() == ["u", "r", "island"]
    assert out["estimate"].iloc[:2].tolist() == pytest.approx([5 / 3, 25 / 5])
    assert np.isnan(out["estimate"].iloc[2])
    assert out["reason"].iloc[2] == "no respondents in this group"


def test_all_answers_missing_or_one_unit_in_a_group(frame: pd.DataFrame) -> None:
    d = SurveyDesign(frame.assign(y=frame["y"].where(frame["g"] == "r")), "w", psu="psu")
    out = estimate.mean(d, "y", by="g").set_index("group")
    assert out.loc["u", "reason"] == "no answers in this group"
    alone = estimate.proportion(d.domain("psu == 1"), "b").iloc[0]
    assert np.isnan(alone["ci_low"])
    assert "one sampling unit" in alone["reason"]


def test_crossed_groups_and_listwise_answers(frame: pd.DataFrame) -> None:
    d = SurveyDesign(frame, "w")
    crossed = estimate.total(d, "x", by=["g", "b"])
    assert crossed["by"].unique().tolist() == ["g:b"]
    assert crossed.set_index("group")["estimate"].dropna().to_dict() == {"u:0": 14, "u:1": 2, "r:1": 26}
    both = estimate.mean(d, ["x", "y"], missing="listwise")
    assert both["n"].tolist() == [5, 5]
    with pytest.raises(EstimationError, match="missing"):
        estimate.mean(d, "y", missing="fail")


def test_ratio_and_covariance_by_hand(frame: pd.DataFrame) -> None:
    d = SurveyDesign(frame.fillna({"y": 5.0}), "w")
    out = estimate.ratio(d, "y", "x").iloc[0]
    w, y, x = frame["w"], frame["y"].fillna(5.0), frame["x"]
    ratio = (w * y).sum() / (w * x).sum()
    z = w * (y - ratio * x) / (w * x).sum()
    assert out["item"] == "y/x"
    assert out["estimate"] == pytest.approx(ratio)
    assert out["se"] ** 2 == pytest.approx(6 / 5 * (z**2).sum())
    together = estimate.mean(d, ["x", "y"])
    zs = np.column_stack([w * (v - (w * v).sum() / 10) / 10 for v in (x, y)])
    assert vcov(together) == pytest.approx(6 / 5 * zs.T @ zs)


def test_an_item_that_is_not_there(frame: pd.DataFrame) -> None:
    with pytest.raises(EstimationError, match="nothing"):
        estimate.mean(SurveyDesign(frame, "w"), "nothing")


def test_sixty_items_by_four_breakdowns_come_in_one_call_each() -> None:
    rng = np.random.default_rng(7)
    n = 3000
    frame = pd.DataFrame({f"q{k}": pd.Categorical(rng.integers(1, 5, n)) for k in range(60)})
    frame = frame.assign(w=rng.uniform(0.5, 2, n), h=rng.integers(0, 22, n))
    frame = frame.assign(
        psu=frame["h"] * 10 + rng.integers(0, 6, n), **{f"b{m}": rng.integers(0, m, n) for m in (2, 3, 6, 11)}
    )
    d = SurveyDesign(frame, "w", strata="h", psu="psu")
    tables = [estimate.proportion(d, [f"q{k}" for k in range(60)], by=f"b{m}") for m in (2, 3, 6, 11)]
    assert sum(len(t) for t in tables) == 60 * 4 * 22


def test_options_that_mean_nothing_are_refused() -> None:
    d = SurveyDesign(pd.DataFrame({"y": [1.0, 2, 3], "w": 1.0}), "w")
    for wrong in ({"missing": "drop"}, {"deff": "wr"}, {"level": 95}):
        with pytest.raises(EstimationError):
            estimate.mean(d, "y", **wrong)  # type: ignore[arg-type]


def test_one_sampling_unit_is_said_by_every_statistic() -> None:
    frame = pd.DataFrame({"a": [1.0, 2, 3, 5], "b": [2.0, 1, 4, 4], "g": [0, 1, 0, 1], "psu": [1, 1, 1, 2], "w": 1.0})
    d = SurveyDesign(frame, "w", psu="psu").domain("psu == 1")
    for rows in (
        estimate.variance(d, "a"), estimate.correlation(d, ["a", "b"]), estimate.alpha(d, ["a", "b"]),
        estimate.cdf(d, "a", 2), estimate.quantile(d, "a"), estimate.quantile(d, "a", interval="score"),
        estimate.kappa(d, "g", "g"),
    ):  # fmt: skip
        assert set(rows["reason"]) == {"one sampling unit in this group: no interval"}
        assert rows["ci_low"].isna().all()
