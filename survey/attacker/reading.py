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
PRINTED = 1e-6  # figures are printed to six places


@dataclass(frozen=True)
class Published:
    """Everything that was read.

    figures: COLUMNS, a withheld figure with its mark and no numbers.   answered: wave and item → how many answered.
    records: wave → interviews.   slack: how far a told number of respondents may be from the true one.   rounding: the
    same of a share.
    """

    figures: pd.DataFrame
    answered: Mapping[tuple[str, str], int] = field(default_factory=dict)
    records: Mapping[str, int] = field(default_factory=dict)
    slack: float = 0.0
    rounding: float = PRINTED


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
    slack, rounding = 0.0, PRINTED
    for folder in folders:
        paths = sorted((folder / "tables").glob("*.csv"))
        if not paths:
            raise FileNotFoundError(folder / "tables")
        for path in paths:
            if path.stem == "method":
                told = _method(path, folder.name, answered, records)
                slack = max(slack, float(told.get("slack", 0)))
                rounding = max(rounding, 0.5 * 10.0 ** -int(told["places"]) if "places" in told else PRINTED)
            else:
                frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
                frames.append(frame.reindex(columns=COLUMNS, fill_value=""))
    rows = pd.concat(frames, ignore_index=True).drop_duplicates()
    numbers = {name: pd.to_numeric(rows[name], errors="coerce") for name in NUMBERS}
    rows = rows.assign(**numbers, mark=rows["mark"].replace("caution", ""))
    return Published(rows, answered, records, slack, rounding)


def _method(
    path: Path, wave: str, answered: dict[tuple[str, str], int], records: dict[str, int]
) -> dict[str, str]:  # fmt: skip
    """Counts of the method: how many records, and how many answered each question.

    Returns: what it says of how exactly numbers are told.
    """
    told: dict[str, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for section, key, value in list(csv.reader(stream))[1:]:
            if (section, key) == ("privacy", "records"):
                records[wave] = int(value)
            elif section == "quality" and key.startswith(ANSWERED):
                item, _, reason = key.removeprefix(ANSWERED).rpartition(".")
                if reason == "answered":
                    answered[wave, item] = int(value)
            elif section == "disclosure" and key.startswith("counts."):
                told[key.removeprefix("counts.")] = value
    return told
