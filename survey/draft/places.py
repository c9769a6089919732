"""Names and labels that are a place and nothing else: 街道, 社区（村）, 您所在的区县; not 街道照明, not 社区民警."""

from __future__ import annotations

import re

DISTRICT = "行政区划?|区划|区县|县区|区域|片区|辖区|地区|街道办事处|街道办?|乡镇|镇街|街镇|区|县|市|旗|乡|镇"
COMMUNITY = "社区|行政村|自然村|村居|居村|村庄|居委会?|村委会?|居民委员会|村民委员会|居民区|村"
NUMBER = r"(?:[a-z]{0,3}\d*[._、 \-]*)"
BEFORE = (
    r"(?:请问|受访者|被访者|调查对象|您家?|你家?|现在?|目前|常年?|平时|的|所在|所属|所居住?|居住|住址?|家住?|地|在|样本|抽样)*"
    r"(?:是?哪一?个)?"
)
AFTER = r"(?:名称?|编码|代码|编号|序号|号码?|码|id|是|为|[?？:：])*"
JOINED = r"[/／、（）()和或及与\s]"
PLACE = re.compile(
    rf"{NUMBER}{BEFORE}(?P<unit>(?:{DISTRICT}|{COMMUNITY})(?:{JOINED}|{DISTRICT}|{COMMUNITY})*){AFTER}", re.I
)


def place_of(words: str) -> str:
    """psu for a community or village, district for what is larger, "" for words that are about anything else.

    >>> place_of("街道（乡镇）"), place_of("Q3.您所在的社区/村"), place_of("社区治安"), place_of("智慧安防社区")
    ('district', 'psu', '', '')
    """
    found = PLACE.fullmatch(words.strip())
    if found is None:
        return ""
    return "psu" if re.search(COMMUNITY, found["unit"]) else "district"
