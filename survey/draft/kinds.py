"""What a column is: an identifier, a moment, a weight, an answer, a number; the first rule that fits wins."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from survey.draft.evidence import Because, Guess
from survey.draft.lexicon import DIRECT, ENDED, reason_of, role_of
from survey.draft.missing import missing_codes, missing_numbers, without_strays
from survey.draft.personal import are_names, is_person, is_personal
from survey.draft.profile import CODE, LONGEST_CODE, MOMENT, Profile, number

MOST_LEVELS = 30
RARE = 0.02
DIGITS = re.compile(r"\d{7,}")
ID = re.compile(r"[A-Za-z0-9_./\-]{1,40}")
LONG_CODE = re.compile(r"\d{5,}")
PERSON_NAME = re.compile(r".*(姓名|名字)|((full|first|last|sur|family)[_ .-]?)?names?|xm", re.I)
"""A whole header that promises names of persons: such a column is declared even where few names stand in many rows."""
QUESTION = re.compile(r"[a-z]{1,2}_?\d+([_.]\d+)*[a-z]?", re.I)


def guess(profile: Profile) -> Guess:
    """What a column is taken for, with the evidence."""
    role = role_of(profile.name, profile.label)
    coded = profile.distinct <= MOST_LEVELS and all(CODE.fullmatch(cell) for cell in profile.sample)
    if role in DIRECT and (profile.values or coded):  # asks about an address, but holds none
        role = ""
    for rule in RULES:
        found = rule(profile, role)
        if found is not None:
            return found
    return Guess("text", "", (Because("{count} different texts", count=profile.distinct),))


def _empty(profile: Profile, role: str) -> Guess | None:
    if profile.answered == 0:
        return Guess("ignore", "", (Because("empty"),))
    asked = profile.values or role not in ("", "wave", "weight", "respondent")
    if profile.distinct == 1 and not asked and profile.answered > 1:
        return Guess("ignore", role, (Because("the same in every row"),))
    return None


def _identifier(profile: Profile, role: str) -> Guess | None:
    form, right = profile.identity
    shapes = {
        "id_number": Because(
            "{form:.0%} of the cells have the form of identity numbers (region, date of birth, serial number), "
            "{right:.0%} with a right check digit",
            form=form,
            right=right,
        ),
        "phone": Because("cells of the form of telephone numbers"),
        "email": Because("cells of the form of e-mail addresses"),
        "address": Because("cells of the form of postal addresses"),
        "name": Because("cells that begin with a surname"),
    }
    few = profile.distinct <= MOST_LEVELS and profile.answered > 5 * profile.distinct
    if profile.shape and not (few and profile.values):
        return Guess("identifier", profile.shape, (shapes[profile.shape],))
    named = role == "name" and not profile.values and PERSON_NAME.fullmatch(profile.name) is not None
    if role in DIRECT and (named or not few):
        return Guess("identifier", role, (Because("its name or label speaks of {role}", role=role),))
    return None


def _time(profile: Profile, role: str) -> Guess | None:
    if profile.share(MOMENT) < 0.9:
        return None
    clock = any(":" in cell or "：" in cell or "时" in cell for cell in profile.sample[:20])
    day = Because("cells with day and hour") if clock else Because("cells with a day")
    if profile.distinct == 1:
        return Guess("ignore", "", (Because("the same in every row"),))
    began = role == "started" or (role == "" and clock and not ENDED.search(f"{profile.name} {profile.label}"))
    return Guess("time", "started" if began else role, (day,))


def _counter(profile: Profile, role: str) -> Guess | None:
    values, _ = profile.numbers
    if profile.numeric < 1 or not profile.whole or len(values) != profile.rows or len(values) < 20:
        return None
    counts_up = values[0] in (0, 1) and values[-1] - values[0] == len(values) - 1
    return Guess("ignore", "", (Because("counts the rows"),)) if counts_up and role != "person" else None


def _respondent(profile: Profile, role: str) -> Guess | None:
    nearly_unique = profile.distinct > 0.98 * profile.answered and profile.answered > 0.98 * profile.rows
    if not nearly_unique or profile.answered < 20 or (not profile.whole and profile.numeric > 0.9):
        return None
    if profile.share(ID) < 0.98 or profile.marked or role in ("comment", "weight", "probability"):
        return None  # nobody marks the thousands of an id
    return Guess("code", "respondent", (Because("different in {share:.1%} of the rows", share=_unique(profile)),))


def _unique(profile: Profile) -> float:
    return profile.distinct / max(profile.answered, 1)


def _weight(profile: Profile, role: str) -> Guess | None:
    if profile.numeric < 0.99 or not len(profile.numbers[0]) or profile.numbers[0][0] < 0:
        return None
    values, (mean, cv) = profile.numbers[0], profile.moments
    probable = not profile.whole and values[-1] <= 1 and values[0] > 0 and profile.distinct >= 10
    if role == "probability" or (
        probable and role in ("", "psu", "respondent") and cv > 0 and profile.distinct < 0.2 * profile.answered
    ):
        return Guess("number", "probability", (Because("between 0 and 1, mean {mean:.3f}", mean=mean), *_named(role)))
    fractional = not profile.whole and profile.distinct >= 10 and profile.numbers[0][-1] > 1
    if role == "weight" and (fractional or profile.distinct > MOST_LEVELS):
        return Guess("number", "weight", (_positive(mean, cv), *_named(role)))
    if role == "" and fractional and abs(mean - 1) < 0.005 and cv > 0.05:
        return Guess("number", "weight", (_positive(mean, cv), Because("a mean of 1 is the custom of weights")))
    return None


def _positive(mean: float, cv: float) -> Because:
    return Because("positive, mean {mean:,.2f}, CV {cv:.2f}", mean=mean, cv=cv)


def _named(role: str) -> tuple[Because, ...]:
    return (Because("its name or label speaks of {role}", role=role),) if role else ()


def _multiple(profile: Profile, role: str) -> Guess | None:
    if not profile.chosen:
        return None
    missing, why = missing_codes(profile, profile.chosen)
    kept, strays = without_strays({c: n for c, n in profile.chosen.items() if c not in missing}, profile.answered)
    levels = _ordered({code: profile.values.get(code, "") for code in [*profile.values, *kept] if code not in missing})
    return Guess("multiple", role, (Because("several codes in one cell"), *why), levels, missing, strays)


def _units(profile: Profile, role: str) -> Guess | None:
    """Ids of sampling units, strata, interviewers and outcomes: few or many, but no answers."""
    if role not in ("stratum", "psu", "interviewer", "disposition", "respondent") or profile.length > 20:
        return None
    if role == "respondent" and profile.distinct < 50:
        return None
    if role == "psu" and profile.distinct > profile.answered / 2:
        return None
    if profile.values and role != "disposition":  # a worded one is a group of areas
        return None
    count = Because("{count} different ones", count=profile.distinct)
    return Guess("code", role, (count, *_named(role)))


def _single(profile: Profile, role: str) -> Guess | None:
    if role == "comment" or not profile.distinct >= 1:
        return None
    words = [text for text in profile.values.values() or profile.counts if number(text) is None]
    worded = bool(profile.values) or profile.numeric < 0.5
    if worded and role not in ("district", "area") and are_names(words):
        return None
    codes = {
        code: n for code, n in profile.counts.items() if len(code) <= LONGEST_CODE and not _of_somebody(code, profile)
    }
    missing, why = missing_codes(profile, codes)
    levels = {code: n for code, n in codes.items() if code not in missing}
    levels, strays = without_strays(levels, profile.answered)
    known = {code: words for code, words in profile.values.items() if code not in missing}
    covered = sum(levels.values()) + sum(codes.get(code, 0) for code in missing)
    enough = profile.answered >= 5 * len(levels) and covered >= 0.98 * profile.answered
    labelled = len(known) > 1 and sum(levels.get(code, 0) for code in known) >= 0.9 * sum(levels.values())
    if not (labelled or (enough and _like_levels(levels, profile, role))):
        return None
    if any(map(is_personal, known.values())):
        return None
    wording = {code: known.get(code, "") or ("" if number(code) is not None else code) for code in [*known, *levels]}
    count = (
        Because("{count} codes, worded in the file", count=len(wording))
        if labelled
        else Because("{count} different short values", count=len(wording))
    )
    return Guess("single", role, (count, *why), _ordered(wording), missing, strays)


def _of_somebody(code: str, profile: Profile) -> bool:
    """Whether a cell tells who somebody is: so may, among codes that are numbers, a rare word or one like a name."""
    stray = number(code) is None and profile.numeric >= 0.5 and not reason_of(code)
    rare = profile.counts[code] < RARE * profile.answered
    return bool(DIGITS.search(code)) or is_personal(code) or (stray and (rare or is_person(code)))


def _like_levels(levels: dict[str, int], profile: Profile, role: str) -> bool:
    if role in ("count", "age", "weight", "duration") and profile.numeric > 0.9:
        return role == "age" and len(levels) <= 12
    question = QUESTION.fullmatch(profile.name) and profile.numbers[0].max(initial=0) < 100
    named = role in ("district", "area") or (question and profile.answered > 1000)
    if not 1 <= len(levels) <= (MOST_LEVELS if named or profile.numeric < 0.5 else 12):
        return False
    if profile.numeric < 0.5:  # words: each given by several, or they may be somebody's own
        return min(levels.values()) >= 3 and profile.answered >= 10 * len(levels) and _short(levels)
    return all(CODE.fullmatch(code) or number(code) is None for code in levels)


def _short(levels: dict[str, int]) -> bool:
    return float(np.mean([len(code) for code in levels])) <= (
        10 if any("\u4e00" <= c <= "\u9fff" for c in "".join(levels)) else 24
    )


def _ordered(wording: dict[str, str]) -> dict[str, str]:
    if all(number(code) is not None for code in wording):
        return dict(sorted(wording.items(), key=lambda pair: float(pair[0])))
    return wording


def _place(profile: Profile, role: str) -> Guess | None:
    """Districts or streets too many, or too unlike, for the levels of an item: ids, that the design may need."""
    if role != "district" or profile.values or profile.length > 20 or profile.distinct > profile.answered / 4:
        return None
    return Guess("code", role, (Because("{count} different ones", count=profile.distinct), *_named(role)))


def _number(profile: Profile, role: str) -> Guess | None:
    if profile.numeric < 0.9:
        return None
    missing, why = missing_numbers(profile)
    if profile.whole and not profile.marked and LONG_CODE.search(profile.sample[0]) and role in ("", "area"):
        return Guess("code", role, (Because("{count} different ones", count=profile.distinct),))
    return Guess("number", role, (Because("{count} different numbers", count=profile.distinct), *why), missing=missing)


def _code(profile: Profile, role: str) -> Guess | None:
    """Short ids that repeat: letters and digits, such as C014."""
    alike = profile.share(re.compile(r"[A-Za-z]{0,4}[-_]?\d{1,12}"))
    if alike < 0.9 or profile.distinct > profile.answered / 2:
        return None
    return Guess("code", role, (Because("{count} different ids that repeat", count=profile.distinct),))


RULES: tuple[Callable[[Profile, str], Guess | None], ...] = (
    *(_empty, _identifier, _time, _counter, _weight, _respondent, _multiple, _units, _single, _place, _number, _code),
)
