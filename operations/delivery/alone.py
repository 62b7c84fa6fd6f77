"""Which commands do not run beside others in this checkout or on this lab."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from delivery import turn
from delivery.environment import LAB_STACK, RECORDS, lab_folder

# What changes the lab's stack or relies on its staying as it is; `python -m lab` has the same lock.
_ON_LAB = frozenset(
    {
        "preview",
        "up",
        "refresh",
        "destroy",
        "rollback",
        "rotate-token",
        "plan",
        "promote",
        "drift",
        "env",
    }
)
# On a real stack what writes this checkout's records; the engine's own lock holds for the rest.
_ON_OTHERS = frozenset({"preview", "plan", "drift"})


def alone(command: str, stack: str) -> AbstractContextManager[None]:
    """The lock of what the command works on, where it has to be alone; waits for it."""
    what = f"{command} of {stack}"
    if stack == LAB_STACK:
        # Without a lab the command is about to say so.
        if command not in _ON_LAB or not lab_folder().exists():
            return nullcontext()
        return turn.taken(lab_folder() / "lock", "delivery", what)
    if command not in _ON_OTHERS:
        return nullcontext()
    RECORDS.mkdir(mode=0o700, exist_ok=True)
    return turn.taken(RECORDS / f"lock-{stack}", "delivery", what)
