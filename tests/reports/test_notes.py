"""A reviewer's notes: figures only by reference, every mistake with its line, hostile ones inert."""

from __future__ import annotations

import re
from dataclasses import replace

import html5lib
import pytest

from reports.render import render
from survey.codebook import Codebook
from survey.disclosure import Releasable
from survey.errors import CodebookError
from survey.survey_yaml.notes import read_notes
from tests.reports.sample import WAVES, city

NOW = WAVES[-1]


def pages(text: str, release: Releasable | None = None, book: Codebook | None = None) -> dict[str, str]:
    own, plan = city()
    files = render(release or own, book or plan, NOW, ("zh", "en"), read_notes(text, plan, "notes.yaml"))
    return {name: body.decode() for name, body in files.items() if name.endswith(".html")}


def test_a_finding_is_replaced_and_sentences_are_added_with_figures_from_the_release() -> None:
    made = pages("""
headline:
  finding: {zh: "{security}为{security.share}", en: "{security} is at {security.share} now"}
  add:
    - zh: "比{previous}变化{security.change}"
      en: "Since {previous}: {security.change} points ({security.change_interval})"
areas:
  add:
    - zh: "{district=3}：{security.share@district=3}"
      en: "In {district=3} {security} is {security.share@district=3}"
points:
  add: [{zh: 先看这一点, en: Look at this first}]
""")
    zh, en = made["zh.html"].replace('<span class="nb">', ""), made["en.html"].replace('<span class="nb">', "")
    en, zh = en.replace("</span>", ""), zh.replace("</span>", "")
    assert "Sense of security is at 92.0% now" in en
    assert "安全感为92.0%" in zh
    assert 'class="remark">Since H2 2025: +2.1 points (+0.7 to +3.5)' in en
    assert 'class="remark">In Nanhu sense of security is 87.0%' in en
    assert en.index("Look at this first") < en.index("Three things to know") + 400
    assert "先看这一点" in zh
    for body in made.values():
        html5lib.HTMLParser(strict=True).parse(body)


@pytest.mark.parametrize(("sign", "zh", "en"), [(1, "上升2.1", "risen by 2.1"), (-1, "下降2.1", "fallen by 2.1")])
def test_the_verb_of_a_change_turns_with_the_data(sign: int, zh: str, en: str) -> None:
    release = city()[0]
    rows = release.results.copy()
    turned = rows["statistic"] == "change"
    rows.loc[turned, "estimate"] *= sign
    told = "headline: {add: [{zh: '{security.change_told}', en: 'It has {security.change_told}.'}]}"
    made = pages(told, replace(release, results=rows))
    assert f"{zh}个百分点" in re.sub("<[^>]*>", "", made["zh.html"])
    assert f"It has {en} points." in re.sub("<[^>]*>", "", made["en.html"])


@pytest.mark.parametrize(
    ("text", "line", "got"),
    [
        ("headline:\n  finding: {zh: 安全感为87.6, en: Fine}", 2, "876"),
        ("headline:\n  finding: {zh: 好, en: Fine at ８７}", 2, "８７"),
        ("headline:\n  finding: {zh: 好, en: Half ½}", 2, "½"),
        ("headline:\n  finding: {zh: 百分之九十的居民, en: Fine}", 2, "百分之"),
        ("headline:\n  finding: {zh: 八成居民, en: Fine}", 2, "八成"),
        ("headline:\n  finding: {zh: 上升三个百分点, en: Fine}", 2, "三个百分点"),
        ("headline:\n  add:\n    - {zh: 好, en: Fine}\n    - {zh: 好}", 4, "none in en"),
        ("headline:\n  finding: {zh: '{securty.share}', en: Fine}", 2, "securty"),
        ("headline:\n  finding: {zh: '{security.shares}', en: Fine}", 2, "shares"),
        ("headline:\n  finding: {zh: '{security.share@district=77}', en: Fine}", 2, "77"),
        ("headline:\n  finding: {zh: '{not a reference}', en: Fine}", 2, "{not a reference}"),
        ("headline:\n  finding: {zh: '{security.share', en: Fine}", 2, "a single one"),
        ("headline:\n  find: {zh: 好, en: Fine}", 2, "the unknown key find"),
        ("points:\n  finding: {zh: 好, en: Fine}", 2, "`finding:`"),
        ("heading:\n  finding: {zh: 好, en: Fine}", 1, "heading"),
        ("headline: [", 2, ""),
    ],
)
def test_what_would_drift_or_cannot_be_meant_is_refused_with_its_line(text: str, line: int, got: str) -> None:
    with pytest.raises(CodebookError) as caught:
        read_notes(text, city()[1], "data/raw/x/notes.2026H1.yaml")
    parts = caught.value.parts()
    assert f"notes.2026H1.yaml line {line}" in parts["where"]
    assert got in parts["got"]


@pytest.mark.parametrize("words", ["一些居民", "统一要求", "第一", "三五成群", "十分满意", "The first of all"])
def test_ordinary_words_that_hold_numerals_pass(words: str) -> None:
    notes = read_notes(f"headline:\n  finding: {{zh: {words}, en: {words}}}", city()[1])
    assert notes.blocks["headline"].finding["zh"] == words


def test_all_mistakes_are_told_at_once() -> None:
    text = "headline:\n  finding: {zh: 有7个, en: Fine}\n  add:\n    - {zh: 好}\n"
    with pytest.raises(CodebookError) as caught:
        read_notes(text, city()[1])
    assert len(caught.value.others) == 1


def test_a_withheld_figure_cannot_be_told_in_a_note() -> None:
    release, book = city()
    text = "areas:\n  add: [{zh: '{security.share@district=8}', en: '{security.share@district=8}'}]"
    with pytest.raises(CodebookError, match="cannot show") as caught:
        pages(text, release, book)
    assert "security.share@district=8" in caught.value.parts()["got"]


def test_a_note_on_a_block_that_is_not_there_is_refused() -> None:
    release, book = city()
    alone = book.model_copy(update={"report": book.report.model_copy(update={"area": None})})
    with pytest.raises(CodebookError, match="nothing to note on areas"):
        pages("areas:\n  add: [{zh: 好, en: Fine}]", release, alone)


HOSTILE = "<script>alert(document.domain)</script> ]]> <img src=x onerror=y> \\u202egnitcartsid \\u200b =HYPERLINK"


def test_hostile_notes_are_inert() -> None:
    text = (
        f'headline:\n  finding: {{zh: "{HOSTILE}", en: "{HOSTILE}"}}\n  add: [{{zh: "{HOSTILE}", en: "{HOSTILE}"}}]\n'
    )
    for name, body in pages(text).items():
        assert "<script" not in body
        assert "<img" not in body
        assert "\u202e" not in body
        assert "\u200b" not in body
        html5lib.HTMLParser(strict=True).parse(body)
        if name in ("zh.html", "en.html"):
            assert body.count("&lt;script&gt;") >= 2


def test_no_notes_change_nothing() -> None:
    release, book = city()
    assert read_notes("", book).blocks == {}
    assert read_notes("# nothing yet\n", book).blocks == {}
    assert pages("") == {
        name: body.decode() for name, body in render(release, book, NOW, ("zh", "en")).items() if name.endswith(".html")
    }
