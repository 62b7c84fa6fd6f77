"""No engine with stand-in providers starts on a real fleet."""

from __future__ import annotations

from pathlib import Path

from delivery.environment import (
    LAB_STACK,
    REPOSITORY,
    DeliveryError,
    engine,
    engine_environment,
)
from provider_plugin.lab_only import REMEDY, not_of_a_lab

# The commands that call the stack's providers, and the one after which `pulumi` itself may call
# them. The others read state or ask the services directly.
_COMMANDS = frozenset(
    {
        "destroy",
        "drift",
        "env",
        "plan",
        "preview",
        "promote",
        "refresh",
        "rollback",
        "rotate-token",
        "up",
    }
)
_BUILT = REPOSITORY / ".toolchain" / "bin"


def refuse(command: str, stack: str) -> None:
    """Raise DeliveryError when `command` would run stand-ins on a stack that is not a lab's.

    The engine built here has stand-ins for the providers of Tailscale and Command. The providers
    refuse by themselves too (lab/plugins); this says so before anything starts.
    """
    if command not in _COMMANDS or stack == LAB_STACK:
        return
    if Path(engine()).parent != _BUILT:
        return
    why = not_of_a_lab(engine_environment())
    if why is not None:
        raise DeliveryError(
            f"STACK={stack}: the engine in use was built here and has stand-ins for the providers "
            f"of Tailscale and Command, which are for the lab only, and this is not a lab: {why}. "
            f"Nothing has been changed. {REMEDY}"
        )
