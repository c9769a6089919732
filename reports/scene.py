"""What every block is built from: the figures, the facts, the codebook, the wave and the language."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reports.charts import Axis, axis, whisker
from reports.figures import Figure, Figures
from reports.language import LABEL_LENGTH, Language, isolated, plain
from reports.view import Cell, Drawn
from survey.codebook import Codebook
from survey.survey_yaml.borders import Shapes
from survey.survey_yaml.notes import Notes

if TYPE_CHECKING:
    from reports.revisions import Revision


@dataclass(frozen=True)
class Scene:
    """One wave of one survey, told in one language."""

    figures: Figures
    facts: Mapping[str, Any]
    book: Codebook
    wave: str
    lang: Language
    files: tuple[str, ...] = ()
    """Names of the files that readers may take away beside the pages."""
    notes: Notes | None = None
    shapes: Shapes | None = None
    """Borders of the areas, where survey.yaml names a file of them."""
    revision: Revision | None = None
    """What differs from an earlier version made of other deliveries, where there is one."""

    @property
    def waves(self) -> list[str]:
        """Waves of the codebook up to this one, in order."""
        return self.book.earlier(self.wave)

    def fact(self, *path: str) -> Any:
        """A fact by section and key, None when it is missing."""
        found: Any = self.facts
        for key in path:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    @property
    def used(self) -> float | None:
        """Completed interviews behind the figures: those that could be weighted."""
        completes, lost = self.fact("sample", "completes"), self.fact("weighting", "without_base")
        if not isinstance(completes, int | float):
            return None
        return completes - (lost if isinstance(lost, int | float) else 0)

    @property
    def areas(self) -> list[str]:
        """Areas that have a page of their own: those with a row of a headline indicator, shown or not, in order."""
        by = self.book.report.area
        if by is None:
            return []
        rows = (row for name in self.book.report.headline for row in self.figures.all(self.wave, name, "mean", by))
        return self.levels(by, list(dict.fromkeys(row.group for row in rows)))

    def file(self, stem: str) -> str:
        """Name of a page's file in this language; "" is the report on the city."""
        return page_file(self.lang.code, stem)

    def averaged(self, name: str) -> str:
        """A remark for an indicator that is no share of persons but averages the items each of them was asked."""
        recipe = self.book.indicators.get(name)
        several = recipe is not None and recipe.recipe == "share" and len(recipe.of) > 1
        return self.lang.t("mean share of items") if several else ""

    def label(self, variable: str) -> str:
        """Short wording of a variable."""
        key = (variable,)
        if key not in self._worded:
            self._worded[key] = isolated(plain(self.book.label(variable, self.lang.code), LABEL_LENGTH))
        return self._worded[key]

    def level(self, variable: str, code: str) -> str:
        """Wording of a level; yes and no for variables that are 0 or 1."""
        key = (variable, code)
        if key not in self._worded:
            self._worded[key] = self._level(variable, code)
        return self._worded[key]

    def _level(self, variable: str, code: str) -> str:
        if self.book.scale_of(variable) is None and code in ("0", "1"):
            return self.lang.t("Yes") if code == "1" else self.lang.t("No")
        return isolated(plain(self.book.level_label(variable, code, self.lang.code), LABEL_LENGTH))

    @cached_property
    def _worded(self) -> dict[tuple[str, ...], str]:
        """Variables and levels that were worded already: the same few stand in thousands of cells."""
        return {}

    def levels(self, variable: str, found: Sequence[str]) -> list[str]:
        """Codes in the order of the scale, then those no scale knows."""
        scale = self.book.scale_of(variable)
        known = [code for code in (scale.levels if scale else {}) if code in found]
        return known + [code for code in found if code not in known]

    def cell(self, figure: Figure | None, places: int = 1) -> Cell:
        """A share as it stands in a table."""
        if figure is None:
            return Cell("", mark="x")
        if not figure.shown:
            return Cell("", mark=figure.mark)
        return Cell(self.lang.percent(figure.estimate, places), caution=figure.caution, revised=figure.revised)

    def interval(self, figure: Figure | None) -> str:
        """The interval of a share for a table, "" when there is none to show."""
        if figure is None or not figure.bounded:
            return ""
        return self.lang.span(figure.low, figure.high)

    def size(self, figure: Figure | None) -> str:
        """The number of respondents behind a figure, "" when it may not be told."""
        return self.lang.count(figure.n) if figure is not None and figure.shown and figure.n == figure.n else ""

    def drawn(self, figure: Figure | None, scale: Axis, reference: float | None = None, tone: str = "") -> Drawn | None:
        """The drawing of an interval."""
        if figure is None or not figure.bounded:
            return None
        return Drawn(whisker(scale, figure.estimate, figure.low, figure.high, reference), tone)

    def axis_words(self, scale: Axis) -> tuple[str, str]:
        """Both ends of an axis of shares."""
        return self.lang.percent(scale.low, 0), self.lang.percent(scale.high, 0)


def page_file(code: str, stem: str) -> str:
    """Name of a page's file in a language.

    >>> page_file("zh", ""), page_file("en", "methods")
    ('zh.html', 'en-methods.html')
    """
    return f"{code}-{stem}.html" if stem else f"{code}.html"


def area_stem(code: str) -> str:
    """Stem of an area's file, the same in every wave; a code that is no plain word stands for itself by its digest.

    >>> area_stem("7"), area_stem("../x")
    ('area-7', 'area-xd6b96a97')
    """
    safe = re.fullmatch(r"[a-z0-9]{1,32}", code)
    return f"area-{code}" if safe else f"area-x{hashlib.sha256(code.encode()).hexdigest()[:8]}"


def shares_axis(figures: Sequence[Figure | None], span: float = 0.2) -> Axis:
    """Axis that holds the intervals of all figures that may be shown."""
    shown = [figure for figure in figures if figure is not None and figure.bounded]
    return axis([value for figure in shown for value in (figure.low, figure.high)], span=span)
