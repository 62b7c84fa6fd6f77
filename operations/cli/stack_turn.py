"""What comes before every command on a stack: refusals, and its turn."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from operations.delivery import stand_ins
from operations.delivery.alone import alone
from operations.delivery.environment import not_taken
from operations.errors import OperationError

# They take nothing of what the engine takes from the shell.
_WITHOUT_ENGINE = frozenset({"ci drift-issue"})


@contextmanager
def turn_of(command: str, stack: str) -> Iterator[None]:
    """Run the block as `command` on `stack`, in its turn where two of them must not run at once."""
    stand_ins.refuse(command, stack)
    with alone(command, stack):
        if command not in _WITHOUT_ENGINE and (line := _not_taken(stack)):
            print(f"oceanid: {line}", file=sys.stderr, flush=True)
        yield


def become(environment: Mapping[str, str]) -> None:
    """Make this process's environment the stack's: every client that is used reads it by itself."""
    os.environ.clear()
    os.environ.update(environment)


def _not_taken(stack: str) -> str | None:
    """What the shell exports in vain; a fault is for the command itself to report."""
    try:
        return not_taken(stack)
    except OperationError:
        return None
