"""What the columns are for: design, weights, privacy, outcome of each case, and the likely headline figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from survey.codebook.cleaning import NearDuplicates
from survey.draft.essential import essential
from survey.draft.evidence import NOTHING, Because, Guess, Noted
from survey.draft.lexicon import FEAR, OVERALL, QUASI, SAFE, SATISFIED
from survey.draft.match import Column
from survey.draft.scales import Scale
from survey.draft.weights import weights

FEWEST_UNITS, SMALLEST_UNIT = 20, 4
AAPOR = {
    "11": "complete",
    "12": "partial",
    "21": "refusal",
    "22": "noncontact",
    "23": "other",
    "3": "unknown",
    "4": "ineligible",
}
EDGES = (16, 30, 45, 60)
ANSWERS = ("", "other", "count", "comment", "wave")
"""Roles of what a questionnaire asks about; the others speak of the respondent or of the fieldwork."""


@dataclass(frozen=True)
class Figure:
    """A likely headline figure; levels () where only a person can say which answers count."""

    name: str
    of: tuple[str, ...]
    levels: tuple[str, ...]
    lower_is_better: bool
    because: tuple[Because, ...]


@dataclass(frozen=True)
class Plan:
    """Everything of a draft that speaks of columns together."""

    single: dict[str, Noted] = field(default_factory=dict)
    """respondent, interviewer, duration, started."""
    strata: Noted = NOTHING
    psu: Noted = NOTHING
    base: Noted = NOTHING
    inverse: Noted = NOTHING
    times: Noted = NOTHING
    quasi: Noted = NOTHING
    pseudonyms: Noted = NOTHING
    generalise: Noted = NOTHING
    dispositions: Noted = NOTHING
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """AAPOR group → codes of the disposition."""
    figures: tuple[Figure, ...] = ()
    area: str = ""
    breakdowns: tuple[str, ...] = ()
    compared: int = 0
    """Questions whose answers tell near copies, 0 where they are too few for that."""
    required: dict[str, tuple[Because, ...]] = field(default_factory=dict)
    """Item that an interview should not be without → why."""
    blank_weights: bool = False
    lonely: int = 0
    """Strata with one sampling unit."""


def plan(
    items: Mapping[str, Column], columns: Mapping[str, Column], frame: pd.DataFrame, scales: Mapping[str, Scale]
) -> Plan:
    """The plan that the columns of the main delivery suggest.

    Args: items: item → column, of any delivery.   columns: those of the main one.   frame: it, under its own names.
    """
    guesses = {item: column.guess for item, column in columns.items()}
    psu, strata = _design(columns, frame)
    base, inverse, times = weights(columns)
    single = {
        "respondent": _first(guesses, "respondent", ("code",)),
        "interviewer": _first(guesses, "interviewer", ("code",)),
        "duration": _first(guesses, "duration", ("number",)),
        "started": _started(guesses),
    }
    age = _first(guesses, "age", ("number",))
    quasi = tuple(i for i, g in guesses.items() if g.role in QUASI and (g.kind == "single" or i in age.names))
    held = [*single["respondent"].names, *single["interviewer"].names, *psu.names, *strata.names]
    codes = tuple(dict.fromkeys(item for item in held if guesses[item].kind == "code"))
    outcome, groups = _outcome(columns)
    singles = tuple(i for i in quasi if guesses[i].kind == "single" and len(guesses[i].levels) <= 12)
    blank_weights = any(columns[item].profile.answered < columns[item].profile.rows for item in base.names)
    needed = {*strata.names, *psu.names, *inverse.names, *times.names, *(() if blank_weights else base.names)}
    needed |= {i for i, g in guesses.items() if g.role in ("sex", "age") and g.kind in ("single", "number")}
    area = next((i for i in quasi if guesses[i].role in ("district", "area") and guesses[i].kind == "single"), "")
    return Plan(
        single=single, strata=strata, psu=psu, base=base, inverse=inverse, times=times,
        quasi=Noted(quasi, (Because("known to neighbours, and together they may single out a person"),)),
        pseudonyms=Noted(codes, (Because("ids that the design or the checks need"),)),
        generalise=age, dispositions=outcome, groups=groups, figures=figures(items, scales), area=area,
        breakdowns=tuple(i for i in singles if i != area),
        required=essential(
            columns, frame, [i for i in columns if i in needed], next(iter(outcome.names), ""),
            groups.get("complete", ()),
        ),
        compared=_compared(guesses),
        lonely=_lonely(columns, frame, psu, strata),
        blank_weights=blank_weights,
    )  # fmt: skip


def _first(guesses: Mapping[str, Guess], role: str, kinds: Sequence[str]) -> Noted:
    found = [item for item, guess in guesses.items() if guess.role == role and guess.kind in kinds]
    if not found:
        return NOTHING
    because = guesses[found[0]].because
    others = (Because("others that would do: {columns}", columns=", ".join(found[1:])),) if len(found) > 1 else ()
    return Noted((found[0],), because + others)


def _compared(guesses: Mapping[str, Guess]) -> int:
    """Twice as many as must be alike, for over few questions of four steps honest people agree by chance."""
    asked = sum(guess.kind in ("single", "multiple") and guess.role in ANSWERS for guess in guesses.values())
    fewest: int = NearDuplicates.model_fields["min_items"].default
    return asked if asked >= 2 * fewest else 0


def _started(guesses: Mapping[str, Guess]) -> Noted:
    """The moment at which interviews began: named so, or else the only column with a day that is about nothing else."""
    named = _first(guesses, "started", ("time",))
    days = [item for item, guess in guesses.items() if guess.kind == "time" and not guess.role]
    if named.names or len(days) != 1:
        return named
    return Noted((days[0],), (*guesses[days[0]].because, Because("the only column with a day")))


def _design(columns: Mapping[str, Column], frame: pd.DataFrame) -> tuple[Noted, Noted]:
    named = _first({i: c.guess for i, c in columns.items()}, "psu", ("code", "number"))
    strata = _first({i: c.guess for i, c in columns.items()}, "stratum", ("code", "number", "single"))
    psu = named if named.names else _unnamed_psu(columns)
    if not psu.names or strata.names:
        return psu, strata
    units = frame[columns[psu.names[0]].name]
    fixed = [
        item
        for item, column in columns.items()
        if column.guess.role in ("district", "area")
        and item not in psu.names
        and is_constant(frame[column.name], units)
    ]
    fixed = [item for item in fixed if not _subdivides(item, fixed, columns, frame)]
    if not fixed:
        return psu, strata
    return psu, Noted(tuple(fixed), (Because("the same within every {psu}", psu=psu.names[0]),))


def _subdivides(item: str, others: Sequence[str], columns: Mapping[str, Column], frame: pd.DataFrame) -> bool:
    """Whether an item names parts of the districts of another one: a stage of the sample, not its strata."""
    own = columns[item]
    wider = (columns[other] for other in others if own.guess.role == columns[other].guess.role == "district")
    return any(
        one.profile.distinct < own.profile.distinct and is_constant(frame[one.name], frame[own.name]) for one in wider
    )


def _lonely(columns: Mapping[str, Column], frame: pd.DataFrame, psu: Noted, strata: Noted) -> int:
    if not psu.names or not strata.names:
        return 0
    names = [columns[item].name for item in strata.names]
    units = frame[[*names, columns[psu.names[0]].name]].drop_duplicates()
    return int((units.groupby(names).size() == 1).sum())


def _unnamed_psu(columns: Mapping[str, Column]) -> Noted:
    """Ids that repeat as often as sampling units do, where no column is named as one: streets, or nameless ones."""
    for item, column in columns.items():
        profile = column.profile
        full = profile.answered > 0.99 * profile.rows and column.guess.role in ("", "district")
        if column.guess.kind == "code" and full and profile.distinct >= FEWEST_UNITS and \
                profile.answered >= SMALLEST_UNIT * profile.distinct:  # fmt: skip
            size = profile.answered / profile.distinct
            return Noted((item,), (Because("{count} ids, {size:.0f} rows each", count=profile.distinct, size=size),))
    return NOTHING


def is_constant(values: pd.Series, within: pd.Series) -> bool:
    """Whether a column has one value within each value of another, slips in one row of a thousand aside.

    >>> is_constant(pd.Series(list("aabb")), pd.Series(list("1122")))
    True
    """
    counts = pd.crosstab(within, values.str.strip())
    return bool(counts.max(axis=1).sum() >= 0.999 * len(values))


def _outcome(columns: Mapping[str, Column]) -> tuple[Noted, dict[str, tuple[str, ...]]]:
    for item, column in columns.items():
        if column.guess.role != "disposition":
            continue
        groups: dict[str, tuple[str, ...]] = {}
        for code in sorted(column.profile.counts):
            group = next((name for start, name in AAPOR.items() if code.startswith(start)), "")
            if len(code) == 3 and code.isdigit() and group:
                groups[group] = (*groups.get(group, ()), code)
        whole = sum(map(len, groups.values())) == column.profile.distinct
        why = Because("codes of three digits, as AAPOR numbers outcomes") if whole else Because("its name")
        return Noted((item,), (why,)), groups if whole else {}
    return NOTHING, {}


def figures(columns: Mapping[str, Column], scales: Mapping[str, Scale]) -> tuple[Figure, ...]:
    """The likely headline figures: overall safety first, then fear, then satisfaction."""
    scale_of = {
        item: scale for scale in scales.values() for item in scale.items if columns[item].guess.kind == "single"
    }
    found: list[tuple[int, Figure]] = []
    for item, scale in scale_of.items():
        words = f"{columns[item].profile.name} {columns[item].profile.label}"
        about_safety = SAFE.search(words) or (scale.positive and SAFE.search(" ".join(scale.levels.values())))
        rank = 0 if about_safety and OVERALL.search(words) else 1 if about_safety else 2 if FEAR.search(words) else 9
        if rank < 9 and (rank < 2 or len(scale.levels) <= 5) and not columns[item].guess.role:
            found.append((rank, _figure(item, scale, bool(FEAR.search(words)) and not about_safety)))
    satisfied = [
        item for item, scale in scale_of.items() if scale.positive and SATISFIED.search(" ".join(scale.levels.values()))
    ]
    chosen = [figure for _, figure in sorted(found, key=lambda pair: pair[0])][:3]
    if satisfied:
        scale = scale_of[satisfied[0]]
        of = tuple(item for item in satisfied if scale_of[item] is scale)
        why = Because("{count} items on the scale {scale}", count=len(of), scale=scale.name)
        chosen.append(Figure("satisfaction", of, scale.positive, False, (why,)))
    return tuple(chosen)


def _figure(item: str, scale: Scale, fear: bool) -> Figure:
    if scale.positive:
        why = Because("the levels of {scale} whose wording is good news", scale=scale.name)
        return Figure(f"share_{item}", (item,), scale.positive, False, (why,))
    why = Because("its name or wording speaks of safety or fear")
    yes = tuple(code for code, words in scale.levels.items() if words.casefold() in ("是", "yes", "有"))
    binary = ("1",) if set(scale.levels) == {"0", "1"} else ()
    return Figure(f"share_{item}", (item,), yes or binary, fear, (why,))
