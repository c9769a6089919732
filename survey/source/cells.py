"""A typed cell of a workbook, statistical file or database as the text a person reads there."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd


def cell_text(cell: object) -> str:
    """Text of a typed cell as a person reads it; a whole number keeps all its digits.

    >>> [cell_text(cell) for cell in (1.0, 1.5, "01", None, True, 110101199003078515, 1.10101199003078e17)]
    ['1', '1.5', '01', '', '1', '110101199003078515', '110101199003078000']
    >>> cell_text(dt.date(2026, 5, 1)), cell_text(dt.datetime(2026, 5, 1, 9, 30))
    ('2026-05-01', '2026-05-01 09:30:00')
    """
    if isinstance(cell, str):
        return cell
    if cell is None or cell is pd.NaT or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, bool | int):
        return str(int(cell))
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e18 else f"{cell:.15g}"
    if isinstance(cell, Decimal):
        return f"{cell.normalize():f}"
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    return str(cell)


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Every cell of a typed frame as text."""
    texts = {}
    for name, column in frame.items():
        values = column.unique()  # few distinct codes a column: each is put into words once
        texts[str(name)] = column.map(dict(zip(values, map(cell_text, values.tolist()), strict=True))).fillna("")
    return pd.DataFrame(texts, dtype="str")
