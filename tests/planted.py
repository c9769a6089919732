"""Identifiers of people who do not exist, of every kind, planted into a delivery; and the search for them in bytes."""

from __future__ import annotations

import base64
import io
import re
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from simulation.identifiers import FIRST, SECOND, STREETS, SURNAMES, id_number
from tests.small_survey import YAML, frame

ROWS = 1_000
WINDOW = 6
"""Bytes by which a hit is first suspected: a Chinese name of three characters in GB18030."""
BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{40,}={0,2}")
SYLLABLES = ("al", "ber", "cor", "dan", "el", "fer", "gil", "hal", "ing", "jor", "kel", "lo", "mar", "nor", "os", "pen")
COLUMNS = ("id_number", "card", "plate", "email", "wechat", "address_of_net", "place", "address")


def identifiers(seed: int = 20261125, rows: int = ROWS) -> dict[str, list[str]]:
    """Kind → as many distinct identifiers as there are rows, under prefixes that nobody is given."""
    rng = np.random.default_rng(seed)
    draw = rng.integers
    kinds = {
        "id_number": lambda i: id_number(
            100 + i % 800, f"{1940 + i % 60}{1 + i % 12:02d}{1 + i % 28:02d}", 1 + i % 999
        ),
        "name": lambda _: _one(SURNAMES, rng) + _one(FIRST, rng) + _one(SECOND, rng),
        "phone": lambda i: _spaced(f"142{draw(10**8):08d}", i),
        "card": lambda i: f"9{draw(10**9):09d}{draw(10**9):09d}"[: 19 if i % 2 else 16],
        "plate": lambda _: f"澄{_one('ABCDEFGH', rng)}{draw(10**5):05d}{_one('DF', rng)}",
        "email": lambda _: f"{_word(rng)}.{_word(rng)}{draw(1000)}@mail.example",
        "wechat": lambda _: f"wxid_{_word(rng)}{draw(10**6):06d}",
        "address_of_net": lambda i: (
            f"10.{draw(100, 256)}.{draw(100, 256)}.{draw(100, 256)}"
            if i % 2
            else ":".join(f"{draw(256):02X}" for _ in range(6))
        ),
        "place": lambda _: f"{draw(3, 54)}.{draw(10**6):06d},{draw(73, 136)}.{draw(10**6):06d}",
        "address": lambda _: f"{_one(STREETS, rng)}{draw(1, 999)}号{draw(1, 99)}幢{draw(1, 30)}{draw(1, 9):02d}室",
        "landline": lambda _: f"0300-{draw(2_000_000, 8_999_999)}",
        "number_of_chat": lambda _: f"9{draw(10**10):010d}",
        "english_name": lambda _: f"{_word(rng).title()} {_word(rng).title()}",
        "english_address": lambda _: f"{draw(1, 999)} {_word(rng).title()} Lane, Flat {draw(1, 99)}",
    }
    return {kind: _distinct(make, rows) for kind, make in kinds.items()}


def _distinct(make: object, rows: int) -> list[str]:
    found: dict[str, None] = {}
    place = 0
    while len(found) < rows:
        found[make(place)] = None  # type: ignore[operator]
        place += 1
    return list(found)


def _one(letters: Iterable[str], rng: np.random.Generator) -> str:
    chosen = tuple(letters)
    return chosen[int(rng.integers(len(chosen)))]


def _word(rng: np.random.Generator) -> str:
    return "".join(_one(SYLLABLES, rng) for _ in range(4))


def _spaced(number: str, place: int) -> str:
    gap = ("", " ", "-", "")[place % 4]
    return ("+86 " if place % 5 == 0 else "") + gap.join((number[:3], number[3:7], number[7:]))


SURVEY = YAML.replace(
    "  remark:",
    "".join(f"  {name}: {{kind: identifier}}\n" for name in COLUMNS) + "  remark:",
).replace(
    "weighting: {base: weight_in,", "weighting: {base: weight_in, blank_base: exclude,"
)  # fmt: skip


def planted(found: dict[str, list[str]]) -> pd.DataFrame:
    """A delivery that passes: identifiers in their columns and remarks, and a few where they do not belong."""
    rows = frame(ROWS)
    rows["person"] = [f"P{number[:17]}" for number in found["id_number"]]
    rows["name"] = [name + ("女士", "先生", "老师", "")[i % 4] for i, name in enumerate(found["name"])]
    rows["phone"] = found["phone"]
    for column in COLUMNS:
        rows[column] = found[column]
    rows["remark"] = [
        f"请找{en}（座机{line}，QQ {chat}），住{home}; call Mrs {en} at {line}"
        for en, line, chat, home in zip(
            found["english_name"], found["landline"], found["number_of_chat"], found["english_address"], strict=True
        )
    ]
    rows.loc[3:8, "safe"] = found["name"][3:9]
    rows.loc[10:15, "lights"] = found["phone"][10:16]
    rows.loc[20:23, "weight_in"] = found["card"][20:24]
    rows.loc[30:33, "age"] = found["email"][30:34]
    rows.loc[40:42, "age"] = found["number_of_chat"][40:43]
    contradiction = rows.loc[[50]].assign(safe="1", lights="2", age="99", remark=found["english_name"][1])
    return pd.concat([rows, rows.loc[[60]], contradiction], ignore_index=True)


def repeated(found: dict[str, list[str]]) -> pd.DataFrame:
    """A delivery in which a dozen identifiers of each kind stand for many respondents each, and some among codes."""
    rows = frame(ROWS)
    for place, (kind, texts) in enumerate(found.items()):
        rows[f"q{place + 20}"] = [texts[row % 12] for row in range(ROWS)]
        rows[f"of_{kind}"] = [texts[12 + row % 300] for row in range(ROWS)]
    rows.loc[:5, "lights"] = found["name"][400:402] * 3
    rows.loc[6:11, "safe"] = found["phone"][401:403] * 3
    return rows


def everything(folders: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of all that lies in folders but deliveries; names of files too, and what is packed inside them."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if "/data/raw/" in str(path):
                continue
            yield f"name of {path}", str(path.relative_to(folder)).encode()
            if path.is_file():
                content = path.read_bytes()
                yield str(path), content
                yield from ((f"{path} unpacked", inner) for inner in _unpacked(path, content))


def _unpacked(path: Path, content: bytes) -> Iterator[bytes]:
    if path.suffix == ".parquet":
        table = pd.read_parquet(io.BytesIO(content))
        for column in table:
            yield "\n".join([str(column), *map(str, table[column].unique())]).encode()
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    if content.startswith(b"SQLite format 3"):
        with closing(sqlite3.connect(path)) as database:
            yield "\n".join(database.iterdump()).encode()
    for packed in BASE64.findall(content):
        bare = packed.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        bare = bare[: len(bare) - (len(bare) % 4 == 1)]
        yield base64.b64decode(bare + b"=" * (-len(bare) % 4))


class Search:
    """Looks for thousands of texts at once, in every encoding they may stand in."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.patterns: dict[int, list[tuple[bytes, str]]] = {}
        for text in texts:
            for pattern in _encoded(text):
                self.patterns.setdefault(int.from_bytes(pattern[:WINDOW], "little"), []).append((pattern, text))
        self.keys = np.array(sorted(self.patterns), dtype=np.uint64)

    def __call__(self, content: bytes) -> set[str]:
        """The texts that stand in the content."""
        found: set[str] = set()
        step = 1 << 20
        for start in range(0, max(len(content) - WINDOW + 1, 0), step):
            piece = np.frombuffer(content[start : start + step + WINDOW - 1], dtype=np.uint8).astype(np.uint64)
            windows = sum(piece[i : len(piece) - WINDOW + 1 + i] << np.uint64(8 * i) for i in range(WINDOW))
            places = np.searchsorted(self.keys, windows).clip(max=len(self.keys) - 1)
            for place in np.flatnonzero(self.keys[places] == windows):
                at = start + int(place)
                for pattern, text in self.patterns[int(windows[place])]:
                    if content.startswith(pattern, at):
                        found.add(text)
        return found


def _encoded(text: str) -> Iterator[bytes]:
    forms = {text, text.replace(" ", "").replace("-", ""), text.encode("unicode_escape").decode()}
    if text.isdigit():
        forms.add(f"{int(text):,}")
    for form in forms:
        yield from {form.encode(), form.encode("utf-16-le"), form.encode("utf-16-be"), form.encode("gb18030")}
