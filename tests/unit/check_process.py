"""The gate's program as the process it is in a pod, and what it said."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.testing.checkout import completed

NODE = "calypso"
PROGRAM = Path(__file__).resolve().parents[2] / "components" / "egress" / "gate_program"


@dataclass(frozen=True)
class Outcome:
    """Exit code, one entry for each JSON line in their order, termination message, errors."""

    code: int
    checks: dict[str, dict[str, Any]]
    message: str
    errors: str

    @property
    def failing(self) -> list[str]:
        return [name for name, check in self.checks.items() if not check["ok"]]


def measured(
    folder: Path, *checks: dict[str, Any], settle: float = 0.1, attempt: float = 2
) -> Outcome:
    document = {"settleSeconds": settle, "attemptSeconds": attempt, "checks": list(checks)}
    return judged(folder, json.dumps(document))


def judged(
    folder: Path, document: str, termination_log: Path | None = None, *, runs_on: str | None = NODE
) -> Outcome:
    """Run the program with this text as its document, for NODE, on the node `runs_on`."""
    path, message = folder / "checks.json", termination_log or folder / "termination-log"
    path.write_text(document)
    environment = {**os.environ, "TERMINATION_LOG": str(message)}
    if runs_on is not None:
        environment["NODE_NAME"] = runs_on
    command = (sys.executable, "-I", str(PROGRAM), str(path), NODE)
    run = completed(*command, environment=environment)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return Outcome(
        code=run.returncode,
        checks={line["name"]: line for line in lines},
        message=message.read_text() if message.is_file() else "",
        errors=run.stderr,
    )
