"""Characters that show nothing and change what stands beside them: what a wording may not hold, how they are shown.
And the few that begin a formula in a spreadsheet.

Unicode 15, chapter 23: control characters (C0, C1), surrogates and noncharacters, which no XML and no workbook may
hold; direction marks, which reorder figures beside them; characters of no width, which hide.
"""

from __future__ import annotations

import re

_NOWHERE = "\ufdd0-\ufdef" + "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"
_MARKS = "\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
# Tab and line ends count as well, and the wide forms where the keyboard is Chinese or Japanese.
_BEGINNINGS = tuple("=+-@＝＋－＠\t\r\n")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.IGNORECASE)
FORBIDDEN = re.compile(f"[{_CONTROLS}\ud800-\udfff{_NOWHERE}]")
"""Control characters other than tab and line ends, surrogates, noncharacters: never written by a person."""
INVISIBLE = re.compile(f"[{_CONTROLS}{_MARKS}\ud800-\udfff{_NOWHERE}]")
"""Everything forbidden, and marks that people may type or copy without knowing: direction, no width, tags."""
UNSEEN = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_MARKS}\ud800-\udfff{_NOWHERE}]")
"""What would not stay inside one line of a terminal: everything invisible, tabs and line ends too."""


def is_formula(text: str) -> bool:
    """Whether a spreadsheet that opens a CSV file would take a cell for a formula; a number is none (OWASP).

    >>> [is_formula(text) for text in ("=1", "-2+3", "@SUM(1)", "＝1", "-2.3", "+1e-9", "安全")]
    [True, True, True, True, False, False, False]
    """
    return text.startswith(_BEGINNINGS) and not _NUMBER.fullmatch(text)


def visible(text: str) -> str:
    r"""Text for one line of a terminal, every character that it would obey or hide written as its escape.

    >>> print(visible("a\x1b[31mb\u202e\n安全"))
    a\x1b[31mb\u202e\n安全
    """
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def written(text: str) -> str:
    r"""Text without what nobody writes, such as the control characters of a file's own labels.

    >>> written(" Se\x00x\x1b ")
    'Sex'
    """
    return FORBIDDEN.sub("", text).strip()


def code_point(letter: str) -> str:
    r"""A character by its number, as Unicode writes it.

    >>> code_point("\x1b")
    'U+001B'
    """
    return f"U+{ord(letter):04X}"
