"""Comparisons: wave with wave, group with the rest, two-way tables, linear contrasts; every p-value design-based."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from survey import estimate
from survey.design import SurveyDesign, stack
from survey.errors import EstimationError
from survey.estimation.cells import others
from survey.estimation.contrasts import FUNCTIONS, evaluate
from survey.estimation.covariance import KEY, Covariance, joined, kept, remember, vcov
from survey.estimation.effectsize import effect_size
from survey.estimation.groups import coded, grouped, item_column, numeric, share_levels
from survey.estimation.intervals import mean_interval
from survey.estimation.multiplicity import Adjustment, adjusted, p_two_sided, t_test
from survey.estimation.ranks import rank_test
from survey.estimation.reasons import ONE_UNIT
from survey.estimation.tables import goodness_of_fit
from survey.sampling.columns import names
from survey.sampling.linearized import Bools, Floats, Ints
from survey.tidy import results

__all__ = [
    "Adjustment",
    "adjusted",
    "against_rest",
    "change",
    "contrast",
    "effect_size",
    "goodness_of_fit",
    "p_two_sided",
    "rank_test",
    "rao_scott",
    "row_of",
    "ttest",
]  # fmt: skip

Measure = Literal["auto", "share", "mean"]


WAVE = "_wave"


def change(
    a: SurveyDesign, b: SurveyDesign, items: str | Sequence[str], by: str | Sequence[str] | None = None, *,
    measure: Measure = "auto", shared_psus: bool = True, level: float = 0.95, df: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Change b − a of shares or means from one wave to the next, with the covariance of units drawn in both.

    Var(b − a) = Var a + Var b − 2 Cov, all three from the stacked sample: z_i is the influence on b, or minus the
    influence on a; equal strata and unit values are the same unit unless shared_psus is False (independent samples).
    Each wave keeps its strata and FPC: strata that share no unit are independent (`survey.design.stack`).

    Args:
        a, b: designs of the earlier and the later wave, alike in strata, units and FPC.
        items: columns of both; measure "auto" takes shares of categorical and 0/1 items, means of other numbers.
        by: breakdown column or columns.
        df: degrees of freedom; without it units − strata of the group in both waves, less 1 (as a two-sample t-test).
    Returns: rows of statistic "change" in the unit of the item (shares: 0–1), t interval, p, n of the smaller wave.
    Raises: DesignError, EstimationError: as `survey.estimate.mean`.

    >>> one = SurveyDesign(pd.DataFrame({"y": [1, 0, 0, 1], "psu": [1, 1, 2, 2], "w": 1.0}), "w", psu="psu")
    >>> two = SurveyDesign(pd.DataFrame({"y": [1, 1, 0, 1], "psu": [1, 1, 2, 2], "w": 1.0}), "w", psu="psu")
    >>> change(one, two, "y")[["level", "estimate", "se"]].values.tolist()
    [['1', 0.25, 0.25]]
    """
    return change_within(two_waves(a, b, shared_psus), items, by, measure=measure, level=level, df=df)


def two_waves(a: SurveyDesign, b: SurveyDesign, shared_psus: bool = True) -> SurveyDesign:
    """Both waves as one design for `change_within`, so that many changes cost one stacking; _wave says a or b."""
    stacked = stack({"a": _with_common_levels(a, b), "b": _with_common_levels(b, a)}, by=WAVE, shared_psus=shared_psus)
    return stacked.assign(**{WAVE: pd.Categorical(stacked.frame[WAVE], categories=["a", "b"])})


def change_within(
    both: SurveyDesign, items: str | Sequence[str], by: str | Sequence[str] | None = None, *,
    measure: Measure = "auto", level: float = 0.95, df: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """As `change`, for two waves that `two_waves` has stacked."""
    groups = [WAVE, *names(by)]
    rows = [_difference(_measured(both, item, groups, measure, df), both, item, by, level, df) for item in names(items)]
    return joined(rows)


def _with_common_levels(d: SurveyDesign, other: SurveyDesign) -> SurveyDesign:
    """Categorical columns given the levels of both waves, so that rows stack and levels meet."""
    new: dict[str, Any] = {}
    for name in d.frame.columns.intersection(other.frame.columns):
        mine, theirs = d.frame[name], other.frame[name]
        if isinstance(mine.dtype, pd.CategoricalDtype) and isinstance(theirs.dtype, pd.CategoricalDtype):
            first = mine.cat.categories
            if not first.equals(theirs.cat.categories):
                union = first.append(theirs.cat.categories.difference(first, sort=False))
                new[name] = pd.Categorical(mine, categories=union, ordered=mine.cat.ordered)
    return d.assign(**new) if new else d


def _measured(d: SurveyDesign, item: str, by: Sequence[str], measure: Measure, df: float | None) -> pd.DataFrame:
    """Shares or means of an item by group."""
    column = item_column(d.frame, item)
    shares = measure == "share" or (measure == "auto" and _is_share(column))
    return estimate.proportion(d, item, by, df=df) if shares else estimate.mean(d, item, by, df=df)


def _is_share(column: pd.Series) -> bool:
    return (
        isinstance(column.dtype, pd.CategoricalDtype)
        or column.dtype.kind not in "iuf"
        or share_levels(column)[2] == [1]
    )


def _difference(
    both: pd.DataFrame, d: SurveyDesign, item: str, by: Any, level: float, df: float | None
) -> pd.DataFrame:  # fmt: skip
    """Second half minus first half of a result whose first grouping factor has two levels."""
    half = len(both) // 2
    first, second = both.iloc[:half].reset_index(drop=True), both.iloc[half:].reset_index(drop=True)
    table = both.attrs[KEY].table
    table = table[:, half:] - table[:, :half]
    groups = grouped(d.frame, by)
    answered = d.frame[item].notna().to_numpy() & d.mask
    freedom = d.degf_by(np.where(answered, groups.code, -1), len(groups.labels)) - 1
    freedom = np.repeat(freedom, half // max(len(groups.labels), 1))
    why = np.where(first["reason"] != "", first["reason"], second["reason"])
    out = first.assign(group=first["group"].str.removeprefix("a").str.removeprefix(":"), by=groups.by, reason=why)
    missing = np.isnan(first["estimate"]) | np.isnan(second["estimate"])
    gap = (second["estimate"] - first["estimate"]).to_numpy()
    scale = np.abs([first["estimate"], second["estimate"]]).max(axis=0)
    out = _differences(
        out, "change", gap, table, d, missing.to_numpy(), freedom if df is None else np.full(half, df), level, scale
    )
    out["n"] = np.minimum(first["n"], second["n"])
    out["n_weighted"] = second["n_weighted"]
    return out


def _differences(
    frame: pd.DataFrame, statistic: str, gap: Floats, table: Floats, d: SurveyDesign, missing: Any, df: Floats,
    level: float, scale: Floats,
) -> pd.DataFrame:  # fmt: skip
    """Rows of differences of figures of some size, with SE, t interval and p from their influences or replicates.

    The frame's reason says why one of the figures has no interval, its variance unknown: so the difference has none.
    """
    se = np.where(missing, np.nan, np.sqrt(d.variances(table)))
    low, high = mean_interval(gap, se, df, level)
    p, cv, why = t_test(gap, se, df, scale)
    low, high, p, cv = _unless(frame["reason"], low, high, p, cv)
    new: dict[str, Any]
    new = {"statistic": statistic, "estimate": gap, "se": se, "ci_low": low, "ci_high": high, "df": df, "p": p,
           "cv": cv, "n_eff": np.nan, "deff": np.nan, "q": np.nan,
           "reason": np.where(frame["reason"] != "", frame["reason"], why)}  # fmt: skip
    return remember(frame.assign(**new), Covariance(lambda: table, d.covariance, df, d.replicates is not None))


def _unless(reason: Sequence[str] | pd.Series, *numbers: Floats) -> list[Floats]:
    """The numbers, NaN where there is a reason against them."""
    doubted = np.asarray(reason, dtype=object) != ""
    return [np.where(doubted, np.nan, each) for each in numbers]


def against_rest(
    d: SurveyDesign, items: str | Sequence[str], by: str | Sequence[str], *, measure: Measure = "auto",
    adjust: Adjustment = "holm", level: float = 0.95, df: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Each group against everybody else who is in one of the groups: difference of shares or means.

    z_i = z_i(group) − z_i(rest), so groups that share strata or units keep their covariance; t on units − strata − 1 of
    the group, whose few units make most of the error.

    Args: adjust: q is p corrected over the groups of an item and level: "holm", "bh" or "" (none).
    Returns: rows of statistic "difference" in the order item, group, level; n of the group.

    >>> frame = pd.DataFrame({"y": [1, 0, 1, 1, 0, 0], "g": ["a", "a", "a", "b", "b", "b"], "w": 1.0})
    >>> against_rest(SurveyDesign(frame, "w"), "y", "g")[["group", "estimate"]].round(4).values.tolist()
    [['a', 0.3333], ['b', -0.3333]]
    """
    groups = grouped(d.frame, by)
    known = d.domain(groups.code >= 0)
    parts = []
    for item in names(items):
        inside = _measured(known, item, names(by), measure, df)
        outside = others(known, item, by, "share" if inside["statistic"].iloc[0] == "share" else "mean")
        gap = inside["estimate"].to_numpy() - outside.estimate
        table = inside.attrs[KEY].table - outside.table
        code, width = np.where(d.frame[item].notna() & known.mask, groups.code, -1), len(gap) // len(groups.labels)
        inside_df = known.degf_by(code, len(groups.labels)) - 1
        each = np.repeat(inside_df, width) if df is None else np.full(len(gap), df)
        lone = np.where(_lone_rest(known, code, len(groups.labels)), ONE_UNIT, "")
        inside["reason"] = inside["reason"].where(inside["reason"] != "", np.repeat(lone, width))
        scale = np.maximum(np.abs(inside["estimate"].to_numpy()), np.abs(outside.estimate))
        parts.append(_differences(inside, "difference", gap, table, d, np.isnan(gap), each, level, scale))
    return adjusted(joined(parts), adjust, ["item", "level"])


def _lone_rest(d: SurveyDesign, code: Ints, groups: int) -> Bools:
    """Whether everybody outside a group (of those in one) is of one sampling unit (groups,)."""
    units = d.psus_by(code, groups)
    most = [units[np.arange(groups) != g].max(initial=-1) for g in range(groups)]
    lone = [most[g] == 1 and d.psus_by(np.where((code >= 0) & (code != g), 0, -1), 1)[0] == 1 for g in range(groups)]
    return np.array(lone, dtype=bool)


def contrast(
    estimates: pd.DataFrame, weights: Mapping[str, Any] | ArrayLike | str, *, level: float = 0.95,
    df: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Contrasts c·θ, or smooth functions g(θ), of the rows of a result: Var = cᵀ V c, c = ∇g, V their full covariance.

    Args:
        estimates: rows of one result of `survey.estimate` or of this module.
        weights: label → weight for one contrast (label: item, level, group, or "item:level", "group:level", whichever
            names one row), name → such a mapping for several, a vector or matrix with a column a row of the result, or
            an expression of labels ("after / before", "log(b) - log(a)") whose gradient gives the delta method.
        df: for the t interval and p; without it the smallest of the rows taking part.
    Raises: EstimationError: a label names no row, or several.

    >>> d = SurveyDesign(pd.DataFrame({"a": [0.0, 1, 1], "b": [1.0, 3, 2], "w": 1.0}), "w")
    >>> contrast(estimate.mean(d, ["a", "b"]), {"b": 1, "a": -1})[["estimate", "se"]].round(4).values.tolist()
    [[1.3333, 0.3333]]
    """
    if isinstance(weights, str):
        return _smooth(estimates, weights, level, df)
    named = _coefficients(estimates, weights)
    matrix = np.array(list(named.values()))
    value = matrix @ np.where((matrix != 0).any(axis=0), estimates["estimate"].to_numpy(), 0.0)
    covariance = matrix @ vcov(estimates) @ matrix.T
    known = kept(estimates)
    freedom = np.array([known.df[row != 0].min() if df is None else df for row in matrix])
    frame = results([{"item": name, "n": estimates["n"][row != 0].min()} for name, row in named.items()])
    scale = np.abs(matrix) @ np.abs(np.nan_to_num(estimates["estimate"].to_numpy()))
    doubts = [next((why for why in estimates["reason"][row != 0] if why), "") for row in matrix]
    return _from_covariance(frame, "contrast", value, covariance, freedom, level, scale, doubts)


def _smooth(estimates: pd.DataFrame, expression: str, level: float, df: float | None) -> pd.DataFrame:
    """A contrast given as an expression, by its exact gradient (also under replicate weights, as R svycontrast)."""
    known = kept(estimates)
    words = re.findall(r"[^\W\d]\w*", expression)
    labels = {word: row_of(estimates, word) for word in dict.fromkeys(words) if word not in FUNCTIONS}
    value, slope = evaluate(expression, {word: float(estimates["estimate"].iloc[k]) for word, k in labels.items()})
    rows = list(labels.values())
    covariance = slope @ vcov(estimates)[np.ix_(rows, rows)] @ slope
    freedom = np.array([known.df[rows].min() if df is None else df])
    frame = results([{"item": expression, "n": estimates["n"].iloc[rows].min()}])
    scale = np.abs(slope) @ np.abs(estimates["estimate"].to_numpy()[rows])
    doubts = [next((why for why in estimates["reason"].iloc[rows] if why), "")]
    return _from_covariance(
        frame, "contrast", np.array([value]), np.array([[covariance]]), freedom, level, np.array([scale]), doubts
    )


def _from_covariance(
    frame: pd.DataFrame, statistic: str, value: Floats, covariance: Floats, df: Floats, level: float, scale: Floats,
    doubts: list[str],
) -> pd.DataFrame:  # fmt: skip
    """Rows of a statistic from its covariance matrix; scale as `t_test`, doubts as `_differences` has the reason."""
    se = np.where(np.isnan(value), np.nan, np.sqrt(np.maximum(np.diag(covariance), 0.0)))
    low, high = mean_interval(value, se, df, level)
    p, cv, why = t_test(value, se, df, scale)
    low, high, p, cv = _unless(doubts, low, high, p, cv)
    new: dict[str, Any]
    new = {
        "statistic": statistic,
        "estimate": value,
        "se": se,
        "ci_low": low,
        "ci_high": high,
        "df": df,
        "p": p,
        "cv": cv,
        "reason": [doubt or each for doubt, each in zip(doubts, why, strict=True)],
    }
    return remember(
        results(frame.assign(**new)), Covariance(lambda: np.eye(len(value)), lambda c: c.T @ covariance @ c, df)
    )


def _coefficients(estimates: pd.DataFrame, weights: Any) -> dict[str, Floats]:
    """Name → coefficient vector over the rows."""
    if not isinstance(weights, Mapping):
        rows = np.atleast_2d(np.asarray(weights, dtype=float))
        if rows.shape[1] != len(estimates):
            raise EstimationError(
                "The weights of a contrast do not fit the rows", expected="{rows} weights", got="{count}",
                hint="name the rows instead: {{label: weight}}", rows=len(estimates), count=rows.shape[1],
            )  # fmt: skip
        return {f"contrast {k + 1}" if len(rows) > 1 else "contrast": row for k, row in enumerate(rows)}
    if all(isinstance(value, Mapping) for value in weights.values()):
        return {name: _coefficients(estimates, inner)["contrast"] for name, inner in weights.items()}
    row = np.zeros(len(estimates))
    for label, value in weights.items():
        row[row_of(estimates, label)] += float(value)
    return {"contrast": row}


def row_of(estimates: pd.DataFrame, label: str) -> int:
    """The row a label names: by item, group, level, or several of them joined by ":"."""
    item, group, level = (estimates[name] for name in ("item", "group", "level"))
    spellings = [item, group, level, item + ":" + level, item + level, item + ":" + group, group + ":" + level,
                 item + ":" + group + ":" + level]  # fmt: skip
    for spelling in spellings:
        hits = np.flatnonzero((spelling == label).to_numpy())
        if len(hits) == 1:
            return int(hits[0])
    raise EstimationError(
        "A contrast names no single row", where="{label}", expected="item, group, level or item:group:level",
        got="{rows} rows to choose from", label=label, rows=len(estimates),
    )  # fmt: skip


def ttest(d: SurveyDesign, y: str, by: str | None = None, mu: float = 0.0, level: float = 0.95) -> pd.DataFrame:
    """Design-based t-test: mean of y against mu, or between the two groups of a column.

    t = (θ̂ − mu)/SE with units − strata − 1 degrees of freedom (R svyttest); two groups: second minus first level, which
    is the slope of a regression on a dummy.

    Args: by: a column with two values in the domain; more raise.   mu: value under the null hypothesis.
    Returns: one row of statistic "difference" (two groups) or "mean", with t interval and p; neither, but the reason,
        where a group has one sampling unit or no degrees of freedom: its variance counts as 0 (R gives a p).
    Raises: EstimationError: by has not two levels with answers.

    >>> frame = pd.DataFrame({"y": [1.0, 2, 3, 5, 6, 7], "g": [0, 0, 0, 1, 1, 1], "w": 1.0})
    >>> row = ttest(SurveyDesign(frame, "w"), "y", "g").iloc[0]
    >>> row["estimate"], row["df"], round(row["p"], 4)
    (np.float64(4.0), np.float64(4.0), np.float64(0.0054))
    """
    answers = numeric(item_column(d.frame, y), y)
    if by is None:
        freedom = float(d.degf(np.isfinite(answers))) - 1
        out = estimate.mean(d.assign(**{y: answers}), y, df=freedom, level=level)
        value, se = out["estimate"].to_numpy(), out["se"].to_numpy()
        p, _, why = t_test(value - mu, se, np.full(1, freedom), np.maximum(np.abs(value), abs(mu)))
        out["p"] = _unless(out["reason"], p)[0]
        out["reason"] = np.where(out["reason"] != "", out["reason"], why)
        return out
    code, labels = coded(item_column(d.frame, by))
    used = np.isfinite(answers) & (code >= 0) & d.mask & (d.weights != 0)
    seen = np.unique(code[used])
    if len(seen) != 2:
        raise EstimationError(
            "A t-test compares two groups", where="{by}", expected="two values with answers", got="{count}",
            hint="use compare.pairwise or an analysis of variance for more", by=by, count=len(seen),
        )  # fmt: skip
    freedom = float(d.degf(used)) - 1
    means = estimate.mean(d.assign(**{y: answers, by: np.where(used, code.astype(float), np.nan)}).domain(used), y, by)
    table = means.attrs[KEY].table
    gap = np.array([means["estimate"].iloc[1] - means["estimate"].iloc[0]])
    scale = np.array([means["estimate"].abs().max(), abs(mu)]).max(keepdims=True)
    doubt = next((why for why in means["reason"] if why), "")
    base = means.iloc[:1].assign(
        reason=doubt, by=by, group=f"{labels[seen[1]]} - {labels[seen[0]]}", n=means["n"].sum()
    )
    out = _differences(
        base,
        "difference",
        gap,
        table[:, 1:] - table[:, :1],
        d.domain(used),
        np.isnan(gap),
        np.array([freedom]),
        level,
        scale,
    )
    # R's p stands beside the doubt here, where the caller named the very two groups; tables of many groups have none.
    out["p"] = t_test(gap - mu, out["se"].to_numpy(), np.array([freedom]), scale)[0]
    return results(out.assign(n_weighted=means["n_weighted"].sum()))


def rao_scott(
    d: SurveyDesign, row: str, col: str,
    statistic: Literal["F", "chi2", "wald", "adj_wald", "lincom", "saddlepoint"] = "F",
) -> pd.DataFrame:  # fmt: skip
    """Test that two categorical items are independent, with the design's correction (Rao & Scott 1984).

    X² = n Σ (p_rc − p_r p_c)²/(p_r p_c) over the n rows that answered both. With Δ the matrix of generalised design
    effects: F = X²/tr Δ on d₀ = (tr Δ)²/tr Δ² and d₀·ν degrees of freedom; chi2 = X²/mean eigenvalue on (R−1)(C−1).
    wald and adj_wald test the residuals p_rc − p_r p_c with their own covariance (Koch, Freeman & Freeman 1975).

    Returns: one row: item "row", by "col", the statistic's name and value, df of the denominator (of the
        numerator for chi2), level the numerator's, p; exact numbers also in attrs["test"].
    Raises: EstimationError: a variable has fewer than two levels with answers.

    >>> frame = pd.DataFrame({"a": [0, 0, 1, 1] * 5, "b": [0, 1, 1, 1] * 5, "w": 1.0})
    >>> round(float(rao_scott(SurveyDesign(frame, "w"), "a", "b")["p"].iloc[0]), 4)
    0.0157
    """
    from survey.estimation.tables import independence

    return independence(d, row, col, statistic)
