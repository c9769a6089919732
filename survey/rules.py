"""The rules of cleaning, each with its severity (info, note, warning, error) and its sentence by language."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """Severity of a rule (that of a row put in quarantine is always error), and its sentence by language."""

    severity: str
    zh: str
    en: str


RULES: dict[str, Rule] = {
    "type": Rule("warning", "应为数字或时间，读不出来", "Not a number, or not a time, where one belongs"),
    "range": Rule("warning", "数值超出合理范围", "A number outside the plausible range"),
    "unknown_level": Rule("warning", "答案不在该题选项之中", "An answer that is not among the levels of the scale"),
    "routing": Rule("warning", "按跳转不应作答，却有答案", "Answered, although the routing says not to ask"),
    "unanswered": Rule("note", "应当作答，却没有答案", "To be asked, yet there is no answer"),
    "inconsistent": Rule("warning", "答案互相矛盾", "Answers that contradict each other"),
    "outside_fieldwork": Rule("warning", "访问日期不在调查期内", "The interview began on a day outside the fieldwork"),
    "duplicate": Rule("warning", "同一受访者的记录完全重复", "The row of a respondent once more, identical"),
    "conflicting_duplicate": Rule("error", "同一受访者的记录互相矛盾", "Rows of one respondent that contradict"),
    "near_duplicate": Rule(
        "warning", "与另一受访者的答案几乎相同", "Nearly all answers are another respondent's as well"
    ),
    "partial": Rule("error", "访问中断，必答题没有答完", "The interview broke off before the required answers"),
    "unusable": Rule("error", "必答题的答案无法使用", "A required answer cannot be used"),
    "reviewed": Rule("note", "经人工复核作出决定", "Decided by a reviewer"),
    "recoded": Rule(
        "info", "按本期 recode 或 reverse 换为问卷编码", "Put into the code of the questionnaire, as declared"
    ),
}
RECODED = "recoded"
NAMED = tuple(rule for rule in RULES if rule != RECODED)
"""Rules that tell of something wrong: what gates and reviewers may name."""
