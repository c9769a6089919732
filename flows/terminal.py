"""What the terminal shows around the commands: help in the reader's language, faults in a few lines, colour."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from flows.words import t, told
from survey.characters import visible
from survey.errors import AnxinError, UsageError

# What Typer refuses, by the name of its exception; it has no catalogue of its own.
MISUSE = {
    "BadOptionUsage": "The option {name} needs a value",
    "BadParameter": "The value of {name} is not of the right kind",
    "MissingParameter": "The argument {name} is missing",
    "NoSuchOption": "There is no option {name}",
}
# The few words that Typer puts around the help texts.
FURNITURE = (
    "Usage: ",
    "Arguments:",
    "Options:",
    "Commands:",
    "[required]",
    "[default: ",
    "Show this message and exit.",
)


class Command(TyperCommand):
    """A command whose help follows the language of the terminal."""

    def get_help(self, ctx: Any) -> str:
        """The help page."""
        _translate_help(self)
        return _furnished(super().get_help(ctx))


class Commands(TyperGroup):
    """The commands, their help and their names in the language of the terminal."""

    def get_help(self, ctx: Any) -> str:
        """The help page."""
        for command in (self, *self.commands.values()):
            _translate_help(command)
        return _furnished(super().get_help(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant.   Raises: UsageError: there is none of that name."""
        if args[0] not in self.commands:
            raise UsageError(
                "There is no command {name}",
                expected="one of {known}",
                hint="`anxin --help` explains the commands",
                name=args[0],
                known=", ".join(self.commands),
            )
        return super().resolve_command(ctx, args)


def _translate_help(command: Any) -> None:
    command.help = t(command.help)
    for param in command.params:
        param.help = t(param.help or "")


def _furnished(page: str) -> str:
    for text in FURNITURE:
        page = page.replace(text, t(text))
    return page


def exit_code(app: Callable[..., Any]) -> int:
    """Run the commands; a fault is told in a few lines and gives exit code 1 (data, gate) or 2 (usage, YAML)."""
    try:
        return int(app(standalone_mode=False) or 0)
    except typer.Abort:
        return 1
    except typer.TyperException as error:
        if not sys.argv[1:]:  # called without a word: the exception carries the help
            typer.echo(error.format_message(), err=True)
            return 2
        fault: AnxinError = _misuse(error)
    except AnxinError as error:
        fault = error
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # its text may hold an answer: told by type and place only
        fault = _fault_of_ours(error)
    title, *parts = told(fault)
    show(f"[bold red]{plain(title)}[/]", *map(plain, parts), stderr=True)
    return fault.exit_code


def _fault_of_ours(error: BaseException) -> AnxinError:
    from flows.run import unexpected

    return unexpected(error)


def _misuse(error: typer.TyperException) -> UsageError:
    """What Typer refuses in our own words."""
    title = MISUSE.get(type(error).__name__, "The command cannot be understood")
    named = getattr(error, "option_name", None) or getattr(getattr(error, "param", None), "name", None)
    return UsageError(
        title,
        got="" if title in MISUSE.values() else "{found}",
        hint="`{command} --help` explains the command",
        name=named,
        found=error.format_message(),
        command=" ".join(["anxin", *sys.argv[1:2]] if not sys.argv[1].startswith("-") else ["anxin"]),
    )


def show(*lines: str, stderr: bool = False) -> None:
    """Lines with Rich's marks, in colour where a terminal shows it, never folded; nothing else is obeyed."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, soft_wrap=True, emoji=False)
    for line in lines:
        console.print(visible(line))


def say(line: str) -> None:
    """One line as it is, except for what a terminal would obey or hide."""
    typer.echo(visible(line))


def plain(text: str) -> str:
    """Text whose square brackets are no marks of Rich's, and in which a terminal finds nothing to obey."""
    from rich.markup import escape

    return escape(visible(text))
