"""Commands about runs: what arrived, what is fresh, what was published, the way back, where a figure comes from."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.arguments import Out, Source, Survey, Wave, workspace
from flows.terminal import Command, plain, show
from flows.words import padded, t, word
from survey.errors import UsageError

if TYPE_CHECKING:
    from flows.incoming import Told

app = typer.Typer()


@app.command(cls=Command)
def intake(
    survey: Annotated[str | None, typer.Argument(help="Survey; all of them when left out.")] = None,
    settle: Annotated[float, typer.Option(help="Seconds after which a file that nothing vouches for is whole.")] = 60,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another run to end.")] = 0,
) -> None:
    """Take what was delivered to data/incoming, if it is whole, and say what was done with each file."""
    from datetime import UTC, datetime

    from flows.incoming import take_in
    from survey.errors import AnxinError, together

    place, faults, count = workspace(), list[AnxinError](), 0
    for name in (survey,) if survey else place.surveys():
        try:
            count += len(take_in(place, name, partial(_arrived, name), lambda: datetime.now(UTC), wait, settle))
        except AnxinError as fault:
            faults.append(fault)
    if faults:
        raise together(faults)
    if not count:
        show(t("Nothing has arrived in {folder}.", folder=f"data/incoming/{survey or ''}"))


def _arrived(survey: str, told: Told) -> None:
    """One line for what became of a file."""
    why = t(": {why}", why=word("waiting", word("stray", told.why))) if told.why else ""
    waves = f" ({', '.join(told.waves)})" if told.waves else ""
    show(f"[dim]{survey}[/]  {plain(told.file)}{waves}  {word('arrival', told.state)}{why}")


@app.command(cls=Command)
def status(survey: Survey, wave: Wave = None, source: Source = None) -> None:
    """Show which stages are fresh, which would be done again, and why."""
    from flows.job import Job
    from flows.status import FRESH, is_published, status

    job = Job.plan(workspace(), survey, None if wave is None else (wave,), None, source, Path("public"))
    states = status(job)
    for each in states:
        why = t("changed: {parts}", parts=", ".join(each.why)) if each.why else ""
        colour = "green" if each.state == FRESH else "yellow"
        told = f"[{colour}]{padded(word('state', each.state), 8)}[/]"
        show(f"[dim]{each.ref.wave:<8}[/] {padded(word('stage', each.ref.stage), 12)} {told} {plain(why)}")
    if is_published(job) and any(each.state != FRESH for each in states):
        show(t("What is published is of this very state: a run has nothing to do and makes the rest when it needs it."))


@app.command(cls=Command)
def serve(
    surveys: Annotated[
        list[str] | None, typer.Argument(help="Surveys; all that have a schedule when left out.")
    ] = None,
) -> None:
    """Run surveys at the times their survey.yaml says, until stopped."""
    import os

    from flows.prefect_driver import environment

    for name, value in environment(workspace().work / "prefect").items():
        os.environ.setdefault(name, value)
    from flows.night import keep_serving

    keep_serving(workspace(), tuple(surveys or ()))


@app.command(cls=Command)
def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False, source: Source = None
) -> None:
    """Prune private work that neither the surveys as they are nor their last publication need."""
    from flows.job import Job
    from flows.status import clean as prune

    place = workspace()
    jobs = [Job.plan(place, survey, (), None, source, Path("public")) for survey in place.surveys()]
    done = prune(place, jobs, dry_run)
    text = "{count} artefacts could go: {size:.1f} MB." if dry_run else "{count} artefacts pruned: {size:.1f} MB."
    show(t(text, count=done.artefacts, size=done.size / 1e6))


@app.command(cls=Command)
def history(
    survey: Annotated[str | None, typer.Argument(help="Survey; all of them when left out.")] = None,
    run: Annotated[int | None, typer.Option(help="Number of one run, to be told all that stopped it.")] = None,
) -> None:
    """Show every run: its number, when it was, what it published or why it stopped."""
    from flows.history import numbered

    for number, entry in numbered(workspace(), survey):
        if run is not None:
            if number == run:
                show(*map(plain, entry.get("stopped_by", "").splitlines()))
            continue
        stopped = entry.get("stopped_by", "").partition("\n")[0]
        told = stopped or ", ".join(entry.get("published", {}).values()) or ", ".join(entry["waves"])
        when = entry["started"][:16].replace("T", " ")
        show(f"{number:>5}  [dim]{when}[/]  {entry['survey']}  {word('status', entry['status'])}  {plain(told)}")


@app.command(cls=Command)
def rollback(
    survey: Survey,
    wave: Wave = None,
    to: Annotated[str | None, typer.Option(help="Version to show; the one before when left out.")] = None,
    out: Out = Path("public"),
    wait: Annotated[float, typer.Option(help="Seconds to wait for another run to end.")] = 0,
) -> None:
    """Show an earlier version of a wave's report again, and hold it until its delivery or settings change."""
    from datetime import UTC, datetime

    from flows.history import rollback as step_back
    from flows.job import Job

    job = Job.plan(workspace(), survey, None if wave is None else (wave,), None, None, out)
    back = step_back(job, to, datetime.now(UTC), wait)
    show(t("{wave}: {now} is shown again in place of {before}.", wave=back.wave, now=back.now, before=back.before))


@app.command(cls=Command)
def explain(
    number: Annotated[int, typer.Argument(help="Number of a run, from `anxin history`.")],
    figure: Annotated[str, typer.Argument(help="Item, or ITEM@BREAKDOWN=GROUP.")],
) -> None:
    """Walk a published figure back to its answers, weights and rules; private."""
    from flows.explain import explain as walk
    from flows.history import numbered
    from flows.job import Job

    entry = dict(numbered(workspace())).get(number)
    if entry is None or "artefacts" not in entry:
        raise UsageError(
            "There is no run of that number whose work is known",
            got="{number}",
            hint="`anxin history` shows the runs",
            number=number,
        )
    job = Job.plan(
        workspace(), entry["survey"], tuple(entry["waves"]), None, None, Path("public"), entry["overrides"], dry=True
    )
    for what, value in walk(job, entry, figure):
        show(f"{padded(word('explained', what), 22)} {plain(str(value))}")
