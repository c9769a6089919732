"""Programme effects: what a programme did where it came, by cohort and wave (Callaway & Sant'Anna 2021).

A cohort is everybody whose community (or who themselves) first had the programme in the same wave. Each effect is a
difference of two changes, cohort against residents without the programme in both waves, so that cohorts treated
earlier never serve as controls, which is what biases two-way fixed effects (Goodman-Bacon 2021). Every effect is a
smooth function of the weighted totals by cohort and wave of the stacked waves: one variance, as everywhere.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from survey.design import SurveyDesign, stack
from survey.errors import EstimationError
from survey.estimation.covariance import Covariance, remember
from survey.estimation.groups import item_column, numeric, text
from survey.estimation.intervals import mean_interval
from survey.estimation.multiplicity import adjusted, p_two_sided
from survey.sampling.linearized import Bools, Floats, Ints
from survey.sampling.replicates import Replicates
from survey.tidy import results

Control = Literal["never", "not_yet"]
Base = Literal["universal", "varying"]
Weighting = Literal["cohort", "simple"]
NEVER = "never"
WAVE = "_wave"
SIGNS = np.array([1.0, -1.0, -1.0, 1.0])


class Pair(NamedTuple):
    """Cohort first treated in wave g, seen in wave t against base wave b, compared with the control cohorts.

    Waves and cohorts are positions in the order of the waves; their number stands for "never".
    """

    g: int
    t: int
    b: int
    controls: tuple[int, ...]


@dataclass(frozen=True)
class GroupTime:
    """Effects of every cohort in every wave, ATT(g, t), with what their aggregates and covariances need.

    estimate (K,): one value a pair, in the unit of the outcome; alone (K,): whether one sampling unit is all of its
    cohort or controls in a wave; table (rows, K): influences by sampling unit, or values by replicate; size (T+1,),
    size_rows (rows, T+1): weighted residents by cohort over all waves.
    """

    design: SurveyDesign
    outcome: str
    waves: list[str]
    pairs: list[Pair]
    estimate: Floats
    table: Floats
    size: Floats
    size_rows: Floats
    cohort: Ints
    used: Bools
    n: Floats
    n_weighted: Floats
    psus: Floats
    alone: Bools
    df: float | None
    level: float

    def tidy(self) -> pd.DataFrame:
        """ATT(g, t): statistic "att" from wave g on, "att_pre" before it; group the cohort, level the wave.

        n is the smallest of the four cells' answers, psus the smaller number of units of cohort and controls (in
        aggregates: of all their cells).
        """
        frame = pd.DataFrame({
            "statistic": ["att" if pair.t >= pair.g else "att_pre" for pair in self.pairs], "by": "cohort",
            "group": [self.waves[pair.g] for pair in self.pairs], "level": [self.waves[pair.t] for pair in self.pairs],
            "n": self.n, "n_weighted": self.n_weighted, "psus": self.psus,
        })  # fmt: skip
        return self._rows(frame, self.estimate, self.table, self.pairs)

    def events(self) -> pd.DataFrame:
        """Event study: mean effect e waves after arrival, weighted by cohort size; statistic "att_event", group e."""
        steps = sorted({pair.t - pair.g for pair in self._known})
        return self._means("att_event", "event", {str(e): [p for p in self._known if p.t - p.g == e] for e in steps})

    def cohorts(self) -> pd.DataFrame:
        """Mean effect of each cohort over its waves with the programme; statistic "att_cohort", group the cohort."""
        return self._means("att_cohort", "cohort", self._after(lambda pair: self.waves[pair.g]))

    def overall(self, weighting: Weighting = "cohort") -> pd.DataFrame:
        """One effect for all: mean of the cohorts' mean effects, or of all (g, t) alike ("simple"), by cohort size."""
        every = self._after(lambda _: "")
        count = {g: sum(pair.g == g for pair in every.get("", [])) for g in {pair.g for pair in self.pairs}}
        share = {pair: 1 / count[pair.g] if weighting == "cohort" else 1.0 for pair in every.get("", [])}
        return self._means("att_overall", "", every, share)

    def pretrend(self) -> pd.DataFrame:
        """Joint Wald test that all effects before arrival are zero; statistic "pretrend", estimate F, level its df₁.

        F = (ν−r+1)/(νr) · θ'V⁺θ on r = rank V and ν−r+1 degrees of freedom (Korn & Graubard 1990, adjusted Wald),
        ν the smallest of any cohort with its controls: the least of the cohorts bounds how well V is known.
        A large p does not show that trends were parallel: look at the pre-effects and their intervals as well.
        """
        chosen = [k for k, pair in enumerate(self.pairs) if pair.t < pair.g and np.isfinite(self._se[k])]
        theta, row = self.estimate[chosen], {"item": self.outcome, "statistic": "pretrend"}
        if not chosen:
            return results([row | {"reason": "no wave before the programme but the base: nothing to test"}])
        v = self.design.covariance(self._filled(self.table[:, chosen]), self.used)
        rank = int(np.linalg.matrix_rank(v, hermitian=True))
        nu = min(self._freedom([self.pairs[k]]) for k in chosen)
        rest = nu - rank + 1
        if rank == 0 or rest <= 0:
            return results([row | {"reason": "fewer sampling units than effects to test"}])
        f = float(theta @ np.linalg.pinv(v, hermitian=True) @ theta) * rest / (nu * rank)
        return results([row | {"estimate": f, "level": str(rank), "df": rest, "p": float(stats.f.sf(f, rank, rest)),
                               "n": self.n[chosen].min(), "psus": self.psus[chosen].min()}])  # fmt: skip

    # -- private ------------------------------------------------------------------------------------------------------

    @property
    def _known(self) -> list[Pair]:
        return [pair for pair, value in zip(self.pairs, self.estimate, strict=True) if np.isfinite(value)]

    @property
    def _se(self) -> Floats:
        known = np.isfinite(self.estimate) & ~self.alone
        return np.where(known, np.sqrt(self.design.variances(self._filled(self.table), self.used)), np.nan)

    def _after(self, label: Any) -> dict[str, list[Pair]]:
        """Pairs from arrival on, by label, in the order of cohorts and waves."""
        pairs = [pair for pair in self._known if pair.t >= pair.g]
        return {
            name: [p for p in pairs if label(p) == name] for name in sorted({label(p) for p in pairs}, key=self._order)
        }

    def _order(self, label: str) -> int:
        return self.waves.index(label) if label else 0

    def _means(
        self, statistic: str, by: str, members: Mapping[str, list[Pair]], share: Mapping[Pair, float] | None = None
    ) -> pd.DataFrame:  # fmt: skip
        """θ = Σ N c ATT / Σ N c over the pairs of each group; z(θ) = Σ (N c z(ATT) + c (ATT − θ) z(N)) / Σ N c."""
        if not members:
            reason = "no cohort has a wave before the programme and residents without it"
            return results([{"item": self.outcome, "statistic": statistic, "by": by, "reason": reason}])
        values, tables, rows = [], [], []
        for label, pairs in members.items():
            k = [self.pairs.index(pair) for pair in pairs]
            g, c = [pair.g for pair in pairs], np.array([1.0 if share is None else share[pair] for pair in pairs])
            weight = self.size[g] * c
            value = float(weight @ self.estimate[k] / weight.sum())
            if self.design.replicates is not None:
                each = self.size_rows[:, g] * c
                table = (each * self.table[:, k]).sum(axis=1) / each.sum(axis=1)
            else:
                table = (
                    self.table[:, k] @ weight + self.size_rows[:, g] @ (c * (self.estimate[k] - value))
                ) / weight.sum()
            row = {"statistic": statistic, "by": by, "group": label, "n": self.n[k].min(), "psus": self.psus[k].min()}
            rows.append(row)
            values.append(value)
            tables.append(table)
        return self._rows(pd.DataFrame(rows), np.array(values), np.column_stack(tables), list(members.values()))

    def _rows(self, frame: pd.DataFrame, value: Floats, table: Floats, pairs: Sequence[Any]) -> pd.DataFrame:
        """Rows with SE, t interval and p; none where one sampling unit is all of a cohort or its controls."""
        table = self._filled(table)
        df = np.array([self._freedom([each] if isinstance(each, Pair) else each) for each in pairs], dtype=float)
        psus = frame["psus"].to_numpy(dtype=float)
        single = dict(zip(self.pairs, self.alone, strict=True))
        alone = np.array([any(single[pair] for pair in ([each] if isinstance(each, Pair) else each)) for each in pairs])
        se = np.where(np.isfinite(value) & ~alone, np.sqrt(self.design.variances(table, self.used)), np.nan)
        low, high = mean_interval(value, se, df, self.level)
        with np.errstate(divide="ignore", invalid="ignore"):
            p, cv = p_two_sided(value / se, df), se / np.abs(value)
        few = "one sampling unit in the cohort or its controls: no interval"
        reasons = ["no answers in the cohort or among its controls", few, "no degrees of freedom: no interval"]
        reason = np.select([~np.isfinite(value), alone, df <= 0], reasons, "")
        new: dict[str, Any] = {
            "item": self.outcome, "estimate": value, "se": se, "ci_low": low, "ci_high": high, "df": df, "p": p,
            "cv": cv, "reason": reason, "psus": np.where(psus < 0, np.nan, psus),
        }  # fmt: skip
        kept = Covariance(lambda: table, self.design.covariance, df, self.design.replicates is not None)
        return remember(results(frame.assign(**new)), kept)

    def _filled(self, table: Floats) -> Floats:
        return table if self.design.replicates is not None else np.where(np.isfinite(table), table, 0.0)

    def _freedom(self, pairs: Sequence[Pair]) -> float:
        """Units − strata among the cohorts compared, less 1: the changes of two groups of units are compared."""
        if self.df is not None:
            return self.df
        cohorts = [h for pair in pairs for h in (pair.g, *pair.controls)]
        return float(self.design.degf(self.used & np.isin(self.cohort, cohorts))) - 1


def group_time(
    waves: Mapping[str, SurveyDesign], y: str, cohort: str, *, control: Control = "never", base: Base = "universal",
    shared_psus: bool = True, level: float = 0.95, df: float | None = None,
) -> GroupTime:  # fmt: skip
    """Effect of the programme in each wave t on each cohort g, from repeated cross-sections.

    ATT(g,t) = (ȳ_gt − ȳ_gb) − (ȳ_Ct − ȳ_Cb) with weighted means ȳ; z = its four domain means' influences on the stacked
    waves, so units drawn in several waves keep their covariance. It is the effect if, without the programme, cohort and
    controls had changed alike (parallel trends) and nobody reacted before it came; no covariates enter. Callaway &
    Sant'Anna (2021), unconditional.

    Args:
        waves: label → design, in the order of time, with the same kind of strata and units.
        y: numeric or 0/1 outcome; the effect has its unit (shares: 0–1).
        cohort: column with the label of the wave in which the programme first reached the respondent's place, or
            "never"; missing leaves the respondent out. Cohorts of the first wave have no base and are left out too.
        control: "never", or "not_yet": also cohorts that get it later than both waves compared.
        base: "universal", b = the last wave before arrival; "varying", before arrival b = the wave before t instead.
        shared_psus: equal unit values in two waves are the same unit.   df: for t; else units − strata − 1.
    Raises: EstimationError: fewer than two waves, a cohort that is no wave, no cohort or no control.

    >>> y, psu = [0, 0, 1, 1], [1, 2, 3, 4]
    >>> frame = pd.DataFrame({"y": y, "psu": psu, "first": ["2", "2", "never", "never"], "w": 1.0})
    >>> one = SurveyDesign(frame, "w", psu="psu")
    >>> two = SurveyDesign(frame.assign(y=[1, 0, 1, 1]), "w", psu="psu")
    >>> group_time({"1": one, "2": two}, "y", "first").tidy()[["group", "level", "estimate"]].values.tolist()
    [['2', '2', 0.5]]
    """
    labels = [str(label) for label in waves]
    both = _stacked(waves, y, cohort, shared_psus)
    wave = pd.Index(labels).get_indexer(pd.Index(both.frame[WAVE].astype(str)))
    group = _positions(both.frame[cohort], labels, cohort)
    answer = numeric(item_column(both.frame, y), y)
    used = both.mask & np.isfinite(answer) & (group >= 0) & (both.weights > 0)
    pairs = _pairs(np.unique(group[used]), len(labels), control, base)
    if not pairs:
        raise EstimationError(
            "No cohort can be compared", where="{cohort}", expected="a cohort that starts after the first wave, and "
            "respondents without the programme", got="cohorts {found}", hint='try control="not_yet"', cohort=cohort,
            found=", ".join([*labels, NEVER][g] for g in np.unique(group[used])) or "of nobody",
        )  # fmt: skip
    T = len(labels)
    cells = (T + 1) * T
    code = np.where(used, group * T + wave, -1)
    totals = both.totals(code, cells, [np.where(used, answer, 0.0), None])
    estimate, table = _differences(totals.whole, totals.rows, pairs, T, both.replicates is not None)
    n, psus = (
        _of_domains(count, pairs, T) for count in (np.bincount(code[used], minlength=cells), both.psus_by(code, cells))
    )
    size, rows = (part[..., cells:].reshape(*part.shape[:-1], T + 1, T).sum(axis=-1) for part in totals)
    treated = np.array([totals.whole[cells + pair.g * T + pair.t] for pair in pairs])
    fewest = psus.min(axis=1)
    alone = fewest == 1 if both.replicates is None else _alone(both.replicates, code, pairs, T)
    return GroupTime(both, y, labels, pairs, estimate, table, size, rows, group, used, n.min(axis=1), treated, fewest,
                     alone, df, level)  # fmt: skip


def programme(waves: Mapping[str, SurveyDesign], y: str, cohort: str, **options: Any) -> pd.DataFrame:
    """Every figure on a programme: overall, event study, cohorts, each ATT(g, t), pre-trend test.

    q corrects p over the rows of a statistic (Holm).   Args: as `group_time`.

    >>> frame = pd.DataFrame({"y": [0, 0, 1, 1], "psu": [1, 2, 3, 4], "first": ["2", "2", "never", "never"], "w": 1.0})
    >>> one = SurveyDesign(frame, "w", psu="psu")
    >>> rows = programme({"1": one, "2": one.assign(y=[1, 0, 1, 1])}, "y", "first")
    >>> rows["statistic"].tolist()
    ['att_overall', 'att_event', 'att_cohort', 'att', 'pretrend']
    """
    found = group_time(waves, y, cohort, **options)
    parts = [found.overall(), found.events(), found.cohorts(), found.tidy(), found.pretrend()]
    for part in parts:
        part.attrs = {}
    return adjusted(results(pd.concat(parts, ignore_index=True)), "holm", ["statistic"])


def first_treated(
    waves: Mapping[str, SurveyDesign], treated: str, unit: str, code: Any = 1, into: str = "cohort"
) -> dict[str, SurveyDesign]:  # fmt: skip
    """The designs with a column naming the first wave in which the respondent's unit had the programme, or "never".

    Args: treated: column that equals code where the programme is there.   unit: column of the community.
    Raises: EstimationError: a unit has both states in one wave, loses the programme, or was not seen in the wave before
    it is first seen with it, so that its cohort is not known.

    >>> d = SurveyDesign(pd.DataFrame({"unit": ["a", "b"], "has": [0, 0], "w": 1.0}), "w")
    >>> out = first_treated({"1": d, "2": d.assign(has=[1, 0])}, "has", "unit")
    >>> out["1"].frame["cohort"].tolist()
    ['2', 'never']
    """
    state = pd.DataFrame({str(label): _state(d.frame, treated, unit, code, str(label)) for label, d in waves.items()})
    has, seen = (state == 1.0).to_numpy(), state.notna().to_numpy()
    ever, first = has.any(axis=1), has.argmax(axis=1)
    lost = (has.cumsum(axis=1) > 0) & seen & ~has
    unknown = ever & (first > 0) & ~seen[np.arange(len(state)), np.maximum(first - 1, 0)]
    gone = lost.any(axis=1)
    bad = gone if gone.any() else unknown
    if bad.any():
        raise EstimationError(
            "The first wave with the programme does not follow from the data", where="{column}",
            got="a unit had the programme and then not: {units}" if gone.any() else
            "a unit was not seen in the wave before it had the programme: {units}",
            hint="give the cohort as a column", column=treated, units=", ".join(map(str, state.index[bad][:5])),
        )  # fmt: skip
    cohort = pd.Series(np.where(ever, state.columns.to_numpy(dtype=object)[first], NEVER), index=state.index)
    return {str(label): d.assign(**{into: d.frame[unit].map(cohort)}) for label, d in waves.items()}


def _state(frame: pd.DataFrame, treated: str, unit: str, code: Any, wave: str) -> pd.Series:
    """1 or 0 by unit: whether it has the programme in this wave."""
    column = item_column(frame, treated)
    has = column.map(lambda value: text(value) == text(code)).astype(float).where(column.notna())
    by_unit = has.groupby(item_column(frame, unit)).agg(["min", "max"])
    mixed = by_unit.index[by_unit["min"] < by_unit["max"]]
    if len(mixed):
        raise EstimationError(
            "A unit both has and has not the programme in one wave", where="{column}, wave {wave}", got="{units}",
            column=treated, wave=wave, units=", ".join(map(str, mixed[:5])),
        )  # fmt: skip
    return by_unit["max"]


def _stacked(waves: Mapping[str, SurveyDesign], y: str, cohort: str, shared_psus: bool) -> SurveyDesign:
    """The waves as one design that holds only the columns needed."""
    if len(waves) < 2:
        raise EstimationError("A programme effect needs waves before and after", expected="two waves or more",
                              got="{count}", count=len(waves))  # fmt: skip
    slim = {}
    for label, d in waves.items():
        for name in (y, cohort):
            item_column(d.frame, name)
        slim[str(label)] = copy.copy(d)
        frame = d.frame[list(dict.fromkeys([*d.strata, *d.psu, *d.fpc]))]
        first = d.frame[cohort].astype(object)
        new: dict[str, Any] = {y: numeric(d.frame[y], y), cohort: first.where(first.notna(), None)}
        slim[str(label)].frame = frame.assign(**new)
    return stack(slim, by=WAVE, shared_psus=shared_psus)


def _positions(column: pd.Series, labels: list[str], name: str) -> Ints:
    """Cohorts as positions of waves, the number of waves for "never", −1 for missing."""
    values = column.map(text, na_action="ignore")
    position = pd.Index([*labels, NEVER]).get_indexer(pd.Index(values))
    strange = sorted(set(values[(position < 0) & values.notna().to_numpy()]))
    if strange:
        raise EstimationError(
            "A cohort is not one of the waves", where="{column}", expected='{waves}, "never" or missing', got="{found}",
            hint='call a cohort that starts after the last wave "never"', column=name, waves=", ".join(labels),
            found=", ".join(strange[:5]),
        )  # fmt: skip
    return np.asarray(position, dtype=np.intp)


def _pairs(cohorts: Ints, T: int, control: Control, base: Base) -> list[Pair]:
    """All (g, t) that can be compared, with base wave and controls."""
    pairs = []
    for g in (int(each) for each in cohorts if 0 < each < T):
        for t in range(T):
            b = g - 1 if t >= g or base == "universal" else t - 1
            lenders = tuple(int(h) for h in cohorts if h == T or (control == "not_yet" and h != g and h > max(t, b)))
            if b >= 0 and b != t and lenders:
                pairs.append(Pair(g, t, b, lenders))
    return pairs


def _of_domains(counts: Floats | Ints, pairs: list[Pair], T: int) -> Floats:
    """Sums over the four domains of each pair (…, K, 4): cohort in t and b, controls in t and b."""
    cube = counts.reshape(*counts.shape[:-1], T + 1, T)
    domains = [[([g], t), ([g], b), (list(h), t), (list(h), b)] for g, t, b, h in pairs]
    parts = [[cube[..., group, wave].sum(axis=-1) for group, wave in four] for four in domains]
    return np.moveaxis(np.array(parts, dtype=float), (0, 1), (-2, -1))


def _alone(replicates: Replicates, code: Ints, pairs: list[Pair], T: int) -> Bools:
    """Whether all rows of a pair's cohort or controls in a wave change their weights alike in every replicate (K,).

    That is how rows of one sampling unit behave, which is all that replicate weights tell of the units.
    """
    rows = np.flatnonzero(code >= 0)
    factors = replicates.weights[rows] / replicates.full[rows, None]
    pattern = np.unique(factors.round(9), axis=0, return_inverse=True)[1].ravel()
    seen = np.zeros((int(pattern.max()) + 1, (T + 1) * T))
    seen[pattern, code[rows]] = 1.0
    patterns = (_of_domains(seen, pairs, T) > 0).sum(axis=0)
    return np.asarray((patterns == 1).any(axis=-1))


def _differences(whole: Floats, rows: Floats, pairs: list[Pair], T: int, replicated: bool) -> tuple[Floats, Floats]:
    """ATT(g, t) (K,) and their influences by unit, or values by replicate, from totals of y and of 1 by cell."""
    half = (T + 1) * T
    y, one = (_of_domains(part, pairs, T) for part in (whole[:half], whole[half:]))
    y_rows, one_rows = (_of_domains(part, pairs, T) for part in (rows[:, :half], rows[:, half:]))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = y / one
        table = y_rows / one_rows if replicated else (y_rows - mean * one_rows) / one
    return mean @ SIGNS, table @ SIGNS
