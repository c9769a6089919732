"""Regressions beside hidden groups: coefficients of a breakdown are its groups' figures in another form.

In a model of one breakdown, intercept + coefficient is a group's share on the scale of the link; and how many records a
model leaves out is how many gave a level that it masks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from survey.codebook import Codebook, Model
from survey.disclosure.background import Background
from survey.disclosure.rules import flag, is_level

BLOCK = "model_"
SIZES = ["n", "missing", "psus", "n_weighted"]


def beside_hidden(rows: pd.DataFrame, secret: tuple[str, ...], reason: str) -> pd.DataFrame:
    """Withhold the terms of every breakdown that hides a group of the wave as a secret, and their models' intercepts.

    Args: rows: with the flags of all level figures.   secret: flags of a secret.
    """
    dark = rows[is_level(rows) & rows["by"].ne("") & rows["flag"].isin(secret)]
    hides = set(zip(dark["wave"], dark["by"], strict=True))
    modelled = rows["block"].str.startswith(BLOCK)
    term = modelled & pd.Series(
        [place in hides for place in zip(rows["wave"], rows["item"], strict=True)], index=rows.index, dtype=bool
    )
    models = set(rows.loc[term, ["wave", "block"]].itertuples(index=False, name=None))
    own = pd.Series(
        [place in models for place in zip(rows["wave"], rows["block"], strict=True)], index=rows.index, dtype=bool
    )
    return flag(rows, term | (own & rows["item"].eq("intercept")), "suppressed_secondary", reason)


def without_sizes(
    rows: pd.DataFrame, full: pd.DataFrame, book: Codebook, known: Mapping[str, Background]
) -> pd.DataFrame:
    """Blank the respondents of a model that leaves out a few records, or a level: the difference would be its number.

    Args: rows: to be published.   full: the same rows with their numbers.   known: by wave; records of the wave.
    """
    for (wave, block), own in full[full["block"].str.startswith(BLOCK)].groupby(["wave", "block"], sort=False):
        plan = book.report.models.get(str(block).removeprefix(BLOCK))
        records = known[str(wave)].records if str(wave) in known else None
        everybody = full[full["wave"].eq(str(wave)) & full["by"].eq("") & is_level(full)]
        asked = [records, *everybody["n"].dropna()]
        left = [whole - n for whole in asked if whole is not None for n in own.loc[own["n"] > 0, "n"].unique()]
        few = any(0 < abs(gap) < book.disclosure.min_n for gap in left)
        if few or plan is None or _masked(own, plan, book):
            rows = rows.assign(**{name: rows[name].mask(rows.index.isin(own.index)) for name in SIZES})
    return rows


def _masked(own: pd.DataFrame, plan: Model, book: Codebook) -> bool:
    """Whether a term, or a level of one beside the reference, has no coefficient."""
    told: dict[Any, set[Any]] = {}
    there = own[own["statistic"].eq("coefficient") & np.isfinite(own["estimate"])]
    for item, level in zip(there["item"], there["level"], strict=True):
        told.setdefault(item, set()).add(level)
    scales = {term: book.scale_of(term) for term in plan.terms if term != plan.outcome}
    return any(len(told.get(term, ())) < (len(scale.levels) - 1 if scale else 1) for term, scale in scales.items())
