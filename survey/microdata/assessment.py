"""What the disclosure-risk report of a public-use file tells: what was reached, what it cost, what risk is left.

Counts of few persons are not told (None), as in the weekly report.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from survey.anonymity.classes import Floats, Ints, anonymity, crossed, levels_of, measure
from survey.anonymity.risk import risk
from survey.anonymity.suda import special_uniques
from survey.codebook import Codebook
from survey.microdata.attacks import Reading, cell_factors, guessed, read_cells
from survey.microdata.lattice import information_lost
from survey.microdata.release import Protection, PublicUse, calibrated, sensitive_of


def assess(frame: pd.DataFrame, made: PublicUse, book: Codebook, weight: str, before: Floats) -> dict[str, Any]:
    """Facts of the risk report, JSON-able.

    Args: frame: the private weighted frame.   weight: column of the final weight.   before: weights before calibration.
    """
    plan, own = book.privacy.microdata, made.protected
    assert plan is not None
    weights, least = frame[weight].to_numpy(float), book.disclosure.min_n
    unit = _unit(frame, book)
    return {
        "records": len(frame),
        "rules": {**plan.model_dump(include={"k", "l", "l_entropy", "t", "max_suppressed"})},
        "sensitive": list(plan.sensitive),
        "quasi_identifiers": _losses(own, weights, least),
        "loss": round(own.node.loss, 4),
        "suppressed": _enough(own.node.suppressed, least),
        "private": _state(frame, own.fine(), weights, book),
        "released": _state(frame, own.code(), weights, book),
        "special_uniques": {
            "private": _special(own, fine=True, least=least),
            "released": _special(own, fine=False, least=least),
        },
        "design": {
            "strata_tell": list(own.pinned),
            "strata": len(np.unique(_stratum(frame, book))) if book.design.strata else 0,
            "units": len(np.unique(unit)) if book.design.psu else 0,
            "within_unit": _within_unit(own, unit, least) if book.design.psu else None,
        },
        "weights": {
            "counted": plan.weights == "counted",
            "readings": [_reading(each, least) for each in weight_attack(frame, own, book, weights, before)],
            "read": _read(own, weights, calibrated(book), plan.k, least),
        },
    }


def weight_attack(
    frame: pd.DataFrame, own: Protection, book: Codebook, weights: Floats, before: Floats
) -> list[Reading]:  # fmt: skip
    """How well each quasi-identifier that was made coarser or blanked is read from the weights of its sampling unit.

    Only margins of calibration can be read, for only they moved the weights; what the strata tell needs no reading.
    """
    found: list[Reading] = []
    unit = _unit(frame, book)
    for margin in book.weighting.margins():
        parts = margin.split(":")
        hidden = {name: _hidden(own, name) for name in parts if name in own.names and name not in own.pinned}
        if not hidden or any(name not in frame for name in parts) or any(name not in own.names for name in parts):
            continue
        cell = crossed([levels_of(frame[name]) for name in parts], len(frame))
        factors = cell_factors(weights, before, unit, cell)
        index = [own.names.index(name) for name in parts]
        possible = np.ones((len(cell), len(factors)), dtype=bool)
        for i in index:
            possible &= _possible(own, i, cell)
        read = read_cells(weights, unit, cell, factors, possible)
        for name, rows in hidden.items():
            true = levels_of(frame[name])
            level_of = np.zeros(len(factors), dtype=np.intp)
            level_of[cell] = true
            if rows.any():
                guess = guessed(true, own.parts()[own.names.index(name)])
                right = level_of[read] == true
                found.append(Reading(name, int(rows.sum()), float(right[rows].mean()), float(guess[rows].mean())))
    return found


def _hidden(own: Protection, name: str) -> np.ndarray:
    """Records (n,) of which the file does not tell the level of a quasi-identifier."""
    i = own.names.index(name)
    step = own.attributes[i].steps[own.node.steps[i]]
    coarser = int(step.max()) < int(own.attributes[i].steps[0].max())
    return np.asarray(own.node.blanked[:, i] | coarser)


def _possible(own: Protection, i: int, cell: Ints) -> np.ndarray:
    """Cells (n, C) that the released value of a quasi-identifier leaves open."""
    step = own.attributes[i].steps[own.node.steps[i]]
    step_of = np.zeros(int(cell.max()) + 1, dtype=np.intp)
    step_of[cell] = step
    return np.asarray((step[:, None] == step_of[None, :]) | own.node.blanked[:, i][:, None])


def _losses(own: Protection, weights: Floats, least: int) -> list[dict[str, Any]]:
    rows = []
    for i, (attribute, step) in enumerate(zip(own.attributes, own.node.steps, strict=True)):
        blank = own.node.blanked[:, i]
        lost = information_lost(attribute.steps[0], attribute.steps[step], weights)
        rows.append({
            "name": attribute.name,
            "released": own.released[i],
            "lost": round(lost, 3),
            "blanked": _enough(int(blank.sum()), least) if own.released[i] else 0,
            "pinned": attribute.name in own.pinned,
        })  # fmt: skip
    return rows


def _state(frame: pd.DataFrame, code: Ints, weights: Floats, book: Codebook) -> dict[str, Any]:
    sensitive = sensitive_of(frame, book)
    kept, found, least = measure(code, sensitive), risk(code, weights), book.disclosure.min_n
    return {
        "k": kept.k,
        "classes": kept.classes,
        "uniques": _enough(kept.uniques, least),
        "l": kept.l_distinct if sensitive else None,
        "l_entropy": round(kept.l_entropy, 3) if sensitive else None,
        "t": round(kept.t, 3) if sensitive else None,
        "risk_max": round(float(found.individual.max()), 4),
        "risk_mean": round(float(found.individual.mean()), 5),
        "expected": round(found.expected, 1),
        "population_uniques": round(found.population_uniques, 1),
        "correct_unique": round(found.correct_unique, 4),
    }


def _special(own: Protection, fine: bool, least: int) -> dict[str, Any]:
    """Special uniques over the quasi-identifiers and the strata; how often each takes part in singling somebody out."""
    parts = [a.steps[0] for a in own.attributes] if fine else own.parts()
    loose = [i for i, name in enumerate(own.names) if name not in own.pinned]
    names = [*(["stratum"] if own.given.max() > 0 else []), *(own.names[i] for i in loose)]
    found = special_uniques([*([own.given] if own.given.max() > 0 else []), *(parts[i] for i in loose)])
    sizes: dict[int, int] = {}
    for subset, who in found.minimal.items():
        sizes[len(subset)] = sizes.get(len(subset), 0) + int(who.sum())
    alone = found.scores > 0
    with_name = {
        name: _enough(int(np.any([who for s, who in found.minimal.items() if i in s], axis=0).sum()), least)
        for i, name in enumerate(names)
    }
    return {
        "records": _enough(int(alone.sum()), least),
        "score_max": round(float(found.scores.max()), 1),
        "minimal_by_size": {str(size): _enough(count, least) for size, count in sorted(sizes.items())},
        "records_by_variable": with_name,
    }


def _within_unit(own: Protection, unit: Ints, least: int) -> dict[str, Any]:
    """What somebody meets who knows the sampling unit: k and records alone among what was released inside it."""
    code = crossed([unit, own.code()], len(unit))
    k, uniques = anonymity(pd.DataFrame({"code": code}), ["code"])
    return {"k": k, "uniques": _enough(uniques, least), "share": round(uniques / len(unit), 2)}


def _read(own: Protection, weights: Floats, told: tuple[str, ...], k: int, least: int) -> dict[str, Any]:
    """What the file keeps against somebody who has read all calibration variables from the weights."""
    fine = [a.steps[0] for a in own.attributes if a.name in told]
    code = crossed([own.code(), *fine], len(weights))
    sizes = np.bincount(code)
    below = int(sizes[sizes < k].sum())
    return {
        "k": int(sizes.min()),
        "below": _enough(below, least),
        "expected": round(risk(code, weights).expected, 1),
    }


def _reading(each: Reading, least: int) -> dict[str, Any]:
    told = each.records >= least
    return {
        "name": each.variable,
        "records": _enough(each.records, least),
        "right": round(each.right, 2) if told else None,
        "guess": round(each.guess, 2) if told else None,
    }


def _stratum(frame: pd.DataFrame, book: Codebook) -> Ints:
    return crossed([levels_of(frame[name]) for name in book.design.strata], len(frame))


def _unit(frame: pd.DataFrame, book: Codebook) -> Ints:
    return crossed([_stratum(frame, book), *(levels_of(frame[name]) for name in book.design.psu[:1])], len(frame))


def _enough(count: int, least: int) -> int | None:
    """A count that is nought or large enough to be told."""
    return count if count == 0 or count >= least else None
