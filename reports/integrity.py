"""Patterns in the answers: what was compared, what stood out, and what the headline figures are without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reports.cells import count_cell, number, share_cell, text_cell
from reports.charts import axis, funnel
from reports.scene import Scene
from reports.view import Cell, FunnelChart, Section, Table

BY = "in_flagged_cluster"
HEIGHT = 220
Facts = Mapping[str, Any]


def integrity(scene: Scene) -> Section:
    """The screening for patterns that coaching or copying would leave."""
    t, facts = scene.lang.t, scene.fact("integrity") or {}
    title = t("Patterns in the answers")
    if not facts:
        return Section(title, "integrity")
    tables = (_patterns(scene, facts), _sensitivity(scene))
    return Section(title, "integrity", text=_words(scene, facts), tables=tables, funnels=tuple(_funnels(scene, facts)))


def _words(scene: Scene, facts: Facts) -> tuple[str, ...]:
    """What stood out, how it was looked for, and what it does not mean."""
    t, lang, rules = scene.lang.t, scene.lang, scene.book.quality
    clusters: Facts = facts.get("clusters") or {}
    counts = {unit: (each["flagged"], each["screened"]) for unit, each in clusters.items()}
    if facts.get("flagged"):
        some = {
            "interviewers": t("%(flagged)s of %(n)s interviewers", **_two(scene, counts.get("interviewers"))),
            "units": t("%(flagged)s of %(n)s sampling units", **_two(scene, counts.get("units"))),
        }
        share = lang.percent(facts["flagged"] / facts["interviews"])
        found = t(
            "Stood out: %(parts)s, with %(share)s of all interviews.",
            parts=lang.listed([some[unit] for unit in counts]),
            share=share,
        )
    else:
        all_of = {
            "interviewers": t("%(n)s interviewers", **_two(scene, counts.get("interviewers"))),
            "units": t("%(n)s sampling units", **_two(scene, counts.get("units"))),
        }
        found = t("None of %(parts)s stood out.", parts=lang.listed([all_of[unit] for unit in counts]))
    how = t(
        "Interviewers and sampling units with at least %(least)s interviews were compared with what is usual among all "
        "of them, allowing for ordinary differences; of those that stand out, no more than %(rate)s are expected to do "
        "so by chance.",
        least=lang.count(rules.min_interviews),
        rate=lang.percent(rules.false_discoveries, 0),
    )
    meaning = t(
        "A pattern does not prove anything about anybody: good conditions, an unusual neighbourhood or quick speakers "
        "can leave it too. It only tells where a second look is worth while."
    )
    return found, how, meaning


def _two(scene: Scene, counts: tuple[int, int] | None) -> dict[str, str]:
    flagged, screened = counts or (0, 0)
    return {"flagged": scene.lang.count(flagged), "n": scene.lang.count(screened)}


def _names(scene: Scene) -> dict[str, str]:
    """Patterns in words."""
    t, lang, rules = scene.lang.t, scene.lang, scene.book.quality
    return {
        "all_best": t("The best answer to every question of opinion"),
        "most_best": t("As many best answers as in the top tenth of interviews"),
        "near_identical": t(
            "At least %(share)s the same as an earlier interview of the same interviewer",
            share=lang.percent(rules.near_identical, 0),
        ),
        "short": t("Shorter than %(share)s of the median length", share=lang.percent(rules.speeder_share, 0)),
    }


def _units(scene: Scene) -> dict[str, str]:
    return {"interviewers": scene.lang.t("Interviewers"), "units": scene.lang.t("Sampling units")}


def _patterns(scene: Scene, facts: Facts) -> Table:
    """Every pattern: how often, how often usually, how many stood out."""
    t = scene.lang.t
    rows = tuple(
        (
            text_cell(_titled(scene, row)),
            count_cell(scene, row.get("clusters")),
            _share(scene, row),
            count_cell(scene, row.get("flagged")),
        )
        for row in facts.get("patterns") or ()
    )
    heads = (t("Pattern"), t("Compared"), t("Interviews with it"), t("Stood out"))
    return Table(t("The patterns that were looked for"), heads, rows)


def _titled(scene: Scene, row: Facts) -> str:
    """Who was compared by which pattern."""
    unit, pattern = _units(scene)[row["unit"]], _names(scene)[row["pattern"]]
    return scene.lang.t("%(unit)s: %(pattern)s", unit=unit, pattern=scene.lang.inner(pattern))


def _share(scene: Scene, row: Facts) -> Cell:
    """Share of the interviews with a pattern; of a few nothing but that they are few."""
    count, n = number(row.get("count")), number(row.get("n"))
    if count is None:
        return Cell(scene.lang.t("<%(n)s", n=scene.lang.count(scene.book.disclosure.min_n)))
    return share_cell(scene, count / n if n else None)


def _sensitivity(scene: Scene) -> Table:
    """Headline figures of everybody, and without the interviews of the clusters that stand out."""
    t, lang, rows = scene.lang.t, scene.lang, []
    for name in scene.book.report.headline:
        everybody = scene.figures.one(scene.wave, name, "mean")
        without = scene.figures.one(scene.wave, name, "mean", by=BY, group="0")
        if everybody is None or without is None:
            continue
        both = everybody.shown and without.shown
        change = Cell(lang.bound(without.estimate - everybody.estimate)) if both else Cell("", mark=without.mark or "x")
        cells = scene.cell(everybody), scene.cell(without), Cell(scene.interval(without)), change
        rows.append((text_cell(scene.label(name)), *cells))
    heads = (t("Indicator"), t("All interviews"), t("Without"), t("95%% interval"), t("Difference in points"))
    note = t("Every figure of this report keeps all interviews; this table only shows how much hangs on those.")
    return Table(t("The headline figures without what stood out"), heads, tuple(rows), note=note)


def _funnels(scene: Scene, facts: Facts) -> Iterator[FunnelChart]:
    """One funnel for each kind of cluster: of the strictest pattern that occurs often enough."""
    t, lang = scene.lang.t, scene.lang
    for unit in facts.get("clusters") or {}:
        drawn = [row for row in facts.get("patterns") or () if row["unit"] == unit and row.get("points")]
        if not drawn or number(drawn[0].get("usual")) is None:
            continue
        row = drawn[0]
        sizes = [each["n"] for each in row["points"]] + [each["n"] for each in row["limits"]]
        shares = [each["share"] for each in row["points"]] + [each["at"][-1] for each in row["limits"]]
        across = axis(sizes, ceiling=2.0 * max(sizes))
        up = axis([0.0, *shares], span=0.1)
        yield FunnelChart(
            label=_titled(scene, row),
            text=t(
                "%(n)s points, %(flagged)s of them marked; usual share %(share)s",
                n=lang.count(len(row["points"])),
                flagged=lang.count(sum(each["flagged"] for each in row["points"])),
                share=lang.percent(row["usual"]),
            ),
            shape=funnel(
                [(each["n"], each["share"], each["flagged"]) for each in row["points"]],
                [(each["n"], *each["at"]) for each in row["limits"]],
                row["usual"],
                across,
                up,
                HEIGHT,
            ),
            across=tuple((f"{across.at(tick):g}", lang.count(tick)) for tick in across.ticks),
            up=tuple(lang.percent(tick, 0) for tick in up.ticks),
        )
