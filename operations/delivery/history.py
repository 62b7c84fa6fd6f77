"""What the engine itself has recorded of a stack's updates, in the stack's backend.

Each update leaves an entry with the commit it ran from, whether the work tree had changes, the
flags it was given and how it ended [pkg/cmd/pulumi/metadata, backend/updates.go of 3.246.0]. The
engine writes it, at the end of the update and with the new state; no command of its own changes
it. That makes it a better witness than a tag or a file, which say what somebody wrote.
"""

import json
from dataclasses import dataclass
from typing import Any

from operations.delivery.engine_output import NoStackError, run_pulumi

_PARTIAL = ("target", "target-replace", "exclude")
# Enough to find the last release among refreshes and failures.
_ENTRIES = 30


@dataclass(frozen=True, kw_only=True)
class Update:
    """One entry. `kind` is the engine's: update, refresh, destroy, import.

    `message` is what the update was given by --message, else its commit's title; `whole` is false
    when some resources were left out on purpose; `changed` counts those touched.
    """

    kind: str
    message: str
    succeeded: bool
    commit: str
    clean: bool
    under_policies: bool
    whole: bool
    started: str
    changed: int

    @property
    def is_release(self) -> bool:
        """Whether it put a commit in force: all of it, nothing but it, and its gates passed."""
        passed = self.kind == "update" and self.succeeded
        return passed and bool(self.commit) and self.clean and self.whole


def updates(stack: str, environment: dict[str, str]) -> list[Update]:
    """The stack's updates, the newest first. Raises OperationError when they cannot be read.

    An entry of another machine's stack can be read without the passphrase of that stack.
    """
    arguments = ["stack", "history", "--json", "--show-secrets=false"]
    arguments += ["--page-size", str(_ENTRIES), "--stack", stack]
    try:
        listed = run_pulumi(arguments, environment)
    except NoStackError:
        return []
    return [parse(entry) for entry in json.loads(listed or "[]") or []]


def parse(entry: dict[str, Any]) -> Update:
    environment = entry.get("environment") or {}
    changes = entry.get("resourceChanges") or {}
    return Update(
        kind=str(entry.get("kind", "")),
        message=str(entry.get("message", "")),
        succeeded=entry.get("result") == "succeeded",
        commit=str(environment.get("git.head", "")),
        clean=environment.get("git.dirty") == "false",
        under_policies=environment.get("pulumi.flag.policy-pack") == "set",
        whole=not any(f"pulumi.flag.{name}" in environment for name in _PARTIAL),
        started=str(entry.get("startTime", "")),
        changed=sum(count for what, count in changes.items() if what != "same"),
    )
