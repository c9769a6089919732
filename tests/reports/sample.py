"""Two invented surveys for the report's tests: a city with everything, and a plain survey with almost nothing.

The numbers are written by rule, so that a test can say what the page must say about them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from survey import tidy
from survey.codebook import Codebook
from survey.disclosure import Releasable

WAVES = ("2023H2", "2024H1", "2024H2", "2025H1", "2025H2", "2026H1")
AREAS = {
    "1": ("东城区", "Dongcheng"),
    "2": ("西关区", "Xiguan"),
    "3": ("南湖区", "Nanhu"),
    "4": ("北山区", "Beishan"),
    "5": ("高新技术产业开发区", "High-tech Development Zone"),
    "6": ("滨河新区", "Binhe New District"),
    "7": ("老城区", "Old Town"),
    "8": ("青石县", "Qingshi"),
    "9": ("云岭县", "Yunling"),
    "10": ("柳溪县", "Liuxi"),
    "11": ("白鹭县", "Bailu"),
}
GRID = {
    "1": (3, 2), "2": (2, 2), "3": (2, 3), "4": (2, 1), "5": (4, 2), "6": (3, 3), "7": (4, 1), "8": (1, 2), "9": (1, 3),
    "10": (1, 1), "11": (4, 3),
}  # fmt: skip
"""Column and row of each area; (3, 1) is free."""
SCENES = {
    "overall": (
        "总体安全感",
        "Overall sense of security",
        "总的来说，您觉得现在的社会治安安全吗？",
        "All in all, how safe do you feel nowadays?",
    ),
    "home_night": (
        "夜间独自在家",
        "Home alone at night",
        "夜间独自在家时，您觉得安全吗？",
        "How safe do you feel home alone at night?",
    ),
    "walk_dark": (
        "天黑后独自行走",
        "Walking alone after dark",
        "天黑后在住处附近独自行走，您觉得安全吗？",
        "How safe do you feel walking alone after dark?",
    ),
    "online": (
        "上网和接听电话",
        "Online and on the phone",
        "上网和接听电话时，您觉得安全吗？",
        "How safe do you feel online and on the phone?",
    ),
}
INDICATORS = {
    "security": ("安全感", "Sense of security", 0.92),
    "order": ("治安满意度", "Satisfaction with public order", 0.88),
    "enforcement": ("执法满意度", "Satisfaction with enforcement", 0.84),
    "aware": ("知晓率", "Awareness", 0.61),
    "taking_part": ("参与率", "Participation", 0.27),
}
PRACTICES = {
    "mediation": ("矛盾纠纷化解", "Dispute mediation"),
    "fraud": ("反诈防范", "Anti-fraud work"),
    "patrol": ("巡逻防控", "Patrols and community policing"),
    "traffic": ("交通和消防安全", "Traffic and fire safety"),
}


def words(pair: tuple[str, ...]) -> dict[str, str]:
    """A pair of wordings as the codebook holds them."""
    return {"zh": pair[0], "en": pair[1]}


def city_book() -> Codebook:
    """Codebook of the city."""
    safe = {
        "1": words(("安全", "Safe")),
        "2": words(("比较安全", "Rather safe")),
        "3": words(("不太安全", "Rather unsafe")),
        "4": words(("不安全", "Unsafe")),
    }
    content: dict[str, Any] = {
        "survey": "sample-city",
        "title": words(("样例市居民安全感调查", "Sample City survey of residents’ sense of security")),
        "publisher": words(("样例市平安建设办公室", "Sample City Office for Public Safety")),
        "population": words(("全市16周岁及以上常住居民", "Residents of the city aged 16 and over")),
        "method": words(
            (
                "入户面访，分层两阶段抽样，每户访问一名成年居民",
                "Face-to-face interviews at home; stratified two-stage sample, one adult per household",
            )
        ),
        "limits": words(
            (
                "未覆盖集体户居民；受访者可能倾向于给出正面评价。",
                "People in institutions are not covered; answers may lean towards the positive.",
            )
        ),
        "simulated": True,
        "blocks": {"feeling": words(("安全感受", "Feeling safe")), "victim": words(("受侵害经历", "Victimisation"))},
        "scales": {
            "safe": {"levels": safe, "missing": {"8": "dont_know", "9": "refused"}, "positive": ["1", "2"]},
            "problems": {
                "ordered": False,
                "levels": {
                    "1": words(("盗窃", "Theft")),
                    "2": words(("电信网络诈骗", "Telecom and online fraud")),
                    "3": words(("寻衅滋事", "Brawling")),
                    "4": words(("交通秩序混乱", "Disorderly traffic")),
                },
            },
            "yes_no": {"ordered": False, "levels": {"1": words(("是", "Yes")), "2": words(("否", "No"))}},
            "areas": {"ordered": False, "levels": {code: words(pair) for code, pair in AREAS.items()}},
            "sexes": {"ordered": False, "levels": {"1": words(("男", "Men")), "2": words(("女", "Women"))}},
            "ages": {
                "levels": {
                    "1": words(("16—29岁", "16–29")),
                    "2": words(("30—44岁", "30–44")),
                    "3": words(("45—59岁", "45–59")),
                    "4": words(("60岁及以上", "60 and over")),
                }
            },
        },
        "items": {
            **{
                name: {"block": "feeling", "scale": "safe", "label": words(pair[:2]), "text": words(pair[2:])}
                for name, pair in SCENES.items()
            },
            "nearby": {
                "kind": "multiple",
                "block": "victim",
                "scale": "problems",
                "asked_if": {"overall": ["3", "4"]},
                "label": words(("身边的治安问题", "Problems nearby")),
                "text": words(("您身边有哪些治安问题？", "Which problems are there near you?")),
            },
            "robbed": {"block": "victim", "scale": "yes_no", "label": words(("被盗", "Theft"))},
            "cheated": {"block": "victim", "scale": "yes_no", "label": words(("被骗", "Fraud"))},
            "district": {"scale": "areas", "label": words(("区县", "District"))},
            "sex": {"scale": "sexes", "label": words(("性别", "Sex"))},
            "age": {"kind": "number", "label": words(("年龄", "Age in years"))},
            "rooms": {"kind": "number", "label": words(("房间数", "Rooms"))},
        },
        "derived": {
            "age_band": {
                "recipe": "band",
                "of": "age",
                "edges": [16, 30, 45, 60],
                "scale": "ages",
                "label": words(("年龄段", "Age group")),
            },
            **{
                f"{name}_{kind}": {
                    "recipe": "any",
                    "of": "overall",
                    "levels": ["1"],
                    "label": words((f"{pair[0]}：{zh}", f"{en} {pair[1][0].lower()}{pair[1][1:]}")),
                }
                for name, pair in PRACTICES.items()
                for kind, zh, en in (
                    ("aware", "知道", "Knows of"),
                    ("met", "接触过", "Has met"),
                    ("satisfied", "满意", "Satisfied with"),
                )
            },
        },
        "indicators": {
            name: {
                "recipe": "share" if name == "aware" else "any",
                "of": ["overall", "online"] if name == "aware" else "overall",
                "levels": ["1", "2"],
                "label": words((zh, en)),
                "definition": words(
                    (
                        f"回答前两项的居民所占比例({zh})。",
                        f"Share of residents who chose one of the first two answers ({en}).",
                    )
                ),
            }
            for name, (zh, en, _) in INDICATORS.items()
        },
        "weighting": {"rake": ["sex:age_band", "district"]},
        "report": {
            "headline": list(INDICATORS),
            "area": "district",
            "map": {"grid": GRID},
            "groups": ["sex", "age_band"],
            "practices": {
                name: {
                    "label": words(pair),
                    "aware": f"{name}_aware",
                    "met": f"{name}_met",
                    "satisfied": f"{name}_satisfied",
                }
                for name, pair in PRACTICES.items()
            },
            "models": {
                "safe": {
                    "outcome": "security",
                    "terms": ["sex", "age", "rooms", "patrol_satisfied", "fraud_satisfied", "traffic_satisfied"],
                    "label": words(("感到安全与各项工作的关系", "Feeling safe and the city’s work")),
                }
            },
        },
        "waves": {
            wave: {
                "file": f"{wave}.csv",
                "fieldwork": {
                    "start": dt.date(int(wave[:4]), 4 if wave.endswith("1") else 10, 8),
                    "end": dt.date(int(wave[:4]), 5 if wave.endswith("1") else 11, 6),
                },
            }
            for wave in WAVES
        },
    }
    return Codebook.model_validate(content)


def share(item: str, estimate: float, n: float = 3012, deff: float = 1.6, **keys: Any) -> dict[str, Any]:
    """A row with a plain interval of the right size."""
    se = (estimate * (1 - estimate) * deff / n) ** 0.5
    low, high = max(0.0, estimate - 1.96 * se), min(1.0, estimate + 1.96 * se)
    row = {
        "survey": "sample-city",
        "wave": WAVES[-1],
        "block": "indicators",
        "item": item,
        "statistic": "mean",
        "level": "",
    }
    return (
        row
        | {
            "estimate": estimate,
            "se": se,
            "ci_low": low,
            "ci_high": high,
            "n": n,
            "deff": deff,
            "n_eff": n / deff,
            "cv": se / max(estimate, 1e-9),
        }
        | keys
    )


def gap(item: str, statistic: str, estimate: float, se: float, p: float, **keys: Any) -> dict[str, Any]:
    """A difference with its test."""
    row = share(item, 0.5, statistic=statistic)
    return (
        row
        | {
            "estimate": estimate,
            "se": se,
            "ci_low": estimate - 1.96 * se,
            "ci_high": estimate + 1.96 * se,
            "p": p,
            "q": p,
        }
        | keys
    )


def withheld(row: dict[str, Any], flag: str) -> dict[str, Any]:
    """The row as the release boundary leaves it."""
    blank = {key: float("nan") for key in ("estimate", "se", "ci_low", "ci_high", "n", "n_eff", "deff", "cv", "p", "q")}
    return row | blank | {"flag": flag, "reason": "min_n"}


def city_rows() -> list[dict[str, Any]]:
    """Every figure of the city."""
    return [*_indicator_rows(), *_answer_rows(), *_model_rows()]


def _indicator_rows() -> Iterator[dict[str, Any]]:
    """Indicators over the waves, their change, and against the rest by area and group."""
    changes = (0.021, 0.003), (-0.019, 0.012), (0.004, 0.6), (0.003, 0.7), (0.016, 0.03)
    for (name, (_, _, level)), (change, p) in zip(INDICATORS.items(), changes, strict=True):
        for age, wave in enumerate(WAVES):
            yield share(name, level - 0.011 * (len(WAVES) - 1 - age), wave=wave)
        yield gap(name, "change", change, 0.007, p, level=WAVES[-2])
        yield from _area_rows(name, level)
        without = share(name, level - 0.013, n=2948, by="in_flagged_cluster", group="0")
        yield without | {"block": "integrity"}
        for by, groups in (("sex", "12"), ("age_band", "1234")):
            for place, group in enumerate(groups):
                keys = {"by": by, "group": group}
                yield share(name, level - 0.02 * place + 0.01, n=3012 / len(groups), **keys)
                yield gap(
                    name, "difference", 0.03 - 0.025 * place, 0.011, 0.5 if place == 1 else 0.008, level="rest", **keys
                )


def _area_rows(name: str, level: float) -> Iterator[dict[str, Any]]:
    """Eleven areas: one withheld, one unreliable, one to be read with caution."""
    flags = {"8": "suppressed_primary", "9": "unreliable"}
    for place, area in enumerate(AREAS):
        estimate, keys = level - 0.08 + 0.015 * place, {"by": "district", "group": area}
        p = 0.001 if abs(estimate - level) > 0.055 else 0.4
        row = share(name, estimate, n=60 if area == "10" else 275, **keys)
        pair = row, gap(name, "difference", estimate - level, 0.02, p, level="rest", **keys)
        if area == "10":
            row["flag"] = "caution"
        moved = gap(name, "change", 0.06 if area == "3" else -0.01, 0.018, 0.002 if area == "3" else 0.6, **keys)
        rows = *pair, moved | {"level": WAVES[-2]}
        yield from (withheld(figure, flags[area]) for figure in rows) if area in flags else rows
        for age, wave in enumerate(WAVES[:-1]):
            yield share(name, estimate - 0.008 * (len(WAVES) - 1 - age), n=270, wave=wave, **keys)


def _answer_rows() -> Iterator[dict[str, Any]]:
    """Distributions of the questions, and the practice areas."""
    for number, name in enumerate(SCENES):
        parts = 0.52 - 0.08 * number, 0.37, 0.08 + 0.05 * number, 0.03 + 0.03 * number
        for code, part in zip("1234", parts, strict=True):
            yield share(name, part, statistic="share", level=code, block="feeling", n=2980 - number)
    for code, part in zip("1234", (0.31, 0.58, 0.12, 0.44), strict=True):
        yield share("nearby", part, statistic="share", level=code, block="victim", n=241)
    for name, part in (("robbed", 0.021), ("cheated", 0.046)):
        for code, value in (("1", part), ("2", 1 - part)):
            yield share(name, value, statistic="share", level=code, block="victim", n=2990)
    for number, name in enumerate(PRACTICES):
        for kind, base in (("aware", 0.82), ("met", 0.35), ("satisfied", 0.74)):
            yield share(f"{name}_{kind}", base - 0.07 * number, block="practices")
            for place, area in enumerate(AREAS):
                keys = {"by": "district", "group": area, "block": "practices"}
                row = share(f"{name}_{kind}", base - 0.07 * number + 0.01 * (place - 5), n=275, **keys)
                yield withheld(row, "suppressed_primary") if area == "8" else row


def _model_rows() -> Iterator[dict[str, Any]]:
    """A regression with its marginal effects, those of 0/1 variables at their level 1."""
    terms = (
        ("sex", "2", -0.21),
        ("age", "", -0.16),
        ("rooms", "", 0.02),
        ("patrol_satisfied", "", 0.88),
        ("fraud_satisfied", "", 0.55),
        ("traffic_satisfied", "", 0.1),
    )
    for item, level, value in terms:
        p = 0.4 if abs(value) < 0.15 else 0.0004
        yield gap(item, "coefficient", value, 0.12, p, level=level, block="model_safe", n=2431)
        yield gap(
            item,
            "margin",
            0.08 * value,
            0.0096,
            p,
            level=level or ("" if item in ("age", "rooms") else "1"),
            block="model_safe",
        )
    yield gap("intercept", "coefficient", 1.9, 0.2, 1.25e-11, block="model_safe", n=2431)


def city_facts() -> dict[str, Any]:
    """Facts of the city, every section filled."""
    return {
        "sample": {
            "delivered": 4127,
            "duplicates": 9,
            "quarantined": 14,
            "partial": 31,
            "set_aside": 12,
            "completes": 3015,
            "dispositions": {
                "complete": 3012,
                "partial": 31,
                "refusal": 402,
                "noncontact": 388,
                "other": 61,
                "unknown": 155,
                "ineligible": 78,
            },
            "rates": {"RR1": 0.744, "RR3": 0.748, "COOP1": 0.859, "REF1": 0.099, "CON1": 0.866},
            "eligibility": 0.98,
        },
        "weighting": {
            "steps": [
                {"step": "base", "n": 3012, "cv": 0.5, "deff": 1.25, "n_eff": 2409},
                {"step": "raked", "n": 3012, "cv": 0.6, "deff": 1.36, "n_eff": 2214},
            ],
            "margins": [
                {"margin": "sex:age_band", "level": f"{sex}:{age}", "target": 0.125, "before": before, "after": 0.125}
                for sex, before in (("1", 0.11), ("2", None))
                for age in "1234"
            ],
            "iterations": 7,
            "without_base": 3,
        },
        "integrity": {
            "items": 4,
            "interviews": 3012,
            "flagged": 64,
            "clusters": {
                "interviewers": {"screened": 40, "flagged": 1},
                "units": {"screened": 180, "flagged": 0},
            },
            "patterns": [
                {
                    "pattern": "all_best",
                    "unit": "interviewers",
                    "clusters": 40,
                    "n": 3000,
                    "count": 310,
                    "flagged": 1,
                    "usual": 0.1,
                    "rho": 0.02,
                    "points": [
                        *({"n": 50 + 5 * (k % 7), "share": 0.02 + 0.004 * k, "flagged": False} for k in range(39)),
                        {"n": 65, "share": 0.86, "flagged": True},
                    ],
                    "limits": [{"n": n, "at": [0.0, 0.02, 0.2, 0.3]} for n in (50, 60, 80)],
                },
                {"pattern": "short", "unit": "units", "clusters": 180, "n": 2980, "count": None, "flagged": 0},
            ],
        },
        "quality": {
            "interviews": 3012,
            "speeders": 31,
            "pace_speeders": None,
            "dont_know_runs": 0,
            "rounded_minutes": 0.31,
            "rounded_expected": 0.2,
            "whipple": 112.4,
            "myers": 4.2,
            "nonresponse": {
                "rate": 0.021,
                "items": [{"item": "overall", "asked": 3012, "missing": 32, "rate": 0.0106}],
            },
            "grids": [{"block": "feeling", "scale": "safe", "items": 4, "n": 3001, "identical": 402}],
            "interviewers": {
                "interviewers": 40,
                "interviews": 3012,
                "within_units": True,
                "effects": [{"item": "security", "rho": 0.012, "deff": 1.9, "p": 0.0004, "n": 3000}],
            },
            "problems": [
                {"rule": "unknown_level", "item": "overall", "action": "set_missing", "n": 4},
                {"rule": "range", "item": "age", "action": "set_missing", "n": None},
            ],
            "median_minutes": 18.5,
            "answered": {
                "overall": {"answered": 2980, "dont_know": 21, "refused": 11},
                "home_night": {"answered": 2979, "no_answer": 14, "filter": 19},
            },
        },
        "privacy": {
            "dropped": 6,
            "free_text": 1,
            "pseudonymised": ["district"],
            "generalised": {"age": "age_band"},
            "quasi_identifiers": ["sex", "age_band", "district"],
            "k": 12,
            "uniques": 0,
            "records": 3012,
        },
        "disclosure": {
            "figures": 640,
            "suppressed_primary": 5,
            "suppressed_secondary": 5,
            "unreliable": 5,
            "caution": 5,
        },
        "design": {"strata": 22, "psus": 220, "df": 198, "lonely_psu": "fail"},
        "provenance": [
            {
                "wave": wave,
                "file": f"{wave}.csv",
                "sha256": "ab" * 32,
                "rows": 4127,
                "columns": 88,
                "encoding": "gb18030",
                "reader": "csv",
            }
            for wave in WAVES
        ],
        "version": "0.1.0",
    }


def city() -> tuple[Releasable, Codebook]:
    """The city's release and codebook."""
    return Releasable(tidy.results(city_rows()), city_facts()), city_book()


def plain_survey() -> tuple[Releasable, Codebook]:
    """One wave, one language, no area, no practices, few facts: everything optional is missing."""
    unsafe = {"1": "Very safe", "2": "Fairly safe", "3": "A bit unsafe", "4": "Very unsafe"}
    book = Codebook.model_validate(
        {
            "survey": "plain",
            "title": "A plain survey",
            "publisher": "Somebody",
            "population": "Adults",
            "method": "Interviews",
            "languages": ["en"],
            "scales": {"safe": {"levels": unsafe, "positive": ["1", "2"]}},
            "blocks": {"worry": "Worry"},
            "items": {
                "dark": {"scale": "safe", "block": "worry", "label": "Alone after dark"},
                "sex": {"kind": "single", "label": "Sex"},
            },
            "indicators": {
                "unsafe": {
                    "recipe": "any",
                    "of": "dark",
                    "levels": ["3", "4"],
                    "better": "lower",
                    "label": "Unsafe after dark",
                    "definition": "Feels a bit or very unsafe.",
                }
            },
            "report": {"headline": ["unsafe"]},
            "waves": {
                "2007-08": {"file": "x.tab", "fieldwork": {"start": dt.date(2007, 4, 1), "end": dt.date(2008, 3, 31)}}
            },
        }
    )
    rows = [share("unsafe", 0.3325, n=11676, wave="2007-08")]
    rows += [
        share("dark", part, n=11676, wave="2007-08", block="worry", statistic="share", level=code)
        for code, part in zip("1234", (0.27, 0.4, 0.21, 0.12), strict=True)
    ]
    return Releasable(tidy.results(rows), {}), book
