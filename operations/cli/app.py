"""`oceanid`: all its commands, and what becomes of their errors."""

import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import NoReturn

from operations.cli import outside, stack, state  # noqa: F401  each adds its commands
from operations.cli.commands import Commands
from operations.cli.root import oceanid
from operations.delivery.environment import REPOSITORY
from operations.errors import OperationError

# Groups that join from outside of the product, such as the lab's [pyproject.toml].
_JOINING = "oceanid.commands"


@cache
def app() -> Commands:
    for group in (*state.GROUPS, *outside.GROUPS):
        oceanid.add_typer(group)
    for point in entry_points(group=_JOINING):
        with suppress(ModuleNotFoundError):  # the product without the workshop
            oceanid.add_typer(point.load(), name=point.name)
    return oceanid


@oceanid.add("reference", example="oceanid reference", hidden=True)
def _reference() -> int:
    """Write docs/commands.md from the commands themselves."""
    from operations.cli import reference

    reference.FILE.write_text(reference.text())
    return 0


def main(arguments: list[str] | None = None) -> None:
    given = sys.argv[1:] if arguments is None else arguments
    try:
        _refuse_in_another_checkout()
        app()(args=given, prog_name="oceanid")
    except OperationError as error:
        print(f"oceanid: {error}", file=sys.stderr)
        _end(given, error.exit_code)
    except SystemExit as end:
        _end(given, end.code)


def _end(given: list[str], code: int | str | None) -> NoReturn:
    """End with the code; what a shell takes from `eval "$(oceanid env …)"` fails with it."""
    if code and given[:1] == ["env"]:
        print("false")
    sys.exit(code)


def _refuse_in_another_checkout() -> None:
    """A command acts on the checkout that it was installed from, and this could be another one."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "operations" / "cli" / "app.py").exists() and folder != REPOSITORY:
            raise OperationError(
                f"this is the checkout {folder}, and this command is of {REPOSITORY}: use "
                f"{folder / '.venv' / 'bin' / 'oceanid'} (`make set-up` makes it)"
            )
