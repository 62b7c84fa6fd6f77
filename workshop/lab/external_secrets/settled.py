"""Whether the operator's processes are as its pods want them, as its service says by a file."""

import os

from workshop.lab import processes
from workshop.lab.home import Home

SERVICE = "external-secrets"


def say(home: Home, *, is_settled: bool) -> None:
    """By the service itself, after each pass."""
    path = home.processes / f"{SERVICE}.settled"
    if is_settled:
        path.write_text(f"{os.getpid()}\n")
    else:
        path.unlink(missing_ok=True)


def is_settled(home: Home) -> bool:
    """Whether the service that runs has said so; an earlier one's word does not count."""
    path = home.processes / f"{SERVICE}.settled"
    try:
        return int(path.read_text()) == processes.find(home, SERVICE)
    except (OSError, ValueError):
        return False
