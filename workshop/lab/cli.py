"""`oceanid lab …`: the lab's commands, which join the product's [pyproject.toml]."""

import sys
from collections.abc import Callable

from operations.cli.commands import Commands
from workshop.lab.home import REPOSITORY, Home, LabError

app = Commands("The local lab: a cluster and stand-ins.", example="oceanid lab status")


@app.add("up", example="oceanid lab up")
def _up() -> int:
    """Build what the lab needs, once for this machine, and start it."""
    from workshop.lab import running
    from workshop.toolchain.__main__ import main as build

    return _run("up", lambda home: build() or running.up(home))


@app.add("down", example="oceanid lab down")
def _down() -> int:
    """End what `lab up` started. Its data stays."""
    from workshop.lab import running

    return _run("down", running.down)


@app.add("status", example="oceanid lab status")
def _status() -> int:
    """Show what runs, and what runs where. Exit code 1 when something is missing."""
    from workshop.lab import running

    return _run("status", running.status)


@app.add("clean", example="oceanid lab clean")
def _clean() -> int:
    """End the lab of this checkout and remove what was made. The user's cache of programs stays."""
    from workshop.lab import running

    return _run("clean", running.clean)


def _run(name: str, command: Callable[[Home], int]) -> int:
    """The command's exit code; 1 after one line that says what to do."""
    import httpx

    from operations.delivery import turn

    home = Home(path=REPOSITORY / ".lab") if name == "clean" else Home.default()
    home.make()
    try:
        if name == "status":
            return command(home)
        # One command at a time on a lab and on the stack in it [operations/delivery/stack_turn.py].
        with turn.taken(home.path / "lock", "lab", f"lab {name}"):
            return command(home)
    except KeyboardInterrupt:
        print(f"\nlab: {name} was interrupted: run it again", file=sys.stderr)
        return 130
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
    except httpx.HTTPError as error:
        print(
            f"lab: the API server does not answer ({error}): run `oceanid lab up`", file=sys.stderr
        )
    return 1
