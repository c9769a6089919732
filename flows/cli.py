"""The command line. Heavy libraries are imported by the commands that need them, so that `anxin --help` is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from flows.run import Line
    from flows.workspace import Workspace

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="From survey files to a report.",
)

Survey = Annotated[str, typer.Argument(help="Name of a folder in data/raw.")]
Wave = Annotated[str | None, typer.Option(help="Wave to publish; the newest when left out.")]
Source = Annotated[Path | None, typer.Option(help="Folder of the delivered files, when not beside survey.yaml.")]


def main() -> None:
    """Run the command line; a fault is told in a few lines and gives exit code 1 (data, gate) or 2 (usage, YAML)."""
    from survey.errors import AnxinError

    try:
        app()
    except AnxinError as error:
        title, *parts = error.describe().split("\n")
        _print(f"[bold red]{_plain(title)}[/]", *map(_plain, parts), stderr=True)
        sys.exit(error.exit_code)


def _print(*lines: str, stderr: bool = False) -> None:
    """Lines with Rich's marks, in colour where a terminal shows it, never folded."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(line)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _workspace() -> Workspace:
    from flows.workspace import Workspace

    return Workspace(Path.cwd())


@app.command()
def run(
    survey: Survey,
    wave: Wave = None,
    all_waves: Annotated[bool, typer.Option("--all-waves", help="Publish every wave.")] = False,
    source: Source = None,
    lang: Annotated[
        str | None, typer.Option(help="Languages, such as zh,en; all of the survey's when left out.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the publications.")] = Path("public"),
    prefect: Annotated[bool, typer.Option("--prefect", help="Run the stages as Prefect tasks.")] = False,
) -> None:
    """Publish the report of a survey's wave."""
    import os
    from datetime import UTC, datetime

    from flows import run as runs
    from flows.job import Job

    waves = () if all_waves else None if wave is None else (wave,)
    languages = tuple(part.strip() for part in lang.split(",")) if lang else None
    job = Job.plan(_workspace(), survey, waves, languages, source, out)
    driver, name = runs.plain, "plain"
    if prefect or "PREFECT_API_URL" in os.environ:
        from flows.prefect_driver import prefect as driver

        name = "prefect"
    outcome = runs.run(job, driver, name, _tell, lambda: datetime.now(UTC))
    if outcome.fresh:
        _print("Nothing changed since the last run.")
    else:
        newest = list(outcome.published)[-1]
        _print("", f"[bold]{survey} {newest}[/]", *outcome.headlines)
    for published, place in outcome.published.items():
        for language in job.languages:
            _print(f"[green]{_plain(str(place / f'{language}.html'))}[/]  ({survey}, {published}, {language})")


def _tell(line: Line) -> None:
    rows = f"{line.rows_in:>9,} → {line.rows_out:>9,} {'files' if line.stage == 'publication' else 'rows'}"
    _print(f"[dim]{line.wave:<8}[/] {line.stage:<12} {rows:<28} {line.seconds:6.2f} s")


@app.command()
def check(survey: Survey, wave: Wave = None, source: Source = None) -> None:
    """Look at survey.yaml and the delivered files, and write nothing."""
    from flows.check import check as look
    from flows.job import Job

    waves = () if wave is None else (wave,)
    job = Job.plan(_workspace(), survey, waves, None, source, Path("public"))
    for text in look(job):
        typer.echo(text)


@app.command("list")
def list_() -> None:
    """Show the surveys, their waves and what is published."""
    workspace = _workspace()
    for survey in workspace.surveys():
        book = workspace.book(survey)
        typer.echo(f"{survey}  ({', '.join(book.languages)})  {next(iter(book.title.values()))}")
        for wave, settings in book.waves.items():
            shown = "published" if (Path("public") / survey / wave).exists() else "-"
            typer.echo(
                f"  {wave:<8} {settings.fieldwork.start} to {settings.fieldwork.end}  {settings.file:<28} {shown}"
            )


@app.command("open")
def open_(survey: Survey, wave: Wave = None, lang: str | None = None, out: Path = Path("public")) -> None:
    """Open the report of a wave in the browser."""
    import webbrowser

    from survey.errors import UsageError

    book = _workspace().book(survey)
    published = [name for name in book.waves if (out / survey / name).exists()]
    chosen = wave or (max(published, key=lambda name: book.waves[name].fieldwork.start) if published else "")
    page = out / survey / chosen / f"{lang or book.languages[0]}.html"
    if not chosen or not page.is_file():
        raise UsageError(
            "There is no such report", where="{page}", hint="`anxin run {s}` makes it", page=page, s=survey
        )
    typer.echo(str(page))
    webbrowser.open(page.resolve().as_uri())


@app.command()
def schema() -> None:
    """Print the JSON Schema of survey.yaml, for editors."""
    import json

    from survey.codebook import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command()
def simulate(
    seed: Annotated[int | None, typer.Option(help="Seed of the city; the shipped one when left out.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("data/raw/example-city"),
) -> None:
    """Write the deliveries of the fictional city."""
    from simulation.city import SEED
    from simulation.deliver import deliver

    delivery = deliver(out, SEED if seed is None else seed)
    for path in delivery.files:
        typer.echo(str(path))


if __name__ == "__main__":
    main()
