"""What an outsider reads: the tables of the published folders, or a frame of the same columns."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

COLUMNS = ["wave", "item", "statistic", "level", "by", "group", "estimate", "n", "mark"]
NUMBERS = ["estimate", "n"]
MARKS = {
    "suppressed_primary": "[c]",
    "suppressed_secondary": "[c]",
    "unreliable": "[u]",
    "not_asked": "[x]",
    "break": "[b]",
}
ANSWERED = "answered."


@dataclass(frozen=True)
class Published:
    """Everything that was read.

    figures: COLUMNS, a withheld figure with its mark and no numbers.   answered: wave and item → how many answered.
    records: wave → interviews.
    """

    figures: pd.DataFrame
    answered: Mapping[tuple[str, str], int] = field(default_factory=dict)
    records: Mapping[str, int] = field(default_factory=dict)


def published(rows: pd.DataFrame) -> Published:
    """What would be read of results in the schema of survey.tidy, once their withheld numbers are blanked."""
    mark = rows["flag"].map(MARKS).fillna("")
    return Published(rows.assign(mark=mark)[COLUMNS].reset_index(drop=True))


def read(folders: Iterable[Path]) -> Published:
    """The published folders of one survey, one a wave: every figure of their tables and the counts of the method.

    Args: folders: as public/<survey>/<wave>.   Raises: FileNotFoundError: one holds no tables.
    """
    frames: list[pd.DataFrame] = []
    answered: dict[tuple[str, str], int] = {}
    records: dict[str, int] = {}
    for folder in folders:
        paths = sorted((folder / "tables").glob("*.csv"))
        if not paths:
            raise FileNotFoundError(folder / "tables")
        for path in paths:
            if path.stem == "method":
                _method(path, folder.name, answered, records)
            else:
                frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
                frames.append(frame.reindex(columns=COLUMNS, fill_value=""))
    rows = pd.concat(frames, ignore_index=True).drop_duplicates()
    numbers = {name: pd.to_numeric(rows[name], errors="coerce") for name in NUMBERS}
    return Published(rows.assign(**numbers, mark=rows["mark"].replace("caution", "")), answered, records)


def _method(path: Path, wave: str, answered: dict[tuple[str, str], int], records: dict[str, int]) -> None:
    """Counts of the method: how many records, and how many answered each question."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for section, key, value in list(csv.reader(stream))[1:]:
            if (section, key) == ("privacy", "records"):
                records[wave] = int(value)
            elif section == "quality" and key.startswith(ANSWERED):
                item, _, reason = key.removeprefix(ANSWERED).rpartition(".")
                if reason == "answered":
                    answered[wave, item] = int(value)
