"""Facts of the method as they may be told: no extreme weight, no count of a few, none that follows from the others."""

from __future__ import annotations

from typing import Any

from survey.disclosure.precision import USUAL, coarse_steps


def told(facts: dict[str, Any], least: int, digits: int = USUAL) -> dict[str, Any]:
    """Facts as they may be told: no extreme weight, no count below `least`, and none that follows from the others.

    Args: digits: significant digits of the spread of the weights.
    """
    told = dict(facts)
    if "quality" in facts:
        quality = dict(facts["quality"])
        # Of a question that a few answered nothing is counted: all records less the other counts would be their number.
        quality["answered"] = {
            item: _reasons(counts, least)
            for item, counts in quality.get("answered", {}).items()
            if _enough(counts.get("answered", 0), least) is not None
        }
        quality["problems"] = [
            {**row, "n": row["n"] if row["n"] >= least else None} for row in quality.get("problems", [])
        ]
        told["quality"] = _behaviour(quality, least)
    if "integrity" in facts:
        told["integrity"] = _patterns(facts["integrity"], least)
    if "weighting" in facts:
        weighting = dict(facts["weighting"])
        hidden = {"min", "max", "sum"}  # each is somebody's weight, or turns a share into one
        weighting["steps"] = [
            {k: v for k, v in step.items() if k not in hidden | ({"top1"} if step.get("n", 0) < 100 * least else set())}
            for step in weighting.get("steps", [])
        ]
        weighting["steps"] = coarse_steps(weighting["steps"], digits)
        thin = {row["margin"] for row in weighting.get("margins", []) if row.get("n", least) < least}
        weighting["margins"] = [
            {
                k: None if k in ("before", "adjusted") and row["margin"] in thin else v
                for k, v in row.items()
                if k != "n"
            }
            for row in weighting.get("margins", [])
        ]
        told["weighting"] = weighting
    return told


def _behaviour(quality: dict[str, Any], least: int) -> dict[str, Any]:
    """Counts of the ways of answering, those of a few persons left out; of each question how many gave no answer."""
    out = dict(quality)
    for name in ("speeders", "pace_speeders", "dont_know_runs"):
        if name in out:
            out[name] = _enough(out[name], least)
    out["grids"] = [{**row, "identical": _enough(row["identical"], least)} for row in quality.get("grids", [])]
    if "nonresponse" in quality:
        rows = [
            row
            for row in quality["nonresponse"]["items"]
            if row["missing"] >= least and _enough(row["asked"] - row["missing"], least) is not None
        ]
        # The single reasons stand under `answered`, pooled where one is rare.
        kept = [{name: row[name] for name in ("item", "asked", "missing", "rate")} for row in rows]
        out["nonresponse"] = {**quality["nonresponse"], "items": kept}
    return out


def _patterns(integrity: dict[str, Any], least: int) -> dict[str, Any]:
    """Screening without counts of a few persons; funnel points by size to the nearest five and share to 1 %."""
    patterns = []
    for pattern in integrity["patterns"]:
        row = {**pattern, "count": _enough(pattern["count"], least)}
        if "points" in pattern:
            points = [
                {**each, "n": 5 * round(each["n"] / 5), "share": round(each["share"], 2)} for each in row["points"]
            ]
            row["points"] = sorted(points, key=lambda each: (each["n"], each["share"]))
        patterns.append(row if row["count"] is not None else {k: v for k, v in row.items() if k != "usual"})
    return {**integrity, "patterns": patterns}


def _enough(count: int, least: int) -> int | None:
    """A count that is nought or large enough to be told."""
    return count if count == 0 or count >= least else None


def _reasons(counts: dict[str, int], least: int) -> dict[str, int]:
    """Reasons for missing answers one by one, or pooled where one of them is rare: the rest would give it away."""
    missing = {reason: n for reason, n in counts.items() if reason not in ("answered", "not_applicable")}
    kept = {reason: n for reason, n in counts.items() if reason not in missing}
    if all(n >= least for n in missing.values()):
        return kept | missing
    return kept | {"no_answer": sum(missing.values())}
