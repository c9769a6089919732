"""Regression of rows in parts: iteratively re-weighted least squares whose every step is one reduction.

A step needs the triangular factor of [√W X, √W z], and factors of parts stack to that of the whole (TSQR: Demmel,
Grigori, Hoemmen & Langou 2012), so nothing is squared on the way. At the solution each part gives the scores' totals by
sampling unit, and the design gives the covariance as in `survey.model`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from survey.errors import EstimationError
from survey.partitioned.axes import same_units, spread
from survey.partitioned.cases import Cases, Model, cases, look, looked, variables
from survey.partitioned.parts import Parts
from survey.partitioned.sample import Sample, by_unit, freedom
from survey.regression.coefficients import Coefficients
from survey.regression.formulas import row_by_row, sides
from survey.regression.glm import SPARSE, UNSETTLED, family_of, refuse_separation, step
from survey.sampling.linearized import Floats, Ints

FAMILIES = ("gaussian", "binomial")


@dataclass(frozen=True)
class PartitionedFit(Coefficients):
    """Coefficients of a model of rows in parts; the design is that of the sampling units, with the weight used in each.

    answers: rows used; naive: variances of the coefficients were weights the only thing known; steps: of the fit.
    """

    answers: int
    naive: Floats
    steps: int
    alone: Floats

    @property
    def n(self) -> int:
        """As `Coefficients.n`."""
        return self.answers

    @property
    def scale(self) -> Floats:
        """As `survey.regression.coefficients.Fit.scale`."""
        return np.maximum(np.abs(self.estimates), np.sqrt(self.naive))

    @property
    def lone(self) -> Floats:
        """As `Coefficients.lone`."""
        return self.alone


class Sums(NamedTuple):
    """Of the cases of some parts: factor of [X, 1, y] with the likelihood's weights and of X by rows, greatest |x|,
    range of y, weights, rows, and rows left out; names: column → term.
    """

    factor: Floats
    rows_factor: Floats
    most: Floats
    low: float
    high: float
    weight: float
    rows: int
    outside: int
    missing: int
    names: dict[int, str]


class Pass(NamedTuple):
    """Of some parts at given coefficients: their deviance, the factor of the next step, range of the fitted values,
    greatest working weight.
    """

    deviance: float
    factor: Floats
    low: float
    high: float
    working: float


class Units(NamedTuple):
    """A table by sampling unit (U, p), one by cell of the raking (C, p), and raked weight by unit and level (U, M)."""

    units: pd.DataFrame
    table: Floats
    by_cell: Floats
    effects: Floats


def fit(
    parts: Parts, sample: Sample, formula: str, family: str = "binomial", *, link: str = "", maxiter: int = 100
) -> PartitionedFit:  # fmt: skip
    """Regression of rows in parts with design-based standard errors: the coefficients of `survey.model.fit`.

    The rows are read twice: for the levels of the variables, and for the distinct cases, which stay where they are
    while the steps go over them.

    Args: formula: of functions of one row at a time (no poly, no splines).   family: gaussian or binomial.
    Returns: coefficients with .params, .se, .vcov, .df, .tidy().
    Raises: EstimationError: as `survey.model.fit`, or a formula or family that needs all rows in one place.

    >>> from survey.partitioned.parts import cut
    >>> frame = pd.DataFrame({"y": [1, 0, 0, 1, 1, 0], "x": [0, 1, 0, 1, 1, 0], "u": range(6), "w": 1.0})
    >>> fit(cut(frame, 2), Sample("w", "u"), "y ~ x").params.round(4).to_dict()
    {'Intercept': -0.6931, 'x': 1.3863}
    """
    _possible(formula, family)
    names = variables(parts.names, formula)
    needed = {*names, *sample.needed(parts.names)}
    chosen = parts.columns([name for name in parts.names if name in needed])
    first = chosen.reduce(partial(look, sample=sample, names=names), looked)
    here = chosen.keep(partial(cases, model=Model(sample, formula, family, link, first)))
    whole = here.reduce(sums, both_sums)
    _varied(whole, formula)
    kept, terms, aliased = _columns(whole)
    keep = tuple(kept)
    move = partial(passed, keep=keep, family=family, link=link)
    b, before, information, steps = _scoring(here, move, keep, maxiter)
    covariance = np.linalg.inv(information.T @ information)
    usual = whole.weight / whole.rows
    last = here.reduce(partial(move, b=b), both_passes)
    if family == "binomial" and (last.low < 1e-9 or last.high > 1 - 1e-9):
        refuse_separation(terms, steps > 0, whole.most[kept], np.diag(covariance), last.working, usual)
    if not steps or not np.isfinite(b).all():
        raise EstimationError(UNSETTLED, got="the steps did not settle", hint=SPARSE)
    scores = here.reduce(partial(scored, keep=keep, b=b, before=before, family=family, link=link), both_units)
    d = sample.design(scores.units)
    table = scores.table[:, : len(kept)] @ covariance
    if sample.raked is not None:
        table = table - sample.raked.explained(scores.by_cell @ covariance, scores.effects)
    weight = scores.table[:, len(kept)] * first.scale(sample)
    free = float(freedom(d, weight[:, None] > 0)[0][0]) + 1 - len(kept)
    alone = _lone(here, keep, whole.rows_factor[:, kept], scores.units, sample)
    _, name = family_of(family, link)
    naive = np.diag(covariance) * (_spread(whole) if family == "gaussian" else 1.0)
    dropped = {"outside the domain or without weight": whole.outside, "missing values": whole.missing}
    return PartitionedFit(
        d.reweighted(weight), formula, family, name, terms, b, by_unit(d, table), weight > 0, free, dropped, aliased,
        whole.rows, naive, steps, alone,
    )  # fmt: skip


def _possible(formula: str, family: str) -> None:
    if family not in FAMILIES:
        raise EstimationError("The family is not known for rows in parts", expected="{known}", got="{family}",
                              family=family, known=", ".join(FAMILIES))  # fmt: skip
    left, right, offsets = sides(formula)
    if not row_by_row(" ".join([left, right, *offsets])):
        raise EstimationError(
            "The formula needs all rows in one place", where="{formula}", formula=formula,
            expected="functions of one row: C, I, Q, log, exp, sqrt, abs",
        )  # fmt: skip


def _varied(whole: Sums, formula: str) -> None:
    if not whole.rows:
        raise EstimationError("No row has all values the model needs", where="{formula}", formula=formula)
    if whole.low == whole.high:
        raise EstimationError("The outcome is the same in every row used", where="{left}",
                              left=formula.partition("~")[0].strip(),
                              hint="check the domain: there is nothing to explain")  # fmt: skip


def _spread(whole: Sums) -> float:
    """Variance of the outcome were it explained by nothing: (Σw y² − (Σw y)²/Σw)/n, from the factor of [1, y]."""
    pair = triangle(whole.factor[:, -2:])
    return float(pair[1, 1] ** 2 / whole.rows)


# -- what parts have to tell, and how two of them tell it together -----------------------------------------------------


def triangle(rows: Floats) -> Floats:
    """The triangular factor of a table, padded with zeros where it has few rows.

    >>> np.abs(triangle(np.array([[3.0], [4.0]]))).round(9).tolist()
    [[5.0]]
    """
    r = np.linalg.qr(rows, mode="r")
    return np.vstack([r, np.zeros((rows.shape[1] - len(r), rows.shape[1]))])


def sums(part: Cases) -> Sums:
    """What the cases of one part are, before any step."""
    root = np.sqrt(part.w)[:, None]
    ones = np.ones((len(part.y), 1))
    some = len(part.y) > 0
    return Sums(
        triangle(root * np.hstack([part.X, ones, part.y[:, None]])), triangle(np.sqrt(part.n)[:, None] * part.X),
        np.abs(part.X).max(axis=0, initial=0.0), float(part.y.min()) if some else np.inf,
        float(part.y.max()) if some else -np.inf, float(part.w.sum()), int(part.n.sum()), part.outside, part.missing,
        part.names,
    )  # fmt: skip


def both_sums(a: Sums, b: Sums) -> Sums:
    """Of two parts."""
    return Sums(
        triangle(np.vstack([a.factor, b.factor])), triangle(np.vstack([a.rows_factor, b.rows_factor])),
        np.maximum(a.most, b.most), min(a.low, b.low), max(a.high, b.high), a.weight + b.weight, a.rows + b.rows,
        a.outside + b.outside, a.missing + b.missing, a.names | b.names,
    )  # fmt: skip


def passed(part: Cases, keep: Sequence[int], family: str, link: str, b: Floats | None = None) -> Pass:
    """One part at coefficients b, or at the values the fit starts from."""
    kind, _ = family_of(family, link)
    X = part.X[:, list(keep)]
    with np.errstate(all="ignore"):
        if b is None:
            working, response = part.first
            deviance, mu = np.inf, part.y
        else:
            eta = X @ b + part.offset
            mu = kind.link.inverse(eta)
            working, response = step(part.y, eta, part.w, part.offset, kind)
            deviance = float(kind.deviance(part.y, mu, freq_weights=part.w)) if len(part.y) else 0.0
        root = np.sqrt(working)[:, None]
        rows = root * np.hstack([X, response[:, None]])
    finite = np.where(np.isfinite(rows), rows, 0.0)  # a step that overshot is halved, whatever stands here
    return Pass(deviance, triangle(finite), float(mu.min(initial=np.inf)), float(mu.max(initial=-np.inf)),
                float(working.max(initial=0.0)))  # fmt: skip


def both_passes(a: Pass, b: Pass) -> Pass:
    """Of two parts."""
    factor = triangle(np.vstack([a.factor, b.factor]))
    return Pass(a.deviance + b.deviance, factor, min(a.low, b.low), max(a.high, b.high), max(a.working, b.working))


def scored(
    part: Cases, keep: Sequence[int], b: Floats, before: Floats | None, family: str, link: str
) -> Units:  # fmt: skip
    """Scores of one part by sampling unit, with the weight in a last column, and by cell of the raking.

    before: coefficients whose working weights gave b (those of the last step, as in R), None for the start.
    """
    kind, _ = family_of(family, link)
    X = part.X[:, list(keep)]
    eta = X @ b + part.offset
    working = part.first[0] if before is None else step(part.y, X @ before + part.offset, part.w, part.offset, kind)[0]
    residual = (part.y - kind.link.inverse(eta)) / kind.link.inverse_deriv(eta)
    each = X * (working * residual / part.w)[:, None]
    table = part.by_unit @ np.column_stack([each, np.ones(len(each))])
    return Units(part.units, table, part.by_cell @ each, part.effects)


def both_units(a: Units, b: Units) -> Units:
    """Of two parts."""
    units, one, two = same_units(a.units, b.units)
    table, effects = (
        spread(v, 0, one, len(units)) + spread(w, 0, two, len(units)) for v, w in zip(a[1::2], b[1::2], strict=True)
    )
    return Units(units, table, a.by_cell + b.by_cell, effects)


# -- the steps ---------------------------------------------------------------------------------------------------------


def _columns(whole: Sums) -> tuple[list[int], list[str], list[str]]:
    """Columns of the model, their terms, and terms that repeat earlier ones (`formulas.without_aliases`).

    Columns of the factor are as long, and at the same angles, as those of all rows.
    """
    kept: list[int] = []
    aliased: list[str] = []
    basis = np.zeros((len(whole.factor), 0))
    for k in sorted(whole.names):
        column = whole.factor[:, k]
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        if np.linalg.norm(rest) > 1e-9 * np.linalg.norm(column):
            kept.append(k)
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
        else:
            aliased.append(whole.names[k])
    return kept, [whole.names[k] for k in kept], aliased


def _scoring(
    here: Parts, move: Any, keep: Sequence[int], maxiter: int, tolerance: float = 1e-13
) -> tuple[Floats, Floats | None, Floats, int]:  # fmt: skip
    """As `survey.regression.glm`: coefficients, those before, the last step's factor, and steps (0: unsettled)."""
    k = len(keep)
    deviance, b = np.inf, None
    factor = here.reduce(move, both_passes).factor
    for steps in range(1, maxiter + 1):
        new = np.linalg.lstsq(factor[:, :k], factor[:, k], rcond=None)[0]
        for _half in range(30):
            latest = here.reduce(partial(move, b=new), both_passes)
            if np.isfinite(latest.deviance) or b is None:
                break
            new = (new + b) / 2
        if abs(latest.deviance - deviance) / (abs(latest.deviance) + 0.1) < tolerance:
            return new, b, factor[:, :k], steps
        deviance, b, earlier, factor = latest.deviance, new, factor, latest.factor
    return np.asarray(b), b, earlier[:, :k], 0


# -- what one sampling unit alone carries ------------------------------------------------------------------------------


def _lone(here: Parts, keep: Sequence[int], factor: Floats, units: pd.DataFrame, sample: Sample) -> Floats:
    """`survey.regression.support.lone_directions` of rows in parts: leverages first, then the few units of 1."""
    values, vectors = np.linalg.eigh(factor.T @ factor)
    if values[0] <= 1e-13 * values[-1]:
        return np.zeros((0, len(keep)))
    whiten = vectors / np.sqrt(values)
    leverage = here.reduce(partial(leverages, keep=keep, whiten=whiten), both_units)
    d = sample.design(units)
    assert d.linearized is not None
    first = d.linearized.row_psu
    whole = np.bincount(first, leverage.table[:, 0])
    found = [np.zeros((0, len(keep)))]
    for psu in np.flatnonzero(whole > 1 - 1e-8):
        own = units[first == psu]
        gram = here.reduce(partial(products, keep=keep, whiten=whiten, units=own), np.add)
        size, direction = np.linalg.eigh(gram)
        found.append(direction[:, np.abs(size - 1.0) < 1e-8].T @ whiten.T)
    return np.vstack(found)


def leverages(part: Cases, keep: Sequence[int], whiten: Floats) -> Units:
    """Σ |x whitened|² by sampling unit."""
    white = part.X[:, list(keep)] @ whiten
    table = part.rows_by_unit @ (white**2).sum(axis=1, keepdims=True)
    return Units(part.units, table, np.zeros((0, 1)), np.zeros((len(part.units), 0)))


def products(part: Cases, keep: Sequence[int], whiten: Floats, units: pd.DataFrame) -> Floats:
    """Cross products of the whitened rows of some sampling units."""
    inside = pd.MultiIndex.from_frame(part.units).isin(pd.MultiIndex.from_frame(units))
    rows: Ints = np.flatnonzero(inside)
    n = np.asarray(part.rows_by_unit[rows].sum(axis=0)).ravel() if len(rows) else np.zeros(len(part.y))
    white = part.X[:, list(keep)] @ whiten
    return np.asarray(white.T @ (white * n[:, None]))
