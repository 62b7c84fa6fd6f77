"""The commands' part of docs/commands.md, written from the commands themselves."""

from collections.abc import Iterator

import typer
from typer._click import Command  # the base of every command and group

from operations.delivery.environment import REPOSITORY

FILE = REPOSITORY / "docs" / "commands.md"
_COLUMNS = 88
# What follows is written from the commands; what stands before is written by hand.
_MARK = "<!-- commands -->\n"


def text() -> str:
    """The whole document, with the commands as they are."""
    from operations.cli.app import app

    root = typer.main.get_command(app())
    parts = (f"\n## {name}\n\n```\n{shown}\n```\n" for name, shown in _help(root, "oceanid", None))
    introduction, mark, _ = FILE.read_text().partition(_MARK)
    return "".join((introduction, mark, *parts))


def _help(command: Command, name: str, parent: typer.Context | None) -> Iterator[tuple[str, str]]:
    context = typer.Context(command, info_name=name, parent=parent, terminal_width=_COLUMNS)
    yield context.command_path, command.get_help(context)
    for below, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _help(inner, below, context)
