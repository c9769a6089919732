"""One language of the report: its words from a gettext catalogue, its numbers and dates from Babel.

Catalogues are read as text (.po) when a report is rendered, so that no compiled file has to be kept in step.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.pofile import read_po
from babel.numbers import NumberPattern, parse_pattern
from markupsafe import Markup, escape

from survey.characters import INVISIBLE
from survey.codebook import say

LOCALES = Path(__file__).parent / "locale"
SCRIPTS = {"zh": "zh-Hans"}
REGIONS = {"zh": "zh_Hans_CN", "en": "en_GB"}
PERIOD = re.compile(r"(\d{4})-?(H[12]|Q[1-4])")
LABEL_LENGTH = 120
FIRST_STRONG, POP = "\u2068", "\u2069"
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
OBEYED = re.compile(r"[\\`*_\[\]<>|~&@]|:(?=//)|(?<=www)\.")
AMOUNT = re.compile(
    r"(每\d+人中(?:约|\d+至)?\d+人|[与比]?\d{4}年(?:上半年|下半年|第.季度|\d+月(?:\d+日)?)|[HQ]\d \d{4}"
    r"|[+\u2212]?\d[\d.,]{0,11}%?(?:[\u2013\u2014-]\d+)?(?:个百分点|岁及以上|人中|人|岁| points)?)"
)


def isolated(label: str) -> str:
    """A label, apart from the direction of the sentence it stands in: a right-to-left one would move figures beside it.

    >>> isolated("safe"), [f"{ord(letter):x}" for letter in isolated("\u05d0")]
    ('safe', ['2068', '5d0', '2069'])
    """
    return f"{FIRST_STRONG}{label}{POP}" if RIGHT_TO_LEFT.search(label) else label


def clear(text: str) -> str:
    """A sentence as `plain` makes it, whose labels stay isolated; those that a line break cut are so on both lines.

    >>> [f"{ord(letter):x}" for letter in clear("\u05d0\u2069 1\u202e")]
    ['2068', '5d0', '2069', '20', '31']
    """
    text = " ".join(INVISIBLE.sub(lambda mark: mark[0] if mark[0] in FIRST_STRONG + POP else "", text).split())
    depth = lowest = 0
    for letter in text:
        depth += {FIRST_STRONG: 1, POP: -1}.get(letter, 0)
        lowest = min(lowest, depth)
    return FIRST_STRONG * -lowest + text + POP * (depth - lowest)


def plain(text: str, length: int | None = None) -> str:
    """Text without control characters and direction marks, on one line, cut to a length.

    >>> plain("a\\u202eb\\n c"), plain("abcdef", 4)
    ('ab c', 'abc…')
    """
    if not (text.isascii() and text.isprintable() and " " not in text):  # a number or a code is as it should be
        text = " ".join(INVISIBLE.sub("", text).split())
    return text if length is None or len(text) <= length else text[: length - 1].rstrip() + "…"


def markdown(text: str) -> str:
    """Text in which Markdown finds nothing to obey, neither HTML nor a link nor the end of a cell.

    >>> print(markdown("<b> [a](http://x) | _c_"))
    \\<b\\> \\[a\\](http\\://x) \\| \\_c\\_
    """
    return OBEYED.sub(r"\\\g<0>", text)


def half_up(value: float, places: int) -> Decimal:
    """A number rounded as people round it; float noise beyond nine places is dropped first.

    >>> half_up(33.25, 1), half_up(-0.04, 1) == 0
    (Decimal('33.3'), True)
    """
    return Decimal(repr(round(value, 9))).quantize(_step(places), ROUND_HALF_UP)


@lru_cache(maxsize=16)
def _step(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)


def unbroken(text: str) -> Markup:
    """Text whose numbers stay on one line with their units.

    >>> unbroken("2026年上半年 <b")
    Markup('<span class="nb">2026年上半年</span> &lt;b')
    """
    parts = AMOUNT.split(text)
    return Markup("").join(
        Markup('<span class="nb">{}</span>').format(part) if odd % 2 else escape(part) for odd, part in enumerate(parts)
    )


@lru_cache(maxsize=8)
def catalogue(code: str) -> Mapping[str, str]:
    """Message → translation of a language; empty for English, which the messages are written in."""
    path = LOCALES / code / "LC_MESSAGES" / "anxin.po"
    if not path.is_file():
        return {}
    messages = read_po(io.BytesIO(path.read_bytes()), locale=code)
    words: dict[str, str] = {}
    for message in messages:
        if not message.id or message.fuzzy:
            continue
        keys = message.id if isinstance(message.id, list | tuple) else (message.id,)
        texts = message.string if isinstance(message.string, list | tuple) else (message.string,)
        words.update({key: texts[-1] for key in keys if texts[-1]})
    return words


@lru_cache(maxsize=8)
def _locale(code: str) -> Locale:
    return Locale.parse(REGIONS.get(code, code))


# The same few shares, as printed, stand on many pages: a tenth of the time that a site takes would go into digits.
@lru_cache(maxsize=1 << 15)
def _decimal(code: str, rounded: Decimal, places: int) -> str:
    text = _pattern(places).apply(rounded, _locale(code))
    return str(text).replace("-", "\N{MINUS SIGN}")


@lru_cache(maxsize=8)
def _pattern(places: int) -> NumberPattern:
    return parse_pattern("#,##0." + "0" * places if places else "#,##0")


@dataclass(frozen=True)
class Language:
    """Words, numbers and dates of one language."""

    code: str

    @property
    def tag(self) -> str:
        """BCP 47 tag of the page."""
        return SCRIPTS.get(self.code, self.code)

    @property
    def gap(self) -> str:
        """What stands between two sentences."""
        return "" if self.code == "zh" else " "

    @property
    def locale(self) -> Locale:
        """Babel's locale."""
        return _locale(self.code)

    @property
    def name(self) -> str:
        """Name of the language in itself."""
        return (Locale.parse(self.code).get_display_name(self.code) or self.code).capitalize()

    def template(self, message: str) -> str:
        """The message in this language, its values still open."""
        return catalogue(self.code).get(message, message)

    def t(self, message: str, **values: object) -> str:
        """The message in this language, with its named values; a literal % is written %%."""
        return self.template(message) % values

    def nt(self, one: str, many: str, n: int, **values: object) -> str:
        """The message for n things, with its named values and n as a grouped number."""
        message = catalogue(self.code).get(many, one if n == 1 else many)
        return message % {"n": self.count(n), **values}

    def wave(self, name: str) -> str:
        """A wave's name as people say it, where it is a half-year or a quarter.

        >>> Language("en").wave("2026H1"), Language("en").wave("2007-08")
        ('H1 2026', '2007-08')
        """
        found = PERIOD.fullmatch(name)
        if found is None:
            return plain(name, LABEL_LENGTH)
        year = found[1]
        known = {
            "H1": lambda: self.t("H1 %(year)s", year=year),
            "H2": lambda: self.t("H2 %(year)s", year=year),
            "Q1": lambda: self.t("Q1 %(year)s", year=year),
            "Q2": lambda: self.t("Q2 %(year)s", year=year),
            "Q3": lambda: self.t("Q3 %(year)s", year=year),
            "Q4": lambda: self.t("Q4 %(year)s", year=year),
        }
        return known[found[2]]()

    def say(self, words: Mapping[str, str], length: int | None = None) -> str:
        """Wording of the codebook in this language, or in any it has, made harmless, for a page or a picture."""
        return isolated(self.wording(words, length))

    def wording(self, words: Mapping[str, str], length: int | None = None) -> str:
        """The same for a file that machines read, without marks of direction."""
        text = say(dict(words), self.code) or next((words[key] for key in sorted(words)), "")
        return plain(text, length)

    def inner(self, label: str) -> str:
        """A label in the middle of a sentence.

        >>> Language("en").inner("Sense of security"), Language("en").inner("CCTV")
        ('sense of security', 'CCTV')
        """
        small = self.code == "en" and label[1:2].islower()
        return label[:1].lower() + label[1:] if small else label

    def percent(self, share: float, places: int = 1) -> str:
        """A share of 0–1 as per cent.

        >>> Language("en").percent(0.9234)
        '92.3%'
        """
        return self.decimal(100 * share, places) + "%"

    def interval(self, low: float, high: float) -> str:
        """Two shares as a range in per cent."""
        return self.t("%(low)s to %(high)s", low=self.percent(low), high=self.percent(high))

    def span(self, low: float, high: float) -> str:
        """Two shares as a short range, without the sign of per cent."""
        return f"{self.decimal(100 * low, 1)}\N{EN DASH}{self.decimal(100 * high, 1)}"

    def points(self, difference: float, places: int = 1) -> str:
        """A difference of shares in percentage points, signed.

        >>> Language("en").points(-0.0213)
        '−2.1'
        """
        value = half_up(100 * difference, places)
        return ("+" if value > 0 else "") + self.decimal(100 * difference, places)

    def points_interval(self, low: float, high: float) -> str:
        """Two differences as a range in percentage points."""
        return self.t("%(low)s to %(high)s", low=self.bound(low), high=self.bound(high))

    def bound(self, difference: float) -> str:
        """A bound of a difference in points, with as many places as tell its side of nought.

        >>> Language("en").bound(-0.00049), Language("en").bound(0.021)
        ('−0.05', '+2.1')
        """
        places = next((places for places in range(1, 5) if half_up(100 * difference, places)), 1)
        return self.points(difference, places)

    def decimal(self, value: float, places: int = 2) -> str:
        """A number with fixed places, grouped, with a true minus sign."""
        return _decimal(self.code, half_up(value, places) + 0, places)

    def count(self, number: float) -> str:
        """A whole number, grouped."""
        return self.decimal(number, 0)

    def p_value(self, p: float) -> str:
        """A p-value to three places, never "0.000"."""
        return "< 0.001" if p < 0.001 else self.decimal(p, 3)

    def date(self, day: dt.date) -> str:
        """A day in words."""
        return str(format_date(day, format="long", locale=self.locale))

    def listed(self, names: Sequence[str]) -> str:
        """Names joined as a sentence joins them."""
        return str(format_list(list(names), style="standard", locale=self.locale))

    def either(self, names: Sequence[str]) -> str:
        """Names of which one will do."""
        return str(format_list(list(names), style="or", locale=self.locale))
