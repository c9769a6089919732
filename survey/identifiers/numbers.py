"""Identifiers with a shape: what may be checked is checked, by python-stdnum and ipaddress where they know the rule."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Iterator

from stdnum import luhn
from stdnum.iso7064 import mod_11_2

Spans = Iterator[tuple[int, int]]

GAP = r"[\s\-.·_]{0,3}"
IDENTITY = re.compile(rf"(?=(\d(?:{GAP}\d){{16}}{GAP}[\dXx×]))")
OLD_IDENTITY = re.compile(r"(?<!\d)\d{6}[ \-]?\d{6}[ \-]?\d{3}(?![\dXx])")
HIDDEN_IDENTITY = re.compile(r"(?<!\d)(?!1\d\d\*{3,6}\d{4}(?!\d))\d{2,14}\*{3,14}\d{2,4}[Xx]?(?!\d)")
DOCUMENT = re.compile(
    r"(?:护照|通行证|驾驶证|驾照|社保卡?|医保卡?|军官证|居住证|身份证|passport|identity card|id card|driving licence)"
    r"[^\dA-Za-z\n]{0,8}(?:number|no\.?)?[^\dA-Za-z\n]{0,4}((?:[A-Z]{0,2}\d{7,17}[\dXx]?))(?![\dA-Za-z])",
    re.IGNORECASE,
)
PROVINCES = {
    *range(11, 16),
    *range(21, 24),
    *range(31, 38),
    *range(41, 47),
    *range(50, 55),
    *range(61, 66),
    71,
    81,
    82,
    83,
}
DIGITS = re.compile(r"\d+(?:[ \-]{1,2}\d+)*")
CARD_SPOKEN = re.compile(
    r"(?:银行卡|卡号|账号|账户|bank card|card number|account)[^\d\n]{0,8}(\d(?:[ \-]{0,2}\d){13,18})(?!\d)", re.I
)
CARD_STARTS = re.compile(r"3|4|5|6|2[2-7]|1800|2131|9558")
DATE = re.compile(r"(?:19|20)\d\d[-. ]?(?:0?[1-9]|1[0-2])[-. ]?(?:0?[1-9]|[12]\d|3[01])(?!\d)")
MOBILE = re.compile(rf"(?<!\d)(?:(?:\+|00)?86{GAP})?(1{GAP}[3-9](?:{GAP}\d){{9}})(?!\d|\s?[元块万亿])")
HIDDEN_MOBILE = re.compile(r"(?<!\d)1[3-9]\d\*{3,6}\d{4}(?!\d)")
LANDLINE = re.compile(
    r"(?<!\d)(?:(?:\+|00)?86[ \-]?)?\(?0(?:10|2\d|[3-9]\d\d)\)?[ \-]{0,3}[2-9](?:[ \-]{0,2}\d){6,7}"
    r"(?:\s?(?:转|分机|ext\.?|-)\s?\d{1,5})?(?!\d)"
)
ABROAD = (
    re.compile(r"(?<![\d+])(?:\+|00)[1-9]\d{0,2}(?:[ \-.()]{0,3}\d){7,12}(?!\d)"),
    re.compile(r"(?<![\d\-])\(?0\d{2,4}\)?[ \-]?\d{3,4}[ \-]?\d{3,4}(?!\d)"),
    re.compile(r"(?<![\d\-])(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .\-])\d{3}[ .\-]\d{4}(?!\d)"),
)
LOCAL = re.compile(
    r"(?:电话|手机|座机|固话|联系方式|telephone|phone|mobile|call|tel|ring)[^\d\n]{0,8}([2-9]\d{2,3}[ \-]?\d{4})(?!\d)",
    re.I,
)
PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]\s?[A-Za-z][\s·•.\-]{0,2}"
    r"((?:[A-Za-z0-9][ \-]?){4,5}[A-Za-z0-9挂学警港澳])(?![A-Za-z0-9])"
)
EMAIL = re.compile(
    r"[A-Za-z0-9._%+\-]{1,64}\s?(?:@|[(\[]\s?(?:at|AT)\s?[)\]])\s?[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,4}"
)
# After a Latin word any word may follow ("WeChat is useful"): there a colon or a figure has to show that an id does.
ACCOUNTS = (
    re.compile(
        r"(?:微信|微訊|威信|薇信|v信|加v|加我v|(?<![A-Za-z])[vw]x|(?<![A-Za-z])qq|扣扣|企鹅|抖音|快手|小红书|支付宝)"
        r"(?:号码?|帐号|账号|id)?[\s:是为叫,,(=#]{0,4}"
        r"([A-Za-z][A-Za-z0-9_\-]{5,19}|[1-9](?: ?\d){4,11})(?![A-Za-z0-9])",
        re.I,
    ),
    re.compile(
        r"(?<![A-Za-z])(?:wechat|weixin|qq|vx|alipay|telegram|whatsapp)(?: (?:id|account|number|no\.?|handle))?"
        r"(?: is| ?[:=#]|,)?\s?"
        r"((?=[A-Za-z_\-]*\d|[A-Za-z\d]*[_\-])[A-Za-z][A-Za-z0-9_\-]{5,19}|[1-9](?: ?\d){4,11})(?![A-Za-z0-9])",
        re.I,
    ),
    re.compile(
        r"(?<![A-Za-z])(?:wechat|weixin)(?: (?:id|account))?(?: is)? ?[:=#]\s?([A-Za-z][A-Za-z0-9_\-]{5,19})", re.I
    ),
    re.compile(r"(?<![A-Za-z])(?:wechat|weixin|qq) (?:id|account) (?:is )?([A-Za-z][A-Za-z0-9_\-]{5,19})", re.I),
)
MAC = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}([:\-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})"
    r"(?![0-9A-Za-z])"
)
IP4 = re.compile(r"(?<![\d.vV第本])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)")
IP6 = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:])")
PAIR = re.compile(
    r"(?<![\d.])(-?\d{1,3}\.\d{3,})\s?°?\s?([NSEW北南东西])?[\s,;/]{1,3}(-?\d{1,3}\.\d{3,})\s?°?\s?[NSEW北南东西]?(?!\d|\.\d)"
)
MARKED = re.compile(
    r"(?:东经|西经|北纬|南纬|经度|纬度|longitude|latitude|lng|lon|lat)[\s:是为=]{0,3}-?\d{1,3}(?:\.\d{2,}|[°度]\s?\d{1,2})"
    r"[\d.′'″\"分秒°度]{0,12}|\d{1,3}\.\d{2,}\s?°\s?[NSEW]",
    re.I,
)
SEXAGESIMAL = re.compile(
    r"(?<!\d)\d{1,3}\s?[°度]\s?\d{1,2}(?:\.\d+)?\s?[′'分](?:\s?\d{1,2}(?:\.\d+)?\s?[″\"秒])?\s?[NSEW]?"
)


def _figures(text: str) -> str:
    return re.sub(r"[^\dXx]", "", text.replace("×", "X")).upper()


def _is_date(year: int, month: str, day: str) -> bool:
    try:
        dt.date(year, int(month), int(day))
    except ValueError:
        return False
    return True


def is_identity(number: str) -> bool:
    """Whether 18 characters are a Chinese identity number (GB 11643): a day of birth, and ISO 7064 MOD 11-2.

    Numbers of regions that no list holds pass too: a region closed long ago is still on people's cards.

    >>> is_identity("11010519491231002X"), is_identity("110105194912310021")
    (True, False)
    """
    year = int(number[6:10])
    return 1900 <= year <= 2099 and _is_date(year, number[10:12], number[12:14]) and mod_11_2.is_valid(number)


def _mistyped(number: str) -> bool:
    """A province and a day of birth of somebody who may be asked, with a check digit that fails."""
    likely = number[17] != "X" and int(number[:2]) in PROVINCES and 1900 <= int(number[6:10]) < 2016
    return likely and _is_date(int(number[6:10]), number[10:12], number[12:14])


def is_card(number: str) -> bool:
    """Whether digits are a bank card's: 14 to 19, as an issuer's start, and Luhn's check (ISO/IEC 7812-1).

    >>> is_card("6222021234567890128"), is_card("6222021234567890123")
    (True, False)
    """
    return 14 <= len(number) <= 19 and CARD_STARTS.match(number) is not None and luhn.is_valid(number)


def identities(text: str) -> Spans:
    """Identity numbers of 18 and of 15 digits, half-hidden ones, and numbers of documents that are named."""
    end = 0
    runs = [run.span() for run in DIGITS.finditer(text) if is_card(_figures(run[0]))]
    for found in IDENTITY.finditer(text):
        start, stop = found.span(1)
        number = _figures(found[1])
        alone = not (text[start - 1 : start].isdigit() or text[stop : stop + 1].isdigit())
        if start < end or not (is_identity(number) or (alone and _mistyped(number))):
            continue
        if not any(first <= start and stop <= last and last - first > stop - start for first, last in runs):
            end = stop
            yield start, stop
    for found in OLD_IDENTITY.finditer(text):
        number = _figures(found[0])
        if int(number[:2]) in PROVINCES and _is_date(1900 + int(number[6:8]), number[8:10], number[10:12]):
            yield found.span()
    for found in HIDDEN_IDENTITY.finditer(text):
        yield found.span()
    for found in DOCUMENT.finditer(text):
        yield found.span(1)


def cards(text: str) -> Spans:
    """Bank cards: 14 to 19 digits that pass Luhn's check and start as an issuer's do, or that the text calls a card."""
    for run in DIGITS.finditer(text):
        if len(_figures(run[0])) < 14:
            continue
        groups = [(run.start() + part.start(), run.start() + part.end()) for part in re.finditer(r"\d+", run[0])]
        done = -1
        for first, (start, _) in enumerate(groups):
            # Nineteen figures are at most as many groups.
            stops = [stop for _, stop in groups[first : first + 19] if is_card(_figures(text[start:stop]))]
            if start > done and stops:
                done = stops[-1]
                yield start, done
    for found in CARD_SPOKEN.finditer(text):
        yield found.span(1)


def phones(text: str) -> Spans:
    """Mobile numbers, landlines with their area code, numbers abroad, and local ones where the text says telephone."""
    for found in MOBILE.finditer(text):
        groups = re.findall(r"\d+", found[1])
        if (len(groups) <= 5 or len(groups) == 11) and not (len(groups) > 1 and DATE.match(found[1])):
            yield found.span()
    for pattern in (HIDDEN_MOBILE, LANDLINE, *ABROAD):
        for found in pattern.finditer(text):
            yield found.span()
    for found in LOCAL.finditer(text):
        if not DATE.match(found[1]):
            yield found.span(1)


def plates(text: str) -> Spans:
    """Number plates: province, letter, five places (six of a car that runs on current), two of them digits at least."""
    for found in PLATE.finditer(text):
        if sum(letter.isdigit() for letter in found[1]) >= 2:
            yield found.span()


def emails(text: str) -> Spans:
    """E-mail addresses, also with (at)."""
    return (found.span() for found in EMAIL.finditer(text))


def accounts(text: str) -> Spans:
    """Ids of WeChat, QQ and their like, where the text says what they are."""
    for pattern in ACCOUNTS:
        for found in pattern.finditer(text):
            yield found.span(1)


def machines(text: str) -> Spans:
    """Addresses of machines: MAC, IPv4, IPv6."""
    for found in MAC.finditer(text):
        yield found.span()
    for found in (*IP4.finditer(text), *IP6.finditer(text)):
        parts = [part for part in found[0].split(":") if part]
        if _is_ip(found[0]) and ("." in found[0] or len(parts) >= 3 or (len(parts) == 2 and "::" in found[0])):
            yield found.span()


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def coordinates(text: str) -> Spans:
    """Pairs of degrees with three decimals or more, degrees that are called so, degrees with minutes."""
    for found in PAIR.finditer(text):
        one, two = sorted((abs(float(found[1])), abs(float(found[3]))))
        if one <= 90 and two <= 180:
            yield found.span()
    for found in (*MARKED.finditer(text), *SEXAGESIMAL.finditer(text)):
        yield found.span()
