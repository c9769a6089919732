"""The encoding of a delivered text, and the line where it changes: a file pasted together from two systems."""

from __future__ import annotations

import codecs
import re

from survey.errors import DataError

BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
GB2312_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
# What French, German, Spanish, Portuguese, Italian and the Nordic languages write; code pages of the east put rarer
# signs (¹, ³, £, ð) where their own letters are, so that text in them does not pass.
WESTERN = {*map(chr, range(128)), *"áéíóúñüäöåçèêàâîôûßøæëïìòùãõÿœÁÉÍÓÚÑÜÄÖÅÇÈÊÀÂÎÔÛØÆËÏÌÒÙÃÕŒ¿¡«»°ºª–—’‘“”„…€·´\u00a0"}
HAN = re.compile("[\u3400-\u9fff]")
MOSTLY = 0.9
"""Share of the bytes above 127 that stand in pairs of GB2312, from which on a text is taken for Chinese."""


def detect_encoding(content: bytes, name: str = "") -> str:
    """Encoding of a text by its byte order mark, else UTF-8 if it is, else the likeliest of the legacy ones.

    Args: name: of the file, for the error.   Raises: DataError: some lines are UTF-8 or GB18030 and others are not, so
    that no one encoding reads all of them.

    >>> detect_encoding("安全".encode()), detect_encoding(("安全感,年龄" * 20).encode("gb18030"))
    ('utf-8', 'gb18030')
    """
    for mark, encoding in BOMS:
        if content.startswith(mark):
            if encoding == "utf-8-sig" and not _decodes(content, "utf-8"):
                _one_encoding(content, name)
            return encoding
    if _decodes(content, "utf-8"):
        return "utf-8"
    paired = _paired(content)
    if paired == 1 and _decodes(content, "gb18030"):
        return "gb18030"
    _one_encoding(content, name)
    # Nearly all Chinese of GB18030 lies in the two-byte block of GB2312, where Western letters hardly ever stand in
    # pairs; general detectors take short Chinese headers for other code pages.
    if paired >= MOSTLY and _decodes(content, "gb18030"):
        return "gb18030"
    from charset_normalizer import from_bytes  # slow to import, and seldom needed

    if _decodes(content, "cp1252") and set(content.decode("cp1252")) <= WESTERN:
        return "cp1252"
    telling = b"\n".join(line for line in content.splitlines() if not line.isascii())  # the rest says nothing
    best = from_bytes(telling[:200_000]).best()
    found = best.encoding if best is not None else "latin-1"
    return found if _decodes(content, found) else "latin-1"


def _one_encoding(content: bytes, name: str) -> None:
    """Raise where the lines that say something about the encoding contradict each other.

    A line of another encoding is UTF-8 by chance only if it is very short; so a text of which most lines are UTF-8 is
    UTF-8 with damage or a foreign line in it, and Chinese in UTF-8 amid GB18030 is no chance either.
    """
    lines = [(number, line) for number, line in enumerate(content.splitlines(), start=1) if not line.isascii()]
    strange = [(number, line) for number, line in lines if not _decodes(line, "utf-8")]
    sure = sum(_is_foreign(line) and _decodes(line, "utf-8") for _, line in lines)
    if strange and (len(lines) > 2 * len(strange) or sure >= len(strange)):
        raise _mixed("UTF-8", "utf-8", *strange[0], len(strange), name)
    if _paired(content) < MOSTLY:
        return
    strange = [(number, line) for number, line in lines if _is_foreign(line)]
    if strange and len(lines) > 2 * len(strange):
        raise _mixed("GB18030", "gb18030", *strange[0], len(strange), name)


def _is_foreign(line: bytes) -> bool:
    """Whether a line amid GB18030 is none, or Chinese in UTF-8 that passes for it with other characters."""
    if not _decodes(line, "gb18030"):
        return True
    return _paired(line) < 1 and _decodes(line, "utf-8") and HAN.search(line.decode("utf-8")) is not None


def _mixed(main: str, encoding: str, number: int, line: bytes, count: int, name: str) -> DataError:
    return DataError(
        "{file} is written in {encoding} except for some lines",
        where="{file} line {line}, byte {byte} of the line",
        expected="every line in {encoding}",
        got="{count} lines that are not; this first one looks like {likely}",
        hint="ask for the whole file in one encoding, or mend these lines: a character of each is damaged or foreign",
        file=name,
        encoding=main,
        line=number,
        byte=_offset(line, encoding) + 1,
        count=count,
        likely=_likely(line),
    )


def _offset(line: bytes, encoding: str) -> int:
    """Place of the first byte that is not of the encoding; of the first above 127 where all could be."""
    try:
        line.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start
    return next(place for place, byte in enumerate(line) if byte > 127)


def _likely(line: bytes) -> str:
    """The encoding that a line by itself is likely written in.

    >>> _likely("安全".encode("gb18030")), _likely("安全".encode()), _likely(b"caf\\xe9")
    ('GB18030', 'UTF-8', 'Windows-1252')
    """
    if _decodes(line, "utf-8"):
        return "UTF-8"
    if _decodes(line, "gb18030") and _paired(line) == 1:
        return "GB18030"
    if _decodes(line, "cp1252") and set(line.decode("cp1252")) <= WESTERN:
        return "Windows-1252"
    return "no encoding"


def _paired(content: bytes) -> float:
    """Share of the bytes above 127 that stand in pairs of GB2312."""
    high = len(content) - len(content.translate(None, bytes(range(128, 256))))
    return 2 * len(GB2312_PAIR.findall(content)) / high if high else 1.0


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
