"""The sample design of rows that are never all in one place: what a part is asked for, and the design of its units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.design import SurveyDesign
from survey.errors import DesignError
from survey.partitioned.raking import Raked
from survey.sampling import columns
from survey.sampling.linearized import Floats, Ints, LonelyPsu, sum_by


@dataclass(frozen=True)
class Sample:
    """The columns of a design, as `survey.design.SurveyDesign` takes them, and an expression of the domain.

    Args:
        weights: column; with raked that of the weights before.
        domain: as for `DataFrame.eval`; rows outside keep their units in the design.
        raked: of `survey.partitioned.rake`; variances use the residuals of its margins then.
    Raises: DesignError: no sampling units are named: then every row is one, and no table of units is smaller.
    """

    weights: str
    psu: str | Sequence[str]
    strata: str | Sequence[str] | None = None
    fpc: str | Sequence[str] | None = None
    nest: bool = False
    lonely_psu: LonelyPsu = "fail"
    domain: str = ""
    raked: Raked | None = None

    def __post_init__(self) -> None:
        if not columns.names(self.psu):
            raise DesignError("Rows in parts need sampling units", expected="one or more columns of psu",
                              hint="a simple random sample of rows is taken by SurveyDesign, in memory")  # fmt: skip

    @property
    def depth(self) -> int:
        """Stages that add to the variance: one more than have a population size."""
        return min(len(columns.names(self.fpc)) + 1, len(columns.names(self.psu)))

    @property
    def roles(self) -> list[tuple[str, str]]:
        """Column → role, of all columns that tell units apart."""
        parts = [("strata", columns.names(self.strata)), ("psu", columns.names(self.psu))]
        found = [(name, role) for role, names in parts for name in names[: self.depth]]
        return [*found, *((name, "fpc") for name in columns.names(self.fpc))]

    def needed(self, names: Sequence[str]) -> list[str]:
        """The columns of the data that the design and its domain name."""
        words = {self.weights, *(name for name, _ in self.roles), *(self.raked.items if self.raked else ())}
        return [name for name in names if name in words or (self.domain and name in self.domain)]

    def weighted(self, frame: pd.DataFrame) -> Floats:
        """Weights of a part (n,); a part may have none above 0.   Raises: DesignError: as `SurveyDesign`."""
        raw = columns.column(frame, self.weights, "weights")
        if len(raw) and (raw == 0).all():
            return np.zeros(len(raw))
        base = columns.weights(frame, self.weights, implied=None)
        return base if self.raked is None else base * self.raked.factor[self.raked.cell(frame)]

    def inside(self, frame: pd.DataFrame, weights: Floats) -> Floats:
        """Weights (n,), 0 outside the domain."""
        return np.where(columns.as_mask(frame, self.domain), weights, 0.0) if self.domain else weights

    def effects(self, frame: pd.DataFrame, unit: Ints, units: int, weights: Floats) -> Floats:
        """Raked weight of a part by unit and level of the margins (units, M); without raking no levels."""
        if self.raked is None:
            return np.zeros((units, 0))
        cells = len(self.raked.cells)
        table = np.bincount(unit * cells + self.raked.cell(frame), weights, units * cells)
        return np.asarray(table.reshape(units, cells) @ self.raked.model)

    def design(self, units: pd.DataFrame, weights: Floats | None = None) -> SurveyDesign:
        """The design of the sampling units of all parts, one row a unit.   Raises: DesignError: as `SurveyDesign`."""
        strata, psu, fpc = (columns.names(each)[: self.depth] for each in (self.strata, self.psu, self.fpc))
        d = SurveyDesign(units, np.ones(len(units)), strata or None, psu, fpc or None, self.lonely_psu, self.nest)
        return d if weights is None else d.reweighted(weights)


def by_unit(d: SurveyDesign, table: Floats) -> Floats:
    """A table by the design's rows (units, …) as one by its compiled units (U, p)."""
    assert d.linearized is not None
    return sum_by(d.linearized.unit, table.reshape(len(table), -1), d.linearized.units)


def freedom(d: SurveyDesign, there: NDArray[Any]) -> tuple[Floats, Floats]:
    """Degrees of freedom and first-stage units of groups with respondents `there` (units, groups)."""
    assert d.linearized is not None
    counts = []
    for code in (d.linearized.row_psu, d.linearized.row_stratum):
        seen = np.zeros((int(code.max()) + 1, there.shape[1]), dtype=bool)
        np.logical_or.at(seen, code, there > 0)
        counts.append(seen.sum(axis=0).astype(float))
    psus, strata = counts
    return psus - strata, psus
