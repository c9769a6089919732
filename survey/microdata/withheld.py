"""What the report of the same wave withholds, and whether a public-use file would tell it after all."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd

from survey.anonymity.classes import Bools, levels_of
from survey.codebook import Codebook
from survey.errors import GateError
from survey.estimation.groups import grouped
from survey.microdata.release import PublicUse

Withheld = tuple[str, str, str]


def refuse_withheld(made: PublicUse, frame: pd.DataFrame, book: Codebook, secret: Collection[Withheld]) -> None:
    """Let a file go only where nothing that the report keeps secret can be counted from it.

    Args: frame: the private frame.   secret: item, breakdown and group of the figures withheld, "" for everybody.
    Raises: GateError: names such figures.
    """
    open_ = list(countable(made, frame, book, secret))
    if open_:
        raise GateError(
            "The file would tell what the report of the same wave withholds",
            where="{cells}",
            expected="no withheld figure that can be counted from the records",
            got="{count} such figures",
            hint="leave the question out (`variables`) or make the breakdown coarser (`hierarchies`) under"
            " privacy.microdata; a group that the strata tell can only be merged with another one in the design",
            cells="; ".join("/".join(filter(None, key)) for key in open_[:3]),
            count=len(open_),
        )


def countable(
    made: PublicUse, frame: pd.DataFrame, book: Codebook, secret: Collection[Withheld]
) -> Iterator[Withheld]:  # fmt: skip
    """The withheld figures whose question stands in the file and whose group its columns or strata mark off.

    A column marks a group off when its values inside occur nowhere outside, blanked cells apart: so a finer variable
    tells a coarser breakdown, and blanking single records hides none.
    """
    told = {own.source for own in made.variables if own.source}
    columns = [made.frame[own.name] for own in made.variables if own.part in ("stratum", "quasi_identifier", "answer")]
    levels = [np.where(column.isna(), -1, levels_of(column)) for column in columns]
    private = frame.iloc[made.origin]
    found: dict[tuple[str, str], bool] = {}
    for item, by, group in sorted(secret):
        if not _asked(book, item, told):
            continue
        if (by, group) not in found:
            found[by, group] = not by or _marked(private, by, group, levels)
        if found[by, group]:
            yield item, by, group


def _asked(book: Codebook, item: str, told: Collection[str]) -> bool:
    """Whether the answers to an item stand in the file: itself, all it is made of, or what is made of it alone."""
    recipes = book.recipes()
    if item in told or any(name in told and set(recipe.of) == {item} for name, recipe in recipes.items()):
        return True
    return item in recipes and all(_asked(book, name, told) for name in recipes[item].of)


def _marked(frame: pd.DataFrame, by: str, group: str, columns: list[np.ndarray]) -> bool:
    """Whether columns of the file mark a group off, each part of a crossed breakdown by itself."""
    parts = by.split(":")
    if any(name not in frame for name in parts):
        return False
    codes, labels, _ = grouped(frame, parts)
    inside = codes == labels.index(group) if group in labels else np.zeros(len(frame), dtype=bool)
    if not inside.any():
        return False
    own = [levels_of(frame[name]) for name in parts]
    return all(any(_apart(level == level[inside][0], column) for column in columns) for level in own)


def _apart(inside: Bools, column: np.ndarray) -> bool:
    """Whether the values of a column (−1: blank) inside a group occur nowhere outside.

    >>> _apart(np.array([True, True, False]), np.array([2, -1, 3])), _apart(np.array([True, False]), np.array([2, 2]))
    (True, False)
    """
    values = np.unique(column[inside & (column >= 0)])
    return bool(len(values)) and not bool(np.isin(column[~inside], values).any())
