"""Weighting: base weight → calibration to known margins → trimming, each step's diagnostics kept."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from survey.codebook import Codebook, Weighting, number_code
from survey.errors import CodebookError, DataError, EstimationError, GateError, masked
from survey.privacy import Protected
from survey.sampling.distances import Bounds, Distance, factors, to_counts
from survey.sampling.linearized import Floats, Ints, codes_of, first_of
from survey.selection import BASE

Totals = Mapping[str, Mapping[str, float]]  # margin ("sex:age_band") → level ("1:3") → population total
FINAL = "weight"


@dataclass(frozen=True)
class Margins:
    """Population totals of one wave by margin and level, and the line of margins.csv each stands on."""

    totals: dict[str, dict[str, float]] = field(default_factory=dict)
    lines: dict[tuple[str, str], int] = field(default_factory=dict)
    name: str = "margins.csv"


def weigh(protected: Protected, book: Codebook, margins: Margins) -> tuple[Protected, dict[str, Any]]:
    """Final weights beside the answers of one wave, and the diagnostics of each step; people without a base weight go.

    Raises: DataError: a margin has no respondent.   GateError: the final weights' design effect is above
    `gates.max_deff`.
    """
    settings = book.weighting
    keep = protected.frame[BASE].notna()
    frame, reasons = (part[keep].reset_index(drop=True) for part in (protected.frame, protected.reasons))
    weights = frame[BASE].to_numpy(float)
    steps = [diagnostics("base", weights)]
    before, rounds = weights, 0
    if settings.rake:
        wanted = {name: _wanted(name, margins) for name in settings.rake}
        _populated(frame[weights > 0], wanted, margins)
        weights, rounds = rake(frame, weights, wanted, settings.tolerance, settings.max_iterations)
        steps.append(diagnostics("raked", weights))
        if settings.trim is not None:
            weights = trim_and_rake(frame, weights, wanted, settings)
            steps.append(diagnostics("trimmed", weights))
    facts = {"steps": steps, "iterations": rounds, "without_base": int((~keep).sum())}
    facts["margins"] = _margin_table(frame, before, weights, {name: margins.totals[name] for name in settings.rake})
    if steps[-1]["deff"] > book.gates.max_deff:
        raise GateError(
            "The weights vary too much to publish",
            expected="a design effect of at most {limit} (gates.max_deff)",
            got="{found}",
            hint="trim harder, rake to fewer margins, or look for an extreme base weight",
            limit=book.gates.max_deff,
            found=f"{steps[-1]['deff']:.2f}",
        )
    weighted = Protected(frame, reasons, protected.facts).with_weights(pd.DataFrame({FINAL: weights}))
    return weighted, {"weighting": facts}


def read_margins(text: str, wave: str, name: str = "margins.csv") -> Margins:
    """Margins of one wave from the text of margins.csv (wave, margin, level, total; a blank wave serves all).

    >>> read_margins("wave,margin,level,total\\n,sex,1,500\\n,sex,2,520\\n", "2026H1").totals
    {'sex': {'1': 500.0, '2': 520.0}}
    """
    margins = Margins(name=name)
    rows = csv.DictReader(text.splitlines())
    if rows.fieldnames is None or not {"margin", "level", "total"} <= set(rows.fieldnames):
        raise CodebookError(
            "{name} has no header as expected", where="{name} line 1", expected="wave,margin,level,total", name=name
        )
    for line, row in enumerate(rows, start=2):
        if (row.get("wave") or "").strip() not in ("", wave):
            continue
        margin, total = (row["margin"] or "").strip(), _total(row["total"])
        level = ":".join(number_code(part) for part in (row["level"] or "").split(":"))
        if total is None or (margin, level) in margins.lines:
            raise CodebookError(
                "{name} has a line that cannot be used",
                where="{name} line {line}",
                expected="each level once, with a population total of zero or more",
                got="total {total}" if total is None else "level {level} a second time",
                name=name,
                line=line,
                total=masked(row["total"]),
                level=level,
            )
        margins.totals.setdefault(margin, {})[level] = total
        margins.lines[margin, level] = line
    return margins


def _total(text: str | None) -> float | None:
    try:
        total = float(text or "")
    except ValueError:
        return None
    return total if np.isfinite(total) and total >= 0 else None


def _wanted(name: str, margins: Margins) -> dict[str, float]:
    if name not in margins.totals:
        raise CodebookError(
            "{file} has no margin {margin}",
            where="survey.yaml, weighting.rake",
            expected="one of {known}",
            got="{margin}",
            hint="add its totals",
            file=margins.name,
            margin=name,
            known=", ".join(sorted(margins.totals)) or "none",
        )
    return margins.totals[name]


def _populated(frame: pd.DataFrame, wanted: Totals, margins: Margins) -> None:
    """Raise where a level of a margin has people in the population and nobody in the sample."""
    for name, levels in wanted.items():
        codes, known = _levels(frame, name)
        present = {known[code] for code in np.unique(codes) if code >= 0}
        for level, total in levels.items():
            if total > 0 and level not in present:
                raise DataError(
                    "A level of {margin} has no respondent",
                    where="{file} line {line}, {margin} level {level}",
                    expected="a respondent in each level",
                    got="nobody",
                    hint="merge this level with a neighbour, in {file} and in survey.yaml",
                    file=margins.name,
                    line=margins.lines[name, level],
                    margin=name,
                    level=level,
                )


def crossing(frame: pd.DataFrame, margin: str) -> pd.Series:
    """Level of a margin for each row: the codes of its items joined by ":"; missing where one of them is.

    >>> crossing(pd.DataFrame({"sex": ["1", "2"], "area": ["2", "1"]}), "sex:area").tolist()
    ['1:2', '2:1']
    """
    codes, levels = _levels(frame, margin)
    return pd.Series(np.array([*levels, None], dtype=object)[codes], index=frame.index)


def _levels(frame: pd.DataFrame, margin: str) -> tuple[Ints, list[str]]:
    """Number of each row's level of a margin (−1: a part is missing), and what the levels are called."""
    codes, levels = np.zeros(len(frame), dtype=np.intp), [""]
    for item in margin.split(":"):
        column = frame[item]
        if isinstance(column.dtype, pd.CategoricalDtype):
            inner, values = column.cat.codes.to_numpy(), column.cat.categories
        else:
            inner, values = pd.factorize(column)
        codes = np.where((codes < 0) | (inner < 0), -1, codes * len(values) + inner)
        names = [value if isinstance(value, str) else number_code(str(value)) for value in values]
        levels = [f"{level}:{name}" if level else name for level in levels for name in names]
    return codes, levels


def rake(
    frame: pd.DataFrame,
    base: Floats,
    margins: Totals,
    tolerance: float = 1e-9,
    max_iterations: int = 200,
) -> tuple[Floats, int]:
    """Weights as near to the base weights as can be that add up to every margin (iterative proportional fitting).

    w ← w · total_level / Σ_{level} w, margin after margin until every gap is within tolerance (Deming & Stephan 1940).

    Args: frame: one row a respondent.   base: (n,), ≥ 0.   margins: name → level → total, in persons.
    Returns: weights (n,), rounds.   Raises: DataError: a respondent without a level, a level without a respondent or a
    total, margins that add up differently.   EstimationError: not converged.

    >>> frame = pd.DataFrame({"sex": ["1", "1", "2"]})
    >>> rake(frame, np.ones(3), {"sex": {"1": 50.0, "2": 50.0}})[0].tolist()
    [25.0, 25.0, 50.0]
    """
    coded = [_codes(frame, name, levels, base) for name, levels in margins.items()]
    _same_sums(margins)
    base = np.asarray(base, dtype=float)
    cell, first = _cells([codes for codes, _ in coded], len(base))
    before = np.bincount(cell, base, minlength=len(first))
    inside = [(codes[first], totals) for codes, totals in coded]
    weights = before.copy()
    for rounds in range(1, max_iterations + 1):
        for codes, totals in inside:
            sums = np.bincount(codes, weights, minlength=len(totals))
            weights *= np.divide(totals, sums, out=np.ones_like(totals), where=sums > 0)[codes]
        gap = max(
            (float(np.max(np.abs(np.bincount(codes, weights, minlength=len(totals)) - totals) / totals.sum()))
             for codes, totals in inside), default=0.0,
        )  # fmt: skip
        if gap <= tolerance:
            return base * np.divide(weights, before, out=np.ones_like(before), where=before > 0)[cell], rounds
    raise EstimationError(
        "Raking did not converge",
        where="weighting.rake",
        expected="a relative gap of at most {tolerance} within {rounds} rounds",
        got="{gap}",
        hint="the margins may contradict each other; merge thin levels or drop a margin",
        tolerance=tolerance,
        rounds=max_iterations,
        gap=f"{gap:.3g}",
    )


def _cells(codes: list[Ints], rows: int) -> tuple[Ints, Ints]:
    """Joint cell of the margins each row is in, and the first row of each cell: rows of a cell share one factor."""
    cell = codes_of(*codes) if codes else np.zeros(rows, dtype=np.intp)
    return cell, first_of(cell, int(cell.max(initial=-1)) + 1)


def _codes(frame: pd.DataFrame, name: str, levels: Mapping[str, float], base: Floats) -> tuple[Ints, Floats]:
    """Position of each row's level among the margin's levels, and the totals in that order."""
    found, known = _levels(frame, name)
    index = pd.Index(list(levels))
    codes = np.append(index.get_indexer(pd.Index(known)), -1)[found]
    totals = np.array(list(levels.values()), dtype=float)
    present = np.bincount(codes[codes >= 0], np.asarray(base, dtype=float)[codes >= 0], minlength=len(index)) > 0
    without_total = codes < 0
    if without_total.any() or (~present & (totals > 0)).any():
        lacking = without_total.any()
        raise DataError(
            "A respondent has no level of the margin {margin}" if lacking else "A level of {margin} has no respondent",
            where="margins.csv, {margin}" + ("" if lacking else " level {level}"),
            expected="each respondent in a level, and a respondent in each level",
            got="{count} respondents without" if lacking else "nobody",
            hint="make the item `required`, or add the level" if lacking else "merge this level with a neighbour",
            margin=name,
            level="" if lacking else index[int(np.argmax(~present & (totals > 0)))],
            count=int(without_total.sum()),
        )
    return codes, totals


def _same_sums(margins: Totals) -> None:
    sums = {name: sum(levels.values()) for name, levels in margins.items()}
    if sums and max(sums.values()) - min(sums.values()) > 1e-6 * max(sums.values()):
        raise DataError(
            "The margins do not add up to the same population",
            where="margins.csv",
            expected="equal sums",
            got="{sums}",
            hint="take all margins from one source and one date",
            sums=", ".join(f"{name}: {total:.0f}" for name, total in sums.items()),
        )


def calibrate(
    frame: pd.DataFrame, base: Floats, totals: Mapping[str, float | Mapping[str, float]], bounds: Bounds | None = None,
    distance: Distance = "linear", tolerance: float = 1e-10, max_iterations: int = 100,
) -> Floats:  # fmt: skip
    """Weights base·g(x·λ) as near to the base weights as can be that meet every total (Deville & Särndal 1992).

    g is 1 + u (linear: may go below 0 unless bounded), exp u (raking) or the logit form; bounds cut the first two and
    are built into the third. The variance: `survey.calibrate.calibrated` does the same to a whole design.

    Args: base: (n,), ≥ 0.   totals: margin → level → total as `rake`, or numeric column → total.   bounds: least and
        greatest g = weight/base.
    Returns: weights (n,).   Raises: DataError: as `rake`, or a number is missing.   EstimationError: the totals cannot
    be met.

    >>> frame = pd.DataFrame({"sex": ["1", "1", "2"], "rooms": [1.0, 2.0, 3.0]})
    >>> calibrate(frame, np.ones(3), {"sex": {"1": 4.0, "2": 2.0}, "rooms": 13.0}).round(6).tolist()
    [1.0, 3.0, 2.0]
    """
    base = np.asarray(base, dtype=float)
    _same_sums({name: total for name, total in totals.items() if isinstance(total, Mapping)})
    columns, wanted = [], []
    for name, total in totals.items():
        if isinstance(total, Mapping):
            codes, each = _codes(frame, name, total, base)
            columns.append((codes[:, None] == np.arange(len(each))).astype(float))
            wanted.append(each)
        else:
            columns.append(_auxiliary(frame, name)[:, None])
            wanted.append(np.array([total], dtype=float))
    X, known = np.hstack(columns), np.concatenate(wanted)
    return base * factors(X, base, known, distance, bounds, tolerance=tolerance, maxiter=max_iterations)


def poststratify(frame: pd.DataFrame, base: Floats, cells: str, totals: Mapping[str, float]) -> Floats:
    """Weights multiplied in each cell so that they add up to its known total, w·N_c/Σ_c w (Holt & Smith 1979).

    Args: base: (n,), ≥ 0.   cells: a column, or several crossed ("sex:area").   totals: level ("1:2") → total.
    Returns: weights (n,).   Raises: DataError: as `rake`.

    >>> poststratify(pd.DataFrame({"sex": ["1", "1", "2"]}), np.ones(3), "sex", {"1": 50.0, "2": 50.0}).tolist()
    [25.0, 25.0, 50.0]
    """
    base = np.asarray(base, dtype=float)
    codes, wanted = _codes(frame, cells, totals, base)
    return to_counts(base, codes, wanted)


def _auxiliary(frame: pd.DataFrame, name: str) -> Floats:
    if name not in frame.columns:
        raise DataError("A total is of a column that is not in the data", where="{name}", name=name)
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    if not np.isfinite(values).all():
        raise DataError(
            "A column to calibrate on has gaps", where="{name}", expected="a number for every respondent",
            got="{count} without", hint="impute it, or calibrate on classes with one for the missing", name=name,
            count=int((~np.isfinite(values)).sum()),
        )  # fmt: skip
    return values


def trim(weights: Floats, max_ratio: float) -> Floats:
    """Weights cut at max_ratio × median, the excess spread over the others in proportion; the sum stays (Potter 1990).

    >>> trim(np.array([1.0, 1.0, 1.0, 9.0]), 4.0).round(6).tolist()
    [2.666667, 2.666667, 2.666667, 4.0]
    """
    trimmed = np.asarray(weights, dtype=float).copy()
    total, bound = trimmed.sum(), max_ratio * np.median(trimmed)
    while (trimmed > bound * (1 + 1e-12)).any():
        trimmed = np.minimum(trimmed, bound)
        free = trimmed < bound
        if not free.any():
            break  # everybody at the bound: nowhere left to spread to
        trimmed[free] *= (total - bound * np.count_nonzero(~free)) / trimmed[free].sum()
    return trimmed


def trim_and_rake(frame: pd.DataFrame, weights: Floats, margins: Totals, settings: Weighting) -> Floats:
    """Trim, then hit the margins again, in turn until no weight is 1 % over the bound or 20 rounds are done."""
    assert settings.trim is not None
    for _ in range(20):
        if weights.max() <= 1.01 * settings.trim.max_ratio * np.median(weights):
            break
        trimmed = trim(weights, settings.trim.max_ratio)
        weights, _ = rake(frame, trimmed, margins, settings.tolerance, settings.max_iterations)
    return weights


def diagnostics(step: str, weights: Floats) -> dict[str, Any]:
    """Size and spread of the weights after a step: n, min, max, CV, Kish's design effect 1 + CV² and n / deff.

    >>> diagnostics("base", np.array([1.0, 1.0, 2.0]))["deff"]
    1.125
    """
    n, total, squares = len(weights), float(weights.sum()), float((weights**2).sum())
    deff = n * squares / total**2
    return {
        "step": step,
        "n": n,
        "min": float(weights.min()),
        "max": float(weights.max()),
        "sum": total,
        "cv": float(np.sqrt(max(deff - 1, 0.0))),
        "deff": deff,
        "n_eff": n / deff,
    }


def _margin_table(frame: pd.DataFrame, before: Floats, after: Floats, margins: Totals) -> list[dict[str, Any]]:
    """Share of each level: known, with base weights, with final weights."""
    rows = []
    for name, levels in margins.items():
        crossed = crossing(frame, name)
        known = sum(levels.values())
        shares = [pd.Series(weights).groupby(crossed.to_numpy()).sum() / weights.sum() for weights in (before, after)]
        for level, total in levels.items():
            values = [float(share.get(level, 0.0)) for share in shares]
            rows.append(
                {"margin": name, "level": level, "target": total / known, "before": values[0], "after": values[1]}
            )
    return rows
