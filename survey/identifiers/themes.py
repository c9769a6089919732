"""Scrubbed texts counted under themes: what a free text leaves behind at the identity boundary."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from survey.identifiers.recognisers import PLACEHOLDER
from survey.identifiers.writing import plain


def themes(texts: pd.Series, words: Mapping[str, Sequence[str]], blank: Sequence[str] = ()) -> dict[str, pd.Series]:
    """Whether each text touches each theme: 1 or 0, NaN where there is no text.

    A text touches a theme when it holds one of its words, in any case and width; Latin words count as whole words, with
    or without a plural s. A theme without words takes the texts that touch no other. A text that is wholly one of
    `blank` says nothing. Placeholders of scrubbed identifiers are no words.

    >>> texts = pd.Series(["路灯太暗", "Street lights!", "[电话]", ""])
    >>> coded = themes(texts, {"light": ["路灯", "street light"], "other": []})
    >>> {theme: column.tolist() for theme, column in coded.items()}
    {'light': [1.0, 1.0, 0.0, nan], 'other': [0.0, 0.0, 1.0, nan]}
    """
    codes, uniques = pd.factorize(texts.astype("str"))
    bare = [plain(PLACEHOLDER.sub(" ", str(text)))[0].casefold() for text in uniques]
    said = np.array([str(text).strip() not in ("", *blank) for text in uniques], dtype=bool)
    searched = {theme: _pattern(own) for theme, own in words.items() if own}
    hits = {theme: np.array([pattern.search(text) is not None for text in bare]) for theme, pattern in searched.items()}
    touched = np.any([*hits.values(), np.zeros(len(bare), dtype=bool)], axis=0)
    chosen = {theme: np.where(said, hits.get(theme, ~touched), np.nan) for theme in words}
    return {theme: pd.Series(column.astype(float)[codes], index=texts.index) for theme, column in chosen.items()}


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    written = [plain(word)[0].casefold().strip() for word in words]
    return re.compile(
        "|".join(rf"(?<![a-z]){re.escape(word)}s?(?![a-z])" if word.isascii() else re.escape(word) for word in written)
    )
