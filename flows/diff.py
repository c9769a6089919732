"""`anxin diff`: two deliveries side by side, in tables; nothing is written and no resident's value is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from flows.terminal import plain
from flows.words import t
from survey.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from flows.job import Job
    from survey.codebook import Codebook, Wave
    from survey.differences import Change, Differences
    from survey.draft import Column
    from survey.intake import Provenance

MOST = 30


def diff(job: Job, one: str, two: str) -> Iterator[RenderableType]:
    """Tables and lines of what the second delivery has otherwise than the first.

    Args: one, two: a wave's name, or the path of a file.   Raises: UsageError: neither a wave nor a file.
    DataError: a delivery cannot be read.
    """
    from survey.differences import differences

    before, after = _side(job, one, ""), _side(job, two, one)
    parts = (job.book.scales, job.book.items, job.book.waves)
    declared = {code for part in parts for each in part.values() for code in each.missing}
    found = differences(before.columns, after.columns, declared)
    yield _files((before.provenance, after.provenance), (one, two))
    yield from _columns(found)
    if found.missing[0] != found.missing[1]:
        before_codes, after_codes = (plain(", ".join(codes)) or t("none found") for codes in found.missing)
        yield t("Missing codes: {before} → {after}", before=before_codes, after=after_codes)
    strange = {item.name: (before.unread.get(item.name, 0), after.unread.get(item.name, 0)) for item in found.items}
    told = [change for change in found.items if change.told or any(strange[change.name])]
    told.sort(key=lambda change: (not any(strange[change.name]), change.p, change.name))
    if told:
        yield _items(told[:MOST], strange, (one, two))
    if len(told) > MOST:
        yield t("… and {count} more items with smaller changes", count=len(told) - MOST)
    same = len(found.items) - len(told)
    yield t("{count} columns without a change worth telling", count=same)
    if any(map(any, strange.values())):
        yield t("unreadable: cells that are no level, number or missing code of survey.yaml")
    yield t(
        "p: Pearson's or Welch's test as if people had been drawn at random, corrected for the number of items (Holm);"
        " a clustered sample has more noise."
    )


class Side(NamedTuple):
    """A delivery: its columns under the names of the items, where it came from, cells by item that nothing explains."""

    columns: list[Column]
    provenance: Provenance
    unread: dict[str, int]


def _side(job: Job, named: str, other: str) -> Side:
    """The columns of a delivery under the names of the items, as far as its wave, or the other's, maps them."""
    from flows.init import WORKBOOKS, a_wave, fullest
    from survey.draft import columns_of
    from survey.intake import dictionary, read

    path, wave = Path(named), job.book.waves.get(named)
    if wave is not None:
        path = job.file(named)
    elif path.is_file():  # a wave's file may come a second time
        wave = next((known for known in job.book.waves.values() if Path(known.file).name == path.name), None)
    elif not path.exists():
        raise UsageError(
            "{named} is neither a wave nor a file",
            expected="one of {known}, or the path of a file",
            named=named,
            known=", ".join(job.book.waves),
        )
    is_workbook = path.suffix.lower() in WORKBOOKS
    settings = wave or a_wave(path.name, fullest(path) if is_workbook else None)
    frame, provenance = read(path, settings)
    mapped = wave or job.book.waves.get(other)
    names = mapped.columns if mapped else {}
    columns = columns_of(frame, dictionary(path, settings))
    named_as_items = [replace(c, profile=replace(c.profile, name=names.get(c.name, c.name))) for c in columns]
    columns = [_in_codes(column, job.book, wave) for column in named_as_items]
    return Side(columns, provenance, _unread(frame, job.book, mapped or settings))


def _unread(frame: pd.DataFrame, book: Codebook, wave: Wave) -> dict[str, int]:
    """How many cells of each item say nothing that the codebook knows; what they say is never shown."""
    from survey.answers import unread
    from survey.cleaning import item_names

    cells = frame.rename(columns=item_names(frame, wave))
    cells = cells.loc[:, ~cells.columns.duplicated()]  # `anxin check` tells of two columns for one item
    whole = [name for name in book.items if name in cells and name not in wave.multiple]
    for item, spread in wave.multiple.items():
        own = list(spread.sources(item).values())
        whole += own if item in book.items and set(own) <= set(cells.columns) else []
    return {name: found.bad for name, found in unread(cells[whole], book, wave).items()}


def _in_codes(column: Column, book: Codebook, wave: Wave | None) -> Column:
    """A column of a scale in the codes of survey.yaml: words put into codes, a reversed scale turned back."""
    from survey.draft.kinds import guess

    scale = book.scale_of(column.name)
    if scale is None or column.guess.kind != "single":
        return column
    levels = list(scale.levels)
    code_of = {words: code for code in levels for words in scale.levels[code].values()}
    if wave is not None:
        code_of |= wave.recode.get(column.name, {})
        if column.name in wave.reverse:
            code_of |= dict(zip(levels, reversed(levels), strict=True))
    counts: dict[str, int] = {}
    for cell, count in column.profile.counts.items():
        counts[code_of.get(cell, cell)] = counts.get(code_of.get(cell, cell), 0) + count
    profile = replace(column.profile, counts=counts)
    return replace(column, profile=profile, guess=guess(profile))


def _table(title: str, heads: Sequence[str]) -> RenderableType:
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold", padding=(0, 1, 0, 0))
    for place, head in enumerate(heads):
        table.add_column(head, overflow="fold", no_wrap=place == 0)
    return table


def _files(sides: tuple[Provenance, Provenance], names: tuple[str, str]) -> RenderableType:
    table = _table(t("Deliveries"), ["", *map(plain, names)])
    one, two = sides
    for head, before, after in (
        (t("file"), one.file, two.file),
        (t("rows in it"), f"{one.rows:,}", f"{two.rows:,}"),
        (t("columns"), f"{one.columns:,}", f"{two.columns:,}"),
        (t("encoding"), one.encoding, two.encoding),
        (t("checksum"), one.sha256[:16], two.sha256[:16]),
    ):
        mark = "" if before == after else " *"
        table.add_row(head + mark, plain(before), plain(after))  # type: ignore[union-attr]
    return table


def _columns(found: Differences) -> Iterator[RenderableType]:
    for title, names in ((t("Columns added"), found.added), (t("Columns gone"), found.removed)):
        if names:
            yield f"[bold]{title}[/] ({len(names)}){t(': ')}{', '.join(map(plain, names))}"
    if found.renamed:
        from flows.draft_yaml import told

        table = _table(t("Columns likely renamed"), [t("before"), t("after"), t("why")])
        for pair in found.renamed:
            table.add_row(plain(pair.one.name), plain(pair.two.name), plain(told(pair.because)))  # type: ignore[union-attr]
        yield table


def _items(changes: Sequence[Change], strange: Mapping[str, tuple[int, int]], names: tuple[str, str]) -> RenderableType:
    heads = [t("item"), t("new codes"), t("vanished codes"), t("unreadable"), t("no answer"), t("largest shift"), "p"]
    table = _table(t("Items from {one} to {two}", one=plain(names[0]), two=plain(names[1])), heads)
    for change in changes:
        before, after = change.unanswered
        code, by = change.shift
        shift = t("{code}: {points:+.1f} pp", code=plain(code), points=100 * by) if code else ""
        if not code and by:
            shift = t("mean {by:+.3g}", by=by)
        table.add_row(  # type: ignore[union-attr]
            plain(change.name),
            plain(", ".join(change.new)),
            plain(", ".join(change.vanished)),
            f"{strange[change.name][0]:,} → {strange[change.name][1]:,}" if any(strange[change.name]) else "",
            f"{before:.1%} → {after:.1%}",
            shift,
            "< 0.0001" if change.p < 0.0001 else f"{change.p:.4f}" if change.p < 1 else "",
        )
    return table
