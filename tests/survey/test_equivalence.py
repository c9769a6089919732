"""Equivalence against statsmodels' two one-sided tests, all pairs of groups against R's svycontrast."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.weightstats import DescrStatsW

from survey import compare, estimate
from survey.design import SurveyDesign
from survey.equivalence import pairwise, tost
from survey.errors import EstimationError
from survey.estimation.covariance import vcov
from survey.resample import as_replicates
from survey.tidy import results

P = [0.6565965290855369, 0.0537137450724864, 0.0139144435436745]
HOLM = [0.6565965290855369, 0.1074274901449728, 0.0417433306310235]
BH = [0.6565965290855369, 0.0805706176087296, 0.0417433306310235]


@pytest.fixture
def d() -> SurveyDesign:
    """60 respondents of 12 units in 2 strata, by integer arithmetic that R repeats; groups cross the units."""
    i = np.arange(60)
    frame = pd.DataFrame({
        "y": (i * 7) % 11 + i % 4 + 5.0 * (i % 3 == 2), "safe": ((i * 5) % 7 > 2).astype(int),
        "g": np.array(["a", "b", "c"])[i % 3], "psu": i // 5, "h": i // 30, "w": 1.0 + (i * 3) % 5,
    })  # fmt: skip
    return SurveyDesign(frame, "w", strata="h", psu="psu")


def test_two_one_sided_tests_are_statsmodels_on_a_simple_random_sample() -> None:
    y = np.random.default_rng(5).normal(0.1, 1, 80)
    rows = estimate.mean(SurveyDesign(pd.DataFrame({"y": y, "w": 1.0}), "w"), "y")
    for margin in (0.2, 0.4, 1.0):
        p, _, _ = DescrStatsW(y).ttost_mean(-margin, margin)
        found = tost(rows, margin)
        assert found["p"].iloc[0] == pytest.approx(p, rel=1e-9)
        assert found["statistic"].tolist() == ["equivalence"]
        assert found.attrs["of"] == ["mean"]
    p, _, _ = DescrStatsW(y).ttost_mean(-0.1, 0.5)
    assert tost(rows, (-0.1, 0.5))["p"].iloc[0] == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_p_is_below_alpha_exactly_when_the_interval_is_inside(level: float) -> None:
    rng = np.random.default_rng(1)
    rows = results(pd.DataFrame({"estimate": rng.normal(0, 0.02, 300), "se": rng.uniform(0.001, 0.03, 300),
                                 "df": rng.integers(1, 60, 300)}))  # fmt: skip
    found = tost(rows, 0.03, level)
    inside = (found["ci_low"] > -0.03) & (found["ci_high"] < 0.03)
    assert (inside == (found["p"] < 1 - level)).all()
    assert 0 < inside.sum() < 300


def test_changes_and_their_covariance_pass_through(d: SurveyDesign) -> None:
    later = d.assign(y=d.frame["y"] + 0.1, safe=1 - d.frame["safe"])
    change = compare.change(d, later, "y")
    found = tost(change, 0.5)
    assert found["p"].iloc[0] < 1e-9
    assert change["statistic"].tolist() == ["change"]
    assert np.array_equal(vcov(found), vcov(change))
    assert tost(compare.change(d, later, "safe"), 0.05)["p"].iloc[0] > 0.05


def test_what_has_no_interval_has_no_verdict() -> None:
    rows = results(pd.DataFrame({"estimate": [0.0, 0.0, 0.0, 0.5, np.nan], "se": [np.nan, 1, 0, 0, 0],
                                 "df": [9.0, 0, 9, 9, 9]}))  # fmt: skip
    assert tost(rows, 0.1)["p"].isna().tolist() == [True, True, False, False, True]
    assert tost(rows, 0.1)["p"].tolist()[2:4] == [0, 1]


@pytest.mark.parametrize(("margin", "level"), [(0.0, 0.95), (-1.0, 0.95), ((0.2, 0.1), 0.95), (np.nan, 0.95), (1, 0.5)])
def test_a_margin_without_room_is_refused(margin: float, level: float) -> None:
    with pytest.raises(EstimationError, match="equivalence"):
        tost(results([{"estimate": 0.0, "se": 1.0, "df": 9.0}]), margin, level)


def test_all_pairs_are_rs_contrasts(d: SurveyDesign) -> None:
    """R 4.2.2, survey 4.1.1, the fixture's numbers (i <- 0:59, g = c("a","b","c")[i %% 3 + 1], …), full precision:

    d <- svydesign(~psu, strata=~h, weights=~w, data=f); b <- svyby(~y, ~g, d, svymean, covmat=TRUE)
    x <- svycontrast(b, list(ba=c(a=-1,b=1), ca=c(a=-1,c=1), cb=c(b=-1,c=1))); p <- 2*pt(-abs(coef(x)/SE(x)), 10)
    p.adjust(p, "holm"); p.adjust(p, "BH"); the same for ~safe, and of ~y with as.svrepdesign(d, type="JKn")
    """
    found = pairwise(estimate.mean(d, ["y", "safe"], "g"))
    assert found["group"].tolist() == ["b - a", "c - a", "c - b"] * 2
    y, safe = found.iloc[:3], found.iloc[3:]
    assert y["estimate"].tolist() == pytest.approx([-0.7, 4.0, 4.7], rel=1e-10)
    assert y["se"].tolist() == pytest.approx([1.52767943117803, 1.82997146304404, 1.57956885819447], rel=1e-10)
    assert safe["estimate"].tolist() == pytest.approx([1 / 60, 1 / 15, 0.05], rel=1e-10)
    assert safe["se"].tolist() == pytest.approx([0.235189442947752, 0.215325765260884, 0.235593812406957], rel=1e-10)
    assert y["df"].tolist() == [10, 10, 10]
    assert y["p"].tolist() == pytest.approx(P, rel=1e-9)
    assert y["q"].tolist() == pytest.approx(HOLM, rel=1e-9)
    bh = pairwise(estimate.mean(d, ["y", "safe"], "g"), "bh")
    assert bh["q"].tolist()[:3] == pytest.approx(BH, rel=1e-9)
    again = pairwise(estimate.mean(as_replicates(d, "JKn"), "y", "g"))
    assert again["se"].tolist() == pytest.approx([1.56622174335278, 1.87418899193114, 1.59725810603146], rel=1e-10)


def test_a_pair_is_the_contrast_and_keeps_the_covariance(d: SurveyDesign) -> None:
    shares = estimate.proportion(d.assign(safe=pd.Categorical(d.frame["safe"])), "safe", "g")
    found = pairwise(shares, "")
    assert found["level"].tolist() == ["0"] * 3 + ["1"] * 3
    for k, (a, b) in enumerate([("a:0", "b:0"), ("a:0", "c:0"), ("b:0", "c:0")]):
        one = compare.contrast(shares, {b: 1, a: -1}).iloc[0]
        assert found.iloc[k][["estimate", "se", "df", "p"]].tolist() == pytest.approx(
            one[["estimate", "se", "df", "p"]].tolist()
        )
    assert np.sqrt(np.diag(vcov(found))) == pytest.approx(found["se"].to_numpy())
    assert found["q"].isna().all()


def test_an_empty_group_spoils_only_its_own_pairs(d: SurveyDesign) -> None:
    empty = d.assign(y=d.frame["y"].where(d.frame["g"] != "b"))
    found = pairwise(estimate.mean(empty, "y", "g"))
    assert found["estimate"].isna().tolist() == found["p"].isna().tolist() == [True, False, True]
    assert found["reason"].tolist() == ["no answers in this group", "", "no answers in this group"]
    assert found["se"].iloc[1] == pytest.approx(1.82997146304404, rel=1e-10)


def test_without_groups_there_are_no_pairs(d: SurveyDesign) -> None:
    with pytest.raises(EstimationError, match="no pairs"):
        pairwise(estimate.mean(d, ["y", "safe"]))
    with pytest.raises(EstimationError, match="not known"):
        pairwise(estimate.mean(d, "y", "g").assign(level="mean"))


def test_sorted_and_chosen_rows_keep_their_own_covariance(d: SurveyDesign) -> None:
    whole = estimate.mean(d, ["y", "safe"], "g")
    expected = pairwise(whole).set_index(["item", "group"])["se"]
    mixed = whole.sort_values("estimate", ascending=False)
    flip = pairwise(mixed)
    for item, group, se in flip[["item", "group", "se"]].itertuples(index=False):
        b, a = group.split(" - ")
        same = (item, f"{b} - {a}") if (item, f"{b} - {a}") in expected.index else (item, f"{a} - {b}")
        assert se == pytest.approx(expected[same], rel=1e-12)
    chosen = whole[whole["group"] != "a"].reset_index(drop=True)
    assert pairwise(chosen)["se"].tolist() == pytest.approx([expected["y", "c - b"], expected["safe", "c - b"]])
    one = compare.contrast(chosen[::-1], {"y:c": 1, "y:b": -1}).iloc[0]
    assert one["se"] == pytest.approx(expected["y", "c - b"])
    assert np.array_equal(vcov(tost(chosen, 1)), vcov(whole)[np.ix_([1, 2, 4, 5], [1, 2, 4, 5])])


def test_a_margin_is_any_number(d: SurveyDesign) -> None:
    rows = pairwise(estimate.mean(d, "y", "g"))
    assert tost(rows, np.float32(1))["p"].tolist() == tost(rows, 1)["p"].tolist()
    with pytest.raises(EstimationError, match="margin"):
        tost(rows, (1, 2, 3))  # type: ignore[arg-type]
