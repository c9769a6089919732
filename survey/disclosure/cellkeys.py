"""Cell-key perturbation: noise that depends on who is in a cell and on nothing else (Fraser & Wooton 2005).

Each record has a key, uniform on 0 … 2³² − 1; a cell's key is the sum of its records' keys modulo 2³². The table of
probabilities (ptable) turns it into noise, so that the same respondents get the same noise in every table and run.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd

from survey.disclosure.bounds import Floats
from survey.estimation.groups import grouped
from survey.privacy import RECORD_KEY, Protected

MODULUS = 2**32
PLACES = 12  # sums of exponentials differ between processors in the last digits


@cache
def ptable(n: int, most: int, variance: float) -> tuple[float, ...]:
    """Probabilities of the noise −most … most for a count of n: the most even ones without bias (Marley & Leaver 2011).

    Maximum entropy subject to Σp = 1, Σp·d = 0, Σp·d² = variance, and d ≥ −n, so that no count falls below nought; a
    count of nought stays: p_d ∝ exp(a·d + b·d²), a and b by Newton's method on the convex dual.

    >>> [round(p, 3) for p in ptable(1, 2, 1.0)]
    [0.0, 0.398, 0.306, 0.194, 0.102]
    >>> [round(p, 3) for p in ptable(50, 2, 1.0)]
    [0.064, 0.245, 0.383, 0.245, 0.064]
    """
    noise = np.arange(-most, most + 1, dtype=float)
    if n == 0:
        return tuple((noise == 0).astype(float).tolist())
    allowed = noise >= -n
    features = np.stack([noise[allowed] / most, (noise[allowed] / most) ** 2])
    chance = _entropic(features, np.array([0.0, variance / most**2]))
    out = np.zeros(len(noise))
    out[allowed] = chance
    return tuple(out.tolist())


def _entropic(features: Floats, wanted: Floats) -> Floats:
    """Probabilities of largest entropy whose features have the wanted means; features: (constraints, outcomes)."""
    weight = np.zeros(len(wanted))

    def chances(at: Floats) -> tuple[Floats, float]:
        score = at @ features
        top = float(score.max())
        raw = np.exp(score - top)
        return raw / raw.sum(), top + float(np.log(raw.sum())) - float(at @ wanted)

    for _ in range(200):
        p, height = chances(weight)
        gradient = features @ p - wanted
        if float(np.abs(gradient).max()) < 1e-13:
            break
        centred = features - (features @ p)[:, None]
        step = np.linalg.solve((centred * p) @ centred.T + 1e-15 * np.eye(len(wanted)), gradient)
        length = 1.0
        while length > 1e-9 and chances(weight - length * step)[1] > height + 1e-12:  # its own rounding
            length /= 2
        weight = weight - length * step
    return chances(weight)[0]


def noise(n: int, key: int, most: int, variance: float) -> int:
    """The noise of a cell of n respondents with this key.

    >>> noise(40, 0, 5, 2.0), noise(40, 2**31, 5, 2.0), noise(0, 12345, 5, 2.0)
    (-5, 0, 0)
    """
    edges = np.round(np.cumsum(ptable(min(n, most), most, variance)), PLACES)
    place = int(np.searchsorted(edges, key / MODULUS, side="right"))
    return min(place, 2 * most) - most


def cell_keys(wave: Protected, rows: pd.DataFrame) -> pd.DataFrame:
    """Keys of the cells of a wave's figures: of those in the group who answered the item.

    Args: rows: level figures (survey.tidy).   Returns: item, by, group, key; no row where records have no keys.
    """
    frame, found = wave.frame, []
    for (item, by), own in rows.groupby(["item", "by"], sort=False) if RECORD_KEY in frame else ():
        answered = _answered(frame, str(item))
        if answered is None:
            continue
        keys = np.where(answered, frame[RECORD_KEY].to_numpy(dtype=np.uint64), np.uint64(0))
        code, labels = (np.zeros(len(frame), dtype=np.intp), [""])
        if by:
            groups = grouped(frame, str(by))
            code, labels = groups.code, groups.labels
        place = {label: k for k, label in enumerate(labels)}
        sums = [0] * len(labels)
        for k, key in zip(code[code >= 0].tolist(), keys[code >= 0].tolist(), strict=True):
            sums[k] += key
        told = [group for group in own["group"].unique() if group in place]
        found += [(item, by, group, sums[place[group]] % MODULUS) for group in told]
    return pd.DataFrame(found, columns=["item", "by", "group", "key"]).astype({"key": np.int64})


def _answered(frame: pd.DataFrame, item: str) -> np.ndarray | None:
    """Who answered an item; of a question with several answers who was asked; None for what is no column."""
    if item in frame:
        return np.asarray(frame[item].notna())
    options = [column for column in frame if str(column).startswith(f"{item}=")]
    return np.asarray(frame[options].notna().any(axis=1)) if options else None


def with_noise(
    counts: Mapping[tuple[str, str, str, str], float],
    keys: Mapping[tuple[str, str, str, str], int],
    most: int,
    variance: float,
) -> dict[tuple[str, str, str, str], float]:
    """Each count with its cell's noise; one without a key is told nowhere (NaN)."""
    return {
        place: n + noise(round(n), keys[place], most, variance) if place in keys else float("nan")
        for place, n in counts.items()
    }
