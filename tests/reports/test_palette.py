"""The palette is legible: computed contrast of text, of marks and of neighbouring answers, in light and dark."""

from __future__ import annotations

import re

import pytest

from reports.render import TEMPLATES

CSS = (TEMPLATES / "style.css").read_text(encoding="utf-8")
PRINT = CSS[CSS.index("@media print") :]


def variables(text: str) -> dict[str, str]:
    """Colours by name in the first :root of a piece of CSS."""
    block = re.search(r":root \{(.*?)\}", text, re.DOTALL)
    assert block is not None
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block[1]))


LIGHT = variables(CSS)
DARK = variables(CSS[CSS.index("prefers-color-scheme: dark") :])
PAPER = LIGHT | variables(PRINT)
SCHEMES = {"light": LIGHT, "dark": DARK, "print": PAPER}


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two colours.

    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_reads_on_every_ground(scheme: str) -> None:
    colours = SCHEMES[scheme]
    for text in ("ink", "soft", "accent", "good", "bad"):
        for ground in ("paper", "ground", "wash", "sand"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_answer_stands_out_from_the_gap_beside_it(scheme: str) -> None:
    colours = SCHEMES[scheme]
    for tone in ("p1", "p2", "p3", "n", "m3", "m2", "m1", "s1", "s2", "s3", "s4"):
        assert contrast(colours[tone], colours["paper"]) >= 3, tone


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_strong_answer_stands_out_from_the_mild_one(scheme: str) -> None:
    colours = SCHEMES[scheme]
    for strong, mild in (("p1", "p2"), ("m1", "m2"), ("s1", "s2")):
        assert contrast(colours[strong], colours[mild]) >= 3, (strong, mild)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_numbers_read_inside_the_bars(scheme: str) -> None:
    colours = SCHEMES[scheme]
    for tone in ("p1", "m1", "s1"):
        assert contrast(colours["on-dark"], colours[tone]) >= 4.5, tone
    for tone in ("p2", "p3", "n", "m3", "m2", "s2", "s3", "s4"):
        assert contrast(colours["on-mid"], colours[tone]) >= 4.5, tone
