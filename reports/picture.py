"""What every picture that stands alone has around its drawing: title, legend, marks explained, source."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reports.canvas import EDGE, WIDTH, Canvas, cut, text_width
from reports.language import Language
from reports.sheets import marks


@dataclass(frozen=True)
class About:
    """What stands on every picture: whose survey, which wave, whether its data are simulated."""

    title: str
    wave: str
    publisher: str
    simulated: bool


def begin(about: About, lang: Language, title: str, note: str) -> Canvas:
    """A drawing with its title, and below it whose survey it is of and what it shows."""
    canvas = Canvas(lang)
    canvas.lines(title, 24, bold=True)
    canvas.lines(f"{about.title} · {lang.wave(about.wave)}{' · ' if note else ''}{note}", 15, "soft")
    canvas.y += 18
    return canvas


def end(about: About, lang: Language, canvas: Canvas, title: str, description: str, n: str = "") -> bytes:
    """The line below the drawing: whose figures these are, of how many persons."""
    canvas.y += 10
    drawn = " ".join(canvas.parts)
    for mark, meaning in (
        *marks(lang),
        ("!", lang.t("Few respondents or sampling units, or a share close to all; read it with its interval.")),
    ):
        if re.search(rf">[^<]*{re.escape(mark)}", drawn):
            canvas.lines(f"{mark} {meaning}", 14, "soft")
    simulated = lang.t("Simulated data.") if about.simulated else ""
    parts = [f"n = {n}" if n else "", lang.t("Source: %(text)s", text=about.publisher), simulated]
    canvas.lines(" · ".join(part for part in parts if part), 14, "soft")
    return canvas.svg(title, description)


def legend(canvas: Canvas, entries: Sequence[tuple[str, Callable[[float, float], None]]]) -> None:
    """Words, each beside what is drawn for it at the place it is given, in as many lines as they take."""
    x = float(EDGE)
    for text, swatch in entries:
        text = cut(text, 15, WIDTH - 2 * EDGE - 40)
        wide = 22 + text_width(text, 15) + 18
        if x + wide > WIDTH - EDGE and x > EDGE:
            x, canvas.y = float(EDGE), canvas.y + 24
        swatch(x, canvas.y)
        canvas.text(x + 20, canvas.y + 12.5, text, 15)
        x += wide
    canvas.y += 34
