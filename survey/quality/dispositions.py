"""What became of every case: AAPOR's final dispositions and the sixteen outcome rates that follow from their counts.

Standard Definitions: Final Dispositions of Case Codes and Outcome Rates for Surveys, 10th edition (AAPOR 2023).
"""

from __future__ import annotations

from collections.abc import Mapping

from survey.codebook.questionnaire import AAPOR

GROUPS = tuple(AAPOR)
ELIGIBLE = ("complete", "partial", "refusal", "noncontact", "other")


def estimated_eligibility(counts: Mapping[str, int]) -> float:
    """Share of the resolved cases that are eligible: the usual e of AAPOR's RR3.

    e = (I + P + R + NC + O) / (I + P + R + NC + O + ineligible); 1 when no case was resolved.

    >>> estimated_eligibility({"complete": 60, "refusal": 20, "ineligible": 20})
    0.8
    """
    eligible = sum(counts.get(group, 0) for group in ELIGIBLE)
    resolved = eligible + counts.get("ineligible", 0)
    return eligible / resolved if resolved else 1.0


def response_rates(counts: Mapping[str, int], eligibility: float | None = None) -> dict[str, float]:
    """Response, cooperation, refusal and contact rates of AAPOR's Standard Definitions (10th edition, 2023).

    With N = I + P + R + NC + O the eligible cases, U those of unknown eligibility, e the share of U that is eligible:

    RR1, RR2 = I, I+P over N + U;  RR3, RR4 = I, I+P over N + eU;  RR5, RR6 = I, I+P over N;
    COOP1, COOP2 = I, I+P over I + P + R + O;  COOP3, COOP4 = I, I+P over I + P + R;
    REF1, REF2, REF3 = R over N + U, N + eU, N;  CON1, CON2, CON3 = I + P + R + O over N + U, N + eU, N.

    Args: counts: cases by group (complete I, partial P, refusal R, noncontact NC, other O, unknown U, ineligible).
    eligibility: e, estimated from the resolved cases when None.   Returns: rates 0–1; NaN without cases.

    >>> rates = response_rates({"complete": 50, "refusal": 20, "noncontact": 10, "unknown": 20}, eligibility=0.5)
    >>> rates["RR1"], round(rates["RR3"], 4), rates["RR5"]
    (0.5, 0.5556, 0.625)
    """
    i, p, r, nc, o, u, _ = (counts.get(group, 0) for group in GROUPS)
    e = estimated_eligibility(counts) if eligibility is None else eligibility
    contacted, eligible = i + p + r + o, i + p + r + nc + o
    # The least, the estimated and the most favourable view of the cases nobody could classify.
    bases = (eligible + u, eligible + e * u, float(eligible))
    rates = {}
    for place, base in enumerate(bases):
        rates[f"RR{2 * place + 1}"] = _rate(i, base)
        rates[f"RR{2 * place + 2}"] = _rate(i + p, base)
    for place, base in enumerate((contacted, i + p + r)):
        rates[f"COOP{2 * place + 1}"] = _rate(i, base)
        rates[f"COOP{2 * place + 2}"] = _rate(i + p, base)
    rates |= {f"REF{place}": _rate(r, base) for place, base in enumerate(bases, 1)}
    return rates | {f"CON{place}": _rate(contacted, base) for place, base in enumerate(bases, 1)}


def _rate(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
