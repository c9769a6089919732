"""Banner tables for analysts: every question by every breakdown, with letters for the groups that differ.

As SPSS prints them: a column a group under a letter; beside it the letters of the groups of the same breakdown whose
share is smaller, upper case at the 1 % level and lower case at 5 %, after Holm's correction over the pairs of a row.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from itertools import combinations

import pandas as pd

from reports.figures import Figure, Figures
from reports.language import Language
from reports.scene import Scene
from reports.sheets import Number, Sheet, Value, workbook
from reports.workbook import scaled
from survey.codebook import Codebook
from survey.pairs import BANNER, PAIR, pair_name

STRICT = 0.01
NONE = "–"


def banner_workbook(results: pd.DataFrame, book: Codebook, wave: str, languages: Sequence[str]) -> dict[str, bytes]:
    """Workbook of every language by file name, banner-zh.xlsx and so on; none where the report plan has no banner."""
    rows = results[(results["wave"] == wave) & (results["block"].eq(BANNER) | results["by"].eq(""))]
    if not rows["block"].eq(BANNER).any():
        return {}
    figures = Figures(rows)
    files = {}
    for code in languages:
        scene = Scene(figures, {}, book, wave, Language(code))
        sheets = [_sheet(scene, by) for by in dict.fromkeys(row.by for row in figures.rows if row.by)]
        what = scene.lang.t("Every question by every breakdown, for analysts.")
        files[f"banner-{code}.xlsx"] = workbook(book, wave, scene.lang, what, _notes(scene.lang), sheets)
    return files


def letters(count: int) -> list[str]:
    """A, B, … Z, then AA, AB, … for that many groups.

    >>> letters(28)[-3:]
    ['Z', 'AA', 'AB']
    """
    single = list(string.ascii_uppercase)
    return [*single, *(a + b for a in single for b in single)][:count]


def _notes(lang: Language) -> tuple[tuple[str, str], ...]:
    t = lang.t
    return (
        (t("Share"), t("Weighted share of those who answered the question, in per cent.")),
        (t("Respondents"), t("Interviews with an answer to the question, not weighted.")),
        (
            t("Letters"),
            t(
                "Groups of the same breakdown whose share is smaller: a capital letter for p < 0.01, a small letter "
                "for p < 0.05; a dash where none is. Tests take strata, sampling units and weights into account."
            ),
        ),
        (
            t("Correction"),
            t(
                "p is corrected by Holm’s method for all pairs of groups of one answer and breakdown, not for the "
                "whole table: of many answers some differ by chance."
            ),
        ),
        (
            t("No test"),
            t(
                "Groups are not compared where one of the shares is withheld or rests on fewer than five answers on "
                "one side."
            ),
        ),
    )


def _sheet(scene: Scene, by: str) -> Sheet:
    """All questions by one breakdown; the first row of a question tells how many answered."""
    found = list(dict.fromkeys(row.group for row in scene.figures.rows if row.by == by and row.statistic == "share"))
    groups = scene.levels(by, found)
    signs = dict(zip(groups, letters(len(groups)), strict=True))
    t, heads = scene.lang.t, list[str]()
    for group, sign in signs.items():
        label = f"{sign} {scene.level(by, group)}"
        heads += [label, t("%(group)s: larger than", group=label)]
    rows = tuple(_rows(scene, by, signs))
    title = t("Every question by %(breakdown)s", breakdown=scene.label(by))
    notes = (
        t("Shares in per cent; the first row of each question is the number of respondents."),
        t("Letters name the groups whose share is smaller: capital p < 0.01, small p < 0.05 (see Notes)."),
        t(
            "Source: %(text)s",
            text=scene.lang.t(" · ").join((scene.lang.say(scene.book.publisher), scene.lang.say(scene.book.title))),
        ),
    )
    columns = (t("Question"), t("Answer"), t("All residents"), *heads)
    return Sheet(f"by_{by}", scene.label(by), title, notes, columns, rows, fixed=3)


def _rows(scene: Scene, by: str, signs: dict[str, str]) -> Iterator[tuple[Value, ...]]:
    asked = dict.fromkeys(row.item for row in scene.figures.rows if row.by == by and row.statistic == "share")
    for item in asked:
        cells = {(row.group, row.level): row for row in scene.figures.all(scene.wave, item, "share", by)}
        whole = {row.level: row for row in scene.figures.all(scene.wave, item, "share")}
        larger = _larger(scene, item, by, signs)
        levels = scene.levels(item, list(dict.fromkeys(level for _, level in cells)))
        label = scene.label(item)
        base = [v for group in signs for v in (_size([cells.get((group, level)) for level in levels]), "[z]")]
        yield (label, scene.lang.t("Respondents"), _size([whole.get(level) for level in levels]), *base)
        for level in levels:
            line = [
                value
                for group in signs
                for value in (_share(cells.get((group, level))), larger.get((group, level), NONE))
            ]
            yield (label, scene.level(item, level), _share(whole.get(level)), *line)


def _larger(scene: Scene, item: str, by: str, signs: dict[str, str]) -> dict[tuple[str, str], str]:
    """Letters of the smaller groups by group and level."""
    sides = {pair_name(later, earlier): (later, earlier) for earlier, later in combinations(signs, 2)}
    sides |= {pair_name(earlier, later): (earlier, later) for earlier, later in combinations(signs, 2)}
    found: dict[tuple[str, str], list[str]] = {}
    for pair in scene.figures.all(scene.wave, item, PAIR, by):
        later, earlier = sides[pair.group]
        high, low = (later, earlier) if pair.estimate > 0 else (earlier, later)
        sign = signs[low] if pair.q < STRICT else signs[low].lower()
        found.setdefault((high, pair.level), []).append(sign)
    return {key: " ".join(sorted(found[key], key=lambda sign: (len(sign), sign.upper()))) for key in found}


def _share(figure: Figure | None) -> Value:
    if figure is None or not figure.shown:
        return f"[{figure.mark}]" if figure else "[x]"
    return Number(scaled(figure.estimate, 100))


def _size(figures: Sequence[Figure | None]) -> Value:
    """Respondents of a question: what any of its answers that may be shown tells."""
    known = [figure for figure in figures if figure is not None]
    shown = next((figure.n for figure in known if figure.shown and figure.n == figure.n), None)
    if shown is None:
        return f"[{known[0].mark}]" if known and known[0].mark else "[x]"
    return Number(shown, "#,##0")
