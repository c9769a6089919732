"""Sentences of an area's page by rule, after the same rules as `reports.words`: what no test found is not said."""

from __future__ import annotations

from collections.abc import Sequence

from reports.figures import Figure
from reports.language import Language
from reports.words import Named, news, state

Judged = tuple[str, Figure, str]
"""A label, a tested difference, and whether higher or lower is better."""


def area_finding(
    lang: Language, area: str, label: str, figure: Figure | None, difference: Figure | None, change: Figure | None,
    since: str,
) -> str:  # fmt: skip
    """The first sentence of an area's page: its share, against everybody outside it, against the wave before."""
    if figure is None or not figure.shown:
        return lang.t("%(area)s: %(label)s cannot be published for this wave", area=area, label=lang.inner(label))
    stands = lang.t(
        "%(label)s in %(area)s stands at %(share)s", label=label, area=area, share=lang.percent(figure.estimate)
    )
    clauses = (stands, _against(lang, difference), _since(lang, change, since))
    return lang.t("; ").join(clause for clause in clauses if clause)


def _against(lang: Language, difference: Figure | None) -> str:
    """An area against everybody outside it."""
    direction = state(difference)
    if difference is None or direction == "none":
        return ""
    size = lang.decimal(100 * abs(difference.estimate), 1)
    if direction == "up":
        return lang.t("%(size)s points higher than elsewhere", size=size)
    if direction == "down":
        return lang.t("%(size)s points lower than elsewhere", size=size)
    return lang.t("no difference from elsewhere could be shown")


def _since(lang: Language, change: Figure | None, since: str) -> str:
    """An area against itself in the wave before."""
    direction = state(change)
    if change is None or direction == "none":
        return ""
    size = lang.decimal(100 * abs(change.estimate), 1)
    if direction == "up":
        return lang.t("up %(size)s points since %(wave)s", size=size, wave=since)
    if direction == "down":
        return lang.t("down %(size)s points since %(wave)s", size=size, wave=since)
    return lang.t("no change could be shown since %(wave)s", wave=since)


def moved(lang: Language, change: Figure | None) -> str:
    """A change since the wave before, for a table row."""
    if change is not None and change.mark == "b":
        return "[b]"
    direction = state(change)
    if change is None or direction == "none":
        return ""
    if direction == "same":
        return lang.t("no change shown")
    size = lang.points(change.estimate)
    return lang.t("risen (%(size)s)", size=size) if direction == "up" else lang.t("fallen (%(size)s)", size=size)


def concern_finding(
    lang: Language, area: str, against: Sequence[Judged], since: Sequence[Judged], wave: str, asked: int
) -> str:
    """What an area should look at first: only what the tests found, and otherwise that they found nothing.

    Args: asked: how many indicators there are, of which some may be withheld here.
    """
    tested = [each for each in (*against, *since) if each[1].shown]
    worse = list(dict.fromkeys(lang.inner(label) for label, figure, better in tested if _bad(figure, better)))
    if not tested:
        return lang.t("%(area)s: no comparison can be shown", area=area)
    if worse:
        return lang.t("To look at first in %(area)s: %(names)s", area=area, names=lang.listed(worse))
    known = len({label for label, figure, _ in tested})
    some = lang.t("of %(all)s headline indicators %(n)s can be compared; ", all=asked, n=known) if known < asked else ""
    if not any(figure.shown for _, figure, _ in since):
        text = lang.t("no headline indicator could be shown to be worse than elsewhere")
    else:
        text = lang.t("no headline indicator could be shown to be worse than elsewhere or than in %(wave)s", wave=wave)
    return lang.t("%(area)s: %(some)s%(text)s", area=area, some=some, text=text)


def concerns(lang: Language, against: Sequence[Judged], since: Sequence[Judged], wave: str) -> list[str]:
    """One sentence for each kind of news that the tests found: worse and better, than elsewhere and than before."""
    here_bad, here_good = _sized(lang, against, "bad"), _sized(lang, against, "good")
    now_bad, now_good = _sized(lang, since, "bad"), _sized(lang, since, "good")
    told = (
        (here_bad, lang.t("Worse than elsewhere: %(names)s.", names=here_bad)),
        (now_bad, lang.t("Worse than in %(wave)s: %(names)s.", wave=wave, names=now_bad)),
        (here_good, lang.t("Better than elsewhere: %(names)s.", names=here_good)),
        (now_good, lang.t("Better than in %(wave)s: %(names)s.", wave=wave, names=now_good)),
    )
    return [sentence for names, sentence in told if names]


def least_satisfied(lang: Language, shares: Sequence[Named]) -> str:
    """Which areas of work may be the one with the lowest share: those whose interval reaches the lowest one's.

    Two 95 % intervals apart show more than a test of their difference at 5 % asks for, so that the true lowest is
    seldom left out. "" with fewer than three areas of work.
    """
    shown = [(label, figure) for label, figure in shares if figure.bounded]
    if len(shown) < 3:
        return ""
    reach = min(shown, key=lambda pair: pair[1].estimate)[1].high
    able = [lang.inner(label) for label, figure in shown if figure.low <= reach]
    if len(able) > len(shown) / 2:
        return lang.t(
            "Which area of work residents here are least satisfied with cannot be told: the intervals overlap."
        )
    if len(able) == 1:
        return lang.t("Residents here are least satisfied with %(names)s.", names=able[0])
    return lang.t(
        "Residents here are least satisfied with one of these: %(names)s; which one cannot be told.",
        names=lang.listed(able),
    )


def _bad(figure: Figure, better: str) -> bool:
    return news(state(figure), better) == "bad"


def _sized(lang: Language, judged: Sequence[Judged], wanted: str) -> str:
    """Names with their differences in points, the largest first, of the differences that are good or bad news."""
    found = [each for each in judged if news(state(each[1]), each[2]) == wanted]
    found.sort(key=lambda each: (-abs(each[1].estimate), each[0]))
    names = [
        lang.t("%(label)s (%(points)s points)", label=lang.inner(label), points=lang.points(figure.estimate))
        for label, figure, _ in found
    ]
    return lang.listed(names) if names else ""
