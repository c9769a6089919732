"""Makes scales.csv: five answers of 1–5 that one feeling drives, in a stratified sample of clusters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SIZE, ITEMS = 400, 5


def people() -> pd.DataFrame:
    """The same 400 residents every time."""
    chance = np.random.default_rng(20261125)
    psu = np.repeat(np.arange(40), SIZE // 40)
    feeling = chance.normal(size=SIZE) + 0.5 * chance.normal(size=40)[psu]
    answers = {}
    for item in range(ITEMS):
        strength = 0.9 - 0.1 * item
        x = strength * feeling + chance.normal(size=SIZE)
        answers[f"q{item + 1}"] = np.where(
            chance.random(SIZE) < 0.04, np.nan, np.digitize(x, [-1.5, -0.5, 0.5, 1.5]) + 1
        )
    frame = pd.DataFrame({"stratum": psu // 10, "psu": psu, "w": chance.uniform(5, 40, SIZE).round(2), **answers})
    return frame.astype(dict.fromkeys(answers, "Int64"))


if __name__ == "__main__":
    people().to_csv(Path(__file__).parent / "scales.csv", index=False)
