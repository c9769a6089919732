"""Asks every case and keeps score: passed, failed, unsupported, by family, with the largest relative error."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from survey.errors import AnxinError
from tests.oracle.cases import FAMILIES
from tests.oracle.designs import Unsupported
from tests.oracle.rdata import CASES, numbers

NOT_WANTED = ("km", "cox", "logrank", "survreg", "loglin", "loglin_anova", "prcomp", "nls")


@dataclass
class Score:
    """Counts of one family, its worst relative error among passed cases, and what failed."""

    counts: Counter[str] = field(default_factory=Counter)
    worst: float = 0.0
    failures: list[tuple[str, str]] = field(default_factory=list)


def relative_error(got: Any, expected: Any) -> float:
    """Largest |got − expected| against |expected|, entries that are zero against the largest of their vector."""
    e, g = numbers(expected), np.asarray(got, dtype=float).reshape(-1)
    e = e.reshape(-1)
    if len(g) != len(e):
        return np.inf
    if not np.array_equal(np.isnan(g), np.isnan(e)):
        return np.inf
    g, e = g[~np.isnan(e)], e[~np.isnan(e)]
    if not len(e) or np.array_equal(g, e):
        return 0.0
    if not np.array_equal(np.isinf(g), np.isinf(e)):
        return np.inf
    finite = np.isfinite(e)
    g, e = g[finite], e[finite]
    floor = 1e-9 * float(np.abs(e).max(initial=0.0))
    gap = np.abs(g - e)
    return float(np.max(np.where(gap <= 1e-15, 0.0, gap / np.maximum(np.abs(e), max(floor, 1e-300))), initial=0.0))


def ask(case: dict[str, Any]) -> tuple[str, str, float]:
    """Outcome of a case: passed, failed or unsupported; why; the largest relative error."""
    flags = case.get("flags") or []
    adapter = FAMILIES.get(case["family"])
    if adapter is None:
        return "unsupported", "no adapter", 0.0
    worst = 0.0
    only_estimate = "zero_variance" in flags
    separated = any(flag.startswith("separation") for flag in flags)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for name, got, expected in adapter(case):
                if only_estimate and name not in ("est", "estimate"):
                    continue
                if separated and name not in ("est", "estimate"):
                    continue
                error = relative_error(got, expected)
                if only_estimate and np.allclose(np.asarray(got, dtype=float), numbers(expected), rtol=0, atol=1e-10):
                    error = 0.0
                worst = max(worst, error if np.isfinite(error) else 0.0)
                if not error <= case["rtol"]:
                    return "failed", f"{name}: off by {error:.2g}; got {short(got)}, expected {short(expected)}", worst
    except Unsupported as why:
        return "unsupported", str(why), 0.0
    except AnxinError as refusal:
        wanted = "r_error" in flags or separated or case["expect"]["kind"] == "error"
        return ("passed" if wanted else "failed"), str(refusal).splitlines()[0], 0.0
    except Exception as crash:
        return "failed", f"{type(crash).__name__}: {crash}", worst
    return "passed", "", worst


def short(value: Any) -> str:
    return str(np.asarray(value).ravel()[:4].tolist()) if not isinstance(value, dict) else str(value)[:80]


def score(folder: Path = CASES, families: list[str] | None = None) -> dict[str, Score]:
    """All cases of a folder, family by family."""
    scores: dict[str, Score] = {}
    for path in sorted(folder.glob("*.json")):
        for case in json.loads(path.read_text()):
            if families and case["family"] not in families:
                continue
            mark = scores.setdefault(case["family"], Score())
            outcome, why, error = ask(case)
            mark.counts[outcome] += 1
            if outcome == "passed":
                mark.worst = max(mark.worst, error)
            elif outcome == "failed" or case["family"] not in NOT_WANTED:
                mark.failures.append((case["id"], why))
    return scores


def table(scores: dict[str, Score]) -> str:
    """The score by family as lines of text."""
    lines = [f"{'family':<14}{'passed':>8}{'failed':>8}{'unsupported':>13}{'largest error':>15}"]
    whole: Counter[str] = Counter()
    for name, mark in scores.items():
        whole.update(mark.counts)
        lines.append(
            f"{name:<14}{mark.counts['passed']:>8}{mark.counts['failed']:>8}{mark.counts['unsupported']:>13}{mark.worst:>15.1e}"
        )
    return "\n".join([*lines, f"{'all':<14}{whole['passed']:>8}{whole['failed']:>8}{whole['unsupported']:>13}"])


def main(families: list[str]) -> None:
    """Print the table, and what failed of the families asked for."""
    scores = score(families=families or None)
    print(table(scores))
    for name, mark in scores.items():
        for case_id, why in mark.failures[: 40 if families else 3]:
            print(f"{name}: {case_id}\n    {why[:300]}")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
