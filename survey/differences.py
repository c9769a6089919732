"""What changed between two deliveries: columns, codes, missing answers, and shares beyond the noise of sampling.

Only names, codes of few short values, counts and shares come out, never what a resident wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from survey.draft import Column, Match
from survey.draft.match import match, shares
from survey.draft.profile import CODE
from survey.errors import masked

SMALL = 0.01
"""p below which a shift is told, after Holm's correction over all items."""
BLANKS = 0.02
"""Change of the share without an answer that is told."""


@dataclass(frozen=True)
class Change:
    """One item in both deliveries. p: of a design-naive test, corrected over all items; 1 where nothing can be tested.
    shift: the code whose share changed most (of a number: "") and by how much.
    """

    name: str
    new: tuple[str, ...]
    vanished: tuple[str, ...]
    unanswered: tuple[float, float]
    shift: tuple[str, float]
    p: float

    @property
    def told(self) -> bool:
        """Whether there is anything to tell."""
        apart = abs(self.unanswered[1] - self.unanswered[0]) > BLANKS
        return bool(self.new or self.vanished) or apart or self.p < SMALL


@dataclass(frozen=True)
class Differences:
    """Columns of the second delivery only, of the first only, likely renames, and the items in both."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    renamed: tuple[Match, ...]
    items: tuple[Change, ...]
    missing: tuple[tuple[str, ...], tuple[str, ...]]
    """Missing codes that occur in the first delivery, and in the second."""


def differences(one: Sequence[Column], two: Sequence[Column], declared: Collection[str] = ()) -> Differences:
    """What the second delivery has otherwise than the first.

    Args: declared: missing codes that may be shown, whatever they are.
    """
    pairs = match(one, two)
    before, after = {pair.one.name for pair in pairs}, {pair.two.name for pair in pairs}
    changes = [_change(pair.one, pair.two) for pair in pairs]
    corrected = holm([change.p for change in changes])
    return Differences(
        added=tuple(column.name for column in two if column.name not in after),
        removed=tuple(column.name for column in one if column.name not in before),
        renamed=tuple(pair for pair in pairs if pair.because),
        items=tuple(
            Change(c.name, c.new, c.vanished, c.unanswered, c.shift, p) for c, p in zip(changes, corrected, strict=True)
        ),
        missing=(_missing(one, declared), _missing(two, declared)),
    )


def _missing(columns: Sequence[Column], declared: Collection[str]) -> tuple[str, ...]:
    found = {code for column in columns for code in column.guess.missing if code in _counts(column)}
    # Words such as "don't know" may stand in a sentence of somebody: only those that survey.yaml declares are told.
    told = {code if code in declared or CODE.fullmatch(code) else masked(code) for code in found}
    return tuple(sorted(told, key=lambda code: (len(code), code)))


def _counts(column: Column) -> Mapping[str, int]:
    return column.profile.chosen if column.guess.kind == "multiple" else column.profile.counts


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number (Holm 1979).

    >>> holm([0.01, 0.04, 0.5])
    [0.03, 0.08, 0.5]
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = np.maximum.accumulate([p_values[i] * (len(p_values) - rank) for rank, i in enumerate(order)])
    found = [1.0] * len(p_values)
    for place, value in zip(order, adjusted, strict=True):
        found[int(place)] = min(1.0, float(value))
    return found


def _change(one: Column, two: Column) -> Change:
    unanswered = (_unanswered(one), _unanswered(two))
    coded = {"single", "multiple"}
    if one.guess.kind in coded and two.guess.kind in coded:
        before, after = _codes(one), _codes(two)
        new = tuple(code for code in after if code not in before)
        vanished = tuple(code for code in before if code not in after)
        shift, p = _shares_moved(one, two)
        return Change(two.name, new, vanished, unanswered, shift, p)
    if one.guess.kind == two.guess.kind == "number":
        return Change(two.name, (), (), unanswered, *_mean_moved(one, two))
    return Change(two.name, (), (), unanswered, ("", 0.0), 1.0)


def _codes(column: Column) -> list[str]:
    """Codes of answers that may be shown: levels that occur, and further ones of one or two digits."""
    answers = [code for code in _counts(column) if code not in column.guess.missing]
    return [code for code in answers if code in column.guess.levels or (CODE.fullmatch(code) and len(code) <= 2)]


def _unanswered(column: Column) -> float:
    counts = _counts(column)
    missing = sum(counts.get(code, 0) for code in column.guess.missing)
    return 1 - (column.profile.answered - missing) / max(column.profile.rows, 1)


def _shares_moved(one: Column, two: Column) -> tuple[tuple[str, float], float]:
    """Largest change of a share, and Pearson's test of the two distributions as if drawn at random."""
    wording = {**one.guess.levels, **two.guess.levels}
    a, b = shares(one, wording), shares(two, wording)
    codes = [code for code in wording if a.get(code, 0) + b.get(code, 0) > 0]
    if len(codes) < 2 or not a or not b or not set(a) & set(b):
        return ("", 0.0), 1.0
    sizes = [round(column.profile.rows * (1 - _unanswered(column))) for column in (one, two)]
    table = np.array([[found.get(code, 0) * size for code in codes] for found, size in zip((a, b), sizes, strict=True)])
    code = max(codes, key=lambda each: abs(b.get(each, 0) - a.get(each, 0)))
    p = float(stats.chi2_contingency(table, correction=False).pvalue)
    return (code, b.get(code, 0) - a.get(code, 0)), p


def _mean_moved(one: Column, two: Column) -> tuple[tuple[str, float], float]:
    """Change of the mean, and Welch's test of it as if drawn at random."""
    means, variances = [], []
    for column in (one, two):
        values, counts = column.profile.numbers
        kept = np.array([f"{value:.15g}" not in column.guess.missing for value in values], dtype=bool)
        values, counts = values[kept], counts[kept]
        if counts.sum() < 2:
            return ("", 0.0), 1.0
        mean = float(np.average(values, weights=counts))
        means.append(mean)
        variances.append(float(np.average((values - mean) ** 2, weights=counts)) / counts.sum())
    if sum(variances) == 0:
        return ("", means[1] - means[0]), 1.0
    z = (means[1] - means[0]) / float(np.sqrt(sum(variances)))
    return ("", means[1] - means[0]), float(2 * stats.norm.sf(abs(z)))
