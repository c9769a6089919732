"""Runs every contender in a process of its own, prints the table of times and ratios, writes results.json beside it.

python -m benchmarks               # 20,000, 1,000,000 and 10,000,000 rows: about 20 minutes on two cores
python -m benchmarks 20000         # some sizes
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZES = (20_000, 1_000_000, 10_000_000)
RESULTS = Path(__file__).with_name("results.json")
APART = ("wave", "server")
"""Contenders that are asked once, not for every size."""
OTHERS_UP_TO = 1_000_000
"""More rows than these are asked of the engine and the floors only."""
ITEMS_OF_OTHERS = {20_000: 4, 1_000_000: 1}


def anxin(rows: int) -> dict[str, Any]:
    """The engine: first call (compiled loop from its cache or not) and the median of three more."""
    from benchmarks import data, ours

    frame = data.make(rows)
    totals = data.totals(frame)
    d, designed = ours.design(frame)
    first, figures = ours.tables(d)
    again = [ours.tables(d)[0] for _ in range(3)]
    return {
        "design": designed, "tables_first": first, "tables": statistics.median(again), "rows_out": len(figures),
        "logit": statistics.median(ours.logit(d) for _ in range(3)),
        "rake": statistics.median(ours.rake(frame, totals) for _ in range(3)), "memory": ours.memory_ratio(d),
    }  # fmt: skip


def floor(rows: int) -> dict[str, Any]:
    """The bare passes."""
    from benchmarks import data, floors

    frame = data.make(rows)
    totals = data.totals(frame)
    prepared, passed = zip(*(floors.compiled(frame) for _ in range(3)), strict=True)
    return {
        "bincount": statistics.median(floors.bincount(frame) for _ in range(3)),
        "numba": statistics.median(passed), "numba_codes": statistics.median(prepared),
        "logit": statistics.median(floors.grouped_logit(frame, data.MODEL) for _ in range(3)) if rows < 5e6 else None,
        "rake": statistics.median(floors.raking(frame, totals) for _ in range(3)),
    }  # fmt: skip


def svy(rows: int) -> dict[str, Any]:
    """The package svy."""
    from benchmarks import data, others

    frame = data.make(rows)
    return others.svy(frame, data.totals(frame), ITEMS_OF_OTHERS.get(rows, 1))


def r_survey(rows: int) -> dict[str, Any] | None:
    """R's survey."""
    from benchmarks import data, others

    frame = data.make(rows)
    return others.r_survey(frame, data.totals(frame), ITEMS_OF_OTHERS.get(rows, 1))


def wave(rows: int) -> dict[str, Any]:
    """A delivered wave from its file to its weights."""
    from benchmarks import wave as waves

    return waves.measure(rows)


def server(pairs: int) -> dict[str, Any]:
    """What a running Prefect server adds to a run."""
    from benchmarks import server as servers

    return servers.measure(pairs)


CONTENDERS: dict[str, Callable[[int], dict[str, Any] | None]] = {
    "anxin": anxin, "floor": floor, "svy": svy, "r_survey": r_survey, "wave": wave, "server": server
}  # fmt: skip


def alone(name: str, rows: int) -> dict[str, Any] | None:
    """A contender's answer from a process of its own."""
    command = [sys.executable, "-m", "benchmarks", "--one", name, str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name} at {rows:,} rows failed: {done.stderr.strip().splitlines()[-1:]}", flush=True)
        return None
    found: dict[str, Any] | None = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main(sizes: list[int]) -> None:
    """Run, print, store."""
    found: dict[str, dict[str, Any]] = {}
    for rows in sizes:
        asked = [name for name in CONTENDERS if name not in APART]
        names = [name for name in asked if rows <= OTHERS_UP_TO or name in ("anxin", "floor")]
        found[str(rows)] = {name: alone(name, rows) for name in names}
        print("\n".join(lines(rows, found[str(rows)])) + "\n", flush=True)
    if 1_000_000 in sizes:
        from benchmarks import server as servers
        from benchmarks import wave as waves

        found["wave"] = alone("wave", 1_000_000) or {}
        print("\n".join(waves.lines(found["wave"])), flush=True)
        if answer := alone("server", 4):
            found["server"] = answer
            print("\n".join(servers.lines(answer)), flush=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def lines(rows: int, found: dict[str, Any]) -> list[str]:
    """A table of one size: seconds, and the engine's time as a part of each other's."""
    own, floors = found.get("anxin") or {}, found.get("floor") or {}
    heads = {"tables": "(a)+(b) 480 tables", "logit": "(c) logit, 15 dummies", "rake": "(d) raking, 4 margins"}
    table = [f"{rows:,} rows", f"{'':<24}{'seconds':>10}{'Anxin / this':>14}"]
    for key, head in heads.items():
        others = {"svy": found.get("svy"), "R survey": found.get("r_survey")}
        entries = [(name, part.get(key)) for name, part in others.items() if part]
        if key == "tables" and floors:
            entries += [("numpy bincount, bare", floors["bincount"]), ("numba, bare", floors["numba"]),
                        ("numba, codes too", floors["numba"] + floors["numba_codes"])]  # fmt: skip
        elif floors.get(key):
            entries.append(("numpy, bare", floors[key]))
        table.append(f"{head:<24}{own.get(key, float('nan')):>10.3f}")
        table += [f"  {name:<22}{value:>10.3f}{own.get(key, float('nan')) / value:>14.4f}" for name, value in entries]
    if own:
        memory = f", memory {own['memory']:.2f} x the coded input" if own["memory"] else ""
        table.append(f"design {own['design']:.2f} s, first call of the tables {own['tables_first']:.2f} s{memory}")
    return table


if __name__ == "__main__":
    if "--one" in sys.argv:
        print(json.dumps(CONTENDERS[sys.argv[2]](int(sys.argv[3]))))
    else:
        main([int(size) for size in sys.argv[1:]] or list(SIZES))
