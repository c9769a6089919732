"""How the weights were made: each step in words and numbers, and the sample before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reports.cells import count_cell, decimal_cell, number, share_cell, text_cell
from reports.glossary import step_words
from reports.scene import Scene
from reports.view import Section, Table

Rows = tuple[Any, ...]


def weighting(scene: Scene) -> Section:
    """The weights step by step, and the sample before and after."""
    t = scene.lang.t
    heads, steps = _steps(scene)
    groups, margins = _margins(scene)
    return Section(
        t("Weighting"),
        "weighting",
        text=tuple(_text(scene)),
        tables=(
            Table(
                t("The weights, step by step"),
                heads,
                steps,
                note=t("Top 1%%: share of all weight held by the largest hundredth of the weights.")
                if len(heads) > 4 and heads[-1] == t("Top 1%%")
                else "",
            ),
            Table(
                t("Shares of the sample under base weights and final weights, against the population"),
                groups,
                margins,
                folded=True,
            ),
        ),
    )


def _steps(scene: Scene) -> tuple[tuple[str, ...], Rows]:
    """Heads and rows of the steps; a column only where its numbers may be told."""
    t, names = scene.lang.t, step_words(scene.lang, scene.book.weighting.base is not None)
    found = scene.fact("weighting", "steps") or ()
    words = {"min": t("Smallest"), "max": t("Largest"), "top1": t("Top 1%%")}
    known = {key: word for key, word in words.items() if any(key in step for step in found)}
    ends = [key for key in ("min", "max") if key in known]
    top = [key for key in ("top1",) if key in known]
    rows = tuple(
        (
            text_cell(names.get(str(step.get("step")), str(step.get("step", "")))),
            count_cell(scene, step.get("n")),
            *(decimal_cell(scene, step.get(key)) for key in ends),
            decimal_cell(scene, step.get("deff")),
            count_cell(scene, step.get("n_eff")),
            *(share_cell(scene, step.get(key)) for key in top),
        )
        for step in found
    )
    heads = (t("Step"), t("Persons"), *(known[key] for key in ends), t("Design effect"), t("Effective sample"))
    return (*heads, *(known[key] for key in top)), rows


def _margins(scene: Scene) -> tuple[tuple[str, ...], Rows]:
    """Heads and rows of the known margins under the weights before and after."""
    t, found = scene.lang.t, scene.fact("weighting", "margins") or ()
    words = {"before": t("Base weights"), "adjusted": t("Adjusted"), "after": t("Final weights"),
             "target": t("Population")}  # fmt: skip
    known = [key for key in words if key != "adjusted" or any(key in row for row in found)]
    rows = tuple((text_cell(_margin(scene, row)), *(share_cell(scene, row.get(key)) for key in known)) for row in found)
    return (t("Group"), *(words[key] for key in known)), rows


def _text(scene: Scene) -> Iterator[str]:
    """Sentences: telephone frames, nonresponse, known totals, levels that were merged."""
    t, lang, plan = scene.lang.t, scene.lang, scene.book.weighting
    if plan.dual_frame:
        yield (
            t(
                "People whom both the mobile and the landline sample could reach are counted once: their weights are "
                "divided by the number of phones."
            )
            if plan.dual_frame.overlap == "multiplicity"
            else t(
                "People whom both the mobile and the landline sample could reach are counted once: the mobile sample "
                "stands for %(share)s of them.",
                share=lang.percent(plan.dual_frame.mobile_share, 0),
            )
        )
    yield from _nonresponse(scene)
    names = [_joined(scene, margin) for margin in plan.margins()]
    if names:
        yield t("The weights make the sample match known totals of %(margins)s.", margins=lang.listed(names))
    bounds = plan.calibrate.bounds if plan.calibrate else None
    if bounds:
        yield t(
            "In doing so no weight was multiplied by less than %(low)s or more than %(high)s.",
            low=lang.decimal(bounds[0], 2),
            high=lang.decimal(bounds[1], 2),
        )
    joined = [
        _merged(scene, margin, into)
        for margin, levels in (scene.fact("weighting", "merged") or {}).items()
        for into in dict.fromkeys(levels.values())
    ]
    if joined:
        yield t(
            "Groups with fewer than %(least)s respondents were joined with a neighbour: %(groups)s.",
            least=lang.count(plan.min_cell),
            groups=lang.listed(joined),
        )


def _nonresponse(scene: Scene) -> Iterator[str]:
    """How the weight of those who did not take part was passed on."""
    t, lang, facts = scene.lang.t, scene.lang, scene.fact("nonresponse") or {}
    rate = number(facts.get("rate"))
    if rate is None:
        return
    values = {"names": lang.listed([scene.label(name) for name in facts.get("by", ())]), "rate": lang.percent(rate)}
    low, high = number(facts.get("lowest_rate")), number(facts.get("highest_rate"))
    if low is None or high is None:
        yield t(
            "Each respondent’s weight was divided by the estimated chance of taking part given %(names)s; %(rate)s of "
            "the eligible cases took part.",
            **values,
        )
        return
    values |= {"classes": lang.count(facts["classes"]), "smallest": lang.count(facts["smallest"])}
    values |= {"low": lang.percent(low), "high": lang.percent(high)}
    if facts.get("method") == "propensity":
        yield t(
            "Those who took part also stand for those who did not, in %(classes)s classes of about equal chance to "
            "take part given %(names)s, each with %(smallest)s respondents or more: %(rate)s of the eligible cases "
            "took part, from %(low)s to %(high)s by class.",
            **values,
        )
    else:
        yield t(
            "Those who took part also stand for those like them who did not, in %(classes)s classes by %(names)s, each "
            "with %(smallest)s respondents or more: %(rate)s of the eligible cases took part, from %(low)s to %(high)s "
            "by class.",
            **values,
        )


def _joined(scene: Scene, margin: str) -> str:
    return " × ".join(scene.label(variable) for variable in margin.split(":"))


def _merged(scene: Scene, margin: str, into: str) -> str:
    """Names of the levels that became one; what they share is said once."""
    levels = [_level(scene, margin, level) for level in into.split("+")]
    stems = {level.rpartition(" × ")[0] for level in levels}
    if len(stems) > 1:
        return " + ".join(levels)
    return " + ".join([levels[0], *(level.rpartition(" × ")[2] for level in levels[1:])])


def _margin(scene: Scene, row: Mapping[str, Any]) -> str:
    """Name of one cell of a margin."""
    return _merged(scene, str(row.get("margin", "")), str(row.get("level", "")))


def _level(scene: Scene, margin: str, level: str) -> str:
    variables, codes = margin.split(":"), level.split(":")
    if len(variables) != len(codes):
        return level
    return " × ".join(scene.level(variable, code) for variable, code in zip(variables, codes, strict=True))
