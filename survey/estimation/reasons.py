"""Why a figure, its interval or its test is missing: one set of sentences for every statistic."""

from __future__ import annotations

import numpy as np

from survey.design import SurveyDesign
from survey.sampling.linearized import Bools, Floats, Ints

CONSTANT = "the answers do not vary"
DEPENDENT = "the differences tested have no covariance of full rank: no test"
ONE_UNIT = "one sampling unit in this group: no interval"
FEW = "no degrees of freedom left: no test"


def reasons(rows: Floats, n: Floats, units: Floats, df: Floats) -> list[str]:
    """Why a figure or its interval is missing, from respondents, answers, sampling units (−1: not known) and df.

    >>> reasons(np.array([2.0, 2.0]), np.array([0.0, 2.0]), np.array([1.0, 1.0]), np.zeros(2))
    ['no answers in this group', 'one sampling unit in this group: no interval']
    """
    choices = [rows == 0, n == 0, units == 1, df <= 0]
    texts = ["no respondents in this group", "no answers in this group", ONE_UNIT,
             "no degrees of freedom in this group: no interval"]  # fmt: skip
    return [str(reason) for reason in np.select(choices, texts, default="")]


def reason(d: SurveyDesign, used: Bools, df: float, group: Ints | None = None, groups: int = 1) -> str:
    """The reason of a figure of the rows used; of one that compares groups (codes of all rows), the first of theirs."""
    code = np.where(used, 0 if group is None else group, -1)
    part = d.mask & (d.weights != 0)
    n = np.bincount(code[used & part], minlength=groups).astype(float)
    units = d.psus_by(code, groups).astype(float)
    found = reasons(np.full(groups, float(part.sum())), n, units, np.full(groups, float(df)))
    return next((each for each in found if each), "")


def dependent(covariance: Floats) -> bool:
    """Whether a covariance has no full rank, so that a Wald statistic would divide by rounding.

    >>> dependent(np.array([[1.0, 1.0], [1.0, 1.0]])), dependent(np.diag([1.0, 1e-9]))
    (True, False)
    """
    scale = np.sqrt(np.diag(covariance))
    if not np.isfinite(covariance).all() or not (scale > 0).all():
        return True
    return bool(np.linalg.eigvalsh(covariance / np.outer(scale, scale))[0] < 1e-10)
