"""`oceanid lab …`: the lab's commands, which join the product's [pyproject.toml]."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from operations.cli.commands import Commands
from workshop.lab.home import REPOSITORY, Home, LabError
from workshop.lab.node_kind import NodeKind

_Nodes = Annotated[
    NodeKind | None,
    typer.Option(
        envvar="OCEANID_NODES",
        help="What the nodes are, until `oceanid lab clean`; real where the machine can hold them.",
    ),
]

app = Commands("The local lab: a cluster and stand-ins.", example="oceanid lab status")


@app.add("up", example="oceanid lab up")
def _up(nodes: _Nodes = None) -> int:
    """Build what the lab needs, once for this machine, and start it."""
    from workshop.lab import running
    from workshop.lab.node import requirement
    from workshop.lab.node_kind import choose
    from workshop.toolchain.__main__ import main as build

    def start(home: Home) -> int:
        kind, reason = choose(home, nodes, requirement.missing)
        if reason is not None:
            print(f"lab: the nodes are simulated: {reason}", flush=True)
        return build(real_nodes=kind is NodeKind.REAL) or running.up(home, kind)

    return _run("up", start)


@app.add("add-node", example="oceanid lab add-node naiad")
def _add_node(
    name: Annotated[str, typer.Argument(help="naiad or triton.", show_default=False)],
) -> int:
    """Have one more node join the lab, which runs. It stays through `lab down` and `lab up`."""
    from workshop.lab import running

    return _run("add-node", lambda home: running.add_node(home, name))


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


@app.add("replay-outage", example="oceanid lab replay-outage")
def _replay_outage() -> int:
    """Show the outage of 13 October 2025 on real nodes, and what prevents it now.

    A lab of its own loses two of its three nodes to the operators' DaemonSet; the policies refuse
    the same DaemonSet; the runbook brings the nodes back. Exit code 0 if all of that was seen.
    """
    from workshop.lab.node import requirement
    from workshop.lab.outage.replay import replay
    from workshop.toolchain.__main__ import main as build

    def start(home: Home) -> int:
        if reason := requirement.missing():
            raise LabError(f"the outage takes real nodes: {reason}")
        return build(real_nodes=True) or replay(Home(path=home.path / "outage"))

    return _run("replay-outage", start)


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
