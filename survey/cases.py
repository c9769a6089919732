"""What the sampling frame and the attempts tell of every case, interviewed or not: for nonresponse, never kept."""

from __future__ import annotations

import pandas as pd

from survey.answers import typed
from survey.codebook import Codebook
from survey.problems import Notes
from survey.recipes import derive

DISPOSITION = "disposition_group"


def known_of_all(cells: pd.DataFrame, dispositions: pd.Series, book: Codebook, wave_name: str) -> pd.DataFrame:
    """The variables that the nonresponse adjustment needs, typed, one row a case; no column where it needs none.

    What is wrong with a cell is told by the cleaning of the interviews; here it is only missing.

    Args: cells: text cells, one row a case.   dispositions: AAPOR group of each.
    """
    settings = book.weighting
    if settings.nonresponse is None:
        return pd.DataFrame(index=cells.index)
    needed = set(settings.nonresponse.by) | (set(settings.inverse) if settings.nonresponse.weighted else set())
    items = _sources(needed, book)
    wave = book.waves[wave_name]
    part = book.model_copy(
        update={
            "items": {
                name: item.model_copy(update={"asked_if": {}}) for name, item in book.items.items() if name in items
            },
            "derived": {name: recipe for name, recipe in book.derived.items() if name in items},
            "indicators": {},
        }
    )
    columns, _ = typed(cells, part, wave, Notes(wave_name, wave.file))
    frame = derive(pd.DataFrame(columns, index=cells.index), part)
    return frame[sorted(needed)].assign(**{DISPOSITION: dispositions})


def _sources(names: set[str], book: Codebook) -> set[str]:
    """The variables and all they are derived from."""
    found, todo = set(names), [*names]
    while todo:
        recipe = book.derived.get(todo.pop())
        new = set(recipe.of) - found if recipe else set()
        found |= new
        todo += new
    return found
