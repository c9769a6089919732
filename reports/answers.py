"""Block 4: what residents answered, question by question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from reports import words
from reports.charts import Axis, Segment, stacked, tones
from reports.figures import Figure
from reports.scene import Scene, shares_axis
from reports.view import Answers, Chapter, LevelRow, Question, Residents

MOST_LEVELS = 7
FROM_ZERO = Axis(0.0, 1.0, (0.0, 0.5, 1.0))
REASONS = ("no_answer", "dont_know", "refused", "lost", "invalid", "filter", "not_asked")


def residents(scene: Scene) -> Residents | None:
    """Block 4: every item of the report's plan that has figures, by chapter; None when there is none."""
    names = item_names(scene)
    if not names:
        return None
    order = list(dict.fromkeys(scene.book.questions()[name].block for name in names))
    chapters = tuple(
        _chapter(scene, block, [name for name in names if scene.book.questions()[name].block == block])
        for block in order
    )
    block, found = _positive_shares(scene, names)
    return Residents(words.answers_finding(scene.lang, block, found), len(found) > 1, chapters)


def item_names(scene: Scene) -> list[str]:
    """Items to show, in the order of the plan or of the questionnaire."""
    planned = scene.book.report.items or tuple(
        name
        for name, item in scene.book.questions().items()
        if item.kind in ("single", "multiple") and item.block in scene.book.blocks
    )
    return [name for name in planned if name in scene.book.questions() and scene.figures.all(scene.wave, name, "share")]


def _is_stacked(scene: Scene, name: str) -> bool:
    """Whether the answers of an item are drawn as one bar of 100 %."""
    scale, item = scene.book.scale_of(name), scene.book.questions()[name]
    return item.kind == "single" and scale is not None and scale.ordered and len(scale.levels) <= MOST_LEVELS


def _is_pair(scene: Scene, name: str) -> bool:
    """Whether an item has two answers of no order, such as yes and no, so that one of them tells all."""
    scale, item = scene.book.scale_of(name), scene.book.questions()[name]
    return item.kind == "single" and scale is not None and not scale.ordered and len(scale.levels) == 2


def _chapter(scene: Scene, block: str, names: Sequence[str]) -> Chapter:
    """One chapter; neighbours with the same scale share one figure."""

    def key(name: str) -> tuple[bool, str]:
        alone = not _is_stacked(scene, name) and not _is_pair(scene, name)
        return alone, name if alone else scene.book.questions()[name].scale or name

    figures = tuple(_answers(scene, list(group)) for _, group in groupby(names, key))
    return Chapter(scene.lang.say(scene.book.blocks.get(block, {})) or block, figures)


def _answers(scene: Scene, names: Sequence[str]) -> Answers:
    """One figure: stacked bars of a shared scale, or rows of intervals for answers that are no scale."""
    if _is_pair(scene, names[0]):
        return _pairs(scene, names)
    by_level = {
        name: {row.level: row for row in scene.figures.all(scene.wave, name, "share") if not row.group}
        for name in names
    }
    codes = scene.levels(names[0], list(dict.fromkeys(code for rows in by_level.values() for code in rows)))
    if not _is_stacked(scene, names[0]):
        codes.sort(key=lambda code: -_share(by_level[names[0]].get(code)))
        scale = _from_zero(list(by_level[names[0]].values()))
        question = _question(scene, names[0], codes, by_level[names[0]], (), scale)
        return Answers(False, (), scene.axis_words(scale), (question,))
    shared = scene.book.scale_of(names[0])
    colours = tones(codes, shared.positive if shared else ())
    legend = tuple((tone, scene.level(names[0], code)) for tone, code in zip(colours, codes, strict=True))
    questions = tuple(_question(scene, name, codes, by_level[name], colours, None) for name in names)
    return Answers(True, legend, ("", ""), questions)


def _pairs(scene: Scene, names: Sequence[str]) -> Answers:
    """Questions with the same two answers as one table: a row a question, telling the answer that says yes."""
    scale = scene.book.scale_of(names[0])
    assert scale is not None
    code = "1" if set(scale.levels) == {"0", "1"} else (*scale.positive, *scale.levels)[0]
    found = {name: scene.figures.one(scene.wave, name, "share", code) for name in names}
    extent = _from_zero([row for row in found.values() if row is not None])
    rows = tuple(
        LevelRow(
            scene.label(name), scene.cell(row), scene.interval(row), scene.drawn(row, extent), _detail(scene, name, row)
        )
        for name, row in found.items()
    )
    label = scene.lang.t("Answered “%(answer)s”", answer=scene.level(names[0], code))
    return Answers(False, (), scene.axis_words(extent), (Question(label, "", "", "", (), "", rows),))


def _detail(scene: Scene, name: str, row: Figure | None) -> str:
    """Wording, size and notes of a question in one line."""
    size = scene.size(row)
    parts = (
        scene.lang.say(scene.book.questions()[name].text),
        f"n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{size}" if size else "",
        _note(scene, name),
    )
    return scene.lang.t(" · ").join(part for part in parts if part)


def _share(figure: Figure | None) -> float:
    return figure.estimate if figure is not None and figure.shown else -1.0


def _from_zero(figures: list[Figure]) -> Axis:
    """Axis from nothing to the end of the longest interval."""
    found = shares_axis(figures)
    return Axis(0.0, found.high, (0.0, found.high))


def _question(
    scene: Scene, name: str, codes: Sequence[str], rows: dict[str, Figure], colours: Sequence[str], scale: Axis | None
) -> Question:
    item = scene.book.questions()[name]
    sizes = [scene.size(row) for row in rows.values() if row.shown]
    return Question(
        label=scene.label(name),
        text=scene.lang.say(item.text),
        note=_note(scene, name),
        n=max(sizes, key=len, default=""),
        segments=_segments(codes, rows, colours) if colours else (),
        spoken=_spoken(scene, name, codes, rows),
        rows=tuple(
            LevelRow(
                scene.level(name, code),
                scene.cell(rows.get(code)),
                scene.interval(rows.get(code)),
                scene.drawn(rows.get(code), scale) if scale is not None else None,
            )
            for code in codes
        ),
    )


def _segments(codes: Sequence[str], rows: dict[str, Figure], colours: Sequence[str]) -> tuple[Segment, ...]:
    """The bar; where an answer is withheld the bar is not drawn, for a gap would tell its size."""
    figures = [rows.get(code) for code in codes]
    if any(figure is not None and not figure.shown for figure in figures):
        return ()
    return stacked([figure.estimate if figure is not None else 0.0 for figure in figures], colours)


def _spoken(scene: Scene, name: str, codes: Sequence[str], rows: dict[str, Figure]) -> str:
    """The bar in words."""
    parts = [
        scene.lang.t(
            "%(label)s %(share)s", label=scene.level(name, code), share=scene.lang.percent(rows[code].estimate)
        )
        for code in codes
        if code in rows and rows[code].shown
    ]
    return scene.lang.t("; ").join(parts)


def _note(scene: Scene, name: str) -> str:
    """Routing, several answers allowed, and how many gave no answer."""
    return scene.lang.t(" · ").join(_notes(scene, name))


def _notes(scene: Scene, name: str) -> Iterator[str]:
    t, item = scene.lang.t, scene.book.questions()[name]
    if item.kind == "multiple":
        yield t("Several answers possible")
    for other, levels in item.asked_if.items():
        wording = scene.lang.either([t("“%(answer)s”", answer=scene.level(other, code)) for code in levels])
        yield t(
            "Asked of those who answered %(answers)s to “%(question)s”", answers=wording, question=scene.label(other)
        )
    counts = scene.fact("quality", "answered", name) or {}
    texts = {
        "no_answer": t("various reasons"),
        "dont_know": t("don’t know"),
        "refused": t("refused"),
        "lost": t("left blank"),
        "invalid": t("unusable"),
        "filter": t("filter question not answered"),
        "not_asked": t("not asked"),
    }
    found = [reason for reason in REASONS if counts.get(reason)]
    if found == ["no_answer"]:
        texts["no_answer"] = ""  # the pooled count alone is their number
    told = [t("%(reason)s %(n)s", reason=texts[reason], n=scene.lang.count(counts[reason])).strip() for reason in found]
    if told:
        yield t("Without an answer: %(reasons)s", reasons=scene.lang.listed(told))
    if not item.asked_if and (spared := counts.get("not_applicable")):
        yield t("Does not apply: %(n)s", n=scene.lang.count(spared))


def _positive_shares(scene: Scene, names: Sequence[str]) -> tuple[str, list[tuple[str, float]]]:
    """Chapter and shares of positive answers where questions first share a scale with good answers."""
    for _, group in groupby(
        names, lambda name: (scene.book.questions()[name].block, scene.book.questions()[name].scale)
    ):
        alike = list(group)
        scale = scene.book.scale_of(alike[0])
        if len(alike) < 2 or scale is None or not scale.positive or not _is_stacked(scene, alike[0]):
            continue
        shares = ((scene.label(name), _positive(scene, name, scale.positive)) for name in alike)
        block = scene.lang.say(scene.book.blocks.get(scene.book.questions()[alike[0]].block, {}))
        return block, [(label, share) for label, share in shares if share is not None]
    return "", []


def _positive(scene: Scene, name: str, positive: Sequence[str]) -> float | None:
    """Share of positive answers; None when one of the answers is withheld."""
    rows = scene.figures.all(scene.wave, name, "share")
    if any(not row.shown for row in rows):
        return None
    return sum(row.estimate for row in rows if row.level in positive)
