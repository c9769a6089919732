"""Items that an interview should not be without: what the design, the weights and the groups stand on.

Not the headline question: files often hold a blank for "don't know", and who said that was interviewed to the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from survey.codebook import number_code
from survey.draft.evidence import Because
from survey.draft.match import Column

NEARLY_ALL = 0.99
"""Least share of the interviews with an answer: to require what more people leave open would cost interviews."""


def essential(
    columns: Mapping[str, Column],
    frame: pd.DataFrame,
    needed: Iterable[str],
    outcome: str,
    complete: Iterable[str],
) -> dict[str, tuple[Because, ...]]:
    """Item → why it is drafted as required.

    Args: frame: the main delivery under its own names.   needed: items of the design, the weights and the groups.
    outcome, complete: item with the final disposition and its codes of an interview; "" where every row is one.
    """
    rows = pd.Series(True, index=frame.index)
    if outcome and complete:
        rows = frame[columns[outcome].name].map(number_code).isin(list(complete))
    found: dict[str, tuple[Because, ...]] = {}
    for item in needed:
        cells = frame.loc[rows, columns[item].name].str.strip()
        blank = ["", ".", *columns[item].guess.missing]
        share = 1 - float(cells.isin(blank).mean()) if len(cells) else 0.0
        if share >= NEARLY_ALL:
            found[item] = (
                Because("required: {share:.1%} of the interviews have it, the others are set aside", share=share),
            )
    return found
