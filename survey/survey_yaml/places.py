"""Whether `report.map` places each area once, and no two areas on one tile."""

from __future__ import annotations

from collections.abc import Iterator

from survey.codebook import Codebook
from survey.survey_yaml.references import Mistake, Path, _unknown


def place_mistakes(book: Codebook) -> Iterator[Mistake]:
    """What could not be drawn of the map; what is in a file of borders is looked at when that is read."""
    plan, place = book.report.map, ("report", "map")
    if plan is None:
        return
    if book.report.area is None:
        yield Mistake(
            place, expected="`report.area`, whose places these are", got="none", hint="name the breakdown of areas"
        )
        return
    if bool(plan.grid) == (plan.geojson is not None):
        yield Mistake(
            place,
            expected="`grid` or `geojson`",
            got="both" if plan.grid else "neither",
            hint="say in one way where the areas lie",
        )
        return
    scale = book.scale_of(book.report.area)
    if plan.grid and scale is not None:
        yield from _tiles((*place, "grid"), plan.grid, list(scale.levels), book.report.area)


def _tiles(place: Path, grid: dict[str, tuple[int, int]], codes: list[str], area: str) -> Iterator[Mistake]:
    taken: dict[tuple[int, int], str] = {}
    for code, tile in grid.items():
        yield from _unknown((*place, code), code, codes, "the name of a level of {variable}", area)
        if tile in taken:
            yield Mistake(
                (*place, code),
                expected="a tile of its own",
                got="column {column}, row {row}, where {other} lies already",
                hint="move one of the two",
                column=tile[0],
                row=tile[1],
                other=taken[tile],
            )
        taken.setdefault(tile, code)
    lacking = [code for code in codes if code not in grid]
    if lacking:
        yield Mistake(
            place,
            expected="a tile for every area",
            got="none for {lacking}",
            hint="write {first}: [column, row]",
            lacking=", ".join(lacking),
            first=lacking[0],
        )
