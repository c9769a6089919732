"""Finding sentences by rule: what the tests allow to be said, its direction, its size and its uncertainty.

A difference is named only when its test (corrected for multiplicity) finds it; otherwise nothing could be shown, which
is not the same as nothing being there. "Practically unchanged" is said only where an equivalence test shows a change to
lie within the margin the plan declares, and with that margin. Figures that are withheld take no part in any sentence.
Going together is never told as bringing about.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from reports.figures import Figure
from reports.language import Language

State = Literal["up", "down", "still", "same", "none"]
Named = tuple[str, Figure]


def state(figure: Figure | None) -> State:
    """Direction of a tested difference: up, down, still (shown to be within the margin), same or none.

    same: neither a difference nor its smallness could be shown; none: nothing to tell.
    """
    if figure is None or not figure.shown:
        return "none"
    if not figure.significant:
        return "still" if math.isfinite(figure.within) else "same"
    return "up" if figure.estimate > 0 else "down"


def news(direction: State, better: str) -> str:
    """Whether a direction is good or bad news, "" when it is neither."""
    if direction not in ("up", "down"):
        return ""
    return "good" if (direction == "up") == (better == "higher") else "bad"


def within(lang: Language, figure: Figure) -> str:
    """The margin a change was shown to lie within.

    >>> from dataclasses import replace
    >>> from reports.figures import Figures
    >>> from survey.tidy import results
    >>> within(Language("en"), replace(Figures(results([{"estimate": 0.0}])).rows[0], within=2.5))
    '±2.5'
    """
    return "±" + lang.decimal(figure.within, 0 if figure.within == int(figure.within) else 1)


def plainly(lang: Language, share: float) -> str:
    """A share of people in small whole numbers.

    >>> plainly(Language("en"), 0.92), plainly(Language("en"), 0.85), plainly(Language("en"), 0.034)
    ('about 9 in 10 people', 'between 8 and 9 in 10 people', 'about 1 in 29 people')
    """
    if share <= 0:
        return ""
    if share <= 0.25:
        return lang.t("about 1 in %(n)s people", n=lang.count(1 / share))
    nearest, below = int(10 * share + 0.5), int(10 * share)
    if nearest < 10 and round(abs(share - nearest / 10), 9) <= 0.03:
        return lang.t("about %(n)s in 10 people", n=nearest)
    if below >= 9:
        return lang.t("more than 9 in 10 people")
    return lang.t("between %(low)s and %(high)s in 10 people", low=below, high=below + 1)


def change_words(lang: Language, change: Figure | None, since: str, first: bool, only: bool = False) -> str:
    """What became of an indicator since an earlier wave.

    Args: first: there is no earlier wave.   only: there is no other wave at all.
    """
    if only:
        return lang.t("Only one wave here")
    if first:
        return lang.t("First wave: nothing to compare with yet")
    direction = state(change)
    if change is not None and change.mark == "b":
        return lang.t("Not comparable with %(wave)s: break in the series [b]", wave=since)
    if change is None or direction == "none":
        return lang.t("No comparison with %(wave)s is available", wave=since)
    size = lang.decimal(100 * abs(change.estimate), 1)
    interval = lang.points_interval(change.low, change.high) if change.bounded else ""
    if direction == "up":
        text = lang.t("Up %(size)s points since %(wave)s", size=size, wave=since)
    elif direction == "down":
        text = lang.t("Down %(size)s points since %(wave)s", size=size, wave=since)
    elif direction == "still":
        text = lang.t(
            "Practically unchanged since %(wave)s, within %(margin)s points", wave=since, margin=within(lang, change)
        )
    else:
        text = lang.t("No change could be shown since %(wave)s", wave=since)
    return (
        lang.t("%(text)s (95%% interval of the change: %(interval)s points)", text=text, interval=interval)
        if interval
        else text
    )


def headline_finding(lang: Language, label: str, figure: Figure | None, change: Figure | None, since: str) -> str:
    """The first sentence of the report."""
    if figure is None or not figure.shown:
        return lang.t("%(label)s: no figure can be published for this wave", label=label)
    share, direction = lang.percent(figure.estimate), state(change)
    if change is None or direction == "none":
        return lang.t("%(label)s stands at %(share)s", label=label, share=share)
    size = lang.decimal(100 * abs(change.estimate), 1)
    if direction == "up":
        return lang.t(
            "%(label)s stands at %(share)s, up %(size)s points since %(wave)s",
            label=label,
            share=share,
            size=size,
            wave=since,
        )
    if direction == "down":
        return lang.t(
            "%(label)s stands at %(share)s, down %(size)s points since %(wave)s",
            label=label,
            share=share,
            size=size,
            wave=since,
        )
    if direction == "still":
        return lang.t(
            "%(label)s stands at %(share)s, practically unchanged since %(wave)s (within %(margin)s points)",
            label=label,
            share=share,
            wave=since,
            margin=within(lang, change),
        )
    return lang.t(
        "%(label)s stands at %(share)s; no change could be shown since %(wave)s", label=label, share=share, wave=since
    )


def changes_point(lang: Language, changes: Sequence[Named], since: str) -> str:
    """All headline indicators against the wave before, in one sentence; "" when none was compared."""
    told = [(label, change) for label, change in changes if change.shown]
    up = [_sized(lang, label, change) for label, change in told if state(change) == "up"]
    down = [_sized(lang, label, change) for label, change in told if state(change) == "down"]
    same = [lang.inner(label) for label, change in told if state(change) == "same"]
    still = [(lang.inner(label), change) for label, change in told if state(change) == "still"]
    values = {"wave": since, "up": lang.listed(up), "down": lang.listed(down), "names": lang.listed(same)}
    if still:
        values |= {"still": lang.listed([label for label, _ in still]), "margin": within(lang, still[0][1])}
    if not told:
        return ""
    if up and down:
        text = lang.t("Risen since %(wave)s: %(up)s. Fallen: %(down)s.", **values)
    elif up:
        text = lang.t("Risen since %(wave)s: %(up)s.", **values)
    elif down:
        text = lang.t("Fallen since %(wave)s: %(down)s.", **values)
    elif still:
        text = lang.t("Practically unchanged since %(wave)s (within %(margin)s points): %(still)s.", **values)
    else:
        return lang.t("Since %(wave)s no change could be shown in: %(names)s.", **values)
    if still and (up or down):
        text += lang.t(" Practically unchanged (within %(margin)s points): %(still)s.", **values)
    return text + (lang.t(" No change could be shown in: %(names)s.", **values) if same else "")


def _sized(lang: Language, label: str, figure: Figure, interval: bool = False) -> str:
    """A name with its difference in points, and with its interval where that is asked for."""
    if interval and figure.bounded:
        return lang.t(
            "%(label)s (%(points)s points, interval %(interval)s)",
            label=lang.inner(label),
            points=lang.points(figure.estimate),
            interval=lang.points_interval(figure.low, figure.high),
        )
    return lang.t("%(label)s (%(points)s points)", label=lang.inner(label), points=lang.points(figure.estimate))


def against_rest(lang: Language, difference: Figure | None) -> str:
    """A group or an area against everyone else, for its table row."""
    direction = state(difference)
    if difference is None or direction == "none":
        return ""
    if direction == "same":
        return lang.t("no difference shown")
    size = lang.points(difference.estimate)
    return lang.t("higher (%(size)s)", size=size) if direction == "up" else lang.t("lower (%(size)s)", size=size)


def contrast_finding(lang: Language, label: str, contrasts: Sequence[Named], most: int = 3) -> str:
    """Who or where differs from the rest; names only what the tests found and says so of the others."""
    told = [(name, figure) for name, figure in contrasts if figure.shown]
    low, high = _named(lang, told, "down", most), _named(lang, told, "up", most)
    values = {"label": label, "low": low, "high": high}
    if not told:
        return lang.t("%(label)s: no comparison with the rest can be shown", **values)
    if low and high:
        return lang.t("%(label)s is lower in %(low)s and higher in %(high)s than elsewhere", **values)
    if low:
        return lang.t("%(label)s is lower in %(low)s than elsewhere", **values)
    if high:
        return lang.t("%(label)s is higher in %(high)s than elsewhere", **values)
    return lang.t("%(label)s: no difference from the rest could be shown anywhere", **values)


def group_finding(lang: Language, label: str, contrasts: Sequence[tuple[str, Named]], most: int = 3) -> str:
    """Which breakdowns show a difference; the groups themselves are named when only one breakdown does.

    Args: contrasts: (breakdown, (group, its difference from the others)).
    """
    told = [(by, pair) for by, pair in contrasts if pair[1].shown]
    differing = list(dict.fromkeys(lang.inner(by) for by, pair in told if pair[1].significant))
    if not told:
        return lang.t("%(label)s: no comparison with the rest can be shown", label=label)
    if not differing:
        return lang.t("%(label)s: no group could be shown to differ from the others", label=label)
    if len(differing) > 1:
        return lang.t("%(label)s differs by %(names)s", label=label, names=lang.listed(differing))
    named = [pair for _, pair in told]
    low, high = _named(lang, named, "down", most), _named(lang, named, "up", most)
    values = {"label": label, "by": differing[0], "low": low, "high": high}
    if low and high:
        return lang.t("%(label)s differs by %(by)s: lower for %(low)s, higher for %(high)s", **values)
    if low:
        return lang.t("%(label)s differs by %(by)s: lower for %(low)s", **values)
    return lang.t("%(label)s differs by %(by)s: higher for %(high)s", **values)


def _named(lang: Language, told: Sequence[Named], direction: State, most: int) -> str:
    """Names of those that differ in one direction, the largest difference first, the surplus counted."""
    found = sorted(
        (pair for pair in told if state(pair[1]) == direction), key=lambda pair: (-abs(pair[1].estimate), pair[0])
    )
    names = [name for name, _ in found[:most]]
    if len(found) > most:
        names.append(lang.nt("%(n)s more", "%(n)s more", len(found) - most))
    return lang.listed(names) if names else ""


def trend_finding(
    lang: Language, label: str, first: Figure | None, last: Figure | None, change: Figure | None = None
) -> str:
    """From the first wave to the last one; a change only where it was tested.

    Args: change: the difference of the two waves with its test, if there is one.
    """
    if first is None or last is None or not first.bounded or not last.bounded:
        return lang.t("%(label)s over the waves", label=label)
    values = {
        "label": label,
        "wave": lang.wave(first.wave),
        "from": lang.percent(first.estimate),
        "to": lang.percent(last.estimate),
    }
    direction = state(change)
    if change is not None and direction == "still":
        return lang.t(
            "%(label)s is practically unchanged since %(wave)s (within %(margin)s points): %(from)s then, %(to)s now",
            **values,
            margin=within(lang, change),
        )
    if direction == "up":
        return lang.t("%(label)s is higher than in %(wave)s: %(from)s then, %(to)s now", **values)
    if direction == "down":
        return lang.t("%(label)s is lower than in %(wave)s: %(from)s then, %(to)s now", **values)
    if direction == "same":
        return lang.t(
            "%(label)s: no change could be shown since %(wave)s; %(from)s then, %(to)s now",
            **values,
        )
    return lang.t(
        "%(label)s: %(from)s (%(before)s) in %(wave)s, %(to)s (%(after)s) in %(last)s; their difference was not tested",
        **values,
        last=lang.wave(last.wave),
        before=lang.span(first.low, first.high),
        after=lang.span(last.low, last.high),
    )


def answers_finding(lang: Language, chapter: str, shares: Sequence[tuple[str, float]]) -> str:
    """The stretch of positive answers over the questions of a chapter."""
    if len(shares) < 2:
        return lang.t("How residents answered, question by question")
    low, high = min(shares, key=lambda pair: pair[1]), max(shares, key=lambda pair: pair[1])
    return lang.t(
        "%(chapter)s: positive answers run from %(low)s (%(least)s) to %(high)s (%(most)s)",
        chapter=chapter,
        low=lang.percent(low[1], 0),
        least=low[0],
        high=lang.percent(high[1], 0),
        most=high[0],
    )


def model_finding(
    lang: Language, outcome: str, effects: Sequence[Named], points: bool, most: int = 5, intervals: bool = False
) -> str:
    """What goes together with an outcome, the other terms held constant; an association, not an effect.

    Args: most: how many are named, the strongest first; the surplus is counted.   intervals: tell them too.
    """
    told = [(name, figure) for name, figure in effects if figure.shown]
    found = sorted((pair for pair in told if pair[1].significant), key=lambda pair: (-abs(pair[1].estimate), pair[0]))
    if not told:
        return lang.t("%(outcome)s: the regression cannot be shown", outcome=outcome)
    if not found:
        return lang.t("%(outcome)s: no association could be shown with the things asked about", outcome=outcome)
    sizes = [_sized(lang, name, figure, intervals) if points else lang.inner(name) for name, figure in found[:most]]
    if len(found) > most:
        sizes.append(lang.nt("%(n)s more", "%(n)s more", len(found) - most))
    return lang.t(
        "Linked with %(outcome)s, with the other characteristics in the table held constant: %(names)s",
        outcome=lang.inner(outcome),
        names=lang.listed(sizes),
    )


def method_finding(lang: Language, completes: float | None, rate: float | None) -> str:
    """How much the report rests on."""
    if completes is None:
        return lang.t("How the survey was done")
    text = lang.nt("%(n)s completed interview", "%(n)s completed interviews", int(completes))
    if rate is None:
        return text
    return lang.t("%(interviews)s; response rate (AAPOR RR3) %(rate)s", interviews=text, rate=lang.percent(rate))
