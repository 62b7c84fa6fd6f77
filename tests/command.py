"""Command lines of `oceanid`, judged as the command itself would, and not run."""

import typer
from typer._click import Command  # the base of every command and group
from typer._click.exceptions import UsageError

from operations.cli.app import app


def why_not_a_command(arguments: list[str]) -> str | None:
    """What is wrong with the words behind `oceanid`, or None when they would run something."""
    try:
        command, left = _found(arguments)
        command.make_context("oceanid", left)
    except UsageError as error:
        return error.format_message()
    return None


def unknown_words(arguments: list[str]) -> list[str]:
    """Those behind `oceanid`, in a sentence, that are no command and no option of it."""
    try:
        command, left = _found(arguments)
    except UsageError as error:
        return [error.format_message()]
    known = {name for option in command.params for name in option.opts} | {"--help"}
    return [word for word in left if word.startswith("--") and word not in known]


def _found(arguments: list[str]) -> tuple[Command, list[str]]:
    """The command that the first words lead to, and the words behind them."""
    command, left = typer.main.get_command(app()), list(arguments)
    while commands := getattr(command, "commands", None):
        if left and left[0].startswith("--"):
            break
        if not left:
            break
        word = left.pop(0)
        if word not in commands:
            raise UsageError(f"no command: {' '.join(arguments)}")
        command = commands[word]
    return command, left
