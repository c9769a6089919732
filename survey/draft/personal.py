"""Cells that tell who somebody is, however often they occur: an interviewer's name, the telephone of a household.

Levels of a scale are written into survey.yaml, which is shared: what looks like one of these never becomes a level.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from survey.identifiers import PLAIN, is_name, kind_of

LONG = re.compile(r"\d{7}")
"""Figures of an account or a document of whatever kind: no level has as many."""
FORMED = re.compile(r"[\u4e00-\u9fff][A-Z][·\- ]?[A-Z0-9]{5,6}|wxid_\w+")
"""Plates of whichever province, accounts that nothing introduces: too little in a sentence, enough in a cell."""
ENGLISH_NAME = re.compile(r"[A-Z][a-z'’-]+(?: [A-Z]\.?)? [A-Z][A-Za-z'’-]+")
FEW = 4
"""Levels of two English words each, none of them twice, from which on they are taken for names."""


def is_personal(cell: str) -> bool:
    """Whether a cell by itself has the form of a number, an address, an account or a titled name of a person.

    >>> [is_personal(cell) for cell in ("142 7234 2764", "10.138.157.110", "王芳女士", "Mrs Hall", "非常安全", "3")]
    [True, True, True, True, False, False]
    """
    cell = cell.strip()
    return LONG.search(cell) is not None or FORMED.fullmatch(cell) is not None or kind_of(cell) != ""


def is_person(cell: str) -> bool:
    """Whether a cell may be a Chinese name that is no answer: its surname is no everyday word.

    >>> is_person("王芳"), is_person("江北区"), is_person("满意")
    (True, False, False)
    """
    return cell != "" and cell[0] in PLAIN and is_name(cell)


def are_names(cells: Collection[str]) -> bool:
    """Whether the words of a column are names of persons, by their surnames or, in English, by never sharing a word.

    >>> are_names(["王芳", "李强", "张敏"]), are_names(["很安全", "安全", "不安全"])
    (True, False)
    >>> are_names(["Ann Hall", "Bo Reed", "Cy Moss", "Di Lane"]), are_names(["Very Safe", "Very Unsafe"])
    (True, False)
    """
    if not cells:
        return False
    if len(cells) >= 2 and sum(map(is_person, cells)) > 0.6 * len(cells):
        return True
    words = [word for cell in cells for word in cell.split()]
    return len(cells) >= FEW and len(set(words)) == len(words) and all(map(ENGLISH_NAME.fullmatch, cells))
