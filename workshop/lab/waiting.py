"""Waiting for what the lab's processes do by themselves."""

import time
from collections.abc import Callable

from workshop.lab.home import LabError


def until(condition: Callable[[], bool], failure: str, *, seconds: float = 30.0) -> None:
    """Wait until the condition holds; LabError with `failure` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise LabError(failure)
        time.sleep(0.1)
