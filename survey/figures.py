"""The figures that survey.yaml asks for, as rows of survey.tidy, by the engine of estimate, compare and model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from survey import compare, estimate, model
from survey.codebook import Codebook, choice
from survey.design import SurveyDesign
from survey.errors import DesignError
from survey.estimation.groups import grouped
from survey.estimation.intervals import share_interval
from survey.privacy import Protected
from survey.quality import FLAGGED
from survey.sampling.calibrated import Calibration
from survey.tidy import results, settled
from survey.weighting import FINAL, before_totals, crossing

STRATUM = "stratum_"
WITH_REPLACEMENT: Literal["replace"] = "replace"
"""What design effects compare with. A delivered weight is often scaled to a mean near one; its sum is no population."""
TERM = re.compile(r"^C\((?P<item>\w+)\)\[(?:T\.)?(?P<level>.+)\]$")


def design_of(wave: Protected, book: Codebook, weight: str | None = None) -> SurveyDesign:
    """The design of a weighted wave: strata crossed to one, units nested in them, variance aware of the known totals.

    weight: a ready weight in place of the final one, as it stands.
    """
    frame, settings = wave.frame, book.design
    if settings.strata:
        frame = frame.assign(**{STRATUM: crossing(frame, ":".join(settings.strata))})
    try:
        return SurveyDesign(
            frame,
            weights=FINAL if weight is None else frame[weight].fillna(0.0).to_numpy(),
            strata=STRATUM if settings.strata else None,
            psu=list(settings.psu) or None,
            fpc=list(settings.fpc) or None,
            lonely_psu=settings.lonely_psu,
            nest=bool(settings.psu and settings.strata),
            calibration=[] if weight else _calibration(wave, book),
        )
    except DesignError as fault:  # survey.yaml knows the items by their names
        parts = {"where": fault.where.replace(STRATUM, ":".join(settings.strata)), "expected": fault.expected}
        raise DesignError(fault.title, **parts, got=fault.got, hint=fault.hint, **fault.values) from None


def numbered(waves: Mapping[str, Protected], book: Codebook) -> dict[str, Protected]:
    """The waves with their pseudonymous strata and units as numbers, the same in every wave, first seen first.

    Sums run over units in order; the order of pseudonyms is the key's, and would be seen in the last digit.
    """
    hidden = [name for name in (*book.design.strata, *book.design.psu) if name in book.privacy.pseudonyms]
    frames = {name: wave.frame for name, wave in waves.items()}
    for column in hidden:
        seen = pd.concat([frame[column] for frame in frames.values()]).drop_duplicates()
        number = dict(zip(seen, range(len(seen)), strict=True))
        frames = {name: frame.assign(**{column: frame[column].map(number)}) for name, frame in frames.items()}
    return {name: Protected(frames[name], wave.reasons, wave.facts) for name, wave in waves.items()}


def _calibration(wave: Protected, book: Codebook) -> list[Calibration]:
    """The step that met known totals: levels of margins as they were merged, and numbers.

    Raking, post-stratification and calibration by any distance, bounded or not, have the variance of the
    regression estimator to first order (Deville & Särndal 1992). Factors for nonresponse are taken as known,
    and trimming as part of the calibration.
    """
    names, frame = book.weighting.margins(), wave.frame
    if not names:
        return []
    facts = wave.facts.get("weighting", {})
    numbers, merged = list(facts.get("numbers", ())), facts.get("merged", {})
    margins = [crossing(frame, name, merged.get(name)) for name in names if name not in numbers]
    columns = [pd.get_dummies(margin).to_numpy(dtype=float) for margin in margins]
    columns += [frame[[name]].to_numpy(dtype=float) for name in numbers]
    return [Calibration(np.hstack(columns), before_totals(frame), frame[FINAL].to_numpy(float))]


def design_facts(wave: Protected, book: Codebook) -> dict[str, Any]:
    """Strata, sampling units and degrees of freedom of a wave, for the report."""
    d = design_of(wave, book)
    facts: dict[str, Any] = {"df": float(d.degf()), "lonely_psu": book.design.lonely_psu}
    if book.design.strata:
        facts["strata"] = int(d.frame[STRATUM].nunique())
    if book.design.psu:
        facts["psus"] = int(d.frame[[*book.design.strata, book.design.psu[0]]].drop_duplicates().shape[0])
    return facts


def breakdowns(book: Codebook) -> list[str]:
    """Variables the report breaks its indicators down by."""
    return [*([book.report.area] if book.report.area else []), *book.report.groups]


def practice_variables(book: Codebook) -> list[str]:
    """Variables of the practice areas, each once, that are no indicators."""
    parts = [part for area in book.report.practices.values() for part in (area.aware, area.met, area.satisfied) if part]
    return [name for name in dict.fromkeys(parts) if name not in book.indicators]


def levels(wave: Protected, book: Codebook, name: str) -> pd.DataFrame:
    """Every level figure of one wave: answers, indicators and practice areas, the latter two also by group.

    Where answer patterns stand out, the headline figures also without those clusters and for them alone (by
    `in_flagged_cluster`, group 0 and 1): domains, so that the design stays whole.
    """
    wave = numbered({name: wave}, book)[name]
    d = design_of(wave, book)
    asked = book.questions()
    shown = list(book.report.items) or [item for item, settings in asked.items() if settings.block != "other"]
    single = [item for item in shown if asked[item].kind == "single"]
    parts = [estimate.proportion(d, single, deff=WITH_REPLACEMENT)] if single else []
    parts += [_multiple(d, item, book) for item in shown if asked[item].kind == "multiple"]
    parts = [rows.assign(block=rows["item"].map({item: asked[item].block for item in shown})) for rows in parts]
    for block, each, variables in (
        *(("indicators", *part) for part in _by_weight(wave, book)),
        ("practices", d, practice_variables(book)),
    ):
        for by in [None, *breakdowns(book)] if variables else []:
            parts.append(shares(each, variables, by).assign(block=block))
    if FLAGGED in d.frame and d.frame[FLAGGED].any():
        for each, indicators in _by_weight(wave, book):
            headline = [name for name in book.report.headline if name in indicators]
            parts += [shares(each, headline, FLAGGED).assign(block="integrity")] if headline else []
    return settled(results(pd.concat(parts, ignore_index=True).assign(survey=book.survey, wave=name)))


def _by_weight(wave: Protected, book: Codebook) -> list[tuple[SurveyDesign, list[str]]]:
    """The indicators, and the design they are estimated by: one for each weight they name."""
    sets: dict[str | None, list[str]] = {}
    for name, indicator in book.indicators.items():
        known = indicator.weight in wave.frame and wave.frame[indicator.weight].notna().any()
        sets.setdefault(indicator.weight if known else None, []).append(name)
    return [(design_of(wave, book, weight), variables) for weight, variables in sets.items()]


def design_for(wave: Protected, book: Codebook, variable: str) -> SurveyDesign:
    """The design by which a variable is estimated: that of the weight it names, or the wave's own."""
    own = (d for d, indicators in _by_weight(wave, book) if variable in indicators)
    return next(own, None) or design_of(wave, book)


def _multiple(d: SurveyDesign, item: str, book: Codebook) -> pd.DataFrame:
    """Share of those asked who chose each level; the shares add up to more than one."""
    scale = book.scale_of(item)
    options = {choice(item, level): level for level in (scale.levels if scale else ())}
    return estimate.multiple(d, options, name=item, of=["respondents"], deff=WITH_REPLACEMENT)


def shares(d: SurveyDesign, variables: list[str], by: str | None) -> pd.DataFrame:
    """Means of variables between 0 and 1 with the number of sampling units behind each; statistic "mean".

    Intervals: 0/1 variables get the logit interval, or Korn–Graubard's where fewer than ten answers (in effective
    numbers) lie on one side; fractions of several answers get the t interval of a mean.
    """
    binary = [name for name in variables if d.frame[name].dropna().isin([0.0, 1.0]).all()]
    fraction = [name for name in variables if name not in binary]
    parts = [estimate.mean(d, fraction, by, deff=WITH_REPLACEMENT)] if fraction else []
    if binary:
        ones = estimate.proportion(d, binary, by, deff=WITH_REPLACEMENT)
        ones = ones[ones["level"] == "1"].reset_index(drop=True)
        rare = ones["n_eff"] * np.minimum(ones["estimate"], 1 - ones["estimate"]) < 10
        p, se, df, n = (ones[name].to_numpy(dtype=float) for name in ("estimate", "se", "df", "n"))
        low, high = share_interval(p, se, df, n, "beta")
        parts.append(ones.assign(ci_low=ones["ci_low"].mask(rare, low), ci_high=ones["ci_high"].mask(rare, high)))
    rows = pd.concat(parts, ignore_index=True).assign(statistic="mean", level="")
    rows = rows.sort_values("item", key=lambda item: item.map(variables.index), kind="stable", ignore_index=True)
    groups = grouped(d.frame, by)
    units = dict(zip(groups.labels, d.psus_by(groups.code, len(groups.labels)), strict=True))
    return rows.assign(psus=rows["group"].map(units).astype(float))


def comparisons(waves: Mapping[str, Protected], book: Codebook) -> pd.DataFrame:
    """For the last wave: the change of every indicator since each wave given, and each group against the rest.

    Changes by group are since the wave before and since the same season a year earlier.

    q corrects p within the table a reader sees (Benjamini & Hochberg 1995): the indicators of the headline, the areas
    of an indicator, the groups of an indicator over all breakdowns.
    """
    names, waves = list(waves), numbered(waves, book)
    designs = {name: _by_weight(wave, book) for name, wave in waves.items()}
    parts = []
    for now, indicators in designs[names[-1]]:
        asked = [name for name in indicators if now.frame[name].notna().any()]
        parts += [
            compare.against_rest(now, asked, by, measure="mean", adjust="").assign(level="rest")
            for by in (breakdowns(book) if asked else [])
        ]
    for earlier in dict.fromkeys(names[:-1]):
        whole_table = earlier in (names[-2], book.year_before(names[-1]))  # since the first wave, the city alone
        groups = [None, *(breakdowns(book) if whole_table else [])]
        broken = [name for name in book.indicators if book.breaks(name, earlier, names[-1])]
        for before, indicators in designs[earlier]:
            for now, later in designs[names[-1]]:
                shared = [name for name in indicators if name in later]
                parts += _changes(before, now, earlier, groups, shared, broken, book)
    if not parts:
        return results([])
    rows = pd.concat(parts, ignore_index=True).assign(survey=book.survey, wave=names[-1], block="indicators")
    table = np.where(rows["by"] == "", "headline", np.where(rows["by"] == book.report.area, "areas", "groups"))
    family = [f"{where}|{item if where != 'headline' else ''}" for where, item in zip(table, rows["item"], strict=True)]
    adjusted = compare.adjusted(rows.assign(family=family), "bh", within=["statistic", "family", "level"])
    return settled(results(adjusted))


def _changes(
    before: SurveyDesign, now: SurveyDesign, earlier: str, groups: list[str | None], indicators: list[str],
    broken: list[str], book: Codebook,
) -> list[pd.DataFrame]:  # fmt: skip
    """Change of the indicators that both waves asked, for everybody and by group; level names the earlier wave.

    Across a break in the series nothing is computed: a row for everybody says so.
    """
    both = [name for name in indicators if before.frame[name].notna().any() and now.frame[name].notna().any()]
    apart = {"statistic": "change", "level": earlier, "flag": "break", "reason": "break in series"}
    told = [{"item": name, **apart} for name in both if name in broken]
    both = [name for name in both if name not in broken]
    stacked = compare.two_waves(before, now, book.design.shared_psus)
    changes = [
        compare.change_within(stacked, both, group, measure="mean").assign(level=earlier)
        for group in (groups if both else [])
    ]
    return [*changes, results(told)] if told else changes


def regressions(wave: Protected, book: Codebook, name: str) -> pd.DataFrame:
    """Coefficients and average marginal effects of the models of the report plan; q corrects p over a model's terms.

    Levels that fewer than min_n respondents gave, or fewer than unanimous_n of one and the same 0/1 outcome, are left
    out: a coefficient of a level is a figure of its respondents.
    """
    wave, parts = numbered({name: wave}, book)[name], []
    for label, plan in book.report.models.items():
        d = design_for(wave, book, plan.outcome)
        supported, terms = _supported(d, [plan.outcome, *plan.terms], book)
        formula = " + ".join(f"C({term})" if book.scale_of(term) else term for term in terms if term != plan.outcome)
        fit = model.fit(supported, f"{plan.outcome} ~ {formula or 1}", family=plan.family)
        rows = pd.concat([fit.tidy(), fit.margins().assign(statistic="margin")], ignore_index=True)
        rows = _terms(rows).assign(block=f"model_{label}")
        constant = rows["item"] == "intercept"
        parts += [compare.adjusted(rows[~constant], "bh", within=["statistic"]), rows[constant]]
    if not parts:
        return results([])
    return settled(results(pd.concat(parts, ignore_index=True).assign(survey=book.survey, wave=name)))


def _supported(d: SurveyDesign, variables: list[str], book: Codebook) -> tuple[SurveyDesign, list[str]]:
    """The design with thin levels made missing, and the variables without 0/1 ones of which one side is thin.

    Args: variables: the outcome, then the terms.
    """
    known = d.frame[variables].notna().all(axis=1)
    outcome = d.frame.loc[known, variables[0]]
    kept, masked = [], {}
    for name in variables:
        column = d.frame[name]
        thin, sides = _thin(column[known], outcome, book)
        if isinstance(column.dtype, pd.CategoricalDtype):
            masked[name] = column.mask(column.isin(thin)).cat.remove_unused_categories()
        if isinstance(column.dtype, pd.CategoricalDtype) or name == variables[0] or not (sides == 2 and len(thin)):
            kept.append(name)
    return d.assign(**masked), kept


def _thin(column: pd.Series, outcome: pd.Series, book: Codebook) -> tuple[pd.Index, int]:
    """Values that too few gave, or a few who all had one 0/1 outcome; and how many values there are."""
    count = column.value_counts()
    thin = count < book.disclosure.min_n
    if column.name != outcome.name and outcome.isin([0.0, 1.0]).all():
        one_sided = outcome.groupby(column.astype(object)).nunique().reindex(count.index).eq(1).to_numpy()
        thin |= one_sided & (count < book.disclosure.unanimous_n)
    return count.index[thin], len(count)


def _terms(rows: pd.DataFrame) -> pd.DataFrame:
    """Terms of a formula as item and level: C(sex)[T.2] is item sex, level 2."""
    found = rows["item"].str.extract(TERM)
    item = found["item"].fillna(rows["item"]).replace({"Intercept": "intercept", "const": "intercept"})
    return rows.assign(item=item, level=found["level"].fillna(rows["level"]))
