"""Banner figures: every question by every breakdown, and which groups of a breakdown differ."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from survey import estimate
from survey.codebook import Codebook, choice
from survey.design import SurveyDesign
from survey.equivalence import pairwise
from survey.figures import breakdowns, design_of, numbered
from survey.pairs import BANNER, PAIR, SIGNIFICANT
from survey.privacy import Protected
from survey.tidy import results, settled


def questions(book: Codebook) -> list[str]:
    """Single and multiple items that the report shows, themes of free texts among them, in its order."""
    asked = book.questions()
    shown = book.report.items or tuple(name for name, item in book.items.items() if item.block != "other")
    return [name for name in shown if name in asked and asked[name].kind in ("single", "multiple")]


def banner(wave: Protected, book: Codebook, name: str) -> pd.DataFrame:
    """Share of each answer by the groups of each breakdown, and the pairs of groups that differ.

    Shares as `survey.estimate.proportion`. Pairs as `survey.equivalence.pairwise`: Holm's correction over the pairs
    of one answer and breakdown, not over the whole table; only pairs with q < 0.05 are kept.

    Returns: rows of block "banner": statistic "share" in the order breakdown, item, group, level, then "pairwise".
    """
    d = design_of(numbered({name: wave}, book)[name], book)
    parts = [rows for by in breakdowns(book) for rows in _by(d, by, book)]
    if not parts:
        return results([])
    return settled(results(pd.concat(parts, ignore_index=True).assign(survey=book.survey, wave=name, block=BANNER)))


def _by(d: SurveyDesign, by: str, book: Codebook) -> Iterator[pd.DataFrame]:
    """Shares of all questions by one breakdown, then the pairs that differ."""
    kinds, asked = book.questions(), [item for item in questions(book) if item != by]
    single = [item for item in asked if kinds[item].kind == "single"]
    tables = [estimate.proportion(d, single, by)] if single else []
    tables += [_multiple(d, item, by, book) for item in asked if kinds[item].kind == "multiple"]
    for table in tables:
        differing = _differing(table)
        table.attrs = {}
        yield table
        yield differing


def _differing(table: pd.DataFrame) -> pd.DataFrame:
    """The pairs of groups that differ; those with a doubt about a variance are not tested."""
    if table["group"].nunique() < 2:
        return results([])
    pairs = pairwise(table)
    return results(pairs[(pairs["q"] < SIGNIFICANT) & pairs["reason"].eq("")].assign(statistic=PAIR))


def _multiple(d: SurveyDesign, item: str, by: str, book: Codebook) -> pd.DataFrame:
    scale = book.scale_of(item)
    assert scale is not None, item  # survey.yaml is refused where a question with several answers has none
    options = {choice(item, level): level for level in scale.levels}
    return estimate.multiple(d, options, by, name=item, of=["respondents"])
