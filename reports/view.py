"""The view model: what the page shows, ready to be set; templates only lay it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reports.charts import Funnel, Segment, Trend, Whisker

if TYPE_CHECKING:
    from reports.map import Locator, MapChart
    from reports.programmes import ProgrammeTold
    from reports.quadrant import QuadrantChart


@dataclass(frozen=True)
class Cell:
    """A number as text, or the mark that stands in its place."""

    text: str
    mark: str = ""
    caution: bool = False
    number: bool = True
    revised: bool = False


@dataclass(frozen=True)
class Drawn:
    """An interval drawing and its tone (good, bad or "" for no news)."""

    at: Whisker
    tone: str = ""


@dataclass(frozen=True)
class Card:
    """One headline figure."""

    label: str
    value: Cell
    interval: str
    plainly: str
    change: str
    state: str
    news: str
    drawn: Drawn | None
    ends: tuple[str, str]


@dataclass(frozen=True)
class Headline:
    """Block 1."""

    finding: str
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class WaveRow:
    """One wave of one indicator."""

    wave: str
    value: Cell
    interval: str
    n: str


@dataclass(frozen=True)
class TrendChart:
    """One indicator over all waves."""

    label: str
    shape: Trend
    title: str
    text: str
    ticks: tuple[tuple[str, str], ...]
    waves: tuple[tuple[str, str, str], ...]
    first: tuple[str, str, str]
    last: tuple[str, str, str]
    rows: tuple[WaveRow, ...]
    everybody: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trends:
    """Block 3."""

    finding: str
    caption: str
    charts: tuple[TrendChart, ...]


@dataclass(frozen=True)
class LevelRow:
    """One answer of one question."""

    label: str
    value: Cell
    interval: str
    drawn: Drawn | None
    detail: str = ""


@dataclass(frozen=True)
class Question:
    """One question with its answers."""

    label: str
    text: str
    note: str
    n: str
    segments: tuple[Segment, ...]
    spoken: str
    rows: tuple[LevelRow, ...]


@dataclass(frozen=True)
class Answers:
    """Questions that share a scale, drawn as bars of 100 %, or rows of intervals of answers that are no scale."""

    stacked: bool
    legend: tuple[tuple[str, str], ...]
    ends: tuple[str, str]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Chapter:
    """One chapter of the questionnaire."""

    title: str
    figures: tuple[Answers, ...]


@dataclass(frozen=True)
class Residents:
    """Block 4."""

    finding: str
    told: bool
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True)
class LeagueRow:
    """One area or group."""

    label: str
    value: Cell
    interval: str
    n: str
    versus: str
    drawn: Drawn | None
    href: str = ""


@dataclass(frozen=True)
class League:
    """One indicator by area or by group."""

    label: str
    overall: str
    ends: tuple[str, str]
    sections: tuple[tuple[str, tuple[LeagueRow, ...]], ...]
    marks: tuple[str, ...]
    remark: str = ""


@dataclass(frozen=True)
class Leagues:
    """Blocks 5 and 6."""

    finding: str
    head: str
    first: League
    others: tuple[League, ...]
    map: MapChart | None = None


@dataclass(frozen=True)
class PracticeRow:
    """One area of work: knows it, met it, is satisfied."""

    label: str
    cells: tuple[tuple[str, LevelRow], ...]


@dataclass(frozen=True)
class ModelRow:
    """One term of a regression."""

    label: str
    against: str
    effect: Cell
    interval: str
    drawn: Drawn | None
    ratio: Cell
    ratio_interval: str
    p: str


@dataclass(frozen=True)
class ModelTable:
    """One regression."""

    label: str
    outcome: str
    finding: str
    point: str
    effect_head: str
    p_head: str
    ratio_head: str
    ends: tuple[str, str]
    rows: tuple[ModelRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Drivers:
    """Block 7."""

    finding: str
    practices: tuple[PracticeRow, ...]
    kinds: tuple[str, ...]
    models: tuple[ModelTable, ...]
    adjusted: str = ""
    quadrant: QuadrantChart | None = None
    programmes: tuple[ProgrammeTold, ...] = ()


@dataclass(frozen=True)
class Table:
    """A plain table; the first cell of a row is its head."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    folded: bool = False


@dataclass(frozen=True)
class FunnelChart:
    """A pattern by cluster against what is usual, the points without names."""

    label: str
    text: str
    shape: Funnel
    across: tuple[tuple[str, str], ...]
    up: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """One part of "how it was done"."""

    title: str
    anchor: str
    text: tuple[str, ...] = ()
    terms: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    funnels: tuple[FunnelChart, ...] = ()
    folded: bool = False


@dataclass(frozen=True)
class Method:
    """Block 8, or a whole page of such parts."""

    finding: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Link:
    """Where a word leads; "" is where the reader is already.   key: the kind of page, where it is one."""

    text: str
    href: str
    key: str = ""


@dataclass(frozen=True)
class Frame:
    """What stands around the content of every page: where the reader is, and where else to go."""

    kind: str
    heading: str
    title: str
    publisher: str
    when: str
    fieldwork: str
    interviews: str
    simulated: bool
    source: str
    crumbs: tuple[Link, ...]
    pages: tuple[Link, ...]
    languages: tuple[tuple[str, str, str], ...]
    downloads: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, str], ...] = ()
    """What else may be taken away: workbooks, figures for programs."""
    revision: tuple[str, ...] = ()
    """The note of a report that takes the place of one made of other deliveries."""


@dataclass(frozen=True)
class OwnRow:
    """One indicator of an area: its share, against everybody outside it, against the wave before."""

    label: str
    everybody: str
    value: Cell
    interval: str
    drawn: Drawn | None
    versus: str
    versus_tone: str
    change: str
    change_tone: str
    n: str


@dataclass(frozen=True)
class AreaPage:
    """One area in one language."""

    name: str
    finding: str
    card: Card | None
    rows: tuple[OwnRow, ...]
    ends: tuple[str, str]
    marks: tuple[str, ...]
    trends: Trends | None
    concern: str
    concerns: tuple[str, ...]
    practices: tuple[PracticeRow, ...]
    kinds: tuple[str, ...]
    practice_marks: tuple[str, ...]
    sample: Section
    legend: Section
    others: tuple[Link, ...]
    locator: Locator | None = None


@dataclass(frozen=True)
class Page:
    """The report on the city in one language."""

    headline: Headline
    points: tuple[str, ...]
    trends: Trends | None
    residents: Residents | None
    areas: Leagues | None
    groups: Leagues | None
    drivers: Drivers | None
    method: Method
    remarks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What a reviewer added to a block, by its name."""
    onward: str = ""
    """What the page of changes found; "" where there is none."""
