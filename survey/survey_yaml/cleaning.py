"""Names that nothing defines in what survey.yaml says about cleaning: checks, spread items, scores, breaks, gates."""

from __future__ import annotations

from collections.abc import Iterator

from survey.codebook import Codebook, Spread, Wave, filled_codes
from survey.rules import NAMED
from survey.survey_yaml.references import Mistake, Path, _levels, _unknown


def cleaning_mistakes(book: Codebook) -> Iterator[Mistake]:
    """What cleaning could not follow."""
    yield from _checks(book)
    yield from _scores(book)
    yield from _loops(book)
    for rule in book.gates.max_fired:
        yield from _unknown(("gates", "max_fired", rule), rule, list(NAMED), "the name of a rule of cleaning")
    yield from _near_duplicates(book)
    variables = [*book.items, *book.recipes()]
    for name, wave in book.waves.items():
        for variable in wave.breaks:
            place = ("waves", name, "breaks", variable)
            yield from _unknown(place, variable, variables, "the name of an item or a derived variable")
        yield from _turned(book, ("waves", name), wave)
        for item, spread in wave.multiple.items():
            yield from _spread(book, ("waves", name, "multiple", item), item, spread)


def _turned(book: Codebook, place: Path, wave: Wave) -> Iterator[Mistake]:
    """Scales turned that have no order or are recoded too, and recodes that would mix two levels."""
    for position, item in enumerate(wave.reverse):
        scale, where = book.scale_of(item), (*place, "reverse", position)
        if scale is None or not scale.ordered:
            yield Mistake(
                where,
                expected="an item with an ordered scale",
                got="{item}, whose answers have no order",
                hint="say what each code is under `recode`",
                item=item,
            )
        elif item in wave.recode:
            yield Mistake(
                where,
                expected="`reverse` or `recode` of an item",
                got="both of {item}",
                hint="one may undo the other: write the whole mapping under `recode`",
                item=item,
            )
    for item, codes in wave.recode.items():
        scale = book.scale_of(item)
        made = {new for old, new in codes.items() if scale and old in scale.levels and new != old}
        for code in (code for code in filled_codes(codes, scale) if code in made):
            yield Mistake(
                (*place, "recode", item),
                expected="every code of the scale, also those that stay",
                got="another code becomes {code}, and {code} itself is not listed",
                hint="add what {code} stands for in this wave; `{code}: {code}` if it stays what it is",
                code=code,
            )


def _near_duplicates(book: Codebook) -> Iterator[Mistake]:
    settings = book.cleaning.near_duplicates
    if settings is None:
        return
    place: Path = ("cleaning", "near_duplicates")
    for block in settings.blocks:
        yield from _unknown((*place, "blocks"), block, list(book.blocks), "the name of a block")
    compared = len(book.compared())
    if compared < settings.min_items:  # nobody would ever be found, and nobody told
        yield Mistake(
            (*place, "min_items") if "min_items" in settings.model_fields_set else place,
            expected="at most as many answers alike as questions are compared, {compared}",
            got="{fewest}",
            hint="lower `min_items`, name other `blocks`, or leave near_duplicates out",
            compared=compared,
            fewest=settings.min_items,
        )


def _checks(book: Codebook) -> Iterator[Mistake]:
    for name, check in book.checks.items():
        for key, conditions in (("if", check.if_), ("then", check.then)):
            for variable, codes in conditions.items():
                place: Path = ("checks", name, key, variable)
                known = [*book.items, *book.derived]
                yield from _unknown(place, variable, known, "the name of an item or a derived variable")
                yield from _levels(book, place, variable, codes)
        place = ("checks", name, "of") if check.of else ("checks", name, "then")
        yield from _unknown(place, check.doubtful, list(book.items), "the name of an item")


def _scores(book: Codebook) -> Iterator[Mistake]:
    for name, recipe in book.derived.items():
        place: Path = ("derived", name)
        if recipe.recipe != "index":
            continue
        for source in recipe.of:
            yield from _levels(book, (*place, "scores"), source, list(recipe.scores))
            if book.scale_of(source) is None or (source in book.items and book.items[source].kind != "single"):
                yield Mistake(
                    (*place, "of"),
                    expected="answers with a scale to score",
                    got="{found}",
                    hint="band the number first, or leave it out",
                    found=source,
                )
        if recipe.scores and len(set(recipe.scores.values())) < 2:
            yield Mistake(
                (*place, "scores"),
                expected="two different scores or more",
                got="one",
                hint="give each level its score",
            )


def _loops(book: Codebook) -> Iterator[Mistake]:
    for name in book.items:
        behind, waiting = set[str](), list(book.items[name].asked_if)
        while waiting:
            other = waiting.pop()
            if other in book.items and other not in behind:
                behind.add(other)
                waiting += book.items[other].asked_if
        if name in behind:
            yield Mistake(
                ("items", name, "asked_if"),
                expected="a filter that does not depend on this item",
                got="a circle",
                hint="break it: one of the questions is asked first",
            )
            return


def _spread(book: Codebook, place: Path, item: str, spread: Spread) -> Iterator[Mistake]:
    yield from _unknown(place, item, list(book.items), "the name of an item")
    if item in book.items and book.items[item].kind != "multiple":
        yield Mistake(
            place, expected="an item of kind multiple", got="another kind", hint="map its one column under `columns`"
        )
    if isinstance(spread.columns, dict):
        yield from _levels(book, (*place, "columns"), item, list(spread.columns.values()))
    both = set(spread.chosen) & set(spread.not_chosen)
    if both and isinstance(spread.columns, dict):
        yield Mistake(
            (*place, "chosen"),
            expected="codes that are not under `not_chosen` as well",
            got="{code}",
            hint="name both lists",
            code=min(both),
        )
