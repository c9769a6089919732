"""Addresses: a street with its number, an estate with its building, a building with its flat; Chinese and English."""

from __future__ import annotations

import re

from survey.identifiers.numbers import Spans

# Letters of which names of streets and estates are made: Chinese ones that are no word of grammar.
NAME = (
    "[\u4e00-\u9fff](?<!["
    "我你您他她它的得了在是住到有这那哪每各从去来过被把让给对向于与及等说要想请就也还很再不没并且或但因们个将已能希离沿着靠走])"
)
NUMBER = (
    r"(?:[A-Za-z]?\d{1,5}(?:[A-Za-z]|[\-/~][A-Za-z]?\d{0,5})?|[A-Za-z]|[零〇一二两三四五六七八九十百]{1,6}|[甲乙丙丁])"
)
S = r"\s{0,2}"
DOOR = r"号(?!线|机|车|文|令|病|公告|通知|灯|摄像|井|桩|杆|出口|入口|口|门(?!口))"
UNITS = rf"号楼|号院|{DOOR}|弄|栋|幢|座|单元|门|梯|楼|层|室|户|房|组|队|社|#"
PARTS = (
    rf"(?:{S}(?:,{S})?(?:(?:{NAME}|[A-Za-z]){{1,10}}?{S})?{NUMBER}{S}(?:{UNITS})楼?)*"
    rf"(?:{S}\d{{3,4}}(?!\d|[年元块米人名位个次]))?"
)
STREET = (
    r"(?:大道|大街|胡同|马路|公路|支路|新村|环路|路|街|巷|弄|村|屯|庄|"
    r"(?<![通步车楼过隧轨跑行管])道|(?<![区园院子楼村家市城屋房县这那])里)"
)
SECTION = r"(?:[东西南北中]|[\d一二三四五六七八九十]{1,3})?(?:段|路|街|巷|弄|里)?"
ESTATE = (
    r"(?:小区|花园|家园|公寓|新村|花苑|新苑|嘉园|雅居|华庭|华府|名邸|新城|世纪城|花城|大厦|大院|宿舍|山庄|社区|国际|名都|新都|公馆|广场|"
    r"苑|轩|阁|湾|郡|(?<![公校儿])园|(?<!政)府|庭|里)"
)
CHINESE = (
    re.compile(rf"(?:{NAME}){{1,24}}?{STREET}{SECTION}{S}{NUMBER}{S}(?:号楼|号院|{DOOR}|弄|组|栋|幢|座|#){PARTS}"),
    re.compile(
        rf"(?:{NAME}){{2,12}}?{ESTATE}(?:[东西南北一二三四五六七八九十]{{1,2}}[区期])?{S}"
        rf"(?:{NUMBER}{S}(?:号楼|号院|{DOOR}|弄|栋|幢|座|单元|#){PARTS}|\d{{1,3}}-\d{{1,2}}-\d{{3,4}}(?!\d))"
    ),
    re.compile(
        rf"{NUMBER}{S}(?:号楼|号院|栋|幢|座|号|弄)楼?{S}(?:,{S})?(?:{NUMBER}{S}(?:单元|门|梯|号楼|栋|幢){S}(?:,{S})?"
        rf"(?:{NUMBER}{S}(?:室|户|房|号|楼|层){PARTS}|\d{{3,4}}(?!\d))?|{NUMBER}{S}(?:室|户|房|楼|层)|\d{{3,4}}(?![\d年元块米人名位个次]))"
    ),
    re.compile(
        rf"{NUMBER}{S}单元{S}(?:,{S})?(?:{NUMBER}{S}(?:室|户|房|号|楼|层)|\d{{3,4}}(?![\d年元块米人名位个次])){PARTS}"
    ),
    re.compile(r"(?<![\d\-])\d{1,3}-\d{1,2}-\d{3,4}(?:室|号|户|房)"),
)
ROAD = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Close|Court|Ct|Crescent|Terrace|Place|Way|Square|"
    r"Gardens|Grove|Mews|Parade|Alley|Hutong|Walk|Row|Hill|View|Rise|Green|Park|Path|Trail|Circle|Plaza|Quay|Wharf|"
    r"Parkway|Highway|Yard|Fields?|Meadows?|Ridge|Loop|Pass|Mount|Gate|Mill)(?![A-Za-z])\.?"
)
ROOM = (
    r"(?:Room|Rm|Flat|Apt|Apartment|Unit|Suite|Building|Bldg|Block|House|Studio|Floor|No|Nº)\.?\s?"
    r"(?:#\s?)?(?:\d{1,5}[A-Za-z]?|[A-Z]\d{0,3})(?![A-Za-z0-9])"
)
TAIL = rf"(?:,?\s{ROOM})*(?:,?\s[A-Z]{{1,2}}\d[A-Z\d]?\s\d[A-Z]{{2}}(?![A-Za-z0-9]))?"
HEAD = rf"(?:{ROOM},?\s)*"
LOW = (
    r"(?!(?:people|persons|cars?|on|the|in|of|a|this|my|our|along|at|and|every|each|minutes?|"
    r"hours?|years?|days?|metres?|lights?|new|more)\s)[a-z'’]+\s"
)
ENGLISH = (
    re.compile(
        rf"{HEAD}(?:No\.?\s?)?(?<![\d.])\d{{1,5}}[A-Za-z]?(?:-\d{{1,5}})?,?\s(?:[A-Z][A-Za-z'’.\-]*\s){{1,4}}{ROAD}{TAIL}"
    ),
    re.compile(
        rf"(?<![\d.])\d{{1,5}}[a-z]?\s(?:{LOW}){{1,2}}(?:street|road|avenue|lane|drive|close|crescent|terrace)(?![a-z])"
    ),
    re.compile(rf"(?<![A-Za-z]){ROOM}(?:,?\s{ROOM})+", re.I),
    re.compile(rf"(?<![A-Za-z]){ROOM},\s(?:\d{{1,5}}\s)?[A-Z][A-Za-z'’\-]+\s[A-Z][A-Za-z'’\-]+"),
    re.compile(r"(?<![\d.])\d{1,5}(?:\s[A-Z][A-Za-z'’\-]+){1,3},?\s(?:Apt|Suite|Flat|Unit)\.?\s\d{1,5}"),
    re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,2}\d[A-Z\d]?\s\d[A-Z]{2}(?![A-Za-z0-9])"),
)


def addresses(text: str) -> Spans:
    """Addresses that lead to a door."""
    for pattern in (*CHINESE, *ENGLISH):
        for found in pattern.finditer(text):
            yield found.span()
