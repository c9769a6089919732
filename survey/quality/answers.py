"""How the questions were answered: gaps, speed, straight lines, runs of "don't know", heaping. Counts only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from survey.answers import CODE_OF, REASONS
from survey.codebook import Codebook

Bools = NDArray[np.bool_]
Codes = NDArray[np.int16]
SILENT = ("refused", "dont_know", "lost", "invalid")
FEWEST_IN_GRID = 3


def item_nonresponse(reasons: pd.DataFrame) -> pd.DataFrame:
    """Item nonresponse: of those who were to answer a question, the share without a usable answer.

    rate = (refused + don't know + left blank + unusable) / (these + answered). Those it does not apply to, who were not
    asked, or whose filter has no answer count nowhere.

    Args: reasons: codes of `survey.answers.REASONS`, one column an item.   Returns: one row an item: asked, a column
    for each reason, missing, rate (0–1; NaN where nobody was asked).

    >>> table = item_nonresponse(pd.DataFrame({"q1": [0, 0, 0, 2, 3]}))   # three answers, one don't know, one skipped
    >>> table.loc["q1", ["asked", "dont_know", "missing", "rate"]].tolist()
    [4.0, 1.0, 1.0, 0.25]
    """
    counts = {
        item: np.bincount(column.to_numpy(), minlength=len(REASONS)) for item, column in reasons.astype(np.int8).items()
    }
    table = pd.DataFrame.from_dict(counts, orient="index", columns=list(REASONS))
    missing = table[list(SILENT)].sum(axis=1)
    asked = table["answered"] + missing
    rate = missing / asked.where(asked > 0)
    return table[list(SILENT)].assign(asked=asked, missing=missing, rate=rate)


def speeders(amounts: ArrayLike, share: float = 0.5) -> Bools:
    """Interviews below a share of the median length, or of the median pace.

    Args: amounts: minutes of each interview, or minutes a question; unknown ones are no speeders.
    share: of the median.

    >>> speeders([20.0, 18.0, 9.0, 22.0, float("nan")]).tolist()   # median 19, half of it 9.5
    [False, False, True, False, False]
    """
    values = np.asarray(amounts, dtype=float)
    known = values[np.isfinite(values)]
    if not len(known):
        return np.zeros(len(values), dtype=bool)
    return np.asarray(np.isfinite(values) & (values < share * np.median(known)))


def grids(book: Codebook) -> dict[str, list[str]]:
    """Three or more questions of a chapter that share an ordered scale and are put to everybody, by chapter/scale."""
    found: dict[str, list[str]] = {}
    for name, item in book.items.items():
        scale = book.scales.get(item.scale or "")
        if item.kind == "single" and not item.asked_if and scale is not None and scale.ordered and scale.positive:
            found.setdefault(f"{item.block}/{item.scale}", []).append(name)
    return {key: items for key, items in found.items() if len(items) >= FEWEST_IN_GRID}


def straight_lines(codes: Codes) -> tuple[Bools, Bools]:
    """Who gave one and the same answer to every question of a grid, and who answered enough of it to tell.

    Args: codes: shape (persons, questions), −1 where there is no answer.   Returns: identical, judged; judged are those
    with at least three answers and with answers to half of the questions.

    >>> straight_lines(np.array([[0, 0, 0, -1], [0, 1, 0, 0], [0, 0, -1, -1]], dtype=np.int16))
    (array([ True, False, False]), array([ True,  True, False]))
    """
    given = codes >= 0
    judged = given.sum(axis=1) >= max(FEWEST_IN_GRID, math.ceil(codes.shape[1] / 2))
    highest = codes.max(axis=1)
    same = np.logical_or(codes == highest[:, None], ~given).all(axis=1)
    return np.asarray(same & judged), np.asarray(judged)


def longest_runs(reasons: pd.DataFrame, reason: str = "dont_know") -> NDArray[np.int16]:
    """The longest run of one reason over the questions each person was asked, in the order of the questionnaire.

    Questions that were not asked or do not apply neither lengthen a run nor end it.

    >>> longest_runs(pd.DataFrame({"a": [2, 2], "b": [3, 0], "c": [2, 2]})).tolist()   # 2 don't know, 3 not applicable
    [2, 1]
    """
    run = np.zeros(len(reasons), dtype=np.int16)
    longest = run.copy()
    skipped = [CODE_OF["not_applicable"], CODE_OF["not_asked"], CODE_OF["filter"]]
    for item in reasons:
        why = reasons[item].to_numpy()
        run = np.where(why == CODE_OF[reason], run + 1, np.where(np.isin(why, skipped), run, 0)).astype(np.int16)
        longest = np.maximum(longest, run)
    return longest


def whipple(ages: ArrayLike) -> float:
    """Whipple's index of heaping on ages that end in 0 or 5: 100 · 5 · (ages ending in 0 or 5) / all, ages 23 to 62.

    100 where no digit is preferred, 500 where every age ends in 0 or 5; the United Nations call up to 105 very
    accurate and from 125 rough. NaN where nobody is of these ages.

    >>> round(whipple(range(23, 63))), round(whipple([25, 30, 35, 40, 44])), math.isnan(whipple([20]))
    (100, 400, True)
    """
    years = _whole(ages)
    years = years[(years >= 23) & (years <= 62)]
    return float(500 * np.mean(years % 5 == 0)) if len(years) else math.nan


def myers(ages: ArrayLike, start: int = 20, decades: int = 5) -> float:
    """Myers' blended index: the share of ages, in per cent, that would have to be told with another final digit.

    With A_d the persons whose age ends in d from `start` over the decades, and B_d the same from ten years later:
    T_d = (d + 1)·A_d + (9 − d)·B_d, index = 100 · ½ Σ |T_d/ΣT − 0.1| (Myers 1940). 0 without preference, 90 where all
    ages end in one digit; NaN where nobody is of these ages.

    >>> myers(range(20, 80)), round(myers([20, 30, 40, 50]), 6)
    (0.0, 90.0)
    """
    years = _whole(ages)
    digits = np.arange(10)
    span = 10 * decades
    first = np.bincount((years - start)[(years >= start) & (years < start + span)] % 10, minlength=10)
    later = start + 10
    second = np.bincount((years - later)[(years >= later) & (years < later + span)] % 10, minlength=10)
    blended = (digits + 1) * first + (9 - digits) * second
    total = blended.sum()
    return float(50 * np.abs(blended / total - 0.1).sum()) if total else math.nan


def rounded(minutes: ArrayLike, to: int = 5) -> tuple[float, float]:
    """Share of interview lengths that are whole multiples of five minutes, and the share expected without rounding.

    Lengths told in whole minutes hit one by chance in five, lengths told in tenths in fifty.

    >>> rounded([15, 20, 22, 25])
    (0.75, 0.2)
    """
    values = np.asarray(minutes, dtype=float)
    tenths = np.round(10 * values[np.isfinite(values) & (values > 0)])
    if not len(tenths):
        return math.nan, math.nan
    step = 1 if (tenths % 10).any() else 10
    return float(np.mean(tenths % (10 * to) == 0)), step / (10 * to)


def _whole(ages: ArrayLike) -> NDArray[np.int64]:
    years = np.asarray(ages, dtype=float)
    return np.asarray(np.floor(years[np.isfinite(years)]), dtype=np.int64)


def level_codes(frame: pd.DataFrame, items: Sequence[str]) -> Codes:
    """Positions of the answers on their scales, shape (persons, items); −1 where there is none."""
    return np.column_stack([frame[item].cat.codes.to_numpy() for item in items]).astype(np.int16)


def behaviour(frame: pd.DataFrame, reasons: pd.DataFrame, book: Codebook) -> dict[str, Any]:
    """Counts for the report: speeders, straight lines by grid, runs of "don't know", heaping, item nonresponse."""
    facts: dict[str, Any] = {"nonresponse": _nonresponse(reasons), "grids": list(_grids(frame, book))}
    asked = [item for item in reasons if book.items[str(item)].text] or list(reasons)
    facts["dont_know_runs"] = int((longest_runs(reasons[asked]) >= 3).sum())
    facts["interviews"] = len(frame)
    if book.duration is not None:
        minutes = frame[book.duration].to_numpy(dtype=float)
        answered = (reasons[asked] == CODE_OF["answered"]).sum(axis=1).to_numpy()
        pace = minutes / np.where(answered > 0, answered, np.nan)
        facts["speeders"] = int(speeders(minutes, book.quality.speeder_share).sum())
        facts["pace_speeders"] = int(speeders(pace, book.quality.speeder_share).sum())
        facts["rounded_minutes"], facts["rounded_expected"] = map(_finite, rounded(minutes))
    if book.age is not None:
        ages = frame[book.age].to_numpy(dtype=float)
        facts["whipple"], facts["myers"] = _finite(whipple(ages)), _finite(myers(ages))
    return facts


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _nonresponse(reasons: pd.DataFrame, most: int = 10) -> dict[str, Any]:
    """The rate over all questions, and the questions with the highest ones."""
    table = item_nonresponse(reasons)
    asked = int(table["asked"].sum())
    worst = table[table["missing"] > 0].sort_values("rate", ascending=False, kind="stable").head(most)
    columns = ["asked", *SILENT, "missing", "rate"]
    rows = worst[columns].rename_axis("item").reset_index().to_dict("records")
    return {"rate": int(table["missing"].sum()) / asked if asked else None, "items": rows}


def _grids(frame: pd.DataFrame, book: Codebook) -> Iterator[dict[str, Any]]:
    for key, items in grids(book).items():
        shown = [item for item in items if item in frame and frame[item].notna().any()]
        if len(shown) >= FEWEST_IN_GRID:
            same, judged = straight_lines(level_codes(frame, shown))
            n = {"n": int(judged.sum()), "identical": int(same.sum())}
            yield {"block": key.split("/")[0], "scale": key.split("/")[1], "items": len(shown), **n}
