"""How long the release boundary takes over about 5,000 cells, attack included, and how much it keeps.

python -m benchmarks.release       # many small groups; prints cells, secrets, share kept and seconds
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import pandas as pd

from survey.codebook import Disclosure
from survey.disclosure import release
from survey.disclosure.background import Background
from survey.tidy import results

ITEMS, WAVES, PEOPLE = 38, 6, 3000
BREAKDOWNS = {"area": 12, "sex": 2, "age": 5, "schooling": 3}


def city(seed: int = 5) -> tuple[pd.DataFrame, dict[str, Background]]:
    """Level figures of every item by every breakdown, and who is in which group."""
    rng = np.random.default_rng(seed)
    rows, known = [], {}
    for wave in range(WAVES):
        group = {by: rng.choice(k, PEOPLE, p=rng.dirichlet(np.ones(k))) for by, k in BREAKDOWNS.items()}
        weight = rng.lognormal(3, 0.5, PEOPLE)
        sizes = {by: {str(k): int(n) for k, n in enumerate(np.bincount(code)) if n} for by, code in group.items()}
        known[f"w{wave}"] = Background(PEOPLE, sizes)
        for item in range(ITEMS):
            answer = rng.random(PEOPLE) < rng.beta(1, 1)
            asked = rng.random(PEOPLE) > rng.choice([0, 0.02, 0.1])
            places = [("", "", asked), *((by, k, asked & (group[by] == int(k))) for by in sizes for k in sizes[by])]
            for by, label, own in places:
                base = float(weight[own].sum())
                if base > 0:
                    share = float(weight[own & answer].sum() / base)
                    numbers = {
                        "estimate": share,
                        "n": int(own.sum()),
                        "n_weighted": base,
                        "n_eff": own.sum(),
                        "psus": 9,
                    }
                    span = {"ci_low": share - 0.02, "ci_high": share + 0.02, "df": 50}
                    place = {"wave": f"w{wave}", "item": f"q{item}", "statistic": "mean", "by": by, "group": label}
                    rows.append({**place, **numbers, **span})
    return results(rows), known


def main() -> None:
    """Time three releases."""
    figures, known = city()
    book = _Book()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        released = release(figures, {}, book, known)  # type: ignore[arg-type]
        times.append(time.perf_counter() - start)
    told = released.facts["disclosure"]
    print(
        f"{told['cells']:,} cells, {told['cells_primary']} secret, {told['cells_secondary']} hidden beside them, "
        f"{100 * told['kept']:.1f} % kept: {statistics.median(times):.1f} s"
    )


class _Book:
    """As much of a codebook as the boundary reads."""

    disclosure = Disclosure()

    def recipes(self) -> dict[str, Any]:
        """None: every item stands for itself."""
        return {}

    def sources(self, item: str) -> list[str]:
        """What a figure is made of."""
        return [item]


if __name__ == "__main__":
    main()
