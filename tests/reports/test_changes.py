"""The page "What changed" and alerts.json: what is named, what is not, and nothing of what is withheld."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import html5lib
import jsonschema
import pytest

from reports.alerts import schema
from reports.changes import alerts, changes, finding
from reports.figures import Figures
from reports.language import Language
from reports.programmes import programmes_told
from reports.quadrant import quadrant_chart
from reports.render import render
from reports.scene import Scene
from survey import tidy
from survey.changes import told
from survey.codebook import Codebook
from survey.disclosure import Releasable
from survey.survey_yaml.notes import read_notes
from tests.reports.sample import PRACTICES, WAVES, city_book, city_facts, city_rows, gap, share, withheld

NOW, BEFORE = WAVES[-1], WAVES[-2]
FALL = {"by": "district", "group": "3"}


def planned(**report: Any) -> Codebook:
    book = city_book()
    return book.model_copy(update={"report": book.report.model_copy(update=report)})


def area_changes(size: float = -0.08, p: float = 1e-6) -> list[dict[str, Any]]:
    """Changes of the first indicator by area: area 3 falls, the others stay; area 8 is withheld."""
    name = next(iter(city_book().indicators))
    rows = []
    for area in "1234567":
        value, chance = (size, p) if area == "3" else (0.002, 0.7)
        rows.append(gap(name, "change", value, 0.008, chance, level=BEFORE, by="district", group=area, df=60.0))
    secret = gap(name, "change", -0.3, 0.01, 1e-12, level=BEFORE, by="district", group="8")
    return [*rows, withheld(secret, "suppressed_primary")]


def changed_city(extra: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sample with these changes by area in place of its own."""
    own = [row for row in city_rows() if (row["statistic"], row.get("by")) != ("change", "district")]
    return [*own, *extra]


def scenes(extra: list[dict[str, Any]], book: Codebook | None = None) -> list[Scene]:
    book = book or planned()
    release = told(Releasable(tidy.results(changed_city(extra)), city_facts()), book, NOW)
    figures = Figures(release.results)
    return [Scene(figures, release.facts, book, NOW, Language(code)) for code in ("zh", "en")]


def files(extra: list[dict[str, Any]], book: Codebook | None = None) -> dict[str, bytes]:
    book = book or planned()
    release = told(Releasable(tidy.results(changed_city(extra)), city_facts()), book, NOW)
    return render(release, book, NOW, ("zh", "en"))


def test_a_planted_fall_is_the_one_alert_and_a_stable_series_has_none() -> None:
    zh, en = scenes(area_changes())
    (alert,) = alerts(en)
    assert (alert.by, alert.group, alert.level) == ("district", "3", BEFORE)
    page = changes(en)
    assert page is not None
    assert page.finding.startswith("Clearly worse by 3 points or more: ")
    assert "−8.0 points" in page.finding
    other = changes(zh)
    assert other is not None
    assert other.finding.startswith("明显变差3个百分点及以上：")
    quiet = scenes(area_changes(0.002, 0.7))[1]
    assert alerts(quiet) == []
    assert finding(quiet, [], []) == "No worsening of 3 points or more could be shown"


@pytest.mark.parametrize(
    ("size", "p", "fall", "found"),
    [
        (-0.03, 1e-6, 3.0, 1),
        (-0.0299, 1e-6, 3.0, 0),
        (-0.08, 0.04, 3.0, 0),
        (-0.08, 1e-6, 9.0, 0),
        (0.08, 1e-6, 3.0, 0),
    ],
)
def test_an_alert_needs_the_size_the_test_and_the_direction(size: float, p: float, fall: float, found: int) -> None:
    rule = city_book().report.alerts.model_copy(update={"fall": fall})
    assert len(alerts(scenes(area_changes(size, p), planned(alerts=rule))[1])) == found


def test_where_lower_is_better_a_rise_is_the_alert() -> None:
    book = planned()
    name = next(iter(book.indicators))
    worse = {**book.indicators, name: book.indicators[name].model_copy(update={"better": "lower"})}
    book = book.model_copy(update={"indicators": worse})
    assert len(alerts(scenes(area_changes(0.08), book)[1])) == 1
    assert alerts(scenes(area_changes(-0.08), book)[1]) == []


def test_alerts_follow_their_schema_and_tell_the_same_in_both_languages() -> None:
    made = files(area_changes())
    content = json.loads(made["alerts.json"])
    assert json.loads(made["alerts.schema.json"]) == schema()
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(content, schema())
    (alert,) = content["alerts"]
    assert (alert["change_points"], alert["comparison"], alert["previous_wave"]) == (-8.0, "before", BEFORE)
    assert alert["q"] < 0.05
    assert "下降8.0个百分点" in alert["wording"]["zh"]
    assert "fell by 8.0 points" in alert["wording"]["en"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content | {"secret": 1}, schema())
    assert json.loads(files(area_changes(0.0, 0.9))["alerts.json"])["alerts"] == []


def test_withheld_cells_leave_no_trace_on_the_page_or_in_the_alerts() -> None:
    hidden, without = files(area_changes()), files(area_changes()[:-1])
    for name in ("alerts.json", "zh-changes.html", "en-changes.html", "tables/changes.csv"):
        assert hidden[name] == without[name]
    label = planned().level_label("district", "8", "en")
    assert label not in re.sub(r"<style>.*?</style>", "", hidden["en-changes.html"].decode(), flags=re.S)


def test_the_page_says_unchanged_only_with_a_margin() -> None:
    plain, bounded = (
        files(area_changes(), planned(equivalence=margin))["en-changes.html"].decode() for margin in (None, 3.0)
    )
    assert "practically unchanged (" not in plain
    assert "nothing is called unchanged here" in plain
    assert bounded.count("practically unchanged (±3)") == 6
    assert "基本不变（±3）" in files(area_changes(), planned(equivalence=3.0))["zh-changes.html"].decode()


def test_pages_are_strict_html_small_and_reachable() -> None:
    made = files(area_changes(), planned(equivalence=3.0))
    parser = html5lib.HTMLParser(strict=True)
    for code in ("zh", "en"):
        body = made[f"{code}-changes.html"].decode()
        parser.parse(body)
        assert len(body.encode()) < 300_000
        assert f'href="{code}-changes.html"' in made[f"{code}.html"].decode()
        for target in re.findall(r'href="([^"#]+)"', body):
            assert target in made or target in ("../../index.html", "../index.html")
        assert "style=" not in body


def test_one_wave_has_no_page_and_no_alerts() -> None:
    book = planned()
    first = {WAVES[-1]: book.waves[WAVES[-1]]}
    rows = [row for row in city_rows() if row["wave"] == NOW and row["statistic"] != "change"]
    alone = book.model_copy(update={"waves": first})
    release = told(Releasable(tidy.results(rows), city_facts()), alone, NOW)
    made = render(release, alone, NOW, ("zh", "en"))
    assert not [name for name in made if "changes" in name or "alerts" in name]


def control_rows(last: float) -> tuple[Codebook, list[dict[str, Any]]]:
    """Nine half-yearly waves of the first indicator at 0.8 ± 0.01, the newest at `last`."""
    book = planned()
    name, wave = book.report.headline[0], book.waves[NOW]
    old = {f"{2017 + k // 2}H{1 + k % 2}": 2017 + k // 2 for k in range(9)}
    waves = {
        label: wave.model_copy(
            update={"fieldwork": wave.fieldwork.model_copy(
                update={"start": wave.fieldwork.start.replace(year=year, month=4 if label.endswith("1") else 10),
                        "end": wave.fieldwork.end.replace(year=year, month=5 if label.endswith("1") else 11, day=9)})}
        )
        for label, year in old.items()
    }  # fmt: skip
    rows = [share(name, 0.8 + 0.005 * (-1) ** k, n=2500, deff=1.5, wave=label) for k, label in enumerate(list(old)[:8])]
    newest = list(old)[-1]
    rows += [
        share(name, last, n=2500, deff=1.5, wave=newest),
        gap(name, "change", -0.01, 0.01, 0.3, level="2020H2", wave=newest),
    ]
    return book.model_copy(update={"waves": waves}), rows


@pytest.mark.parametrize(("last", "signal"), [(0.795, False), (0.70, True)])
def test_a_control_chart_stands_on_the_page_from_eight_waves_on(last: float, signal: bool) -> None:
    book, rows = control_rows(last)
    newest = book.earlier("2021H1")[-1]
    release = told(Releasable(tidy.results(rows), city_facts()), book, newest)
    page = changes(Scene(Figures(release.results), release.facts, book, newest, Language("en")))
    assert page is not None
    (chart,) = page.control
    assert chart.signal is signal
    assert [marked for _, marked in chart.dots] == [False] * 8 + [signal]
    assert page.control_finding.startswith("Outside the limits" if signal else "No headline figure")
    body = render(release, book, newest, ("en",))["en-changes.html"].decode()
    assert body.count('class="dot out"') == int(signal)
    html5lib.HTMLParser(strict=True).parse(body)


def quadrant_rows(clear: bool) -> list[dict[str, Any]]:
    rows = []
    for number, name in enumerate(PRACTICES):
        keys = {
            "by": "quadrant",
            "block": "drivers",
            "level": "security",
            "group": "concentrate" if not number else "overkill",
        }
        p = 0.001 if clear else 0.4
        rows.append(share(f"{name}_satisfied", 0.4 - 0.1 * number, statistic="importance_share", p=p, **keys))
        rows.append(share(f"{name}_satisfied", 0.74 - 0.07 * number, statistic="performance", p=p, **keys))
    return rows


def test_an_area_is_named_in_the_quadrant_only_when_both_distances_are_clear() -> None:
    for clear, said in ((True, "Going strongly with"), (False, "No area can be told from the others")):
        chart = quadrant_chart(scenes(quadrant_rows(clear))[1])
        assert chart is not None
        assert chart.finding.startswith(said)
        assert all(("no clear difference" in row.where) != clear for row in chart.rows)
    body = files(quadrant_rows(True))["zh.html"].decode()
    assert 'aria-labelledby="quadrant-t quadrant-d"' in body
    html5lib.HTMLParser(strict=True).parse(body)


def test_a_quadrant_whose_count_is_withheld_names_none() -> None:
    """As where numbers of respondents are told rounded, and this one would give an exact one away."""
    rows = [row | {"n": float("nan")} for row in quadrant_rows(True)]
    chart = quadrant_chart(scenes(rows)[1])
    assert chart is not None
    assert chart.respondents == ""
    assert 'aria-labelledby="quadrant-t quadrant-d"' in files(rows)["en.html"].decode()


def test_a_withheld_satisfaction_is_not_in_the_quadrant() -> None:
    rows = quadrant_rows(True)
    rows[0] = withheld(rows[0], "suppressed_primary")
    chart = quadrant_chart(scenes(rows)[1])
    assert chart is not None
    assert next(iter(PRACTICES.values()))[1] not in [row.label for row in chart.rows]
    assert quadrant_chart(scenes(rows[:4])[1]) is None


PROGRAMME = {"label": {"zh": "路灯", "en": "Lights"}, "treated": "x", "unit": "y"}


@pytest.mark.parametrize(
    ("effect", "p", "before", "said"),
    [
        (0.04, 0.003, 0.8, "less that in places without it, is +4.0 points"),
        (-0.04, 0.003, 0.8, "less that in places without it, is −4.0 points"),
        (0.004, 0.6, 0.8, "no difference in how sense of security changed could be shown"),
        (0.04, 0.003, 0.01, "already moved apart in sense of security before it came"),
        (0.04, 0.003, math.nan, "less that in places without it, is +4.0 points"),
    ],
)
def test_a_roll_out_in_words_by_its_test_and_its_pre_trend(effect: float, p: float, before: float, said: str) -> None:
    from survey.codebook import Programme

    book = planned(programmes={"lights": Programme.model_validate(PROGRAMME)})
    keys = {"block": "programme_lights"}
    name = book.report.headline[0]
    rows = [gap(name, "att_overall", effect, 0.013, p, **keys),
            gap(name, "att_event", effect, 0.013, p, by="event", group="0", **keys),
            gap(name, "att_event", 0.0, 0.013, 0.9, by="event", group="-2", **keys),
            gap(name, "pretrend", 0.6, math.nan, before, **keys)]  # fmt: skip
    (programme,) = programmes_told(scenes(rows, book)[1])
    assert said in programme.finding
    assert re.sub("no effect can be read off|does not show an effect", "", programme.finding).count("effect") == 0
    assert any("only if, without it, both kinds of places would have changed alike" in text for text in programme.texts)
    assert [row.label for row in programme.rows] == ["All waves with it", "The wave it came", "2 waves before it came"]
    if math.isnan(before):
        assert programme.texts[0].startswith("The trends before it came could not be compared")


def test_a_reviewers_sentences_stand_on_the_page_of_changes_and_their_finding_on_the_city_page() -> None:
    book = planned()
    text = "changes:\n  finding: {zh: 先看地区, en: Look at the areas}\n  add: [{zh: 另有说明, en: A remark}]\n"
    release = told(Releasable(tidy.results(changed_city(area_changes())), city_facts()), book, NOW)
    made = render(release, book, NOW, ("zh", "en"), read_notes(text, book, "notes.yaml"))
    assert '<p class="remark">A remark</p>' in made["en-changes.html"].decode()
    for name, words in (("en.html", "Look at the areas"), ("zh.html", "先看地区"), ("zh-changes.html", "先看地区")):
        assert words in made[name].decode()
