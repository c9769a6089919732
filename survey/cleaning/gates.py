"""What stops a wave: thresholds of survey.yaml, and weights or variances that could not be made further on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from survey.codebook import Codebook, Wave
from survey.errors import DataError, GateError
from survey.problems import Notes, Strange


def passed(counts: Mapping[str, int], notes: Notes, book: Codebook, wave: Wave) -> Iterator[GateError]:
    """Every threshold of `gates` that is passed, and codes that a recode would mix."""
    for item, row, code in notes.merged:
        yield GateError(
            "A recode turns another code into {code}, which is delivered as well and is not listed",
            where="{file} row {row}, column {item}",
            expected="every delivered code under `recode` of {item}",
            got="no line for {code}",
            hint="add what {code} stands for in this wave; `{code}: {code}` if it stays what it is",
            code=code,
            file=wave.file,
            row=row,
            item=item,
        )
    yield from _unexplained(notes, book, wave)
    gates = book.gates
    if counts["completes"] < gates.min_completes:
        yield GateError(
            "Too few complete interviews to publish",
            where="{file}",
            expected="at least {limit} (gates.min_completes)",
            got="{found}",
            hint="look at the problems: quarantined cases may tell why",
            file=wave.file,
            limit=gates.min_completes,
            found=counts["completes"],
        )
    share = counts["quarantined"] / max(counts["completes"] + counts["quarantined"], 1)
    if share > gates.max_quarantined:
        yield GateError(
            "Too many interviews had to be put in quarantine",
            where="{file}",
            expected="at most {limit} (gates.max_quarantined)",
            got="{found}",
            hint="`anxin check` lists the rules that fired",
            file=wave.file,
            limit=f"{gates.max_quarantined:.1%}",
            found=f"{share:.1%}",
        )
    interviews = max(counts["completes"] + counts["partial"] + counts["set_aside"], 1)
    for rule, limit in gates.max_fired.items():
        fired = len(notes.fired(rule)) / interviews
        if fired > limit:
            yield GateError(
                "Too many interviews with the problem: {problem}",
                where="{file} row {row}",
                expected="at most {limit} (gates.max_fired)",
                got="{found}; this is the first",
                hint="`anxin check` lists the rules that fired",
                file=wave.file,
                problem=rule,
                row=notes.fired(rule)[0],
                limit=f"{limit:.1%}",
                found=f"{fired:.1%}",
            )


def _unreadable(each: Strange, limit: float, wave: Wave) -> GateError:
    hint = (
        "declare them under `recode` or `missing`, or give the item another kind; `anxin check --problems` lists them"
    )
    return GateError(
        "{share} of the cells of {item} cannot be read as its kind says",
        where="{file} row {row}, column {item}",
        expected="at most {limit} (gates.max_unknown_levels)",
        got='{count} cells, most of the form "{shape}"; this is the first',
        hint='write `decimal: ","` below the file of the wave' if each.comma and wave.decimal == "." else hint,
        item=each.item,
        file=wave.file,
        row=each.row,
        count=each.bad,
        shape=each.shape,
        share=f"{each.bad / each.given:.1%}",
        limit=f"{limit:.1%}",
    )


def _unexplained(notes: Notes, book: Codebook, wave: Wave) -> Iterator[GateError]:
    """Items with too many answers that no level explains, each with its first such column."""
    limit = book.gates.max_unknown_levels
    first: dict[str, Strange] = {}
    for each in notes.strange:
        if each.bad > limit * each.given:
            first.setdefault(each.item, each)
    for each in first.values():
        if each.shape:
            yield _unreadable(each, limit, wave)
            continue
        yield GateError(
            "{share} of the answers to {item} are levels that its scale does not define",
            where="{file} row {row}, column {item}",
            expected="at most {limit} (gates.max_unknown_levels)",
            got="{share}; this is the first",
            hint="add the level to the scale, or a `recode` to the wave",
            item=each.item,
            file=wave.file,
            row=each.row,
            share=f"{each.bad / each.given:.1%}",
            limit=f"{limit:.1%}",
        )


def weighable(frame: pd.DataFrame, book: Codebook, wave: Wave) -> Iterator[DataError]:
    """Why a base weight cannot be made; said here, where the row of the file is still known."""
    settings = book.weighting
    for name in [*([settings.base] if settings.base else []), *settings.inverse, *settings.times]:
        values = frame[name]
        rules = {"is negative": values < 0}
        if name == settings.base:
            rules["is zero for everybody"] = pd.Series(not values.sum() > 0, index=frame.index)
        else:
            rules["is zero"] = values == 0
        if settings.blank_base == "fail":
            rules["is blank or no number"] = values.isna()
        for rule, wrong in rules.items():
            if wrong.any():
                yield DataError(
                    "A base weight {rule}",
                    where="{file} row {row}, column {column}",
                    expected="a positive number for everybody",
                    got="{count} rows where it {rule}",
                    hint="ask for a corrected delivery; `blank_base: exclude` leaves out people without a weight",
                    rule=rule,
                    file=wave.file,
                    row=wrong.index[wrong][0],
                    column=name,
                    count=int(wrong.sum()),
                )


def placed(frame: pd.DataFrame, book: Codebook, wave: Wave) -> Iterator[DataError]:
    """Interviews without a stratum, a sampling unit or a population count; the variance needs them of everybody.

    Whoever has no base weight where survey.yaml leaves such people out (`blank_base`) needs no place either.
    """
    design, plan = book.design, book.weighting
    weights = [*([plan.base] if plan.base else []), *plan.inverse, *plan.times]
    counted = pd.Series(True, index=frame.index)
    if plan.blank_base == "exclude" and weights:
        counted = frame[weights].notna().all(axis=1)
    for key, names in (("strata", design.strata), ("psu", design.psu), ("fpc", design.fpc)):
        for name in names:
            blank = counted & (frame[name].isna() | frame[name].isin([""]))
            if blank.any():
                yield DataError(
                    "An interview has no {item}, which the sample design needs",
                    where="{file} row {row}, column {item}",
                    expected="a value for everybody (design.{key})",
                    got="{count} rows without",
                    hint="ask for a corrected delivery; `required: true` at the item sets such interviews aside",
                    item=name,
                    file=wave.file,
                    row=blank.index[blank][0],
                    key=key,
                    count=int(blank.sum()),
                )


def estimable(frame: pd.DataFrame, book: Codebook, wave: Wave) -> Iterator[DataError]:
    """A stratum that has one PSU where the policy is to fail; said here, where file and columns are known."""
    design = book.design
    if design.lonely_psu != "fail" or not design.strata or not design.psu:
        return
    units = frame.groupby(list(design.strata), observed=True)[design.psu[0]].nunique()
    if (units == 1).any():
        alone = frame.set_index(list(design.strata)).index.isin(units.index[units == 1])
        yield DataError(
            "A stratum has only one sampling unit, so its variance cannot be estimated",
            where="{file} row {row}, column {column}",
            expected="two or more sampling units in every stratum",
            got="{count} strata with one",
            hint="merge the stratum with a similar one, or choose another `lonely_psu`",
            file=wave.file,
            column=design.psu[0],
            row=frame.index[alone][0],
            count=int((units == 1).sum()),
        )
