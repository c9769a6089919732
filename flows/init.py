"""`anxin init`: delivered files in, a drafted survey.yaml out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flows.reading import as_read
from flows.words import t
from survey.errors import UsageError

if TYPE_CHECKING:
    from survey.codebook import Wave
    from survey.draft import Delivery, Draft

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
PERIOD = re.compile(r"(?<!\d)(?:19|20)\d{2}(?:[-_]?(?:[HQhq][1-4]|(?:0[1-9]|1[0-2])(?!\d)))?")


def init(files: Sequence[Path], survey: str | None, out: Path | None, raw: Path) -> Iterator[str]:
    """Write the draft and tell in lines what it says.

    Args: survey: name; by default that of `out`, else of the first file.   out: folder of survey.yaml; by default the
    survey's in `raw`.   Raises: UsageError: there is a survey.yaml, or the name will not do.   DataError: a file
    cannot be read.
    """
    from flows.draft_yaml import written
    from survey.draft import draft

    name = survey or slug(out.name if out is not None else stem(files[0]))
    _allowed(name)
    target = (out if out is not None else raw / name) / "survey.yaml"
    if target.exists():
        raise UsageError(
            "There is a survey.yaml already, and it is not overwritten",
            where="{path}",
            hint="give another --survey or --out, or move that one away",
            path=target,
        )
    names = waves(files)
    deliveries = [
        deliver(path, wave) for path, wave in sorted(zip(files, names, strict=True), key=lambda pair: pair[1])
    ]
    drafted = draft(deliveries)
    text = written(drafted, name, [path.name for path in files])
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("x", encoding="utf-8") as stream:
        stream.write(text)
    for delivery in deliveries:
        if delivery.provenance is not None:
            yield from as_read(delivery.wave, delivery.provenance)
    yield from summary(drafted, target)
    yield from _next(name, target, files, raw, text)


def deliver(path: Path, wave: str) -> Delivery:
    """A delivered file with its labels, read as intake reads it; of a workbook the sheet with the most cells."""
    from survey.draft import Delivery
    from survey.intake import dictionary, read

    sheet = fullest(path) if path.suffix.lower() in WORKBOOKS and path.is_file() else None
    settings = a_wave(path.name, sheet)
    frame, provenance = read(path, settings)
    return Delivery(wave, path.name, frame, dictionary(path, settings), sheet, provenance)


def a_wave(file: str, sheet: str | None = None) -> Wave:
    """Settings of a wave of which only the file is known."""
    from survey.codebook import Wave

    day = {"start": "2000-01-01", "end": "2000-01-01"}
    return Wave.model_validate({"file": file, "fieldwork": day, "sheet": sheet})


def fullest(path: Path) -> str | None:
    """The sheet with the most cells, None when that is the first one or when the file cannot be looked at."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_path(path)
        names = workbook.sheet_names
        sizes = {name: sum(map(len, workbook.get_sheet_by_name(name).to_python())) for name in names}
    except (CalamineError, OSError):
        return None  # intake tells what is wrong with it
    found = max(names, key=lambda name: sizes[name])
    return None if found == names[0] else found


def stem(path: Path) -> str:
    """Name of a file without its endings.

    >>> stem(Path("a/enusc2023.csv.gz"))
    'enusc2023'
    """
    return re.sub(r"(\.[A-Za-z0-9]{1,8}){1,2}$", "", path.name) or path.name


def slug(text: str) -> str:
    """A name as survey.yaml allows it.

    >>> slug("Wave 2 (final)"), slug("居民调查")
    ('wave-2-final', 'survey')
    """
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-") or "survey"


def waves(files: Sequence[Path]) -> list[str]:
    """A name for the wave of each file: the period its name tells, else its name.

    >>> waves([Path("2025H2.csv"), Path("2026H1.sav")]), waves([Path("city.csv")])
    (['2025H2', '2026H1'], ['city'])
    """
    found = [PERIOD.search(stem(path)) for path in files]
    periods = [match.group() for match in found if match]
    if len(set(periods)) == len(files):
        return periods
    names = [
        re.sub(r"[^0-9A-Za-z._-]+", "-", stem(path)).strip("-._") or f"w{place}" for place, path in enumerate(files, 1)
    ]
    return names if len(set(names)) == len(names) else [f"w{place}" for place in range(1, len(files) + 1)]


def _allowed(name: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise UsageError(
            "{survey} cannot be the name of a survey",
            expected="small letters, digits and hyphens",
            hint="give one with --survey",
            survey=name,
        )


def summary(drafted: Draft, target: Path) -> Iterator[str]:
    """What was found, in the lines a person wants to look at first."""
    plan, items = drafted.plan, drafted.items
    counts = {"items": len(items), "scales": len(drafted.scales), "waves": len(drafted.waves)}
    yield t("{path}: items {items}, scales {scales}, waves {waves}", path=target, **counts)
    direct = [name for name, column in items.items() if column.guess.kind == "identifier"]
    free = [name for name, column in items.items() if column.guess.kind == "text"]
    weight = [*plan.base.names, *(f"1/{name}" for name in plan.inverse.names), *plan.times.names]
    if plan.base.others:
        weight = [t("{column} (or: {columns})", column=weight[0], columns=", ".join(plan.base.others))]
    none = t("none found")
    for title, names in {
        t("identifiers, dropped"): direct,
        t("free text, dropped"): free,
        t("weight"): weight,
        t("strata"): plan.strata.names,
        t("sampling unit"): plan.psu.names,
        t("may single out together"): plan.quasi.names,
        t("headline figures"): [figure.name for figure in plan.figures],
    }.items():
        yield f"  {title}{t(': ')}{', '.join(names) or none}"
    if not plan.compared:
        yield "  " + t("near copies are not looked for: the questions are few; see cleaning.near_duplicates")


def _next(name: str, target: Path, files: Sequence[Path], raw: Path, text: str) -> Iterator[str]:
    folders = {path.resolve().parent for path in files}
    here = folders == {target.resolve().parent}
    source = f" --source {files[0].parent}" if len(folders) == 1 and not here else ""
    if len(folders) > 1:
        yield t("Put the files into one folder, {folder} or one to name with --source.", folder=target.parent)
    if target.resolve() != (raw / name / "survey.yaml").resolve():
        yield t("Put survey.yaml into {folder} before the next step.", folder=raw / name)
    yield t(
        "{count} places wait for what only a person can know; `{command}` lists them.",
        count=_open(text),
        command=f"anxin check {name}{source}",
    )


def _open(text: str) -> int:
    from survey.errors import CodebookError
    from survey.survey_yaml import parse

    try:
        parse(text)
    except CodebookError as fault:
        return 1 + len(fault.others)
    return 0
