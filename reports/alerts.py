"""alerts.json: the alert list for machines, with the JSON Schema it follows; nothing withheld is in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from reports.changes import IN_TABLE, alerts, subject
from reports.figures import Figure
from reports.files import ALERTS
from reports.language import Language, half_up, plain
from reports.scene import Scene
from survey.changes import compared

SCHEMA = "alerts.schema.json"


def alert_files(scenes: Sequence[Scene]) -> dict[str, bytes]:
    """alerts.json and its schema by name, from the scene of every language; none where nothing was compared."""
    first = scenes[0]
    if not first.figures.block(first.wave, "changes", IN_TABLE):
        return {}
    rule = first.book.report.alerts
    content = {
        "$schema": SCHEMA,
        "survey": first.book.survey,
        "wave": first.wave,
        "simulated": first.book.simulated,
        "rule": {"worse_by_points": rule.fall, "q_below": rule.q},
        "compared_with": compared(first.book, first.wave),
        "alerts": [_alert(scenes, row) for row in alerts(first)],
    }
    return {ALERTS: _bytes(content), SCHEMA: _bytes(schema())}


def _alert(scenes: Sequence[Scene], row: Figure) -> dict[str, Any]:
    """One alert: codes, the change with its interval in points, q, and a sentence in every language."""
    known = {wave: which for which, wave in compared(scenes[0].book, scenes[0].wave).items()}
    return {
        "survey": scenes[0].book.survey,
        "wave": row.wave,
        "previous_wave": row.level,
        "comparison": known[row.level],
        "item": row.item,
        "by": row.by,
        "group": row.group,
        "change_points": _points(row.estimate),
        "interval_points": [_points(row.low), _points(row.high)],
        "q": float(f"{row.q:.6g}"),
        "wording": {scene.lang.code: wording(scene, row) for scene in scenes},
    }


def wording(scene: Scene, row: Figure) -> str:
    """An alert in a sentence."""
    lang: Language = scene.lang
    values = {
        "subject": subject(scene, row),
        "size": lang.decimal(100 * abs(row.estimate), 1),
        "wave": lang.wave(row.level),
        "now": lang.wave(row.wave),
        "interval": lang.points_interval(row.low, row.high),
    }
    if row.estimate < 0:
        text = lang.t(
            "%(subject)s fell by %(size)s points from %(wave)s to %(now)s (95%% interval %(interval)s points).",
            **values,
        )
    else:
        text = lang.t(
            "%(subject)s rose by %(size)s points from %(wave)s to %(now)s (95%% interval %(interval)s points).",
            **values,
        )
    return plain(text)


def _points(share: float) -> float:
    return float(half_up(100 * share, 2))


def _bytes(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode("utf-8")


def schema() -> dict[str, Any]:
    """JSON Schema of alerts.json.

    >>> schema()["properties"]["alerts"]["type"]
    'array'
    """
    text, number = {"type": "string"}, {"type": "number"}
    share = {"type": "number", "minimum": 0, "maximum": 1}
    alert = {
        "survey": text,
        "wave": text,
        "previous_wave": text,
        "comparison": {"enum": ["before", "year"], "description": "the wave before, or the same season a year earlier"},
        "item": {"type": "string", "description": "indicator"},
        "by": {"type": "string", "description": "breakdown variable, empty for everybody"},
        "group": {"type": "string", "description": "code of the area or group, empty for everybody"},
        "change_points": {"type": "number", "description": "change in percentage points"},
        "interval_points": {
            "type": "array",
            "items": number,
            "minItems": 2,
            "maxItems": 2,
            "description": "95 % interval of the change on its own, in percentage points",
        },
        "q": {**share, "description": "p corrected over the whole table (false discovery rate)"},
        "wording": {
            "type": "object",
            "description": "a sentence by language",
            "minProperties": 1,
            "additionalProperties": text,
        },
    }
    rule = {"worse_by_points": {"type": "number", "exclusiveMinimum": 0}, "q_below": share}
    whole = {
        "$schema": text,
        "survey": text,
        "wave": text,
        "simulated": {"type": "boolean", "description": "whether the data are invented"},
        "rule": _object(rule),
        "compared_with": {"type": "object", "additionalProperties": text},
        "alerts": {"type": "array", "items": _object(alert)},
    }
    title = "Changes for the worse of one wave of a survey, each beyond the rule; figures withheld are not in it"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **_object(whole)}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }
