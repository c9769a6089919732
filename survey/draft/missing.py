"""Codes that are no answer: declared by the file, worded so, or of a custom that stands apart from the answers."""

from __future__ import annotations

import re

from survey.codebook import number_code
from survey.draft.evidence import Because
from survey.draft.lexicon import CUSTOM, reason_of
from survey.draft.profile import Profile, number

CUSTOMARY = re.compile(r"-[1-9]|[789]|(77|88|99|9[678])|(777|888|999|99[678])|(9999|999[78])|-(7|8|9){2}")
FEWEST = 500
RARE = 0.001


def missing_codes(profile: Profile, codes: dict[str, int]) -> tuple[dict[str, str], tuple[Because, ...]]:
    """Code → reason among the codes of an item, and the evidence.

    Args: codes: code → how often, of a single or multiple item; the file's own wordings are added to them.
    """
    worded = {
        code: reason
        for code in dict.fromkeys([*codes, *profile.values])
        if (reason := reason_of(profile.values.get(code, "") or ("" if number(code) is not None else code)))
    }
    found = {code: worded.get(code) or _by_custom(code) for code in profile.declared} | worded
    because: tuple[Because, ...] = ()
    if worded:
        because += (Because("codes worded as no answer: {count}", count=len(worded)),)
    if profile.declared:
        because += (Because("codes declared missing in the file: {count}", count=len(profile.declared)),)
    unworded = {code: count for code, count in codes.items() if code not in found and not profile.values.get(code)}
    apart = _apart(list(_without_lone_slips(unworded, profile.answered)))
    # A lone 7 among 1 to 4 is a slip of the pen; a lone 99 there is hardly one.
    apart = [code for code in apart if unworded[code] > 1 or len(code) > 1]
    if apart:
        because += (Because("{codes} stand apart from the other codes", codes=", ".join(apart)),)
    return found | {code: _by_custom(code) for code in apart}, because


def _by_custom(code: str) -> str:
    return CUSTOM.get(code[-1:], "lost") if code != "-1" else "not_applicable"


def _without_lone_slips(codes: dict[str, int], answered: int) -> dict[str, int]:
    """Codes without rare ones of no custom (33 among 1 to 4), which would hide a gap, and a lone -1."""
    kept = without_strays(codes, answered)[0]
    return {
        code: count
        for code, count in codes.items()
        if code in kept or (CUSTOMARY.fullmatch(code) and (count > 1 or not code.startswith("-")))
    }


def _apart(codes: list[str]) -> list[str]:
    """Customary missing codes that leave a gap to the rest: 8 and 9 after 1 to 5, 98 and 99 after 1 to 10.

    >>> _apart(["1", "2", "3", "4", "8", "9"]), _apart(["1", "2", "88", "99"]), _apart(list("123456789"))
    (['8', '9'], ['88', '99'], [])
    """
    numbers = sorted((value, code) for code in codes if (value := number(code)) is not None and value % 1 == 0)
    while numbers and numbers[0][0] < 0:
        numbers = numbers[1:]
    negative = [code for code in codes if (value := number(code)) is not None and value < 0]
    main = [value for value, code in numbers if not CUSTOMARY.fullmatch(code)]
    highest = max(main, default=None)
    if highest is None:
        return []
    likely = [code for value, code in numbers if value > highest and CUSTOMARY.fullmatch(code)]
    smallest = min((number(code) or 0 for code in likely), default=0)
    gap = smallest - highest
    if gap < 2 and highest >= 6:  # 7, 8 and 9 after 1 to 6 are answers
        likely = []
    elif gap < 2:
        likely = [code for code in likely if (number(code) or 0) - highest > 1]
    return sorted([*likely, *(code for code in negative if CUSTOMARY.fullmatch(code))], key=lambda code: float(code))


def missing_numbers(profile: Profile) -> tuple[dict[str, str], tuple[Because, ...]]:
    """Customary missing codes of a number: far above the rest, or negative where nothing else is."""
    values, counts = profile.numbers
    often = {number_code(f"{value:.0f}") for value in values[counts > 1]}
    values = values[(values >= 0) | (counts > 1)]  # a lone negative number is a slip
    found = {code: reason for code in profile.values if (reason := reason_of(profile.values[code]))}
    found |= {code: found.get(code) or _by_custom(code) for code in profile.declared}
    if profile.whole and len(values) > 5:
        special = [number_code(f"{value:.0f}") for value in [*values[:3], *values[-3:]]]
        special = [code for code in dict.fromkeys(special) if CUSTOMARY.fullmatch(code) and len(code) > 1]
        rest = [value for value in values if number_code(f"{value:.0f}") not in special]
        if rest:
            apart = [code for code in special if code in often]  # one alone is a slip, or somebody's answer
            apart = [code for code in apart if float(code) < 0 <= min(rest) or float(code) > 1.2 * max(rest) + 2]
            found |= {code: _by_custom(code) for code in apart if code not in found}
    because = (Because("{codes} stand apart from the other numbers", codes=", ".join(found)),) if found else ()
    return found, because


def without_strays(codes: dict[str, int], answered: int) -> tuple[dict[str, int], int]:
    """The codes without those so rare that they look like slips of the pen, and how many such there are.

    >>> without_strays({"1": 900, "2": 700, "33": 1}, 1601)
    ({'1': 900, '2': 700}, 1)
    """
    if answered < FEWEST:
        return codes, 0
    kept = {code: count for code, count in codes.items() if count > max(2, RARE * answered)}
    return (kept, len(codes) - len(kept)) if len(kept) > 1 else (codes, 0)
