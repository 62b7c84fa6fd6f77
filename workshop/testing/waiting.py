"""Waiting for what comes about by itself."""

import time
from collections.abc import Callable


def until(
    condition: Callable[[], object], what: str = "what is awaited", *, seconds: float = 180.0
) -> None:
    """Wait until the condition holds; AssertionError with what was awaited where it never does.

    Three minutes are many times what anything takes here, so it tells a hang from a busy machine.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.05)
