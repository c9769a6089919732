"""Quality: what became of every case, and how well the questions were answered. Counts only, nothing about a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from survey.answers import REASONS
from survey.cleaning import Cleaned
from survey.codebook import Codebook

GROUPS = ("complete", "partial", "refusal", "noncontact", "other", "unknown", "ineligible")


def assess(cleaned: Cleaned, book: Codebook) -> dict[str, Any]:
    """Counts and rates of one wave for the report: sample, quality (JSON-able)."""
    return {"sample": _sample(cleaned, book), "quality": _answers(cleaned, book)}


def _sample(cleaned: Cleaned, book: Codebook) -> dict[str, Any]:
    facts: dict[str, Any] = dict(cleaned.counts)
    if book.dispositions is not None:
        found = cleaned.dispositions.value_counts()
        counts = {group: int(found.get(group, 0)) for group in GROUPS}
        # An interview that broke off before a required answer is a partial one, whatever its final code says.
        counts["complete"] -= cleaned.counts["partial"]
        counts["partial"] += cleaned.counts["partial"]
        eligibility = book.dispositions.eligibility
        facts |= {"dispositions": counts, "rates": response_rates(counts, eligibility)}
        facts["eligibility"] = estimated_eligibility(counts) if eligibility is None else eligibility
    return facts


def estimated_eligibility(counts: Mapping[str, int]) -> float:
    """Share of the resolved cases that are eligible: the usual e of AAPOR's RR3.

    e = (I + P + R + NC + O) / (I + P + R + NC + O + ineligible); 1 when no case was resolved.

    >>> estimated_eligibility({"complete": 60, "refusal": 20, "ineligible": 20})
    0.8
    """
    eligible = sum(counts.get(group, 0) for group in ("complete", "partial", "refusal", "noncontact", "other"))
    resolved = eligible + counts.get("ineligible", 0)
    return eligible / resolved if resolved else 1.0


def response_rates(counts: Mapping[str, int], eligibility: float | None = None) -> dict[str, float]:
    """Response, cooperation, refusal and contact rates of AAPOR's Standard Definitions (10th edition, 2023).

    RR1 = I / (I+P+R+NC+O+U),  RR3 = I / (I+P+R+NC+O+eU),  COOP1 = I / (I+P+R+O),
    REF1 = R / (I+P+R+NC+O+U),  CON1 = (I+P+R+O) / (I+P+R+NC+O+U).

    Args: counts: cases by group (complete I, partial P, refusal R, noncontact NC, other O, unknown U, ineligible).
    eligibility: e, estimated from the resolved cases when None.   Returns: rates 0–1; NaN without cases.

    >>> rates = response_rates({"complete": 50, "refusal": 20, "noncontact": 10, "unknown": 20}, eligibility=0.5)
    >>> rates["RR1"], round(rates["RR3"], 4)
    (0.5, 0.5556)
    """
    i, p, r, nc, o, u, _ = (counts.get(group, 0) for group in GROUPS)
    e = estimated_eligibility(counts) if eligibility is None else eligibility
    contacted, everyone = i + p + r + o, i + p + r + nc + o + u

    def rate(part: float, whole: float) -> float:
        return part / whole if whole else float("nan")

    return {
        "RR1": rate(i, everyone),
        "RR3": rate(i, i + p + r + nc + o + e * u),
        "COOP1": rate(i, contacted),
        "REF1": rate(r, everyone),
        "CON1": rate(contacted, everyone),
    }


def _answers(cleaned: Cleaned, book: Codebook) -> dict[str, Any]:
    """Problems by rule and item, reasons by item, median length of the interview."""
    grouped = cleaned.problems.groupby(["rule", "item", "action"], observed=True).size().reset_index(name="n")
    answered = {}
    for item in cleaned.reasons.columns:
        count = np.bincount(cleaned.reasons[item], minlength=len(REASONS))
        answered[item] = {reason: int(n) for reason, n in zip(REASONS, count, strict=True) if n}
    facts: dict[str, Any] = {"problems": grouped.to_dict("records"), "answered": answered}
    if book.duration is not None:
        minutes = cleaned.frame[book.duration].median()
        facts["median_minutes"] = None if pd.isna(minutes) else float(minutes)
    return facts
