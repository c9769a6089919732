"""Random surveys as the release boundary sees them: areas × groups × levels × waves, weighted, with gaps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from survey.disclosure.background import Background, background
from survey.figures import FINAL
from survey.privacy import Protected
from survey.survey_yaml import parse
from survey.tidy import results
from tests.small_survey import YAML

BOOK = parse(YAML)
BREAKDOWNS = ("area", "sex", "age", "old")


def people(rng: np.random.Generator, n: int, areas: int, items: int) -> pd.DataFrame:
    """Residents in areas of very different sizes; `old` holds two whole age groups; some answers are missing."""
    frame = pd.DataFrame({FINAL: rng.lognormal(3, 0.5, n)})
    sizes = rng.dirichlet(np.full(areas, rng.choice([0.5, 1, 3])))
    frame["area"] = rng.choice([str(k + 1) for k in range(areas)], n, p=sizes)
    frame["sex"] = rng.choice(["1", "2"], n)
    frame["age"] = rng.choice(["1", "2", "3", "4", "5"], n, p=rng.dirichlet(np.ones(5)))
    frame["old"] = np.where(frame["age"].isin(["4", "5"]), "y", "n")
    for k in range(items):
        answer = (rng.random(n) < rng.beta(1, 1)).astype(float)
        frame[f"q{k}"] = np.where(rng.random(n) < rng.choice([0, 0.02, 0.1]), np.nan, answer)
    return frame


def share(frame: pd.DataFrame, item: str) -> dict[str, float]:
    """Respondents, weighted base and weighted share of one item."""
    known = frame[item].notna()
    weight = frame.loc[known, FINAL]
    n, base = int(known.sum()), float(weight.sum())
    estimate = float((weight * frame.loc[known, item]).sum() / base) if n else np.nan
    spread = {"ci_low": estimate - 0.02, "ci_high": estimate + 0.02, "n_eff": n, "psus": 9.0, "df": 50.0}
    return {"n": n, "n_weighted": base, "estimate": estimate, **spread}


def figures(waves: dict[str, pd.DataFrame], items: list[str], breakdowns: tuple[str, ...] = BREAKDOWNS) -> pd.DataFrame:
    """Level figures of all waves, each group against the rest, and the change since the wave before."""
    rows = [row for wave, frame in waves.items() for row in _levels(wave, frame, items, breakdowns)]
    level = {(row["wave"], row["item"], row["by"], row["group"]): row for row in rows}
    names = list(waves)
    for (wave, item, by, group), row in list(level.items()):
        place = {"wave": wave, "item": item, "by": by, "group": group, "block": "indicators"}
        before = level.get((names[names.index(wave) - 1], item, by, group)) if wave != names[0] else None
        if before is not None:
            both = {"n": min(row["n"], before["n"]), "estimate": row["estimate"] - before["estimate"]}
            rows.append({**place, **both, "statistic": "change", "level": before["wave"]})
        whole = level[wave, item, "", ""]
        rest = whole["n_weighted"] - row["n_weighted"]
        if by and rest > 0 and row["n"]:
            others = (whole["estimate"] * whole["n_weighted"] - row["estimate"] * row["n_weighted"]) / rest
            apart = {"n": row["n"], "estimate": row["estimate"] - others}
            rows.append({**place, **apart, "statistic": "difference", "level": "rest"})
    return results(rows)


def _levels(
    wave: str, frame: pd.DataFrame, items: list[str], breakdowns: tuple[str, ...]
) -> Iterator[dict[str, object]]:
    for item in items:
        yield {"wave": wave, "item": item, "statistic": "mean", "by": "", "group": "", **share(frame, item)}
        for by in breakdowns:
            for group, own in frame.groupby(by):
                yield {"wave": wave, "item": item, "statistic": "mean", "by": by, "group": group, **share(own, item)}


def survey(
    seed: int, areas: int, items: int, waves: int, n: tuple[int, int] = (60, 900)
) -> tuple[pd.DataFrame, dict[str, Background]]:
    """Figures and backgrounds of a random survey."""
    rng = np.random.default_rng(seed)
    frames = {f"w{k}": people(rng, int(rng.integers(*n)), areas, items) for k in range(waves)}
    rows = figures(frames, [f"q{k}" for k in range(items)])
    return rows, {
        wave: background(Protected(frame, pd.DataFrame(), {}), BOOK, rows[rows["wave"] == wave])
        for wave, frame in frames.items()
    }
