"""Writes the sample behind the golden numbers: data.csv, and brr.csv with the half samples R is asked about.

A small town in 8 strata. Communities are drawn in each stratum (their numbers start again), then households in each
community, then everybody in the household, so that there are two finite populations to correct for.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from survey.design import SurveyDesign
from survey.resample import as_replicates

HERE = Path(__file__).parent
SEED = 20261124
COMMUNITIES = {"h1": 14, "h2": 22, "h3": 9, "h4": 31, "h5": 18, "h6": 12, "h7": 40, "h8": 11}
DRAWN = {"h1": 4, "h2": 4, "h3": 2, "h4": 6, "h5": 4, "h6": 2, "h7": 6, "h8": 4}
AREAS = ("new", "old", "village")


def sample() -> pd.DataFrame:
    """One row a person, missing answers as NaN."""
    rng = np.random.default_rng(SEED)
    rows = []
    for h, (stratum, size) in enumerate(COMMUNITIES.items()):
        for psu in range(1, DRAWN[stratum] + 1):
            feeling, there = rng.normal(0, 0.6), int(rng.integers(30, 120))
            took = int(rng.integers(6, 12))
            base = size / DRAWN[stratum] * there / took
            for household in range(1, took + 1):
                person = (stratum, psu, household, size, there, base, feeling + 0.15 * h)
                rows.extend([person] * int(rng.integers(1, 4)))
    names = ["stratum", "psu", "household", "fpc1", "fpc2", "base", "feeling"]
    frame = pd.DataFrame(rows, columns=names)
    n = len(frame)
    frame["half"] = frame["psu"] % 2
    frame["alone"] = np.where((frame["stratum"] == "h1") & (frame["psu"] == 1), "h0", frame["stratum"])
    frame["share1"] = frame["stratum"].map(lambda s: DRAWN[s] / COMMUNITIES[s])
    frame["people"] = frame["stratum"].map(lambda s: 400 * COMMUNITIES[s])
    frame["w"] = (frame["base"] * rng.uniform(0.7, 1.5, n)).round(3)
    frame["area"] = rng.choice(AREAS, n, p=[0.45, 0.35, 0.2])
    frame["sex"] = rng.choice(["man", "woman"], n)
    frame["age"] = rng.integers(18, 90, n)
    woman, old = frame["sex"] == "woman", frame["area"] == "old"
    tendency = frame.pop("feeling") + 0.4 * old - 0.5 * woman + rng.logistic(size=n)
    frame["safe"] = np.digitize(tendency, [-1.6, 0.2, 2.0]) + 1.0
    frame["afraid"] = (rng.random(n) < 1 / (1 + np.exp(0.6 + 0.7 * tendency - 0.01 * frame["age"]))).astype(float)
    frame["victim"] = (rng.random(n) < 0.025).astype(int)
    frame["visits"] = rng.poisson(np.exp(0.5 + 0.3 * old)).astype(float)
    frame["income"] = np.exp(rng.normal(8, 0.5, n)).round(4)
    frame["spent"] = (frame["income"] * rng.uniform(0.2, 0.9, n)).round(2)
    for name, share in (("safe", 0.06), ("afraid", 0.04), ("visits", 0.05), ("spent", 0.03)):
        frame.loc[rng.random(n) < share, name] = np.nan
    assert frame["income"].is_unique, "rank tests are compared without ties"
    return frame.drop(columns="base")


def main() -> None:
    """Write both files."""
    frame = sample()
    for name in ("safe", "afraid", "visits"):
        frame[name] = frame[name].astype("Int64")
    frame.to_csv(HERE / "data.csv", index=False)
    halves = as_replicates(SurveyDesign(frame, "w", "stratum", "half", nest=True), "BRR").replicates
    assert halves is not None
    factors = np.rint(halves.weights / frame[["w"]].to_numpy()).astype(int)
    pd.DataFrame(factors, columns=[f"r{k + 1}" for k in range(factors.shape[1])]).to_csv(HERE / "brr.csv", index=False)


if __name__ == "__main__":
    main()
