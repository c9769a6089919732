"""Variables made from others by the closed set of recipes of survey.yaml."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from survey.codebook import Codebook, Recipe, choice
from survey.identifiers import themes

Columns = dict[str, pd.Series]


def derive(frame: pd.DataFrame, book: Codebook) -> pd.DataFrame:
    """The frame with every derived variable and indicator beside its items.

    band, collapse and coalesce give categoricals on their scale; themes one 0/1 column a theme; share gives floats in
    0–1 and index in 0–100, NaN where fewer than `min_answered` items are answered; any gives 1 at the first hit, 0
    where enough items say no, else NaN.

    Args: frame: typed items, one row a person.   Returns: a new frame; the input is not changed.
    """
    columns = {str(name): column for name, column in frame.items()}
    return pd.DataFrame(columns | derived(columns, book, list(book.recipes())), index=frame.index)


def derived(columns: Columns, book: Codebook, names: Sequence[str]) -> Columns:
    """Those of the names that are recipes, and the recipes they are made from."""
    wanted = set().union(*(book.sources(name) for name in names))
    known = dict(columns)
    for name, recipe in book.recipes().items():
        if name in wanted:
            known |= (
                _coded(name, known, recipe, book)
                if recipe.themes
                else {name: RECIPES[recipe.recipe](known, recipe, book)}
            )
    return {name: column for name, column in known.items() if name not in columns}


def _coded(name: str, columns: Columns, recipe: Recipe, book: Codebook) -> Columns:
    """A free text as one 0/1 column a theme."""
    text = recipe.of[0]
    words = {theme: own.words for theme, own in recipe.themes.items()}
    coded = themes(columns[text], words, tuple(book.items[text].missing))
    return {choice(name, theme): column for theme, column in coded.items()}


def holds(columns: Columns, name: str, codes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Whether each person answered an item or variable, and whether the answer is among the codes.

    >>> holds({"safe": pd.Series(["1", "2", None], dtype="category")}, "safe", ["1"])
    (array([ True,  True, False]), array([ True, False, False]))
    """
    if name not in columns:  # a multiple item: one 0/1 column a level
        own = {key: column for key, column in columns.items() if key.startswith(choice(name, ""))}
        answered = np.any([column.notna().to_numpy() for column in own.values()], axis=0)
        return answered, np.any([own[choice(name, code)].to_numpy() == 1 for code in codes], axis=0)
    column = columns[name]
    wanted = [float(code) for code in codes] if column.dtype.kind == "f" else list(codes)
    if isinstance(column.dtype, pd.CategoricalDtype):
        among = np.array([*column.cat.categories.isin(wanted), False])
        return column.cat.codes.to_numpy() >= 0, among[column.cat.codes.to_numpy()]
    return (column.notna() & (column != "")).to_numpy(), column.isin(wanted).to_numpy()


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
            answered.append(hit[-1] | np.all([column.notna().to_numpy() for column in chosen], axis=0))
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


def _index_score(columns: Columns, recipe: Recipe, book: Codebook) -> pd.Series:
    low, high = min(recipe.scores.values()), max(recipe.scores.values())
    total, count = np.zeros(len(_index(columns))), np.zeros(len(_index(columns)), dtype=int)
    for name in recipe.of:
        levels = columns[name].cat.categories
        points = np.array([*(recipe.scores.get(level, np.nan) for level in levels), np.nan])
        score = 100 * (points[columns[name].cat.codes] - low) / (high - low)  # −1, no answer, takes the last
        total += np.nan_to_num(score)
        count += ~np.isnan(score)
    enough = count >= (recipe.min_answered or 1)
    return pd.Series(np.divide(total, count, out=np.full(len(total), np.nan), where=enough), index=_index(columns))


RECIPES: dict[str, Callable[[Columns, Recipe, Codebook], pd.Series]] = {
    "band": _band,
    "collapse": _collapse,
    "coalesce": _coalesce,
    "share": _share,
    "any": _any,
    "index": _index_score,
}
