"""Nonresponse: those who took part carry the weight of those alike who did not; of the latter only sums are kept.

Runs above the identity boundary, where the cases that gave no interview still are. What passes is a factor for each
respondent and, for the report, counts of classes of `min_class` respondents or more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from survey.cases import DISPOSITION
from survey.cleaning import Cleaned
from survey.codebook import Codebook, Nonresponse
from survey.collapsing import merged
from survey.errors import DataError
from survey.quality import estimated_eligibility
from survey.sampling.linearized import Bools, Floats, Ints, codes_of, weighted_counts

FACTOR = "nonresponse_factor"
ELIGIBLE = ("complete", "partial", "refusal", "noncontact", "other")


def adjustment(cleaned: Cleaned, book: Codebook) -> tuple[pd.Series, dict[str, Any]] | None:
    """Factor of each respondent and the facts of its classes; None where survey.yaml asks for no adjustment.

    Cases of unknown eligibility count by e, the share of resolved cases that are eligible; ineligible ones not at all.

    Raises: DataError: nobody failed to take part, or a variable is blank for some cases.
    """
    settings = book.weighting.nonresponse
    if settings is None:
        return None
    share = book.dispositions.eligibility if book.dispositions else None
    groups = cleaned.cases[DISPOSITION]
    counts = {str(group): int(n) for group, n in groups.value_counts().items()}
    e = estimated_eligibility(counts) if share is None else share
    eligible = groups.map({**dict.fromkeys(ELIGIBLE, 1.0), "unknown": e, "ineligible": 0.0}).to_numpy(float)
    inverse = list(book.weighting.inverse) if settings.weighted else []
    cases = cleaned.cases[eligible > 0]
    cases = cases.assign(**{name: cases[name].where(cases[name] > 0) for name in inverse})
    took_part = cases.index.isin(cleaned.frame.index)
    _complete(cases, took_part, settings)
    weight = eligible[eligible > 0] / cases[inverse].prod(axis=1).to_numpy(float)
    factor, facts = responded(cases, took_part, weight, settings)
    facts |= {"weighted": bool(inverse), "eligibility": e}
    return pd.Series(factor, index=cases.index)[cleaned.frame.index], facts


def responded(
    cases: pd.DataFrame, took_part: Bools, weight: Floats, settings: Nonresponse
) -> tuple[Floats, dict[str, Any]]:  # fmt: skip
    """Factor of each case (only those of respondents mean anything), and counts of the classes.

    classes: Σ_c w of all / Σ_c w of respondents in cells c of `by` (Oh & Scheuren 1983), thin ones merged.
    propensity: the same in classes cut at quantiles of p̂ (Little 1986), or 1/p̂, with p̂ of a weighted logistic
    regression on the levels of `by`, thin levels merged.

    Args: took_part, weight: (n,).

    >>> cases = pd.DataFrame({"area": ["1", "1", "1", "2", "2"]})
    >>> here = np.array([True, True, False, True, False])
    >>> settings = Nonresponse(by=("area",)).model_copy(update={"min_class": 1})
    >>> responded(cases, here, np.ones(5), settings)[0].tolist()
    [1.5, 1.5, 1.5, 2.0, 2.0]
    """
    facts: dict[str, Any] = {"method": settings.method, "by": list(settings.by), "cases": len(cases)}
    if settings.method == "classes":
        code, cells = _classes(cases, took_part, weight, settings)
        return _within(code, took_part, weight, facts | {"cells": cells})
    p = propensity(cases, took_part, weight, settings)
    if settings.quantiles is None:
        spread = {"respondents": int(took_part.sum()), "rate": float(weight[took_part].sum() / weight.sum())}
        return 1 / p, facts | spread
    return _within(_quantiles(p, took_part, weight, settings), took_part, weight, facts | {"cells": settings.quantiles})


def propensity(cases: pd.DataFrame, took_part: Bools, weight: Floats, settings: Nonresponse) -> Floats:
    """Estimated probability of taking part (n,): logistic regression on dummies of `by`, weighted.

    Fitted to the crossing of the levels, which gives the same as fitting to the cases.   Raises: DataError: a level
    that everybody or nobody took part in, which no probability between 0 and 1 fits.
    """
    import statsmodels.api as sm

    dummies = []
    for name in settings.by:
        code, _ = _classes(cases[[name]], took_part, weight, settings.model_copy(update={"by": (name,)}))
        dummies.append((code[:, None] == np.arange(1, int(code.max()) + 1)).astype(float))
        rate = weighted_counts(code, weight * took_part, int(code.max()) + 1) / weighted_counts(
            code, weight, int(code.max()) + 1
        )
        if ((rate <= 0) | (rate >= 1)).any():
            raise DataError(
                "A level of {name} has only respondents, or none, so no propensity can be fitted",
                where="weighting.nonresponse.by, {name}",
                expected="some who took part and some who did not in every level",
                got="a response rate of {rate}",
                hint="leave it out, or use `method: classes`",
                name=name,
                rate=f"{rate[(rate <= 0) | (rate >= 1)][0]:.0%}",
            )
    X = np.hstack([np.ones((len(cases), 1)), *dummies])
    cell = codes_of(*X.T) if X.shape[1] > 1 else np.zeros(len(cases), dtype=np.intp)
    size = int(cell.max()) + 1
    first = np.zeros(size, dtype=np.intp)
    first[cell] = np.arange(len(cell))
    yes, no = (weighted_counts(cell, weight * part, size) for part in (took_part, ~took_part))
    fit = sm.GLM(np.column_stack([yes, no]), X[first], family=sm.families.Binomial()).fit(tol=1e-12)
    return np.asarray(fit.fittedvalues, dtype=float)[cell]


def _complete(cases: pd.DataFrame, took_part: Bools, settings: Nonresponse) -> None:
    """Raise where there is nobody to adjust for, or a case of whom a variable is not known."""
    if took_part.all():
        raise DataError(
            "The delivery has nobody who did not take part, so nonresponse cannot be adjusted for",
            where="weighting.nonresponse",
            expected="a row for every sampled case, with its final disposition",
            got="{count} interviews and nothing else",
            hint="ask for the cases without an interview, or take `nonresponse` out",
            count=len(cases),
        )
    for name in [column for column in cases.columns if column != DISPOSITION]:
        blank = cases[name].isna().to_numpy() | (cases[name].astype(object) == "").to_numpy()
        if blank.any():
            raise DataError(
                "Those who did not take part carry no {name}" if (blank & ~took_part).any()
                else "Some who took part carry no {name}",
                where="row {row}, column {name}",
                expected="a value for every case: what the sampling frame or the attempts tell",
                got="{count} of {all} cases without",
                hint="only variables known of everybody serve: take it out of `weighting.nonresponse.by`, or set "
                "`weighted: false` where it is a selection probability",
                name=name, row=cases.index[blank][0], count=int(blank.sum()), all=len(cases),
            )  # fmt: skip


def _classes(
    cases: pd.DataFrame, took_part: Bools, weight: Floats, settings: Nonresponse
) -> tuple[Ints, int]:  # fmt: skip
    """Class of each case after merging thin ones, and how many cells there were before."""
    columns = [cases[name] for name in settings.by]
    parts = [
        column.cat.codes.to_numpy() if isinstance(column.dtype, pd.CategoricalDtype) else codes_of(column.to_numpy())
        for column in columns
    ]
    cell = codes_of(*parts)
    size = int(cell.max()) + 1
    first = np.zeros(size, dtype=np.intp)
    first[cell] = np.arange(len(cell))
    keys = [tuple(str(part[row]) for part in parts) for row in first]
    people = np.bincount(cell[took_part], minlength=size)
    everyone, here = weighted_counts(cell, weight, size), weighted_counts(cell, weight * took_part, size)
    limit = settings.max_factor or np.inf

    def is_thin(cells: Ints) -> bool:
        n = int(people[cells].sum())
        return n < settings.min_class or n == 0 or bool(everyone[cells].sum() > limit * here[cells].sum())

    return merged(keys, is_thin, lambda cells: float(people[cells].sum()))[cell], size


def _quantiles(p: Floats, took_part: Bools, weight: Floats, settings: Nonresponse) -> Ints:
    """Classes of about equal weight in the order of p̂; equal p̂ stay together; thin classes join the next."""
    values, cell = np.unique(p, return_inverse=True)
    each = weighted_counts(cell, weight, len(values))
    middle = (np.cumsum(each) - each / 2) / each.sum()
    cut = np.minimum((middle * (settings.quantiles or 1)).astype(np.intp), (settings.quantiles or 1) - 1)
    code = codes_of(cut[cell])
    people = np.bincount(code[took_part], minlength=int(code.max()) + 1)
    joined = merged([(str(k),) for k in range(len(people))], lambda k: people[k].sum() < settings.min_class,
                    lambda k: float(people[k].sum()))  # fmt: skip
    return joined[code]


def _within(code: Ints, took_part: Bools, weight: Floats, facts: dict[str, Any]) -> tuple[Floats, dict[str, Any]]:
    """All over respondents by class, and what may be told of the classes."""
    size = int(code.max()) + 1
    everyone, here = weighted_counts(code, weight, size), weighted_counts(code, weight * took_part, size)
    people = np.bincount(code[took_part], minlength=size)
    facts |= {
        "respondents": int(took_part.sum()),
        "classes": size,
        "smallest": int(people.min()),
        "rate": float(here.sum() / everyone.sum()),
        "lowest_rate": float((here / everyone).min()),
        "highest_rate": float((here / everyone).max()),
    }
    return (everyone / here)[code], facts
