"""What tests of rows in parts share: a sample with numbers, and how far two results are from one another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks import data
from survey.design import SurveyDesign
from survey.partitioned import Ask, Sample

SAMPLE = Sample(weights="w", strata="stratum", psu="psu")
ASKS = [
    Ask("share", ["q1", "q40"], by="g6"),
    Ask("share", "y", by=["g2", "g3"], ci="beta"),
    Ask("mean", ["q3", "income"], by="g5"),
    Ask("total", ["q3", "income"]),
    Ask("ratio", "spent", by="g8", denominator="income", deff="replace"),
]
MODEL = "y ~ g2 + g3 + q3"
EXACT = 1e-12
FIGURES = ["estimate", "se", "ci_low", "ci_high", "df", "n", "missing", "psus", "n_weighted", "n_eff", "deff", "cv"]


def rows(n: int, seed: int = 7) -> pd.DataFrame:
    """The benchmark's survey with two numbers, one of them with gaps."""
    chance = np.random.default_rng(seed)
    frame = data.make(n, seed)
    income = chance.gamma(2, 1500, n)
    spent = np.where(chance.random(n) < 0.05, np.nan, income * chance.uniform(0.2, 0.9, n))
    return frame.assign(income=income, spent=spent)


def design(frame: pd.DataFrame) -> SurveyDesign:
    """The same design in memory."""
    return SurveyDesign(frame, "w", "stratum", "psu")


def in_memory(d: SurveyDesign) -> list[pd.DataFrame]:
    """What ASKS gives in memory."""
    from survey import estimate

    return [
        estimate.proportion(d, ["q1", "q40"], "g6"),
        estimate.proportion(d, "y", ["g2", "g3"], "beta"),
        estimate.mean(d, ["q3", "income"], "g5"),
        estimate.total(d, ["q3", "income"]),
        estimate.ratio(d, "spent", "income", "g8", deff="replace"),
    ]


def distance(got: pd.DataFrame, wanted: pd.DataFrame, columns: list[str] | None = None) -> float:
    """Greatest relative difference of any number; rows must have the same names, and gaps in the same places."""
    names = ["item", "statistic", "level", "by", "group", "reason"]
    pd.testing.assert_frame_equal(
        got[names].reset_index(drop=True).astype(str), wanted[names].reset_index(drop=True).astype(str)
    )
    one, two = (frame[columns or FIGURES].to_numpy(dtype=float) for frame in (got, wanted))
    assert np.array_equal(np.isnan(one), np.isnan(two))
    apart = np.subtract(one, two, out=np.zeros_like(one), where=one != two)
    return float(np.nanmax(np.abs(apart) / np.maximum(np.abs(two), 1e-300)))
