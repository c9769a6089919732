"""Commands around the schedule: deployments for a work pool, a web server for the reports, all of it for a look."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.arguments import Out, workspace
from flows.terminal import Command, say
from flows.words import t

app = typer.Typer()
Scheduled = Annotated[list[str] | None, typer.Argument(help="Surveys; all that have a schedule when left out.")]


@app.command(cls=Command)
def deployments(surveys: Scheduled = None) -> None:
    """Print prefect.yaml: the schedules of the surveys as deployments for a work pool."""
    import os

    from flows.prefect_driver import environment

    place = os.environ.get("PREFECT_HOME") or workspace().work / "prefect"
    for name, value in environment(Path(place)).items():
        os.environ.setdefault(name, value)
    from flows.deploy import prefect_yaml
    from flows.night import deployments

    typer.echo(prefect_yaml(deployments(workspace(), tuple(surveys or ()))), nl=False)


@app.command(cls=Command)
def site(
    out: Out = Path("public"),
    host: Annotated[str, typer.Option(help="Address to listen at; this machine alone when left out.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0 for any that is free.")] = 8080,
) -> None:
    """Serve the published reports over HTTP, until stopped."""
    from flows.site import site as serve

    with serve(out, host, port) as pages:
        say(t("The reports: {address}", address=f"http://{host}:{pages.server_address[1]}/"))
        try:
            pages.serve_forever()
        except KeyboardInterrupt:
            say(t("All is stopped."))


@app.command(cls=Command)
def demo(
    survey: Annotated[str, typer.Argument(help="Name of a folder in data/raw.")] = "example-city",
) -> None:
    """Publish a survey through a Prefect server and a worker of its own, and show both, until Ctrl-C."""
    from flows.demo import demo as begin

    begin(workspace(), survey, say)
