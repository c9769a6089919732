"""Cleaning: frame as delivered + codebook → typed frame, why each answer is missing, problems, quarantine.

Nothing is fixed silently: a cell that the codebook cannot explain becomes missing and a row of the problems table, a
case that cannot be used goes to the quarantine, both with the row of the delivered file.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from survey.answers import CODE_OF, Notes, typed
from survey.codebook import Codebook, Wave, number_code
from survey.errors import DataError, GateError, masked
from survey.recipes import derive


@dataclass(frozen=True)
class Cleaned:
    """One wave, typed. Rows keep the row of the delivered file as their index until the identity boundary.

    frame: complete interviews. reasons: why an answer is missing, the items that have a scale. problems: one row a rule
    that fired. quarantine: the row and rule of each case left out. dispositions: AAPOR group of every case, each once.
    """

    frame: pd.DataFrame
    reasons: pd.DataFrame
    problems: pd.DataFrame
    quarantine: pd.DataFrame
    dispositions: pd.Series
    counts: dict[str, int]


def clean(delivered: pd.DataFrame, book: Codebook, wave_name: str) -> Cleaned:
    """Apply the codebook and the deltas of one wave to a frame as delivered.

    Args: delivered: text cells, one row a case.   Raises: DataError: a column nobody declared, or a declared one that
    is not there.   GateError: a threshold of `gates` is passed.
    """
    wave = book.waves[wave_name]
    notes = Notes(wave_name, wave.file)
    delivered = of_wave(delivered, wave)
    cells = rename(delivered, book, wave)
    cases, contradicted = _once(cells, book, notes)
    is_interview, dispositions = _interviews(cases, book)
    is_usable = is_interview & ~contradicted
    columns, whys = typed(cases.loc[is_usable], book, wave, notes)
    frame = pd.DataFrame(columns, index=cases.index[is_usable])
    reasons = pd.DataFrame(whys, index=frame.index)
    partial, unusable = _unfit(frame, reasons, book, notes)
    frame, reasons = frame.loc[~(partial | unusable)], reasons.loc[~(partial | unusable)]
    problems = notes.table()
    quarantine = problems.loc[problems["action"] == "quarantined", ["wave", "row", "rule"]].drop_duplicates("row")
    counts = {
        "delivered": len(delivered),
        "duplicates": int(problems["rule"].isin(["duplicate", "conflicting_duplicate"]).sum()),
        "partial": int(partial.sum()),
        "set_aside": int(unusable.sum() + (is_interview & contradicted).sum()),
        "quarantined": len(quarantine),
        "completes": len(frame),
    }
    _gates(counts, book, wave)
    _weighable(frame, book, wave)
    _estimable(frame, book, wave)
    return Cleaned(derive(frame, book), reasons, problems, quarantine, dispositions, counts)


def of_wave(delivered: pd.DataFrame, wave: Wave) -> pd.DataFrame:
    """The rows of a wave, where its file holds several waves.   Raises: DataError: there are none."""
    inside = pd.Series(True, index=delivered.index)
    for column, codes in wave.rows.items():
        if column not in delivered.columns:
            raise DataError(
                "{file} has no column {column} to tell its waves by",
                where="{file} line 1",
                expected="a column {column}",
                got="{count} others",
                file=wave.file,
                column=column,
                count=delivered.shape[1],
            )
        inside &= delivered[column].str.strip().isin(codes)
    if not inside.any():
        raise DataError(
            "{file} has no row of this wave",
            where="{file}, columns {columns}",
            expected="rows with the codes under `rows`",
            got="none",
            file=wave.file,
            columns=", ".join(wave.rows),
        )
    return delivered if inside.all() else delivered.loc[inside]


def rename(delivered: pd.DataFrame, book: Codebook, wave: Wave) -> pd.DataFrame:
    """Delivered columns under the names of the codebook, in its order; every column must be declared or ignored."""
    names = {column: wave.columns.get(str(column).strip(), str(column).strip()) for column in delivered.columns}
    ignored = {column for column in delivered.columns if str(column).strip() in wave.ignore}
    for position, (column, name) in enumerate(names.items(), start=1):
        if column not in ignored and name not in book.items:
            raise _unknown_column(str(column), position, list(names.values()), book, wave)
    named = delivered.drop(columns=list(ignored)).rename(columns=names)
    doubled = named.columns[named.columns.duplicated()]
    lacking = [
        name
        for name, item in book.items.items()
        if name not in named.columns and name not in wave.not_asked and item.kind not in ("identifier", "text", "time")
    ]
    if len(doubled) or lacking:
        raise DataError(
            "{file} has two columns for {item}" if len(doubled) else "{file} has no column for {item}",
            where="{file} line 1",
            expected="one column for every item",
            got="{count} such items: {items}",
            hint="map the delivered name under `columns`, or list the item under `not_asked`",
            file=wave.file,
            item=[*doubled, *lacking][0],
            count=len([*doubled, *lacking]),
            items=", ".join([*doubled, *lacking][:6]),
        )
    return named[[name for name in book.items if name in named.columns]]


def _unknown_column(column: str, position: int, names: Sequence[str], book: Codebook, wave: Wave) -> DataError:
    """What to do about a column; its name is told only where most are known: the line may be a resident's."""
    known = sum(name in book.items or name in wave.ignore for name in names)
    near = difflib.get_close_matches(column, list(book.items), n=1)
    return DataError(
        "{file} has a column that survey.yaml does not know",
        where="{file} line 1, column {position}",
        expected="an item, a name under `columns` of the wave, or one under `ignore`",
        got="{column}",
        hint="did you mean {near}?"
        if near
        else "map it to an item, or add it to `ignore`; is the first line a header?",
        file=wave.file,
        column=column if 2 * known > len(names) and len(column) <= 80 else masked(column),
        position=position,
        near=near[0] if near else "",
    )


def _once(cells: pd.DataFrame, book: Codebook, notes: Notes) -> tuple[pd.DataFrame, pd.Series]:
    """Each respondent once, and whose rows contradict: a repetition is dropped, a contradiction set aside."""
    if book.respondent is None:
        return cells, pd.Series(False, index=cells.index)
    key = cells[book.respondent].str.strip()
    repeated = key.duplicated() & (key != "")
    same = cells.duplicated() & repeated
    contradicted = key.isin(key[repeated & ~same])
    notes.add(cells.index[same & ~contradicted], book.respondent, "duplicate", "dropped")
    notes.add(cells.index[contradicted], book.respondent, "conflicting_duplicate", "quarantined")
    return cells.loc[~repeated], contradicted.loc[~repeated]


def _interviews(cases: pd.DataFrame, book: Codebook) -> tuple[pd.Series, pd.Series]:
    """Which cases are interviews by their final disposition; all of them where none is delivered."""
    if book.dispositions is None or book.dispositions.item not in cases:
        return pd.Series(True, index=cases.index), pd.Series("complete", index=cases.index)
    codes = cases[book.dispositions.item].map(number_code)
    group_of = {code: group for group, codes_in in book.dispositions.groups.items() for code in codes_in}
    groups = codes.map(group_of)
    if groups.isna().any():
        row = groups.index[groups.isna()][0]
        raise DataError(
            "A case has a final disposition that survey.yaml does not know",
            where="row {row}, column {item}",
            expected="one of {known}",
            got="another value, {shape}",
            hint="add the code to a group of `dispositions`",
            row=row,
            item=book.dispositions.item,
            known=", ".join(sorted(group_of)),
            shape=masked(codes[row]),
        )
    return groups == "complete", groups


def _unfit(frame: pd.DataFrame, reasons: pd.DataFrame, book: Codebook, notes: Notes) -> tuple[pd.Series, pd.Series]:
    """Interviews that broke off before a required answer, and finished ones whose required answer cannot be used."""
    partial, unusable = pd.Series(False, index=frame.index), pd.Series(False, index=frame.index)
    for name, item in book.items.items():
        if item.required and name in frame:
            blank = frame[name].isna() | (frame[name].astype(object) == "")
            given = reasons[name] == CODE_OF["invalid"] if name in reasons else pd.Series(False, index=frame.index)
            notes.add(frame.index[blank & ~given & ~partial], name, "partial", "quarantined")
            notes.add(frame.index[blank & given], name, "unusable", "quarantined")
            partial |= blank & ~given
            unusable |= blank & given
    return partial, unusable & ~partial


def _gates(counts: Mapping[str, int], book: Codebook, wave: Wave) -> None:
    gates = book.gates
    if counts["completes"] < gates.min_completes:
        raise GateError(
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
        raise GateError(
            "Too many interviews had to be put in quarantine",
            where="{file}",
            expected="at most {limit} (gates.max_quarantined)",
            got="{found}",
            hint="`anxin check` lists the rules that fired",
            file=wave.file,
            limit=f"{gates.max_quarantined:.1%}",
            found=f"{share:.1%}",
        )


def _weighable(frame: pd.DataFrame, book: Codebook, wave: Wave) -> None:
    """Raise where a base weight cannot be made; said here, where the row of the file is still known."""
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
                raise DataError(
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


def _estimable(frame: pd.DataFrame, book: Codebook, wave: Wave) -> None:
    """Raise where a stratum has one PSU and the policy is to fail; said here, where file and columns are known."""
    design = book.design
    if design.lonely_psu != "fail" or not design.strata or not design.psu:
        return
    units = frame.groupby(list(design.strata), observed=True)[design.psu[0]].nunique()
    if (units == 1).any():
        alone = frame.set_index(list(design.strata)).index.isin(units.index[units == 1])
        raise DataError(
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
