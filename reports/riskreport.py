"""The disclosure-risk report of a public-use file in words, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.language import Language, markdown
from survey.codebook import Codebook


def risk_report(facts: Mapping[str, Any], book: Codebook, wave: str, code: str) -> bytes:
    """What was protected and how, what it cost, and which risk is left, in one language.

    Args: facts: of `survey.microdata.assessment.assess`; a count that may not be told is None.
    """
    lang = Language(code)
    parts = (_opening, _reached, _cost, _design, _weights, _assumptions)
    title = lang.t("Disclosure risk of the public-use file: %(title)s, %(wave)s",
                   title=markdown(lang.say(book.title)), wave=lang.wave(wave))  # fmt: skip
    body = "\n\n".join("\n\n".join(part(facts, book, lang)) for part in parts)
    return f"# {title}\n\n{body}\n".encode()


def _opening(facts: Mapping[str, Any], book: Codebook, lang: Language) -> Iterator[str]:
    t, rules = lang.t, facts["rules"]
    yield t("The file holds %(n)s records. What the survey demands of it:", n=lang.count(facts["records"]))
    demands = [
        t("k = %(k)s: so many persons at least share all that somebody may know of them", k=lang.count(rules["k"]))
    ]
    if facts["sensitive"]:
        names = lang.listed([_label(book, name, lang) for name in facts["sensitive"]])
        demands.append(t("Sensitive variables: %(names)s", names=names))
        demands.append(t("l = %(l)s: so many different answers at least to each of them in each such group",
                         l=lang.count(rules["l"])))  # fmt: skip
    if facts["sensitive"] and rules["t"] is not None:
        demands.append(t("t = %(t)s: no group's answers to them are farther from everybody's than that",
                         t=lang.decimal(rules["t"], 2)))  # fmt: skip
    demands.append(
        t("At most %(share)s of the records with a blanked cell", share=lang.percent(rules["max_suppressed"]))
    )
    yield _list(demands)


def _reached(facts: Mapping[str, Any], book: Codebook, lang: Language) -> Iterator[str]:
    t, before, after = lang.t, facts["private"], facts["released"]
    yield "## " + t("What was reached")
    yield t(
        "Known are taken to be: the watched variables together, and what strata and sampling units tell. A missing"
        " value"
        " is a category of its own."
    )
    rows = [
        (t("Smallest group (k)"), *(lang.count(side["k"]) for side in (before, after))),
        (t("Groups of records that look alike"), *(lang.count(side["classes"]) for side in (before, after))),
        (t("Records alone in their group"), *(_count(side["uniques"], lang) for side in (before, after))),
    ]
    if facts["sensitive"]:
        rows += [
            (t("Fewest different answers (l)"), *(lang.count(side["l"]) for side in (before, after))),
            (t("Least entropy l"), *(lang.decimal(side["l_entropy"], 2) for side in (before, after))),
            (t("Greatest distance (t)"), *(lang.decimal(side["t"], 2) for side in (before, after))),
        ]
    rows += [
        (t("Greatest individual risk"), *(lang.percent(side["risk_max"], 2) for side in (before, after))),
        (t("Mean individual risk"), *(lang.percent(side["risk_mean"], 2) for side in (before, after))),
        (t("Right matches to be expected if everybody were looked for"),
         *(lang.decimal(side["expected"], 1) for side in (before, after))),
        (t("Of the sample uniques, expected to be alone in the population too"),
         *(lang.decimal(side["population_uniques"], 1) for side in (before, after))),
        (t("A match with a sample unique is right"),
         *(lang.percent(side["correct_unique"], 2) for side in (before, after))),
        (t("Records singled out by some set of characteristics (SUDA2)"),
         *(_count(facts["special_uniques"][side]["records"], lang) for side in ("private", "released"))),
        (t("Greatest SUDA2 score"),
         *(lang.decimal(facts["special_uniques"][side]["score_max"], 0) for side in ("private", "released"))),
    ]  # fmt: skip
    yield _table((t("Measure"), t("Before protection"), t("In the file")), rows)
    yield t(
        "Individual risk: probability that somebody who matches the record with a person of the population is right, by"
        " the design weights (Benedetti and Franconi)."
    )


def _cost(facts: Mapping[str, Any], book: Codebook, lang: Language) -> Iterator[str]:
    t, changes = lang.t, facts.get("changes", {})
    yield "## " + t("What it cost")
    rows = []
    for own in facts["quasi_identifiers"]:
        state = t("left out") if not own["released"] else t("as it was") if own["released"] == own["name"] else t(
            "as %(coarser)s", coarser=_label(book, own["released"], lang))  # fmt: skip
        change = changes.get(own["released"])
        most = "" if change is None else t("none") if change == 0 else t("up to %(points)s points",
                                                                       points=lang.decimal(change, 1))  # fmt: skip
        rows.append((_label(book, own["name"], lang), state, lang.percent(own["lost"], 0),
                     _count(own["blanked"], lang), most))  # fmt: skip
    head = (t("Variable"), t("In the file it is"), t("Detail lost"), t("Cells blanked"), t("Change of a share"))
    yield _table(head, rows)
    yield t(
        "Records with a blanked cell: %(n)s. Of the information in the watched variables %(loss)s is lost, weighted by"
        " their importance.",
        n=_count(facts["suppressed"], lang),
        loss=lang.percent(facts["loss"]),
    )
    yield t(
        "All other columns, the weights, and with them every estimate and standard error that uses no watched"
        " variable or"
        " one without loss, are those of the private file to the last digit. The report's own standard errors also"
        " use the"
        " weights before calibration, which stay with the team: beside the final weights they would tell sex and age."
    )


def _design(facts: Mapping[str, Any], book: Codebook, lang: Language) -> Iterator[str]:
    t, design = lang.t, facts["design"]
    yield "## " + t("What strata and sampling units tell")
    if told := design["strata_tell"]:
        names = lang.listed([_label(book, name, lang) for name in told])
        yield t(
            "Standard errors need the strata, and the strata can be told by their sizes, however they are numbered."
            " What"
            " is the same in a whole stratum or cannot be hidden from the weights is therefore taken as known, and"
            " left as"
            " fine as it is: %(names)s.",
            names=names,
        )
    if (within := design["within_unit"]) is not None:
        yield t(
            "Left over: whoever recognises one person of a sampling unit, their own record perhaps, knows which"
            " others come from the same place. Among"
            " the %(units)s units, %(share)s of the records are then alone with what the file tells of them (k ="
            " %(k)s)."
            " Without the units there would be no honest standard error.",
            units=lang.count(design["units"]),
            share=lang.percent(within["share"], 0),
            k=lang.count(within["k"]),
        )


def _weights(facts: Mapping[str, Any], book: Codebook, lang: Language) -> Iterator[str]:
    t, weights = lang.t, facts["weights"]
    yield "## " + t("What the weights tell")
    yield t(
        "Calibration moved all weights of a cell by one factor. Inside a sampling unit weights therefore stand to"
        " each other"
        " as these factors and small whole numbers, and give the cell away. The attack below knows the factors and the"
        " cells of all other records; a stranger knows less."
    )
    rows = [
        (_label(book, own["name"], lang), _count(own["records"], lang), _share(own["right"], lang),
         _share(own["guess"], lang))
        for own in weights["readings"]
    ]  # fmt: skip
    if rows:
        yield _table(
            (t("Hidden variable"), t("Records"), t("Read rightly"), t("Right by naming the commonest of them")), rows
        )
    else:
        yield t("No variable that calibration used was made coarser or blanked: there is nothing to read.")
    yield t(
        "Against somebody who has read them all, the smallest group has k = %(k)s; records in groups below the demanded"
        " size: %(below)s; right matches to be expected if everybody were looked for: %(expected)s. Other weights would"
        " mend this and change every figure; calibrating to coarser cells would mend it at the root.",
        k=lang.count(weights["read"]["k"]),
        below=_count(weights["read"]["below"], lang),
        expected=lang.decimal(weights["read"]["expected"], 1),
    )


def _assumptions(facts: Mapping[str, Any], book: Codebook, lang: Language) -> Iterator[str]:
    t = lang.t
    yield "## " + t("What is taken for granted")
    yield _list([
        t("Nobody outside knows who was interviewed; the sample is a small part of the population."),
        t("Opinions and experiences are not known to strangers; whoever knows several answers of a person can find the"
          " record."),
        t("Counts below %(n)s are not told.", n=lang.count(book.disclosure.min_n)),
        t("The synthetic file is drawn from the margins and correlations of this file and holds no record of it; it is"
          " for teaching, not for results."),
    ])  # fmt: skip


def _label(book: Codebook, name: str, lang: Language) -> str:
    source = book.items.get(name) or book.recipes().get(name)
    return markdown((lang.say(source.label) if source is not None else "") or name)


def _count(count: int | None, lang: Language) -> str:
    return lang.t("a few") if count is None else lang.count(count)


def _share(share: float | None, lang: Language) -> str:
    return lang.t("not told") if share is None else lang.percent(share, 0)


def _list(items: list[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
