"""Free texts as residents write them, with and without identifiers, made from a seed: what scrubbing is measured on.

Written apart from the recognisers: check digits are computed here, names and places come from lists of their own, and
every way of writing was chosen by how people write, not by what is found. `python -m tests.identifiers_corpus` prints
the table.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

STRUCTURED = ("id number", "bank card", "phone", "plate", "email", "account", "network", "coordinates")
WORDED = ("name", "address")


@dataclass
class Text:
    """One text; `marks` are kind, start and stop of each identifier in it."""

    text: str = ""
    language: str = "zh"
    marks: list[tuple[str, int, int]] = field(default_factory=list)

    def add(self, piece: str, kind: str = "") -> None:
        if kind:
            self.marks.append((kind, len(self.text), len(self.text) + len(piece)))
        self.text += piece


WIDE = str.maketrans(
    "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", "０１２３４５６７８９ＡＢＣＤＥＦＧＨＪＫＬＭＮＰＱＲＳＴＵＶＷＸＹＺ"
)


def _words(text: str) -> list[str]:
    return text.split()


REGIONS = _words(
    """
    110101 110105 120103 130102 140105 210102 220104 230103 310101 310115 320102 320583 330106 330782 340104 350203
    360102 370202 370781 410105 420106 430104 440106 440305 450103 460105 500103 510104 520103 530102 610113 620102
    650102
    """
)
FAMILY = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘"
    "杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文欧阳司马"
    "诸葛上官"
)
SINGLE = [*FAMILY[:-8], "欧阳", "司马", "诸葛", "上官"]
GIVEN = _words(
    """
    伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀英 霞 平 刚 桂英 建国 建华 志强 海燕 春梅 子涵 雨桐 浩然
    欣怡 俊杰 思远 一诺 梓萱 晓东 国庆 小红 玉兰 文静 立新 德福 金凤 淑珍 永强 佳怡 嘉豪 若曦 奕辰 沐阳 天宇 瑞雪
    红梅 卫东 丽华 家辉 振华 兴旺 宏伟 长江
    """
)
CALLED = _words(
    """
    先生 女士 小姐 阿姨 叔叔 大爷 奶奶 师傅 老师 医生 律师 警官 主任 书记 经理 大妈 同志 队长 太太 教授 老板 所长
    """
)
ROADS = _words(
    """
    人民路 解放路 中山北路 长江西路 建设大道 和平街 南京东路 文化巷 学府路 胜利路 朝阳门外大街 滨河南路 青年路
    天目山路 武珞路 湘江中路 幸福巷 珠江东路 延安中路 前门西大街 花园路 五一路 迎宾大道 劳动街 北新胡同 体育西路
    科技二路 泉山路 大学城南路 福州路
    """
)
ESTATES = _words(
    """
    阳光花园 幸福小区 万科城市花园 翠湖家园 锦绣苑 金色华府 滨江新城 祥和公寓 东风新村 碧桂园 保利香槟国际 龙湖雅居
    绿地世纪城 清华园小区 教师新村 恒大名都 梧桐苑
    """
)
CITIES = [
    "南京市玄武区",
    "杭州市西湖区",
    "北京市海淀区",
    "成都市武侯区",
    "武汉市洪山区",
    "沈阳市和平区",
    "广州市天河区",
    "苏州市姑苏区",
]
VILLAGES = ["李家村", "王庄村", "东河村", "石桥村", "上杨村", "红旗村", "大沟屯"]
FIRST = _words(
    """
    James Mary John Linda Robert Susan Michael Karen David Sarah Thomas Emma Oliver Grace Ahmed Fatima Wei Li Jun
    Mei Priya Sean
    """
)
LAST = _words(
    """
    Smith Johnson Brown Taylor O'Brien Wilson Evans Walker Khan Patel Zhang Wang Chen Liu Murphy Clarke Lewis Singh
    McDonald Wright Hall-Jones
    """
)
EN_ROADS = _words(
    """
    High Station Church Victoria Park Mill Queen's Renmin Zhongshan Chang'an Green London Elm Oak Nanjing Jiefang
    """
)
EN_KINDS = ["Street", "Road", "Avenue", "Lane", "Drive", "Close", "Crescent", "St", "Rd", "Ave", "Terrace", "Court"]
NUMERALS = "零一二三四五六七八九"


def luhn_digit(body: str) -> str:
    """The last digit of a card, by ISO/IEC 7812-1."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return str(-total % 10)


def id_number(rng: random.Random) -> str:
    """An identity number with its check digit, by the table of GB 11643."""
    day = f"{rng.randint(1935, 2009)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    body = rng.choice(REGIONS) + day + f"{rng.randint(1, 999):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


def written_id(rng: random.Random) -> str:
    number = id_number(rng)
    how = rng.randrange(7)
    if how == 0:
        return f"{number[:6]} {number[6:14]} {number[14:]}"
    if how == 1:
        return f"{number[:6]}-{number[6:14]}-{number[14:]}"
    if how == 2:
        return number.translate(WIDE)
    if how == 3:
        return number.replace("X", "x")
    if how == 4:
        return " ".join(number[start : start + 4] for start in range(0, 18, 4))
    return number


def card(rng: random.Random) -> str:
    start, length = rng.choice(
        [("622202", 19), ("621700", 19), ("622848", 19), ("625965", 16), ("4563", 16), ("5187", 16)]
    )
    body = start + "".join(str(rng.randrange(10)) for _ in range(length - 1 - len(start)))
    number = body + luhn_digit(body)
    how = rng.randrange(5)
    if how == 0:
        return " ".join(number[at : at + 4] for at in range(0, length, 4))
    if how == 1:
        return "-".join(number[at : at + 4] for at in range(0, length, 4))
    return number.translate(WIDE) if how == 2 else number


def phone(rng: random.Random) -> str:
    start = rng.choice(
        [
            "130",
            "131",
            "135",
            "136",
            "138",
            "139",
            "147",
            "150",
            "151",
            "152",
            "155",
            "158",
            "166",
            "170",
            "173",
            "176",
            "180",
            "185",
            "186",
            "188",
            "189",
            "191",
            "198",
            "199",
        ]
    )
    number = start + "".join(str(rng.randrange(10)) for _ in range(8))
    area = rng.choice(["010", "021", "025", "0571", "0755", "028", "0512", "0371"])
    local = rng.choice("2345678") + "".join(
        str(rng.randrange(10)) for _ in range(6 if len(area) == 4 and rng.random() < 0.5 else 7)
    )
    ways: list[Callable[[], str]] = [
        lambda: number,
        lambda: number,
        lambda: f"{number[:3]} {number[3:7]} {number[7:]}",
        lambda: f"{number[:3]}-{number[3:7]}-{number[7:]}",
        lambda: f"{number[:3]}－{number[3:7]}－{number[7:]}",
        lambda: number.translate(WIDE),
        lambda: f"+86 {number}",
        lambda: f"86-{number}",
        lambda: "".join("零幺二三四五六七八九"[int(digit)] for digit in number),
        lambda: "".join(NUMERALS[int(digit)] for digit in number),
        lambda: f"{number[:3]}.{number[3:7]}.{number[7:]}",
        lambda: f"{number[:5]} {number[5:]}",
        lambda: f"{area}-{local}",
        lambda: f"({area}){local}",
        lambda: f"（{area}）{local}",
        lambda: f"{area} {local[:4]} {local[4:]}",
        lambda: f"{area}{local}",
        lambda: f"{area}-{local}转{rng.randint(100, 9999)}",
    ]
    return rng.choice(ways)()


def phone_abroad(rng: random.Random) -> str:
    def digits(count: int) -> str:
        return "".join(str(rng.randrange(10)) for _ in range(count))

    return rng.choice(
        [
            f"07{rng.randint(1, 9)}{digits(2)} {digits(6)}",
            f"+44 7{digits(3)} {digits(6)}",
            f"020 7{digits(3)} {digits(4)}",
            f"+1 (212) 555-0{digits(3)}",
            f"(415) 555-0{digits(3)}",
            f"+86 138 {digits(4)} {digits(4)}",
            f"138{digits(8)}",
            f"0121 496 0{digits(3)}",
            f"+8610 6{digits(3)} {digits(4)}",
        ]
    )


def plate(rng: random.Random) -> str:
    letters, places = "ABCDEFGHJK", "0123456789"
    head = rng.choice("京津沪苏浙皖粤川鄂湘鲁豫冀辽黑吉闽赣桂云贵陕甘")
    city = rng.choice(letters)
    tail = "".join(rng.choice(places + "0123456789ABCDEFGH") for _ in range(3)) + f"{rng.randrange(100):02d}"
    if rng.random() < 0.3:
        tail = rng.choice("DF") + f"{rng.randrange(100000):05d}"
    whole = rng.choice([head + city + tail, f"{head}{city}·{tail}", f"{head}{city} {tail}", f"{head}{city}-{tail}"])
    return rng.choice([whole, whole, whole.lower(), whole.translate(WIDE)])


def email(rng: random.Random) -> str:
    user = rng.choice(["zhangwei", "li.na", "wang_fang88", "j-smith", "happy2020", "10086fan", "Susan.Taylor"]) + str(
        rng.randrange(1000)
    )
    host = rng.choice(
        ["163.com", "qq.com", "126.com", "sina.com.cn", "gmail.com", "mail.example.org", "outlook.com", "pku.edu.cn"]
    )
    return rng.choice([f"{user}@{host}"] * 4 + [f"{user}＠{host}", f"{user}(at){host}", f"{user} @ {host}"])


def account(rng: random.Random) -> str:
    return rng.choice(
        [
            rng.choice(["lihua", "xiaoyu", "sunny", "tianya", "wxid", "rose"])
            + rng.choice(["_", "-", ""])
            + str(rng.randint(1980, 99999)),
            str(rng.randint(10_000_000, 3_999_999_999)),
        ]
    )


def network(rng: random.Random) -> str:
    def octet() -> int:
        return rng.randint(1, 254)

    pairs = [f"{rng.randrange(256):02X}" for _ in range(6)]
    return rng.choice(
        [
            f"192.168.{octet()}.{octet()}",
            f"{rng.randint(11, 223)}.{octet()}.{octet()}.{octet()}",
            ":".join(pairs),
            "-".join(pairs).lower(),
            f"2408:8207:{rng.randrange(65536):x}:{rng.randrange(65536):x}::{rng.randrange(1, 65536):x}",
        ]
    )


def coordinates(rng: random.Random) -> str:
    north, east = rng.uniform(20, 50), rng.uniform(75, 130)
    return rng.choice(
        [
            f"{north:.6f},{east:.6f}",
            f"{east:.5f}，{north:.5f}",
            f"北纬{north:.4f}度，东经{east:.4f}度",
            f"{north:.4f}°N, {east:.4f}°E",
            (
                f"{int(north)}°{rng.randrange(60)}′{rng.randrange(60)}″N "
                f"{int(east)}°{rng.randrange(60)}′{rng.randrange(60)}″E"
            ),
            f"东经{int(east)}度{rng.randrange(60)}分，北纬{int(north)}度{rng.randrange(60)}分",
        ]
    )


def name(rng: random.Random) -> str:
    family, title = rng.choice(SINGLE), rng.choice(CALLED)
    return family + (rng.choice(GIVEN) if rng.random() < 0.35 else "") + title


def introduced(rng: random.Random) -> tuple[str, str]:
    whole = rng.choice(SINGLE) + rng.choice(GIVEN)
    return rng.choice(["我叫", "我名叫", "姓名：", "联系人：", "联系人是", "我的名字是", "本人姓名"]), whole


def spelled(number: int) -> str:
    tens, ones = divmod(number, 10)
    return (("" if tens == 1 else NUMERALS[tens]) + "十" if tens else "") + (NUMERALS[ones] if ones or not tens else "")


def address(rng: random.Random) -> str:
    road, estate, number, block, unit = (
        rng.choice(ROADS),
        rng.choice(ESTATES),
        rng.randint(1, 999),
        rng.randint(1, 60),
        rng.randint(1, 6),
    )
    room = rng.randint(1, 30) * 100 + rng.randint(1, 8)
    city = rng.choice(["", "", rng.choice(CITIES)])
    inside = rng.choice(
        [
            f"{block}栋{unit}单元{room}室",
            f"{block}号楼{unit}单元{room}",
            f"{block}幢{room}室",
            f"{block}栋{room}",
            f"{block}座{room}室",
            f"{block}号楼{room}室",
            f"{spelled(block)}栋{spelled(unit)}单元{''.join(NUMERALS[int(c)] for c in str(room))}室",
            f"{block}-{unit}-{room}室",
            f"{block}栋 {unit}单元 {room}室",
            f"{unit}单元{room}室",
            "ABCD"[unit % 4] + f"座{room}室",
        ]
    )
    return rng.choice(
        [
            f"{city}{road}{number}号",
            f"{city}{road}{number}号{inside}",
            f"{city}{road}{number}弄{block}号{room}室",
            f"{estate}{inside}",
            f"{city}{estate}{block}栋",
            f"{city}{road}{spelled(block)}号",
            f"{road} {number} 号",
            f"{road}{number}号{estate}{inside}",
            inside,
            f"{rng.choice(VILLAGES)}{unit}组{number}号",
            f"{rng.choice(VILLAGES)}{number}号",
            f"{road}{number}-{unit}号",
            f"{estate}{block}号楼",
            f"{city}{road}{number}号".translate(WIDE),
            f"{road}{number}号院{block}号楼{unit}门{room}",
        ]
    )


def english_name(rng: random.Random) -> str:
    first, last = rng.choice(FIRST), rng.choice(LAST)
    title = rng.choice(["Mr", "Mrs", "Ms", "Miss", "Dr", "Mr.", "Mrs.", "Officer", "Sergeant", "Prof", "Auntie"])
    return rng.choice(
        [f"{title} {last}", f"{title} {last}", f"{title} {first} {last}", f"mr {last.lower()}", f"mrs {last}"]
    )


def english_address(rng: random.Random) -> str:
    road = f"{rng.choice(EN_ROADS)} {rng.choice(EN_KINDS)}"
    number, room = rng.randint(1, 300), rng.randint(1, 30) * 100 + rng.randint(1, 9)
    return rng.choice(
        [
            f"{number} {road}",
            f"No. {number} {road}",
            f"Flat {rng.randint(1, 40)}, {number} {road}",
            f"{number}B {road}",
            f"{number}, {road}",
            f"Room {room}, Building {rng.randint(1, 30)}, {number} {road}",
            f"Building {rng.randint(1, 30)}, Unit {rng.randint(1, 5)}, Room {room}",
            f"{number} {road}, M{rng.randint(1, 9)} {rng.randint(1, 9)}XY",
            f"{number} {road}, Apt {rng.randint(1, 40)}",
            f"{number} elm street",
        ]
    )


Maker = Callable[[random.Random], str]
ZH: dict[str, tuple[Maker, tuple[str, ...]]] = {
    "id number": (
        written_id,
        (
            "我的身份证号是{}，麻烦查一下",
            "证件{}已经登记过",
            "居住证一直办不下来{}请帮忙",
            "身份证{}，希望尽快办理",
            "{}这是我的号码",
        ),
    ),
    "bank card": (
        card,
        ("骗子让我转到{}这张卡", "被骗的卡号{}，至今没有追回", "我的银行卡{}被盗刷", "钱打到{}了，损失3000元"),
    ),
    "phone": (
        phone,
        (
            "有事请打{}",
            "请回电{}，谢谢",
            "电话{}，白天都在",
            "我的手机号{}一直接到诈骗电话",
            "楼下噪音大，联系我{}",
            "骚扰号码{}，打了20次",
            "请加强巡逻。{}",
        ),
    ),
    "plate": (
        plate,
        (
            "{}天天堵在消防通道",
            "车牌{}的车乱停",
            "小区门口{}半夜按喇叭",
            "我看见{}撞了护栏就跑了",
            "那辆白色轿车，{}，占了盲道",
        ),
    ),
    "email": (email, ("结果发到{}", "邮箱{}，请回复", "材料已经寄给{}了", "可写信至{}。")),
    "account": (
        account,
        (
            "微信号{}",
            "加我微信{}聊",
            "我的QQ是{}",
            "QQ：{}，随时联系",
            "骗子的vx：{}",
            "微信：{}，可以发照片",
            "扣扣号{}",
        ),
    ),
    "network": (network, ("摄像头地址{}无法访问", "路由器{}被人改了密码", "对方的IP是{}", "设备{}掉线")),
    "coordinates": (coordinates, ("井盖缺失的位置在{}", "坐标{}，路灯不亮", "请到{}看一看")),
    "name": (
        name,
        (
            "{}很负责，点赞",
            "感谢{}的帮助",
            "找过{}几次都没有结果",
            "楼上{}家的狗总叫",
            "社区{}经常上门宣传",
            "我问{}，说没有办法",
            "希望表扬{}",
            "被{}骂了一顿",
            "和{}商量过了",
        ),
    ),
    "address": (
        address,
        (
            "我家住{}，晚上很黑",
            "住在{}，楼道灯坏了",
            "{}门口堆满杂物",
            "在{}附近被偷过电动车",
            "地址：{}",
            "请到{}来看看",
            "位于{}的麻将馆太吵",
        ),
    ),
}
EN: dict[str, tuple[Maker, tuple[str, ...]]] = {
    "id number": (written_id, ("My ID number is {}, please check.", "ID card {} was stolen")),
    "bank card": (card, ("They charged my card {} twice", "I was told to pay into {} and lost everything.")),
    "phone": (
        phone_abroad,
        ("Please call me on {}.", "My number is {}, any time", "Scam calls from {} every day", "Ring {} after six"),
    ),
    "plate": (plate, ("The car {} blocks the fire lane", "Plate {} ran the red light.")),
    "email": (email, ("Write to {} please", "My e-mail is {}.", "I sent photos from {}")),
    "account": (
        account,
        ("My WeChat id is {}", "WeChat: {}", "QQ {} keeps sending me links", "add me on WeChat: {}, thanks"),
    ),
    "network": (network, ("The camera at {} is offline", "Login from {} was not me.")),
    "coordinates": (coordinates, ("The broken lamp is at {}", "See {} on the map.")),
    "name": (
        english_name,
        ("{} helped us a lot", "I spoke to {} about the noise.", "Please thank {} for me", "The dog of {} bit my son"),
    ),
    "address": (
        english_address,
        (
            "I live at {}",
            "The lights near {} are broken.",
            "There was a fight outside {} last week",
            "My house, {}, was burgled",
        ),
    ),
}
ZH_CLEAN = (
    "晚上广场舞声音太大，希望{n}点以后安静",
    "{n}号楼楼道灯坏了{m}天没人修",
    "希望多装{n}盏路灯",
    "拨打110，{n}分钟就到了",
    "12345热线答复很快",
    "接到96110的提醒电话，没有被骗",
    "停车费每月{k}元太贵",
    "2026年{a}月{b}日停电{n}小时",
    "被骗了{k}元，至今没有追回",
    "从{a}:{n}到{b}:30都很吵",
    "满意度{n}%吧",
    "住了{n}年，{m}室{b}厅，治安不错",
    "地铁{a}号线附近扒手多",
    "坐{n}路公交车时丢过手机",
    "小区有{k}户，保安只有{a}个",
    "电梯型号KONE-{k}经常坏",
    "灭火器编号{k}{k}过期了",
    "快递单号SF{k}{k}{k}丢件",
    "希望社区老师多来宣传",
    "物业经理换了{a}个",
    "高中老师说要注意安全",
    "公交车师傅开得太快",
    "许多女士晚上不敢走",
    "谢谢老师",
    "电动车{n}公里限速执行得好",
    "{a}楼到{b}楼都有烟味",
    "新A4纸贴的小广告太多",
    "人民路路灯不亮",
    "路口{a}号摄像头坏了",
    "每周{a}次巡逻，比{y}年好",
    "房价{k}，物业费{a}.{b}元",
    "身高1.{n}米的小偷",
    "第{a}单元门禁坏了",
    "加强微信群管理",
    "电话诈骗太多",
    "希望派出所所长多下来走走",
    "WiFi版本{a}.{b}.{a}太旧",
    "比分{a}:{b}，球迷闹事",
    "温度{n}.{a}度，没有暖气",
    "{y}-{a}-{b}那天晚上有人打架",
    "任何女士都不应该害怕",
    "安全主任应当负责",
    "保安巡逻{a}次/{n}小时",
    "总的来说很安全",
    "何时能解决停车问题",
    "方便面摊占道",
    "周边环境好",
    "车牌识别慢",
    "三年来一直安全",
    "小区里孩子多，要限速{n}",
    "路边师傅态度好",
    "门牌号看不清",
    "全体同志辛苦了",
)
EN_CLEAN = (
    "It takes {n} minutes to walk home and the street is dark",
    "I paid {k} yuan for parking in {y}",
    "Called 110 and they came in {n} minutes",
    "The lift is broken for {n} days",
    "{n}% of my neighbours agree",
    "Bus {n} is always late",
    "Between 10:30 and 11:{n} it is loud",
    "Noise since {y}-0{a}-1{a}",
    "Model AB-{k} cameras do not work",
    "Version {a}.{b} of the app fails",
    "WeChat groups are useful",
    "I feel safe on the road to school",
    "There are {n} people on the street at night",
    "Mainly the high street is a problem",
    "Officers on duty are polite",
    "I miss the old park",
    "Room for improvement: more lamps",
    "Building works start at {a} am",
    "My number one wish is lighting",
    "House prices rose by {n}%",
    "2 cars park on the pavement every day",
    "Flat tyres from broken glass",
    "Ticket {k}-{n} was never answered",
    "No 1 problem is theft",
    "The way is unlit",
    "The drive home takes {n} minutes",
    "{a} lights on the lane are out",
    "Score {a}/{b}",
    "Contact with police was good",
)
TAILS = ("", "", "。", "，谢谢！", "，希望尽快解决", "；路灯太暗", "，已经3年了", "，每月被罚200元")


def corpus(seed: int = 20261125, size: int = 3000) -> list[Text]:
    """Texts in Chinese (two thirds) and English: most with one or two identifiers, three in ten with none."""
    rng = random.Random(seed)
    return [_one(rng) for _ in range(size)]


def _one(rng: random.Random) -> Text:
    chinese = rng.random() < 2 / 3
    text = Text(language="zh" if chinese else "en")
    if rng.random() < 0.3:
        shape = rng.choice(ZH_CLEAN if chinese else EN_CLEAN)
        text.add(_filled(shape, rng))
        return text
    table = ZH if chinese else EN
    for place in range(rng.choice([1, 1, 2])):
        if place:
            text.add(rng.choice("，。；") if chinese else ". ")
        if chinese and rng.random() < 0.06:
            before, own = introduced(rng)
            text.add(before)
            text.add(own, "name")
            continue
        kind = rng.choice(list(table))
        maker, shapes = table[kind]
        head, _, tail = rng.choice(shapes).partition("{}")
        text.add(head)
        text.add(maker(rng), kind)
        text.add(tail)
    if chinese:
        text.add(rng.choice(TAILS))
    return text


def _filled(shape: str, rng: random.Random) -> str:
    numbers = {"n": rng.randint(13, 59), "m": rng.randint(2, 9), "k": rng.randint(300, 9999), "a": rng.randint(2, 9)}
    return shape.format(**numbers, b=rng.randint(10, 12), y=rng.randint(2015, 2026))


@dataclass
class Score:
    """Of one kind: identifiers there are, wholly covered, and called what they are; spans, and right ones."""

    there: int = 0
    covered: int = 0
    typed: int = 0
    found: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        return self.typed / self.there if self.there else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0


Located = Callable[[str], Iterable[tuple[str, int, int]]]


def measure(texts: list[Text], located: Located) -> tuple[dict[str, Score], list[str]]:
    """Score by kind, and the texts that were missed, mistyped or scrubbed without cause.

    An identifier is found when every letter and figure of it is covered and a span of its kind is among those that
    cover it; a span is right when it meets an identifier.
    """
    scores = {kind: Score() for kind in (*STRUCTURED, *WORDED)}
    wrong = []
    for text in texts:
        spans = list(located(text.text))
        for kind, start, stop in text.marks:
            hidden = {place for _, first, last in spans for place in range(first, last)}
            whole = all(place in hidden for place in range(start, stop) if text.text[place].isalnum())
            typed = whole and any(own == kind and first < stop and last > start for own, first, last in spans)
            scores[kind].there += 1
            scores[kind].covered += whole
            scores[kind].typed += typed
            if not typed:
                wrong.append(f"{kind} missed: {text.text} → {[(own, text.text[a:b]) for own, a, b in spans]}")
        for own, first, last in spans:
            right = any(first < stop and last > start for _, start, stop in text.marks)
            scores[own].found += 1
            scores[own].right += right
            if not right:
                wrong.append(f"{own} invented: {text.text} → {text.text[first:last]}")
    return scores, wrong


def table(scores: dict[str, Score]) -> str:
    """Recall and precision by kind, for people."""
    lines = [f"{'kind':<12} {'n':>5} {'recall':>7} {'hidden':>7} {'found':>6} {'precision':>9}"]
    for kind, score in scores.items():
        covered = score.covered / score.there if score.there else 1.0
        lines.append(
            f"{kind:<12} {score.there:>5} {score.recall:>7.3f} {covered:>7.3f} {score.found:>6} {score.precision:>9.3f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    from survey.identifiers.scrub import located as pieces

    scores, wrong = measure(
        corpus(*map(int, sys.argv[1:2])),
        lambda text: [(piece.kind, piece.start, piece.stop) for piece in pieces(text) if piece.kind],
    )
    print(table(scores), *wrong, sep="\n")
