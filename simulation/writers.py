"""A delivered frame → a file of the wave's format, with no moment of writing in its bytes."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pyreadstat
import xlsxwriter

from simulation.layouts import HEADER, LABELS, NUMBERS, SCALE, Layout

WRITTEN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""The moment that stands in files whose format asks for one."""
SAV_MOMENT = slice(92, 109)
"""Where an SPSS file keeps date and time of its creation: dd mmm yy and hh:mm:ss."""
TEXTS = ("respondent", "community", "interviewer", "started", "name", "phone", "address", "id_number", "comment")


def _csv(encoding: str, separator: str = ",", line_end: str = "\n") -> Callable[[Path, pd.DataFrame, Layout], None]:
    def write(path: Path, frame: pd.DataFrame, _: Layout) -> None:
        text = frame.to_csv(index=False, sep=separator, lineterminator=line_end)
        path.write_bytes(text.encode(encoding))

    return write


def _xlsx(path: Path, frame: pd.DataFrame, layout: Layout) -> None:
    """A workbook with a cover sheet before the data, numbers as numbers and moments as moments."""
    with xlsxwriter.Workbook(str(path), {"in_memory": True}) as book:
        book.set_properties({"created": WRITTEN, "author": "", "title": "居民安全感调查（模拟数据）"})
        cover = book.add_worksheet("说明")
        cover.write_column(0, 0, ["居民安全感调查", "本文件为模拟数据，不含真实个人信息", f"记录数：{len(frame)}"])
        sheet = book.add_worksheet("数据")
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        names = {header: item for item, header in layout.names.items()}
        for column, header in enumerate(frame.columns):
            sheet.write_string(0, column, header)
            item = names.get(header, "")
            for row, cell in enumerate(frame[header].tolist(), start=1):
                if not cell:
                    continue
                if item == "started":
                    sheet.write_datetime(row, column, dt.datetime.fromisoformat(cell), moment)
                elif item != "respondent" and _is_number(cell):
                    sheet.write_number(row, column, float(cell))
                else:
                    sheet.write_string(row, column, cell)


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).removeprefix("-").isdecimal()


def _sav(path: Path, frame: pd.DataFrame, _: Layout) -> None:
    """An SPSS file with labels of variables and values and with its missing codes declared."""
    typed = pd.DataFrame({name: _sav_column(name, frame[name].tolist()) for name in frame.columns})
    coded = [name for name in typed.columns if SCALE.get(name) in LABELS]
    labels: dict[str, dict[int | float, str]] = {
        name: {**dict(enumerate(LABELS[SCALE[name]], start=1)), -7: "不适用", -8: "不知道", -9: "拒答"}
        for name in coded
    }
    pyreadstat.write_sav(
        typed,
        str(path),
        file_label="Simulated survey",
        column_labels=[HEADER.get(name, name) for name in typed.columns],
        variable_value_labels=labels,
        missing_ranges={name: [{"lo": -9, "hi": -7}] for name in coded},
        row_compress=True,
    )
    content = bytearray(path.read_bytes())
    content[SAV_MOMENT] = WRITTEN.strftime("%d Jan %y%H:%M:%S").encode()
    path.write_bytes(content)


def _sav_column(name: str, cells: list[str]) -> list[str] | list[float]:
    if name in NUMBERS or SCALE.get(name) in LABELS:
        return [float(cell) if cell else math.nan for cell in cells]
    return cells


WRITERS: Mapping[str, Callable[[Path, pd.DataFrame, Layout], None]] = {
    "2023H2": _csv("gb18030", line_end="\r\n"),
    "2024H1": _csv("utf-8-sig", line_end="\r\n"),
    "2024H2": _xlsx,
    "2025H1": _sav,
    "2025H2": _csv("utf-8", separator=";"),
    "2026H1": _csv("utf-8"),
}
