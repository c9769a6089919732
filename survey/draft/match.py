"""Which columns of two deliveries are the same item: by name, by label, else by their place and the answers in them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from survey.draft.evidence import Because, Guess
from survey.draft.profile import Profile

LIKELY, PLACED, SURE = 0.7, 0.85, 0.9
KEPT = 0.25
"""Share of names in common from which two deliveries name columns alike: then a new name is seldom an old column."""
FAR = 0.25
NEAR = 0.12


@dataclass(frozen=True)
class Column:
    """A delivered column with what it is taken for."""

    profile: Profile
    guess: Guess

    @property
    def name(self) -> str:
        """Name as delivered."""
        return self.profile.name


@dataclass(frozen=True)
class Match:
    """A column of one delivery and its like in the other, and why they are held for the same; () for the same name."""

    one: Column
    two: Column
    because: tuple[Because, ...] = ()


def match(one: Sequence[Column], two: Sequence[Column]) -> list[Match]:
    """The pairs of columns of two deliveries that hold the same item, in the order of the second."""
    found = _same_words(one, two)
    shared = sum(not pair.because for pair in found) / max(min(len(one), len(two)), 1)
    if shared > KEPT:
        found += _between(one, two, found)
    taken_one, taken_two = {pair.one.name for pair in found}, {pair.two.name for pair in found}
    rest_one = [column for column in one if column.name not in taken_one]
    rest_two = [column for column in two if column.name not in taken_two]
    found += _aligned(rest_one, rest_two, shared > KEPT)
    order = {column.name: place for place, column in enumerate(two)}
    return sorted(found, key=lambda pair: order[pair.two.name])


def _same_words(one: Sequence[Column], two: Sequence[Column]) -> list[Match]:
    """Pairs of one name, then of one label, then where the label of one is the name of the other."""
    found: dict[str, Match] = {}
    taken: set[str] = set()
    for spoken, heard, why in (
        (_name, _name, ()),
        (_label, _label, (Because("the same label"),)),
        (_label, _name, (Because("its name is the label there"),)),
        (_name, _label, (Because("its label is the name there"),)),
    ):
        by_words: dict[str, list[Column]] = {}
        for column in one:
            if column.name not in taken and spoken(column):
                by_words.setdefault(spoken(column), []).append(column)
        for column in two:
            others = by_words.get(heard(column), [])
            if column.name not in found and len(others) == 1 and others[0].name not in taken:
                found[column.name] = Match(others[0], column, why)
                taken.add(others[0].name)
    return list(found.values())


def _name(column: Column) -> str:
    return re.sub(r"[\s_.\-]+", "", column.profile.name.casefold())


def _label(column: Column) -> str:
    return re.sub(r"[\s_.\-]+", "", column.profile.label.casefold())


def _between(one: Sequence[Column], two: Sequence[Column], found: Sequence[Match]) -> list[Match]:
    """Pairs of new names that stand between the same neighbours, as many here as there, and are alike.

    Where most columns keep their names a new one is seldom an old one, but a whole gap of as many columns in the same
    place is seldom anything else.
    """
    partner = {pair.two.name: pair.one.name for pair in found}
    placed = {column.name: place for place, column in enumerate(one)}
    pairs: list[tuple[Column, Column]] = []
    before, gap = -1, list[Column]()
    for column in [*two, None]:
        if column is not None and column.name not in partner:
            gap.append(column)
            continue
        after = placed[partner[column.name]] if column is not None else len(one)
        if gap and after - before - 1 == len(gap):
            pairs += zip(one[before + 1 : after], gap, strict=True)
        before, gap = after, []
    taken = set(partner.values())
    likely = [(a, b, alike(a, b)) for a, b in pairs if a.name not in taken and a.guess.kind != "ignore"]
    return [Match(a, b, (_by_place(share),)) for a, b, share in likely if share >= PLACED]


def _by_place(share: float) -> Because:
    return Because("by its place and its answers, {share:.0%} alike", share=share)


def _aligned(one: Sequence[Column], two: Sequence[Column], careful: bool) -> list[Match]:
    """Pairs that keep the order of the questionnaire and are together most alike (Needleman and Wunsch 1970)."""
    likeness = np.array([[_likely(a, b, careful) for b in two] for a in one]).reshape(len(one), len(two))
    gain = np.where(likeness >= (SURE if careful else LIKELY), likeness - 0.5, -1.0)
    best = np.zeros((len(one) + 1, len(two) + 1))
    for i in range(1, len(one) + 1):
        for j in range(1, len(two) + 1):
            best[i, j] = max(best[i - 1, j], best[i, j - 1], best[i - 1, j - 1] + gain[i - 1, j - 1])
    found = []
    i, j = len(one), len(two)
    while i and j:
        if best[i, j] == best[i - 1, j]:
            i -= 1
        elif best[i, j] == best[i, j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            found.append(Match(one[i], two[j], (_by_place(float(likeness[i, j])),)))
    return found


def _likely(one: Column, two: Column, careful: bool) -> float:
    """How likely two columns of different names are one item; careful: where most columns keep their names."""
    found = alike(one, two)
    if not careful or found == 0:
        return found
    names = difflib.SequenceMatcher(None, _name(one), _name(two)).ratio()
    telling = one.guess.kind in ("single", "multiple") and len(one.guess.levels) > 3
    return found if names >= 0.6 or (telling and found > 0.95) else 0.0


def alike(one: Column, two: Column) -> float:
    """How alike two columns are in what they hold, 0 to 1; 0 for two kinds or two roles."""
    roles = (one.guess.role, two.guess.role)
    if one.guess.kind != two.guess.kind or (all(roles) and roles[0] != roles[1]):
        return 0.0
    same_role = bool(roles[0]) and roles[0] == roles[1]
    if one.guess.kind in ("single", "multiple"):
        answers = _answers_alike(one, two)
    elif one.guess.kind == "number":
        answers = _numbers_alike(one.profile, two.profile)
    else:
        answers = _values_alike(one.profile, two.profile)
    return 0.6 + 0.4 * answers if same_role else answers


def shares(column: Column, wording: Mapping[str, str]) -> dict[str, float]:
    """Code → share among the answers of an item; words are put into codes where a wording (code → words) says how."""
    code_of = {words.strip().casefold(): code for code, words in wording.items() if words}
    counts = column.profile.chosen if column.guess.kind == "multiple" else column.profile.counts
    found: dict[str, float] = {}
    for text, count in counts.items():
        code = text if text in wording else code_of.get(text.casefold(), text)
        if code not in column.guess.missing and code in {**wording, **column.guess.levels}:
            found[code] = found.get(code, 0) + count
    total = sum(found.values())
    return {code: count / total for code, count in found.items()} if total else {}


def distance(one: Mapping[str, float], two: Mapping[str, float]) -> float:
    """Total variation between two distributions over codes, 0 for the same to 1 for nothing in common."""
    return sum(abs(one.get(code, 0) - two.get(code, 0)) for code in {*one, *two}) / 2


def _answers_alike(one: Column, two: Column) -> float:
    wording = one.guess.levels if any(one.guess.levels.values()) else two.guess.levels
    a, b = shares(one, wording), shares(two, wording)
    if not set(a) & set(b):  # words here and codes there: only the sizes of the groups can be compared
        sizes = [sorted(found.values(), reverse=True) for found in (a, b)]
        return 0.85 * (1 - distance(*({str(i): size for i, size in enumerate(found)} for found in sizes)))
    common = len(set(a) & set(b)) / len({*a, *b})
    turned = 0.95 * (1 - distance(a, mirrored(b)))
    return (0.4 + 0.6 * common) * max(1 - distance(a, b), turned)


def mirrored(found: Mapping[str, float]) -> dict[str, float]:
    """The distribution with its codes the other way round.

    >>> mirrored({"1": 0.7, "2": 0.2, "3": 0.1})
    {'1': 0.1, '2': 0.2, '3': 0.7}
    """
    codes = sorted(found, key=lambda code: (len(code), code))
    return dict(zip(codes, [found[code] for code in reversed(codes)], strict=True))


def is_reversed(one: Column, two: Column) -> bool:
    """Whether the second delivery holds the scale of the first the other way round."""
    a, b = shares(one, one.guess.levels), shares(two, one.guess.levels)
    return len(a) > 2 and set(a) == set(b) and distance(a, b) > FAR and distance(a, mirrored(b)) < NEAR


def _numbers_alike(one: Profile, two: Profile) -> float:
    grid = np.linspace(0.05, 0.95, 19)
    a, b = (np.quantile(np.repeat(values, np.minimum(counts, 50).astype(int)), grid) for values, counts in
            (one.numbers, two.numbers))  # fmt: skip
    spread = max(float(a.max() - a.min()), float(b.max() - b.min()), 1e-9)
    return float(1 - np.abs(a - b).mean() / spread)


def _values_alike(one: Profile, two: Profile) -> float:
    common = len(set(one.counts) & set(two.counts)) / max(min(one.distinct, two.distinct), 1)
    length = 1 - abs(one.length - two.length) / max(one.length, two.length, 1)
    size = min(one.distinct, two.distinct) / max(one.distinct, two.distinct, 1)
    return max(common * 0.5 + 0.5 * size, (length + size) / 2)
