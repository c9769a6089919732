"""Known totals of the population, and the respondents' levels of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from survey.codebook import number_code
from survey.collapsing import merged
from survey.errors import CodebookError, DataError, masked
from survey.sampling.linearized import Floats, Ints, codes_of, first_of, weighted_counts

Totals = Mapping[str, Mapping[str, float]]  # margin ("sex:age_band") → level ("1:3") → population total
NUMBER = ""  # the level under which margins.csv has the total of a number


@dataclass(frozen=True)
class Margins:
    """Population totals of one wave by margin and level, and the line of margins.csv each stands on."""

    totals: dict[str, dict[str, float]] = field(default_factory=dict)
    lines: dict[tuple[str, str], int] = field(default_factory=dict)
    name: str = "margins.csv"


@dataclass(frozen=True)
class Margin:
    """One margin as numbers: the level 0…k−1 of each respondent (n,), what the levels are called, their totals (k,)."""

    name: str
    codes: Ints
    levels: tuple[str, ...]
    totals: Floats

    def sums(self, weights: Floats | None = None) -> Floats:
        """Weight in each level; without weights the respondents."""
        if weights is None:
            return np.bincount(self.codes, minlength=len(self.levels)).astype(float)
        return weighted_counts(self.codes, weights, len(self.levels))


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


def wanted(name: str, margins: Margins) -> dict[str, float]:
    """Totals of a margin by level.   Raises: CodebookError: margins.csv has none."""
    if name not in margins.totals:
        raise CodebookError(
            "{file} has no margin {margin}",
            where="survey.yaml, weighting",
            expected="one of {known}",
            got="{margin}",
            hint="add its totals",
            file=margins.name,
            margin=name,
            known=", ".join(sorted(margins.totals)) or "none",
        )
    return margins.totals[name]


def crossing(frame: pd.DataFrame, margin: str, renamed: Mapping[str, str] | None = None) -> pd.Series:
    """Level of a margin for each row: the codes of its items joined by ":"; missing where one of them is.

    renamed: level → the merged level it belongs to.

    >>> crossing(pd.DataFrame({"sex": ["1", "2"], "area": ["2", "1"]}), "sex:area").tolist()
    ['1:2', '2:1']
    """
    codes, levels = _levels(frame, margin)
    names = [(renamed or {}).get(level, level) for level in levels]
    return pd.Series(np.array([*names, None], dtype=object)[codes], index=frame.index)


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


def coded(
    frame: pd.DataFrame, name: str, levels: Mapping[str, float], base: Floats, may_lack: bool = False
) -> Margin:  # fmt: skip
    """A margin as numbers.

    Raises: DataError: a respondent without a level, or (unless it may lack one) a level without a respondent.
    """
    found, known = _levels(frame, name)
    index = pd.Index(list(levels))
    codes = np.append(index.get_indexer(pd.Index(known)), -1)[found]
    margin = Margin(name, codes, tuple(index), np.array(list(levels.values()), dtype=float))
    refuse_gaps(margin, base, may_lack)
    return margin


def refuse_gaps(margin: Margin, base: Floats, may_lack: bool = False) -> None:
    """Raise DataError where a row has no level (code −1), or (unless it may lack one) a level has no respondent."""
    codes, totals = margin.codes, margin.totals
    present = np.bincount(codes[codes >= 0], np.asarray(base, float)[codes >= 0], minlength=len(margin.levels)) > 0
    without_total = codes < 0
    if without_total.any() or (not may_lack and (~present & (totals > 0)).any()):
        lacking = without_total.any()
        raise DataError(
            "A respondent has no level of the margin {margin}" if lacking else "A level of {margin} has no respondent",
            where="margins.csv, {margin}" + ("" if lacking else " level {level}"),
            expected="each respondent in a level, and a respondent in each level",
            got="{count} respondents without" if lacking else "nobody",
            hint="make the item `required`, or add the level" if lacking else "merge this level with a neighbour",
            margin=margin.name,
            level="" if lacking else margin.levels[int(np.argmax(~present & (totals > 0)))],
            count=int(without_total.sum()),
        )


def same_sums(totals: Mapping[str, Floats | Mapping[str, float]]) -> None:
    """Raise DataError where margins are of populations of different size."""
    sums = {
        name: float(sum(each.values()) if isinstance(each, Mapping) else each.sum()) for name, each in totals.items()
    }
    if sums and max(sums.values()) - min(sums.values()) > 1e-6 * max(sums.values()):
        raise DataError(
            "The margins do not add up to the same population",
            where="margins.csv",
            expected="equal sums",
            got="{sums}",
            hint="take all margins from one source and one date",
            sums=", ".join(f"{name}: {total:.0f}" for name, total in sums.items()),
        )


def thickened(margin: Margin, least: int, merge: Mapping[str, Mapping[str, str]]) -> tuple[Margin, dict[str, str]]:
    """The margin with thin levels merged, in the sample and in its totals, and the merged level of each that changed.

    Args: least: fewest respondents of a level.   merge: item → thin level → the level it is merged with; else the
        next one (survey.collapsing).

    >>> one = Margin("age", np.array([0, 0, 1]), ("1", "2"), np.array([50.0, 40.0]))
    >>> thickened(one, 2, {})[1]
    {'1': '1+2', '2': '1+2'}
    """
    count = margin.sums()
    keys = [tuple(level.split(":")) for level in margin.levels]
    declared = {part: merge[item] for part, item in enumerate(margin.name.split(":")) if item in merge}
    group = merged(keys, lambda cells: count[cells].sum() < least, lambda cells: float(count[cells].sum()), declared)
    size = int(group.max(initial=-1)) + 1
    names = tuple("+".join(np.array(margin.levels, dtype=object)[group == each]) for each in range(size))
    renamed = {level: names[each] for level, each in zip(margin.levels, group, strict=True) if names[each] != level}
    return Margin(margin.name, group[margin.codes], names, weighted_counts(group, margin.totals, size)), renamed


def number(frame: pd.DataFrame, name: str) -> Floats:
    """A column to calibrate on.   Raises: DataError: it is not there, or a number is missing."""
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


def cells(codes: Sequence[Ints], sizes: Sequence[int], rows: int) -> tuple[Ints, list[Ints]]:
    """Joint cell 0…k−1 of each row, and of each cell its code of each margin: rows of a cell share one factor."""
    if not codes:
        return np.zeros(rows, dtype=np.intp), []
    space = int(np.prod(np.array(sizes, dtype=float)).clip(max=1e15))
    if space > 2 * rows + 10_000:
        cell = codes_of(*codes)
        first = first_of(cell, int(cell.max(initial=-1)) + 1)
        return cell, [code[first] for code in codes]
    joint = codes[0]
    for code, size in zip(codes[1:], sizes[1:], strict=True):
        joint = joint * size + code
    occupied = np.flatnonzero(np.bincount(joint, minlength=space))
    position = np.zeros(space, dtype=np.intp)
    position[occupied] = np.arange(len(occupied))
    return position[joint], [np.asarray(code, dtype=np.intp) for code in np.unravel_index(occupied, tuple(sizes))]
