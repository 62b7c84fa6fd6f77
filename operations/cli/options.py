"""The options that several commands take, each defined once."""

from difflib import get_close_matches
from typing import Annotated

import typer


def known_stack(name: str | None) -> str | None:
    """The name; for one that no file has, nothing may begin."""
    from operations.delivery.environment import stacks

    if name is None or name in stacks():
        return name
    nearest = get_close_matches(name, stacks(), 1)
    meant = f"did you mean {nearest[0]}? Use" if nearest else "use"
    raise typer.BadParameter(
        f"there is no Pulumi.{name}.yaml: {meant} one of {', '.join(stacks())}, or write that file"
    )


def _completed(incomplete: str) -> list[str]:
    from operations.delivery.environment import stacks

    return [stack for stack in stacks() if stack.startswith(incomplete)]


Stack = Annotated[
    str,
    typer.Option(
        "--stack",
        metavar="STACK",
        callback=known_stack,
        autocompletion=_completed,
        help="Which stack: NAME of a Pulumi.NAME.yaml.",
    ),
]
Source = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="STACK",
        callback=known_stack,
        autocompletion=_completed,
        help="The stack that must be green at this commit.",
    ),
]
ExpectNoChanges = Annotated[
    bool, typer.Option("--expect-no-changes", help="Fail where something would change.")
]
