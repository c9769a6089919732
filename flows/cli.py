"""The command line. Heavy libraries are imported by the commands that need them, so that `anxin --help` is quick."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows import cli_deploy, cli_runs
from flows.arguments import Exports, Languages, Out, Shown, Source, Survey, Wave, workspace
from flows.private import discreet
from flows.terminal import Command, Commands, exit_code, plain, say, show
from flows.words import padded, t, terminal_language, word
from survey.errors import UsageError

if TYPE_CHECKING:
    from flows.run import Line

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="From survey files to a report.",
)
app.add_typer(cli_runs.app)
app.add_typer(cli_deploy.app)


def main() -> None:
    """Run the command line."""
    with discreet():
        sys.exit(exit_code(app))


def _codes(lang: str | None) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in lang.split(",")) if lang else None


@app.command(cls=Command)
def run(
    survey: Survey,
    wave: Wave = None,
    all_waves: Annotated[bool, typer.Option("--all-waves", help="Publish every wave.")] = False,
    source: Source = None,
    lang: Languages = None,
    out: Out = Path("public"),
    prefect: Annotated[bool, typer.Option("--prefect", help="Run the stages as Prefect tasks.")] = False,
    override: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE in place of survey.yaml's, for this run only.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Make everything, publish nothing.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another run to end.")] = 0,
    engine: Annotated[str | None, typer.Option(help="dask: each wave on a worker of its own.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Dask scheduler; workers on this machine if left out.")] = None,
) -> None:
    """Publish the report of a survey's wave."""
    import os
    from datetime import UTC, datetime

    from flows import run as runs
    from flows.job import Job
    from survey.survey_yaml.overrides import parse_overrides

    if prefect and dry_run:
        raise UsageError(
            "A trial does not run through Prefect",
            hint="leave --prefect out: how a trial ended could tell who reads Prefect's pages something of a person",
        )
    waves = () if all_waves else None if wave is None else (wave,)
    overrides = parse_overrides(override or ())
    job = Job.plan(workspace(), survey, waves, _codes(lang), source, out, overrides, dry_run)
    driver: runs.Driver = runs.plain
    name = "plain"
    if prefect or ("PREFECT_API_URL" in os.environ and not dry_run):
        from flows.prefect_driver import prefect as through_prefect

        driver, name = through_prefect, "prefect"
    if engine is not None or scheduler is not None:
        from flows.across import across

        driver, name = across(engine, scheduler, name == "prefect"), f"{name}, dask"
    outcome = runs.run(job, driver, name, _tell, lambda: datetime.now(UTC), wait)
    for held, version in outcome.held.items():
        show(t("{wave} is held at {version}, to which it was rolled back.", wave=held, version=version))
    if outcome.fresh:
        show(t("Nothing changed since the last run."))
    elif dry_run:
        show(t("A trial: all was made, nothing was published."))
    else:
        newest, place = list(outcome.published.items())[-1]
        show("", f"[bold]{survey} {newest}[/]", *_headlines(place))
    for published, place in outcome.published.items():
        for language in job.languages:
            show(f"[green]{plain(str(place / f'{language}.html'))}[/]  ({survey}, {published}, {language})")


def _tell(line: Line) -> None:
    change = {"rows_in": f"{line.rows_in:>9,}", "rows_out": f"{line.rows_out:>9,}"}
    files = line.stage == "publication"
    rows = t("{rows_in} → {rows_out} files", **change) if files else t("{rows_in} → {rows_out} rows", **change)
    seconds = t("{seconds:6.2f} s", seconds=line.seconds)
    show(f"[dim]{line.wave:<8}[/] {padded(word('stage', line.stage), 12)} {padded(rows, 28)} {seconds}")


def _headlines(place: Path) -> Iterator[str]:
    """The headline figures in words, read back from what was published."""
    from flows.artifacts import headlines

    for row in headlines(place):
        share, se, low, high = (100 * float(row[name]) for name in ("estimate", "se", "ci_low", "ci_high"))
        figure = t(
            "{share:6.2f} %  (SE {se:.2f}, 95 % CI {low:.2f} to {high:.2f}, n {n:,.0f})",
            share=share,
            se=se,
            low=low,
            high=high,
            n=float(row["n"]),
        )
        yield f"  {row['item']:<26} {figure}"


@app.command(cls=Command)
def puf(
    survey: Survey,
    wave: Wave = None,
    source: Source = None,
    language: Annotated[
        str | None, typer.Option(help="Language of the SPSS labels; the survey's first when left out.")
    ] = None,
    out: Out = Path("public"),
) -> None:
    """Publish the public-use file of a wave's records, if they can be protected as survey.yaml demands."""
    from flows.job import Job
    from flows.puf import make
    from flows.run import Told

    spoken = None if language is None else (language,)
    job = Job.plan(workspace(), survey, None if wave is None else (wave,), spoken, source, out)
    place, facts = make(job, job.targets[0], job.languages[0], Told(_tell))
    kept, rules = facts["released"], facts["rules"]
    show(t("k {k} (demanded {least}), {records:,} records, {units} sampling units",
             k=kept["k"], least=rules["k"], records=facts["records"], units=facts["design"]["units"]))  # fmt: skip
    read = facts["weights"]["read"]
    if read["below"] == 0:
        show(t("k {k} for a reader who uses the weights as well", k=read["k"]))
    elif read["below"] is None:
        show(t("k {k}, with a few records below {least}, for a reader who uses the weights as well",
                 k=read["k"], least=rules["k"]))  # fmt: skip
    else:
        show(t("k {k}, with {below:,} records below {least}, for a reader who uses the weights as well",
                 k=read["k"], below=read["below"], least=rules["k"]))  # fmt: skip
    show(f"[green]{plain(str(place))}[/]  ({survey}, {job.targets[0]})")


@app.command(cls=Command)
def init(
    files: Annotated[list[Path], typer.Argument(help="Delivered files, a wave each.")],
    survey: Annotated[str | None, typer.Option(help="Name of the survey; from the first file when left out.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for survey.yaml; data/raw/NAME when left out.")] = None,
) -> None:
    """Draft survey.yaml from delivered files."""
    from flows.init import init as begin

    for text in begin(files, survey, out, Path("data/raw")):
        say(text)


@app.command(cls=Command)
def check(
    survey: Survey,
    wave: Wave = None,
    source: Source = None,
    problems: Annotated[Path | None, typer.Option(help="New CSV file for every problem, row by row; private.")] = None,
) -> None:
    """Look at survey.yaml and the delivered files, and publish nothing."""
    from flows.check import check as look
    from flows.job import Job

    waves = () if wave is None else (wave,)
    job = Job.plan(workspace(), survey, waves, None, source, Path("public"))
    for text in look(job, problems):
        say(text)


@app.command(cls=Command)
def diff(
    survey: Survey,
    one: Annotated[str, typer.Argument(help="A wave, or the path of a file.")],
    two: Annotated[str, typer.Argument(help="A wave, or the path of a file.")],
    source: Source = None,
) -> None:
    """Show what changed between two deliveries."""
    from rich.console import Console

    from flows.diff import diff as compare
    from flows.job import Job

    console = Console(highlight=False, emoji=False)
    for shown in compare(Job.plan(workspace(), survey, (), None, source, Path("public")), one, two):
        console.print(shown)


@app.command(cls=Command)
def forget(
    survey: Survey,
    wave: Annotated[str | None, typer.Argument(help="Wave to forget.")] = None,
    all_waves: Annotated[bool, typer.Option("--all-waves", help="Forget every wave.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Destroy a wave's key and all private work made of its answers; deliveries and reports stay."""
    from datetime import UTC, datetime

    from flows import forget as forgetting

    if (wave is None) != all_waves:
        raise UsageError(
            "It is not clear what to forget", expected="a wave, or --all-waves", got="both" if wave else ""
        )
    place = workspace()
    waves = forgetting.forgettable(place, survey, wave)
    asked = t("Forget {survey} {waves}? Nobody can undo it.", survey=survey, waves=", ".join(waves))
    if not yes and not typer.confirm(asked):
        raise typer.Abort
    done = forgetting.forget(place, survey, waves, datetime.now(UTC))
    say(t("Forgotten: {waves}; {count} artefacts erased.", waves=", ".join(done.waves), count=done.artefacts))
    if done.linked:
        others = ", ".join(done.linked)
        say(t("The key that links the waves stays until the last of them is forgotten: {others}", others=others))


@app.command("list", cls=Command)
def list_() -> None:
    """Show the surveys, their waves and what is published."""
    import os

    from survey.codebook import say as worded

    place = workspace()
    for survey in place.surveys():
        book = place.book(survey)
        title = worded(book.title, terminal_language(os.environ)) or next(iter(book.title.values()))
        say(f"{survey}  ({', '.join(book.languages)})  {title}")
        for wave, settings in book.waves.items():
            shown = t("published") if (Path("public") / survey / wave).exists() else "-"
            days = t("{start} to {end}", start=settings.fieldwork.start, end=settings.fieldwork.end)
            say(f"  {wave:<8} {days}  {padded(settings.file, 28)} {shown}")


def _published(survey: str, wave: str | None, out: Path) -> str:
    """The wave that is meant: the newest of those published when none is named."""
    book = workspace().book(survey)
    there = [name for name in book.waves if (out / survey / name).exists()]
    chosen = wave or (max(there, key=lambda name: book.waves[name].fieldwork.start) if there else "")
    if not chosen or chosen not in book.waves:
        raise _no_report(out / survey / chosen, survey)
    return chosen


def _no_report(page: Path, survey: str) -> UsageError:
    return UsageError("There is no such report", where="{page}", hint="`anxin run {s}` makes it", page=page, s=survey)


@app.command("open", cls=Command)
def open_(survey: Survey, wave: Wave = None, lang: Shown = None, out: Out = Path("public")) -> None:
    """Open the report of a wave in the browser."""
    import webbrowser

    book = workspace().book(survey)
    page = out / survey / _published(survey, wave, out) / f"{lang or book.languages[0]}.html"
    if not page.is_file():
        raise _no_report(page, survey)
    say(str(page))
    webbrowser.open(page.resolve().as_uri())


@app.command(cls=Command)
def pdf(
    survey: Survey,
    wave: Wave = None,
    lang: Languages = None,
    only: Annotated[
        str | None,
        typer.Option("--pages", help="Pages, such as report,changes,area-3; all of the wave's when left out."),
    ] = None,
    out: Out = Path("public"),
    to: Exports = Path("exports"),
) -> None:
    """Print the published pages of a wave as tagged PDFs, one each, through Chromium."""
    from flows.pdf import pages, write

    book = workspace().book(survey)
    chosen = _published(survey, wave, out)
    files: list[Path] = []
    for language in _codes(lang) or book.languages:
        page = out / survey / chosen / f"{language}.html"
        if not page.is_file():
            raise _no_report(page, survey)
        files += pages(page.parent, language, _codes(only))
    for place in write(files, book.waves[chosen].fieldwork.end, to / survey / chosen):
        say(str(place))


@app.command(cls=Command)
def charts(
    survey: Survey,
    wave: Wave = None,
    lang: Languages = None,
    form: Annotated[str, typer.Option("--format", help="svg, or png through Chromium.")] = "svg",
    source: Source = None,
    to: Exports = Path("exports"),
) -> None:
    """Save every chart of a wave's report as a picture of its own, for slides."""
    from flows.charts import write
    from flows.job import Job

    if form not in ("svg", "png"):
        raise UsageError("There is no such format of pictures", expected="svg, png", got="{form}", form=form)
    waves = None if wave is None else (wave,)
    job = Job.plan(workspace(), survey, waves, _codes(lang), source, Path("public"))
    for path in write(job, form, to):
        say(str(path))


@app.command(cls=Command)
def schema() -> None:
    """Print the JSON Schema of survey.yaml, for editors."""
    import json

    from survey.codebook import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command(cls=Command)
def simulate(
    seed: Annotated[int | None, typer.Option(help="Seed of the city; the shipped one when left out.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("data/raw/example-city"),
) -> None:
    """Write the deliveries of the fictional city."""
    from simulation.city import SEED
    from simulation.deliver import deliver

    delivery = deliver(out, SEED if seed is None else seed)
    for path in delivery.files:
        say(str(path))


if __name__ == "__main__":
    main()
