"""How the questions were answered, for the part on data quality: speed, gaps, straight lines, heaping, interviewers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reports.cells import count_cell, decimal_cell, number, share_cell, text_cell
from reports.scene import Scene
from reports.view import Cell, Table


def behaviour(scene: Scene) -> Iterator[tuple[str, str]]:
    """Lengths, runs and heaping as terms."""
    t, lang, facts = scene.lang.t, scene.lang, scene.fact("quality") or {}
    share = lang.percent(scene.book.quality.speeder_share, 0)
    if (minutes := number(facts.get("median_minutes"))) is not None:
        yield t("Median length of an interview"), t("%(n)s minutes", n=lang.decimal(minutes, 1))
    counts = {
        "speeders": t("Interviews shorter than %(share)s of the median", share=share),
        "pace_speeders": t("Interviews faster than %(share)s of the median time per question", share=share),
        "dont_know_runs": t("Interviews with three or more “don’t know” in a row"),
    }
    for key, label in counts.items():
        if key in facts and facts.get("interviews"):
            yield label, _counted(scene, facts[key], facts["interviews"])
    if (missing := number((facts.get("nonresponse") or {}).get("rate"))) is not None:
        yield t("Answers missing, over all questions asked"), lang.percent(missing)
    if (rounded := number(facts.get("rounded_minutes"))) is not None:
        told = t(
            "%(share)s (by chance %(expected)s)",
            share=lang.percent(rounded),
            expected=lang.percent(facts["rounded_expected"]),
        )
        yield t("Lengths that are multiples of five minutes"), told
    if (whipple := number(facts.get("whipple"))) is not None:
        yield t("Ages ending in 0 or 5, Whipple’s index (100: no preference)"), lang.decimal(whipple, 0)
    if (myers := number(facts.get("myers"))) is not None:
        yield t("Last digits of ages, Myers’ index (0: no preference, 90: one digit only)"), lang.decimal(myers, 1)


def _counted(scene: Scene, count: Any, n: float) -> str:
    """A number of interviews and its share, or that they are few."""
    t, lang, known = scene.lang.t, scene.lang, number(count)
    if known is None:
        return t("<%(n)s", n=lang.count(scene.book.disclosure.min_n))
    return t("%(n)s (%(share)s)", n=lang.count(known), share=lang.percent(known / n))


def answering(scene: Scene) -> tuple[Table, ...]:
    """Item nonresponse, straight lines and interviewer effects as tables."""
    return _nonresponse(scene), _grids(scene), _interviewers(scene)


def _nonresponse(scene: Scene) -> Table:
    t = scene.lang.t
    rows = tuple(
        (
            text_cell(scene.label(row["item"])),
            count_cell(scene, row["asked"]),
            count_cell(scene, row["missing"]),
            share_cell(scene, row["rate"]),
        )
        for row in scene.fact("quality", "nonresponse", "items") or ()
    )
    heads = (t("Question"), t("Asked"), t("Without an answer"), t("Share"))
    return Table(t("Questions most often left without an answer"), heads, rows, folded=True)


def _grids(scene: Scene) -> Table:
    """Series of questions on one scale, and who gave one and the same answer to all of them."""
    t, rows = scene.lang.t, []
    for row in scene.fact("quality", "grids") or ():
        words = scene.book.blocks.get(row["block"])
        count = number(row.get("identical"))
        few = Cell(t("<%(n)s", n=scene.lang.count(scene.book.disclosure.min_n)))
        share = few if count is None else share_cell(scene, count / row["n"] if row["n"] else None)
        rows.append(
            (
                text_cell(scene.lang.say(words) if words else row["block"]),
                count_cell(scene, row["items"]),
                count_cell(scene, row["n"]),
                share,
            )
        )
    heads = (t("Series"), t("Questions"), t("Respondents"), t("Same answer throughout"))
    note = t("Who is equally satisfied with everything answers so too; the share alone is no fault.")
    return Table(t("Series of questions answered alike"), heads, tuple(rows), note=note, folded=True)


def _interviewers(scene: Scene) -> Table:
    """Intraclass correlation and design effect of the interviewers for the headline figures."""
    t, lang, facts = scene.lang.t, scene.lang, scene.fact("quality", "interviewers") or {}
    effects = {row["item"]: row for row in facts.get("effects") or ()}
    rows = tuple(
        (
            text_cell(scene.label(name)),
            decimal_cell(scene, effects[name]["rho"], 3),
            decimal_cell(scene, effects[name]["deff"]),
            Cell(lang.p_value(effects[name]["p"])),
        )
        for name in scene.book.report.headline
        if name in effects
    )
    heads = (t("Indicator"), t("Intraclass correlation"), t("Design effect"), t("p"))
    within = t(
        "Measured within sampling units that interviewers share, so that their areas do not count as their effect."
    )
    between = t("Differences between the areas that the interviewers work in are part of it.")
    note = within if facts.get("within_units") else between
    return Table(t("How much answers depend on the interviewer"), heads, rows, note=note, folded=True)
