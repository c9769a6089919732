"""Questions with several answers and boxes of ordered items, against the single calls they are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey import compare, estimate
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import vcov
from survey.resample import as_replicates

OPTIONS = ["tv", "web", "paper"]


@pytest.fixture(scope="module")
def d() -> SurveyDesign:
    rng = np.random.default_rng(12)
    n = 300
    chosen = (rng.random((n, 3)) < [0.6, 0.4, 0.1]).astype(float)
    chosen[rng.random(n) < 0.1] = np.nan
    chosen[rng.random((n, 3)) < 0.05] = np.nan
    frame = pd.DataFrame(chosen, columns=OPTIONS).assign(
        g=rng.choice(["a", "b"], n), psu=np.repeat(np.arange(30), 10), w=rng.uniform(1, 3, n),
        safe=pd.Categorical(rng.integers(2, 6, n), categories=[1, 2, 3, 4, 5]),
    )  # fmt: skip
    return SurveyDesign(frame, "w", psu="psu")


@pytest.mark.parametrize("base", ["asked", "complete", "chosen"])
@pytest.mark.parametrize("replicated", [False, True])
@pytest.mark.parametrize("by", [None, "g"])
def test_shares_of_respondents_and_responses(d: SurveyDesign, base: str, replicated: bool, by: str | None) -> None:
    e = as_replicates(d, "JK1") if replicated else d
    x = e.frame[OPTIONS]
    rule = {"asked": x.notna().any(axis=1), "complete": x.notna().all(axis=1), "chosen": (x == 1).any(axis=1)}[base]
    ready = {option: x[option].fillna(0).where(rule) for option in OPTIONS}
    e2 = e.assign(**ready, m=sum(ready.values()))
    rows = estimate.multiple(e, OPTIONS, by, name="media", base=base)  # type: ignore[arg-type]
    people, answers = estimate.proportion(e2, OPTIONS, by), estimate.ratio(e2, OPTIONS, "m", by)
    numbers = ["estimate", "se", "df", "n"]
    half = len(people)
    assert rows[numbers][:half].to_numpy() == pytest.approx(people[numbers].to_numpy())
    assert rows[numbers][half:].to_numpy() == pytest.approx(answers[numbers].to_numpy())
    assert rows["statistic"].tolist() == ["share"] * half + ["response share"] * half
    assert set(rows["item"]) == {"media"}
    assert list(dict.fromkeys(rows["level"])) == OPTIONS
    assert rows[half:].groupby("group")["estimate"].sum().to_numpy() == pytest.approx(1)
    assert rows["ci_low"].between(0, rows["estimate"]).all()
    assert rows["ci_high"].between(rows["estimate"], 1).all()
    assert np.sqrt(np.diag(vcov(rows))) == pytest.approx(rows["se"].to_numpy())


def test_labels_and_what_nobody_chose(d: SurveyDesign) -> None:
    nobody = d.assign(paper=0.0, web=np.nan)
    rows = estimate.multiple(nobody, {"tv": "television", "paper": "newspaper", "web": "internet"})
    assert rows["level"].tolist()[:3] == ["television", "newspaper", "internet"]
    assert rows["estimate"].tolist()[1:3] == [0, 0]  # whoever was asked of tv did not choose it
    assert rows["ci_high"].iloc[1] > 0
    none = estimate.multiple(d.assign(**dict.fromkeys(OPTIONS, 0.0)), OPTIONS)
    assert none["estimate"].iloc[3:].isna().all()
    assert set(none["reason"].iloc[3:]) == {"nobody chose an option in this group"}
    empty = estimate.multiple(d.assign(**dict.fromkeys(OPTIONS, np.nan)), OPTIONS, "g")
    assert empty["estimate"].isna().all()
    assert set(empty["reason"]) == {"no answers in this group"}


@pytest.mark.parametrize("by", [None, "g"])
def test_boxes_are_sums_of_shares(d: SurveyDesign, by: str | None) -> None:
    rows = estimate.top_box(d, "safe", 2, by)
    shares = estimate.proportion(d, "safe", by).pivot_table(
        index="group", columns="level", values="estimate", sort=False
    )
    groups = shares.index.tolist()
    found = rows.pivot_table(index="group", columns="level", values="estimate").loc[groups]
    assert found["top 2"].to_numpy() == pytest.approx((shares["4"] + shares["5"]).to_numpy())
    assert found["bottom 2"].to_numpy() == pytest.approx((shares["1"] + shares["2"]).to_numpy())
    assert found["net 2"].to_numpy() == pytest.approx((found["top 2"] - found["bottom 2"]).to_numpy())


def test_the_error_of_net_is_that_of_the_contrast(d: SurveyDesign) -> None:
    rows = estimate.top_box(d, "safe", boxes=["top", "bottom"])
    net = compare.contrast(rows, [1, -1])
    direct = estimate.top_box(d, "safe", boxes=["net"])
    assert net[["estimate", "se"]].to_numpy() == pytest.approx(direct[["estimate", "se"]].to_numpy())
    assert direct["statistic"].iloc[0] == "net"


def test_a_given_order_is_that_of_the_categories(d: SurveyDesign) -> None:
    numbers = d.assign(safe=d.frame["safe"].astype(float))
    given = estimate.top_box(numbers, "safe", 1, levels=[1, 2, 3, 4, 5])
    assert given["estimate"].tolist() == estimate.top_box(d, "safe", 1)["estimate"].tolist()


def test_what_cannot_be_counted_is_refused(d: SurveyDesign) -> None:
    for match, call in {
        "other values": lambda: estimate.multiple(d.assign(tv=2.0), OPTIONS),
        "base": lambda: estimate.multiple(d, OPTIONS, base="all"),  # type: ignore[arg-type]
        "needs options": lambda: estimate.multiple(d, []),
        "overlap": lambda: estimate.top_box(d, "safe", 3),
        "order": lambda: estimate.top_box(d, "w"),
        "not among": lambda: estimate.top_box(d, "safe", levels=[1, 2, 3, 4]),
    }.items():
        with pytest.raises(EstimationError, match=match):
            call()


def test_text_categories_need_an_order() -> None:
    words = ["bad", "good", "fair", "best"]
    d = SurveyDesign(pd.DataFrame({"q": pd.Categorical(words), "w": 1.0}), "w")
    with pytest.raises(EstimationError, match="order"):
        estimate.top_box(d, "q", 1)
    order = ["bad", "fair", "good", "best"]
    ordered = d.assign(q=pd.Categorical(words, order, ordered=True))
    assert estimate.top_box(ordered, "q", 1).equals(estimate.top_box(d, "q", 1, levels=order))


def test_a_share_known_from_calibration_is_its_own_interval() -> None:
    frame = pd.DataFrame({"q": [1, 0, 0, 1, 0, 0], "w": 10.0})
    margin = pd.get_dummies(frame["q"]).to_numpy(dtype=float)
    d = SurveyDesign(frame, "w", calibration=[(margin, np.full(6, 10.0))])
    for ci in ("logit", "beta", "wilson", "asin"):
        row = estimate.proportion(d, "q", ci=ci).iloc[0]  # type: ignore[arg-type]
        assert [row["ci_low"], row["ci_high"]] == pytest.approx([1 / 3, 1 / 3])
