"""Facts as table cells: a number that is missing or not finite becomes the mark [x]."""

from __future__ import annotations

import math
from typing import Any

from reports.language import plain
from reports.scene import Scene
from reports.view import Cell


def number(value: Any) -> float | None:
    """A finite number, None for anything else."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def text_cell(value: str) -> Cell:
    """Words."""
    return Cell(plain(value), number=False)


def count_cell(scene: Scene, value: Any) -> Cell:
    """A whole number."""
    known = number(value)
    return Cell("", mark="x") if known is None else Cell(scene.lang.count(known))


def share_cell(scene: Scene, value: Any) -> Cell:
    """A share of 0–1 as per cent."""
    known = number(value)
    return Cell("", mark="x") if known is None else Cell(scene.lang.percent(known))


def decimal_cell(scene: Scene, value: Any, places: int = 2) -> Cell:
    """A number with fixed places."""
    known = number(value)
    return Cell("", mark="x") if known is None else Cell(scene.lang.decimal(known, places))
