"""Words by which columns, labels and codes are recognised, in Chinese, English and a little Spanish.

Vendors in China often name a column by the initials of its pinyin (QX for 区县): those are taken only as whole names.
"""

from __future__ import annotations

import re

from survey.draft.places import place_of

# Role → words in a name or label, and whole names. The first role that fits wins, hence the order.
ROLES: dict[str, tuple[str, str]] = {
    "id_number": (
        r"身份证|证件号|id_?number|id_?card|passport|national_?id|护照|\brut\b",
        "sfz|sfzh|idno",
    ),
    "phone": (
        r"电话|手机号|联系方式|phone(?!.*mode)|mobile_?n|telephone|telefono|\btel\b",
        "tel|dh|sjh|sj|mobile",
    ),
    "email": (
        r"邮箱|电子邮件|e-?mail|correo|微信号|wechat_?id|qq号",
        "qq|email",
    ),
    "address": (
        r"地址|住址|address|direccion|门牌|postcode|邮编|\baddr\b",
        "addr|dz|zz|addr",
    ),
    "coordinates": (
        r"经度|纬度|坐标|latitud|longitud|\bgps\b|\b(lat|lon|lng)\b",
        "lat|lon|lng|jd|wd",
    ),
    "name": (
        r"姓名|名字|full_?name|surname|first_?name|last_?name|nombre",
        "name|xm|names",
    ),
    "birth": (
        r"出生|生日|birth|nacimiento|\bdob\b",
        "csrq|dob",
    ),
    "weight": (
        (
            r"权重|权数|加权|weight|(?<![a-z])wg?h?ts?(?![a-z])|"
            r"(?<![a-z])(fact|factor|pond|peso|expan|wt)(?![a-z])|\w{2,}wgt\b|\w+i?ndwt\b|^wt\w+|\w+wt$"
        ),
        "w|wt|qz|kish_w",
    ),
    "probability": (
        r"概率|probabil|入样率|(?<![a-z])prob(?![a-z])|selection_?p|抽中率",
        "p1|p2|p3|p_psu|p_household",
    ),
    "stratum": (
        r"分层|抽样层|strat",
        "h|stratum|fc|strata",
    ),
    "psu": (
        (
            r"初级抽样单元|抽样点|(?<![a-z])[v]?psu(?![a-z])|cluster|"
            r"conglomerado|\bsegment|primary.?sampling|^样本点"
        ),
        "sq|psu|vpsu|community|community_id|community_code|village|village_id|neighbourhood|neighborhood|cjw|shequ|cun",
    ),
    "interviewer": (
        r"访员|访问员|调查员|interviewer|enumerator|encuestador|entrevistador",
        "fyy|dcy|fy|intid|interviewer",
    ),
    "disposition": (
        r"访问结果|接触结果|结果代码|disposition|outcome_?code|final_?result",
        "jg|fwjg|disposition|outcome",
    ),
    "duration": (
        r"时长|用时|duration|minutes|length_?of_?interview|duracion",
        "sc|duration|loi",
    ),
    "started": (
        r"开始时间|开始时刻|start(ed|_?time)|fecha_?inicio|开始日期",
        "kssj|started|starttime",
    ),
    "respondent": (
        (
            r"编号|序号|case_?(id|number|no)|case identifier|respondent_?id|serial|row_?label|person_?id|"
            r"第.*号|folio|(?<![a-z])uuid"
        ),
        "id|rid|respondent|caseid|serial|person|pid|bh|idnum|firstid|ids",
    ),
    "wave": (
        r"第.波|期次|调查年|(?<![a-z])wave(?![a-z])|survey_?year",
        "wave|round|year|panelwave",
    ),
    "count": (
        r"人数|次数|几次|几人|number of|how many|人口数|岁以上人|年数|adults|household size|人次",
        "crs|cs|hompop|childs|adults|calls|numadult|hhsize",
    ),
    "sex": (
        r"性别|respondent.?sex|sex of|(?<![a-z])(gender|sexo|sex)(?![a-z])",
        "sex|gender|xb|rph_sexo",
    ),
    "age": (
        r"年龄|周岁|(?<![a-z])(age|edad)(?![a-z])",
        "age|nl|rph_edad",
    ),
    "education": (
        r"文化程度|学历|受教育|educat|(?<![a-z])(degree|educ|schooling)(?![a-z])|educacion",
        "whcd|xl|edu|degree",
    ),
    "district": (
        r"(?<![a-z])((sub)?district|region|province|borough|county|township|comuna)(?![a-z])",
        "qx|district|region|enc_region|enc_rpc|qh|quxian|jiedao|xiangzhen",
    ),
    "area": (
        r"城乡|urban|rural|居住地类型",
        "cx|area|rural2",
    ),
    "registration": (
        r"户籍|户口|residence permit|household registration",
        "hj|hk|hukou|residence",
    ),
    "occupation": (
        r"职业|occupation|就业|工作状况|paid work|employment|(?<![a-z])(job|wrkstat|work)(?![a-z])",
        "zy|work",
    ),
    "income": (
        r"收入|income|ingreso|(?<![a-z])rincome",
        "sr|income",
    ),
    "marital": (
        r"婚姻|marital|civil state",
        "hy|marital|livharm1",
    ),
    "ethnicity": (
        r"民族|ethnic|(?<![a-z])race(?![a-z])",
        "mz|race|ethgrp2",
    ),
    "religion": (
        r"宗教|relig",
        "relig",
    ),
    "mode": (
        r"调查方式|访问方式|interview mode|mode of",
        "mode|fs",
    ),
    "comment": (
        r"意见|建议|留言|备注|其他[（(]|请说明|comment|remark|verbatim|specify|open.?ended",
        "open|comment|other_text",
    ),
    "other": (
        "",
        "",
    ),
}
WHOLE = {role: frozenset(whole.split("|")) - {""} for role, (_, whole) in ROLES.items()}
PARTS = {role: re.compile(parts, re.IGNORECASE) for role, (parts, _) in ROLES.items() if parts}
DIRECT = ("id_number", "phone", "email", "address", "coordinates", "name", "birth")
QUASI = (
    *("sex", "age", "education", "district", "area", "registration", "occupation", "income", "marital", "ethnicity"),
    "religion",
)

# A moment that is not the one at which an interview began.
ENDED = re.compile(
    r"结束|完成|提交|上传|导出|录入|(?<![a-z])(end(ed)?|finish(ed)?|submit(ted)?|upload(ed)?|saved?)(?![a-z])", re.I
)

# A wording of a code that is no answer, by its reason.
MISSING: dict[str, re.Pattern[str]] = {
    "refused": re.compile(r"拒绝?答|拒绝|不愿|不便|refus|no responde|no contesta|prefer not", re.I),
    "dont_know": re.compile(
        r"不知道|不清楚|说不清|不好说|不了解情况|难说|do(n.?t| not) know|^dk$|no sabe|can.?t say|unsure", re.I
    ),
    "not_applicable": re.compile(
        r"不适用|跳答|无此情况|not appl|inapplicable|^n/?a$|^iap$|no aplica|does not apply", re.I
    ),
    "lost": re.compile(
        r"无回答|未回答|未答|缺失|漏答|no answer|not answered|not coded|not stated|missing|sin dato|uncodeable", re.I
    ),
}
# Codes that by custom are no answer, by their last digit: the 7 and 97, the 8 and 88, the 9 and 99.
CUSTOM = {"7": "not_applicable", "8": "dont_know", "9": "refused"}

# A wording of a level: what it is about, which way that points, and what turns it round.
GOOD = re.compile(r"安全|满意|变好|好转|方便|信任|同意|放心|公正|改善|很好|较好|得到答复|比较了解|不太了解|"
                  r"\bsafe|satisf|better|easy|\bgood\b|agree|trust|confiden|excellent|less crime|fell\b|improv|happy",
                  re.I)  # fmt: skip
BAD = re.compile(r"担心|害怕|变差|恶化|困难|较差|很差|没有得到|没听说|worr|afraid|fear|worse|\bbad\b|difficult|"
                 r"\bpoor\b|common|more crime|\brose\b|unsafe|dissatis|disagree|distrust|uneasy|unhappy",
                 re.I)  # fmt: skip
TURNED = re.compile(r"不(?!太了解)|没有变|\bnot\b|\bnever\b|\bneither\b|cannot|hardly", re.I)
MIDDLE = re.compile(r"一般|没有变化|说不上|无所谓|neither|same|no change|average|fair$|about right", re.I)

# What an item asks about, for the likely headline figures.
SAFE = re.compile(r"安全感|觉得安全|安全吗|how safe|sense of s|feel.{0,6} safe|(?<![a-z])safe", re.I)
OVERALL = re.compile(r"总体|总的来说|overall|in general|all in all|(?<![a-z])general(?![a-z])", re.I)
FEAR = re.compile(r"afraid|(?<![a-z])fear|insg|inseg|害怕|不安全|walk.{0,12}(dark|night)|\bpad\b|unsafe", re.I)
SATISFIED = re.compile(r"满意|satisf", re.I)


def role_of(name: str, label: str) -> str:
    """The role that a column's name or label speaks of, "" for none; a whole name wins, then a whole place.

    >>> role_of("QX", ""), role_of("q7", "受访者性别"), role_of("Fact_Pers", ""), role_of("walkdark", "")
    ('district', 'sex', 'weight', '')
    """
    bare = name.strip().casefold()
    for role, whole in WHOLE.items():
        if bare in whole:
            return role
    place = place_of(name) or place_of(label)
    if place:
        return place
    text = re.sub(r"[_.\-]+", " ", f"{name} {label}").casefold()
    for role, pattern in PARTS.items():
        if pattern.search(text) or pattern.search(bare):
            return role
    worded = label.strip().casefold()
    return next((role for role, whole in WHOLE.items() if worded in whole), "")


def reason_of(wording: str) -> str:
    """The reason that the wording of a code gives for no answer, "" when it is an answer.

    >>> reason_of("拒答"), reason_of("Don't know"), reason_of("Yes")
    ('refused', 'dont_know', '')
    """
    if len(wording) > 24:
        return ""
    return next((reason for reason, pattern in MISSING.items() if pattern.search(wording.strip())), "")


def polarity(wording: str) -> int:
    """1 for a wording that is good news, -1 for bad news, 0 where that cannot be told.

    >>> [polarity(words) for words in ("比较安全", "不太安全", "一般", "Very worried", "Not very worried", "Unsafe")]
    [1, -1, 0, -1, 1, -1]
    """
    if MIDDLE.search(wording):
        return 0
    sign = -1 if BAD.search(wording) else 1 if GOOD.search(wording) else 0
    return -sign if TURNED.search(wording) and not re.search("没有得到|没听说", wording) else sign
