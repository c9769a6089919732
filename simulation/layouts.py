"""How the vendor of each wave delivered: column names, codes, formats and habits. survey.yaml undoes all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulation.questionnaire import PRACTICES
from simulation.sample import DONT_KNOW, NOT_APPLICABLE, REFUSED

# item, code of the vendor of 2024H1 and 2025H2, scale, Chinese header of 2023H2 and 2024H2 and label in SPSS
TABLE = """
respondent      RID    -         问卷编号
name            NAME   -         受访者姓名
phone           TEL    -         联系电话
address         ADDR   -         家庭住址
id_number       SFZ    -         身份证号
district        QX     district  区县
area            CX     area      城乡
community       SQ     -         社区编码
p_psu           P1     -         社区入样概率
p_household     P2     -         住户入样概率
adults          CRS    -         户内16岁以上人数
smart_community ZHAF   yes_no    智慧安防社区
mode            MODE   mode      调查方式
interviewer     FYY    -         访问员
calls           CS     -         联系次数
disposition     JG     -         访问结果
started         KSSJ   -         开始时间
duration        SC     -         访问时长
a1_safe_now     A1     safety    总体安全感
a2_home_night   A2_1   safety    夜间独自在家
a3_walk_dark    A2_2   safety    夜间独自步行
a4_transport    A2_3   safety    公共交通
a5_crowd        A2_4   safety    人员密集场所
a6_school       A2_5   safety    学校周边
a7_online       A2_6   safety    网络和电话
a8_change       A3     change    与去年相比
a9_problems     A4     problems  身边治安问题
b1_theft        B1_1   yes_no    被盗
b1_theft_reported B2_1 yes_no    被盗是否报警
b2_fraud        B1_2   yes_no    被诈骗
b2_fraud_reported B2_2 yes_no    被诈骗是否报警
b3_violence     B1_3   yes_no    被打被抢
b3_violence_reported B2_3 yes_no 被打被抢是否报警
b4_vandalism    B1_4   yes_no    财物被毁
b4_vandalism_reported B2_4 yes_no 财物被毁是否报警
c1_aware        C1_1   yes_no    矛盾化解_知晓
c1_met          C1_2   yes_no    矛盾化解_接触
c1_satisfied    C1_3   satisfied 矛盾化解_满意度
c2_aware        C2_1   yes_no    网络反诈_知晓
c2_met          C2_2   yes_no    网络反诈_接触
c2_satisfied    C2_3   satisfied 网络反诈_满意度
c3_aware        C3_1   yes_no    公共防范_知晓
c3_met          C3_2   yes_no    公共防范_接触
c3_satisfied    C3_3   satisfied 公共防范_满意度
c4_aware        C4_1   yes_no    打击犯罪_知晓
c4_met          C4_2   yes_no    打击犯罪_接触
c4_satisfied    C4_3   satisfied 打击犯罪_满意度
c5_aware        C5_1   yes_no    认识社区民警
c5_met          C5_2   yes_no    本周见过民警
c5_volunteers   C5_4   yes_no    见过平安志愿者
c5_satisfied    C5_3   satisfied 巡逻防控_满意度
c6_aware        C6_1   yes_no    源头安全_知晓
c6_met          C6_2   yes_no    源头安全_接触
c6_satisfied    C6_3   satisfied 源头安全_满意度
c6_traffic      C6_4   satisfied 交通安全
c6_fire         C6_5   satisfied 消防安全
c6_explosives   C6_6   satisfied 烟花爆竹
c6_schools      C6_7   satisfied 校园安全
c7_aware        C7_1   yes_no    住在智慧安防小区
c7_met          C7_2   yes_no    用过网上公安服务
c7_satisfied    C7_3   satisfied 智慧警务_满意度
d1_fair         D1_1   satisfied 执法公正
d2_manner       D1_2   satisfied 执法态度
d3_efficiency   D1_3   satisfied 办事效率
d4_contact      D2     yes_no    与公安打过交道
d5_voice        D3     ease      反映诉求
d6_demand       D4     yes_no    有过诉求
d7_answered     D5     answered  诉求答复
d8_heard        D6     heard     听说平安建设
d9_channels     D7     channels  了解渠道
d10_patrol      D8_1   yes_no    参加巡防
d11_activity    D8_2   yes_no    参加宣传活动
d12_tip         D8_3   yes_no    提供线索
d13_council     D8_4   yes_no    参加议事
sex             E1     sex       性别
age             E2     -         年龄
education       E3     education 文化程度
residence       E4     residence 户籍
comment         OPEN   -         意见建议
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
ITEMS = [row[0] for row in ROWS]
VENDOR_CODE = {row[0]: row[1] for row in ROWS}
SCALE = {row[0]: row[2] for row in ROWS if row[2] != "-"}
HEADER = {row[0]: row[3] for row in ROWS}
NUMBERS = ("p_psu", "p_household", "adults", "calls", "duration", "age", "disposition")
IDENTIFIERS = ("name", "phone", "address", "id_number", "comment")

LABELS: Mapping[str, tuple[str, ...]] = {
    "district": (
        "望潮区",
        "鹿鸣区",
        "星港区",
        "青禾区",
        "云岫区",
        "月湾区",
        "白鹭区",
        "兰渚区",
        "临溪县",
        "竹里县",
        "松屏县",
    ),
    "area": ("城镇", "乡村"),
    "yes_no": ("是", "否"),
    "mode": ("手机", "固定电话", "入户面访"),
    "safety": ("安全", "比较安全", "不太安全", "不安全"),
    "change": ("明显变好", "有所变好", "没有变化", "有所变差", "明显变差"),
    "satisfied": ("满意", "比较满意", "一般", "不太满意", "不满意"),
    "ease": ("很方便", "比较方便", "一般", "不太方便", "很不方便"),
    "answered": ("得到答复，问题解决", "得到答复，问题未解决", "没有得到答复"),
    "heard": ("听说过，比较了解", "听说过，不太了解", "没听说过"),
    "sex": ("男", "女"),
    "education": ("小学及以下", "初中", "高中或中专", "大专", "本科及以上"),
    "residence": ("本市户籍", "外来"),
}
"""Wording of the levels that vendors deliver as text, the same as in survey.yaml."""


@dataclass(frozen=True)
class Layout:
    """One vendor's delivery of one wave."""

    file: str
    names: Mapping[str, str] = field(default_factory=dict)
    """Item → delivered column; the item's own name where it is not there."""
    absent: tuple[str, ...] = ()
    """Items this wave did not ask or does not deliver."""
    silent: Mapping[int, str] = field(default_factory=lambda: {NOT_APPLICABLE: "7", DONT_KNOW: "8", REFUSED: "9"})
    """Why there is no answer → delivered code."""
    separator: str = ";"
    reversed: tuple[str, ...] = ()
    recoded: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Item → code of survey.yaml → delivered code."""
    worded: tuple[str, ...] = ()
    """Items delivered as the wording of their level."""
    decimal: tuple[str, ...] = ()
    """Items whose codes are delivered as "1.0"."""
    padded: tuple[str, ...] = ()
    """Items with blanks around some codes."""
    odd: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Item → values that cannot be, one interview each."""
    filler: tuple[str, str] = ("", "")
    """A column nobody asked for, and what stands in it."""
    moment: str = "%Y-%m-%d %H:%M"
    invented: bool = False
    """Whether an interviewer invented answers."""
    contradictions: int = 0
    """Interviews delivered a second time with another answer."""


SATISFACTION = tuple(f"{code}_satisfied" for code in PRACTICES)
LAYOUTS: Mapping[str, Layout] = {
    "2023H2": Layout(
        "2023H2.csv",
        names=HEADER,
        absent=("id_number", "c6_traffic", "c6_fire", "c6_explosives", "c6_schools", "d5_voice", "d9_channels"),
        worded=("education",),
        padded=("a2_home_night", "c1_satisfied", "d8_heard"),
        odd={"age": ("3", "203"), "a2_home_night": ("5",)},
        filler=("序号", "{row}"),
        moment="%Y/%m/%d %H:%M",
    ),
    "2024H1": Layout(
        "2024H1.csv",
        names=VENDOR_CODE,
        absent=("id_number", "c6_explosives", "c6_schools"),
        silent={NOT_APPLICABLE: "97", DONT_KNOW: "98", REFUSED: "99"},
        separator="、",
        reversed=(*SATISFACTION, "c6_traffic", "c6_fire"),
        worded=("sex",),
        odd={"a5_crowd": ("6",), "duration": ("-4",)},
        filler=("BATCH", "20240520"),
        contradictions=1,
    ),
    "2024H2": Layout(
        "2024H2.xlsx",
        names=HEADER,
        absent=("id_number", "comment"),
        silent={NOT_APPLICABLE: "", DONT_KNOW: "", REFUSED: ""},
        worded=("district",),
        odd={"duration": ("900",), "age": ("7",)},
        filler=("备注", ""),
    ),
    "2025H1": Layout(
        "2025H1.sav",
        silent={NOT_APPLICABLE: "-7", DONT_KNOW: "-8", REFUSED: "-9"},
        odd={"age": ("120",), "c2_satisfied": ("6",)},
        filler=("v_check", "1"),
        invented=True,
    ),
    "2025H2": Layout(
        "2025H2.csv",
        names=VENDOR_CODE,
        absent=("id_number",),
        silent={NOT_APPLICABLE: "不适用", DONT_KNOW: "不知道", REFUSED: "拒答"},
        separator=",",
        reversed=("a8_change",),
        recoded={"mode": {"1": "2", "2": "3", "3": "1"}},
        worded=("a1_safe_now",),
        padded=("a3_walk_dark", "b2_fraud", "c5_satisfied"),
        odd={"age": ("-1",), "a5_crowd": ("44",)},
        filler=("导出时间", "2025-11-24 09:12"),
        contradictions=1,
    ),
    "2026H1": Layout(
        "2026H1.csv",
        absent=("id_number",),
        separator="; ",
        decimal=("education", "residence", "d5_voice"),
        padded=("c3_satisfied",),
        odd={"age": ("150", "11"), "c3_satisfied": ("0",), "a7_online": ("33",)},
        filler=("upload_flag", "Y"),
        contradictions=1,
    ),
}
