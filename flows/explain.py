"""One published figure, walked back: to the run, the artefacts, the weighted answers, the delivery and the rules.

For the team: what it tells of rows has not passed the release boundary.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flows.job import Job
from flows.store import Ref
from survey.errors import UsageError

Told = tuple[str, object]
"""What is told, and its value."""


def explain(job: Job, entry: dict[str, Any], figure: str) -> Iterator[Told]:
    """Where a figure of a run comes from, step by step.

    Args: job: of the run's survey.   entry: the run's line of the ledger.
    figure: item, or item@breakdown=group, such as sense_of_security@district=3.
    Raises: UsageError: no such figure, or the run's artefacts are no longer there.
    """
    wave = entry["waves"][-1]
    item, by, group = _parsed(figure)
    results = job.store.load(_used(job, entry, "disclosure", wave)).frames["results"]
    own = results["wave"].eq(wave) & results["item"].eq(item) & results["by"].eq(by) & results["group"].eq(group)
    rows = results[own & results["statistic"].isin(["mean", "share"])]
    if rows.empty:
        raise _unknown(figure, sorted(results.loc[results["wave"].eq(wave) & results["by"].eq(""), "item"].unique()))
    yield "run", f"{entry['started']}, {entry['driver']}, {entry['status']}"
    yield "version", entry["published"].get(wave, "")
    for row in rows.to_dict("records"):
        name = " ".join(filter(None, [str(row["statistic"]), str(row["level"] or "")]))
        yield name, _figure(row)
    yield from _answers(job, _used(job, entry, "weighting", wave), item, by, group)
    facts = job.store.load(_used(job, entry, "privacy", wave)).facts
    counted = {name: value for name, value in facts["sample"].items() if isinstance(value, int)}
    yield "sample", ", ".join(f"{name} {value:,}" for name, value in counted.items())
    yield "delivery", f"{facts['provenance']['rows']:,} rows, sha256 {entry['inputs'].get(wave, '')}"
    yield "rules", ", ".join(f"{name} {value}" for name, value in job.book.disclosure.model_dump().items() if value)
    stages = ("privacy", "weighting", "estimate", "disclosure")
    yield "artefacts", ", ".join(f"{stage} {entry['artefacts'][f'{stage} {wave}'][:12]}" for stage in stages)


def _figure(row: Mapping[Any, Any]) -> str:
    if row["estimate"] != row["estimate"]:
        return f"[{row['flag']}] {row['reason'] or ''}".strip()
    numbers = {
        "SE": row["se"],
        "CI": (row["ci_low"], row["ci_high"]),
        "df": row["df"],
        "n": row["n"],
        "deff": row["deff"],
    }
    told = (
        f"{name} {value[0]:.6g} to {value[1]:.6g}" if isinstance(value, tuple) else f"{name} {value:.6g}"
        for name, value in numbers.items()
    )
    return f"{row['estimate']:.6g}  ({', '.join(told)})"


def _answers(job: Job, ref: Ref, item: str, by: str, group: str) -> Iterator[Told]:
    """The answers behind the figure, and the estimate made of them once more by its formula, Σwy/Σw."""
    from survey.estimation.groups import grouped
    from survey.figures import design_of
    from survey.privacy import Protected
    from survey.weighting import FINAL

    held = job.store.load(ref)
    frame = design_of(Protected(held.frames["answers"], held.frames["reasons"], held.facts), job.book).frame
    inside = frame[item].notna().to_numpy(copy=True)
    if by:
        codes, labels, _ = grouped(frame, by)
        inside &= codes == labels.index(group)
    own = frame[inside]
    weights = own[FINAL].to_numpy(dtype=float)
    yield "answers", f"{len(own):,} of {len(frame):,} respondents"
    yield "weights", f"sum {weights.sum():,.1f}, from {weights.min():.4g} to {weights.max():.4g}"
    units = [name for name in job.book.design.psu if name in own]
    if units:
        yield "sampling units", f"{own.groupby(units).ngroups:,}"
    values = own[item]
    if values.dtype.kind in "bifu":
        yield "made again", f"{(weights * values.to_numpy(dtype=float)).sum() / weights.sum():.6g}"
    else:
        shares = own.groupby(values.astype(str))[FINAL].sum() / weights.sum()
        yield "made again", ", ".join(f"{level} {share:.6g}" for level, share in shares.items())


def _parsed(figure: str) -> tuple[str, str, str]:
    item, _, domain = figure.partition("@")
    by, _, group = domain.partition("=")
    return item, by, group


def _used(job: Job, entry: dict[str, Any], stage: str, wave: str) -> Ref:
    """The artefact of a stage that a run used."""
    key = entry.get("artefacts", {}).get(f"{stage} {wave}", "")
    found = job.store.find(stage, key) if key else None
    if found is None:
        raise UsageError(
            "The work of that run is no longer there",
            where="{stage}",
            expected="the artefact {key}",
            hint="it was pruned or forgotten; explain a newer run, or run the wave again",
            stage=stage,
            key=key[:12],
        )
    return found


def _unknown(figure: str, known: list[str]) -> UsageError:
    return UsageError(
        "That run told no such figure",
        where="{figure}",
        expected="item, or item@breakdown=group; items: {known}",
        got="{figure}",
        hint="for instance {first}",
        figure=figure,
        known=", ".join(known),
        first=known[0] if known else "",
    )
