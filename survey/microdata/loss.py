"""What an analyst loses: the same figures from the public-use file and from the private one, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from survey import estimate
from survey.codebook import Codebook
from survey.design import SurveyDesign
from survey.microdata.dictionary import Variable
from survey.microdata.release import PublicUse
from survey.weighting import crossing

STRATUM = "stratum_"
FIGURES = ["variable", "level", "share", "se", "share_public", "se_public"]


def design_of_file(frame: pd.DataFrame, variables: Sequence[Variable], book: Codebook) -> SurveyDesign:
    """The sample design of a public-use file, from its own columns."""
    named = {
        part: [own.name for own in variables if own.part == part] for part in ("weight", "stratum", "unit", "size")
    }
    return SurveyDesign(
        frame,
        weights=named["weight"][0],
        strata=named["stratum"] or None,
        psu=named["unit"] or None,
        fpc=named["size"] or None,
        lonely_psu=book.design.lonely_psu,
    )


def private_design(frame: pd.DataFrame, book: Codebook, weight: str) -> SurveyDesign:
    """The same design on the private frame, calibration left aside as in the file."""
    settings = book.design
    if settings.strata:
        frame = frame.assign(**{STRATUM: crossing(frame, ":".join(settings.strata))})
    return SurveyDesign(
        frame,
        weights=weight,
        strata=STRATUM if settings.strata else None,
        psu=list(settings.psu) or None,
        fpc=list(settings.fpc) or None,
        lonely_psu=settings.lonely_psu,
        nest=bool(settings.psu and settings.strata),
    )


def losses(frame: pd.DataFrame, made: PublicUse, book: Codebook, weight: str) -> pd.DataFrame:
    """Share and SE of each level of each quasi-identifier that went out, from either file; private, never published.

    Columns: variable, level, share, se, share_public, se_public. A level of a variable that was made coarser has no
    public figure.
    """
    private, public = private_design(frame, book, weight), design_of_file(made.frame, made.variables, book)
    tables = []
    for name, released in zip(made.protected.names, made.protected.released, strict=True):
        own = _shares(private, name, ["share", "se"])
        if released == name:
            own = own.merge(_shares(public, released, ["share_public", "se_public"]), on="level", how="left")
        tables.append(own.assign(variable=name))
        if released not in ("", name):
            coarse = _shares(private, released, ["share", "se"])
            both = coarse.merge(_shares(public, released, ["share_public", "se_public"]), on="level", how="left")
            tables.append(both.assign(variable=released))
    return pd.concat(tables, ignore_index=True).reindex(columns=FIGURES)


def largest_changes(table: pd.DataFrame) -> dict[str, float]:
    """Variable → largest change of a share in points, rounded up to whole half points so that no blanked cell shows.

    >>> table = pd.DataFrame({"variable": ["sex"], "share": [0.5], "share_public": [0.5011]})
    >>> largest_changes(table)
    {'sex': 0.5}
    """
    shown = table.dropna(subset=["share_public"])
    gap = 100 * (shown["share_public"] - shown["share"]).abs()
    gap = gap.mask(gap < 1e-8, 0.0)
    return {
        str(name): math.ceil(2 * most) / 2 for name, most in gap.groupby(shown["variable"], sort=False).max().items()
    }


def _shares(design: SurveyDesign, name: str, columns: Sequence[str]) -> pd.DataFrame:
    rows = estimate.proportion(design, [name])
    return rows[["level", "estimate", "se"]].set_axis(["level", *columns], axis=1)
