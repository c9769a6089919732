"""What must hold for any sample: invariances, identities, and labelled rows where a figure cannot be had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from survey import calibrate, compare, estimate, model, scales, weighting
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.covariance import vcov
from survey.resample import as_replicates

steady = settings(derandomize=True, deadline=None, max_examples=25, database=None)
FIGURES = ["estimate", "se", "ci_low", "ci_high", "df", "n"]
ENDS = dict.fromkeys(("l1", "l2", "l3"), (1.0, 5.0))


@st.composite
def samples(draw: st.DrawFn, strata: int = 3, units: int = 5, gaps: bool = True) -> pd.DataFrame:
    """People in units in strata, two or more units each: answers with gaps, groups that may be empty, weights of 0."""
    drawn = draw(st.lists(st.integers(2, units), min_size=1, max_size=strata))
    sizes = draw(st.lists(st.integers(1, 4), min_size=sum(drawn), max_size=sum(drawn)))
    n = sum(sizes)

    def column(values: st.SearchStrategy[Any]) -> Any:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)))

    least = -1 if gaps else 0
    q, g = column(st.integers(least, 3)), column(st.integers(least, 2))
    weight = column(st.integers(0 if gaps else 1, 20)).astype(float) / 4
    assume(weight.any())
    answer = st.sampled_from([1.0, 2, 3, 4, 5, *([np.nan] if gaps else [])])
    return pd.DataFrame({
        "h": np.repeat(np.repeat(np.arange(len(drawn)), drawn), sizes), "psu": np.repeat(np.arange(sum(drawn)), sizes),
        "w": weight, "q": pd.Categorical.from_codes(q, [1, 2, 3, 4], ordered=True),
        "g": pd.Categorical.from_codes(g, ["a", "b", "c"]), "y": column(st.integers(-800, 800)) / 8,
        "x": column(st.integers(1, 80)) / 8, "yes": column(st.sampled_from([0.0, 1.0, *([np.nan] if gaps else [])])),
        **{item: column(answer) for item in ENDS},
    })  # fmt: skip


def design(frame: pd.DataFrame, weights: Any = "w") -> SurveyDesign:
    return SurveyDesign(frame, weights, "h", "psu")


def everything(d: SurveyDesign) -> pd.DataFrame:
    """Each kind of figure by group, under each other."""
    parts = [
        estimate.proportion(d, ["q", "yes"], "g"), estimate.mean(d, "y", "g"), estimate.ratio(d, "y", "x", "g"),
        estimate.top_box(d, "q", 1, "g"), estimate.multiple(d.assign(no=1 - d.frame["yes"]), ["yes", "no"], "g"),
        scales.index(d, list(ENDS), "g", ends=ENDS), estimate.battery(d, ["q", "y"], [None, "g"], statistics=["mean"]),
    ]  # fmt: skip
    for part in parts:
        part.attrs = {}
    return pd.concat(parts, ignore_index=True)


def alike(one: pd.DataFrame, two: pd.DataFrame, columns: list[str]) -> None:
    keys = ["item", "statistic", "level", "by", "group", "reason"]
    pd.testing.assert_frame_equal(one[keys], two[keys])
    scale = np.nanmax(np.abs(one["estimate"].to_numpy()), initial=1.0)
    for name in columns:
        assert two[name].to_numpy() == pytest.approx(one[name].to_numpy(), rel=1e-7, abs=1e-7 * scale, nan_ok=True), (
            name
        )


# -- invariances ------------------------------------------------------------------------------------------------------


@steady
@given(samples(), st.floats(0.01, 1000))
def test_the_scale_of_the_weights_does_not_matter(frame: pd.DataFrame, scale: float) -> None:
    one, two = design(frame), design(frame, frame["w"] * scale)
    alike(everything(one), everything(two), FIGURES)
    totals = [estimate.total(d, "y")[["estimate", "se"]].to_numpy() for d in (one, two)]
    assert totals[1] == pytest.approx(totals[0] * scale, rel=1e-9, abs=1e-9)


@steady
@given(samples(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(frame: pd.DataFrame, chance: Any) -> None:
    order = list(range(len(frame)))
    chance.shuffle(order)
    shuffled = frame.iloc[order].reset_index(drop=True)
    alike(everything(design(frame)), everything(design(shuffled)), [*FIGURES, "n_weighted", "psus"])


@steady
@given(samples())
def test_a_row_twice_is_a_row_of_twice_the_weight(frame: pd.DataFrame) -> None:
    twice = pd.concat([frame, frame], ignore_index=True)
    one = everything(design(frame, frame["w"] * 2))
    alike(one, everything(design(twice)), ["estimate"])
    q = [
        estimate.quantile(design(f, w), "y", [0.25, 0.5])["estimate"]
        for f, w in ((frame, frame["w"] * 2), (twice, "w"))
    ]
    assert q[0].to_numpy() == pytest.approx(q[1].to_numpy(), nan_ok=True)


@steady
@given(samples())
def test_a_row_without_weight_counts_for_nothing(frame: pd.DataFrame) -> None:
    assume((frame["w"] > 0).groupby(frame["psu"]).any().all())
    kept = frame[frame["w"] > 0].reset_index(drop=True)
    alike(everything(design(frame)), everything(design(kept)), FIGURES)


@pytest.mark.parametrize("family", ["gaussian", "binomial", "poisson", "ordinal", "multinomial"])
@settings(steady, max_examples=6)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 50))
def test_models_know_rows_by_their_weight_alone(family: str, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    x, g = rng.normal(size=60), rng.choice(["a", "b"], 60)
    y = np.digitize(x + rng.logistic(size=60), [-1, 1])
    outcome = {"binomial": (y > 0).astype(float), "ordinal": pd.Categorical(y), "multinomial": pd.Categorical(y)}
    frame = pd.DataFrame({"x": x, "g": g, "y": outcome.get(family, y), "w": rng.integers(1, 5, 60).astype(float)})
    frame = frame.assign(psu=np.repeat(np.arange(20), 3))
    order = rng.permutation(60)
    versions = [frame.assign(w=frame["w"] * scale), frame.iloc[order].reset_index(drop=True)]
    try:
        m = model.fit(SurveyDesign(frame, "w", psu="psu"), "y ~ x + g", family)
    except EstimationError:
        assume(False)
    for other in versions:
        again = model.fit(SurveyDesign(other, "w", psu="psu"), "y ~ x + g", family)
        assert again.params.to_numpy() == pytest.approx(m.params.to_numpy(), rel=1e-6, abs=1e-6)
        assert again.se.to_numpy() == pytest.approx(m.se.to_numpy(), rel=1e-5)
    twice = pd.concat([frame, frame], ignore_index=True)
    double = model.fit(SurveyDesign(twice, "w", psu="psu"), "y ~ x + g", family)
    assert double.params.to_numpy() == pytest.approx(m.params.to_numpy(), rel=1e-6, abs=1e-6)
    assert double.se.to_numpy() == pytest.approx(m.se.to_numpy(), rel=1e-5)  # units' totals double, and so does the sum


# -- shares and intervals ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ci", ["logit", "beta", "wilson", "wald", "asin"])
@steady
@given(frame=samples())
def test_shares_are_shares_and_lie_in_their_intervals(ci: Any, frame: pd.DataFrame) -> None:
    for d in (design(frame), as_replicates(design(frame), "JKn")):
        rows = estimate.proportion(d, "q", "g", ci)
        known = rows[rows["n"] > 0]
        assert known["estimate"].between(0, 1 + 1e-12).all()
        assert known.groupby("group")["estimate"].sum().to_numpy() == pytest.approx(1)
        bounded = known[known["ci_low"].notna()]
        assert (bounded["ci_low"] <= bounded["estimate"] + 1e-9).all()
        assert (bounded["ci_high"] >= bounded["estimate"] - 1e-9).all()
        if ci != "wald":
            assert bounded[["ci_low", "ci_high"]].stack().between(-1e-12, 1 + 1e-12).all()


@steady
@given(samples())
def test_every_figure_lies_in_its_interval(frame: pd.DataFrame) -> None:
    rows = everything(design(frame))
    slack = 1e-9 * (1 + rows["estimate"].abs())
    bounded = rows["ci_low"].notna() & rows["ci_high"].notna()
    assert (rows["ci_low"] <= rows["estimate"] + slack)[bounded].all()
    assert (rows["ci_high"] >= rows["estimate"] - slack)[bounded].all()
    index = rows[(rows["statistic"] == "index") & (rows["n"] > 0)]["estimate"]
    assert index.between(-1e-9, 100 + 1e-9).all()


@steady
@given(samples(gaps=False))
def test_a_domain_and_its_complement_make_the_whole(frame: pd.DataFrame) -> None:
    d = design(frame)
    inside = (frame["g"] == "a").to_numpy()
    parts = [estimate.total(d.domain(side), "y")["estimate"].fillna(0).iloc[0] for side in (inside, ~inside)]
    whole = estimate.total(d, "y").iloc[0]
    assert sum(parts) == pytest.approx(whole["estimate"], abs=1e-9)
    groups = estimate.total(d, "y", "g")
    assert groups["estimate"].sum() == pytest.approx(whole["estimate"], abs=1e-9)
    assert vcov(groups).sum() == pytest.approx(whole["se"] ** 2, rel=1e-9, abs=1e-6)
    counts = estimate.total(d, "q", "g")
    assert counts["estimate"].sum() == pytest.approx(frame["w"].sum())


@steady
@given(samples())
def test_a_domain_is_its_group(frame: pd.DataFrame) -> None:
    d = design(frame)
    groups = estimate.mean(d, "y", "g").set_index("group")
    for name in "abc":
        alone = estimate.mean(d.domain((frame["g"] == name).fillna(False).to_numpy()), "y").iloc[0]
        assert alone[FIGURES].to_numpy(float) == pytest.approx(groups.loc[name, FIGURES].to_numpy(float), nan_ok=True)


# -- two variances ----------------------------------------------------------------------------------------------------


@steady
@given(samples())
def test_the_jackknife_of_totals_is_the_linearized_variance(frame: pd.DataFrame) -> None:
    d = design(frame)
    for items in ("y", "q"):
        direct, made = estimate.total(d, items), estimate.total(as_replicates(d, "JKn"), items)
        assert made["se"].to_numpy() == pytest.approx(direct["se"].to_numpy(), rel=1e-7, abs=1e-7, nan_ok=True)
    single = SurveyDesign(frame, "w", psu="psu")
    direct, made = estimate.total(single, "y"), estimate.total(as_replicates(single, "JK1"), "y")
    assert made["se"].to_numpy() == pytest.approx(direct["se"].to_numpy(), rel=1e-7, abs=1e-7)
    assert made["estimate"].to_numpy() == pytest.approx(direct["estimate"].to_numpy())


@steady
@given(samples(units=2))
def test_balanced_replication_of_totals_is_the_linearized_variance(frame: pd.DataFrame) -> None:
    d = design(frame)
    made = estimate.total(as_replicates(d, "BRR"), "y")["se"].iloc[0]
    assert made == pytest.approx(estimate.total(d, "y")["se"].iloc[0], rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("statistic", ["mean", "proportion", "total"])
def test_the_bootstrap_comes_near_as_its_replicates_grow(statistic: str) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"h": np.repeat(np.arange(4), 50), "psu": np.repeat(np.arange(40), 5)})
    frame = frame.assign(w=rng.uniform(1, 3, 200), y=rng.integers(0, 2, 200) + 0.0)
    ask: Callable[[SurveyDesign, str], pd.DataFrame] = getattr(estimate, statistic)
    direct = ask(design(frame), "y")["se"].iloc[0]
    off = [abs(ask(as_replicates(design(frame), "bootstrap", count=r, seed=1), "y")["se"].iloc[0] / direct - 1)
           for r in (50, 4000)]  # fmt: skip
    assert off[1] < 0.03
    assert off[1] < off[0] + 0.01


# -- known totals -----------------------------------------------------------------------------------------------------


@steady
@given(
    samples(gaps=False), st.lists(st.integers(10, 99), min_size=5, max_size=5), st.sampled_from([str, "category", int])
)
def test_raking_hits_its_margins_whatever_the_arrays(frame: pd.DataFrame, counts: list[int], kind: Any) -> None:
    """Under copy-on-write what pandas hands out is read-only; nothing that was given may be changed either."""
    rng = np.random.default_rng(sum(counts))
    both = pd.DataFrame({"a": np.tile([1, 2], 30), "b": np.repeat([1, 2, 3], 20)}).astype(kind)
    base = pd.Series(rng.uniform(1, 3, 60)).to_numpy()
    base.flags.writeable = False
    before = both.copy(), base.copy()
    whole = float(sum(counts[2:]))
    share = counts[0] / (counts[0] + counts[1])
    margins = {
        "a": {"1": whole * share, "2": whole * (1 - share)},
        "b": dict(zip("123", map(float, counts[2:]), strict=True)),
    }
    for weights in (
        weighting.rake(both, base, margins)[0],
        weighting.calibrate(both, base, margins, distance="raking"),  # type: ignore[arg-type]
    ):
        for name, levels in margins.items():
            sums = pd.Series(weights).groupby(both[name].astype(str).to_numpy()).sum()
            assert sums.to_dict() == pytest.approx(levels, rel=1e-6)
        assert (weights > 0).all()
    pd.testing.assert_frame_equal(both, before[0])
    assert (base == before[1]).all()
    codes = [both[name].astype(str).astype(int).to_numpy() - 1 for name in ("a", "b")]
    raked = calibrate.raked(
        SurveyDesign(both, base), list(zip(codes, [list(m.values()) for m in margins.values()], strict=True))
    )
    assert np.bincount(codes[0], raked.weights) == pytest.approx(list(margins["a"].values()), rel=1e-6)
    counted = estimate.total(raked.assign(b=pd.Categorical(codes[1])), "b")
    assert counted["se"].to_numpy() == pytest.approx(0, abs=1e-6 * whole)  # what is known has no error


@steady
@given(samples(gaps=False))
def test_post_stratification_twice_is_once(frame: pd.DataFrame) -> None:
    cells = frame["g"].astype(str)
    totals = {level: 10.0 + 5 * k for k, level in enumerate(sorted(cells.unique()))}
    once = weighting.poststratify(frame.assign(g=cells), frame["w"].to_numpy(), "g", totals)
    assert weighting.poststratify(frame.assign(g=cells), once, "g", totals) == pytest.approx(once)


# -- what cannot be had is a labelled row -----------------------------------------------------------------------------


def edges() -> pd.DataFrame:
    """Groups: silent (no answers), lone (one unit), weightless, plain, and one nobody is in; level 4 never chosen."""
    group = np.repeat(["silent", "lone", "weightless", "plain"], [6, 4, 4, 20])
    chance = np.random.default_rng(6)
    answer = chance.integers(0, 3, 34)
    psu = chance.integers(0, 8, 34)
    psu[:8], psu[group == "lone"] = np.arange(8), 3
    silent = group == "silent"
    return pd.DataFrame({
        "g": pd.Categorical(group, categories=["silent", "lone", "weightless", "plain", "nobody"]), "psu": psu, "h": 0,
        "w": np.where(group == "weightless", 0.0, 2.0), "q": pd.Categorical.from_codes(
            np.where(silent, -1, answer), [1, 2, 3, 4], ordered=True),
        "y": np.where(silent, np.nan, chance.normal(size=34)), "x": np.where(silent, np.nan, 1.5),
        "yes": np.where(silent, np.nan, answer == 0), "never": np.where(silent, np.nan, 0.0),
        **{item: np.where(silent, np.nan, chance.integers(1, 6, 34)) for item in ENDS},
    })  # fmt: skip


REASONS = {
    "silent": "no answers in this group", "lone": "one sampling unit in this group: no interval",
    "weightless": "no respondents in this group", "nobody": "no respondents in this group", "plain": "",
}  # fmt: skip


@pytest.mark.parametrize("replicated", [False, True])
def test_rows_of_every_group_with_their_reason(replicated: bool) -> None:
    plain = design(edges())
    d = as_replicates(plain, "JKn") if replicated else plain
    parts = {
        "share": estimate.proportion(d, ["q", "yes", "never"], "g"), "mean": estimate.mean(d, "y", "g"),
        "total": estimate.total(d, ["y", "q"], "g"), "ratio": estimate.ratio(d, "y", "x", "g"),
        "box": estimate.top_box(d, "q", 2, "g"), "index": scales.index(d, list(ENDS), "g", ends=ENDS),
        "multiple": estimate.multiple(d, ["yes", "never"], "g", of=["respondents"]),
    }  # fmt: skip
    for kind, rows in parts.items():
        assert set(rows["group"]) == set(REASONS), kind
        for group, reason in REASONS.items():
            here = rows[rows["group"] == group]
            if group in ("silent", "weightless", "nobody"):
                assert here[["estimate", "se", "ci_low", "ci_high"]].isna().all(axis=None), (kind, group)
                assert (here["n"] == 0).all()
            else:
                assert here["estimate"].notna().all()
            if not (replicated and group == "lone"):  # replicate weights name no units
                assert set(here["reason"]) == {reason}, (kind, group)


def test_an_option_nobody_chose_is_a_row_of_zero() -> None:
    rows = estimate.proportion(design(edges()), ["q", "never"])
    for row in (rows[rows["level"] == "4"].iloc[0], rows[rows["item"] == "never"].iloc[0]):
        assert (row["estimate"], row["se"], row["ci_low"]) == (0, 0, 0)
        assert 0 < row["ci_high"] < 1
        assert row["n"] == 24


def test_quantiles_comparisons_and_models_of_such_groups_do_not_break() -> None:
    d = design(edges())
    middle = estimate.quantile(d, "y", [0.5], "g")
    assert middle.set_index("group")["estimate"].notna().to_dict() == {g: g in ("lone", "plain") for g in REASONS}
    rest = compare.against_rest(d, ["q", "y"], "g")
    assert set(rest["group"]) == set(REASONS)
    m = model.fit(d, "y ~ g")
    assert m.absent == {"g": ["silent", "weightless", "nobody"]}
    assert m.dropped == {"outside the domain or without weight": 4, "missing values": 6}
