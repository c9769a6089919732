"""Words the report explains: terms, marks, rates, steps and problems."""

from __future__ import annotations

from reports.language import Language

Terms = tuple[tuple[str, str], ...]


def glossary(lang: Language) -> Terms:
    """Terms a reader may not know, in plain words."""
    t = lang.t
    return (
        (
            t("95%% confidence interval"),
            t(
                "If the survey were repeated many times, about 95 of 100 such intervals would hold the true figure of "
                "the population."
            ),
        ),
        (t("Points"), t("Percentage points: the plain difference of two percentages. From 40%% to 42%% is 2 points.")),
        (
            t("Could be shown"),
            t(
                "The difference is larger than chance in sampling would explain (p < 0.05, corrected for the number "
                "of comparisons). "
                "Where none could be shown there may still be one, too small for this sample."
            ),
        ),
        (
            t("Weighting"),
            t(
                "Each interview counts for as many people as it stands for, so that groups who answer less often are "
                "not under-represented."
            ),
        ),
        (
            t("Design effect"),
            t("How many times larger the variance is than in a simple random sample of the same size."),
        ),
        (t("Effective sample"), t("The size of a simple random sample that would be as precise.")),
        (
            t("Odds ratio"),
            t("Odds of the outcome with the characteristic, divided by the odds without it; 1 means no association."),
        ),
        (
            t("Difference in points (regression)"),
            t(
                "Average marginal effect: how many points higher the outcome is with the characteristic, the others "
                "held constant. "
                "An association, not an effect."
            ),
        ),
        (
            t("Stratum, primary sampling unit"),
            t(
                "The sample is drawn separately in each stratum; the units drawn first, such as communities and "
                "villages, are the primary sampling units."
            ),
        ),
    )


def marks(lang: Language, revised: bool = False) -> Terms:
    """The marks that stand in place of, or beside, a number; of a revision where there is one."""
    t = lang.t
    return (
        ("[c]", t("Confidential: withheld so that nobody can be recognised.")),
        ("[u]", t("Unreliable: too imprecise to be published.")),
        ("[x]", t("Not available: not asked in this wave, or not computed.")),
        ("[z]", t("Not applicable.")),
        ("[b]", t("Break in the series: not comparable with the waves before.")),
        *(
            [("[r]", t("Revised: differs from the earlier report, made before the data were corrected."))]
            if revised
            else []
        ),
        ("!", t("Caution: rests on few respondents or sampling units; read it together with its interval.")),
    )


def rate_words(lang: Language) -> dict[str, str]:
    """AAPOR rates by code."""
    t = lang.t
    return {
        "RR1": t("Response rate, minimum (RR1)"),
        "RR3": t("Response rate (RR3)"),
        "COOP1": t("Cooperation rate (COOP1)"),
        "REF1": t("Refusal rate (REF1)"),
        "CON1": t("Contact rate (CON1)"),
    }


def step_words(lang: Language, delivered: bool = False) -> dict[str, str]:
    """Steps of the weighting by code; the base weight may have been delivered ready."""
    t = lang.t
    return {
        "base": t("Weight as delivered") if delivered else t("Base weight (inverse chance of selection)"),
        "nonresponse": t("Adjusted for nonresponse"),
        "raked": t("Raked to known totals"),
        "poststratified": t("Post-stratified to known totals"),
        "calibrated": t("Calibrated to known totals"),
        "trimmed": t("Extreme weights trimmed"),
        "normalised": t("Scaled to a fixed sum"),
    }


def problem_words(lang: Language) -> dict[str, str]:
    """Rules of the cleaning by code."""
    t = lang.t
    return {
        "duplicate": t("Delivered twice, identical; one dropped"),
        "conflicting_duplicate": t("Two contradicting rows; both set aside"),
        "unknown_level": t("Answer that is not in the questionnaire; made missing"),
        "type": t("Not a number or not a time; made missing"),
        "range": t("Outside the plausible range; made missing"),
        "routing": t("Answered although it was not to be asked; made missing"),
        "unanswered": t("No answer although it was to be asked; counted as left blank"),
        "inconsistent": t("Answers that contradict each other"),
        "outside_fieldwork": t("Interview begun on a day outside the fieldwork"),
        "near_duplicate": t("Nearly all answers are another respondent’s as well; looked at"),
        "reviewed": t("Put back or left out by a reviewer"),
        "recoded": t("Answers put into the codes of the questionnaire"),
        "partial": t("A required answer is missing; interview set aside"),
        "unusable": t("A required answer cannot be used; interview set aside"),
    }
