"""The pages of one wave together: links, switch of language, figures of areas, what a withheld page keeps to itself."""

from __future__ import annotations

import csv
import io
import json
import re
from functools import cache
from urllib.parse import unquote

import html5lib
import pytest

from reports.area_words import area_finding, concern_finding, concerns, least_satisfied
from reports.figures import Figure, Figures
from reports.language import Language
from reports.render import index, render
from reports.scene import Scene
from reports.site import KINDS, Kind, sheets, single
from reports.view import Method
from survey.disclosure import Releasable
from tests.reports.sample import AREAS, WAVES, city, plain_survey

CODES = ("zh", "en")
STEMS = ["", "methods", "privacy", "glossary", *(f"area-{code}" for code in AREAS)]


@cache
def files() -> dict[str, bytes]:
    release, book = city()
    return render(release, book, WAVES[-1], CODES)


@cache
def site() -> dict[str, str]:
    """Every file below public/ by path: the wave, the survey's list, the list of all."""
    about = json.loads(files()["about.json"])
    folder = f"{about['survey']}/{about['wave']}/"
    placed = {
        folder + name: "" if name.endswith(".xlsx") else body.decode("utf-8-sig") for name, body in files().items()
    }
    placed["index.html"] = index([{**about, "folder": folder, "version": "v1"}]).decode()
    waves = [{**about, "folder": f"{about['wave']}/", "version": "v1"}]
    placed[f"{about['survey']}/index.html"] = index(waves, "../index.html").decode()
    return placed


@cache
def tree(path: str) -> object:
    return html5lib.parse(site()[path], namespaceHTMLElements=False)


def pages() -> list[str]:
    return sorted(path for path in site() if path.endswith(".html"))


def named(code: str, stem: str) -> str:
    return f"{code}-{stem}.html" if stem else f"{code}.html"


def anchors(path: str) -> list[str]:
    return [each.get("id") for each in tree(path).iter() if isinstance(each.tag, str) and each.get("id")]  # type: ignore[attr-defined]


def resolved(path: str, href: str) -> str:
    """Path below public/ that a relative link of a page leads to."""
    parts = path.split("/")[:-1]
    for part in unquote(href).split("/"):
        parts = parts[:-1] if part == ".." else [*parts, part]
    return "/".join(parts)


def text_of(path: str) -> str:
    return re.sub(r'<span class="nb">([^<]*)</span>', r"\1", site()[path])


def test_every_kind_of_page_is_there_in_every_language() -> None:
    assert {name for name in files() if name.endswith(".html")} == {
        "index.html",
        *(named(code, stem) for code in CODES for stem in STEMS),
    }


@pytest.mark.parametrize("path", pages())
def test_each_page_stands_alone(path: str) -> None:
    text = site()[path]
    html5lib.HTMLParser(strict=True).parse(text)
    for forbidden in ("<script", " style=", "javascript:", "http://", "https://", "url(", "<img", "<link", "<iframe"):
        assert forbidden not in text
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in text
    assert len(text.encode()) < 300_000
    assert len(set(anchors(path))) == len(anchors(path))
    root = tree(path)
    code = path.split("/")[-1][:2]
    assert root.get("lang") == {"zh": "zh-Hans", "en": "en"}.get(code, "zh-Hans")  # type: ignore[attr-defined]
    assert root.find(".//title").text.strip()  # type: ignore[attr-defined]
    assert root.find(".//body/a").get("class") == "skip"  # type: ignore[attr-defined]
    assert "main" in anchors(path)


def test_the_city_report_goes_by_mail() -> None:
    assert all(len(files()[f"{code}.html"]) < 150_000 for code in CODES)


@pytest.mark.parametrize("path", pages())
def test_links_and_anchors_resolve(path: str) -> None:
    links = [link.get("href") for link in tree(path).iter("a")]  # type: ignore[attr-defined]
    assert len(links) > 1
    for href in links:
        target, _, anchor = href.partition("#")
        aim = resolved(path, target) if target else path
        assert aim in site(), href
        if anchor:
            assert anchor in anchors(aim), href


@pytest.mark.parametrize("path", [path for path in pages() if not path.endswith("index.html")])
def test_labels_point_at_something(path: str) -> None:
    known = set(anchors(path))
    for element in tree(path).iter():  # type: ignore[attr-defined]
        if isinstance(element.tag, str):
            assert set(element.get("aria-labelledby", "").split()) <= known


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("code", CODES)
def test_the_switch_keeps_the_page(code: str, stem: str) -> None:
    root = tree(f"sample-city/{WAVES[-1]}/{named(code, stem)}")
    switch = next(nav for nav in root.iter("nav") if nav.get("class") == "languages")  # type: ignore[attr-defined]
    other = {"zh": "en", "en": "zh"}[code]
    assert [link.get("href") for link in switch.iter("a")] == [named(other, stem)]


def test_no_two_pages_share_a_title() -> None:
    titles = [re.search(r"<title>([^<]*)", text)[1] for path, text in site().items() if path.endswith(".html")]  # type: ignore[index]
    assert len(set(titles)) >= len(titles) - 2  # the chooser of the wave and the survey's list repeat one


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files()[f"tables/{name}.csv"].decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("area", AREAS)
def test_an_areas_figures_are_those_of_the_table(area: str) -> None:
    lang = Language("en")
    root = tree(f"sample-city/{WAVES[-1]}/en-area-{area}.html")
    table = next(each for each in root.iter("table") if each.get("class") == "rows own")  # type: ignore[attr-defined]
    told = {}
    for row in table.findall("tbody/tr"):
        label = row.find("th").text.strip()
        told[label] = [" ".join("".join(cell.itertext()).split()) for cell in row.findall("td")]
    found = [row for row in rows("areas") if row["group"] == area and row["statistic"] == "mean"]
    assert len(found) == len(told) == 5
    for row in found:
        shown = told[row["item_en"]]
        if row["mark"].startswith("["):
            assert shown == [row["mark"], "", "", "", ""]
            continue
        interval = lang.span(float(row["ci_low"]), float(row["ci_high"]))
        caution = "! (caution) " if row["mark"] == "caution" else ""
        assert shown[0] == f"{lang.percent(float(row['estimate']))}{caution or ' '}{interval}"
        assert shown[-1] == f"Respondents {lang.count(float(row['n']))}"  # the word is shown on phones
        gap = next(
            each for each in rows("areas")
            if (each["group"], each["item"], each["statistic"]) == (area, row["item"], "difference")
        )  # fmt: skip
        if float(gap["q"]) < 0.05:
            assert lang.points(float(gap["estimate"])) in shown[2]
        else:
            assert shown[2].endswith("no difference shown")


@pytest.mark.parametrize("code", CODES)
def test_a_withheld_area_has_a_page_that_hints_at_nothing(code: str) -> None:
    path = f"sample-city/{WAVES[-1]}/{code}-area-8.html"
    text = text_of(path)
    assert {"zh": "青石县：本期没有可以公布的数字", "en": "Qingshi: no figure can be published for this wave"}[
        code
    ] in text
    sections = [each.get("id") for each in tree(path).findall(".//main/section")]  # type: ignore[attr-defined]
    assert sections == ["headline", "trend", "sample", "marks", "others"]
    table = re.search(r'<table class="rows own">.*?</table>', text, re.S)[0]  # type: ignore[index]
    bare = re.sub(r'<span class="soft">(?:overall |总体)[\d.]+%</span>', "", table)
    assert bare.count("[c]") == 5
    assert "<rect" not in bare
    assert not re.search(r"\d+\.\d", re.sub(r"<thead>.*?</thead>", "", bare, flags=re.S))
    now = r'<tr><th scope="row">(?:H1 2026|2026年上半年)(.*)\n'
    trend = re.findall(now, text)
    assert trend
    assert all("[c]" in found and not re.search(r"\d", found) for found in trend)


def test_the_methods_page_holds_what_the_report_no_longer_does() -> None:
    for code in CODES:
        methods, report = (set(anchors(f"sample-city/{WAVES[-1]}/{named(code, stem)}")) for stem in ("methods", ""))
        assert {"population", "sample", "weighting", "precision", "quality", "integrity", "indicators"} <= methods
        assert {"wording", "marks", "provenance"} <= methods
        assert {"population", "precision", "integrity", "marks"} <= report
        assert not {"weighting", "quality", "provenance"} & report


def test_a_kind_of_page_is_one_line() -> None:
    release, book = city()
    lang = Language("en")
    scene = Scene(Figures(release.results), release.facts, book, WAVES[-1], lang)
    kind = Kind("changes", "sheet.html", lambda lang: "What changed", single("changes", lambda _: Method("x", ())))
    absent = Kind("downloads", "sheet.html", lambda lang: "Downloads", single("downloads", lambda _: None))
    found = sheets(scene, [lang], (*KINDS, kind, absent))
    assert [sheet.stem for sheet in found if sheet.stem.startswith(("changes", "downloads"))] == ["changes"]
    entries = [(link.text, link.href) for link in found[0].frame.pages]
    assert ("What changed", "en-changes.html") in entries
    assert "Downloads" not in dict(entries)


def test_a_survey_without_areas_has_no_page_and_no_entry_for_them() -> None:
    release, book = plain_survey()
    found = render(release, book, "2007-08", ["en"])
    assert {name for name in found if name.endswith(".html")} == {
        "index.html", "en.html", "en-methods.html", "en-privacy.html", "en-glossary.html",
    }  # fmt: skip
    assert b'href="en.html#areas"' not in found["en-methods.html"]


def test_hostile_codes_of_areas_make_harmless_names() -> None:
    release, book = city()
    text = book.model_dump_json().replace('"9":', '"../../x":')
    results = release.results.assign(group=release.results["group"].replace("9", "../../x"))
    found = render(Releasable(results, release.facts), type(book).model_validate_json(text), WAVES[-1], ["en"])
    assert not [name for name in found if ".." in name]
    assert len([name for name in found if name.startswith("en-area-")]) == len(AREAS)


def figure(estimate: float, p: float = float("nan"), flag: str = "released", half: float = 0.02) -> Figure:
    nan = float("nan")
    return Figure(
        "w", "b", "i", "mean", "", "d", "1", estimate, 0.01, estimate - half, estimate + half, 200, nan, p, flag
    )


@pytest.mark.parametrize(
    ("code", "difference", "change", "told"),
    [
        ("en", figure(-0.04, 0.001), figure(0.03, 0.01),
         "Safety in Xiguan stands at 88.0%; 4.0 points lower than elsewhere; up 3.0 points since w1"),
        ("en", figure(-0.04, 0.2), figure(0.03, 0.3),
         ("Safety in Xiguan stands at 88.0%; no difference from elsewhere could be shown; "
          "no change could be shown since w1")),
        ("en", None, figure(0.03, 0.01, "suppressed_secondary"), "Safety in Xiguan stands at 88.0%"),
        ("zh", figure(0.04, 0.001), figure(-0.03, 0.01),
         "XiguanSafety为88.0%；比其他地区高4.0个百分点；比w1下降3.0个百分点"),
    ],
)  # fmt: skip
def test_an_areas_first_sentence_says_what_the_tests_found(
    code: str, difference: Figure | None, change: Figure | None, told: str
) -> None:
    assert area_finding(Language(code), "Xiguan", "Safety", figure(0.88), difference, change, "w1") == told


def test_an_areas_concerns_are_bad_news_that_a_test_found() -> None:
    lang = Language("en")
    fear = ("Fear", figure(0.05, 0.001), "lower")
    calm = ("Calm", figure(-0.03, 0.4), "higher")
    joy = ("Joy", figure(0.06, 0.001), "higher")
    assert concern_finding(lang, "Xiguan", [fear, calm], [joy], "w1", 3) == "To look at first in Xiguan: fear"
    assert concerns(lang, [fear, calm], [joy], "w1") == [
        "Worse than elsewhere: fear (+5.0 points).",
        "Better than in w1: joy (+6.0 points).",
    ]
    nothing = concern_finding(lang, "Xiguan", [calm], [], "w1", 1)
    assert nothing == "Xiguan: no headline indicator could be shown to be worse than elsewhere"
    some = concern_finding(lang, "Xiguan", [calm], [joy], "w1", 3)
    assert some.startswith("Xiguan: of 3 headline indicators 2 can be compared; no headline indicator could be shown")
    hidden = ("Fear", figure(0.05, 0.001, "suppressed_primary"), "lower")
    assert concern_finding(lang, "Xiguan", [hidden], [], "w1", 1) == "Xiguan: no comparison can be shown"


def test_the_area_of_work_rated_lowest_is_named_only_as_far_as_the_intervals_tell() -> None:
    lang = Language("en")
    shares = [
        ("Patrols", figure(0.7)),
        ("Mediation", figure(0.6)),
        ("Traffic", figure(0.8)),
        ("Schools", figure(0.8)),
        ("Fraud", figure(0.1, flag="unreliable")),
    ]
    assert least_satisfied(lang, shares) == "Residents here are least satisfied with mediation."
    close = [*shares[1:], ("Fires", figure(0.63))]
    assert least_satisfied(lang, close) == (
        "Residents here are least satisfied with one of these: mediation and fires; which one cannot be told."
    )
    wide = [(label, figure(row.estimate, half=0.15)) for label, row in close[:-2]]
    assert least_satisfied(lang, wide).endswith("cannot be told: the intervals overlap.")
    assert least_satisfied(lang, shares[:2]) == ""
