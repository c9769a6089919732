"""What is estimated from each sample: label → row with estimate, standard error and 95 % interval."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from survey import compare, effects, estimate, model
from survey.design import SurveyDesign
from survey.figures import shares as shares_of
from tests.validation.known import FAR, RARE, RARER, THIN, spoken
from tests.validation.samples import Sample, book

Rows = dict[str, pd.Series]
INTERVALS = ("logit", "beta", "wilson")
COLUMNS = ["estimate", "se", "ci_low", "ci_high"]
NAIVE = "naive: "


def one(rows: pd.DataFrame, **where: str) -> pd.Series:
    """The single row with these values."""
    for name, value in where.items():
        rows = rows[rows[name] == value]
    assert len(rows) == 1, (where, len(rows))
    return rows.iloc[0]


def headline(s: Sample) -> Rows:
    """The five indicators as the pipeline publishes them."""
    rows = shares_of(s.now, list(book().report.headline), None)
    return {spoken(row["item"]): row for _, row in rows.iterrows()}


def areas(s: Sample) -> Rows:
    rows = compare.against_rest(s.now, "sense_of_security", "district", measure="mean", adjust="")
    return {f"district {row['group']}": row for _, row in rows.iterrows()}


def moments(s: Sample) -> Rows:
    means = estimate.mean(s.now.assign(a8_change=_numbers(s.now, "a8_change")), ["income", "rent", "a8_change"])
    return {
        "mean income": one(means, item="income"),
        "mean of change in safety (1–5)": one(means, item="a8_change"),
        "mean rent": one(means, item="rent"),
        "total income": one(estimate.total(s.now, "income")),
        "number of victims of vandalism": one(estimate.total(s.now, RARE), level="1"),
        "spent / income": one(estimate.ratio(s.now, "spent", "income")),
    }


def shares(s: Sample) -> Rows:
    labels = {"safe": "feels safe", RARE: "victim of vandalism", RARER: "victim of violence"}
    rows = {ci: estimate.proportion(s.now, list(labels), ci=ci) for ci in INTERVALS}
    return {
        f"{label} [{ci}]": one(rows[ci], item=item, level="1") for item, label in labels.items() for ci in INTERVALS
    }


def quantiles(s: Sample) -> Rows:
    rows = estimate.quantile(s.now, "income", [0.5, 0.95])
    return {"median income": rows.iloc[0], "95 % quantile of income": rows.iloc[1]}


def domains(s: Sample) -> Rows:
    frame = s.now.frame
    thin = (frame["district"].astype(int) == THIN[0]) & (frame["area"].astype(int) == THIN[1])
    elderly = s.now.domain((frame["sex"] == "2") & (frame["age_band"] == "4"))
    return {
        "income of women of 60 and more": one(estimate.mean(elderly, "income")),
        "feels safe, one district": one(estimate.proportion(s.now, "safe", "district"), group=str(FAR)),
        "feels safe, stratum of five units": one(estimate.proportion(s.now.domain(thin), "safe")),
    }


def slopes(s: Sample) -> Rows:
    d = s.now.assign(decades=s.now.frame["age"] / 10)
    linear = model.fit(d, "log_income ~ C(sex) + C(area) + decades").tidy()
    logistic = model.fit(d, "safe ~ C(sex) + C(area) + log_income", "binomial").tidy()
    return {
        "linear: women": one(linear, item="C(sex)[T.2]"),
        "linear: rural": one(linear, item="C(area)[T.2]"),
        "linear: ten years": one(linear, item="decades"),
        "logistic: women": one(logistic, item="C(sex)[T.2]"),
        "logistic: rural": one(logistic, item="C(area)[T.2]"),
        "logistic: log income": one(logistic, item="log_income"),
    }


def changes(s: Sample) -> Rows:
    return {
        "change of feeling safe": one(s.change),
        "change, one district": one(compare.change_within(s.last_two, "safe", "district"), group=str(FAR)),
    }


def programme(s: Sample) -> Rows:
    found = effects.group_time(s.waves, "safe", "cohort")
    return {
        "programme effect, overall": one(found.overall()),
        "programme effect, second wave": one(found.events(), group="1"),
        "programme effect, first cohort in the last wave": one(
            found.tidy(), group=list(s.waves)[2], level=list(s.waves)[-1]
        ),
    }


def naive(s: Sample) -> Rows:
    """What ignoring the sampling units gives: the same weights, every respondent a unit of its own."""
    d = SurveyDesign(s.now.frame, "weight")
    means = estimate.mean(d, ["income", "rent"])
    return {NAIVE + "mean income": one(means, item="income"), NAIVE + "mean rent": one(means, item="rent"),
            NAIVE + "feels safe [logit]": one(estimate.proportion(d, "safe"), level="1")}  # fmt: skip


def unweighted(s: Sample) -> Rows:
    """What ignoring weights as well gives for the headline."""
    rows = estimate.mean(SurveyDesign(s.now.frame), list(book().report.headline))
    return {NAIVE + spoken(row["item"]): row for _, row in rows.iterrows()}


CONTRAST = ("For contrast: sampling units ignored", "For contrast: weights ignored")
PARTS: dict[str, Callable[[Sample], Rows]] = {
    "Headline indicators": headline,
    "Means, totals, ratio": moments,
    "Shares": shares,
    "Quantiles": quantiles,
    "Domains": domains,
    "Districts against the rest": areas,
    "Regression": slopes,
    "Change between two waves": changes,
    "Programme effects (six waves)": programme,
    CONTRAST[0]: naive,
    CONTRAST[1]: unweighted,
}
HEADLINE = {title: part for title, part in PARTS.items() if part in (headline, unweighted)}
"""What samples taken for the headline alone are asked."""


def truth_of(label: str, truth: dict[str, float]) -> float:
    """The truth behind a label, whatever the interval or the mistake."""
    return truth[label.removeprefix(NAIVE).partition(" [")[0]]


def _numbers(d: SurveyDesign, item: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    codes = d.frame[item].cat.codes.to_numpy()
    return np.where(codes >= 0, codes + 1.0, np.nan)
