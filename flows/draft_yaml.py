"""A draft written down as survey.yaml: proposals with their evidence as comments, TODO where a person has to speak.

Comments follow the terminal's language, wordings that of the delivered labels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from flows.words import t, word
from flows.yaml_text import WIDTH, dumped, flow, note, plain, wrapped
from survey.draft import Because, Column, Draft, Noted, Scale, WaveDraft
from survey.draft.plan import ANSWERS, EDGES, Figure

TODO = "TODO"
SECTIONS = "scales|items|derived|indicators|respondent|cleaning|design|weighting|privacy|report|waves"
SECTION = re.compile(rf"(?<=\n)((?:# .*\n)*(?:{SECTIONS}):)")
# Wordings that the draft brings along, in the language of the delivered labels.
OWN_WORDS = {
    "zh": {
        "answers": "问卷回答", "about": "受访者情况", "fieldwork": "抽样与访问", "age_band": "年龄段",
        "over": "{low}岁及以上", "band": "{low}–{high}岁", "satisfaction": "满意度", "or": "或", "quote": "“{words}”",
        "definition": "回答{levels}的比例；未回答者不计入。",
    },
    "en": {
        "answers": "Answers", "about": "About the respondent", "fieldwork": "Sample and fieldwork", "age_band": "Age",
        "over": "{low} and over", "band": "{low}–{high}", "satisfaction": "Satisfaction", "or": " or ",
        "quote": "'{words}'",
        "definition": "Share who answer {levels}, of those who answered.",
    },
}  # fmt: skip


def written(draft: Draft, survey: str, files: Iterable[str]) -> str:
    """The text of survey.yaml."""
    return SECTION.sub(r"\n\1", dumped(_root(draft, survey, files)))


def _root(draft: Draft, survey: str, files: Iterable[str]) -> CommentedMap:
    words = OWN_WORDS[draft.language]
    root = CommentedMap()
    root["survey"] = survey
    for key in ("title", "publisher", "population", "method"):
        root[key] = TODO
    root["languages"] = flow([draft.language])
    note(root, "languages", t("the language of the labels; add the other one when every wording has it"), 0)
    root["blocks"] = {name: words[name] for name in ("answers", "about", "fieldwork")}
    root["scales"] = _scales(draft, words)
    root["items"] = _items(draft)
    banded = _banded(draft)
    if banded:
        root["derived"] = {"age_band": flow({"recipe": "band", "of": banded, "edges": list(EDGES), "scale": "age_band",
                                             "label": words["age_band"]})}  # fmt: skip
    root["indicators"] = _indicators(draft, words)
    _plan(root, draft, banded)
    root["report"] = _report(draft, banded)
    root["waves"] = _waves(draft)
    head = t(
        "Drafted from {files}. Every guess stands below the evidence for it: look at each.", files=", ".join(files)
    )
    work = "Write in the place of each TODO what only a person can know; `anxin check {survey}` lists them."
    root.yaml_set_start_comment(f"{wrapped(head, WIDTH)}\n{t(work, survey=survey)}")
    return root


def told(because: Iterable[Because]) -> str:
    """Evidence in the terminal's language."""
    return t("; ").join(t(piece.text, **_worded(piece.values)) for piece in because)


def _worded(values: Mapping[str, object]) -> dict[str, object]:
    return {name: word(name, value) if isinstance(value, str) else value for name, value in values.items()}


def _scales(draft: Draft, words: Mapping[str, str]) -> CommentedMap:
    scales = CommentedMap()
    for name, scale in draft.scales.items():
        scales[name] = _scale(scale)
        note(scales, name, _why_scale(scale), 2)
    if _banded(draft):
        bounds = [words["band"].format(low=low, high=high - 1) for low, high in pairwise(EDGES)]
        levels = {str(place): text for place, text in enumerate([*bounds, words["over"].format(low=EDGES[-1])], 1)}
        scales["age_band"] = CommentedMap({"levels": flow(levels)})
    return scales


def _scale(scale: Scale) -> CommentedMap:
    written_down = CommentedMap()
    levels = {code: wording or TODO for code, wording in scale.levels.items()}
    short = sum(len(code) + len(words) + 4 for code, words in levels.items()) < 90
    written_down["levels"] = flow(levels) if short else CommentedMap({plain(c): plain(w) for c, w in levels.items()})
    if scale.missing:
        written_down["missing"] = flow(scale.missing)
    if not scale.ordered:
        written_down["ordered"] = False
    if scale.positive:
        written_down["positive"] = flow(scale.positive)
    return written_down


def _why_scale(scale: Scale) -> str:
    shown = ", ".join(scale.items[:5]) + (", …" if len(scale.items) > 5 else "")
    pieces = [Because("the same codes in {count} items: {items}", count=len(scale.items), items=shown)]
    if len(scale.items) == 1:
        pieces = []
    if scale.positive:
        pieces.append(Because("positive: the wordings that are good news"))
    if scale.missing and not any(scale.levels.values()):
        pieces.append(Because("missing: codes that stand apart, by custom 7 not applicable, 8 don't know, 9 refused"))
    return told(pieces)


def _items(draft: Draft) -> CommentedMap:
    items = CommentedMap()
    scale_of = {item: scale.name for scale in draft.scales.values() for item in scale.items}
    member_of = {item: stem for stem, group in draft.sets.items() for item in group}
    for name, column in draft.items.items():
        required = draft.plan.required.get(name, ())
        items[name] = flow(_item(column, scale_of.get(name, ""), draft.scales, bool(required)))
        pieces = [*column.guess.because, *required]
        if column.guess.strays:
            pieces.append(
                Because("codes left out, so rare that they look like slips: {count}", count=column.guess.strays)
            )
        if name in member_of:
            pieces.append(Because("one of the 0/1 columns {stem}_…, the answers to one question", stem=member_of[name]))
        note(items, name, f"{_kind(column)}{t(': ')}{told(pieces)}", 2)
    return items


def _kind(column: Column) -> str:
    guess = column.guess
    return f"{guess.kind}, {guess.role}" if guess.role and guess.role != guess.kind else guess.kind


def _item(column: Column, scale: str, scales: Mapping[str, Scale], required: bool) -> dict[str, Any]:
    guess, item = column.guess, dict[str, Any]()
    if guess.kind != "single":
        item["kind"] = guess.kind
    item["block"] = "answers" if guess.role in ANSWERS else "about"
    if guess.kind not in ("single", "multiple", "number", "text"):
        item["block"] = "fieldwork"
    if scale:
        item["scale"] = scale
    if guess.kind == "number":
        item["range"] = bounds(column)
        if guess.missing:
            item["missing"] = guess.missing
    elif scale:
        own = {code: why for code, why in guess.missing.items() if scales[scale].missing.get(code) != why}
        item |= {"missing": own} if own else {}
    if required:
        item["required"] = True
    label = column.profile.label or (column.name if not column.name.isascii() else "")
    return item | ({"label": label} if label else {})


def bounds(column: Column) -> list[int]:
    """Round bounds around the numbers of a column, so that nobody's own value is written down."""
    role = column.guess.role
    if role == "age":
        return [0, 110]
    if role == "probability":
        return [0, 1]
    values = [value for value in column.profile.numbers[0] if f"{value:g}" not in column.guess.missing]
    largest = max((abs(value) for value in values), default=1)
    bound = int(10 ** len(str(int(largest))))
    return [-bound if min(values, default=0) < 0 else 0, bound]


def _banded(draft: Draft) -> str:
    names = draft.plan.generalise.names
    return names[0] if names and "age_band" not in draft.items and "age_band" not in draft.scales else ""


def _indicators(draft: Draft, words: Mapping[str, str]) -> CommentedMap:
    indicators = CommentedMap()
    for figure in draft.plan.figures:
        indicators[figure.name] = _indicator(figure, draft, words)
        note(indicators, figure.name, told(figure.because), 2)
    if not indicators:
        indicators["headline"] = CommentedMap(
            {"recipe": "share", "of": TODO, "levels": flow([TODO]), "label": TODO, "definition": TODO}
        )
    return indicators


def _indicator(figure: Figure, draft: Draft, words: Mapping[str, str]) -> CommentedMap:
    levels = next(scale.levels for scale in draft.scales.values() if figure.of[0] in scale.items)
    wording = [words["quote"].format(words=levels[code]) for code in figure.levels if levels[code]]
    label = draft.items[figure.of[0]].profile.label or TODO
    found: dict[str, Any] = {
        "recipe": "share",
        "of": flow(figure.of) if len(figure.of) > 1 else figure.of[0],
        "levels": flow(figure.levels or [TODO]),
    }
    if figure.lower_is_better:
        found["better"] = "lower"
    name = draft.items[figure.of[0]].name
    found["label"] = words["satisfaction"] if figure.name == "satisfaction" else label if name.isascii() else name
    found["definition"] = words["definition"].format(levels=words["or"].join(wording)) if wording else TODO
    return CommentedMap(found)


def _plan(root: CommentedMap, draft: Draft, banded: str) -> None:
    plan = draft.plan
    for key, noted in plan.single.items():
        if noted.names:
            root[key] = noted.names[0]
            note(root, key, told(noted.because), 0)
    if plan.dispositions.names:
        groups = {name: flow(codes) for name, codes in plan.groups.items()} or TODO
        root["dispositions"] = CommentedMap({"item": plan.dispositions.names[0], "groups": groups})
        note(root, "dispositions", told(plan.dispositions.because), 0)
    if plan.compared:
        root["cleaning"] = _cleaning(plan.compared)
    design = _noted({"strata": plan.strata, "psu": plan.psu})
    if plan.lonely:
        design["lonely_psu"] = "adjust"
        note(design, "lonely_psu", t("strata with one sampling unit: {count}", count=plan.lonely), 2)
    root["design"] = design or flow({})
    if not design:
        note(root, "design", t("no column looks like a stratum or a sampling unit"), 0)
    root["weighting"] = _weighting(draft)
    if not root["weighting"]:
        note(root, "weighting", t("no column looks like a weight"), 0)
    privacy = _noted({"pseudonyms": plan.pseudonyms})
    if banded:
        privacy["generalise"] = flow({banded: "age_band"})
    quasi = ["age_band" if name == banded else name for name in plan.quasi.names]
    if quasi:
        privacy["quasi_identifiers"] = flow(quasi)
        note(privacy, "quasi_identifiers", told(plan.quasi.because), 2)
    root["privacy"] = privacy or flow({})


def _cleaning(compared: int) -> CommentedMap:
    cleaning = CommentedMap({"near_duplicates": flow({"blocks": ["answers"]})})
    why = t("{count} questions are compared: who answers nearly all like another is flagged", count=compared)
    note(cleaning, "near_duplicates", why, 2)
    return cleaning


def _noted(parts: Mapping[str, Noted]) -> CommentedMap:
    mapping = CommentedMap()
    for key, noted in parts.items():
        if noted.names:
            mapping[key] = flow(noted.names)
            note(mapping, key, told(noted.because), 2)
    return mapping


def _weighting(draft: Draft) -> CommentedMap:
    plan = draft.plan
    weighting = _noted({"base": plan.base, "inverse": plan.inverse, "times": plan.times})
    if plan.base.names:
        weighting["base"] = plan.base.names[0]
        if plan.blank_weights:
            weighting["blank_base"] = "exclude"
            note(weighting, "blank_base", t("some rows have no weight"), 2)
    return weighting if weighting else flow({})


def _report(draft: Draft, banded: str) -> CommentedMap:
    plan = draft.plan
    report = CommentedMap({"headline": flow([figure.name for figure in plan.figures] or ["headline"])})
    if plan.area:
        report["area"] = plan.area
    groups = [*(["age_band"] if banded else []), *plan.breakdowns]
    if groups:
        report["groups"] = flow(groups)
    return report


def _waves(draft: Draft) -> CommentedMap:
    waves = CommentedMap()
    for name, wave in draft.waves.items():
        waves[name] = _wave(wave)
    return waves


def _reading(written_down: CommentedMap, wave: WaveDraft) -> None:
    """How the file is read where that is not what is detected."""
    if wave.sheet:
        written_down["sheet"] = wave.sheet
    if wave.decimal != ".":
        written_down["decimal"] = wave.decimal
        note(written_down, "decimal", t("columns whose numbers have a decimal comma"), 4)


def _wave(wave: WaveDraft) -> CommentedMap:
    written_down = CommentedMap({"file": wave.file})
    _reading(written_down, wave)
    start, end = wave.fieldwork or (TODO, TODO)
    written_down["fieldwork"] = flow({"start": start, "end": end})
    if wave.fieldwork:
        note(written_down, "fieldwork", t("the first and last day on which several interviews began"), 4)
    if wave.rows:
        written_down["rows"] = flow({column: [code] for column, code in wave.rows.items()})
    columns, last = CommentedMap(), ""
    for column, item in wave.columns.items():
        if column != item:
            columns[column] = item
            why = told(wave.why.get(column, ()))
            note(columns, column, why if why != last else "", 6)
            last = why
    if columns:
        written_down["columns"] = columns
    ignore, longest = CommentedSeq(wave.ignore), max(map(len, wave.ignore), default=0)
    for place, because in enumerate(wave.ignore.values()):
        ignore.yaml_add_eol_comment(told(because), place, column=longest + 10)
    rest: dict[str, Any] = {
        "ignore": ignore,
        "missing": flow(wave.missing),
        "recode": CommentedMap(
            {item: flow({w: code or TODO for w, code in to.items()}) for item, to in wave.recode.items()}
        ),
        "reverse": flow(wave.reverse),
        "not_asked": flow(wave.not_asked),
    }
    for key, value in rest.items():
        if value:
            written_down[key] = value
    if any(code for to in wave.recode.values() for code in to.values()):
        note(written_down, "recode", t("words among numbers: the number that stands in them is proposed"), 4)
    if wave.reverse:
        note(written_down, "reverse", t("the shares of the answers are the mirror of the other wave's"), 4)
    return written_down
