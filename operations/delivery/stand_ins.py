"""No engine with stand-in providers starts on a real fleet."""

from pathlib import Path

from operations.delivery.alone import ENGINE_COMMANDS
from operations.delivery.environment import (
    LAB_STACK,
    REPOSITORY,
    engine,
    engine_environment,
)
from operations.errors import OperationError
from providers.plugin.lab_only import REMEDY, not_of_a_lab

_BUILT = REPOSITORY / ".toolchain" / "bin"


def refuse(command: str, stack: str) -> None:
    """Raise OperationError when `command` would run stand-ins on a stack that is not a lab's.

    The engine built here has stand-ins for the providers of Tailscale and Command. The providers
    refuse by themselves too (workshop/lab/plugins); this says so before anything starts.
    """
    if command not in ENGINE_COMMANDS or stack == LAB_STACK:
        return
    if Path(engine(stack)).parent != _BUILT:
        return
    why = not_of_a_lab(engine_environment())
    if why is not None:
        raise OperationError(
            f"stack {stack}: the engine in use was built here and has stand-ins for the providers "
            f"of Tailscale and Command, which are for the lab only, and this is not a lab: {why}. "
            f"Nothing has been changed. {REMEDY}"
        )
