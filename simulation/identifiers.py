"""Names, telephone numbers, addresses, identity numbers and remarks of people who do not exist.

They look right, so that they test the identity boundary, and belong to nobody: mobile numbers under prefixes that are
given to no operator (142, 143), landlines under an area code that does not exist (0300), identity numbers of a region
that does not exist (99) with a valid check digit, streets of a fictional city.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦"
FIRST = "嘉子雨思梓浩宇欣怡佳晨俊逸静婉雅若书清沐景承彦柏维启砚知予星遥念初明睿泽文锦云舒"
SECOND = "涵轩萱彤睿阳航妍琪钰霖泓琳瑶岚峻恺骁翊晗媛婷颖菲蕊薇澜淇楠桐梧棠樾瑾瑜珩璟琛煜"
STREETS = (
    "松涛路",
    "听雨巷",
    "望月街",
    "杏坛路",
    "临溪大道",
    "鹤鸣巷",
    "云锦路",
    "石桥弄",
    "荷风街",
    "星桥路",
    "竹影路",
    "晚晴街",
)
REMARKS = (
    "希望小区多装几盏路灯",
    "晚上广场舞声音太大，希望管一管",
    "电动车乱停乱放，堵住了消防通道",
    "社区民警很负责，点赞",
    "希望多宣传防诈骗知识",
    "学校门口上下学时太堵",
    "没有意见",
    "希望加强夜间巡逻",
    "楼上漏水的纠纷调解了半年还没结果",
    "建议流动摊点规范管理",
)
REVEALING = (
    "请回电{phone}，{name}",
    "我叫{name}，楼道堆物的事找过社区几次，电话{phone}",
    "可以联系我爱人{name}（{phone}）了解情况",
    "被骗的事请打{phone}详谈",
)
CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True)
class Identities:
    """What would identify each case: lists of one text a case, "" where there is none."""

    name: list[str]
    phone: list[str]
    address: list[str]
    id_number: list[str]
    comment: list[str]
    planted: frozenset[str]
    """Every identifying text, those inside remarks included."""


def id_number(place: int, birthday: str, serial: int) -> str:
    """An 18-digit identity number with its check digit (GB 11643), of region 99 that does not exist.

    >>> id_number(101, "19800101", 23)
    '990101198001010233'
    """
    digits = f"99{place:04d}{birthday}{serial:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, CHECK_WEIGHTS, strict=True))
    return digits + "10X98765432"[total % 11]


def invent(districts: list[str], modes: list[int], ages: list[int], rng: np.random.Generator) -> Identities:
    """Identities of cases.

    Args: districts: name of each case's district.   modes: 2 where the number is a landline.   ages: 0 where nobody
    answered: such a case has a telephone number and an address from the list, and no more.
    """
    names = [_name(rng) if age else "" for age in ages]
    phones = [_phone(mode, rng) for mode in modes]
    addresses = [_address(district, rng) for district in districts]
    numbers = [_identity(age, rng) if age else "" for age in ages]
    comments, inside = [], set[str]()
    for age in ages:
        comment, revealed = _remark(rng) if age and rng.random() < 0.13 else ("", ())
        comments.append(comment)
        inside.update(revealed)
    planted = frozenset({*names, *phones, *addresses, *numbers, *inside} - {""})
    return Identities(names, phones, addresses, numbers, comments, planted)


def _pick(letters: str | tuple[str, ...], rng: np.random.Generator) -> str:
    return letters[int(rng.integers(len(letters)))]


def _name(rng: np.random.Generator) -> str:
    return _pick(SURNAMES, rng) + _pick(FIRST, rng) + _pick(SECOND, rng)


def _phone(mode: int, rng: np.random.Generator) -> str:
    if mode == 2:
        return f"0300-{rng.integers(2_000_000, 8_999_999)}"
    return f"14{rng.integers(2, 4)}{rng.integers(0, 100_000_000):08d}"


def _address(district: str, rng: np.random.Generator) -> str:
    house, block, room = rng.integers(1, (400, 40, 30))
    return f"{district}{_pick(STREETS, rng)}{house}号{block}幢{room}{rng.integers(1, 9):02d}室"


def _identity(age: int, rng: np.random.Generator) -> str:
    year, month, day = 2025 - age, rng.integers(1, 13), rng.integers(1, 29)
    return id_number(int(rng.integers(101, 900)), f"{year}{month:02d}{day:02d}", int(rng.integers(1, 1000)))


def _remark(rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    if rng.random() > 0.2:
        return _pick(REMARKS, rng), ()
    name, phone = _name(rng), _phone(1, rng)
    written = (phone, f"{phone[:3]} {phone[3:7]} {phone[7:]}", f"{phone[:3]}-{phone[3:7]}-{phone[7:]}")[
        int(rng.integers(3))
    ]
    form = _pick(REVEALING, rng)
    revealed = tuple(value for key, value in (("{name}", name), ("{phone}", written)) if key in form)
    return form.format(name=name, phone=written), revealed
