"""What changed: what follows from figures that have passed the release boundary, and from nothing else.

Because only released rows go in, nothing withheld can come out: no cell, no count of cells, and no q that a hidden p
would move. Pages look up here what was compared, and need no distribution for it: those are loaded where they are used.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from survey.codebook import Codebook
from survey.released import Releasable
from survey.tidy import results, settled

if TYPE_CHECKING:
    from survey.sampling.linearized import Floats

SHOWN = ("released", "caution")
BLOCK = "changes"
FEWEST_WAVES = 8
RUN = 8
MARGIN = re.compile(r"within ±([\d.]+) points")
BEYOND, ONE_SIDED = "beyond its limits", "eight waves in a row on one side"


def told(release: Releasable, book: Codebook, wave: str) -> Releasable:
    """The release with what can be said of its changes: `table`, `unchanged` and `control`, as further rows.

    Args: wave: the wave the release is about.
    """
    rows = release.results
    parts = [rows, table(rows, book, wave), unchanged(rows, book, wave), control(rows, book, wave)]
    return replace(release, results=settled(results(pd.concat(parts, ignore_index=True))))


def compared(book: Codebook, wave: str) -> dict[str, str]:
    """The earlier waves of the table, "before" and "year", the latter only where it is another one.

    >>> from types import SimpleNamespace
    >>> book = SimpleNamespace(earlier=lambda wave: ["a", "b", "c"], year_before=lambda wave: "a")
    >>> compared(book, "c")
    {'before': 'b', 'year': 'a'}
    """
    past, year = book.earlier(wave)[:-1], book.year_before(wave)
    found = {"before": past[-1]} if past else {}
    return found | ({"year": year} if year is not None and year not in found.values() else {})


def table(rows: pd.DataFrame, book: Codebook, wave: str) -> pd.DataFrame:
    """Every released change of an indicator, for everybody, by area and by group, since both earlier waves.

    Statistic "change_in_table", level the earlier wave: the change with its own interval and p, and q that corrects p
    over the whole table (Benjamini & Hochberg 1995): of the changes named at q < 0.05, 5 % are expected to be false,
    also where tests depend on each other positively, as overlapping groups' do (Benjamini & Yekutieli 2001).

    >>> from types import SimpleNamespace
    >>> book = SimpleNamespace(earlier=lambda wave: ["a", "b"], year_before=lambda wave: None)
    >>> row = {"wave": "b", "item": "x", "statistic": "change", "level": "a", "estimate": -0.1}
    >>> rows = results([row | {"p": 0.01}, row | {"p": 0.5, "group": "1"}, row | {"p": 0.0, "flag": "unreliable"}])
    >>> table(rows, book, "b")[["group", "q"]].values.tolist()
    [['', 0.02], ['1', 0.5]]
    """
    from survey.estimation.multiplicity import adjusted

    now = _changes(rows, wave)
    chosen = now[now["level"].isin(list(compared(book, wave).values()))]
    return adjusted(results(chosen.assign(statistic="change_in_table", block=BLOCK)), "bh")


def _changes(rows: pd.DataFrame, wave: str) -> pd.DataFrame:
    """Changes of a wave whose numbers passed the boundary."""
    known = rows["flag"].isin(SHOWN) & rows["estimate"].notna()
    return rows[known & (rows["statistic"] == "change") & (rows["wave"] == wave)]


def unchanged(rows: pd.DataFrame, book: Codebook, wave: str) -> pd.DataFrame:
    """Whether changes lie within the margin of the report plan: statistic "equivalence", by two one-sided tests.

    p and the 90 % interval as `survey.equivalence.tost` gives them; the reason names the margin. q corrects p over the
    changes for everybody since an earlier wave, and over all those by area and group (Benjamini & Hochberg 1995). No
    rows where the plan declares no margin: then no test can show that nothing changed.
    """
    from survey.equivalence import tost
    from survey.estimation.multiplicity import adjusted

    margin, now = book.report.equivalence, _changes(rows, wave)
    if margin is None or now.empty:
        return results([])
    tested = tost(now, margin / 100).assign(reason=f"within ±{margin:g} points", block=BLOCK)
    family = np.where(tested["by"] == "", "everybody", "groups")
    return results(adjusted(tested.assign(family=family), "bh", ["level", "family"]))


def margin_of(reason: str) -> float:
    """The margin a row of statistic "equivalence" was tested against, in points; NaN where it names none.

    >>> margin_of("within ±2.5 points"), margin_of("")
    (2.5, nan)
    """
    found = MARGIN.search(reason)
    return float(found[1]) if found else float("nan")


def control(rows: pd.DataFrame, book: Codebook, wave: str) -> pd.DataFrame:
    """Control charts of the headline indicators, from eight comparable waves on (Laney's p′, 2002).

    Centre c = Σ p/se² / Σ 1/se² and spread σ = max(1, mean |z_t − z_{t−1}| / 1.128), z = (p − c)/se, both over the
    waves before the newest; limits c ± 3 σ se_t, for the newest c ± 3 σ √(se² + Var c). se are the design's, so that
    clustering and weights count, and σ adds what waves differ by beyond sampling; σ is never below 1. Units drawn in
    several waves make the newest limits wider than they need be.

    Returns: by indicator and wave a row of statistic "control": estimate the centre, ci_low and ci_high the limits, n
    the number of waves; the reason says where a wave lies beyond its limits, or ends eight in a row on one side.

    >>> from survey.tidy import results
    >>> limits([0.8] * 8 + [0.7], [0.01] * 9)[1][-1].round(4).tolist()
    [0.7682, 0.8318]
    """
    waves, parts = book.earlier(wave), []
    for item in book.report.headline:
        usable = [name for name in waves if not book.breaks(item, name, wave)]
        found = rows[(rows["item"] == item) & (rows["statistic"] == "mean") & (rows["by"] == "")]
        found = found[found["flag"].isin(SHOWN) & found["wave"].isin(usable) & (found["se"] > 0)]
        found = found.drop_duplicates("wave").set_index("wave")
        order = [name for name in usable if name in found.index]
        if len(order) < FEWEST_WAVES or order[-1] != wave:
            continue
        p, se = (found.loc[order, name].to_numpy(dtype=float) for name in ("estimate", "se"))
        parts.append(_charted(item, order, p, *limits(p, se)))
    return results(pd.concat(parts, ignore_index=True).assign(survey=book.survey)) if parts else results([])


def limits(p: Any, se: Any) -> tuple[float, Floats]:
    """Centre and limits (T, 2) of a control chart of T shares with their standard errors; see `control`."""
    p, se = np.asarray(p, dtype=float), np.asarray(se, dtype=float)
    weight = 1 / se[:-1] ** 2
    centre = float(p[:-1] @ weight / weight.sum())
    z = (p[:-1] - centre) / se[:-1]
    spread = max(1.0, float(np.abs(np.diff(z)).mean()) / 1.128)
    reach = 3 * spread * np.append(se[:-1], np.sqrt(se[-1] ** 2 + 1 / weight.sum()))
    return centre, np.clip(np.column_stack([centre - reach, centre + reach]), 0.0, 1.0)


def _charted(item: str, waves: list[str], p: Floats, centre: float, bounds: Floats) -> pd.DataFrame:
    side = np.sign(p - centre)
    in_a_row = [len(p) >= RUN and k + 1 >= RUN and abs(side[k + 1 - RUN : k + 1].sum()) == RUN for k in range(len(p))]
    outside = (p < bounds[:, 0]) | (p > bounds[:, 1])
    keys = {"item": item, "statistic": "control", "block": BLOCK, "estimate": centre, "n": float(len(p))}
    return results([
        keys | {"wave": wave, "ci_low": low, "ci_high": high, "reason": BEYOND if out else ONE_SIDED if row else ""}
        for wave, (low, high), out, row in zip(waves, bounds.tolist(), outside, in_a_row, strict=True)
    ])  # fmt: skip
