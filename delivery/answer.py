"""Asks the engine something and takes what it prints."""

from __future__ import annotations

import subprocess
from pathlib import Path

from delivery.environment import REPOSITORY, DeliveryError, engine


def answer(arguments: list[str], environment: dict[str, str], *, folder: Path = REPOSITORY) -> str:
    """The engine's standard output; raises DeliveryError with its message when it fails."""
    result = subprocess.run(
        [engine(), *arguments, "--non-interactive"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        said = result.stderr.strip() or result.stdout.strip()
        raise DeliveryError(f"pulumi {arguments[0]} failed: {said}")
    return result.stdout
