"""The stack's state as the engine exports it: secrets in it are encrypted and are not decrypted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from provider_plugin import urn
from report.moment import parsed

_REPOSITORY = Path(__file__).resolve().parent.parent
_KUBERNETES = "kubernetes:"
# Encrypted in the state: it would be judged as what it is not.
_ENCRYPTED = ("data", "stringData")


class ReportError(Exception):
    """The report cannot be made; the text is one line that says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of the state: its type, its name in the program, its outputs, its times."""

    type: str
    name: str
    outputs: dict[str, Any]
    created: datetime | None
    modified: datetime | None

    @classmethod
    def of(cls, document: dict[str, Any]) -> Resource:
        """From an entry of the export."""
        return cls(
            type=document["type"],
            name=urn.parsed(document["urn"]).name,
            outputs=document.get("outputs") or {},
            created=parsed(document.get("created")),
            modified=parsed(document.get("modified")),
        )


@dataclass(frozen=True, kw_only=True)
class State:
    """All resources, and when the engine last wrote them; None for a stack never deployed."""

    resources: tuple[Resource, ...]
    written: datetime | None

    @classmethod
    def of(cls, export: dict[str, Any]) -> State:
        """From what `pulumi stack export` gives."""
        deployment = export.get("deployment") or {}
        resources = deployment.get("resources") or []
        written = parsed((deployment.get("manifest") or {}).get("time")) if resources else None
        return cls(resources=tuple(map(Resource.of, resources)), written=written)

    def of_type(self, *types: str) -> Iterator[Resource]:
        """The resources of these types."""
        return (each for each in self.resources if each.type in types)

    @property
    def outputs(self) -> dict[str, Any]:
        """The stack's own outputs."""
        stack = next(self.of_type("pulumi:pulumi:Stack"), None)
        return stack.outputs if stack else {}

    def manifests(self) -> Iterator[dict[str, Any]]:
        """What the stack has applied to the cluster; Secrets without what they hold."""
        for resource in self.resources:
            inputs = resource.outputs.get("__inputs")
            if not resource.type.startswith(_KUBERNETES) or not isinstance(inputs, dict):
                continue
            is_secret = inputs.get("kind") == "Secret"
            left_out = _ENCRYPTED if is_secret else ()
            yield {key: value for key, value in inputs.items() if key not in left_out}


def exported(stack: str) -> State:
    """The state of `stack`; raises ReportError."""
    command = [sys.executable, "-m", "delivery", "export", "--stack", stack]
    answer = subprocess.run(command, cwd=_REPOSITORY, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        said = [line for line in answer.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise ReportError(f"the state of {stack} cannot be read: {' '.join(said)[:600]}")
    # The command may say something before it, of a lock it has released.
    return State.of(json.loads(answer.stdout[answer.stdout.index("{") :]))
