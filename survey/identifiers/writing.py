"""Texts put plainly, so that one pattern serves every way of writing a digit, a blank or a dash."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

SPOKEN = dict(zip("零〇○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖", "0001234567891123456789", strict=True))
DASHES = "‐‑‒–—―−﹣－ー"
FIGURE = rf"(?:(?!一[直个下次些定样起般旦])[{''.join(SPOKEN)}])"
# Seven digits at least: a year takes four. "一直" and its like begin the next word.
SPELLED = re.compile(rf"{FIGURE}(?:[ \-]{{0,2}}{FIGURE}){{6,}}")


class _Letters(dict[int, str]):
    """Letter → plain letter, each found out once."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        plain = letter
        if unicodedata.category(letter) == "Nd":
            plain = str(unicodedata.decimal(letter))
        elif 0xFF01 <= code <= 0xFF5E:
            plain = chr(code - 0xFEE0)
        elif letter in DASHES:
            plain = "-"
        elif code > 127 and letter.isspace():
            plain = " "
        self[code] = plain
        return plain


LETTERS = _Letters()


@lru_cache(maxsize=64)
def plain(text: str) -> tuple[str, Sequence[int]]:
    """A text written plainly, and for each of its letters the place in the text as it was; the end is the last.

    Full-width and other digits, blanks and dashes become ASCII, digits that are spelled out ("一三八零…", seven or
    more) become figures, and letters that nobody sees (zero-width blanks) are left out.

    >>> plain("１３８－００")
    ('138-00', range(0, 7))
    >>> plain("幺三八零零幺三八零零零")[0]
    '13800138000'
    """
    if text.isascii():
        return text, range(len(text) + 1)
    places: Sequence[int] = range(len(text) + 1)
    if any(unicodedata.category(letter) == "Cf" for letter in text):
        kept = [place for place, letter in enumerate(text) if unicodedata.category(letter) != "Cf"]
        text, places = "".join(text[place] for place in kept), [*kept, len(text)]
    text = text.translate(LETTERS)
    return SPELLED.sub(lambda found: "".join(SPOKEN.get(letter, letter) for letter in found[0]), text), places
