"""Makes weights.csv: residents of three districts who answer by sex and district, with unequal base weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

SIZE = 240


def people() -> pd.DataFrame:
    """The same 240 residents every time."""
    chance = np.random.default_rng(20261126)
    community = np.arange(SIZE) % 24
    district = community // 8 + 1
    sex = 1 + (chance.random(SIZE) < 0.4 + 0.1 * district).astype(int)
    adults = np.minimum(chance.geometric(0.45, SIZE), 5)
    safe = (chance.random(SIZE) < 0.35 + 0.15 * sex + 0.04 * adults).astype(int)
    w = np.round(chance.lognormal(3, 0.5, SIZE), 3)
    return pd.DataFrame(
        {"sex": sex, "district": district, "community": community, "adults": adults, "safe": safe, "w": w}
    )


if __name__ == "__main__":
    people().to_csv(Path(__file__).parent / "weights.csv", index=False)
