"""Columns that look like an identifier though nobody declared them one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.codebook import Codebook, Wave
from survey.errors import GateError, masked
from survey.identifiers.names import WORD, is_name
from survey.identifiers.recognisers import RECOGNISERS, Recogniser
from survey.identifiers.writing import plain

MOST = 500  # different values of a column that are looked at, evenly spaced: shares of a fifth and more are in question
ROWS = 20_000  # rows that are looked at, evenly spaced: half a per cent of them is still hundreds of cells
LEAST = 5  # cells that hold an identifier, fewer are slips of the pen
RARE = 0.005  # and this share of the filled cells
LONGEST = 500  # letters of a cell that are looked at
PERSONS = 30  # different names that make a column of names
ENGLISH = re.compile(rf"{WORD}(?:\s{WORD}){{1,2}}")
DEGREE = re.compile(r"-?\d{1,3}\.\d{4,}")


@dataclass(frozen=True)
class Finding:
    """A column that looks like an identifier; never one of its values.

    cells: how many cells look so.   share: of the column's different values.
    """

    column: str
    kind: str
    cells: int
    share: float


def scan(frame: pd.DataFrame) -> list[Finding]:
    """The columns of text cells that look like an identifier, each under the likeliest kind.

    Column passes kind k where of its different values a share s ≥ max(s_k, 3 c_k) holds one, c_k being the share that
    chance gives (a tenth of all long numbers pass Luhn's check) and s_k a fifth to a half by kind, and where five cells
    and 0.5 % of the filled ones do. A column's name stands before its values: "wechat" vouches for what it heads.
    Names without a title count where four fifths of thirty or more different values are built like one; degrees of
    latitude and longitude where one column of each is there.

    Args: frame: text cells; of more than 20,000 rows as many are looked at, evenly spaced, and of each column at most
    500 different values.

    >>> scan(pd.DataFrame({"contact": [f"1380013{i:04d}" for i in range(50)], "age": [str(i) for i in range(50)]}))
    [Finding(column='contact', kind='phone', cells=50, share=1.0)]
    """
    found: list[Finding] = []
    degrees: dict[str, Finding] = {}
    step = -(-len(frame) // ROWS) or 1
    looked_at = frame.iloc[::step]
    for position, name in enumerate(map(str, frame.columns)):
        cells = looked_at.iloc[:, position]
        values = _values(cells)
        if finding := _likeliest(name, values, cells):
            found.append(finding)
        elif side := _degrees(values):
            degrees.setdefault(side, Finding(name, "coordinates", int(cells.isin(values).sum()), 1.0))
    found += list(degrees.values()) if len(degrees) == 2 else []
    return [replace(each, cells=each.cells * step) for each in found]


def _values(cells: pd.Series) -> pd.Series:
    """Different values of a column, blanks left out, at most `MOST` of them."""
    values = pd.Series(cells.unique(), dtype="str").dropna()
    values = values[values.str.strip() != ""]
    return values.iloc[:: -(-len(values) // MOST) or 1]


def _likeliest(name: str, values: pd.Series, cells: pd.Series) -> Finding | None:
    texts = [plain(value[:LONGEST])[0] for value in values]
    for kind, least, hits in _judged(name, texts):
        share = hits.mean() if len(hits) else 0.0
        if share < least:
            continue
        filled = int((cells.astype("str").str.strip() != "").sum())
        inside = cells.isin(values)
        seen = int(cells.isin(values[hits]).sum()) * filled / max(int(inside.sum()), 1)
        if seen >= max(LEAST, RARE * filled):
            return Finding(name, kind, round(seen), float(share))
    return None


def _judged(name: str, texts: list[str]) -> Iterator[tuple[str, float, NDArray[np.bool_]]]:
    """Kind, least share, and which of the different values hold an identifier of that kind."""
    longest = max(map(len, texts), default=0)
    for each in RECOGNISERS if longest >= 3 else ():
        yield each.kind, max(each.share, 3 * each.chance), _hits(name, texts, each)
    named = len(texts) >= PERSONS
    yield "name", 0.8, np.array([named and _is_person(text) for text in texts], dtype=bool)


def _hits(name: str, texts: list[str], recogniser: Recogniser) -> NDArray[np.bool_]:
    # A name in front of a number may make an address of it; of an account it says what it is.
    head = f"{name}:" if recogniser.kind in ("account", "phone") else ""
    return np.array([_holds(head, text, recogniser.spans, recogniser.needs) for text in texts], dtype=bool)


def _holds(head: str, text: str, spans: Callable[[str], Iterator[tuple[int, int]]], needs: re.Pattern[str]) -> bool:
    written = head + text
    return needs.search(written) is not None and any(stop > len(head) for _, stop in spans(written))


def _is_person(text: str) -> bool:
    text = text.strip()
    return is_name(text) or ENGLISH.fullmatch(text) is not None


def _degrees(values: pd.Series) -> str:
    """lat or lon where a column's different values are degrees to four decimals within ten of each other, else ""."""
    if len(values) < PERSONS or not values.str.strip().str.fullmatch(DEGREE).mean() > 0.9:
        return ""
    numbers = pd.to_numeric(values, errors="coerce").dropna().abs().to_numpy()
    low, high = np.quantile(numbers, [0.05, 0.95])
    if high - low > 10:
        return ""
    return "lat" if low >= 10 and high <= 66 else "lon" if low > 66 and high <= 180 else ""


def undeclared(cells: pd.DataFrame, book: Codebook, wave: Wave) -> list[GateError]:
    """What stops a run: columns of a wave that look like identifiers, of which survey.yaml does not say so.

    Items of kind identifier and text are dropped at the boundary in any case; a person looked at those under
    `privacy.not_identifiers`.

    Args: cells: text cells under the codebook's names.   Returns: errors with the kind and share, and no value.
    """
    apart = {name for name, item in book.items.items() if item.kind in ("identifier", "text")}
    apart |= set(book.privacy.not_identifiers)
    columns = [column for column in cells if re.split("[=#]", str(column))[0] not in apart]
    delivered = {item: column for column, item in wave.columns.items()}
    return [
        _undeclared(found, delivered, wave)
        for found in scan(cells[columns])
        if found.cells > _strays(book, found.column) * len(cells)
    ]


def _strays(book: Codebook, column: str) -> float:
    """Share of cells that may be anything: what is no level of a scale is set missing, and has a gate of its own."""
    item = book.items.get(re.split("[=#]", column)[0])
    return book.gates.max_unknown_levels if item is not None and item.kind in ("single", "multiple") else 0.0


def _undeclared(found: Finding, delivered: Mapping[str, str], wave: Wave) -> GateError:
    name = delivered.get(found.column, found.column)
    return GateError(
        "A column looks like an identifier and is not declared as one",
        where="{file}, column {column}, item {item}",
        expected="`kind: identifier`, or a reason under `privacy.not_identifiers`",
        got="{likeness} in {share} of its different values, {cells} cells",
        hint="declare the item `kind: identifier`, leave the column out under `ignore`, or write in"
        " `privacy.not_identifiers` why it is none",
        file=wave.file,
        column=name if len(name) <= 80 else masked(name),
        item=found.column,
        likeness=found.kind,
        share=f"{found.share:.0%}",
        cells=f"{found.cells:,}",
    )
