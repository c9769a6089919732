"""The table of kinds of identifiers, in the order in which they are looked for: what is surest takes its text first."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from survey.identifiers import names, numbers, places
from survey.identifiers.numbers import Spans


@dataclass(frozen=True)
class Recogniser:
    """One kind of identifier.

    spans: start and end of each in a plainly written text.   needs: without this no text holds one (a quick look).
    zh: the placeholder's word in a Chinese text; in an English one it is the kind.   chance: how often a number or word
    of such a length passes though it is none.   share: least share of a column's different values that must pass.
    """

    kind: str
    zh: str
    spans: Callable[[str], Spans]
    needs: re.Pattern[str]
    chance: float = 1e-4
    share: float = 0.2


def _needs(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


ENGLISH_TITLES = (
    "mr|ms|miss|mx|mister|madam|dr|prof|sir|officer|inspector|sergeant|constable|captain|uncle|aunt|teacher|"
    "director|manager|xiansheng|n[vuü]shi|ayi|laoshi|shifu|name|contact|signed|called"
)
INTRODUCTIONS = "哥|姐|嫂|婶|叔|姨|伯|叫|姓名|名字|称呼|联系人|户主|业主|报警人|投诉人|当事人|受害人|签名|署名"
TITLE = "|".join([*names.TITLES, ENGLISH_TITLES, INTRODUCTIONS])
RECOGNISERS = (
    Recogniser("email", "邮箱", numbers.emails, _needs(r"@|[(\[]\s?at\s?[)\]]")),
    Recogniser(
        "network",
        "网络地址",
        numbers.machines,
        _needs(r"[0-9a-f]{2}[:\-][0-9a-f]|\d\.\d|:[0-9a-f]*:|[0-9a-f]{4}\.[0-9a-f]{4}"),
    ),
    Recogniser("coordinates", "坐标", numbers.coordinates, _needs(r"\d\.\d\d|[°度]")),
    Recogniser("id number", "证件号", numbers.identities, _needs(r"\d(?:\D{0,3}\d){6}|\d\*{3}")),
    Recogniser("bank card", "银行卡", numbers.cards, _needs(r"\d(?:[ \-]{0,2}\d){13}"), chance=0.1, share=0.5),
    Recogniser("phone", "电话", numbers.phones, _needs(r"\d(?:\D{0,4}\d){6}|\d\*{3}"), chance=0.1, share=0.3),
    Recogniser("plate", "车牌", numbers.plates, _needs(r"[\u4e00-\u9fff]\s?[a-z].{0,3}[a-z0-9]")),
    Recogniser(
        "account",
        "账号",
        numbers.accounts,
        _needs(r"信|扣扣|企鹅|抖音|快手|小红书|支付宝|加v|加我v|vx|wx|qq|wechat|weixin|alipay|telegram|whatsapp"),
    ),
    Recogniser(
        "address",
        "地址",
        places.addresses,
        _needs(r"[\d零〇一二三四五六七八九十百a-z甲乙丙丁]\s{0,2}[号栋幢座弄单组#\-/a-z]|\d\s[a-z\d]"),
    ),
    Recogniser("name", "姓名", names.names, _needs(TITLE)),
)
KINDS = tuple(each.kind for each in RECOGNISERS)
PLACEHOLDERS = {f"[{word}]": each.kind for each in RECOGNISERS for word in (each.kind, each.zh)}
PLACEHOLDER = re.compile("(" + "|".join(map(re.escape, PLACEHOLDERS)) + ")")
