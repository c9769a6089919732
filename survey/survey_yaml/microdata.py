"""What `privacy.microdata` needs that its keys alone do not show: nested hierarchies, and nothing that undoes them."""

from __future__ import annotations

from collections.abc import Iterator

from survey.characters import is_formula
from survey.codebook import Codebook
from survey.codebook.microdata import ALL, Microdata
from survey.survey_yaml.references import Mistake, Path, _unknown

PLACE: Path = ("privacy", "microdata")


def microdata_mistakes(book: Codebook) -> Iterator[Mistake]:
    """Names that cannot serve in a public-use file, hierarchies that are not nested, variables that undo them."""
    plan = book.privacy.microdata
    if plan is None:
        return
    if book.disclosure.counts.method != "exact":
        yield Mistake(
            ("disclosure", "counts"),
            expected="exact numbers beside a file of the records, whose rows anybody can count",
            got="{method}",
            hint="leave out `privacy.microdata`, or `disclosure.counts`",
            method=book.disclosure.counts.method,
        )
    watched = list(book.privacy.quasi_identifiers)
    if not watched:
        yield Mistake(
            PLACE,
            expected="quasi-identifiers, over which k is measured",
            got="none",
            hint="name them under `privacy.quasi_identifiers`",
        )
    for key in ("hierarchies", "importance"):
        for name in getattr(plan, key):
            yield from _unknown((*PLACE, key, name), name, watched, "the name of a quasi-identifier")
    for name, steps in plan.hierarchies.items():
        yield from _nested(book, name, steps)
    yield from _variables(book, plan, watched)
    yield from _codes(book, [*watched, *(step for steps in plan.hierarchies.values() for step in steps)])
    for name in plan.sensitive:
        yield from _unknown((*PLACE, "sensitive"), name, book.released(), "the name of a variable that goes out")


def _codes(book: Codebook, watched: list[str]) -> Iterator[Mistake]:
    """Codes stand in the file as they are, the same in every format: none may be a formula for who opens the CSV."""
    sources = [book.items.get(name) or book.recipes().get(name) for name in (*watched, *book.released())]
    for scale in dict.fromkeys(source.scale for source in sources if source is not None and source.scale):
        for code in filter(is_formula, book.scales[scale].levels if scale in book.scales else ()):
            yield Mistake(
                ("scales", scale, "levels", code),
                expected="a code that no spreadsheet takes for a formula, as `privacy.microdata` releases it",
                got="{code}",
                hint="give the level another code, and `recode` the delivered one",
                code=code,
            )


def _nested(book: Codebook, name: str, steps: tuple[str, ...]) -> Iterator[Mistake]:
    """Each step must be made from the one before, so that it says less and never anything else."""
    finer = name
    for step in steps:
        place: Path = (*PLACE, "hierarchies", name)
        if step == ALL:
            if step != steps[-1] or steps.count(ALL) > 1:
                yield Mistake(place, expected="* as the last step", got="* before the end", hint="move it to the end")
            return
        yield from _unknown(place, step, [*book.derived, ALL], "the name of a derived variable, or *")
        if step in book.derived and not _made_from(book, step, finer):
            yield Mistake(
                place,
                expected="a `collapse` of {finer} that takes in all its levels, or a `band` with some of its edges",
                got="{step}, which is none",
                hint="write under `derived`: {step}: {{recipe: collapse, of: {finer}, to: …}}",
                finer=finer,
                step=step,
            )
        finer = step


def _made_from(book: Codebook, coarser: str, finer: str) -> bool:
    recipe, before = book.derived[coarser], book.derived.get(finer)
    if recipe.recipe == "collapse":
        scale = book.scale_of(finer)
        taken = [code for codes in recipe.to.values() for code in codes]
        return recipe.of == (finer,) and scale is not None and sorted(taken) == sorted(scale.levels)
    banded = before is not None and before.recipe == "band" and before.of == recipe.of
    return banded and recipe.recipe == "band" and set(recipe.edges) <= set(before.edges if before else ())


def _variables(book: Codebook, plan: Microdata, watched: list[str]) -> Iterator[Mistake]:
    """What goes out beside the quasi-identifiers must not tell what they no longer do."""
    place: Path = (*PLACE, "variables")
    known = {source for name in watched for source in book.sources(name)}
    for name in plan.variables:
        yield from _unknown(place, name, [*book.items, *book.recipes()], "the name of an item or a derived variable")
        item = book.items.get(name)
        if item is not None and item.kind not in ("single", "multiple"):
            yield Mistake(
                place,
                expected="answers with a scale, derived variables and indicators",
                got="{variable}, kind {kind}",
                hint="band it first (`derived`), or leave it out",
                variable=name,
                kind=item.kind,
            )
    for name in plan.variables or book.released():
        sources = book.sources(name)
        routed = {asked for source in sources if source in book.items for asked in book.items[source].asked_if}
        if name in watched or not known.isdisjoint(sources | routed):
            yield Mistake(
                place,
                expected="variables that do not follow from a quasi-identifier",
                got="{variable}, which tells of {found}",
                hint="leave it out; quasi-identifiers go out by themselves, as fine as k allows",
                variable=name,
                found=", ".join(sorted(known & (sources | routed)) or [name]),
            )
