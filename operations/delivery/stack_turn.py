"""What comes before every command on a stack: refusals, and its turn."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from operations.delivery import turn
from operations.delivery.environment import (
    LAB_STACK,
    RECORDS,
    REPOSITORY,
    engine,
    engine_environment,
    lab_folder,
    not_taken,
)
from operations.delivery.lab_only import REMEDY, not_of_a_lab
from operations.errors import OperationError

# The commands that call the stack's providers, and the one after which `pulumi` itself may call
# them. They change the lab's stack or rely on its staying as it is. The lab's own commands have the
# same lock. The others read state or ask the services directly.
ENGINE_COMMANDS = frozenset(
    {
        "destroy",
        "drift",
        "env",
        "plan",
        "preview",
        "promote",
        "refresh",
        "rollback",
        "secrets rotate",
        "up",
    }
)
# On a real stack what writes this checkout's records; the engine's own lock holds for the rest.
_WITH_RECORDS = frozenset({"preview", "plan", "drift"})
# They take nothing of what the engine takes from the shell.
_WITHOUT_ENGINE = frozenset({"ci drift-issue"})
_BUILT = REPOSITORY / ".toolchain" / "bin"


@contextmanager
def turn_of(command: str, stack: str) -> Iterator[None]:
    """Run the block as `command` on `stack`, in its turn where two of them must not run at once."""
    refuse_stand_ins(command, stack)
    with _alone(command, stack):
        # A fault is for the command itself to report.
        with suppress(OperationError):
            if command not in _WITHOUT_ENGINE and (line := not_taken(stack)):
                print(f"oceanid: {line}", file=sys.stderr, flush=True)
        yield


def refuse_stand_ins(command: str, stack: str) -> None:
    """Raise OperationError when `command` would run stand-ins on a stack that is not a lab's.

    The engine built here has stand-ins for the providers of Tailscale and Command. The providers
    refuse by themselves too (workshop/lab/plugins); this says so before anything starts.
    """
    if command not in ENGINE_COMMANDS or stack == LAB_STACK or Path(engine(stack)).parent != _BUILT:
        return
    why = not_of_a_lab(engine_environment())
    if why is not None:
        raise OperationError(
            f"stack {stack}: the engine in use was built here and has stand-ins for the providers "
            f"of Tailscale and Command, which are for the lab only, and this is not a lab: {why}. "
            f"Nothing has been changed. {REMEDY}"
        )


def become(environment: Mapping[str, str]) -> None:
    """Make this process's environment the stack's: every client that is used reads it by itself."""
    os.environ.clear()
    os.environ.update(environment)


def _alone(command: str, stack: str) -> AbstractContextManager[None]:
    """The lock of what the command works on, where it has to be alone; waits for it."""
    what = f"{command} of {stack}"
    # Without a lab the command is about to say so.
    if stack == LAB_STACK and command in ENGINE_COMMANDS and lab_folder().exists():
        return turn.taken(lab_folder() / "lock", "oceanid", what)
    if stack == LAB_STACK or command not in _WITH_RECORDS:
        return nullcontext()
    RECORDS.mkdir(mode=0o700, exist_ok=True)
    return turn.taken(RECORDS / f"lock-{stack}", "oceanid", what)
