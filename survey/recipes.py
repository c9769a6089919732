"""Variables made from others by the closed set of recipes of survey.yaml."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from survey.codebook import Codebook, Recipe, choice


def derive(frame: pd.DataFrame, book: Codebook) -> pd.DataFrame:
    """The frame with every derived variable and indicator beside its items.

    band, collapse and coalesce give categoricals on their scale; share gives floats in 0–1, NaN where fewer than
    `min_answered` items are answered; any gives 1 at the first hit, 0 where enough items say no, else NaN.

    Args: frame: typed items, one row a person.   Returns: a new frame; the input is not changed.
    """
    columns = {str(name): column for name, column in frame.items()}
    for name, recipe in book.recipes().items():
        columns[name] = RECIPES[recipe.recipe](columns, recipe, book)
    return pd.DataFrame(columns, index=frame.index)


Columns = dict[str, pd.Series]


def _index(columns: Columns) -> pd.Index:
    return next(iter(columns.values())).index


def _categories(recipe: Recipe, book: Codebook) -> pd.CategoricalDtype:
    scale = book.scales[recipe.scale or ""]
    return pd.CategoricalDtype(list(scale.levels), ordered=False)


def _band(columns: Columns, recipe: Recipe, book: Codebook) -> pd.Series:
    values = columns[recipe.of[0]].to_numpy(float)
    band = np.searchsorted(recipe.edges, values, side="right") - 1
    band = np.where(np.isnan(values), -1, band)  # below the first edge is -1 already: no band
    return pd.Series(
        pd.Categorical.from_codes(band, dtype=_categories(recipe, book)), index=columns[recipe.of[0]].index
    )


def _collapse(columns: Columns, recipe: Recipe, book: Codebook) -> pd.Series:
    new_code = {old: new for new, olds in recipe.to.items() for old in olds}
    return columns[recipe.of[0]].astype(object).map(new_code).astype(_categories(recipe, book))


def _coalesce(columns: Columns, recipe: Recipe, book: Codebook) -> pd.Series:
    first = columns[recipe.of[0]].astype(object)
    for name in recipe.of[1:]:
        first = first.where(first.notna(), columns[name].astype(object))
    return first.astype(_categories(recipe, book))


def _hits(columns: Columns, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Matrices (persons, items): whether the answer is among the levels, and whether there is an answer.

    An item may itself be a 0/1 variable made by a recipe above: its level is "1".
    """
    hit, answered = [], []
    for name in recipe.of:
        if name not in columns:  # a multiple item: one 0/1 column a level
            chosen = [columns[choice(name, level)] for level in recipe.levels]
            hit.append(np.any([column.to_numpy() == 1 for column in chosen], axis=0))
            answered.append(chosen[0].notna().to_numpy())
            continue
        column = columns[name]
        answered.append(column.notna().to_numpy())
        if isinstance(column.dtype, pd.CategoricalDtype):
            hit.append(column.isin(list(recipe.levels)).to_numpy())
        else:
            hit.append(column.isin([float(level) for level in recipe.levels]).to_numpy())
    return np.column_stack(hit), np.column_stack(answered)


def _share(columns: Columns, recipe: Recipe, book: Codebook) -> pd.Series:
    hit, answered = _hits(columns, recipe)
    count = answered.sum(axis=1)
    share = np.divide(
        hit.sum(axis=1), count, out=np.full(len(count), np.nan), where=count >= (recipe.min_answered or 1)
    )
    return pd.Series(share, index=_index(columns))


def _any(columns: Columns, recipe: Recipe, book: Codebook) -> pd.Series:
    hit, answered = _hits(columns, recipe)
    enough = hit.any(axis=1) | (answered.sum(axis=1) >= (recipe.min_answered or len(recipe.of)))
    return pd.Series(np.where(enough, hit.any(axis=1).astype(float), np.nan), index=_index(columns))


RECIPES: dict[str, Callable[[Columns, Recipe, Codebook], pd.Series]] = {
    "band": _band,
    "collapse": _collapse,
    "coalesce": _coalesce,
    "share": _share,
    "any": _any,
}
