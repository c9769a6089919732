"""What a weighting needs that its keys alone do not show."""

from __future__ import annotations

from collections.abc import Iterator

from survey.codebook import Codebook
from survey.survey_yaml.references import Mistake, Path


def weights(book: Codebook) -> Iterator[Mistake]:
    """Methods that exclude each other, bounds without sense, and variables that cannot serve."""
    settings = book.weighting
    methods = [key for key in ("rake", "poststratify", "calibrate") if getattr(settings, key)]
    if len(methods) > 1:
        yield Mistake(
            ("weighting", methods[1]),
            expected="one of rake, poststratify and calibrate",
            got="{found}",
            hint="keep one: `calibrate` with `distance: raking` takes all margins and bounds too",
            found=", ".join(methods),
        )
    yield from _calibration(book)
    yield from _nonresponse(book)
    for item, levels in settings.merge.items():
        scale = book.scale_of(item)
        for code in [*levels, *levels.values()] if scale else []:
            if scale and code not in scale.levels:
                yield Mistake(
                    ("weighting", "merge", item),
                    expected="codes of levels of {item}",
                    got="{found}",
                    hint="use one of: {known}",
                    item=item,
                    found=code,
                    known=", ".join(scale.levels),
                )


def _calibration(book: Codebook) -> Iterator[Mistake]:
    plan = book.weighting.calibrate
    if plan is None:
        return
    low, high = plan.bounds or (0.0, 2.0)
    if not low < 1 < high or (plan.distance == "logit" and (plan.bounds is None)):
        yield Mistake(
            ("weighting", "calibrate", "bounds"),
            expected="a least factor below 1 and a greatest above 1; `logit` cannot do without",
            got="{bounds}",
            hint="write for example `bounds: [0.3, 3]`",
            bounds="-" if plan.bounds is None else f"[{low:g}, {high:g}]",
        )
    for name in plan.to:
        item = book.items.get(name)
        if item is not None and item.kind == "number" and name not in book.privacy.exact:
            yield Mistake(
                ("weighting", "calibrate", "to"),
                expected="a number that stays below the identity boundary",
                got="{name}, which does not",
                hint="name it under `privacy.exact` with the reason, or band it and use the bands",
                name=name,
            )


def _nonresponse(book: Codebook) -> Iterator[Mistake]:
    plan = book.weighting.nonresponse
    if plan is None:
        return
    place: Path = ("weighting", "nonresponse")
    if book.dispositions is None:
        yield Mistake(
            place,
            expected="`dispositions`, which tell who took part",
            got="none",
            hint="describe them, or take `nonresponse` out",
        )
    for name in plan.by:
        if name in [*book.items, *book.recipes()] and book.scale_of(name) is None:
            yield Mistake(
                (*place, "by"),
                expected="variables with a scale, known for every case",
                got="{name}",
                hint="band a number first (`derived`)",
                name=name,
            )
