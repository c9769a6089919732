"""A wave of a million interviews from its file to its weights, beside what pandas needs to read that file."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.ours import peak

ITEMS = 40
KEY = b"a key of the benchmark, not of a survey"
YAML = """\
survey: wave
title: Benchmark
publisher: Nobody
population: Nobody
method: None
simulated: true
languages: [en]
scales:
  four: {{levels: {{1: Very, 2: Fairly, 3: Little, 4: Not}}, missing: {{8: dont_know, 9: refused}}, positive: [1, 2]}}
  sex: {{levels: {{1: Men, 2: Women}}}}
  ages: {{levels: {{1: '16-29', 2: '30-44', 3: '45-59', 4: '60+'}}}}
  district: {{levels: {{{districts}}}}}
items:
  person: {{kind: code}}
  name: {{kind: identifier}}
  remark: {{kind: text}}
  community: {{kind: code, required: true}}
  district: {{scale: district, required: true}}
  sex: {{scale: sex, required: true}}
  age: {{kind: number, range: [16, 110]}}
  w: {{kind: number, range: [0, 10000]}}
{items}
derived:
  age_band: {{recipe: band, of: age, edges: [16, 30, 45, 60], scale: ages}}
indicators:
  safe: {{recipe: share, of: [q1, q2, q3], levels: [1, 2], definition: Share}}
respondent: person
design: {{strata: [district], psu: [community]}}
weighting: {{base: w, rake: [sex, age_band, district]}}
privacy:
  {{pseudonyms: [person, community], generalise: {{age: age_band}}, quasi_identifiers: [sex, age_band, district]}}
report: {{headline: [safe]}}
waves:
  w1: {{file: w1.csv, fieldwork: {{start: 2026-04-01, end: 2026-04-30}}}}
"""
DISTRICTS = 12


def write(folder: Path, rows: int, seed: int = 20261125) -> str:
    """The delivery as CSV, some answers missing, unknown or refused; returns the text of its survey.yaml."""
    chance = np.random.default_rng(seed)
    community = chance.integers(0, 1200, rows)
    frame = {
        "person": np.arange(rows) + 10_000_000, "name": np.array(["张伟", "王芳", "李娜"])[chance.integers(0, 3, rows)],
        "remark": np.where(chance.random(rows) < 0.05, "路灯坏了", ""), "community": community,
        "district": community % DISTRICTS + 1, "sex": chance.integers(1, 3, rows), "age": chance.integers(16, 90, rows),
        "w": chance.uniform(1, 4, rows).round(4),
    }  # fmt: skip
    codes = np.array(["1", "2", "3", "4", "8", "9", "", "7"])
    odds = [0.3, 0.3, 0.2, 0.13, 0.03, 0.02, 0.015, 0.005]
    frame |= {f"q{k}": codes[chance.choice(8, rows, p=odds)] for k in range(1, ITEMS + 1)}
    pd.DataFrame(frame).to_csv(folder / "w1.csv", index=False)
    districts = ", ".join(f"{k}: D{k}" for k in range(1, DISTRICTS + 1))
    items = "\n".join(f"  q{k}: {{scale: four}}" for k in range(1, ITEMS + 1))
    return YAML.format(districts=districts, items=items)


def measure(rows: int) -> dict[str, Any]:
    """Seconds of each stage and of pandas.read_csv, and the peak memory of the stages over the frame's."""
    from survey.cleaning import clean
    from survey.intake import read
    from survey.privacy import protect
    from survey.survey_yaml import parse
    from survey.weighting import Margins, weigh

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        book = parse(write(folder, rows))
        seconds: dict[str, float] = {}
        start = time.perf_counter()
        frame = pd.read_csv(folder / "w1.csv")
        seconds["pandas.read_csv"] = time.perf_counter() - start
        size = int(frame.memory_usage(deep=True).sum())
        totals = {"district": frame["district"].value_counts(), "sex": frame["sex"].value_counts()}
        known = {name: {str(k): float(v) for k, v in counts.items()} for name, counts in totals.items()}
        bands = pd.cut(frame["age"], [15, 29, 44, 59, 200], labels=["1", "2", "3", "4"]).value_counts()
        known["age_band"] = {str(k): float(v) for k, v in bands.items()}
        del frame

        def step(stage: str, work: Any) -> Any:
            start = time.perf_counter()
            result = work()
            seconds[stage] = time.perf_counter() - start
            return result

        with peak() as reached:
            delivered = [step("intake", lambda: read(folder / "w1.csv", book.waves["w1"]))[0]]
            cleaned = step("cleaning", lambda: clean(delivered.pop(), book, "w1"))
            protected = step("privacy", lambda: protect(cleaned, book, "w1", KEY))
            step("weighting", lambda: weigh(protected, book, Margins(known)))
    return {"rows": rows, "seconds": seconds, "frame_bytes": size, "peak_bytes": reached[0] if reached else None}


def lines(found: dict[str, Any]) -> list[str]:
    """The measurement as a person reads it."""
    seconds = found["seconds"]
    base = seconds["pandas.read_csv"]
    ours = sum(seconds[stage] for stage in ("intake", "cleaning", "weighting"))
    table = [f"a wave of {found['rows']:,} rows, {ITEMS + 8} columns"]
    table += [f"  {stage:<22}{value:>8.2f} s{value / base:>8.2f} x pandas.read_csv" for stage, value in seconds.items()]
    table.append(f"  {'intake to weights':<22}{ours:>8.2f} s{ours / base:>8.2f} x, without the identity boundary")
    if found["peak_bytes"] is not None:
        table.append(f"  peak memory {found['peak_bytes'] / found['frame_bytes']:.2f} x the frame as pandas holds it")
    return table
