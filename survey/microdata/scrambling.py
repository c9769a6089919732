"""New labels for strata and sampling units and a new order of rows, made from nothing but what goes out anyway.

A label drawn from a secret could be told by whoever holds the secret; a label that follows from the published content
alone can tell nothing that this content does not tell. It is also the same on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.anonymity.classes import Ints


def row_digests(released: pd.DataFrame) -> list[str]:
    """SHA-256 of the content of each row, numbers with all their digits.

    >>> first, second = row_digests(pd.DataFrame({"a": ["1", None], "w": [0.1, 0.2]}))
    >>> first == second
    False
    """
    cells = [_texts(released[name]) for name in released]
    return [hashlib.sha256("\x1f".join(row).encode()).hexdigest() for row in zip(*cells, strict=True)]


def relabelled(digests: Sequence[str], stages: Sequence[Ints]) -> tuple[list[Ints], NDArray[np.intp]]:
    """Labels 1… of strata and of nested units, and the order of rows, each by a digest of the rows inside.

    Args: digests: of each row (n,).   stages: class of each row (n,) from the stratum down, each nested in the one
    before.
    Returns: labels (n,) of each stage in the old order; positions (n,) of the rows in their new order.
    """
    labels = [_ranked(digests, stage) for stage in stages]
    order = sorted(range(len(digests)), key=lambda row: (digests[row], *(int(label[row]) for label in labels)))
    return labels, np.array(order, dtype=np.intp)


def _ranked(digests: Sequence[str], stage: Ints) -> Ints:
    inside: dict[int, list[str]] = {}
    for row, own in enumerate(stage):
        inside.setdefault(int(own), []).append(digests[row])
    whole = {own: hashlib.sha256("".join(sorted(rows)).encode()).hexdigest() for own, rows in inside.items()}
    rank = {own: place + 1 for place, own in enumerate(sorted(whole, key=lambda own: (whole[own], own)))}
    return np.array([rank[int(own)] for own in stage], dtype=np.intp)


def _texts(values: pd.Series) -> list[str]:
    if values.dtype.kind == "f":
        return ["" if value != value else repr(value) for value in values.tolist()]
    return ["" if gone else str(value) for value, gone in zip(values.tolist(), values.isna().tolist(), strict=True)]
