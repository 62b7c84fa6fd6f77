"""The preflight: the fleet is looked at before any resource is registered."""

from __future__ import annotations

import json
import os
import shlex
import sys
from typing import Any

import pulumi
import pulumi_command

# Exit codes of `python -m preflight` that come with results: none failed, one did, no answer.
_ANSWERS = (0, 1, 2)
# Set by `make rollback` and by a promotion that puts the last release back [delivery/rollback.py].
_ROLLBACK = "OCEANID_ROLLBACK"


def require_fit(settings: str, *, stop: bool) -> frozenset[str] | None:
    """Run the checks of `preflight/` with `settings`, the stack's own as one JSON object.

    What is found is a warning of the update; with `stop`, a check that failed ends the program, by
    pulumi.RunError with a line for each. A rollback is never stopped: the settings it goes back to
    may name a node that has died since, or a day too long ago. Gives the names of the API groups
    that the cluster serves, None where they cannot be seen.
    """
    command = shlex.join([sys.executable, "-m", "preflight", "--json", "--settings", "-"])
    answer = pulumi_command.local.run(
        # local.run takes any code but 0 for a failure of the command itself.
        command=f"{command} || [ $? -le {max(_ANSWERS)} ]",
        stdin=settings,
        logging=pulumi_command.local.Logging.NONE,
    )
    try:
        told = json.loads(answer.stdout)
        found, groups = told["results"], told["groups"]
    except (ValueError, KeyError):
        raise pulumi.RunError(
            "the preflight gave no results: `make preflight STACK=…` shows why; "
            "nothing has been changed"
        ) from None
    failed = [_line(each) for each in found if each["verdict"] == "fail"]
    for line in (_line(each) for each in found if each["verdict"] == "warn"):
        pulumi.log.warn(line)
    if failed and stop and not os.environ.get(_ROLLBACK):
        raise pulumi.RunError("\n".join([*failed, "nothing has been changed"]))
    for line in failed:
        pulumi.log.warn(line)
    return None if groups is None else frozenset(groups)


def _line(result: dict[str, Any]) -> str:
    remedy = f": {result['remedy']}" if result["remedy"] else ""
    return f"preflight {result['check']}: {result['where']}: {result['what']}{remedy}"
