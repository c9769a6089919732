"""Cells that tell who somebody is, however often they occur: an interviewer's name, the telephone of a household.

Levels of a scale are written into survey.yaml, which is shared: what looks like one of these never becomes a level.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from survey.draft.profile import ADDRESS, EMAIL, IDENTITY, MOBILE, PERSON, SURNAMES

NUMBERED = re.compile(
    r".*\d{7,}.*|(?:\+?\d{1,3}[ -])?(?:1\d{2}[ -]\d{4}[ -]\d{4}|0\d{2,3}[ -]\d{7,8})|\+\d[\d -]{8,16}"
    r"|\d{4}(?:[ -]\d{4}){3,}\d{0,3}"
)
PLACE = re.compile(r"\(?-?\d{1,3}\.\d{3,}\s*[,，; ]\s*-?\d{1,3}\.\d{3,}\)?")
NET = re.compile(
    r"\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}|(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4}"
)
PLATE = re.compile(r"[\u4e00-\u9fff][A-Z][·\- ]?[A-Z0-9]{5,6}")
ACCOUNT = re.compile(r"(?:wxid_|(?:qq|微信)号?[:： ]?|@)[A-Za-z0-9_-]{5,}", re.I)
STREET = re.compile(
    r"\d+\w? (?:[A-Z][\w'’]+ )+(?:Street|Road|Avenue|Lane|Drive|Close|Court|Way|Square|Place|St|Rd|Ave|Ln)\b.*"
)
TITLED = re.compile(r"(?:Mrs|Mr|Ms|Miss|Dr|Prof)\.? [A-Z].*")
HONORIFIC = re.compile(r"(?:女士|先生|小姐|老师|同志|大爷|大妈|阿姨)$")
ENGLISH_NAME = re.compile(r"[A-Z][a-z'’-]+(?: [A-Z]\.?)? [A-Z][A-Za-z'’-]+")
NOT_A_NAME = re.compile(r"[区县镇乡街村市路省州城里园]$")
SHAPES = (EMAIL, IDENTITY, MOBILE, NUMBERED, PLACE, NET, PLATE, ACCOUNT, STREET, TITLED)
FEW = 4
"""Levels of two English words each, none of them twice, from which on they are taken for names."""


def is_personal(cell: str) -> bool:
    """Whether a cell by itself has the form of a number, an address, an account or a titled name of a person.

    >>> [is_personal(cell) for cell in ("142 7234 2764", "10.138.157.110", "王芳女士", "Mrs Hall", "非常安全", "3")]
    [True, True, True, True, False, False]
    """
    cell = cell.strip()
    titled = HONORIFIC.search(cell) is not None and is_name(HONORIFIC.sub("", cell), shortest=1)
    housed = ADDRESS.search(cell) is not None and re.search(r"\d", cell) is not None
    return titled or housed or any(shape.fullmatch(cell) for shape in SHAPES)


def is_name(cell: str, shortest: int = 2) -> bool:
    """Whether a cell may be a Chinese name: a surname and what follows one, and no place.

    >>> is_name("王芳"), is_name("江北区"), is_name("满意")
    (True, False, False)
    """
    formed = PERSON.fullmatch(cell) is not None or (shortest == 1 and len(cell) == 1)
    return bool(cell) and cell[0] in SURNAMES and formed and NOT_A_NAME.search(cell) is None


def are_names(cells: Collection[str]) -> bool:
    """Whether the words of a column are names of persons, by their surnames or, in English, by never sharing a word.

    >>> are_names(["王芳", "李强", "张敏"]), are_names(["很安全", "安全", "不安全"])
    (True, False)
    >>> are_names(["Ann Hall", "Bo Reed", "Cy Moss", "Di Lane"]), are_names(["Very Safe", "Very Unsafe"])
    (True, False)
    """
    if not cells:
        return False
    if len(cells) >= 2 and sum(map(is_name, cells)) > 0.6 * len(cells):
        return True
    words = [word for cell in cells for word in cell.split()]
    return len(cells) >= FEW and len(set(words)) == len(words) and all(map(ENGLISH_NAME.fullmatch, cells))
