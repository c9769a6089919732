"""Arguments that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from flows.workspace import Workspace

Survey = Annotated[str, typer.Argument(help="Name of a folder in data/raw.")]
Wave = Annotated[str | None, typer.Option(help="Wave to publish; the newest when left out.")]
Source = Annotated[Path | None, typer.Option(help="Folder of the delivered files, when not beside survey.yaml.")]
Out = Annotated[Path, typer.Option(help="Folder of the publications.")]
Languages = Annotated[str | None, typer.Option(help="Languages, such as zh,en; all of the survey's when left out.")]
Exports = Annotated[Path, typer.Option(help="Folder for the files.")]
Shown = Annotated[str | None, typer.Option(help="Language of the page; the survey's first when left out.")]


def workspace() -> Workspace:
    """The workspace that a command is called in."""
    from flows.workspace import Workspace

    return Workspace(Path.cwd())
