"""docs/commands.md, written from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from typer._click import Command  # the base of every command and group

from operations.delivery.environment import REPOSITORY

FILE = REPOSITORY / "docs" / "commands.md"
_COLUMNS = 88
_INTRODUCTION = """# The commands

<!-- Written by `oceanid reference` from the commands themselves: change those, not this. -->

`make set-up` puts `oceanid` into `.venv/bin`; `source .venv/bin/activate` puts it on PATH, and
`oceanid --install-completion` lets the shell complete commands, options and stacks. A command acts
on the checkout that it was installed from, from any folder.

Unknown options, commands and stacks are errors that name the nearest one there is; so is an option
that is empty or given twice. What a command takes from the shell is in
[state.md](state.md#what-a-command-takes-from-the-shell).

| exit code | means |
| --- | --- |
| 0 | done |
| 1 | a check, a gate or the policies said no |
| 2 | the command could not run: wrong options, or something is missing, and the message says what |
| 130 | interrupted |
| other | the engine's own |
"""


def text() -> str:
    from operations.cli.app import app

    root = typer.main.get_command(app())
    parts = (f"\n## {name}\n\n```\n{shown}\n```\n" for name, shown in _help(root, "oceanid", None))
    return _INTRODUCTION + "".join(parts)


def _help(command: Command, name: str, parent: typer.Context | None) -> Iterator[tuple[str, str]]:
    context = typer.Context(command, info_name=name, parent=parent, terminal_width=_COLUMNS)
    yield context.command_path, command.get_help(context)
    for below, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from _help(inner, below, context)
