"""Scales of several items: their index of 0–100 and how well the items hang together, with design-based errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from survey import estimate
from survey.design import SurveyDesign
from survey.errors import EstimationError
from survey.estimation.cells import Deff
from survey.estimation.covariance import Covariance, remember
from survey.estimation.factor import omega_of, omega_slope, one_factor
from survey.estimation.groups import item_column, numeric
from survey.estimation.intervals import FLAT, t_quantile
from survey.estimation.moments import moments
from survey.sampling.linearized import Floats
from survey.tidy import results

Ends = tuple[float, float]


def scored(
    frame: pd.DataFrame, items: Sequence[str], *, reverse: Sequence[str] = (),
    ends: Ends | Mapping[str, Ends] | None = None, minimum: float = 0.5,
) -> pd.Series:  # fmt: skip
    """Each respondent's mean over the items answered, every item stretched to 0–100 from its lowest to highest level.

    s_i = mean over answered items j of 100·(x_ij − low_j)/(high_j − low_j), or 100 less that for a reversed item.

    Args:
        items: Categoricals (their numbers, or the places of ordered words) or numbers.
        reverse: the items whose low levels stand for much.
        ends: lowest and highest possible level, of all items or by item; needed for columns that are not Categorical,
            because nobody may have chosen an end.
        minimum: share of the items that must be answered, 0–1; others get NaN.
    Returns: scores (n,), 0–100, on the frame's index.
    Raises: EstimationError: an item is not there, has no ends, or an answer beyond them.

    >>> frame = pd.DataFrame({"a": [1, 5, 3], "b": [5, 1, None], "c": [1, None, None]})
    >>> scored(frame, ["a", "b", "c"], reverse=["b"], ends=(1, 5)).tolist()
    [0.0, 100.0, nan]
    """
    _known(items, reverse)
    stretched = np.column_stack([_stretched(frame, item, item in reverse, ends) for item in items])
    answered = np.isfinite(stretched)
    count = answered.sum(axis=1)
    total = np.where(answered, stretched, 0.0).sum(axis=1)
    enough = (count > 0) & (count >= minimum * len(items) - 1e-9)
    return pd.Series(np.where(enough, total / np.maximum(count, 1), np.nan), index=frame.index)


def index(
    d: SurveyDesign, items: Sequence[str], by: str | Sequence[str] | None = None, *, name: str = "index",
    reverse: Sequence[str] = (), ends: Ends | Mapping[str, Ends] | None = None, minimum: float = 0.5,
    level: float = 0.95, deff: Deff = "wor",
) -> pd.DataFrame:  # fmt: skip
    """Mean of the 0–100 scores of `scored` by group, Σ w·s / Σ w, as `survey.estimate.mean` gives it.

    For changes, tests and models of the index: d.assign(name=scored(d.frame, items, …)).

    Args: name: the item of the rows.   by, level, deff: as `survey.estimate.mean`; the others as `scored`.
    Returns: rows of statistic "index", unit 0–100; n respondents with enough answers.
    Raises: EstimationError, DesignError: as `scored` and `survey.estimate.mean`.

    >>> frame = pd.DataFrame({"a": [1, 5, 3, 4], "b": [2, 5, 3, 4], "w": 1.0})
    >>> index(SurveyDesign(frame, "w"), ["a", "b"], ends=(1, 5))[["estimate", "n"]].values.tolist()
    [[59.375, 4.0]]
    """
    scores = scored(d.frame, items, reverse=reverse, ends=ends, minimum=minimum)
    rows = estimate.mean(d.assign(**{name: scores.to_numpy()}), name, by, level, deff=deff)
    rows["statistic"] = "index"
    return rows


def alpha(d: SurveyDesign, items: Sequence[str], *, reverse: Sequence[str] = (), level: float = 0.95) -> pd.DataFrame:
    """Cronbach's α = k/(k−1)·(1 − Σ S_ii/ΣΣ S_ij) in the population, from the rows that answered all items (1951).

    z_i = −k/(k−1)·(Σ z(S_ii)/S_tt − Σ S_ii·z(S_tt)/S_tt²), S_tt = ΣΣ S_ij (R svycralpha, which has no SE); interval
    1 − (1−α)·exp(±t·se/(1−α)), symmetric for log(1−α) (Bonett 2002) and never above 1.

    Returns: one row of statistic "alpha", item the items joined by "+"; df units − strata.
    Raises: EstimationError: fewer than two items, items without numbers, or without variance.

    >>> d = SurveyDesign(pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [1.0, 2, 4, 3], "w": 1.0}), "w")
    >>> alpha(d, ["a", "b"])["estimate"].round(4).tolist()
    [0.8889]
    """
    d, names = _turned(d, items, reverse, least=2)
    _varying(d, names)
    answers = d.frame.loc[d.mask & (d.weights != 0), names].dropna()
    if np.ptp(answers.sum(axis=1)) <= FLAT * np.abs(answers).to_numpy().max():
        raise EstimationError(
            "The sum of the items does not vary", where="{items}", expected="items that rise together",
            hint="reverse the items that run against the others", items=", ".join(names),
        )  # fmt: skip
    return _below_one(estimate.alpha(d, names), level)


def omega(d: SurveyDesign, items: Sequence[str], *, reverse: Sequence[str] = (), level: float = 0.95) -> pd.DataFrame:
    """McDonald's ω = (Σλ)²/((Σλ)² + Σψ): what one common factor makes of the variance of the sum (1999).

    λ and ψ by maximum likelihood from the weighted covariance matrix S; z_i = ∂ω/∂S·z_i(S) by implicit differentiation
    of the likelihood equations, or the factor fitted again in every replicate. Interval as `alpha`.

    Returns: one row of statistic "omega"; loadings of the standardized items in attrs["loadings"].
    Raises: EstimationError: fewer than three items, or no proper solution (a variance ψ ≤ 0).

    >>> u = np.array([1.0, 2, 3, 4, 5, 6])
    >>> frame = pd.DataFrame({"a": u + [0, 1, 0, -1, 0, 0], "b": u + [1, 0, -1, 0, 0, 1], "c": u + [0, 0, 1, 0, -1, 0]})
    >>> omega(SurveyDesign(frame), ["a", "b", "c"])["estimate"].round(3).tolist()
    [0.947]
    """
    d, names = _turned(d, items, reverse, least=3)
    used, S, table = moments(d, names)
    _varying(d, names)
    factor = one_factor(S)
    value = np.array([omega_of(factor)])
    rows = _through(d, S, table, lambda s: np.array([omega_of(one_factor(s))]), omega_slope(S, factor)[:, None])
    frame = _below_one(_rows(d, ["+".join(names)], "omega", value, rows, used), level)
    frame.attrs["loadings"] = (factor[0] / np.sqrt(np.diag(S))).tolist()
    return frame


def item_rest(
    d: SurveyDesign, items: Sequence[str], *, reverse: Sequence[str] = (), level: float = 0.95
) -> pd.DataFrame:  # fmt: skip
    """Correlation of each item with the sum of the others, r_i = (S_it − S_ii)/√(S_ii (S_tt − 2 S_it + S_ii)).

    S_it = Σ_j S_ij; SE by the delta method from the influences on S; interval tanh(atanh r ± t·se/(1−r²)) (Fisher
    1915). A negative r says that the item runs against the others: reverse it.

    Returns: a row an item, statistic "item-rest correlation".
    Raises: EstimationError: as `alpha`.

    >>> d = SurveyDesign(pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [1.0, 2, 4, 3], "w": 1.0}), "w")
    >>> item_rest(d, ["a", "b"])["estimate"].round(4).tolist()
    [0.8, 0.8]
    """
    d, names = _turned(d, items, reverse, least=2)
    used, S, table = moments(d, names)
    _varying(d, names)
    r = _rest_correlations(S)
    frame = _rows(d, names, "item-rest correlation", r, _through(d, S, table, _rest_correlations, _rest_slope(S)), used)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = t_quantile(frame["df"].to_numpy(), level) * frame["se"].to_numpy() / (1 - r**2)
        low, high = np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)
    sure = frame["se"].to_numpy() > FLAT
    frame["ci_low"], frame["ci_high"] = np.where(sure, low, np.nan), np.where(sure, high, np.nan)
    frame["reason"] = np.select([~np.isfinite(r), ~sure], ["the other items' sum does not vary", "no variance"], "")
    return frame


def _known(items: Sequence[str], reverse: Sequence[str]) -> None:
    stray = [item for item in reverse if item not in items]
    if stray or isinstance(items, str) or not len(items):
        raise EstimationError(
            "A scale reverses an item that it does not have" if stray else "A scale has no items", where="{item}",
            expected="several items; reversed ones among them", item=", ".join(stray) or str(items),
        )  # fmt: skip


def _stretched(frame: pd.DataFrame, item: str, reverse: bool, ends: Ends | Mapping[str, Ends] | None) -> Floats:
    """An item as 0–100, missing as NaN."""
    x, own = _numbers(frame, item)
    given = ends.get(item) if isinstance(ends, Mapping) else ends
    low, high = given or own or (np.nan, np.nan)
    beyond = (x < low) | (x > high)
    if not low < high or beyond.any():
        endless = not low < high
        raise EstimationError(
            "A scale does not know the ends of an item" if endless else "An answer lies beyond the ends of its item",
            where="{item}", expected="a Categorical, or ends=(lowest, highest)",
            got="none" if endless else "{count} answers beyond", item=item, count=int(beyond.sum()),
            hint="give the lowest and highest level that could be chosen, whether or not somebody did",
        )  # fmt: skip
    part = 100 * (x - low) / (high - low)
    return np.asarray(100 - part if reverse else part)


def _numbers(frame: pd.DataFrame, item: str) -> tuple[Floats, Ends | None]:
    """An item's numbers and, of a Categorical, their range; ordered words count 0, 1, 2, …"""
    column = item_column(frame, item)
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return numeric(column, item), None
    levels = column.cat.categories
    words = pd.to_numeric(pd.Series(levels, dtype=object), errors="coerce").isna().any()
    if words and column.cat.ordered:
        values = np.arange(len(levels), dtype=float)
    else:
        values = numeric(pd.Series(levels, dtype=object), item)
    code = column.cat.codes.to_numpy()
    numbers = np.where(code >= 0, np.append(values, np.nan)[code], np.nan)
    return numbers, (float(values.min()), float(values.max())) if len(values) else None


def _turned(
    d: SurveyDesign, items: Sequence[str], reverse: Sequence[str], least: int
) -> tuple[SurveyDesign, list[str]]:
    """The design with the items as numbers, reversed ones negated."""
    _known(items, reverse)
    if len(items) < least:
        raise EstimationError("A scale has too few items for this", expected="{least} or more", got="{count}",
                              least=least, count=len(items))  # fmt: skip
    numbers = {item: _numbers(d.frame, item)[0] * (-1.0 if item in reverse else 1.0) for item in items}
    return d.assign(**numbers), list(items)


def _varying(d: SurveyDesign, items: list[str]) -> None:
    answers = d.frame.loc[d.mask & (d.weights != 0), items].dropna()
    flat = [item for item in items if answers[item].nunique() < 2]
    if flat:
        raise EstimationError(
            "An item of the scale does not vary", where="{item}", expected="two or more different answers",
            got="{n} respondents who answered all items", hint="leave the item out, or widen the domain",
            item=", ".join(flat), n=len(answers),
        )  # fmt: skip


def _through(
    d: SurveyDesign, S: Floats, table: Floats, f: Callable[[Floats], Floats], slope: Floats
) -> Floats:  # fmt: skip
    """Influences of f(S) from those of S (units, k²) by its gradient (k², p), or f in every replicate."""
    if d.replicates is None:
        return np.asarray(table @ slope)
    values = np.full((len(table), slope.shape[1]), np.nan)
    for r, row in enumerate(table):
        try:
            values[r] = f(row.reshape(S.shape))
        except EstimationError:
            continue
    return values


def _rest_correlations(S: Floats) -> Floats:
    own, with_all = np.diag(S), S.sum(axis=1)
    rest = S.sum() - 2 * with_all + own
    rest = np.where(rest > FLAT * np.trace(S), rest, np.nan)
    return np.asarray((with_all - own) / np.sqrt(own * rest))


def _rest_slope(S: Floats) -> Floats:
    """∂r_i/∂S (k², k)."""
    k = len(S)
    own, with_all = np.diag(S), S.sum(axis=1)
    r = _rest_correlations(S)
    rest = np.where(np.isfinite(r), S.sum() - 2 * with_all + own, np.nan)
    slope = np.zeros((k * k, k))
    for i in range(k):
        others = np.arange(k) != i
        cross, inner, self_ = np.zeros((k, k)), np.outer(others, others).astype(float), np.zeros((k, k))
        cross[i, others], self_[i, i] = 1.0, 1.0
        each = cross / np.sqrt(own[i] * rest[i]) - r[i] * (inner / (2 * rest[i]) + self_ / (2 * own[i]))
        slope[:, i] = each.ravel()
    return slope


def _rows(
    d: SurveyDesign, items: list[str], statistic: str, value: Floats, table: Floats, used: np.ndarray
) -> pd.DataFrame:  # fmt: skip
    freedom = np.full(len(value), float(d.degf(used)))
    se = np.sqrt(d.variances(table, used))
    frame = results(pd.DataFrame({
        "item": items, "statistic": statistic, "estimate": value, "se": se, "df": freedom, "n": int(used.sum()),
        "n_weighted": float(d.weights[used].sum()), "cv": se / np.abs(value),
    }))  # fmt: skip
    return remember(frame, Covariance(lambda: table, d.covariance, freedom, d.replicates is not None))


def _below_one(frame: pd.DataFrame, level: float) -> pd.DataFrame:
    """The frame with intervals that are symmetric for log(1 − reliability)."""
    left = 1 - frame["estimate"].to_numpy(dtype=float)
    half = t_quantile(frame["df"].to_numpy(), level) * frame["se"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(left > 1e-12, half / left, 0.0)
        frame["ci_low"], frame["ci_high"] = 1 - left * np.exp(ratio), 1 - left * np.exp(-ratio)
    return frame
