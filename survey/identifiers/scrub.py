"""Free texts with a typed placeholder in the place of each identifier."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from survey.identifiers.names import names_beside
from survey.identifiers.numbers import Spans
from survey.identifiers.recognisers import PLACEHOLDER, PLACEHOLDERS, RECOGNISERS, Recogniser
from survey.identifiers.writing import plain

HAN = re.compile("[\u4e00-\u9fff]")
CHINESE = {each.kind: f"[{each.zh}]" for each in RECOGNISERS}
ENGLISH = {each.kind: f"[{each.kind}]" for each in RECOGNISERS}
HERE = "\N{OBJECT REPLACEMENT CHARACTER}"
BESIDE = Recogniser("name", "姓名", names_beside, HAN)


class Piece(NamedTuple):
    """A stretch of a text, from `start` on, and the kind of identifier it is; "" for what stays."""

    text: str
    start: int
    kind: str = ""

    @property
    def stop(self) -> int:
        """Place after its last letter."""
        return self.start + len(self.text)


def located(text: str) -> list[Piece]:
    """A text cut into what stays and what identifies.

    Looked through again until nothing more is found; placeholders of an earlier scrubbing count as what they stand for,
    are never looked into, and never joined with what stands beside them.

    >>> [tuple(piece) for piece in located("找张女士")]
    [('找', 0, ''), ('张女士', 1, 'name')]
    """
    pieces: list[Piece] = []
    place = 0
    for part in PLACEHOLDER.split(text):
        pieces.append(Piece(part, place, PLACEHOLDERS.get(part, "")))
        place += len(part)
    chinese = HAN.search(text) is not None
    while True:
        before = len(pieces)
        for each in RECOGNISERS:
            pieces = [own for piece in pieces for own in _cut(piece, each)]
        if chinese and any(piece.kind for piece in pieces):
            pieces = [own for piece in pieces for own in _cut(piece, BESIDE, "" if piece.stop == len(text) else HERE)]
        if len(pieces) == before:
            return [piece for piece in pieces if piece.text]


def kind_of(cell: str) -> str:
    """The kind of identifier that makes up most of a cell, "" where none does.

    >>> [kind_of(cell) for cell in ("138-0013-8000", "张女士", "临溪大道9号4幢101室", "非常安全")]
    ['phone', 'name', 'address', '']
    """
    longest = max(located(cell.strip()), key=lambda piece: len(piece.text), default=Piece("", 0))
    return longest.kind


def scrubbed(text: str) -> str:
    """A text in which each identifier is replaced by its kind: in Chinese where the text is, else in English.

    Scrubbing a second time changes nothing.

    >>> scrubbed("我姓王，电话１３８-0013-8000，住人民路12号3栋501室"), scrubbed("Call Mr Smith on 020 7946 0958")
    ('我姓王，电话[电话]，住[地址]', 'Call [name] on [phone]')
    """
    words = CHINESE if HAN.search(text) else ENGLISH
    return "".join(words.get(piece.kind, piece.text) for piece in located(text))


def _cut(piece: Piece, recogniser: Recogniser, more: str = "") -> list[Piece]:
    """A piece cut at its identifiers of one kind; `more` tells the recogniser that the text goes on."""
    if piece.kind or not piece.text:
        return [piece]
    written, places = plain(piece.text + more)
    if not recogniser.needs.search(written):
        return [piece]
    pieces: list[Piece] = []
    end = 0
    for start, stop in _apart(recogniser.spans, written):
        begin, after = places[start], places[stop - 1] + 1
        pieces += [
            Piece(piece.text[end:begin], piece.start + end),
            Piece(piece.text[begin:after], piece.start + begin, recogniser.kind),
        ]
        end = after
    return [*pieces, Piece(piece.text[end:], piece.start + end)] if pieces else [piece]


def _apart(spans: Callable[[str], Spans], text: str) -> list[tuple[int, int]]:
    """Spans in order, those that overlap or touch joined."""
    joined: list[tuple[int, int]] = []
    for start, stop in sorted(spans(text)):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined


def scrub(texts: pd.Series) -> tuple[pd.Series, dict[str, int]]:
    """Texts with placeholders, and by kind how many of the texts contain one; equal texts are looked at once.

    >>> scrub(pd.Series(["路灯太暗", "找张女士", ""]))[1]
    {'name': 1}
    """
    codes, uniques = pd.factorize(texts)
    clean = pd.Index([scrubbed(str(text)) for text in uniques], dtype="str")
    out = pd.Series(clean.take(codes), index=texts.index, name=texts.name) if len(clean) else texts.astype("str")
    return out, contained(out)


def contained(texts: pd.Series) -> dict[str, int]:
    """By kind, how many of the scrubbed texts contain a placeholder of it; kinds that none contains are left out.

    >>> contained(pd.Series(["[phone] or [phone]", "[电话]", "dark street"]))
    {'phone': 2}
    """
    counts: Counter[str] = Counter()
    for text, n in texts.value_counts().items():
        for kind in {PLACEHOLDERS[found] for found in PLACEHOLDER.findall(str(text))}:
            counts[kind] += int(n)
    return {kind: counts[kind] for kind in dict.fromkeys(PLACEHOLDERS.values()) if counts[kind]}
