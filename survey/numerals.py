"""Numbers as people write them: 7 531, 1,37 and 1.234,5 as the digits that a computer reads."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

SPACES = " \u00a0\u2009\u202f"
"""Blank, no-break, thin and narrow no-break space: the thousands marks of ISO 80000-1 and of spreadsheets."""
NUMERIC = re.compile(rf"[+-]?[\d.,{SPACES}]*\d[\d.,{SPACES}]*")
GROUPED = re.compile(rf"[+-]?[1-9]\d{{0,2}}(?:[{SPACES}]\d{{3}})+(?:[.,]\d+)?")
DOTTED = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?")
COMMA = re.compile(r"[+-]?\d+,\d+")
PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?")
UNSPACED = str.maketrans("", "", SPACES)
SHOWN = re.compile(rf"[+-]?(?:\d{{1,3}}[{SPACES}.,]\d{{3}}|\d{{1,6}})(?:[.,]\d{{1,2}})?")
MOST_DIGITS = 8
FEWEST_COMMAS = 10
TELLING = 0.05


def plain_numbers(texts: Collection[str], decimal: str = ".") -> Mapping[str, str]:
    """The distinct cells of a column that are written otherwise → as a computer writes them.

    A mark is read only where every cell of the column that is made of digits and marks fits it: 12 34 among 7 531 means
    that spaces are no thousands marks there. Words beside the numbers say nothing about marks.

    Args: decimal: "." or ",", the decimal sign of the wave; with a comma, dots are thousands marks only beside commas.

    >>> plain_numbers(["7 531", "25\\u00a0071", "850", "refused"])
    {'7 531': '7531', '25\\xa0071': '25071'}
    >>> plain_numbers(["7 531", "12 34"]), plain_numbers(["1,37", "0,5", "2"], ","), plain_numbers(["1.234,5"], ",")
    ({}, {'1,37': '1.37', '0,5': '0.5'}, {'1.234,5': '1234.5'})
    """
    cells = {text: text.strip() for text in texts if NUMERIC.fullmatch(text.strip())}
    spaced = [cell for cell in cells.values() if any(space in cell for space in SPACES)]
    if not spaced and decimal == ".":
        return {}
    if not all(GROUPED.fullmatch(cell) for cell in spaced):
        return {}
    bare = {text: cell.translate(UNSPACED) for text, cell in cells.items()}
    if decimal == ",":
        bare = {text: read for text, cell in bare.items() if (read := _with_point(cell, bare.values())) is not None}
    return {text: read for text, read in bare.items() if read != cells[text]}


def _with_point(cell: str, column: Collection[str]) -> str | None:
    """A cell of a wave with decimal commas; None leaves it as it is."""
    if COMMA.fullmatch(cell):
        return cell.replace(",", ".")
    if DOTTED.fullmatch(cell):  # 1.234 alone may be either: left as it is read in the rest of the column
        grouped = any("." in other and "," in other for other in column)
        return cell.replace(".", "").replace(",", ".") if grouped else None
    return cell


def is_decimal_comma(texts: Collection[str]) -> bool:
    """Whether a column writes its numbers with a decimal comma, and no list of codes such as 1,4.

    Codes carry no leading zero and seldom three digits; of decimals one in ten begins with a zero after the comma.

    >>> is_decimal_comma([f"{place},{place:02d}" for place in range(20)])
    True
    >>> is_decimal_comma([f"{one},{two}" for one in range(1, 9) for two in range(one + 1, 9)])
    False
    """
    cells = [text.strip() for text in texts if text.strip() not in ("", ".")]
    commas = [cell for cell in cells if COMMA.fullmatch(cell)]
    if len(commas) < max(FEWEST_COMMAS, 0.5 * len(cells)):
        return False
    if any(not PLAIN.fullmatch(cell) or "." in cell for cell in cells if cell not in set(commas)):
        return False
    parts = [cell.lstrip("+-").split(",") for cell in commas]
    if any(len(whole) > 1 and whole.startswith("0") for whole, _ in parts):  # 01,04 are codes
        return False
    telling = sum(whole == "0" or fraction.startswith("0") or len(fraction) > 2 for whole, fraction in parts)
    return telling >= TELLING * len(parts)


def is_thousands(texts: Collection[str]) -> bool:
    """Whether a column marks thousands by spaces, and holds no telephone numbers in groups of three.

    >>> is_thousands(["7 531", "25 071", "850"]), is_thousands(["612 345 678", "699 111 222"])
    (True, False)
    """
    read = plain_numbers(texts)
    return bool(read) and max(map(len, read.values())) <= MOST_DIGITS


def shape(cell: str) -> str:
    """What a cell looks like with nothing of its value: 9 for a digit, A for a letter, 文 for a Chinese character.

    >>> shape("25 071"), shape("about 5"), shape("王芳")
    ('99 999', 'AAAAA 9', '文文')
    """
    told = "".join(map(_sign, cell.strip()))
    return told if len(told) <= 20 else told[:20] + "…"


def looks_like_a_number(cell: str) -> bool:
    """Whether a cell is written like a number of at most six digits before its decimals, so that it names nobody.

    >>> [looks_like_a_number(cell) for cell in ("25 071", "1,37", "13800138000", "1980-01-01", "王芳")]
    [True, True, False, False, False]
    """
    return SHOWN.fullmatch(cell.strip()) is not None


def _sign(sign: str) -> str:
    if sign.isdigit():
        return "9"
    if sign.isalpha():
        return "文" if "\u3400" <= sign <= "\u9fff" else "A"
    return " " if sign in SPACES else sign
