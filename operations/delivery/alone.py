"""Which commands do not run next to others in this checkout or on this lab."""

from contextlib import AbstractContextManager, nullcontext

from operations.delivery import turn
from operations.delivery.environment import LAB_STACK, RECORDS, lab_folder

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
_ON_OTHERS = frozenset({"preview", "plan", "drift"})


def alone(command: str, stack: str) -> AbstractContextManager[None]:
    """The lock of what the command works on, where it has to be alone; waits for it."""
    what = f"{command} of {stack}"
    # Without a lab the command is about to say so.
    if stack == LAB_STACK and command in ENGINE_COMMANDS and lab_folder().exists():
        return turn.taken(lab_folder() / "lock", "oceanid", what)
    if stack == LAB_STACK or command not in _ON_OTHERS:
        return nullcontext()
    RECORDS.mkdir(mode=0o700, exist_ok=True)
    return turn.taken(RECORDS / f"lock-{stack}", "oceanid", what)
