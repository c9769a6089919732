"""The benchmark's survey: 40 four-level items, 6 breakdowns, 200 strata, 2,000 sampling units, 2–10 % nonresponse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

STRATA, PSUS = 200, 2000
ITEMS = [f"q{k}" for k in range(1, 41)]
BREAKDOWNS = {f"g{size}": size for size in (2, 3, 5, 6, 8, 12)}
MODEL = ["g2", "g3", "g6", "g8"]  # 1 + 2 + 5 + 7 = 15 dummies
MARGINS = ["g3", "g5", "g6", "g8"]


def make(rows: int, seed: int = 20261125) -> pd.DataFrame:
    """Coded answers in no order of units; answers depend on unit and groups, so that design effects are above 1."""
    chance = np.random.default_rng(seed)
    psu = chance.integers(0, PSUS, rows).astype(np.int16)
    frame: dict[str, object] = {
        "psu": psu, "stratum": (psu // (PSUS // STRATA)).astype(np.int16), "w": chance.uniform(0.5, 2.0, rows),
    }  # fmt: skip
    lean = chance.normal(0, 0.4, PSUS)[psu]
    for name, size in BREAKDOWNS.items():
        code = chance.integers(0, size, rows).astype(np.int8)
        lean = lean + 0.1 * (code == 0)
        frame[name] = pd.Categorical.from_codes(code, pd.Index(range(1, size + 1)))
    for k, item in enumerate(ITEMS):
        score = lean + chance.normal(0, 1, rows)
        code = np.searchsorted([-0.7, 0.1, 0.8], score).astype(np.int8)
        code[chance.random(rows) < 0.02 + 0.08 * k / (len(ITEMS) - 1)] = -1
        frame[item] = pd.Categorical.from_codes(code, pd.Index([1, 2, 3, 4]), ordered=True)
    frame["y"] = (lean + chance.logistic(0, 1, rows) > 0.5).astype(np.int8)
    return pd.DataFrame(frame)


def totals(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Known totals of the four margins, a little off the sample's."""
    people = 20.0 * len(frame)
    found = {}
    for name in MARGINS:
        share = np.linspace(0.9, 1.1, BREAKDOWNS[name])
        levels = [str(level) for level in frame[name].cat.categories]
        found[name] = dict(zip(levels, (people * share / share.sum()).tolist(), strict=True))
    return found


def coded_bytes(frame: pd.DataFrame) -> int:
    """Size of the coded input: a byte an answer and a group, 8 a weight, 2 a unit and a stratum."""
    return sum(
        column.cat.codes.nbytes if isinstance(column.dtype, pd.CategoricalDtype) else column.to_numpy().nbytes
        for _, column in frame.items()
    )


def write_binary(frame: pd.DataFrame, folder: Path) -> None:
    """One little-endian file a column, codes from 1 (0: missing), for R."""
    for name, column in frame.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            (column.cat.codes.to_numpy() + 1).astype("<i4").tofile(folder / f"{name}.int")
        elif column.dtype.kind == "f":
            column.to_numpy().astype("<f8").tofile(folder / f"{name}.double")
        else:
            column.to_numpy().astype("<i4").tofile(folder / f"{name}.int")
