"""The small survey in three waves with hostile text wherever a user may write one, delivered and in survey.yaml."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel import yaml

from tests.small_survey import YAML, frame

TALL = "安全" * 2_500
WIDE = "w" * 5_000
FORMULAS = (
    '=HYPERLINK("http://x","y")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(1)",
    "-2+3",
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    " =1+1",
    '"=1+1"',
    "\u200b=1+1",
)
MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "]]>",
    "--><b>",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</svg><a href='javascript:alert(1)'>x</a>",
    "&lt;b&gt; &#60;i&#62;",
    "{{7*7}} {% raw %}",
    "%(n)s %s %d %",
    "{n} {0} {}",
    "[a](http://x) ![b](http://x) `c` **d** | e",
    "http://x mailto:a@b.example",
)
SIGNS = (
    "left \u202eright 12.3\u202c",
    "\u2066isolate 45.6",
    "unclosed\u2067 \u2069\u2069 12",
    "שלום 12.3% עולם",
    "zero\u200bwidth\u200d\ufeff\u00ad",
    "family 👨\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈",
    "e\u0301" + "\u0301" * 60,
    "[c]",
    "[brackets]/\\?*:'",
    "History",
    "n" * 300,
    "line\none,two;\"three\"\r\n'four'",
    "next\u2028line\u2029end\u0085",
)
PAYLOADS = (*MARKUP, *FORMULAS, *SIGNS, TALL, WIDE, "long " * 1_000)
CODES = ('"><img src=x onerror=alert(1)>', '=HYPERLINK("http://x","y")', "-2+3")
"""Codes of the areas in place of the small survey's; they stand in the delivery, the margins and every table."""
RECORD_CODES = ('"><img src=x onerror=alert(1)>', "</td>,;|\"'", "{{7*7}} %(n)s")
"""The same where records go out: formulas are refused there."""
WAVES = ("w1", "w2", "w3")
FILE = "{wave} <img src=x> '\u202e[red].csv"
RENAMED, IGNORED = '=1+1 "safe", <b>\u202e', "[bold]note, </script>"
NOTES = """\
headline:
  finding: {zh: "<script>alert()</script> {feels_safe}", en: "\\u202e</main><b>{feels_safe} \\u2066"}
  add: [{zh: "=HYPERLINK(http://x)", en: "%(n)s %s </p> {feels_safe.share}"}]
points:
  add: [{zh: "]]> --> </style>", en: "' onmouseover='alert()"}]
areas:
  add: [{zh: "שלום {feels_safe.share}", en: "שלום {feels_safe.share}"}]
"""


def plan(codes: Sequence[str] = CODES) -> dict[str, Any]:
    """survey.yaml of the small survey with everything a report can show, its wording still tame."""
    plan: dict[str, Any] = yaml.YAML(typ="safe").load(YAML)
    district = plan["scales"]["district"]["levels"]
    plan["scales"]["district"]["levels"] = dict(zip(codes, district.values(), strict=True))
    plan["source"] = plan["limits"] = {"zh": "来源", "en": "Source"}
    plan["items"]["worries"] = {
        "kind": "multiple", "scale": "worry", "block": "safety", "label": {"zh": "担心", "en": "Worries"},
        "text": {"zh": "担心什么？", "en": "What worries you?"},
    }  # fmt: skip
    levels = {code: {"zh": "词", "en": "Word"} for code in ("1", "2", "3")}
    plan["scales"]["worry"] = {"levels": levels, "ordered": False}
    if codes != CODES:
        plan["privacy"]["microdata"] = {"k": 2, "l": 1, "max_suppressed": 1.0}
    label = {"zh": "词", "en": "Word"}
    plan["report"] |= {
        "banner": True, "items": ["safe", "lights", "worries", "remarks"], "groups": ["sex", "district"],
        "practices": {"patrol": {"label": label, "aware": "lit", "met": "lit", "satisfied": "feels_safe"}},
        "programmes": {
            "lamps": {"label": label, "place": "district", "arrival": {"w2": [codes[0]]}, "control": "not_yet"}
        },
    }  # fmt: skip
    plan["disclosure"] = {"min_n": 2, "allow_small_revisions": "an invented town"}
    plan["waves"] = {
        name: {
            "file": FILE.format(wave=name), "columns": {RENAMED: "safe"}, "ignore": [IGNORED],
            "fieldwork": {"start": f"{year}-04-01", "end": f"{year}-04-30"},
        }
        for name, year in zip(WAVES, (2024, 2025, 2026), strict=True)
    }  # fmt: skip
    plan["waves"]["w2"]["breaks"] = {"lights": label}
    return plan


def reworded(node: Any, texts: Iterator[str]) -> Any:
    """The same with every wording replaced by the next of the texts, in all languages alike."""
    if isinstance(node, dict):
        if node and set(node) <= {"zh", "en", ""}:
            text = next(texts)
            return dict.fromkeys(node, text)
        return {key: reworded(value, texts) for key, value in node.items()}
    return [reworded(part, texts) for part in node] if isinstance(node, list) else node


def delivery(seed: int, codes: Sequence[str] = CODES) -> pd.DataFrame:
    """A delivery whose open answers are hostile too, and whose areas have hostile codes."""
    rows = frame(seed=seed)
    rows["district"] = rows["district"].map(lambda code: codes[int(code) - 1])
    remarks = cycle([*PAYLOADS, "路灯太暗 <b>", "=noise"])
    rows["remark"] = [next(remarks) for _ in range(len(rows))]
    rows["worries"] = [("1;2", "3", "2;3", "1")[row % 4] for row in range(len(rows))]
    return rows.assign(**{IGNORED: "1"}).rename(columns={"safe": RENAMED})


def write(root: Path, codes: Sequence[str] = CODES) -> Path:
    """Lay the survey out below a root folder; returns its folder."""
    folder = root / "data" / "raw" / "small-town"
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(reworded(plan(codes), cycle(PAYLOADS)), ensure_ascii=False)
    for raw, escaped in (("\u2028", "\\u2028"), ("\u2029", "\\u2029"), ("\u0085", "\\u0085"), ("\ufeff", "\\ufeff")):
        content = content.replace(raw, escaped)
    (folder / "survey.yaml").write_text(content, encoding="utf-8")
    (folder / "margins.csv").write_text(_margins(codes), encoding="utf-8")
    (folder / "notes.w3.yaml").write_text(NOTES, encoding="utf-8")
    for seed, name in enumerate(WAVES):
        delivery(seed, codes).to_csv(
            folder / FILE.format(wave=name), index=False, encoding="utf-8", quoting=csv.QUOTE_ALL
        )
    return folder


def _margins(codes: Sequence[str]) -> str:
    stream = io.StringIO(newline="")
    totals = zip(codes, ("4000", "3200", "3000"), strict=True)
    rows = [["", "sex", "1", "5000"], ["", "sex", "2", "5200"], *(["", "district", *each] for each in totals)]
    csv.writer(stream).writerows([["wave", "margin", "level", "total"], *rows])
    return stream.getvalue()
