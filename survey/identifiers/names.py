"""Names of people in free texts: a surname with a title, a name that is introduced, a name beside a telephone number.

Rules, no model: a bare name in the middle of a Chinese sentence is not found. Texts pass the boundary as counts under
themes only, so this is the second fence, not the first.
"""

from __future__ import annotations

import re

from survey.identifiers.numbers import Spans


def _words(text: str) -> list[str]:
    return text.split()


# The surnames of the great majority, those of two letters first (第七次人口普查 and 百家姓 order, rare ones left out).
DOUBLE = _words(
    """
    欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 司徒 端木 长孙 夏侯 独孤 南宫 西门 宇文 轩辕 百里 呼延 澹台
    """
)
PLAIN = (
    "莫庞颜季牟吉冷席宗瞿邬姬刁寇甄虞佘苑邝胥燕奚蔺仝阚豆朴盖井祖漆卿狄索宣扈晁芮浦戈薄邸雍辜羊裘亓邰赫宿逯"
    "隆茹危亢嵇湛戎勾茅冶檀昝幸奉植衡官伊禹巴鹿乌尧农慕伦郅郗靖鄂"
    "王李张刘陈杨黄赵吴徐孙朱胡郭林罗郑梁宋唐韩曹邓萧冯曾蔡潘袁董吕苏叶魏蒋杜丁沈傅钟卢姜崔谭汪廖范贾韦邹熊孟"
    "秦阎薛侯雷龙段郝邵钱汤尹黎易贺赖龚樊殷施陶洪翟倪严牛俞章鲁葛伍柯阮骆欧甘焦柴柳耿裴喻聂庄岳蓝缪卞霍翁艾桂"
    "凌舒尚苗卜冉卓丘邱褚娄窦戚岑滕佟池冼祁盛耿芦苟鲍肖闫付康游祝辛兰饶阳项屈涂符谷申荣党鞠宁巩蒲鄢荆詹楚盘覃"
    "华齐廉查晏穆司闵敖栾冀郎桑巫麦隋臧靳习邢毕郁迟谌匡仇房粟储娜栗仲晋丛"
)
# Surnames that are everyday words too: not where they end one of COMPOUNDS or begin one of NO_NAME.
WORDS = (
    "高何马任许周方安白石金江田夏文万史明常连应成全单左古关毛孔武谢彭包温程戴姚余简路商云水平景解蒙苍雨杭陆纪"
    "米童顾沙强屠桑曲尤柏凤梅花贝郜乔"
)
# The most common words among them: not after another letter at all, but for words of grammar.
STRICT = "麻封谈惠原劳皮满闻权帅练丰初敬阿母修鲜印战银哈宾利衣展阴智富车时向和于国乐费边年别居管卫计干步师"
COMPOUNDS = frozenset(
    _words(
        """
    主席 出席 搜索 荣幸 不幸 大宗 公安 保安 平安 治安 工程 过程 路程 日常 经常 平常 非常 正常 照常 提高 最高 地方
    对方 双方 警方 官方 卖方 买方 校方 物业方 明白 表白 农田 黄金 现金 奖金 资金 基金 租金 押金 语文 公文 中文
    英文 作文 历史 责任 信任 担任 前任 现任 新任 班主任 四周 一周 上周 每周 几万 一万 千万 百万 适应 反应 完成
    变成 健全 简单 名单 订单 保单 菜单 海关 机关 有关 相关 开关 聪明 说明 证明 文明 声明 水平 和平 公平 鸡毛 致谢
    感谢 多谢 红包 面包 体温 多余 业余 其余 各路 道路 马路 公路 铁路 一路 水路 热水 污水 喝水 漏水 停水 风景 世纪
    年纪 玉米 儿童 照顾 加强 坚强 增强 沿江 化石 了解 调解 讲解 下雨 红绿 种花 酒店 商店 厂商 电商 协商 左右
    """
    )
)
NO_NAME = frozenset(
    _words(
        """
    高中 高级 高校 高龄 高层 高兴 高度 何况 马上 马路 任何 任课 许多 周边 周围 周末 方便 方面 安全 安装 安保 安检
    安排 白天 白班 时候 时间 车上 车站 车主 车间 向来 于是 石油 金融 金牌 江湖 田里 夏天 文化 文明 文艺 万能 万一
    历史 明天 明明 常见 经常 连锁 连长 应该 应急 成年 成人 成熟 全体 全部 全职 全科 单身 单位 单亲 左右 左边 古典
    关于 关心 毛病 武术 武警 谢谢 包工 包括 温柔 温馨 程序 余下 简单 路过 路边 路上 商场 商务 水电 水果 水暖 平时
    平安 成绩 严格 严厉 严肃 施工 胡同 黄牛 蓝天 华人 项目 党委 党员 党支 司机 申请 游客 游泳 康复 房产 房东 查房
    管理 管家 师范 国家 国内 国外 年轻 年长 年级 年迈 花店 雨天 米店 计生 计算 乐队 景区 解放 别人 边防 牛肉 盛夏
    阳光 阳台 华侨 尚未 易怒 雷锋 范围 龙头 章程 舒适 庄稼 卓越 仲裁 谷物 荣誉 宁静 齐全 符合 屈指 辛苦 兰州 祝福
    付款 闵行 储蓄 习惯 毕业 毕竟 晋升 卫生 居民 居委 楼长 曾经 甘肃 广东 江苏 云南 钟点 钱包 贺卡 洪水 丁字 苗圃
    步行 干部 强烈 和蔼 和善 钟表 柴火 游戏 楚楚 曲艺 尤其 凤凰 贝壳 杭州 陆续 车牌 路由 纪委 纪检 童年 乔装 费用
    蒙古 苍老 沙发 桑拿 梅花
    """
    )
)
TITLES = _words(
    """
    先生 女士 小姐 太太 夫人 阿姨 叔叔 大爷 大娘 大妈 大叔 大哥 大姐 伯伯 奶奶 爷爷 婆婆 师傅 老师 医生 大夫 护士
    律师 警官 警察 法官 同志 同学 主任 书记 经理 队长 所长 局长 科长 处长 站长 组长 院长 校长 园长 教授 老板 老太太
    老先生 老爷子 网格员 辅警 民警 保安 老伯 村长 村主任 支书
    """
)
GIVEN = (
    "[\u4e00-\u9fff](?<![的了是在和与或我你他她它这那们个位名对向给被把说要都也很就住电有来去到从跟同请找"
    "问姓叫您等为因让使得着过里外上下前后])"
)
PLACE = re.compile(r".*[区县市村镇乡路街省州旗盟里组站所校院店厂桥山河湖]$")
ENDS = "|".join(sorted(TITLES, key=len, reverse=True))
PAIRS = "|".join(DOUBLE)
TITLED = re.compile(
    rf"(?<![感致多])((?:{PAIRS})(?:{GIVEN}){{0,2}}?|[{PLAIN}{WORDS}{STRICT}](?:{GIVEN}){{0,2}}?)\s?(?:{ENDS})"
    rf"|(?<=[感致])谢((?:{PAIRS})(?:{GIVEN}){{0,2}}?|[{PLAIN}{WORDS}{STRICT}](?:{GIVEN}){{0,2}}?)\s?(?:{ENDS})"
)
FAMILIAR = re.compile(rf"[{PLAIN}](?:哥|姐|嫂|婶|叔|姨|伯)(?![哥姐妹叔姨弟伯父母])")
FULL = rf"(?:(?:{PAIRS})(?:{GIVEN}){{1,2}}|[{PLAIN}{WORDS}{STRICT}](?:{GIVEN}){{1,2}})"
INTRODUCED = re.compile(
    rf"(?:(?:我|他|她|本人|爱人|儿子|女儿|孩子|老公|老婆|名)(?:名字)?叫(?:做)?|我的?名字是|本人姓名|姓名|名字|称呼|联系人|户主|业主|报警人|投诉人|当事人|"
    rf"受害人|签名|署名)\s?(?:[::是为]\s?)?({FULL})"
)
COLON = re.compile(r"(?:名字|称呼|联系人|户主|业主|报警人|投诉人|当事人|受害人|签名|署名)\s?[^::是为\s]")
BESIDE = re.compile(
    rf"(?:^|[\s,.;:,。;、(（:]|爱人|老公|老婆|妻子|丈夫|儿子|女儿|父亲|母亲|联系|我是|找)({FULL})(?=$|[\s,.;:,。;、)）(（:])"
)
WORD = r"[A-Z][A-Za-z]*(?:['’\-][A-Za-z]+)*"
ENGLISH = (
    re.compile(
        r"(?<![A-Za-z])(?:Mr|Mrs|Ms|Miss|Mx|Mister|Madam|Dr|Prof|Professor|Sir|Officer|Inspector|Sergeant|Constable|Captain|"
        rf"Uncle|Aunt|Auntie|Teacher|Director|Manager)(?:\.\s?|\s)(?:{WORD}|[\u4e00-\u9fff]{{1,3}})(?:\s(?:[A-Z]\.\s)?{WORD}){{0,2}}"
    ),
    re.compile(r"(?<![A-Za-z])(?:mr|mrs|ms|MR|MRS|MS)(?:\.\s?|\s)[A-Za-z]+(?:['’\-][A-Za-z]+)*"),
    re.compile(
        rf"(?<![A-Za-z]){WORD}(?:\s{WORD})?\s(?:[Xx]iansheng|[Nn][vuü]shi|[Aa]yi|[Ll]aoshi|[Ss]hifu)(?![A-Za-z])"
    ),
    re.compile(
        rf"(?:(?:[Mm]y|[Hh]is|[Hh]er) (?:full )?name is|I am called|(?:[Nn]ame|[Cc]ontact|[Ss]igned)\s?:|"
        rf"I(?:'|’)m called)\s?({WORD}(?:\s{WORD}){{0,3}})"
    ),
)
MONTHS = {"and", "is", "or", "in", "of"}


def _fits(own: str, before: str) -> bool:
    """Whether a surname (and a given name) is no everyday word, neither alone nor with the letter before it."""
    runs_on = "\u4e00" <= before <= "\u9fff" and before not in "的了是找被由跟和与请叫问给对让说位谢"
    return not (own[:2] in NO_NAME or before + own[:1] in COMPOUNDS or (own[0] in STRICT and runs_on))


def names(text: str) -> Spans:
    """Names with a title, and names that the text introduces."""
    place = 0
    while found := TITLED.search(text, place):
        group = 1 if found[1] else 2
        start = found.start(group)
        right = _fits(found[group], text[start - 1 : start])
        place = found.end() if right else start + (2 if found[group][:2] in NO_NAME else 1)
        if right:
            yield start, found.end()
    for found in FAMILIAR.finditer(text):
        if text[found.start() - 1 : found.start() + 1] not in COMPOUNDS:
            yield found.span()
    for found in INTRODUCED.finditer(text):
        if found[1][:2] not in NO_NAME and not COLON.match(found[0]):
            yield found.span(1)
    for pattern in ENGLISH:
        for found in pattern.finditer(text):
            if found[0].split()[-1].lower() not in MONTHS:
                yield found.span(found.lastindex or 0)


def names_beside(text: str) -> Spans:
    """Names that stand alone between two marks: taken for names only in a text that holds another identifier."""
    return (found.span(1) for found in BESIDE.finditer(text) if found[1][:2] not in NO_NAME)


def is_name(text: str) -> bool:
    """Whether a text is wholly built like a Chinese name, and is no everyday word and no place.

    >>> [is_name(text) for text in ("王芳", "欧阳小红", "江北区", "高中", "路灯太暗")]
    [True, True, False, False, False]
    """
    return re.fullmatch(FULL, text) is not None and text[:2] not in NO_NAME and PLACE.fullmatch(text) is None
