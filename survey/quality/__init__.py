"""Quality: what became of every case, how well the questions were answered, which patterns stand out. Never a person.

| room | question |
| --- | --- |
| dispositions | what became of the cases: AAPOR's final dispositions and outcome rates |
| answers | gaps, speed, straight lines, runs of "don't know", heaping |
| interviewers | how much the answers depend on who asks |
| overdispersion | what is usual among clusters that vary by more than chance |
| integrity | patterns that may come from coaching or copying |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey.answers import REASONS
from survey.cleaning import Cleaned
from survey.codebook import Codebook
from survey.identifiers import contained
from survey.quality.answers import behaviour
from survey.quality.dispositions import GROUPS, estimated_eligibility, response_rates
from survey.quality.integrity import FLAGGED, integrity_facts, opinion_items, screen
from survey.quality.interviewers import interviewer_effect, interviewer_facts

__all__ = [
    "FLAGGED", "GROUPS", "Assessment", "assess", "estimated_eligibility", "interviewer_effect", "response_rates",
    "screen",
]  # fmt: skip


@dataclass(frozen=True)
class Assessment:
    """What is known about the quality of one wave.

    facts: sample, quality and integrity, counts and rates only (JSON-able).   flagged: by row of the cleaned frame,
    whether its interviewer or its sampling unit stands out; the one thing that goes on below the identity boundary.
    """

    facts: dict[str, Any]
    flagged: pd.Series


def assess(cleaned: Cleaned, book: Codebook) -> Assessment:
    """Counts and rates of one wave for the report, and the interviews in clusters whose answers stand out."""
    frame = cleaned.frame
    screened, flagged = screen(frame, book)
    facts = {"sample": _sample(cleaned, book), "quality": _answers(cleaned, book)}
    if texts := _texts(frame, book):
        facts["quality"]["texts"] = texts
    facts["quality"] |= behaviour(frame, cleaned.reasons, book)
    if (effects := interviewer_facts(frame, book)) is not None:
        facts["quality"]["interviewers"] = effects
    if screened:
        facts["integrity"] = integrity_facts(screened, flagged, len(opinion_items(frame, book)))
    return Assessment(facts, flagged)


def _texts(frame: pd.DataFrame, book: Codebook) -> dict[str, Any]:
    """Of each free text how many were written, and in how many of them identifiers of which kind were scrubbed.

    Counts of fewer than min_n persons are left out here already.
    """
    least, facts = book.disclosure.min_n, {}
    for name, item in book.items.items():
        if item.kind == "text" and name in frame and (written := int((frame[name] != "").sum())) >= least:
            scrubbed = {kind: n for kind, n in contained(frame[name]).items() if n >= least}
            facts[name] = {"written": written, "scrubbed": scrubbed}
    return facts


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
