"""What is tested in each sample: label → p under a hypothesis that holds exactly in the population."""

from __future__ import annotations

from collections.abc import Callable

from survey import compare, effects, estimate, model
from survey.equivalence import pairwise, tost
from survey.regression.termtests import term_test
from survey.sampling.linearized import Floats
from tests.validation.known import Known
from tests.validation.samples import Sample

P = dict[str, float]
MARGIN = 0.03
"""Of the equivalence tests: three points of the share that feels safe."""
SIZE, POWER = "TOST, true change at the margin", "TOST, true change in the middle (power)"


def tables(s: Sample, world: Known) -> P:
    def p(**how: str) -> float:
        return float(compare.rao_scott(s.now, "a1_safe_now", "third", **how).attrs["test"]["p"])

    return {"Rao–Scott F, 4 × 3": p(), "Rao–Scott χ², 4 × 3": p(statistic="chi2"), "Wald, 4 × 3": p(statistic="wald"),
            "adjusted Wald, 4 × 3": p(statistic="adj_wald")}  # fmt: skip


def locations(s: Sample, world: Known) -> P:
    return {
        "t test, two groups": float(compare.ttest(s.now, "worry", "pair")["p"].iloc[0]),
        "Wilcoxon, four levels with ties": float(compare.rank_test(s.now, "worry", "pair")["p"].iloc[0]),
        "Kruskal–Wallis, three groups": float(
            compare.rank_test(s.now, "worry", "third", "KruskalWallis").attrs["test"]["p"]
        ),
    }


def terms(s: Sample, world: Known) -> P:
    linear = model.fit(s.now, "worry ~ C(third) + C(sex) + C(age_band)")
    logistic = model.fit(s.now, "safe ~ C(third) + C(sex) + C(age_band)", "binomial")
    return {
        "analysis of variance, term of 3 groups": _p(term_test(linear, "C(third)")),
        "analysis of variance, likelihood ratio": _p(term_test(linear, "C(third)", "LRT")),
        "logistic regression, Wald test of a term": _p(term_test(logistic, "C(third)")),
        "logistic regression, likelihood ratio": _p(term_test(logistic, "C(third)", "LRT")),
    }


def families(s: Sample, world: Known) -> P:
    """The smallest corrected p of a family: below 5 % where at least one difference is claimed."""
    rest = compare.against_rest(s.now, "worry", "fifth", measure="mean")
    return {
        "10 pairs of 5 groups, Holm: any": float(pairwise(estimate.mean(s.now, "worry", "fifth"))["q"].min()),
        "5 groups against the rest, Holm: any": float(rest["q"].min()),
    }


def trends(s: Sample, world: Known) -> P:
    found = effects.group_time(s.waves, "parallel", "cohort")
    return {"test of pre-trends": float(found.pretrend()["p"].iloc[0]),
            "programme without effect": float(found.overall()["p"].iloc[0])}  # fmt: skip


def equivalence(s: Sample, world: Known) -> P:
    true = world.truth["change of feeling safe"]
    return {SIZE: float(tost(s.change, (true - 2 * MARGIN, true))["p"].iloc[0]),
            POWER: float(tost(s.change, (true - MARGIN, true + MARGIN))["p"].iloc[0])}  # fmt: skip


def expected_power(sd: float, t: float) -> Floats:
    """Chance that the estimate ± t·sd lies inside the margin when the truth is its middle."""
    from scipy import stats

    return 2 * stats.norm.cdf(MARGIN / sd - t) - 1


PARTS: list[Callable[[Sample, Known], P]] = [tables, locations, terms, families, trends, equivalence]


def _p(row: object) -> float:
    return float(row.attrs["test"]["p"])  # type: ignore[attr-defined]
