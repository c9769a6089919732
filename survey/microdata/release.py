"""The public-use file of one wave: what goes out, how it was protected, and what risk is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey.anonymity.classes import Floats, Ints, Rules, Sensitive, crossed, levels_of, measure
from survey.codebook import Codebook, Microdata
from survey.codebook.microdata import ALL
from survey.errors import GateError
from survey.microdata.dictionary import Variable, described, design_variables
from survey.microdata.lattice import Attribute, Node, search
from survey.microdata.scrambling import relabelled, row_digests


@dataclass(frozen=True)
class PublicUse:
    """A public-use file: columns as `variables` describes them, rows in an order that tells nothing.

    protected: the quasi-identifiers and what the design tells of each, as they were measured (rows as in `frame`).
    origin: position (n,) of each row in the private frame; never published.
    """

    frame: pd.DataFrame
    variables: tuple[Variable, ...]
    protected: Protection
    origin: Ints


@dataclass(frozen=True)
class Protection:
    """How the quasi-identifiers went out, in the rows of the private frame.

    names: quasi-identifiers.   released: column that holds each, "" where it was left out.   pinned: those that strata
    (or weights, where survey.yaml counts them) tell anyway, which were therefore left as fine as they are.   given:
    class (n,) of what the design tells.
    """

    names: tuple[str, ...]
    released: tuple[str, ...]
    pinned: tuple[str, ...]
    given: Ints
    attributes: tuple[Attribute, ...]
    node: Node

    def parts(self) -> list[Ints]:
        """Levels (n,) of each quasi-identifier as released, blanked cells among the missing ones."""
        parts = []
        for i, (own, step) in enumerate(zip(self.attributes, self.node.steps, strict=True)):
            blank = own.blank[step] if own.blank[step] >= 0 else int(own.steps[step].max()) + 1
            parts.append(np.where(self.node.blanked[:, i], blank, own.steps[step]))
        return parts

    def code(self) -> Ints:
        """Class (n,) of those who share everything that somebody may know."""
        return crossed([self.given, *self.parts()], len(self.given))

    def fine(self) -> Ints:
        """The same before anything was made coarser."""
        return crossed([self.given, *(own.steps[0] for own in self.attributes)], len(self.given))


def public_use(frame: pd.DataFrame, book: Codebook, weight: str) -> PublicUse:
    """The public-use file of a weighted wave.

    What the strata tell counts as known: their sizes by area stand in the report, so a quasi-identifier that is the
    same within each stratum goes out as fine as it is and k is measured inside the strata. What is the same within
    each sampling unit cannot be blanked in single records. Then the generalisation that loses least is searched,
    cells are blanked, strata and units are relabelled by what goes out, and rows put in an order that follows from
    it.

    Args: frame: the private frame with quasi-identifiers, their coarser variants, design and weights.   weight: column
    of the final weight.
    Raises: GateError: k, l or t cannot be reached; names which, and what would help.
    """
    plan = book.privacy.microdata
    assert plan is not None
    sensitive = sensitive_of(frame, book)
    protection = _protected(frame, book, plan, sensitive, frame[weight].to_numpy(float))
    answers = [own for name in book.released() for own in described(book, name) if _told(frame, own.column)]
    known = [own for name in protection.released if name for own in described(book, name, "quasi_identifier")]
    design = book.design
    taken = [own.name for own in (*known, *answers)]
    drawn = design_variables(bool(design.strata), len(design.psu), len(design.fpc), taken)
    content = pd.DataFrame(index=frame.index)
    for variable in known:
        place = protection.released.index(variable.source)
        content[variable.name] = frame[variable.source].mask(protection.node.blanked[:, place])
    content = pd.concat([content, *(frame[own.column].rename(own.name) for own in answers)], axis=1)
    released, order = _relabelled(frame, content, book, weight, drawn)
    return PublicUse(released, (*drawn, *known, *answers), protection, order)


def calibrated(book: Codebook) -> tuple[str, ...]:
    """Quasi-identifiers that calibration used, which the weights therefore tell."""
    used = {part for margin in book.weighting.margins() for part in margin.split(":")}
    return tuple(name for name in book.privacy.quasi_identifiers if name in used)


def sensitive_of(frame: pd.DataFrame, book: Codebook) -> list[Sensitive]:
    """The sensitive items of survey.yaml that this wave asked, with their order where the scale has one."""
    plan = book.privacy.microdata
    columns = [own for name in (plan.sensitive if plan else ()) for own in described(book, name)]
    return [
        Sensitive(own.name, levels_of(frame[own.column]), own.measured == "ordinal")
        for own in columns
        if _told(frame, own.column)
    ]


def _protected(
    frame: pd.DataFrame, book: Codebook, plan: Microdata, sensitive: list[Sensitive], weights: Floats
) -> Protection:
    rules = Rules(plan.k, plan.l, plan.l_entropy, plan.t)
    stratum = _crossing(frame, book.design.strata)
    unit = crossed([stratum, _crossing(frame, book.design.psu[:1])], len(frame))
    names = tuple(name for name in book.privacy.quasi_identifiers if name in frame)
    read = calibrated(book) if plan.weights == "counted" else ()
    pinned = tuple(n for n in names if n in read or (book.design.strata and _follows(frame[n], stratum)))
    local = [name for name in names if book.design.psu and _follows(frame[name], unit)]
    told = [own.column for name in book.released() for own in described(book, name) if _told(frame, own.column)]
    area = [levels_of(frame[name]) for name in told if book.design.psu and _follows(frame[name], unit)]
    given = crossed([stratum, *area], len(frame))
    attributes = []
    for name in names:
        steps = (name,) if name in pinned else (name, *plan.hierarchies.get(name, (ALL,)))
        attributes.append(_attribute(frame, name, steps, plan.importance.get(name, 1.0), name in (*pinned, *local)))
    node = search(attributes, given, sensitive, rules, plan.max_suppressed, weights)
    if node is None:
        raise _unreachable(attributes, given, sensitive, rules, plan)
    columns = [(name, *plan.hierarchies.get(name, (ALL,)))[step] for name, step in zip(names, node.steps, strict=True)]
    released = tuple("" if column == ALL else column for column in columns)
    return Protection(names, released, pinned, given, tuple(attributes), node)


def _attribute(frame: pd.DataFrame, name: str, steps: Sequence[str], importance: float, fixed: bool) -> Attribute:
    levels, blanks = [], []
    for step in steps:
        level = np.zeros(len(frame), dtype=np.intp) if step == ALL else levels_of(frame[step])
        gone = np.zeros(len(frame), dtype=bool) if step == ALL else frame[step].isna().to_numpy()
        levels.append(level)
        blanks.append(int(level[gone][0]) if gone.any() else -1)
    return Attribute(name, tuple(levels), importance, tuple(blanks), fixed)


def _unreachable(
    attributes: Sequence[Attribute], given: Ints, sensitive: list[Sensitive], rules: Rules, plan: Microdata
) -> GateError:
    """What a file with the coarsest quasi-identifiers would keep, and which rule that breaks."""
    coarsest = crossed([given, *(own.steps[-1] for own in attributes)], len(given))
    found = measure(coarsest, sensitive)
    short = [
        *(["k"] if found.k < rules.k else []),
        *(["l"] if sensitive and found.l_distinct < rules.l_distinct else []),
        *(["l_entropy"] if sensitive and found.l_entropy < rules.l_entropy else []),
        *(["t"] if rules.t is not None and found.t > rules.t else []),
    ]
    return GateError(
        "No public-use file: the records cannot be protected as survey.yaml demands",
        where="survey.yaml, privacy.microdata",
        expected="k {k}, l {l}, entropy l {l_entropy}, t {t}, at most {limit} of the records blanked",
        got="k {k_found}, l {l_found}, entropy l {e_found}, t {t_found} with every hierarchy at its coarsest; short of:"
        " {short}"
        if short
        else "more records to blank than allowed, however coarse the quasi-identifiers",
        hint="give `hierarchies` a coarser last step (* leaves a variable out), allow a larger `max_suppressed`,"
        " declare fewer `sensitive` variables or a larger `t`; strata that are too small can only be merged in the"
        " design",
        k=rules.k,
        l=rules.l_distinct,
        l_entropy=f"{rules.l_entropy:g}",
        t="-" if rules.t is None else f"{rules.t:g}",
        limit=f"{plan.max_suppressed:.1%}",
        k_found=found.k,
        l_found=found.l_distinct,
        e_found=f"{found.l_entropy:.2f}",
        t_found=f"{found.t:.2f}",
        short=", ".join(short),
    )


def _relabelled(
    frame: pd.DataFrame, content: pd.DataFrame, book: Codebook, weight: str, drawn: Sequence[Variable]
) -> tuple[pd.DataFrame, Ints]:
    design, columns = book.design, {}
    columns["weight"] = frame[weight].to_numpy(float)
    stages = [_crossing(frame, design.strata)]
    for psu in design.psu:
        stages.append(crossed([stages[-1], levels_of(frame[psu])], len(frame)))
    digests = row_digests(content.assign(**{drawn[0].name: columns["weight"]}))
    labels, order = relabelled(digests, stages)
    numbers = iter([*(labels[:1] if design.strata else []), *labels[1:]])
    sizes = iter(design.fpc)
    values: dict[str, Any] = {}
    for own in drawn:
        if own.part == "weight":
            values[own.name] = columns["weight"]
        elif own.part == "size":
            values[own.name] = frame[next(sizes)].to_numpy(float)
        else:
            values[own.name] = next(numbers)
    whole = pd.concat([pd.DataFrame(values, index=frame.index), content], axis=1)
    return whole.iloc[order].reset_index(drop=True), order


def _crossing(frame: pd.DataFrame, names: Sequence[str]) -> Ints:
    return crossed([levels_of(frame[name]) for name in names], len(frame))


def _follows(values: pd.Series, group: Ints) -> bool:
    """Whether a variable is the same for everybody of a group, and not for everybody there is."""
    level = levels_of(values)
    return len(np.unique(level)) > 1 and int(crossed([group, level], len(group)).max()) == int(group.max())


def _told(frame: pd.DataFrame, column: str) -> bool:
    return column in frame and bool(frame[column].notna().any())
