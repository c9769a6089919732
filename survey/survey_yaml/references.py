"""Names that nothing defines, and what a part of survey.yaml needs beside it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import PureWindowsPath

from survey.codebook import Codebook, Recipe

Path = tuple[str | int, ...]


class Mistake:
    """What is wrong at one place of survey.yaml: templates, and the values that fill them."""

    def __init__(self, path: Path, *, expected: str, got: str, hint: str, **values: object) -> None:
        self.path, self.expected, self.got, self.hint, self.values = path, expected, got, hint, values


def nearest(names: Sequence[str]) -> str:
    """The first of the close names, "" where there is none."""
    return names[0] if names else ""


def references(book: Codebook) -> Iterator[Mistake]:
    """Names that nothing defines."""
    yield from _questionnaire(book)
    yield from _recipes(book)
    yield from _plan(book)
    yield from _programmes(book)
    yield from _waves(book)


def _unknown(path: Path, name: str, known: Sequence[str], expected: str, variable: str = "") -> Iterator[Mistake]:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = "did you mean {near}?" if near else "define it, or use one of: {known}"
        yield Mistake(
            path,
            expected=expected,
            got="{found}",
            hint=hint,
            found=name,
            near=nearest(near),
            known=", ".join(list(known)[:8]),
            variable=variable,
        )


def _questionnaire(book: Codebook) -> Iterator[Mistake]:
    for name, item in book.items.items():
        place: Path = ("items", name)
        if item.kind in ("single", "multiple") and item.scale is None:
            yield Mistake(place, expected="a scale", got="none", hint="add `scale:` with a name from `scales`")
        if item.scale is not None:
            yield from _unknown((*place, "scale"), item.scale, list(book.scales), "the name of a scale")
        if item.block != "other":
            yield from _unknown((*place, "block"), item.block, list(book.blocks), "the name of a block")
        for other, codes in item.asked_if.items():
            yield from _unknown((*place, "asked_if", other), other, list(book.items), "the name of an item")
            yield from _levels(book, (*place, "asked_if", other), other, codes)
    for name, scale in book.scales.items():
        for code in scale.positive:
            yield from _unknown(
                ("scales", name, "positive"), code, list(scale.levels), "the name of a level of this scale"
            )
        for code in scale.missing:
            if code in scale.levels:
                yield Mistake(
                    ("scales", name, "missing", code),
                    expected="a code that is no level",
                    got="{code}",
                    hint="delete it here or there",
                    code=code,
                )


def _levels(book: Codebook, path: Path, variable: str, codes: Sequence[str]) -> Iterator[Mistake]:
    scale = book.scale_of(variable)
    for code in codes if scale else ():
        assert scale is not None
        yield from _unknown(path, code, list(scale.levels), "the name of a level of {variable}", variable)


def _recipes(book: Codebook) -> Iterator[Mistake]:
    known = list(book.items)
    for section, recipes in (("derived", book.derived), ("indicators", book.indicators)):
        for name, recipe in recipes.items():
            place: Path = (section, name)
            if name in known:
                yield Mistake(place, expected="a name that is not taken", got="{taken}", hint="rename it", taken=name)
            for source in recipe.of:
                yield from _unknown((*place, "of"), source, known, "the name of an item, or a variable derived above")
                yield from _levels(book, (*place, "levels"), source, recipe.levels)
            yield from _recipe_needs(recipe, place)
            kinds = [book.items[source].kind for source in recipe.of if source in book.items]
            if recipe.recipe == "band" and set(kinds) - {"number"}:
                yield Mistake(place, expected="a number to cut into bands", got="another kind", hint="use `collapse`")
            if recipe.recipe == "themes" and (kinds != ["text"] or len(recipe.of) > 1):
                yield Mistake(
                    (*place, "of"), expected="one item of `kind: text`", got="another", hint="name the free text"
                )
            if recipe.themes and recipe.recipe != "themes":
                yield Mistake(
                    (*place, "themes"),
                    expected="`recipe: themes`",
                    got="{other}",
                    hint="delete it",
                    other=recipe.recipe,
                )
            if recipe.scale is not None:
                yield from _unknown((*place, "scale"), recipe.scale, list(book.scales), "the name of a scale")
            known.append(name)


def _recipe_needs(recipe: Recipe, place: Path) -> Iterator[Mistake]:
    needs = {
        "band": ("edges", "scale"),
        "collapse": ("to", "scale"),
        "share": ("levels",),
        "any": ("levels",),
        "index": ("scores",),
        "themes": ("themes",),
    }
    for key in needs.get(recipe.recipe, ("scale",)):
        if not getattr(recipe, key):
            yield Mistake(
                place,
                expected="`{key}` in a {recipe} recipe",
                got="none",
                hint="add `{key}:`",
                key=key,
                recipe=recipe.recipe,
            )
    if list(recipe.edges) != sorted(set(recipe.edges)):
        yield Mistake(
            (*place, "edges"), expected="ascending edges", got="{edges}", hint="sort them", edges=recipe.edges
        )


def _plan(book: Codebook) -> Iterator[Mistake]:
    """Names used by design, weighting, privacy, dispositions and the report."""
    variables = list(book.items) + list(book.recipes())
    places: list[tuple[Path, Sequence[str]]] = [
        (("design", "strata"), book.design.strata),
        (("design", "psu"), book.design.psu),
        (("design", "fpc"), book.design.fpc),
        (("weighting", "inverse"), book.weighting.inverse),
        (("weighting", "times"), book.weighting.times),
        (("weighting", "base"), [book.weighting.base] if book.weighting.base else []),
        (("weighting",), [part for margin in book.weighting.margins() for part in margin.split(":")]),
        (("weighting", "merge"), list(book.weighting.merge)),
        (("weighting", "nonresponse", "by"), book.weighting.nonresponse.by if book.weighting.nonresponse else []),
        (("weighting", "dual_frame"), frames_of(book)),
        (("privacy", "pseudonyms"), book.privacy.pseudonyms),
        (("privacy", "generalise"), [*book.privacy.generalise, *book.privacy.generalise.values()]),
        (("privacy", "quasi_identifiers"), book.privacy.quasi_identifiers),
        (("privacy", "exact"), list(book.privacy.exact)),
        (("privacy", "not_identifiers"), list(book.privacy.not_identifiers)),
        (("dispositions", "item"), [book.dispositions.item] if book.dispositions else []),
        (("report", "items"), book.report.items),
        (("report", "groups"), book.report.groups),
        (("report", "area"), [book.report.area] if book.report.area else []),
    ]
    places += [
        (("indicators", name, "weight"), [found.weight]) for name, found in book.indicators.items() if found.weight
    ]
    for field in ("respondent", "interviewer", "duration", "age", "started"):
        value = getattr(book, field)
        places.append(((field,), [value] if value else []))
    for name, practice in book.report.practices.items():
        parts = [part for part in (practice.aware, practice.met, practice.satisfied) if part]
        places.append((("report", "practices", name), parts))
    for name, model in book.report.models.items():
        places.append((("report", "models", name), [model.outcome, *model.terms]))
    for path, names in places:
        for name in names:
            yield from _unknown(path, name, variables, "the name of an item or a derived variable")
    for name in book.report.headline:
        yield from _unknown(("report", "headline"), name, list(book.indicators), "the name of an indicator")
    yield from _boundary(book)
    for name in [*book.report.groups, *([book.report.area] if book.report.area else [])]:
        if name in variables and book.scale_of(name) is None:
            yield Mistake(
                ("report",),
                expected="a breakdown with a scale",
                got="{found}",
                hint="give it a scale, or band it first",
                found=name,
            )


def _programmes(book: Codebook) -> Iterator[Mistake]:
    """What a roll-out names, and that its arrival is told in one of the two ways."""
    variables = [*book.items, *book.recipes()]
    for name, programme in book.report.programmes.items():
        place: Path = ("report", "programmes", name)
        if (programme.treated is None) == (programme.place is None):
            yield Mistake(
                place,
                expected="`treated`, or `place` with `arrival`",
                got="both" if programme.treated else "neither",
                hint="say in one way when the programme came",
            )
        for key in ("treated", "unit", "place"):
            value = getattr(programme, key)
            yield from _unknown((*place, key), value, variables, "the name of a variable") if value else ()
        if programme.treated and programme.unit is None and not book.design.psu:
            yield Mistake((*place, "unit"), expected="the variable of the community", got="none", hint="add `unit:`")
        if programme.place in book.privacy.pseudonyms:
            yield Mistake(
                (*place, "place"),
                expected="a variable that is no pseudonym",
                got="{found}",
                hint="use `treated`, or name a larger place",
                found=programme.place,
            )
        if programme.place and not programme.arrival:
            yield Mistake(
                (*place, "arrival"), expected="waves with the codes of places", got="none", hint="add `arrival:`"
            )
        for outcome in programme.outcomes:
            yield from _unknown((*place, "outcomes"), outcome, list(book.indicators), "the name of an indicator")
        for wave, codes in programme.arrival.items():
            yield from _unknown((*place, "arrival", wave), wave, list(book.waves), "the name of a wave")
            yield from _levels(book, (*place, "arrival", wave), programme.place or "", codes)


def frames_of(book: Codebook) -> list[str]:
    """Items of the two telephone frames: the frame itself, then numbers of phones and of adults."""
    dual = book.weighting.dual_frame
    return dual.items() if dual else []


def _boundary(book: Codebook) -> Iterator[Mistake]:
    """What passes the identity boundary must be bounded numbers, worded answers or pseudonyms."""
    weights = [*book.weighting.inverse, *book.weighting.times, *([book.weighting.base] if book.weighting.base else [])]
    framed = frames_of(book)
    for name in dict.fromkeys([*book.privacy.exact, *book.design.fpc, *weights, *framed, *book.other_weights()]):
        item = book.items.get(name)
        if item is not None and item.kind != "number" and name in weights:
            yield Mistake(
                ("items", name),
                expected="a number, for it makes a weight",
                got="kind {kind}",
                hint="name the right item under `weighting`, or make this one `kind: number`",
                kind=item.kind,
            )
        if item is not None and item.kind == "number" and item.range is None:
            yield Mistake(
                ("items", name),
                expected="a range of plausible values for a number that passes the identity boundary",
                got="none",
                hint="add `range: [smallest, largest]`, so that a phone number in this column cannot pass",
            )
    if book.privacy.panel and book.respondent not in book.privacy.pseudonyms:
        yield Mistake(
            ("privacy", "panel"),
            expected="a pseudonym for the person, by which a panel knows them again",
            got="none",
            hint="add the item under `respondent` to `privacy.pseudonyms`",
        )
    for name in dict.fromkeys([*book.design.strata, *book.design.psu, *book.privacy.exact]):
        item = book.items.get(name)
        if item is not None and item.kind not in ("single", "number") and name not in book.privacy.pseudonyms:
            yield Mistake(
                ("items", name),
                expected="a pseudonym for an id that the design keeps",
                got="none",
                hint="add it to `privacy.pseudonyms`",
            )


def _waves(book: Codebook) -> Iterator[Mistake]:
    items = list(book.items)
    for name, wave in book.waves.items():
        place: Path = ("waves", name)
        if leaves_its_folder(wave.file):
            yield Mistake(
                (*place, "file"),
                expected="a path inside the survey's folder",
                got="{file}",
                hint="put the file, or a link to it, into that folder; or name the folder it lies in with --source",
                file=wave.file,
            )
        targets = list(wave.columns.values())
        for column, item in wave.columns.items():
            yield from _unknown((*place, "columns", column), item, items, "the name of an item")
            if targets.count(item) > 1:
                yield Mistake(
                    (*place, "columns", column),
                    expected="every item once",
                    got="{item}",
                    hint="two columns are mapped to it",
                    item=item,
                )
        for key, names in (("recode", wave.recode), ("reverse", wave.reverse), ("not_asked", wave.not_asked)):
            for item in names:
                yield from _unknown((*place, key), item, items, "the name of an item")
        for item, codes in wave.recode.items():
            scale = book.scale_of(item)
            known = [*scale.levels, *scale.missing, *book.items[item].missing, *wave.missing] if scale else []
            for code in codes.values() if scale else ():
                yield from _unknown(
                    (*place, "recode", item), code, known, "the name of a level or missing code of {variable}", item
                )
        if wave.sha256 is None and wave.available_from is not None:
            yield Mistake(
                place,
                expected="sha256 beside available_from",
                got="none",
                hint="write the checksum of the file you mean",
            )


def leaves_its_folder(file: str) -> bool:
    """Whether a path is absolute or climbs above where it starts; both kinds of slash count on every machine.

    >>> [leaves_its_folder(file) for file in ("2026.csv", "parts/../2026.csv", "../2026.csv", "a/../../x", "/etc/x")]
    [False, False, True, True, True]
    """
    path = PureWindowsPath(file)  # reads / and \ alike
    steps = (-1 if part == ".." else 1 for part in path.parts)
    return bool(path.anchor) or min(accumulate(steps), default=0) < 0
