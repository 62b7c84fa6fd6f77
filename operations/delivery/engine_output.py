"""What the engine prints, for programs.

Why not by `pulumi.automation`: docs/adr/0017-engine-by-its-command-line.md.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from operations.delivery.environment import REPOSITORY, engine_of
from operations.errors import OperationError


class NoStackError(OperationError):
    """The backend has no such stack."""


def run_pulumi(
    arguments: list[str], environment: dict[str, str], *, folder: Path = REPOSITORY
) -> str:
    """The engine's standard output; raises OperationError with its message when it fails."""
    result = subprocess.run(
        [engine_of(environment), *arguments, "--non-interactive"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        message = result.stderr.strip() or result.stdout.strip()
        kind = NoStackError if "no stack named" in message else OperationError
        raise kind(f"pulumi {arguments[0]} failed: {message}")
    return result.stdout


def deployment(
    stack: str, environment: dict[str, str], *, folder: Path = REPOSITORY
) -> dict[str, Any]:
    """The stack's state as it is kept, secrets encrypted; raises OperationError."""
    exported = run_pulumi(["stack", "export", "--stack", stack], environment, folder=folder)
    return json.loads(exported).get("deployment") or {}
