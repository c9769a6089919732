"""Covariance between waves that share sampling units: each wave keeps the variance it has alone.

With r_ki the scaled deviation of unit i in wave k, so that Var_k = Σ_i r_ki², two waves that share n_c units of a
stratum have the covariance g Σ_c r_ai r_bi. g makes it unbiased where n_a and n_b units were drawn at random of N and
n_c of them are the same (Tam 1984; Qualité & Tillé 2008): E Cov = (n_c − n_a n_b/N) S_ab, S_ab the covariance of the
units. g is 1 where all are shared, and is cut at ±1 so that no variance is negative. Cut at 1 it leaves out part of
the covariance, and so errs on the safe side for a change, where waves share few of very few units.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from survey.sampling import columns
from survey.sampling.linearized import Bools, Floats, Ints, Linearized, Stage, codes_of, first_of


def labelled(
    frame: pd.DataFrame, by: str, strata: list[str], psu: list[str]
) -> tuple[pd.DataFrame, list[str], list[str]]:  # fmt: skip
    """Strata and units of every stage as each wave drew them for itself: a stratum of its own, with its own FPC."""
    label = frame[by].astype(str)
    stages = max(len(psu), len(strata), 1)
    new: dict[str, Any] = {}
    for k in range(stages):
        new[f"_stratum{k}"] = frame[strata[k]].astype(str) + ", wave " + label if k < len(strata) else "wave " + label
    if psu:
        new["_psu"] = codes_of(label.to_numpy(), columns.key(frame, psu[0], "psu"))
    return frame.assign(**new), [f"_stratum{k}" for k in range(stages)], ["_psu", *psu[1:]] if psu else []


def shared_units(frame: pd.DataFrame, strata: list[str], psu: list[str]) -> Ints:
    """First-stage unit of each row (n,), the same code in every wave that drew it: equal strata and unit values."""
    unit = columns.key(frame, psu[0], "psu")
    return codes_of(columns.key(frame, strata[0], "strata"), unit) if strata else codes_of(unit)


def joined(apart: Linearized, wave: Ints, unit: Ints) -> Linearized:
    """Waves compiled apart, with the covariance of the units that they share.

    A stratum's waves count as one stratum in the degrees of freedom where they share units, else as several.

    Args: wave: wave of each row (n,).   unit: shared unit of each row (n,).
    """
    first = apart.stages[0]
    row = first_of(apart.row_psu, len(first.stratum))  # a row of each unit in each wave
    of_wave, of_unit = wave[row], unit[row]
    strata, units = len(first.size), int(of_unit.max()) + 1
    links = sparse.coo_matrix((np.ones(len(row)), (first.stratum, strata + of_unit)), shape=(strata + units,) * 2)
    linked = codes_of(connected_components(links, directed=False)[1][:strata])
    stage = replace(first, parent=of_wave[first_of(first.stratum, strata)], together=_together(first, of_wave, of_unit))
    return replace(apart, stages=(stage, *apart.stages[1:]), row_psu=unit, row_stratum=linked[apart.row_stratum])


def _together(stage: Stage, wave: Ints, unit: Ints) -> sparse.csr_matrix:
    """T with TᵀT = G, the g between the deviations of a unit in several waves: T·r has independent rows."""
    waves, units = int(wave.max()) + 1, int(unit.max()) + 1
    place = np.full((units, waves), -1)
    place[unit, wave] = np.arange(len(unit))
    G = np.tile(np.eye(waves), (units, 1, 1))
    for a in range(waves):
        for b in range(a):
            both = np.flatnonzero((place[:, a] >= 0) & (place[:, b] >= 0))
            G[both, a, b] = G[both, b, a] = _shared_part(stage, place[both, a], place[both, b])
    there: Bools = place >= 0
    pairs = there[:, :, None] & there[:, None, :]
    plain = np.all((G > 1 - 1e-9) | ~pairs, axis=(1, 2))  # one sum serves
    whole = np.flatnonzero(plain[unit])
    cols, rows, data = [whole], [unit[whole]], [np.ones(len(whole))]
    level, axes = np.linalg.eigh(G[~plain])
    root = np.sqrt(np.maximum(level, 0.0))[:, :, None] * axes.transpose(0, 2, 1)
    root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
    i, r, k = np.nonzero(np.broadcast_to(there[~plain][:, None, :], root.shape))
    cols.append(place[~plain][i, k])
    rows.append(units + i * waves + r)
    data.append(root[i, r, k])
    shape = (units + len(root) * waves, len(unit))
    return sparse.csr_matrix((np.concatenate(data), (np.concatenate(rows), np.concatenate(cols))), shape=shape)


def _shared_part(stage: Stage, left: Ints, right: Ints) -> Floats:
    """g of the deviations of the same units in two waves."""
    a, b = stage.stratum[left], stage.stratum[right]
    pair = codes_of(a, b)
    common = np.bincount(pair).astype(float)[pair] if len(pair) else np.zeros(0)
    n_a, n_b = stage.size[a], stage.size[b]
    target = common - np.sqrt((1 - stage.open[left]) * (1 - stage.open[right]) * n_a * n_b)
    centred = (n_a * n_b - n_a - n_b + common) / np.sqrt(n_a * n_b * np.maximum((n_a - 1) * (n_b - 1), 1))
    expected = common * np.sqrt(stage.open[left] * stage.open[right]) * centred
    return np.clip(np.divide(target, expected, out=np.ones(len(pair)), where=expected > 0), -1.0, 1.0)
